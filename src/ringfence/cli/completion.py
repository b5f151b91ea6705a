"""What may stand next on a command line, for the shells of cli/shell/: the answer to a Tab.

It is asked at every Tab, so it imports neither the commands nor what reads their flags: which there are stands in a table that
`make generate` writes. Of the project in the current folder it reads ringfence.yml, inventories and playbooks, as text: nothing
of it runs, nothing is decrypted, no host is asked. What cannot be read is not offered.
"""

import json
import os
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

SHELLS = {"bash": "shell/complete.bash", "zsh": "shell/complete.zsh", "fish": "shell/complete.fish",
          "powershell": "shell/complete.ps1"}
SHELL, LINE, WORD = "_RINGFENCE_COMPLETE", "_RINGFENCE_LINE", "_RINGFENCE_WORD"
"""What the scripts say in the environment: their shell, the line up to the cursor, and what of it the shell would replace."""
TABLE = "completion.json"
_REPLACES_PARTS = ("bash", "powershell")  # a word ends for them at : and =, or at a comma
_PLAIN = re.compile(r"[\w.@%+=:,/~-]*")  # what no shell reads otherwise than it stands
_PIECE = re.compile(r"(.*[,:!&])?(.*)", re.DOTALL)  # of a pattern of hosts: what is said already, and a name


def shipped(name: str) -> str:
    """A text that lies beside this module; importlib.resources would take longer than all the rest."""
    with open(os.path.join(os.path.dirname(__file__), name), encoding="utf-8") as file:
        return file.read()


class Candidate(NamedTuple):
    """A word that may stand there, and what it means."""

    value: str
    meaning: str = ""


class Situation(NamedTuple):
    """What the line says so far. command: which one · options: the values of options, by the last of their flags · arguments:
    those without a flag · current: the word that is being written."""

    command: str
    options: dict[str, list[str]]
    arguments: list[str]
    current: str


def main() -> int:
    """Answer the script of a shell: a word a line, and behind a tab what it means. Says nothing where it does not know."""
    shell = os.environ[SHELL]
    try:
        words, found = answer(os.environ.get(LINE, ""), shell)
        shown = _shown(found, words[-1], shell, os.environ.get(WORD, ""))
        os.write(1, "".join(f"{line}\n" for line in shown).encode("utf-8", "replace"))
    except (Exception, KeyboardInterrupt):  # nobody asked for a message in the middle of a line
        return 1
    return 0


def answer(line: str, shell: str = "bash") -> tuple[list[str], list[Candidate]]:
    """The words of a line and what its last one may be. Only what begins as it does."""
    words = split(line, "`" if shell == "powershell" else "\\")
    begun = words[-1]
    found = () if begun.endswith("=") and not begun.startswith("-") else candidates(words[1:])  # FORMAT= is followed by a path
    return words, [c for c in found if c.value.startswith(begun) and _PLAIN.fullmatch(c.value[len(begun):])]


def split(line: str, escape: str = "\\") -> list[str]:
    """The words of a line, quotes taken away; the last one is being written, and may be empty."""
    lexer = shlex.shlex(line, posix=True)
    lexer.whitespace_split, lexer.commenters, lexer.escape = True, "", escape
    words: list[str] = []
    try:
        words += iter(lexer.get_token, None)
    except ValueError:  # a quote is open
        return [*words, lexer.token]
    return words if words and not line[-1:].isspace() else [*words, ""]


def _said(current: str) -> str:
    """The beginning of a word that somebody wrote himself, whatever it means to the shell."""
    return (_PIECE.fullmatch(current) or [current, ""])[1] or ""


def _shown(found: Iterable[Candidate], current: str, shell: str, replaced: str) -> Iterator[str]:
    """The lines for a shell. Of a word that it takes for several only the last part is replaced."""
    kept = len(current) - len(replaced) if shell in _REPLACES_PARTS and current.endswith(replaced) else 0
    for value, meaning in dict(found).items():
        told = " ".join(meaning.split())
        yield value[kept:] + (f"\t{told}" if told and shell != "bash" and told.isprintable() else "")


