"""The constant scripts that run on hosts, composed of host/*.ps1: one that reads policy, one that also looks at the host
itself, and one that writes.

Windows PowerShell 5.1 and PowerShell 7 run them. Comments and indentation are for readers and stay here; every other
character travels as it stands, so that what runs on a host can be compared with its parts.
"""

import functools
import hashlib
import re
from importlib import resources

_BEFORE, _AFTER = ("start", "json", "facts", "policy", "accounts", "netsecurity"), ("answer",)
EXAMINING_PARTS = ("session",)  # what only `ping` and `doctor` ask
WRITING_PARTS = ("changes",)
EXAMINING_VERBS = frozenset({"Session.Read"})
WRITING_VERBS = frozenset({"Net.Call", "SA.Delete"})

_COMMENT = re.compile(r"(^|\s{2,})# .*$")


def part_text(name: str) -> str:
    """The text of a part, for readers."""
    return (resources.files(__package__) / "host" / f"{name}.ps1").read_text(encoding="utf-8")


def parts(writes: bool = False, examines: bool = False) -> tuple[str, ...]:
    """The parts of a script, in their order."""
    return (*_BEFORE, *(EXAMINING_PARTS if examines else ()), *(WRITING_PARTS if writes else ()), *_AFTER)


@functools.cache
def script(writes: bool = False, examines: bool = False) -> str:
    """The reader; with `examines` it also looks at the host itself, with `writes` it also changes the policy."""
    lines = (_bare(line) for name in parts(writes, examines) for line in part_text(name).splitlines())
    return "".join(f"{line}\n" for line in lines if line)


TEXTS = {"reader": (False, False), "examiner": (False, True), "writer": (True, False)}
"""The scripts that are sent, by name: whether they write, whether they examine."""


def scripts() -> tuple[str, ...]:
    """All that are sent."""
    return tuple(script(*how) for how in TEXTS.values())


def digest(name: str) -> str:
    """SHA-256 of one of TEXTS as it is sent: UTF-8, lines that end in LF."""
    return hashlib.sha256(script(*TEXTS[name]).encode()).hexdigest()


def _bare(line: str) -> str:
    return _COMMENT.sub("", line).strip()
