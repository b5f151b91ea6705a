"""A flow as filters see it, and what the fields of conditions are of one (Filtering Conditions Available at Each Layer)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Literal

from ringfence.model.wfp import NO_PACKAGE, RPC_PORT, TUNNEL_INTERFACE
from ringfence.policy.flow import ICMPV4, ICMPV6

Way = Literal["inbound", "outbound", "forward", "listen", "bind", "icmp_error_inbound", "icmp_error_outbound"]
UNKNOWN_FLAGS = 0x8 | 0x200 | 0x4000 | 0x8000  # how the socket is bound, a name of the peer, promiscuous: nobody tells here
_LUID_TYPE = 48  # the type of an interface is in the highest bits of its LUID (NET_LUID_LH)


class NoField(Enum):
    """The value of a field that the packet does not have, a type of ICMP in TCP for example: no value equals it."""

    ABSENT = "absent"


FieldValue = int | str | NoField | None
NO_FIELD = NoField.ABSENT


@dataclass(frozen=True, slots=True)
class WfpFlow:
    """The first packet of a flow. None: not known, so that conditions on it are not decided.

    way: where it comes to be judged; listen and bind are questions of a program, which let no traffic pass · family: 4 or 6 ·
    addresses: as types/addresses counts them; local is the destination of what is forwarded · ports: of ICMP local_port is the
    type and remote_port the code · program: the device path in lower case, or System · token: the SIDs that the account has,
    those of services and of capabilities too · package: the SID of the app container, NO_PACKAGE for none · package_family: its
    family name, empty for none · profile: its id (PROFILES_BY_ID), 0 for none · interface: the LUID of the one that it comes or
    leaves by · interface_type, tunnel_type: as IANA numbers them; worked out of the LUID where that is known · epoch: the
    quarantine epoch of the interface · flags: Filtering Condition Flags, of which those in unknown_flags are not known ·
    rpc_port: whether its local port is one that RPC gave away.
    """

    way: Way
    family: Literal[4, 6]
    protocol: int
    local_address: int | None = None
    remote_address: int | None = None
    local_port: int | None = None
    remote_port: int | None = None
    program: str | None = None
    token: frozenset[str] | None = None
    package: str | None = NO_PACKAGE
    package_family: str | None = ""
    profile: int | None = None
    interface: int | None = None
    interface_type: int | None = None
    tunnel_type: int | None = None
    epoch: int | None = None
    flags: int = 0
    unknown_flags: int = UNKNOWN_FLAGS
    rpc_port: bool | None = None

    @property
    def inbound(self) -> bool:
        """Whether it comes from outside."""
        return self.way not in ("outbound", "icmp_error_outbound")

    @property
    def type_of_interface(self) -> int | None:
        """The type of its interface."""
        return self.interface >> _LUID_TYPE if self.interface_type is None and self.interface is not None else self.interface_type

    @property
    def type_of_tunnel(self) -> int | None:
        """The type of its tunnel; 0 where its interface is none."""
        if self.tunnel_type is None and self.type_of_interface not in (None, TUNNEL_INTERFACE):
            return 0
        return self.tunnel_type


def _arrival(value: Callable[[WfpFlow], FieldValue]) -> Callable[[WfpFlow], FieldValue]:
    """Of what comes in the interface that it comes by is known, and the one that answers leave by is not, yet."""
    return lambda flow: value(flow) if flow.inbound else NO_FIELD


def _next_hop(value: Callable[[WfpFlow], FieldValue]) -> Callable[[WfpFlow], FieldValue]:
    return lambda flow: None if flow.inbound else value(flow)


def _kind_of_address(address: int | None) -> int | None:
    """NL_ADDRESS_TYPE: 1 unicast, 3 multicast, 4 broadcast. A broadcast of a subnet looks like a unicast here."""
    if address is None:
        return None
    if address >> 128:
        return 3 if address >> 120 & 0xFF == 0xFF else 1
    return 4 if address == 2**32 - 1 else 3 if address >> 28 == 14 else 1


def _icmp_type(flow: WfpFlow) -> FieldValue:
    return flow.local_port if flow.protocol in (ICMPV4, ICMPV6) else NO_FIELD


def _system_port(flow: WfpFlow) -> FieldValue:
    return None if flow.rpc_port is None else RPC_PORT if flow.rpc_port else 0


_INTERFACE: Mapping[str, Callable[[WfpFlow], FieldValue]] = {
    "INTERFACE_TYPE": lambda f: f.type_of_interface, "TUNNEL_TYPE": lambda f: f.type_of_tunnel,
    "INTERFACE_PROFILE_ID": lambda f: f.profile}
WFP_FIELDS: Mapping[str, Callable[[WfpFlow], FieldValue]] = {
    "IP_PROTOCOL": lambda f: f.protocol, "IP_LOCAL_PORT": lambda f: f.local_port, "IP_REMOTE_PORT": lambda f: f.remote_port,
    "IP_LOCAL_ADDRESS": lambda f: f.local_address, "IP_REMOTE_ADDRESS": lambda f: f.remote_address,
    "IP_DESTINATION_ADDRESS": lambda f: f.local_address if f.inbound else f.remote_address,
    "IP_SOURCE_ADDRESS": lambda f: f.remote_address if f.inbound else f.local_address,
    "IP_DESTINATION_PORT": lambda f: f.local_port if f.inbound else f.remote_port,
    "IP_SOURCE_PORT": lambda f: f.remote_port if f.inbound else f.local_port,
    "IP_LOCAL_ADDRESS_TYPE": lambda f: _kind_of_address(f.local_address),
    "IP_DESTINATION_ADDRESS_TYPE": lambda f: _kind_of_address(f.local_address if f.inbound else f.remote_address),
    "ORIGINAL_ICMP_TYPE": _icmp_type, "ALE_APP_ID": lambda f: f.program, "ALE_PACKAGE_ID": lambda f: f.package,
    "ALE_SIO_FIREWALL_SYSTEM_PORT": _system_port, "DIRECTION": lambda f: 1 if f.inbound else 0,
    "ORIGINAL_PROFILE_ID": lambda f: f.profile, "CURRENT_PROFILE_ID": lambda f: f.profile,
    "IP_ARRIVAL_INTERFACE": _arrival(lambda f: f.interface), "IP_NEXTHOP_INTERFACE": _next_hop(lambda f: f.interface),
    "IP_LOCAL_INTERFACE": lambda f: f.interface, "INTERFACE_QUARANTINE_EPOCH": lambda f: f.epoch,
    **{f"ARRIVAL_{name}": _arrival(value) for name, value in _INTERFACE.items()},
    **{f"NEXTHOP_{name}": _next_hop(value) for name, value in _INTERFACE.items()},
    "INTERFACE_TYPE": lambda f: f.type_of_interface, "TUNNEL_TYPE": lambda f: f.type_of_tunnel}
"""What a field of conditions is of a flow; of those that are not here nobody knows. FLAGS and questions of tokens are apart."""
