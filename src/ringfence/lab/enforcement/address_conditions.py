"""Conditions on addresses: single ones, ranges, subnets, and words whose meaning changes with the network ([MS-FASP] 2.2.21)."""

import ipaddress
from collections.abc import Iterable

from ringfence.lab.enforcement.simulated_flow import any_holds
from ringfence.lab.machine.machine import Address, NetworkAdapter

IntegerRange = tuple[int, int]  # the first and the last address, as numbers
# Seen in WFP states of real hosts: what LocalSubnet holds beside the subnets of the adapters. open: local-subnet
_BESIDE_SUBNETS = tuple(map(ipaddress.ip_network, ("224.0.0.0/4", "fe80::/64", "ff00::/8")))


class Network:
    """What words in rules mean to a flow: its adapter, the subnets of its profile, and whether it came through an edge."""

    adapter: NetworkAdapter | None
    adapters: tuple[NetworkAdapter, ...]
    profile: str
    subnets: dict[int, list[IntegerRange]]
    all_subnets: dict[int, list[IntegerRange]]
    edge: bool


def subnets_of(adapters: Iterable[NetworkAdapter], profile: str = "") -> dict[int, list[IntegerRange]]:
    """{IP version: ranges} that LocalSubnet stands for in a profile; without one, in a rule for all. open: local-subnet"""
    networks = [n for a in adapters if a.status == "up" and profile.lower() in ("", a.profile or "public") for n in a.networks()]
    networks += _BESIDE_SUBNETS
    return {version: [_range(n) for n in networks if n.version == version] for version in (4, 6)}


def _range(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> IntegerRange:
    return int(network.network_address), int(network.broadcast_address)


class AddressCondition:
    """The addresses of one side of a rule, as (IP version, value of a token). A family without a value is not covered.
    everywhere: whether the rule is for all profiles."""

    def __init__(self, values: Iterable[tuple[int, str]], everywhere: bool = False) -> None:
        self._everywhere = everywhere
        self._ranges: dict[int, list[IntegerRange]] = {4: [], 6: []}
        self._words: dict[int, list[str]] = {4: [], 6: []}
        for version, value in values:
            found = _parsed(value)
            if found is None or found[0] != version:
                self._words[version].append(value.lower())
            else:
                self._ranges[found[0]].append(found[1])

    def covers(self, address: Address | None, network: Network) -> bool | None:
        """Whether an address is one of these."""
        if address is None:
            return None
        number, version = int(address), address.version
        for first, last in self._ranges[version]:
            if first <= number <= last:
                return True
        words = self._words[version]
        return any_holds(*[_covered_by(word, address, network, self._everywhere) for word in words]) if words else False


def _parsed(value: str) -> tuple[int, IntegerRange] | None:
    try:
        if "-" in value:
            first, last = (ipaddress.ip_address(part) for part in value.split("-"))
            return (first.version, (int(first), int(last))) if first.version == last.version else None
        network = ipaddress.ip_network(value, strict=False)
        if "/0." in value and network.prefixlen:  # a host mask, which no document knows in a rule ([MS-GPFAS] 2.2.2.10)
            return None
    except ValueError:
        return None
    return network.version, _range(network)


def _covered_by(word: str, address: Address, network: Network, everywhere: bool) -> bool | None:
    """Whether an address is among those that a word stands for ([MS-FASP] 2.2.21). Of an intranet, DHCP and WINS servers, players
    and captive portals the lab knows nothing, nor of a word that no document has. open: internet"""
    match word:
        case "localsubnet":
            return not network.edge and is_near(address, network.all_subnets if everywhere else network.subnets)
        case "dns":
            return _is_server(address, network, [a.dns_servers for a in network.adapters],
                              network.adapter.dns_servers if network.adapter else ())
        case "defaultgateway":
            return _is_server(address, network, [a.gateways for a in network.adapters],
                              network.adapter.gateways if network.adapter else ())
        case "internet":
            return _is_of_internet(address, network)
    return None


def _is_of_internet(address: Address, network: Network) -> bool | None:
    """Seen in WFP states of real hosts: in public networks it is every address, in a private one of IPv4 none that is within its
    subnets or multicast; the first and the last address of these are. open: internet"""
    if network.profile == "public":
        return True
    within = any(first < int(address) < last for first, last in network.subnets[address.version])
    if within:
        return False if network.profile == "private" and address.version == 4 else None
    return True if address.is_global and not is_near(address, network.subnets) else None


def is_near(address: Address, subnets: dict[int, list[IntegerRange]]) -> bool:
    """Whether an address is in one of these subnets."""
    number = int(address)
    return any(first <= number <= last for first, last in subnets[address.version])


def _is_server(address: Address, network: Network, of_all: list[tuple[str, ...]], of_adapter: tuple[str, ...]) -> bool | None:
    """Whether it is a current server. No document says whether one of another adapter counts."""
    if any(ipaddress.ip_address(server) == address for server in of_adapter):
        return True
    return None if any(ipaddress.ip_address(s) == address for servers in of_all for s in servers) else False
