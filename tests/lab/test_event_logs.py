"""The event logs of simulated hosts: what cmdlets leave there, how records get lost, and what Events.Read tells of them by both
executors of the host script."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from batches import batch_of, open_transport
from host_script import PWSH, needs_pwsh
from lab_machine import ADMIN, ask, done, host
from lab_servers import AUDITOR, OPERATOR

from ringfence.batch import Call, cmdlet_call
from ringfence.lab import POLICY, Machine, Session, machine
from ringfence.lab.netsecurity.change_events import ADDED, logged
from ringfence.lab.netsecurity.cmdlet_errors import CmdletError
from ringfence.lab.netsecurity.dispatch import call
from ringfence.lab.powershell.event_query import EventQuery
from ringfence.lab.session import RegisteredEndpoint
from ringfence.lab.simulated_fleet import SimulatedFleet

WMI = r"C:\Windows\System32\wbem\WmiPrvSE.exe"
RULES = POLICY + r"\FirewallRules"


def events(on: Machine) -> list[tuple[int, str]]:
    """(id, the object) of every record, the oldest first."""
    records = [*on.event_logs.firewall.records, *on.event_logs.connection_security.records]
    return [(r.id, r.data.get("RuleId") or r.data.get("SetId") or r.data.get("SettingType", "")) for r in records]


def admin_sid(on: Machine) -> str:
    return str(on.account_names.resolve("Administrator")["sid"])


def test_rules_that_come_change_and_go() -> None:
    on = host()
    done(on, "New-NetFirewallRule", Name="corp-rdp", DisplayName="RDP", Protocol="TCP", LocalPort=["3389"], Action="Block",
         Profile=["Domain", "Public"], RemoteAddress=["10.0.0.0/8"])
    done(on, "Set-NetFirewallRule", Name="corp-rdp", Enabled="False")
    done(on, "Set-NetFirewallRule", Name="corp-rdp", Enabled="False")  # nothing changes
    done(on, "Remove-NetFirewallRule", Name="corp-rdp")
    assert events(on) == [(2004, "corp-rdp"), (2005, "corp-rdp"), (2006, "corp-rdp")]
    added, changed, removed = on.event_logs.firewall.records
    assert tuple(added.data) == ADDED["NetFirewallRule"][1]
    told = {"RuleName": "RDP", "Origin": "1", "Direction": "1", "Action": "2", "Protocol": "6", "Profiles": "5",
            "LocalPorts": "3389", "RemotePorts": "*", "Active": "1", "SchemaVersion": "543", "RuleStatus": "65536",
            "ModifyingApplication": WMI, "ModifyingUser": admin_sid(on)}
    assert {name: added.data[name] for name in told} == told
    assert changed.data["Active"] == "0"
    assert dict(removed.data) == {"RuleId": "corp-rdp", "RuleName": "RDP", "ModifyingUser": admin_sid(on),
                                  "ModifyingApplication": WMI}


def test_windows_11_has_other_ids_and_a_field_more() -> None:
    on = host(os="windows11")
    done(on, "New-NetFirewallRule", Name="a", DisplayName="A")
    done(on, "Set-NetFirewallRule", Name="a", Enabled="False")
    done(on, "Remove-NetFirewallRule", Name="a")
    done(on, "Set-NetFirewallProfile", Name=["Public"], Enabled="False")
    done(on, "Set-NetFirewallSetting", EnableStatefulFtp="False")
    assert [id for id, _ in events(on)] == [2071, 2073, 2052, 2082, 2083]
    assert all(record.data["ErrorCode"] == "0" for record in on.event_logs.firewall.records)


def test_profiles_and_settings() -> None:
    on = host()
    done(on, "Set-NetFirewallProfile", Name=["Private", "Public"], Enabled="False", LogBlocked="True")
    done(on, "Set-NetFirewallSetting", Exemptions=["None"])
    records = [(r.id, r.data.get("Profiles"), r.data["SettingType"]) for r in on.event_logs.firewall.records]
    assert records == [(2003, "2", "1"), (2003, "2", "5"), (2003, "4", "1"), (2003, "4", "5"), (2002, None, "7")]


def test_connection_security_has_a_log_of_its_own() -> None:
    on = host()
    proposal = {"$call": {"cmdlet": "New-NetIPsecAuthProposal", "parameters": {"Machine": True, "Kerberos": True}}}
    done(on, "New-NetIPsecPhase1AuthSet", Name="computers", DisplayName="C", Proposal=[proposal])
    done(on, "Set-NetIPsecPhase1AuthSet", Name="computers", NewDisplayName="D")
    done(on, "New-NetIPsecRule", Name="isolation", DisplayName="I", InboundSecurity="Request", OutboundSecurity="Request",
         Phase1AuthSet="computers")
    done(on, "New-NetIPsecMainModeRule", Name="main", DisplayName="M", Phase1AuthSet="computers")
    done(on, "Remove-NetIPsecRule", Name="isolation")
    done(on, "Remove-NetIPsecMainModeRule", Name="main")
    done(on, "Remove-NetIPsecPhase1AuthSet", Name="computers")
    assert events(on) == [(2028, "computers"), (2029, "computers"), (2012, "isolation"), (2016, "main"), (2014, "isolation"),
                          (2018, "main"), (2030, "computers")]
    assert not on.event_logs.firewall.records
    assert {r.data["IPsec Phase"] for r in on.event_logs.connection_security.records if "IPsec Phase" in r.data} == {"1"}


def test_a_rename_is_two_events_and_what_fails_is_none() -> None:
    on = host()
    done(on, "New-NetFirewallRule", Name="a", DisplayName="A")
    with logged(on, "S-1-5-18", "x.exe"):
        call(on, "Rename-NetFirewallRule", {"Name": ["a"], "NewName": "b"})
    with pytest.raises(CmdletError), logged(on, "S-1-5-18", "x.exe"):
        call(on, "Remove-NetFirewallRule", {"Name": ["none"]})
    assert sorted(events(on)[1:]) == [(2004, "b"), (2006, "a")]


def test_the_registry_itself_leaves_no_event() -> None:
    on = host()
    on.registry.set(RULES, "mine", "v2.31|Action=Allow|Active=TRUE|Dir=In|Name=mine|")
    on.registry.unset(RULES, "mine")
    assert events(on) == []


def test_a_log_wraps_is_cleared_and_switched_off() -> None:
    on, log = (made := host()), made.event_logs.firewall
    log.most = 3
    for number in range(5):
        done(on, "New-NetFirewallRule", Name=f"r{number}", DisplayName="x")
    assert events(on) == [(2004, "r2"), (2004, "r3"), (2004, "r4")]
    log.clear()
    log.enabled = False
    done(on, "Remove-NetFirewallRule", Name="r0")
    assert events(on) == []


def test_a_record_is_xml_that_windows_could_have_rendered() -> None:
    on = host()
    done(on, "New-NetFirewallRule", Name='<a> & "b"', DisplayName="C")
    tree = ET.fromstring(on.event_logs.firewall.records[0].xml("HOST1"))
    space = "{http://schemas.microsoft.com/win/2004/08/events/event}"
    data = {d.get("Name"): d.text or "" for d in tree.iter(f"{space}Data")}
    assert data["RuleId"] == '<a> & "b"'
    assert tree.find(f"{space}System/{space}EventID").text == "2004"  # type: ignore[union-attr]


READ = Call("Events.Read")
SERVER = Session("psrp", "Administrator", False, "10.99.0.1", 50000, "10.99.0.10", 5985)


@pytest.mark.parametrize(("groups", "may"), [((), True), (("Event Log Readers",), True), (("Remote Management Users",), False)])
def test_who_may_read(groups: tuple[str, ...], may: bool) -> None:
    endpoint = RegisteredEndpoint(AUDITOR.exported, groups=groups)
    session = Session("psrp", "x", not groups, "10.99.0.1", 50000, "10.99.0.10", 5985, endpoint)
    (answer,) = ask(host(), READ, session=session)
    assert (answer.value["logs"]["Firewall"] is not None, answer.value["unread"] == []) == (may, may)
    assert ask(host(), READ, session=SERVER)[0].value["logs"] == {"Firewall": None, "ConnectionSecurity": None}


@pytest.mark.parametrize(("text", "ids"), [
    ("*", [1, 5, 9]), ("*[System[EventID = 5]]", [5]), ("*[System[(EventID >= 5 and EventID <= 8) or (EventID = 9)]]", [5, 9]),
    ("*[System[EventID = 1 or EventID = 5 and EventID = 9]]", [1]),
    ("*[System[(EventID >= 1) and TimeCreated[@SystemTime >= '2100-01-01T00:00:00.000Z']]]", []),
    ("*[System[" + " or ".join(f"EventID = {n}" for n in range(22)) + "]]", [1, 5, 9])])
def test_queries(text: str, ids: list[int]) -> None:
    on = host()
    for id in (1, 5, 9):
        on.event_logs.firewall.write(id, {}, datetime(2026, 1, 1, tzinfo=UTC))
    query = EventQuery(text)
    assert [e.id for e in on.event_logs.firewall.records if query.matches(e)] == ids


@pytest.mark.parametrize("text", [
    "", "EventID = 5", "*[System[]]", "*[System[EventID]]", "*[System[(EventID = 5]]", "*[System[EventID = 5 and]]",
    "*[System[EventID = 5 x]]", "*[EventData[Data = 5]]", "*[System[" + " or ".join(f"EventID = {n}" for n in range(23)) + "]]"])
def test_queries_that_windows_would_refuse(text: str) -> None:
    with pytest.raises(CmdletError, match="The specified query is invalid"):
        EventQuery(text)


# -- by a real PowerShell

CHANGES = (
    cmdlet_call("New-NetFirewallRule", {"Name": "corp-a", "DisplayName": "A & <B>"}),
    cmdlet_call("Set-NetFirewallRule", {"Name": "corp-a", "Enabled": "False"}),
    cmdlet_call("Set-NetFirewallProfile", {"Name": ["Public"], "Enabled": "False"}),
    cmdlet_call("Remove-NetFirewallRule", {"Name": "corp-a"}))


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Machine, Any]]:
    """A host, and the way to the real PowerShell on it."""
    on = machine("HOST1")
    with SimulatedFleet([on], "psrp", pwsh=PWSH) as lab:
        yield on, open_transport(on.name, lab.running[on.name].variables)


@needs_pwsh
def test_both_executors_tell_the_same(pair: tuple[Machine, Any]) -> None:
    on, way = pair
    assert [a.error for a in way.run(batch_of(*CHANGES, stop_on_error=True)).answers.values()] == [None] * len(CHANGES)
    assert events(on) == [(2004, "corp-a"), (2005, "corp-a"), (2003, "1"), (2006, "corp-a")]
    # somebody whom the host cannot name, and with whom a batch begins anew
    with logged(on, "S-1-5-21-9-9-9-9", r"C:\Windows\System32\mmc.exe"):
        call(on, "New-NetFirewallRule", {"Name": "mine", "DisplayName": "Mine"})
    questions: list[tuple[dict[str, Any], int]] = [
        ({}, 5), ({"since": "2026-01-01T00:00:00.000Z"}, 5), ({"names": ["MINE", "x"]}, 2),
        ({"since": "2100-01-01T00:00:00.000Z"}, 0)]
    for asked, number in questions:
        (said,), (told,) = way.run(batch_of(Call("Events.Read", asked))).answers.values(), ask(on, Call("Events.Read", asked))
        assert said == told
        assert len(said.value["logs"]["Firewall"]["events"]) == number, asked
    assert said.value["logs"]["Firewall"]["oldest"] is not None
    on.event_logs.firewall.enabled = False
    on.event_logs.firewall.clear()
    assert list(way.run(batch_of(READ)).answers.values()) == list(ask(on, READ))
    (refused,), (mine,) = (way.run(batch_of(Call("Events.Read", {"since": "x"}))).answers.values(),
                           ask(on, Call("Events.Read", {"since": "x"})))
    assert (refused.error and refused.error.id, mine.error and mine.error.id) == ("ringfence.since", "ringfence.since")


def test_what_an_endpoint_lacks_is_told() -> None:
    old = RegisteredEndpoint(OPERATOR.exported, without=frozenset({"Events.Read"}))
    session = Session("psrp", "x", True, "10.99.0.1", 50000, "10.99.0.10", 5985, old)
    (answer,) = ask(host(), READ, session=session)
    assert answer.error
    assert answer.error.is_lack
    assert ADMIN.endpoint is None
