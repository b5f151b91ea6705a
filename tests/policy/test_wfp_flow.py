"""What the fields of conditions are of a packet: Filtering Conditions Available at Each Layer, NL_ADDRESS_TYPE, NET_LUID_LH."""

from typing import Any

import pytest

from ringfence.policy.flow import number_of
from ringfence.policy.wfp_flow import NO_FIELD, WFP_FIELDS, WfpFlow

ENDS = {"local_address": 1, "remote_address": 2, "local_port": 3, "remote_port": 4, "interface": 6 << 48 | 7}


def fields(way: Any, *names: str, **said: Any) -> list[object]:
    flow = WfpFlow(way, 4, said.pop("protocol", 6), **said)
    return [WFP_FIELDS[name](flow) for name in names]


@pytest.mark.parametrize(("way", "inbound"), [
    ("inbound", True), ("outbound", False), ("forward", True), ("listen", True), ("bind", True), ("icmp_error_inbound", True),
    ("icmp_error_outbound", False)])
def test_where_it_comes_from_and_goes_to(way: str, inbound: bool) -> None:
    destination, source = ([1, 3], [2, 4]) if inbound else ([2, 4], [1, 3])
    assert fields(way, "IP_DESTINATION_ADDRESS", "IP_DESTINATION_PORT", **ENDS) == destination
    assert fields(way, "IP_SOURCE_ADDRESS", "IP_SOURCE_PORT", **ENDS) == source
    assert fields(way, "DIRECTION", "IP_LOCAL_INTERFACE", **ENDS) == [int(inbound), ENDS["interface"]]
    arrival, leaves = fields(way, "IP_ARRIVAL_INTERFACE", "IP_NEXTHOP_INTERFACE", **ENDS)
    assert (arrival, leaves) == ((ENDS["interface"], None) if inbound else (NO_FIELD, ENDS["interface"]))
    of_types = fields(way, "ARRIVAL_INTERFACE_TYPE", "NEXTHOP_INTERFACE_TYPE", "INTERFACE_TYPE", **ENDS)
    assert of_types == ([6, None, 6] if inbound else [NO_FIELD, 6, 6])


@pytest.mark.parametrize(("said", "of_interface", "of_tunnel"), [
    ({}, None, None), ({"interface": 6 << 48 | 5}, 6, 0), ({"interface": 131 << 48}, 131, None), ({"interface_type": 71}, 71, 0),
    ({"interface": 6 << 48, "interface_type": 131, "tunnel_type": 14}, 131, 14), ({"interface_type": 131}, 131, None),
    ({"interface": 6 << 48, "tunnel_type": 14}, 6, 14), ({"tunnel_type": 14}, None, 14)])
def test_types_of_interfaces_and_tunnels(said: dict[str, int], of_interface: int | None, of_tunnel: int | None) -> None:
    """The type of an interface is in the highest bits of its LUID; what is no tunnel (131) has none."""
    assert fields("inbound", "INTERFACE_TYPE", "TUNNEL_TYPE", **said) == [of_interface, of_tunnel]


@pytest.mark.parametrize(("address", "kind"), [
    ("10.0.0.1", 1), ("223.255.255.255", 1), ("224.0.0.0", 3), ("239.255.255.255", 3), ("240.0.0.0", 1), ("255.255.255.254", 1),
    ("255.255.255.255", 4), ("fe80::1", 1), ("ff02::1", 3), ("fe00::1", 1), (None, None)])
def test_kinds_of_addresses(address: str | None, kind: int | None) -> None:
    number = None if address is None else number_of(address)
    assert fields("inbound", "IP_LOCAL_ADDRESS_TYPE", "IP_DESTINATION_ADDRESS_TYPE", local_address=number) == [kind, kind]
    assert fields("outbound", "IP_DESTINATION_ADDRESS_TYPE", remote_address=number) == [kind]


def test_icmp_and_ports_that_rpc_gave_away() -> None:
    of = [fields("inbound", "ORIGINAL_ICMP_TYPE", protocol=protocol, local_port=8)[0] for protocol in (1, 58, 6)]
    assert of == [8, 8, NO_FIELD]
    port = [fields("inbound", "ALE_SIO_FIREWALL_SYSTEM_PORT", rpc_port=rpc)[0] for rpc in (None, True, False)]
    assert port == [None, 1, 0]
