"""Some of the trials (all of them: `make soak`), and that each protection is needed."""

import random

import pytest

from .protections import PROTECTIONS, without
from .trial import SCENARIOS, Trial, apply, carry_out, prepared, trials

SEED, SOME = 20261127, 40
ALL = [*trials()]


@pytest.mark.parametrize("trial", random.Random(SEED).sample(ALL, SOME), ids=str)
def test_a_host_is_reached_and_has_the_old_policy_or_the_new_one(trial: Trial) -> None:
    outcome = carry_out(trial)
    assert outcome.wrong == [], outcome.status


def test_there_are_more_than_a_thousand() -> None:
    assert len(ALL) > 1000
    assert {t.scenario for t in ALL} == set(SCENARIOS)


@pytest.mark.parametrize("name", PROTECTIONS)
def test_without_a_protection_something_is_wrong(name: str) -> None:
    protection = PROTECTIONS[name]
    meant = [t for t in ALL if protection.shown_by in str(t)]
    drawn = random.Random(SEED).sample(meant, min(len(meant), 30))
    with without(name):
        assert any(carry_out(trial).wrong for trial in drawn)


@pytest.mark.parametrize("scenario", ["locks out", "shields"])
def test_what_locks_the_controller_out_is_undone(scenario: str) -> None:
    host = prepared()
    old = host.policy()
    result = apply(host, SCENARIOS[scenario])
    assert result.status == "restored"
    assert host.policy() == old
    assert host.left_over() == []
