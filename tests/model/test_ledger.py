"""What a ledger of a host says: of the project and of others, whoever wrote it."""

from dataclasses import replace
from typing import Any

import pytest
from core import KINDS, PROFILE, rule

from ringfence.model import ledger
from ringfence.model.ledger import MAX_ENTRY_TEXT, Entry, Ledger, ProjectIdentity, entry_of, parse_ledger, untrusted_writers
from ringfence.model.plain import digest_of
from ringfence.model.resource import Resource
from ringfence.model.state import Id, id_of
from ringfence.model.undo import kept_undo

MINE = ProjectIdentity("corp", "0123456789abcdef")
WEB = Id("local", "firewall_rule", "web")


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
    found = parse_ledger({"rows": of_two, "machine": "M"}, MINE, "srv1")
    assert (found.unread, found.machine) == ("it names more than 2 objects", "m|srv1")
    assert parse_ledger({"rows": of_two[:1]}, MINE).unread == ""


@pytest.mark.parametrize("values", [
    5, "State", None, [5], ["abc"], [None], [["State", "String"]], [[1, 2, 3]], [{"0": 1, "1": 2, "2": 3}]], ids=repr)
def test_whatever_a_host_says_of_its_undo_is_read(values: Any) -> None:
    assert not kept_undo({"rows": [["undo", values]]}).waits


# ---- who may write it ([MS-DTYP] 2.4.3, 2.5.1; the rights of registry keys: winnt.h)

@pytest.mark.parametrize(("sddl", "who"), [
    ("", ()), ("nonsense", ()), ("O:BAD:P(A;CI;KA;;;SY)(A;CI;KA;;;BA)(A;CI;KA;;;CO)", ()),
    ("O:SYD:(A;;KA;;;S-1-5-18)(A;;GA;;;S-1-5-32-544)(A;;0xf003f;;;S-1-3-0)", ()),
    ("O:S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464D:(A;;KA;;;SY)", ()),
    ("O:S-1-5-21-1-2-3-1105D:(A;;KA;;;SY)", ("S-1-5-21-1-2-3-1105",)), ("O:BUD:(A;;KA;;;SY)", ("BU",)),
    ("O:BAD:(A;;KA;;;BU)(A;;KW;;;S-1-5-11)(A;;GA;;;BU)", ("BU", "S-1-5-11")), ("O:BUD:(A;;KA;;;BU)", ("BU",)),
    ("D:(A;;KR;;;BU)(A;;KX;;;WD)(A;;GR;;;WD)(A;;GX;;;WD)(A;;RC;;;WD)(A;;CCSWRPRC;;;WD)", ()),
    ("D:(A;;KRKXGRGXRCCCSWRP;;;WD)", ()),
    ("D:(A;;0x20019;;;WD)(A;;0x80000000;;;WD)(A;;0X20000000;;;WD)", ()),  # KEY_READ, generic read and execute
    ("D:(D;;KA;;;WD)(OD;;KA;;;WD)(XD;;KA;;;WD)S:(AU;SA;KA;;;WD)", ()), ("D:(XA;;KA;;;WD)", ("WD",)), ("D:(OA;;KA;;;WD)", ("WD",)),
    *((f"D:(A;;{rights};;;WD)", ("WD",)) for rights in (
        "GA", "GW", "WD", "WO", "SD", "DC", "LC", "WP", "CCDC", "RCKW", "0x2", "0x4", "0x20", "0x10000", "0x40000", "0x80000",
        "0x10000000", "0x40000000", "0X2", "0xzz"))])
def test_who_may_write_beside_administrators(sddl: str, who: tuple[str, ...]) -> None:
    assert untrusted_writers(sddl) == who


def test_a_ledger_that_others_may_write_is_not_believed() -> None:
    found = parse_ledger({"rows": of_mine(), "sddl": "O:BAD:(A;;KA;;;BU)", "machine": "M"}, MINE, "srv1")
    assert (found.unread, dict(found.entries), found.machine) == ("others than administrators may write it: BU", {}, "m|srv1")


# ---- what stands in it

def of_mine(*values: tuple[str, str], key: str = MINE.id) -> list[Any]:
    rule = ["firewall_rule|local|web", "String", '{"how":"created","hash":"h"}']
    return [[key, [rule, *([n, "String", t] for n, t in values)]]]


