"""The words of the language: what a property may hold, in which forms people write it, and its one canonical form.

A Word parses what YAML gives into the canonical value (`parse`, raises ValueError with what is allowed), knows its
JSON Schema, and says a canonical value the way a NetSecurity parameter takes it (`argument`). Canonical values are
str, int, bool, None, tuples of str, and Secret; two of them mean the same exactly if they are equal.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Literal

from ringfence.errors import closest
from ringfence.secret import Secret

NOT_CONFIGURED = "not_configured"


class Caseless(str):
    """Text whose letter case means nothing (paths, service names): keeps its spelling, compares without it."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and self.casefold() == other.casefold()

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.casefold())


def same(value: Any) -> Any:
    return value


def no_names(value: Any) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True)
class Word:
    """The type of a property; see the module."""

    name: str
    parse: Callable[[Any], Any]
    schema: Mapping[str, Any] = field(default_factory=dict)
    argument: Callable[[Any], Any] = same
    binds: Literal["", "interface", "account"] = ""  # whose names only the host can translate
    unbound: Callable[[Any], tuple[str, ...]] = no_names  # those names in a value


def nearest(word: str, known: Iterable[str]) -> str:
    """What was probably meant: a hint to append to a message, or nothing."""
    return f"; did you mean {close}?" if (close := closest(word, known)) else ""


def said(value: Any) -> str:
    """A value as a message shows it: short, on one line, never a secret."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


_HALVES = re.compile("[\ud800-\udfff]")


def plain(value: Any) -> str:
    """Text from a YAML scalar. Raises ValueError for anything that is not text or a number."""
    if isinstance(value, Secret):
        raise ValueError("a secret may not stand here: this property is shown in plans and reports")
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"{said(value)} is not a text")
    if isinstance(value, str) and _HALVES.search(value):
        raise ValueError(f"{said(value)} holds half of a character pair, which no file and no terminal can show")
    return str(value).strip()


def snake(name: str) -> str:
    """DeferToUser -> defer_to_user."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def squeeze(text: str) -> str:
    return text.replace("_", "").replace("-", "").replace(" ", "").casefold()


def choice(*parameters: str, **aliases: str) -> Word:
    """One of a cmdlet's enum values, said in snake_case: choice("Allow", "Block") holds "allow" or "block"."""
    canonical = {snake(p): p for p in parameters}
    forms = {squeeze(c): c for c in canonical} | {squeeze(a): snake(p) for a, p in aliases.items()}

    def parse(value: Any) -> str:
        if value is None or value == "":  # for IPsec it would mean none: nothing is secured
            raise ValueError(f"the value is empty, and that is not one of {', '.join(canonical)}")
        text = str(value).lower() if isinstance(value, bool) else plain(value)
        if (found := forms.get(squeeze(text))) is None:
            raise ValueError(f"{said(value)} is not one of {', '.join(canonical)}{nearest(text, list(canonical))}")
        return found

    return Word(" | ".join(canonical), parse, {"enum": list(canonical)}, canonical.__getitem__)


_TRUE, _FALSE = {"true", "yes", "on", "1"}, {"false", "no", "off", "0"}


def truth(value: Any) -> bool:
    """A boolean, also as the words Ansible takes for one (a template gives text). Raises ValueError."""
    if isinstance(value, bool):
        return value
    text = plain(value).lower()
    if text not in _TRUE | _FALSE:
        raise ValueError(f"{said(value)} is neither true nor false")
    return text in _TRUE


FLAG = Word("boolean", truth, {"type": "boolean"})
"""For [bool] parameters."""
ENABLED = Word("boolean", truth, {"type": "boolean"}, lambda v: "True" if v else "False")
"""For parameters whose type is the enum True | False (`-Enabled $true` does not bind, `-Enabled True` does)."""


def _gpo_boolean(value: Any) -> bool | str:
    return NOT_CONFIGURED if isinstance(value, str) and squeeze(value) == squeeze(NOT_CONFIGURED) else truth(value)


GPO_BOOLEAN = Word("boolean | not_configured", _gpo_boolean, {"enum": [True, False, NOT_CONFIGURED]},
                   lambda v: {True: "True", False: "False"}.get(v, "NotConfigured"))
