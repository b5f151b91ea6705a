"""NOT IN FORCE as people and programs read it, of every command, through real WinRM and SSH."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_lab import RULES, Cli, Output, fleet
from documents import hosts_in, names
from host_script import PWSH, needs_pwsh

from ringfence.lab import GROUP_POLICY, MDM, Machine
from ringfence.lab.netsecurity.cmdlet_errors import CmdletError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("not-in-force")


@pytest.fixture
def hosts(folder: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[tuple[Cli, dict[str, Machine]]]:
    """web1, whose firewall Group Policy has off in its profile, and pc2, where nothing stands in the way; both as declared."""
    cli = Cli(folder, capsys)
    with fleet(cli, 2) as both:
        assert cli("apply", "--yes").code == 0
        profile = (both["web1"].interfaces[0].profile or "public").capitalize()
        both["web1"].registry.set(rf"{GROUP_POLICY}\{profile}Profile", "EnableFirewall", 0)
        yield cli, both


def page(said: Output, host: str) -> dict[str, Any]:
    return hosts_in(said.out)[host]


@pytest.mark.parametrize("command", [("plan",), ("drift",), ("apply", "--yes"), ("apply", "--check")], ids=" ".join)
def test_there_is_nothing_to_change_and_it_is_not_in_force(command: tuple[str, ...],
                                                          hosts: tuple[Cli, dict[str, Machine]]) -> None:
    cli, _ = hosts
    said = cli(*command)
    assert said.code == 2
    profile = (hosts[1]["web1"].interfaces[0].profile or "public")
    assert f"web1  not in force\n  NOT IN FORCE in {profile}: firewall_rule corp-rdp (site.yml:4)\n" in said.out
    assert (f"  NOT IN FORCE in {profile}: firewall_profile {profile} (site.yml:3)\n    Group Policy has enabled: false, which "
            "holds\n    → change it there, or declare what it has\n") in said.out
    sums = {"plan": "plan: nothing to do on 2 of 2 hosts; 1 not in force; ",
            "drift": "0 of 2 hosts drifted; all were reached; 1 not in force; 0 differences; ",
            "apply --yes": "2 hosts: 1 in sync, 1 not in force; 0 changes; "}
    assert sums.get(" ".join(command), sums["plan"]) in said.out
    document = cli(*command, "--output", "json")
    assert document.code == 2
    assert page(document, "pc2")["obstacles"] == []
    web1 = page(document, "web1")
    assert (web1["status"], web1["changes"], web1["error"]) == ("not_in_force", [], None)
    assert {o["obstacle"] for o in web1["obstacles"]} == {"overridden", "firewall_off"}
    [overridden] = [o for o in web1["obstacles"] if o["obstacle"] == "overridden"]
    assert (overridden["level"], overridden["profiles"]) == ("not_in_force", [profile])
    assert overridden["objects"] == [
        {"store": "local", "kind": "firewall_profile", "name": profile, "file": "site.yml", "line": 3}]


def test_what_is_changed_and_proven_is_not_in_force(hosts: tuple[Cli, dict[str, Machine]]) -> None:
    cli, both = hosts
    both["web1"].registry.unset(RULES, "corp-rdp")
    both["pc2"].registry.unset(RULES, "corp-rdp")
    planned = cli("plan")
    assert planned.code == 0  # there is something to do: whether it comes into force the proof says
    assert "NOT IN FORCE" in planned.out
    said = cli("apply", "--yes", "--output", "json")
    assert said.code == 2
    assert (page(said, "pc2")["status"], page(said, "web1")["status"]) == ("changed", "not_in_force")
    assert names([c for c in page(said, "web1")["changes"] if c["made"] and c["proven"]]) == ["corp-rdp"]
    named = {o["name"] for one in page(said, "web1")["obstacles"] if one["level"] == "not_in_force" for o in one["objects"]}
    assert "corp-rdp" in named


def test_status_shows_what_of_a_hosts_own_policy_is_not_in_force(hosts: tuple[Cli, dict[str, Machine]]) -> None:
    cli, both = hosts
    said = cli("status", "web1")
    assert said.code == 0
    assert "NOT IN FORCE" in said.out
    assert "the firewall is off there (Group Policy)" in said.out
    both["web1"].services["mpssvc"] = "stopped"
    shown = hosts_in(cli("status", "web1", "--output", "json").out, "status")["web1"]["obstacles"]
    assert {o["obstacle"] for o in shown if o["level"] == "not_in_force"} >= {"service_stopped", "firewall_off"}


def no_enforcement(number: int, verb: str) -> None:
    if verb == "Enforcement.Read":
        raise CmdletError("InvalidArgument", "HRESULT 0x80070057", "the query failed")


@pytest.mark.parametrize(("way", "why"), [
    ("one rule", "the rule is corrupt"), ("the verb", "the query failed"),
    pytest.param("one rule in a real PowerShell", "the rule is corrupt", marks=needs_pwsh)])
def test_what_a_host_could_not_say_at_the_proof_is_not_known(
        tmp_path: Path, capsys: pytest.CaptureFixture[str], way: str, why: str) -> None:
    """What was written is there, and that is proven; whether it is in force nobody knows, and it is no reason to undo it."""
    cli = Cli(tmp_path, capsys)
    with fleet(cli, 1, pwsh=PWSH if "PowerShell" in way else None) as hosts:
        faults = hosts["web1"].faults
        if way == "the verb":
            faults.before_call = no_enforcement
        else:
            faults.unreadable_rules = {"corp-rdp": "the rule is corrupt"}
        said = cli("apply", "--yes", "--output", "json")
        assert (said.code, page(said, "web1")["status"]) == (0, "changed")
        told = [(o["level"], o["obstacle"], [one["name"] for one in o["objects"]]) for o in page(said, "web1")["obstacles"]]
        assert told == [("unknown", "not_told", ["corp-rdp"])]
        assert "corp-rdp" in names([c for c in page(said, "web1")["changes"] if c["made"] and c["proven"]])
        hosts["web1"].registry.unset(RULES, "corp-rdp")
        shown = cli("apply", "--yes").out
        assert ("  in force? not known: firewall_rule corp-rdp (site.yml:4)\n    the host could not say whether it is in force: "
                f"{why}\n") in shown
        # before anything is written Windows is asked where the stores do not say it: of MDM and the host, say
        assert "in force?" not in cli("drift").out
        profile = (hosts["web1"].interfaces[0].profile or "public").capitalize()
        hosts["web1"].registry.set(rf"{MDM}\{profile}Profile", "AllowLocalPolicyMerge", 0)
        for command in ("plan", "drift"):
            asked = cli(command)
            assert (asked.code, f"the host could not say whether it is in force: {why}" in asked.out) == (0, True), asked.out
