"""Reports as files: whatever hosts and playbooks say, a report is one of its format, and within its limits."""

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest
from chance import by_chance
from documents import RUN
from hypothesis import given
from hypothesis import strategies as st
from junitparser import JUnitXml
from markdown_it import MarkdownIt
from markdown_it.token import Token
from report_texts import create, hostile_results, report_text
from sarif import log, place

from ringfence.diagnostics import Diagnostic, Where
from ringfence.errors import (
    ExitCode,
    GuardRefused,
    HostError,
    Interrupted,
    Lost,
    OutcomeUnknown,
    Restored,
    StalePlan,
    Unreachable,
)
from ringfence.model.state import Change
from ringfence.plan.obstacles import Affected, DeclaredObject, Obstacle, Reason
from ringfence.report import HostResult, ValidatedResult
from ringfence.views import markdown_report, sarif_report
from ringfence.views.findings import SORTS
from ringfence.views.view import NextCommands, ViewOptions

FLEETS = st.lists(hostile_results(), min_size=1, max_size=3)
WEB, DB = create("web", 4, protocol="tcp", local_port=("443",)), create("db", 5)
OTHER_WEB = create("web", 4, protocol="tcp", local_port=("443",), description="as open, and called otherwise")
NARROW = create("narrow", 6, protocol="tcp", local_port=("443",), remote_address=("10.0.0.0/8",))
UPDATED = Change(WEB.id, DB.after, WEB.after, WEB.where)
BOTH = frozenset({WEB.id, DB.id})
OBJECTS = tuple(DeclaredObject(c.id, c.resource.name, c.where) for c in (WEB, DB))


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
    (HostResult("h", (WEB, DB), written=BOTH, proven=frozenset({DB.id}), declared_objects=OBJECTS), "apply",
     {"host": "passed", "web": "unproven", "db": "passed"}),  # nobody says of it what nobody has looked at
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
    (HostResult("h", (replace(WEB, before=OTHER_WEB.after),)), "plan", {"host": "passed", "web": "plan-update"}),
    (HostResult("h", (replace(WEB, before=WEB.after, after=NARROW.after),)), "plan", {"host": "passed", "narrow": "plan-update"}),
    (HostResult("h", (Change(DB.id, DB.after, WEB.after, WEB.where, "rename"),), declared_objects=OBJECTS[:1]), "drift",
     {"host": "passed", "web": "drift-old-name"}),
    (HostResult("h", (WEB,), error=Interrupted("no"), declared_objects=OBJECTS), "apply",
     {"host": "host-failed", "web": "not-made", "db": "not-compared"}),
    (HostResult("h", (WEB,), error=StalePlan("other changes"), declared_objects=OBJECTS), "apply",
     {"host": "host-stale", "web": "not-approved", "db": "not-compared"}),  # that change alone is told
    (HostResult("h", error=StalePlan("another machine answers"), declared_objects=OBJECTS), "apply",
     {"host": "host-stale", "web": "not-compared", "db": "not-compared"}),
    (HostResult("h", error=HostError("script", "addresses could not be read"), declared_objects=OBJECTS), "drift",
     {"host": "host-failed", "web": "not-compared", "db": "not-compared"}),
    (HostResult("h", (WEB,), written=BOTH, error=Lost(), declared_objects=OBJECTS), "apply",
     {"host": "host-lost", "web": "unproven", "db": "not-compared"}),
    (HostResult("h", (WEB,), error=OutcomeUnknown("no_answer"), declared_objects=OBJECTS), "apply",
     {"host": "host-unknown", "web": "unproven", "db": "not-compared"}),
    (HostResult("h", (WEB,), written=BOTH, error=Restored(), declared_objects=OBJECTS), "apply",
     {"host": "host-restored", "web": "unproven", "db": "not-compared"}),
    (HostResult("h", error=Unreachable("dns"), declared_objects=OBJECTS), "drift",
     {"host": "host-unreachable", "web": "not-compared", "db": "not-compared"}),
    (HostResult("h", diagnostics=(Diagnostic(Where("a.yml", 2), "wrong"),), declared_objects=OBJECTS), "drift",
     {"host": "mistake", "web": "not-compared", "db": "not-compared"}),
    (HostResult("h", obstacles=(Obstacle("note", Reason("blocked", "worth knowing", "no", "note"), (),
                                         (Affected(WEB.id, "web", WEB.where),)),), error=StalePlan("moved"),
                declared_objects=OBJECTS), "apply", {"host": "host-stale", "web": "not-compared", "db": "not-compared"}),
    (HostResult("h", (WEB,), written=frozenset({WEB.id}), remaining=(UPDATED,), error=HostError("not_converged"),
                declared_objects=OBJECTS), "apply", {"host": "host-failed", "web": "not-proven", "db": "passed"}),  # read again
    (HostResult("h", (WEB,), error=GuardRefused("no"), declared_objects=OBJECTS), "drift",
     {"host": "host-refused", "web": "drift-missing", "db": "passed"}),  # all was read, and nothing is written
    (ValidatedResult("h", declared_objects=OBJECTS), "validate", {"host": "passed", "web": "passed", "db": "passed"}),
    (HostResult("h", error=Unreachable("dns")), "plan", {"host": "host-unreachable"}),
    (HostResult("h", diagnostics=(Diagnostic(Where("a.yml", 2), "wrong"),)), "plan", {"host": "mistake"}),
    (HostResult("h", diagnostics=(Diagnostic(Where("a.yml", 2), "odd", severity="warning"),)), "plan", {"host": "passed"}),
])
def test_what_becomes_of_a_host(result: HostResult, command: str, expected: dict[str, str]) -> None:
    named = {name.removeprefix("firewall_rule "): became for name, became in cases(result, command).items()}
    assert named == expected
    fails = [name for name in sorts(result, command) if SORTS[name].fails]
    assert sorted(fails) == sorted(became for became in expected.values() if became in SORTS)


