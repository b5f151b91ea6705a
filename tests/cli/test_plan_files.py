"""Plans that are kept, reviewed, shown and applied, over real connections to simulated hosts."""

import json
import os
import re
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from cli_lab import RULES, Cli, Output, environment, fleet, written
from documents import document_in, hosts_in, validator

from ringfence.documents import vault
from ringfence.lab import Machine, SimulatedHost
from ringfence.secret import Secret

TELNET = "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=23|Name=T|"
PROGRAM = [sys.executable, "-m", "ringfence.cli"]


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path, capsys)


@pytest.fixture
def hosts(cli: Cli) -> Iterator[dict[str, Machine]]:
    """Three hosts, and the plan of them in p.json."""
    with fleet(cli, transport="mixed") as machines:
        assert cli("plan", "-o", "p.json").code == 0
        yield machines


def stored(cli: Cli, name: str = "p.json") -> Any:
    """A plan file, which has to fit its schema."""
    document = json.loads((cli.folder / name).read_text(encoding="ascii"))
    validator("plan").validate(document)
    return document


def changed(cli: Cli, **members: Any) -> None:
    """Other members in the plan file."""
    (cli.folder / "p.json").write_text(json.dumps(stored(cli) | members), encoding="ascii")


def statuses(said: Output) -> dict[str, str]:
    return {name: h["status"] for name, h in hosts_in(said.out).items()}


def change_inventory(cli: Cli, change: Any) -> None:
    data = yaml.safe_load((cli.folder / "hosts.yml").read_text(encoding="utf-8"))
    change(data["all"])
    cli.write({"hosts.yml": yaml.safe_dump(data)})


def add_dead_host(cli: Cli) -> None:
    change_inventory(cli, lambda all: all["hosts"].update(gone={
        "ansible_host": "127.0.0.1", "ansible_port": 1, "ansible_psrp_protocol": "http", "ansible_user": "x",
        "ansible_password": "y", "ansible_psrp_auth": "ntlm"}))


# -- what it holds


def test_it_says_how_it_was_made_and_what_it_does_where(cli: Cli, hosts: dict[str, Machine]) -> None:
    plan = stored(cli)
    assert set(plan["files"]) == {"site.yml", "hosts.yml", "ringfence.yml"}
    assert (plan["project"]["name"], plan["project"]["id"]) == ("test", "0123456789abcdef")
    assert plan["options"]["playbooks"] == []
    assert plan["made_by"]["machine"]
    assert [h["host"] for h in plan["hosts"]] == ["pc2", "web1", "web3"]
    (web1,) = [h for h in plan["hosts"] if h["host"] == "web1"]
    assert web1["machine"]["computer"] == "web1"
    assert len(web1["machine"]["guid"]) == 36
    assert (web1["target"]["transport"], web1["target"]["address"]) == ("psrp", "127.0.0.1")
    assert len(web1["changes"]) == 4
    created = [d for d in plan["definitions"].values() if d["id"]["name"] == "corp-rdp"]
    assert len(created) == 1  # three hosts have it
    assert os.fspath(cli.folder) not in json.dumps(plan)


def test_paths_are_those_in_the_project_wherever_it_is_called(cli: Cli) -> None:
    with fleet(cli):
        cli.write({"sub/only.txt": "web1\n"})
        inner = Cli(cli.folder / "sub", cli.capsys)
        made = inner("plan", os.fspath(cli.folder / "site.yml"), "-i", "../hosts.yml", "-l", "@only.txt", "-o", "../p.json")
        assert made.code == 0
        options = stored(cli)["options"]
        assert options == {"playbooks": ["site.yml"], "inventory": ["hosts.yml"], "limit": ["web1"], "tags": [], "skip_tags": [],
                           "prune": []}
        assert os.fspath(cli.folder) not in (cli.folder / "p.json").read_text(encoding="ascii")
        assert statuses(inner("apply", "../p.json", "--yes", "--output", "json")) == {"web1": "changed"}


