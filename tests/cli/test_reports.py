"""--report: what stands beside standard output, whatever becomes of the run, or why it cannot."""

import json
import os
import re
import signal
import stat
import subprocess
from pathlib import Path

import pytest
from cli_lab import (
    PLAYBOOK,
    PROGRAM,
    RULES,
    SETTINGS,
    SMALL_PROJECT,
    Cli,
    environment,
    fleet,
    on_terminal,
    start,
    stuck,
    undisturbed,
    written,
)
from junitparser import JUnitXml
from sarif import log, place

from ringfence.lab import POLICY
from ringfence.run_settings import ReportFormat

DOWN = "all: {hosts: {web1: {ansible_host: 127.0.0.1, ansible_port: 1, ansible_connection: ssh}}}\n"
BROKEN = """\
- hosts: all
  tasks:
    - firewall_rule: {name: a, protocl: tcp}
    - firewall_rule: {name: b, local_port: 99999}
"""


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    return undisturbed(tmp_path, capsys, monkeypatch, SMALL_PROJECT)


def reports(cli: Cli) -> dict[str, str]:
    """What stands in the files of `asked`."""
    return {path.suffix[1:]: path.read_text(encoding="utf-8") for path in cli.folder.glob("report.*")}


ASKED = [word for name in ReportFormat for word in ("--report", f"{name}=report.{name}")]


def cases(cli: Cli) -> dict[tuple[str, str], str]:
    """{(suite, case): passed, failure or error} of report.junit."""
    found = JUnitXml.fromstring((cli.folder / "report.junit").read_text(encoding="utf-8").partition("?>")[2])
    return {(suite.name, case.name): type(case.result[0]).__name__.lower() if case.result else "passed"
            for suite in found for case in suite}


# --------------------------------------------------------------------------------------------------- where they go

def test_a_report_is_the_document_of_the_command(cli: Cli) -> None:
    with fleet(cli, 2):
        for words in (["validate"], ["plan"], ["apply", "--yes"], ["drift"], ["compare-defaults"]):
            said = cli(*words, "--output", "json", "--report", "json=report.json")
            told, shown = json.loads(reports(cli)["json"]), json.loads(said.out)
            for document in (told, shown):
                assert document.pop("ended") >= document["started"]
                document["summary"].pop("seconds")
            assert told == shown, words


@pytest.mark.parametrize(("said", "problem"), [
    ("xml=a.xml", "--report: 'xml' is not one of"),
    ("report.xml", "--report: 'report.xml' is no FORMAT=FILE, such as junit=report.xml"),
    ("junit=", "--report: 'junit=' is no FORMAT=FILE"),
    ("junit=-", "--report: a report goes into a file"),
    ("junit=none/a.xml", "none/a.xml: error: the report cannot be written: there is no such folder"),
    ("junit=.", ".: error: the report cannot be written: Is a directory"),
    ("json=site.yml/x", "site.yml/x: error: the report cannot be written: Not a directory"),
])
def test_what_cannot_be_written_is_told_before_the_first_host(said: str, problem: str, cli: Cli) -> None:
    with fleet(cli, 1) as hosts:
        before = written(hosts)
        found = cli("apply", "--yes", "--report", said)
        assert found.code == 1
        assert problem in found.err
        assert written(hosts) == before
        assert sorted(p.name for p in cli.folder.iterdir()) == ["hosts.yml", "ringfence.yml", "site.yml"]


def test_two_reports_are_two_files(cli: Cli) -> None:
    (cli.folder / "link").symlink_to("report.json")
    found = cli("validate", "--report", "json=report.json", "--report", "junit=./link")
    assert (found.code, "two reports cannot be one file: json=report.json and junit=./link" in found.err) == (1, True)


