"""The record of runs: whatever ends them, it tells no more than what was, and one can go on from it."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import pytest
from chance import WHOLE
from cli_lab import RULES, Cli, environment, fleet, journals, start, stuck, written
from documents import document_in, hosts_in, names, validator, whole

from ringfence.lab import Machine

HELPER = Path(__file__).parents[1] / "helpers" / "killed_at.py"
EVENTS = validator("events")


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path, capsys)


@pytest.fixture
def two(cli: Cli) -> Iterator[dict[str, Machine]]:
    with fleet(cli, 2, transport="ssh") as hosts:
        yield hosts


def one_rule(cli: Cli, port: int) -> None:
    cli.write({"site.yml": "- name: Web\n  hosts: all\n  tasks:\n    - name: The port\n      tags: [web]\n"
                           f"      firewall_rule: {{name: corp-web, protocol: tcp, local_port: {port}}}\n"})


def events(path: Path) -> list[dict[str, Any]]:
    """The events of a journal, each of which fits its schema."""
    found = [json.loads(line) for line in path.read_text(encoding="ascii").splitlines()]
    for event in found:
        EVENTS.validate(event)
    return found


def shown(cli: Cli, run: str = "last") -> dict[str, Any]:
    result = document_in(cli("runs", "show", run, "--output", "json").out)["result"]
    assert isinstance(result, dict)
    return result


def test_a_journal_tells_what_was_planned_made_and_proven(cli: Cli, two: dict[str, Machine]) -> None:
    one_rule(cli, 443)
    said = cli("apply", "--yes", "--output", "json")
    document = document_in(said.out, "report")
    (journal,) = journals(cli)
    assert journal.stem == document["run_id"]
    assert [(p.stat().st_mode & 0o777) for p in (journal, journal.parent)] == [0o600, 0o700]
    told = events(journal)
    assert (told[0]["event"], told[-1]["event"]) == ("run_begin", "run_end")
    assert (told[0]["hosts"], told[0]["run_id"], told[-1]["exit_code"]) == ([*two], document["run_id"], 0)
    definitions = {key: d for e in told if e["event"] == "definitions" for key, d in e["definitions"].items()}
    for name in two:
        steps = [e for e in told if e.get("host", {"host": ""})["host"] == name]
        assert [e["event"] for e in steps] == ["host_begin", "host_written", "host_end"]
        made = [[(c["planned"], c["made"], c["proven"]) for c in e["host"]["changes"]] for e in steps]
        assert made == [[(True, False, False)], [(True, True, False)], [(True, True, True)]]
        (change,) = whole(steps[-1]["host"], definitions)["changes"]
        assert (change["action"], change["id"]["name"], change["after"]["local_port"]) == ("create", "corp-web", ["443"])
        assert (change["source"]["play"], change["source"]["task"], change["source"]["tags"]) == ("Web", "The port", ["web"])
        assert change["defaults"]["action"] == "allow"
        assert steps[-1]["host"] == next(h for h in document["result"]["hosts"] if h["host"] == name)
    listed = cli("runs").out
    assert document["run_id"] in listed
    assert "2 changed" in listed
    assert cli("apply", "--yes").code == 0
    (second,) = set(journals(cli)) - {journal}  # two of one second have no order
    assert [e["event"] for e in events(second)] == ["run_begin", "host_end", "host_end", "run_end"]


def test_one_fsync_before_the_write_and_one_at_the_end(cli: Cli, two: dict[str, Machine],
                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    one_rule(cli, 443)
    synced: list[int] = []
    monkeypatch.setattr("ringfence.run.journal.os.fsync", synced.append)
    assert cli("apply", "--yes", "-f", "1").code == 0
    assert len(synced) == 2 * len(two) + 2  # run_begin and run_end
    synced.clear()
    assert cli("apply", "--yes").code == 0
    assert len(synced) == 2  # nothing was written to a host


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., int]]:
    """What a run ends with that is killed at a write of its journal: helpers/killed_at.py, asked as often as one likes."""
    env = environment(PYTHONPATH=os.pathsep.join(sys.path))
    with ((tmp_path_factory.mktemp("killed") / "said").open("wb") as said,
          subprocess.Popen([sys.executable, HELPER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True,
                           env=env) as helper):
        assert helper.stdin
        assert helper.stdout
        told, answers = helper.stdin, helper.stdout

        def ended(write: int, how: str, folder: Path, arguments: list[str]) -> int:
            told.write(json.dumps([write, how, str(folder), arguments]) + "\n")
            told.flush()
            return int(answers.readline())

        yield ended


@pytest.mark.chance
@pytest.mark.parametrize("how", ["before", "middle"])
def test_killed_at_each_write_of_the_journal(how: str, cli: Cli, two: dict[str, Machine], killed: Callable[..., int]) -> None:
    """What the record says then is true, nobody is locked out, and one goes on from it."""
    writes = range(1, 9)  # run_begin, three of each host, run_end
    for write in writes if WHOLE else writes[how == "middle"::2]:
        port, before = 1000 + write, journals(cli)
        one_rule(cli, port)
        assert killed(write, how, cli.folder, ["apply", "--yes", "-f", "1"]) == -signal.SIGKILL, write
        (new,) = set(journals(cli)) - set(before)
        there = {name: f"LPort={port}|" in str(host.registry.get(RULES, "corp-web")) for name, host in two.items()}
        if write == 1:  # it is no journal yet, and nothing was begun
            assert not any(there.values())
            assert cli("runs", "show", new.stem).code == 1
            continue
        found = shown(cli)
        assert found["run"]["run_id"] == new.stem
        assert found["run"]["state"] == "killed"
        assert found["run"]["damaged"] == (1 if how == "middle" else 0)
        for host in found["hosts"]:
            changes = [] if host["data"] is None else host["data"]["changes"]
            if any(c["made"] or c["proven"] for c in changes):
                assert there[host["host"]]
            if any(c["proven"] for c in changes):
                assert (host["event"], host["status"]) == ("host_end", "changed")
            if host["status"] == "not_begun":
                assert not there[host["host"]]
        for host in two.values():  # nobody came back to confirm what was written: it undoes that
            host.clock.advance(1200)
        if any(h["status"] != "changed" for h in found["hosts"]):
            resumed = cli("apply", "--resume", "last", "--yes", "--output", "json")
            assert resumed.code == 0, resumed
            left = {h["host"] for h in found["hosts"] if h["status"] != "changed"}
            assert set(hosts_in(resumed.out)) == left
        assert cli("drift").code == 0


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_begins_no_host_and_waits_for_what_is_written(name: str, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    with fleet(cli, 4, transport="ssh") as hosts:
        one_rule(cli, 443)
        called, free = stuck(monkeypatch, "web1", hosts)
        with start(cli, "apply", "--yes", "-f", "1", "--output", "json") as process:
            assert called.wait(30)
            process.send_signal(getattr(signal, name))
            time.sleep(0.5)
            free.set()
            out, err = process.communicate(timeout=30)
        assert process.returncode == (130 if name == "SIGINT" else 143)
        document = document_in(out, "report")
        assert (document["exit_code"], document["result"]["signal"]) == (process.returncode, name)
        assert document["result"]["not_begun"] == ["pc2", "web3", "pc4"]
        assert {n: (h["status"], names(h["changes"])) for n, h in hosts_in(out).items()} == {"web1": ("changed", ["corp-web"])}
        assert f"{name}: no further host is begun; waiting up to 5 s for what is being written to web1" in err
        assert f"interrupted by {name}: 1 host done; not begun: pc2 pc4 web3" in err
        run = shown(cli)
        assert (run["run"]["state"], run["run"]["exit_code"]) == ("interrupted", process.returncode)
        resumed = cli("apply", "--resume", "last", "--yes", "--output", "json")
        assert {n: h["status"] for n, h in hosts_in(resumed.out).items()} == dict.fromkeys(["pc2", "web3", "pc4"], "changed")


def test_what_is_in_flight_when_the_time_is_over_is_not_known(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    with fleet(cli, 2, transport="ssh") as hosts:
        one_rule(cli, 443)
        called, free = stuck(monkeypatch, "web1", hosts)
        with start(cli, "apply", "--yes", "-f", "1", "--output", "json") as process:
            assert called.wait(30)
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=30)
            assert 4 < time.monotonic() - began < 15
        free.set()
        assert process.returncode == 143
        host = hosts_in(out)["web1"]
        assert (host["status"], host["error"]["kind"]) == ("unknown", "interrupted")
        assert [c["made"] for c in host["changes"]] == [False]
        assert "in flight, not known: web1; not begun: pc2" in err
        assert {h["host"]: h["status"] for h in shown(cli)["hosts"]} == {"web1": "unknown", "pc2": "not_begun"}


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_second_signal_ends_at_once(name: str, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    with fleet(cli, 2, transport="ssh") as hosts:
        one_rule(cli, 443)
        called, free = stuck(monkeypatch, "web1", hosts)
        with start(cli, "apply", "--yes", "-f", "1") as process:
            assert called.wait(30)
            began = time.monotonic()
            process.send_signal(signal.SIGINT)
            time.sleep(0.5)
            process.send_signal(getattr(signal, name))
            process.communicate(timeout=30)
            assert time.monotonic() - began < 3
        free.set()
        assert process.returncode == (130 if name == "SIGINT" else 143)
        assert {h["host"]: h["status"] for h in shown(cli)["hosts"]} == {"web1": "unknown", "pc2": "not_begun"}


def test_events_as_they_happen(cli: Cli, two: dict[str, Machine]) -> None:
    one_rule(cli, 443)
    lines = [json.loads(line) for line in cli("plan", "--output", "jsonl").out.splitlines()]
    for line in lines:
        EVENTS.validate(line)
    assert [line["event"] for line in lines] == ["run_begin", "definitions", "host_end", "host_end", "run_end"]
    assert journals(cli) == []


def test_one_run_at_a_time_writes(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    with fleet(cli, 2, transport="ssh") as hosts:
        one_rule(cli, 443)
        called, free = stuck(monkeypatch, "web1", hosts)
        with start(cli, "apply", "--yes", "-f", "1") as process:
            assert called.wait(30)
            before = written(hosts)
            other = cli("apply", "--yes")
            (run,) = [path.stem for path in journals(cli)]
            assert (other.code, written(hosts)) == (1, before)
            assert f"another run of this project is at work: {run}" in other.err
            assert "--lock-timeout" in other.err
            assert shown(cli)["run"]["state"] == "running"
            assert cli("apply", "--resume", run, "--yes").code == 1
            assert cli("plan").code == 0  # whoever only looks does not wait
            threading.Timer(0.5, free.set).start()
            waited = cli("apply", "--yes", "--lock-timeout", "30")
            assert waited.code == 0, waited
            assert process.wait(30) == 0
        assert shown(cli, run)["run"]["state"] == "ended"


def test_a_journal_that_cannot_be_written_begins_nothing(cli: Cli, two: dict[str, Machine]) -> None:
    one_rule(cli, 443)
    before = written(two)
    (cli.folder / "file").write_text("", encoding="utf-8")
    said = cli("apply", "--yes", "--run-dir", "file")
    assert (said.code, written(two)) == (1, before)
    assert "--run-dir" in said.err
    assert cli("apply", "--yes", "--run-dir", "elsewhere/deep").code == 0  # folders are made as they are needed
    assert len(list((cli.folder / "elsewhere" / "deep").glob("*.jsonl"))) == 1
    assert cli("runs", "show", "last", "--run-dir", "elsewhere/deep").code == 0
    assert cli("runs").out == "no runs are recorded here\n"


@pytest.mark.parametrize("name", ["", "lock", "holder", "runs", ".gitignore"])
def test_a_repository_has_nothing_else_written(name: str, cli: Cli, two: dict[str, Machine]) -> None:
    """A cloned one may hold links; what they lead to stays as it is."""
    one_rule(cli, 443)
    victim, folder = cli.folder / "victim", cli.folder / ".ringfence"
    victim.mkdir() if name in ("", "runs") else victim.write_text("mine", encoding="utf-8")
    if name:
        folder.mkdir()
    (folder / name if name else folder).symlink_to(victim)
    before = written(two)
    said = cli("apply", "--yes")
    assert (said.code, written(two)) == (1, before)
    assert "it is a link, and runs write no file in the place of another" in said.err
    assert (list(victim.iterdir()) == []) if victim.is_dir() else (victim.read_text(encoding="utf-8") == "mine")
    assert cli("apply", "--yes", "--run-dir", "elsewhere").code == 0


def test_looking_makes_nothing(cli: Cli, two: dict[str, Machine]) -> None:
    before = sorted(path.name for path in cli.folder.iterdir())
    assert cli("runs").code == cli("plan").code == 0
    assert cli("runs", "show", "last").code == 1
    assert sorted(path.name for path in cli.folder.iterdir()) == before


@pytest.mark.parametrize("bytes_of_it", [0, 10])
@pytest.mark.parametrize(("full", "damaged", "state", "statuses"), [
    ([2], 1, "ended", ["changed", "changed"]), ([2, 3], 1, "ended", ["changed", "changed"]),
    ([2, 3, 4], 1, "ended", ["changed", "unknown"]), (range(2, 99), 1, "killed", ["unknown", "unknown"])])
def test_a_full_disk_for_the_journal_stops_no_host(
        full: Collection[int], damaged: int, state: str, statuses: list[str], bytes_of_it: int, cli: Cli, two: dict[str, Machine],
        monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a host of which the record has nothing it does not say that nothing was done to it. full: which writes fail."""
    from ringfence.run.journal import Journal

    one_rule(cli, 443)
    write_all, count = Journal._write_all, 0

    def writes(self: Journal, data: bytes) -> None:
        nonlocal count
        count += 1
        if count in full:
            os.write(self._file, data[:bytes_of_it])
            raise OSError(28, "No space left on device")
        write_all(self, data)

    monkeypatch.setattr(Journal, "_write_all", writes)
    said = cli("apply", "--yes", "-f", "1")
    assert said.code == 1  # as where a report could not be written
    assert "took no more: No space left on device. The run went on to its end" in said.err
    monkeypatch.undo()
    run = shown(cli)
    assert (run["run"]["damaged"], run["run"]["state"]) == (damaged, state)
    assert sorted(h["status"] for h in run["hosts"]) == statuses
    assert [str(host.registry.get(RULES, "corp-web")).count("LPort=443|") for host in two.values()] == [1, 1]


