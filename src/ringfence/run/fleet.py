"""Many hosts at once: results come as they are ready, and one host's failure never stops the others."""

import logging
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from itertools import islice

from ringfence.errors import HostError, RingfenceError
from ringfence.report import HostResult
from ringfence.run.converge import Job

LOG = logging.getLogger(__name__)


def each(jobs: Iterable[Job], work: Callable[[Job], HostResult], forks: int) -> Iterator[HostResult]:
    """The results of `work` on every job, at most `forks` at a time, in the order in which they finish."""
    waiting = iter(jobs)
    with ThreadPoolExecutor(max_workers=max(1, forks), thread_name_prefix="host") as pool:
        running = {pool.submit(_guarded, work, job) for job in islice(waiting, max(1, forks))}
        try:
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                running |= {pool.submit(_guarded, work, job) for job in islice(waiting, len(done))}
                yield from (future.result() for future in done)
        finally:
            for future in running:
                future.cancel()


def _guarded(work: Callable[[Job], HostResult], job: Job) -> HostResult:
    try:
        return work(job)
    except RingfenceError as error:
        return HostResult(job.host, error=error)
    except Exception as error:  # a fault of ours on one host is that host's result, not the fleet's end
        LOG.debug("%s", job.host, exc_info=True)
        return HostResult(job.host, error=HostError("internal", f"{type(error).__name__}: {error}"))
