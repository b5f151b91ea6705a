"""drift --who: who changed what, told by the event logs of simulated hosts over real connections."""

import base64
import gzip
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cli_lab import RULES, SETTINGS, Cli, fleet
from host_script import PWSH, needs_pwsh
from lab_servers import AUDITOR, OPERATOR

from ringfence.lab import POLICY, Machine, Session, SimulatedHost, machine
from ringfence.lab.netsecurity.change_events import logged
from ringfence.lab.netsecurity.dispatch import call
from ringfence.lab.simulated_fleet import SimulatedFleet
from ringfence.lab.winrm.winrm_settings import WinRMSettings

MMC, NETSH = (rf"C:\Windows\System32\{name}.exe" for name in ("mmc", "netsh"))
ANNA = "S-1-5-21-7-7-7-1104"
EVERYBODY = frozenset({"Administrator"})


def by_anna(on: Machine, cmdlet: str, program: str = MMC, **parameters: Any) -> None:
    """A colleague's deed on a host."""
    with on.lock, logged(on, ANNA, program):
        call(on, cmdlet, parameters)


@contextmanager
def converged(cli: Cli, number: int = 1, **options: Any) -> Iterator[dict[str, Machine]]:
    """Hosts as declared, on which CORP\\anna is known."""
    with fleet(cli, number, **options) as hosts:
        for host in hosts.values():
            host.account_names.add("CORP\\anna", ANNA)
        assert cli("apply", "--yes").code == 0
        yield hosts


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path, capsys)


def changed_by(cli: Cli, *arguments: str) -> dict[str, Any]:
    """What drift --who says of each object of the first host, in JSON."""
    said = cli("drift", "--who", "--output", "json", *arguments)
    assert said.code == 2, said.out + said.err
    return {one["name"]: one for one in json.loads(said.out)["result"]["hosts"][0]["changed_by"]}


def test_a_colleague_is_named_with_time_program_and_event(cli: Cli) -> None:
    with converged(cli, transport="psrp") as hosts:
        (web1,) = hosts.values()
        by_anna(web1, "Set-NetFirewallRule", Name=["corp-rdp"], LocalPort=["3390"])
        by_anna(web1, "Set-NetFirewallRule", Name=["corp-rdp"], Enabled="False")
        by_anna(web1, "Set-NetFirewallProfile", NETSH, Name=["Public"], Enabled="False")
        said = cli("drift", "--who")
        assert said.code == 2
        lines = [line.strip() for line in said.out.splitlines() if "by CORP" in line]
        assert len(lines) == 2, said.out
        rule, profile = sorted(lines, key=lambda line: "netsh" in line)
        # the rule was made by the apply before
        assert rule.partition("changed ")[2][19:] == f"Z by CORP\\anna with {MMC} (event 2005) and 2 earlier"
        assert profile.partition("changed ")[2][19:] == f"Z by CORP\\anna with {NETSH} (event 2003)"
        told = changed_by(cli)
        assert set(told) == {"corp-rdp", "public"}
        event = told["corp-rdp"]["event"]
        assert {name: event[name] for name in ("id", "deed", "user", "account", "program", "like_ringfence")} == {
            "id": 2005, "deed": "changed", "user": ANNA, "account": "CORP\\anna", "program": MMC, "like_ringfence": False}
        assert told["corp-rdp"]["unknown"] is None
        assert told["corp-rdp"]["last_run"]


def test_what_somebody_removed(cli: Cli) -> None:
    with converged(cli, transport="ssh") as hosts:
        (web1,) = hosts.values()
        by_anna(web1, "Remove-NetFirewallRule", Name=["corp-rdp"])
        said = cli("drift", "--who")
        assert f"by CORP\\anna with {MMC} (event 2006)" in said.out
        assert "who  removed " in said.out


def test_nobody_is_asked_where_nothing_differs_or_nobody_wants_to_know(cli: Cli) -> None:
    with converged(cli, transport="psrp") as hosts:
        (web1,) = hosts.values()
        before = web1.counters.batches
        assert cli("drift", "--who").code == 0
        in_sync = web1.counters.batches - before
        web1.registry.unset(RULES, "corp-rdp")
        before = web1.counters.batches
        assert cli("drift").code == 2
        without = web1.counters.batches - before
        before = web1.counters.batches
        said = json.loads(cli("drift", "--who", "--output", "json").out)["result"]["hosts"][0]
        assert (in_sync, web1.counters.batches - before) == (1, without + 1)
        assert [one["name"] for one in said["changed_by"]] == ["corp-rdp"]
        assert "changed_by" not in json.loads(cli("drift", "--output", "json").out)["result"]["hosts"][0]


