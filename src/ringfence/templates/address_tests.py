"""Tests of addresses, as ansible.utils has them. Source: its documentation, 6.0."""

from collections.abc import Callable
from typing import Any

from ringfence.templates.address_filters import hwaddr, parsed, python_of, within


def _in(value: Any, networks: Any, count: Callable[[int], bool]) -> bool:
    found, outers = parsed(value), [parsed(one) for one in networks]
    return found is not None and count(sum(1 for outer in outers if outer is not None and within(found, outer)))


def _is(ask: Callable[[Any], Any], **wanted: Any) -> Callable[[Any], bool]:
    """A test of one address, or (`prefixed`) a network too, of a `version`."""
    def test(value: Any) -> bool:
        found = parsed(value)
        if found is None or (found.prefixed and not wanted.get("prefixed")):
            return False
        return wanted.get("version") in (None, found.net.version) and bool(ask(found))
    return test


def _mask(ask: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return _is(lambda found: found.net.version == 4 and ask(found.net.ip))


def _ofpython_of(name: str, prefixed: bool = False) -> Callable[[Any], bool]:
    return _is(lambda found: getattr(python_of(found), name), prefixed=prefixed)


def _always(found: Any) -> bool:
    return True


def _networks(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


ADDRESS_TESTS: dict[str, Callable[..., bool]] = {
    "ip": _is(_always, prefixed=True), "ip_address": _is(_always), "ipv4": _is(_always, prefixed=True, version=4),
    "ipv4_address": _is(_always, version=4), "ipv6": _is(_always, prefixed=True, version=6),
    "ipv6_address": _is(_always, version=6),
    "ipv4_netmask": _mask(lambda ip: bool(ip.is_netmask())), "ipv4_hostmask": _mask(lambda ip: bool(ip.is_hostmask())),
    "ipv6_ipv4_mapped": _is(lambda found: python_of(found).ipv4_mapped, version=6),
    "ipv6_sixtofour": _is(lambda found: python_of(found).sixtofour, version=6),
    "ipv6_teredo": _is(lambda found: python_of(found).teredo, version=6),
    "in_network": lambda value, network: _in(value, [network], bool),
    "in_any_network": lambda value, networks: _in(value, _networks(networks), bool),
    "in_one_network": lambda value, networks: _in(value, _networks(networks), lambda count: count == 1),
    "subnet_of": lambda value, network: _in(value, [network], bool),
    "supernet_of": lambda value, network: _in(network, [value], bool),
    "loopback": _ofpython_of("is_loopback"), "multicast": _ofpython_of("is_multicast"), "private": _ofpython_of("is_private"),
    "public": _ofpython_of("is_global"), "reserved": _ofpython_of("is_reserved"), "unspecified": _ofpython_of("is_unspecified"),
    "mac": lambda value: hwaddr(value, "bool") is True}
