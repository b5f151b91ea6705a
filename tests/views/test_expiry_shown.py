"""Until when a rule is wanted, and for which ticket, stands in every view of a run."""

import json
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from hosts import PROJECT
from html_pages import RDP, change, page, run_info
from junitparser import JUnitXml
from report_texts import report_text

from ringfence.errors import ExitCode
from ringfence.formats.data import change_text as change_json
from ringfence.formats.read_data import change_from_data
from ringfence.kinds import load
from ringfence.model.declaration import Absent, Present
from ringfence.model.ledger import Entry, Ledger, parse_ledger
from ringfence.model.state import Change, TaskLabel
from ringfence.plan.obstacles import DeclaredObject, objects_of
from ringfence.report import HostResult, LedgerResult, Report
from ringfence.views.ledger_view import LedgerTextView, ledger_data
from ringfence.views.table import VIEWS
from ringfence.views.view import ViewOptions

LABEL = TaskLabel("base", "the vendor", (), "2026-12-01T18:00:00Z", "CHG0031337", True)
COMES = replace(change(None, RDP), label=LABEL)
GOES = replace(change(RDP, None, why="expired 2026-12-01T18:00Z, CHG0031337"), label=LABEL)
TICKET = replace(change(None, RDP), label=TaskLabel(ticket="CHG0031337"))


def shown(format: str, one: Change, command: str) -> str:
    result = HostResult("web1", (one,))
    if format == "html":
        return page([result], command)
    if format in VIEWS:
        view, report = VIEWS[format](ViewOptions(run_info(command))), Report()
        report.add(result)
        return view.begin(()) + view.host(result) + view.end(report, 1.0, ExitCode.DIFFERENCES)
    return report_text(format, [result], command=command)


@pytest.mark.parametrize("command", ["plan", "drift"])
@pytest.mark.parametrize("format", ["text", "json", "jsonl", "md", "junit", "sarif", "html"])
def test_every_view_shows_it(format: str, command: str) -> None:
    for one in COMES, GOES:
        told = shown(format, one, command)
        assert "CHG0031337" in told
        assert re.search("2026-12-01T18:00(:00)?Z", told)
    assert "CHG0031337" in shown(format, TICKET, command)


@pytest.mark.parametrize(("label", "is_wanted", "told"), [
    (LABEL, True, "expires 2026-12-01T18:00Z, CHG0031337, by the host itself"), (TICKET.label, True, "ticket CHG0031337"),
    (TICKET.label, False, "ticket CHG0031337"), (TaskLabel(), True, None),
    (LABEL._replace(expires_on_host=False), False, "expired 2026-12-01T18:00Z, CHG0031337")])
def test_the_case_of_what_is_as_declared_shows_it(label: TaskLabel, is_wanted: bool, told: str | None) -> None:
    """Of what differs the finding says it."""
    one = DeclaredObject(COMES.id, "rdp", COMES.where, label, is_wanted)
    suites = JUnitXml.fromstring(report_text("junit", [HostResult("web1", declared_objects=(one,))]).partition("?>")[2])
    (case,) = [case for suite in suites if suite.name == "web1" for case in suite if case.name != "host"]
    assert (case.is_passed, case.system_out) == (True, told)


def test_what_a_project_declares_is_told_with_its_task() -> None:
    declared = objects_of({d.id: d for d in (
        Present(COMES.id, RDP, {}, label=LABEL), Absent(COMES.id._replace(name="old"), label=TICKET.label, name="Old"))})
    assert [(one.name, one.label, one.is_wanted) for one in declared] == [(RDP.name, LABEL, True), ("Old", TICKET.label, False)]


def test_the_page_without_javascript_shows_it() -> None:
    plain = page([HostResult("web1", (COMES,))]).partition('<div id="plain">')[2].partition("<script")[0]
    assert "expires 2026-12-01T18:00Z, by the host itself, ticket CHG0031337" in plain


def test_json_says_it_and_is_read_again() -> None:
    told = json.loads(change_json(COMES))
    assert {name: told["source"][name] for name in ("expires", "expires_on_host", "ticket")} == {
        "expires": "2026-12-01T18:00:00Z", "expires_on_host": True, "ticket": "CHG0031337"}
    assert change_from_data(told, load()).label == LABEL
    for name in ("expires", "expires_on_host", "ticket"):  # as earlier versions wrote it
        del told["source"][name]
    assert change_from_data(told, load()).label == TaskLabel("base", "the vendor")


@pytest.mark.parametrize(("entry", "words"), [
    (Entry("created", "RUN", "00", expires=LABEL.expires, ticket=LABEL.ticket), "expires 2026-12-01T18:00Z, CHG0031337"),
    (Entry("created", "RUN", "00", ticket=LABEL.ticket), "CHG0031337"), (Entry("created", "RUN", "00"), "")])
def test_the_ledger_shows_it(entry: Entry, words: str) -> None:
    ledger = Ledger({"Name": "corp"}, {COMES.id: entry}, {COMES.id._replace(name="theirs"): "another"})
    result = LedgerResult("web1", ledger=ledger, there=frozenset({COMES.id}), owned=frozenset({COMES.id}))
    view: Callable[[ViewOptions], LedgerTextView] = LedgerTextView
    (line,) = [line for line in view(ViewOptions(run_info("ledger show"))).host(result).splitlines() if "base-rdp" in line]
    assert line.rstrip().endswith(words or "RUN")
    (told,) = ledger_data(result)["ledger"]["entries"]
    assert (told["expires"], told["ticket"]) == (entry.expires or None, entry.ticket or None)


@pytest.mark.parametrize("text", [
    '{"how":"created","hash":"00","expires":"2026-12-01T18:00:00Z","ticket":"CHG1","expires_on_host":true,"later":[1]}',
    '{"how":"adopted"}', '{"how":"created","expires":7,"ticket":{},"expires_on_host":"yes"}'])
def test_an_entry_is_written_as_it_was_read(text: str) -> None:
    def read(entry: str) -> Entry:
        rows = [[PROJECT.id, [["firewall_rule|local|x", "String", entry]]]]
        (found,) = parse_ledger({"rows": rows}, PROJECT).entries.values()
        return found

    entry = read(text)
    again = json.loads(entry.encode())
    assert read(entry.encode()) == entry
    assert again.get("later") == json.loads(text).get("later")
    assert entry.expires_on_host is (json.loads(text).get("expires_on_host") is True)