def test_the_registry_itself_leaves_no_event_and_ringfence_is_no_colleague(cli: Cli) -> None:
    """The newest event is what ringfence wrote itself: it is told as that, with what is not known."""
    with converged(cli, transport="psrp") as hosts:
        (web1,) = hosts.values()
        text = str(web1.registry.get(RULES, "corp-rdp"))
        web1.registry.set(RULES, "corp-rdp", text.replace("3389", "3390"))
        one = changed_by(cli)["corp-rdp"]
        assert one["event"]["like_ringfence"] is True
        assert f"ringfence writes with this account and program, and its run {one['last_run']} began " in one["unknown"]
        assert "the log does not tell of the change since" in one["unknown"]
        shown = cli("drift", "--who").out
        assert "the log does not tell of the change since" in shown
        web1.registry.unset(RULES, "corp-rdp")
        assert changed_by(cli)["corp-rdp"]["unknown"] == "the log does not tell who removed it since"


@pytest.mark.parametrize(("state", "says"), [
    ("off", "the event log is switched off; the event log is empty"), ("cleared", "the event log is empty"),
    ("wrapped", " only, and has nothing of it; ringfence last wrote it before that, in its run ")])
def test_a_log_that_is_off_was_cleared_or_does_not_reach_back(cli: Cli, state: str, says: str) -> None:
    with converged(cli, transport="psrp") as hosts:
        (web1,) = hosts.values()
        log = web1.event_logs.firewall
        log.enabled = state != "off"
        log.clear()
        web1.registry.unset(RULES, "corp-rdp")
        if state == "wrapped":
            log.most, web1.clock.offset = 2, 600
            for name in "abc":
                by_anna(web1, "New-NetFirewallRule", Name=name, DisplayName=name)
            web1.clock.offset = 0
        (one,) = changed_by(cli).values()
        assert (one["event"], says in one["unknown"]) == (None, True), one
        said = cli("drift", "--who")
        assert "who  not known: the event log" in said.out


PROFILE = "- hosts: all\n  tasks:\n    - firewall_profile: {profiles: [public], enabled: true}\n"


@needs_pwsh
@pytest.mark.parametrize("transport", ["psrp", "ssh"])
def test_a_real_powershell_reads_the_logs(cli: Cli, transport: str) -> None:
    with fleet(cli, 1, transport=transport, pwsh=PWSH) as hosts:
        cli.write({"site.yml": PROFILE})
        by_anna(hosts["web1"], "Set-NetFirewallProfile", NETSH, Name=["Public"], Enabled="False")
        (one,) = changed_by(cli).values()
        event = one["event"]
        assert (event["id"], event["user"], event["program"], one["unknown"]) == (2003, ANNA, NETSH, None)


@pytest.mark.parametrize(("groups", "reads", "pwsh"), [
    ((), True, None), (("Event Log Readers",), True, None), (("Remote Management Users",), False, None),
    pytest.param((), True, PWSH, marks=needs_pwsh), pytest.param(("Remote Management Users",), False, PWSH, marks=needs_pwsh)])
def test_an_auditors_endpoint_may_ask_where_its_account_may_read(cli: Cli, groups: tuple[str, ...], reads: bool,
                                                                 pwsh: str | None) -> None:
    jea = WinRMSettings(endpoints={"audit": replace(AUDITOR, groups=groups)}, not_administrators=EVERYBODY)
    with fleet(cli, 1, transport="psrp", winrm=jea, pwsh=pwsh) as hosts:
        cli.write({"site.yml": PROFILE})
        by_anna(hosts["web1"], "Set-NetFirewallProfile", NETSH, Name=["Public"], Enabled="False")
        (one,) = changed_by(cli, "-e", "ringfence_endpoint=audit").values()
        if reads:
            assert (one["event"]["user"], one["event"]["account"], one["unknown"]) == (ANNA, None, None)
        else:
            assert one["event"] is None
            assert one["unknown"].startswith("the event log could not be read: ")
            assert "unauthorized" in one["unknown"]
            assert "Event Log Readers" in one["unknown"]


def test_an_older_endpoint_is_to_be_exported_anew(cli: Cli) -> None:
    old = replace(AUDITOR, without=frozenset({"Events.Read"}))
    jea = WinRMSettings(endpoints={"operate": OPERATOR, "audit": old}, not_administrators=EVERYBODY)
    with fleet(cli, 1, transport="psrp", winrm=jea) as hosts:
        (web1,) = hosts.values()
        assert cli("apply", "--yes", "-e", "ringfence_endpoint=operate").code == 0
        web1.registry.unset(RULES, "corp-rdp")
        said = cli("drift", "--who", "-e", "ringfence_endpoint=audit")
        assert (said.code, "export it anew (`ringfence jea export`)" in said.out) == (2, True), said.out


def test_a_reason_that_is_the_same_for_all_objects_is_told_once(cli: Cli) -> None:
    with converged(cli, transport="psrp") as hosts:
        (web1,) = hosts.values()
        web1.event_logs.firewall.clear()
        web1.registry.unset(RULES, "corp-rdp")
        web1.registry.set(POLICY + r"\PublicProfile", "EnableFirewall", 0)
        said = cli("drift", "--who")
        assert said.out.count("the event log is empty") == 1
        assert "who changed these is not known: the event log is empty" in said.out


