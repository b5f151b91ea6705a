"""The constant scripts that run on hosts, composed of host/*.ps1: some that can only read, and the writer.

Windows PowerShell 5.1 and PowerShell 7 run them. Comments and indentation are for readers and stay here; every other
character travels as it stands, so that what runs on a host can be compared with its parts.
"""

import functools
import hashlib
import pkgutil
import re
import textwrap
from collections.abc import Iterable, Mapping

_PLANS = ("start", "json", "facts", "conditions", "policy", "ledger", "defaults")  # what every plan asks
_RESOLVES = (*_PLANS, "network", "accounts")  # what those ask that name accounts or interfaces, or use facts of the network
_READS = (*_RESOLVES, "texts", "netsecurity", "session", "surroundings", "events", "domain",
          "expiry")  # and what else asks, not writes
SCRIPTS = {"reader": (*_PLANS, "answer"), "prober": ("start", "json", "facts", "session", "answer"),
           "resolver": (*_RESOLVES, "answer"), "key-reader": (*_RESOLVES, "keys", "answer"),
           "auditor": (*_READS, "answer"), "key-auditor": (*_READS, "keys", "answer"),
           "writer": (*_READS, "keys", "cmdlets", "expected", "changes", "ledger_write", "undo_task",
                      "undo", "expiry_write", "answer")}
"""The parts of each, the smallest first: a batch is carried by the first that can do what its calls ask."""

WRITING_VERBS = frozenset({"Net.Call", "SA.Delete", "Ledger.Write", "Undo.Read", "Undo.Arm", "Undo.Continue", "Undo.Confirm",
                           "Undo.Fire", "Expiry.Write", "Expiry.Remove"})  # those that the writer alone has
COMPARE_KEYS = "Key.Compare"  # the verb of keys.ps1

RELEASED_DIGESTS: dict[str, str] = {}
"""{SHA-256: release} of the scripts of earlier releases: endpoints that were exported by one of them are known by it."""

_VERB = re.compile(r"^ +'(\w+\.\w+)' = ", re.MULTILINE)
_COMMENT = re.compile(r"(^|\s{2,})# .*$")


def part_text(name: str) -> str:
    """The text of a part, for readers."""
    return _text(f"host/{name}.ps1")


def install_text(name: str) -> str:
    """A text that goes with exported endpoints as it stands."""
    return _text(f"install/{name}")


def _text(path: str) -> str:
    data = pkgutil.get_data(__package__, path)  # importlib.resources loads zipfile and more, which takes longer than all texts
    assert data is not None
    return "\n".join(data.decode().splitlines()) + "\n"


def script_for(verbs: Iterable[str]) -> str:
    """The smallest script that knows these verbs; what none knows is left to the host to refuse."""
    asked = frozenset(verbs)
    if (first := next((name for name in SCRIPTS if asked <= verbs_of(name)), None)) is None:
        asked &= verbs_of("writer")
        first = next(name for name in SCRIPTS if asked <= verbs_of(name))
    return script_named(first)


def script(writes: bool = False) -> str:
    """The reader, or the writer."""
    return script_named("writer" if writes else "reader")


@functools.cache
def verbs_of(name: str) -> frozenset[str]:
    """The verbs that one of SCRIPTS knows: the rows of the tables in its parts."""
    return frozenset[str]().union(*map(_verbs_in, SCRIPTS[name]))


@functools.cache
def _verbs_in(part: str) -> frozenset[str]:
    return frozenset(_VERB.findall(part_text(part)))


@functools.cache
def script_named(name: str) -> str:
    """The text of one of SCRIPTS."""
    lines = (_bare(line) for part in SCRIPTS[name] for line in part_text(part).splitlines())
    return "".join(f"{line}\n" for line in lines if line)


def scripts() -> tuple[str, ...]:
    """The texts of all that there are."""
    return tuple(map(script_named, SCRIPTS))


@functools.cache
def digests() -> dict[str, str]:
    """SHA-256 of each script as it is sent, by name: of UTF-8, lines that end in LF."""
    return {name: hashlib.sha256(script_named(name).encode()).hexdigest() for name in SCRIPTS}


def cmdlets_part(cmdlets: Mapping[str, Iterable[str]]) -> str:
    """The text of the part that says what may be called to write: cmdlets with their parameters."""
    rows = (textwrap.fill(f"'{name}' = '{' '.join(parameters)}'", 125, initial_indent=" " * 4, subsequent_indent=" " * 8,
                          break_long_words=False, break_on_hyphens=False) for name, parameters in cmdlets.items())
    return ("# The cmdlets that write, each with the parameters it may get: all that the tables of the kinds come to.\n"
            "# Made of them by `make generate`.\n$cmdlets = @{\n" + "".join(f"{row}\n" for row in rows) + "}\n")


def _bare(line: str) -> str:
    return (_COMMENT.sub("", line) if "# " in line else line).strip()
