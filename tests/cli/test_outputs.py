"""What every command writes for programs, on simulated hosts: it fits the schema that docs/reference/json.md names for it."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_lab import SETTINGS, Cli, Output, fleet
from core import cases
from documents import document_in, validator

from ringfence.cli.app import CALLS
from ringfence.errors import RingfenceError

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
