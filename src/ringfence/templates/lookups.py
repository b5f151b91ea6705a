"""`lookup(NAME, …)` and `query(NAME, …)`, evaluated on the controller as with Ansible: those that give the same each time."""

import os
import re
from collections.abc import Callable, Sequence
from typing import Any

from jinja2 import pass_context
from jinja2.utils import missing

from ringfence.diagnostics import NOWHERE, Diagnostic, allowed, describe, quoted
from ringfence.regex import compiled
from ringfence.templates import list_filters, lookup_files
from ringfence.templates.budget import MAX_RANGE, RenderError, UntrustedLookup, charge, charge_for, charge_pattern, check_format
from ringfence.templates.parts import held, seen
from ringfence.templates.sandbox import TemplateContext
from ringfence.templates.taint import has_unveiled
from ringfence.templates.template_reasons import ABSENT_LOOKUPS, NOT_NOW, in_words
from ringfence.templates.values import FailedValue, materialise, text


def _env(scope: Any, name: Any, default: Any = "") -> Any:
    if scope.trust.untrusted:
        raise UntrustedLookup("the environment is not read for an untrusted project")
    found = scope.environment[text(name)] = os.environ.get(text(name))
    if found is None and isinstance(default, FailedValue):
        raise default.failure
    return default if found is None else found


def _vars(scope: Any, name: Any, default: Any = missing) -> Any:
    value = scope.resolve(text(name))
    if value is not missing:
        return value
    if default is not missing:
        return default
    raise FailedValue(name=text(name)).failure


def _dict(scope: Any, value: Any) -> Any:
    if not isinstance(value, dict):
        raise RenderError(f"lookup('dict', …) takes a mapping, not {describe(value)}")
    return [{"key": k, "value": v} for k, v in value.items()]


def _flat(scope: Any, terms: Sequence[Any]) -> list[Any]:
    """`items`: lists among the terms become their items."""
    return [one for term in terms for one in (term if isinstance(term, list) else [term])]


def _indexed(scope: Any, terms: Sequence[Any]) -> list[Any]:
    return [[index, one] for index, one in enumerate(_flat(scope, terms))]


def _nested(scope: Any, terms: Sequence[Any]) -> list[Any]:
    if not terms:
        raise RenderError("lookup('nested', …) takes lists")
    return list_filters.product(*[term if isinstance(term, list) else [term] for term in terms])


def _together(scope: Any, terms: Sequence[Any]) -> list[Any]:
    return list_filters.zip_longest(*[term if isinstance(term, list) else [term] for term in terms])


def _subelements(scope: Any, terms: Sequence[Any]) -> list[Any]:
    if not 2 <= len(terms) <= 3:
        raise RenderError("lookup('subelements', …) takes a list, the key of an inner list, and perhaps {skip_missing: true}")
    flags = terms[2] if len(terms) == 3 and isinstance(terms[2], dict) else {}
    pairs = list_filters.subelements(terms[0], terms[1], bool(flags.get("skip_missing")))
    return [[_left_out(one, str(terms[1]).split(".")), inner] for one, inner in pairs]


def _left_out(value: Any, way: Sequence[str]) -> Any:
    """A mapping without the list that a way of keys leads to."""
    if not isinstance(value, dict) or way[0] not in value:
        return value
    charge_for(value)
    if len(way) == 1:
        return {key: one for key, one in value.items() if key != way[0]}
    return {**value, way[0]: _left_out(value[way[0]], way[1:])}


_SHORT = re.compile(r"(?:(?P<start>\d+|0x[0-9a-fA-F]+)-)?(?P<end>\d+|0x[0-9a-fA-F]+)(?:/(?P<stride>-?\d+))?(?::(?P<format>.*))?")


def _sequence(scope: Any, terms: Sequence[Any], **options: Any) -> list[str]:
    """Numbers as texts: `start=1 end=9 stride=2 format=web%02d`, or `1-9/2:web%02d`, or the same as arguments."""
    found: list[str] = []
    for term in terms or [""]:
        short = _SHORT.fullmatch(text(term))
        told = ({k: v for k, v in short.groupdict().items() if v} if short else
                dict(word.split("=", 1) for word in text(term).split() if "=" in word))
        told = {**options, **told}
        if wrong := next((name for name in told if name not in ("start", "end", "count", "stride", "format")), ""):
            raise RenderError(f"sequence takes no {wrong}", "Write start, end or count, stride, format.")
        found += _numbers(told)
    return found


