"""One piece of traffic that a simulated host is asked about: the first packet of something new, never a reply."""

import ipaddress
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from ringfence.lab.machine.machine import Address

TCP, UDP, ICMPV4, ICMPV6 = 6, 17, 1, 58
EVERYONE = "S-1-1-0"  # MS-DTYP 2.4.2.4: in every token


@dataclass(frozen=True, slots=True)
class SimulatedFlow:
    """What starts between a host and another. Addresses, ports and program are the host's own ("local") and the other's.

    direction: who starts it, `in` for the other · protocol: 0 to 255 · icmp: type and code of ICMPv4 or ICMPv6 · interface: GUID
    of the adapter; None: the one towards the remote address · program: a path, or System · service: its short name; "": of
    none · package: SID of the app container, package_family: its family name; "": in none · user: SIDs of the token, the
    user's and those of its groups · security: what IPsec does with it · remote_machine, remote_user: SIDs of the tokens that
    IPsec authenticated · edge: it came through the edge of a network by Teredo (NAT traversal).

    None is what nobody knows: a condition on it is not decided.
    """

    direction: Literal["in", "out"]
    protocol: int
    remote_address: str
    local_address: str | None = None
    local_port: int | None = None
    remote_port: int | None = None
    icmp: tuple[int, int] | None = None
    interface: str | None = None
    program: str | None = None
    service: str | None = ""
    package: str | None = ""
    package_family: str | None = ""
    user: tuple[str, ...] | None = None
    security: Literal["clear", "authenticated", "encrypted"] = "clear"
    remote_machine: tuple[str, ...] | None = None
    remote_user: tuple[str, ...] | None = None
    edge: bool = False


@lru_cache(maxsize=65_536)
def address(text: str) -> Address:
    """An address; the zone of a link-local one does not count. Raises ValueError."""
    return ipaddress.ip_address(text.partition("%")[0])


def any_holds(*answers: bool | None) -> bool | None:
    """Whether one of these holds; None where that hangs on what is not known."""
    return True if True in answers else None if None in answers else False


def all_hold(*answers: bool | None) -> bool | None:
    """Whether each of these holds; None where that hangs on what is not known."""
    return False if False in answers else None if None in answers else True
