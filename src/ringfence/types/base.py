"""What a property may hold: which forms people write, the one canonical form, and how a cmdlet takes it.

A PropertyType parses what YAML gives into the canonical value (`parse`, raises ValueError with what is allowed), knows
its JSON Schema, and gives a canonical value as a NetSecurity parameter takes it (`to_parameter`). Canonical values are
str, int, bool, None, tuples of str, and Secret; two of them mean the same exactly if they are equal.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, wraps
from typing import Any, Literal, TypeVar

from ringfence.diagnostics import describe, suggest
from ringfence.diagnostics import quoted as quoted
from ringfence.secret import Secret, sources_in

T = TypeVar("T")
NOT_CONFIGURED = "not_configured"
ACRONYMS = {"ipsec": "IPsec", "nat": "NAT", "sa": "SA", "ah": "AH", "esp": "ESP", "dh": "DH"}


class CaseInsensitive(str):
    """Text whose letter case means nothing (paths, service names): keeps its spelling, compares without it."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and self.casefold() == other.casefold()

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.casefold())


class CanonicalText(CaseInsensitive):
    """Text in its canonical form, by which it compares, that is written as somebody spelled it: `spelling`."""

    __slots__ = ("spelling",)
    spelling: str

    def __new__(cls, canonical: str, spelling: str) -> "CanonicalText":
        made = super().__new__(cls, canonical)
        made.spelling = spelling
        return made

    def __reduce__(self) -> "tuple[type[CanonicalText], tuple[str, str]]":
        return CanonicalText, (str(self), self.spelling)


def spelling_of(text: str) -> str:
    """A text as it is written: in its canonical form, unless somebody spelled it otherwise."""
    return text.spelling if isinstance(text, CanonicalText) else str(text)


def _length(*texts: str) -> int:
    return sum(map(len, texts))


def remembered(count: int, longest: int, length: Callable[..., int] = _length) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """lru_cache for functions of texts: the last `count` results of arguments whose `length` is no more than `longest`.
    What hosts say is of any length, so a number alone bounds no memory."""

    def decorate(function: Callable[..., T]) -> Callable[..., T]:
        cached: Any = lru_cache(count)(function)

        @wraps(function)
        def call(*texts: Any) -> T:
            found: T = (cached if length(*texts) <= longest else function)(*texts)
            return found

        call.__dict__["cache_clear"] = cached.cache_clear
        return call

    return decorate


class KeptPiece(str):
    """A piece of what Windows stores that no cmdlet can write: it stands in a value as it was found, `LPort2_20=DHCP`.

    Its token compares without letter case, and so do its data where they are `literal`: tokens and keywords are literals of
    the grammar in [MS-GPFAS] 2.2.2, whose case means nothing (RFC 5234 2.3). Of other data nobody here knows: they compare as
    they stand.
    """

    __slots__ = ("meaning",)
    meaning: str

    def __new__(cls, piece: str, literal: bool = False) -> "KeptPiece":
        made = super().__new__(cls, piece)
        if literal:
            made.meaning = piece.casefold()
        else:
            token, equals, data = piece.partition("=")
            made.meaning = token.casefold() + equals + data
        return made

    def __eq__(self, other: object) -> bool:
        return self.meaning == other.meaning if isinstance(other, KeptPiece) else str.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.meaning)

    def __reduce__(self) -> "tuple[type[KeptPiece], tuple[str, bool]]":
        return KeptPiece, (str(self), self.meaning == self.casefold())