def test_the_own_one_is_found_whatever_its_letters() -> None:
    rows = of_mine(("Generation", "7"), ("Future", "x"), key=MINE.id.upper())
    found = parse_ledger({"rows": rows, "machine": "ABC"}, MINE, "SRV1")
    assert dict(found.header) == {"Generation": "7"}
    assert dict(found.entries) == {WEB: Entry("created", hash="h")}
    assert (found.machine, found.generation, dict(found.foreign)) == ("abc|srv1", 7, {})
    assert found.problems == ("'Future' is not the name of an object",)


def test_a_machine_that_does_not_say_which_it_is() -> None:
    assert parse_ledger({"rows": []}, MINE, "srv1").machine == "|srv1"


def test_without_a_project_each_is_of_another() -> None:
    assert dict(parse_ledger({"rows": of_mine()}, None).foreign) == {WEB: f"without a name ({MINE.id})"}


@pytest.mark.parametrize(("name", "text", "problem"), [
    ("firewall_rule|local|a|b", '{"how":"adopted"}', ""), ("FIREWALL_RULE|Local|A", '{"how":"mentioned"}', ""),
    ("firewall_rule|local|", "{}", "is not the name of an object"), ("|local|a", "{}", "is not the name of an object"),
    ("firewall_rule||a", "{}", "is not the name of an object"), ("firewall_rule|local", "{}", "is not the name of an object"),
    ("firewall_rule|group_policy|a", '{"how":"created"}', "that a project could own"),
    ("firewall_rule|local|a", "", "firewall_rule a: "), ("firewall_rule|local|a", "[" * 100_000, "firewall_rule a: "),
    *(("firewall_rule|local|a", text, "does not say how") for text in ("[]", "7", "{}", '{"how":"stolen"}', '{"how":null}'))])
def test_what_is_not_understood_is_told_and_nobodys(name: str, text: str, problem: str) -> None:
    found = parse_ledger({"rows": [[MINE.id, [[name, "String", text]]]]}, MINE)
    assert [bool(found.entries), len(found.problems)] == ([False, 1] if problem else [True, 0])
    assert problem in "".join(found.problems)
    assert not problem or not found.foreign


@pytest.mark.parametrize("rows", [
    [["", [["firewall_rule|local|a", "String", "{}"]]], ["UNDO", [["firewall_rule|local|a", "String", "{}"]]]],
    [None, 7, "x", [], ["k"], ["k", None], [7, []], ["k", [], "more"],
     ["k", [None, 7, [], ["firewall_rule|local|a"], [7, "String", "{}"], ["firewall_rule|local|a", "DWord", 7]]]]],
    ids=["no", "odd"])
def test_what_is_no_ledger_names_nothing(rows: Any) -> None:
    found = parse_ledger({"rows": rows}, MINE)
    assert (dict(found.entries), dict(found.foreign), found.problems, found.unread) == ({}, {}, (), "")


@pytest.mark.parametrize(("answer", "why"), [
    (None, "the host did not tell"), ({}, "the host did not tell"), ({"rows": None}, "the host did not tell"),
    ({"rows": of_mine(), "unread": [{"why": "no"}, {"why": "nor that"}, 7]}, "no; nor that"),
    ({"rows": of_mine(), "unread": "x"}, ""), ({"rows": of_mine(), "unread": []}, "")])
def test_what_could_not_be_read_is_known_of_nothing(answer: Any, why: str) -> None:
    found = parse_ledger(answer, MINE)
    assert found.unread == why
    assert bool(found.entries) == (not why)


# ---- entries

def test_an_entry_is_read_as_it_was_written() -> None:
    said = Entry("adopted", "run", "hash", "pending", ("a.yml", "b.yml"), {"enabled": True}, "2027-01-01", "T-1", True,
                 {"new": 1})
    assert entry_of(said.encode()) == said
    assert Entry("created", hash="h").encode() == '{"how":"created","hash":"h"}'
    assert (said.said_of_time, said.expiry) == (("2027-01-01", "T-1", True), "2027-01-01, T-1")


def test_members_of_a_wrong_type_are_not_said() -> None:
    found = entry_of('{"how":"created","run":null,"hash":7,"playbooks":"a.yml","first":[1],"expires_on_host":"true"}')
    assert found == Entry("created", hash="7")
    assert entry_of('{"how":"created","playbooks":["a",7]}').playbooks == ("a", "7")


