"""Filters of addresses, as ansible.utils has them: `ipaddr` and what belongs to it, on netaddr.

Source: the documentation of ansible.utils 6.0 (filters ipaddr, ipsubnet, ipmath …), and what it answers.
"""

import functools
import ipaddress
from collections.abc import Callable
from typing import Any

import netaddr

from ringfence.diagnostics import allowed, describe
from ringfence.templates.budget import RenderError, charge
from ringfence.templates.values import text

MAX_ADDRESSES = 65_536  # addresses that one network is written out to


class Address:
    """An address or network as it was given. `prefixed`: whether with a prefix."""

    def __init__(self, given: Any) -> None:
        """Raises ValueError where it is none."""
        if isinstance(given, bool) or not isinstance(given, str | int) or given == "":
            raise ValueError("not an address or network")
        number = given if isinstance(given, int) else int(given) if given.isdecimal() and given.isascii() else None
        try:
            self.net = netaddr.IPNetwork(given if number is None else str(netaddr.IPAddress(number)))
        except (netaddr.AddrFormatError, ValueError, TypeError, OverflowError):
            raise ValueError("not an address or network") from None
        self.prefixed = number is None and "/" in str(given)
        self.given = str(self.net) if number is not None else given
        self.is_network = self.net.size > 1 and self.net.ip == self.net.network
        self.is_host = not self.is_network or self.net.size == 2  # RFC 3021, 6164: both addresses of such a network are hosts

    @property
    def usable(self) -> tuple[int, int]:
        """The first and the last address that a host may have. Raises RenderError where it is no network."""
        if not self.prefixed:
            raise RenderError(f"ipaddr: {self.net.ip} is an address without a prefix")
        edge = 1 if self.net.size > 2 else 0
        return self.net.first + edge, self.net.last - edge

    def at(self, number: int) -> str:
        """The address of a number, in the same family."""
        return str(netaddr.IPAddress(number, self.net.version))

    def when(self, holds: bool) -> Any:
        """What was given, where something holds of it."""
        return self.given if holds else None


def parsed(value: Any) -> Address | None:
    """An address or network; nothing where it is none."""
    try:
        return Address(value)
    except ValueError:
        return None


def python_of(found: Address) -> Any:
    """The address, without its prefix, of Python's library."""
    return ipaddress.ip_address(str(found.net.ip))


def _usable(pick: Callable[[int, int, int], int | None]) -> Callable[[Address], Any]:
    def ask(found: Address) -> Any:
        first, last = found.usable
        number = pick(first, last, int(found.net.ip)) if found.net.size > 1 else None
        return found.at(number) if number is not None and first <= number <= last else None
    return ask


def _range_usable(found: Address) -> Any:
    first, last = found.usable
    return f"{found.at(first)}-{found.at(last)}" if found.net.size > 1 else None


def _peer(found: Address) -> str:
    """The other side of a network of two hosts."""
    first, last = found.usable
    if found.net.size not in (2, 4) or not first <= int(found.net.ip) <= last:
        raise RenderError(f"ipaddr: {found.net} is no network of two hosts")
    return found.at(first + last - int(found.net.ip))


def _six_to_four(found: Address) -> Any:
    """RFC 3056."""
    if found.net.version == 6:
        return found.given if found.net in netaddr.IPNetwork("2002::/16") else False
    return "2002:{:02x}{:02x}:{:02x}{:02x}::1/48".format(*found.net.ip.words) if not found.is_network else False


def _as_ipv6(found: Address) -> Any:
    return found.given if found.net.version == 6 else f"::ffff:{found.net.ip}/{found.net.prefixlen + 96}"


def _as_ipv4(found: Address) -> Any:
    if found.net.version == 4:
        return found.given
    mapped = found.net.ip.is_ipv4_mapped() or found.net.ip.is_ipv4_compat()
    return f"{found.net.ip.ipv4()}/{found.net.prefixlen - 96}" if mapped and found.net.prefixlen >= 96 else False


def _wrapped(found: Address) -> Any:
    if found.net.version == 4:
        return found.given
    return f"[{found.net.ip}]" + (f"/{found.net.prefixlen}" if found.prefixed else "")


def _is_public(found: Address) -> bool:
    ip = python_of(found)
    return not (ip.is_multicast or ip.is_private or ip.is_loopback or ip.is_link_local or ip.is_reserved or ip.is_unspecified)


