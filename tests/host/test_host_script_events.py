"""Events.Read, run by a real PowerShell on a stand-in host: what is asked of the logs, what is told of their records."""

from collections.abc import Iterator
from typing import Any

import pytest
from batches import batch_of
from host_script import Warm, decode, needs_pwsh

from ringfence.batch import Call
from ringfence.windows.policy_events import MAX_EVENTS, POLICY_EVENTS, parse_event_logs

pytestmark = needs_pwsh
ANNA = "S-1-5-21-1-2-3-1104"  # CORP\\Ops of the stand-in host


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    host = Warm(tmp_path_factory.mktemp("script"), writes=False)
    yield host
    host.close()


def asked(warm: Warm, setup: str = "", **args: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The reply, and how Get-WinEvent was called."""
    batch = batch_of(Call("Events.Read", args))
    ran = warm.run(batch, setup)
    assert ran.noise == []
    return decode(batch, ran.reply)["replies"][0], [c["parameters"] for c in ran.bound if c["cmdlet"] == "Get-WinEvent"]


def value(warm: Warm, setup: str = "", **args: Any) -> Any:
    reply, _ = asked(warm, setup, **args)
    assert reply["ok"], reply
    return reply["value"]


def test_fields_are_read_by_their_names(warm: Warm) -> None:
    """In whatever order, and whatever else is there; what is not asked for stays on the host."""
    told = value(warm, f"""
    Add-Event 2004 2026-11-26T14:02:11Z @{{ RuleName = '<RDP> & "more"'; RuleId = 'corp-rdp'; Origin = '1'; New = 'x'
        LocalPorts = '3389'; ModifyingUser = '{ANNA}'; ModifyingApplication = 'C:\\Windows\\System32\\mmc.exe' }}
    Add-Event 2033 2026-11-26T14:02:12Z @{{ 'Store Type' = '2'; ModifyingUser = 'S-1-5-18' }}
    Add-Event 2030 2026-11-26T14:02:13Z @{{ RuleId = 'computers'; 'IPsec Phase' = '1' }} ConnectionSecurity""")
    assert told["unread"] == []
    assert told["accounts"] == {ANNA: "CORP\\Ops"}
    log = told["logs"]["Firewall"]
    assert {name: log.pop(name) for name in ("enabled", "whole", "damaged")} == {"enabled": True, "whole": True, "damaged": 0}
    assert log == {"oldest": "2026-11-26T14:02:11Z", "back_to": "2026-11-26T14:02:11Z", "events": [
        {"id": 2033, "time": "2026-11-26T14:02:12Z", "data": {"Store Type": "2", "ModifyingUser": "S-1-5-18"}},
        {"id": 2004, "time": "2026-11-26T14:02:11Z", "data": {
            "RuleId": "corp-rdp", "RuleName": '<RDP> & "more"', "Origin": "1", "ModifyingUser": ANNA,
            "ModifyingApplication": "C:\\Windows\\System32\\mmc.exe"}}]}
    assert [e["data"]["IPsec Phase"] for e in told["logs"]["ConnectionSecurity"]["events"]] == ["1"]
    read = parse_event_logs(told)
    assert [(e.id, e.account) for e in read["Firewall"].events] == [(2004, "CORP\\Ops"), (2033, "")]
    assert read["ConnectionSecurity"].events[0].number("IPsecPhase") == 1


def test_every_event_that_tells_a_deed_is_asked_for_and_no_other(warm: Warm) -> None:
    told = value(warm, "foreach ($id in 2000..2110) { foreach ($log in 'Firewall', 'ConnectionSecurity') {"
                       "Add-Event $id 2026-11-26T14:02:11Z @{} $log } }")
    wanted: dict[str, set[int]] = {}
    for log, deeds in POLICY_EVENTS.values():
        for deed, ids in deeds.items():
            wanted.setdefault("Firewall" if deed == "reset" else log, set()).update(ids)
    read = {log: {e["id"] for e in told["logs"][log]["events"]} for log in wanted}
    assert read["Firewall"] == wanted["Firewall"]
    assert read["ConnectionSecurity"] >= wanted["ConnectionSecurity"]
    assert max(read["ConnectionSecurity"]) == 2037  # what the service lists at its start is in logs of its own


def test_a_query_has_no_more_comparisons_than_windows_takes(warm: Warm) -> None:
    """KB970453: more than 22 are an invalid query."""
    _, calls = asked(warm, since="2026-11-26T14:02:12.000Z")
    queries = [call["query"] for call in calls if call["query"] not in ("", "*")]
    assert len(queries) == 2
    for query in queries:
        assert query.endswith("and TimeCreated[@SystemTime >= '2026-11-26T14:02:12.000Z']]]")
        assert query.count("EventID") + 1 <= 22


def test_from_a_moment_on(warm: Warm) -> None:
    told = value(warm, "Add-Event 2005 2026-11-26T14:02:11Z @{ RuleId = 'old' }\n"
                       "Add-Event 2005 2026-11-26T14:02:12Z @{ RuleId = 'new' }",
                 since="2026-11-26T14:02:12.000Z")
    log = told["logs"]["Firewall"]
    assert [e["data"]["RuleId"] for e in log["events"]] == ["new"]
    assert log["oldest"] == "2026-11-26T14:02:11Z"


@pytest.mark.parametrize("since", ["2026-11-26", "2026-11-26T14:02:12Z", "' or '1", "2026-11-26T14:02:12.000Z\n", "x", 5, ["a"]])
def test_a_moment_that_is_none_becomes_no_query(warm: Warm, since: Any) -> None:
    reply, calls = asked(warm, since=since)
    assert (reply["ok"], calls) == (False, [])
    assert reply["error"]["id"] == "ringfence.since"


def test_an_empty_log_and_one_that_is_off(warm: Warm) -> None:
    told = value(warm, "$Host1.Logs.Firewall.Enabled = $false")
    empty: dict[str, Any] = {"oldest": None, "whole": True, "back_to": None, "damaged": 0, "events": []}
    assert told == {"accounts": {}, "unread": [], "logs": {
        "Firewall": {"enabled": False, **empty}, "ConnectionSecurity": {"enabled": True, **empty}}}


@pytest.mark.parametrize(("setup", "why"), [
    ("$Host1.Logs.Firewall.Denied = $true", "Attempted to perform an unauthorized operation."),
    ("$Host1.Logs.Remove('Firewall')", "There is not an event log that matches Firewall.")])
def test_a_log_that_cannot_be_read_hides_no_other(warm: Warm, setup: str, why: str) -> None:
    told = value(warm, f"Add-Event 2013 2026-11-26T14:02:11Z @{{ RuleId = 'x' }} ConnectionSecurity\n{setup}")
    assert told["unread"] == [{"fact": "Firewall", "why": why}]
    assert told["logs"]["Firewall"] is None
    assert len(told["logs"]["ConnectionSecurity"]["events"]) == 1


def test_records_that_are_damaged_are_counted(warm: Warm) -> None:
    told = value(warm, "Add-Event 2005 2026-11-26T14:02:11Z @{ RuleId = 'a' }\n"
                       "Add-Event 2005 2026-11-26T14:02:12Z -Xml '<Event><a'")
    log = told["logs"]["Firewall"]
    assert ([e["data"] for e in log["events"]], log["damaged"]) == ([{"RuleId": "a"}], 1)


def test_what_is_told_is_bounded(warm: Warm) -> None:
    told = value(warm, f"""
    $long = 'x' * 5000
    foreach ($number in 1..{MAX_EVENTS + 5}) {{ Add-Event 2005 2026-11-26T14:02:11Z @{{ RuleId = "r$number" }} }}
    Add-Event 2005 2026-11-26T14:02:12Z @{{ RuleId = $long }}""")
    log = told["logs"]["Firewall"]
    assert (log["whole"], log["back_to"], len(log["events"])) == (False, "2026-11-26T14:02:11Z", MAX_EVENTS + 1)
    assert len(log["events"][0]["data"]["RuleId"]) == 1000
    read = parse_event_logs(told)["Firewall"]
    assert (read.whole, len(read.events), read.events[0].text("RuleId")) == (False, MAX_EVENTS, "r7")


def test_accounts_that_nobody_can_translate_are_left_out(warm: Warm) -> None:
    told = value(warm, f"""
    $Host1.Hangs = 'S-1-5-21-9-9-9-9'
    Add-Event 2005 2026-11-26T14:02:11Z @{{ RuleId = 'a'; ModifyingUser = '{ANNA}' }}
    Add-Event 2005 2026-11-26T14:02:12Z @{{ RuleId = 'a'; ModifyingUser = 'S-1-5-21-9-9-9-9' }}
    Add-Event 2005 2026-11-26T14:02:13Z @{{ RuleId = 'a'; ModifyingUser = 'no SID' }}
    Add-Event 2005 2026-11-26T14:02:14Z @{{ RuleId = 'a' }}""")
    assert told["accounts"] == {ANNA: "CORP\\Ops"}
    assert len(told["logs"]["Firewall"]["events"]) == 4


def test_of_named_objects_alone_is_told_and_of_what_has_no_name(warm: Warm) -> None:
    """Whatever the letters; others are read no further than to their name. Who did those nobody has to know."""
    told = value(warm, f"""
    Add-Event 2005 2026-11-26T14:02:11Z @{{ RuleId = 'corp-rdp' }}
    Add-Event 2005 2026-11-26T14:02:12Z @{{ RuleId = '<a> & "b" ''c''' }}
    Add-Event 2005 2026-11-26T14:02:13Z @{{ RuleId = 'other'; RuleName = 'corp-rdp'; ModifyingUser = '{ANNA}' }}
    Add-Event 2005 2026-11-26T14:02:14Z @{{ RuleId = ''; RuleName = 'by its title' }}
    Add-Event 2003 2026-11-26T14:02:15Z @{{ Profiles = '1'; SettingType = '1' }}
    Add-Event 2033 2026-11-26T14:02:16Z @{{ 'Store Type' = '2' }}
    Add-Event 2028 2026-11-26T14:02:17Z @{{ SetId = 'computers' }} ConnectionSecurity
    Add-Event 2028 2026-11-26T14:02:18Z @{{ SetId = 'another' }} ConnectionSecurity""",
                 names=["CORP-rdp", "<A> & \"b\" 'C'", "computers"])
    log = told["logs"]["Firewall"]
    assert [e["time"][17:19] for e in log["events"]] == ["16", "15", "14", "12", "11"]
    assert (log["back_to"], told["accounts"]) == ("2026-11-26T14:02:11Z", {})
    assert [e["data"] for e in told["logs"]["ConnectionSecurity"]["events"]] == [{"SetId": "computers"}]
