"""The firewall that a simulated host has on its own management port."""

from typing import Any

import pytest
from lab_cases import cases
from lab_machine import ETHERNET, host

from ringfence.lab import GROUP_POLICY, POLICY, Machine, NetworkAdapter, SimulatedHost


def _put(on: Machine, path: str, values: dict[str, Any]) -> None:
    for name, data in values.items():
        if data is None:
            on.registry.unset(path, name)
        else:
            on.registry.set(path, name, data)


@pytest.mark.parametrize("case", cases("lab_admits"), ids=lambda c: str(c["title"]))
def test_admits(case: dict[str, Any]) -> None:
    on = host()
    _put(on, POLICY + r"\FirewallRules", case.get("rules", {}))
    _put(on, GROUP_POLICY + r"\FirewallRules", case.get("gpo", {}))
    _put(on, POLICY + r"\ConSecRules", case.get("consec", {}))
    _put(on, POLICY + r"\StandardProfile", case.get("profile", {}))
    _put(on, GROUP_POLICY + r"\PrivateProfile", case.get("gpo_profile", {}))
    if "stopped" in case:
        on.services[case["stopped"]] = "stopped"
    assert SimulatedHost(on).admits(case.get("port", 5985), case.get("from", "10.99.0.1")) is case["admits"]


def test_the_profile_is_that_of_the_interface_the_packet_comes_in_by() -> None:
    other = NetworkAdapter("Office", "{22222222-2222-3333-4444-555555555555}", addresses=("192.0.2.10/24",), profile="public",
                           gateways=("192.0.2.1",))
    on = host(interfaces=(ETHERNET, other))
    on.registry.set(POLICY + r"\PublicProfile", "DoNotAllowExceptions", 1)
    assert SimulatedHost(on).admits(22, "10.99.0.1")
    assert not SimulatedHost(on).admits(22, "192.0.2.7")


def test_a_client_reaches_a_public_interface_from_its_subnet_only() -> None:
    public = NetworkAdapter("Ethernet", "{11111111-2222-3333-4444-555555555555}", addresses=("10.99.0.10/24",), profile="public",
                            gateways=("10.99.0.254",))
    on = host(os="windows11", interfaces=(public,))
    assert SimulatedHost(on).admits(5985, "10.99.0.1")
    assert not SimulatedHost(on).admits(5985, "198.51.100.1")


def test_the_legacy_profile_of_group_policy_stands_for_private_and_public() -> None:
    on = host()
    on.registry.set(GROUP_POLICY + r"\StandardProfile", "DoNotAllowExceptions", 1)
    assert not SimulatedHost(on).admits(5985, "10.99.0.1")
    on.registry.create(GROUP_POLICY + r"\PublicProfile")
    assert SimulatedHost(on).admits(5985, "10.99.0.1")


def test_ipv6_callers_meet_ipv6_conditions() -> None:
    on = host()
    on.registry.set(POLICY + r"\FirewallRules", "b", "v2.31|Action=Block|Active=TRUE|Dir=In|RA6=fe80::/64|")
    assert not SimulatedHost(on).admits(5985, "fe80::1%4")
    assert SimulatedHost(on).admits(5985, "10.99.0.1")
