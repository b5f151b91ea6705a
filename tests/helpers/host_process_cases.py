"""As a program: `host_process_cases.py CASE` works on hosts in two processes, and prints as JSON what came of it.

What forks is a program of its own with one thread, as ringfence is.
"""

import errno
import json
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from process_tree import children, open_files

from ringfence.errors import Unreachable
from ringfence.model.state import Change, id_of
from ringfence.report import HostResult
from ringfence.run import host_processes
from ringfence.run.fleet import FleetRun
from ringfence.run.host_job import HostJob
from ringfence.run.open_pool import open_pool
from ringfence.run.recorder import Recorder
from ringfence.run.reply_memory import MemoryShare, ReplyMemory
from ringfence.transports.connection_settings import LocalSettings

Results = dict[str, HostResult]
PLENTY = 120_000_000  # bytes: of these two fit at once
RECORDER = Recorder()


def worked_on(hosts: int, work: Callable[[HostJob], HostResult], forks: int = 4, processes: int = 2) -> Results:
    jobs = [HostJob(f"srv{i}", LocalSettings()) for i in range(hosts)]
    with open_pool(jobs, work, forks, processes, RECORDER) as submit:
        return {result.host: result for result in FleetRun(jobs, work, forks, (), RECORDER, submit=submit).results()}


def told(results: Results) -> dict[str, Any]:
    return {host: [result.status, str(result.error or ""), dict(result.names)] for host, result in sorted(results.items())}


def here(job: HostJob, **more: str) -> HostResult:
    """A result that says where it was made."""
    return HostResult(job.host, names={"process": str(os.getpid()), "threads": str(threading.active_count()), **more})


# -- the cases


def many() -> dict[str, Any]:
    """200 hosts, one after the other: what is open before, while and after."""
    before = open_files()
    results = worked_on(200, here)
    again = worked_on(3, here)
    return {"files": [before, open_files()], "threads": threading.active_count(), "children": children(os.getpid()),
            "processes": len({r.names["process"] for r in results.values()} - {str(os.getpid())}),
            "most": max(int(r.names["threads"]) for r in results.values()), "hosts": len(results) + len(again)}


def raising() -> dict[str, Any]:
    def work(job: HostJob) -> HostResult:
        if job.host == "srv1":
            raise Unreachable("timeout")
        if job.host == "srv2":
            raise ZeroDivisionError("a fault of ours")
        return here(job, strange=lambda: 1) if job.host == "srv3" else here(job)  # type: ignore[arg-type]

    return {"hosts": told(worked_on(4, work))}


def killed_reading() -> dict[str, Any]:
    """One process dies with its hosts, the other goes on; what comes after it goes to the other."""
    def work(job: HostJob) -> HostResult:
        if job.host == "srv0":
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.05)
        return here(job)

    return {"hosts": told(worked_on(8, work, forks=2))}


def all_killed() -> dict[str, Any]:
    def work(job: HostJob) -> HostResult:
        os.kill(os.getpid(), signal.SIGKILL)
        return here(job)

    return {"hosts": told(worked_on(20, work)), "threads": threading.active_count()}


def killed_writing() -> dict[str, Any]:
    """The one that dies had been allowed to write."""
    def work(job: HostJob) -> HostResult:
        planned = HostResult(job.host, (_change(),), declared=7)
        RECORDER.begins(planned)
        if job.host == "srv0":
            os.kill(os.getpid(), signal.SIGKILL)
        return planned

    results = worked_on(2, work)
    lost = results["srv0"]
    return {"hosts": told(results), "changes": len(lost.changes), "declared": lost.declared, "writing": list(RECORDER.writing)}


