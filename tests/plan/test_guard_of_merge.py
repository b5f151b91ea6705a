"""A policy that has local rules ignored takes the way in, and what Windows cannot do without, where it does not bring them.

What becomes of each protected flow the lab decides, once the policy is in its registry.
"""

from dataclasses import replace
from typing import Any

import pytest
from core import GUID, PROFILE, RULE
from hosts import LabHost
from judged_flows import simulated_flow

from ringfence.lab import GROUP_POLICY, POLICY, NetworkAdapter, machine
from ringfence.model.filter import Filter
from ringfence.model.ledger import ProjectIdentity
from ringfence.model.once import filter_of
from ringfence.model.state import Change, Id
from ringfence.plan.guard import needs_guard
from ringfence.plan.plan import Plan
from ringfence.plan.run_policy import RunPolicy
from ringfence.policy.protected import ProtectedFlow, flows_of_windows, management_flow
from ringfence.run.guarded import guarded

NETWORK = NetworkAdapter("Ethernet", GUID, addresses=("10.99.0.10/24", "fe80::10/64"), profile="domain",
                         gateways=("10.99.0.254",), dns_servers=("10.99.0.53",))
IN, OUT = "v2.31|Action=Allow|Active=TRUE|Dir=In|", "v2.31|Action=Allow|Active=TRUE|Dir=Out|"
RULES = {  # what each protected flow of such a host needs where the default actions block
    "the way that ringfence comes": {"way": IN + "Protocol=6|LPort=5985|App=System|Name=way|"},
    "DNS": {"dns": OUT + r"Protocol=17|RPort=53|App=%SystemRoot%\system32\svchost.exe|Svc=dnscache|Name=dns|"},
    "DHCP": {"dhcp": OUT + r"Protocol=17|LPort=68|RPort=67|App=%SystemRoot%\system32\svchost.exe|Svc=dhcp|Name=dhcp|"},
    "neighbour discovery of IPv6": {"nd-in": IN + "Protocol=58|ICMP6=135:*|ICMP6=136:*|App=System|Name=nd|",
                                    "nd-out": OUT + "Protocol=58|ICMP6=135:*|ICMP6=136:*|Name=nd|"},
    "Kerberos of the domain": {"krb": OUT + r"Protocol=6|RPort=88|App=%SystemRoot%\system32\lsass.exe|Name=krb|"},
    "LDAP of the domain": {"ldap": OUT + r"Protocol=6|RPort=389|App=%SystemRoot%\system32\lsass.exe|Name=ldap|"},
    "SMB of the domain": {"smb": OUT + "Protocol=6|RPort=445|App=System|Name=smb|"}}
EVERY = {name: text for rules in RULES.values() for name, text in rules.items()}
ID = Id("group_policy", "firewall_profile", "domain")


def host(rules: dict[str, str] | None = None) -> LabHost:
    """A member of a domain that lets nothing pass by default, with rules of its own for what it needs."""
    on = LabHost(EVERY if rules is None else rules, on=machine("SRV1", interfaces=(NETWORK,), domain="corp.example"), owns=False)
    on.machine.registry.set(POLICY + r"\DomainProfile", "DefaultOutboundAction", 1)
    return on


def plan_of(on: LabHost, brought: dict[str, str], **settings: Any) -> Plan:
    """The plan by which Group Policy comes to have rules, and then settings of the domain profile."""
    found = on.read()
    changes = [Change(Id("group_policy", "firewall_rule", name), None, RULE.read_string(name, text))
               for name, text in brought.items()]
    changes += [Change(ID, found.state.get(ID), PROFILE.create("domain", settings))]
    return Plan("srv1", {}, found, RunPolicy(ProjectIdentity("p", "1" * 32)), changes=tuple(changes))


def brings(on: LabHost, rules: dict[str, str]) -> None:
    """The same, in the registry."""
    for name, text in rules.items():
        on.machine.registry.set(GROUP_POLICY + r"\FirewallRules", name, text)
    on.machine.registry.set(GROUP_POLICY + r"\DomainProfile", "AllowLocalPolicyMerge", 0)


def protected(plan: Plan) -> list[ProtectedFlow]:
    facts = plan.found.facts
    way_in = management_flow(facts)
    assert way_in is not None
    return [way_in, *flows_of_windows(facts)]


