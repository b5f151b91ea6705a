"""What a ledger of a host says of other projects."""

from typing import Any

import pytest

from ringfence.model import ledger
from ringfence.model.ledger import ProjectIdentity, parse_ledger
from ringfence.model.state import Id
from ringfence.model.undo import kept_undo

MINE = ProjectIdentity("corp", "0123456789abcdef")


def test_what_belongs_to_another_project_is_told_with_its_name_and_id() -> None:
    rule = ["firewall_rule|local|web", "String", "{}"]
    rows = [["aaaaaaaaaaaaaaaa", [["Name", "String", "base"], rule]],
            ["bbbbbbbbbbbbbbbb", [["firewall_rule|local|db", "String", "{}"], ["Name", "String", ""]]]]
    found = parse_ledger({"rows": rows}, MINE)
    assert found.foreign == {Id("local", "firewall_rule", "web"): "base (aaaaaaaaaaaaaaaa)",
                             Id("local", "firewall_rule", "db"): "without a name (bbbbbbbbbbbbbbbb)"}
    assert (dict(found.entries), found.unread) == ({}, "")


def test_a_host_that_names_more_than_there_can_be_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its ledger is not read then: nothing is taken for ours, and nothing is removed."""
    monkeypatch.setattr(ledger, "MAX_OWNED", 2)
    of_two = [[key, [["Name", "String", key], *([f"firewall_rule|local|{key}{n}", "String", "{}"] for n in range(count))]]
              for key, count in (("aaaaaaaaaaaaaaaa", 1), ("bbbbbbbbbbbbbbbb", 2))]
    assert parse_ledger({"rows": of_two}, MINE).unread == "it names more than 2 objects"
    assert parse_ledger({"rows": of_two[:1]}, MINE).unread == ""


@pytest.mark.parametrize("values", [
    5, "State", None, [5], ["abc"], [None], [["State", "String"]], [[1, 2, 3]], [{"0": 1, "1": 2, "2": 3}]], ids=repr)
def test_whatever_a_host_says_of_its_undo_is_read(values: Any) -> None:
    assert not kept_undo({"rows": [["undo", values]]}).waits
