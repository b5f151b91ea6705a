"""What records tell of runs: never more than what is written there, by hand here, whole or not."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ringfence.diagnostics import InputError
from ringfence.formats.data import FORMAT_VERSION
from ringfence.model.ledger import ProjectIdentity
from ringfence.model.state import Id
from ringfence.rollout.rollout_policy import RolloutPolicy
from ringfence.rollout.wave_checks import parse_check
from ringfence.run.journal import LOCK
from ringfence.run.past_runs import (
    BegunWave,
    PastRun,
    abandoned,
    created_on_hosts,
    line_of,
    past_run,
    past_runs,
    running_run,
    standing,
)
from ringfence.run.run_lock import locked

OWN, OTHER = ProjectIdentity("own", "a" * 32), ProjectIdentity("other", "b" * 32)
FIRST, SECOND, THIRD = (f"20261126T11571{n}Z-00000{n}" for n in range(3))
END = {"event": "run_end"}


class Records:
    """The records of a project, made by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runs = folder / ".ringfence" / "runs"
        self.runs.mkdir(parents=True)

    def write(self, run_id: str, *events: Any, end: str = "\n", **begin: Any) -> Path:
        """An event is a mapping; a line that is none stands there as it is."""
        first = {"event": "run_begin", "format_version": FORMAT_VERSION, "command": "apply", "hosts": ["a", "b"],
                 "project": {"name": OWN.name, "id": OWN.id}, "options": {}, **begin}
        lines = [one if isinstance(one, str) else json.dumps(one) for one in (first, *events)]
        path = self.runs / f"{run_id}.jsonl"
        path.write_text("\n".join(lines) + end, encoding="utf-8")
        return path

    def only(self) -> PastRun:
        (run,) = past_runs(self.folder)
        return run

    def run(self, *events: Any, **begin: Any) -> PastRun:
        self.write(FIRST, *events, **begin)
        return self.only()


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(tmp_path)


def host(event: str, name: str = "a", status: str = "changed", changes: Any = (), **more: Any) -> dict[str, Any]:
    said = {"host": name, "status": status, "error": None, "changes": changes, **more}
    return {"event": f"host_{event}", "host": said}


# -- one host

BEGIN, WRITTEN, ENDED = host("begin"), host("written"), host("end")
NAMED = {"event": "signal", "signal": "SIGINT", "in_flight": [], "not_begun": ["a", 5]}
HALF = '{"event": "host_beg'


@pytest.mark.parametrize(("events", "end", "told"), [
    ([], "\n", ("not_begun", False, 0)), ([BEGIN], "\n", ("unknown", True, 0)), ([WRITTEN], "\n", ("unknown", True, 0)),
    ([BEGIN, WRITTEN, ENDED], "\n", ("changed", True, 0)), ([BEGIN, ENDED], "\n", ("changed", True, 0)),
    ([host("end", status="refused")], "\n", ("refused", False, 0)), ([host("end", status="lost")], "\n", ("lost", False, 0)),
    ([HALF], "", ("not_begun", False, 1)),  # killed in the middle of a line: before it all is there
    ([HALF, END], "\n", ("unknown", False, 1)), (["", END], "\n", ("unknown", False, 1)),
    ([END], "", ("unknown", False, 1)),  # the disk was full: a line without its end
    ([HALF, NAMED], "\n", ("not_begun", False, 1)), ([HALF, BEGIN, NAMED], "\n", ("unknown", True, 1)),
    ([HALF, HALF, {**END, "not_begun": ["a"]}], "\n", ("not_begun", False, 2)),
    (["5", "[]", END], "\n", ("unknown", False, 2)),
    ([{"event": "host_end", "host": 5}, {"event": "host_end", "host": {"host": 5}}, {"event": 7}], "\n", ("unknown", False, 1))])
def test_what_became_of_a_host(events: list[Any], end: str, told: tuple[str, bool, int], records: Records) -> None:
    """Nobody knows it where the record stops in the middle of it, or lacks a line that may have been of it."""
    run = records.run(*events, end=end)
    found = run.hosts["a"]
    assert (found.status, found.begun, run.damaged) == told
    assert found.is_unknown == (told[0] in ("unknown", "lost"))
    assert ("a" in run.left) == (told[0] != "changed")
    assert list(run.hosts) == ["a", "b"]


