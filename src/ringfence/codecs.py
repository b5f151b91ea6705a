"""Pieces of the registry <-> property values.

A rule string is `v2.31|Action=Allow|Dir=In|…|`: its pieces stand between the bars ([MS-GPFAS] 2.2.2.19). A codec owns
some tokens and reads and writes the pieces of one property, or of several that share tokens. A row of a truth table is
written as a fragment of the string itself. What a codec does not understand it leaves over: nothing is lost, and a
condition never widens because we are old. Values of profile keys, settings and sets use `Value`.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Protocol

from ringfence.words import Caseless, by_version, platform

Pieces = tuple[str, ...]  # ("Action=Allow", "Dir=In")
Values = tuple[Any, ...]  # one a property, in the order of declaration
VERSION = re.compile(r"v[0-9]{1,3}\.[0-9]{1,3}", re.I)  # what a rule string begins with


class Codec(Protocol):
    """Owns some tokens. Properties that name the same codec share them."""

    tokens: Pieces

    def read(self, pieces: Pieces) -> tuple[Values, Pieces]:
        """The values (None: not understood), and the pieces left over. Never raises."""

    def write(self, *values: Any) -> Iterable[str]:
        """The pieces that say the values."""


def split(fragment: str) -> Pieces:
    return tuple(filter(None, fragment.split("|")))


class Text:
    """One token, one text. `word` makes its canonical form; what it refuses stays as it is found."""

    def __init__(self, token: str, word: Callable[[str], Any] = str) -> None:
        self.tokens: Pieces = (token,)
        self.word = word

    def read(self, pieces: Pieces) -> tuple[Values, Pieces]:
        said = tuple(p for p in pieces if p.partition("=")[2])  # an empty text is none
        try:
            return (self.word(said[0].partition("=")[2]) if said else None,), said[1:]
        except ValueError:
            return (None,), said

    def write(self, *values: Any) -> Iterable[str]:
        return [f"{self.tokens[0]}={v}" for v in values if v is not None]


class Spelled(Text):
    """One token whose stored form differs from the value: `spell` makes it, or nothing where it is not stored."""

    def __init__(self, token: str, word: Callable[[str], Any], spell: Callable[[Any], str | None]) -> None:
        super().__init__(token, word)
        self.spell = spell

    def write(self, *values: Any) -> Iterable[str]:
        return [f"{self.tokens[0]}={stored}" for v in values if v is not None and (stored := self.spell(v)) is not None]


PLAIN: tuple[Callable[[str], Any], ...] = (str, Caseless)  # words that refuse nothing


class Encoded:
    """A text under one token, or as base64 under another, as `LUAuth` and `LUAuth2_24` ([MS-GPFAS] 2.2.2.19 note 3)."""

    def __init__(self, token: str, base64_token: str, word: Callable[[str], Any]) -> None:
        self.tokens: Pieces = (token, base64_token)
        self.word = word

    def read(self, pieces: Pieces) -> tuple[Values, Pieces]:
        token, _, found = pieces[0].partition("=")
        try:
            if len(pieces) > 1:
                raise ValueError
            if token.lower() == self.tokens[1].lower():
                raw = base64.b64decode(found, validate=True)
                found = raw.decode("utf-16-le" if b"\0" in raw else "utf-8").rstrip("\0")
            return (self.word(found) if found else None,), pieces[1:]
        except (ValueError, binascii.Error):
            return (None,), pieces

    def write(self, *values: Any) -> Iterable[str]:
        if values[0] is None:
            return ()
        if "|" not in values[0] and "(XA;" not in values[0] and "(XD;" not in values[0]:
            return (f"{self.tokens[0]}={values[0]}",)
        return (f"{self.tokens[1]}={base64.b64encode(values[0].encode()).decode()}",)


class Rows:
    """A truth table over several tokens, for one property or several at once. `idle` pieces mean what absence does."""

    def __init__(self, rows: Mapping[Any, str], idle: str = "") -> None:
        self.rows = {k if isinstance(k, tuple) else (k,): split(v) for k, v in rows.items()}
        self.idle = frozenset(split(idle.lower()))
        fragments = (*self.rows.values(), split(idle))
        self.tokens: Pieces = tuple(dict.fromkeys(p.partition("=")[0] for ps in fragments for p in ps))
        self.richest = _richest(self.rows)

    def read(self, pieces: Pieces) -> tuple[Values, Pieces]:
        have = {p.lower() for p in pieces} - self.idle
        nothing = frozenset[str](), (None,) * len(self.richest[0][1])
        used, values = next((r for r in self.richest if r[0] <= have), nothing)
        left = have - used
        return values, tuple(p for p in pieces if p.lower() in left) if left else ()

    def write(self, *values: Any) -> Iterable[str]:
        return self.rows.get(values, ())  # values not understood: their pieces are among the left-over ones


def _richest(rows: Mapping[Any, Pieces]) -> list[tuple[frozenset[str], Any]]:
    return sorted(((frozenset(p.lower() for p in ps), k) for k, ps in rows.items()), key=lambda r: -len(r[0]))


class Each:
    """A set over several tokens: keywords are fragments, any other value goes where `token_of` sends it.

    `also`: further fragments that mean a keyword but are not how it is written, {fragment: keyword}.
    A member nobody understands stays in the set as its own piece: a condition never widens because we are old.
    """

    def __init__(self, tokens: str, word: Callable[[str], str], token_of: Callable[[str], str],
                 keywords: Mapping[str, str] | None = None, spell: Callable[[str], str] = str, *,
                 also: Mapping[str, str] | None = None) -> None:
        self.tokens, self.word, self.token_of, self.spell = split(tokens), word, token_of, spell
        self.keywords = {k: split(v) for k, v in (keywords or {}).items()}
        self.richest = _richest(self.keywords) + [(frozenset(split(f.lower())), k) for f, k in (also or {}).items()]
        self.known = frozenset[str]().union(*(used for used, _ in self.richest))

    def read(self, pieces: Pieces) -> tuple[Values, Pieces]:
        have, values = {p.lower(): p for p in pieces}, set[str]()
        for used, keyword in () if self.known.isdisjoint(have) else self.richest:
            if used <= have.keys():
                values.add(keyword)
                for piece in used:
                    del have[piece]
        for piece in have.values():
            data = piece.partition("=")[2]
            try:
                values.update([self.word(v) for v in data.split(",")] if "," in data else (self.word(data),))
            except ValueError:
                values.add(piece)
        return (tuple(sorted(values)),), ()

    def write(self, *values: Any) -> Iterable[str]:
        for value in values[0] or ():
            if "=" in value:
                yield value
            else:
                yield from self.keywords.get(value) or (f"{self.token_of(value)}={self.spell(value)}",)


class ProtocolAndIcmp:
    """protocol, icmp_type: the protocol decides whether ICMP4 or ICMP6 is written ([MS-GPFAS] 2.2.2.19)."""

    tokens: Pieces = ("Protocol", "ICMP4", "ICMP6")

    def __init__(self, protocol: Callable[[str], str], icmp_type: Callable[[str], str],
                 numbers: Mapping[str, str]) -> None:
        self.protocol, self.icmp_type, self.numbers = protocol, icmp_type, numbers

    def read(self, pieces: Pieces) -> tuple[Values, Pieces]:
        numbers = [p for p in pieces if p.lower().startswith("protocol=")]
        rest = [p for p in pieces if not p.lower().startswith("protocol=")]
        try:
            (number,) = numbers or ("Protocol=any",)  # ValueError where there are several
            protocol = self.protocol(number.partition("=")[2])
            mine = [p for p in rest if p.lower().startswith(f"icmp{protocol[-1:]}=")] if protocol[:4] == "icmp" else []
            types = tuple(sorted({self.icmp_type(v) for p in mine for v in p.partition("=")[2].split(",")}))
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

    tokens: Pieces = ("Platform", "Platform2")

    def read(self, pieces: Pieces) -> tuple[Values, Pieces]:
        known = [p for p in pieces if p.lower().startswith("platform=")]
        plus = [p for p in pieces if p.lower() == "platform2=gteq"]
        try:
            if not known or len(known) + len(plus) < len(pieces) or not all(p[9:11] == "2:" for p in known):
                raise ValueError
            ends = ["+" if plus and p is known[-1] else "" for p in known]
            found = by_version({platform(p[11:].replace(":", ".") + end) for p, end in zip(known, ends, strict=True)})
        except ValueError:
            return ((),), pieces
        return (found,), ()

    def write(self, *values: Any) -> Iterable[str]:
        versions = values[0]
        pieces = ["Platform=2:" + v.rstrip("+").replace(".", ":") for v in versions]
        return [*pieces, *(["Platform2=GTEQ"] if versions and versions[-1].endswith("+") else [])]


class _Owners(dict[str, tuple[Codec | None, tuple[str, Callable[[str], Any]] | None]]):
    """{token: its codec, and what a plain text needs}. Found without letter case, at no cost where the case is right."""

    def __missing__(self, token: str) -> tuple[Codec | None, tuple[str, Callable[[str], Any]] | None]:
        return self.get(token.lower(), (None, None))


class Table:
    """The codecs of one kind: {property: (codec, value when its tokens are absent)}; `order` is Windows' own order."""

    def __init__(self, properties: Mapping[str, tuple[Codec, Any]], order: str) -> None:
        self.absent = {name: absent for name, (_, absent) in properties.items()}
        self.names: dict[Codec, list[str]] = {}
        for name, (codec, _) in properties.items():
            self.names.setdefault(codec, []).append(name)
        self.reader = {codec: self._reader(codec, tuple(names)) for codec, names in self.names.items()}
        self.owner = _Owners((t, (c, self._plain(c))) for c in self.names for token in c.tokens for t in (token, token.lower()))
        self.rank = {t.lower(): i for i, t in enumerate(order.split())}

    @staticmethod
    def _reader(codec: Codec, names: tuple[str, ...]) -> Callable[[Pieces], tuple[dict[str, Any], Pieces]]:
        """What a codec reads, by property. Remembered: real policies repeat themselves."""

        @lru_cache(8192)
        def read(pieces: Pieces) -> tuple[dict[str, Any], Pieces]:
            values, left = codec.read(pieces)
            return dict(zip(names, values, strict=True)), left

        return read

    def _plain(self, codec: Codec) -> tuple[str, Callable[[str], Any]] | None:
        """Property and word of a plain text. Such differ from rule to rule: remembering them costs more than reading."""
        return (self.names[codec][0], codec.word) if isinstance(codec, Text) and codec.word in PLAIN else None

    def read(self, string: str) -> tuple[dict[str, Any], Pieces]:
        """Values, and the pieces nobody understood, verbatim and in Windows' order of tokens. Never raises."""
        version, *pieces = string.split("|")
        return self.read_pieces(pieces if VERSION.fullmatch(version) else (version, *pieces))

    def read_pieces(self, pieces: Iterable[str]) -> tuple[dict[str, Any], Pieces]:
        """The same from pieces: the values of a set or of a proposal stand as `Name=data`."""
        found: dict[Codec, Pieces | list[str]] = {}
        extra: list[str] = []
        owner, values = self.owner, self.absent.copy()
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
                values[simple[0]] = simple[1](data) if data else None
            elif data:
                extra.append(piece)
        for codec, mine in found.items():
            got, left = self.reader[codec](tuple(mine))
            values.update(got)
            extra += left
        return values, tuple(sorted(extra, key=self._place)) if extra else ()

    def write(self, values: Mapping[str, Any], extra: Pieces, version: str) -> str:
        """A string in Windows' own order. (An unchanged rule is never written anew: its source string is kept.)"""
        return "|".join([version, *self.write_pieces(values, extra), ""])

    def write_pieces(self, values: Mapping[str, Any], extra: Pieces = ()) -> list[str]:
        """The pieces in Windows' own order."""
        pieces = [p for codec, names in self.names.items() for p in codec.write(*(values[n] for n in names))]
        return sorted([*pieces, *extra], key=self._place)

    def _place(self, piece: str) -> tuple[int, str]:
        token = piece.partition("=")[0].lower()
        rank = self.rank.get(token)
        return (len(self.rank), token) if rank is None else (rank, "")


