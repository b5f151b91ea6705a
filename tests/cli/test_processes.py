"""--processes: the same output, exit code and record as with threads, whatever signals come and whoever dies."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_lab import PROGRAM, RULES, Cli, Output, environment, fleet, journals, on_terminal, start, stuck
from documents import document_in, hosts_in
from hangup import HANGUP
from process_tree import children, gone

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are copied on Linux alone")
NUMBERS = re.compile(r"\d+\.\d+|about \d+ s|\d{8}T\d{6}Z-[0-9a-f]{6}|\[\d+/\d+\]")  # seconds, runs, which of them ended
VARYING = {"run_id", "started", "seconds", "time", "at", "finished", "ended"}


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path, capsys)


def program(cli: Cli, *arguments: str, **variables: str) -> Output:
    """The program as a process of its own: one with the threads of the lab in it cannot be copied."""
    done = subprocess.run([*PROGRAM, *arguments], cwd=cli.folder, env=environment(**variables), text=True, capture_output=True,
                          timeout=120, check=False)
    return Output(done.returncode, done.stdout, done.stderr)


def lines(text: str) -> list[str]:
    """Without what no two runs have alike, in an order of their own: hosts end in any."""
    return sorted(" ".join(NUMBERS.sub("…", line).split()) for line in text.splitlines())


def settled(value: Any) -> Any:
    """A document without what no two runs have alike, its hosts in order."""
    if isinstance(value, dict):
        return {name: settled(one) for name, one in value.items() if name not in VARYING}
    if isinstance(value, list):
        found = [settled(one) for one in value]
        return sorted(found, key=_key) if found and isinstance(found[0], dict) else found
    return value


def _key(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def documents(out: str, form: str) -> Any:
    """One document, or a list of events; where the text of a definition stands depends on who ended first."""
    found = [json.loads(out)] if form == "json" else [json.loads(line) for line in out.splitlines()]
    return settled([one for one in found if one.get("event") != "definitions"])


def journal(cli: Cli) -> Any:
    """The events of the one run that is recorded here, in an order of their own; the record is gone then."""
    (path,) = (cli.folder / ".ringfence" / "runs").glob("*.jsonl")
    found = documents(path.read_text(encoding="ascii"), "jsonl")
    path.unlink()
    return found


def one_rule(cli: Cli) -> None:
    cli.write({"site.yml": "- hosts: all\n  tasks:\n    - firewall_rule: {name: corp-web, protocol: tcp, local_port: 443}\n"})


@contextlib.contextmanager
def both_stuck(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A run in two processes, each of which is writing a host that does not answer; what lets them, and what lets so much time
    pass that hosts have undone what nobody confirmed."""
    with fleet(cli, 4) as hosts:
        one_rule(cli)
        ways = [stuck(monkeypatch, name, hosts) for name in ("web1", "pc2")]

        def let_go() -> None:
            for _, free in ways:
                free.set()

        def wait_for_undo() -> None:
            for host in hosts.values():
                host.clock.advance(1200)

        with start(cli, "apply", "--yes", "-f", "2", "--processes", "2", "--output", "json", start_new_session=True) as process:
            assert all(called.wait(30) for called, _ in ways)
            try:
                yield process, children(process.pid), let_go, wait_for_undo
            finally:
                let_go()


@pytest.mark.parametrize("form", ["text", "json", "jsonl"])
def test_a_plan_is_the_same(form: str, cli: Cli) -> None:
    with fleet(cli, 5):
        alone, several = (program(cli, "plan", "--output", form, "-vv", RINGFENCE_PROCESSES=number) for number in ("1", "2"))
    assert alone.code == several.code == 0
    assert ("worked on in 2 processes" in alone.err, "worked on in 2 processes" in several.err) == (False, True)
    if form == "text":
        assert lines(alone.out) == lines(several.out)
    else:
        assert documents(alone.out, form) == documents(several.out, form)
    assert several.err.count("connection 1 answered in") == 5  # what workers log comes out here


def test_an_apply_in_waves_is_the_same_and_so_is_its_record(cli: Cli) -> None:
    said, records = list[Output](), list[Any]()
    for number in ("1", "2"):
        with fleet(cli, 5) as hosts:
            hosts["web3"].registry.set(RULES, "old-telnet", "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=23|Name=t|")
            said.append(program(cli, "apply", "--yes", "--diff", "--serial", "2", "--processes", number))
            records.append(journal(cli))
            assert all(host.registry.get(RULES, "corp-rdp") for host in hosts.values())
            assert program(cli, "drift", "--processes", number).code == 0
    alone, several = said
    assert alone.code == several.code == 0
    assert lines(alone.out) == lines(several.out)
    assert lines(alone.err) == lines(several.err)
    assert records[0] == records[1]
    assert {event["event"] for event in records[1]} == {
        "run_begin", "rollout", "wave_begin", "host_begin", "host_written", "host_end", "wave_end", "run_end"}