@pytest.mark.parametrize(("words", "problem"), [
    ("plan -o out.json --report json=out.json", "two things cannot be one file: -o out.json and json=out.json"),
    ("plan -o out.json --report json=there/../out.json", "-o out.json and json=there/../out.json"),
    ("plan -o link --report md=./old.json", "-o link and md=./old.json"),
    ("plan -o there/linked --report md=old.json", "-o there/linked and md=old.json"),
    ("plan -o out.json --log out.json", "-o out.json and --log out.json"),
    ("apply --yes --log old.json --report md=link", "--log old.json and md=link"),
    ("drift --report json=out.json --report json=out.json", "two reports cannot be one file: json=out.json and json=out.json"),
])
def test_what_a_command_writes_are_files_of_their_own(words: str, problem: str, cli: Cli) -> None:
    with fleet(cli, 1) as hosts:
        cli.write({"old.json": "old", "there/x": ""})
        (cli.folder / "link").symlink_to("old.json")
        (cli.folder / "there/linked").hardlink_to(cli.folder / "old.json")
        before = written(hosts)
        said = cli(*words.split())
        assert (said.code, said.out, problem in said.err) == (1, "", True), said
        assert written(hosts) == before
        assert (cli.folder / "old.json").read_text().startswith("old")
        assert not words.startswith("plan -o out.json --report") or not (cli.folder / "out.json").exists()


@pytest.mark.skipif(not Path("/dev/null").is_char_device(), reason="it is of Unix")
def test_a_device_takes_all_that_is_written(cli: Cli) -> None:
    assert cli("validate", "--log", "/dev/null", "--report", "json=/dev/null").code == 0


def test_a_report_replaces_a_file_whole_follows_links_and_obeys_the_umask(cli: Cli) -> None:
    (cli.folder / "real.json").write_text("old")
    (cli.folder / "report.json").symlink_to("real.json")
    before = os.umask(0o027)
    try:
        assert cli("validate", "--report", "json=report.json").code == 0
    finally:
        os.umask(before)
    assert json.loads((cli.folder / "real.json").read_text())["command"] == "validate"
    assert (cli.folder / "report.json").is_symlink()
    assert stat.S_IMODE((cli.folder / "real.json").stat().st_mode) == 0o640
    assert not [p for p in cli.folder.iterdir() if p.name.startswith(".r")]


def test_streams_get_reports_too(cli: Cli) -> None:
    words = f"{' '.join(PROGRAM)} validate -q --report json=/dev/stdout --report junit=>(cat > piped.xml); wait $!"
    done = subprocess.run(["bash", "-c", words], cwd=cli.folder, env=environment(), capture_output=True, text=True, timeout=60,
                          check=True)
    assert json.loads(done.stdout)["command"] == "validate"
    assert "</testsuites>" in (cli.folder / "piped.xml").read_text()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="it is of Unix")
def test_a_pipe_that_nobody_reads_is_not_waited_for(cli: Cli) -> None:
    os.mkfifo(cli.folder / "pipe")
    found = cli("validate", "--report", "json=pipe")
    assert (found.code, "pipe: error: the report cannot be written: nobody reads this pipe" in found.err) == (1, True)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="it is of Linux")
@pytest.mark.parametrize(("words", "code"), [("apply --yes", 1), ("drift", 2), ("validate", 1)])
def test_a_report_that_cannot_be_written_stops_nothing_and_is_told(words: str, code: int, cli: Cli) -> None:
    with fleet(cli, 1) as hosts:
        if words == "drift":
            assert cli("apply", "--yes").code == 0
            hosts["web1"].registry.unset(RULES, "corp-rdp")
        found = cli(*words.split(), "--report", "json=/dev/full", "--report", "junit=report.junit")
        assert found.code == code
        assert "error: the report /dev/full was not written: No space left on device" in found.err
        assert "</testsuites>" in reports(cli)["junit"]


