"""Every command through a JEA endpoint, by an account that may use nothing else."""

from dataclasses import replace
from pathlib import Path

import pytest
from asked_hosts import RUNS, Direct
from batches import batch_of
from cli_lab import RULES, Cli, fleet, written
from host_script import PWSH, needs_pwsh
from lab_servers import AUDITOR, OPERATOR

from ringfence.lab.winrm.winrm_settings import WinRMSettings
from ringfence.windows.undo_calls import arm_call

POLICY = """\
- hosts: all
  tasks:
    - firewall_profile: {profiles: any, enabled: true, default_inbound_action: block}
    - firewall_rule: {name: corp-rdp, protocol: tcp, local_port: 3389, interface_alias: Ethernet, group: Corp,
                      authentication: required, remote_user: [BUILTIN\\Administrators]}
    - ipsec_phase1_auth_set: {name: computers, proposal: [{machine: true, kerberos: true}]}
    - ipsec_rule: {name: isolation, inbound_security: request, outbound_security: request, phase1_auth_set: computers}
"""
EVERYBODY = frozenset({"Administrator"})
ENDPOINT = ("-e", "ringfence_endpoint=Ringfence")


def test_the_whole_road_through_an_endpoint_of_least_privilege(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli = Cli(tmp_path, capsys)
    jea = WinRMSettings(endpoints={"Ringfence": OPERATOR}, not_administrators=EVERYBODY)
    with fleet(cli, 2, transport="psrp", winrm=jea) as hosts:
        cli.write({"site.yml": POLICY})
        assert cli("plan").code == 5  # not the default endpoint
        assert cli("plan", "--detailed-exitcode", *ENDPOINT).code == 2
        applied = cli("apply", "--yes", *ENDPOINT)
        assert applied.code == 0, applied.out
        assert cli("drift", *ENDPOINT).code == 0
        shown = cli("status", *ENDPOINT)
        assert shown.code == 0
        assert shown.out.count("isolation") >= len(hosts), shown.out
        for host in hosts.values():
            host.registry.unset(RULES, "corp-rdp")
        assert cli("drift", *ENDPOINT).code == 2
        assert cli("apply", "--yes", *ENDPOINT).code == 0
        assert cli("drift", *ENDPOINT).code == 0


@pytest.mark.parametrize("pwsh", [None, pytest.param(PWSH, marks=needs_pwsh)], ids=["python", "powershell"])
def test_an_auditor_reads_and_is_told_that_it_cannot_write(tmp_path: Path, capsys: pytest.CaptureFixture[str],
                                                           pwsh: str | None) -> None:
    cli = Cli(tmp_path, capsys)
    jea = WinRMSettings(endpoints={"ringfence-audit": AUDITOR}, not_administrators=EVERYBODY)
    with fleet(cli, 1, transport="psrp", winrm=jea, pwsh=pwsh) as hosts:
        before = written(hosts)
        assert cli("drift", "-e", "ringfence_endpoint=ringfence-audit").code == 2
        said = cli("apply", "--yes", "-e", "ringfence_endpoint=ringfence-audit")
        assert said.code == 6
        assert "the endpoint only reads: ringfence-audit" in said.out
        assert "Use the operator's endpoint to change the host" in said.out
        assert written(hosts) == before


@pytest.mark.parametrize(("group", "code", "word"), [
    ("Network Configuration Operators", 0, "changed"), ("Remote Management Users", 6, "access denied")])
def test_groups_of_a_virtual_account_decide_what_it_may_do(tmp_path: Path, capsys: pytest.CaptureFixture[str], group: str,
                                                           code: int, word: str) -> None:
    """As on domain controllers, where the full account would be a domain administrator: Windows decides, not we."""
    cli = Cli(tmp_path, capsys)
    jea = WinRMSettings(endpoints={"Ringfence": replace(OPERATOR, groups=(group,))}, not_administrators=EVERYBODY)
    with fleet(cli, 1, transport="psrp", winrm=jea):
        seen = cli("ping", *ENDPOINT)
        assert seen.code == 6
        assert "is no administrator: the endpoint's RunAsVirtualAccountGroups decide what it may change" in seen.out
        assert "registers no task of SYSTEM (for the undo) and writes no ledger: `apply` writes nothing" in seen.out
        owning = cli("apply", "--yes", *ENDPOINT)  # none of them may write below HKLM\\SOFTWARE
        assert (owning.code, "nothing was written, for its undo could not be armed" in owning.out) == (6, True), owning.out
        cli.write({"ringfence.yml": "inventory: hosts.yml\nplaybooks: site.yml\n"})
        armed = cli("apply", "--yes", *ENDPOINT)  # nor register a task that runs as SYSTEM
        assert (armed.code, "its undo could not be armed" in armed.out) == (6, True), armed.out
        said = cli("apply", "--yes", "--revert-after", "never", *ENDPOINT)
        assert (said.code, word in said.out) == (code, True), said.out


def test_who_may_write_without_being_an_administrator_is_told_of_an_undo_that_waits(
        tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What would be written beside it would go with it, proven or not."""
    cli = Cli(tmp_path, capsys)
    jea = WinRMSettings(endpoints={"Ringfence": replace(OPERATOR, groups=("Network Configuration Operators",))},
                        not_administrators=EVERYBODY)
    with fleet(cli, 1, transport="psrp", winrm=jea) as hosts:
        host = next(iter(hosts.values()))
        armed = Direct(host).run(batch_of(arm_call(RUNS["B"], "", 300, 60)))
        assert armed[0]["exported"]
        cli.write({"ringfence.yml": "inventory: hosts.yml\nplaybooks: site.yml\nrevert_after: never\n"})
        before = written(hosts)
        said = cli("apply", "--yes", *ENDPOINT)
        assert (said.code, f"the undo of run {RUNS['B']} is under way here. Wait for its end" in said.out) == (4, True), said.out
        host.registry.create(r"SOFTWARE\ringfence\undo").sddl = "O:BAD:P(A;CI;KA;;;SY)(A;CI;KA;;;BA)"
        said = cli("apply", "--yes", *ENDPOINT)
        assert (said.code, "Let authenticated users read that key, or apply as an administrator" in said.out) == (4, True)
        assert written(hosts) == before
        host.clock.advance(500)  # it is undone, and another administrator's run would make the key anew
        host.registry.delete(r"SOFTWARE\ringfence\undo")
        assert cli("apply", "--yes", *ENDPOINT).code == 0
