"""What one rendering may cost, and how it fails.

Every text, list and loop step that a template makes is paid from a budget; what could be made huge in one stroke is
refused before it is made.
"""

import re
import threading
from collections.abc import Iterable, Iterator
from types import GeneratorType
from typing import Any

from ringfence.diagnostics import NOWHERE, Where

BUDGET = 10_000_000  # characters, list items and loop steps that one rendering may make
_STEP = 4  # what a step of a loop costs, as it may do work
MAX_RANGE = 100_000
MAX_WIDTH = 10_000  # of what a template may ask to be padded
MAX_BITS = 4096  # of a whole number


class RenderError(Exception):
    """A value cannot be rendered. `where` is the place of the innermost text that is to blame."""

    def __init__(self, summary: str, detail: str = "", where: Where = NOWHERE) -> None:
        self.summary, self.detail, self.where = summary, detail, where
        super().__init__(summary)


class UndefinedValue(RenderError):
    """A variable, or a key of one, that does not exist. `name` is set for a variable."""

    def __init__(self, summary: str, detail: str = "", name: str | None = None) -> None:
        super().__init__(summary, detail)
        self.name = name


class UndefinedFacts(RenderError):
    """The facts of the host are needed and not known yet."""


class UntrustedLookup(UndefinedFacts):
    """A value that is not looked up for an untrusted project: what depends on it waits, as for the facts of a host."""


class _Budget(threading.local):
    left = BUDGET


_budget = _Budget()


def reset_budget() -> None:
    """Begin a new rendering with the whole budget."""
    _budget.left = BUDGET


def charge(amount: int) -> None:
    """Take from the budget of the rendering under way. Raises RenderError when nothing is left."""
    _budget.left -= amount
    if _budget.left < 0:
        raise RenderError("the template makes too much",
                          f"One rendering may make {BUDGET} characters, items and loop steps together.")


def charge_for(value: Any) -> Any:
    """Take the size of a new value from the budget and give the value back; generators become lists."""
    if isinstance(value, GeneratorType | map | filter | zip | reversed):
        value = list(charged(value))
    if isinstance(value, str | list | tuple | dict | bytes):
        charge(len(value))
    elif isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise RenderError(f"a number of more than {MAX_BITS} bits")
    return value


def charged(values: Iterable[Any]) -> Iterator[Any]:
    """The values, each paid for."""
    for value in values:
        charge(_STEP)
        yield value


def limit_width(arguments: Iterable[Any]) -> None:
    """Refuse widths, precisions and counts that only serve to make something huge."""
    if any(isinstance(a, int) and abs(a) > MAX_WIDTH for a in arguments):
        raise RenderError(f"a width or count above {MAX_WIDTH} is not allowed in a template")


_WIDE = re.compile(r"\d{5}|\*|\{[^{}]*\{")
_FORMATS = re.compile(r"%[^a-zA-Z%]*|\{[^{}]*:[^}]*\}?")


def check_format(text: str) -> None:
    """Refuse format texts with huge or computed widths, for `%` and for `str.format`."""
    if any(_WIDE.search(found) for found in _FORMATS.findall(text)):
        raise RenderError(f"a width above {MAX_WIDTH} is not allowed in a template")


def safe_range(*bounds: int) -> range:
    """`range` of at most MAX_RANGE numbers."""
    made = range(*bounds)
    if len(made) > MAX_RANGE:
        raise RenderError(f"range() of more than {MAX_RANGE} numbers")
    return made


def charged_replace(text: str, old: str, new: str, count: int = -1) -> str:
    """`text.replace`, paid for before it is made."""
    charge(text.count(old) * len(new))
    return text.replace(old, new, count)