def test_a_run_that_ends_early_says_so() -> None:
    for ended in ({"signal": "SIGTERM", "not_begun": ("h2", "h3")}, {"problems": (Diagnostic(Where("a.yml", 2), "wrong"),)}):
        junit = JUnitXml.fromstring(report_text("junit", [], **ended).partition("?>")[2])
        assert [c.result[0].type for suite in junit for c in suite if c.result] == ["mistake"]
        run = log(report_text("sarif", [], code=ExitCode.ERROR, **ended))
        assert run["invocations"][0]["executionSuccessful"] is False
        assert run["results"] or "h2, h3" in run["invocations"][0]["toolExecutionNotifications"][1]["message"]["text"]


# ------------------------------------------------------------------------------------------------- hostile words

@by_chance(150)
@given(FLEETS)
def test_junit_is_xml_whatever_is_said(results: Sequence[HostResult]) -> None:
    text = report_text("junit", results)
    assert not re.search("[\0-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]", text)
    suites = [*JUnitXml.fromstring(text.partition("?>")[2])]
    assert [len([*suite]) >= 1 for suite in suites] == [True] * (len(results) + 1)


@by_chance(150)
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


def test_sarif_tells_the_same_mistake_at_two_lines_apart() -> None:
    twice = [Diagnostic(Where("a.yml", line), "wrong") for line in (3, 9)]
    run = log(report_text("sarif", [], twice))  # which looks that no two have one fingerprint
    assert [place(one) for one in run["results"]] == [("a.yml", 3), ("a.yml", 9)]
    moved = log(report_text("sarif", [], [replace(d, where=Where("a.yml", d.where.line + 2)) for d in twice]))
    assert [one["partialFingerprints"] for one in moved["results"]] == [one["partialFingerprints"] for one in run["results"]]


def test_sarif_tells_ways_and_hosts_of_one_thing() -> None:
    fleet = [HostResult(f"h{n}", (create("web", description=f"of h{n % 30}"),)) for n in range(200)]
    (only,) = log(report_text("sarif", fleet))["results"]
    assert (place(only), only["properties"]["hostCount"], only["properties"]["hosts"][:3]) == (
        ("site.yml", 4), 200, ["h0", "h1", "h2"])
    assert len(only["properties"]["hosts"]) == sarif_report.MAX_HOSTS_LISTED
    assert "on 200 hosts: h0, h1, h2, h3, h4 and 195 more" in only["message"]["text"]
    assert "of h0" in only["message"]["text"]
    assert re.search(r"and otherwise on \d+ more hosts$", only["message"]["text"])


def test_a_host_has_a_thing_once_in_however_many_words() -> None:
    said = [Diagnostic(Where("a.yml", 1), "wrong", detail) for detail in ("one", "two", "three", "four", "five", "five")]
    fleet = [HostResult(host, diagnostics=tuple(said)) for host in ("h1", "h2")]
    (only,) = log(report_text("sarif", fleet))["results"]
    assert (only["properties"]["hosts"], only["properties"]["hostCount"], only["occurrenceCount"]) == (["h1", "h2"], 2, 2)
    assert only["message"]["text"].startswith(f"{SORTS['mistake'].title} on 2 hosts: h1, h2: wrong (2 hosts: h1, h2)\none")
    for told in (only["message"]["text"], report_text("md", fleet)):
        assert not re.search("more host|and otherwise", told)


# ------------------------------------------------------------------------------------------------- Markdown

FOLD = re.compile(r"<details( open)?><summary><b>[A-Z][a-z' ]+</b>: [\d]+( on \d+ hosts?)?</summary>\n?|</details>\n?")