def interrupted() -> dict[str, Any]:
    """One host is being written when somebody wants the run to end; no process begins to write another."""
    written, signalled = (multiprocessing.get_context("fork").Event() for _ in range(2))

    def work(job: HostJob) -> HostResult:
        if job.host == "srv1":
            written.wait(20)
            os.kill(main, signal.SIGINT)
            while not RECORDER.interruption:
                time.sleep(0.01)
            signalled.set()
        RECORDER.begins(HostResult(job.host, (_change(),)))
        before = RECORDER.interruption.name
        written.set()
        signalled.wait(20)
        return here(job, before=before, after=RECORDER.interruption.name)

    main, jobs = os.getpid(), [HostJob(f"srv{i}", LocalSettings()) for i in range(6)]
    with RECORDER.interruption.heard(), open_pool(jobs, work, 2, 2, RECORDER) as submit:
        fleet = FleetRun(jobs, work, 2, (), RECORDER, submit=submit)
        results = {result.host: result for result in fleet.results()}
    return {"hosts": told(results), "not_begun": sorted(fleet.not_begun)}


def memory() -> dict[str, Any]:
    """Large replies of all processes: when each had its memory."""
    def work(job: HostJob) -> HostResult:
        with MemoryShare(ReplyMemory(), job.host) as share:
            share.take(PLENTY)
            begun = time.monotonic()
            time.sleep(0.05)
            return here(job, begun=str(begun), ended=str(time.monotonic()))

    return {"hosts": told(worked_on(8, work, forks=8))}


def memory_of_the_dead() -> dict[str, Any]:
    """Who dies gives back what it had, and what it still waited for."""
    def work(job: HostJob) -> HostResult:
        first = job.host in ("srv0", "srv2")  # the first process has these
        with MemoryShare(ReplyMemory(), job.host) as share:
            if not first:
                time.sleep(0.3)
            share.take(2 * PLENTY)
            if first:
                time.sleep(0.6)
                os.kill(os.getpid(), signal.SIGKILL)
        return here(job)

    results = worked_on(6, work)
    return {"hosts": told(results), "threads": threading.active_count()}


def logs() -> dict[str, Any]:
    records = list[tuple[int, str]]()

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append((os.getpid(), record.getMessage()))

    def work(job: HostJob) -> HostResult:
        logging.getLogger("ringfence.run").warning("at work on %s", job.host)
        return here(job)

    logging.getLogger("ringfence").addHandler(Kept())
    worked_on(2, work)
    return {"records": sorted(text for process, text in records if process == os.getpid())}


def no_more() -> dict[str, Any]:
    """The system gives one process, and no second."""
    fork, begun, records = os.fork, list[int](), list[str]()

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record.getMessage())

    def refusing() -> int:
        if begun:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        begun.append(1)
        return fork()

    logging.getLogger("ringfence").addHandler(Kept())
    os.fork = refusing
    results = worked_on(4, here)
    return {"hosts": told(results), "records": records,
            "here": [r.names["process"] == str(os.getpid()) for r in results.values()]}


def stopped() -> dict[str, Any]:
    """One process is stopped once it has nothing to do: it cannot end by itself."""
    results, main = Results(), os.getpid()
    host_processes._TIME_TO_GO = 0.2
    jobs = [HostJob(f"srv{i}", LocalSettings()) for i in range(2)]
    with open_pool(jobs, here, 2, 2, RECORDER) as submit:
        for result in FleetRun(jobs, here, 2, (), RECORDER, submit=submit).results():
            results[result.host] = result
        os.kill(children(main)[0], signal.SIGSTOP)
    return {"hosts": told(results), "children": children(main), "threads": threading.active_count()}


def threaded() -> dict[str, Any]:
    """What has a second thread is not copied."""
    over = threading.Event()
    second = threading.Thread(target=over.wait)
    second.start()
    results = worked_on(4, here)
    over.set()
    second.join()
    return {"processes": [int(pid) == os.getpid() for pid in {r.names["process"] for r in results.values()}]}


def _change() -> Change:
    from ringfence.kinds import load

    rule = load()["firewall_rule"].create("corp-web", {"protocol": "TCP"})
    return Change(id_of(rule), None, rule)


if __name__ == "__main__":
    done = globals()[sys.argv[1]]()
    assert not (left := children(os.getpid())), left
    print(json.dumps(done))
