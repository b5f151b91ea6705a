"""show over real PSRP and SSH: everything that a host has, whose it is, and only what was asked for."""

from pathlib import Path
from typing import Any

import pytest
from cli_lab import RULES, Cli, fleet
from documents import host_in, hosts_in
from host_script import PWSH, needs_pwsh

from ringfence.lab import GROUP_POLICY, MDM, RESTRICTED

STATIC, APPS = RESTRICTED + r"\Static\System", RESTRICTED + r"\AppIso\FirewallRules"


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path, capsys)


def shown(cli: Cli, *arguments: str) -> dict[str, Any]:
    """The document by host; it fits its schema, and a host that could be read has all of it."""
    said = cli("show", "--output", "json", *arguments)
    assert (said.code, said.err) == (0, "")
    return hosts_in(said.out, "show")


def prepare(hosts: dict[str, Any]) -> None:
    for host in hosts.values():
        host.registry.set(GROUP_POLICY + r"\FirewallRules", "gp", "v2.31|Action=Block|Active=TRUE|Dir=In|Protocol=2|Name=gp|")
        host.registry.set(GROUP_POLICY + r"\DomainProfile\Services\RemoteDesktop", "Enabled", 1)
        host.registry.set(MDM + r"\FirewallRules", "m", "v2.31|Action=Allow|Active=TRUE|Dir=Out|Name=m|")
        host.registry.set(APPS, "a", "v2.33|Action=Allow|Active=TRUE|Dir=Out|Name=a|PFN=Contoso.App_8wekyb3d8bbwe|")
        host.registry.set(RULES, "mine", "v2.31|Action=Allow|Active=FALSE|Dir=In|Protocol=6|LPort=81|Name=Mine|")


def test_what_the_project_made_is_told_as_its_own(cli: Cli) -> None:
    with fleet(cli, 1) as hosts:
        prepare(hosts)
        cli.write({"site.yml": "- hosts: all\n  tasks:\n    - firewall_rule: {name: own, protocol: tcp, local_port: 82}\n"})
        assert cli("apply", "--yes").code == 0
        objects = shown(cli, "--origin", "project")["web1"]["objects"]
    assert [(o["name"], o["origin"]) for o in objects] == [("own", {"name": "project", "of": "created"})]


def test_everything(cli: Cli) -> None:
    with fleet(cli, 2) as hosts:
        prepare(hosts)
        text, found = cli("show"), shown(cli)
    assert (text.code, text.err) == (0, "")
    web1, pc2 = found["web1"], found["pc2"]
    objects = {(o["store"], o["name"]): o for o in web1["objects"]}
    assert objects["group_policy", "gp"]["origin"] == {"name": "group_policy", "of": None}
    assert objects["mdm", "m"]["origin"]["name"] == "mdm"
    assert objects["local", "mine"]["values"]["enabled"] is False
    assert objects["local", "CoreNet-DHCP-In"]["origin"]["name"] == "windows"
    assert objects["local", "CoreNet-DHCP-In"]["title"] == "Dynamic Host Configuration Protocol (DHCP-In)"
    assert objects["local", "CoreNet-DHCP-In"]["values"]["display_name"].startswith("@FirewallAPI.dll,-")
    assert {o["store"] for o in web1["objects"]} == {"local", "group_policy", "mdm"}  # restrictions are counted
    counts = {(c["store"], c["origin"]): c["objects"] for c in web1["counts"] if c["kind"] == "firewall_rule"}
    assert counts["static_service", "windows"] == 4
    assert counts["app_isolation", "package"] == 1
    assert {"store": "group_policy", "key": r"DomainProfile\Services\RemoteDesktop", "name": "Enabled", "data": "1",
            "legacy": "Remote Desktop"} in web1["registry_values"]
    assert web1["networks"] == [{"interface": "Ethernet", "category": "private"}]
    assert set(web1["told_by_cmdlets"]) == {"NetFirewallDynamicKeywordAddress"}  # Server 2022 has no firewall of Hyper-V
    assert pc2["told_by_cmdlets"]["NetFirewallHyperVVMCreator"][0]["FriendlyName"] == "WSL"
    for part in ("off  mine", "Dynamic Host Configuration Protocol (DHCP-In)", "legacy: Remote Desktop",
                 "networks: Ethernet private", "firewall_rule, static_service", "FriendlyName WSL",
                 "DISABLED allow inbound tcp 81 from any"):
        assert part in text.out, part
    assert "@FirewallAPI.dll" not in text.out


