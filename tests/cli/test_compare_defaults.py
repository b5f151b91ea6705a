"""compare-defaults over real PSRP and SSH, on hosts of which somebody changed what Windows ships."""

import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from cli_lab import RULES, Cli, fleet
from documents import hosts_in
from host_script import PWSH, needs_pwsh
from registry_files import POLICY as SHIPPED_POLICY
from registry_files import SHIPPED, hive

from ringfence.lab import POLICY, Machine
from ringfence.lab.registry.hive import SYSTEM_DEFAULTS

MISSING, CHANGED = "CoreNet-IGMP-In", "RemoteDesktop-UserMode-In-TCP"
ADDED = {
    "corp-web": "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=8443|Name=Web|",
    "agent": r"v2.31|Action=Allow|Active=TRUE|Dir=In|Name=@%ProgramFiles%\Contoso\agent.dll,-7|",
    "mine": "v2.31|Action=Allow|Active=TRUE|Dir=In|Name=x|LUOwn=S-1-5-21-1-2-3-1001|",
}


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path, capsys)


def tamper(host: Machine) -> None:
    text = str(host.registry.get(RULES, CHANGED))
    host.registry.set(RULES, CHANGED, text.replace("Active=FALSE", "Active=TRUE"))
    host.registry.unset(RULES, MISSING)
    host.registry.set(POLICY + r"\PublicProfile", "EnableFirewall", 0)
    for name, rule in ADDED.items():
        host.registry.set(RULES, name, rule)


def compared(cli: Cli, *arguments: str) -> tuple[int, dict[str, Any]]:
    """The exit code, and the document by host; it fits its schema."""
    said = cli("compare-defaults", "--output", "json", *arguments)
    return said.code, hosts_in(said.out)


def test_what_was_changed_is_told(cli: Cli) -> None:
    with fleet(cli, 3) as hosts:
        tamper(hosts["web1"])
        tamper(hosts["pc2"])
        said = cli("compare-defaults", "web1")
        code, found = compared(cli)
    assert said.code == code == 2
    assert said.err == ""
    for host in ("web1", "pc2"):  # one over PSRP, one over SSH
        changes = {c["id"]["name"]: c for c in found[host]["changes"]}
        assert (changes[CHANGED]["action"], changes[CHANGED]["origin"]["name"]) == ("update", "windows_changed")
        before, after = ({k: v for k, v in changes[CHANGED][side].items() if k == "enabled"} for side in ("before", "after"))
        assert (before, after) == ({"enabled": False}, {})  # true is the default
        assert (changes[MISSING]["action"], changes[MISSING]["origin"]["name"]) == ("remove", "windows")
        assert changes["public"]["id"]["kind"] == "firewall_profile"
        assert {n: changes[n]["origin"]["name"] for n in ADDED} == {"corp-web": "other", "agent": "vendor", "mine": "user"}
        assert found[host]["shipped"] > 290
    assert [c["action"] for c in found["web3"]["changes"]] == ["create"] * len(found["web3"]["changes"])
    assert "3 changed" not in said.out
    assert "@FirewallAPI.dll" not in said.out
    for line in ("service termservice  \"Remote Desktop - User Mode (TCP-In)\"", "group        Core Networking",
                 "2 changed, 1 missing, ", f"~ firewall_rule {CHANGED}", "enabled  false → true", f"- firewall_rule {MISSING}",
                 "an app package", "a vendor's program (1):", r"of %ProgramFiles%\Contoso\agent.dll", "of S-1-5-21-1-2-3-1001"):
        assert line in said.out, said.out


def test_packages_are_one_line_each(cli: Cli) -> None:
    with fleet(cli, 2):
        said = cli("compare-defaults", "pc2", "--no-diff")
    packages = [line for line in said.out.splitlines() if "_" in line and line.endswith((" rule", " rules"))]
    assert len(packages) > 3
    assert len({line.split()[0] for line in packages}) == len(packages)
    assert "ms-resource" not in said.out


def test_of_what_the_project_owns_it_is_told_how_it_came_to_it(cli: Cli) -> None:
    with fleet(cli, 1):
        assert cli("apply", "--yes").code == 0
        said = cli("compare-defaults", "--no-diff").out
    assert "  this project (1):\n" in said
    assert re.search(r"^ *\+ firewall_rule corp-rdp .*  created$", said, re.M)
    assert "of created" not in said


