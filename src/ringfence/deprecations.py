"""Names that were given up: they work for two minor versions, with a warning that tells the new one, and then no more.

The loaders read this table. A row whose time is over is taken out of it (a test tells); until then the name is refused with the
way out. docs/compatibility.md says what users can rely on. Pure.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ringfence import __version__
from ringfence.diagnostics import Diagnostic, Where

NamedIn = Literal["play", "task", "setting", "connection variable"]
"""A key of plays; one of tasks and blocks; what a flag, a RINGFENCE_… variable and a key of ringfence.yml have in common; a
variable that says how a host is reached."""


@dataclass(frozen=True, slots=True)
class Deprecation:
    """One name that was given up. since: the version that has the new name · removed: the one that does not take the old."""

    of: NamedIn
    old: str
    new: str
    since: str
    removed: str

    def has_ended(self, version: str = __version__) -> bool:
        """Whether a version does not take the old name any more."""
        return _minor(version) >= _minor(self.removed)

    def diagnostic(self, old: str, new: str, where: Where, host: str = "") -> Diagnostic:
        """What to tell somebody who uses it; `old` and `new` as they are spelled there."""
        if self.has_ended():
            return Diagnostic(where, f"{old} was removed in ringfence {self.removed}", f"Write {new}.", host=host)
        told = f"{old} is deprecated since ringfence {self.since}, and removed in {self.removed}"
        return Diagnostic(where, told, f"Write {new}.", "warning", host)


DEPRECATIONS: tuple[Deprecation, ...] = ()


def deprecated(of: NamedIn) -> Iterator[Deprecation]:
    """The rows of one sort of name."""
    return (row for row in DEPRECATIONS if row.of == of)


def in_current_names(of: NamedIn, found: Mapping[Any, Any], at: Callable[[Any], Where], host: str = "",
                     ) -> tuple[dict[Any, Any], list[Diagnostic]]:
    """A mapping with new names in place of old ones, in its order, and what is to be told of these. at: the place of a key."""
    rows, told = {row.old: row for row in deprecated(of) if row.old in found}, list[Diagnostic]()
    values: dict[Any, Any] = {}
    for key, value in found.items():
        row = rows.get(key)
        if row is None:
            values[key] = value
            continue
        told.append(row.diagnostic(f'"{row.old}"', f'"{row.new}"', at(key), host))
        if row.new in found:
            told.append(Diagnostic(at(key), f'"{row.old}" and "{row.new}" mean the same', f'Take "{row.old}" out.', host=host))
        elif not row.has_ended():
            values[row.new] = value
    return values, told


def _minor(version: str) -> tuple[int, int]:
    major, minor = version.split(".")[:2]
    return int(major), int(minor)
