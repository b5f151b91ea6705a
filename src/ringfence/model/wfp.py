"""What the Windows Filtering Platform of a host enforces, as `netsh wfp show state` and `show filters` print it.

Names are those of the SDK (fwpmu.h) without what stands before them: the layer ALE_AUTH_CONNECT_V4, the field IP_REMOTE_PORT,
the sublayer MPSSVC_WF; keys that have no name there are GUIDs in lower case. Addresses are numbers as types/addresses counts
them. Structure and meaning: the dumps themselves, and Microsoft's "Windows Filtering Platform" (Filter Arbitration, Filtering
Condition Flags, FWPM_FILTER0).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

FIREWALL, HARDENING = "MPSSVC_WF", "MPSSVC_WSH"
"""The sublayers of the firewall's rules, and of what Windows restricts its services to."""
NO_PACKAGE = "S-1-0-0"
"""What stands for the app container of a program that runs in none."""
WINDOWS_OWN = 2**64 - 1
"""The number that stands for no rule: the filter is one of Windows' own beside them."""
AUTHORIZING = ("ALE_AUTH_RECV_ACCEPT_V4", "ALE_AUTH_RECV_ACCEPT_V6", "ALE_AUTH_CONNECT_V4", "ALE_AUTH_CONNECT_V6")
"""The layers at which new connections are let through or not, where the filters of firewall rules are (ALE Layers)."""
LOOPBACK, SECURED, REAUTHORIZED, AUTHENTICATED, OTHER_LOOPBACK = 0x1, 0x2, 0x4, 0x10000, 0x800000
"""Bits of the field FLAGS (Filtering Condition Flags): what does not leave the host; what IPsec secured, or only authenticated; a
flow that is looked at again; loopback of what is in no app container, as five hosts have it."""
TUNNEL_INTERFACE = 131
"""The type of interfaces that are tunnels; others are 6 wired, 23 PPP, 24 loopback, 53 virtual, 71 wireless (IANA, ifType)."""
RPC_PORT, EDGE_PORT = 1, 2
"""Bits of ALE_SIO_FIREWALL_SYSTEM_PORT: the port is one that RPC gave away; the socket asked for what comes through edges."""
PROFILES_BY_ID: Mapping[int, str] = {1: "public", 2: "private", 3: "domain"}
"""Profiles as conditions number them; 0 is none. Not the bits of a rule (1 domain, 2 private, 4 public): filters of rules that
Windows ships for private networks alone carry 2, interfaces without a network 1."""


class WfpRange(NamedTuple):
    """Numbers from first to last, both included."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class WfpCondition:
    """One condition of a filter.

    match: EQUAL, NOT_EQUAL, RANGE, FLAGS_ALL_SET, FLAGS_NONE_SET, … (FWP_MATCH_TYPE) · value: a number, a range of them, or the
    text of a path, a SID or a security descriptor; None where it is not understood · verbatim: what stands there then.
    """

    field: str
    match: str
    value: int | str | WfpRange | None
    verbatim: str = ""


@dataclass(frozen=True, slots=True)
class WfpFilter:
    """One filter.

    id, key: of this run of the service, so that neither is good to compare two dumps by · name, description: in the language of
    the host · action: PERMIT, BLOCK, CALLOUT_TERMINATING, CALLOUT_INSPECTION, CALLOUT_UNKNOWN (FWPM_ACTION0) · callout: the key
    of what is called then · weight: the effective one, which counts · flags: BOOTTIME, PERSISTENT, CLEAR_ACTION_RIGHT, … · rule:
    the number that all filters of one firewall rule share while the service runs; None where there is none · origin: the name
    of the rule, or of what else it is made of, where the dump tells (block filters of Windows 10 22H2 and later).
    """

    id: int
    key: str
    name: str
    description: str
    layer: str
    sublayer: str
    provider: str
    action: str
    callout: str
    weight: int
    flags: frozenset[str]
    conditions: tuple[WfpCondition, ...]
    rule: int | None = None
    origin: str = ""

    @property
    def weight_class(self) -> int:
        """The class of its weight, 0-15: its highest four bits (Filter Weight Assignment)."""
        return self.weight >> 60

    @property
    def hard(self) -> bool:
        """Whether what is below may not override that it permits."""
        return "CLEAR_ACTION_RIGHT" in self.flags


@dataclass(frozen=True, slots=True)
class WfpSublayer:
    """A sublayer. weight: None where the dump does not tell it."""

    key: str
    name: str = ""
    provider: str = ""
    weight: int | None = None


@dataclass(frozen=True, slots=True)
class WfpCallout:
    """A function of a driver that filters call. registered: whether the driver is there to be called."""

    key: str
    layer: str
    name: str
    description: str
    provider: str
    registered: bool


@dataclass(frozen=True, slots=True)
class WfpProvider:
    """Who made filters. service: that of its program, where it has one · disabled: whether that is not set to start."""

    key: str
    name: str
    service: str
    disabled: bool


@dataclass(frozen=True, slots=True)
class WfpSession:
    """A program that works with the platform. process: its id · kernel: whether it is a driver."""

    name: str
    sid: str
    account: str
    process: int
    kernel: bool


@dataclass(frozen=True, slots=True)
class WfpConnection:
    """A connection that was alive: traffic that this host lets through. None: not told."""

    protocol: int
    local_address: int | None
    remote_address: int | None
    local_port: int
    remote_port: int
    program: str

    @property
    def loopback(self) -> bool:
        """Whether it does not leave the host."""
        return self.local_address == self.remote_address or any(
            a is not None and (a >> 24 == 127 or a == 1 << 128 | 1) for a in (self.local_address, self.remote_address))


@dataclass(frozen=True)
class WfpDump:
    """One dump.

    whole: whether it is one of the state, which tells all layers; one of filters leaves out sublayers, callouts and, depending
    on its parameters, filters, and does not say which · time: when it was taken, as told · layers: those that it tells of, with
    or without filters · callouts: by layer and key · keywords: dynamic keyword addresses, each as it stands (no dump with one
    is known).
    """

    whole: bool
    filters: tuple[WfpFilter, ...]
    time: str = ""
    layers: frozenset[str] = frozenset()
    sublayers: Mapping[str, WfpSublayer] = field(default_factory=dict)
    callouts: Mapping[tuple[str, str], WfpCallout] = field(default_factory=dict)
    providers: Mapping[str, WfpProvider] = field(default_factory=dict)
    sessions: tuple[WfpSession, ...] = ()
    connections: tuple[WfpConnection, ...] = ()
    keywords: tuple[str, ...] = ()

    @cached_property
    def by_layer(self) -> Mapping[str, tuple[WfpFilter, ...]]:
        """The filters of each layer that has some."""
        found: dict[str, list[WfpFilter]] = {}
        for one in self.filters:
            found.setdefault(one.layer, []).append(one)
        return {layer: tuple(those) for layer, those in found.items()}

    def tells(self, layer: str) -> bool:
        """Whether the dump shows what is in a layer: where it does not, nobody knows that there is nothing."""
        return layer in self.layers or layer in self.by_layer

    @property
    def untold(self) -> tuple[str, ...]:
        """Those of the authorizing layers that the dump does not show: parameters of `show filters` leave them out (dir=out), and
        nothing else in it says so."""
        return tuple(layer for layer in AUTHORIZING if not self.tells(layer))

    @property
    def taken_by(self) -> WfpSession | None:
        """The session of netsh itself, which is that of who took the dump."""
        return next((s for s in self.sessions if s.name == "wfputil"), None)
