"""Tokens of rule strings <-> property values.

A rule string is `v2.31|Action=Allow|Dir=In|…|`: its tokens stand between the bars ([MS-GPFAS] 2.2.2.19). A codec owns
some tokens by name and reads and writes those of one property, or of several that share tokens. A row of a truth table
is written as a fragment of the string itself. What a codec does not understand it leaves over: nothing is lost, and a
rule from a newer Windows is never read as wider than it is. (The string itself is kept beside the values: source.py.)
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, Protocol

from ringfence.types.base import CaseInsensitive, KeptPiece, in_order, remembered
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


def kept_piece(piece: str, spelling: Mapping[str, str]) -> KeptPiece:
    """A piece that nobody understands, under its token's usual name: the case of a token means nothing."""
    token, equals, data = piece.partition("=")
    return KeptPiece(spelling.get(token.lower(), token) + equals + data)


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
        return [f"{self.tokens[0]}={v}" for v in values if v is not None]


class ConvertedText(Text):
    """One token whose stored form differs from the value: `format` makes it, or nothing where it is not stored."""

    def __init__(self, token: str, parse: Callable[[str], Any], format: Callable[[Any], str | None]) -> None:
        super().__init__(token, parse)
        self.format = format

    def write(self, *values: Any) -> Iterable[str]:
        return [f"{self.tokens[0]}={stored}" for v in values if v is not None and (stored := self.format(v)) is not None]


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
            return (f"{self.tokens[0]}={values[0]}",)
        return (f"{self.tokens[1]}={base64.b64encode(values[0].encode()).decode()}",)


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
        nothing = frozenset[str](), (None,) * len(self.richest[0][1])
        used, values = next((r for r in self.richest if r[0] <= have), nothing)
        left = have - used
        return values, tuple(p for p in pieces if p.lower() in left) if left else ()

    def write(self, *values: Any) -> Iterable[str]:
        return self.rows.get(values, ())  # values not understood: their pieces are among the left-over ones


def switch(token: str) -> TruthTable:
    """TRUE, or FALSE, which means what absence does."""
    return TruthTable({False: "", True: f"{token}=TRUE"}, same_as_absent=f"{token}=FALSE")


def digits(token: str, unit: int = 1) -> ConvertedText:
    """Stored as value × unit; 0 is not stored when unit ≠ 1."""

    def read(data: str) -> int:
        stored = int(data)
        if stored % unit:
            raise ValueError(data)  # no value of the property says it: the piece stays as it is
        return stored // unit

    return ConvertedText(token, read, lambda v: None if unit != 1 and not v else str(v * unit))


def _richest(rows: Mapping[Any, Tokens]) -> list[tuple[frozenset[str], Any]]:
    return sorted(((frozenset(p.lower() for p in ps), k) for k, ps in rows.items()), key=lambda r: -len(r[0]))


class TokenSet:
    """A set over several tokens: keywords are fragments, any other value goes where `token_of` sends it.

    `read_only`: further fragments that mean a keyword but are not how it is written, {fragment: keyword}.
    `canonical`: the one form of a set of members.
    A member nobody understands stays in the set as its own piece: a rule from a newer Windows is never read as wider
    (model/kept.py says what becomes of it).
    """

    def __init__(self, tokens: str, parse: Callable[[str], str], token_of: Callable[[str], str],
                 keywords: Mapping[str, str] | None = None, format: Callable[[str], str] = str, *,
                 read_only: Mapping[str, str] | None = None,
                 canonical: Callable[[Iterable[str]], tuple[str, ...]] = in_order) -> None:
        self.tokens, self.parse, self.token_of, self.format = split(tokens), parse, token_of, format
        self.canonical = canonical
        self.keywords = {k: split(v) for k, v in (keywords or {}).items()}
        self.richest = _richest(self.keywords) + [(frozenset(split(f.lower())), k) for f, k in (read_only or {}).items()]
        self.spelling = {t.lower(): t for t in self.tokens}
        self.known = frozenset[str]().union(*(used for used, _ in self.richest))

    def read(self, pieces: Tokens) -> tuple[Values, Tokens]:
        have, values = {p.lower(): p for p in pieces}, set[str]()
        for used, keyword in () if self.known.isdisjoint(have) else self.richest:
            if used <= have.keys():
                values.add(keyword)
                for piece in used:
                    del have[piece]
        for piece in have.values():
            data = piece.partition("=")[2]
            try:
                values.update([self.parse(v) for v in data.split(",")] if "," in data else (self.parse(data),))
            except ValueError:
                values.add(kept_piece(piece, self.spelling))
        return (self.canonical(values),), ()

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


