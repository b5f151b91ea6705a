"""Addresses, ports, protocols, ICMP types, interfaces and versions of Windows."""

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Any

from ringfence.diagnostics import suggest
from ringfence.types.addresses import IPV4, MAX_ADDRESS, Interval, address_interval, interval_text
from ringfence.types.base import PropertyType, as_text, fold, list_of, quoted
from ringfence.types.foreign_words import VALUES
from ringfence.types.network_sets import LAST_PORT, icmp_set
from ringfence.types.text import guid

_PORT = re.compile("[1-9][0-9]{0,4}")
_PORTS = re.compile(r"([0-9]{1,9})(?:\s*-\s*([0-9]{1,9}))?")


@lru_cache(65536)
def port(text: str) -> str:
    """A port or a range of ports: "443", "80-90".

    Port 0 alone is refused by Windows (FW_RULE_STATUS 0x00100022). A range may begin there: real rules do, and the page of
    New-NetIPsecRule says 0 through 65535.
    """
    try:
        return port_interval(text)[2]
    except ValueError:
        pass
    wrong_ends = len(text) <= MAX_ADDRESS and _PORTS.fullmatch(text)
    raise ValueError(f"{text} is not a port (1-65535) or a range like 80-90 with the smaller end first" if wrong_ends else
                     f"{quoted(text)} is not a port (1-65535) or a range like 80-90")


def port_interval(text: str) -> Interval:
    """The first and the last port, and the canonical text. Raises ValueError, which says nothing: see address_interval."""
    if _PORT.fullmatch(text) and (number := int(text)) <= LAST_PORT:
        return number, number, text
    match = _PORTS.fullmatch(text) if len(text) <= MAX_ADDRESS else None
    if not match:
        raise ValueError
    first, last = int(match[1]), int(match[2] or match[1])
    if not first <= last <= LAST_PORT or last == 0:
        raise ValueError
    return first, last, str(first) if first == last else f"{first}-{last}"


@lru_cache(65536)
def address(text: str) -> str:
    """An IP address, range or subnet: "10.0.0.1", "10.0.0.1-10.0.0.9", "10.0.0.0/8" (also given by a mask).

    Host bits of a subnet are cleared, /32 and /128 are the address alone, a range that is a subnet is that subnet, and /0 is
    a range: Windows has no such subnet. Raises ValueError.
    """
    if IPV4.fullmatch(text):
        return text
    try:
        first, last, _ = address_interval(text)
        return interval_text(first, last)
    except ValueError:
        if "%" in text[:MAX_ADDRESS]:
            raise ValueError(f"{quoted(text)}: an address with an interface (%) cannot stand in a policy") from None
        hint = _address_meant(text[:MAX_ADDRESS])
        raise ValueError(f"{quoted(text)} is not an address, a range a-b (smaller end first) "
                         f"or a subnet a/length{hint and '; '}{hint}") from None


_FOREIGN_ADDRESSES = (  # how people write what Windows writes otherwise
    (re.compile(r"((?:[0-9]+\.){3})\*"), r"say \g<1>0/24"), (re.compile(r"((?:[0-9]+\.){2})\*(?:\.\*)?"), r"say \g<1>0.0/16"),
    (re.compile(r"((?:[0-9]+\.){3})([0-9]+)-([0-9]+)"), r"say \1\2-\g<1>\3"), (re.compile(r"\[([^]]*)\](?::[0-9]+)?"), r"say \1"),
    (re.compile(r"([0-9.]+):[0-9]+"), r"say \1, and the port by remote_port or local_port"),
    (re.compile(r"([0-9.]+)\\([0-9]+)"), r"say \1/\2"),
    (re.compile(r"(?:[a-z]+://.*|(?=.*[g-z])[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)", re.I),
     "names are not resolved: say its address"))


def _address_meant(text: str) -> str:
    """What to say for an address that is written as elsewhere; nothing where nobody knows."""
    return next((found.expand(say) for pattern, say in _FOREIGN_ADDRESSES if (found := pattern.fullmatch(text))), "")


def subnet(text: str) -> str:
    """The same as people may say it: a subnet of /0 is refused, as Windows does."""
    if "/0" in text and re.search(r"/(0+|0\.0\.0\.0)$", text):
        whole = ("::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff for all of IPv6" if ":" in text else
                 "0.0.0.0-255.255.255.255 for all of IPv4")
        raise ValueError(f"{quoted(text)}: Windows knows no subnet of length 0 [0x00100045, 0x00100046]: "
                         f"say any, or {whole}")
    return address(text)


PROTOCOLS = {"icmpv4": "1", "tcp": "6", "udp": "17", "icmpv6": "58"}
_PROTOCOL_NAMES = {number: name for name, number in PROTOCOLS.items()}