@pytest.mark.parametrize(("arguments", "words"), [
    (("runs", "show"), "runs takes nothing, or: show RUN"), (("runs", "list"), "show RUN"),
    (("runs", "show", "2026"), "there is no run 2026"), (("apply", "--resume", "last", "--yes"), "there is no run last"),
    (("apply", "--resume", "last", "-l", "web1"), "--resume does not go with files"),
])
def test_what_is_no_run(arguments: tuple[str, ...], words: str, cli: Cli, two: dict[str, Machine]) -> None:
    said = cli(*arguments)
    assert (said.code, said.out) == (1, "")
    assert words in said.err


@pytest.mark.parametrize("text", [
    "", "{}\n", "nothing\n", '{"event": "run_begin", "format_version": "2.0"}\n', "\0" * 100, '{"event": 7}\n[]\n'])
def test_files_that_are_no_journals(text: str, cli: Cli, two: dict[str, Machine]) -> None:
    folder = cli.folder / ".ringfence" / "runs"
    folder.mkdir(parents=True)
    (folder / "20260101T000000Z-000000.jsonl").write_text(text, encoding="utf-8")
    (folder / "notes.jsonl").write_text(text, encoding="utf-8")
    assert cli("runs").out == "no runs are recorded here\n"
    said = cli("runs", "show", "last")
    assert said.code == 1
    assert "this is no journal of format 1" in said.err


