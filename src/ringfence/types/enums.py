"""Words out of a fixed set: enumerations of the cmdlets and their flags, booleans, whole numbers."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ringfence.diagnostics import suggest
from ringfence.types.base import NOT_CONFIGURED, PropertyType, as_list, as_text, empty_value, fold, likely_meant, quoted, snake


def choice(*parameters: str, **aliases: str) -> PropertyType:
    """One of a cmdlet's enum values, said in snake_case: choice("Allow", "Block") holds "allow" or "block"."""
    canonical = {snake(p): p for p in parameters}
    forms = {fold(c): c for c in canonical} | {fold(a): snake(p) for a, p in aliases.items()}

    def parse(value: Any) -> str:
        if value is None or value == "":  # for IPsec it would mean none: nothing is secured
            raise ValueError(f"the value is empty, and that is not one of {', '.join(canonical)}")
        text = str(value) if isinstance(value, bool) else as_text(value)
        if (found := forms.get(fold(text))) is None:
            raise ValueError(f"{quoted(value)} is not one of {', '.join(canonical)}{suggest(text, list(canonical), '; ')}")
        return found

    return PropertyType(" | ".join(canonical), parse, {"enum": list(canonical)}, canonical.__getitem__)


def with_hints(type: PropertyType, hints: Mapping[str, str]) -> PropertyType:
    """The same type, which tells what to say for words that other tools have. `hints`: {word, folded: way out}."""

    def parse(value: Any) -> Any:
        for word in as_list(value) if isinstance(value, str | bool | list | tuple) else ():
            if isinstance(word, str | bool) and (hint := hints.get(fold(str(word)))):
                raise ValueError(f"{quoted(word)} is not one of {type.name.replace(' |', ',').removeprefix('list of ')}; {hint}")
        return type.parse(value)

    return replace(type, parse=parse)


# ansible.module_utils.parsing.convert_bool
TRUE_WORDS = frozenset({"true", "yes", "on", "1", "y", "t"})
FALSE_WORDS = frozenset({"false", "no", "off", "0", "n", "f"})


def parse_bool(value: Any) -> bool:
    """A boolean, also as the words Ansible takes for one (a template gives text). Raises ValueError."""
    if isinstance(value, bool):
        return value
    text = as_text(value).lower()
    if text not in TRUE_WORDS | FALSE_WORDS:
        raise ValueError(f"{quoted(value)} is neither true nor false")
    return text in TRUE_WORDS


BOOL = PropertyType("boolean", parse_bool, {"type": "boolean"})
"""For [bool] parameters."""
TRUE_FALSE = PropertyType("boolean", parse_bool, {"type": "boolean"}, lambda v: "True" if v else "False")
"""For parameters whose type is the enum True | False (`-Enabled $true` does not bind, `-Enabled True` does)."""


def _gpo_boolean(value: Any) -> bool | str:
    return NOT_CONFIGURED if isinstance(value, str) and fold(value) == fold(NOT_CONFIGURED) else parse_bool(value)


GPO_BOOLEAN = PropertyType("boolean | not_configured", _gpo_boolean, {"enum": [True, False, NOT_CONFIGURED]},
                   lambda v: {True: "True", False: "False"}.get(v, "NotConfigured"))
"""GpoBoolean of NetSecurity: NotConfigured means that no value is stored."""


def number(low: int, high: int, *extra: int) -> PropertyType:
    """A whole number from `low` to `high`, or one of `extra`."""

    def parse(value: Any) -> int:
        string = as_text(value)
        if not (string.isascii() and string.isdigit()):
            raise ValueError(f"{quoted(value)} is not a whole number")
        found = int(string) if len(string) < 20 else high + 1
        if not (low <= found <= high or found in extra):
            also = "".join(f" or {e}" for e in extra)
            raise ValueError(f"{found} is not in {low}-{high}{also}")
        return found

    schema = {"type": "integer", "minimum": min(low, *extra, low), "maximum": high}
    return PropertyType(f"{low}-{high}" + "".join(f" | {e}" for e in extra), parse, schema)


def flags_of(*parameters: str, whole: bool = False, **aliases: str) -> PropertyType:
    """Some of an enum's values; `any`, or (with `whole`) all of them, is ()."""
    base = choice(*parameters, **aliases)

    def one(word: Any) -> str:
        try:
            return str(base.parse(word))
        except ValueError as error:
            hint = likely_meant(word, base.parse, "any") if isinstance(word, str) else ""
            raise ValueError(f"{error}; {hint}" if hint else str(error)) from None

    def parse(value: Any) -> tuple[str, ...]:
        parts = as_list(value)
        if any(isinstance(p, str) and p.casefold() in ("any", "all") for p in parts):
            if len(parts) > 1:
                raise ValueError("any stands alone, not beside other values")
            return ()
        if not parts:
            raise empty_value("any")
        found = set(map(one, parts))
        return () if whole and len(found) == len(parameters) else tuple(sorted(found))

    item = {"enum": [*map(snake, parameters), "any"]}
    return PropertyType(f"list of {base.name}", parse, {"anyOf": [item, {"type": "array", "items": item, "minItems": 1}]},
                lambda v: [base.to_parameter(m) for m in v] if v else "Any")
