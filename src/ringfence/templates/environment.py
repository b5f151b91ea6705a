"""The environment of templates: every filter, test and lookup that there is, each of them guarded.

Guarded: a value that failed raises its reason instead of being processed (but for `default`, `mandatory`, `defined`, `ternary`),
lazy values arrive as plain ones where all of them is used, widths are narrow, what it is given and what it makes is paid from
the budget, and arguments that it does not take are told by its own name.
"""

import functools
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ringfence.templates import filters, lookups
from ringfence.templates.ansible_collections import COLLECTIONS
from ringfence.templates.budget import (
    CALL,
    RenderError,
    charge,
    charge_container,
    charge_for,
    charge_whole,
    check_format,
    limit_indent,
    limit_width,
)
from ringfence.templates.sandbox import INTERNAL, Environment
from ringfence.templates.template_reasons import in_words
from ringfence.templates.values import FailedValue, materialise, text

_OWN_NAME = re.compile(r"^[\w.<>]+\(\)")
_WIDE = frozenset({"center", "indent", "batch", "slice", "wordwrap", "truncate", "tojson", "to_json", "to_nice_json",
                   "to_yaml", "to_nice_yaml", "round"})
_CHEAP = frozenset({  # whose work does not grow with what they are given
    "default", "d", "mandatory", "defined", "undefined", "bool", "ternary", "first", "last", "length", "count", "extract",
    "type_debug", "attr", "map", "select", "reject", "selectattr", "rejectattr", "none", "boolean", "true", "false", "string",
    "mapping", "iterable", "sequence", "number", "integer", "float", "callable", "sameas", "odd", "even", "divisibleby",
    "filter", "test", "truthy", "falsy"})
_WRAP_WORK = 50  # what a character costs in `wordwrap`, which may make a line of each
_MARKERS = frozenset({"default", "d", "mandatory", "defined", "undefined", "ternary"})
_LAZILY = frozenset({"map", "select", "reject", "selectattr", "rejectattr", "first", "last", "length", "count"})
"""Filters that take a list member by member: one that fails is nothing to those that do not use it."""
_DROPPED = ("random", "shuffle", "pprint", "xmlattr", "urlize")


def guarded(name: str, function: Callable[..., Any], *, lazily: bool = False) -> Callable[..., Any]:
    """A filter or test under the rules of this module. `lazily`: it may look at a value without all of it."""
    passes = hasattr(function, "jinja_pass_arg")

    @functools.wraps(function)
    def guard(*args: Any, **kwargs: Any) -> Any:
        charge(CALL)
        own, given = (args[:1], args[1:]) if passes else ((), args)
        if name not in _MARKERS:
            for value in (*given, *kwargs.values()):
                if isinstance(value, FailedValue):
                    raise value.failure
        if name in _WIDE:
            limit_width((*given[1:], *kwargs.values()))
        elif name == "format":
            check_format(text(given[0]))
        if not lazily:
            given, kwargs = tuple(map(materialise, given)), {k: materialise(v) for k, v in kwargs.items()}
        if name not in _CHEAP:
            _pay(name, given, kwargs)
        try:
            return charge_for(function(*own, *given, **kwargs))
        except TypeError as error:
            if _takes(function, (*own, *given), kwargs):
                raise
            raise RenderError(in_words(_OWN_NAME.sub(f"{name}()", str(error)))) from None  # by the name that templates know
    return guard


def _takes(function: Callable[..., Any], given: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Whether a function takes such arguments, as far as it tells."""
    try:
        inspect.signature(function).bind(*given, **kwargs)
    except TypeError:
        return False
    except ValueError:  # of one of C that tells nothing
        return True
    return True


def _pay(name: str, given: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """What a filter or test is given is paid before it runs, as often as it may go through it."""
    size = sum(map(charge_container if name in ("in", "contains") else charge_whole, (*given, *kwargs.values())))
    if name == "wordwrap":
        charge(_WRAP_WORK * size)
    elif name == "indent":
        width = given[1] if len(given) > 1 else kwargs.get("width", 4)
        charge((1 + text(given[0]).count("\n")) * (len(width) if isinstance(width, str) else max(width, 0)))
    elif name == "tojson":
        limit_indent(given[1] if len(given) > 1 else kwargs.get("indent"))
    elif name == "format":
        charge(given[0].count("%") * size)


@functools.cache
def environment() -> Environment:
    """The environment that all projects share, with all filters, tests and lookups: it has no state of its own."""
    env = Environment()
    for name in _DROPPED:
        env.filters.pop(name, None)
    own = {name: env.filters.pop(name) for name in INTERNAL}
    builtin: tuple[Mapping[str, Any], Mapping[str, Any]] = ({**env.filters, **filters.FILTERS}, {**env.tests, **filters.TESTS})
    for collection, (its_filters, its_tests) in {**COLLECTIONS, "ansible.builtin": builtin}.items():
        for table, functions, lazily in ((env.filters, its_filters, _LAZILY), (env.tests, its_tests, its_tests)):
            made = {name: guarded(name, function, lazily=name in lazily) for name, function in functions.items()}
            table.update(made)
            table.update({f"{collection}.{name}": function for name, function in made.items()})
    env.filters.update(own)
    env.globals.update(lookups.GLOBALS)
    return env
