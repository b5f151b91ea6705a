"""Processes that work on hosts (worker_process.py), as the process sees them that began the run and decides."""

import contextlib
import logging
import multiprocessing
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from ringfence.errors import HostError
from ringfence.report import HostResult
from ringfence.run.host_job import HostJob
from ringfence.run.host_threads import WorkOnHost, unknown_outcome
from ringfence.run.recorder import Recorder
from ringfence.run.reply_memory import MemoryShare, ReplyMemory
from ringfence.run.result_stream import ResultReader, new_key
from ringfence.run.worker_process import ASKS, ENDED, LOGS, work_on_hosts
from ringfence.transports import transport_for

LOG = logging.getLogger(__name__)
_TIME_TO_GO = 5.0  # seconds that one that has nothing to do gets to end by itself


class HostProcesses:
    """Hosts worked on in several processes, each with its threads. To be made while this process has no second thread. Raises
    OSError where the system has no process more to give.

    Whoever submits decides how many hosts there are at a time; each goes to the process that has the fewest. A process that dies
    takes its hosts along, and no others: what became of those that it was writing is not known, the rest have failed. Processes
    that are at work when the pool is closed are killed.
    """

    def __init__(self, jobs: Sequence[HostJob], work: WorkOnHost, forks: int, processes: int, recorder: Recorder) -> None:
        for settings in {type(job.settings): job.settings for job in jobs}.values():
            transport_for(settings)  # its libraries are imported once, and not again by each copy
        self._workers: list[_Worker] = []
        by_host, memory = {job.host: job for job in jobs}, ReplyMemory()
        try:
            for _ in range(processes):
                others = [worker.way for worker in self._workers]
                self._workers.append(_Worker(*_begun(others, by_host, work, forks), recorder, memory))
        except BaseException:
            self.close()
            raise
        for worker in self._workers:  # after the last was begun: what is copied has one thread
            worker.listens.start()
        LOG.debug("hosts are worked on in %d processes", processes)

    def submit(self, job: HostJob, **told: Any) -> "Future[HostResult]":
        """See host_threads.Submit."""
        future = Future[HostResult]()
        while living := [worker for worker in self._workers if not worker.ended]:
            if min(living, key=lambda worker: len(worker.running)).begin(job.host, told, future):
                return future
        future.set_result(HostResult(job.host, error=HostError("worker", "none is left to begin this one")))
        return future

    def close(self) -> None:
        for worker in self._workers:
            worker.end()
        for worker in self._workers:
            worker.join()
        self._workers.clear()


def _begun(others: Sequence[Connection], jobs: Mapping[str, HostJob], work: WorkOnHost,
           forks: int) -> tuple[BaseProcess, Connection, bytes]:
    """A process that waits for hosts, the way to it and the key of what it sends. Raises OSError."""
    copied, key = multiprocessing.get_context("fork"), new_key()
    here, there = copied.Pipe()
    process = copied.Process(target=work_on_hosts, args=(there, [here, *others], key, jobs, work, forks), daemon=True)
    try:
        process.start()
    except OSError:
        here.close()
        raise
    finally:
        there.close()
    return process, here, key


class _Worker:
    """One of them. running: the hosts that it works on · ended: it is dead, and takes no more."""

    def __init__(self, process: BaseProcess, way: Connection, key: bytes, recorder: Recorder, memory: ReplyMemory) -> None:
        self.way, self.running, self.ended = way, dict[str, Future[HostResult]](), False
        self.listens = threading.Thread(target=self._listen, name=f"results of {process.name}", daemon=True)
        self._process, self._reader, self._recorder, self._memory = process, ResultReader(key), recorder, memory
        self._shares = dict[str, MemoryShare]()
        self._changing, self._sending = threading.Lock(), threading.Lock()
        self._heard: Mapping[str, Callable[..., None]] = {ENDED: self._has_result, ASKS: self._asked, LOGS: _logged}
        self._answers: Mapping[str, Callable[..., Any]] = {
            "begins": recorder.begins, "has_written": recorder.has_written, "interruption": lambda: recorder.interruption.number}

    def begin(self, host: str, told: Mapping[str, Any], future: "Future[HostResult]") -> bool:
        """Have it work on a host, as it is told; False where it is dead."""
        with self._changing:
            if self.ended:
                return False
            self.running[host] = future
        self._send(None, (host, told), None)
        return True

    def end(self) -> None:
        """Nothing more comes; what it is at work on is not waited for."""
        if self.running:
            self._process.kill()
        else:
            self._send()

    def join(self) -> None:
        """Wait until it has ended; one that does not go by itself is killed."""
        if self.listens.ident is None:
            self.listens.start()
        self.listens.join(_TIME_TO_GO)
        self._process.kill()
        self.listens.join()
        self._process.close()
        self.way.close()

    def _send(self, *message: Any) -> None:
        with self._sending, contextlib.suppress(OSError):  # it is dead: whoever listens notices
            self.way.send(message)

    def _listen(self) -> None:
        try:
            while True:
                what, *told = self._reader.loads(self.way.recv_bytes())
                self._heard[what](*told)
        except (EOFError, OSError):
            pass
        except Exception:
            LOG.debug("%s said what nobody understands", self._process.name, exc_info=True)
            self._process.kill()
        self._lost()

    def _has_result(self, result: HostResult) -> None:
        with self._changing:
            future = self.running.pop(result.host)
        self._ended(result, future)

    def _asked(self, number: int, question: str, arguments: tuple[Any, ...]) -> None:
        if question == "memory":  # may have to wait for other hosts of the same process
            threading.Thread(target=self._take, args=(number, *arguments), name="memory", daemon=True).start()
            return
        try:
            self._send(number, self._answers[question](*arguments), None)
        except Exception as error:
            self._send(number, None, error)

    def _take(self, number: int, host: str, size: int) -> None:
        share = self._shares.setdefault(host, MemoryShare(self._memory))
        share.take(size)
        if self.ended:
            share.give_back()
        self._send(number, None, None)

    def _lost(self) -> None:
        """It has ended, and nothing is heard any more of the hosts that it worked on."""
        self._process.join()
        code = self._process.exitcode or 0
        why = signal.strsignal(-code) if code < 0 else f"exit code {code}"
        with self._changing:
            self.ended, left = True, dict(self.running)
            self.running.clear()
        for host, future in left.items():
            planned = self._recorder.writing.get(host)
            self._ended(unknown_outcome(planned, "worker", why or "") if planned else
                        HostResult(host, error=HostError("worker", why or "")), future)

    def _ended(self, result: HostResult, future: "Future[HostResult]") -> None:
        if share := self._shares.pop(result.host, None):
            share.give_back()
        self._recorder.decided(result)
        future.set_result(result)


def _logged(record: logging.LogRecord) -> None:
    logging.getLogger(record.name).handle(record)
