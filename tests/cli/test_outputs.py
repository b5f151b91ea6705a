"""What every command writes for programs, on simulated hosts: it fits the schema that docs/reference/json.md names for it."""

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cli_lab import SETTINGS, Cli, Output, fleet
from core import cases
from documents import document_in, validator

from ringfence.cli.app import CALLS
from ringfence.errors import ExitCode, RingfenceError
from ringfence.formats.events import EventEncoder
from ringfence.kinds import load
from ringfence.model.state import Change, id_of
from ringfence.report import HostResult, Report, RunInfo
from ringfence.run.journal import Journal

LINES = cases("outputs")
EVENTS = validator("events")
ELSEWHERE = {"lab up": "its output is an inventory", "demo": "it shows a lab of its own"}
DOCUMENTED = (Path(__file__).parents[2] / "docs" / "reference" / "json.md").read_text(encoding="utf-8")


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path, capsys)


@pytest.fixture
def lab(cli: Cli) -> Iterator[Cli]:
    """Two hosts on which a run has been."""
    with fleet(cli, 2):
        cli.write({"ringfence.yml": SETTINGS, "password": "secret\n"})
        assert cli("apply", "--yes").code == 0
        yield cli


def events(text: str) -> list[dict[str, Any]]:
    """The events of JSON Lines, each of which fits its schema."""
    found = [json.loads(line) for line in text.splitlines()]
    for one in found:
        EVENTS.validate(one)
    return found


@pytest.mark.parametrize("case", LINES, ids=lambda case: str(case["line"]))
def test_what_is_written_fits(case: dict[str, Any], lab: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    fails = case.get("fails", False)
    of_hosts = case["schema"] not in ("document", "lists")

    def run(output: str) -> Output:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"secret")))
        return lab(*case["line"].replace("NEW", f"new-{output}").split(), "--output", output)

    whole = document_in(run("json").out, case["schema"])
    assert (whole["result"] is None, bool(whole["error"])) == (fails, fails), whole
    assert f"schemas/{case['schema']}.schema.json" in DOCUMENTED
    said = run("jsonl")
    told = events(said.out)
    assert [told[0]["event"], told[-1]["event"]] == ["run_begin", "run_end"]
    assert told[-1]["exit_code"] == said.code
    assert bool(told[-1]["error"]) == fails
    between = {one["event"] for one in told[1:-1]} - {"definitions", "signal", "rollout", "wave_begin", "wave_end"}
    assert between == (set() if fails else {"host_end"} if of_hosts else {"result"})


def test_every_command_is_looked_at() -> None:
    assert {call for call in CALLS if any(f"{one['line']} ".startswith(f"{call} ") for one in LINES)} == {*CALLS} - {*ELSEWHERE}


def test_lines_that_were_begun_have_an_end(lab: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever ends the command."""
    def breaks(*_: object) -> None:
        raise RingfenceError("it broke")

    monkeypatch.setattr("ringfence.run.fleet.LogObserver.on_result", breaks)
    said = lab("plan", "--output", "jsonl")
    told = events(said.out)
    assert [told[0]["event"], told[-1]["event"]] == ["run_begin", "run_end"]
    assert (told[-1]["error"]["message"], told[-1]["exit_code"]) == ("it broke", said.code)


def test_a_document_that_was_begun_has_an_end(lab: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same of the one document: what is known of hosts by then, and what ended it."""
    def breaks(*_: object) -> None:
        raise RingfenceError("it broke")

    monkeypatch.setattr("ringfence.run.fleet.LogObserver.on_result", breaks)
    said = lab("plan", "--output", "json")
    told = json.loads(said.out)
    assert (told["error"]["message"], told["exit_code"]) == ("it broke", said.code)
    validator("report").validate(told)


def test_a_host_whose_words_fail_is_recorded_all_the_same(lab: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """The record of a run is written while hosts are: a fault of ours in it is no end for the others."""
    whole = EventEncoder.host

    def breaks(self: EventEncoder, event: str, result: HostResult) -> str:
        if result.changes:
            raise RuntimeError("broken")
        return whole(self, event, result)

    monkeypatch.setattr(EventEncoder, "host", breaks)
    journal = Journal(lab.folder / "run.jsonl", RunInfo("20261126T115712Z-3f9a1c", "apply", datetime.now(UTC)), ["web1"])
    rule = load()["firewall_rule"].create("r", {})
    changed = HostResult("web1", changes=(Change(id_of(rule), None, rule),), written=frozenset({id_of(rule)}))
    with pytest.raises(RuntimeError):  # before the first change: then the host is not written
        journal.on_begin(changed)
    journal.on_result(changed)
    journal.close(Report(), 1.0, ExitCode.ERROR)
    events = [json.loads(line) for line in (lab.folder / "run.jsonl").read_text().splitlines()]
    assert [event["event"] for event in events] == ["run_begin", "host_end", "run_end"]
    assert "changed, 1 changes written" in events[1]["host"]["error"]["message"]
    assert "not all of web1 could be told" in journal.problem