def test_a_journal_that_lies_breaks_nothing(cli: Cli, two: dict[str, Machine]) -> None:
    """Members of other types, hosts of no name, control characters."""
    folder = cli.folder / ".ringfence" / "runs"
    folder.mkdir(parents=True)
    lines: list[dict[str, Any]] = [
        {"event": "run_begin", "format_version": "1.0", "hosts": [1, None, "a\x1b[2J", "b"], "project": [], "command": {},
         "options": {"playbooks": 3}},
        {"event": "host_end", "host": []},
        {"event": "host_end", "host": {"host": "b", "status": [], "changes": [1, {"made": 7}], "error": [], "way_back": 3,
                                        "diagnostics": [1, {"severity": [], "summary": "a\x1b[2J", "detail": None}]}},
        {"event": "host_begin", "host": {"host": "c"}}, {"event": "definitions", "definitions": []}, {"event": "signal"},
        {"event": "run_end", "exit_code": "x"}]
    text = "\n".join(map(json.dumps, lines)) + "\n"
    (folder / "20260101T000000Z-000000.jsonl").write_text(text, encoding="utf-8")
    said = cli("runs", "show", "last")
    assert said.code == 0, said
    assert "\x1b" not in said.out
    assert cli("runs").code == 0
    resumed = cli("apply", "--resume", "last", "--yes")
    assert (resumed.code, "damaged" in resumed.err) == (1, True)


