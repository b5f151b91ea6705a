"""ringfence evaluate: a question about a connection, asked of hosts behind real servers."""

import json
from pathlib import Path
from typing import Any

import pytest
from cli_lab import PLAYBOOK, Cli, fleet

RDP = ("--direction", "inbound", "--protocol", "tcp", "--local-port", "3389", "--program", r"%SystemRoot%\System32\svchost.exe",
       "--service", "TermService")


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path, capsys)


def answers(text: str) -> dict[str, Any]:
    return {host["host"]: host for host in json.loads(text)["result"]["hosts"]}


@pytest.mark.parametrize("transport", ["psrp", "ssh"])
def test_of_what_is_and_of_what_will_be(cli: Cli, transport: str) -> None:
    with fleet(cli, 2, transport=transport):
        cli.write({"site.yml": PLAYBOOK})
        listed, other = (*RDP, "--remote-address", "10.0.0.3"), (*RDP, "--remote-address", "10.0.0.2")
        now = answers(cli("evaluate", "all", *listed, "--output", "json").out)
        assert {host["verdict"] for host in now.values()} == {"block"}
        assert {host["reason"] for host in now.values()} == {"default_action"}
        planned = answers(cli("evaluate", "all", *listed, "--of", "planned", "--output", "json").out)
        assert {(h["verdict"], h["by"][0]["name"], h["by"][0]["file"], h["by"][0]["line"]) for h in planned.values()} == {
            ("allow", "corp-rdp", "site.yml", 4)}
        assert cli("evaluate", "web1", *other, "--of", "planned", "--expect", "block").code == 0
        said = cli("evaluate", "web1", *listed, "--of", "planned", "--expect", "block")
        assert said.code == 7
        assert "web1: allow  inbound tcp to port 3389" not in said.out
        assert "web1: allow  inbound tcp from 10.0.0.3 to port 3389 by %SystemRoot%" in said.out
        assert "firewall_rule corp-rdp: allow inbound tcp 3389 from 10.0.0.1, 10.0.0.3, any profile  site.yml:4" in said.out


def test_of_what_is_declared_no_host_is_asked(cli: Cli) -> None:
    cli.write({"site.yml": PLAYBOOK, "hosts.yml": "all: {hosts: {web1: {ansible_host: 192.0.2.1}}}\n",
               "ringfence.yml": "inventory: hosts.yml\nplaybooks: site.yml\n"})
    said = cli("evaluate", "web1", *RDP, "--remote-address", "10.0.0.1", "--of", "declared")
    assert (said.code, "web1: allow" in said.out) == (0, True)


def test_what_is_not_said_is_not_known(cli: Cli) -> None:
    with fleet(cli, 1):
        said = cli("evaluate", "web1", *RDP[:6], "--remote-address", "10.0.0.1")
        assert "web1: unknown" in said.out
        assert "block, unless one of these matches:" in said.out
        assert "not known: whether its service is" in said.out


def test_every_mistake_at_once(cli: Cli) -> None:
    cli.write({"ringfence.yml": "inventory: hosts.yml\nplaybooks: site.yml\n", "hosts.yml": "all: {hosts: {web1: }}\n"})
    said = cli("evaluate", "web1", "--direction", "sideways", "--local-port", "0", "--icmp-type", "300")
    assert said.code == 1
    for word in ("protocol has to be said", "direction: 'sideways'", "local_port: '0' is not one port", "icmp_type"):
        assert word in said.err
    wrong = cli("evaluate", "web1", *RDP, "--of", "wish", "--remote-address", "10.0.0.0/8")
    assert (wrong.code, "there is no wish" in wrong.err) == (1, True)
    assert "is not one IP address" in cli("evaluate", "web1", *RDP, "--remote-address", "10.0.0.0/8").err


def test_what_is_otherwise_than_expected_is_told(cli: Cli) -> None:
    """In the line of the host, and of several hosts in a sum."""
    with fleet(cli, 3) as hosts:
        cli.write({"site.yml": PLAYBOOK.replace("hosts: all", "hosts: web1", 1)})
        assert cli("apply", "--yes").code == 0
        asked = ("evaluate", "all", *RDP, "--remote-address", "10.0.0.3")
        said = cli(*asked, "--expect", "block")
        heads = {line.partition(":")[0]: line for line in said.out.splitlines() if ": allow  " in line or ": block  " in line}
        assert {host: "expected: block" in line for host, line in heads.items()} == {"web1": True, "pc2": False, "web3": False}
        assert heads["web1"].endswith("  expected: block")
        assert said.out.endswith("\n3 hosts: 1 allow, 2 block; block is expected, and not so on web1\n")
        assert said.code == 7
        assert cli(*asked).out.endswith("\n3 hosts: 1 allow, 2 block\n")
        one = cli("evaluate", "web1", *RDP, "--remote-address", "10.0.0.3", "--expect", "allow")
        assert (one.code, "expected" in one.out, "1 host" in one.out) == (0, False, False)
        others = cli("evaluate", "pc2,web3", *RDP, "--remote-address", "10.0.0.3", "--expect", "block")
        assert (others.code, others.out.endswith("\n2 hosts: 2 block; block is expected, and so it is\n")) == (0, True)
        hosts["pc2"].faults.unplugged = True
        said = cli(*asked, "--expect", "block")
        assert said.out.endswith("\n3 hosts: 1 allow, 1 block, 1 without an answer; block is expected, and not so on web1\n")
        assert {line[:4] for line in said.out.splitlines() if "expected: block" in line} == {"web1"}
