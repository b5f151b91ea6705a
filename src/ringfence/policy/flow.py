"""A flow: one new connection as a host sees it, and what is known of who makes or takes it."""

from dataclasses import dataclass
from typing import Literal

from ringfence.model.filter import Direction
from ringfence.types.addresses import address_interval, interval_text

Security = Literal["clear", "authenticated", "encrypted"]
TCP, UDP, ICMPV4, ICMPV6 = 6, 17, 1, 58
SYSTEM, SYSTEM_ACCOUNT = "System", "S-1-5-18"  # the kernel as rules name it; the account that it runs as ([MS-DTYP] 2.4.2.4)


@dataclass(frozen=True, slots=True)
class Flow:
    """A new connection. None: not known, so that whatever depends on it is not decided.

    protocol: its number, 0-255 · local_address, remote_address: numbers as types/addresses counts them; local is this host,
    whichever way the flow goes · icmp_type, icmp_code: of ICMP, where ports are of TCP and UDP · program: a path as the host
    has it, or System · service: the short name of a service; empty for no service · package: the SID of an app container;
    empty for none · package_family: the family of the package that a program outside of containers is of; empty for none · user:
    the SID of the account that the program runs as · interface: the GUID of the one that it goes through ·
    security: what IPsec makes of it · edge: whether it came in through a NAT edge device (Teredo) · dynamic: whether its own
    port, where that is not known, is one of those that Windows gives to who asks for any.
    """

    direction: Direction
    protocol: int
    local_address: int | None = None
    remote_address: int | None = None
    local_port: int | None = None
    remote_port: int | None = None
    icmp_type: int | None = None
    icmp_code: int | None = None
    program: str | None = None
    service: str | None = None
    package: str | None = ""
    user: str | None = None
    interface: str | None = None
    security: Security | None = "clear"
    edge: bool = False
    package_family: str | None = ""
    dynamic: bool = False

    def __str__(self) -> str:
        """In words: `inbound tcp from 10.0.0.1 to port 443`."""
        protocol = _NAMES.get(self.protocol, f"protocol {self.protocol}")
        inbound = self.direction == "inbound"
        far, own = _end(self.remote_address, self.remote_port), _end(self.local_address, self.local_port)
        source, target = (far, own) if inbound else (own, far)
        kind = f" type {self.icmp_type}" if self.icmp_type is not None else ""
        code = f":{self.icmp_code}" if self.icmp_code is not None else ""
        by = f" by {self.program}" if self.program else ""
        service = f" ({self.service})" if self.service else ""
        return "".join((self.direction, " ", protocol, kind, code, source and f" from {source}", target and f" to {target}", by,
                        service))


_NAMES = {TCP: "tcp", UDP: "udp", ICMPV4: "icmpv4", ICMPV6: "icmpv6"}


def number_of(address: str) -> int:
    """An address as a number of a flow. Raises ValueError for what is not one address."""
    first, last, _ = address_interval(address)
    if first != last:
        raise ValueError(address)
    return first


def _end(address: int | None, port: int | None) -> str:
    where = "" if address is None else interval_text(address, address)
    return " ".join(filter(None, (where, f"port {port}" if port is not None else "")))
