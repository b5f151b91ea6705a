"""What templates may cost, and how they fail.

Everything that one host has rendered is paid from one budget: every text, list and loop step that templates make, each
part of a template as often as it is entered, each round of a loop of tasks. What could be made huge in one stroke is
refused before it is made. A unit is about 0.2 microseconds, so that no host takes longer than some two seconds.
"""

import contextlib
import re
import threading
from collections import Counter
from collections.abc import Hashable, ItemsView, Iterable, Iterator, KeysView, ValuesView
from types import GeneratorType
from typing import Any

from ringfence.diagnostics import NOWHERE, Where

MAX_RENDERING = 10_000_000  # units of work of all templates of a host, of about 0.2 microseconds; a character is one
MAX_COMPILED = 30_000  # parts of templates (names, constants, operators, filters …) that are compiled for one file or host
_STEP = 4  # what a step of a loop costs
PART = 8  # what a visit to a part of a value or of a template costs, as it is done in Python
CALL = 16  # what a call of a filter or test costs, whatever it is given
ROUND = 400  # what a task costs that a loop makes, as it is checked and kept
SCOPE = 100  # what it costs to begin with the variables of a play or of another host
LOOK = 50  # what it costs to ask whether there is a file
PATTERN = 20_000  # what it costs to compile a regular expression
DECRYPTION = 30_000  # what it costs to try one password on one vaulted value: 10,000 rounds of PBKDF2
MAX_RANGE = 100_000  # numbers that range() gives in a template
MAX_WIDTH = 10_000  # characters to which a template may pad
MAX_INDENT = 16  # spaces by which a template may indent JSON and YAML
MAX_TIME_FORMAT = 200  # characters of a format of a time
MAX_BITS = 4096  # bits of a whole number in a template


class RenderError(Exception):
    """A value cannot be rendered. `where` is the place of the innermost text that is to blame."""

    def __init__(self, summary: str, detail: str = "", where: Where = NOWHERE) -> None:
        self.summary, self.detail, self.where = summary, detail, where
        super().__init__(summary)


def undefined(name: object) -> str:
    """The message of a variable that is not there."""
    return f'the variable "{name}" is not defined'


class UndefinedValue(RenderError):
    """A variable, or a key of one, that does not exist. `name` is set for a variable."""

    def __init__(self, summary: str, detail: str = "", name: str | None = None) -> None:
        super().__init__(summary, detail)
        self.name = name


class UndefinedFacts(RenderError):
    """The facts of the host are needed and not known yet."""


class UntrustedLookup(UndefinedFacts):
    """A value that is not looked up for an untrusted project: what depends on it waits, as for the facts of a host."""


class OverBudget(RenderError):
    """Nothing is left of the budget: nothing more is rendered for the host."""

    def __init__(self, summary: str = "the templates make too much: the work allowed for a host ends here", detail: str = (
            f"All templates of a host may make about {MAX_RENDERING:,} characters together, and fewer list items, loop steps and "
            "decrypted values. Loop over fewer items, or write out what is the same for all hosts.")) -> None:
        super().__init__(summary, detail)


class _Budget(threading.local):
    left = MAX_RENDERING
    shared = False
    file = ""  # whose templates are being read; none of them is a host's

    def __init__(self) -> None:
        self.compiled = Counter[str]()  # parts of templates, by file
        self.patterns = set[Hashable]()  # that were paid


_budget = _Budget()


def reset_budget() -> None:
    """Begin a new rendering with the whole budget, where it does not share one."""
    if not _budget.shared:
        _budget.left, _budget.compiled, _budget.patterns = MAX_RENDERING, Counter(), set()


@contextlib.contextmanager
def one_budget() -> Iterator[None]:
    """Everything that this thread renders within shares one budget: that of the outermost of such blocks."""
    if _budget.shared:
        yield
        return
    reset_budget()
    _budget.shared = True
    try:
        yield
    finally:
        _budget.shared = False


@contextlib.contextmanager
def templates_of(file: str) -> Iterator[None]:
    """What is compiled within is paid by this file."""
    before, _budget.file = _budget.file, file
    try:
        yield
    finally:
        _budget.file = before


def charge(amount: int) -> None:
    """Take from the budget of the rendering under way. Raises OverBudget when nothing is left."""
    _budget.left -= amount
    if _budget.left < 0:
        raise OverBudget


def spent() -> int:
    """What the rendering under way has cost so far."""
    return MAX_RENDERING - _budget.left


def exhausted() -> bool:
    """Whether nothing is left of the budget."""
    return _budget.left < 0


def charge_compiled(parts: int) -> None:
    """Pay for compiling a template of so many parts. Raises OverBudget."""
    _budget.compiled[_budget.file] += parts
    if _budget.compiled[_budget.file] > MAX_COMPILED:
        raise OverBudget("too many different templates: no more are compiled for this file or host", f"At most {MAX_COMPILED:,} "
                         "names, constants, operators and filters, those of equal texts once. Loop over a list instead.")


def charge_pattern(pattern: Hashable) -> None:
    """Pay for compiling a regular expression, once a budget."""
    if pattern not in _budget.patterns:
        charge(PATTERN)
        _budget.patterns.add(pattern)


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
            size = len(one) if isinstance(one, str | bytes | range) else PART * len(one)
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


def charged(values: Iterable[Any], more: int = 0) -> Iterator[Any]:
    """The values, each paid for: a step, and what more there is to do with each."""
    for value in values:
        charge(_STEP + more)
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


_TIME_WIDTH = re.compile(r"%[^A-Za-z%]*\d")


def check_time_format(text: Any) -> str:
    """A format of a time, as it is. Raises RenderError where it only serves to make something huge."""
    if not isinstance(text, str) or len(text) > MAX_TIME_FORMAT or _TIME_WIDTH.search(text):
        raise RenderError(f"a format of a time is a text of up to {MAX_TIME_FORMAT} characters, without widths")
    return text


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