def test_hosts_on_which_somebody_did_the_same_are_told_together(cli: Cli) -> None:
    """What differs, the moment, is a line a host."""
    with converged(cli, 3) as hosts:
        for host in hosts.values():
            by_anna(host, "Remove-NetFirewallRule", Name=["corp-rdp"])
        said = cli("drift", "--who")
        assert said.out.count("MISSING") == 1, said.out
        lines = [line for line in said.out.splitlines() if "by CORP\\anna" in line]
        assert 1 <= len(lines) <= 3
        assert all("  removed 2" in line and line.endswith(" earlier") for line in lines), said.out


class LyingHost:
    """A simulated host whose answer about events is changed on the way."""

    def __init__(self, machine: Machine, lie: Callable[[dict[str, Any]], Any]) -> None:
        self._host, self._lie = SimulatedHost(machine), lie

    def __getattr__(self, name: str) -> Any:
        return getattr(self._host, name)

    def run(self, batch: str, session: Session) -> str:
        said = self._host.run(batch, session)
        calls = json.loads(gzip.decompress(base64.b64decode(batch)))["calls"]
        packed = said.removeprefix("<<ringfence:").removesuffix(">>")
        document = json.loads(gzip.decompress(base64.b64decode(packed)))
        for call_, reply in zip(calls, document["replies"], strict=False):
            if call_["verb"] == "Events.Read":
                reply["value"] = self._lie(reply["value"])
        return f"<<ringfence:{base64.b64encode(gzip.compress(json.dumps(document).encode(), 1)).decode()}>>"


def flood(told: dict[str, Any]) -> dict[str, Any]:
    """Twenty thousand events of long texts, all of the profile."""
    row = {"id": 2003, "time": "2026-11-26T14:02:11Z", "data": {"Profiles": "4", "SettingType": "1", "ModifyingUser": ANNA,
                                                                "ModifyingApplication": "\x1b[2J" + "x" * 900}}
    return {**told, "logs": {"Firewall": {**told["logs"]["Firewall"], "events": [row] * 20_000}}}


@pytest.mark.parametrize(("lie", "says"), [
    (lambda told: None, "not known: the event log could not be read: the host did not tell"),
    (lambda told: {"logs": [[]] * 5000, "accounts": "x"}, "not known: the event log could not be read: the host did not tell"),
    (lambda told: {**told, "unread": [{"fact": "Firewall", "why": "\x1b]0;\x07" * 5000}], "logs": {}}, "be read: \\x1b]0;\\x07"),
    (flood, "with \\x1b[2Jxxx")], ids=["nothing", "lists", "reasons", "flood"])
def test_a_host_that_lies_of_its_log_harms_nobody(cli: Cli, lie: Callable[[dict[str, Any]], Any], says: str) -> None:
    machines = [machine("web1"), machine("web2")]
    for one in machines:
        by_anna(one, "Set-NetFirewallProfile", NETSH, Name=["Public"], Enabled="False")
    with SimulatedFleet([LyingHost(machines[0], lie), machines[1]], "psrp") as lab:
        cli.write({"hosts.yml": lab.inventory(), "site.yml": PROFILE, "ringfence.yml": SETTINGS})
        said = cli("drift", "--who")
    assert said.code == 2
    assert says in said.out
    assert "\x1b" not in said.out
    assert f"by {ANNA} with {NETSH} (event 2003)" in said.out  # of the other host
    assert len(said.out) < 10_000


@pytest.mark.parametrize("where", ["ringfence.yml", "environment"])
def test_a_project_may_ask_it_in_every_drift(cli: Cli, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with fleet(cli, 1, transport="psrp") as hosts:
        cli.write({"site.yml": PROFILE, **({"ringfence.yml": f"{SETTINGS}who: true\n"} if where == "ringfence.yml" else {})})
        if where == "environment":
            monkeypatch.setenv("RINGFENCE_WHO", "1")
        by_anna(hosts["web1"], "Set-NetFirewallProfile", NETSH, Name=["Public"], Enabled="False")
        assert f"by {ANNA} with {NETSH} (event 2003)" in cli("drift").out


def test_connection_security_by_its_own_log(cli: Cli) -> None:
    with fleet(cli, 1, transport="psrp") as hosts:
        web1 = hosts["web1"]
        cli.write({"site.yml": IPSEC})
        assert cli("apply", "--yes").code == 0
        web1.event_logs.firewall.enabled = False
        web1.event_logs.firewall.clear()
        by_anna(web1, "Set-NetIPsecRule", Name=["isolation"], Enabled="False")
        by_anna(web1, "Set-NetIPsecPhase1AuthSet", Name=["computers"], NewDisplayName="Mine")
        told = changed_by(cli)
        assert {name: (one["event"]["id"], one["event"]["user"], one["unknown"]) for name, one in told.items()} == {
            "isolation": (2013, ANNA, None), "computers": (2029, ANNA, None)}


IPSEC = """\
- hosts: all
  tasks:
    - ipsec_phase1_auth_set: {name: computers, display_name: Computers, proposal: [{machine: true, kerberos: true}]}
    - ipsec_rule: {name: isolation, inbound_security: request, outbound_security: request, phase1_auth_set: computers}
"""