def test_a_host_that_no_one_named_is_told_as_well(records: Records) -> None:
    run = records.run(host("end", "c", "in_sync"), hosts=["a", 5])
    assert [(one.host, one.status) for one in run.hosts.values()] == [("a", "not_begun"), ("c", "in_sync")]
    assert run.left == ("a",)
    assert records.run(hosts="abc").hosts == {}
    assert list(records.run({**END, "not_begun": ["z"]}, {"event": "else", "host": {"host": "z"}}).hosts) == ["a", "b"]


def test_how_many_changes(records: Records) -> None:
    changes = [{"planned": True, "made": True, "proven": False}, {"planned": True, "made": "true"}, 5]
    found = records.run(host("end", changes=changes), host("end", "b", changes=5)).hosts
    assert [found["a"].count(name) for name in ("planned", "made", "proven")] == [2, 1, 0]
    assert found["b"].count("made") == 0


# -- one run

SIGNAL = {"event": "signal", "signal": "SIGINT"}


@pytest.mark.parametrize(("events", "state"), [([], "killed"), ([END], "ended"), ([SIGNAL], "interrupted"),
                                               ([SIGNAL, END], "interrupted")])
def test_how_a_run_ended(events: list[Any], state: str, records: Records) -> None:
    assert records.run(*events).state == state
    with locked(records.folder, FIRST):
        assert (running_run(records.folder), records.only().state) == (FIRST, "running")
        assert past_run(records.folder, FIRST).is_running
        assert (records.runs.parent / LOCK).stat().st_mode & 0o777 == 0o600
    with locked(records.folder, SECOND):
        assert records.only().state == state


def test_looking_for_a_run_that_is_at_work_makes_nothing(tmp_path: Path) -> None:
    assert running_run(tmp_path) == ""
    assert [*tmp_path.iterdir()] == []
    with locked(tmp_path, FIRST, run_dir=str(tmp_path / "elsewhere")):
        assert running_run(tmp_path, str(tmp_path / "elsewhere")) == FIRST
        (tmp_path / "elsewhere" / "holder").write_bytes(b"\xff")
        assert running_run(tmp_path, str(tmp_path / "elsewhere")) == ""
    assert running_run(tmp_path, str(tmp_path / "elsewhere")) == ""


def rollout(*waves: Any) -> dict[str, Any]:
    return {"event": "rollout", "waves": list(waves)}


def wave(event: str, number: Any, hosts: Any, **more: Any) -> dict[str, Any]:
    return {"event": f"wave_{event}", "wave": {"number": number, "hosts": hosts, **more}}


PLANNED = rollout(["a"], ["b", "c"])


@pytest.mark.parametrize(("events", "begun"), [
    ([PLANNED], None), ([PLANNED, wave("begin", 1, ["a"])], BegunWave(("a",), None, False)),
    ([PLANNED, wave("begin", 1, ["a"]), wave("end", 1, ["a"], verified=True)], BegunWave(("a",), True, False)),
    ([PLANNED, wave("begin", 1, ["a"]), wave("end", 1, ["a"], verified=True), wave("begin", 2, ["b", "c"])],
     BegunWave(("b", "c"), None, True)),
    ([PLANNED, wave("begin", 2, ["b", "c"]), wave("end", 2, ["b"], verified=False)], BegunWave(("b", "c"), False, True)),
    ([PLANNED, wave("begin", 2, ["b"]), wave("end", 2, ["b"], verified="yes")], BegunWave(("b",), None, True)),
    ([PLANNED, wave("begin", "1", ["a"]), wave("end", [1], ["a"]), {"event": "wave_end", "wave": 5}], None),
    ([PLANNED, {"event": "else", "wave": {"number": 1, "hosts": ["a"]}}], None),
    ([PLANNED, wave("begin", 2, ["b"]), rollout(["a"], ["b"], ["c"])], BegunWave(("b",), None, False)),
    ([wave("begin", 1, ["a"])], BegunWave(("a",), None, True)),  # one alone has no plan
    ([PLANNED, wave("begin", "1", ["a"]), wave("end", None, ["a"]), wave("begin", 1, "a"), {"event": "wave_begin"}], None)])