def candidates(words: Sequence[str]) -> Iterable[Candidate]:
    """What the last of the words behind `ringfence` may be; more than begin as it does."""
    table: dict[str, Any] = json.loads(shipped(TABLE))
    command, waiting, plain, here = _read(table, words)
    if command is None:
        return ()
    known, current = [table["options"][name] for name in command["options"]], here.current
    if waiting:
        return _values(waiting, here)
    if current.startswith("--") and "=" in current and not plain:
        flag, _, value = current.partition("=")
        taken = _option(known, flag)[0] or {}
        return (Candidate(f"{flag}={c.value}", c.meaning) for c in _values(taken, here._replace(current=value)))
    if current.startswith("-") and not plain:
        return (Candidate(flag, o["meaning"]) for o in known for flag in o["flags"]
                if flag.startswith("--") and (o["repeatable"] or o["flags"][-1] not in here.options))
    if command["commands"]:
        return (Candidate(name, table["commands"][f"{here.command} {name}"]["meaning"]) for name in command["commands"])
    number = len(here.arguments)
    expected = command["arguments"][number:number + 1] or [a for a in command["arguments"] if a["several"]]
    return _values(expected[-1], here) if expected else ()


def _read(table: Mapping[str, Any], words: Sequence[str]) -> tuple[dict[str, Any] | None, dict[str, Any] | None, bool, Situation]:
    """The command of a line, None where there is none of that name; the option whose value is next; whether all that follows is
    no flag, behind --; and what was said."""
    here = Situation("ringfence", {}, [], words[-1])
    command, waiting, plain = table["commands"][here.command], None, False
    for word in words[:-1]:
        if waiting:
            here.options.setdefault(waiting["flags"][-1], []).append(word)
            waiting = None
        elif word == "--" and not plain:
            plain = True
        elif word.startswith("-") and len(word) > 1 and not plain:
            option, value = _option([table["options"][name] for name in command["options"]], word)
            if option and value is None and option["value"]:
                waiting = option
            elif option:
                here.options.setdefault(option["flags"][-1], []).append(value or "")
        elif command["commands"]:
            here = here._replace(command=f"{here.command} {word}")
            if (command := table["commands"].get(here.command)) is None:
                break
        else:
            here.arguments.append(word)
    return command, waiting, plain, here


def _option(known: Iterable[dict[str, Any]], word: str) -> tuple[dict[str, Any] | None, str | None]:
    """The option that a word is, and the value that stands in it: --tags=x, -tx. Of flags in one word the last counts."""
    flags = {flag: option for option in known for flag in option["flags"]}
    if word.startswith("--"):
        flag, equals, value = word.partition("=")
        return flags.get(flag), value if equals else None
    for index, letter in enumerate(word[1:], 2):
        option = flags.get(f"-{letter}")
        if option is None or option["value"] or index == len(word):
            return option, word[index:] or None
    return None, None


def _values(taken: Mapping[str, Any], here: Situation) -> Iterable[Candidate]:
    """What a value or an argument may be, by what --help calls it; nothing where the shell knows better, as of files."""
    if words := taken.get("words"):
        return (Candidate(word) for word in words)
    known = COMPLETERS.get(taken.get("value", ""))
    return known(here) if known else ()


# -------------------------------------------------------------------------------------------------- what is in the project

def _hosts(here: Situation, alone: bool = True) -> Iterator[Candidate]:
    """Groups and hosts of the inventory, behind what a pattern says already; for commands of a lab the hosts of those that
    run."""
    if here.command.startswith("ringfence lab "):
        from ringfence.lab.console import channel

        yield from (Candidate(name, "host of the lab") for lab in channel.labs() for name in lab.hosts)
        return
    from ringfence.diagnostics import Problems
    from ringfence.documents.variable_files import VariableFiles
    from ringfence.documents.vault import Vault
    from ringfence.inventory import readers

    trust, settings = _project(here)
    nothing_runs = replace(trust, programs=())
    inventory = readers.load(settings("inventory"), VariableFiles(Vault(), Problems(), nothing_runs))
    said = _said(here.current)
    names = {name: f"group, hosts: {len(members)}" for name, members in inventory.members.items()}
    for name, meaning in {**dict.fromkeys(inventory if alone else (), "host"), **names}.items():
        if ":" not in name and "," not in name and not name.startswith("-"):
            yield Candidate(said + name, meaning)


