"""Rule strings <-> property values.

A rule string is `v2.31|Action=Allow|Dir=In|…|`: its tokens stand between the bars ([MS-GPFAS] 2.2.2.19), and each is its codec's
(tokens.py). What none understands is kept: nothing is lost, and a rule from a newer Windows is never read as wider than it is.
(The string itself is kept beside the values: source.py.)
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from ringfence.codecs.tokens import (
    PLAIN,
    Codec,
    Platform,
    ProtocolAndIcmp,
    Text,
    TextOrBase64,
    Tokens,
    TokenSet,
    TruthTable,
    kept_piece,
)
from ringfence.types.base import in_order, remembered

VERSION_PREFIX = re.compile(r"v[0-9]{1,3}\.[0-9]{1,3}", re.I)  # what a rule string begins with


class _AnyCase(dict[str, Any]):
    """{token: something}. Case-insensitive lookup, None where it is not there; the usual spelling hits the dict directly."""

    def __missing__(self, token: str) -> Any:
        return self.get(token.lower())


_SWITCH, _FEW = "switch", "few"  # who reads the tokens that have very few values, or few


def _length_of_pieces(pieces: Tokens) -> int:
    return sum(map(len, pieces))


class RuleStringCodec:
    """The codecs of one kind: {property: (codec, value when its tokens are absent)}; `order` is Windows' own order.

    Real policies repeat themselves, and reading them has to be fast: free texts are read without a detour, tokens of few values
    (action and direction; protocol and profile …) together, once for each combination, and the others are remembered one by one.
    """

    def __init__(self, properties: Mapping[str, tuple[Codec, Any]], order: str) -> None:
        self.when_absent = {name: absent for name, (_, absent) in properties.items()}
        self.names: dict[Codec, list[str]] = {}
        for name, (codec, _) in properties.items():
            self.names.setdefault(codec, []).append(name)
        self.reader = {codec: self._reader(codec, tuple(names)) for codec, names in self.names.items()}
        self.read_together = lru_cache(4096)(self._read_together)
        self.owner = _AnyCase((t, codec) for codec in self.names for token in codec.tokens for t in (token, token.lower()))
        self.way = _AnyCase({"": None} | {token: self._way(codec) for token, codec in self.owner.items()})
        self.spelling = {t.lower(): t for t in (*order.split(), *(t for c in self.names for t in c.tokens))}
        self.rank = {t.lower(): i for i, t in enumerate(order.split())}

    @staticmethod
    def _reader(codec: Codec, names: tuple[str, ...]) -> Callable[[Tokens], tuple[dict[str, Any], Tokens]]:
        """What a codec reads, by property. Remembered."""

        @remembered(4096, 400, _length_of_pieces)
        def read(pieces: Tokens) -> tuple[dict[str, Any], Tokens]:
            values, left = codec.read(pieces)
            return dict(zip(names, values, strict=True)), left

        return read

    def _way(self, codec: Codec) -> Any:
        """How pieces of a codec are read: a plain text by its property and parser, or together with others, or by its codec."""
        if isinstance(codec, Text) and codec.parse in PLAIN:
            return self.names[codec][0], codec.parse
        if isinstance(codec, TruthTable):
            return _SWITCH
        few = isinstance(codec, ProtocolAndIcmp | Platform) or (isinstance(codec, TokenSet) and codec.canonical is in_order)
        return _FEW if few else codec

    def read(self, string: str) -> tuple[dict[str, Any], Tokens]:
        """Values, and the pieces nobody understood, verbatim and in Windows' order of tokens. Never raises."""
        pieces = string.split("|")
        if len(pieces[0]) < 9 and VERSION_PREFIX.fullmatch(pieces[0]):
            del pieces[0]
        return self.read_pieces(pieces, len(string) <= 1000)

    def read_pieces(self, pieces: Iterable[str], usual: bool = False) -> tuple[dict[str, Any], Tokens]:
        """The same from pieces: the values of a set or of a proposal stand as `Name=data`.

        usual: they are short enough for what is read of them to be remembered.
        """
        together = self.read_together if usual else self._read_together
        switches: list[str] = []
        few: list[str] = []
        extra: list[str] = []
        texts: dict[str, Any] = {}
        others: dict[Codec, list[str]] = {}
        ways = self.way
        for piece in pieces:
            token, equals, data = piece.partition("=")
            way = ways[token]
            if way is _SWITCH and equals:
                switches.append(piece)
            elif way is _FEW and equals:
                few.append(piece)
            elif type(way) is tuple and equals:
                name, parse = way
                try:
                    if (first := texts.get(name)) is None:
                        texts[name] = parse(data) or None
                    elif data and parse(data) != first:
                        extra.append(piece)
                except ValueError:
                    extra.append(piece)
            elif way is None or not equals:
                if piece:
                    extra.append(piece)
            elif way in others:
                others[way].append(piece)
            else:
                others[way] = [piece]
        known, left = together(tuple(switches), True)
        values = known.copy()
        extra += left
        if few:
            known, left = together(tuple(few), False)
            values.update(known)
            extra += left
        values.update(texts)
        for codec, mine in others.items():
            if len(mine) == 1 and type(codec) is TokenSet:
                values[self.names[codec][0]] = codec.read_one(mine[0])
                continue
            got, more = self.reader[codec](tuple(mine))
            values.update(got)
            extra += more
        return values, self._kept(extra) if extra else ()

    def _read_together(self, pieces: Tokens, whole: bool) -> tuple[dict[str, Any], Tokens]:
        """The values of the properties that these pieces are about; `whole`: and of all others, as absent."""
        values = self.when_absent.copy() if whole else {}
        found: dict[Codec, list[str]] = {}
        left: list[str] = []
        for piece in pieces:
            found.setdefault(self.owner[piece.partition("=")[0]], []).append(piece)
        for codec, mine in found.items():
            got, more = self.reader[codec](tuple(mine))
            values.update(got)
            left += more
        return values, tuple(left)

    def _kept(self, pieces: Iterable[str]) -> Tokens:
        kept = (kept_piece(p, self.spelling, self._is_literal(p.partition("=")[0])) for p in pieces)
        return tuple(sorted(dict.fromkeys(kept), key=self.place))

    def _is_literal(self, token: str) -> bool:
        """Whether what stands under a token is of a grammar that is known, and no text."""
        return token.lower() in self.spelling and not isinstance(self.owner[token], Text | TextOrBase64)

    def write(self, values: Mapping[str, Any], extra: Tokens, version: str) -> str:
        """A string in Windows' own order. Only tests and exports write strings: hosts are written by cmdlets."""
        return "|".join([version, *self.write_pieces(values, extra), ""])

    def write_pieces(self, values: Mapping[str, Any], extra: Tokens = ()) -> list[str]:
        """The pieces in Windows' own order."""
        pieces = [p for codec, names in self.names.items() for p in codec.write(*(values[n] for n in names))]
        return sorted([*pieces, *extra], key=self.place)

    def place(self, piece: str) -> tuple[int, str]:
        """A key that sorts pieces into Windows' order."""
        token = piece.partition("=")[0].lower()
        rank = self.rank.get(token)
        return (len(self.rank), token) if rank is None else (rank, "")
