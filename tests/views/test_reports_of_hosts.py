"""Reports as files: whatever hosts and playbooks say, a report is one of its format, and within its limits."""

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from junitparser import JUnitXml
from report_texts import create, hostile_results, report_text
from sarif import log, place

from ringfence.diagnostics import Diagnostic, Where
from ringfence.errors import ExitCode, GuardRefused, HostError, Lost, OutcomeUnknown, StalePlan, Unreachable
from ringfence.model.state import Change
from ringfence.plan.obstacles import Affected
from ringfence.report import HostResult
from ringfence.views import sarif_report
from ringfence.views.findings import SORTS

FLEETS = st.lists(hostile_results(), min_size=1, max_size=3)
WEB, DB = create("web", 4, protocol="tcp", local_port=("443",)), create("db", 5)
NARROW = create("narrow", 6, protocol="tcp", local_port=("443",), remote_address=("10.0.0.0/8",))
UPDATED = Change(WEB.id, DB.after, WEB.after, WEB.where)
BOTH = frozenset({WEB.id, DB.id})
OBJECTS = tuple(Affected(c.id, c.resource.name, c.where) for c in (WEB, DB))


# ------------------------------------------------------------------------------------------------- what is told

def sorts(result: HostResult, command: str) -> list[str]:
    return [one["ruleId"] for one in log(report_text("sarif", [result], command=command))["results"]]


def cases(result: HostResult, command: str) -> dict[str, str]:
    suites = JUnitXml.fromstring(report_text("junit", [result], command=command).partition("?>")[2])
    return {str(case.name): case.result[0].type if case.result else "passed"
            for suite in suites if suite.name == result.host for case in suite}


@pytest.mark.parametrize(("result", "command", "expected"), [
    (HostResult("h", (WEB,), declared_objects=OBJECTS), "plan", {"host": "passed", "web": "plan-opens", "db": "passed"}),
    (HostResult("h", (WEB,), declared_objects=OBJECTS), "drift", {"host": "passed", "web": "drift-missing", "db": "passed"}),
    (HostResult("h", (WEB,)), "apply", {"host": "passed", "web": "not-made"}),
    (HostResult("h", (WEB, DB), written=BOTH, proven=BOTH, declared_objects=OBJECTS), "apply",
     {"host": "passed", "web": "passed", "db": "passed"}),
    (HostResult("h", (WEB, DB), written=BOTH, proven=frozenset({DB.id}), remaining=(UPDATED,),
                error=HostError("not_converged"), declared_objects=OBJECTS), "apply",
     {"host": "host-failed", "web": "not-proven", "db": "passed"}),
    (HostResult("h", (WEB, DB), written=frozenset({WEB.id}), error=HostError("change_rejected")), "apply",
     {"host": "host-failed", "web": "unproven", "db": "not-made"}),
    (HostResult("h", (WEB, DB), written=BOTH, error=Lost()), "apply", {"host": "host-lost", "web": "unproven", "db": "unproven"}),
    (HostResult("h", (WEB, DB), error=OutcomeUnknown("no_answer")), "apply",
     {"host": "host-unknown", "web": "unproven", "db": "unproven"}),
    (HostResult("h", (WEB,), error=StalePlan("moved")), "apply", {"host": "host-stale", "web": "not-approved"}),
    (HostResult("h", (NARROW, replace(WEB, before=WEB.after, after=None)), error=GuardRefused("no")), "plan",
     {"host": "host-refused", "narrow": "plan-create", "web": "plan-remove"}),
    (HostResult("h", (replace(NARROW, before=NARROW.after, after=WEB.after),)), "plan", {"host": "passed", "web": "plan-opens"}),
    (HostResult("h", (replace(WEB, before=WEB.after, after=NARROW.after),)), "plan", {"host": "passed", "narrow": "plan-update"}),
    (HostResult("h", error=Unreachable("dns")), "plan", {"host": "host-unreachable"}),
    (HostResult("h", diagnostics=(Diagnostic(Where("a.yml", 2), "wrong"),)), "plan", {"host": "mistake"}),
    (HostResult("h", diagnostics=(Diagnostic(Where("a.yml", 2), "odd", severity="warning"),)), "plan", {"host": "passed"}),
])
def test_what_becomes_of_a_host(result: HostResult, command: str, expected: dict[str, str]) -> None:
    named = {name.removeprefix("firewall_rule "): became for name, became in cases(result, command).items()}
    assert named == expected
    fails = [name for name in sorts(result, command) if SORTS[name].fails]
    assert sorted(fails) == sorted(became for became in expected.values() if became != "passed")


