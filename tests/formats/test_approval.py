"""What was agreed to, and what is more than that."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from core import cases, rule

from ringfence import kinds
from ringfence.diagnostics import Where
from ringfence.errors import GuardRefused, StalePlan
from ringfence.formats.approval import MAX_NAMED, Approval, is_part
from ringfence.model.resource import Resource
from ringfence.model.state import Change, Id, TaskLabel, id_of
from ringfence.report import HostResult

HOST = HostResult("web1", machine="guid-1|web1|corp")


def change(before: Any, after: Any, action: Any = None, name: str = "r", **more: Any) -> Change:
    was, becomes = (None if said is None else rule(name, **said) for said in (before, after))
    found: Resource = becomes or was  # type: ignore[assignment]
    derived = Change(id_of(found), was, becomes).action
    return Change(id_of(found), was, becomes, as_action=action if action not in (None, derived) else None, **more)


@pytest.mark.parametrize("case", cases("approvals"), ids=lambda c: c["name"])
def test_what_is_a_part_of_what_was_agreed_to(case: dict[str, Any]) -> None:
    actions = case.get("as", (None, None))
    then, now = (change(case[side][0], case[side][1], action) for side, action in zip(("then", "now"), actions, strict=True))
    assert is_part(now, then) is case["part"]
    judged = Approval((then,)).judge(replace(HOST, changes=(now,)))
    assert isinstance(judged.error, StalePlan) is not case["part"]
    assert judged.changes == (now,)


def test_where_it_is_declared_and_why_does_not_count() -> None:
    then = change(None, {"protocol": "tcp"}, where=Where("site.yml", 3))
    assert is_part(replace(then, where=Where("other.yml", 9), why="moved", owner="other"), then)


UNTIL = TaskLabel(expires="2026-12-01T18:00:00Z", ticket="CHG1")


@pytest.mark.parametrize(("then", "now", "part"), [
    (UNTIL, UNTIL, True), (UNTIL, UNTIL._replace(ticket="CHG2", task="by another name"), True),
    (UNTIL, UNTIL._replace(expires="2030-01-01T00:00:00Z"), False), (UNTIL, TaskLabel(), False),
    (UNTIL._replace(expires_on_host=True), UNTIL, False), (TaskLabel(), UNTIL, False)])
def test_until_when_it_is_wanted_was_agreed_to(then: TaskLabel, now: TaskLabel, part: bool) -> None:
    agreed = change(None, {"protocol": "tcp"}, label=then)
    assert is_part(replace(agreed, label=now), agreed) is part
    gone = change({"protocol": "tcp"}, None, label=then)
    assert is_part(replace(gone, label=now), gone)
    judged = Approval((agreed,)).judge(replace(HOST, changes=(replace(agreed, label=now),)))
    assert isinstance(judged.error, StalePlan) is not part


def test_a_rename_is_that_to_the_same_name() -> None:
    old, new, other = rule("old"), rule("new"), rule("other")
    then = Change(id_of(old), old, new, as_action="rename")
    assert is_part(Change(id_of(old), old, new, as_action="rename"), then)
    assert not is_part(Change(id_of(old), old, other, as_action="rename"), then)


@pytest.mark.parametrize(("machine", "stale"), [
    ("guid-1|web1|corp", False), ("|web1|corp", False), ("guid-1|web1|", False), ("", False),
    ("guid-2|web1|corp", True), ("guid-1|web2|corp", True), ("guid-1|web1|other", True)])
def test_a_machine_is_known_by_what_both_sides_know(machine: str, stale: bool) -> None:
    one = change(None, {})
    judged = Approval((one,), "guid-1|web1|corp").judge(replace(HOST, machine=machine, changes=(one,)))
    assert (judged.status, judged.changes) == (("stale", ()) if stale else ("differs", (one,)))
    if stale:
        assert "another machine answers: the plan was made for web1 (guid-1), this is web" in str(judged.error)


def test_the_reason_names_the_first_changes_and_the_rest_is_beside_it() -> None:
    agreed = change(None, {}, name="agreed")
    others = tuple(change(None, {}, name=f"r{i}") for i in range(MAX_NAMED + 2))
    judged = Approval((agreed,), made_with="it was made with -e corp=…").judge(replace(HOST, changes=(agreed, *others)))
    assert str(judged.error) == (
        "5 changes that nobody approved: create firewall_rule r0, create firewall_rule r1, create firewall_rule r2 …. The host "
        "or the project changed since the plan was made, or it was made with -e corp=…. Make a new plan")
    assert judged.changes == others


def test_what_is_done_already_and_what_is_declared_otherwise_are_notes() -> None:
    one, two = change(None, {}, name="a"), change(None, {}, name="b")
    approval = Approval((one, two), declarations="then")
    part, done = (approval.judge(replace(HOST, changes=left, declarations="now")) for left in ((two,), ()))
    assert part.diagnostics[0].summary == "1 of 2 approved changes are there"
    assert done.diagnostics[0].summary == "done already: 2 of 2 approved changes are there"
    assert (part.status, done.status) == ("differs", "in_sync")
    assert all(d.severity == "note" for d in (*part.diagnostics, *done.diagnostics))
    assert "what is declared was changed since the plan was made" in part.diagnostics[1].summary


def test_what_is_neither_planned_nor_there_was_not_made() -> None:
    """By what a change is, and not by how many there are."""
    there, ended, forgotten, left = (change(None, {}, name=name, label=label) for name, label in (
        ("a", TaskLabel()), ("b", UNTIL), ("c", UNTIL._replace(expires="2030-01-01T00:00:00Z")), ("d", TaskLabel())))
    approval = Approval((there, ended, forgotten, left))
    judged = approval.judge(replace(HOST, changes=(left,)), lambda one: one is there, "2026-12-02T00:00:00Z")
    assert [(d.severity, d.summary) for d in judged.diagnostics] == [
        ("note", "1 of 4 approved changes are there"),
        ("warning", "not made: firewall_rule b (2026-12-01T18:00Z, CHG1): expired since the plan was made"),
        ("warning", "not made: firewall_rule c: the project does not ask for it any more")]
    (only,) = Approval((ended,)).judge(HOST, lambda one: False, "2026-12-02T00:00:00Z").diagnostics
    assert only.severity == "warning"


def test_a_refusal_stays_one_where_the_changes_are_those_that_were_approved() -> None:
    one = change(None, {})
    refused = replace(HOST, changes=(one,), error=GuardRefused("no"))
    assert Approval((one,)).judge(refused).status == "refused"
    assert Approval(()).judge(refused).status == "stale"


OWN_KIND = """\
from ringfence.model.resource import Resource, prop, resource
from ringfence.model.storage import ByCmdlet
from ringfence.types.enums import TRUE_FALSE

@resource("own_setting", noun="NetOwnSetting", whole=False, storage=ByCmdlet("Get-NetOwnSetting"), example_name="x")
class OwnSetting(Resource):
    \"\"\"Settings of our own.\"\"\"
    wanted: bool = prop("Whether it is wanted.", TRUE_FALSE, default=True, example=False)
"""


def test_a_kind_of_the_project_is_the_same_each_time_that_it_is_loaded(tmp_path: Path) -> None:
    """A plan is read before the project is."""
    (tmp_path / "own_setting.py").write_text(OWN_KIND, encoding="utf-8")
    first, second = (kinds.load([tmp_path])["own_setting"] for _ in range(2))
    assert first.cls is not second.cls
    then, now = (Change(Id("local", "own_setting", "x"), kind.create("x", {"wanted": True}), kind.create("x", {"wanted": False}))
                 for kind in (first, second))
    assert is_part(now, then)
    assert not is_part(replace(now, after=now.before), then)
