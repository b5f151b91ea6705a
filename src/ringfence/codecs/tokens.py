"""Codecs of the tokens of rule strings: what stands after a token, or some together, <-> the values of properties.

A codec owns some tokens by name and reads and writes those of one property, or of several that share tokens. A row of a truth
table is written as a fragment of the string itself. What a codec does not understand it leaves over.
"""

import base64
import binascii
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, Protocol

from ringfence.types.base import CaseInsensitive, KeptPiece, fold, in_order, spelling_of
from ringfence.types.network import platform, sorted_versions
from ringfence.types.network_sets import icmp_set

Tokens = tuple[str, ...]  # ("Action=Allow", "Dir=In")
Values = tuple[Any, ...]  # one a property, in the order of declaration


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


def no_word(text: str) -> CaseInsensitive:
    """A stored text without letter case. `any` is how people and cmdlets say that there is none: no document says what it means
    where it is stored, and no task could say it. Raises ValueError."""
    if fold(text) == "any":
        raise ValueError(text)
    return CaseInsensitive(text)


PLAIN: tuple[Callable[[str], Any], ...] = (str.strip, CaseInsensitive, no_word)  # parsers of what is mostly one piece


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
    """Of several properties, what single pieces say that together are no row; None: not understood. Where that would be all of a
    row, its other pieces are missing, and nobody has said them."""
    said = [{p: {value[at] for pieces, value in rows if p in pieces} for p in have} for at in range(len(next(iter(rows))[1]))]
    sure = [{v for values in column.values() if len(values) == 1 for v in values} for column in said]
    values = tuple(found.pop() if len(found) == 1 and len(sure) > 1 else None for found in sure)
    return (None,) * len(values) if None not in values else values


class TokenSet:
    """A set over several tokens: keywords are fragments, any other value goes where `token_of` sends it.

    `read_only`: further fragments that mean a keyword but are not how it is written, {fragment: keyword}.
    `canonical`: the one form of a set of members, which it takes as `member` makes them where that is cheaper than `parse`.
    `stored`: whether data may stand under a token; people may say more. `commas`: whether one piece may hold several members, as
    ports do in rules of services that Windows ships: no grammar has that.
    A member nobody understands stays in the set as its own piece: a rule from a newer Windows is never read as wider
    (model/kept.py says what becomes of it).
    """

    def __init__(self, tokens: str, parse: Callable[[str], str], token_of: Callable[[str], str],
                 keywords: Mapping[str, str] | None = None, format: Callable[[str], str] = str, *,
                 read_only: Mapping[str, str] | None = None,
                 canonical: Callable[[Iterable[Any]], tuple[str, ...]] = in_order,
                 member: Callable[[str], Hashable] | None = None, stored: Callable[[str, str], bool] | None = None,
                 commas: bool = False) -> None:
        self.tokens, self.parse, self.token_of, self.format = split(tokens), parse, token_of, format
        self.canonical, self.member, self.stored, self.commas = canonical, member or parse, stored, commas
        self.keywords = {k: split(v) for k, v in (keywords or {}).items()}
        self.richest = _richest(self.keywords) + [(frozenset(split(f.lower())), k) for f, k in (read_only or {}).items()]
        self.spelling = {t.lower(): t for t in self.tokens}
        self.known = frozenset[str]().union(*(used for used, _ in self.richest))

    def read(self, pieces: Tokens) -> tuple[Values, Tokens]:
        values: set[Hashable] = set()
        member, stored = self.member, self.stored
        have = {p.lower(): p for p in pieces}
        if not self.known.isdisjoint(have):
            for used, keyword in self.richest:
                if used <= have.keys():
                    values.add(keyword)
                    for piece in used:
                        del have[piece]
        for piece in have.values():
            token, _, data = piece.partition("=")
            try:
                if self.commas and "," in data:
                    values.update([member(v) for v in data.split(",")])
                elif stored and not stored(token, data):
                    values.add(kept_piece(piece, self.spelling, True))
                else:
                    values.add(member(data))
            except ValueError:
                values.add(kept_piece(piece, self.spelling, True))
        return (self.canonical(values),), ()

    def read_one(self, piece: str) -> tuple[str, ...]:
        """The value that one piece gives. Most lists have one member."""
        token, _, data = piece.partition("=")
        if piece.lower() not in self.known and (not self.stored or self.stored(token, data)):
            try:
                return (self.parse(data),)
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
            types = icmp_set(self.icmp_type(p.partition("=")[2]) for p in mine)
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
