"""What is declared, without a host: `render`, and Ansible's --list-tasks and --list-tags."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from cli_lab import Cli

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "playbooks").rglob("*.yml"))
HOSTS = "all: {children: {web: {hosts: {web1: , web2: }}, db: {hosts: {db1: }}}}\n"
PLAY = """\
- name: Web servers
  hosts: web
  vars: {jump: [10.1.4.0/28]}
  tasks:
    - name: RDP from the jump hosts
      firewall_rule:
        name: corp-rdp
        protocol: tcp
        local_port: 3389
        remote_address: "{{ jump }}"
      when: inventory_hostname != 'web2'
      tags: [rdp]
    - firewall_rule: {name: old, state: absent}
    - firewall_rule: {name: WINRM-HTTP-In-TCP, enabled: false}
      omitted: keep
    - firewall_rule: {name: later, protocol: tcp, local_port: 1, remote_address: 10.0.0.1}
      when: ringfence_facts.os.build > 17763
"""


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path, capsys)


@pytest.fixture
def project(cli: Cli) -> Cli:
    cli.write({"hosts.yml": HOSTS, "site.yml": PLAY, "ringfence.yml": "inventory: hosts.yml\nplaybooks: site.yml\n"})
    return cli


def test_each_object_with_its_places_and_why(project: Cli) -> None:
    said = project("render", "web1")
    assert said.code == 0
    assert said.out.startswith("# web1: 3 declared; more depends on what the host says of itself: site.yml:")
    assert ("# allow inbound tcp 3389 from 10.1.4.0/28, any profile\n# for web, when inventory_hostname != 'web2'\n"
            "- firewall_rule:  # site.yml:5  RDP from the jump hosts\n") in re.sub(" +#", "  #", said.out)
    assert re.search(r"    remote_address: \[10.1.4.0/28\] +# site.yml:10  \{\{ jump \}\}\n", said.out)
    tasks = yaml.safe_load(said.out)
    assert [next(iter(t)) for t in tasks] == ["firewall_rule"] * 3
    assert tasks[1]["firewall_rule"] == {"name": "old", "state": "absent"}
    assert tasks[2] == {"firewall_rule": {"name": "WINRM-HTTP-In-TCP", "enabled": False}, "omitted": "keep"}


def test_hosts_of_which_the_same_is_declared_stand_together(project: Cli) -> None:
    for_all = PLAY.replace("hosts: web", "hosts: all").replace("      when: inventory_hostname != 'web2'\n", "")
    project.write({"site.yml": for_all})
    out = project("render").out
    assert [line for line in out.splitlines() if line.startswith("# all 3 hosts: ")]
    assert out.count("name: corp-rdp") == 1


def test_programs_get_the_same(project: Cli) -> None:
    said = json.loads(project("render", "--output", "json", "web1").out)
    (host,) = said["result"]["hosts"]
    rdp, old, winrm = host["declarations"]
    assert (rdp["state"], old["state"], winrm["state"]) == ("present", "absent", "present")
    assert rdp["values"] == {"protocol": "tcp", "local_port": ["3389"], "remote_address": ["10.1.4.0/28"]}
    assert (rdp["defaults"]["direction"], rdp["defaults"]["enabled"]) == ("inbound", True)
    assert winrm["defaults"] == {}  # what is not mentioned is not managed
    assert rdp["places"]["local_port"] == {"file": "site.yml", "line": 9}
    assert rdp["because"] == {"hosts": ["web"], "when": ["inventory_hostname != 'web2'"]}
    assert rdp["source"]["task"] == "RDP from the jump hosts"
    assert [w["line"] for w in host["needs_facts"]] != []


def test_a_host_that_no_play_is_for_is_a_mistake(project: Cli) -> None:
    said = project("render", "db1")
    assert said.code == 1
    assert "no play is for db1" in said.err


def test_tasks_and_tags(project: Cli) -> None:
    said = project("plan", "--list-tasks")
    assert said.out.splitlines()[:4] == ["", "playbook: site.yml", "", "  play #1 (web): Web servers  [2 hosts]"]
    assert "      RDP from the jump hosts  TAGS: [rdp]  site.yml:5" in said.out
    assert "RDP" not in project("plan", "--list-tasks", "--skip-tags", "rdp").out
    assert "      TASK TAGS: [rdp]\n" in project("plan", "--list-tags").out
    listed = json.loads(project("plan", "--list-tasks", "--output", "json").out)["result"]["plays"]
    assert [t["kind"] for t in listed[0]["tasks"]] == ["firewall_rule"] * 4


@pytest.mark.parametrize("playbook", EXAMPLES, ids=lambda p: str(p.relative_to(ROOT)))
def test_what_is_rendered_declares_the_same(playbook: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """The text of each example, put into a play, renders to itself."""
    monkeypatch.setenv("TUNNEL_PSK", "of the tunnel")
    shutil.copytree(ROOT / "playbooks", cli.folder / "playbooks")
    shutil.copytree(ROOT / "inventory", cli.folder / "inventory")
    first = cli("render", "-i", "inventory", "--playbook", str(playbook.relative_to(ROOT)), "--output", "json")
    if first.code:  # parts that are imported are no playbooks
        assert "playbook" in first.err + first.out or "play" in first.err + first.out
        return
    for host in json.loads(first.out)["result"]["hosts"]:
        text = cli("render", "-i", "inventory", "--playbook", str(playbook.relative_to(ROOT)), host["host"]).out
        tasks = yaml.safe_load(text) or []
        cli.write({"again.yml": json.dumps([{"hosts": host["host"], "tasks": tasks}])})
        again = cli("render", "-i", "inventory", "--playbook", "again.yml", "--allow-empty", "--output", "json")
        assert again.code == 0, again
        assert [_meaning(d) for d in json.loads(again.out)["result"]["hosts"][0]["declarations"]] == [
            _meaning(d) for d in host["declarations"]]


def _meaning(declared: Any) -> Any:
    return declared["id"], declared["state"], declared["values"], declared["defaults"]


def test_the_conditions_of_what_is_imported_several_times_are_those_of_all_its_uses(project: Cli) -> None:
    """Another use may be why the host gets it."""
    imported = "    - {import_tasks: one.yml, vars: {x: %s}, when: [web_is_there, %s]}\n"
    project.write({"one.yml": "- firewall_rule: {name: 'r{{ x }}', state: absent}\n", "site.yml": (
        "- hosts: web\n  vars: {web_is_there: true}\n  tasks:\n" + imported % (1, "inventory_hostname == 'web1'")
        + imported % (2, "inventory_hostname != 'web1'"))})
    said = project("render", "web1").out
    assert "# for web, when web_is_there\n" in said
    assert ("name: r1" in said, "name: r2" in said) == (True, False)


@pytest.mark.parametrize(("task", "told"), [
    ("{name: WINRM-HTTP-In-TCP, enabled: false}", None), ("{name: x, enabled: true}\n      omitted: keep", None),
    ("{name: x, protocol: tcp, local_port: 1, remote_address: any}", "allow inbound tcp 1 from ANY, any profile")])
def test_of_what_is_only_mentioned_nothing_is_said_that_the_host_decides(cli: Cli, task: str, told: str | None) -> None:
    """A rule of Windows of which a task says one thing does not let in everybody."""
    cli.write({"hosts.yml": HOSTS, "site.yml": f"- hosts: web\n  tasks:\n    - firewall_rule: {task}\n",
               "ringfence.yml": "inventory: hosts.yml\nplaybooks: site.yml\n"})
    said = cli("render", "web1")
    assert f"\n# {told or 'what is not said here stays as the host has it'}\n" in said.out
    (one,) = json.loads(cli("render", "web1", "--output", "json").out)["result"]["hosts"][0]["declarations"]
    assert one["meaning"] == told