def protocol(value: Any) -> str:
    """An IP protocol by name (tcp, udp, icmpv4, icmpv6), number 0-255, or any. Raises ValueError."""
    string = as_text(value).lower()
    if string in ("any", "256") or string in PROTOCOLS:
        return "any" if string == "256" else string
    if not re.fullmatch("[0-9]{1,9}", string) or int(string) > 255:
        foreign = VALUES["protocol"].get(fold(string), "")
        hint = f"; {foreign}" if foreign else suggest(string, list(PROTOCOLS), "; ")
        raise ValueError(f"{quoted(value)} is not a protocol: {', '.join(PROTOCOLS)}, any, or a number 0-255{hint}")
    return _PROTOCOL_NAMES.get(str(int(string)), str(int(string)))


_PROTOCOL_ARGUMENTS = {"tcp": "TCP", "udp": "UDP", "icmpv4": "ICMPv4", "icmpv6": "ICMPv6", "any": "Any"}
PROTOCOL = PropertyType("tcp | udp | icmpv4 | icmpv6 | any | 0-255", protocol, {"type": ["string", "integer"]},
                lambda v: _PROTOCOL_ARGUMENTS.get(v, v), sample="udp")


def icmp_type(text: str) -> str:
    """An ICMP type, "8", or type and code, "3:4" (0-255 each; netsh's "3,4" reads as two types). Raises ValueError."""
    kind, colon, code = text.partition(":")
    if code == "*":
        colon = code = ""
    for part in (kind, code) if colon else (kind,):
        if not re.fullmatch("[0-9]{1,9}", part) or int(part) > 255:
            hint = VALUES["icmp_type"].get(fold(text), "")
            raise ValueError(f"{quoted(text)} is not an ICMP type (0-255) or type:code{hint and '; '}{hint}")
    return f"{int(kind)}:{int(code)}" if colon else str(int(kind))


def _icmp_types(value: Any) -> tuple[str, ...]:
    for one in value if isinstance(value, list | tuple) else (value,):
        if isinstance(one, str) and re.fullmatch(r"\s*[0-9]+\s*,\s*[0-9]+\s*", one):  # netsh: icmpv4:8,0
            kind, code = (part.strip() for part in one.split(","))
            raise ValueError(f"{quoted(one)} could be a type and its code, or two types: say {kind}:{code}, or [{kind}, {code}]")
    return tuple(_ICMP_LIST.parse(value))


_ICMP_LIST = list_of(icmp_type, name="types and type:code", sample=[8], canonical=icmp_set)
ICMP_TYPES = replace(_ICMP_LIST, parse=_icmp_types)


def interface(text: str) -> str:
    """An interface: its GUID, or an alias (wildcards * ? allowed) that the host translates."""
    try:
        return guid(text)
    except ValueError:
        if "|" in text or not text:
            raise ValueError(f"{quoted(text)} is not an interface alias") from None
        return text


def interfaces(any_word: str = "Any", *, patterns: bool = True) -> PropertyType:
    """A list of interfaces. An empty list is passed as `any_word`. With `patterns`, wildcard characters of an alias are
    escaped by a backtick."""
    type = list_of(interface, name="interface aliases (wildcards allowed) or GUIDs", any_word=any_word, sample=["Ethernet*"])

    def argument(value: Any) -> Any:
        return [re.sub(r"([`*?\[\]])", r"`\1", a) if patterns else a for a in value] or any_word

    return replace(
        type,
        to_parameter=argument,
        resolved_by_host="interface",
        host_names=lambda v: tuple(a for a in v if not a.startswith("{")),
    )


def platform(text: str) -> str:
    """A Windows version, "6.1" for that one, "10.0+" for that and later. Raises ValueError."""
    match = re.fullmatch(r"([0-9]{1,3})\.([0-9]{1,3})(\+?)", text)
    if not match or int(match[1]) > 255 or int(match[2]) > 255:
        raise ValueError(f"{quoted(text)} is not a version like 6.1 or 10.0+")
    return f"{int(match[1])}.{int(match[2])}{match[3]}"


def sorted_versions(versions: Iterable[str]) -> tuple[str, ...]:
    """Versions by their numbers, the one that means "or later" at the end: Windows has that sign for the last only."""
    return tuple(sorted(versions, key=lambda v: (v.endswith("+"), [int(n) for n in v.rstrip("+").split(".")])))


def platforms() -> PropertyType:
    """A list of Windows versions, at most one of them with "or later" ([0x001000E2]); none is an empty list."""
    type = list_of(platform, name="Windows versions such as 6.1 or 10.0+", sample=["10.0+"])

    def parse(value: Any) -> tuple[str, ...]:
        found = sorted_versions(type.parse(value))
        if sum(v.endswith("+") for v in found) > 1:
            raise ValueError("only one version may mean itself and later [0x001000E2]: the smallest says it all")
        return found

    return replace(type, parse=parse, to_parameter=list)
