"""Where a flow goes through a host, and what is said of addresses there."""

import pytest

from ringfence.model.facts import Facts, NetworkInterface
from ringfence.model.wfp import WfpConnection
from ringfence.policy.flow import Flow, number_of
from ringfence.policy.place import HostNetwork, Place


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
