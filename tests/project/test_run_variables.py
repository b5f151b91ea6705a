"""Ansible's variables of a run are those of this run."""

from pathlib import Path

import pytest
from cli_lab import Cli, fleet, undisturbed

from ringfence.project.project import read_hosts

TOLD = "{{ ansible_forks }} forks, -v {{ ansible_verbosity }} times"
PLAY = f"- hosts: all\n  tasks: [{{firewall_rule: {{name: r, protocol: tcp, local_port: 80, description: '{TOLD}'}}}}]\n"


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    return undisturbed(tmp_path, capsys, monkeypatch, {})


@pytest.mark.parametrize(("flags", "more", "said"), [
    ((), "", "20 forks, -v 0 times"), (("--forks", "3", "-v"), "", "3 forks, -v 1 times"),
    (("-vv",), "forks: 7\n", "7 forks, -v 2 times")])
def test_of_a_run_on_hosts(cli: Cli, flags: tuple[str, ...], more: str, said: str) -> None:
    with fleet(cli, 1):
        cli.write({"site.yml": PLAY, "ringfence.yml": f"inventory: hosts.yml\nplaybooks: site.yml\n{more}"})
        found = cli("plan", *flags)
    assert said in found.out, found.err


def test_where_no_host_is_worked_on(cli: Cli) -> None:
    cli.write({"hosts.yml": "all: {hosts: {web1: }}\n", "site.yml": PLAY,
               "ringfence.yml": "inventory: hosts.yml\nplaybooks: site.yml\n"})
    assert "5 forks, -v 0 times" in cli("render", "web1").out
    assert "5 forks, -v 1 times" in cli("render", "web1", "-v").out


def test_what_is_looked_at_without_a_playbook_knows_them_too(tmp_path: Path) -> None:
    """A connection is the same to `ping` as to a run."""
    inventory = tmp_path / "hosts.yml"
    inventory.write_text("all: {hosts: {web1: {ansible_user: '{{ ansible_version.minor }}-{{ ansible_forks }}', ansible_host: "
                         "'{{ playbook_dir | basename }}-{{ ansible_limit }}'}}}\n")
    project, _, problems = read_hosts(["web1"], beside=tmp_path / "play", inventory=[str(inventory)], limit="web1", forks=9)
    problems.check()
    assert project.variables("web1") == ({"ansible_user": "19-9", "ansible_host": "play-web1"}, ())
