"""The budget of failures is honoured to the host, however many are worked on at once."""

import time

import pytest

from ringfence.errors import GuardRefused, Interrupted, OutsideWindow, Unreachable
from ringfence.report import HostResult
from ringfence.run.failure_budget import FailureBudget

from .rollout_trials import HOSTS, left_behind, trial


def test_nobody_is_begun_once_the_budget_is_spent() -> None:
    """`make soak` tries a thousand."""
    before, ended = left_behind(), 0
    for seed in range(40):
        outcome = trial(seed)
        assert outcome.wrong == [], seed
        assert outcome.done + outcome.not_begun == HOSTS, seed
        assert bool(outcome.not_begun) == bool(outcome.stopped), seed
        ended += bool(outcome.stopped)
    assert 10 < ended < 40  # some ran out of it, others did not
    _settled(before)


def _settled(before: tuple[int, int]) -> None:
    """No thread and no file is left."""
    until = time.monotonic() + 10
    while left_behind() > before and time.monotonic() < until:
        time.sleep(0.05)
    assert left_behind() <= before


def test_a_budget_that_is_not_watched_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FailureBudget, "spent", property(lambda self: False))
    assert any(trial(seed).wrong for seed in range(40))


@pytest.mark.parametrize(("total", "percentage", "failures", "spent"), [
    (200, 5, 10, False), (200, 5, 11, True), (10, 0, 0, False), (10, 0, 1, True), (100, 29, 29, False), (100, 29, 30, True),
    (3, 50, 1, False), (3, 50, 2, True), (5, 100, 5, False), (5, None, 5, False), (40, 2.5, 1, False), (40, 2.5, 2, True)])
def test_how_many_may_fail(total: int, percentage: float | None, failures: int, spent: bool) -> None:
    budget = FailureBudget(total, percentage)
    for n in range(failures):
        budget.decided(HostResult(f"h{n}", error=GuardRefused("no")))
        budget.decided(HostResult(f"h{n}", error=GuardRefused("no")))  # told twice it counts once
    assert (budget.failures, budget.spent) == (failures, spent)


def test_what_is_no_failure() -> None:
    budget = FailureBudget(10, 0, ignore_unreachable=True)
    for error in (None, OutsideWindow("later"), Interrupted("ended"), Unreachable("timeout")):
        budget.decided(HostResult("h", error=error))
    assert not budget.spent
    budget.decided(HostResult("h", error=GuardRefused("no")))
    assert budget.spent
    budget = FailureBudget(10, 0)
    budget.decided(HostResult("h", error=Unreachable("timeout")))
    assert budget.spent


@pytest.mark.parametrize(("percentage", "fatal", "why"), [
    (2.5, False, "1 of 40 hosts failed, and max_fail_percentage is 2.5"),
    (0, False, "1 of 40 hosts failed, and max_fail_percentage is 0"),
    (0, True, "1 of 40 hosts failed, and none may (any_errors_fatal)")])
def test_why_no_further_host_is_begun(percentage: float, fatal: bool, why: str) -> None:
    budget = FailureBudget(40, percentage, fatal=fatal)
    budget.decided(HostResult("h", error=GuardRefused("no")))
    assert str(budget) == why
