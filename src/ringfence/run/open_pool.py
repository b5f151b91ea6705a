"""How a run gets the pool that its hosts are worked on in."""

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

from ringfence.run.host_job import HostJob
from ringfence.run.host_pool import HostPool, HostThreads, HostWork
from ringfence.run.recorder import Recorder
from ringfence.run_settings import AUTO


@contextmanager
def open_pool(jobs: Sequence[HostJob], work: HostWork, forks: int, processes: int | str, recorder: Recorder,
              ) -> Iterator[HostPool]:
    """A pool for these jobs, in as many processes as --processes says, where that many have something to do. A process that has
    threads already works on hosts in threads: it cannot be copied safely.

    recorder: decides who is written, whichever process works on a host.
    """
    number = min(_cores() if processes == AUTO else int(processes), forks, len(jobs))
    if number < 2 or threading.active_count() > 1:
        with closing(HostThreads(work, forks)) as threads:
            yield threads
        return
    from ringfence.run.host_processes import HostProcesses  # most runs have no use for these

    with closing(HostProcesses(jobs, work, forks, number, recorder)) as crew:
        yield crew


def _cores() -> int:
    """The cores that this process may use; 1 where no process can be copied."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
