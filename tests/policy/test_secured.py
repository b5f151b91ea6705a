"""What IPsec is never asked of, and what is key exchange: "IKE exemptions", Set-NetFirewallSetting -Exemptions, RFC 4861."""

from typing import Any

import pytest
from flow_cases import NETWORKS

from ringfence.policy.flow import ICMPV4, ICMPV6, TCP, UDP, Flow, number_of
from ringfence.policy.place import HostNetwork, Place
from ringfence.policy.secured import exchanges_keys, exempt_always, may_exchange_keys

PLACE = Place(HostNetwork(NETWORKS), "domain", NETWORKS.interfaces[0])
V4, V6 = number_of("10.1.0.7"), number_of("fd00::7")
EVERY = ("icmp", "neighbor_discovery", "router_discovery", "dhcp")


def flow(protocol: int, local_port: int | None = None, remote_port: int | None = None, **more: Any) -> Flow:
    given = {name: number_of(v) if isinstance(v, str) and name.endswith("address") else v for name, v in more.items()}
    usual: dict[str, Any] = {"direction": "inbound", "remote_address": V4}
    return Flow(**{**usual, **given}, protocol=protocol, local_port=local_port, remote_port=remote_port)


@pytest.mark.parametrize(("asked", "exempt"), [
    (flow(ICMPV4, icmp_type=8), {"icmp"}), (flow(ICMPV6, icmp_type=128), {"icmp"}), (flow(TCP, 67, 68), set()),
    *((flow(ICMPV6, icmp_type=t), {"icmp", "neighbor_discovery"}) for t in (135, 136, 137)),
    *((flow(ICMPV6, icmp_type=t), {"icmp", "router_discovery"}) for t in (133, 134)),
    *((flow(ICMPV6, icmp_type=t), {"icmp"}) for t in (132, 138)), (flow(ICMPV4, icmp_type=135), {"icmp"}),
    (flow(ICMPV4, icmp_type=133), {"icmp"}), (flow(UDP, 68, 67), {"dhcp"}), (flow(UDP, 67, 68), {"dhcp"}),
    (flow(UDP, 68, 68), {"dhcp"}),
    (flow(UDP, 68, 66), set()), (flow(UDP, 69, 67), set()), (flow(UDP, None, 67), set()), (flow(UDP, 546, 547), set()),
    (flow(UDP, 546, 547, remote_address=V6), {"dhcp"}), (flow(UDP, 547, 546, remote_address=V6), {"dhcp"}),
    (flow(UDP, 545, 547, remote_address=V6), set()), (flow(UDP, 546, 548, remote_address=V6), set()),
    (flow(UDP, 68, 67, remote_address=V6), set()), (flow(UDP, 68, 67, remote_address=None), set())])
def test_what_a_host_may_exempt(asked: Flow, exempt: set[str]) -> None:
    assert {name for name in EVERY if exempt_always(asked, PLACE, (name,), least=True)} == exempt
    assert not exempt_always(asked, PLACE, (), least=True)
    assert exempt_always(asked, PLACE, None, least=True) == bool(exempt)  # where nobody knows which it has


@pytest.mark.parametrize(("ports", "more", "keys"), [
    ((500, 500), {}, True), ((4500, 4500), {}, True), ((500, 4500), {}, True), ((501, 501), {}, False), ((4501, 4501), {}, False),
    ((500, 61000), {}, None), ((61000, 4500), {}, None), ((500, None), {}, None), ((None, None), {}, False),
    ((500, 500), {"remote_address": V6}, True), ((4500, 4500), {"remote_address": V6}, False),
    ((4500, 4500), {"remote_address": None, "local_address": V6}, False), ((4500, 4500), {"remote_address": None}, True),
    ((500, 4500), {"remote_address": V6}, None)])
def test_key_exchange(ports: tuple[int | None, int | None], more: dict[str, Any], keys: bool | None) -> None:
    """At one end alone it may be what is behind NAT, and anything else: exempt where what lets most pass is asked for."""
    asked = flow(UDP, *ports, **more)
    assert exchanges_keys(asked) is keys
    assert [exempt_always(asked, PLACE, (), least) for least in (True, False)] == [keys is True, keys is not False]
    assert exchanges_keys(flow(TCP, *ports, **more)) is False
    of = [may_exchange_keys(flow(UDP, *ports, **more, user=user)) for user in (None, "S-1-5-18", "S-1-5-20")]
    assert of == [keys is not False, keys is not False, False]


@pytest.mark.parametrize(("here", "there", "inbound", "outbound"), [
    ("224.0.0.251", "10.1.0.7", True, False), ("10.1.0.10", "224.0.0.251", False, True), (None, "224.0.0.251", False, True),
    ("224.0.0.251", None, True, False), (None, None, False, False), ("10.1.0.255", "10.1.0.7", True, False),
    ("10.1.0.10", "10.1.0.7", False, False)])
def test_what_is_for_several_is_not_secured(here: str | None, there: str | None, inbound: bool, outbound: bool) -> None:
    """By where it goes to ("Regular transport mode": unicast alone)."""
    ways = [flow(UDP, 7, 7, direction=d, local_address=here, remote_address=there) for d in ("inbound", "outbound")]
    assert [exempt_always(way, PLACE, (), least=True) for way in ways] == [inbound, outbound]
