"""What a plan opens to everybody without a rule that says so."""

from typing import Any

import pytest
from core import task
from hosts import LabHost

from ringfence.lab import POLICY, NetworkAdapter, machine

ETHERNET = NetworkAdapter("Ethernet", "{11111111-2222-3333-4444-555555555555}", addresses=("10.99.0.10/24",), profile="domain")
ALLOW = "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|Name=a|"
BLOCK = "v2.31|Action=Block|Active=TRUE|Dir=In|Protocol=6|{}Name=b|"


@pytest.mark.parametrize(("rules", "declared", "ports"), [
    ({}, ("firewall_profile", {"profiles": "domain", "default_inbound_action": "allow"}), [22, 135, 445, 1433, 3389, 5985, 5986]),
    ({}, ("firewall_profile", {"profiles": "domain", "enabled": False}), [22, 135, 445, 1433, 3389, 5985, 5986]),
    ({"b": BLOCK.format("LPort=445|")}, ("firewall_profile", {"profiles": "domain", "default_inbound_action": "allow"}),
     [22, 135, 1433, 3389, 5985, 5986]),
    ({"a": ALLOW, "b": BLOCK.format("LPort=3389|LPort=80|")}, ("firewall_rule", {"name": "b", "state": "absent"}), [3389]),
    ({"a": ALLOW, "b": BLOCK.format("LPort2_10=3000-4000|")},
     ("firewall_rule", {"name": "b", "action": "block", "protocol": "tcp", "local_port": "3000-3388"}), [3389]),
    ({"b": BLOCK.format("LPort=3389|")}, ("firewall_rule", {"name": "b", "state": "absent"}), []),
    ({}, ("firewall_profile", {"profiles": "domain", "log_blocked": True}), []),
    ({}, ("firewall_rule", {"name": "c", "protocol": "tcp", "local_port": 3389, "remote_address": "any"}), []),  # it says so
])
def test_what_is_told(rules: dict[str, str], declared: tuple[str, dict[str, Any]], ports: list[int]) -> None:
    on = LabHost(rules, on=machine("SRV1", interfaces=(ETHERNET,)))
    on.machine.registry.set(POLICY + r"\DomainProfile", "DefaultInboundAction", 1)
    told = [d.summary for d in on.plan(task(*declared)).diagnostics if "is let in from anywhere in the" in d.summary]
    assert sorted({int(summary.split()[0]) for summary in told}) == ports
