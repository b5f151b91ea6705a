"""Ansible's filters of texts, paths, URLs, sizes and times. None of them reads anything of this machine."""

import datetime
import math
import ntpath
import os.path
import posixpath
import re
import shlex
import urllib.parse
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from ringfence.diagnostics import allowed, describe
from ringfence.templates.budget import RenderError, charge, charged_replace, check_time_format
from ringfence.templates.values import as_text, text

_UUID_NAMESPACE = uuid.UUID("361E6D51-FAEC-444A-9079-341386DA8E2E")  # Ansible's to_uuid
_UNITS: dict[str, int] = {unit: 2 ** (10 * power) for power, unit in enumerate(("B", "K", "M", "G", "T", "P", "E", "Z", "Y"))}
_STYLES: Mapping[str, Mapping[str, str]] = {
    "plain": {"decoration": "# "}, "erlang": {"decoration": "% "}, "c": {"decoration": "// "},
    "cblock": {"beginning": "/*", "decoration": " * ", "end": " */"},
    "xml": {"beginning": "<!--", "decoration": " - ", "end": "-->"}}


def split(value: str, separator: str | None = None, most: int = -1) -> list[str]:
    return text(value).split(separator, most)


def comment(value: Any, style: str = "plain", newline: str = "\n", **given: Any) -> str:
    """A text as a comment of a language, with an empty line of it before and after."""
    if style not in _STYLES:
        raise RenderError(f"comment: there is no style {style!r}", allowed(style, _STYLES))
    known = ("beginning", "decoration", "end", "prefix", "prefix_count", "postfix", "postfix_count")
    if wrong := next((name for name in given if name not in known), ""):
        raise RenderError(f"comment takes no argument {wrong}", allowed(wrong, known))
    told = {**_STYLES[style], **given}
    decoration = text(told.get("decoration", ""))
    bare = decoration.rstrip()
    before, after = ([text(told.get(key, bare))] * min(max(int(told.get(f"{key}_count", 1)), 0), 1000)
                     for key in ("prefix", "postfix"))
    lines = text(value).split(newline)
    charge(len(decoration) * len(lines) + sum(map(len, before + after)))
    ends = [[text(told[key])] if told.get(key) else [] for key in ("beginning", "end")]
    return newline.join([*ends[0], *before, *(f"{decoration}{line}".rstrip() for line in lines), *after, *ends[1]])


def path_join(value: Any) -> str:
    parts = value if isinstance(value, list | tuple) else [value]
    if not parts:
        raise RenderError("path_join: an empty list is no path")
    return posixpath.join(*map(text, parts))


def relpath(value: Any, start: Any = None) -> str:
    if start is None or not (posixpath.isabs(text(value)) and posixpath.isabs(text(start))):
        raise RenderError("relpath takes two absolute paths: {{ path | relpath(start) }}",
                          "The current folder is no part of a state.")
    return posixpath.relpath(text(value), text(start))


def commonpath(value: Any) -> str:
    if not isinstance(value, list) or not value:
        raise RenderError(f"commonpath takes a list of paths, not {describe(value)}")
    return posixpath.commonpath(list(map(text, value)))


_PARTS = ("fragment", "hostname", "netloc", "password", "path", "port", "query", "scheme", "username")


def urlsplit(value: Any, query: str = "", alias: str = "urlsplit") -> Any:
    found = urllib.parse.urlsplit(text(value))
    if query and query not in _PARTS:
        raise RenderError(f"urlsplit: there is no part {query!r}", allowed(query, _PARTS))
    return getattr(found, query) if query else {part: getattr(found, part) for part in _PARTS}


# --------------------------------------------------------------------------------------------------- numbers and sizes

def human_readable(size: Any, isbits: bool = False, unit: str | None = None) -> str:
    number, letter = float(size), "b" if isbits else "B"
    chosen = (unit or next((u for u in reversed(_UNITS) if number >= _UNITS[u]), "B")).upper()
    if chosen not in _UNITS:
        raise RenderError(f"human_readable: there is no unit {unit!r}", allowed(unit, _UNITS))
    name = ("bits" if isbits else "Bytes") if chosen == "B" else f"{chosen}{letter}"
    return f"{number / _UNITS[chosen]:.2f} {name}"


_SIZE = re.compile(r"\s*(\d*\.?\d+)\s*([A-Za-z]*)\s*", re.ASCII)


def human_to_bytes(size: Any, default_unit: str | None = None, isbits: bool = False) -> int:
    found = _SIZE.fullmatch(str(size)[:100])
    unit = (found[2] or default_unit or "B") if found else ""
    letter, rest = unit[:1].upper(), unit[1:]
    good = {"", "b", "bit", "bits"} if isbits else {"", "B", "byte", "bytes", "Byte", "Bytes"}
    if not found or letter not in _UNITS or (rest not in good and (letter, rest.lower()) not in (("B", "its"), ("B", "ytes"))):
        raise RenderError(f"human_to_bytes: {str(size)[:40]!r} is no size", "Written as 10K, 1.5 GB; with isbits: 10Kb.")
    return round(float(found[1]) * _UNITS[letter])


