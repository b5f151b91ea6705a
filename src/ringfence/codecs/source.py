"""A rule string or a key of a set as it was found, written again: what did not change stands as it stood, to the letter.

Windows' own strings differ in what means nothing: the order and the case of tokens, a default that is written out, a
token that stands twice, all three profiles, an empty text. A rule that nobody changed has to come out as it went in. So has
a set: its values are the same tokens, each a value of the registry.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

from ringfence.codecs.rule_string import VERSION_PREFIX, RuleStringCodec
from ringfence.codecs.tokens import Codec, Platform, Tokens

RegistryData: TypeAlias = tuple[str, str, Any]  # of one value: its name, type and data
WRITERS = frozenset({"version", "skipversion"})  # of a set: who wrote it, and who may skip it; nothing that a person declares


class SourceKey(NamedTuple):
    """A key of a set or of a proposal: its path (below the root of the store, or below its set), and its values.

    A pre-shared key is not among them: it stays where it is.
    """

    path: str
    values: tuple[RegistryData, ...]


class Source(NamedTuple):
    """A rule string or a key, and what it was read as: the values of every property, and the pieces that nobody understood."""

    stored: str | SourceKey
    values: Mapping[str, Any]
    unknown_tokens: Tokens

    def changed(self, table: RuleStringCodec, values: Mapping[str, Any]) -> list[Codec]:
        """The codecs whose properties have other values than these."""
        return [codec for codec, names in table.names.items() if any(values[n] != self.values[n] for n in names)]


def rewrite(table: RuleStringCodec, source: Source, values: Mapping[str, Any], unknown_tokens: Tokens, version: str = "") -> str:
    """The string of `source` with those pieces said anew whose values are others. `version`: its prefix, where another."""
    assert isinstance(source.stored, str)
    head, pieces = _split(source.stored)
    pieces = _replaced(pieces, table, source, values, unknown_tokens)
    return "|".join([version or head, *pieces] if head else pieces)


def rewrite_key(table: RuleStringCodec, source: Source, values: Mapping[str, Any],
                unknown_tokens: Tokens) -> tuple[RegistryData, ...]:
    """The same of a key: its values, of which WRITERS stay as they stand there."""
    assert isinstance(source.stored, SourceKey)
    stored = {f"{name}={data}": (name, type, data) for name, type, data in source.stored.values}
    staying = tuple(piece for piece, (name, _, _) in stored.items() if name.lower() in WRITERS)
    found = source._replace(unknown_tokens=(*source.unknown_tokens, *staying))
    pieces = _replaced(list(stored), table, found, values, (*unknown_tokens, *staying))
    return tuple(stored.get(p) or (p.partition("=")[0], "String", p.partition("=")[2]) for p in pieces)


def _replaced(pieces: list[str], table: RuleStringCodec, source: Source, values: Mapping[str, Any],
              unknown_tokens: Tokens) -> list[str]:
    changed = source.changed(table, values)
    if not changed and unknown_tokens == source.unknown_tokens:
        return pieces
    return _Pieces(table, source, changed, unknown_tokens).replaced(pieces, values)


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
        self.new: dict[str, tuple[Codec, str]] = {}  # the pieces to come, in lower case

    def replaced(self, pieces: list[str], values: Mapping[str, Any]) -> list[str]:
        """The pieces with those of `values` in the place of what says something else."""
        new = [(codec, p) for codec in self.changed for p in codec.write(*(values[n] for n in self.table.names[codec]))]
        wanted = Counter(p.lower() for codec, p in new if not isinstance(codec, Platform))  # one of them depends on the others
        self.new = {p.lower(): (codec, p) for codec, p in new}
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
        if wanted[lower] and self._says_the_same(piece):
            wanted[lower] -= 1
            return True
        codec = self._codec(piece)
        unchanged = codec is not None and codec not in self.changed and lower not in self.given_up
        return not piece or lower in self.unknown or unchanged

    def _says_the_same(self, piece: str) -> bool:
        """Whether a piece means what the new one does that differs from it in the case of letters at most: not so of a text."""
        codec, new = self.new[piece.lower()]
        return piece == new or codec.read((piece,)) == codec.read((new,))

    def _place_of(self, piece: str, pieces: list[str]) -> int:
        """Behind the last piece that Windows writes before this one: a protocol stands before its ports."""
        rank = self.table.place(piece)
        return max((i + 1 for i, p in enumerate(pieces) if p and self.table.place(p) <= rank), default=0)
