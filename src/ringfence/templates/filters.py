"""The filters and tests of Ansible that look at one value, beside Jinja2's own; what belongs to lists, texts, addresses and forms
is in modules of its own. All of them are guarded (`environment.guarded`)."""

import json
import re
from collections.abc import Callable
from typing import Any

from packaging.version import InvalidVersion, Version

from ringfence.documents.yaml import Map, Seq, Unsafe
from ringfence.templates import list_filters, text_filters
from ringfence.templates.budget import RenderError, charge, charge_container, charge_for
from ringfence.templates.formats import (
    b64decode,
    b64encode,
    digest,
    from_yaml,
    from_yaml_all,
    to_json,
    to_nice_json,
    to_nice_yaml,
    to_yaml,
)
from ringfence.templates.list_filters import without
from ringfence.templates.matching import matches, regex_findall, regex_replace, regex_search
from ringfence.templates.taint import Mark
from ringfence.templates.values import FailedValue, as_text, materialise, text
from ringfence.types.enums import TRUE_WORDS


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


# ------------------------------------------------------------------------------------------------------------ tests

def _version(value: Any) -> list[tuple[int, Any]]:
    """Numbers compare as numbers and before words (distutils' loose versions, without its failures)."""
    return [(0, int(p)) if p.isdigit() else (1, p) for p in re.findall(r"\d+|[a-z]+", text(value).lower())]


def _strict(value: Any) -> list[tuple[int, Any]]:
    """Numbers with one or two dots, a letter and a number behind them (distutils' strict versions)."""
    found = re.fullmatch(r"(\d+)\.(\d+)(?:\.(\d+))?(?:([ab])(\d+))?", text(value), re.ASCII)
    if not found:
        raise RenderError(f"version: {text(value)[:40]!r} is no strict version")
    before = (0, found[4] + found[5].zfill(9)) if found[4] else (1, "")
    return [*((0, int(found[n] or 0)) for n in (1, 2, 3)), before]


def _semantic(value: Any) -> tuple[Any, ...]:
    """semver.org, 11."""
    found = re.fullmatch(r"(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?", text(value), re.ASCII)
    if not found:
        raise RenderError(f"version: {text(value)[:40]!r} is no semantic version", "Written as 1.2.3 or 1.2.3-rc.1.")
    before = [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in (found[4] or "").split(".") if part]
    return int(found[1]), int(found[2]), int(found[3]), not before, before


def _pep440(value: Any) -> Version:
    try:
        return Version(text(value))
    except InvalidVersion:
        raise RenderError(f"version: {text(value)[:40]!r} is no version of PEP 440") from None


_VERSIONS: dict[Any, Callable[[Any], Any]] = {
    None: _version, "loose": _version, "strict": _strict, "semver": _semantic, "semantic": _semantic, "pep440": _pep440}
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
    if version_type not in _VERSIONS or (strict is not None and version_type):
        wrong = (f"there is no version_type {version_type!r}" if strict is None else "strict and version_type exclude each other")
        raise RenderError(f"version: {wrong}", f"Allowed: {', '.join(filter(None, _VERSIONS))}.")
    read = _strict if strict else _VERSIONS[version_type]
    return _COMPARE[operator](read(value), read(other))


def _defined(value: Any) -> bool:
    if isinstance(value, FailedValue):
        if not value.undefined:
            raise value.failure
        return False
    return True


def _contained(members: Any, other: Any) -> bool:
    members, other = materialise(members), materialise(other)
    if isinstance(members, list | tuple) and isinstance(other, list | tuple):
        return not without(members, other)
    for _ in members:
        charge_container(other)
    return all(v in other for v in members)


_TYPES: dict[type, str] = {Unsafe: "str", Map: "dict", Seq: "list"}

FILTERS: dict[str, Callable[..., Any]] = {
    "public": public, "default": default, "d": default, "mandatory": mandatory, "bool": to_bool, "ternary": ternary, "join": join,
    "to_json": to_json, "to_nice_json": to_nice_json, "from_json": lambda value: json.loads(text(value)), "to_yaml": to_yaml,
    "to_nice_yaml": to_nice_yaml, "from_yaml": from_yaml, "from_yaml_all": from_yaml_all, "regex_replace": regex_replace,
    "regex_search": regex_search, "regex_findall": regex_findall, "regex_escape": lambda v: re.escape(text(v)),
    "b64encode": b64encode, "b64decode": b64decode, "hash": digest, "md5": lambda v: digest(v, "md5"),
    "sha1": lambda v: digest(v, "sha1"), "checksum": lambda v: digest(v, "sha1"),
    "type_debug": lambda value: _TYPES.get(type(value), type(value).__name__),
    **list_filters.LIST_FILTERS, **text_filters.TEXT_FILTERS}
TESTS: dict[str, Callable[..., bool]] = {
    "defined": _defined, "undefined": lambda value: not _defined(value), "match": matches("match"),
    "search": matches("search"), "regex": matches("search"), "version": version, "version_compare": version,
    "subset": _contained, "issubset": _contained, "superset": lambda one, other: _contained(other, one),
    "issuperset": lambda one, other: _contained(other, one), "contains": lambda values, value: value in values,
    "any": lambda values: any(values), "all": lambda values: all(values),
    "truthy": lambda value, convert_bool=False: bool(to_bool(value) if convert_bool else value),
    "falsy": lambda value, convert_bool=False: not (to_bool(value) if convert_bool else value), **text_filters.TEXT_TESTS}
