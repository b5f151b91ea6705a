"""Where a flow goes through a host: its interface and the profile of that, and what keywords of addresses stand for there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from ringfence.model.facts import Facts, HostConditions, NetworkInterface
from ringfence.policy.flow import Flow
from ringfence.types.addresses import address_interval

ALL_PROFILES = ("domain", "private", "public")
Ranges = tuple[tuple[int, int], ...]
# LocalSubnet is for multicast too, as real machines have it: filters of 173 rules of five hosts
_MULTICAST: Ranges = tuple(address_interval(a)[:2] for a in ("224.0.0.0/4", "fe80::/64", "ff00::/8"))
_LOOPBACK: Ranges = tuple(address_interval(a)[:2] for a in ("127.0.0.0/8", "::1"))
_EVERYWHERE = "LocalSubnet everywhere"
_NOT_UNICAST: Ranges = tuple(address_interval(a)[:2] for a in ("224.0.0.0/4", "255.255.255.255", "ff00::/8"))


@dataclass(frozen=True)
class HostNetwork:
    """The networks that a host is in, as far as it tells of them.

    facts: with the host's interfaces, where it was asked for them · active_profiles: None where they are not known.
    """

    facts: Facts = field(default_factory=Facts)
    active_profiles: frozenset[str] | None = None

    @classmethod
    def of(cls, facts: Facts, conditions: HostConditions) -> "HostNetwork":
        """The networks of a host that was read."""
        return cls(facts, conditions.active_profiles)

    def places(self, flow: Flow) -> tuple["Place", ...]:
        """Everywhere that the flow may go through; several where it is not known which."""
        found = [Place(self, i.profile or "public", i) for i in self._interfaces(flow)]
        if found:
            return tuple(found)
        profiles = self.active_profiles or ALL_PROFILES
        return tuple(Place(self, p) for p in ALL_PROFILES if p in profiles)

    def _interfaces(self, flow: Flow) -> list[NetworkInterface]:
        """The interfaces that the flow may use: the one that it names, that has its own address, that is in the subnet of the
        other side, else those that have a gateway, else all."""
        up = [i for i in self.facts.interfaces if i.up]
        if flow.interface is not None:
            return [i for i in self.facts.interfaces if i.guid == flow.interface]
        for address, ranges in ((flow.local_address, self._own), (flow.remote_address, self._subnets)):
            if address is not None and (near := [i for i in up if within(address, ranges[i.guid])]):
                return near
        return [i for i in up if i.gateways] or up

    @cached_property
    def _own(self) -> Mapping[str, Ranges]:
        return {i.guid: own_addresses(i) for i in self.facts.interfaces}

    @cached_property
    def _subnets(self) -> Mapping[str, Ranges]:
        return {i.guid: _ranges(i.addresses) for i in self.facts.interfaces}

    def dynamic_keyword(self, guid: str) -> Ranges | str:
        """The addresses of a dynamic keyword of the host, by its id in lower case; in words why nobody here knows them."""
        if (known := self._keywords.get(guid)) is None:
            known = self._keywords[guid] = self._addresses_of(guid)
        return known

    def _addresses_of(self, guid: str) -> Ranges | str:
        told = self.facts.dynamic_keywords
        if told is None:
            return "the host was not asked for it, or has none"
        if guid not in told:
            return "the host has no such keyword"
        if (listed := told[guid]) is None:
            return "a name, which others than the firewall resolve"
        texts = [text.strip() for text in listed.split(",") if text.strip()]
        found = _ranges(texts)
        return found if found and len(found) == len(texts) else "its addresses are not understood"

    @cached_property
    def _keywords(self) -> dict[str, Ranges | str]:
        return {}

    def is_own(self, address: int) -> bool:
        """Whether an address is one of the host itself."""
        return within(address, _LOOPBACK) or any(within(address, own) for own in self._own.values())


@dataclass(frozen=True, eq=False)
class Place:
    """One way through a host. interface: None where it is not known."""

    host: HostNetwork
    profile: str
    interface: NetworkInterface | None = None

    def in_profile(self, profile: str) -> "Place":
        """The same where the network counts as another one."""
        return Place(self.host, profile, self.interface)

    def is_unicast(self, address: int) -> bool:
        """Whether an address is of one host, not of a group nor of all in a subnet."""
        return not within(address, _NOT_UNICAST) and address not in self._broadcast

    @cached_property
    def _broadcast(self) -> frozenset[int]:
        """The last address of each IPv4 subnet that has one (RFC 919; RFC 3021 leaves none to the smallest)."""
        through = [self.interface] if self.interface else self.host.facts.interfaces
        subnets = _ranges(a for i in through for a in i.addresses)
        return frozenset(last for first, last in subnets if last - first > 1 and not last >> 128)

    @cached_property
    def _known(self) -> Mapping[str, Ranges]:
        """{keyword: what it stands for} of those that facts tell ([MS-FASP] 2.2.21)."""
        facts = self.host.facts
        if not facts.tells_interfaces:
            return {}
        working = [i for i in facts.interfaces if i.up]
        mine = [i for i in working if (i.profile or "public") == (
            self.profile if self.interface is None else (self.interface.profile or "public"))]
        return {"LocalSubnet": (*(r for i in mine for r in _ranges(i.addresses)), *_MULTICAST),
                _EVERYWHERE: (*(r for i in working for r in _ranges(i.addresses)), *_MULTICAST),
                "DNS": tuple(r for i in mine for r in _ranges(i.dns_servers)),
                "DefaultGateway": tuple(r for i in mine for r in _ranges(i.gateways))}

    def dynamic_keyword(self, guid: str) -> Ranges | str:
        """The addresses of a dynamic keyword; in words why nobody here knows them."""
        return self.host.dynamic_keyword(guid.lower())

    def stands_for(self, keyword: str, everywhere: bool = False) -> Ranges | None:
        """The addresses that a keyword means, of both families; None where nobody here knows. everywhere: in a rule for all
        profiles, for which LocalSubnet is the subnets of the computer, as [MS-FASP] 2.2.21 has it: so are the filters without a
        profile on two real hosts. Of a rule that lists profiles there is a filter for each, with the subnets of that; of one that
        lists all of them nobody knows."""
        return self._known.get(_EVERYWHERE if everywhere and keyword == "LocalSubnet" else keyword)

    def is_internet(self, address: int) -> bool | None:
        """Whether an address is what Internet stands for; None where nobody here knows: it is what is in no intranet ([MS-FASP]
        2.2.21). In filters of two real hosts that is in public networks every address, and in a private one of IPv4 none that is
        within its subnets or multicast. Of a domain's network that is believed, too; of IPv6 there was none."""
        if self.profile == "public":
            return True
        near = self._known.get("LocalSubnet", ())
        return False if not address >> 128 and any(first < address < last for first, last in near) else None


def own_addresses(interface: NetworkInterface) -> Ranges:
    """The addresses of an interface, without the subnets that they are in."""
    return _ranges(a.partition("/")[0] for a in interface.addresses)


def _ranges(texts: Iterable[str]) -> Ranges:
    """What a host says of addresses; what is none says nothing."""
    found = []
    for text in texts:
        try:
            found.append(address_interval(text.partition("%")[0])[:2])
        except ValueError:
            continue
    return tuple(found)


def within(address: int, ranges: Iterable[tuple[int, int]]) -> bool:
    return any(first <= address <= last for first, last in ranges)
