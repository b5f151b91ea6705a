"""How values, names and mistakes read: shared by the views. What comes from a host never reaches a terminal raw."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ringfence.secret import Secret
from ringfence.words import Word, snake

Paint = Callable[[str, str], str]
"""(text, style) -> the text as it is shown. Styles: added, removed, changed, error, warning, good, quiet, strong."""


def plain(text: str, style: str) -> str:
    """No colour."""
    return text


def visible(text: str) -> str:
    """The text with every character that could command a terminal written as its code."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def value(said: Any, blank: str = "(none)") -> str:
    """A canonical value on one line, as people write it in YAML; nothing is said as `blank`."""
    if isinstance(said, Secret):
        return "********"
    if said is None or said in ("", ()):
        return blank
    if isinstance(said, bool):
        return "true" if said else "false"
    if isinstance(said, Mapping):
        return "{" + ", ".join(f"{visible(str(k))}: {value(v)}" for k, v in said.items()) + "}"
    if isinstance(said, tuple | list):
        return ", ".join(map(value, said))
    return visible(str(said))


def blank(word: Word | None) -> str:
    """What nothing means for a property, as its cmdlet says it: any, not_configured; else (none)."""
    try:
        said = word.argument(()) if word else None
    except (KeyError, TypeError, AttributeError):  # a word that knows no such value
        said = None
    return snake(said) if isinstance(said, str) and said else "(none)"


def count(number: int, one: str, many: str = "") -> str:
    """1 host, 2 hosts."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def natural(name: str) -> list[tuple[int, int | str]]:
    """A key to sort names by, web2 before web10."""
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in re.split(r"(\d+)", name)]


def names(hosts: Sequence[str], limit: int = 5) -> str:
    """Names of hosts for a headline; more than `limit` are counted."""
    shown = ", ".join(map(visible, hosts[:limit]))
    if len(hosts) == 1:
        return shown
    return f"{count(len(hosts), 'host')}: {shown}" + (f" and {len(hosts) - limit} more" if len(hosts) > limit else "")


def columns(rows: Iterable[Sequence[str]], right: Iterable[int] = (), gap: str = "  ") -> list[str]:
    """Rows as lines of aligned columns; those numbered in `right` are aligned to the right."""
    table, numeric = [list(r) for r in rows], set(right)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [gap.join(cell.rjust(w) if i in numeric else cell.ljust(w)
                     for i, (cell, w) in enumerate(zip(row, widths, strict=True))).rstrip() for row in table]
