"""A process that works on hosts for the one that began the run: it is told which, asks what it may, and tells the results.

It is a copy of that process (fork), so that nothing of the project is read twice or travels: jobs are known by their hosts.
"""

import itertools
import logging
import os
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from logging.handlers import QueueHandler
from multiprocessing.connection import Connection
from typing import Any

from ringfence.report import HostResult
from ringfence.run.host_job import HostJob
from ringfence.run.host_session import host_fault
from ringfence.run.host_threads import WorkOnHost, result_of
from ringfence.run.interruption import SIGNALS
from ringfence.run.main_process import works_for
from ringfence.run.memory import one_heap, rarely_collected
from ringfence.run.result_stream import ResultWriter

ENDED, ASKS, LOGS = "ended", "asks", "logs"  # messages to the process that began the run


def work_on_hosts(way: Connection, others: Sequence[Connection], key: bytes, jobs: Mapping[str, HostJob], work: WorkOnHost,
                  forks: int) -> None:
    """Work on the hosts that come by `way` until nothing more does. others: ends of ways that a copy has, and must not keep."""
    for number in SIGNALS:  # terminals and service managers send them to every process; what they mean the first one says
        signal.signal(number, signal.SIG_IGN)
    for other in others:
        other.close()
    worker = WorkerProcess(way, key, jobs, work, forks)
    works_for(worker)
    log = logging.getLogger("ringfence")
    log.handlers[:] = [_LogForwarder(worker.send)]
    one_heap()
    with rarely_collected():
        worker.run()


class WorkerProcess:
    """This process, as what it does for the main one."""

    def __init__(self, way: Connection, key: bytes, jobs: Mapping[str, HostJob], work: WorkOnHost, forks: int) -> None:
        self._way, self._writer, self._sending = way, ResultWriter(key), threading.Lock()
        self._jobs, self._work = jobs, work
        self._threads = ThreadPoolExecutor(max_workers=forks, thread_name_prefix="host")
        self._numbers, self._asked = itertools.count(), dict[int, Future[Any]]()

    def run(self) -> None:
        """Do what is told. Where the main process is gone this one ends at once, whatever is under way: as its threads would."""
        try:
            while message := self._way.recv():
                number, told, error = message
                if number is None:
                    self._threads.submit(self._host, *told)
                elif error:
                    self._asked.pop(number).set_exception(error)
                else:
                    self._asked.pop(number).set_result(told)
        except (EOFError, OSError):
            os.kill(os.getpid(), signal.SIGKILL)
        self._threads.shutdown()

    def ask(self, question: str, *arguments: Any) -> Any:
        """The answer of the main process. Raises what it raises there."""
        number, answer = next(self._numbers), Future[Any]()
        self._asked[number] = answer
        self.send(ASKS, number, question, arguments)
        return answer.result()

    def send(self, *message: Any) -> None:
        """Tell the main process. Raises what pickle raises."""
        with self._sending:
            self._way.send_bytes(self._writer.dumps(message))

    def _host(self, host: str, told: Mapping[str, Any]) -> None:
        result = result_of(self._work, self._jobs[host], **told)
        try:
            self.send(ENDED, result)
        except OSError:
            pass  # nobody is there any more
        except Exception as error:  # a value that cannot travel, of a kind of the project's own
            self.send(ENDED, HostResult(host, error=host_fault(host, error)))


class _LogForwarder(QueueHandler):
    """Log records go where those of the main process go."""

    def __init__(self, send: Callable[..., None]) -> None:
        super().__init__(None)  # type: ignore[arg-type]
        self._send = send

    def enqueue(self, record: logging.LogRecord) -> None:
        self._send(LOGS, record)
