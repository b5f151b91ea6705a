"""What makes a rule one for somebody or something, and not for all: open is only what says so.

A rule that lets in is narrowed in WHAT it is for (ports, ICMP types, a program, a service, a package) or in WHO may come
(addresses that are not all of a family, machines, users). Each property says by `narrows` which of its values count; what has
no such column (a profile, an interface, the own address) does not count, however narrow it is.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ringfence.types.base import KeptPiece
from ringfence.types.network_sets import interval, merged

_UNICAST = tuple(interval(family)[:2] for family in ("1.0.0.0-223.255.255.255", "2000::/3"))  # what hosts can come from
_ALL_PORTS = (1, 65535)
_EVERYBODY = ("internet", "internet4", "internet6")  # keywords that mean whoever is not of the intranet
_HOSTS_OF_SERVICES = ("\\svchost.exe", "\\dllhost.exe", "\\services.exe")


@dataclass(frozen=True, slots=True)
class Narrowing:
    """counts: whether a value that is not the default narrows · direction: inbound or outbound, of rules of that alone."""

    counts: Callable[[Any], bool] = bool
    direction: str = ""


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
    return not any(begin <= first and end >= last for first, last in _UNICAST for begin, end, _ in ranges)


def one_program(path: str) -> bool:
    """Whether a path is of one program: not the kernel, and not what hosts services, which a rule names by service."""
    return path.casefold() != "system" and not path.casefold().endswith(_HOSTS_OF_SERVICES)
