"""Many hosts: results as they come, one failure stops nobody, never more than `forks` at a time."""

import threading
import time
from collections.abc import Iterator

import pytest
from core import KINDS, FakeHost, at, want

from ringfence.batch import Batch, Reply
from ringfence.errors import (
    DIFFERENCES,
    FAILED,
    HOSTS_FAILED,
    IN_SYNC,
    REFUSED,
    STALE,
    UNREACHABLE,
    HostError,
    Refused,
    Unreachable,
    worst,
)
from ringfence.report import HostResult, Report
from ringfence.run.converge import Job, apply, plan
from ringfence.run.fleet import each

RULE = want(at(1, name="r"))


def jobs(count: int) -> list[Job]:
    return [Job(f"srv{i}", RULE, FakeHost().connect) for i in range(count)]


@pytest.mark.parametrize("forks", [0, 1, 3, 100])
def test_every_host_has_one_result(forks: int) -> None:
    results = list(each(jobs(20), lambda job: apply(job, KINDS), forks))
    assert sorted(r.host for r in results) == sorted(f"srv{i}" for i in range(20))
    assert {r.status for r in results} == {"changed"}


def test_no_hosts_no_results() -> None:
    assert list(each([], lambda job: plan(job, KINDS), 5)) == []


def test_one_failure_stops_nobody() -> None:
    def work(job: Job) -> HostResult:
        if job.host == "srv1":
            raise Unreachable("timeout")
        if job.host == "srv2":
            raise ZeroDivisionError("a fault of ours")
        return plan(job, KINDS)

    results = {r.host: r for r in each(jobs(5), work, 2)}
    assert [results[f"srv{i}"].status for i in range(5)] == ["differs", "unreachable", "failed", "differs", "differs"]
    assert isinstance(results["srv2"].error, HostError)
    assert results["srv2"].error.kind == "internal"
    assert "ZeroDivisionError: a fault of ours" in str(results["srv2"].error)


def test_a_connection_that_cannot_even_be_made_is_that_hosts_result() -> None:
    def refuse() -> FakeHost:
        raise Unreachable("name", "srv1.example")

    (result,) = each([Job("srv1", RULE, refuse)], lambda job: plan(job, KINDS), 1)
    assert (result.status, result.trips, result.exit_code) == ("unreachable", 0, UNREACHABLE)


def test_no_more_than_forks_at_once_and_no_host_is_waited_for_in_turn() -> None:
    lock, running, most = threading.Lock(), 0, 0

    def work(job: Job) -> HostResult:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.2 if job.host == "srv0" else 0.005)
        with lock:
            running -= 1
        return HostResult(job.host)

    results = [r.host for r in each(jobs(12), work, 3)]
    assert most == 3
    assert results[-1] == "srv0"


def test_results_and_jobs_are_streamed() -> None:
    """A fleet of any size: no job is made before it is its turn, no result is kept."""
    made = 0

    def endless() -> Iterator[Job]:
        nonlocal made
        while True:
            made += 1
            yield Job(f"srv{made}", RULE, FakeHost().connect)

    results = each(endless(), lambda job: HostResult(job.host), 4)
    for _ in range(10):
        next(results)
    assert made <= 10 + 2 * 4
    results.close()  # type: ignore[attr-defined]


def test_a_slow_host_does_not_hold_the_others_up() -> None:
    release = threading.Event()

    class Slow(FakeHost):
        def run(self, batch: Batch) -> Reply:
            release.wait(10)
            return super().run(batch)

    results = each([Job("slow", RULE, Slow().connect), *jobs(6)], lambda job: plan(job, KINDS), 2)
    assert sorted(next(results).host for _ in range(6)) == [f"srv{i}" for i in range(6)]
    release.set()
    assert next(results).host == "slow"


@pytest.mark.parametrize(("results", "code", "lenient"), [
    ([], IN_SYNC, IN_SYNC), ([HostResult("a")], IN_SYNC, IN_SYNC),
    ([HostResult("a", error=Unreachable("timeout"))], UNREACHABLE, UNREACHABLE),
    ([HostResult("a", error=Unreachable("timeout")), HostResult("b", error=HostError("lost"))], HOSTS_FAILED, HOSTS_FAILED),
    ([HostResult("a", error=Refused("no")), HostResult("b", error=HostError("lost"))], REFUSED, REFUSED),
])
def test_a_report_counts_and_forgets(results: list[HostResult], code: int, lenient: int) -> None:
    report = Report()
    for result in results:
        report.add(result)
    assert (report.exit_code(), report.exit_code(differences=False)) == (code, lenient)
    assert report.counts.total() == len(results)


def test_differences_count_only_where_they_are_asked_for() -> None:
    report = Report()
    for result in each(jobs(2), lambda job: plan(job, KINDS), 2):
        report.add(result)
    assert (report.exit_code(), report.exit_code(differences=False), report.changes, report.made) == (DIFFERENCES, IN_SYNC, 2, 0)


def test_the_precedence_of_exit_codes() -> None:
    precedence = [REFUSED, HOSTS_FAILED, UNREACHABLE, STALE, FAILED, DIFFERENCES, IN_SYNC]
    for i, code in enumerate(precedence):
        assert worst(reversed(precedence[i:])) == code
    assert worst([]) == IN_SYNC
