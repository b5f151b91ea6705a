"""The constant scripts that run on hosts, composed of host/*.ps1: one that can only read, and one that writes too.

Windows PowerShell 5.1 and PowerShell 7 run them. Comments and indentation are for readers and stay here; every other
character travels as it stands, so that what runs on a host can be compared with its parts.
"""

import functools
import hashlib
import re
import textwrap
from collections.abc import Iterable, Mapping
from importlib import resources

_BEFORE, _AFTER = ("start", "json", "facts", "policy", "defaults", "accounts", "netsecurity"), ("answer",)
READER_PARTS = (*_BEFORE, *_AFTER)
WRITER_PARTS = (*_BEFORE, "cmdlets", "expected", "changes", *_AFTER)
WRITING_VERBS = frozenset({"Net.Call", "SA.Delete"})  # those of changes.ps1

_COMMENT = re.compile(r"(^|\s{2,})# .*$")


def part_text(name: str) -> str:
    """The text of a part, for readers."""
    return (resources.files(__package__) / "host" / f"{name}.ps1").read_text(encoding="utf-8")


@functools.cache
def script(writes: bool = False) -> str:
    """The reader, or the writer: all that the reader can do, and changes."""
    lines = (_bare(line) for name in (WRITER_PARTS if writes else READER_PARTS) for line in part_text(name).splitlines())
    return "".join(f"{line}\n" for line in lines if line)


def scripts() -> tuple[str, str]:
    """All that there are."""
    return script(), script(writes=True)


def digest(writes: bool = False) -> str:
    """SHA-256 of a script as it is sent: UTF-8, lines that end in LF."""
    return hashlib.sha256(script(writes).encode()).hexdigest()


def cmdlets_part(cmdlets: Mapping[str, Iterable[str]]) -> str:
    """The text of the part that says what may be called to write: cmdlets with their parameters."""
    rows = (textwrap.fill(f"'{name}' = '{' '.join(parameters)}'", 125, initial_indent=" " * 4, subsequent_indent=" " * 8,
                          break_long_words=False, break_on_hyphens=False) for name, parameters in cmdlets.items())
    return ("# The cmdlets that write, each with the parameters it may get: all that the tables of the kinds come to.\n"
            "# Made of them by `make generate`.\n$cmdlets = @{\n" + "".join(f"{row}\n" for row in rows) + "}\n")


def _bare(line: str) -> str:
    return _COMMENT.sub("", line).strip()
