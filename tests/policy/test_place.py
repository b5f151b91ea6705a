"""Where a flow goes through a host, and what is said of addresses there."""

from dataclasses import replace
from typing import Any

import pytest

from ringfence.model.facts import Facts, NetworkInterface
from ringfence.model.wfp import WfpConnection
from ringfence.policy.flow import Flow, number_of
from ringfence.policy.place import HostNetwork, Place, within


def interface(name: str, *addresses: str, up: bool = True, gateway: str = "", profile: str = "private") -> NetworkInterface:
    return NetworkInterface(name, f"{{{name}}}", profile, "wired", up, addresses, gateways=(gateway,) if gateway else ())


def network(*interfaces: NetworkInterface, active: frozenset[str] | None = None) -> HostNetwork:
    return HostNetwork(Facts(interfaces=interfaces, raw={"interfaces": []}), active)


def through(host: HostNetwork, remote: str) -> list[str]:
    flow = Flow("inbound", 6, remote_address=number_of(remote))
    return [place.interface.alias if place.interface else place.profile for place in host.places(flow)]


ONE, OTHER = interface("one", "10.1.0.10/24", gateway="10.1.0.1"), interface("other", "10.2.0.10/24")
DOWN = interface("down", "10.3.0.10/24", up=False, gateway="10.3.0.1")


@pytest.mark.parametrize(("host", "remote", "ways"), [
    (network(ONE, OTHER), "10.2.0.7", ["other"]), (network(ONE, OTHER), "8.8.8.8", ["one"]),
    (network(OTHER, interface("third", "10.4.0.10/24")), "8.8.8.8", ["other", "third"]),  # none has a gateway
    (network(OTHER, DOWN), "10.3.0.7", ["other"]), (network(OTHER, DOWN), "8.8.8.8", ["other"]),
    (network(active=frozenset({"public"})), "8.8.8.8", ["public"]), (network(), "8.8.8.8", ["domain", "private", "public"])])
def test_which_way_a_flow_goes(host: HostNetwork, remote: str, ways: list[str]) -> None:
    """[MS-FASP] 2.2.2: the profile is that of the interface; one that does not work carries nothing."""
    assert through(host, remote) == ways


@pytest.mark.parametrize(("flow", "ways"), [
    ({"interface": "{other}"}, [("other", "private")]), ({"interface": "{down}"}, [("down", "private")]),
    ({"interface": "{gone}"}, [("", "domain"), ("", "public")]), ({"local_address": "10.2.0.10"}, [("other", "private")]),
    ({"local_address": "10.2.0.10", "remote_address": "10.1.0.7"}, [("other", "private")]),
    ({"local_address": "10.2.0.11", "remote_address": "10.1.0.7"}, [("one", "private")]),
    ({"local_address": "10.3.0.10"}, [("one", "private")]), ({}, [("one", "private")]),
    ({"remote_address": "10.4.0.7"}, [("fourth", "public")])])
def test_by_what_a_flow_says_of_itself(flow: dict[str, str], ways: list[tuple[str, str]]) -> None:
    """Its interface, its own address, the subnet of the other side, in that order; a network that nobody judged is public."""
    fourth = replace(interface("fourth", "10.4.0.10/24"), profile=None)
    host = network(ONE, OTHER, DOWN, fourth, active=frozenset({"public", "domain"}))
    said: dict[str, Any] = {name: number_of(v) if "address" in name else v for name, v in flow.items()}
    found = host.places(Flow("inbound", 6, **said))
    assert [(place.interface.alias if place.interface else "", place.profile) for place in found] == ways
    assert {place.in_profile("domain").profile for place in found} == {"domain"}
    assert [place.in_profile("domain").interface for place in found] == [place.interface for place in found]


@pytest.mark.parametrize(("address", "own"), [
    ("127.0.0.1", True), ("127.255.255.255", True), ("128.0.0.0", False), ("126.255.255.255", False), ("::1", True),
    ("::2", False), ("10.1.0.10", True), ("10.1.0.11", False), ("10.2.0.10", True), ("10.3.0.10", True)])
def test_what_is_the_host_itself(address: str, own: bool) -> None:
    assert network(ONE, OTHER, DOWN).is_own(number_of(address)) is own


PUBLIC = replace(interface("public", "10.9.0.10/24", "fd00:9::1%7/64", "somewhere", gateway="10.9.0.1"), profile=None,
                 dns_servers=("10.9.0.53",))
HOME = replace(ONE, dns_servers=("10.1.0.53", "unknown"))


@pytest.mark.parametrize(("keyword", "address", "of_home", "of_private", "of_public"), [
    ("LocalSubnet", "10.1.0.7", True, True, False), ("LocalSubnet", "10.2.0.7", True, True, False),
    ("LocalSubnet", "10.9.0.7", False, False, True), ("LocalSubnet", "224.0.0.251", True, True, True),
    ("LocalSubnet", "ff02::1", True, True, True), ("LocalSubnet", "fe80::7", True, True, True),
    ("LocalSubnet", "fe80:0:0:1::7", False, False, False), ("DNS", "10.1.0.53", True, True, False),
    ("DNS", "10.9.0.53", False, False, True), ("DefaultGateway", "10.1.0.1", True, True, False),
    ("DefaultGateway", "10.9.0.1", False, False, True), ("DefaultGateway", "10.3.0.1", False, False, False)])
