"""Open is only what says so: what narrows a rule, what does not, and the word that says that all is meant."""

from typing import Any

import pytest
from core import KINDS, cases, declare, task
from hosts import TWO_INTERFACES, LabHost

from ringfence.diagnostics import Diagnostic, Where
from ringfence.lab import machine
from ringfence.model.state import Id
from ringfence.project.declare import DeclarationBuilder
from ringfence.run.host import apply_host
from ringfence.windows.shipped_rules import is_shipped

NO_CONDITIONS = {"direction", "action", "edge_traversal_policy", "override_block_rules", "local_only_mapping"}
CASES: list[dict[str, Any]] = cases("open_by_word")


def errors(problems: list[Diagnostic]) -> list[Diagnostic]:
    return [p for p in problems if p.severity == "error"]


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.get('kind', '')}{c['say']}")
def test_what_is_enough(case: dict[str, Any]) -> None:
    kind, word = case.get("kind", "firewall_rule"), case.get("word")
    told = errors(declare(task(kind, {"name": "r", **case["say"]}), words=True)[1])
    if case.get("enough"):
        assert told == []
        return
    (problem,) = told
    if kind == "firewall_rule":  # what does not count is no nothing
        beside = [name for name, value in case["say"].items() if name not in NO_CONDITIONS and value != "any"]
        said_of_it = "too little narrows this rule" if beside else "nothing narrows this rule"
        assert said_of_it in problem.summary
        assert all(name in problem.summary for name in beside)
        does = "blocks" if case["say"].get("action") == "block" else "lets out" if "direction" in case["say"] else "lets in"
        assert f": it {does} " in problem.summary
    assert f"`{word}: any`" in problem.detail
    said = {**case["say"], word: "any"}
    if case.get("kind") or not case["say"].keys() & {"local_port", "remote_port"} or word != "protocol":
        assert errors(declare(task(kind, {"name": "r", **said}), words=True)[1]) == []


def test_every_property_that_narrows_has_a_case() -> None:
    for kind in ("firewall_rule", "ipsec_rule"):
        narrowing = {p.name for p in KINDS[kind].properties.values() if p.narrows} - {"package_family_name"}  # none can create it
        said = {name for case in CASES if case.get("kind", "firewall_rule") == kind for name in case["say"]}
        if kind == "firewall_rule":
            assert narrowing <= said
        assert narrowing


def test_a_rule_of_windows_is_managed_by_mention_and_opens_nothing() -> None:
    builder = DeclarationBuilder(KINDS, is_shipped)
    for treatment, wrong in ((None, 0), ({"omitted": "keep"}, 0), ({"omitted": "default"}, 1), ({"adopt": True}, 1)):
        asked = task("firewall_rule", {"name": "RemoteDesktop-UserMode-In-TCP", "enabled": True}, treatment=treatment)
        assert len(errors(builder.declarations([asked])[1])) == wrong, treatment


@pytest.mark.parametrize(("say", "wrong"), [
    ({"enabled": True}, "nothing narrows this rule"), ({"local_port": 3390}, "ports go with tcp or udp"),
    ({"protocol": "tcp", "local_port": 3389}, "require_scope")])
@pytest.mark.parametrize("how", ["created", "adopted", "mentioned", ""])
def test_a_name_of_windows_on_a_rule_that_is_ours_needs_its_words(say: dict[str, Any], wrong: str, how: str) -> None:
    """Of Windows' own rule what is mentioned is managed; one of that name which is ours is as declared, silence and all."""
    name = "RemoteDesktop-UserMode-In-TCP"
    asked = task("firewall_rule", {"name": name, **say}, Where("play.yml", 7))
    declarations, problems = DeclarationBuilder(KINDS, is_shipped, require_scope=True).declarations([asked])
    assert errors(problems) == []
    host = LabHost(None, owns=False)
    before = host.rules
    if how:
        host.take_over([Id("local", "firewall_rule", name.lower())], how)
    result = apply_host(host.job(declarations), host.context())
    if how in ("created", "adopted"):
        assert wrong in "\n".join(d.summary for d in errors(list(result.diagnostics)))
        assert (result.status, host.rules) == ("invalid", before)
    else:
        assert errors(list(result.diagnostics)) == []
        assert {"Protocol=6", "Svc=termservice"} <= set(host.rules[name].split("|"))


@pytest.mark.parametrize(("name", "severity"), [
    ("remote_address", "error"), ("local_port", "error"), ("program", "error"), ("authentication", "error"),
    ("encryption", "error"),
    ("local_user", "error"), ("profile", "warning"), ("interface_alias", "warning"), ("local_address", "warning"),
    ("platform", "warning"), ("description", ""), ("action", ""), ("edge_traversal_policy", "")])
@pytest.mark.parametrize("how", ["", "keep", "windows"])
def test_omit_never_opens(name: str, severity: str, how: str) -> None:
    """Whoever the rule belongs to: of Windows' own too, what the task reads as is what it says."""
    properties = {"name": "RemoteDesktop-UserMode-In-TCP" if how == "windows" else "r", "protocol": "tcp", "local_port": 443,
                  "remote_address": "10.0.0.1"}
    properties.pop(name, None)
    written = {**properties, name: "{{ x | default(omit) }}"}
    asked = task("firewall_rule", properties, written=written, treatment={"omitted": how} if how == "keep" else None)
    told = DeclarationBuilder(KINDS, is_shipped).declarations([asked])[1]
    assert [d.severity for d in told if "came to nothing (omit)" in d.summary] == [severity] * bool(severity)


def test_omit_never_exempts() -> None:
    exempt = {"name": "r", "inbound_security": "none", "outbound_security": "none", "remote_address": "10.0.0.1"}
    written = {**exempt, "protocol": "{{ x | default(omit) }}"}
    (problem,) = errors(declare(task("ipsec_rule", exempt, written=written), words=True)[1])
    assert "came to nothing (omit), which would open the rule" in problem.summary