def identity(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class PropertyType:
    """The type of a property; see the module."""

    name: str
    parse: Callable[[Any], Any]
    schema: Mapping[str, Any] = field(default_factory=dict)
    to_parameter: Callable[[Any], Any] = identity
    resolved_by_host: Literal["", "interface", "account", "service"] = ""  # whose names only the host can translate
    host_names: Callable[[Any], tuple[str, ...]] = lambda value: ()  # those names in a value
    unwritable: tuple[str, ...] = ()  # members that Windows' own rules have and no cmdlet takes
    instead: Callable[[Any], str] = lambda value: ""  # what to say where such a value is wanted
    sample: Any = None  # a value as people write one, for the reference; None: its words or its range give one

    @property
    def nothing(self) -> str:
        """The word for an empty value, as the cmdlet has it: any, none, not_configured; empty where there is none."""
        try:
            shown = self.to_parameter(())
        except (KeyError, TypeError, AttributeError):  # it knows no such value
            return ""
        return snake(shown) if isinstance(shown, str) else ""


_HALVES = re.compile("[\ud800-\udfff]")


def as_text(value: Any) -> str:
    """Text from a YAML scalar. Raises ValueError for anything that is not text or a number."""
    if value.__class__ is str and value.isascii():  # what most are
        return value.strip()
    if isinstance(value, Secret):
        raise ValueError(f"{SECRET_SHOWN}; {shown_by(value)}")
    if isinstance(value, bool):
        raise ValueError(f"{str(value).lower()} is not a text: yes, no, on and off without quotes are true and false in YAML")
    if isinstance(value, float):
        raise ValueError(f"{quoted(value)} is not a text: write numbers with a dot in quotes")
    if value is None:
        raise ValueError("there is no value (null)")
    if not isinstance(value, str | int):
        raise ValueError(f"{quoted(value)} is not a text, but {describe(value)}: one value is wanted here")
    if isinstance(value, str) and _HALVES.search(value):
        raise ValueError(f"{quoted(value)} holds half of a character pair, which no file and no terminal can show")
    return str(value).strip()


def snake(name: str) -> str:
    """DeferToUser -> defer_to_user."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def pascal(name: str) -> str:
    """allow_local_ipsec_rules -> AllowLocalIPsecRules: NetSecurity's spelling of a property."""
    return "".join(ACRONYMS.get(part, part[:1].upper() + part[1:]) for part in name.split("_"))


def fold(text: str) -> str:
    return text.replace("_", "").replace("-", "").replace(" ", "").casefold()


def empty_value(any_word: str) -> ValueError:
    """Why an empty value is refused: a variable that turned out empty would otherwise open a rule to everything."""
    return ValueError(f"the value is empty: leave the property out, or say {snake(any_word)} if that is meant")


def case_insensitive(type: PropertyType, any_word: str = "Any") -> PropertyType:
    """The same type without letter case; what is absent is passed to a cmdlet as `any_word`."""

    def parse(value: Any) -> CaseInsensitive | None:
        found = type.parse(value)
        if found is None:
            raise empty_value(any_word)
        return None if fold(found) == fold(any_word) else CaseInsensitive(found)

    return PropertyType(type.name, parse, {**type.schema, "type": "string", "minLength": 1}, lambda v: str(v) if v else any_word,
                        sample=type.sample)


def as_list(value: Any) -> list[Any]:
    """The members of a list as people write one: a list, one value, or text with commas. None and [] are empty."""
    if value is None:
        return []
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return list(value) if isinstance(value, list | tuple) else [value]


def in_order(members: Iterable[str]) -> tuple[str, ...]:
    """Members of a set as a value has them, where they have no other order of their own: the same for equal sets."""
    found = tuple(members)
    return found if len(found) < 2 else tuple(sorted(found, key=lambda member: (member.casefold(), member)))


_DASHES = re.compile(r"\s*(?:[\u2010-\u2015\u2212]|\.\.+|\bto\b)\s*")  # what people write between the ends of a range


def likely_meant(text: str, member: Callable[[str], str], any_word: str) -> str:
    """What to say for a member of a list that another tool, or a word processor, writes otherwise; nothing where nobody knows."""
    def holds(candidate: str) -> bool:
        try:
            member(candidate)
        except ValueError:
            return False
        return True

    if fold(text) in ("*", "all"):
        return f"say {snake(any_word)}"
    text = text[:100]
    for candidate in (_DASHES.sub("-", text), unicodedata.normalize("NFKC", text).strip("\u200b\u200e\u200f\ufeff")):
        if candidate != text and holds(candidate):
            return f"say {candidate}"
    parts = re.split(r"[;\s]+", text.strip("; "))
    return f"say [{', '.join(parts)}]" if len(parts) > 1 and all(map(holds, parts)) else ""


def list_of(member: Callable[[str], str], *keywords: str, name: str, any_word: str = "Any",
            unwritable: tuple[str, ...] = (), sample: Sequence[Any] | None = None,
            canonical: Callable[[Iterable[str]], tuple[str, ...]] = in_order) -> PropertyType:
    """A set of values and `keywords` (NetSecurity's spelling, case and underscores apart); `any` is ().

    unwritable: keywords that Windows' own rules have and no cmdlet takes · sample: members for the reference · canonical:
    the one form of a set of members.
    """
    known = {fold(k): k for k in (*keywords, *unwritable)}
    anyone = fold(any_word)

    def one(value: Any) -> str:
        string = as_text(value)
        if not string[:1].isdecimal() and (keyword := known.get(fold(string))) is not None:  # no keyword begins with a digit
            return keyword
        try:
            return member(string)
        except ValueError as error:
            hint = likely_meant(string, member, any_word)
            raise ValueError(f"{error}{f'; {hint}' if hint else suggest(string, keywords, '; ')}") from None

    def parse(value: Any) -> tuple[str, ...]:
        parts = as_list(value)
        if any(isinstance(p, str) and fold(p) == anyone for p in parts):
            if len(parts) > 1:
                raise ValueError(f"{any_word} stands alone, not beside other values")
            return ()
        if not parts:
            raise empty_value(any_word)
        return canonical({one(p) for p in parts})

    item: dict[str, Any] = {"type": ["string", "integer"]}
    if keywords:
        item = {"anyOf": [{"enum": list(keywords)}, item]}
    schema = {"anyOf": [{"type": ["string", "integer"]}, {"type": "array", "items": item, "minItems": 1}]}
    return PropertyType(f"list of {name}" + (f", or {' '.join(keywords)}" if keywords else ""), parse, schema,
                lambda v: list(v) if v else any_word, unwritable=unwritable, sample=sample)


SECRET_SHOWN = "a secret may not stand here: plans and reports show it"


def shown_by(value: Any) -> str:
    """How to let a value be shown that is a secret, or holds one; of which variables it comes."""
    comes = ", ".join(sources_in(value))
    return (f"it comes of {comes}; " if comes else "") + 'where it may be seen, say so: "{{ NAME | public }}"'


def secret(value: Any) -> Secret:
    """A value that is never shown: a text, or the digits of a secret number. Raises ValueError (without the value)."""
    if isinstance(value, Secret):
        if not value.is_text or not str(value.reveal()):
            raise ValueError("a secret is a text that is not empty")
        return value.as_text()
    if not isinstance(value, str) or not value:
        raise ValueError("a secret is a text that is not empty")
    return Secret(value)


# its argument is the Secret: only `Batch.encode` reveals it
SECRET = PropertyType("secret", secret, {"type": "string"}, sample="{{ lookup('env', 'IPSEC_KEY') }}")