def test_what_keywords_stand_for(keyword: str, address: str, of_home: bool, of_private: bool, of_public: bool) -> None:
    """[MS-FASP] 2.2.21: what is of the networks of the profile that the flow is in, whichever interface it goes through."""
    host = network(HOME, OTHER, DOWN, PUBLIC)
    places = (Place(host, "domain", HOME), Place(host, "private"), Place(host, "public", PUBLIC))
    assert [within(number_of(address), place.stands_for(keyword) or ()) for place in places] == [of_home, of_private, of_public]
    everywhere = any((of_home, of_private, of_public)) if keyword == "LocalSubnet" else of_home
    assert within(number_of(address), places[0].stands_for(keyword, everywhere=True) or ()) is everywhere


def test_keywords_of_a_host_that_was_not_asked_for_its_networks() -> None:
    assert Place(HostNetwork(), "private").stands_for("LocalSubnet") is None
    assert Place(network(HOME), "private", HOME).stands_for("Intranet") is None
    assert Place(network(), "private").stands_for("DNS") == ()


@pytest.mark.parametrize(("address", "private", "public"), [
    ("10.1.0.7", False, True), ("224.0.0.251", False, True), ("8.8.8.8", None, True), ("10.1.0.0", None, True),
    ("10.1.0.255", None, True), ("10.1.0.1", False, True), ("10.1.0.254", False, True), ("fe80::7", None, True)])
def test_what_is_of_the_internet(address: str, private: bool | None, public: bool) -> None:
    """As the filters of two real hosts have it, which leave the ends of subnets out."""
    places = (Place(network(HOME), "private", HOME), Place(network(HOME), "public", HOME), Place(HostNetwork(), "private"))
    assert [place.is_internet(number_of(address)) for place in places] == [private, public, None]


@pytest.mark.parametrize(("listed", "found"), [
    ("10.0.0.1", True), (" 10.0.0.0/24 , fd00::/8, ", True), ("10.0.0.2-10.0.0.9,10.0.0.1", True), ("10.0.0.9", False),
    ("", "its addresses are not understood"), (",", "its addresses are not understood"),
    ("10.0.0.1,host.example", "its addresses are not understood"), (None, "a name, which others than the firewall resolve")])
def test_the_addresses_of_a_dynamic_keyword(listed: str | None, found: bool | str) -> None:
    place = Place(HostNetwork(Facts(dynamic_keywords={"{a1}": listed})), "public")
    for _ in range(2):
        named = place.dynamic_keyword("{A1}")
        assert (named if isinstance(named, str) else within(number_of("10.0.0.1"), named)) == found
    assert place.dynamic_keyword("{A2}") == "the host has no such keyword"
    assert Place(HostNetwork(), "public").dynamic_keyword("{A1}") == "the host was not asked for it, or has none"


def test_the_subnet_of_an_interface_that_does_not_work_is_no_local_one() -> None:
    place = Place(network(ONE, DOWN), "private", ONE)
    local = place.stands_for("LocalSubnet")
    assert local is not None
    assert [any(a <= number_of(one) <= b for a, b in local) for one in ("10.1.0.7", "10.3.0.7")] == [True, False]


@pytest.mark.parametrize(("address", "of_one", "of_all"), [
    ("10.1.0.255", False, False), ("10.2.0.255", True, False), ("10.1.0.254", True, True), ("10.5.0.1", True, True),
    ("10.6.0.1", True, True), ("fd00::ffff", True, True), ("224.0.0.1", False, False), ("255.255.255.255", False, False),
    ("ff02::1", False, False)])
def test_what_is_of_one_host(address: str, of_one: bool, of_all: bool) -> None:
    """The last address of a subnet is for all in it (RFC 919), but of two addresses or one (RFC 3021), and of none of IPv6."""
    one = interface("one", "10.1.0.10/24", "10.5.0.0/31", "10.6.0.1/32", "fd00::1/112")
    host = network(one, OTHER)
    assert Place(host, "private", one).is_unicast(number_of(address)) is of_one
    assert Place(host, "private").is_unicast(number_of(address)) is of_all


@pytest.mark.parametrize("text", ["10.0.0.0/8", "10.0.0.1-10.0.0.2", "fe80::/64"])
def test_a_flow_has_one_address(text: str) -> None:
    with pytest.raises(ValueError, match=text):
        number_of(text)
    assert number_of("10.0.0.1/32") == number_of("10.0.0.1") == number_of("10.0.0.1-10.0.0.1")


@pytest.mark.parametrize(("here", "there", "stays"), [
    ("127.0.0.1", "127.0.0.1", True), ("127.9.9.9", None, True), ("10.0.0.1", "10.0.0.1", True), ("::1", None, True),
    (None, "::1", True), ("10.0.0.1", "10.0.0.2", False), ("fe80::1", "fe80::2", False), ("::2", None, False)])
def test_connections_that_do_not_leave_the_host(here: str | None, there: str | None, stays: bool) -> None:
    ends = [None if end is None else number_of(end) for end in (here, there)]
    assert WfpConnection(6, ends[0], ends[1], 80, 50_000, "").loopback == stays
