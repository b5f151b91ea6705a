"""The constant scripts that run on hosts, composed of host/*.ps1: the reader, one that compares keys too, one that looks at the
host itself too, and the writer.

Windows PowerShell 5.1 and PowerShell 7 run them. Comments and indentation are for readers and stay here; every other
character travels as it stands, so that what runs on a host can be compared with its parts.
"""

import functools
import hashlib
import re
import textwrap
from collections.abc import Iterable, Mapping
from importlib import resources

_BEFORE, _AFTER = ("start", "json", "facts", "policy", "defaults", "texts", "accounts", "netsecurity"), ("answer",)
_EXAMINING = ("session", "surroundings")  # what only `ping` and `doctor` ask
READER_PARTS = (*_BEFORE, *_AFTER)
_WRITING = ("keys", "cmdlets", "expected", "changes")
WRITER_PARTS = (*_BEFORE, *_WRITING, *_AFTER)
SCRIPTS = {"reader": READER_PARTS, "key-reader": (*_BEFORE, "keys", *_AFTER), "examiner": (*_BEFORE, *_EXAMINING, *_AFTER),
           "writer": WRITER_PARTS, "prober": ("start", "json", "facts", "session", *_AFTER),  # what `ping` asks, and no more
           # what endpoints of JEA have besides: it is installed and not sent with each batch, so all that may be asked is in it
           "key-examiner": (*_BEFORE, *_EXAMINING, "keys", *_AFTER), "operator": (*_BEFORE, *_EXAMINING, *_WRITING, *_AFTER)}
EXAMINING_VERBS = frozenset({"Session.Read", "Surroundings.Read"})
PROBING_VERBS = frozenset({"Facts.Read", "Session.Read"})
WRITING_VERBS = frozenset({"Net.Call", "SA.Delete"})  # those of changes.ps1
COMPARE_KEYS = "Key.Compare"  # the verb of keys.ps1

RELEASED_DIGESTS: dict[str, str] = {}
"""{SHA-256: release} of the scripts of earlier releases: endpoints that were exported by one of them are known by it."""

_COMMENT = re.compile(r"(^|\s{2,})# .*$")


def part_text(name: str) -> str:
    """The text of a part, for readers."""
    return (resources.files(__package__) / "host" / f"{name}.ps1").read_text(encoding="utf-8")


def install_text(name: str) -> str:
    """A text that goes with exported endpoints as it stands."""
    return (resources.files(__package__) / "install" / name).read_text(encoding="utf-8")


def script(writes: bool = False, compares_keys: bool = False, examines: bool = False) -> str:
    """The reader, one that also says whether a key is the wanted one, one that also looks at the host itself, or the writer: all
    that the first two can do, and changes."""
    return script_named("writer" if writes else "key-reader" if compares_keys else "examiner" if examines else "reader")


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
    return _COMMENT.sub("", line).strip()
