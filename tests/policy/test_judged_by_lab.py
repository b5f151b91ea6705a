"""The engine's verdicts against the lab's, which is written apart from it and reads the registry by itself. `make soak` asks
100,000 flows."""

import pytest
from judged_flows import FlowJudgement, judge, told_of

SEED, FLOWS = 20261127, 5_000


@pytest.fixture(scope="module")
def judged() -> FlowJudgement:
    return judge(SEED, FLOWS, of_host=400)


def test_they_agree(judged: FlowJudgement) -> None:
    assert not judged.wrong, "\n".join([str(told_of(judged)), *judged.wrong[:5]])


def test_it_was_put_to_the_test(judged: FlowJudgement) -> None:
    """A good part of the flows matches a rule, most are decided by both, and nearly every reason decides some."""
    assert judged.matched >= 0.3 * FLOWS
    assert judged.decided >= 0.8 * FLOWS
    assert judged.told["engine"] <= 0.02 * FLOWS
    assert {reason.split()[1] for reason in judged.actions} >= {
        "allow_rule", "block_rule", "default_action", "firewall_off", "ipsec_required", "shields_up", "interface_disabled",
        "service_restricted", "undecided"}