def test_any_host_of_the_inventory_without_a_playbook(cli: Cli) -> None:
    with fleet(cli, 2):
        cli.write({"ringfence.yml": "inventory: hosts.yml\n", "site.yml": "- hosts: nobody\n  tasks: [{nonsense: {}}]\n"})
        assert cli("compare-defaults", "web*", "--list-hosts").out == "  hosts (1):\n    web1\n"
        assert cli("compare-defaults", "web1").code == 2
        assert cli("compare-defaults", "nobody").code == 1


def test_nothing_was_changed(cli: Cli) -> None:
    with fleet(cli, 1, transport="psrp") as hosts:
        host = hosts["web1"]
        shipped = {value.name for value in host.registry.key(SYSTEM_DEFAULTS + r"\FirewallRules").values.values()}  # type: ignore[union-attr]
        for value in [*host.registry.key(RULES).values.values()]:  # type: ignore[union-attr]
            if value.name not in {*shipped, "WINRM-HTTP-In-TCP"}:
                host.registry.unset(RULES, value.name)
        said = cli("compare-defaults")
        code, found = compared(cli)
    assert (said.code, code, found["web1"]["changes"]) == (0, 0, [])
    assert "web1: as Windows ships it (" in said.out


def test_a_host_whose_table_was_deleted_cannot_be_compared(cli: Cli) -> None:
    with fleet(cli, 1) as hosts:
        hosts["web1"].registry.delete(SYSTEM_DEFAULTS)
        said = cli("compare-defaults")
        code, found = compared(cli)
    assert said.code == code == 6
    assert "the host keeps no table of what Windows ships" in said.out
    assert found["web1"]["error"]["kind"] == "no_defaults"
    assert not any(c["origin"]["name"].startswith("windows") for c in found["web1"]["changes"])


CORPUS = Path(os.environ.get("RINGFENCE_CORPUS", "no-corpus"))


@pytest.mark.parametrize("path", sorted(CORPUS.glob("hives/*.xz")), ids=lambda p: p.name)
def test_a_real_machine(path: Path, cli: Cli) -> None:
    """The two keys of a whole SYSTEM hive on a simulated host: nothing of Windows was changed there, and others added things."""
    with fleet(cli, 2) as hosts:
        for host in hosts.values():
            way_in = [(name, host.registry.get(RULES, name)) for name in ("WINRM-HTTP-In-TCP", "OpenSSH-Server-In-TCP")]
            for root, policy in ((POLICY, SHIPPED_POLICY), (SYSTEM_DEFAULTS, SHIPPED)):
                host.registry.delete(root)
                for key, values in hive(path, policy):
                    for name, kind, data in values:
                        if kind in ("String", "ExpandString", "DWord"):
                            host.registry.set(f"{root}\\{key}".rstrip("\\"), name, data, kind)
            for _, rule in way_in:
                host.registry.set(RULES, "lab's own", rule)
            host.registry.set(RULES, "lab's other", way_in[0][1])
        code, found = compared(cli)
    assert code == 2
    for host in found.values():
        origins = Counter(c["origin"]["name"] for c in host["changes"])
        assert host["shipped"] > 345
        assert {c["action"] for c in host["changes"]} == {"create"}, host["changes"]
        assert origins["windows_changed"] == origins["vendor"] == 0
        assert origins["windows_feature"] > 5
        assert origins["package"] > 10


@needs_pwsh
def test_with_a_real_powershell(cli: Cli) -> None:
    with fleet(cli, 2, pwsh=PWSH) as hosts:
        for host in hosts.values():
            tamper(host)
        real = compared(cli)
    with fleet(cli, 2) as hosts:
        for host in hosts.values():
            tamper(host)
        simulated = compared(cli)
        people = cli("compare-defaults").out
    assert people.count("service termservice  \"Remote Desktop - User Mode (TCP-In)\"\n") == 2  # over PSRP and over SSH
    assert real[0] == simulated[0] == 2
    for name in ("web1", "pc2"):
        assert real[1][name]["changes"] == simulated[1][name]["changes"]
        assert real[1][name]["connections"] == 1


def test_what_could_not_be_read_is_neither_missing_nor_as_it_ships(cli: Cli) -> None:
    with fleet(cli, 2) as hosts:
        for host in hosts.values():
            host.registry.set(POLICY + r"\PublicProfile", "EnableFirewall", 0)
            host.faults.denied_keys = (RULES,)
        said = cli("compare-defaults", "--no-diff")
        code, found = compared(cli)
    assert said.code == code == 1
    for name in hosts:
        assert [c["id"]["kind"] for c in found[name]["changes"]] == ["firewall_profile"]
        assert found[name]["status"] == "invalid"
        assert any(d["summary"].startswith("nothing can be said of firewall_rule") for d in found[name]["diagnostics"])
    assert "missing" not in said.out
