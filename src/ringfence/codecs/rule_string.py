"""Tokens of rule strings <-> property values.

A rule string is `v2.31|Action=Allow|Dir=In|…|`: its tokens stand between the bars ([MS-GPFAS] 2.2.2.19). A codec owns
some tokens by name and reads and writes those of one property, or of several that share tokens. A row of a truth table
is written as a fragment of the string itself. What a codec does not understand it leaves over: nothing is lost, and a
rule from a newer Windows is never read as wider than it is. (The string itself is kept beside the values: source.py.)
"""

import base64
import binascii
import re
from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Protocol

from ringfence.types.base import CaseInsensitive, KeptPiece, in_order, remembered, spelling_of
from ringfence.types.network import platform, sorted_versions
from ringfence.types.network_sets import icmp_set

Tokens = tuple[str, ...]  # ("Action=Allow", "Dir=In")
Values = tuple[Any, ...]  # one a property, in the order of declaration
VERSION_PREFIX = re.compile(r"v[0-9]{1,3}\.[0-9]{1,3}", re.I)  # what a rule string begins with


class Codec(Protocol):
    """Owns some tokens. Properties that name the same codec share them."""

    tokens: Tokens

    def read(self, pieces: Tokens) -> tuple[Values, Tokens]:
        """The values (None: not understood), and the pieces left over. Never raises."""

    def write(self, *values: Any) -> Iterable[str]:
        """The pieces that say the values."""


def split(fragment: str) -> Tokens:
    return tuple(filter(None, fragment.split("|")))


def kept_piece(piece: str, spelling: Mapping[str, str], literal: bool) -> KeptPiece:
    """A piece that nobody understands, under its token's usual name. `literal`: see KeptPiece."""
    token, equals, data = piece.partition("=")
    usual = spelling.get(token.lower(), token)
    return KeptPiece(piece if usual == token else usual + equals + data, literal)


class Text:
    """One token, one text. `parse` makes its canonical form; what it refuses stays as it is found."""

    def __init__(self, token: str, parse: Callable[[str], Any] = str.strip) -> None:
        self.tokens: Tokens = (token,)
        self.parse = parse

    def read(self, pieces: Tokens) -> tuple[Values, Tokens]:
        filled = tuple(p for p in pieces if p.partition("=")[2])  # an empty text is none
        try:
            found = [self.parse(p.partition("=")[2]) for p in filled]
        except ValueError:
            return (None,), filled
        return (found[0] if found else None,), tuple(p for p, v in zip(filled, found, strict=True) if v != found[0])

    def write(self, *values: Any) -> Iterable[str]:
        return [f"{self.tokens[0]}={spelling_of(v) if isinstance(v, str) else v}" for v in values if v is not None]


PLAIN: tuple[Callable[[str], Any], ...] = (str.strip, CaseInsensitive)  # parsers that refuse nothing


class TextOrBase64:
    """A text under one token, or as base64 under another, as `LUAuth` and `LUAuth2_24` ([MS-GPFAS] 2.2.2.19 note 3)."""

    def __init__(self, token: str, base64_token: str, parse: Callable[[str], Any]) -> None:
        self.tokens: Tokens = (token, base64_token)
        self.parse = parse

    def read(self, pieces: Tokens) -> tuple[Values, Tokens]:
        try:
            (found,) = {self._text(p) for p in pieces}  # ValueError where they say different things
            return (found,), ()
        except (ValueError, binascii.Error):
            return (None,), pieces

    def _text(self, piece: str) -> Any:
        token, _, found = piece.partition("=")
        if token.lower() == self.tokens[1].lower():
            raw = base64.b64decode(found, validate=True)
            found = raw.decode("utf-16-le" if b"\0" in raw else "utf-8").rstrip("\0")
        return self.parse(found) if found else None

    def write(self, *values: Any) -> Iterable[str]:
        if values[0] is None:
            return ()
        if "|" not in values[0] and "(XA;" not in values[0] and "(XD;" not in values[0]:
            return (f"{self.tokens[0]}={spelling_of(values[0])}",)
        return (f"{self.tokens[1]}={base64.b64encode(spelling_of(values[0]).encode()).decode()}",)