"""GpoBoolean of NetSecurity: NotConfigured means that no value is stored."""


def text(limit: int = 9999, forbidden: str = "|", *, what: str = "text") -> Word:
    """Text of at most `limit` characters without those of `forbidden` and without control characters; empty is None."""

    unfit = re.compile(f"[\\0-\x1f{re.escape(forbidden)}]")

    def parse(value: Any) -> str | None:
        string = plain(value) if value is not None else ""
        if len(string) > limit:
            raise ValueError(f"{len(string)} characters are more than {limit}")
        if bad := unfit.search(string):
            raise ValueError(f"the character {said(bad[0])} is not allowed here (registry strings cannot hold it)")
        return string or None

    schema = {"type": ["string", "null"], "maxLength": limit}
    return Word(what, parse, schema, lambda v: v or "")


def nothing_said(any_word: str) -> ValueError:
    """Why an empty value is refused: a variable that turned out empty would otherwise open a rule to everything."""
    return ValueError(f"the value is empty: leave the property out, or say {snake(any_word)} if that is meant")


def caseless(word: Word, any_word: str = "Any") -> Word:
    """The same word without letter case; what is absent is said as `any_word` to a cmdlet."""

    def parse(value: Any) -> Caseless | None:
        found = word.parse(value)
        if found is None:
            raise nothing_said(any_word)
        return None if squeeze(found) == squeeze(any_word) else Caseless(found)

    return Word(word.name, parse, {**word.schema, "type": "string", "minLength": 1}, lambda v: str(v) if v else any_word)


def number(low: int, high: int, *extra: int) -> Word:
    """A whole number from `low` to `high`, or one of `extra`."""

    def parse(value: Any) -> int:
        string = plain(value)
        if not (string.isascii() and string.isdigit()):
            raise ValueError(f"{said(value)} is not a whole number")
        found = int(string) if len(string) < 20 else high + 1
        if not (low <= found <= high or found in extra):
            also = "".join(f" or {e}" for e in extra)
            raise ValueError(f"{found} is not in {low}-{high}{also}")
        return found

    schema = {"type": "integer", "minimum": min(low, *extra, low), "maximum": high}
    return Word(f"{low}-{high}" + "".join(f" | {e}" for e in extra), parse, schema)


def members(value: Any) -> list[Any]:
    """The members of a list as people write one: a list, one value, or text with commas. None and [] are empty."""
    if value is None:
        return []
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return list(value) if isinstance(value, list | tuple) else [value]


def many(member: Callable[[str], str], *keywords: str, name: str, any_word: str = "Any", **aliases: str) -> Word:
    """A set of values and `keywords` (NetSecurity's spelling, case and underscores apart); `any` is ()."""
    known = {squeeze(k): k for k in keywords} | {squeeze(a): k for a, k in aliases.items()}

    def one(value: Any) -> str:
        string = plain(value)
        if (keyword := known.get(squeeze(string))) is not None:
            return keyword
        try:
            return member(string)
        except ValueError as error:
            raise ValueError(f"{error}{nearest(string, keywords)}") from None

    def parse(value: Any) -> tuple[str, ...]:
        parts = members(value)
        if any(isinstance(p, str) and squeeze(p) == squeeze(any_word) for p in parts):
            if len(parts) > 1:
                raise ValueError(f"{any_word} stands alone, not beside other values")
            return ()
        if not parts:
            raise nothing_said(any_word)
        return tuple(sorted({one(p) for p in parts}))

    item: dict[str, Any] = {"type": ["string", "integer"]}
    if keywords:
        item = {"anyOf": [{"enum": list(keywords)}, item]}
    schema = {"anyOf": [{"type": ["string", "integer"]}, {"type": "array", "items": item, "minItems": 1}]}
    return Word(f"list of {name}" + (f", or {' '.join(keywords)}" if keywords else ""), parse, schema,
                lambda v: list(v) if v else any_word)