class Nested:
    """Several properties in one piece whose data is a string of pieces itself (certificate criteria)."""

    def __init__(self, token: str, table: Table, version: str) -> None:
        self.tokens: Pieces = (token,)
        self.table, self.version = table, version

    def read(self, pieces: Pieces) -> tuple[Values, Pieces]:
        values, left = self.table.read(pieces[0].partition("=")[2])
        if left:  # not understood whole: it stays as it is
            return tuple(self.table.absent.values()), pieces
        return tuple(values.values()), pieces[1:]

    def write(self, *values: Any) -> Iterable[str]:
        said = dict(zip(self.table.absent, values, strict=True))
        if said != self.table.absent:
            yield f"{self.tokens[0]}={self.table.write(said, (), self.version)}"


class Value:
    """One registry value of a profile, of the settings or of a set: `name`, in a subkey `path` where it has one.

    `meanings` maps property values to stored data; without it the data is the value. `word` reads text.
    """

    def __init__(self, name: str, meanings: Mapping[Any, Any] | None = None, *, path: str = "", type: str = "DWord",
                 word: Callable[[Any], Any] | None = None, spell: Callable[[Any], Any] | None = None) -> None:
        self.name, self.path, self.type = name, path, type
        self.word, self.spell = word, spell
        self.data = dict(meanings) if meanings else None
        self.meanings = {str(v).lower(): k for k, v in meanings.items()} if meanings else None

    def read(self, data: Any) -> Any:
        """The property's value; data that nobody understands is given back as text. Never raises."""
        if self.meanings is not None:
            return self.meanings.get(str(data).lower(), f"{self.name}={data}")
        try:
            return self.word(data) if self.word else data
        except (ValueError, TypeError, AttributeError, OverflowError):  # a damaged host may store anything there
            return f"{self.name}={data}"

    def write(self, value: Any) -> Any:
        """What is stored for a value."""
        if self.data is not None:
            return self.data[value]
        return self.spell(value) if self.spell else value
