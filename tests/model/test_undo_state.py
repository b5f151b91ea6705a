"""What a host says of the undo of a run, and of the rules that it ends by itself. What is wrong of it is not said."""

from typing import Any

import pytest
from core import KINDS

from ringfence.model.host_expiry import ExpiryUpdate, HostExpiry, parse_expiries
from ringfence.model.state import Id
from ringfence.model.undo import UndoState, kept_undo, undo_state

RUN, OTHER = "20261126T115712Z-3f9a1c", "20261127T115712Z-000000"
SAID = {"run": RUN, "state": "armed", "project": "corp", "armed": "2026-11-26T11:57:12Z", "task": OTHER, "step": "firing"}
TOLD = UndoState(RUN, "armed", "corp", "2026-11-26T11:57:12Z", OTHER, "firing")

NOTHING: tuple[Any, ...] = (None, 7, [], "x", {})


def test_what_a_host_says_of_an_undo() -> None:
    assert undo_state(SAID) == TOLD
    for told in NOTHING:
        assert undo_state(told) == UndoState("", "", "", "", "", "none")


@pytest.mark.parametrize("run", [None, 7, "", RUN.lower(), RUN + "0", "x" + RUN, RUN[:-1], "../../x", f"{RUN}\n"])
def test_a_run_has_the_form_of_one(run: Any) -> None:
    """It is shown, and compared with that of a run that comes back."""
    assert (undo_state({**SAID, "run": run}).run, undo_state({**SAID, "task": run}).task) == ("", "")


@pytest.mark.parametrize(("word", "taken"), [
    ("x" * 64, True), ("x" * 65, False), ("a\x1b[2J", False), ("ä", False), ("a\n", False), (7, False), (["armed"], False)])
def test_words_are_short_and_can_be_shown(word: Any, taken: bool) -> None:
    found = undo_state({**SAID, "state": word, "project": word, "armed": word, "step": word})
    assert (found.state, found.project, found.armed) == ((word if taken else "",) * 3)
    assert found.step == (word if taken else "none")


@pytest.mark.parametrize(("state", "waits"), [
    ("arming", True), ("armed", True), ("firing", True), ("restored", False), ("confirmed", False), ("dropped", False),
    ("", False)])
def test_whether_it_waits(state: str, waits: bool) -> None:
    assert undo_state({**SAID, "state": state}).waits == waits
    assert not undo_state({**SAID, "state": state, "run": ""}).waits


def rows(key: str, *values: Any) -> dict[str, Any]:
    return {"rows": [None, ["x"], ["corp", [["Run", "String", OTHER]]], [key, list(values)]]}


def test_what_its_key_says() -> None:
    kept = [[name.title(), "String", text] for name, text in SAID.items()]
    for key in ("undo", "Undo"):
        assert kept_undo(rows(key, None, ["Run"], ["Run", "DWord", 7], [7, "String", "x"], *kept)) == TOLD
    assert kept_undo(rows("undo2", *kept)) == kept_undo({"rows": 7}) == kept_undo(None) == UndoState()
    assert kept_undo({"rows": [["undo", kept, "more"]]}) == kept_undo({"rows": [["undo", 7]]}) == UndoState()


# ---- rules that end by themselves

TASK = {"noun": "NetFirewallRule", "name": "Web", "at": "2027-01-01T00:00:00Z", "task": "0" * 32, "fits": True}
WEB = Id("local", "firewall_rule", "web")


def test_a_rule_that_ends_by_itself() -> None:
    (found,) = parse_expiries([TASK], KINDS.values())
    assert found == HostExpiry(WEB, "NetFirewallRule", "Web", "2027-01-01T00:00:00Z", "0" * 32, True)
    assert found.is_ours


@pytest.mark.parametrize(("said", "known", "fits"), [
    ({"noun": "NetFirewallProfile"}, False, True), ({"noun": "NetNothing"}, False, True), ({"noun": 7}, False, True),
    ({"name": ""}, False, True), ({"name": None}, False, True), ({"at": "soon"}, True, False), ({"at": None}, True, False),
    ({"fits": False}, True, False), ({"fits": "true"}, True, False), ({"fits": None}, True, False)])
def test_a_task_that_is_not_understood_is_told(said: dict[str, Any], known: bool, fits: bool) -> None:
    (found,) = parse_expiries([{**TASK, **said}], KINDS.values())
    assert (found.id == WEB, found.id is None, found.fits) == (known, not known, fits)
    assert bool(found.at) == ("at" not in said)


@pytest.mark.parametrize("task", ["", "0" * 31, "0" * 33, "G" * 32, "0" * 31 + "A", 7, "x" + "0" * 32])
def test_a_task_of_another_name_is_not_ours(task: Any) -> None:
    (found,) = parse_expiries([{**TASK, "task": task}], KINDS.values())
    assert not found.is_ours
    assert found.task == (task if isinstance(task, str) else "")


def test_what_is_no_task_is_passed_over() -> None:
    assert parse_expiries([None, 7, "x", [], TASK], KINDS.values()) == parse_expiries([TASK], KINDS.values())
    assert parse_expiries({"a": TASK}, KINDS.values()) == parse_expiries(None, KINDS.values()) == ()


def test_an_update_that_has_nothing_is_none() -> None:
    (one,) = parse_expiries([TASK], KINDS.values())
    assert [bool(update) for update in (ExpiryUpdate(), ExpiryUpdate((one,)), ExpiryUpdate((), (one,)))] == [False, True, True]
