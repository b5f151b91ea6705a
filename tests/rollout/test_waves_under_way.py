"""Waves as they go, with work that only says what becomes of a host: who is begun when, what ends the run, what is told of it."""

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ringfence.diagnostics import NOWHERE, Diagnostic
from ringfence.errors import ExitCode, HostError, OutsideWindow, RingfenceError, Unreachable
from ringfence.report import HostResult, WaveProgress
from ringfence.rollout.rollout_policy import RolloutPolicy
from ringfence.rollout.wave_checks import WaveCheck, parse_check
from ringfence.rollout.waves import WaveSize, parse_apart
from ringfence.run.fleet import RunObserver
from ringfence.run.host_job import HostJob
from ringfence.run.patience import Patience
from ringfence.run.recorder import Recorder
from ringfence.run.rollout import Rollout, RolloutWave, apart_keys, begun_first, planned_waves
from ringfence.run.wave_verification import WaveVerification
from ringfence.transports.connection_settings import LocalSettings

ONE_THEN_TWO = (WaveSize(1), WaveSize(2))
IN_WAVES = RolloutPolicy(ONE_THEN_TWO)
FAILED, LATER = HostError("change_rejected", "x"), OutsideWindow("later")
CHECK = parse_check({"connect": 443})


class Clock(Patience):
    """Time that passes at once. happens: each time that somebody waits."""

    def __init__(self) -> None:
        self.at = 100.0
        self.happens: Callable[[], None] = lambda: None

    def now(self) -> float:
        return self.at

    def wait(self, seconds: float) -> None:
        self.at += seconds
        self.happens()


class Checks(WaveVerification):
    """What is looked at after a wave. says: {number of the wave: what is wrong} · happens: each time that it is looked at."""

    def __init__(self) -> None:
        super().__init__(Path(), {})
        self.says: dict[int, list[str]] = {}
        self.happens: Callable[[], None] = lambda: None
        self.asked: list[tuple[int, tuple[str, ...]]] = []

    def failures(self, checks: Sequence[WaveCheck], number: int, hosts: Sequence[str]) -> list[str]:
        assert checks == (CHECK,)
        self.asked.append((number, tuple(hosts)))
        self.happens()
        return self.says.get(number, [])


