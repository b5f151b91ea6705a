"""How a host was before some runs, as their records tell it: of what several changes touched, the earliest says it."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from core import KINDS, declared, resources, rule, task

from ringfence.formats.data import change_text
from ringfence.model.resource import Resource
from ringfence.model.state import LOCAL, Change, Id, TaskLabel
from ringfence.run.hosts_before import Before, hosts_before
from ringfence.run.past_runs import PastHost, PastRun
from ringfence.secret import MASK, Secret

RUNS = ["20260103T000000Z-000000", "20260102T000000Z-000000", "20260101T000000Z-000000"]  # the last one first
A, B, C = (Id(LOCAL, "firewall_rule", name) for name in "abc")
ENDS = TaskLabel(expires="2026-12-24T00:00:00Z", ticket="CHG1")


def past(*changes: Change, made: bool = True, status: str = "changed", event: str = "host_end", **more: Any) -> PastHost:
    """A host in the record of a run; `past_runs` says what the keys of its changes stand for."""
    listed = [{"definition": change, "planned": True, "made": made, "proven": made} for change in changes]
    return PastHost("srv1", event, {"status": status, "changes": listed}, **{"begun": bool(changes), **more})


def recorded(*hosts: PastHost) -> list[PastRun]:
    """Runs that had the host, the last one first."""
    runs = []
    for run_id, host in zip(RUNS, hosts, strict=False):
        definitions: dict[str, Any] = {}
        for one in host.data.get("changes", ()):
            if isinstance(one, dict) and isinstance(one["definition"], Change):
                key = f"c{len(definitions)}"
                definitions[key] = json.loads(change_text(one["definition"]))
                one["definition"] = key
        runs.append(PastRun(run_id, Path("run.jsonl"), {}, {host.host: host}, definitions))
    return runs


def before(runs: Sequence[PastRun], to: str = RUNS[-1]) -> Before:
    return hosts_before(runs, KINDS, to)["srv1"]


def create(name: str, port: int = 80) -> Change:
    return Change(Id(LOCAL, "firewall_rule", name), None, at(name, port))


def update(name: str, old: int, new: int, **more: Any) -> Change:
    return Change(Id(LOCAL, "firewall_rule", name), at(name, old), at(name, new), **more)


def remove(name: str, port: int = 80, **more: Any) -> Change:
    return Change(Id(LOCAL, "firewall_rule", name), at(name, port), None, **more)


def rename(name: str, new: str, port: int = 80) -> Change:
    return Change(Id(LOCAL, "firewall_rule", name), at(name, port), at(new, port), as_action="rename")


def at(name: str, port: int, **more: Any) -> Resource:
    return rule(name, protocol="tcp", local_port=port, **more)


def test_the_earliest_of_several_changes_says_how_it_was() -> None:
    described = Change(A, at("a", 81), at("a", 81, description="x"), owner="this_project", ledger='{"how":"created"}')
    runs = recorded(past(described), past(update("a", 80, 81, owner="others", ledger="")), past(create("b"), remove("c")))
    found = before(runs)
    assert found.objects == {A: at("a", 80), B: None, C: at("c", 80)}
    assert (found.owners[A], found.ledger[A], found.changed[A]) == ("others", "", {"description", "local_port"})
    assert (found.runs, found.problems) == (tuple(RUNS), ())
    found = before(runs, to=RUNS[1])
    assert (found.objects, found.runs) == ({A: at("a", 80)}, tuple(RUNS[:2]))
    found = before(runs, to=RUNS[0])
    assert (found.objects, found.runs) == ({A: at("a", 81)}, (RUNS[0],))
    found = before(runs, to="")  # the last one that wrote
    assert (found.objects, found.runs, found.changed) == ({A: at("a", 81)}, (RUNS[0],), {A: {"description"}})
    assert (found.owners, found.ledger) == ({A: "this_project"}, {A: '{"how":"created"}'})


def test_changes_of_one_run_are_taken_back_the_last_one_first() -> None:
    runs = recorded(past(rename("a", "b"), Change(B, at("b", 80), at("b", 81))))
    found = before(runs)
    assert (found.objects, found.moved) == ({A: at("a", 80), B: None}, {A: B})


def test_who_wrote_there_and_whether_something_is_known_to_have_changed() -> None:
    runs = recorded(past(create("a"), made=False, status="failed"), past(status="in_sync"), past(create("a")))
    assert before(runs).writers == {RUNS[0]: False, RUNS[2]: True}
    found = before(runs, to="")  # what wrote last is the last one that made something
    assert (found.objects, found.runs) == ({A: None}, (RUNS[2],))


def test_what_nobody_knows_of_may_have_been_made() -> None:
    for status, event in (("unknown", "host_end"), ("lost", "host_end"), ("", "host_begin")):
        found = before(recorded(past(create("a"), made=False, status=status, event=event)))
        assert (found.objects, found.writers) == ({A: None}, {RUNS[0]: False})
    assert before(recorded(past(create("a"), status="lost"))).writers == {RUNS[0]: False}


def test_what_a_host_has_undone_is_nothing() -> None:
    found = before(recorded(past(create("a"), status="restored"), past(create("b"))), to="")
    assert (found.objects, found.runs) == ({B: None}, (RUNS[1],))


def test_what_no_cmdlet_made_or_is_of_another_store_is_not_taken_back() -> None:
    released = Change(A, at("a", 80), at("a", 80), as_action="release")
    theirs = replace(remove("b"), id=B._replace(store="group_policy"))
    assert before(recorded(past(released, theirs))).objects == {}


def test_a_rename_is_followed_through_all_its_names() -> None:
    found = before(recorded(past(rename("b", "c")), past(rename("a", "B"))))
    assert (found.objects, found.moved) == ({A: at("a", 80), B: None, C: None}, {A: C})
    found = before(recorded(past(rename("b", "c")), past(rename("a", "b")), past(create("a"))))
    assert (found.objects, found.moved) == ({A: None, B: None, C: None}, {})


def test_what_a_task_said_of_the_end_goes_with_the_object_that_it_removed() -> None:
    ended = remove("b", label=ENDS)
    assert before(recorded(past(ended, remove("c")))).ended == {B: ENDS.expiry, C: ""}
    assert before(recorded(past(remove("b", label=TaskLabel(ticket="CHG1"))))).ended == {B: ""}
    assert before(recorded(past(ended), past(rename("a", "b")))).ended == {A: ENDS.expiry}
    assert before(recorded(past(ended), past(create("b")))).ended == {}
    assert before(recorded(past(ended), past(update("b", 79, 80)))).ended == {B: ENDS.expiry}


def keyed(name: str, key: str = "a key") -> Resource:
    [made] = resources(declared(task("ipsec_phase1_auth_set", {
        "name": name, "proposal": [{"machine": True, "pre_shared_key": Secret(key)}]})))
    return made


def test_what_had_a_secret_cannot_come_back_unless_an_earlier_change_tells_how_it_was() -> None:
    s = Id(LOCAL, "ipsec_phase1_auth_set", "s")
    gone = Change(s, keyed("s"), None)
    found = before(recorded(past(gone)))
    assert (found.objects, len(found.problems)) == ({}, 1)
    assert f"{gone}: it had a secret, which no record holds" in found.problems[0]
    found = before(recorded(past(gone), past(Change(s, None, keyed("s")))))
    assert (found.objects, found.problems) == ({s: None}, ())
    found = before(recorded(past(create("a")), past(Change(A, rule("a", description=MASK), None))))
    assert (found.objects, len(found.problems)) == ({}, 1)  # the host had said one: it was masked
    masked = KINDS["firewall_rule"].create(f"b{MASK}", rule("b", description="x").values())
    found = before(recorded(past(Change(A, rule("a", description="x"), masked, as_action="rename"))))
    assert (found.objects, len(found.problems)) == ({}, 1)


def test_a_change_of_which_the_record_does_not_tell() -> None:
    """All else is taken back."""
    for said, why in (({"id": 5}, "the id of a change is a mapping"), ({}, "it lacks 'id'"), (None, "a change is a mapping")):
        [run] = recorded(past(create("a"), create("b")))
        found = before([replace(run, definitions={**run.definitions, "c0": said})])
        assert (found.objects, found.runs) == ({B: None}, (RUNS[0],))
        [problem] = found.problems
        assert problem.startswith(f"the record of run {RUNS[0]} is damaged (run.jsonl, line 0, definition c0: {why})")
    [run] = recorded(past(rename("a", "b")))
    assert before([replace(run, definitions={"c0": {**run.definitions["c0"], "after": None}})]).objects == {A: at("a", 80)}
    [run] = recorded(PastHost("srv1", "host_end", {"status": "changed", "changes": "x"}, True))
    assert before([run]).objects == {}
    among = ["x", *past(create("a")).data["changes"]]
    [run] = recorded(PastHost("srv1", "host_end", {"status": "changed", "changes": among}, True))
    assert before([run]).objects == {A: None}


def test_a_record_that_took_no_more_may_have_missed_everything() -> None:
    found = before(recorded(PastHost("srv1", untold=True), past(create("a"))))
    assert found.writers == {RUNS[0]: False, RUNS[1]: True}
    assert (found.objects, found.runs) == ({A: None}, (RUNS[0], RUNS[1]))
    assert found.problems == (
        f"the record of run {RUNS[0]} took no more, and has nothing of this host: what it made here stays (run.jsonl)",)
