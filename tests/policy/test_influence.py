"""Whether a rule has a say beside others: by hand, and by asking the evaluator with the rule and without it."""

from collections import Counter
from dataclasses import replace
from itertools import product
from random import Random
from typing import Any

import pytest
from core import cases
from flow_cases import policy_of_case, resource_of

from ringfence.model.filter import Direction
from ringfence.model.once import filter_of
from ringfence.model.state import Id
from ringfence.policy.evaluate import Policy
from ringfence.policy.flow import Flow, number_of
from ringfence.policy.flow_verdict import FlowVerdict
from ringfence.policy.influence import may_decide
from ringfence.policy.matcher import PolicyRule
from ringfence.policy.place import Place
from ringfence.policy.settings_in_force import SettingsInForce


def rule_of(said: dict[str, Any], store: str = "local") -> PolicyRule:
    filter = filter_of(resource_of(said if "ipsec" in said else {"name": "r", **said}))
    assert filter is not None
    return PolicyRule(Id(store, "firewall_rule", "r"), filter)


@pytest.mark.parametrize("case", cases("influence"), ids=lambda c: str(c["title"]))
def test_by_hand(case: dict[str, Any]) -> None:
    rule = rule_of(case["rule"], case.get("of", "local"))
    assert may_decide(policy_of_case(case), rule.id, rule.filter) == case["decides"]


def test_another_firewall_leaves_nothing_certain() -> None:
    rule, wide = rule_of({"protocol": "tcp", "local_port": 443}), {"name": "w", "protocol": "tcp", "local_port": 443}
    policy = policy_of_case({"rules": [wide]})
    assert [may_decide(p, rule.id, rule.filter) for p in (policy, replace(policy, doubts=("another firewall",)))] == [False, True]


@pytest.mark.parametrize(("rule", "profile"), [
    ({"protocol": "tcp", "local_port": 443}, {"default_inbound_action": "allow"}),
    ({"protocol": "tcp", "local_port": 443}, {"enabled": False}),
    ({"protocol": "tcp", "local_port": 443}, {"allow_inbound_rules": False}),
    ({"action": "block", "protocol": "tcp", "local_port": 443}, {"default_inbound_action": "block"})])
def test_a_setting_that_may_be_another_one_leaves_nothing_certain(rule: dict[str, Any], profile: dict[str, Any]) -> None:
    one, policy = rule_of({**rule, "profile": "domain"}), policy_of_case({"profile": profile})
    doubtful = replace(policy, settings=SettingsInForce(policy.settings.state, {("mdm", "firewall_profile"): "Access denied"}))
    wins = "allow_inbound_rules" in profile  # is up where one store has it up
    assert [may_decide(p, one.id, one.filter) for p in (policy, doubtful)] == [False, not wins]


# ---- any policy of a few rules and settings, and every flow at the edges of these

PORTS, NETS = ["80", "80-90", "85", "any"], ["any", "10.0.0.0/8", "10.1.0.0/16", ["10.1.0.0/16", "10.2.0.0/16"]]
SAFE = {"authentication": "required", "override_block_rules": True, "remote_machine": "D:(A;;CC;;;WD)"}
WAYS: tuple[Direction, ...] = ("inbound", "outbound")
ENDS = list(product(("9.9.9.9", "10.1.0.1", "10.3.0.1"), (79, 80, 85, 90), ("System", r"C:\a.exe")))
FLOWS = [Flow(way, 6, None, number_of(far), port, port, program=program, service="")
         for way, (far, port, program) in product(WAYS, ENDS)]
FLOWS += [replace(flow, security="authenticated") for flow in FLOWS if flow.direction == "inbound"]
FLOWS += [replace(flow, edge=True) for flow in FLOWS if flow.direction == "inbound"]


def some_rule(chance: Random, name: str) -> dict[str, Any]:
    way = chance.choice(["inbound", "inbound", "outbound"])
    said: dict[str, Any] = {"name": name, "direction": way, "protocol": "tcp",
                            "action": chance.choice(["allow", "allow", "block"]),
                            "local_port" if way == "inbound" else "remote_port": chance.choice(PORTS),
                            "remote_address": chance.choice(NETS), "profile": chance.choice(["any", "domain", "public"])}
    if chance.random() < 0.3:
        said["program"] = "System"
    if said["action"] == "allow" and way == "inbound":
        said |= {"edge_traversal_policy": chance.choice(["block", "block", "allow"])}
        said |= SAFE if chance.random() < 0.2 else {}
    return said


def verdicts(policy: Policy) -> list[FlowVerdict]:
    return [policy.verdict_at(flow, Place(policy.network, profile)) for profile in ("domain", "public") for flow in FLOWS]


def test_what_decides_nothing_changes_no_verdict() -> None:
    chance, seen = Random(18), Counter[tuple[bool, bool]]()
    for _ in range(60):
        policy = policy_of_case({
            "rules": [some_rule(chance, f"r{n}") for n in range(chance.randint(0, 4))],
            "profile": chance.choice([{}, {"default_inbound_action": "allow"}, {"default_outbound_action": "block"},
                                      {"enabled": False}, {"allow_inbound_rules": False}]),
            "gpo_profile": chance.choice([{}, {}, {"allow_local_firewall_rules": False}])})
        rule = rule_of(some_rule(chance, "r"))
        more = replace(policy, rules=(*policy.rules, rule))
        changes = [v.action for v in verdicts(policy)] != [v.action for v in verdicts(more)]
        decides = may_decide(policy, rule.id, rule.filter)
        assert decides or not changes, (rule, policy.rules)
        seen[decides, changes] += 1
    assert seen[False, False] > 10
    assert seen[True, True] > 10
    assert seen[True, False] < 15  # what is not shown, though none of these flows changes
