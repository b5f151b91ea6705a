"""A host that is written and then not reached is the worst that can happen, and is told so, with a way back in."""

from pathlib import Path

import pytest
from cli_lab import RULES, Cli, fleet
from documents import host_in

BLOCKED = """\
- hosts: all
  tasks:
    - firewall_rule: {name: corp-rdp, protocol: tcp, local_port: 3389, remote_address: 10.0.0.1}
    - firewall_rule: {name: oops, action: block, protocol: tcp, local_port: any, remote_address: any}
"""


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path, capsys)


@pytest.mark.parametrize("transport", ["psrp", "ssh"])
def test_a_rule_that_locks_the_controller_out(transport: str, cli: Cli) -> None:
    with fleet(cli, 1, transport=transport) as hosts:
        cli.write({"site.yml": BLOCKED})
        refused = cli("apply", "--yes")
        assert refused.code == 4
        assert "is cut off: a rule blocks it; firewall_rule oops" in cli("apply", "--yes", "--full").out
        assert hosts["web1"].registry.get(RULES, "corp-rdp") is None
        undone = cli("apply", "--yes", "--force", "lockout")
        assert (undone.code, "[1/1] web1  restored  2 of 2 changes made" in undone.err) == (6, True), undone.err
        assert "the change was undone: the changes were written, and then the host was not reached" in undone.out
        assert hosts["web1"].registry.get(RULES, "oops") is hosts["web1"].registry.get(RULES, "corp-rdp") is None
        assert "restored" in cli("runs", "show", "last").out
        assert "this host has undone run" in cli("plan").out
        said = cli("apply", "--yes", "--force", "lockout", "--revert-after", "never")
        assert said.code == 6
        assert "web1  lost, 2 of 2 changes written" in said.out
        assert "the changes were written, and then the host was not reached over a new connection: " in said.out
        assert "at its console" in said.out
        told = [line.strip() for line in said.out.splitlines() if "Remove-NetFirewallRule" in line]
        assert told == ["Remove-NetFirewallRule -Name oops", "Remove-NetFirewallRule -Name corp-rdp"]
        assert "[1/1] web1  lost  2 of 2 changes made" in said.err
        assert hosts["web1"].registry.get(RULES, "oops") is not None
        again = cli("plan", "--output", "json")
        assert (again.code, host_in(again.out)["status"]) == (5, "unreachable")  # nothing was written this time
        shown = cli("runs", "show", "last").out
        assert "Remove-NetFirewallRule -Name oops" in shown
        assert "lost" in shown


def test_it_is_in_the_document(cli: Cli) -> None:
    with fleet(cli, 1):
        cli.write({"site.yml": BLOCKED})
        said = cli("apply", "--yes", "--force", "lockout", "--revert-after", "never", "--output", "json")
        host = host_in(said.out)
    assert (said.code, host["status"], host["error"]["kind"], host["error"]["exit_code"]) == (6, "lost", "lost", 6)
    assert host["way_back"] == ["Remove-NetFirewallRule -Name oops", "Remove-NetFirewallRule -Name corp-rdp"]
    assert [(c["made"], c["proven"]) for c in host["changes"]] == [(True, False)] * 2