@pytest.mark.parametrize("arguments", [("../other.yml",), ("-i", "../other.yml")])
def test_a_plan_names_nothing_outside_of_the_project(cli: Cli, arguments: tuple[str, ...]) -> None:
    cli = Cli(cli.folder / "project", cli.capsys)
    with fleet(Cli(cli.folder / "x", cli.capsys)):
        cli.write({"../other.yml": "- hosts: all\n  tasks: [{firewall_rule: {name: a, state: absent}}]\n" if arguments[0] != "-i"
                   else "all: {hosts: {web1: {ansible_connection: local}}}\n",
                   **{name: (cli.folder / "x" / name).read_text(encoding="utf-8")
                      for name in ("site.yml", "hosts.yml", "ringfence.yml")}})
        said = cli("plan", *arguments, "-o", "p.json")
    assert said.code == 1
    assert "a plan file cannot name ../other.yml, which lies outside of the project" in said.err
    assert not (cli.folder / "p.json").exists()


# -- what is applied


def test_what_was_reviewed_is_applied_and_again_is_done(cli: Cli, hosts: dict[str, Machine]) -> None:
    applied = cli("apply", "p.json", "--yes")
    assert (applied.code, "3 changed" in applied.out) == (0, True)
    assert re.search(r"note: plan 20\d{6}T.*, made 20.* with ringfence ", applied.err)
    before = written(hosts)
    again = cli("apply", "p.json", "--yes")
    assert (again.code, written(hosts)) == (0, before)
    assert "done already: 4 of 4 approved changes are there" in again.out
    assert "3 hosts: 3 in sync" in again.out


def test_a_canary_goes_first_and_the_others_later(cli: Cli, hosts: dict[str, Machine]) -> None:
    assert statuses(cli("apply", "p.json", "-l", "web1", "--yes", "--output", "json")) == {"web1": "changed"}
    assert cli("apply", "p.json", "-l", "web1", "--list-hosts").out == "  hosts (1):\n    web1\n"
    rest = cli("apply", "p.json", "--yes", "--output", "json")
    assert (rest.code, statuses(rest)) == (0, {"web1": "in_sync", "pc2": "changed", "web3": "changed"})
    unknown = cli("apply", "p.json", "-l", "web9", "--yes")
    assert (unknown.code, "web9" in unknown.err) == (1, True)