QUERIES: dict[str, Callable[[Address], Any]] = {
    "": lambda a: str(a.net) if a.prefixed else str(a.net.ip),
    **dict.fromkeys(("address", "ip"), lambda a: str(a.net.ip) if a.is_host else None),
    **dict.fromkeys(("network", "network_id"), lambda a: str(a.net.network)),
    "netmask": lambda a: str(a.net.netmask), "wildcard": lambda a: str(a.net.hostmask), "prefix": lambda a: a.net.prefixlen,
    "host": lambda a: str(a.net) if a.is_host else None,
    **dict.fromkeys(("host/prefix", "hostnet", "gateway", "gw"), lambda a: str(a.net) if a.is_host else False),
    **dict.fromkeys(("ip/prefix", "address/prefix"), lambda a: str(a.net) if a.is_host and a.net.size > 1 else None),
    "ip_netmask": lambda a: f"{a.net.ip} {a.net.netmask}" if a.is_host and a.net.size > 1 else None,
    "broadcast": lambda a: a.at(a.net.last) if a.net.size > 2 else None,
    "network_netmask": lambda a: f"{a.net.network} {a.net.netmask}",
    "network_wildcard": lambda a: f"{a.net.network} {a.net.hostmask}",
    **dict.fromkeys(("network/prefix", "subnet"), lambda a: str(a.net.cidr)),
    "net": lambda a: str(a.net.cidr) if a.is_network else None, "cidr": lambda a: str(a.net),
    "size": lambda a: a.net.size, "size_usable": lambda a: {1: 0, 2: 2}.get(a.net.size, a.net.size - 2),
    "range_usable": _range_usable, "first_usable": _usable(lambda first, last, ip: first),
    "last_usable": _usable(lambda first, last, ip: last), "next_usable": _usable(lambda first, last, ip: ip + 1),
    "previous_usable": _usable(lambda first, last, ip: ip - 1), "peer": _peer,
    "type": lambda a: "network" if a.is_network else "address", "revdns": lambda a: a.net.ip.reverse_dns,
    "int": lambda a: f"{int(a.net.ip)}/{a.net.prefixlen}" if a.prefixed else int(a.net.ip), "bool": lambda a: True,
    "6to4": _six_to_four, "public": lambda a: a.when(_is_public(a)), "private": lambda a: a.when(python_of(a).is_private),
    "multicast": lambda a: a.when(python_of(a).is_multicast), "loopback": lambda a: a.when(python_of(a).is_loopback),
    "link-local": lambda a: a.when(python_of(a).is_link_local), "unicast": lambda a: a.when(not python_of(a).is_multicast),
    "version": lambda a: a.net.version, "ipv4": _as_ipv4, "ipv6": _as_ipv6, "wrap": _wrapped}


def _nth(found: Address, index: int) -> Any:
    if not -found.net.size <= index < found.net.size:
        return False if found.net.size > 1 else QUERIES[""](found)
    address = found.at(found.net.first + index % found.net.size)
    return f"{address}/{found.net.prefixlen}" if found.prefixed else address


def _asked(found: Address | None, query: Any) -> Any:
    if found is None:
        return False
    if isinstance(query, int) and not isinstance(query, bool):
        return _nth(found, query)
    if query in QUERIES:
        return QUERIES[query](found)
    if (network := parsed(query)) is None:
        raise RenderError(f"ipaddr: {query!r} is nothing that it tells", allowed(query, filter(None, QUERIES)))
    return found.when(within(found, network))


def within(inner: Address, outer: Address) -> bool:
    """Whether an address or network lies in another."""
    return inner.net.version == outer.net.version and inner.net in outer.net


def _each(value: Any, ask: Callable[[Any], Any]) -> Any:
    """An answer; of a list the answers that there are."""
    if not isinstance(value, list | tuple):
        return ask(value)
    charge(50 * len(value))
    return [answer for answer in map(ask, value) if answer not in (None, False)]


def ipaddr(value: Any, query: Any = "", version: Any = False, alias: str = "ipaddr") -> Any:
    def ask(one: Any) -> Any:
        found = parsed(one)
        return _asked(found if found and version in (False, found.net.version) else None, query)
    return _each(value, ask)


