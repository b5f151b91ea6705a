"""How values, names and mistakes read: shared by the views. What comes from a host never reaches a terminal raw."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from ringfence.model.resource import Property
from ringfence.model.understood import NOT_UNDERSTOOD, is_understood
from ringfence.secret import MASK, Secret
from ringfence.types.base import PropertyType

MAX_CHARACTERS = 200  # characters of a text of a host that are shown without --full
MAX_LISTED = 20  # members of a list of a host that are shown without --full
Style = Callable[[str, str], str]
"""(text, style) -> the text as it is shown. Styles: added, removed, changed, error, warning, good, quiet, strong."""

Names = tuple[tuple[str, str], ...]
"""(as it is stored, what people call it), …"""


def unstyled(text: str, style: str) -> str:
    """No colour."""
    return text


def escaped(text: str) -> str:
    """The text with every character that could command a terminal written as its code."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def cut(text: str, full: bool = False, longest: int = MAX_CHARACTERS) -> str:
    """A text of a host, escaped; of a long one the beginning, and how much is left. `full`: all of it."""
    left = 0 if full else len(text) - longest
    return escaped(text) if left <= 0 else f"{escaped(text[:longest])}… ({left} more characters, see --full)"


@lru_cache(1024)
def naming(names: Names) -> Callable[[str], str]:
    """A function that puts what people call things in place of what is stored, wherever that stands in a shown text."""
    if not names:
        return str
    called = {stored: escaped(name) for stored, name in names}
    # the longest first, and none that goes on: `@a.dll,-2` is not in `@a.dll,-25`
    any_of = re.compile(f"(?:{'|'.join(map(re.escape, sorted(called, key=len, reverse=True)))})(?![0-9-])")
    return lambda text: any_of.sub(lambda match: called[match[0]], text)


def value(content: Any, blank: str = "(none)", full: bool = False) -> str:
    """A canonical value on one line, as people write it in YAML; an empty one becomes `blank`. Of long texts and lists the
    beginning and how much is left, unless `full`."""
    if isinstance(content, Secret):
        return MASK
    if content is None or content in ("", ()):
        return blank
    if isinstance(content, bool):
        return "true" if content else "false"
    if isinstance(content, Mapping):
        return "{" + ", ".join(f"{escaped(str(k))}: {value(v, full=full)}" for k, v in content.items()) + "}"
    if isinstance(content, tuple | list):
        shown = content if full else content[:MAX_LISTED]
        return ", ".join(value(v, full=full) for v in shown) + more(len(content) - len(shown))
    return cut(str(content), full)


def more(left: int) -> str:
    """What stands behind the members of a list that are shown, where some are left."""
    return f" and {left} more (see --full)" if left > 0 else ""


def empty_as(word: PropertyType | None) -> str:
    """What nothing means for a property, as its cmdlet says it: any, not_configured; else (none)."""
    return (word.nothing if word else "") or "(none)"


def blank_of(p: Property | None, *held: Any) -> str:
    """What an empty one of some values of a property is called: what nothing means for it, unless one was not understood."""
    if p is not None and not all(is_understood(p, one) for one in held):
        return NOT_UNDERSTOOD
    return empty_as(p.type if p else None)


def count(number: int, one: str, many: str = "") -> str:
    """1 host, 2 hosts."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def natural(name: str) -> list[tuple[int, int, str]]:
    """A key to sort names by, web2 before web10."""
    parts = re.split(r"(\d+)", name)
    return [(0, len(digits := part.lstrip("0")), digits) if part.isdecimal() else (1, 0, part) for part in parts]


def names(hosts: Sequence[str], limit: int = 5) -> str:
    """Names of hosts for a headline; more than `limit` are counted."""
    shown = ", ".join(map(escaped, hosts[:limit]))
    if len(hosts) == 1:
        return shown
    return f"{count(len(hosts), 'host')}: {shown}" + (f" and {len(hosts) - limit} more" if len(hosts) > limit else "")


def all_names(hosts: Sequence[str]) -> str:
    """Every name, for what somebody has to look after."""
    return " ".join(map(escaped, hosts))


def columns(rows: Iterable[Sequence[str]], right: Iterable[int] = (), gap: str = "  ") -> list[str]:
    """Rows as lines of aligned columns; those numbered in `right` are aligned to the right."""
    table, numeric = [list(r) for r in rows], set(right)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [gap.join(cell.rjust(w) if i in numeric else cell.ljust(w)
                     for i, (cell, w) in enumerate(zip(row, widths, strict=True))).rstrip() for row in table]
