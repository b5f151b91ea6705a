"""What is set by flags, the environment and ringfence.yml, and what becomes of it."""

import dataclasses
import json
import os
from importlib import import_module
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from cli_lab import PLAYBOOK, Cli, fleet, undisturbed
from core import cases

from ringfence.cli.app import CALLS
from ringfence.cli.command import OPTION_GROUPS
from ringfence.cli.options import Flag, InventoryOptions, SelectionOptions, setting_of
from ringfence.documents.vault import encrypt
from ringfence.policy.flow_words import FLOW_WORDS
from ringfence.run_settings import SETTINGS
from ringfence.secret import Secret

CASES = cases("run_settings")
PROJECT = {"ringfence.yml": "inventory: hosts.yml\nplaybooks: site.yml\nproject: {name: test, id: 0123456789abcdef}\n",
           "hosts.yml": "all: {hosts: {web1: , web2: }}\n", "site.yml": PLAYBOOK}


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    return undisturbed(tmp_path, capsys, monkeypatch, PROJECT)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["name"])
def test_where_a_setting_comes_from(case: dict[str, Any], cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in case.get("environment", {}).items():
        monkeypatch.setenv(name, value)
    cli.write({"ringfence.yml": PROJECT["ringfence.yml"] + case.get("ringfence_yml", "")})
    said = cli(*case["run"])
    assert said.code == case.get("code", 0), said.err
    assert [part for part in case.get("says", ()) if part not in said.err] == [], said.err
    assert [part for part in case.get("silent", ()) if part in said.err] == [], said.err
    assert sorted(p.name for p in cli.folder.iterdir()) == sorted(PROJECT)


def test_flags_are_the_rows_of_the_table() -> None:
    for group in OPTION_GROUPS.values():
        hints = get_type_hints(group, include_extras=True)
        for found in dataclasses.fields(group):
            row = setting_of(hints[found.name])
            assert row is SETTINGS[found.name]
            assert found.default in (dataclasses.MISSING, row.default)


OF_ONE_CALL = {"--out", "--resume", "--name", "--kind", "--origin", "--store", "--from", "--number", "--from-journal",
               "--playbook", "--to", "--list-tasks", "--list-tags", "--of", "--expect", "--profile", "--account", "--yaml",
               "--show-secrets",
               *(f"--{word.replace('_', '-')}" for word in FLOW_WORDS if word != "user")}


def test_what_is_no_setting_asks_something_of_one_call() -> None:
    """Another flag of a run belongs into the table, or here."""
    flags: set[str] = set()
    for call in CALLS:
        name, _, sub = call.partition(" ")
        module = import_module(f"ringfence.cli.commands.{name.replace('-', '_')}")
        hints = get_type_hints(getattr(module, (sub or name).replace("-", "_")), include_extras=True)
        if any(hint in (InventoryOptions, SelectionOptions) for hint in hints.values()) or "run_dir" in hints:
            found = [m for hint in hints.values() for m in getattr(hint, "__metadata__", ()) if isinstance(m, Flag)]
            flags |= {name for one in found for name in one.names if name.startswith("--")}
    assert flags == OF_ONE_CALL
    assert flags.isdisjoint(flag for row in SETTINGS.values() for flag in row.flags)


def test_no_name_is_given_twice() -> None:
    flags = [flag for row in SETTINGS.values() for flag in (*row.flags, row.negated) if flag]
    assert len(flags) == len(set(flags))
    assert len({row.variable for row in SETTINGS.values()}) == len(SETTINGS)


# --------------------------------------------------------------------------------------------------- which hosts and tasks

@pytest.mark.parametrize(("environment", "hosts"), [
    ({"RINGFENCE_INVENTORY": "other.yml"}, ["db1"]),
    ({"RINGFENCE_INVENTORY": f"other.yml{os.pathsep}hosts.yml"}, ["db1", "web1", "web2"]),
    ({"RINGFENCE_INVENTORY": "pc1,pc2,"}, ["pc1", "pc2"]),
    ({"RINGFENCE_INVENTORY": "other.yml", "ANSIBLE_INVENTORY": "hosts.yml"}, ["db1"]),
    ({"ANSIBLE_INVENTORY": "other.yml"}, ["web1", "web2"]),  # the project has one
    ({"RINGFENCE_LIMIT": "web2"}, ["web2"]),
])
def test_hosts_by_the_environment(environment: dict[str, str], hosts: list[str], cli: Cli,
                                  monkeypatch: pytest.MonkeyPatch) -> None:
    cli.write({"other.yml": "all: {hosts: {db1: }}\n"})
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    said = cli("plan", "--list-hosts", "--output", "json")
    assert json.loads(said.out)["result"]["hosts"] == hosts, said
    assert ("not heeded: ANSIBLE_INVENTORY" in said.err) == ("ANSIBLE_INVENTORY" in environment)


def test_ansibles_inventory_where_the_project_has_none(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.write({"ringfence.yml": "playbooks: site.yml\n", "other.yml": "all: {hosts: {db1: }}\n"})
    monkeypatch.setenv("ANSIBLE_INVENTORY", "other.yml,hosts.yml")
    said = cli("plan", "--list-hosts", "--output", "json")
    assert json.loads(said.out)["result"]["hosts"] == ["db1", "web1", "web2"]
    assert said.err == ""
    assert cli("plan", "--list-hosts", "--ignore-ansible-cfg").code == 1


@pytest.mark.parametrize(("name", "text"), [
    ("RINGFENCE_TAGS", "rdp"), ("ANSIBLE_RUN_TAGS", "rdp,nothing_else"), ("RINGFENCE_SKIP_TAGS", "untagged"), ("", "tags: rdp"),
    ("", "skip_tags: [untagged]")])
def test_tags(name: str, text: str, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.write({"site.yml": PLAYBOOK + "    - firewall_rule: {name: x, state: absent}\n      tags: [never, nothing_else]\n"})
    if name:
        monkeypatch.setenv(name, text)
    else:
        cli.write({"ringfence.yml": PROJECT["ringfence.yml"] + text + "\n"})
    declared = json.loads(cli("validate", "--output", "json").out)["result"]["declared"]
    assert declared == (4 if name == "ANSIBLE_RUN_TAGS" else 2)
    assert json.loads(cli("validate", "-t", "all", "--skip-tags", "rdp", "--output", "json").out)["result"]["declared"] > 4


def test_a_limit_of_the_environment_adds_no_host_to_those_that_are_named(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGFENCE_LIMIT", "web2")
    said = cli("ledger", "rebuild", "web1", "--list-hosts", "--output", "json")
    assert json.loads(said.out)["result"]["hosts"] == ["web1"]


def test_variables_and_passwords(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.write({"site.yml": "- hosts: all\n  tasks:\n    - firewall_rule: {name: a, state: '{{ wanted }}'}\n"})
    assert cli("validate").code == 1
    cli.write({"ringfence.yml": PROJECT["ringfence.yml"] + "extra_vars: wanted=absent\n"})
    assert cli("validate").code == 0
    monkeypatch.setenv("RINGFENCE_EXTRA_VARS", "wanted=nonsense")
    assert "nonsense" in cli("validate").err
    assert cli("validate", "-e", "wanted=absent").code == 0
    monkeypatch.setenv("RINGFENCE_VAULT_PASSWORD_FILE", "no-such-file")
    assert "no-such-file" in cli("validate", "-e", "wanted=absent").err


def test_passwords_of_ansibles_variable(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    vaulted = encrypt("absent", Secret("right")).replace("\n", "\n      ")
    cli.write({"hosts.yml": f"all:\n  hosts: {{web1: }}\n  vars:\n    ansible_password: !vault |\n      {vaulted}\n",
               "right": "right", "wrong": "wrong"})
    assert "no vault password" in cli("validate").err
    monkeypatch.setenv("ANSIBLE_VAULT_PASSWORD_FILE", "right")
    assert (cli("validate").code, cli("validate").err) == (0, "")
    cli.write({"ringfence.yml": PROJECT["ringfence.yml"] + "vault_id: prod@wrong\n"})
    said = cli("validate").err
    assert "no vault password fits this value" in said
    assert "passwords tried: prod" in said
    monkeypatch.setenv("RINGFENCE_VAULT_ID", "prod@right")
    assert cli("validate").code == 0


def test_a_program_of_the_project_is_not_run_for_a_vault_id(cli: Cli) -> None:
    cli.write({"ask.sh": "#!/bin/sh\ntouch ran\necho word\n",
               "ringfence.yml": PROJECT["ringfence.yml"] + "vault_id: prod@ask.sh\n"})
    (cli.folder / "ask.sh").chmod(0o700)
    said = cli("validate")
    assert said.code == 1
    assert "--allow-program" in said.err
    assert not (cli.folder / "ran").exists()
    assert cli("validate", "--allow-program", "ask.sh").code == 0
    assert (cli.folder / "ran").exists()


# --------------------------------------------------------------------------------------------------- how a run goes

def test_a_project_says_how_its_runs_go(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    with fleet(cli, 1) as hosts:
        told = (cli.folder / "ringfence.yml").read_text(encoding="utf-8")
        cli.write({"ringfence.yml": told + "diff: no\ndetailed_exitcode: true\nrun_dir: records\n"})
        said = cli("plan")
        assert (said.code, "corp-rdp" in said.out, "default_inbound_action" in said.out) == (2, True, False)
        assert "default_inbound_action" in cli("plan", "--diff").out
        before = hosts["web1"].registry.generation
        monkeypatch.setenv("RINGFENCE_CHECK", "yes")
        assert cli("apply", "--yes").code == 0
        assert hosts["web1"].registry.generation == before
        monkeypatch.setenv("RINGFENCE_CHECK", "no")
        assert cli("apply", "--yes").code == 0
        assert hosts["web1"].registry.generation > before
        assert [p.suffix for p in (cli.folder / "records").glob("2*")] == [".jsonl"]
        assert "apply" in cli("runs").out
        assert "apply" not in cli("runs", "--run-dir", "elsewhere").out
        monkeypatch.setenv("RINGFENCE_RUN_DIR", str(cli.folder / "elsewhere"))
        assert "apply" not in cli("runs").out


def test_who_is_not_reached_may_be_the_projects_to_say(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    down = "all: {hosts: {web1: {ansible_host: 127.0.0.1, ansible_port: 1, ansible_connection: ssh}}}\n"
    cli.write({"hosts.yml": down, "ringfence.yml": PROJECT["ringfence.yml"] + "unreachable: ignore\n"})
    assert cli("drift").code == 0
    monkeypatch.setenv("RINGFENCE_UNREACHABLE", "fail")
    assert cli("drift").code == 5
    assert cli("drift", "--unreachable", "ignore").code == 0


def test_output_by_the_environment(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGFENCE_OUTPUT", "json")
    assert json.loads(cli("validate").out)["exit_code"] == 0
    assert json.loads(cli("init", "new").out)["result"]["written"]
    assert json.loads(cli("validate", "-i", "nowhere.yml").out)["exit_code"] == 1
    assert cli("validate", "--output", "text").out.startswith("valid: ")
    monkeypatch.setenv("RINGFENCE_OUTPUT", "xml")
    assert "error: RINGFENCE_OUTPUT: 'xml' is not one of text, json, jsonl" in cli("validate").err


def test_the_demo_is_not_of_the_users_own_runs(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("RINGFENCE_LIMIT", "nowhere"), ("RINGFENCE_CHECK", "1"), ("ANSIBLE_FORKS", "x")):
        monkeypatch.setenv(name, value)
    assert cli("demo", "--output", "json").code == 0
    assert os.environ["RINGFENCE_LIMIT"] == "nowhere"
