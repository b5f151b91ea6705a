"""What one rendering may cost, and how it fails.

Every text, list and loop step that a template makes is paid from a budget; what could be made huge in one stroke is
refused before it is made.
"""

import re
import threading
from collections.abc import Hashable, ItemsView, Iterable, Iterator, KeysView, ValuesView
from types import GeneratorType
from typing import Any

from ringfence.diagnostics import NOWHERE, Where

BUDGET = 10_000_000  # characters, list items and loop steps that one rendering may make
_STEP = 4  # what a step of a loop costs, as it may do work
_PART = 8  # what a visit to a part of a value costs, as it is done in Python
MAX_RANGE = 100_000
MAX_WIDTH = 10_000  # of what a template may ask to be padded
MAX_INDENT = 16  # of JSON and YAML
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


_SIZED = (str, bytes, range, dict, list, tuple, set, frozenset, KeysView, ValuesView, ItemsView)


def charge_whole(value: Any) -> int:
    """Pay for a visit to everything in a value: what a text of it, a comparison or a copy costs at most, as all three
    visit a part as often as it is there. Gives what was paid."""
    todo, paid = [value], 1
    charge(1)
    while todo:
        one = todo.pop()
        if isinstance(one, _SIZED):
            size = len(one) if isinstance(one, str | bytes | range) else _PART * len(one)
            charge(size)  # before its parts are taken
            paid += size
            if isinstance(one, dict):
                todo += one.values()
                todo += one
            elif not isinstance(one, str | bytes | range):
                todo += one
    return paid


def charge_container(value: Any) -> int:
    """Pay for a search in a value: nothing but one step where it finds by keys."""
    return charge_whole(None if isinstance(value, dict) else value)


def key_of(value: Any) -> Hashable:
    """Something hashable that is equal for equal values, so that members are found without comparing each with each."""
    charge(1)
    if isinstance(value, list | tuple):
        return "list" if isinstance(value, list) else "tuple", tuple(map(key_of, value))
    if isinstance(value, dict):
        return "dict", frozenset((key_of(k), key_of(v)) for k, v in value.items())
    try:
        hash(value)
    except TypeError:
        return "identity", id(value)
    return value  # type: ignore[no-any-return]


def first_of_each(values: Iterable[Any]) -> list[Any]:
    """The values without those that are equal to an earlier one."""
    first: dict[Any, Any] = {}
    for value in values:
        first.setdefault(key_of(value), value)
    return list(first.values())


def charged(values: Iterable[Any]) -> Iterator[Any]:
    """The values, each paid for."""
    for value in values:
        charge(_STEP)
        yield value


def limit_width(arguments: Iterable[Any]) -> None:
    """Refuse widths, precisions and counts that only serve to make something huge."""
    if any(isinstance(a, int) and abs(a) > MAX_WIDTH for a in arguments):
        raise RenderError(f"a width or count above {MAX_WIDTH} is not allowed in a template")


def limit_indent(indent: Any) -> None:
    """Refuse an indentation that only serves to make something huge: it is repeated on each line for each level."""
    if not (indent is None or (isinstance(indent, int) and indent <= MAX_INDENT)):
        raise RenderError(f"an indentation is a number up to {MAX_INDENT}")


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
