"""Many hosts at once: results come as they are ready, one host's failure never stops the others, Ctrl-C ends at once."""

import gc
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice

from ringfence.report import HostResult
from ringfence.run.host import HostJob, host_fault

LOG = logging.getLogger(__name__)
_LOOK_FOR_GARBAGE = 10_000  # objects after which cycles are looked for; Python's 700 are a small part of one reply
_LOOK_UP = 0.5  # seconds after which a wait is begun anew: on Windows Ctrl-C does not end one


class RunObserver:
    """Sees a run go by, in the thread that reads its results. What it does not care for it need not have."""

    def on_start(self, host: str) -> None:
        """Work on a host begins."""

    def on_result(self, result: HostResult) -> None:
        """Work on a host has ended."""


class LogObserver(RunObserver):
    """A line in the log for each host."""

    def on_result(self, result: HostResult) -> None:
        LOG.info("%s: %s, %d changes, %d written, %d connections, %.2f s", result.host, result.status, len(result.changes),
                 len(result.written), result.connections, result.seconds)


def run_all(jobs: Iterable[HostJob], work: Callable[[HostJob], HostResult], forks: int,
            observers: Sequence[RunObserver] = ()) -> Iterator[HostResult]:
    """The results of `work` on every job, at most `forks` at a time, in the order in which they finish.

    Whoever stops reading (Ctrl-C is a KeyboardInterrupt where it is read) is not held up by hosts that are still at
    work: their threads go on until their connections end, and no further host is begun.
    """
    waiting = iter(jobs)
    pool = ThreadPoolExecutor(max_workers=max(1, forks), thread_name_prefix="host")
    running: set[Future[HostResult]] = set()
    looked = gc.get_threshold()
    gc.freeze()  # modules and what is declared stay to the end: to look for garbage in them again and again takes long
    gc.set_threshold(_LOOK_FOR_GARBAGE, *looked[1:])
    try:
        for job in islice(waiting, max(1, forks)):
            running.add(_begin(pool, work, job, observers))
        while running:
            done, running = wait(running, timeout=_LOOK_UP, return_when=FIRST_COMPLETED)
            for job in islice(waiting, len(done)):
                running.add(_begin(pool, work, job, observers))
            for future in done:
                result = future.result()
                for observer in observers:
                    observer.on_result(result)
                yield result
    finally:
        gc.set_threshold(*looked)
        gc.unfreeze()
        pool.shutdown(wait=False, cancel_futures=True)


def _begin(pool: ThreadPoolExecutor, work: Callable[[HostJob], HostResult], job: HostJob,
           observers: Sequence[RunObserver]) -> "Future[HostResult]":
    for observer in observers:
        observer.on_start(job.host)
    return pool.submit(_guarded, work, job)


def _guarded(work: Callable[[HostJob], HostResult], job: HostJob) -> HostResult:
    try:
        return work(job)
    except Exception as error:
        return HostResult(job.host, error=host_fault(job.host, error))
