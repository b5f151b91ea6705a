"""The filters and tests of Ansible that shape values, beside Jinja2's own; all of them guarded.

Guarded: a value that failed raises its reason instead of being processed (but for `default`, `mandatory`, `defined`),
lazy values arrive as plain ones, widths are narrow, results are paid from the budget. A secret has no text form, so a
filter that needs a text refuses it by itself.
"""

import functools
import itertools
import json
import ntpath
import os.path
import re
import shlex
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from jinja2.filters import do_unique

from ringfence.diagnostics import describe
from ringfence.documents.yaml import Map, Seq, Unsafe
from ringfence.templates import lookups
from ringfence.templates.budget import (
    CALL,
    RenderError,
    charge,
    charge_container,
    charge_for,
    charge_whole,
    charged_replace,
    check_format,
    first_of_each,
    key_of,
    limit_indent,
    limit_width,
)
from ringfence.templates.formats import b64decode, b64encode, digest, from_yaml, to_json, to_nice_json, to_nice_yaml, to_yaml
from ringfence.templates.matching import matches, regex_findall, regex_replace, regex_search
from ringfence.templates.sandbox import Environment
from ringfence.templates.taint import Mark
from ringfence.templates.values import FailedValue, as_text, materialise, text
from ringfence.types.enums import TRUE_WORDS

_WIDE = frozenset({"center", "indent", "batch", "slice", "wordwrap", "truncate", "tojson", "to_json", "to_nice_json",
                   "to_yaml", "to_nice_yaml", "round"})
_CHEAP = frozenset({  # whose work does not grow with what they are given
    "default", "d", "mandatory", "defined", "undefined", "bool", "ternary", "first", "last", "length", "count", "extract",
    "type_debug", "attr", "map", "select", "reject", "selectattr", "rejectattr", "none", "boolean", "true", "false", "string",
    "mapping", "iterable", "sequence", "number", "integer", "float", "callable", "sameas", "odd", "even", "divisibleby",
    "filter", "test", "truthy", "falsy"})
_WRAP_WORK = 50  # what a character costs in `wordwrap`, which may make a line of each
_MARKERS = frozenset({"default", "d", "mandatory", "defined", "undefined"})
_DROPPED = ("random", "shuffle", "pprint", "xmlattr", "urlize", "filesizeformat", "striptags")
_UUID_NAMESPACE = uuid.UUID("361E6D51-FAEC-444A-9079-341386DA8E2E")  # Ansible's to_uuid


def _items(value: Any) -> list[Any]:
    if isinstance(value, str | Mapping) or not isinstance(value, Iterable):
        raise RenderError(f"a list is needed here, not {describe(value)}")
    return list(value)


# ---------------------------------------------------------------------------------------------------------- filters

def default(value: Any, default_value: Any = "", boolean: bool = False) -> Any:
    if isinstance(value, FailedValue):
        if not value.undefined:
            raise value.failure
        return default_value
    return default_value if boolean and not value else value


def mandatory(value: Any, msg: str | None = None) -> Any:
    if isinstance(value, FailedValue):
        raise RenderError(msg) if msg and value.undefined else value.failure
    return value


def public(mark: Any, value: Any = None) -> Any:
    """The value, which may be shown from here on although secrets were looked at for it."""
    if not isinstance(mark, Mark):
        raise RenderError("public stands behind the value that may be shown: {{ value | public }}")
    mark.forget()
    return value


def to_bool(value: Any) -> bool:
    """Ansible's filter: what is no word for true is false, never a mistake."""
    if isinstance(value, str):
        return value.lower() in TRUE_WORDS
    return isinstance(value, int | float) and value == 1


def ternary(value: Any, true_val: Any, false_val: Any, none_val: Any = None) -> Any:
    if value is None and none_val is not None:
        return none_val
    return true_val if value else false_val


def join(values: Any, d: str = "", attribute: str | None = None) -> str:
    found = [v[attribute] for v in values] if attribute is not None else list(values)
    parts = [charge_for(as_text(v)) for v in found]
    charge(len(d) * len(parts))
    return as_text(d).join(parts)


def split(value: str, separator: str | None = None, most: int = -1) -> list[str]:
    return text(value).split(separator, most)


def unique(values: Any, case_sensitive: bool | None = None, attribute: str | None = None) -> list[Any]:
    env = _environment()
    found = _items(values)
    if case_sensitive is not None or attribute is not None:
        return list(do_unique(env, found, bool(case_sensitive), attribute))
    return first_of_each(found)


def _without(values: Any, others: Any, *, kept: bool = False) -> list[Any]:
    """The values that are not among others, or (`kept`) those that are."""
    known = set(map(key_of, _items(others)))
    return [v for v in _items(values) if (key_of(v) in known) is kept]


