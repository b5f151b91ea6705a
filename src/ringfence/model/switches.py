"""What settings have in common: switches that may be left to Windows, and numbers whose bits are words."""

from collections.abc import Callable, Mapping
from typing import Any

from ringfence.codecs.registry import RegistryValue
from ringfence.model.resource import prop
from ringfence.types.base import NOT_CONFIGURED, PropertyType, as_list, as_text, empty_value, fold, snake
from ringfence.types.enums import GPO_BOOLEAN, choice

ON = {True: 1, False: 0}
OFF = {True: 0, False: 1}  # stored in the opposite sense


def switch(doc: str, name: str, data: dict[bool, int] = ON, path: str = "", legacy: bool = True,
           **more: Any) -> Any:
    """A GpoBoolean of a Set- cmdlet; a value that is not stored is not_configured."""
    return prop(doc, GPO_BOOLEAN, RegistryValue(name, data, path=path, legacy=legacy), default=NOT_CONFIGURED, **more)


def bit_mask(*parameters: str) -> PropertyType:
    """Some of a cmdlet's words; `none` is (), and not_configured stores no value. Both stand alone."""
    one = choice(*parameters)

    def parse(value: Any) -> tuple[str, ...] | str:
        members = as_list(value)
        words = [fold(as_text(m)) for m in members]
        if not members:
            raise empty_value("None")
        for alone, meant in (("none", ()), (fold(NOT_CONFIGURED), NOT_CONFIGURED)):
            if alone in words and len(words) > 1:
                raise ValueError(f"{alone} stands alone, not beside other values")
            if words == [alone]:
                return meant
        return tuple(sorted({one.parse(m) for m in members}))

    item = {"enum": list(map(snake, parameters))}
    return PropertyType(
        f"list of {one.name}; none; or not_configured", parse,
        {"anyOf": [{"enum": [*item["enum"], "none", NOT_CONFIGURED]}, {"type": "array", "items": item, "minItems": 1}]},
        lambda v: "NotConfigured" if v == NOT_CONFIGURED else [one.to_parameter(m) for m in v] if v else "None")


def bits(words: Mapping[str, int]) -> Callable[[Any], tuple[str, ...]]:
    """What reads a stored number as the words of its bits. A bit that has no word: ValueError."""

    def read(data: Any) -> tuple[str, ...]:
        number = int(data)
        if number & ~sum(words.values()):
            raise ValueError(data)
        return tuple(sorted(word for word, bit in words.items() if number & bit))

    return read


def stored_bits(words: Mapping[str, int]) -> Callable[[Any], int]:
    """What makes the number of words again."""
    return lambda value: sum(words[word] for word in value)