class _Owner(NamedTuple):
    """Who reads a token: its codec; and where it is a plain text, its property and what parses it, without a detour."""

    codec: Codec | None
    plain: tuple[str, Callable[[str], Any]] | None


_NOBODY = _Owner(None, None)


class _Owners(dict[str, _Owner]):
    """{token: who reads it}. Case-insensitive lookup; the usual spelling hits the dict directly."""

    def __missing__(self, token: str) -> _Owner:
        return self.get(token.lower(), _NOBODY)


def _length_of_pieces(pieces: Tokens) -> int:
    return sum(map(len, pieces))


class RuleStringCodec:
    """The codecs of one kind: {property: (codec, value when its tokens are absent)}; `order` is Windows' own order."""

    def __init__(self, properties: Mapping[str, tuple[Codec, Any]], order: str) -> None:
        self.when_absent = {name: absent for name, (_, absent) in properties.items()}
        self.names: dict[Codec, list[str]] = {}
        for name, (codec, _) in properties.items():
            self.names.setdefault(codec, []).append(name)
        self.reader = {codec: self._reader(codec, tuple(names)) for codec, names in self.names.items()}
        self.owner = _Owners(
            (t, _Owner(c, self._plain(c))) for c in self.names for token in c.tokens for t in (token, token.lower())
        )
        self.spelling = {t.lower(): t for t in (*order.split(), *(t for c in self.names for t in c.tokens))}
        self.rank = {t.lower(): i for i, t in enumerate(order.split())}

    @staticmethod
    def _reader(codec: Codec, names: tuple[str, ...]) -> Callable[[Tokens], tuple[dict[str, Any], Tokens]]:
        """What a codec reads, by property. Remembered: real policies repeat themselves."""

        @remembered(4096, 400, _length_of_pieces)
        def read(pieces: Tokens) -> tuple[dict[str, Any], Tokens]:
            values, left = codec.read(pieces)
            return dict(zip(names, values, strict=True)), left

        return read

    def _plain(self, codec: Codec) -> tuple[str, Callable[[str], Any]] | None:
        """Property and parser of a plain text. Free text differs per rule; caching it costs more than parsing it."""
        return (self.names[codec][0], codec.parse) if isinstance(codec, Text) and codec.parse in PLAIN else None

    def read(self, string: str) -> tuple[dict[str, Any], Tokens]:
        """Values, and the pieces nobody understood, verbatim and in Windows' order of tokens. Never raises."""
        version, *pieces = string.split("|")
        return self.read_pieces(pieces if VERSION_PREFIX.fullmatch(version) else (version, *pieces))

    def read_pieces(self, pieces: Iterable[str]) -> tuple[dict[str, Any], Tokens]:
        """The same from pieces: the values of a set or of a proposal stand as `Name=data`."""
        found: dict[Codec, Tokens | list[str]] = {}
        extra: list[str] = []
        owner, values = self.owner, self.when_absent.copy()
        for piece in pieces:
            token, equals, data = piece.partition("=")
            codec, simple = owner[token]
            if codec is None or not equals:
                extra += filter(None, (piece,))
            elif simple is None:
                if (mine := found.get(codec)) is None:
                    found[codec] = (piece,)
                elif isinstance(mine, list):
                    mine.append(piece)
                else:
                    found[codec] = [*mine, piece]
            elif values[simple[0]] is None:
                values[simple[0]] = simple[1](data) or None
            elif data and simple[1](data) != values[simple[0]]:
                extra.append(piece)
        for codec, mine in found.items():
            got, left = self.reader[codec](tuple(mine))
            values.update(got)
            extra += left
        return values, self._kept(extra) if extra else ()

    def _kept(self, pieces: Iterable[str]) -> Tokens:
        return tuple(sorted(dict.fromkeys(kept_piece(p, self.spelling) for p in pieces), key=self.place))

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
