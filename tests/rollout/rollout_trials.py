"""Rollouts of 200 hosts of which some fail, by chance: who was begun when, and what is left behind. One seed is one trial."""

import argparse
import os
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from ringfence.errors import HostError, Lost, OutcomeUnknown, Restored, Unreachable
from ringfence.report import HostResult
from ringfence.rollout.rollout_policy import RolloutPolicy
from ringfence.rollout.waves import WaveSize
from ringfence.run.failure_budget import FailureBudget
from ringfence.run.fleet import RunObserver
from ringfence.run.host_job import HostJob
from ringfence.run.open_pool import open_pool
from ringfence.run.patience import Patience
from ringfence.run.recorder import Recorder
from ringfence.run.rollout import Rollout, planned_waves
from ringfence.run.wave_verification import WaveVerification
from ringfence.transports.connection_settings import LocalSettings

HOSTS, FAILING = 200, 0.1
ERRORS = (Restored(detail="x"), Lost(detail="x"), HostError("change_rejected", "x"), Unreachable("timeout"),
          OutcomeUnknown("network"))


@dataclass
class Outcome:
    """What a trial came to. wrong: hosts that were begun, or written, after the budget was spent."""

    budget: FailureBudget
    done: int = 0
    failures: int = 0
    not_begun: int = 0
    wrong: list[str] = field(default_factory=list)
    stopped: str = ""


class Watch(Recorder, RunObserver):
    """Notes whoever is begun, or written, though more have failed than may."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome, self.failed, self.guard = outcome, set[str](), threading.Lock()
        self.writes: set[str] = set()

    def decided(self, result: HostResult) -> None:
        super().decided(result)
        if result.failed:
            with self.guard:
                self.failed.add(result.host)

    @property
    def over(self) -> bool:
        """Whether the budget is spent, by what this saw itself."""
        with self.guard:
            return len(self.failed) * 100 > (self.outcome.budget.percentage or 0) * HOSTS

    def on_start(self, host: str) -> None:
        if self.over:
            self.outcome.wrong.append(f"{host} begun")

    def on_begin(self, result: HostResult) -> None:
        self.writes.add(result.host)


def trial(seed: int, processes: int = 1) -> Outcome:
    """One rollout."""
    rng = Random(seed)
    percentage = rng.choice((0, 1, 2, 5, 7.5, 100))
    sizes = rng.choice(((), (1, 20, 100), (WaveSize(10, percent=True),), (1, WaveSize(30, percent=True))))
    serial = tuple(size if isinstance(size, WaveSize) else WaveSize(size) for size in sizes)
    policy = RolloutPolicy(serial, max_fail_percentage=float(percentage))
    jobs = [HostJob(f"h{n}", LocalSettings(), rollout=policy) for n in range(HOSTS)]
    fate = {job.host: rng.choice(ERRORS) if rng.random() < FAILING else None for job in jobs}
    waits = {job.host: rng.random() < 0.02 for job in jobs}
    outcome = Outcome(FailureBudget(HOSTS, percentage))
    watch = Watch(outcome)

    def work(job: HostJob, write: bool = True) -> HostResult:
        if not write:
            return HostResult(job.host, waits=True)
        if waits[job.host]:
            time.sleep(0.001)
        watch.begins(HostResult(job.host))
        return HostResult(job.host, error=fate[job.host])

    forks = rng.choice((1, 4, 20))
    while processes > 1 and threading.active_count() > 1:  # of the trial before: a process with threads is not copied
        time.sleep(0.001)
    with open_pool(jobs, work, forks, processes, watch) as submit:
        rollout = Rollout(planned_waves(jobs, lambda job: frozenset(), str(seed)), work, forks, [watch], watch, submit=submit,
                          verification=WaveVerification(Path(), {}), total={policy: HOSTS}, patience=Patience())
        seen: list[HostResult] = list(rollout.results())
    outcome.done, outcome.not_begun, outcome.stopped = len(seen), len(rollout.not_begun), rollout.stopped
    outcome.failures = sum(r.failed for r in seen)
    outcome.wrong += _wrong(seen, rollout.not_begun, watch)
    return outcome


def _wrong(seen: Sequence[HostResult], not_begun: Sequence[str], watch: Watch) -> list[str]:
    told = [r.host for r in seen] + [*not_begun]
    found = [f"{host} written, and not told" for host in watch.writes - {r.host for r in seen}]
    found += [f"{host} both written and not begun" for host in watch.writes & set(not_begun)]
    return found + (["not every host once"] if sorted(told) != sorted(f"h{n}" for n in range(HOSTS)) else [])


def left_behind() -> tuple[int, int]:
    """Threads and open files of this process."""
    return threading.active_count(), len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m tests.rollout.rollout_trials -n 1000`: so many, from a seed on; tells the seeds that went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1)
    said = parser.parse_args(arguments)
    before, begun = left_behind(), time.monotonic()
    outcomes = {seed: trial(seed, said.processes) for seed in range(said.seed, said.seed + said.n)}
    while left_behind() > before and time.monotonic() - begun < 10:  # threads that have nothing to do end a moment later
        time.sleep(0.01)
    wrong = {seed: one.wrong[:3] for seed, one in outcomes.items() if one.wrong}
    until = time.monotonic() + 10
    while left_behind() > before and time.monotonic() < until:  # the last threads are about to end
        time.sleep(0.05)
    left = [now - then for now, then in zip(left_behind(), before, strict=True)]
    ended = sum(bool(one.stopped) for one in outcomes.values())
    print(f"{said.n} rollouts of {HOSTS} hosts, {ended} ended by their budget; wrong: {wrong or 'none'}; threads and files left "
          f"behind: {left}; {time.monotonic() - begun:.0f} s")
    return bool(wrong) or any(n > 0 for n in left)


if __name__ == "__main__":
    sys.exit(main())
