"""What a fleet's jobs are submitted to: threads of this process, or processes with threads of their own."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

from ringfence.errors import OutcomeUnknown
from ringfence.report import HostResult
from ringfence.run.host_job import HostJob
from ringfence.run.host_session import host_fault

HostWork = Callable[[HostJob], HostResult]


class HostPool(Protocol):
    """Works on hosts, each at the moment at which it is submitted or as soon as there is room."""

    def submit(self, job: HostJob) -> "Future[HostResult]":
        """What is going to become of the host. Its result says what went wrong; it raises nothing."""

    def close(self) -> None:
        """Nobody waits any longer for what is still under way."""


class HostThreads:
    """`forks` threads of this process. Those that are at work when it is closed go on until their connections end."""

    def __init__(self, work: HostWork, forks: int) -> None:
        self._work, self._threads = work, ThreadPoolExecutor(max_workers=forks, thread_name_prefix="host")

    def submit(self, job: HostJob) -> "Future[HostResult]":
        return self._threads.submit(result_of, self._work, job)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def result_of(work: HostWork, job: HostJob) -> HostResult:
    """What became of a host, whatever goes wrong with the work on it."""
    try:
        return work(job)
    except Exception as error:
        return HostResult(job.host, error=host_fault(job.host, error))


def unknown_outcome(planned: HostResult, kind: str, detail: str = "") -> HostResult:
    """What is known of a host that was being written, and of which nobody hears any more."""
    return HostResult(planned.host, planned.changes, planned.written, error=OutcomeUnknown(kind, detail),
                      diagnostics=planned.diagnostics, declared=planned.declared, undeclared=planned.undeclared)
