"""Many hosts: results as they come, one failure stops nobody, never more than `forks` at a time."""

import gc
import threading
import time
from collections.abc import Iterator

import pytest
from core import at, declared
from hosts import LabHost

from ringfence.errors import ExitCode, GuardRefused, HostError, Interrupted, Unreachable, combined_exit_code
from ringfence.report import HostResult, Report
from ringfence.run.failure_budget import FailureBudget
from ringfence.run.fleet import FleetRun, RunObserver, run_all
from ringfence.run.host import apply_host, plan_host
from ringfence.run.host_job import HostJob, RunContext
from ringfence.run.recorder import Recorder
from ringfence.transports.connection_settings import LocalSettings

RULE = at(1, name="r")


class Fleet:
    """Simulated hosts that declare one rule each, and the engine's work on them."""

    def __init__(self, count: int) -> None:
        self.hosts = {f"srv{i}": LabHost({}) for i in range(count)}
        self.context = RunContext(LabHost({}).context().kinds, lambda host, facts: ({}, []), lambda job: self.hosts[job.host])

    def jobs(self) -> list[HostJob]:
        return [HostJob(name, LocalSettings(), declared(RULE), 1) for name in self.hosts]

    def plan(self, job: HostJob) -> HostResult:
        return plan_host(job, self.context)

    def apply(self, job: HostJob) -> HostResult:
        return apply_host(job, self.context)


def jobs(count: int) -> list[HostJob]:
    return [HostJob(f"srv{i}", LocalSettings()) for i in range(count)]


@pytest.mark.parametrize("forks", [0, 1, 3, 100])
def test_every_host_has_one_result(forks: int) -> None:
    fleet = Fleet(20)
    results = list(run_all(fleet.jobs(), fleet.apply, forks))
    assert sorted(r.host for r in results) == sorted(f"srv{i}" for i in range(20))
    assert {r.status for r in results} == {"changed"}


def test_a_failure_counts_before_the_next_host_is_begun() -> None:
    recorder, worked = Recorder(), list[str]()
    recorder.budget = FailureBudget(3, 0)

    def work(job: HostJob) -> HostResult:
        worked.append(job.host)
        return HostResult(job.host, error=GuardRefused("no"))

    run = FleetRun(jobs(3), work, 1, recorder=recorder)
    assert [r.host for r in run.results()] == worked == ["srv0"]
    assert run.not_begun == ("srv1", "srv2")


def test_the_collector_is_as_it_was_after_a_run() -> None:
    before = gc.get_threshold(), gc.get_freeze_count()
    results = run_all(jobs(3), lambda one: HostResult(one.host), 2)
    next(results)
    assert gc.get_threshold() != before[0]
    assert gc.get_freeze_count() > before[1]
    assert len(list(results)) == 2
    assert gc.get_threshold() == before[0]
    assert gc.get_freeze_count() <= before[1]


def test_no_hosts_no_results() -> None:
    assert list(run_all([], Fleet(0).plan, 5)) == []


def test_one_failure_stops_nobody() -> None:
    fleet = Fleet(5)

    def work(job: HostJob) -> HostResult:
        if job.host == "srv1":
            raise Unreachable("timeout")
        if job.host == "srv2":
            raise ZeroDivisionError("a fault of ours")
        return fleet.plan(job)

    results = {r.host: r for r in run_all(fleet.jobs(), work, 2)}
    assert [results[f"srv{i}"].status for i in range(5)] == ["differs", "unreachable", "failed", "differs", "differs"]
    assert isinstance(results["srv2"].error, HostError)
    assert results["srv2"].error.kind == "internal"
    assert "ZeroDivisionError: a fault of ours" in str(results["srv2"].error)


def test_a_connection_that_cannot_even_be_made_is_that_hosts_result() -> None:
    def refuse(job: HostJob) -> LabHost:
        raise Unreachable("dns", "srv1.example")

    context = RunContext({}, lambda host, facts: ({}, []), refuse)
    (result,) = run_all(jobs(1), lambda job: plan_host(job, context), 1)
    assert (result.status, result.connections, result.exit_code) == ("unreachable", 0, ExitCode.UNREACHABLE)


def test_no_more_than_forks_at_once_and_no_host_is_waited_for_in_turn() -> None:
    lock, running, most = threading.Lock(), 0, 0

    def work(job: HostJob) -> HostResult:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.2 if job.host == "srv0" else 0.005)
        with lock:
            running -= 1
        return HostResult(job.host)

    results = [r.host for r in run_all(jobs(12), work, 3)]
    assert most == 3
    assert results[-1] == "srv0"