class TruthTable:
    """A truth table over several tokens, for one property or several at once.

    `same_as_absent` tokens mean what absence does. `read_only`: further fragments that mean a row, {fragment: its key}.
    """

    def __init__(self, rows: Mapping[Any, str], same_as_absent: str = "", read_only: Mapping[str, Any] | None = None) -> None:
        self.rows = {k if isinstance(k, tuple) else (k,): split(v) for k, v in rows.items()}
        self.same_as_absent = frozenset(split(same_as_absent.lower()))
        others = [(split(f), k if isinstance(k, tuple) else (k,)) for f, k in (read_only or {}).items()]
        fragments = (*self.rows.values(), split(same_as_absent), *(f for f, _ in others))
        self.tokens: Tokens = tuple(dict.fromkeys(p.partition("=")[0] for ps in fragments for p in ps))
        self.richest = sorted([*_richest(self.rows), *((frozenset(p.lower() for p in f), k) for f, k in others)],
                              key=lambda row: -len(row[0]))

    def read(self, pieces: Tokens) -> tuple[Values, Tokens]:
        have = {p.lower() for p in pieces} - self.same_as_absent
        used, values = next((r for r in self.richest if r[0] <= have), None) or (frozenset[str](), _alone(self.richest, have))
        left = have - used
        return values, tuple(p for p in pieces if p.lower() in left) if left else ()

    def write(self, *values: Any) -> Iterable[str]:
        return self.rows.get(values, ())  # values not understood: their pieces are among the left-over ones


def switch(token: str) -> TruthTable:
    """TRUE, or FALSE, which means what absence does."""
    return TruthTable({False: "", True: f"{token}=TRUE"}, same_as_absent=f"{token}=FALSE")


def _richest(rows: Mapping[Any, Tokens]) -> list[tuple[frozenset[str], Any]]:
    return sorted(((frozenset(p.lower() for p in ps), k) for k, ps in rows.items()), key=lambda r: -len(r[0]))


def _alone(rows: Iterable[tuple[frozenset[str], Any]], have: set[str]) -> Values:
    """Of several properties, what single pieces say that together are no row; None: not understood."""
    said = [{p: {value[at] for pieces, value in rows if p in pieces} for p in have} for at in range(len(next(iter(rows))[1]))]
    sure = [{v for values in column.values() if len(values) == 1 for v in values} for column in said]
    return tuple(found.pop() if len(found) == 1 and len(sure) > 1 else None for found in sure)


class TokenSet:
    """A set over several tokens: keywords are fragments, any other value goes where `token_of` sends it.

    `read_only`: further fragments that mean a keyword but are not how it is written, {fragment: keyword}.
    `canonical`: the one form of a set of members, which it takes as `member` makes them where that is cheaper than `parse`.
    A member nobody understands stays in the set as its own piece: a rule from a newer Windows is never read as wider
    (model/kept.py says what becomes of it).
    """

    def __init__(self, tokens: str, parse: Callable[[str], str], token_of: Callable[[str], str],
                 keywords: Mapping[str, str] | None = None, format: Callable[[str], str] = str, *,
                 read_only: Mapping[str, str] | None = None,
                 canonical: Callable[[Iterable[Any]], tuple[str, ...]] = in_order,
                 member: Callable[[str], Hashable] | None = None) -> None:
        self.tokens, self.parse, self.token_of, self.format = split(tokens), parse, token_of, format
        self.canonical, self.member = canonical, member or parse
        self.keywords = {k: split(v) for k, v in (keywords or {}).items()}
        self.richest = _richest(self.keywords) + [(frozenset(split(f.lower())), k) for f, k in (read_only or {}).items()]
        self.spelling = {t.lower(): t for t in self.tokens}
        self.known = frozenset[str]().union(*(used for used, _ in self.richest))

    def read(self, pieces: Tokens) -> tuple[Values, Tokens]:
        values: set[Hashable] = set()
        member = self.member
        have = {p.lower(): p for p in pieces}
        if not self.known.isdisjoint(have):
            for used, keyword in self.richest:
                if used <= have.keys():
                    values.add(keyword)
                    for piece in used:
                        del have[piece]
        for piece in have.values():
            data = piece.partition("=")[2]
            try:
                if "," in data:
                    values.update([member(v) for v in data.split(",")])
                else:
                    values.add(member(data))
            except ValueError:
                values.add(kept_piece(piece, self.spelling, True))
        return (self.canonical(values),), ()

    def read_one(self, piece: str) -> tuple[str, ...]:
        """The value that one piece gives. Most lists have one member."""
        if piece.lower() not in self.known:
            try:
                return (self.parse(piece.partition("=")[2]),)
            except ValueError:
                pass
        value: tuple[str, ...] = self.read((piece,))[0][0]
        return value

    def owns(self, piece: str) -> bool:
        """Whether a text is a piece of one of the tokens."""
        token, equals, _ = piece.partition("=")
        return bool(equals) and token.lower() in self.spelling

    def write(self, *values: Any) -> Iterable[str]:
        for value in values[0] or ():
            if "=" in value:
                yield value
            else:
                yield from self.keywords.get(value) or (f"{self.token_of(value)}={self.format(value)}",)