def _numbers(told: dict[str, Any]) -> list[str]:
    try:
        number = {name: int(str(value), 0) for name, value in told.items() if name != "format"}
    except ValueError:
        raise RenderError("sequence: start, end, count and stride are whole numbers") from None
    start = number.get("start", 1)
    stride = number.get("stride", 1)
    if ("end" in number) == ("count" in number) or (stride == 0 and number.get("count") != 0):
        raise RenderError("sequence: give end or count, and a stride that is not 0")
    end = number["end"] if "end" in number else start + (number["count"] - 1) * stride
    if (end - start) * stride < 0 and "end" in number:
        raise RenderError(f"sequence: from {start} no stride of {stride} comes to {end}")
    made, form = range(start, end + (1 if stride > 0 else -1), stride), text(told.get("format", "%d"))
    if len(made) > MAX_RANGE or form.replace("%%", "").count("%") != 1:
        raise RenderError(f"sequence: at most {MAX_RANGE:,} numbers, and a format with one place for them")
    check_format(form)
    charge((1 + len(form)) * len(made))
    return [form % one for one in made]


def _varnames(scope: Any, pattern: Any) -> list[str]:
    """The names of variables that a regular expression finds, in their order."""
    names = sorted(dict.fromkeys(scope.known()))
    charge_pattern((text(pattern), False, False))
    charge(20 * len(names))
    try:
        regex = compiled(text(pattern))
    except ValueError as error:
        raise RenderError(f"the regular expression is wrong: {error}") from None
    return [name for name in names if regex.search(name)]


ONE: dict[str, Callable[..., Any]] = {"env": _env, "vars": _vars, **lookup_files.PER_TERM}
"""Lookups that give one result for each term."""
SEVERAL: dict[str, Callable[..., Any]] = {"dict": _dict, "varnames": _varnames, **lookup_files.PER_TERM_MANY}
"""Lookups that give several for each term."""
ALL: dict[str, Callable[..., Any]] = {
    "items": _flat, "list": lambda scope, terms: list(terms), "indexed_items": _indexed, "nested": _nested, "together": _together,
    "subelements": _subelements, "sequence": _sequence, "first_found": lookup_files.first_found}
"""Lookups that take all terms together."""
LOOKUPS = (*ONE, *SEVERAL, *ALL)


@pass_context
def query(context: TemplateContext, name: str, *terms: Any, **options: Any) -> list[Any]:
    """The results of a lookup, a list."""
    return _results(context, name, terms, options) or []


def _results(context: TemplateContext, name: str, terms: Sequence[Any], options: dict[str, Any]) -> list[Any] | None:
    """The results of a lookup; None where it failed and that is no mistake."""
    name = str(name).removeprefix("ansible.builtin.")
    if name not in LOOKUPS:
        absent = ABSENT_LOOKUPS.get(name.rpartition(".")[2], "")
        raise RenderError(f'there is no lookup "{name}"', absent or allowed(name, LOOKUPS))
    errors = options.pop("errors", "strict")
    options.pop("wantlist", None)
    if errors not in ("strict", "warn", "ignore"):
        raise RenderError(f"errors of a lookup is strict, warn or ignore, not {quoted(errors)}")
    try:
        return [one for asked in ([terms] if name in ALL else terms) for one in _found(name, context.scope, asked, options)]
    except RenderError as error:
        if errors == "strict" or type(error) is not RenderError:  # what waits for the host, or has no budget left
            raise
        if errors == "warn":
            told = ("a lookup over a secret failed", "") if has_unveiled() else (error.summary, error.detail)
            context.scope.warnings.append(Diagnostic(NOWHERE, *told, "warning"))
        return None


def _found(name: str, scope: Any, asked: Any, options: dict[str, Any]) -> list[Any]:
    """What a lookup finds for a term, or for all of them."""
    for term in asked if name in ALL else (asked,):
        if isinstance(term, FailedValue):
            raise term.failure
    plain = [materialise(term) for term in asked] if name in ALL else materialise(asked)
    function = ONE.get(name) or SEVERAL.get(name) or ALL[name]
    try:
        found = function(scope, plain, **options)
    except TypeError as error:
        raise RenderError(in_words(re.sub(r"^[\w.<>]+\(\)", f"{name}()", str(error)))) from None
    return [seen(held(found))] if name in ONE else [seen(held(one)) for one in charge_for(found)]


@pass_context
def lookup(context: TemplateContext, name: str, *terms: Any, wantlist: bool = False, **options: Any) -> Any:
    """The result of a lookup; several texts are joined by commas."""
    results = _results(context, name, terms, options)
    if wantlist or not results:
        return results or [] if wantlist else results
    if len(results) > 1 and all(isinstance(r, str) for r in results):
        return ",".join(results)
    return results[0] if len(results) == 1 else results


def _undef(hint: str = "") -> FailedValue:
    """A value that is not defined: whoever uses it without giving another is told the hint."""
    return FailedValue(text(hint) or "a variable has to be given a value here")


def _now(*_: Any, **__: Any) -> Any:
    raise RenderError("there is no now() in a state", NOT_NOW)


GLOBALS: dict[str, Any] = {"lookup": lookup, "query": query, "q": query, "undef": _undef, "now": _now}
