"""Until when a task holds: cases as data, and what two tasks of one object may say of it."""

from typing import Any

import pytest
from core import KINDS, cases, task

from ringfence.diagnostics import Where
from ringfence.model.declaration import Absent, Present
from ringfence.project.declare import DeclarationBuilder
from ringfence.project.render import RenderedTask
from ringfence.secret import Secret
from ringfence.types.moments import parse_moment
from ringfence.windows.shipped_rules import is_shipped

CASES: list[dict[str, Any]] = cases("expiry")
RULE = {"name": "bg", "protocol": "tcp", "local_port": 22, "remote_address": "10.0.0.1"}
BEGAN = "2026-11-27T12:00:00Z"


def as_in_a_playbook(value: Any) -> Any:
    """What the reader of playbooks makes of a date or a moment."""
    return value.isoformat() if hasattr(value, "isoformat") else value


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["case"])
def test_expiry(case: dict[str, Any]) -> None:
    told = {name: as_in_a_playbook(value) for name, value in case["with"].items()}
    places = {name: Where("play.yml", line) for line, name in enumerate(told, 2)}
    asked = task(case.get("kind", "firewall_rule"), case.get("say", RULE), Where("play.yml", 1), places, treatment=told)
    builder = DeclarationBuilder(KINDS, is_shipped, began=case.get("began", BEGAN))
    declared, problems = builder.declarations([asked])
    wrong = {name: d for d in problems if d.severity == "error" for name, place in places.items() if d.where == place}
    assert sorted(wrong) == sorted(case.get("wrong", ())), problems
    for name, words in case.get("wrong", {}).items():
        assert words in wrong[name].summary
        assert f"{words} {wrong[name].detail}"
    if "becomes" in case:
        assert {type(one) for one in declared.values()} == {{"present": Present, "absent": Absent}[case["becomes"]]}
        assert {one.label.ticket for one in declared.values()} == {str(told.get("ticket", ""))}
    if "expires" in case:
        assert {one.label.expires for one in declared.values()} == {case["expires"]}
    notes = [f"{d.severity}: {d.summary}" for d in problems if d.severity != "error"]
    if "told" in case:
        assert notes == ([case["told"]] if case["told"] else [])


def expiring(line: int, **life: Any) -> RenderedTask:
    return task("firewall_rule", RULE, Where("play.yml", line), treatment=life)


@pytest.mark.parametrize(("first", "second", "differs"), [
    ({"expires": "2026-12-20"}, {"expires": "2026-12-20T23:59:59Z"}, ""),
    ({"expires": "2026-12-20", "ticket": "a"}, {"expires": "2026-12-20", "ticket": "b"}, ""),
    ({"expires": "2026-12-20"}, {"expires": "2026-12-21"}, "expires"), ({"expires": "2026-11-20"}, {}, "expires"),
    ({"expires": "2026-12-20", "expires_on_host": True}, {"expires": "2026-12-20"}, "expires_on_host")])
def test_two_tasks_of_an_object_end_it_at_the_same_time(first: dict[str, Any], second: dict[str, Any], differs: str) -> None:
    builder = DeclarationBuilder(KINDS, is_shipped, began=BEGAN)
    _, problems = builder.declarations([expiring(1, **first), expiring(5, **second)])
    assert [(p.summary, p.where.line) for p in problems if p.severity == "error"] == (
        [(f"firewall_rule bg is declared twice and differently: {differs}", 5)] if differs else [])


def test_a_secret_is_neither_a_moment_nor_a_ticket() -> None:
    secret = expiring(1, expires=Secret("2026-12-20"), ticket=Secret("x"))
    _, problems = DeclarationBuilder(KINDS, is_shipped).declarations([secret])
    assert len(problems) == 2
    assert not any("2026-12-20" in str(p) for p in problems)


def test_a_builder_without_a_moment_lets_nothing_expire() -> None:
    declared, problems = DeclarationBuilder(KINDS, is_shipped).declarations([expiring(1, expires="1999-01-01")])
    assert ([type(one) for one in declared.values()], problems) == ([Present], [])


@pytest.mark.parametrize("text", ["2026-12-01T18:00:00Z", "2026-12-20", "9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00Z"])
def test_the_form_of_a_moment_is_a_moment(text: str) -> None:
    once = parse_moment(text)
    assert parse_moment(once) == once
    assert len(once) == len("2026-12-01T18:00:00Z")