def ipwrap(value: Any, query: Any = "") -> Any:
    """IPv6 addresses in brackets, anything else as it is."""
    def ask(one: Any) -> Any:
        found = parsed(one)
        return one if found is None or _asked(found, query) in (None, False) else _wrapped(found)
    return [ask(one) for one in value] if isinstance(value, list | tuple) else ask(value)


def ipsubnet(value: Any, query: Any = "", index: Any = None) -> Any:
    """Without query the network; with a prefix how many such networks are in it, or the one of an index; of an address the
    network of that prefix around it; with a network at which place of it this one is, counted from 1."""
    found = parsed(value)
    if found is None:
        return False
    if query in ("", None):
        return str(found.net.cidr)
    if isinstance(query, str) and not query.isdecimal():
        return _rank(found, query)
    prefix = int(query)
    if prefix > found.net.ip.netmask_bits() and prefix > (32 if found.net.version == 4 else 128):
        return False
    if found.net.size == 1:
        return _around(found, prefix, index)
    if prefix < found.net.prefixlen:
        raise RenderError(f"ipsubnet: a network of prefix {prefix} is larger than {found.net}")
    count = 2 ** (prefix - found.net.prefixlen)
    if index is None:
        return str(count)
    number = int(index)
    if not -count <= number < count:
        return False
    step = 2 ** ((32 if found.net.version == 4 else 128) - prefix)
    return f"{found.at(found.net.first + number % count * step)}/{prefix}"


def _around(found: Address, prefix: int, index: Any) -> Any:
    """The networks that an address is in, from a prefix on to one of two addresses; the largest without index."""
    bits = 32 if found.net.version == 4 else 128
    prefixes = range(prefix, bits)
    number = 0 if index is None else int(index)
    if not -len(prefixes) <= number < len(prefixes):
        return False
    chosen = prefixes[number]
    return str(netaddr.IPNetwork(f"{found.net.ip}/{chosen}").cidr)