def subset(*parameters: str, whole: bool = False, **aliases: str) -> Word:
    """Some of an enum's values; `any`, or (with `whole`) all of them, is ()."""
    base = choice(*parameters, **aliases)

    def parse(value: Any) -> tuple[str, ...]:
        parts = members(value)
        if any(isinstance(p, str) and p.casefold() in ("any", "all") for p in parts):
            if len(parts) > 1:
                raise ValueError("any stands alone, not beside other values")
            return ()
        if not parts:
            raise nothing_said("any")
        found = {base.parse(p) for p in parts}
        return () if whole and len(found) == len(parameters) else tuple(sorted(found))

    item = {"enum": [*map(snake, parameters), "any"]}
    return Word(f"list of {base.name}", parse, {"anyOf": [item, {"type": "array", "items": item, "minItems": 1}]},
                lambda v: [base.argument(m) for m in v] if v else "Any")


_PORT = re.compile("[1-9][0-9]{0,4}")
_PORTS = re.compile(r"([0-9]{1,9})(?:\s*-\s*([0-9]{1,9}))?")


@lru_cache(65536)
def port(text: str) -> str:
    """A port or a range of ports: "443", "80-90". Port 0 is refused by Windows ([MS-FASP] 2.2.37, 0x00100022)."""
    if _PORT.fullmatch(text) and int(text) <= 65535:
        return text
    match = _PORTS.fullmatch(text)
    if not match:
        raise ValueError(f"{said(text)} is not a port (1-65535) or a range like 80-90")
    first, last = int(match[1]), int(match[2] or match[1])
    if not 1 <= first <= last <= 65535:
        raise ValueError(f"{text} is not a port (1-65535) or a range like 80-90 with the smaller end first")
    return str(first) if first == last else f"{first}-{last}"


_IPV4 = re.compile(r"(?:(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(?:\.(?!$)|$)){4}")
# Windows takes no host masks (0.0.0.255)
_LENGTHS = {text: n for n in range(33) for text in (str(n), str(ipaddress.IPv4Address(2**32 - 2**(32 - n))))}


@lru_cache(65536)
def address(text: str) -> str:
    """An IP address, range or subnet: "10.0.0.1", "10.0.0.1-10.0.0.9", "10.0.0.0/8" (also given by a mask).

    Host bits of a subnet are cleared, /32 and /128 are the address alone. Raises ValueError.
    """
    if _IPV4.fullmatch(text):
        return text
    if "%" in text:
        raise ValueError(f"{said(text)}: an address with an interface (%) cannot stand in a policy")
    try:
        if "-" in text:
            first, last = (ipaddress.ip_address(end.strip()) for end in text.split("-"))
            if first.version != last.version or int(first) > int(last):
                raise ValueError
            return str(first) if first == last else f"{first}-{last}"
        if "/" not in text:
            return str(ipaddress.ip_address(text))
        base, _, size = text.partition("/")
        if _IPV4.fullmatch(base):
            return _subnet(base, _LENGTHS[size])
        net = ipaddress.IPv6Network(text, strict=False)
    except (ValueError, KeyError):
        raise ValueError(f"{said(text)} is not an address, a range a-b (smaller end first) "
                         "or a subnet a/length") from None
    return str(net.network_address if net.prefixlen == 128 else net)


def _subnet(base: str, length: int) -> str:
    """An IPv4 subnet without its host bits. (ipaddress does it too, in four times the time.)"""
    a, b, c, d = map(int, base.split("."))
    bits = (a << 24 | b << 16 | c << 8 | d) >> (32 - length) << (32 - length)
    net = f"{bits >> 24}.{bits >> 16 & 255}.{bits >> 8 & 255}.{bits & 255}"
    return net if length == 32 else f"{net}/{length}"


PROTOCOLS = {"icmpv4": "1", "tcp": "6", "udp": "17", "icmpv6": "58"}
_PROTOCOL_NAMES = {number: name for name, number in PROTOCOLS.items()}


def protocol(value: Any) -> str:
    """An IP protocol by name (tcp, udp, icmpv4, icmpv6), number 0-255, or any. Raises ValueError."""
    string = plain(value).lower()
    if string in ("any", "256") or string in PROTOCOLS:
        return "any" if string == "256" else string
    if not re.fullmatch("[0-9]{1,9}", string) or int(string) > 255:
        raise ValueError(f"{said(value)} is not a protocol: {', '.join(PROTOCOLS)}, any, or a number 0-255"
                         + nearest(string, list(PROTOCOLS)))
    return _PROTOCOL_NAMES.get(str(int(string)), str(int(string)))