def outside_of_code(text: str) -> list[Token]:
    """The pieces of a text that a reader of Markdown takes for more than code; what folds is right."""
    assert len(text) <= len(text.encode("utf-8")) <= markdown_report.MAX_COMMENT
    every = [t for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
             for t in (token, *(token.children or ()))]
    folds = [t.content for t in every if t.type == "html_block"]
    assert all(FOLD.fullmatch(fold) for fold in folds), folds
    assert [fold[:2] for fold in folds] == ["<d", "</"] * (len(folds) // 2)
    return [t for t in every if t.type not in ("html_block", "code_inline", "fence")]


@by_chance(150)
@given(FLEETS, st.sampled_from(["plan", "drift", "apply", "validate"]))
def test_nothing_that_is_said_breaks_out_of_markdown(results: Sequence[HostResult], command: str) -> None:
    pieces = outside_of_code(report_text("md", results, command=command))
    types = {piece.type.removesuffix("_open").removesuffix("_close") for piece in pieces}
    assert types <= {"heading", "paragraph", "inline", "text", "strong", "bullet_list", "list_item", "softbreak"}
    texts = [piece.content for piece in pieces if piece.type == "text"]
    assert [text for text in texts if not re.fullmatch(r"[\w .,:;()`'/-]*", text)] == []
    assert sum(piece.type == "heading_open" for piece in pieces) == 1


@pytest.mark.parametrize("line", ["```", "````", "~~~", "</details>", "<!--", "# heading", "@team", "- [ ] task", "|a|b|"])
def test_no_line_of_a_message_ends_the_code_that_it_stands_in(line: str) -> None:
    said = Diagnostic(Where("a.yml", 1), "wrong", f"one\n{line}\n# two @team")
    fleet = [HostResult(f"h{n}", diagnostics=(replace(said, detail=f"{n}\n{said.detail}"),)) for n in range(2)]
    for text in (report_text("md", fleet), report_text("md", [], [said])):
        pieces = outside_of_code(text)
        assert sum(piece.type == "heading_open" for piece in pieces) == 1
        assert not any("@" in piece.content or "two" in piece.content for piece in pieces if piece.type == "text")


def test_what_is_told_in_two_ways_of_no_host_makes_no_heading() -> None:
    """An item without words under a line would be its underline."""
    told = [Diagnostic(Where("a.yml", 1), "wrong", detail) for detail in ("one", "two")]
    pieces = outside_of_code(report_text("md", [], told))
    assert sum(piece.type == "heading_open" for piece in pieces) == 1


def test_markdown_is_short_enough_whatever_the_fleet_and_says_what_it_leaves_out() -> None:
    fleet = [HostResult(f"srv{h}", tuple(create(f"rule-{h}-{n}", description="x" * 200) for n in range(300)),
                        error=Unreachable("dns", f"srv{h}") if h > 550 else None) for h in range(500, 560)]
    text = report_text("md", fleet)
    outside_of_code(text)
    assert len(text) > 0.8 * markdown_report.MAX_COMMENT
    assert re.search(r"\n\d{5} of 18001 things are left out here, for a comment holds 65,536 characters", text)
    assert text.index("A host was not reached") < text.index("A change would open something")
    assert "`9 hosts: srv551, srv552" in text
    assert re.search(r"\n\nand \d{5} more\n\n</details>\n", text)


def test_markdown_has_mistakes_failures_and_removals_first() -> None:
    gone = replace(DB, before=DB.after, after=None)
    results = [HostResult("h1", (NARROW, gone, WEB)),
               HostResult("h2", error=Unreachable("dns")),
               HostResult("h3", diagnostics=(Diagnostic(Where("a.yml", 2), "wrong"),))]
    options = ViewOptions(RUN, groups={"web": ["h1", "h2"]}, next=NextCommands("ringfence apply"))
    text = report_text("md", results, options=options)
    titles = re.findall("<b>(.*)</b>", text)
    expected = ("mistake", "host-unreachable", "plan-remove", "plan-opens", "plan-create")
    assert titles == [SORTS[name].title for name in expected]
    assert "**plan: 2 to create, 0 to update, 1 to remove on 1 of 3 hosts; 1 unreachable; 1 invalid; 1.0 s. " in text
    assert "Next: `ringfence apply`" in text
    assert "- `firewall_rule narrow` `site.yml:6` `to create: allow inbound tcp 443 from 10.0.0.0/8, any profile`\n" in text


def test_markdown_of_drift_tells_both_facts_first() -> None:
    results = [HostResult("h1", (WEB,)), HostResult("h2`", error=Unreachable("dns"))]
    told = "**1 of 1 reached host drifted; not reached: `` h2` ``; 1 difference; 1.0 s**"
    assert report_text("md", results, command="drift").splitlines()[:4] == ["### ringfence drift", "", told, ""]


@pytest.mark.parametrize(("text", "expected"), [("a", "`a`"), ("", "` - `"), (" ", "`   `"), ("`", "`` ` ``"), ("a`b", "``a`b``"),
                                                ("a``b`", "``` a``b` ```"), ("\n", "`\\n`")])
def test_code(text: str, expected: str) -> None:
    assert markdown_report.code(text) == expected
