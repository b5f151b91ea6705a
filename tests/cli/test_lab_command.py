"""`ringfence lab`: hosts with names, groups and ports of one's own, and a console for each while they run."""

import contextlib
import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from cli_lab import PROGRAM, Cli, environment

from ringfence.cli import completion


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))  # where labs say where they are
    monkeypatch.setattr("tempfile.tempdir", None)
    return Cli(tmp_path, capsys)


@contextlib.contextmanager
def lab(cli: Cli, *arguments: str, inventory: str = "lab.yml") -> Iterator["subprocess.Popen[str]"]:
    env = environment(TMPDIR=str(cli.folder / "tmp"))
    with subprocess.Popen([*PROGRAM, "lab", "up", "--inventory", inventory, *arguments], cwd=cli.folder, env=env,
                          stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr
            assert " up; Ctrl-C ends them" in process.stderr.readline()
            yield process
        finally:
            process.kill()


PLAY = """\
- hosts: web
  tasks:
    - firewall_rule: {name: corp-rdp, protocol: tcp, local_port: 3389, remote_address: 10.1.4.0/28}
"""


def test_be_the_colleague_who_breaks_things(cli: Cli) -> None:
    cli.write({"site.yml": PLAY})
    with lab(cli, "--groups", "web=2,pc=1") as process:
        inventory = yaml.safe_load((cli.folder / "lab.yml").read_text(encoding="utf-8"))["all"]
        assert list(inventory["hosts"]) == ["web1", "web2", "pc1"]
        assert list(inventory["children"]["web"]["hosts"]) == ["web1", "web2"]
        assert list(inventory["children"]["workstations"]["hosts"]) == ["pc1"]
        offered = {candidate.value for candidate in completion.answer("ringfence lab clock ")[1]}
        assert {"web1", "web2", "pc1"} <= offered
        assert offered.isdisjoint({"all", "web", "workstations"})
        assert cli("apply", "-i", "lab.yml", "site.yml", "--yes").code == 0
        assert "corp-rdp  v2.31|Action=Allow" in re.sub(" +", "  ", cli("lab", "show", "web1").out)
        changed = cli("lab", "run", "web1", "Set-NetFirewallRule -Name corp-rdp -RemoteAddress Any")
        assert (changed.code, changed.out) == (0, "")
        drift = cli("drift", "-i", "lab.yml", "site.yml", "--who")
        assert drift.code == 2
        assert "remote_address  is ANY, declared 10.1.4.0/28" in drift.out
        assert r"WindowsPowerShell\v1.0\powershell.exe" in drift.out
        assert cli("lab", "run", "web2", "Disable-NetAdapter -Name Ethernet").code == 0
        assert cli("drift", "-i", "lab.yml", "site.yml").code == 5
        assert json.loads(cli("lab", "show", "web2", "--output", "json").out)["result"]["adapters"][0]["status"] == "unplugged"
        wrong = cli("lab", "run", "web1", "Remove-NetFirewallRule -Name nope")
        assert (wrong.code, "No MSFT_NetFirewallRule objects found" in wrong.err) == (1, True)
        assert cli("lab", "run", "web1", r"netsh advfirewall export C:\p.wfw").out == "Ok.\n\n"
        assert cli("lab", "clock", "web1", "10m").out == "the clock is +600 s from that of this machine\n"
        assert json.loads(cli("lab", "show", "web1", "--output", "json").out)["result"]["uptime"] >= 600
        for never in ("soon", "32d", "0s"):
            assert "90s, 10m, 2h or 1d" in cli("lab", "clock", "web1", never).err
        assert "no lab that runs has a host db1" in cli("lab", "run", "db1", "Get-Service").err
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    assert not (cli.folder / "lab.yml").exists()
    assert "no lab runs" in cli("lab", "show", "web1").err


def test_what_a_killed_lab_left_is_in_nobodys_way(cli: Cli) -> None:
    with lab(cli, "--hosts", "1") as process:
        said = cli("lab", "up", "--inventory", "lab.yml")
        assert (said.code, "its lab runs" in said.err) == (1, True)
        process.kill()
        process.wait(20)
    assert (cli.folder / "lab.yml").exists()
    with lab(cli, "--hosts", "1"):
        assert os.listdir(cli.folder / "tmp")
    cli.write({"lab.yml": "all: {hosts: {mine: }}\n"})
    assert "exists already" in cli("lab", "up", "--inventory", "lab.yml").err
    assert "mine" in (cli.folder / "lab.yml").read_text(encoding="utf-8")


def test_ports_of_ones_own(cli: Cli, unused_ports: int) -> None:
    with lab(cli, "--hosts", "2", "--port", str(unused_ports)):
        hosts = yaml.safe_load((cli.folder / "lab.yml").read_text(encoding="utf-8"))["all"]["hosts"]
        assert [h["ansible_port"] for h in hosts.values()] == [unused_ports, unused_ports + 1]
        assert cli("ping", "-i", "lab.yml").code == 0
        again = cli("lab", "up", "--hosts", "1", "--port", str(unused_ports))
        assert (again.code, f"Is a port from {unused_ports} on in use?" in again.err) == (1, True)


def test_of_two_labs_the_one_of_the_project_is_meant(cli: Cli) -> None:
    """Two projects, each with a lab that has a web1: whoever stands in one of them does not change the other's."""
    cli.write({"one/ringfence.yml": "", "one/playbooks/site.yml": PLAY, "two/ringfence.yml": ""})
    one, two = (str(cli.folder / name) for name in ("one/lab.yml", "two/lab.yml"))
    in_one, in_two = (replace(cli, folder=cli.folder / name) for name in ("one/playbooks", "two"))
    with lab(cli, "--groups", "web=1", inventory=one), lab(cli, "--groups", "web=1,db=1", inventory=two):

        def service(there: Cli, *arguments: str) -> str:
            shown = there("lab", "show", "web1", "--output", "json", *arguments)
            return str(json.loads(shown.out)["result"]["services"]["mpssvc"])

        assert in_one("lab", "run", "web1", "Stop-Service mpssvc").code == 0
        assert [service(in_one), service(in_one, "--inventory", one), service(in_two, "--inventory", one)] == ["stopped"] * 3
        assert [service(in_two), service(in_one, "--inventory", two), service(cli)] == ["running"] * 3  # cli: the last one begun
        assert in_one("lab", "clock", "db1", "10m").code == 0  # another lab has it
        assert "has a host db1" in in_one("lab", "run", "--inventory", one, "db1", "Get-Service").err
        wrong = cli("lab", "show", "web1", "--inventory", "none.yml")
        assert (wrong.code, "no lab that runs has written none.yml" in wrong.err, one in wrong.err) == (1, True, True)


@pytest.fixture
def unused_ports() -> int:
    """The first of two ports beside each other that nobody has."""
    import socket

    while True:
        with socket.create_server(("127.0.0.1", 0)) as one:
            port = int(one.getsockname()[1])
            with contextlib.suppress(OSError, OverflowError), socket.create_server(("127.0.0.1", port + 1)):
                return port


@pytest.mark.parametrize("groups", ["web", "web=", "web=0", "web=1,web=2", "all=1", "web1=2", "web=9999", "=1"])
def test_groups_that_are_none(groups: str, cli: Cli) -> None:
    said = cli("lab", "up", "--groups", groups)
    assert (said.code, "--groups" in said.err) == (1, True)
