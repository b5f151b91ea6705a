"""A rule string as it was found, written again: what did not change stands as it stood, to the letter.

Windows' own strings differ in what means nothing: the order and the case of tokens, a default that is written out, a
token that stands twice, all three profiles, an empty text. A rule that nobody changed has to come out as it went in.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from ringfence.codecs.rule_string import VERSION_PREFIX, Codec, Platform, RuleStringCodec, Tokens


class Source(NamedTuple):
    """A rule string, and what it was read as: the values of every property, and the pieces that nobody understood."""

    string: str
    values: Mapping[str, Any]
    unknown_tokens: Tokens


def rewrite(table: RuleStringCodec, source: Source, values: Mapping[str, Any], unknown_tokens: Tokens, version: str = "") -> str:
    """The string of `source` with those pieces said anew whose values are others. `version`: its prefix, where another."""
    changed = [codec for codec, names in table.names.items() if any(values[n] != source.values[n] for n in names)]
    head, pieces = _split(source.string)
    if changed or unknown_tokens != source.unknown_tokens:
        pieces = _Pieces(table, source, changed, unknown_tokens).replaced(pieces, values)
    return "|".join([version or head, *pieces] if head else pieces)


def _split(string: str) -> tuple[str, list[str]]:
    """The version and the pieces, an empty one after the last bar included. No version where there is none."""
    head, *pieces = string.split("|")
    return (head, pieces) if VERSION_PREFIX.fullmatch(head) else ("", [head, *pieces])


class _Pieces:
    """The pieces of one string on their way to another: which of them stay, and where new ones go."""

    def __init__(self, table: RuleStringCodec, source: Source, changed: list[Codec], unknown_tokens: Tokens) -> None:
        self.table, self.changed = table, changed
        self.unknown = {p.lower() for p in unknown_tokens}
        self.given_up = {p.lower() for p in source.unknown_tokens} - self.unknown
        self.places: dict[Codec | None, int] = {}  # where the first piece stood that a codec lost

    def replaced(self, pieces: list[str], values: Mapping[str, Any]) -> list[str]:
        """The pieces with those of `values` in the place of what says something else."""
        new = [(codec, p) for codec in self.changed for p in codec.write(*(values[n] for n in self.table.names[codec]))]
        wanted = Counter(p.lower() for codec, p in new if not isinstance(codec, Platform))  # one of them depends on the others
        kept: list[str] = []
        for piece in pieces:
            if self._stays(piece, wanted):
                kept.append(piece)
            else:
                self.places.setdefault(self._codec(piece), len(kept))
        there = {p.lower() for p in kept}
        unsaid = [(None, p) for p in self.unknown - there]
        for codec, piece in [*((c, p) for c, p in new if isinstance(c, Platform) or wanted[p.lower()]), *unsaid]:
            at = self.places.get(codec)
            at = self._place_of(piece, kept) if at is None else at
            kept.insert(at, piece)
            self.places = {c: n + (n >= at) for c, n in self.places.items()}
        return kept

    def _codec(self, piece: str) -> Codec | None:
        token, equals, _ = piece.partition("=")
        found: Codec | None = self.table.owner[token] if equals else None
        return found

    def _stays(self, piece: str, wanted: Counter[str]) -> bool:
        lower = piece.lower()
        if wanted[lower]:
            wanted[lower] -= 1
            return True
        codec = self._codec(piece)
        unchanged = codec is not None and codec not in self.changed and lower not in self.given_up
        return not piece or lower in self.unknown or unchanged

    def _place_of(self, piece: str, pieces: list[str]) -> int:
        """Behind the last piece that Windows writes before this one: a protocol stands before its ports."""
        rank = self.table.place(piece)
        return max((i + 1 for i, p in enumerate(pieces) if p and self.table.place(p) <= rank), default=0)
