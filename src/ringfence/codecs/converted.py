"""Texts whose stored form differs from the value."""

from collections.abc import Callable, Iterable
from typing import Any

from ringfence.codecs.tokens import Text


class ConvertedText(Text):
    """One token whose stored form differs from the value: `format` makes it, or nothing where it is not stored."""

    def __init__(self, token: str, parse: Callable[[str], Any], format: Callable[[Any], str | None]) -> None:
        super().__init__(token, parse)
        self.format = format

    def write(self, *values: Any) -> Iterable[str]:
        return [f"{self.tokens[0]}={stored}" for v in values if v is not None and (stored := self.format(v)) is not None]


def digits(token: str, unit: int = 1) -> ConvertedText:
    """Stored as value × unit; 0 is not stored when unit ≠ 1."""

    def read(data: str) -> int:
        stored = int(data)
        if stored % unit:
            raise ValueError(data)  # no value of the property says it: the piece stays as it is
        return stored // unit

    return ConvertedText(token, read, lambda v: None if unit != 1 and not v else str(v * unit))
