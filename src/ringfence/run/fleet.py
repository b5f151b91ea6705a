"""Many hosts at once: results come as they are ready, one host's failure never stops the others, a signal begins no further."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait

from ringfence.errors import Interrupted
from ringfence.report import HostResult, WaveProgress
from ringfence.run.host_job import HostJob
from ringfence.run.host_threads import HostThreads, Submit, unknown_outcome, with_time_of
from ringfence.run.interruption import GRACE
from ringfence.run.memory import rarely_collected
from ringfence.run.recorder import Recorder
from ringfence.run.same_machine import SameMachine

LOG = logging.getLogger(__name__)
_LOOK_UP = 0.2  # seconds after which a wait is begun anew: signals are looked for in between, and on Windows they end no wait


class RunObserver:
    """Sees a run go by, in the thread that reads its results. What it does not care for it need not have."""

    def on_start(self, host: str) -> None:
        """Work on a host begins."""

    def on_result(self, result: HostResult) -> None:
        """Work on a host has ended."""

    def on_wave(self, wave: WaveProgress) -> None:
        """A wave of hosts begins, or has ended."""

    def on_signal(self, name: str, in_flight: Sequence[str], not_begun: Sequence[str]) -> None:
        """Somebody wants the run to end: hosts that are being written are waited for a moment, no other is begun."""


class LogObserver(RunObserver):
    """A line in the log for each host."""

    def on_result(self, result: HostResult) -> None:
        LOG.info("%s: %s, changes: %d, written: %d, connections: %d, %.2f s", result.host, result.status, len(result.changes),
                 len(result.written), result.connections, result.seconds)


class FleetRun:
    """`work` on every job, at most `forks` at a time.

    recorder: knows which hosts are being written, and whether it all is to end: somebody wants that, or too many hosts have
    failed. After that `not_begun` are the hosts to which nothing was written for it; `behind`: those that would come after these.
    looked: what an earlier look at hosts has taken · submit: has hosts worked on where threads of this run do not · machines:
    those that answer, where two hosts may not be one.
    """

    def __init__(self, jobs: Iterable[HostJob], work: Callable[[HostJob], HostResult], forks: int,
                 observers: Sequence[RunObserver] = (), recorder: Recorder | None = None, behind: Sequence[str] = (), *,
                 looked: Mapping[str, HostResult] | None = None, submit: Submit | None = None,
                 machines: SameMachine | None = None) -> None:
        self._behind, self._looked, self._machines = behind, looked or {}, machines
        self._waiting, self._forks = iter(jobs), max(1, forks)
        self._observers, self._recorder = observers, recorder or Recorder()
        self._interruption = self._recorder.interruption
        self._threads = HostThreads(work, self._forks, self._recorder)
        self._submit = submit or self._threads.submit
        self._running: dict[Future[HostResult], str] = {}
        self._stopped: list[str] = []  # hosts that were begun, and to which nothing was written

    @property
    def not_begun(self) -> tuple[str, ...]:
        """The hosts to which nothing was written because the run was ended before."""
        return tuple(self._stopped)

    def results(self) -> Iterator[HostResult]:
        """The results, in the order in which they finish. Those of hosts that were being written when the time after a signal
        was over say that nobody knows.

        Whoever stops reading is not held up by hosts that are still at work: their threads go on until their connections end,
        and no further host is begun.
        """
        with rarely_collected():
            yield from self._results()

    def _results(self) -> Iterator[HostResult]:
        deadline = None
        try:
            self._begin(self._forks)
            while self._running:
                done, _ = wait(self._running, timeout=_LOOK_UP, return_when=FIRST_COMPLETED)
                self._begin(len(done))
                if self._interruption and deadline is None:
                    deadline = self._interrupted()
                yield from self._ended(done)
                if deadline is not None and (time.monotonic() > deadline or not self._recorder.writing):
                    yield from self._left_behind()
                    return
            if self._recorder.ends_run:
                self._stop_waiting()
        finally:
            self._threads.close()

    def _begin(self, number: int) -> None:
        for _ in range(number):
            with self._recorder.starting() as may_begin:
                job = next(self._waiting, None) if may_begin else None
                if job is None:
                    return
                for observer in self._observers:
                    observer.on_start(job.host)
                self._running[self._submit(job)] = job.host

    def _ended(self, done: set[Future[HostResult]]) -> Iterator[HostResult]:
        for future in done:
            host, result = self._running.pop(future), future.result()
            result = self._machines.judged(result) if self._machines else result
            self._recorder.ends(host)
            self._recorder.decided(result)  # also of those that nobody was left to begin
            result = with_time_of(result, self._looked.get(host))
            if isinstance(result.error, Interrupted):
                self._stopped.append(host)
                continue
            for observer in self._observers:
                observer.on_result(result)
            yield result

    def _stop_waiting(self) -> None:
        """No further host is begun."""
        self._stopped += [job.host for job in self._waiting]

    def _interrupted(self) -> float:
        """Tells the observers; returns until when hosts that are being written are waited for."""
        in_flight = list(self._recorder.writing)
        self._stop_waiting()
        not_begun = [*self._stopped, *self._behind, *(host for host in self._running.values() if host not in in_flight)]
        for observer in self._observers:
            observer.on_signal(self._interruption.name, in_flight, not_begun)
        return time.monotonic() + GRACE

    def _left_behind(self) -> Iterator[HostResult]:
        """What is known of hosts that are not waited for any longer."""
        writing = self._recorder.writing
        self._stopped += [host for host in self._running.values() if host not in writing]
        for result in writing.values():
            unknown = unknown_outcome(result, "interrupted")
            for observer in self._observers:
                observer.on_result(unknown)
            yield unknown
        self._running.clear()


def run_all(jobs: Iterable[HostJob], work: Callable[[HostJob], HostResult], forks: int,
            observers: Sequence[RunObserver] = ()) -> Iterator[HostResult]:
    """The results of a FleetRun that nobody interrupts and nobody records."""
    return FleetRun(jobs, work, forks, observers).results()