def test_results_and_jobs_are_streamed() -> None:
    """A fleet of any size: no job is made before it is its turn, no result is kept."""
    made = 0

    def endless() -> Iterator[HostJob]:
        nonlocal made
        while True:
            made += 1
            yield HostJob(f"srv{made}", LocalSettings())

    results = run_all(endless(), lambda job: HostResult(job.host), 4)
    for _ in range(10):
        next(results)
    assert made <= 10 + 2 * 4
    results.close()  # type: ignore[attr-defined]


def test_a_slow_host_does_not_hold_the_others_up() -> None:
    release = threading.Event()

    def work(job: HostJob) -> HostResult:
        if job.host == "slow":
            release.wait(10)
        return HostResult(job.host)

    results = run_all([HostJob("slow", LocalSettings()), *jobs(6)], work, 2)
    assert sorted(next(results).host for _ in range(6)) == [f"srv{i}" for i in range(6)]
    release.set()
    assert next(results).host == "slow"


@pytest.mark.parametrize(("results", "code", "lenient"), [
    ([], ExitCode.IN_SYNC, ExitCode.IN_SYNC), ([HostResult("a")], ExitCode.IN_SYNC, ExitCode.IN_SYNC),
    ([HostResult("a", error=Unreachable("timeout"))], ExitCode.UNREACHABLE, ExitCode.UNREACHABLE),
    ([HostResult("a", error=Unreachable("timeout")), HostResult("b", error=HostError("connection_lost"))],
     ExitCode.HOST_FAILED, ExitCode.HOST_FAILED),
    ([HostResult("a", error=GuardRefused("no")), HostResult("b", error=HostError("connection_lost"))], ExitCode.HOST_FAILED,
     ExitCode.HOST_FAILED),
    ([HostResult("a", error=GuardRefused("no")), HostResult("b", error=Unreachable("timeout"))], ExitCode.REFUSED,
     ExitCode.REFUSED),
])
def test_a_report_counts_and_forgets(results: list[HostResult], code: ExitCode, lenient: ExitCode) -> None:
    report = Report()
    for result in results:
        report.add(result)
    assert (report.exit_code(), report.exit_code(differences_fail=False)) == (code, lenient)
    assert report.counts.total() == len(results)


def test_differences_count_only_where_they_are_asked_for() -> None:
    report = Report()
    fleet = Fleet(2)
    for result in run_all(fleet.jobs(), fleet.plan, 2):
        report.add(result)
    assert (report.exit_code(), report.exit_code(differences_fail=False)) == (ExitCode.DIFFERENCES, ExitCode.IN_SYNC)
    assert (report.changes, report.written) == (2, 0)


def test_the_precedence_of_exit_codes() -> None:
    precedence = [ExitCode.HOST_FAILED, ExitCode.REFUSED, ExitCode.UNREACHABLE, ExitCode.STALE, ExitCode.ERROR,
                  ExitCode.DIFFERENCES, ExitCode.IN_SYNC]
    for i, code in enumerate(precedence):
        assert combined_exit_code(reversed(precedence[i:])) == code
    assert combined_exit_code([]) == ExitCode.IN_SYNC


def test_observers_see_every_host_begin_and_end() -> None:
    class Seen(RunObserver):
        def __init__(self) -> None:
            self.events: list[tuple[str, str]] = []

        def on_start(self, host: str) -> None:
            self.events.append(("start", host))

        def on_result(self, result: HostResult) -> None:
            self.events.append(("end", result.host))

    seen = Seen()
    for _ in run_all(jobs(3), lambda job: HostResult(job.host), 1, [seen]):
        pass
    assert seen.events == [
        ("start", "srv0"),
        ("start", "srv1"),
        ("end", "srv0"),
        ("start", "srv2"),
        ("end", "srv1"),
        ("end", "srv2"),
    ]


def test_whoever_stops_reading_is_not_held_up_and_no_further_host_is_begun() -> None:
    release, begun = threading.Event(), list[str]()

    def work(job: HostJob) -> HostResult:
        begun.append(job.host)
        if job.host != "srv0":
            release.wait(10)
        return HostResult(job.host)

    results = run_all(jobs(10), work, 2)
    start = time.monotonic()
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert time.monotonic() - start < 5
    release.set()
    assert len(begun) <= 3


def test_as_many_hosts_are_at_work_as_there_are_forks() -> None:
    """However few processors there are: most of the time a host is waited for."""
    together = threading.Barrier(40)

    def work(job: HostJob) -> HostResult:
        together.wait(30)
        return HostResult(job.host)

    assert len(list(run_all(jobs(40), work, 40))) == 40


def test_what_was_planned_is_not_written_once_more_have_failed_than_may() -> None:
    recorder = Recorder()
    recorder.budget = FailureBudget(3, 0)
    recorder.begins(HostResult("srv0"))
    recorder.decided(HostResult("srv1", error=GuardRefused("no")))
    with pytest.raises(Interrupted, match="nothing was written here"):
        recorder.begins(HostResult("srv2"))
    assert set(recorder.writing) == {"srv0"}
