"""Would a flow pass: judged by what the lab decides by itself, and by hand."""

from dataclasses import replace
from typing import Any

import pytest
from core import cases as core_cases
from flow_cases import NETWORKS, flow_of_case, policy_of_case
from lab_cases import cases
from lab_machine import host
from policy_of_lab import management_flow, policy_of

from ringfence.lab import GROUP_POLICY, POLICY, Machine
from ringfence.model.facts import Facts
from ringfence.policy.accounts import is_member
from ringfence.policy.flow_verdict import REASONS
from ringfence.policy.place import HostNetwork


def put(on: Machine, path: str, values: dict[str, Any]) -> None:
    for name, data in values.items():
        if data is None:
            on.registry.unset(path, name)
        else:
            on.registry.set(path, name, data)


def lab_host(case: dict[str, Any]) -> Machine:
    """The host of a case of lab_admits.yml."""
    on = host()
    for key, path in (("rules", POLICY + r"\FirewallRules"), ("gpo", GROUP_POLICY + r"\FirewallRules"),
                      ("consec", POLICY + r"\ConSecRules"), ("profile", POLICY + r"\StandardProfile"),
                      ("gpo_profile", GROUP_POLICY + r"\PrivateProfile")):
        put(on, path, case.get(key, {}))
    if "stopped" in case:
        on.services[case["stopped"]] = "stopped"
    return on


@pytest.mark.parametrize("case", cases("lab_admits"), ids=lambda c: str(c["title"]))
def test_as_the_lab_admits(case: dict[str, Any]) -> None:
    verdict = policy_of(lab_host(case)).verdict(management_flow(case.get("port", 5985), case.get("from", "10.99.0.1")))
    assert verdict.action in ("unknown", "allow" if case["admits"] else "block")
    assert verdict.action != "unknown" or verdict.doubts


# ---- by hand, each with the document that says so

HAND = [{**case, "source": group["source"]} for group in core_cases("flows") for case in group["cases"]]


@pytest.mark.parametrize("case", HAND, ids=lambda c: str(c["title"]))
def test_by_hand(case: dict[str, Any]) -> None:
    policy, flow = policy_of_case(case), flow_of_case(case)
    verdict = policy.verdict(flow)
    for place in policy.network.places(flow):
        assert policy.action_at(flow, place) == policy.verdict_at(flow, place).action
    assert f"{verdict.action} {verdict.reason}" == case["gives"], (verdict, case["source"])
    assert verdict.otherwise == case.get("otherwise", verdict.otherwise)
    assert bool(verdict.otherwise) == (verdict.action == "unknown" and all(doubt.id for doubt in verdict.doubts))
    assert "by" not in case or [id.name for id in verdict.by] == [case["by"]]
    assert "beside" not in case or [id.name for id in verdict.other_matches] == case["beside"]
    assert verdict.setting == case.get("told", verdict.setting)
    assert (verdict.action == "unknown") == bool(verdict.doubts)
    doubts, expected = [doubt.text for doubt in verdict.doubts], case.get("doubts", "")
    assert doubts == expected if isinstance(expected, list) else expected in "; ".join(doubts)


def test_every_reason_has_a_case() -> None:
    assert {case["gives"].split()[1] for case in HAND} == set(REASONS)


@pytest.mark.parametrize(("account", "trustee", "expected"), [
    ("s-1-5-18", "S-1-5-18", True), ("S-1-5-18", "s-1-5-11", True), ("S-1-5-18", "s-1-5-19", False), (None, "s-1-1-0", True),
    (None, "S-1-5-18", None), ("S-1-5-19", "S-1-5-6", True), ("S-1-5-21-1-2-3-1105", "S-1-5-6", None),
    ("S-1-5-80-1-2-3-4-5", "S-1-5-11", None), ("S-1-5-19", "S-1-5-11", True), ("S-1-5-20", "S-1-5-6", True),
    ("S-1-5-19", "S-1-5-32-544", None), ("S-1-5-19", "S-1-5-21-1-2-3-1105", None),
    ("S-1-5-18", "S-1-5-32-544", True),
    ("S-1-5-18", "S-1-5-6", False), ("S-1-5-18", "S-1-5-80-1-2-3-4-5", None), ("s-1-5-21-1-2-3-1105", "S-1-5-11", True),
    ("S-1-5-21-1-2-3-501", "S-1-5-11", False), ("S-1-5-21-1-2-3-1105", "S-1-5-21-1-2-3-502", False),
    ("S-1-5-20", "S-1-5-19", False),
    ("S-1-5-21-1-2-3-1105", "S-1-5-21-1-2-3-1106", None), ("S-1-5-21-1-2-3-500", "S-1-5-21-4-5-6-500", False)])
def test_who_is_in_which_group(account: str | None, trustee: str, expected: bool | None) -> None:
    """A SID that is of no group that documents tell of may be one of a group, whoever's account is asked for."""
    assert is_member(account, trustee) is expected


@pytest.mark.parametrize(("account", "trustee", "expected"), [
    ("S-1-5-20", "S-1-5-21-1-2-3-1105", False), ("S-1-5-19", "S-1-5-21-1-2-3-513", False),
    ("S-1-5-21-1-2-3-1106", "S-1-5-21-1-2-3-1105", None), (None, "S-1-5-21-1-2-3-1105", None)])
def test_accounts_of_services_are_in_no_group_of_a_domain(account: str | None, trustee: str, expected: bool | None) -> None:
    """"LocalService Account", "NetworkService Account": predefined local accounts."""
    assert is_member(account, trustee, of_domain=True) is expected