def test_the_same_said_of_many_hosts_is_shown_once(cli: Cli) -> None:
    """And of many sayings the first hundred, unless all are wanted."""
    folder = cli.folder / ".ringfence" / "runs"
    folder.mkdir(parents=True)
    same = {"severity": "warning", "summary": "the rule is not in force", "detail": "local rules are not merged\nsee the GPO"}
    others = [{"severity": "note", "summary": f"note {n}", "detail": ""} for n in range(100)]
    lines = [{"event": "run_begin", "format_version": "1.0", "hosts": [f"web{n}" for n in range(12, 0, -1)]},
             *({"event": "host_end", "host": {"host": f"web{n}", "status": "changed", "changes": [], "diagnostics":
                                              [same, *(others if n == 1 else [])]}} for n in range(12, 0, -1))]
    (folder / "20260101T000000Z-000000.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n", encoding="utf-8")
    short, full = (cli("runs", "show", "last", *more).out for more in ((), ("--full",)))
    named = ", ".join(f"web{n}" for n in range(1, 11))
    warning = "\n\nwarning: the rule is not in force ({})\n    local rules are not merged\n    see the GPO\nnote: note 0 (web1)\n"
    assert warning.format(f"{named} and 2 more") in short
    assert "note: note 98 (web1)\n… 1 more note: --full\n" in short
    assert "note 99" not in short
    assert warning.format(f"{named}, web11, web12") in full
    assert "note: note 99 (web1)\n" in full


