"""What a plan opens to everybody without a rule that says so."""

from dataclasses import replace
from typing import Any

import pytest
from core import declared, task
from hosts import FORCED, PROJECT, LabHost

from ringfence import kinds
from ringfence.lab import POLICY, NetworkAdapter, machine
from ringfence.model.state import Id
from ringfence.plan.run_policy import RunPolicy
from ringfence.run.host import plan_host

ETHERNET = NetworkAdapter("Ethernet", "{11111111-2222-3333-4444-555555555555}", addresses=("10.99.0.10/24",), profile="domain")
ALLOW = "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|Name=a|"
BLOCK = "v2.31|Action=Block|Active=TRUE|Dir=In|Protocol=6|{}Name=b|"
RDP = ALLOW.replace("Protocol=6|", "Protocol=6|LPort=3389|")
ISOLATION = ("v2.31|Action=SecureServer|Active=TRUE|Protocol=6|EP1Port=3389|Auth1Set={E5A5D32A-4BCE-4e4d-B07F-4AB1BA7E5FE3}|"
             "Crypto2Set={E5A5D32A-4BCE-4e4d-B07F-4AB1BA7E5FE2}|Name=iso|")
SECURED = {"name": "iso", "protocol": "tcp", "local_port": 3389}
EXEMPTION = {"name": "ex", "inbound_security": "none", "outbound_security": "none", "protocol": "tcp"}

# every setting that may let something pass, to the other one of its values
OPENED = {p.name: {"block": "allow", "allow": "block"}.get(p.least, not p.least)
          for p in kinds.load()["firewall_profile"].properties.values() if p.least is not None and p.least != ()}


@pytest.mark.parametrize(("rules", "said", "ports"), [
    ({}, ("firewall_profile", {"profiles": "domain", "default_inbound_action": "allow"}), [22, 135, 445, 1433, 3389, 5985, 5986]),
    ({}, ("firewall_profile", {"profiles": "domain", "enabled": False}), [22, 135, 445, 1433, 3389, 5985, 5986]),
    ({}, ("firewall_profile", {"profiles": "domain", "disabled_interface_aliases": "Ethernet"}),
     [22, 135, 445, 1433, 3389, 5985, 5986]),
    ({}, ("firewall_profile", {"profiles": "private", "disabled_interface_aliases": "Ethernet"}), []),  # it is in another one
    ({}, ("firewall_profile", {"profiles": "domain", "disabled_interface_aliases": ETHERNET.guid}),  # the host names none
     [22, 135, 445, 1433, 3389, 5985, 5986]),
    ({"b": BLOCK.format("LPort=445|")}, ("firewall_profile", {"profiles": "domain", "disabled_interface_aliases": "Ethernet"}),
     [22, 135, 445, 1433, 3389, 5985, 5986]),  # blocks do not count there ([MS-FASP] 2.2.38)
    ({}, ("firewall_profile", {"profiles": "domain", **OPENED}), [22, 135, 445, 1433, 3389, 5985, 5986]),
    ({"b": BLOCK.format("LPort=445|")}, ("firewall_profile", {"profiles": "domain", "default_inbound_action": "allow"}),
     [22, 135, 1433, 3389, 5985, 5986]),
    ({"a": ALLOW, "b": BLOCK.format("LPort=3389|LPort=80|")}, ("firewall_rule", {"name": "b", "state": "absent"}), [3389]),
    ({"a": ALLOW, "b": BLOCK.format("LPort2_10=3000-4000|")},
     ("firewall_rule", {"name": "b", "action": "block", "protocol": "tcp", "local_port": "3000-3388"}), [3389]),
    ({"b": BLOCK.format("LPort=3389|")}, ("firewall_rule", {"name": "b", "state": "absent"}), []),
    ({}, ("firewall_profile", {"profiles": "domain", "log_blocked": True}), []),
    ({}, ("firewall_rule", {"name": "c", "protocol": "tcp", "local_port": 3389, "remote_address": "any"}), []),  # it says so
])
def test_what_is_told(rules: dict[str, str], said: tuple[str, dict[str, Any]], ports: list[int]) -> None:
    on = LabHost(rules, on=machine("SRV1", interfaces=(ETHERNET,)))
    on.machine.registry.set(POLICY + r"\DomainProfile", "DefaultInboundAction", 1)
    told = [d.summary for d in on.plan(task(*said)).diagnostics if "is let in from anywhere in the" in d.summary]
    assert sorted({int(summary.split()[0]) for summary in told}) == ports


