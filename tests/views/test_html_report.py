"""The HTML report as a file: what stands in it, what cannot break out of it, and how large it gets. Browsers: see
test_html_in_browser.py."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from chance import by_chance
from html_pages import BACKUP, BY_ANNA, NARROWED, NOT_KNOWN, RULE, change, fleet, large, made, page
from html_reading import ReadPage, changes_of
from hypothesis import given
from hypothesis import strategies as st

from ringfence.diagnostics import Diagnostic, Where
from ringfence.errors import ExitCode, GuardRefused
from ringfence.model.state import Change, id_of
from ringfence.plan.plan import Orphan
from ringfence.report import HostResult
from ringfence.secret import Secret
from ringfence.views import html_data, html_report
from ringfence.views.format import escaped, value
from ringfence.views.html_cells import FIELDS, change_cells, owner_of

HOSTILE = "</script><img src=x onerror=alert(1)>\u202etxt.exe<!--{{7*7}}&amp;\x00"


def told(text: str, host: str, name: str) -> dict[str, Any]:
    """What a page says of the one change of an object on a host: members by FIELDS, properties by their names."""
    cells = changes_of(ReadPage(text).data)[host][name]
    rest = cells[len(FIELDS):]
    return {**dict(zip(FIELDS, cells, strict=False)), "properties": {n: (f, d) for n, f, d in zip(
        rest[::3], rest[1::3], rest[2::3], strict=True)}}


def test_it_is_one_page_that_loads_nothing_and_runs_one_program() -> None:
    read = ReadPage(page(fleet()))
    (script,) = [text for attributes, text in read.scripts if attributes.get("type") != "application/json"]
    digests = {kind: f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
               for kind, text in (("script-src", script), ("style-src", read.style))}
    policy = dict(part.strip().partition(" ")[::2] for part in read.policy.split(";"))
    assert policy == {"default-src": "'none'", **digests, "base-uri": "'none'", "form-action": "'none'",
                      "require-trusted-types-for": "'script'", "trusted-types": "'none'"}
    assert not [(tag, a) for tag, a in read.elements for name in a if name in ("src", "href", "style") or name.startswith("on")]
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|https?://", script + read.style)


def test_every_element_is_closed() -> None:
    for command in ("plan", "apply", "drift", "validate", "compare-defaults"):
        assert ReadPage(page(fleet(wrote=command == "apply"), command)).open == []
        assert ReadPage(page([], command)).open == []


def test_the_page_has_every_change_of_every_host_as_it_was() -> None:
    """What is written once for many hosts is whole again for each of them."""
    results = [*large(7, 12, 4), *fleet(wrote=True)]
    found = changes_of(ReadPage(page(results)).data)
    for result in results:
        expected = {c.resource.name: change_cells(c, (), owner_of(result, c), False) for c in result.changes}
        assert found.get(result.host, {}) == expected
    assert changes_of(ReadPage(page(results)).data, "remaining")["web3"].keys() == {"base-backup"}


def test_data_are_compressed_where_they_are_many() -> None:
    few, many = ReadPage(page(fleet())), ReadPage(page(large(40, 60, 60)))
    assert (few.encoding, many.encoding) == ("", "gzip")
    assert len(changes_of(many.data)) == 40


@pytest.mark.parametrize("differing", [0, 1, 20])
def test_a_change_that_is_like_another_takes_a_few_bytes(differing: int) -> None:
    base, sizes = len(page(large(1, 20, differing))), len(page(large(100, 20, differing)))
    assert sizes - base < 100 * (300 + 60 * differing)  # a line of the table of hosts, and 60 bytes for each change of its own


def test_what_makes_a_page_too_large_is_left_out_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html_report, "MAX_PLAIN", 0)
    results = [*large(60, 60, 60)]
    whole = len(page(results))
    monkeypatch.setattr(html_report, "MAX_PAGE", whole - 8_000)
    text = page(results)
    assert len(text) <= whole - 8_000
    data = ReadPage(text).data
    described = sum(patch != 0 for row in data["changes"]["rows"] for patch in row[7])
    assert 0 < described < 60 * 60
    assert sum(len(row[6]) for row in data["changes"]["rows"]) == 60 * 60  # on which hosts, is told of all
    assert f"the details of {60 * 60 - described:,} changes are left out" in ReadPage(text).text


def test_what_is_kept_while_hosts_come_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html_data, "MAX_VARIANT_TEXT", 5_000)
    data = ReadPage(page(large(60, 30, 30))).data
    kept = [patch for row in data["changes"]["rows"] for patch in row[7] if patch]
    assert len(json.dumps(kept)) < 10_000
    assert sum(len(row[6]) for row in data["changes"]["rows"]) == 60 * 30


def test_names_of_strangers_stay_texts() -> None:
    nasty = RULE.create(HOSTILE, {"protocol": "tcp", "description": HOSTILE})
    gone = Change(id_of(nasty), nasty, None, Where(HOSTILE, 3), why=HOSTILE)
    result = HostResult(HOSTILE, (gone,), error=GuardRefused(HOSTILE), names={HOSTILE: HOSTILE}, way_back=(HOSTILE,),
                        diagnostics=(Diagnostic(Where(HOSTILE), HOSTILE, HOSTILE),))
    text = page([result, replace(result, host="other")], warnings=[Diagnostic(Where(HOSTILE), HOSTILE, HOSTILE, host=HOSTILE)])
    harmless = ReadPage(page(fleet(wrote=True), "apply", [Diagnostic(Where("a"), "b", "c", host="d")]))
    read = ReadPage(text)
    assert {tag for tag, _ in read.elements} <= {tag for tag, _ in harmless.elements}
    assert (len(read.scripts), read.comments, read.open) == (2, [], [])
    assert not [c for c in text if not c.isprintable() and c != "\n"]
    assert "\\u202e" in read.text
    assert "{{7*7}}" in read.text


PIECES = ["</script>", "<", ">", "&", "'", '"', "{{", "{%", "<!--", "\u2028", "\u202e", "\\", "é", "\x00", "a"]
WORDS = st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map("".join)


@by_chance(60)
@given(name=WORDS, said=WORDS)
def test_whatever_is_said_the_page_is_built_the_same(name: str, said: str) -> None:
    def built(name: str, said: str) -> ReadPage:
        rule = RULE.create(name, {"protocol": "tcp", "description": said})
        result = HostResult(name, (change(None, rule),), diagnostics=(Diagnostic(Where(said, 1), said, said),), way_back=(said,))
        return ReadPage(page([result], warnings=[Diagnostic(Where(said, 1), said, said, host=name)], groups={name: [name, "b"]}))

    read, plain = built(name, said), built("n", "s")
    assert [tag for tag, _ in read.elements] == [tag for tag, _ in plain.elements]
    assert (read.open, read.comments, len(read.scripts)) == ([], [], 2)
    cells = changes_of(read.data)[escaped(name)][escaped(name)]
    assert cells[cells.index("description") + 2] == escaped(said)


def test_a_secret_is_never_in_it() -> None:
    one, other = (RULE.create("r", {"protocol": "tcp", "description": Secret(f"hidden-{n}")}) for n in (1, 2))
    text = page([HostResult("h", (Change(id_of(one), one, other),))])
    assert "hidden-" not in text
    assert told(text, "h", "r")["properties"]["description"] == (value(Secret("x")), "another key")


def test_a_change_is_told_from_both_sides() -> None:
    one = told(page(fleet()), "web1", "base-rdp")
    assert one["properties"] == {"remote_address": ("ANY", ["10.1.4.0/28"])}
    assert one["found"] == ["allow inbound tcp 3389 ", "from ANY", ", any profile"]  # every second piece is open
    assert one["declared"] == ["allow inbound tcp 3389 from 10.1.4.0/28, any profile"]
    assert (one["file"], one["line"], one["task"], one["owner"]) == ("playbooks/base.yml", 8, "RDP for admins", "this project")
    made_there = told(page(fleet()), "db1", "base-backup")
    assert made_there["properties"]["local_port"] == (None, ["10000-10001"])
    assert "profile" in made_there["defaults"]


def test_what_is_stored_has_the_name_that_its_host_has_for_it() -> None:
    """Two hosts of different languages call the same text differently; neither speaks for the other."""
    named = change(None, made("r", protocol="tcp", display_name="@FirewallAPI.dll,-25000"))
    results = [HostResult(host, (named,), names={"@FirewallAPI.dll,-25000": title}) for host, title in (
        ("en", "Core Networking"), ("de", "Kernnetzwerk"))] + [HostResult("none", (named,))]
    text = page(results)
    assert [told(text, host, "r")["title"] for host in ("en", "de", "none")] == [
        "Core Networking", "Kernnetzwerk", "@FirewallAPI.dll,-25000"]
    assert told(text, "de", "r")["properties"]["display_name"] == (None, "Kernnetzwerk")


def test_long_values_are_cut_where_nobody_asked_for_them_whole() -> None:
    long = made("r", protocol="tcp", remote_address=[f"10.{n // 250}.{n % 250}.1" for n in range(1_000)])
    many = told(page([HostResult("h", (change(None, long),))]), "h", "r")["properties"]["remote_address"][1]
    assert (len(many), many[-1]) == (201, "and 800 more")


def test_of_long_values_what_differs_is_shown() -> None:
    addresses = [f"10.{n // 250}.{n % 250}.1" for n in range(1_000)]
    before, after = (made("r", protocol="tcp", remote_address=those) for those in ([*addresses[1:], "10.9.9.9"], addresses))
    properties = told(page([HostResult("h", (change(before, after),))]), "h", "r")["properties"]
    assert properties["remote_address"] == (["10.9.9.9", "999 that are the same"], ["10.0.0.1", "999 that are the same"])
    one, other = (RULE.create("r", {"protocol": "tcp", "description": "x" * 5_000 + end}) for end in ("a", "b"))
    properties = told(page([HostResult("h", (change(one, other),))]), "h", "r")["properties"]
    assert properties["description"] == ("…" + "x" * 200 + "a", "…" + "x" * 200 + "b")


@pytest.mark.parametrize(("command", "first", "others"), [
    ("plan", "5 of 7 reached hosts would be changed; 1 in sync: 11 changes", []),
    ("apply --check", "5 of 7 reached hosts would be changed; 1 in sync: 11 changes", []),
    ("drift", "5 of 7 reached hosts are not as declared; 1 in sync: 11 differences", []),
    ("compare-defaults", "5 of 7 reached hosts are not as Windows ships them; 1 in sync: 11 differences", []),
    ("apply", "3 of 7 reached hosts were changed; 1 in sync: 11 changes, 8 of them made",
     ["1 host lost: written, and then not reached over a new connection", "1 host failed"])])
def test_the_answer_comes_first(command: str, first: str, others: list[str]) -> None:
    assert ReadPage(page(fleet(wrote=command == "apply"), command)).items("facts") == [
        first, "1 host not reached: pc10", "on 1 host something declared is there and not in force", *others]


def test_the_answer_where_all_is_well_or_nothing_was_looked_at() -> None:
    good = [HostResult("a"), HostResult("b")]
    assert ReadPage(page(good, "drift")).items("facts") == ["2 reached hosts: as declared"]
    assert ReadPage(page(good, "plan")).items("facts") == ["2 reached hosts: nothing is to be changed"]
    wrong = HostResult("web3", diagnostics=(Diagnostic(Where("site.yml", 4), "wrong"),))
    assert ReadPage(page([wrong], "drift")).items("facts") == ["1 host with mistakes in what is declared"]  # and nothing else
    assert ReadPage(page([*good, wrong], "drift")).items("facts") == [
        "2 reached hosts: as declared", "1 host with mistakes in what is declared"]
    assert ReadPage(page([], "validate")).items("facts") == ["no mistakes: 0 declarations for 0 hosts"]
    mistake = Diagnostic(Where("site.yml", 3), "there is no such property: portt", "did you mean port?")
    read = ReadPage(page([], "validate", [mistake]))
    assert read.items("facts") == ["ended before its end: 1 mistake"]
    assert ["✗ error", "site.yml:3", "there is no such property: portt did you mean port?"] in read.rows
    assert ReadPage(page([], "plan")).items("facts") == ["no host was looked at"]


@pytest.mark.parametrize(("command", "words"), [
    ("plan", {"+ create", "~ update", "- remove"}), ("drift", {"− MISSING", "≠ DIFFERS", "+ UNEXPECTED"}),
    ("compare-defaults", {"+ added", "~ changed", "− missing"})])
def test_each_command_has_its_words(command: str, words: set[str]) -> None:
    assert words == {row[0] for row in ReadPage(page(fleet(), command)).rows if "firewall_rule" in row[1]}


def test_without_javascript_the_tables_tell_the_same() -> None:
    read = ReadPage(page(fleet(wrote=True), "apply"))
    rows: Mapping[str, list[str]] = {row[0]: row for row in read.rows}
    assert rows["pc1"][1] == "✗ lost"
    assert "connection reset by peer" in rows["pc1"][-1]
    assert "Remove-NetFirewallRule -Name base-backup" in rows["pc1"][-1]
    assert "Group Policy has local rules ignored in the profile domain" in rows["db2"][-1]
    assert "playbooks/base.yml:8: the port 3389 is open to everybody on this host" in rows["web3"][-1]
    (rdp,) = [row for row in read.rows if "base-rdp" in row[1]]
    assert rdp[0] == "~ update"
    assert "remote_address ANY → 10.1.4.0/28" in rdp[2]
    assert "on 4 of 4" not in rdp[2]
    assert rdp[3] == "playbooks/base.yml:8"
    (site,) = [row for row in read.rows if "web-site" in row[1]]
    assert "the first of 3 variants" in site[2]
    (backup,) = [row for row in read.rows if "base-backup" in row[1]]
    assert "not made on web3" in backup[2]


def test_what_a_run_is_known_by_stands_in_it() -> None:
    read = ReadPage(page(fleet(), exit_code=ExitCode.UNREACHABLE))
    assert read.title == "ringfence plan · corp-firewall · 2026-11-26 11:57:12 UTC"
    for part in ("20260", "20261126T115712Z-3f9a1c", "4c436696d1f0", "5: some hosts unreachable", "2026-11-26 11:57:12 UTC"):
        assert (part in read.text) == (part != "20260")


def test_a_change_of_the_ledger_alone_has_no_properties() -> None:
    adopted = Change(NARROWED.id, BACKUP, BACKUP, as_action="release", why="not declared any more")
    found = told(page([HostResult("h", (adopted,))]), "h", "base-backup")
    assert (found["properties"], found["why"]) == ({}, "not declared any more")


def test_what_the_project_left_on_hosts_is_told_as_drift() -> None:
    orphan = Orphan(NARROWED.id, BACKUP, "created", "20260101T000000Z-000000", "prune: report")
    results = [HostResult(host, orphans=(orphan,)) for host in ("a", "b")]
    text = page(results, "drift", abandoned=("old1", "old2"))
    assert ReadPage(text).items("facts") == [
        "2 reached hosts: as declared", "2 objects GONE: the project left them on hosts, and declares them no more",
        "2 hosts ABANDONED: old1, old2: the project left objects there, and no play names them any more; `ringfence retire HOST`"]
    (row,) = [row for row in ReadPage(text).rows if "base-backup" in row[1]]
    assert row[0] == "o GONE"
    assert told(text, "b", "base-backup")["why"] == "created by run 20260101T000000Z-000000; nobody declares it any more"
    assert ReadPage(page(results, "plan")).data["changes"]["rows"] == []


def asked_who() -> list[HostResult]:
    """The fleet, where somebody asked who changed it: known of one object, of nothing, and of one of two."""
    results = fleet()
    who = {"web1": {NARROWED.id: BY_ANNA}, "pc1": {c.id: NOT_KNOWN for c in results[5].changes},
           "web2": {results[1].changes[0].id: NOT_KNOWN, NARROWED.id: BY_ANNA}}
    return [replace(r, changed_by=who.get(r.host)) for r in results]


def test_who_changed_what_is_told_of_each_host() -> None:
    read = ReadPage(page(asked_who(), "drift"))
    rows = {row[0]: row[-1] for row in read.rows}
    anna = r"changed 2026-11-25 09:03:01Z by CORP\anna with C:\Windows\System32\mmc.exe (event 2006)"
    assert rows["web1"] == f"who changed firewall_rule base-rdp: {anna}"
    assert rows["pc1"] == "who changed these: not known: the log does not reach back so far"
    assert rows["web2"] == ("who changed firewall_rule web-site: not known: the log does not reach back so far "
                            f"who changed firewall_rule base-rdp: {anna}")
    assert "who" not in rows["web3"]
