"""Hosts that can be read but not written: what is told, from the command line through real WinRM and SSH."""

from pathlib import Path

import pytest
from cli_lab import RULES, Cli, fleet

from ringfence.lab.ssh.sshd import SshServerSettings
from ringfence.lab.winrm.winrm_settings import WinRMSettings


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path, capsys)


@pytest.mark.parametrize("transport", ["psrp", "ssh"])
def test_a_session_that_is_not_elevated_reads_and_does_not_write(cli: Cli, transport: str) -> None:
    everybody = frozenset({"Administrator"})
    with fleet(cli, 1, transport=transport, winrm=WinRMSettings(not_elevated=everybody),
               ssh=SshServerSettings(not_elevated=everybody)) as hosts:
        assert cli("drift").code == 2
        said = cli("apply", "--yes")
        assert said.code == 6
        assert "the session is not elevated" in said.out
        assert "Log on with an administrator's full token" in said.out
        assert all(host.registry.get(RULES, "corp-rdp") is None for host in hosts.values())


@pytest.mark.parametrize("service", ["mpssvc", "BFE"])
def test_a_host_whose_firewall_does_not_run_is_not_written(cli: Cli, service: str) -> None:
    with fleet(cli, 1) as hosts:
        host = next(iter(hosts.values()))
        host.services[service] = "stopped"
        said = cli("apply", "--yes")
        assert said.code == 6
        assert f"a Windows service that is needed is stopped: {service} is stopped" in said.out
        assert "Start the services mpssvc" in said.out
        assert host.registry.get(RULES, "corp-rdp") is None


def test_a_host_that_denies_every_write_says_so(cli: Cli) -> None:
    with fleet(cli, 1) as hosts:
        next(iter(hosts.values())).faults.read_only = True
        said = cli("apply", "--yes")
        assert said.code == 6
        assert "access denied: nothing was written, for its undo could not be armed" in said.out
        cli.write({"ringfence.yml": "inventory: hosts.yml\nplaybooks: site.yml\n"})
        alone = cli("apply", "--yes", "--revert-after", "never").out
        assert "access denied: create firewall_rule corp-rdp: Access is denied" in alone


SETTINGS = "inventory: hosts.yml\nplaybooks: site.yml\n"


@pytest.mark.parametrize("settings", [f"{SETTINGS}project: {{name: p, id: 0123456789abcdef}}\n", SETTINGS])
@pytest.mark.parametrize("undo", [True, False], ids=["undo", "never"])
def test_a_32_bit_powershell_reads_and_does_not_write(cli: Cli, settings: str, undo: bool) -> None:
    """It is told in one line, by whichever call comes first, and nothing is begun: no undo, no ledger."""
    cli.write({"ringfence.yml": settings})
    with fleet(cli, 1) as hosts:
        host = next(iter(hosts.values()))
        host.surroundings.bits = 32
        assert cli("drift").code == 2
        before = host.registry.generation
        said = cli("apply", "--yes", *([] if undo else ["--revert-after", "never"]))
        assert said.code == 6
        told = "  the session is a 32-bit PowerShell on a 64-bit Windows: nothing was written\n      Use the 64-bit one: "
        assert told in said.out
        assert (host.registry.generation, host.tasks.tasks()) == (before, [])
        assert cli("ping").code == cli("doctor", "all").code == 6