def union(left: Any, right: Any) -> list[Any]:
    return unique(_items(left) + _items(right))


def intersect(left: Any, right: Any) -> list[Any]:
    return unique(_without(left, right, kept=True))


def difference(left: Any, right: Any) -> list[Any]:
    return unique(_without(left, right))


def symmetric_difference(left: Any, right: Any) -> list[Any]:
    return _without(union(left, right), intersect(left, right))


def flatten(values: Any, levels: int | None = None, skip_nulls: bool = True) -> list[Any]:
    flat: list[Any] = []
    for value in _items(values):
        if skip_nulls and value in (None, "None", "null"):
            continue
        if isinstance(value, list | tuple) and (levels is None or levels > 0):
            flat += flatten(value, None if levels is None else levels - 1, skip_nulls)
        else:
            flat.append(value)
    return flat


def combine(*maps: Any, recursive: bool = False, list_merge: str = "replace") -> dict[Any, Any]:
    if list_merge not in _LIST_MERGES:
        raise RenderError(f'list_merge cannot be "{list_merge}"', f"Allowed: {', '.join(_LIST_MERGES)}.")
    found = flatten(maps, 1)
    for value in found:
        if not isinstance(value, Mapping):
            raise RenderError(f"combine takes mappings, not {describe(value)}")
    return functools.reduce(lambda low, high: _merge(low, high, recursive, list_merge), found, {})


_LIST_MERGES: dict[str, Callable[[Any, Any], Any]] = {
    "replace": lambda low, high: high,
    "keep": lambda low, high: low,
    "append": lambda low, high: low + high,
    "prepend": lambda low, high: high + low,
    "append_rp": lambda low, high: _without(low, high) + high,
    "prepend_rp": lambda low, high: high + _without(low, high),
}


def _merge(low: Mapping[Any, Any], high: Mapping[Any, Any], recursive: bool, list_merge: str) -> dict[Any, Any]:
    merged = dict(low)
    for key, value in high.items():
        before = merged.get(key)
        if recursive and isinstance(before, Mapping) and isinstance(value, Mapping):
            value = _merge(before, value, recursive, list_merge)
        elif isinstance(before, list) and isinstance(value, list):
            value = _LIST_MERGES[list_merge](before, value)
        merged[key] = value
    return merged


def dict2items(value: Any, key_name: str = "key", value_name: str = "value") -> list[dict[str, Any]]:
    if not isinstance(value, Mapping):
        raise RenderError(f"dict2items takes a mapping, not {describe(value)}")
    return [{key_name: k, value_name: v} for k, v in value.items()]


def items2dict(values: Any, key_name: str = "key", value_name: str = "value") -> dict[Any, Any]:
    found = _items(values)
    if not all(isinstance(v, Mapping) and key_name in v and value_name in v for v in found):
        raise RenderError(f"items2dict takes a list of mappings with the keys {key_name} and {value_name}")
    return {v[key_name]: v[value_name] for v in found}


def subelements(value: Any, path: Any, skip_missing: bool = False) -> list[tuple[Any, Any]]:
    pairs = []
    for element in value.values() if isinstance(value, Mapping) else _items(value):
        inner = element
        for key in path if isinstance(path, list) else str(path).split("."):
            if isinstance(inner, Mapping) and key in inner:
                inner = inner[key]
            elif skip_missing:
                inner = []
                break
            else:
                raise RenderError(f'subelements: there is no key "{key}" in an item')
        pairs += [(element, one) for one in _items(inner)]
    return pairs


def product(*lists: Any) -> list[list[Any]]:
    found = [_items(v) for v in lists]
    charge(functools.reduce(lambda size, values: size * len(values), found, 1) * (1 + len(found)))
    return [list(row) for row in itertools.product(*found)]


def total(values: Any, attribute: Any = None, start: Any = 0) -> Any:
    """Jinja2's `sum`, with each of the sums on the way paid: those of lists are copies."""
    env = _environment()
    found = _items(values) if attribute is None else [env.getitem(v, attribute) for v in _items(values)]
    return functools.reduce(lambda low, high: charge_for(low + high), found, start)


def extract(key: Any, container: Any, more: Any = None) -> Any:
    for one in [key, *(more if isinstance(more, list) else [] if more is None else [more])]:
        container = _environment().getitem(container, one)
    return container


# ------------------------------------------------------------------------------------------------------------ tests

def _version(value: Any) -> list[tuple[int, Any]]:
    """Numbers compare as numbers and before words (distutils' loose versions, without its failures)."""
    return [(0, int(p)) if p.isdigit() else (1, p) for p in re.findall(r"\d+|[a-z]+", text(value).lower())]


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    **dict.fromkeys(("==", "=", "eq"), lambda a, b: a == b), **dict.fromkeys(("!=", "<>", "ne"), lambda a, b: a != b),
    **dict.fromkeys(("<", "lt"), lambda a, b: a < b), **dict.fromkeys(("<=", "le"), lambda a, b: a <= b),
    **dict.fromkeys((">", "gt"), lambda a, b: a > b), **dict.fromkeys((">=", "ge"), lambda a, b: a >= b),
}


