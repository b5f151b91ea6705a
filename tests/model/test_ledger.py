"""What a ledger of a host says of other projects."""

from ringfence.model.ledger import ProjectIdentity, parse_ledger
from ringfence.model.state import Id

MINE = ProjectIdentity("corp", "0123456789abcdef")


def test_what_belongs_to_another_project_is_told_with_its_name_and_id() -> None:
    rule = ["firewall_rule|local|web", "String", "{}"]
    rows = [["aaaaaaaaaaaaaaaa", [["Name", "String", "base"], rule]],
            ["bbbbbbbbbbbbbbbb", [["firewall_rule|local|db", "String", "{}"], ["Name", "String", ""]]]]
    found = parse_ledger({"rows": rows}, MINE)
    assert found.foreign == {Id("local", "firewall_rule", "web"): "base (aaaaaaaaaaaaaaaa)",
                             Id("local", "firewall_rule", "db"): "without a name (bbbbbbbbbbbbbbbb)"}
    assert (dict(found.entries), found.unread) == ({}, "")
