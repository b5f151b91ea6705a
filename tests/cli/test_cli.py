"""The command line against simulated hosts: what it prints, what it writes, how it exits."""

import importlib.util
import json
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from cli_lab import RULES, Cli, Output, fleet, on_terminal, start, written
from core import cases
from documents import document_in, hosts_in

from ringfence import kinds, schemas
from ringfence.cli.app import CALLS
from ringfence.cli.command_tree import command_tree
from ringfence.cli.commands.init import CI_FILES, FILES
from ringfence.lab import SimulatedHost

CASES = cases("cli_input")
NOWHERE = {"hosts.yml": "all: {hosts: {nowhere: {ansible_host: 127.0.0.1, ansible_port: 1, ansible_psrp_protocol: http}}}\n",
           "site.yml": "- hosts: all\n  tasks:\n    - firewall_rule: {name: one, protocol: icmpv4}\n",
           "ringfence.yml": "inventory: hosts.yml\nplaybooks: site.yml\nproject: {name: test, id: 0123456789abcdef}\n"}


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path, capsys)


def report(said: Output) -> Any:
    """The JSON document, which has to fit its schema."""
    found = document_in(said.out, "report")
    assert found["exit_code"] == said.code
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["name"])
def test_input(case: dict[str, Any], cli: Cli) -> None:
    cli.write(NOWHERE | case.get("files", {}))
    said = cli(*case["run"])
    assert said.code == case["code"], said
    assert [part for part in case.get("out", ()) if part not in said.out] == [], said.out
    assert [part for part in case.get("err", ()) if part not in said.err] == [], said.err
    assert [part for part in case.get("not_err", ()) if part in said.err] == [], said.err
    assert "Traceback" not in said.out + said.err
    if case["code"]:
        assert said.out == ""


NEEDING = [(command.name.split()[1:], next(a.value for a in command.arguments if a.required))
           for command in command_tree().walk() if any(a.required for a in command.arguments)]


