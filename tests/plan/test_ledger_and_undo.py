"""What a plan tells of a host's ledger and of the undo of an earlier run, and which of its changes may not be made for them."""

from typing import Any

import pytest
from core import KINDS, RULE

from ringfence.model.facts import parse_facts
from ringfence.model.ledger import Ledger, ProjectIdentity
from ringfence.model.state import Change, State, id_of
from ringfence.model.undo import UndoState
from ringfence.plan.ledger_checks import limit_changes, tell_of_ledger
from ringfence.plan.plan import HostSnapshot, Plan
from ringfence.plan.run_policy import RunPolicy
from ringfence.plan.undone import covered, refuse_uncovered, tell_of_undo

PROJECT = ProjectIdentity("corp", "1" * 32)
DOSP = KINDS["ipsec_dosp_setting"].create("edge", {})  # which netsh does not export
RULES = [RULE.create(name, {"protocol": "tcp", "local_port": ("443",)}) for name in ("a", "b", "c")]
MADE = tuple(Change(id_of(one), None, one) for one in RULES)
KEPT = Change(id_of(RULES[0]), RULES[0], RULES[0], as_action="adopt")  # which the ledger alone is told of
UNCOVERED = Change(id_of(DOSP), None, DOSP)
RELEASED = Change(id_of(DOSP), DOSP, DOSP, as_action="release")


def plan(*changes: Change, ledger: Ledger = Ledger(), undo: UndoState = UndoState(), build: int = 20348,  # noqa: B008
         project: ProjectIdentity | None = PROJECT, **policy: Any) -> Plan:
    found = HostSnapshot(parse_facts({"os": {"build": build}}), State(), ledger=ledger, undo=undo)
    return Plan("srv1", {}, found, RunPolicy(project, **policy), changes=changes)


def told(made: Plan) -> list[str]:
    return [d.summary for d in made.diagnostics]


@pytest.mark.parametrize(("ledger", "said"), [
    (Ledger(), []),
    (Ledger({"State": "pending", "Run": "20260101T000000Z-aaaaaa"}), [
        "run 20260101T000000Z-aaaaaa began to write here and never said that it ended"]),
    (Ledger({"Machine": "guid|old.example"}, machine="other|new.example"), [
        "this machine was made from an image of old.example, ledger and all"]),
    (Ledger({"Machine": "guid|old.example"}, machine="guid|old.example"), []),
    (Ledger(problems=("x: no json",)), ["an entry of the ledger is not understood: x: no json"])])
def test_what_is_told_of_a_ledger(ledger: Ledger, said: list[str]) -> None:
    assert told(tell_of_ledger(plan(ledger=ledger))) == said


@pytest.mark.parametrize("project", [PROJECT, None])
def test_a_ledger_that_could_not_be_read_is_the_matter_of_those_who_have_one(project: ProjectIdentity | None) -> None:
    unread = plan(*MADE, ledger=Ledger(unread="denied"), project=project)
    assert told(tell_of_ledger(unread)) == ["the ledger could not be read: denied"] * bool(project)
    assert [d.summary for d in limit_changes(unread).limits] == ["whose objects are whose is not known: denied"] * bool(project)
    nothing = plan(ledger=Ledger(unread="denied"), project=project)
    assert limit_changes(nothing).limits == ()


@pytest.mark.parametrize(("known", "now", "changes", "said"), [
    ("20348", 20348, MADE, False), ("20348", 26100, MADE, True), ("20348", 26100, (), False), ("", 26100, MADE, False),
    ("20348", 0, MADE, False)])
def test_an_update_of_windows_is_told_where_something_changes(known: str, now: int, changes: tuple[Change, ...],
                                                              said: bool) -> None:
    found = tell_of_ledger(plan(*changes, ledger=Ledger({"Build": known} if known else {}), build=now)).diagnostics
    assert [(d.severity, d.summary) for d in found] == [
        ("note", f"Windows was updated since the project wrote here: build {known}, now {now}")] * said


def test_a_ledger_of_a_later_version_stays_as_it_is() -> None:
    later = Ledger({"Format": "99"})
    assert ["has format 99" in d.summary for d in limit_changes(plan(*MADE, ledger=later)).limits] == [True]
    assert limit_changes(plan(*MADE, ledger=later, project=None)).limits == limit_changes(plan(ledger=later)).limits == ()


@pytest.mark.parametrize(("most", "project", "limits"), [(0, PROJECT, 0), (2, PROJECT, 1), (3, PROJECT, 0), (2, None, 1)])
def test_more_changes_than_a_host_may_get_are_not_made(most: int, project: ProjectIdentity | None, limits: int) -> None:
    assert len(limit_changes(plan(*MADE, max_changes=most, project=project)).limits) == limits


# ---- undo

@pytest.mark.parametrize(("undo", "said"), [
    (UndoState(), []), (UndoState("r1", "confirmed"), []),
    (UndoState("r1", "restored"), ["this host has undone run r1 by itself"]),
    (UndoState("r1", "armed", armed="2026-01-01T00:00Z"), [
        "run r1 armed its undo here at 2026-01-01T00:00Z and never came back: the host is going to undo it by itself"]),
    (UndoState("r1", "arming"), ["run r1 armed its undo here and never came back: the host is going to undo it by itself"])])
def test_what_is_told_of_an_undo(undo: UndoState, said: list[str]) -> None:
    found = tell_of_undo(plan(undo=undo))
    assert told(found) == said
    assert all(d.urgent == undo.waits for d in found.diagnostics)


@pytest.mark.parametrize(("changes", "policy", "undone"), [
    (MADE, {"revert_after": 300}, MADE), (MADE, {}, ()), (MADE, {"revert_after": 300, "forced": frozenset({"undo"})}, ()),
    ((KEPT, UNCOVERED, *MADE[1:]), {"revert_after": 300}, MADE[1:])])
def test_what_a_host_undoes_by_itself(changes: tuple[Change, ...], policy: dict[str, Any], undone: tuple[Change, ...]) -> None:
    assert covered(plan(*changes, **policy)) == undone


@pytest.mark.parametrize(("changes", "policy", "limits", "warnings"), [
    ((UNCOVERED, *MADE), {"revert_after": 300}, 1, 0),  # the one would stay when the others are undone
    ((UNCOVERED,), {"revert_after": 300}, 0, 1), ((UNCOVERED, KEPT), {"revert_after": 300}, 0, 1),
    ((UNCOVERED, *MADE), {"revert_after": 300, "forced": frozenset({"undo"})}, 0, 1),
    ((RELEASED, *MADE), {"revert_after": 300}, 0, 0), ((UNCOVERED, *MADE), {}, 0, 0), (MADE, {"revert_after": 300}, 0, 0)])
def test_what_no_host_undoes_is_not_changed_beside_what_it_does(changes: tuple[Change, ...], policy: dict[str, Any], limits: int,
                                                                warnings: int) -> None:
    found = refuse_uncovered(plan(*changes, **policy))
    assert (len(found.limits), len(found.diagnostics)) == (limits, warnings)
