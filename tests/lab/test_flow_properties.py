"""What holds of decisions about flows, whatever the policy is."""

from collections import Counter

from chance import by_chance
from flow_policies import POLICIES, LabPolicy, flows, host_with, rule_strings
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ringfence.lab import POLICY, SimulatedFlow, SimulatedHost
from ringfence.lab.enforcement.flow_decision import FlowDecision, decides
from ringfence.lab.enforcement.inbound_connection import admits, management_flow
from ringfence.lab.enforcement.rule_conditions import conditions
from ringfence.lab.enforcement.rule_lookup import RuleLookup
from ringfence.lab.enforcement.simulated_flow import all_hold, any_holds

PEERS = st.sampled_from(["10.99.0.1", "10.99.0.53", "10.1.2.3", "198.51.100.7", "fe80::1"])


def _with(policy: LabPolicy, text: str, flow: SimulatedFlow) -> tuple[bool | None, bool | None]:
    """The decision before and after a rule was added."""
    on = SimulatedHost(host_with(policy))
    before = on.decides(flow)
    on.machine.registry.set(POLICY + r"\FirewallRules", "added", text)
    return before, on.decides(flow)


@given(POLICIES, rule_strings("Block"), flows())
def test_a_block_rule_never_opens(policy: LabPolicy, text: str, flow: SimulatedFlow) -> None:
    assert _with(policy, text, flow) not in ((False, True), (False, None), (None, True))


@given(POLICIES, st.sampled_from(["Allow", "ByPass"]).flatmap(rule_strings), flows())
def test_an_allow_rule_never_closes(policy: LabPolicy, text: str, flow: SimulatedFlow) -> None:
    assert _with(policy, text, flow) not in ((True, False), (True, None), (None, False))


@given(POLICIES, flows())
def test_a_decision_does_not_hang_on_what_is_not_known(policy: LabPolicy, flow: SimulatedFlow) -> None:
    on = host_with(policy)
    decided = decides(on, flow)
    if decided is not None:
        assert {decides(on, flow, unmatched=False), decides(on, flow, unmatched=True)} == {decided}


@given(POLICIES, PEERS, st.sampled_from([22, 5985, 5986]))
def test_a_management_connection_is_a_flow_like_others(policy: LabPolicy, peer: str, port: int) -> None:
    on = host_with(policy)
    decided = decides(on, management_flow(on, port, peer))
    if decided is not None:
        assert admits(on, port, peer) is decided


@given(rule_strings("Allow"), flows())
@by_chance(200)
def test_the_lookup_finds_every_rule_that_matches(text: str, flow: SimulatedFlow) -> None:
    on = host_with(LabPolicy())
    rule, asked = conditions("FirewallRules", text), FlowDecision(on, flow)
    port = flow.local_port if flow.direction == "in" else flow.remote_port
    found = rule in RuleLookup(on, [rule], flow.direction, flow.protocol).candidates(port, asked.program, flow.package)
    assert found or rule.direction != flow.direction or rule.match(asked) is False


def test_much_of_it_meets() -> None:
    """The properties would hold of policies that no flow meets."""
    decided = Counter[tuple[str, bool | None]]()

    @given(POLICIES, flows(), st.sampled_from(["Allow", "Block", "ByPass"]).flatmap(rule_strings))
    @settings(max_examples=100, phases=[Phase.generate], derandomize=True, suppress_health_check=list(HealthCheck))
    def count(policy: LabPolicy, flow: SimulatedFlow, text: str) -> None:
        decided["matches", conditions("FirewallRules", text).match(FlowDecision(host_with(policy), flow))] += 1
        decided["passes", SimulatedHost(host_with(policy)).decides(flow)] += 1

    count()
    assert min(decided["passes", True], decided["passes", False], decided["passes", None]) > 5, decided
    assert decided["matches", True] > 8, decided


def test_three_values() -> None:
    assert [any_holds(*v) for v in ((), (False,), (False, None), (None, True))] == [False, False, None, True]
    assert [all_hold(*v) for v in ((), (True,), (True, None), (None, False))] == [True, True, None, False]