def test_the_wave_that_was_begun_last(events: list[Any], begun: BegunWave | None, records: Records) -> None:
    assert records.run(*events).begun == begun


def test_the_waves_of_a_run_are_those_that_it_said_last(records: Records) -> None:
    run = records.run(PLANNED, rollout(["a"], ["b"], "odd", ["c", 5]), {"event": "rollout", "waves": 5},
                      {**END, "waves": [["z"]]}, wave("end", 1, ["a"], stopped="because"))
    assert run.waves == (("a",), ("b",), ("c", "5"))
    assert {number: one["stopped"] for number, one in run.wave_ends.items()} == {1: "because"}


CHECKED, PAUSED = RolloutPolicy(verify=(parse_check({"connect": 1}),)), RolloutPolicy(pause=5)


@pytest.mark.parametrize(("policy", "verified", "is_last", "owed"), [
    (CHECKED, None, False, True), (CHECKED, True, False, True), (CHECKED, None, True, True), (CHECKED, False, True, True),
    (CHECKED, True, True, False), (PAUSED, None, False, True), (PAUSED, None, True, False), (RolloutPolicy(), None, False, False),
    (RolloutPolicy(), None, True, False)])
def test_what_is_owed_before_further_hosts_are_written(policy: RolloutPolicy, verified: bool | None, is_last: bool,
                                                       owed: bool) -> None:
    """A pause is between two waves; a check is of each."""
    assert BegunWave(("a",), verified, is_last).is_owed(policy) is owed


# -- several

def test_runs_come_the_last_one_first_and_nothing_else_does(records: Records) -> None:
    """Of one second, by which ended last."""
    same = FIRST[:-1] + "f"
    for n, run_id in enumerate((same, FIRST, THIRD, SECOND)):
        os.utime(records.write(run_id), ns=(n, n))
    records.write("20261126T115799Z-xxxxxx")
    records.write("20261126T115719Z-000000", format_version="99.0")
    records.write("20261126T115718Z-000000", event="else")
    assert [run.run_id for run in past_runs(records.folder)] == [THIRD, SECOND, FIRST, same]
    assert [*past_runs(records.folder / "nowhere")] == []


@pytest.mark.parametrize("own", [None, OWN])
def test_a_record_that_cannot_be_read_is_told(own: ProjectIdentity | None, records: Records,
                                              monkeypatch: pytest.MonkeyPatch) -> None:
    path = records.runs / f"{FIRST}.jsonl"
    path.mkdir()
    with pytest.raises(InputError) as error:
        list(past_runs(records.folder, own=own))
    (problem,) = error.value.diagnostics
    assert (problem.where.file, problem.summary) == (str(path), "Is a directory")
    assert abandoned(records.folder, "", own, ["a"]) == ()  # nobody knows whether it names the host
    path.rmdir()
    records.write(FIRST, "x" * 500)
    monkeypatch.setattr("ringfence.run.past_runs.MAX_JOURNAL", 300)
    with pytest.raises(InputError) as error:
        list(past_runs(records.folder, own=own))
    assert error.value.diagnostics[0].summary


def test_a_record_that_does_not_begin_as_one_is_none(records: Records) -> None:
    (records.runs / f"{FIRST}.jsonl").write_text("5\n", encoding="utf-8")
    assert [*past_runs(records.folder, own=OWN)] == []
    assert abandoned(records.folder, "", OWN, ["a"]) == ()


@pytest.mark.parametrize(("project", "own", "is_meant"), [
    ({"id": OWN.id}, OWN, True), ({"id": OTHER.id}, OWN, False), (None, OWN, True), ({"name": "x"}, OWN, True),
    ({"id": OTHER.id}, None, True)])