def version(value: Any, other: Any, operator: str = "eq", strict: Any = None, version_type: Any = None) -> bool:
    if operator not in _COMPARE:
        raise RenderError(f'version: unknown operator "{operator}"', f"Allowed: {', '.join(_COMPARE)}.")
    if value in ("", None) or other in ("", None):
        raise RenderError("version: an empty version cannot be compared")
    return _COMPARE[operator](_version(value), _version(other))


def _defined(value: Any) -> bool:
    if isinstance(value, FailedValue):
        if not value.undefined:
            raise value.failure
        return False
    return True


def _contained(members: Any, other: Any) -> bool:
    members, other = materialise(members), materialise(other)
    if isinstance(members, list | tuple) and isinstance(other, list | tuple):
        return not _without(members, other)
    for _ in members:
        charge_container(other)
    return all(v in other for v in members)


_TYPES: dict[type, str] = {Unsafe: "str", Map: "dict", Seq: "list"}

FILTERS: dict[str, Callable[..., Any]] = {
    "public": public, "default": default, "d": default, "mandatory": mandatory, "bool": to_bool, "ternary": ternary, "join": join,
    "split": split, "unique": unique, "union": union, "intersect": intersect, "difference": difference,
    "symmetric_difference": symmetric_difference, "flatten": flatten, "combine": combine, "dict2items": dict2items,
    "items2dict": items2dict, "subelements": subelements, "extract": extract, "to_json": to_json,
    "to_nice_json": to_nice_json, "from_json": lambda value: json.loads(text(value)), "to_yaml": to_yaml,
    "to_nice_yaml": to_nice_yaml, "from_yaml": from_yaml, "regex_replace": regex_replace,
    "regex_search": regex_search, "regex_findall": regex_findall, "regex_escape": lambda v: re.escape(text(v)),
    "b64encode": b64encode, "b64decode": b64decode, "hash": digest, "md5": lambda v: digest(v, "md5"),
    "sha1": digest, "checksum": digest, "to_uuid": lambda v: str(uuid.uuid5(_UUID_NAMESPACE, text(v))),
    "basename": lambda v: os.path.basename(text(v)), "dirname": lambda v: os.path.dirname(text(v)),
    "win_basename": lambda v: ntpath.basename(text(v)), "win_dirname": lambda v: ntpath.dirname(text(v)),
    "win_splitdrive": lambda v: list(ntpath.splitdrive(text(v))), "quote": lambda v: shlex.quote(text(v)),
    "type_debug": lambda value: _TYPES.get(type(value), type(value).__name__),
    "product": product, "sum": total, "zip": lambda *lists: [list(row) for row in zip(*lists, strict=False)],
    "string": as_text, "replace": lambda value, old, new, count=-1: charged_replace(text(value), str(old), str(new), count),
}
TESTS: dict[str, Callable[..., bool]] = {
    "defined": _defined, "undefined": lambda value: not _defined(value), "match": matches("match"),
    "search": matches("search"), "regex": matches("search"), "version": version, "version_compare": version,
    "subset": _contained, "issubset": _contained, "superset": lambda one, other: _contained(other, one),
    "issuperset": lambda one, other: _contained(other, one), "contains": lambda values, value: value in values,
    "any": lambda values: any(values), "all": lambda values: all(values),
    "truthy": lambda value, convert_bool=False: bool(to_bool(value) if convert_bool else value),
    "falsy": lambda value, convert_bool=False: not (to_bool(value) if convert_bool else value),
}


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
        return charge_for(function(*own, *given, **kwargs))
    return guard


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
def _environment() -> Environment:
    """The environment with all filters and tests."""
    env = Environment()
    for name in _DROPPED:
        env.filters.pop(name, None)
    own = ("_concat", "_counted", "_compared", "_searched", "_entered", "_mark")
    filters: dict[str, Any] = {**env.filters, **FILTERS}
    tests: dict[str, Any] = {**env.tests, **TESTS}
    env.filters.update({n: guarded(n, f) for n, f in filters.items() if n not in own})
    env.tests.update({n: guarded(n, f, lazily=True) for n, f in tests.items()})
    for table in (env.filters, env.tests):  # by their full names too
        table.update({f"ansible.builtin.{name}": f for name, f in table.items() if name not in own})
    env.globals.update(lookups.GLOBALS)
    return env


def environment() -> Environment:
    """The environment that all projects share: it has no state of its own."""
    return _environment()
