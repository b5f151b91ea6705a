"""Strings of pieces inside of a piece."""

from collections.abc import Iterable
from typing import Any

from ringfence.codecs.rule_string import RuleStringCodec
from ringfence.codecs.tokens import Tokens, Values


class Nested:
    """Several properties in one piece whose data is a string of pieces itself (certificate criteria)."""

    def __init__(self, token: str, table: RuleStringCodec, version: str) -> None:
        self.tokens: Tokens = (token,)
        self.table, self.version = table, version

    def read(self, pieces: Tokens) -> tuple[Values, Tokens]:
        values, left = self.table.read(pieces[0].partition("=")[2])
        if left:  # not understood whole: it stays as it is
            return tuple(self.table.when_absent.values()), pieces
        return tuple(values.values()), pieces[1:]

    def write(self, *values: Any) -> Iterable[str]:
        by_name = dict(zip(self.table.when_absent, values, strict=True))
        if by_name != self.table.when_absent:
            yield f"{self.tokens[0]}={self.table.write(by_name, (), self.version)}"