def test_a_limit_of_the_environment_narrows_a_plan_too(cli: Cli, hosts: dict[str, Machine],
                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever exports it means that no other host is written to."""
    monkeypatch.setenv("RINGFENCE_LIMIT", "web1")
    assert statuses(cli("apply", "p.json", "--yes", "--output", "json")) == {"web1": "changed"}
    assert statuses(cli("apply", "p.json", "--check", "-l", "pc2", "--output", "json")) == {"pc2": "differs"}
    resumed = cli("apply", "--resume", "last", "--yes")
    assert (resumed.code, "-l (here RINGFENCE_LIMIT)" in resumed.err) == (1, True), resumed
    monkeypatch.setenv("RINGFENCE_LIMIT", "web9")
    assert cli("apply", "p.json", "--yes").code == 1


def test_a_part_of_it_that_somebody_made_by_hand_is_no_other_change(cli: Cli, hosts: dict[str, Machine]) -> None:
    rule = next(d for d in stored(cli)["definitions"].values() if d["id"]["name"] == "corp-rdp")
    assert rule["action"] == "create"
    registry = hosts["web1"].registry
    registry.set(RULES.removesuffix("FirewallRules") + "PublicProfile", "EnableFirewall", 1)
    said = cli("apply", "p.json", "--yes", "--output", "json")
    assert (said.code, statuses(said)["web1"]) == (0, "changed")


def test_another_change_is_stale_and_named(cli: Cli, hosts: dict[str, Machine]) -> None:
    hosts["web1"].registry.set(RULES, "old-telnet", TELNET)
    for arguments in (("--check",), ("--yes",)):
        said = cli("apply", "p.json", *arguments, "--output", "json")
        assert said.code == 3
        assert statuses(said) == {"web1": "stale", "pc2": "changed" if arguments == ("--yes",) else "differs",
                                  "web3": "changed" if arguments == ("--yes",) else "differs"}
        stale = hosts_in(said.out)["web1"]
        assert "1 change that nobody approved: remove firewall_rule old-telnet" in stale["error"]["message"]
        assert [c["id"]["name"] for c in stale["changes"]] == ["old-telnet"]
    assert hosts["web1"].registry.get(RULES, "corp-rdp") is None
    text = cli("apply", "p.json", "--check", "--diff")
    assert re.search(r"web1  stale.*\n  - firewall_rule old-telnet", text.out)


def test_another_value_is_stale_and_the_property_named(cli: Cli, hosts: dict[str, Machine]) -> None:
    assert cli("apply", "--yes").code == 0
    registry = hosts["web1"].registry
    registry.set(RULES, "corp-rdp", str(registry.get(RULES, "corp-rdp")).replace("RA4=10.0.0.3", "RA4=192.0.2.9"))
    assert cli("plan", "-o", "p.json").code == 0
    registry.set(RULES, "corp-rdp", str(registry.get(RULES, "corp-rdp")).replace("LPort=3389", "LPort=3390"))
    said = cli("apply", "p.json", "--yes")
    assert said.code == 3
    assert "1 change that nobody approved: update firewall_rule corp-rdp (local_port, remote_address)" in said.out


def test_another_machine_under_the_name_is_stale(cli: Cli, hosts: dict[str, Machine]) -> None:
    plan = stored(cli)
    plan["hosts"][1]["machine"]["guid"] = "00000000-0000-0000-0000-000000000000"
    changed(cli, hosts=plan["hosts"])
    said = cli("apply", "p.json", "--yes", "--output", "json")
    assert (said.code, statuses(said)) == (3, {"web1": "stale", "pc2": "changed", "web3": "changed"})
    assert "another machine answers: the plan was made for web1 (00000000-" in hosts_in(said.out)["web1"]["error"]["message"]


def test_another_way_in_is_stale_before_it_is_gone(cli: Cli, hosts: dict[str, Machine]) -> None:
    change_inventory(cli, lambda all: all["hosts"]["web1"].update(ansible_user="somebody"))
    said = cli("apply", "p.json", "--yes", "--output", "json")
    assert said.code == 3
    web1 = hosts_in(said.out)["web1"]
    assert (web1["status"], web1["connections"]) == ("stale", 0)
    assert re.search("it is reached otherwise than when the plan was made: user .*, now somebody", web1["error"]["message"])


def test_a_host_that_left_the_project_is_stale_and_a_new_one_left_alone(cli: Cli) -> None:
    with fleet(cli) as hosts:
        assert cli("plan", "-l", "all:!pc2", "-o", "p.json").code == 0
        changed(cli, options=stored(cli)["options"] | {"limit": []})

        def drop(all: Any) -> None:
            del all["hosts"]["web3"], all["children"]["servers"]["hosts"]["web3"]

        change_inventory(cli, drop)
        said = cli("apply", "p.json", "--yes", "--output", "json")
        assert (said.code, statuses(said)) == (3, {"web1": "changed", "web3": "stale"})
        assert "not in the plan, and left alone: pc2" in said.err
        assert "inventory" in hosts_in(said.out)["web3"]["error"]["message"]
        assert hosts["pc2"].registry.get(RULES, "corp-rdp") is None


def test_hosts_that_were_not_planned_are_in_it_and_are_told(cli: Cli) -> None:
    with fleet(cli) as hosts:
        hosts["pc2"].faults.language_mode = "ConstrainedLanguage"
        add_dead_host(cli)
        made = cli("plan", "-o", "p.json")
        assert made.code == 6
        assert "p.json: the plan of 4 hosts; nothing is going to be done on 2 hosts: gone, pc2" in made.err
        found = {h["host"]: (h["status"], len(h["changes"])) for h in stored(cli)["hosts"]}
        assert found == {"gone": ("unreachable", 0), "pc2": ("failed", 0), "web1": ("differs", 4), "web3": ("differs", 4)}
        hosts["pc2"].faults.language_mode = ""
        said = cli("apply", "p.json", "--yes", "--output", "json")
        assert (said.code, statuses(said)) == (6, {"gone": "unreachable", "pc2": "failed", "web1": "changed", "web3": "changed"})
        assert "nothing is done here: it was failed when the plan was made" in said.out
        assert hosts["pc2"].registry.get(RULES, "corp-rdp") is None
        assert cli("apply", "p.json", "-l", "web1", "--yes").code == 0


def test_what_changed_in_the_project_is_told_and_the_same_changes_are_made(cli: Cli, hosts: dict[str, Machine]) -> None:
    play = (cli.folder / "site.yml").read_text(encoding="utf-8")
    cli.write({"site.yml": "# a comment, so that every line has another number\n" + play.replace(
        "tags: [rdp]", "tags: [rdp, door]") + "    - firewall_rule: {name: not-there, state: absent}\n"})
    said = cli("apply", "p.json", "--yes")
    assert (said.code, "3 changed" in said.out) == (0, True)
    assert "note: changed since the plan was made: site.yml" in said.err
    assert "note: what is declared was changed since the plan was made; what is to be done is what was approved" in said.out
    cli.write({"site.yml": play.replace("3389", "3390")})
    other = cli("apply", "p.json", "--yes")
    assert other.code == 3
    assert "update firewall_rule corp-rdp (local_port)" in other.out


def test_variables_of_the_command_line_are_in_it_by_name(cli: Cli) -> None:
    with fleet(cli):
        play = (cli.folder / "site.yml").read_text(encoding="utf-8")
        cli.write({"site.yml": play.replace("3389", '"{{ port | default(3389) }}"'), "secret.yml": "corp: hush-hush\n"})
        assert cli("plan", "-e", "port=4711", "-e", "@secret.yml", "-o", "p.json").code == 0
        plan = stored(cli)
        assert plan["extra_vars"] == ["corp", "port"]
        assert "secret.yml" not in plan["files"]
        assert "hush-hush" not in json.dumps(plan)
        without = cli("apply", "p.json", "--yes")
        assert without.code == 3
        assert "warning: the plan was made with -e corp=…, port=…" in without.err
        assert "create firewall_rule corp-rdp. The host or the project changed since the plan was made, or it was made with -e " \
               "corp=…, port=…" in without.out
        cli.write({"site.yml": play.replace("3389", '"{{ port }}"')})
        undefined = cli("apply", "p.json", "--yes")
        assert undefined.code == 1
        assert "note: the plan was made with -e corp=…, port=…\n    Give the same again." in undefined.err
        other = cli("apply", "p.json", "--yes", "-e", "port=4712", "-e", "@secret.yml")
        assert (other.code, "was made, or -e corp=…, port=… had another value. Make a new plan" in other.out) == (3, True)
        assert cli("apply", "p.json", "--yes", "-e", "port=4711", "-e", "@secret.yml").code == 0


KEYED = """\
- hosts: all
  {variables}
  tasks:
    - ipsec_phase1_auth_set:
        name: branch
        proposal:
          - {{machine: true, pre_shared_key: "{{{{ key }}}}"}}
"""


def keyed(key: str, where: str) -> dict[str, str]:
    """A project with a pre-shared key: a vaulted value, a value in a vaulted file, or in clear."""
    locked = vault.encrypt(key, Secret("pa55")).strip().replace("\n", "\n      ")
    variables = {"value": f"vars:\n    key: !vault |\n      {locked}", "file": "vars_files: [secret.yml]",
                 "clear": f"vars: {{key: {key}}}"}
    return {"site.yml": KEYED.format(variables=variables[where]), "password": "pa55",
            "secret.yml": vault.encrypt(f"other: text\nkey: {key}\n", Secret("pa55"))}


@pytest.mark.parametrize("where", ["value", "file", "clear"])
def test_a_key_that_was_exchanged_after_the_review_is_stale(cli: Cli, where: str) -> None:
    first, second = keyed("correct horse battery", where), keyed("staple staple staple", where)
    with fleet(cli, 1) as hosts:
        cli.write(first)
        flags = ("--vault-password-file", "password")
        assert cli("plan", "-o", "p.json", *flags).code == 0
        text = (cli.folder / "p.json").read_text(encoding="ascii")
        assert '"secrets":{"' in text
        assert (":[\"scrypt:" if where == "clear" else ":[\"vault:") in text
        assert "correct" not in text
        assert stored(cli)["vault_ids"] == ["default"]
        cli.write(second)
        said = cli("apply", "p.json", "--yes", *flags)
        assert said.code == 3
        assert "create ipsec_phase1_auth_set branch (a secret in it was exchanged)" in said.out
        cli.write(first)
        assert cli("apply", "p.json", "--yes", *flags).code == 0
        assert hosts["web1"].registry.generation


# -- which plans are refused


def test_old_plans_are_refused_where_somebody_says_so(cli: Cli, hosts: dict[str, Machine]) -> None:
    now = datetime.now(UTC)
    for age, code in ((timedelta(hours=25), 3), (timedelta(hours=23), 0), (timedelta(hours=-1), 3)):
        changed(cli, made=(now - age).isoformat())
        said = cli("apply", "p.json", "--check", "--max-age", "24h")
        assert said.code == code, said
    assert "the plan says that it was made 1.0 hours from now" in said.err
    assert "--max-age: 'soon' is no number and unit" in cli("apply", "p.json", "--max-age", "soon").err
    assert "--max-age and --same-commit go with a plan file" in cli("apply", "--max-age", "1h").err


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@example.com", *arguments], cwd=folder, check=True,
                   capture_output=True)


def test_the_age_may_stand_in_the_project_s_settings(cli: Cli, hosts: dict[str, Machine]) -> None:
    settings = (cli.folder / "ringfence.yml").read_text(encoding="utf-8")
    cli.write({"ringfence.yml": settings + "max_age: 24h\nlimit: web1\n"})
    changed(cli, made=(datetime.now(UTC) - timedelta(hours=25)).isoformat())
    assert cli("apply", "p.json", "--check").code == 3
    assert cli("apply", "p.json", "--check", "--max-age", "26h").code == 0
    assert cli("apply", "--check").code == 0  # without a plan file it says nothing
    assert cli("show", "p.json").code == 0


def test_plans_of_another_commit_are_refused_where_somebody_says_so(cli: Cli) -> None:
    with fleet(cli):
        assert cli("plan", "-o", "p.json").code == 0
        none = cli("apply", "p.json", "--check", "--same-commit")
        assert (none.code, "the project is in no git repository" in none.err) == (3, True)
        git(cli.folder, "init", "-q")
        git(cli.folder, "add", "site.yml", "hosts.yml", "ringfence.yml")
        git(cli.folder, "commit", "-qm", "one")
        assert cli("plan", "-o", "p.json").code == 0
        assert stored(cli)["project"]["dirty"] is False  # the plan itself does not count
        assert cli("apply", "p.json", "--check", "--same-commit").code == 0
        cli.write({"more.yml": "# not committed\n"})
        dirty = cli("apply", "p.json", "--check", "--same-commit")
        assert (dirty.code, "something in the project is not committed" in dirty.err) == (3, True)
        git(cli.folder, "add", "more.yml")
        git(cli.folder, "commit", "-qm", "two")
        moved = cli("apply", "p.json", "--check", "--same-commit")
        assert moved.code == 3
        assert re.search("--same-commit: the plan was made at [0-9a-f]{40}, the project is at [0-9a-f]{40}", moved.err)
        assert cli("apply", "p.json", "--check").code == 0  # it is told, and no more


def test_a_plan_of_another_project_is_refused(cli: Cli, hosts: dict[str, Machine]) -> None:
    changed(cli, project=stored(cli)["project"] | {"id": "fedcba9876543210", "name": "theirs"})
    said = cli("apply", "p.json", "--yes")
    assert said.code == 3
    assert "the plan is of the project theirs (fedcba9876543210), this is test (0123456789abcdef)" in said.err


@pytest.mark.skipif(os.name != "posix", reason="owners are not looked at there")
def test_a_plan_that_everybody_may_write_is_refused(cli: Cli, hosts: dict[str, Machine]) -> None:
    (cli.folder / "p.json").chmod(0o666)
    said = cli("apply", "p.json", "--check")
    assert said.code == 1
    assert "every user may write it, and what it says is done to hosts" in said.err
    assert cli("apply", "p.json", "--check", "--trust-dir", os.fspath(cli.folder)).code == 0
    for mode, code in ((0o777, 1), (0o1777, 0)):  # where everybody may replace it, and where nobody else may
        shared = cli.folder / f"shared{mode:o}"
        shared.mkdir()
        shared.chmod(mode)
        assert cli("plan", "-o", os.fspath(shared / "q.json")).code == 0
        assert cli("apply", os.fspath(shared / "q.json"), "--check").code == code


def test_an_untrusted_plan_is_shown_and_never_applied(cli: Cli, hosts: dict[str, Machine]) -> None:
    said = cli("apply", "p.json", "--list-hosts", "--untrusted")
    assert (said.code, "an untrusted project leads to no host" in said.err) == (1, True)
    assert "+ firewall_rule corp-rdp" in cli("show", "p.json", "--untrusted").out


def test_a_link_in_the_project_leads_no_plan_out_of_it(cli: Cli) -> None:
    with fleet(cli):
        (cli.folder / "away").symlink_to(cli.folder.parent)
        assert cli("plan", "-o", "p.json").code == 0
        changed(cli, options=stored(cli)["options"] | {"playbooks": ["away/site.yml"]})
        said = cli("apply", "p.json", "--check")
        assert (said.code, "the plan names away/site.yml, which leads out of the project" in said.err) == (1, True)


# -- shown


def test_show_prints_it_again_as_plan_did(cli: Cli, hosts: dict[str, Machine]) -> None:
    planned, shown = cli("plan"), cli("show", "p.json")
    assert shown.code == 0
    changes = planned.out[:planned.out.index("\nhost ")]
    assert changes in shown.out
    assert re.search(r"plan \d{8}T\d{6}Z-[0-9a-f]{6}, made 20.*Z.* with ringfence ", shown.out)
    assert "project test\n" in shown.out
    assert "a plan file is shown whole" in cli("show", "p.json", "-l", "web1").err
    assert "a plan file is shown whole" in cli("show", "p.json", "--kind", "firewall_rule").err


def test_show_gives_programs_what_plan_gives_them(cli: Cli, hosts: dict[str, Machine]) -> None:
    planned, shown = cli("plan", "--output", "json"), cli("show", "p.json", "--output", "json")
    document = document_in(shown.out, "report")
    assert (document["command"], document["exit_code"]) == ("show", 0)
    assert document["result"]["plan"]["made_by"] == stored(cli)["made_by"]
    assert "salt" not in document["result"]["plan"]
    assert document["result"]["definitions"] == document_in(planned.out, "report")["result"]["definitions"]
    now, then = ({name: h["changes"] for name, h in hosts_in(said.out).items()} for said in (shown, planned))
    assert now == then
    lines = [json.loads(line) for line in cli("show", "p.json", "--output", "jsonl").out.splitlines()]
    events = [line["event"] for line in lines if line["event"] != "definitions"]
    assert events == ["run_begin", "host_end", "host_end", "host_end", "run_end"]
    for line in lines:
        validator("events").validate(line)
    assert lines[0]["options"]["run_id"] == stored(cli)["run_id"]


def test_apply_shows_it_before_it_asks(cli: Cli, hosts: dict[str, Machine]) -> None:
    import pty

    for answer, code in ((b"n\n", 1), (b"y\n", 0)):
        master, slave = pty.openpty()
        done = subprocess.Popen([*PROGRAM, "apply", "p.json", "-l", "web1"], cwd=cli.folder, env=environment(), stdin=slave,
                                stdout=subprocess.PIPE, stderr=slave)
        os.close(slave)
        os.write(master, answer)
        out = done.communicate(timeout=60)[0].decode()
        said = os.read(master, 100_000).decode()
        os.close(master)
        assert done.returncode == code, out + said
        assert "+ firewall_rule corp-rdp" in out
        assert "allow inbound tcp 3389 from 10.0.0.1, 10.0.0.3, any profile" in out
        assert "web3" not in out
        assert "Make 4 changes (1 to create, 3 to update) on web1?" in said
    assert hosts["web1"].registry.get(RULES, "corp-rdp")


# -- how it is written


def test_it_is_for_nobody_else_and_whole_or_not_at_all(cli: Cli) -> None:
    with fleet(cli, 1):
        os.umask(os.umask(0o022))
        cli.write({"kept/real.json": "old"})
        (cli.folder / "p.json").symlink_to("kept/real.json")
        assert cli("plan", "-o", "p.json").code == 0
        assert (cli.folder / "p.json").is_symlink()
        assert stat.S_IMODE((cli.folder / "kept/real.json").stat().st_mode) == 0o600
        assert stored(cli)["hosts"][0]["host"] == "web1"
        assert [p.name for p in (cli.folder / "kept").iterdir()] == ["real.json"]


def test_devices_and_pipes_are_written_into_and_stay(cli: Cli) -> None:
    with fleet(cli, 1):
        assert cli("plan", "-o", os.devnull).code == 0
        assert stat.S_ISCHR(os.stat(os.devnull).st_mode)
        pipe = cli.folder / "pipe"
        os.mkfifo(pipe)
        got: list[str] = []
        reader = threading.Thread(target=lambda: got.append(pipe.read_text(encoding="ascii")), daemon=True)
        reader.start()
        assert cli("plan", "-o", "pipe").code == 0
        reader.join(10)
        validator("plan").validate(json.loads(got[0]))
        assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.parametrize("to_file", [True, False])
def test_standard_output_gets_it_behind_the_text(cli: Cli, to_file: bool) -> None:
    with fleet(cli, 1):
        out = cli.folder / "out.txt"
        with out.open("wb") as stream:
            done = subprocess.run([*PROGRAM, "plan", "-o", "/dev/stdout"], cwd=cli.folder, env=environment(), timeout=60,
                                  check=True, stdout=stream if to_file else subprocess.PIPE, stderr=subprocess.DEVNULL)
        text = out.read_text(encoding="utf-8") if to_file else done.stdout.decode()
        shown, _, plan = text.partition('{"format_version"')
        assert "plan: 1 to create, 3 to update, 0 to remove on 1 of 1 host" in shown
        validator("plan").validate(json.loads('{"format_version"' + plan))


@pytest.mark.parametrize(("place", "reason"), [
    ("folder", "Is a directory"), ("loop", "Too many levels of symbolic links"), ("dangling", "No such file or directory"),
    ("/dev/full", "No space left on device")])
def test_a_place_that_takes_no_file_is_told(cli: Cli, place: str, reason: str) -> None:
    with fleet(cli, 1):
        cli.write({"folder/x": ""})
        (cli.folder / "loop").symlink_to("loop")
        (cli.folder / "dangling").symlink_to("nowhere/p.json")
        said = cli("plan", "-o", place)
        assert (said.code, said.err) == (1, f"{place}: error: the plan was not written: {reason}\n")
        assert [p.name for p in (cli.folder / "folder").iterdir()] == ["x"]
    assert "no folder" in cli("plan", "-o", "none/p.json").err


# -- interrupted


def interrupted(cli: Cli, monkeypatch: pytest.MonkeyPatch, host: Machine, *arguments: str) -> tuple[int, str]:
    """The exit code of a command that gets SIGINT at the first word of a host, which answers a moment later, and what it said."""
    asked, free, run = threading.Event(), threading.Event(), SimulatedHost.run

    def slow(self: SimulatedHost, batch: str, session: Any) -> str:
        answer = run(self, batch, session)
        if self.machine is host and not asked.is_set():
            asked.set()
            free.wait(60)
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(SimulatedHost, "run", slow)
        with subprocess.Popen([*PROGRAM, *arguments], cwd=cli.folder, env=environment(), stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True) as process:
            assert asked.wait(30)
            process.send_signal(signal.SIGINT)
            time.sleep(0.5)
            free.set()
            said = process.communicate(timeout=60)[1]
    return process.returncode, said


def test_half_a_plan_is_not_kept(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    with fleet(cli) as hosts:
        code, said = interrupted(cli, monkeypatch, hosts["web1"], "plan", "-f", "1", "-o", "p.json")
        assert (code, "p.json was not written: the run was interrupted" in said) == (130, True)
        assert not (cli.folder / "p.json").exists()


def test_a_plan_that_was_interrupted_is_gone_on_with_as_it_was_approved(cli: Cli, hosts: dict[str, Machine],
                                                                        monkeypatch: pytest.MonkeyPatch) -> None:
    code, _ = interrupted(cli, monkeypatch, hosts["web1"], "apply", "p.json", "--yes", "-f", "1")
    assert code == 130
    hosts["web3"].registry.set(RULES, "old-telnet", TELNET)
    rest = cli("apply", "--resume", "last", "--yes", "--output", "json")
    assert (rest.code, statuses(rest)) == (3, {"web1": "changed", "pc2": "changed", "web3": "stale"})


@pytest.mark.parametrize("how", [["--yes"], ["--check"]])
def test_what_is_not_there_is_not_called_done(how: list[str], cli: Cli, hosts: dict[str, Machine],
                                              monkeypatch: pytest.MonkeyPatch) -> None:
    """An approved rule that has expired since, and one that the project gave up."""
    rule = "    - firewall_rule: {{name: {}, protocol: tcp, local_port: 8443, remote_address: 10.0.0.1}}\n"
    kept, expires = rule.format("kept"), rule.format("night") + "      expires: 2030-01-01T00:00:00Z\n"
    cli.write({"site.yml": f"- hosts: web1\n  tasks:\n{kept}{expires}{rule.format('given-up')}"})
    assert cli("plan", "-o", "p.json").code == 0
    assert cli("apply", "--yes").code == 0
    for name in ("night", "given-up"):
        hosts["web1"].registry.unset(RULES, name)
    cli.write({"site.yml": f"- hosts: web1\n  tasks:\n{kept}{expires}"})
    monkeypatch.setattr("ringfence.run.prepare.moment_text", lambda moment: "2030-01-02T00:00:00Z")
    monkeypatch.setattr("ringfence.run.policy_from_options.moment_text", lambda moment: "2030-01-02T00:00:00Z")
    said = cli("apply", "p.json", *how)
    told = " ".join((said.out + said.err).split())
    assert said.code == 0, said
    assert "1 of 3 approved changes are there" in told
    assert "done already" not in told
    assert "not made: firewall_rule night (2030-01-01T00:00Z): expired since the plan was made" in told
    assert "not made: firewall_rule given-up: the project does not ask for it any more" in told


def test_what_another_value_stands_for_is_not_called_done(cli: Cli, hosts: dict[str, Machine]) -> None:
    """The rule is there, and not as it was approved: the project went back meanwhile."""
    rule = "- hosts: web1\n  tasks: [{{firewall_rule: {{name: web, protocol: tcp, local_port: {}, remote_address: 10.0.0.1}}}}]\n"
    cli.write({"site.yml": rule.format(81)})
    assert cli("apply", "--yes").code == 0
    cli.write({"site.yml": rule.format(82)})
    assert cli("plan", "-o", "p.json").code == 0
    cli.write({"site.yml": rule.format(81)})
    said = cli("apply", "p.json", "--yes")
    told = " ".join((said.out + said.err).split())
    assert said.code == 0, said
    assert "not made: firewall_rule web: the project does not ask for it any more" in told
    assert "approved changes are there" not in told


def test_an_adoption_that_was_not_made_is_not_called_done(cli: Cli, hosts: dict[str, Machine]) -> None:
    """The rule is there, as it was; it is not the project's, whose task is gone."""
    rule = "    - firewall_rule: {{name: {}, protocol: tcp, local_port: 81, remote_address: 10.0.0.1}}\n"
    head = "- hosts: web1\n  tasks:\n"
    hosts["web1"].registry.set(RULES, "hand", "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=81|RA4=10.0.0.1|Name=hand|")
    cli.write({"site.yml": head + rule.format("hand") + rule.format("own")})
    assert "& adopt firewall_rule hand" in cli("plan", "-o", "p.json").out
    cli.write({"site.yml": head + rule.format("own")})
    said = cli("apply", "p.json", "--yes")
    told = " ".join((said.out + said.err).split())
    assert (said.code, "approved changes are there" in told) == (0, False), said
    assert "not made: firewall_rule hand: the project does not ask for it any more" in told