def _groups(here: Situation) -> Iterator[Candidate]:
    return _hosts(here, alone=False)


def _tags(here: Situation) -> Iterator[Candidate]:
    """Tags of playbooks, several with commas between them."""
    from ringfence.cli.completion_tags import tags

    trust, settings = _project(here)
    named = [word for word in here.arguments if word.endswith((".yml", ".yaml"))]
    said, comma, _ = here.current.rpartition(",")
    for tag in sorted(tags(named or settings("playbooks"), trust)):
        yield Candidate(said + comma + tag)


def _playbooks(here: Situation) -> Iterator[Candidate]:
    """Those of ringfence.yml, and those that lie where its first one does."""
    playbooks = _project(here)[1]("playbooks")
    folder = os.path.dirname(playbooks[0]) if playbooks else "playbooks"
    beside = sorted(os.listdir(folder or ".")) if os.path.isdir(folder or ".") else []
    for path in dict.fromkeys([*playbooks, *(os.path.join(folder, name) for name in beside)]):
        if path.endswith((".yml", ".yaml")) and os.path.basename(path) != "ringfence.yml" and path not in here.arguments:
            yield Candidate(path)


def _project(here: Situation) -> tuple[Any, Callable[[str], Sequence[str]]]:
    """What may be read, and what the command line, the environment and ringfence.yml say: settings by their names."""
    from ringfence.cli.resolved_settings import ResolvedSettings
    from ringfence.documents import trust_file
    from ringfence.project import settings
    from ringfence.run_settings import SETTINGS

    trust = trust_file.load("--untrusted" in here.options, here.options.get("--trust-dir", ()))
    project = settings.load(trust=trust)
    trust = trust.bounded(project.folder, here.options.get("--inventory", ()))
    found = ResolvedSettings([SETTINGS["inventory"]], {"inventory": list(here.options.get("--inventory", ()))}, of_run=False)
    found.add_project(project)
    said = {"playbooks": project.playbooks, "inventory": found.value("inventory", project.inventory)}
    return trust, lambda name: said[name]


# ------------------------------------------------------------------------------------------------------- what always is there

def _kinds(here: Situation) -> Iterator[Candidate]:
    from ringfence import kinds

    yield from (Candidate(name, kind.doc.partition(". ")[0]) for name, kind in kinds.load().items())


def _properties(here: Situation) -> Iterator[Candidate]:
    """Of the kind before it, those of proposals behind a dot."""
    from ringfence import kinds

    kind = kinds.load().get(here.arguments[0])
    for p in kind.properties.values() if kind else ():
        yield Candidate(p.name, p.doc)
        if p.proposal and here.current.startswith(f"{p.name}."):
            yield from (Candidate(f"{p.name}.{inner.name}", inner.doc) for inner in p.proposal.kind.properties.values())


def _reports(here: Situation) -> Iterator[Candidate]:
    """The beginning of FORMAT=FILE."""
    from ringfence.run_settings import ReportFormat

    yield from (Candidate(f"{word}=") for word in ReportFormat)


def _shells(here: Situation) -> Iterator[Candidate]:
    yield from map(Candidate, SHELLS)


def _checks(here: Situation) -> Iterator[Candidate]:
    """What may be looked at between waves."""
    from ringfence.rollout.wave_checks import KINDS

    yield from (Candidate(f"{kind}=") for kind in KINDS)


COMPLETERS: Mapping[str, Callable[[Situation], Iterator[Candidate]] | None] = {
    "HOST": _hosts, "PATTERN": _hosts, "GROUP": _groups, "TAGS": _tags, "PLAYBOOK": _playbooks, "SHELL": _shells,
    "KIND": _kinds, "PROPERTY": _properties, "FORMAT=FILE": _reports, "CHECK": _checks,
    # paths, which every shell completes itself, and what nobody can guess
    **dict.fromkeys(("FILE", "DIR", "PATH", "LABEL@FILE", "VARS", "N", "SECONDS", "DURATION", "RUN", "PROJECT", "NAME", "LABEL",
                     "COMMAND", "NAME=N,…", "PORT", "ADDRESS", "TYPE", "SID", "PROGRAM",
                     "PERCENT", "WINDOW")),
}