def test_what_was_first_is_left_out_where_the_registry_would_not_take_it() -> None:
    said = Entry("mentioned", hash="h", first={"description": ""})
    room = MAX_ENTRY_TEXT - len(said.encode())
    fits, more = (replace(said, first={"description": "x" * (room + n)}) for n in (0, 1))
    assert entry_of(fits.encode()) == fits
    assert entry_of(more.encode()) == replace(said, first={})


@pytest.mark.parametrize(("entry", "whole"), [
    (Entry("created", hash="h"), True), (Entry("adopted", hash="h"), True), (Entry("mentioned", hash="h"), False),
    (Entry("created", pending="p"), False)])
def test_what_is_the_projects_as_a_whole(entry: Entry, whole: bool) -> None:
    assert entry.is_whole == whole


def test_what_a_run_writes_is_no_other_ownership() -> None:
    said = Entry("created", "run", "hash", "pending", ("a.yml",))
    assert said.remembered == replace(said, run="r", hash="h", pending="").remembered
    assert len({said.remembered, replace(said, how="adopted").remembered, replace(said, playbooks=()).remembered}) == 3


# ---- what the ledger says as a whole

WRITTEN = rule("web")
DIGEST = digest_of(WRITTEN)


@pytest.mark.parametrize(("entry", "found", "how"), [
    (Entry("created", hash="h"), WRITTEN, "created"), (Entry("adopted", hash="h"), None, "adopted"),
    (Entry("created", hash="h", pending="p"), WRITTEN, "created"),
    (Entry("created", pending=DIGEST), WRITTEN, "created"),  # the write was made
    (Entry("created", pending="p"), WRITTEN, ""), (Entry("created", pending=DIGEST), None, ""),  # it was not
    (Entry("mentioned"), WRITTEN, "mentioned")])
def test_whose_an_object_is(entry: Entry, found: Resource | None, how: str) -> None:
    told = Ledger(entries={WEB: entry})
    owned = told.owned(WEB, found)
    assert (owned.how if owned else "") == how
    assert told.owned(Id("local", "firewall_rule", "other"), found) is None


@pytest.mark.parametrize("how", ["created", "adopted", "mentioned"])
def test_nobody_made_what_is_a_part_of_windows(how: Any) -> None:
    for resource in (PROFILE.create("domain", {}), KINDS["firewall_setting"].create("all", {})):
        owned = Ledger(entries={id_of(resource): Entry(how, hash="h", playbooks=("a.yml",))}).owned(id_of(resource), resource)
        assert owned == Entry("mentioned", hash="h", playbooks=("a.yml",))


@pytest.mark.parametrize(("written_on", "machine", "name"), [
    ("a|srv1.corp", "a|srv1.corp", ""), ("", "a|srv1.corp", ""), ("a|srv1.corp", "", ""),
    ("b|golden.corp", "a|srv1.corp", "golden.corp"),
    ("b|golden|", "a|srv1|", "golden"), ("b|golden|S-1-5-21-1-2-3", "a|srv1|", "golden"),
    ("b", "a|srv1.corp", "b"), ("b|", "a|srv1.corp", "b|"), ("a|golden", "a|srv1.corp", "golden")])
def test_the_machine_that_a_clone_was_made_from(written_on: str, machine: str, name: str) -> None:
    assert Ledger({"Machine": written_on} if written_on else {}, machine=machine).inherited_from == name


@pytest.mark.parametrize(("text", "number"), [
    ("0", 0), ("12", 12), ("9" * 17, int("9" * 17)), ("9" * 18, 0), ("", 0), ("-1", 0), ("x", 0), ("²", 0), ("٣", 0), ("1.5", 0)])
def test_numbers_of_a_ledger(text: str, number: int) -> None:
    found = Ledger({"Generation": text, "Format": text})
    assert (found.generation, found.is_newer) == (number, number > 1)
    assert not Ledger({"Format": "1"}).is_newer
    assert (Ledger().generation, Ledger().is_newer) == (0, False)


def test_a_run_that_never_ended() -> None:
    assert [Ledger({"State": state}).is_pending for state in ("pending", "final", "")] == [True, False, False]
    assert not Ledger().is_pending