def log(value: Any, base: Any = math.e) -> float:
    number, base = _number("log", value), _number("log", base)
    if number <= 0 or base <= 0 or base == 1:
        raise RenderError("log takes numbers above 0, and no base of 1")
    return math.log10(number) if base == 10 else math.log(number, base) if base != math.e else math.log(number)


def power(value: Any, exponent: Any) -> float:
    return _float("pow", lambda: math.pow(_number("pow", value), _number("pow", exponent)))


def root(value: Any, base: Any = 2) -> float:
    number, base = _number("root", value), _number("root", base)
    if base == 0:
        raise RenderError("root takes no base of 0")
    return _float("root", lambda: math.sqrt(number) if base == 2 else math.pow(number, 1.0 / base))


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RenderError(f"{name} takes a number, not {describe(value)}")
    return float(value)


def _float(name: str, work: Callable[[], float]) -> float:
    try:
        return work()
    except (ValueError, OverflowError):
        raise RenderError(f"{name}: there is no such number, or it is too large") from None


# ------------------------------------------------------------------------------------------------------------- times

MAX_TIME = 200  # characters of a time that is read
_FORMAT = "%Y-%m-%d %H:%M:%S"


def strftime(format: Any, second: Any = None, utc: bool = False) -> str:
    """A time as a text. Without one it would be now, and in local time it would be that of this machine."""
    if second is None:
        raise RenderError("strftime without seconds would be now: a state has to come out the same each time",
                          "Give the time: {{ '%Y' | strftime(seconds, utc=true) }}, or a variable with -e.")
    if not utc:
        raise RenderError("strftime is in UTC here, whatever this machine's time zone is", "Write utc=true.")
    try:
        return datetime.datetime.fromtimestamp(float(second), datetime.UTC).strftime(check_time_format(format))
    except (ValueError, TypeError, OverflowError, OSError):
        raise RenderError(f"strftime: {str(second)[:40]!r} are no seconds") from None


def to_datetime(value: Any, format: str = _FORMAT) -> datetime.datetime:
    try:
        return datetime.datetime.strptime(text(value)[:MAX_TIME], check_time_format(format))
    except (ValueError, re.error):
        raise RenderError(f"to_datetime: {text(value)[:40]!r} is not written as {check_time_format(format)}") from None


TEXT_FILTERS: dict[str, Callable[..., Any]] = {
    "split": split, "comment": comment, "path_join": path_join, "relpath": relpath, "commonpath": commonpath,
    "normpath": lambda value: posixpath.normpath(text(value)), "splitext": lambda value: list(posixpath.splitext(text(value))),
    "basename": lambda v: os.path.basename(text(v)), "dirname": lambda v: os.path.dirname(text(v)),
    "win_basename": lambda v: ntpath.basename(text(v)), "win_dirname": lambda v: ntpath.dirname(text(v)),
    "win_splitdrive": lambda v: list(ntpath.splitdrive(text(v))), "quote": lambda v: shlex.quote(text(v)),
    "urlsplit": urlsplit, "urldecode": lambda value: urllib.parse.unquote_plus(text(value)),
    "to_uuid": lambda v, namespace=_UUID_NAMESPACE: str(uuid.uuid5(uuid.UUID(str(namespace)), text(v))),
    "string": as_text, "replace": lambda value, old, new, count=-1: charged_replace(text(value), str(old), str(new), count),
    "human_readable": human_readable, "human_to_bytes": human_to_bytes, "log": log, "pow": power, "root": root,
    "strftime": strftime, "to_datetime": to_datetime}


def _url(value: Any, schemes: Any = None) -> urllib.parse.SplitResult | None:
    try:
        found = urllib.parse.urlsplit(text(value))
    except ValueError:
        return None
    return found if found.scheme and (not schemes or found.scheme in schemes) else None


def is_uri(value: Any, schemes: Any = None) -> bool:
    return (found := _url(value, schemes)) is not None and bool(found.netloc or found.path)


def is_url(value: Any, schemes: Any = None) -> bool:
    return (found := _url(value, schemes)) is not None and bool(found.netloc)


def is_urn(value: Any) -> bool:
    return (found := _url(value, ["urn"])) is not None and bool(found.path)


TEXT_TESTS: dict[str, Callable[..., bool]] = {
    **dict.fromkeys(("abs", "is_abs"), lambda value: posixpath.isabs(text(value))), "uri": is_uri, "url": is_url, "urn": is_urn,
    **dict.fromkeys(("nan", "isnan"), lambda value: isinstance(value, float) and math.isnan(value))}