_PROTOCOL_ARGUMENTS = {"tcp": "TCP", "udp": "UDP", "icmpv4": "ICMPv4", "icmpv6": "ICMPv6", "any": "Any"}
PROTOCOL = Word("tcp | udp | icmpv4 | icmpv6 | any | 0-255", protocol, {"type": ["string", "integer"]},
                lambda v: _PROTOCOL_ARGUMENTS.get(v, v))


def icmp_type(text: str) -> str:
    """An ICMP type, "8", or type and code, "3:4" (0-255 each; netsh's "3,4" reads as two types). Raises ValueError."""
    kind, colon, code = text.partition(":")
    if code == "*":
        colon = code = ""
    for part in (kind, code) if colon else (kind,):
        if not re.fullmatch("[0-9]{1,9}", part) or int(part) > 255:
            raise ValueError(f"{said(text)} is not an ICMP type (0-255) or type:code")
    return f"{int(kind)}:{int(code)}" if colon else str(int(kind))


def guid(text: str) -> str:
    """A GUID in braces and capitals. Raises ValueError."""
    if not re.fullmatch(r"\{?[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}?", text):
        raise ValueError(f"{said(text)} is not a GUID")
    return "{" + text.strip("{}").upper() + "}"


def interface(text: str) -> str:
    """An interface: its GUID, or an alias (wildcards * ? allowed) that the host translates."""
    try:
        return guid(text)
    except ValueError:
        if "|" in text or not text:
            raise ValueError(f"{said(text)} is not an interface alias") from None
        return text


def interfaces(any_word: str = "Any", *, patterns: bool = True) -> Word:
    """A list of interfaces; none is said as `any_word` to a cmdlet. `patterns`: its parameter takes wildcard patterns, so
    that the characters of an alias which would be wildcards need a backtick."""
    word = many(interface, name="interface aliases (wildcards allowed) or GUIDs", any_word=any_word)

    def argument(value: Any) -> Any:
        return [re.sub(r"([`*?\[\]])", r"`\1", a) if patterns else a for a in value] or any_word

    return replace(word, argument=argument, binds="interface", unbound=lambda v: tuple(a for a in v if not a.startswith("{")))


def platform(text: str) -> str:
    """A Windows version, "6.1" for that one, "10.0+" for that and later. Raises ValueError."""
    match = re.fullmatch(r"([0-9]{1,3})\.([0-9]{1,3})(\+?)", text)
    if not match or int(match[1]) > 255 or int(match[2]) > 255:
        raise ValueError(f"{said(text)} is not a version like 6.1 or 10.0+")
    return f"{int(match[1])}.{int(match[2])}{match[3]}"


def by_version(versions: Iterable[str]) -> tuple[str, ...]:
    """Versions by their numbers, the one that means "or later" at the end: Windows has that sign for the last only."""
    return tuple(sorted(versions, key=lambda v: (v.endswith("+"), [int(n) for n in v.rstrip("+").split(".")])))


def platforms() -> Word:
    """A list of Windows versions, at most one of them with "or later" ([0x001000E2]); none is an empty list."""
    word = many(platform, name="Windows versions such as 6.1 or 10.0+")

    def parse(value: Any) -> tuple[str, ...]:
        found = by_version(word.parse(value))
        if sum(v.endswith("+") for v in found) > 1:
            raise ValueError("only one version may mean itself and later [0x001000E2]: the smallest says it all")
        return found

    return replace(word, parse=parse, argument=list)


def secret(value: Any) -> Secret:
    """A value that is never shown. Raises ValueError (without the value)."""
    if isinstance(value, Secret):
        return value
    if not isinstance(value, str) or not value:
        raise ValueError("a secret is a text that is not empty")
    return Secret(value)


SECRET = Word("secret", secret, {"type": "string"})  # its argument is the Secret: only `Batch.encode` reveals it
