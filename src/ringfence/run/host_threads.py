"""Threads that work on hosts, and what is the same where processes do (host_processes.py)."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from ringfence.errors import OutcomeUnknown
from ringfence.report import HostResult
from ringfence.run.host_job import HostJob
from ringfence.run.host_session import host_fault
from ringfence.run.memory import one_heap
from ringfence.run.recorder import Recorder

WorkOnHost = Callable[..., HostResult]
"""What is done to a host: it gets the HostJob, and by name what else is said where a host is submitted."""
Submit = Callable[..., "Future[HostResult]"]
"""Has a host worked on, as soon as there is room: (HostJob, and by name what the work is told) -> what is going to become of
it. That raises nothing: what goes wrong is in the result. The recorder knows it before anybody else does."""


class HostThreads:
    """`forks` threads of this process. Those that are at work when they are closed go on until their connections end."""

    def __init__(self, work: WorkOnHost, forks: int, recorder: Recorder) -> None:
        self._work, self._recorder = work, recorder
        one_heap()
        self._threads = ThreadPoolExecutor(max_workers=forks, thread_name_prefix="host")

    def submit(self, job: HostJob) -> "Future[HostResult]":
        """See Submit."""
        return self._threads.submit(self._done, job)

    def close(self) -> None:
        """Nobody waits any longer for what is still under way."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _done(self, job: HostJob) -> HostResult:
        result = result_of(self._work, job)
        self._recorder.decided(result)
        return result


def result_of(work: WorkOnHost, job: HostJob, **told: object) -> HostResult:
    """What became of a host, whatever goes wrong with the work on it."""
    try:
        return work(job, **told)
    except Exception as error:
        return HostResult(job.host, error=host_fault(job.host, error))


def unknown_outcome(planned: HostResult, kind: str, detail: str = "") -> HostResult:
    """What is known of a host that was being written, and of which nobody hears any more."""
    return HostResult(planned.host, planned.changes, planned.written, error=OutcomeUnknown(kind, detail),
                      diagnostics=planned.diagnostics, declared=planned.declared, undeclared=planned.undeclared)


def with_time_of(result: HostResult, before: HostResult | None) -> HostResult:
    """A result with what an earlier look at the host has taken."""
    return result if before is None else replace(
        result, connections=result.connections + before.connections, seconds=round(result.seconds + before.seconds, 3))