def test_what_was_agreed_to_is_made(cli: Cli) -> None:
    """The plan in two processes, the question, the apply in two others; secrets of a plan are those of the apply."""
    with fleet(cli, 3) as hosts:
        cli.write({"site.yml": "- hosts: all\n  vars: {key: !unsafe correct horse}\n  tasks:\n"
                   "    - ipsec_phase1_auth_set: {name: s, proposal: [{machine: true, pre_shared_key: correct-horse-battery}]}\n"
                   "    - firewall_rule: {name: corp-web, protocol: tcp, local_port: 443}\n"})
        code, shown = on_terminal(cli, "y\n", "apply", "--processes", "2")
        assert code == 0, shown
        assert "Make 6 changes (6 to create)" in shown
        assert "correct-horse-battery" not in shown
        assert all(host.registry.get(RULES, "corp-web") for host in hosts.values())


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", HANGUP])
def test_a_signal_to_all_of_them_ends_in_order(name: str, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    with both_stuck(cli, monkeypatch) as (process, workers, free, _):
        assert len(workers) == 2
        os.killpg(process.pid, getattr(signal, name))  # as a terminal and systemd do
        time.sleep(0.5)
        free()
        out, err = process.communicate(timeout=30)
    assert process.returncode == (130 if name == "SIGINT" else 143)
    assert {n: h["status"] for n, h in hosts_in(out).items()} == {"web1": "changed", "pc2": "changed"}
    assert document_in(out)["result"]["not_begun"] == ["web3", "pc4"]
    assert f"{name}: no further host is begun; waiting up to 5 s for what is being written to" in err
    assert gone(workers)


def test_a_second_signal_ends_at_once_and_all_of_them(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    with both_stuck(cli, monkeypatch) as (process, workers, *_):
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.5)
        began = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=30)
        assert time.monotonic() - began < 3
        assert gone(workers)
    assert process.returncode == 130


def test_what_is_in_flight_when_the_time_is_over_is_not_known(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    with both_stuck(cli, monkeypatch) as (process, workers, *_):
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
        assert gone(workers)
    assert process.returncode == 143
    assert {n: (h["status"], h["error"]["kind"]) for n, h in hosts_in(out).items()} == dict.fromkeys(
        ("web1", "pc2"), ("unknown", "interrupted"))
    assert "in flight, not known: pc2 web1; not begun: pc4 web3" in err or "in flight, not known: web1 pc2" in err


def test_a_process_killed_while_it_writes(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    with both_stuck(cli, monkeypatch) as (process, workers, free, wait_for_undo):
        os.kill(workers[0], signal.SIGKILL)
        time.sleep(0.3)
        free()
        out, _ = process.communicate(timeout=60)
        wait_for_undo()
        resumed = program(cli, "apply", "--resume", "last", "--yes", "--processes", "2", "--output", "json")
    assert process.returncode == 6
    found = hosts_in(out)
    lost = [name for name, host in found.items() if host["status"] == "unknown"]
    assert len(lost) == 1
    assert lost[0] in ("web1", "pc2")
    assert found[lost[0]]["error"]["kind"] == "worker"
    assert len(found[lost[0]]["changes"]) == 1
    assert {host["status"] for name, host in found.items() if name not in lost} == {"changed"}
    record, _ = journals(cli)
    ends = [e for e in map(json.loads, record.read_text(encoding="ascii").splitlines()) if e["event"] == "host_end"]
    assert {e["host"]["host"]: e["host"]["status"] for e in ends}[lost[0]] == "unknown"
    assert resumed.code == 0, resumed
    assert {name: host["status"] for name, host in hosts_in(resumed.out).items()} == {lost[0]: "changed"}


def test_where_the_first_process_is_killed_the_others_end_too(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    with both_stuck(cli, monkeypatch) as (process, workers, free, _):
        process.kill()
        process.communicate(timeout=30)
        assert gone(workers)
        free()
        assert program(cli, "apply", "--yes").code != 1  # the lock of the project is free


def test_as_many_as_there_are_cores(cli: Cli) -> None:
    cores = len(os.sched_getaffinity(0))
    with fleet(cli, 3):
        said = program(cli, "plan", "-vv", "--processes", "auto")
    assert said.code == 0
    assert (f"worked on in {min(cores, 3)} processes" in said.err) == (cores > 1)