@pytest.mark.parametrize(("settings", "variable"), [("report: [junit=out/report.junit]\n", ""), ("", "junit=out/report.junit")])
def test_a_report_is_a_setting(settings: str, variable: str, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.write({"ringfence.yml": SMALL_PROJECT["ringfence.yml"] + settings, "out/x": ""})
    if variable:
        monkeypatch.setenv("RINGFENCE_REPORT", f"{variable}{os.pathsep}json=out/report.json")
    where = cli.folder if variable else cli.folder / "out"
    assert Cli(where, cli.capsys)("validate").code == 0
    assert "</testsuites>" in (cli.folder / "out" / "report.junit").read_text()
    assert (cli.folder / "out" / "report.json").exists() == bool(variable)


@pytest.mark.parametrize("path", ["../elsewhere.xml", ".git/hooks/x", "/dev/stdout"])
def test_a_project_has_reports_written_in_its_folder_alone(path: str, cli: Cli) -> None:
    cli.write({"ringfence.yml": SMALL_PROJECT["ringfence.yml"] + f"report: junit={path}\n"})
    found = cli("validate")
    assert (found.code, "report: " in found.err, "no path that a project may have written" in found.err) == (1, True, True)


def test_of_what_has_no_result_there_is_no_report(cli: Cli) -> None:
    assert cli("plan", "--list-hosts", *ASKED).code == 0
    assert reports(cli) == {}
    assert not [p for p in cli.folder.iterdir() if p.name.startswith(".r")]


# --------------------------------------------------------------------------------------------------- whatever happens

@pytest.mark.parametrize("words", ["validate", "plan", "apply --yes", "drift"])
def test_mistakes_of_the_project_are_in_every_report(words: str, cli: Cli) -> None:
    cli.write({"site.yml": BROKEN})
    found = cli(*words.split(), *ASKED)
    assert found.code == 1
    told = reports(cli)
    assert set(told) == set(ReportFormat)
    assert all("protocl" in text for text in told.values())
    document = json.loads(told["json"])
    assert (document["result"], document["exit_code"]) == (None, 1)
    assert [(d["file"], d["line"]) for d in document["diagnostics"]] == [("site.yml", 3), ("site.yml", 4)]
    assert cases(cli) == {("project", f"ringfence {words.split()[0]}"): "passed", ("project", "site.yml"): "error"}


@pytest.mark.parametrize("signals", [1, 2])
def test_what_a_signal_left_is_in_every_report(signals: int, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    with fleet(cli, 3) as hosts:
        assert cli("apply", "--yes", "-l", "pc2").code == 0
        called, free = stuck(monkeypatch, "web1", hosts)
        with start(cli, "apply", "--yes", "-f", "1", *ASKED) as process:
            assert called.wait(30)
            process.send_signal(signal.SIGTERM)
            assert process.stderr
            while "no further host is begun" not in process.stderr.readline():
                assert process.poll() is None
            if signals == 2:
                process.send_signal(signal.SIGTERM)
            else:
                free.set()
            process.communicate(timeout=30)
        free.set()
    assert process.returncode == 143
    told = reports(cli)
    document, known = json.loads(told["json"]), cases(cli)
    ended = {"pc2": "in_sync", **({"web1": "changed"} if signals == 1 else {})}
    assert {h["host"]: h["status"] for h in document["result"]["hosts"]} == ended
    assert document["exit_code"] == 143
    assert {suite for suite, _ in known} == {*ended, "project"}
    assert known["project", "ringfence apply"] == "error"
    invocation = log(told["sarif"])["invocations"][0]
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (False, 143)
    assert "**interrupted by SIGTERM; " in told["md"] if signals == 1 else "**ended before its end; " in told["md"]
    assert ("nothing was done on `web3`" in told["md"]) == (signals == 1)


def test_a_mistake_that_only_a_host_shows(cli: Cli) -> None:
    with fleet(cli, 3) as hosts:
        before = written(hosts)
        cli.write({"site.yml": PLAYBOOK.replace("3389", "\"{{ 'x' if ansible_facts.hostname | lower == 'pc2' else 3389 }}\"")})
        assert cli("apply", "--yes", *ASKED).code == 1
        assert written(hosts) == before
        assert cases(cli)["pc2", "host"] == "error"
        assert cases(cli)["project", "ringfence apply"] == "error"
        assert results(cli)["mistake"] == [("site.yml", 4)]
        assert "nothing was done on `servers (2 hosts: web1, web3)`" in reports(cli)["md"]


def test_mistakes_of_the_settings_and_a_stale_plan_have_reports(cli: Cli) -> None:
    with fleet(cli, 2) as hosts:
        assert cli("plan", "-o", "site.plan.json", *ASKED).code == 0
        hosts["web1"].registry.set(RULES, "corp-rdp", "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=22|Name=theirs|")
        assert cli("apply", "site.plan.json", "--yes", *ASKED).code in (3, 4)
        assert {"host-stale", "host-refused"} & set(results(cli))
        assert cases(cli)["pc2", "firewall_rule corp-rdp"] == "passed"
        assert cli("apply", "site.plan.json", "--yes", "--max-age", "1s", "--same-commit", *ASKED).code == 3
        assert set(cases(cli)) == {("project", "ringfence apply")}
        cli.write({"ringfence.yml": "nonsense: 1\n"})
        assert cli("drift", *ASKED).code == 1
        assert results(cli) == {"mistake": [("ringfence.yml", 1)]}
        assert "nonsense" in reports(cli)["md"]


def test_what_fails_after_the_run_leaves_its_reports(cli: Cli) -> None:
    with fleet(cli, 1):
        said = cli("plan", "-o", ".", *ASKED)
        assert (said.code, "the plan was not written: Is a directory" in said.err, "the report" in said.err) == (1, True, False)
        assert [h["host"] for h in json.loads(reports(cli)["json"])["result"]["hosts"]] == ["web1"]
        assert cases(cli)["web1", "firewall_rule corp-rdp"] == "failure"


def test_a_view_that_fails_stops_no_host(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: object, result: object) -> str:
        raise KeyError("a fault of ours")

    monkeypatch.setattr("ringfence.views.junit_report.JunitReport.host", fail)
    with fleet(cli, 1) as hosts:
        before = written(hosts)
        said = cli("apply", "--yes", *ASKED)
        assert (said.code, written(hosts) > before) == (1, True)
        assert "error: the report report.junit was not written: KeyError: 'a fault of ours'" in said.err
        assert set(reports(cli)) == set(ReportFormat) - {"junit"}


def test_hosts_that_are_not_reached_are_errors(cli: Cli) -> None:
    cli.write({"hosts.yml": DOWN})
    assert cli("drift", *ASKED).code == 5
    assert cases(cli)["web1", "host"] == "error"
    assert cases(cli)["project", "ringfence drift"] == "passed"
    for how in ("warn", "ignore"):
        assert cli("drift", "--unreachable", how, *ASKED).code == 0
        assert cases(cli)["web1", "host"] == "skipped"


def test_an_apply_that_asks_has_one_report_of_all_hosts(cli: Cli) -> None:
    with fleet(cli, 2) as hosts:
        assert cli("apply", "--yes", "-l", "pc2").code == 0
        code, shown = on_terminal(cli, "y\n", "apply", *ASKED)
        assert (code, "Make" in shown) == (0, True)
        document = json.loads(reports(cli)["json"])
        assert (document["command"], sorted((h["host"], h["status"]) for h in document["result"]["hosts"])) == (
            "apply", [("pc2", "in_sync"), ("web1", "changed")])
        assert {suite for suite, _ in cases(cli)} == {"pc2", "web1", "project"}
        assert on_terminal(cli, "", "apply", *ASKED)[0] == 0
        assert json.loads(reports(cli)["json"])["summary"]["hosts"] == {"in_sync": 2}
        hosts["web1"].registry.unset(RULES, "corp-rdp")
        assert on_terminal(cli, "n\n", "apply", *ASKED)[0] == 1
        assert "the answer was not yes" in json.dumps(json.loads(reports(cli)["json"]))


# --------------------------------------------------------------------------------------------------- JUnit

def test_junit_has_a_case_for_each_host_and_object(cli: Cli) -> None:
    with fleet(cli, 1) as hosts:
        objects = ["firewall_profile domain", "firewall_profile private", "firewall_profile public", "firewall_rule corp-rdp",
                   "firewall_rule old-telnet"]
        assert cli("plan", *ASKED).code == 0
        planned = cases(cli)
        assert [name for suite, name in planned if suite == "web1"] == ["host", *objects]
        assert (planned["web1", "firewall_rule corp-rdp"], planned["web1", "firewall_rule old-telnet"]) == ("failure", "passed")
        assert cli("apply", "--yes", *ASKED).code == 0
        assert set(cases(cli).values()) == {"passed"}
        assert "created: allow inbound tcp 3389 from 10.0.0.1, 10.0.0.3" in reports(cli)["junit"]
        assert cases(cli).keys() == {k if k[0] != "project" else (k[0], k[1].replace("plan", "apply")) for k in planned}
        hosts["web1"].registry.unset(RULES, "corp-rdp")
        assert cli("drift", *ASKED).code == 2
        assert [name for (_, name), became in cases(cli).items() if became != "passed"] == ["firewall_rule corp-rdp"]
        found = JUnitXml.fromstring(reports(cli)["junit"].partition("?>")[2])
        (case,) = [c for suite in found for c in suite if c.name == "firewall_rule corp-rdp"]
        assert (case._elem.get("file"), case._elem.get("line"), case.result[0].type) == ("site.yml", "4", "drift-missing")
        hosts["web1"].registry.set(POLICY + r"\PublicProfile", "EnableFirewall", 0)
        assert cli("drift", *ASKED).code == 2
        assert 'message="DIFFERS: enabled is false, declared true" type="drift-differs"' in reports(cli)["junit"]


def test_junit_passes_nothing_of_a_host_that_was_not_compared(cli: Cli) -> None:
    not_there = ("web1", "firewall_rule corp-new")
    new = "    - firewall_rule: {name: corp-new, protocol: tcp, local_port: 7, remote_address: 10.0.0.1}\n"
    nobody = "    - firewall_rule: {name: wrong, protocol: tcp, authentication: required, remote_user: 'CORP\\nobody'}\n"
    with fleet(cli, 1) as hosts:
        cli.write({"site.yml": PLAYBOOK + new + nobody})
        assert cli("drift", *ASKED).code == 1
        assert (cases(cli)["web1", "host"], cases(cli)[not_there]) == ("error", "skipped")
        assert {became for (suite, name), became in cases(cli).items() if suite == "web1" and name != "host"} == {"skipped"}
        cli.write({"site.yml": PLAYBOOK})
        assert cli("apply", "--yes").code == 0
        cli.write({"site.yml": PLAYBOOK + new})
        assert cli("plan", "-o", "site.plan.json").code == 0
        hosts["web1"].registry.unset(RULES, "corp-rdp")
        assert cli("apply", "site.plan.json", "--yes", *ASKED).code == 3
        assert (cases(cli)[not_there], cases(cli)["web1", "firewall_rule corp-rdp"]) == ("skipped", "failure")


def test_junit_of_a_valid_project(cli: Cli) -> None:
    cli.write({"site.yml": PLAYBOOK})
    assert cli("validate", *ASKED).code == 0
    assert cases(cli)["project", "site.yml"] == "passed"
    assert cases(cli)["web1", "firewall_rule corp-rdp"] == "passed"


# --------------------------------------------------------------------------------------------------- SARIF

def results(cli: Cli) -> dict[str, list[tuple[str, int]]]:
    """{rule: places} of report.sarif, which has to fit its schema."""
    found: dict[str, list[tuple[str, int]]] = {}
    for one in log(reports(cli)["sarif"])["results"]:
        found.setdefault(one["ruleId"], []).append(place(one))
    return found


def test_sarif_has_each_mistake_at_its_place_in_the_repository(cli: Cli) -> None:
    (cli.folder / ".git").mkdir()
    cli.write({f"policy here/{name}": text for name, text in {**SMALL_PROJECT, "site.yml": BROKEN}.items()})
    inside = Cli(cli.folder / "policy here", cli.capsys)
    assert inside("validate", *ASKED).code == 1
    assert results(inside) == {"mistake": [("policy%20here/site.yml", 3), ("policy%20here/site.yml", 4)]}
    run = log(reports(inside)["sarif"])
    assert run["invocations"][0]["executionSuccessful"] is True
    assert run["automationDetails"]["id"].startswith("ringfence/validate/2")


def test_sarif_tells_once_what_many_hosts_have(cli: Cli) -> None:
    with fleet(cli, 3) as hosts:
        assert cli("plan", *ASKED).code == 0
        assert results(cli) == {"plan-update": [("site.yml", 3)] * 3, "plan-create": [("site.yml", 4)]}
        before = {one["partialFingerprints"]["primaryLocationLineHash"] for one in log(reports(cli)["sarif"])["results"]}
        cli.write({"site.yml": PLAYBOOK.replace("  tasks:", "  # moved\n  tasks:")})
        assert cli("plan", *ASKED).code == 0
        assert {one["partialFingerprints"]["primaryLocationLineHash"] for one in log(reports(cli)["sarif"])["results"]} == before
        assert cli("apply", "--yes", *ASKED).code == 0
        assert results(cli) == {}
        for name in ("web1", "pc2"):
            hosts[name].registry.unset(RULES, "corp-rdp")
        assert cli("drift", *ASKED).code == 2
        (only,) = log(reports(cli)["sarif"])["results"]
        assert (only["ruleId"], place(only), only["properties"]["hosts"], only["occurrenceCount"]) == (
            "drift-missing", ("site.yml", 5), ["pc2", "web1"], 2)
        assert cli("compare-defaults", *ASKED).code == 2
        assert set(results(cli)["defaults-added"]) == {("ringfence.yml", 1)}
        hosts["web1"].registry.set(RULES, "mine", "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=22|Name=mine|")
        assert cli("compare-defaults", "web1", *ASKED).code == 2
        told = reports(cli)["md"]
        assert "- `firewall_rule mine` `added: allow inbound tcp 22 from ANY, any profile`\n  ```text\n  whose  " in told
        assert cases(cli)["web1", "firewall_rule mine"] == "failure"


def test_a_host_with_several_things_of_an_object_is_one_host(cli: Cli) -> None:
    with fleet(cli, 1) as hosts:
        assert cli("apply", "--yes").code == 0
        renamed = PLAYBOOK.replace("corp-rdp", "corp-terminals").replace("3389", "3390")
        cli.write({"site.yml": renamed.replace("tags: [rdp]", "renamed_from: corp-rdp")})
        hosts["web1"].services["mpssvc"] = "stopped"
        assert cli("apply", "--yes", *ASKED).code == 6
        found = [one for one in log(reports(cli)["sarif"])["results"] if one["ruleId"] == "not-made"]
        assert [one["properties"]["object"]["name"] for one in found] == ["corp-terminals"] * 2
        assert [(one["properties"]["hosts"], one["properties"]["hostCount"], one["occurrenceCount"]) for one in found] == [
            (["web1"], 1, 1)] * 2
        assert len({one["partialFingerprints"]["primaryLocationLineHash"] for one in found}) == 2
        assert "0 of 2 changes written" in cli("apply", "--yes").out
        assert "<b>A change was not made</b>: 2 on 1 host<" in reports(cli)["md"]
        assert "2 hosts" not in reports(cli)["md"] + reports(cli)["sarif"]


def test_sarif_of_hosts_that_are_not_reached(cli: Cli) -> None:
    cli.write({"hosts.yml": DOWN})
    assert cli("drift", *ASKED).code == 5
    assert results(cli) == {"host-unreachable": [("ringfence.yml", 1)]}
    assert log(reports(cli)["sarif"])["invocations"][0] | {"startTimeUtc": "", "endTimeUtc": ""} == {
        "executionSuccessful": False, "exitCode": 5, "startTimeUtc": "", "endTimeUtc": "", "toolExecutionNotifications": []}


# --------------------------------------------------------------------------------------------------- Markdown

def test_markdown_names_groups_of_the_inventory(cli: Cli) -> None:
    with fleet(cli, 3):
        assert cli("plan", *ASKED).code == 0
        told = reports(cli)["md"]
        assert "**plan: 3 to create, 9 to update, 0 to remove on 3 of 3 hosts (4 distinct changes); " in told
        assert "On `all 3 hosts`:\n\n- `firewall_rule corp-rdp` `site.yml:4` `to create: allow inbound tcp 3389 from " in told
        assert cli("apply", "--yes", "-l", "servers", *ASKED).code == 0
        assert "<b>A change was made</b>: 4 on 2 hosts" in reports(cli)["md"]
        assert cli("plan", *ASKED).code == 0
        assert "\nOn `pc2`:\n" in reports(cli)["md"]
        assert cli("drift", *ASKED).code == 2
        assert "**1 of 3 hosts drifted; all were reached; " in reports(cli)["md"]


def test_what_nothing_declares_any_more_is_told_and_fails_no_test(cli: Cli) -> None:
    with fleet(cli, 2):
        assert cli("apply", "--yes").code == 0
        cli.write({"site.yml": PLAYBOOK.replace("hosts: all", "hosts: web1").replace("name: corp-rdp", "name: other")})
        assert cli("apply", "--yes", "--prune", "report").code == 0
        said = cli("drift", "--prune", "report", *ASKED)
        assert (said.code, "GONE" in said.out, "ABANDONED" in said.out) == (0, True, True)
        assert {"drift-left", "host-abandoned"} <= set(results(cli))
        assert set(cases(cli).values()) == {"passed"}
        assert "GONE: allow inbound tcp 3389" in reports(cli)["junit"]
        assert "`GONE: allow inbound tcp 3389" in reports(cli)["md"]
        assert "On `pc2`:\n\n- `no play names the host any more" in reports(cli)["md"]


def test_a_host_that_a_guard_refuses_has_drifted_all_the_same(cli: Cli) -> None:
    with fleet(cli, 2):
        assert cli("drift", "--max-changes", "1", *ASKED).code == 2  # which is only about what may be written
        assert cli("plan", "--max-changes", "1", *ASKED).code == 4
        assert "0 of 2 reached hosts would be changed" in reports(cli)["html"]
        assert cli("apply", "--yes").code == 0
        cli.write({"ringfence.yml": SETTINGS.replace("name: test, id: 0123456789abcdef", "name: other, id: fedcba9876543210"),
                   "site.yml": PLAYBOOK.replace("3389", "3390")})
        said = cli("drift", *ASKED)
        assert said.code == 4
        for told in (said.out, reports(cli)["md"]):
            assert "2 of 2 hosts drifted; all were reached; 2 refused; 2 differences; " in told
        assert "2 of 2 reached hosts are not as declared: 2 differences" in reports(cli)["html"]


def test_what_is_gone_is_counted_alike_everywhere(cli: Cli) -> None:
    """What an apply removes, what it keeps because it closes something, and what is declared absent and there."""
    with fleet(cli, 3):
        extra = "    - firewall_rule: {name: shut, protocol: tcp, local_port: 81, action: block}\n"
        there = PLAYBOOK.replace("old-telnet, state: absent", "old-telnet, protocol: tcp, local_port: 23")
        cli.write({"site.yml": there + extra})
        assert cli("apply", "--yes").code == 0
        cli.write({"site.yml": re.sub("    - firewall_rule: {name: corp-rdp.*\n.*\n", "", PLAYBOOK)})
        said = cli("drift", *ASKED)
        assert said.code == 2
        assert re.findall(r"  GONE +firewall_rule (\S+)", said.out) == ["corp-rdp", "shut"]  # on all 3 hosts
        table = [line.split() for line in said.out.splitlines() if re.match("host |web1 |pc2 |web3 ", line)]
        assert [row[2:6] for row in table] == [["missing", "differs", "unexpected", "gone"]] + [["·", "·", "1", "2"]] * 3
        for told in (said.out, reports(cli)["md"]):
            assert "3 of 3 hosts drifted; all were reached; 6 GONE; 6 differences; " in told
        assert "6 objects GONE" in reports(cli)["html"]