@pytest.mark.parametrize(("command", "first"), NEEDING, ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_a_missing_argument(command: list[str], first: str, cli: Cli) -> None:
    said = cli(*command)
    assert (said.code, said.out) == (1, "")
    assert f"error: missing argument '{first}'" in said.err


@pytest.mark.parametrize("name", ["mistakes of values, kinds and combinations", "a plan file that is none"])
def test_mistakes_as_json(name: str, cli: Cli) -> None:
    case = next(c for c in CASES if c["name"] == name)
    cli.write(NOWHERE | case["files"])
    said = cli(*case["run"], "--output", "json")
    document = report(said)
    assert document["result"] is None
    assert all(d["severity"] == "error" and d["file"] and d["summary"] for d in document["diagnostics"])
    assert said.err  # people see it too


def test_the_road(cli: Cli) -> None:
    with fleet(cli) as hosts:
        before = written(hosts)
        planned = cli("plan")
        assert planned.code == 0
        assert cli("plan", "--detailed-exitcode").code == 2
        assert cli("apply", "--check").code == 0
        assert written(hosts) == before
        assert re.search(r"\+ firewall_rule corp-rdp +allow inbound tcp 3389 from 10.0.0.1, 10.0.0.3, any profile  site.yml:4\n",
                         planned.out)
        assert "~ firewall_profile domain" in planned.out
        applied = cli("apply", "--yes")
        assert applied.code == 0
        assert "default_inbound_action" not in applied.out  # only with --diff
        after = written(hosts)
        assert all(new > old for new, old in zip(after, before, strict=True))
        again = cli("apply", "--yes")
        assert (again.code, written(hosts)) == (0, after)
        assert "3 hosts: 3 in sync; 0 changes" in again.out
        assert cli("drift").code == 0


def test_drift_tells_what_somebody_changed(cli: Cli) -> None:
    with fleet(cli) as hosts:
        assert cli("apply", "--yes").code == 0
        rule = str(hosts["web1"].registry.get(RULES, "corp-rdp"))
        hosts["web1"].registry.set(RULES, "corp-rdp", rule.replace("RA4=10.0.0.3", "RA4=192.0.2.9"))
        hosts["pc2"].registry.set(RULES, "old-telnet", "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=23|Name=T\x1b[2J|")
        said = cli("drift")
        assert said.code == 2
        assert re.search(r"web1  drifted\n  DIFFERS    firewall_rule corp-rdp  site.yml:4\n"
                         r" +remote_address +unexpected: 192.0.2.9\n +missing: 10.0.0.3\n", said.out)
        assert re.search(r"pc2  drifted\n  UNEXPECTED firewall_rule old-telnet  allow inbound tcp 23 from ANY, any profile  "
                         r'"T.*"  site.yml:6\n', said.out)
        assert "2 of 3 hosts drifted; all were reached; 2 differences; " in said.out
        assert "\x1b" not in said.out
        assert r"T\x1b[2J" in said.out
        assert re.search(r"web3 +in sync", said.out)
        drifted = cli("drift", "--output", "json")
        changed = {name: [(c["action"], c["id"]["name"]) for c in h["changes"]] for name, h in hosts_in(drifted.out).items()}
        assert changed == {"web1": [("update", "corp-rdp")], "pc2": [("remove", "old-telnet")], "web3": []}
        assert report(drifted)["summary"]["hosts"] == {"differs": 2, "in_sync": 1}
        fixed = cli("apply", "--yes", "--diff")
        assert fixed.code == 0
        assert "+ 10.0.0.3" in fixed.out
        assert cli("drift").code == 0


def test_limit_tags_and_variables(cli: Cli) -> None:
    with fleet(cli):
        assert cli("plan", "--list-hosts", "-l", "servers").out == "  hosts (2):\n    web1\n    web3\n"
        some = cli("plan", "-l", "servers:!web3", "-t", "rdp")
        assert "firewall_profile" not in some.out
        assert "plan: 1 to create, 0 to update, 0 to remove on 1 of 1 host; " in some.out
        assert "corp-rdp" not in cli("plan", "--skip-tags", "rdp").out
        cli.write({"site.yml": "- hosts: all\n  vars: {port: 1}\n  tasks:\n"
                               "    - firewall_rule: {name: x, protocol: tcp, local_port: '{{ port }}'}\n"})
        assert re.search(r"tcp 4711", cli("plan", "-e", "port=4711").out)


def test_one_host_failing_never_stops_the_others(cli: Cli) -> None:
    with fleet(cli, 4) as hosts:
        hosts["pc2"].faults.language_mode = "ConstrainedLanguage"
        hosts["pc4"].faults.read_only = True
        data = yaml.safe_load((cli.folder / "hosts.yml").read_text(encoding="utf-8"))
        data["all"]["hosts"]["gone"] = {"ansible_host": "127.0.0.1", "ansible_port": 1, "ansible_psrp_protocol": "http",
                                        "ansible_user": "x", "ansible_password": "y", "ansible_psrp_auth": "ntlm"}
        cli.write({"hosts.yml": yaml.safe_dump(data)})
        unreachable = cli("plan", "-l", "gone:web1", "-o", "p.json")
        assert unreachable.code == 5
        assert "nothing is going to be done on gone" in unreachable.err
        said = cli("apply", "--yes", "--output", "json")
        assert said.code == 6  # worse than 5
        found = {name: (h["status"], h["error"] and h["error"]["kind"]) for name, h in hosts_in(said.out).items()}
        assert found == {"web1": ("changed", None), "web3": ("changed", None), "gone": ("unreachable", "connection_refused"),
                         "pc2": ("failed", "language_mode"), "pc4": ("failed", "authorization")}
        text = cli("apply", "--yes").out
        assert "connection refused" in text
        assert "Check ansible_port" in text
        assert "Traceback" not in text


@pytest.mark.parametrize(("unreachable", "code", "told"), [("fail", 5, False), ("warn", 2, True), ("ignore", 2, False)])
def test_a_host_that_is_down_hides_no_drift(unreachable: str, code: int, told: bool, cli: Cli) -> None:
    with fleet(cli, 2):
        data = yaml.safe_load((cli.folder / "hosts.yml").read_text(encoding="utf-8"))
        data["all"]["hosts"]["gone"] = {"ansible_host": "127.0.0.1", "ansible_port": 1, "ansible_connection": "ssh"}
        cli.write({"hosts.yml": yaml.safe_dump(data)})
        said = cli("drift", "--unreachable", unreachable)
        assert (said.code, "1 host not reached" in said.err) == (code, told)
        assert re.search(r"gone +unreachable", said.out)
        assert cli("apply", "--yes", "--unreachable", unreachable).code == (5 if unreachable == "fail" else 0)
        assert cli("drift", "--unreachable", unreachable).code == (5 if unreachable == "fail" else 0)


def test_hosts_with_one_plan_are_shown_once(cli: Cli) -> None:
    with fleet(cli, 7):
        said = cli("plan", "-t", "rdp")
        assert said.out.count("+ firewall_rule corp-rdp") == 1
        assert "all 7 hosts  differ\n" in said.out


def test_logs_go_to_standard_error(cli: Cli) -> None:
    with fleet(cli, 1):
        quiet, loud = cli("plan"), cli("plan", "-v")
        assert quiet.err == ""
        assert re.search(r"INFO +web1: differs, changes: \d,", loud.err)
        assert "INFO" not in loud.out
        assert json.loads(cli("plan", "-vv", "--output", "json").out)


def test_passwords_are_in_no_output(cli: Cli) -> None:
    with fleet(cli, 2) as hosts:
        password = hosts["web1"].accounts["Administrator"]
        hosts["pc2"].accounts["Administrator"] = "another"
        hosts["pc2"].faults.fail_at = 0
        for arguments in (("plan", "-vv"), ("apply", "--yes", "-vv"), ("plan", "-vv", "--output", "json", "-o", "p.json")):
            said = cli(*arguments)
            assert password not in said.out + said.err
        assert password not in (cli.folder / "p.json").read_text(encoding="utf-8")


def test_a_defect_is_told_in_one_line(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.write(NOWHERE)
    monkeypatch.setattr("ringfence.run.prepare.prepare", lambda request: 1 / 0)
    said = cli("plan")
    assert said.code == 1
    assert said.err.startswith("error: ringfence itself failed: ZeroDivisionError: division by zero.")
    assert "report it" in said.err
    assert "Traceback" not in said.err
    assert "Traceback" in cli("plan", "-vv").err
    assert report(cli("plan", "--output", "json"))["error"]["message"].startswith("ringfence itself failed")


def test_init_makes_a_valid_project(cli: Cli) -> None:
    assert cli("init", "here").code == 0
    cli.folder /= "here"
    assert {name for name in FILES if (cli.folder / name).is_file()} == set(FILES)
    editor = json.loads((cli.folder / ".vscode/settings.json").read_text(encoding="utf-8"))["yaml.schemas"]
    assert all((cli.folder / name).is_file() for name in editor)
    for name in FILES:
        text = (cli.folder / name).read_text(encoding="utf-8")
        assert ("$schema=" in text) == (name in ("ringfence.yml", "inventory/hosts.yml", "playbooks/site.yml"))
        for said in re.findall(r"^# yaml-language-server: \$schema=(.*)$", text, re.MULTILINE):
            schema = json.loads(((cli.folder / name).parent / said).read_text(encoding="utf-8"))
            jsonschema.Draft202012Validator(schema).validate(yaml.safe_load(text))
    said = cli("validate")
    assert said.code == 0
    assert said.out == "valid: 10 declarations for 2 hosts\n"
    assert said.err == ""


def test_a_package_that_only_a_connection_needs(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *others: None if name == "gssapi" else found(name, *others))
    cli.write({**NOWHERE, "hosts.yml": "all:\n  vars: {ansible_psrp_auth: kerberos}\n  hosts: {one: , two: }\n"})
    told = "hosts.yml:2: {}: ansible_psrp_auth: kerberos needs a package that is not installed here (host one and 1 more)"
    checked = cli("validate")  # in a pipeline, on a machine that goes to no host
    assert (checked.code, told.format("warning") in checked.err) == (0, True), checked
    planned = cli("plan")
    assert (planned.code, told.format("error") in planned.err) == (1, True)
    assert "pip install ringfence[kerberos]" in planned.err


@pytest.mark.parametrize("ci", ["github", "gitlab"])
def test_init_writes_what_validates_each_change(ci: str, cli: Cli) -> None:
    assert cli("init", "--ci", ci, ".").code == 0
    path, text = CI_FILES[ci]
    assert (cli.folder / path).read_text(encoding="utf-8") == text
    if ci == "github":
        looked = subprocess.run([Path(sys.executable).with_name("actionlint"), path], cwd=cli.folder, capture_output=True,
                                text=True, check=False)
        assert (looked.returncode, looked.stdout) == (0, "")
    commands = re.findall(r"(ringfence (?:validate|render).*)$", text, re.MULTILINE)
    assert len(commands) == 2
    for command in commands:
        assert cli(*command.split(">")[0].split()[1:]).code == 0, command


def test_doc_names_every_property(cli: Cli) -> None:
    listed = cli("doc").out
    for name, kind in kinds.load().items():
        assert name in listed
        page = cli("doc", name).out
        assert all(re.search(rf"^[*+ ] {p}\b", page, re.MULTILINE) for p in kind.properties), name
        assert json.loads(cli("doc", name, "--output", "json").out)["result"]["properties"].keys() >= {kind.key}


def test_schema_writes_files_of_the_projects_own_kinds(cli: Cli) -> None:
    said = cli("schema", "-o", "out", "--output", "json")
    assert {Path(p).name for p in json.loads(said.out)["result"]["written"]} == set(schemas.every(kinds.load()))
    for file in (cli.folder / "out").iterdir():
        jsonschema.Draft202012Validator.check_schema(json.loads(file.read_text(encoding="utf-8")))


def test_jea_export_writes_and_overwrites_nothing(cli: Cli) -> None:
    assert cli("jea", "export", "jea").code == 0
    modules = list((cli.folder / "jea").rglob("*.psm1"))
    assert [("Invoke-RingfenceBatch" in m.read_text(encoding="utf-8")) for m in modules] == [True, True]
    assert cli("jea", "export", "jea").code == 1


def test_auditors_compare_keys_only_where_that_is_said(cli: Cli) -> None:
    def compares(folder: str) -> bool:
        return any("Key.Compare" in m.read_text(encoding="utf-8") for m in (cli.folder / folder).rglob("RingfenceAudit.psm1"))

    assert cli("jea", "export", "plain").code == 0
    assert cli("jea", "export", "keys", "--auditors-compare-keys").code == 0
    assert (compares("plain"), compares("keys")) == (False, True)


@pytest.mark.parametrize("command", CALLS)
def test_help_shows_an_example(command: str, cli: Cli) -> None:
    said = cli(*command.split(), "--help")
    assert said.code == 0
    assert f"Examples:\n\n    ringfence {command}" in said.out
    assert "--output" in said.out


# ------------------------------------------------------------------------------------------- as programs of their own

def test_a_reader_that_goes_away_is_no_error(cli: Cli) -> None:
    cli.write(NOWHERE)
    with start(cli, "doc", "firewall_rule") as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(30) == 0


@pytest.mark.parametrize("command", ["plan", "drift", "status", "apply --yes"])
def test_ctrl_c_ends_every_command_at_once_with_one_line(command: str, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    called, over = threading.Event(), threading.Event()

    def never(host: SimulatedHost, batch: str, session: Any) -> str:
        called.set()
        over.wait(30)
        raise ConnectionAbortedError

    with fleet(cli, 1):
        monkeypatch.setattr(SimulatedHost, "run", never)
        with start(cli, *command.split(), "-v") as process:
            assert called.wait(30)
            asked = time.monotonic()
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=20)
            over.set()
            assert process.returncode == 130
            assert time.monotonic() - asked < 3
            told, *record = [line for line in err.splitlines() if line]
            assert told == "interrupted by SIGINT: 0 hosts done; not begun: web1"
            assert [line.split()[0] for line in record] == (["record:"] if command == "apply --yes" else [])


def test_apply_asks_on_a_terminal(cli: Cli) -> None:
    with fleet(cli, 2) as hosts:
        before = written(hosts)
        code, shown = on_terminal(cli, "no\n", "apply")
        assert (code, written(hosts)) == (1, before)
        assert re.search(r"Make 8 changes \(2 to create, 6 to update\) on 2 hosts: (pc2, web1|web1, pc2)\? \[y/N\]", shown)
        assert "\x1b[32m+ firewall_rule corp-rdp" in shown
        assert "nothing was changed: the answer was not yes" in shown
        assert "error" not in shown
        code, shown = on_terminal(cli, "y\n", "apply", NO_COLOR="1")
        assert code == 0
        assert "\x1b[32m" not in shown
        assert "2 hosts: 2 changed; 8 changes, 8 written" in shown
        code, shown = on_terminal(cli, "", "apply", "--no-color")
        assert code == 0
        assert "Make" not in shown


def test_a_fleet_has_a_progress_bar_on_a_terminal_only(cli: Cli) -> None:
    with fleet(cli, 4):
        code, shown = on_terminal(cli, "", "drift", "--no-color")
        assert code == 2
        assert re.search(r"drift .*\d/4 ", shown)
        assert "4 of 4 hosts drifted" in shown.splitlines()[-1]  # the bar is gone by then
        assert "/4 " not in cli("drift").err
        code, shown = on_terminal(cli, "", "drift", "--no-color", "--quiet")
        assert (code, re.search(r"drift .*\d/4 ", shown)) == (2, None)


def test_lab_up_as_json_is_an_inventory_too(cli: Cli) -> None:
    with start(cli, "lab", "up", "--hosts", "1", "--output", "json") as process:
        assert process.stdout
        assert list(json.loads(process.stdout.readline())["all"]["hosts"]) == ["web1"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_lab_up_prints_an_inventory_and_ends_politely(cli: Cli) -> None:
    with start(cli, "lab", "up", "--hosts", "2", "--transport", "ssh", "--inventory", "lab.yml") as process:
        assert process.stderr
        assert process.stderr.readline() == "2 hosts up; Ctrl-C ends them\n"
        inventory = yaml.safe_load((cli.folder / "lab.yml").read_text(encoding="utf-8"))
        assert [v["ansible_connection"] for v in inventory["all"]["hosts"].values()] == ["ssh", "ssh"]
        cli.write({"site.yml": "- hosts: all\n  tasks:\n    - firewall_rule: {name: one, protocol: icmpv4}\n"})
        assert cli("plan", "-i", "lab.yml", "site.yml", "--detailed-exitcode").code == 2
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert not (cli.folder / "lab.yml").exists()