class ProtocolAndIcmp:
    """protocol, icmp_type: the protocol decides whether ICMP4 or ICMP6 is written ([MS-GPFAS] 2.2.2.19)."""

    tokens: Tokens = ("Protocol", "ICMP4", "ICMP6")

    def __init__(self, protocol: Callable[[str], str], icmp_type: Callable[[str], str],
                 numbers: Mapping[str, str]) -> None:
        self.protocol, self.icmp_type, self.numbers = protocol, icmp_type, numbers

    def read(self, pieces: Tokens) -> tuple[Values, Tokens]:
        numbers = [p for p in pieces if p.lower().startswith("protocol=")]
        rest = [p for p in pieces if not p.lower().startswith("protocol=")]
        try:
            # ValueError where they say different things
            (protocol,) = {self.protocol(n.partition("=")[2]) for n in numbers or ("Protocol=any",)}
            mine = [p for p in rest if p.lower().startswith(f"icmp{protocol[-1:]}=")] if protocol[:4] == "icmp" else []
            types = icmp_set(self.icmp_type(v) for p in mine for v in p.partition("=")[2].split(","))
        except ValueError:
            return (None, ()), pieces
        taken = frozenset(mine)
        return (protocol, types), tuple(p for p in rest if p not in taken)

    def write(self, *values: Any) -> Iterable[str]:
        protocol, types = values
        if protocol not in (None, "any"):
            yield f"Protocol={self.numbers.get(protocol, protocol)}"
        yield from (f"ICMP{protocol[-1]}={v if ':' in v else v + ':*'}" for v in types)


class Platform:
    """Windows versions: `Platform=2:6:2`, and `Platform2=GTEQ` for "or later" on the last ([MS-GPFAS] 2.2.2.17)."""

    tokens: Tokens = ("Platform", "Platform2")

    def read(self, pieces: Tokens) -> tuple[Values, Tokens]:
        known = [p for p in pieces if p.lower().startswith("platform=")]
        plus = [p for p in pieces if p.lower() == "platform2=gteq"]
        try:
            if not known or len(known) + len(plus) < len(pieces) or not all(p[9:11] == "2:" for p in known):
                raise ValueError
            ends = ["+" if plus and p is known[-1] else "" for p in known]
            found = sorted_versions({platform(p[11:].replace(":", ".") + end) for p, end in zip(known, ends, strict=True)})
        except ValueError:
            return ((),), pieces
        return (found,), ()

    def write(self, *values: Any) -> Iterable[str]:
        versions = values[0]
        pieces = ["Platform=2:" + v.rstrip("+").replace(".", ":") for v in versions]
        return [*pieces, *(["Platform2=GTEQ"] if versions and versions[-1].endswith("+") else [])]


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
                if (first := texts.get(name)) is None:
                    texts[name] = parse(data) or None
                elif data and parse(data) != first:
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