class Record(Recorder, RunObserver):
    """Everything that is told, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []
        self.planned: list[list[str]] = []

    def rollout(self, waves: Sequence[Sequence[str]]) -> None:
        self.planned = [list(wave) for wave in waves]

    def on_wave(self, wave: WaveProgress) -> None:
        self.told.append(f"{'ended' if wave.ended else 'begun'} {wave.number} of {wave.of}: {' '.join(wave.hosts)}")

    def on_result(self, result: HostResult) -> None:
        self.told.append(f"{result.host} {result.status}")

    def on_signal(self, name: str, in_flight: Sequence[str], not_begun: Sequence[str]) -> None:
        self.told.append(f"{name}: {' '.join(sorted(not_begun))}")


class Run:
    """A run of hosts. fates: the errors of those that fail · synced: those at which nothing is to be written · invalid, later:
    those of which what is declared is wrong, as it is seen before they are written, or then."""

    def __init__(self, hosts: str, policy: RolloutPolicy = IN_WAVES, *,
                 fates: Mapping[str, RingfenceError] | None = None, synced: str = "", invalid: str = "", later: str = "",
                 waves: Sequence[RolloutWave] | None = None, policies: Mapping[str, RolloutPolicy] | None = None,
                 **more: Any) -> None:
        jobs = [HostJob(host, LocalSettings(), rollout=(policies or {}).get(host, policy)) for host in hosts]
        self.fates, self.synced, self.invalid, self.later = fates or {}, synced, invalid, later
        self.clock, self.checks, self.record = Clock(), Checks(), Record()
        self.worked: list[str] = []  # who was looked at (a?), and who was written
        self.interrupted_at = ""
        total = {one: sum(job.rollout == one for job in jobs) for one in dict.fromkeys(job.rollout for job in jobs)}
        self.run = Rollout(waves or planned_waves(jobs, lambda job: frozenset(), "x"), self.work, 1, [self.record], self.record,
                           verification=self.checks, total=total or {policy: 1}, patience=self.clock, **more)

    def work(self, job: HostJob, write: bool = True) -> HostResult:
        self.worked.append(job.host if write else f"{job.host}?")
        wrong = (Diagnostic(NOWHERE, "no"),) if job.host in (self.later if write else self.invalid) else ()
        found = HostResult(job.host, connections=1, seconds=1.0, diagnostics=wrong)
        if write:
            self.record.begins(found)
        if self.worked[-1] == self.interrupted_at:
            self.interrupt()
        if not write:
            return replace(found, waits=job.host not in self.synced and not wrong)
        return replace(found, error=self.fates.get(job.host))

    def interrupt(self) -> None:
        self.record.interruption.number = signal.SIGTERM

    def go(self) -> dict[str, HostResult]:
        return {result.host: result for result in self.run.results()}

    @property
    def end(self) -> tuple[str, ExitCode, str]:
        """Why it ended, what that comes to, and who was not begun."""
        return self.run.stopped, self.run.exit_code, "".join(sorted(self.run.not_begun))


WENT_WELL = ("", ExitCode.IN_SYNC, "")
NOBODY = "no host of the wave came through"


def test_each_wave_after_the_first_is_looked_at_before_one_of_it_is_written() -> None:
    """What that took counts: the look before the run, that at the wave, and the write."""
    run = Run("abcde", synced="c", seen={host: HostResult(host, connections=10, seconds=10.0) for host in "abcde"})
    results = run.go()
    assert run.worked == ["a", "b?", "c?", "b", "d?", "e?", "d", "e"]
    assert {host: (one.connections, one.seconds) for host, one in results.items()} == {
        "a": (11, 11.0), "b": (12, 12.0), "c": (11, 11.0), "d": (12, 12.0), "e": (12, 12.0)}
    assert run.record.told == ["begun 1 of 3: a", "a in_sync", "ended 1 of 3: a", "begun 2 of 3: b c", "c in_sync", "b in_sync",
                               "ended 2 of 3: b c", "begun 3 of 3: d e", "d in_sync", "e in_sync", "ended 3 of 3: d e"]
    assert [(one.counts["in_sync"], one.ended, one.stopped, one.verified) for one in run.run.waves] == [
        (1, True, "", None), (2, True, "", None), (2, True, "", None)]
    assert run.end == WENT_WELL


@pytest.mark.parametrize(("verify", "told"), [((), False), ((CHECK,), True)])
def test_one_wave_alone_is_told_of_where_something_is_looked_at_after_it(verify: tuple[WaveCheck, ...], told: bool) -> None:
    run = Run("ab", RolloutPolicy(verify=verify))
    run.go()
    waves = [one for one in run.record.told if "of 1" in one]
    assert (waves, len(run.run.waves), bool(run.checks.asked)) == (
        ["begun 1 of 1: a b", "ended 1 of 1: a b"] if told else [], int(told), told)


def test_two_waves_are_told_of() -> None:
    run = Run("ab")
    run.go()
    assert [one.hosts for one in run.run.waves] == [("a",), ("b",)]


@pytest.mark.parametrize(("fates", "end"), [
    ({"a": FAILED}, (NOBODY, ExitCode.ERROR, "bcde")),
    ({"b": FAILED}, WENT_WELL),  # the other one of its wave came through
    ({"b": FAILED, "c": Unreachable("timeout")}, (NOBODY, ExitCode.ERROR, "de")),
    ({"b": FAILED, "c": LATER}, (NOBODY, ExitCode.ERROR, "de")),  # whose time has not come has proven nothing
    ({"d": FAILED, "e": FAILED}, WENT_WELL)])  # nobody is left
def test_a_wave_of_which_nobody_comes_through_ends_the_run(fates: Mapping[str, RingfenceError],
                                                           end: tuple[str, ExitCode, str]) -> None:
    run = Run("abcde", fates=fates)
    run.go()
    assert run.end == end
    assert [one.stopped for one in run.run.waves if one.stopped] == [end[0]] * bool(end[0])


def test_a_host_of_which_what_is_declared_turns_out_to_be_wrong_did_not_come_through() -> None:
    run = Run("ab", later="a")
    run.go()
    assert run.end == (NOBODY, ExitCode.ERROR, "b")


def test_what_ends_a_wave_alone_is_told() -> None:
    """Hosts of it are left."""
    run = Run("abc", RolloutPolicy(any_errors_fatal=True), fates={"a": FAILED})
    run.go()
    assert run.end == ("1 of 3 hosts failed, and none may (any_errors_fatal)", ExitCode.ERROR, "bc")


def test_hosts_are_worked_on_where_they_are_submitted() -> None:
    submitted = list[tuple[str, dict[str, Any]]]()

    def submit(job: HostJob, **told: Any) -> Future[HostResult]:
        submitted.append((job.host, told))
        return pool.submit(run.work, job, **told)

    with ThreadPoolExecutor(1) as pool:
        run = Run("abc", submit=submit)
        run.go()
    assert submitted == [("a", {}), ("b", {"write": False}), ("c", {"write": False}), ("b", {}), ("c", {})]
    assert (run.worked, run.end) == (["a", "b?", "c?", "b", "c"], WENT_WELL)


FATAL = RolloutPolicy((WaveSize(2),), any_errors_fatal=True)
NONE_MAY = "1 of 5 hosts failed, and none may (any_errors_fatal)"


@pytest.mark.parametrize(("fates", "more", "end"), [
    ({"a": FAILED}, {}, (NONE_MAY, ExitCode.ERROR, "bcde")), ({"e": FAILED}, {}, WENT_WELL), ({"a": LATER}, {}, WENT_WELL),
    ({"b": Unreachable("timeout")}, {}, (NONE_MAY, ExitCode.ERROR, "cde")),
    ({"b": Unreachable("timeout")}, {"ignore_unreachable": True}, WENT_WELL),
    ({}, {"failed": [(FATAL, HostResult("z", error=FAILED))]}, (NONE_MAY, ExitCode.IN_SYNC, "abcde")),
    ({}, {"stopped": "because", "failed": [(FATAL, HostResult("z", error=FAILED))]}, ("because", ExitCode.ERROR, "abcde"))])
def test_what_ends_a_run(fates: Mapping[str, RingfenceError], more: dict[str, Any], end: tuple[str, ExitCode, str]) -> None:
    run = Run("abcde", FATAL, fates=fates, **more)
    results = run.go()
    assert run.end == end
    assert sorted([*results, *run.run.not_begun]) == list("abcde")
    assert not set(run.run.not_begun) & {one.strip("?") for one in run.worked}


def test_the_hosts_of_another_policy_have_failures_of_their_own() -> None:
    run = Run("abcd", policies={"a": FATAL, "b": FATAL}, fates={"c": FAILED})
    run.go()
    assert run.end == (NOBODY, ExitCode.ERROR, "d")
    run = Run("abcd", policies={"a": FATAL, "b": FATAL}, fates={"b": FAILED})
    run.go()
    assert run.end == ("1 of 2 hosts failed, and none may (any_errors_fatal)", ExitCode.ERROR, "cd")


def test_what_is_wrong_on_a_host_of_a_later_wave_ends_the_run_before_another_one_of_it_is_written() -> None:
    run = Run("abcde", invalid="c")
    results = run.go()
    assert {host: one.status for host, one in results.items()} == {"a": "in_sync", "c": "invalid"}
    assert (run.end[0], run.end[2]) == ("what is declared is wrong on a host of the wave", "bde")
    assert run.worked == ["a", "b?", "c?"]
    assert "c invalid" in run.record.told


# -- between two waves

def test_a_pause_is_between_two_waves() -> None:
    run = Run("abcd", RolloutPolicy(ONE_THEN_TWO, pause=30))
    at = list[tuple[str, float]]()
    for result in run.run.results():
        at.append((result.host, run.clock.at - 100))
    assert at == [("a", 0), ("b", 30), ("c", 30), ("d", 60)]


def test_a_signal_ends_a_pause_and_is_told_once() -> None:
    run = Run("abcd", RolloutPolicy(ONE_THEN_TWO, pause=30))
    run.clock.happens = run.interrupt
    assert [*run.go()] == ["a"]
    assert (run.end, run.clock.at - 100 < 1) == (("", ExitCode.IN_SYNC, "bcd"), True)
    assert run.record.told[3:] == ["SIGTERM: b c d"]


@pytest.mark.parametrize(("at", "left"), [("a", "bcd"), ("b?", "bcd"), ("b", "cd")])
def test_a_signal_while_hosts_are_worked_on_is_told_once(at: str, left: str) -> None:
    """Whoever is being written has a result, nobody else is begun."""
    run = Run("abcd")
    run.interrupted_at = at
    assert sorted([*run.go(), *run.run.not_begun]) == list("abcd")
    assert (run.end, run.worked[-1]) == (("", ExitCode.IN_SYNC, left), at)
    assert [one for one in run.record.told if one.startswith("SIG")] == [f"SIGTERM: {' '.join(left)}"]


def test_a_run_that_is_interrupted_ends_for_that() -> None:
    """Not for what became of the wave that was under way."""
    run = Run("abcd", fates={"a": FAILED})
    run.interrupted_at = "a"
    run.go()
    assert run.end == ("", ExitCode.IN_SYNC, "bcd")


def test_what_a_signal_ended_the_look_at_is_not_verified() -> None:
    run = Run("ab", RolloutPolicy(ONE_THEN_TWO, verify=(CHECK,)))
    run.checks.happens = lambda: os.kill(os.getpid(), signal.SIGTERM)
    with run.record.interruption.heard():
        run.go()
    assert ([one.verified for one in run.run.waves], run.end) == ([None, None], ("", ExitCode.IN_SYNC, "b"))


def test_a_signal_after_the_last_wave_has_nobody_left() -> None:
    run = Run("a", RolloutPolicy(verify=(CHECK,)))
    run.checks.happens = run.interrupt
    run.go()
    assert (run.record.told[-1], run.end) == ("SIGTERM: ", WENT_WELL)


@pytest.mark.parametrize(("answers", "end"), [
    ([True, True], WENT_WELL), ([False], ("somebody said not to go on", ExitCode.ERROR, "bcd")),
    ([True, False], ("somebody said not to go on", ExitCode.ERROR, "d"))])
def test_somebody_is_asked_before_each_further_wave(answers: list[bool], end: tuple[str, ExitCode, str]) -> None:
    asked = list[str]()

    def go_on(question: str) -> bool:
        asked.append(question)
        return answers[len(asked) - 1]

    run = Run("abcd", RolloutPolicy(ONE_THEN_TWO, pause="ask"), go_on=go_on)
    run.go()
    assert run.end == end
    assert asked == ["Go on with wave 2 of 3, 2 hosts?", "Go on with wave 3 of 3, 1 host?"][:len(answers)]


def test_nobody_is_asked_where_the_run_has_ended() -> None:
    asked = list[str]()
    run = Run("abcd", RolloutPolicy(ONE_THEN_TWO, pause="ask"), fates={"a": FAILED}, go_on=asked.append)
    run.go()
    assert (asked, run.end) == ([], (NOBODY, ExitCode.ERROR, "bcd"))


CHECKED = RolloutPolicy(ONE_THEN_TWO, verify=(CHECK,))


def test_what_does_not_hold_after_a_wave_ends_the_run() -> None:
    run = Run("abcde", CHECKED)
    run.checks.says = {2: ["one", "another"]}
    run.go()
    assert run.checks.asked == [(1, ("a",)), (2, ("b", "c"))]
    assert run.end == ("one; another", ExitCode.HOST_FAILED, "de")
    assert [(one.verified, one.stopped) for one in run.run.waves] == [(True, ""), (False, "one; another"), (None, "")]


def test_the_last_wave_is_looked_at_too_and_one_that_failed_is_not() -> None:
    run = Run("abc", CHECKED, fates={"b": FAILED, "c": FAILED})
    run.go()
    assert run.checks.asked == [(1, ("a",))]
    run = Run("abc", CHECKED, fates={"c": FAILED})
    run.checks.says = {2: ["wrong"]}
    run.go()
    assert (run.checks.asked[1:], run.end) == ([(2, ("b", "c"))], ("wrong", ExitCode.HOST_FAILED, ""))


def test_a_wave_whose_declarations_are_wrong_is_not_looked_at() -> None:
    run = Run("abcd", CHECKED, invalid="c", synced="b")
    run.go()
    assert (run.checks.asked, run.end[2]) == ([(1, ("a",))], "d")


# -- hosts whose time has not come

def test_so_many_of_the_next_wave_come_in_the_place_of_one_whose_time_has_not_come() -> None:
    """It proves nothing: nothing is looked at after it."""
    run = Run("abcd", replace(CHECKED, serial=(WaveSize(1), WaveSize(100, percent=True)), any_errors_fatal=True),
              fates={"a": LATER})
    run.go()
    assert run.record.planned == [["a"], ["b"], ["c", "d"]]
    assert run.checks.asked == [(2, ("b",)), (3, ("c", "d"))]
    assert [(one.number, one.of, one.hosts) for one in run.run.waves] == [(1, 3, ("a",)), (2, 3, ("b",)), (3, 3, ("c", "d"))]
    assert [one for one in run.record.told if "of" in one] == [
        "begun 1 of 2: a", "ended 1 of 3: a", "begun 2 of 3: b", "ended 2 of 3: b", "begun 3 of 3: c d", "ended 3 of 3: c d"]
    assert run.end == WENT_WELL


@pytest.mark.parametrize(("serial", "fates", "waves", "looked_at"), [
    ((2, 1), {"a": LATER}, 3, [1, 2, 3]),  # one of the two came through
    ((1, 1), {"a": LATER}, 4, [2, 3, 4]), ((4,), dict.fromkeys("abcd", LATER), 1, [])])
def test_waves_stay_as_they_are(serial: tuple[int, ...], fates: Mapping[str, RingfenceError], waves: int,
                                looked_at: list[int]) -> None:
    run = Run("abcd", RolloutPolicy(tuple(map(WaveSize, serial)), verify=(CHECK,)), fates=fates)
    run.go()
    assert (run.record.planned, len(run.run.waves), run.end) == ([], waves, WENT_WELL)
    assert [number for number, _ in run.checks.asked] == looked_at


def test_hosts_of_another_policy_do_not_move_up() -> None:
    run = Run("abcd", RolloutPolicy(), policies={"a": FATAL}, fates={"a": LATER})
    run.go()
    assert (run.record.planned, run.end) == ([], WENT_WELL)


# -- a run that is gone on with

def jobs(hosts: str, policy: RolloutPolicy = IN_WAVES) -> dict[str, HostJob]:
    return {host: HostJob(host, LocalSettings(), rollout=policy) for host in hosts}


def told(waves: Sequence[RolloutWave]) -> list[tuple[int, str, str]]:
    """The number of each, who is done, and who is to be written."""
    return [(wave.number, "".join(wave.done), "".join(job.host for job in wave.jobs)) for wave in waves]


def test_recorded_waves_are_kept_as_far_as_hosts_are_left() -> None:
    """Those of no wave come after them, in waves as they are now."""
    left = [*jobs("dcbfge").values()]
    found = planned_waves(left, lambda job: frozenset(), "x", [["a"], ["b", "c"], ["d", "e"]])
    assert told(found) == [(1, "", "cb"), (2, "", "de"), (3, "", "f"), (4, "", "g")]
    assert [wave.hosts for wave in found][:1] == [("c", "b")]


def test_hosts_of_each_policy_are_a_part_of_the_run() -> None:
    other = RolloutPolicy((WaveSize(1),), "reverse_inventory")
    mixed = [job for pair in zip(jobs("abc").values(), jobs("xyz", other).values(), strict=True) for job in pair]
    found = planned_waves(mixed, lambda job: frozenset("k") if job.host in "bc" else frozenset(), "x")
    assert told(found) == [(1, "", "a"), (2, "", "b"), (3, "", "c"), (4, "", "z"), (5, "", "y"), (6, "", "x")]


def test_the_wave_that_was_begun_last_comes_first_with_those_of_it_that_are_left() -> None:
    done, left = [*jobs("ab").values()], jobs("cde")
    planned = (RolloutWave(1, left["c"].rollout, (left["c"],)), RolloutWave(2, left["c"].rollout, (left["d"], left["e"])))
    assert told(begun_first(planned, done, {"d"})) == [(1, "ab", "de"), (2, "", "c")]
    assert told(begun_first(planned, done, frozenset())) == [(1, "ab", ""), (2, "", "c"), (3, "", "de")]
    assert begun_first(planned, done, {"d"})[0].hosts == ("a", "b", "d", "e")
    other = [*jobs("xy", FATAL).values()]
    assert told(begun_first(planned, [*other, *done], {"d"})) == [(1, "xy", ""), (2, "ab", "de"), (3, "", "c")]


def test_a_wave_that_is_done_is_looked_at_before_anybody_else_is_written() -> None:
    for says, end in (([], WENT_WELL), (["wrong"], ("wrong", ExitCode.HOST_FAILED, "c"))):
        planned = begun_first(planned_waves([*jobs("c", CHECKED).values()], lambda job: frozenset(), "x"),
                              [*jobs("ab", CHECKED).values()], frozenset())
        run = Run("abc", CHECKED, waves=planned)
        run.checks.says = {1: says}
        run.go()
        assert (run.checks.asked[0], run.end, "c" in run.worked) == ((1, ("a", "b")), end, not says)
        assert [one.before for one in run.run.waves] == [2, 0]


def test_a_wave_of_which_somebody_was_done_before_has_not_failed_for_the_others() -> None:
    left = jobs("cd")
    planned = (RolloutWave(1, IN_WAVES, (left["c"],), ("a", "b")), RolloutWave(2, IN_WAVES, (left["d"],)))
    run = Run("abcd", waves=planned, fates={"c": FAILED})
    run.go()
    assert (run.end, "d" in run.worked) == (WENT_WELL, True)


# -- who is never in one wave

EMPTY: tuple[Any, ...] = (None, "", [], {})


@pytest.mark.parametrize(("apart", "values", "shared"), [
    ("g", {"a": 1, "b": 2}, "ab"),
    ("g by v", {"a": 1, "b": 1}, "ab"), ("g by v", {"a": 1, "b": 2}, ""), ("g by v", {"a": 1, "b": "1"}, ""),
    ("g by v", {"a": 0, "b": 0}, "ab"), ("g by v", {"a": False, "b": False}, "ab"),
    *(("g by v", {"a": empty, "b": empty}, "") for empty in EMPTY),
    ("g by v", {"a": 1, "c": 1}, ""), ("none", {}, "")])
def test_what_hosts_have_in_common(apart: str, values: Mapping[str, Any], shared: str) -> None:
    """a and b are in the group, c is not."""
    def keys(job: HostJob) -> frozenset[str]:
        return apart_keys(job, {"g": ["a", "b"]}, lambda host, one: values.get(host))

    found = {host: keys(job) for host, job in jobs("abc", RolloutPolicy(apart=(parse_apart(apart),))).items()}
    assert (found["a"] & found["b"] != frozenset(), found["c"]) == (shared == "ab", frozenset())


def test_both_ends_of_a_tunnel_have_it_in_common_where_there_are_waves() -> None:
    def keys(policy: RolloutPolicy, host: str) -> frozenset[str]:
        job = replace(jobs(host, policy)[host], tunnels=frozenset({"192.0.2.1 192.0.2.2"}))
        return apart_keys(job, {}, lambda host, one: None)

    assert keys(FATAL, "a") & keys(FATAL, "b")
    assert not keys(RolloutPolicy(), "a")


def test_what_one_of_several_hosts_may_not_share_is_of_each_setting() -> None:
    apart = tuple(map(parse_apart, ("g", "g by v", "h")))
    found = apart_keys(jobs("a", RolloutPolicy(apart=apart))["a"], {"g": ["a"], "h": ["a"]}, lambda host, one: "x")
    assert len(found) == 3


