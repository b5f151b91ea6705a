"""Where the hosts of a run are worked on: in threads of this process, or in processes with threads of their own."""

import logging
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

from ringfence.run.host_job import HostJob
from ringfence.run.host_threads import Submit, WorkOnHost
from ringfence.run.recorder import Recorder
from ringfence.run_settings import AUTO

LOG = logging.getLogger(__name__)

@contextmanager
def open_pool(jobs: Sequence[HostJob], work: WorkOnHost, forks: int, processes: int | str, recorder: Recorder,
              ) -> Iterator[Submit | None]:
    """What hosts are submitted to, where as many processes as --processes says have something to do; None: threads are to work on
    them. That is so as well in a process that has threads already, for it cannot be copied safely.

    recorder: decides who is written, whichever process works on a host.
    """
    number = min(_cores() if processes == AUTO else int(processes), forks, len(jobs))
    if number < 2 or threading.active_count() > 1:
        yield None
        return
    from ringfence.run.host_processes import HostProcesses  # most runs have no use for these

    try:
        pool = HostProcesses(jobs, work, forks, number, recorder)
    except OSError as error:
        LOG.warning("hosts are worked on in one process: the system gives no other (%s)", error.strerror or error)
        yield None
        return
    with closing(pool):
        yield pool.submit


def _cores() -> int:
    """The cores that this process may use; 1 where no process can be copied."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
