"""Each refusal and each table of the simulated cmdlets, and each rule by which a host decides about flows, names the document
that it is from, or is listed as open."""

import ast
import io
import re
import textwrap
import tokenize
from collections.abc import Iterator
from importlib import resources

import pytest
from lab_cases import lab_cases

from ringfence.lab.netsecurity.open_behaviours import OPEN_BEHAVIOURS
from ringfence.lab.netsecurity.parameter_binding import cmdlets

MODULES = {file.name: file.read_text("utf-8") for file in resources.files("ringfence.lab.netsecurity").iterdir()
           if file.name.endswith(".py")}
SOURCE = re.compile(
    r"PowerShell/PowerShell,\s+\w+\.cs|MS-(FASP|GPFAS|ERREF)\W? \d|FW_RULE_STATUS|KB\d{6}|TechNet cc\d+|about_\w+|MSFT_Net\w+"
    r"|(New|Set|Get|Remove|Copy|Rename|Open)-Net\w+, -[A-Z]\w+|Manifest of the provider|open: [\w-]+")
REFUSES = re.compile(r"raise (?!.*(from None|ValueError))|refuse_first\(|bounded\(")
NOT_OF_WINDOWS = {"refuse_first", "_VERBS"}  # how tables are applied


def passages(text: str) -> Iterator[tuple[str, str]]:
    """(name, text with the comment above) of each function that refuses and each table of a module.

    A function within a function is part of the outer one, which names the document."""
    lines = text.splitlines()
    top = ast.parse(text).body
    for node in [*top, *(part for one in top if isinstance(one, ast.ClassDef) for part in one.body)]:
        if isinstance(node, ast.FunctionDef):
            name = node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Dict | ast.Tuple | ast.Set):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            name = target.id if isinstance(target, ast.Name) and node.col_offset == 0 and target.id.isupper() else ""
        else:
            continue
        first = node.lineno - 1
        while first and lines[first - 1].lstrip().startswith(("#", "@")):
            first -= 1
        passage = "\n".join(lines[first:node.end_lineno])
        if name and name not in NOT_OF_WINDOWS and (not isinstance(node, ast.FunctionDef) or REFUSES.search(passage)):
            yield name, passage


def told(passage: str) -> str:
    """The comments and the texts about functions in a passage: what stands in its code names no document."""
    text = textwrap.dedent(passage)
    comments = [token.string for token in tokenize.generate_tokens(io.StringIO(text).readline) if token.type == tokenize.COMMENT]
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    return "\n".join([*comments, *(ast.get_docstring(one) or "" for one in functions)])


ALL = [pytest.param(passage, id=f"{module}: {name}") for module, text in MODULES.items() if module != "open_behaviours.py"
       for name, passage in passages(text)]


@pytest.mark.parametrize("passage", ALL)
def test_it_names_its_document(passage: str) -> None:
    assert SOURCE.search(told(passage))


PAGES = re.compile(r"((?:New|Set|Get|Remove|Copy|Rename|Open)-Net\w+)((?:,\s+-[A-Z]\w+)+)")


def test_the_pages_have_these_parameters() -> None:
    """"CMDLET, -Parameter" is a section of a page. (Of cmdlets that the lab plays their pages are at hand.)"""
    said = {(cmdlet, parameter) for text in MODULES.values()
            for cmdlet, listed in PAGES.findall(re.sub(r"\n\s*# ", " ", text)) for parameter in re.findall(r"-(\w+)", listed)}
    pages = {name: cmdlet["parameters"] for name, cmdlet in cmdlets().items()}
    at_hand = {(cmdlet, parameter) for cmdlet, parameter in said if cmdlet.lower() in pages}
    assert {(cmdlet, parameter) for cmdlet, parameter in at_hand if parameter not in pages[cmdlet.lower()]} == set()
    assert len(at_hand) > 40


DECIDING = {name: (resources.files("ringfence.lab.enforcement") / f"{name}.py").read_text("utf-8") for name in (
    "account_lists", "address_conditions", "connection_security", "flow_decision", "policy_in_force", "port_conditions",
    "profile_policy", "rule_conditions")}