@pytest.mark.parametrize(("account", "own", "product", "sid", "expected"), [
    (r"CORP\admin", "S-1-5-21-1-2-3-500", "server", "S-1-5-21-1-2-3-1105", True),
    (r"CORP\admin", "S-1-5-21-1-2-3-500", "server", "S-1-5-21-4-5-6-1105", False),
    (r"srv1\admin", "S-1-5-21-4-5-6-500", "workstation", "s-1-5-21-1-2-3-1105", True),
    (r"SRV1\admin", "S-1-5-21-4-5-6-500", "server", "S-1-5-21-4-5-6-1001", False),
    (r"CORP\admin", "S-1-5-21-1-2-3-500", "domain_controller", "S-1-5-21-1-2-3-1105", False),
    (r"CORP\admin", "S-1-5-21-1-2-3-500", None, "S-1-5-21-1-2-3-1105", False),
    (r"WinRM Virtual Users\WinRM VA_1_CORP_admin", "S-1-5-94-1", "server", "S-1-5-21-1-2-3-1105", False),
    (r"CORP\admin", "S-1-5-21-1-2-3-500", "server", "S-1-5-32-545", False), (None, None, "server", "S-1-5-21-1-2-3-1105", False)])
def test_whose_a_sid_is(account: str | None, own: str | None, product: str | None, sid: str, expected: bool) -> None:
    facts = Facts(computer="SRV1", raw={"account": account, "sid": own, "os": {"product": product}})
    assert facts.is_of_domain(sid) is expected


def test_whether_ipsec_secures_it_decides_where_it_is_required() -> None:
    """Everything else is certain, and what lets least pass differs from what lets most."""
    policy = policy_of_case({"rules": [{"name": "a", "protocol": "tcp", "local_port": 443},
                                       {"ipsec": "i", "inbound_security": "require", "outbound_security": "request"}]})
    flow = flow_of_case({})
    said = [policy.verdict(replace(flow, security=s)).action for s in ("clear", "authenticated", None)]
    assert said == ["block", "allow", "unknown"]


BOTH_GATES = replace(NETWORKS, interfaces=tuple(replace(i, gateways=("192.0.2.1",)) for i in NETWORKS.interfaces))


@pytest.mark.parametrize(("network", "rule", "ways"), [
    (HostNetwork(), {}, "allow in domain, block in private, block in public"),
    (HostNetwork(), {"program": r"C:\x.exe"}, "unknown in domain, block in private, block in public"),
    (HostNetwork(BOTH_GATES), {}, "allow in Ethernet, block in Ethernet 2")])
def test_where_ways_come_to_different_ends_nobody_knows(network: HostNetwork, rule: dict[str, Any], ways: str) -> None:
    """Each way that it may go is told, with what is not known of it."""
    domain = {"name": "a", "protocol": "tcp", "local_port": 443, "profile": "domain"}
    policy = replace(policy_of_case({"rules": [{**domain, **rule}]}), network=network)
    flow = flow_of_case({"flow": {"remote_address": "198.51.100.7", "program": None}})
    found = policy.verdict(flow)
    assert (found.action, found.reason) == ("unknown", "undecided")
    assert (found.by, found.setting, found.otherwise, found.profile, found.interface) == ((), "", "", "", "")  # those of one way
    assert [d.text for d in found.doubts] == [f"which network it goes through: {ways}",
                                              *([r"whether its program is C:\x.exe"] if rule else [])]
    other = {**domain, "name": "b", "profile": "public", "action": "block"}  # what happens stays, and why does not
    more = replace(policy_of_case({"rules": [{**domain, **rule}, other]}), network=network)
    assert (more.verdict(flow).action, more.verdict(flow).basis == found.basis) == ("unknown", False)


def test_of_ways_that_come_to_one_end_that_is_told() -> None:
    policy = replace(policy_of_case({"rules": [{"name": "a", "protocol": "tcp", "local_port": 443}]}), network=HostNetwork())
    found = policy.verdict(flow_of_case({}))
    assert (found.action, found.reason, found.doubts, found.interface) == ("allow", "allow_rule", (), "")
    blocked = {"name": "b", "action": "block", "protocol": "tcp", "local_port": 443}
    of_program = {"name": "a", "protocol": "tcp", "local_port": 443, "program": r"C:\x.exe"}
    policy = replace(policy_of_case({"rules": [blocked, of_program]}), network=HostNetwork())
    found = policy.verdict(flow_of_case({"flow": {"program": None}}))
    assert (found.action, found.reason, found.doubts) == ("block", "block_rule", ())
    found = policy_of_case({}).verdict(flow_of_case({}))
    assert (found.profile, found.interface) == ("domain", "Ethernet")


def test_where_the_interface_is_not_known_the_firewall_may_be_off_on_it() -> None:
    """Whether Windows has a value, or may have it: it is for one of the interfaces, and it may be that one."""
    listed = {"disabled_interface_aliases": "{22222222-2222-3333-4444-555555555555}"}
    for where, doubt in (("profile", "which interface it uses: on some the firewall of the profile is off"),
                         ("mdm_profile", "disabled_interface_aliases: device management (MDM) has another value, and no document "
                                         "says which holds")):
        policy = replace(policy_of_case({where: listed}), network=HostNetwork(active_profiles=frozenset({"domain"})))
        found = policy.verdict(flow_of_case({}))
        assert (found.action, [d.text for d in found.doubts]) == ("unknown", [doubt])
        opened = replace(policy_of_case({where: listed, "profile": {**listed, "default_inbound_action": "allow"}}),
                         network=policy.network).verdict(flow_of_case({}))
        assert (opened.action, opened.doubts) == ("allow", ())