def _rank(found: Address, query: str) -> Any:
    outer = parsed(query)
    if outer is None or not within(found, outer):
        raise RenderError(f"ipsubnet: {found.net} is not in {query}")
    return str((found.net.first - outer.net.first) // found.net.size + 1)


def ipmath(value: Any, amount: Any) -> str:
    found = parsed(value)
    if found is None:
        raise RenderError(f"ipmath takes an address, not {describe(value)}")
    try:
        return found.at(int(found.net.ip) + int(amount))
    except (netaddr.AddrFormatError, ValueError, TypeError):
        raise RenderError(f"ipmath: {found.net.ip} and {amount!r} are no address") from None


def nthhost(value: Any, query: Any = "") -> Any:
    found = parsed(value)
    try:
        index = int(query)
    except (TypeError, ValueError):
        return False
    return found.at(found.net.first + index % found.net.size) if found and -found.net.size <= index < found.net.size else False


def _nth_usable(sign: int) -> Callable[..., Any]:
    def ask(value: Any, offset: int) -> Any:
        found = parsed(value)
        return _usable(lambda first, last, ip: ip + sign * int(offset))(found) if found else False
    return ask


def network_in_usable(value: Any, test: Any) -> bool:
    """Whether an address or network is among the addresses of a network that hosts may have."""
    outer, inner = parsed(value), parsed(test)
    if outer is None or inner is None or not within(inner, outer):
        return False
    edge = 1 if outer.net.size > 2 else 0
    first, last = (inner.net.first, inner.net.last) if inner.is_network else (int(inner.net.ip),) * 2
    return bool(outer.net.first + edge <= first and last <= outer.net.last - edge)


def network_in_network(value: Any, test: Any) -> bool:
    outer, inner = parsed(value), parsed(test)
    return outer is not None and inner is not None and within(inner, outer)


def reduce_on_network(value: Any, network: Any) -> list[Any]:
    """Those of a list that are in a network."""
    outer = parsed(network)
    if outer is None:
        raise RenderError(f"reduce_on_network takes a network, not {describe(network)}")
    charge(50 * len(value) if isinstance(value, list) else 50)
    return [one for one in (value if isinstance(value, list) else [value]) if network_in_network(network, one)]


def cidr_merge(value: Any, action: str = "merge") -> Any:
    """The fewest networks that are the same addresses, or (`span`) the one that they are all in."""
    if not isinstance(value, list | tuple):
        raise RenderError(f"cidr_merge takes a list, not {describe(value)}")
    if action not in ("merge", "span"):
        raise RenderError(f"cidr_merge: {action!r} is neither merge nor span")
    charge(200 * len(value))
    try:
        nets = [netaddr.IPNetwork(text(one)) for one in value]
    except (netaddr.AddrFormatError, ValueError):
        raise RenderError("cidr_merge: not all of the list are addresses and networks") from None
    if action == "merge":
        return [str(net) for net in netaddr.cidr_merge(nets)]
    return str(netaddr.spanning_cidr(nets)) if len(nets) > 1 else str(nets[0]) if nets else None


def usable_range(value: Any) -> dict[str, Any]:
    """All addresses of a network, and how many they are."""
    found = parsed(value)
    if found is None or (found.prefixed and not found.is_network and found.net.size > 1):
        raise RenderError(f"usable_range takes a network, not {value!r}")
    if found.net.size > MAX_ADDRESSES:
        raise RenderError(f"usable_range: {found.net} has more than {MAX_ADDRESSES:,} addresses")
    charge(20 * found.net.size)
    listed = [found.at(number) for number in range(found.net.first, found.net.last + 1)]
    return {"usable_ips": listed, "number_of_ips": found.net.size}


def ip4_hex(value: Any, delimiter: str = "") -> Any:
    found = parsed(value)
    return delimiter.join(f"{word:02x}" for word in found.net.ip.words) if found and found.net.version == 4 else False


def slaac(value: Any, query: Any = "") -> Any:
    """The address of a network card in an IPv6 network (RFC 4291, appendix A)."""
    found = parsed(value)
    if found is None or found.net.version != 6:
        return False
    try:
        return str(netaddr.EUI(text(query)).ipv6(found.net.first))
    except (netaddr.AddrFormatError, ValueError, TypeError):
        return False


def ipv6form(value: Any, format: str) -> str:
    found, forms = parsed(value), {"expand": netaddr.ipv6_verbose, "compress": netaddr.ipv6_compact, "x509": netaddr.ipv6_full}
    if format not in forms or found is None or found.net.version != 6:
        raise RenderError("ipv6form takes an IPv6 address, and expand, compress or x509")
    if format == "x509":
        return ":".join(f"{word:x}" for word in found.net.ip.words)
    return str(found.net.ip.format(forms[format]))


_MAC: dict[str, Any] = {"": netaddr.mac_unix_expanded, **dict.fromkeys(("unix", "linux"), netaddr.mac_unix_expanded),
                        "cisco": netaddr.mac_cisco, "win": netaddr.mac_eui48, "eui48": netaddr.mac_eui48,
                        "bare": netaddr.mac_bare, **dict.fromkeys(("pgsql", "postgresql", "psql"), netaddr.mac_pgsql)}


def hwaddr(value: Any, query: str = "", alias: str = "hwaddr") -> Any:
    """The address of a network card in one of the ways to write it; nothing where it is none."""
    try:
        found = netaddr.EUI(value if isinstance(value, int) else text(value))
    except (netaddr.AddrFormatError, ValueError, TypeError):
        return None
    if query in ("bool", "int"):
        return True if query == "bool" else int(found)
    if query not in _MAC:
        raise RenderError(f"hwaddr: {query!r} is no way to write one", allowed(query, [*filter(None, _MAC), "bool", "int"]))
    return found.format(_MAC[query])


ADDRESS_FILTERS: dict[str, Callable[..., Any]] = {
    "ipaddr": ipaddr, "ipv4": functools.partial(ipaddr, version=4), "ipv6": functools.partial(ipaddr, version=6),
    "ipwrap": ipwrap, "ipsubnet": ipsubnet, "ipmath": ipmath, "nthhost": nthhost, "next_nth_usable": _nth_usable(1),
    "previous_nth_usable": _nth_usable(-1), "network_in_usable": network_in_usable, "network_in_network": network_in_network,
    "reduce_on_network": reduce_on_network, "cidr_merge": cidr_merge, "usable_range": usable_range, "ip4_hex": ip4_hex,
    "slaac": slaac, "ipv6form": ipv6form, "hwaddr": hwaddr, "macaddr": hwaddr}