SOURCE_OF_FLOWS = re.compile(
    rf'{SOURCE.pattern}|\[?MS-(GPFAS|DTYP|IKEE)\]? \d|RFC \d+|TechNet|Microsoft, "|[Ss]een in WFP states|INetFw\w+|netfw\.h')
NO_RULES = {  # how answers are put together, and what Python asks
    "match", "_all_tests", "decides", "_match", "_one_matches", "_between", "is_near", "_is_server", "cover", "covers", "_is",
    "_entries", "__bool__", "has_main_mode_policy"}


def decisions(text: str) -> Iterator[tuple[str, str]]:
    """(name, text) of each function of a module that answers whether something holds. What is within one is part of it."""
    lines, top = text.splitlines(), ast.parse(text).body
    for node in [*top, *(part for one in top if isinstance(one, ast.ClassDef) for part in one.body)]:
        if isinstance(node, ast.FunctionDef) and node.returns and re.search("bool|Test", ast.unparse(node.returns)):
            yield node.name, "\n".join(lines[node.lineno - 1:node.end_lineno])


RULES_OF_DECISIONS = [pytest.param(passage, id=f"{module}: {name}") for module, text in DECIDING.items()
                      for name, passage in decisions(text) if name not in NO_RULES]


@pytest.mark.parametrize("passage", RULES_OF_DECISIONS)
def test_a_rule_of_a_decision_names_its_document(passage: str) -> None:
    assert SOURCE_OF_FLOWS.search(told(passage))


def test_there_is_something_to_look_at() -> None:
    assert len(ALL) > 110
    assert len(RULES_OF_DECISIONS) > 30
    assert {name for text in DECIDING.values() for name, _ in decisions(text)} >= NO_RULES
    assert not SOURCE_OF_FLOWS.search('def _of_day(listed):\n    """Whether it is Sunday."""')
    assert not SOURCE.search("# New-NetFirewallRule")  # which of its parameters says so?
    assert SOURCE.search("# New-NetFirewallRule, -Protocol")
    assert not SOURCE.search(told('def refuse(value):\n    raise not_found("MSFT_NetFirewallRule", "Name", value)'))
    assert not SOURCE.search('def refuse(value):\n    """Refuses it."""\n    raise rule_error(0x00100000)')


OF_WINDOWS = [file.read_text("utf-8") for room in ("command_prompt", "machine")
              for file in resources.files(f"ringfence.lab.{room}").iterdir() if file.name.endswith(".py")]


def test_what_is_open_is_marked_and_what_is_marked_is_listed() -> None:
    marks = [line.partition("open: ")[2] for text in [*MODULES.values(), *OF_WINDOWS] for line in text.splitlines()
             if line.lstrip().startswith("# ") and "open: " in line]
    of_flows = {id for text in DECIDING.values() for mark in re.findall(r"\bopen:\s+([\w-]+(?:,\s+[\w-]+)*)", text)
                for id in re.split(r",\s+", mark)}
    assert of_flows == OF_FLOWS
    assert {id for mark in marks for id in re.split(r", ", mark.strip(" ."))} | of_flows == set(OPEN_BEHAVIOURS)


OF_FLOWS = {"local-subnet", "internet", "rule-owner", "rules-and-packages", "secured-rule-and-clear-traffic", "shields-up",
            "exemption-wins", "key-exchange", "loopback-traffic", "service-rules", "mdm-store"}
NOT_ASKED = OF_FLOWS | {  # what no single call can ask
    "set-in-use", "taken-name", "list-bounds", "main-mode-crypto-key", "unknown-tokens", "flood-settings-store",
    "localhost-at-once", "several-objects", "event-setting-types", "event-of-rename", "new-event-ids",
    "export-of-sets", "export-over-a-file", "export-account", "import-order", "unknown-command-code", "repetition-at-restart",
    "programs-of-a-stopped-task", "lost-content",
    "missed-start", "conditions-on-demand", "scheduler-stopped"}


def test_the_cases_ask_what_is_open() -> None:
    """So that a replay on Windows answers it."""
    assert {id for case in lab_cases() for id in case.asks} == set(OPEN_BEHAVIOURS) - NOT_ASKED
