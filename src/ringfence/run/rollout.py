"""A run over many hosts in waves: each is read, checked, changed and looked at before the next one begins."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from typing import Any, Protocol

from ringfence.errors import ExitCode, OutsideWindow
from ringfence.report import HostResult, WaveProgress
from ringfence.rollout.rollout_policy import ASK, RolloutPolicy
from ringfence.rollout.waves import Apart, in_order, waves
from ringfence.run.failure_budget import FailureBudget
from ringfence.run.fleet import FleetRun, RunObserver
from ringfence.run.host_job import HostJob
from ringfence.run.host_threads import Submit, with_time_of
from ringfence.run.patience import Patience
from ringfence.run.recorder import Recorder
from ringfence.run.wave_verification import WaveVerification

LOOK_UP = 0.2  # seconds after which a pause looks whether the run is to end


class HostWork(Protocol):
    """What is done to a host; not `write`: it is only read and planned."""

    def __call__(self, job: HostJob, write: bool = ...) -> HostResult: ...


@dataclass(frozen=True, slots=True)
class RolloutWave:
    """Hosts that are worked on together, numbered from 1. done: those of it to which a run before has written."""

    number: int
    policy: RolloutPolicy
    jobs: tuple[HostJob, ...]
    done: tuple[str, ...] = ()

    @property
    def hosts(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.done, *(job.host for job in self.jobs))


def planned_waves(jobs: Sequence[HostJob], apart: Callable[[HostJob], frozenset[str]], run_id: str,
                  recorded: Sequence[Sequence[str]] = ()) -> tuple[RolloutWave, ...]:
    """The waves of a run. Hosts with one policy are a part of it, one part goes after the other. apart: what a host may have in
    common with no other one of its wave · recorded: the waves of a run that is gone on with: they are kept, as far as hosts are
    left, and come before what is in none."""
    found: list[RolloutWave] = []
    place = {host: number for number, wave in enumerate(recorded) for host in wave}
    policies = [*dict.fromkeys(job.rollout for job in jobs)]
    for policy in policies:
        mine = {job.host: job for job in jobs if job.rollout == policy}
        known = sorted((host for host in mine if host in place), key=lambda host: place[host])
        new = in_order([host for host in mine if host not in place], policy.order, run_id)
        keys = {host: apart(mine[host]) for host in new}
        again = [tuple(hosts) for _, hosts in groupby(known, key=lambda host: place[host])]
        for hosts in [*again, *waves(new, policy.serial, keys)]:
            found.append(RolloutWave(len(found) + 1, policy, tuple(mine[host] for host in hosts)))
    return tuple(found)


def begun_first(planned: Sequence[RolloutWave], done: Sequence[HostJob], others: Set[str]) -> tuple[RolloutWave, ...]:
    """The waves of a run that is gone on with, those of `done` at first: hosts of the wave begun last, at which somebody has to
    look before anything is written elsewhere. others: hosts of that wave which are still to be written together with them."""
    first, rest = list[RolloutWave](), [*planned]
    for policy in dict.fromkeys(job.rollout for job in done):
        same = (one for one in rest if one.policy == policy and not others.isdisjoint(one.hosts))
        wave = next(same, RolloutWave(0, policy, ()))
        rest = [one for one in rest if one is not wave]
        first.append(replace(wave, done=tuple(job.host for job in done if job.rollout == policy)))
    return tuple(replace(wave, number=number) for number, wave in enumerate([*first, *rest], 1))


class _SignalSeen(RunObserver):
    happened = False

    def on_signal(self, name: str, in_flight: Sequence[str], not_begun: Sequence[str]) -> None:
        self.happened = True


class Rollout:
    """`work` on every job, wave after wave. Has the results as FleetRun has them, and ends as it does.

    Every host was read before, so that the first wave need not be; seen: {host: what that took} · total: hosts of the whole run,
    by policy · failed: those of it that have failed already · go_on: asks somebody whether the next wave is to begin ·
    submit: see FleetRun · stopped: why it must not begin.
    """

    def __init__(self, planned: Sequence[RolloutWave], work: HostWork, forks: int, observers: Sequence[RunObserver],
                 recorder: Recorder, *, verification: WaveVerification, total: Mapping[RolloutPolicy, int],
                 failed: Sequence[tuple[RolloutPolicy, HostResult]] = (), ignore_unreachable: bool = False,
                 seen: Mapping[str, HostResult] | None = None, patience: Patience,
                 go_on: Callable[[str], bool] = lambda question: True, submit: Submit | None = None, stopped: str = "") -> None:
        self._planned, self._work, self._forks, self._observers = [*planned], work, forks, observers
        self._recorder, self._patience = recorder, patience
        self._verification, self._seen, self._go_on, self._submit = verification, seen or {}, go_on, submit
        self._budgets = {policy: FailureBudget(number, policy.percentage, ignore_unreachable, policy.any_errors_fatal)
                         for policy, number in total.items()}
        for policy, result in failed:
            self._budgets[policy].decided(result)
        self._stopped: list[str] = []
        self._signal = _SignalSeen()
        self.stopped = stopped
        """Why no further host was begun, though nobody interrupted the run."""
        self.exit_code = ExitCode.ERROR if self.stopped else ExitCode.IN_SYNC
        """What that comes to, beside what became of hosts."""
        told = len(planned) > 1 or any(wave.policy.verify for wave in planned)
        self.waves = _progress(planned, len(planned)) if told else ()
        """As they go; none where there is one alone, and nothing is looked at after it."""

    @property
    def not_begun(self) -> tuple[str, ...]:
        """The hosts to which nothing was written because the run was ended before."""
        return tuple(self._stopped)

    def results(self) -> Iterator[HostResult]:
        """The results, in the order in which they finish."""
        for wave in self._planned:  # those behind the one under way may be cut anew
            self._recorder.budget = budget = self._budgets[wave.policy]
            if not self.stopped and budget.spent:
                self.stopped = f"{budget}"
            if not self.stopped and wave.number > 1:
                self._pause(wave)
            if self.stopped or self._recorder.ends_run:
                self._stopped += [job.host for job in wave.jobs]
                continue
            yield from self._wave(wave)
        self._tell_signal()

    def _tell_signal(self) -> None:
        """Where nothing was being written when somebody wanted the run to end, nobody has been told yet."""
        if self._recorder.interruption and not self._signal.happened:
            for observer in self._observers:
                observer.on_signal(self._recorder.interruption.name, (), self._stopped)

    def _pause(self, wave: RolloutWave) -> None:
        """Waits, or asks; neither where the run is to end."""
        pause = wave.policy.pause
        if pause == ASK:
            hosts = "1 host" if len(wave.jobs) == 1 else f"{len(wave.jobs)} hosts"
            question = f"Go on with wave {wave.number} of {len(self._planned)}, {hosts}?"
            if self._recorder.interruption.cut_short(partial(self._go_on, question)) is False:
                self.stopped, self.exit_code = "somebody said not to go on", ExitCode.ERROR
            return
        until = self._patience.now() + float(pause)
        while not self._recorder.ends_run and (left := until - self._patience.now()) > 0:
            self._patience.wait(min(LOOK_UP, left))

    def _wave(self, wave: RolloutWave) -> Iterator[HostResult]:
        """One wave: what is wrong on a host of it ends the run before one of it is written."""
        begun, counts = time.monotonic(), Counter[str]()
        progress = self.waves[wave.number - 1] if self.waves else WaveProgress(wave.number, 1, ())
        self._tell(progress)
        behind = [job.host for later in self._planned[wave.number:] for job in later.jobs]
        succeeded, later = False, 0
        for result in self._worked(wave, behind):
            counts[result.status] += 1
            succeeded = succeeded or (result.error is None and not result.failed)
            later += isinstance(result.error, OutsideWindow)
            yield result
        progress.counts, progress.seconds, progress.ended = counts, time.monotonic() - begun, True
        if later == len(wave.hosts):
            self._move_up(wave)
        elif not self._recorder.interruption:
            self._look_at(wave, progress, succeeded or bool(wave.done), bool(behind or self._stopped))
        self._tell(progress)

    def _worked(self, wave: RolloutWave, behind: Sequence[str]) -> Iterator[HostResult]:
        if wave.number == 1:
            jobs, looked = wave.jobs, {job.host: self._seen[job.host] for job in wave.jobs if job.host in self._seen}
        else:
            jobs, looked, ended = self._looked(wave)
            yield from ended
            if any(result.status == "invalid" for result in ended):
                self.stopped = "what is declared is wrong on a host of the wave"
                self._stopped += [job.host for job in jobs]
                return
        fleet = FleetRun(jobs, self._work, self._forks, [*self._observers, self._signal], self._recorder, behind,
                         looked=looked, submit=self._submit)
        yield from fleet.results()
        self._stopped += fleet.not_begun

    def _looked(self, wave: RolloutWave) -> tuple[tuple[HostJob, ...], dict[str, HostResult], list[HostResult]]:
        """The jobs that are to be written, what looking at them took, and the results of the others."""
        looked, ended = dict[str, HostResult](), list[HostResult]()
        fleet = FleetRun(wave.jobs, partial(self._work, write=False), self._forks, (), self._recorder,
                         submit=self._submit and partial(self._submit, write=False))
        for result in fleet.results():
            if result.waits:
                looked[result.host] = with_time_of(HostResult(result.host, connections=result.connections,
                                                               seconds=result.seconds), self._seen.get(result.host))
            else:
                result = with_time_of(result, self._seen.get(result.host))
                ended.append(result)
                for observer in self._observers:
                    observer.on_result(result)
        self._stopped += fleet.not_begun
        return tuple(job for job in wave.jobs if job.host in looked), looked, ended

    def _look_at(self, wave: RolloutWave, progress: WaveProgress, succeeded: bool, more: bool) -> None:
        """Whether the next wave may begin. more: whether hosts are left."""
        budget = self._recorder.budget
        if budget.spent or not succeeded:
            why = str(budget) if budget.spent else "no host of the wave came through"
            if more:  # which is no success where those that were not reached do not count
                self.stopped, self.exit_code = self.stopped or why, ExitCode.ERROR
        elif wave.policy.verify and not self.stopped:
            wrong = self._recorder.interruption.cut_short(
                partial(self._verification.failures, wave.policy.verify, wave.number, wave.hosts))
            progress.verified = None if wrong is None else not wrong
            if wrong:
                self.stopped, self.exit_code = "; ".join(wrong), ExitCode.HOST_FAILED
        progress.stopped = self.stopped

    def _move_up(self, wave: RolloutWave) -> None:
        """No host of a wave may be changed at this time: that is no failure, and proves nothing. So many of the next wave come
        first, in its place."""
        following, size = self._planned[wave.number:], len(wave.jobs)
        if not following or following[0].policy != wave.policy or len(following[0].jobs) <= size:
            return
        first, *others = following
        cut = [replace(first, jobs=first.jobs[:size]), replace(first, jobs=first.jobs[size:]), *others]
        self._planned[wave.number:] = [replace(one, number=number) for number, one in enumerate(cut, wave.number + 1)]
        for progress in self.waves:
            progress.of = len(self._planned)
        self.waves = (*self.waves[:wave.number], *_progress(self._planned[wave.number:], len(self._planned)))
        self._recorder.rollout([one.hosts for one in self._planned])

    def _tell(self, progress: WaveProgress) -> None:
        if self.waves:
            for observer in self._observers:
                observer.on_wave(progress)


def _progress(planned: Sequence[RolloutWave], number: int) -> tuple[WaveProgress, ...]:
    return tuple(WaveProgress(w.number, number, w.hosts, before=len(w.done)) for w in planned)


def apart_keys(job: HostJob, groups: Mapping[str, Any], value: Callable[[str, Apart], object]) -> frozenset[str]:
    """What a host may have in common with no other one of its wave: groups and values that its policy says, and its tunnels.
    value: what a host has of what keeps it apart."""
    found = {f"tunnel {ends}" for ends in job.tunnels} if job.rollout.serial else set[str]()
    for one in job.rollout.apart:
        if job.host in groups.get(one.group, ()):
            told = value(job.host, one) if one.by else ""
            if not one.by or told not in (None, "", [], {}):
                found.add(f"{one} {told!r}")
    return frozenset(found)
