"""Every command through a JEA endpoint, by an account that may use nothing else."""

from pathlib import Path

import pytest
from cli_lab import RULES, Cli, fleet
from lab_servers import OPERATOR

from ringfence.lab.winrm.winrm_settings import WinRMSettings

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
