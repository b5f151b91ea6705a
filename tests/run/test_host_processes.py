"""Hosts worked on in several processes: results as with threads, whoever dies; nothing is left behind."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cli_lab import environment

from ringfence.report import HostResult
from ringfence.run.host_job import HostJob
from ringfence.run.open_pool import open_pool
from ringfence.run.recorder import Recorder
from ringfence.run_settings import SETTINGS
from ringfence.transports.connection_settings import LocalSettings

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are copied on Linux alone")
ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).parents[1] / "helpers" / "host_process_cases.py"
PLAN = "Run `ringfence plan` to see what the host has now"


def outcome(case: str) -> dict[str, Any]:
    """What came of a case of host_process_cases.py, which ends in time and leaves no process."""
    found: dict[str, Any] = json.loads(printed(str(PROGRAM), case))
    return found


def printed(*arguments: str) -> str:
    """What a Python program prints that ends well, and without a warning."""
    done = subprocess.run([sys.executable, "-W", "error", *arguments], text=True, capture_output=True, timeout=60, check=False,
                          cwd=ROOT, env=environment(PYTHONPATH=":".join(sys.path)))
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def test_200_hosts_leave_no_process_thread_or_file() -> None:
    found = outcome("many")
    assert found["files"][0] == found["files"][1]
    assert (found["threads"], found["children"], found["processes"], found["hosts"]) == (1, [], 2, 203)
    assert 2 <= found["most"] <= 5  # its own, and no more than there are forks


def test_what_goes_wrong_with_a_host_is_its_result() -> None:
    hosts = outcome("raising")["hosts"]
    assert [hosts[f"srv{i}"][0] for i in range(4)] == ["in_sync", "unreachable", "failed", "failed"]
    assert "ZeroDivisionError: a fault of ours" in hosts["srv2"][1]
    assert "ringfence itself failed: AttributeError" in hosts["srv3"][1]


def test_a_process_that_dies_takes_its_hosts_along_and_no_others() -> None:
    hosts = outcome("killed_reading")["hosts"]
    status, why, _ = hosts.pop("srv0")
    assert (status, PLAN in why) == ("failed", True)
    assert "the process that worked on the host has ended: Killed" in why
    assert {status for status, *_ in hosts.values()} == {"in_sync"}
    assert len(hosts) == 7


def test_where_all_have_died_no_host_is_waited_for() -> None:
    found = outcome("all_killed")
    assert {status for status, *_ in found["hosts"].values()} == {"failed"}
    assert (len(found["hosts"]), found["threads"]) == (20, 1)
    assert "none is left to begin this one" in found["hosts"]["srv9"][1]


def test_what_became_of_a_host_that_a_dead_process_was_writing_is_not_known() -> None:
    found = outcome("killed_writing")
    status, why, _ = found["hosts"]["srv0"]
    assert (status, PLAN in why, found["changes"], found["declared"]) == ("unknown", True, 1, 7)
    assert (found["hosts"]["srv1"][0], found["writing"]) == ("differs", [])


def test_the_first_process_decides_who_is_written() -> None:
    found = outcome("interrupted")
    assert {host: (status, names["before"], names["after"]) for host, (status, _, names) in found["hosts"].items()} == {
        "srv0": ("in_sync", "", "SIGINT")}
    assert found["not_begun"] == [f"srv{i}" for i in range(1, 6)]


def test_nobody_is_begun_once_the_budget_is_spent_whichever_process_fails() -> None:
    assert "wrong: none; threads and files left behind: [0, 0]" in printed(
        "-m", "tests.rollout.rollout_trials", "-n", "40", "--processes", "2")


def test_large_replies_of_all_processes_share_one_memory() -> None:
    hosts = outcome("memory")["hosts"]
    held = [(float(names["begun"]), float(names["ended"])) for _, _, names in hosts.values()]
    assert len(held) == 8
    assert max(sum(begun <= at < ended for begun, ended in held) for at, _ in held) <= 2
    assert len({names["process"] for *_, names in hosts.values()}) == 2


def test_memory_of_a_dead_process_is_free_again() -> None:
    found = outcome("memory_of_the_dead")
    assert {host: status for host, (status, *_) in found["hosts"].items()} == {
        "srv0": "failed", "srv1": "in_sync", "srv2": "failed", "srv3": "in_sync", "srv4": "in_sync", "srv5": "in_sync"}
    assert found["threads"] == 1


def test_log_records_come_out_where_those_of_the_first_process_do() -> None:
    assert outcome("logs") == {"records": ["at work on srv0", "at work on srv1"]}


def test_where_the_system_gives_no_process_threads_do_it() -> None:
    found = outcome("no_more")
    assert ([status for status, *_ in found["hosts"].values()], found["here"]) == (["in_sync"] * 4, [True] * 4)
    assert found["records"] == [
        "hosts are worked on in one process: the system gives no other (Resource temporarily unavailable)"]


def test_a_process_that_cannot_end_is_killed() -> None:
    found = outcome("stopped")
    assert ({status for status, *_ in found["hosts"].values()}, found["children"], found["threads"]) == ({"in_sync"}, [], 1)


def test_a_process_with_threads_is_not_copied() -> None:
    assert outcome("threaded") == {"processes": [True]}


def test_elsewhere_several_are_refused_and_auto_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    row = SETTINGS["processes"]
    assert [row.type.parse(value) for value in ("2", 2, "auto", "1")] == [2, 2, "auto", 1]
    monkeypatch.setattr(sys, "platform", "darwin")
    assert [row.type.parse(value) for value in ("auto", "1")] == ["auto", 1]
    with pytest.raises(ValueError, match="2 processes work on hosts together on Linux alone"):
        row.type.parse("2")
    monkeypatch.delattr("os.sched_getaffinity")
    with open_pool([HostJob(f"srv{i}", LocalSettings()) for i in range(3)], lambda job: HostResult(job.host), 3, "auto",
                   Recorder()) as submit:
        assert submit is None