def test_runs_of_another_project_are_none_of_this_one(project: Any, own: ProjectIdentity | None, is_meant: bool,
                                                      records: Records) -> None:
    records.write(FIRST, host("end"), project=project, hosts=[{"a": 1}, "a"])
    assert [run.run_id for run in past_runs(records.folder, own=own)] == [FIRST] * is_meant
    if is_meant:
        assert past_run(records.folder, "last", own=own).run_id == FIRST
    else:
        with pytest.raises(InputError, match="there is no run last"):
            past_run(records.folder, "last", own=own)


def test_a_run_by_its_id_or_how_it_begins(records: Records) -> None:
    for run_id, options in ((FIRST, {}), (SECOND, {}), (THIRD, None)):
        records.write(run_id, options=options)
    found = {said: past_run(records.folder, said).run_id for said in (FIRST, SECOND[:15], "last")}
    assert found == {FIRST: FIRST, SECOND[:15]: SECOND, "last": THIRD}
    assert [past_run(records.folder, said, resumable=True).run_id for said in ("last", FIRST)] == [SECOND, FIRST]
    assert [run.options for run in past_runs(records.folder)] == [None, {}, {}]
    for said, why in (("2026", "several runs begin with 2026"), ("2020", "there is no run 2020")):
        with pytest.raises(InputError) as error:
            past_run(records.folder, said)
        (problem,) = error.value.diagnostics
        assert problem.summary == why
        assert problem.detail.endswith(f"{FIRST}, {SECOND}, {THIRD}")
    records.write(SECOND, format_version="99.0")
    with pytest.raises(InputError, match=r"this is no journal of format 1\b"):
        past_run(records.folder, SECOND)


def test_where_there_is_no_run_none_is_named(records: Records) -> None:
    with pytest.raises(InputError) as error:
        past_run(records.folder, "last")
    assert error.value.diagnostics[0].detail.endswith(": none")
    assert records.run(options=5).options is None


def after(*runs: PastRun) -> tuple[tuple[str, ...], BegunWave | None]:
    found = standing(runs[0], runs)
    return found.left, found.begun


def test_how_far_a_run_came_that_was_gone_on_with(records: Records) -> None:
    """The last word on a host counts: of the run itself, of those that it went on with, and of others that wrote since."""
    records.write(FIRST, PLANNED, wave("begin", 1, ["a"]), host("begin"), ENDED, host("end", "c"), hosts=["a", "b", "c"])
    records.write(SECOND, host("end", "c", "failed"), host("end", "b", "in_sync"), hosts=["b", "c"], options={"resumes": FIRST})
    second, first = past_runs(records.folder)
    begun = BegunWave(("a",), None, False)
    assert (after(first), after(second, first)) == ((("b",), begun), (("c",), begun))
    assert standing(first, [second, first]).left == ("b", "c")  # it is in sync by the other run alone, which is none of its own
    records.write(THIRD, host("begin"), host("end", "a", "restored"), host("end", "b", "in_sync"), hosts=["a", "b"], options=None)
    third, second, first = past_runs(records.folder)
    assert standing(second, [third, second, first]).left == ("c", "a")
    assert standing(first, [first]).begun == begun
    assert standing(third, [third, second, first]).left == ("a",)
    records.write(SECOND, wave("begin", 1, ["c"]), host("end", "b"), host("end", "c", "failed"), hosts=["b", "c"],
                  options={"resumes": FIRST})
    records.write(THIRD, host("begin", "b"), host("end", "b"), options=None)
    third, second, first = past_runs(records.folder)
    found = standing(second, [third, second, first])
    assert (found.left, found.begun) == (("b", "c"), BegunWave(("c",), None, True))  # what another run wrote may be undone there


# -- what they left there