def test_a_run_that_ends_early_says_so() -> None:
    for ended in ({"signal": "SIGTERM", "not_begun": ("h2", "h3")}, {"problems": (Diagnostic(Where("a.yml", 2), "wrong"),)}):
        junit = JUnitXml.fromstring(report_text("junit", [], **ended).partition("?>")[2])
        assert [c.result[0].type for suite in junit for c in suite if c.result] == ["mistake"]
        run = log(report_text("sarif", [], code=ExitCode.ERROR, **ended))
        assert run["invocations"][0]["executionSuccessful"] is False
        assert run["results"] or "h2, h3" in run["invocations"][0]["toolExecutionNotifications"][1]["message"]["text"]


# ------------------------------------------------------------------------------------------------- hostile words

@settings(max_examples=150, deadline=None)
@given(FLEETS)
def test_junit_is_xml_whatever_is_said(results: Sequence[HostResult]) -> None:
    text = report_text("junit", results)
    assert not re.search("[\0-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]", text)
    suites = [*JUnitXml.fromstring(text.partition("?>")[2])]
    assert [len([*suite]) >= 1 for suite in suites] == [True] * (len(results) + 1)


@settings(max_examples=150, deadline=None)
@given(FLEETS)
def test_sarif_fits_its_schema_whatever_is_said(results: Sequence[HostResult]) -> None:
    for one in log(report_text("sarif", results))["results"]:
        assert "](" not in one["message"]["text"]
        assert all(c.isprintable() or c == "\n" for c in one["message"]["text"])


# ------------------------------------------------------------------------------------------------- limits

def test_sarif_keeps_the_limits_of_github_and_says_what_it_leaves_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sarif_report, "MAX_RESULTS", 20)
    monkeypatch.setattr(sarif_report, "SHOWN_RESULTS", 10)
    fleet = [HostResult(f"h{n}", (create(f"r{n}"), create("same")), error=Unreachable("dns", f"h{n}") if n < 3 else None)
             for n in range(200)]
    run = log(report_text("sarif", fleet))
    assert len(run["results"]) == 20
    assert (run["results"][0]["ruleId"], run["results"][0]["occurrenceCount"]) == ("host-unreachable", 3)
    told = [n["message"]["text"] for n in run["invocations"][0]["toolExecutionNotifications"]]
    assert run["properties"]["resultsLeftOut"] == 1 + 200 + 1 - 20
    assert told == ["182 results are left out: of a sort, and of all together, 20 are told",
                    "of 20 results, GitHub shows the first 10, those that matter most"]


def test_sarif_tells_ways_and_hosts_of_one_thing() -> None:
    fleet = [HostResult(f"h{n}", (create("web", description=f"of h{n % 30}"),)) for n in range(200)]
    (only,) = log(report_text("sarif", fleet))["results"]
    assert (place(only), only["properties"]["hostCount"], only["properties"]["hosts"][:3]) == (
        ("site.yml", 4), 200, ["h0", "h1", "h2"])
    assert len(only["properties"]["hosts"]) == sarif_report.MAX_HOSTS_LISTED
    assert "on 200 hosts: h0, h1, h2, h3, h4 and 195 more" in only["message"]["text"]
    assert "of h0" in only["message"]["text"]
    assert re.search(r"and otherwise on \d+ more hosts$", only["message"]["text"])