def test_interrupted_before_a_host_is_begun_is_a_document_too(cli: Cli) -> None:
    with fleet(cli, 1, transport="ssh"):
        script = cli.folder / "password"
        script.write_text(f"#!{sys.executable}\nimport time\nopen('asked', 'w').close()\ntime.sleep(60)\n", encoding="utf-8")
        script.chmod(0o700)
        with start(cli, "plan", "--output", "json", "--vault-password-file", str(script)) as process:
            while not (cli.folder / "asked").exists():
                assert process.poll() is None, process.communicate()
                time.sleep(0.05)
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=20)
    assert process.returncode == 143, err
    document = document_in(out, "report")
    assert (document["result"], document["exit_code"]) == (None, 143)


@pytest.mark.parametrize("renamed", [False, True])
def test_a_lost_ledger_is_made_anew_of_journals(renamed: bool, cli: Cli, two: dict[str, Machine]) -> None:
    """What the project made is its own to remove again; without the record it was adopted, and stays."""
    one_rule(cli, 443)
    assert cli("apply", "--yes").code == 0
    now = "corp-web"
    if renamed:
        now = "corp-www"
        site = (cli.folder / "site.yml").read_text(encoding="utf-8")
        cli.write({"site.yml": site.replace("name: corp-web", f"name: {now}") + "      renamed_from: corp-web\n"})
        assert cli("apply", "--yes").code == 0
    for host, more, how in (("web1", ["--from-journal"], "created"), ("pc2", [], "adopted")):
        two[host].registry.delete(r"SOFTWARE\ringfence\0123456789abcdef")
        assert cli("ledger", "rebuild", host, "--yes", *more).code == 0
        shown = hosts_in(cli("ledger", "show", host, "--output", "json").out, "ledger")[host]["ledger"]["entries"]
        assert [(e["name"], e["how"]) for e in shown] == [(now, how)]