def change(action: str, name: str, made: bool = True, new: str | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """A change of a host, and its definition."""
    key = f"{action} {name} {new}"
    return {"definition": key, "planned": True, "made": made, "proven": made}, {
        key: {"id": {"store": "local", "kind": "firewall_rule", "name": name}, "action": action, "new_name": new}}


def did(*changes: tuple[dict[str, Any], dict[str, Any]], status: str = "changed") -> Sequence[dict[str, Any]]:
    definitions = {key: told for _, one in changes for key, told in one.items()}
    return {"event": "definitions", "definitions": definitions}, host("end", status=status, changes=[c for c, _ in changes])


MADE, ADOPTED = change("create", "X"), change("adopt", "X")


@pytest.mark.parametrize(("runs", "created", "left"), [
    ([did(MADE)], {"x"}, True), ([did(change("create", "X", made=False))], set(), False), ([did(ADOPTED)], set(), True),
    ([did(MADE, status="restored")], set(), False), ([did(MADE, status="lost")], {"x"}, True),
    ([did(MADE), did(change("update", "x"))], {"x"}, True), ([did(change("update", "x"))], set(), False),
    *(([did(MADE), did(change(action, "x"))], set(), False) for action in ("remove", "release")),
    ([did(MADE), did(change("remove", "x", made=False))], {"x"}, True),
    ([did(MADE), did(change("remove", "x"), status="restored")], {"x"}, True),
    ([did(MADE), did(change("rename", "x", new="Y"))], {"y"}, True), ([did(change("rename", "x", new="Y"))], set(), True),
    ([did(MADE), did(change("rename", "x", new="y"), change("remove", "y"))], set(), False),
    ([did(MADE), did(change("rename", "x"))], set(), True), ([did(MADE), did(change("update", "x", new="y"))], {"x"}, True),
    ([did(MADE), "retire"], set(), False), ([did(MADE), "retire that failed"], {"x"}, True),
    ([did(MADE), "retire that was killed"], {"x"}, True), ([did(MADE), "retire", did(MADE)], {"x"}, True)])
def test_what_runs_left_on_a_host(runs: list[Any], created: set[str], left: bool, records: Records) -> None:
    for n, events in enumerate(runs):
        command = "apply" if not isinstance(events, str) else "retire"
        if isinstance(events, str):
            events = {"retire": [ENDED], "retire that failed": [host("end", error={"kind": "x"})],
                      "retire that was killed": [BEGIN]}[events]
        records.write(f"20261126T1157{n:02}Z-000000", *events, command=command)
    found = created_on_hosts(records.folder, own=OWN)
    assert found == ({"a": {Id("local", "firewall_rule", name) for name in created}} if created else {})
    assert abandoned(records.folder, "", OWN, ["a", "b"]) == (("a",) if left else ())
    assert abandoned(records.folder, "", OWN, ["b"]) == abandoned(records.folder, "", OTHER, ["a"]) == ()
    assert abandoned(records.folder, "", OWN, []) == ()
    assert abandoned(records.folder, "", None, {"a"}) == (("a",) if left else ())


def test_hosts_on_which_something_is_left_are_told_in_order(records: Records) -> None:
    definitions, one = did(MADE)
    records.write(FIRST, definitions, {**one, "host": {**one["host"], "host": "b"}}, one, hosts=["b", "a"])
    assert abandoned(records.folder, "", OWN, ["a", "b"]) == ("a", "b")


@pytest.mark.parametrize("told", [
    5, {}, {"id": 5}, {"id": {"store": "local", "kind": "firewall_rule"}},
    {"id": {"store": "local", "kind": "firewall_rule", "name": 5}, "action": "create"}], ids=str)
def test_a_change_that_says_too_little_is_none(told: Any, records: Records) -> None:
    changes = [{"definition": name, "made": True} for name in ("1", "none", "else")] + [5]
    records.write(FIRST, {"event": "definitions", "definitions": {"1": told}}, {"event": "definitions", "definitions": 5},
                  {"event": "else", "definitions": {"else": MADE[1]["create X None"]}}, host("end", changes=changes))
    assert created_on_hosts(records.folder) == {}


def test_the_line_of_a_definition(records: Records) -> None:
    run = records.run(HALF, {"event": "definitions", "definitions": 5}, {"event": "definitions", "definitions": {"7": {}}})
    assert (line_of(run, "7"), line_of(run, "8")) == (4, 0)
    run.path.unlink()
    assert line_of(run, "7") == 0