@pytest.mark.parametrize(("said", "ports"), [
    ([{"name": "iso", "state": "absent"}], [3389]),
    ([{**EXEMPTION, "local_port": 3389, "remote_address": "any"}], [3389]),
    ([{**EXEMPTION, "local_port": 3389, "remote_address": "any", "enabled": False}], []),
    ([{**EXEMPTION, "local_port": 3389, "remote_address": "10.1.4.0/28"}], []),
    ([{**EXEMPTION, "local_port": 80, "remote_address": "any"}], []),
    ([{**SECURED, "inbound_security": "request", "outbound_security": "request"}], [3389]),
    ([{**SECURED, "inbound_security": "require", "outbound_security": "require"}], []),
])
@pytest.mark.parametrize("says_so", [False, True])
def test_what_ipsec_held_is_told(said: list[dict[str, Any]], ports: list[int], says_so: bool) -> None:
    """Whoever declares that Remote Desktop is let in from anywhere, behind IPsec, has not said that it may be in clear."""
    on = LabHost({"a": RDP}, on=machine("SRV1", interfaces=(ETHERNET,)))
    on.machine.registry.set(POLICY + r"\ConSecRules", "iso", ISOLATION)
    tasks = [task("ipsec_rule", one) for one in said]
    if says_so:
        tasks.append(task("firewall_rule", {"name": "a", "protocol": "tcp", "local_port": 3389, "remote_address": "any"}))
    told = [d.summary for d in on.plan(*tasks).diagnostics if "is let in from anywhere in the domain" in d.summary]
    assert [int(summary.split()[0]) for summary in told] == ports
    assert all(summary.endswith("a rule allows it; firewall_rule a; IPsec is required no more") for summary in told)


def test_what_opens_by_itself_is_told_beside_what_says_so() -> None:
    on = LabHost({}, on=machine("SRV1", interfaces=(ETHERNET,)))
    planned = on.plan(task("firewall_profile", {"profiles": "domain", "default_inbound_action": "allow"}),
                      task("firewall_rule", {"name": "c", "protocol": "tcp", "local_port": 22, "remote_address": "any"}))
    told = [d.summary for d in planned.diagnostics if "is let in from anywhere in the" in d.summary]
    assert [int(summary.split()[0]) for summary in told] == [135, 445, 1433, 3389, 5985, 5986]


@pytest.mark.parametrize("beside", [
    None, ("firewall_profile", {"profiles": "domain", "log_blocked": True}),
    ("firewall_rule", {"name": "off", "action": "block", "protocol": "tcp", "local_port": 7, "enabled": False}),
    ("firewall_rule", {"name": "same", "action": "block", "protocol": "tcp", "local_port": 5}),
    ("firewall_rule", {"name": "on", "protocol": "tcp", "local_port": 8})])
def test_a_rule_that_goes_back_to_what_it_was_says_so_itself(beside: tuple[str, dict[str, Any]] | None) -> None:
    """Whatever else changes, as long as that opens nothing."""
    policy = RunPolicy(PROJECT, run_id="20261126T115712Z-3f9a1c", prune="restore", forced=FORCED)
    on = LabHost({"a": RDP.replace("Name", "RA4=10.0.0.1|Name"), "off": BLOCK.format("LPort=6|").replace("TRUE", "FALSE"),
                  "same": BLOCK.format("LPort=5|").replace("Name=b", "Name=same"), "on": ALLOW.replace("Name", "LPort=9|Name")},
                 on=machine("SRV1", interfaces=(ETHERNET,)), owns=False, policy=policy)
    on.take_over([Id("local", "firewall_rule", "a")], "mentioned", first={"remote_address": []})
    tasks = [task(*beside, treatment={"adopt": True} if beside[0] == "firewall_rule" else {})] if beside else []
    planned = plan_host(on.job(declared(*tasks)), replace(on.context(), possible=lambda host, facts: frozenset()))
    assert [c.why.partition("; ")[2] for c in planned.changes if c.id.name == "a"] == ["OPENS: more passes by its remote_address"]
    assert len(planned.changes) == 1 + bool(beside)
    assert not [d.summary for d in planned.diagnostics if "is let in from anywhere in the" in d.summary]


def test_an_interface_that_had_no_firewall_is_not_told_again() -> None:
    other = ETHERNET.guid.replace("1", "2")
    on = LabHost({}, on=machine("SRV1", interfaces=(ETHERNET,)))
    on.machine.registry.set(POLICY + r"\DomainProfile", "DisabledInterfaces", ETHERNET.guid)
    planned = on.plan(task("firewall_profile", {"profiles": "domain", "disabled_interface_aliases": [ETHERNET.guid, other]}))
    told = [d.summary for d in planned.diagnostics if d.summary.startswith("3389")]
    assert len(told) == 1
    assert f"in the domain profile on {other} once this is made" in told[0]
