"""What makes a rule one for somebody or something, and not for all: open is only what says so.

A rule that lets in is narrowed in WHAT it is for (ports, ICMP types, a program, a service, a package) or in WHO may come
(addresses that are not all of a family, machines, users). Each property says by `narrows` which of its values count; what has
no such column (a profile, an interface, the own address) does not count, however narrow it is.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ringfence.types.base import KeptPiece
from ringfence.types.network_sets import interval, merged

# what hosts can come from, each way to say it whole: a part or two (nothing comes from 127.0.0.0/8), IPv4 in the form of IPv6
_UNICAST = tuple(tuple(interval(part)[:2] for part in parts) for parts in (
    ("1.0.0.0-126.255.255.255", "128.0.0.0-223.255.255.255"), ("2000::/3",), ("::ffff:1.0.0.0-::ffff:223.255.255.255",)))
_ALL_PORTS = (1, 65535)
_EVERYBODY = ("internet", "internet4", "internet6")  # keywords that mean whoever is not of the intranet
# [MS-DTYP] 2.4.2.4: Everyone, Network, Anonymous Logon, Authenticated Users
_EVERY_ACCOUNT = ("S-1-1-0", "S-1-5-2", "S-1-5-7", "S-1-5-11")
_EVERY_PACKAGE = ("S-1-15-2-1", "S-1-15-2-2")  # all application packages, and all restricted ones
_ALLOWED = re.compile(r"\(X?A;[^;]*;[^;]*;[^;]*;[^;]*;([^;()]+)", re.I)  # the accounts of entries that allow
SENSITIVE_PORTS = {22: "SSH", 135: "RPC", 445: "SMB", 1433: "SQL Server", 3389: "Remote Desktop", 5985: "WinRM", 5986: "WinRM"}
"""Ways to administer a host, and what worms look for."""
_HOSTS_OF_SERVICES = ("\\svchost.exe", "\\dllhost.exe", "\\services.exe")


@dataclass(frozen=True, slots=True)
class Narrowing:
    """counts: whether a value that is not the default narrows · direction: inbound or outbound, of rules of that alone ·
    who: whether it says who may come, and not what for."""

    counts: Callable[[Any], bool] = bool
    direction: str = ""
    who: bool = False


def narrowed(rule: Any) -> Iterator[tuple[str, Narrowing]]:
    """The properties by which a resource is for somebody or something, and how."""
    return ((p.name, p.narrows) for p in rule.kind.properties.values() if p.narrows and p.name not in rule.unheeded
            and (value := getattr(rule, p.name)) != p.default and p.narrows.counts(value))


def is_narrowed(rule: Any, direction: str = "") -> bool:
    """Whether a resource is for somebody or something, and not for all."""
    return any(narrowing.direction in ("", direction) for _, narrowing in narrowed(rule))


def narrowed_in_who(rule: Any) -> Iterator[str]:
    """The properties by which a resource is for somebody, and not for whoever comes."""
    return (name for name, narrowing in narrowed(rule) if narrowing.who)


def some_ports(members: Iterable[str]) -> bool:
    """Whether ports are not all of them; keywords are some."""
    parts = (m.partition("-") for m in members if m[0].isdecimal())
    ranges = merged((int(first), int(last or first), "") for first, _, last in parts)
    return not any(first <= _ALL_PORTS[0] and last >= _ALL_PORTS[1] for first, last, _ in ranges)


def not_everybody(members: tuple[str, ...]) -> bool:
    """Whether addresses are not all of a family."""
    if any(m.casefold() in _EVERYBODY for m in members):
        return False
    ranges = merged(interval(m) for m in members if ("." in m or ":" in m) and not isinstance(m, KeptPiece))
    return not any(all(any(begin <= first and end >= last for begin, end, _ in ranges) for first, last in parts)
                   for parts in _UNICAST)


def some_accounts(descriptor: str) -> bool:
    """Whether a list of accounts does not admit everybody who can prove who he is."""
    return not any(account.upper() in _EVERY_ACCOUNT for account in _ALLOWED.findall(descriptor))


def one_package(sid: str) -> bool:
    """Whether a package is one, and not all that there are."""
    return sid.upper() not in _EVERY_PACKAGE


def never(value: Any) -> bool:
    """For properties that make a rule narrower and never narrow enough: left out by `omit`, they would open it."""
    return False


def one_program(path: str) -> bool:
    """Whether a path is of one program: not the kernel, and not what hosts services, which a rule names by service."""
    named = path.casefold().rstrip(". ")  # Win32 leaves these out at the end of a name
    return named != "system" and not named.endswith(_HOSTS_OF_SERVICES)