def cut_off(on: LabHost, flows: list[ProtectedFlow]) -> set[str]:
    """The protected flows that the lab stops."""
    said = {p.title: [on.simulated.decides(simulated_flow(replace(q.flow, local_address=None)))
                      for q in flows if q.title == p.title] for p in flows}
    assert not any(one is None for those in said.values() for one in those), said
    return {title for title, those in said.items() if not all(those)}


@pytest.mark.parametrize("left_out", [None, *RULES])
def test_what_a_policy_without_local_rules_does_not_bring_is_cut_off(left_out: str | None) -> None:
    on = host()
    brought = {name: text for title, rules in RULES.items() if title != left_out for name, text in rules.items()}
    plan = guarded(plan_of(on, brought, allow_local_firewall_rules=False), on.run)
    flows = protected(plan)
    assert {p.title for p in flows} == set(RULES)
    assert cut_off(on, flows) == set()
    refused = {title for title in RULES if any(r.summary.startswith(f"{title} (") for r in plan.refusals)}
    brings(on, brought)
    assert refused == cut_off(on, flows) == ({left_out} if left_out else set())
    for r in plan.refusals:
        assert "no rule matches, and the default action of the profile holds" in r.summary
        assert r.summary.partition("; policy has local rules ignored, ")[2] in {
            f"firewall_rule {name} among them" for name in RULES[str(left_out)]}
        assert "The change that brings it: create firewall_profile domain (group_policy)" in r.detail


def test_all_of_it_where_it_brings_nothing() -> None:
    on = host()
    plan = guarded(plan_of(on, {}, allow_local_firewall_rules=False), on.run)
    brings(on, {})
    assert {title for title in RULES if any(r.summary.startswith(title) for r in plan.refusals)} == set(RULES)
    assert cut_off(on, protected(plan)) == set(RULES)


def test_a_local_block_that_is_ignored_takes_nothing() -> None:
    """The same change opens what a local block stopped: what passes then needs nothing of its own."""
    on = host({**EVERY, "block": "v2.31|Action=Block|Active=TRUE|Dir=Out|Protocol=17|RPort=53|Name=block|"})
    plan = guarded(plan_of(on, EVERY, allow_local_firewall_rules=False), on.run)
    assert plan.refusals == ()
    assert cut_off(on, protected(plan)) == {"DNS"}
    brings(on, EVERY)
    assert cut_off(on, protected(plan)) == set()


@pytest.mark.parametrize("settings", [
    {"allow_local_firewall_rules": True}, {"allow_local_ipsec_rules": True}, {"log_blocked": True}])
def test_what_lets_local_rules_count_as_before_needs_nothing(settings: dict[str, Any]) -> None:
    on = host()
    assert guarded(plan_of(on, {}, **settings), on.run).refusals == ()


def test_a_default_of_the_policy_stands_above_that_of_the_host() -> None:
    """It is the value that Windows has by itself, and another one than the host's."""
    on = host({})
    on.machine.registry.set(POLICY + r"\DomainProfile", "DefaultInboundAction", 0)
    on.machine.registry.set(POLICY + r"\DomainProfile", "DefaultOutboundAction", 0)
    plan = guarded(plan_of(on, {}, default_inbound_action="block"), on.run)
    refused = {r.summary.partition(" (")[0] for r in plan.refusals}
    assert refused == {"the way that ringfence comes", "neighbour discovery of IPv6"}


def test_the_local_store_is_never_asked_for_that() -> None:
    """[MS-FASP] 2.2.38: said of the host's own policy, it does nothing, and holds nothing up."""
    on = host()
    found = on.read()
    id = Id("local", "firewall_profile", "domain")
    change = Change(id, found.state[id], found.state[id].replace(allow_local_firewall_rules=False))
    assert not needs_guard(Plan("srv1", {}, found, changes=(change,)))
    on.machine.registry.set(POLICY + r"\DomainProfile", "AllowLocalPolicyMerge", 0)
    assert cut_off(on, protected(guarded(plan_of(on, {}, allow_local_firewall_rules=False), on.run))) == set()


def test_every_rule_of_these_is_for_one_flow() -> None:
    """Else a policy without one of them would not lack anything."""
    filters: list[Filter] = [f for r in host().read().state.values() if (f := filter_of(r)) is not None]
    assert len({(f.direction, f.protocol, f.local_port, f.remote_port, f.icmp_type) for f in filters}) == len(EVERY)