def test_a_scope_is_asked_for_where_the_project_says_so() -> None:
    builder = DeclarationBuilder(KINDS, is_shipped, require_scope=True)
    for say, wrong in (({}, True), ({"remote_address": "10.0.0.1"}, False), ({"remote_address": "any"}, False),
                       ({"remote_address": "10.0.0.1", "local_only_mapping": True}, True),
                       ({"remote_address": "any", "local_only_mapping": True}, False), ({"action": "block"}, False),
                       ({"direction": "outbound", "remote_port": 443}, False),
                       ({"enabled": False}, False)):
        asked = task("firewall_rule", {"name": "r", "protocol": "tcp", "local_port": 443, **say})
        told = errors(builder.declarations([asked])[1])
        assert any("require_scope" in p.summary for p in told) == wrong, say


@pytest.mark.parametrize(("say", "ports"), [
    ({"local_port": 3389}, "3389"), ({"local_port": [22, 5985]}, "22, 5985"), ({"local_port": "400-500"}, "445"),
    ({"local_port": [22, 135, 445, 1433, 3389, 5985, 5986]}, "22, 135, 445, 1433, 3389, 5985, 5986"),
    ({"local_port": [21, 23, 136, 446, 1434, 3390, 5987]}, ""),
    ({"local_port": 443}, ""), ({"local_port": 3389, "remote_address": "10.0.0.1"}, ""),
    ({"local_port": 3389, "remote_address": "any"}, ""), ({"local_port": 1433, "authentication": "required"}, ""),
    ({"local_port": 3389, "remote_address": "10.0.0.1", "local_only_mapping": True}, "3389"),
    ({"local_port": 3389, "action": "block"}, ""),
    ({"local_port": 3389, "remote_address": "0.0.0.0-255.255.255.255"}, "3389"),
    ({"local_port": 22, "remote_address": "Internet"}, "22"),
    ({"local_port": 22, "remote_address": ["10.0.0.1", "::/1", "8000::/1"]}, "22")])
def test_sensitive_ports_from_anywhere_are_warned_of(say: dict[str, Any], ports: str) -> None:
    told = [p for p in declare(task("firewall_rule", {"name": "r", "protocol": "tcp", **say}), words=True)[1]
            if "let in from anywhere" in p.summary]
    found = [(p.severity, p.summary.partition(": r: ")[2].partition(" is ")[0]) for p in told]
    assert found == ([("warning", ports)] if ports else [])


@pytest.mark.parametrize(("by_default", "say", "wrong"), [
    ("block", {}, True), ("block", {"protocol": "any"}, False), ("block", {"protocol": "tcp", "remote_port": 443}, False),
    ("block", {"profile": "domain"}, True), ("block", {"profile": "public"}, False), ("allow", {}, False)])
def test_what_lets_everything_out_of_a_host_that_blocks_by_default(by_default: str, say: dict[str, Any], wrong: bool) -> None:
    host = LabHost({})
    profile = task("firewall_profile", {"profiles": "domain", "default_outbound_action": by_default})
    out = task("firewall_rule", {"name": "out", "direction": "outbound", **say}, Where("play.yml", 3))
    planned = host.plan(profile, out)
    told = [str(d) for d in planned.diagnostics if d.severity == "error"]
    assert (planned.status == "invalid") == wrong
    assert any("it lets out" in d and "play.yml:3" in d for d in told) == wrong


@pytest.mark.parametrize(("user", "wrong"), [("Jeder", True), ("Authentifizierte Benutzer", True), ("Administratoren", False)])
def test_everybody_in_the_language_of_the_host_is_nobody_in_particular(user: str, wrong: bool) -> None:
    host = LabHost({}, on=machine("SRV1", language="de"))
    asked = task("firewall_rule", {"name": "r", "authentication": "required", "remote_user": user}, Where("play.yml", 3))
    assert errors(declare(asked, words=True)[1]) == []  # nobody but the host knows
    told = errors(list(host.plan(asked).diagnostics))
    assert ["narrows this rule" in d.summary for d in told] == [True] * wrong


def test_what_is_managed_by_mention_needs_no_word_on_a_host_that_blocks_by_default() -> None:
    """The rest of the rule is as it was found."""
    host = LabHost({"out": "v2.31|Action=Allow|Active=FALSE|Dir=Out|Name=out|"}, owns=False)
    profile = task("firewall_profile", {"profiles": "domain", "default_outbound_action": "block"})
    out = task("firewall_rule", {"name": "out", "direction": "outbound", "enabled": True}, treatment={"omitted": "keep"})
    planned = host.plan(profile, out)
    assert (errors(list(planned.diagnostics)), planned.status) == ([], "differs")


def test_everybody_by_an_account_is_told_whatever_else_the_host_has_to_name() -> None:
    host = LabHost({}, on=machine("SRV1", language="de", interfaces=TWO_INTERFACES))
    asked = task("firewall_rule", {"name": "r", "authentication": "required", "remote_user": "Jeder", "service": "*",
                                   "interface_alias": "Ethernet"})
    assert ["narrows this rule" in d.summary for d in errors(list(host.plan(asked).diagnostics))] == [True]


def test_what_was_warned_of_already_is_not_told_again() -> None:
    host = LabHost({}, on=machine("SRV1", language="de"))
    asked = task("firewall_rule", {"name": "r", "protocol": "tcp", "local_port": 3389, "local_user": "Administratoren"})
    assert ["is let in from anywhere" in d.summary for d in declare(asked, words=True)[1]] == [True]
    assert not any("3389 is let in from anywhere" in d.summary for d in host.plan(asked).diagnostics)