@pytest.mark.parametrize(("arguments", "names"), [
    (["--name", "*(DHCP-in)"], {"CoreNet-DHCP-In"}),
    (["--name", "corenet-dhcp-*"], {"CoreNet-DHCP-In", "CoreNet-DHCP-Out"}),
    (["--origin", "mdm", "--origin", "group_policy"], {"m", "gp", "domain"}),  # a key below it makes the profile
    (["--kind", "firewall_profile"], {"domain", "private", "public"}),
    (["--store", "mdm", "--store", "app_isolation"], {"m", "a"}),
    (["--origin", "other", "--name", "m*"], {"mine"}),
    (["--name", "none"], set()),
])
def test_only_what_was_asked_for(arguments: list[str], names: set[str], cli: Cli) -> None:
    with fleet(cli, 1) as hosts:
        prepare(hosts)
        found = shown(cli, *arguments)["web1"]
    assert {o["name"] for o in found["objects"]} == names
    assert (found["registry_values"], found["networks"], found["told_by_cmdlets"]) == ([], [], {})


@pytest.mark.parametrize(("arguments", "told"), [
    (["--name", "nothing*"], ["warning: nothing on this host has a name or display name like nothing*"]),
    (["--name", "mine", "--name", "min"],
     ["warning: nothing on this host has a name or display name like min", "did you mean mine?"]),
    (["--kind", "firewall_rule", "--store", "mdm", "--name", "mine"],
     ["warning: nothing among what was asked for (firewall_rule, mdm) has a name or display name like mine"]),
    (["--origin", "vendor"], ["note: nothing is there of what was asked for (vendor)"]),
    (["--name", "mine", "--name", "*(DHCP-in)"], []),
])
def test_what_matches_nothing_is_told(arguments: list[str], told: list[str], cli: Cli) -> None:
    with fleet(cli, 1) as hosts:
        prepare(hosts)
        said, found = cli("show", *arguments), shown(cli, *arguments)["web1"]
    assert said.code == 0
    assert all(line in said.out for line in told), said.out
    assert len(found["diagnostics"]) == said.out.count("nothing ") == bool(told)


@pytest.mark.parametrize(("arguments", "why"), [
    (["--origin", "window"], "there is no origin window\n    did you mean windows?"),
    (["--kind", "firewall_rul"], "did you mean firewall_rule?"),
    (["--store", "locl"], "did you mean local?")])
def test_what_there_is_not(arguments: list[str], why: str, cli: Cli) -> None:
    cli.write({"ringfence.yml": "inventory: hosts.yml\n", "hosts.yml": "all: {hosts: {web1: }}\n"})
    said = cli("show", *arguments)
    assert (said.code, said.out) == (1, "")
    assert why in said.err


def test_a_host_that_is_away(cli: Cli) -> None:
    cli.write({"ringfence.yml": "inventory: hosts.yml\n", "hosts.yml": "all: {hosts: {web1: {ansible_host: 127.0.0.1, "
               "ansible_port: 1, ansible_user: u, ansible_connection: ssh}}}\n"})
    said = cli("show", "--output", "json")
    assert (said.code, host_in(said.out, "show")["status"]) == (5, "unreachable")
    assert "connection refused" in cli("show").out


@needs_pwsh
def test_with_a_real_powershell(cli: Cli) -> None:
    told = []
    for pwsh in (PWSH, None):
        with fleet(cli, 2, pwsh=pwsh) as hosts:
            prepare(hosts)
            told.append({name: {k: v for k, v in host.items() if k != "seconds"} for name, host in shown(cli).items()})
    assert told[0] == told[1]
