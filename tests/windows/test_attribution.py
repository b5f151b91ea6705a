"""Who changed what, by the events of hosts, against cases/attributions.yml; and what hostile hosts say of their logs."""

import random
from datetime import UTC, datetime
from typing import Any

import pytest
from core import KINDS, cases, declared, resources, task

from ringfence.model.ledger import Entry, Ledger
from ringfence.model.resource import Resource
from ringfence.model.state import Change, id_of
from ringfence.windows.attribution import Attribution, Clock, asked_names, asked_since, attributions, written_at
from ringfence.windows.policy_events import LOGS, MAX_EVENT_TEXT, MAX_EVENTS, POLICY_EVENTS, EventLog, parse_event_logs

SIDS = {name: f"S-1-5-21-1-2-3-{number}" for number, name in enumerate(("anna", "otto", "ops"), 1104)} | {"system": "S-1-5-18"}
ACCOUNTS = {sid: f"CORP\\{name}" for name, sid in SIDS.items()}
RULE = {"protocol": "tcp", "local_port": 3389, "display_name": "Remote Desktop", "remote_address": "10.0.0.0/8"}


def the_change(case: dict[str, Any]) -> Change:
    kind, name = case.get("kind", "firewall_rule"), case.get("object", "corp-rdp")
    sides = [case.get("found", {**RULE, "local_port": 3390}), case.get("declared", RULE)]

    def made(properties: dict[str, Any] | None) -> Resource | None:
        key = KINDS[kind].key
        return None if properties is None else resources(declared(task(kind, {key: name, **properties})))[0]

    before, after = map(made, sides)
    resource = after or before
    assert resource
    return Change(id_of(resource), before, after)


def said(case: dict[str, Any], log: str) -> dict[str, Any]:
    """What the host answers: the case's events in the log of the object's kind."""
    events = [{"id": id, "time": f"2026-11-26T{time}Z", "data": {
        **fields, "ModifyingUser": SIDS.get(user, user), "ModifyingApplication": program}}
        for id, time, user, program, fields in case["events"]]
    told = {"enabled": True, "oldest": "2026-11-20T08:00:00Z", "whole": True, "events": events, "back_to": "2026-11-26T11:00:00Z",
            **case.get("log", {})}
    other: dict[str, Any] = {"enabled": True, "oldest": None, "whole": True, "events": []}
    return {"logs": {name: told if name == log else other for name in LOGS}, "accounts": ACCOUNTS, "unread": []}


def attribution(case: dict[str, Any]) -> Attribution:
    change = the_change(case)
    log = POLICY_EVENTS.get(change.resource.kind.noun, LOGS)[0]
    ledger = Ledger(entries={change.id: Entry("created", case["run"], "0" * 32)} if "run" in case else {})
    found = attributions([change], parse_event_logs(said(case, log)), ledger, Clock(case.get("clock", 0)),
                         case.get("own", SIDS["ops"]))
    assert list(found) == [change.id]
    return found[change.id]


@pytest.mark.parametrize("case", cases("attributions"), ids=lambda c: c["name"])
def test_case(case: dict[str, Any]) -> None:
    found, event = attribution(case), attribution(case).event
    shown = {"event": event and event.id, "time": event and f"{event.time:%H:%M:%S}", "account": event and event.account,
             "deed": found.deed, "earlier": found.earlier, "like_ringfence": found.like_ringfence, "run": found.run}
    expected = dict(case.get("has", {}))
    unknown = expected.pop("unknown", None)
    assert {name: shown[name] for name in expected} == expected
    if unknown is not None:
        assert unknown in found.unknown
        assert bool(found.unknown) == bool(unknown)
    assert found.event or found.unknown, "silence"
    assert found.unknown == case.get("is", found.unknown)


IDS: list[tuple[str, str, list[int]]] = [  # what the manifests of builds 18990 and 22621 have events of, and detection rules use
    ("firewall_rule", "added", [2004, 2071, 2097]), ("firewall_rule", "changed", [2005, 2073, 2099]),
    ("firewall_rule", "removed", [2006, 2052]), ("firewall_rule", "removed_all", [2033, 2059]),
    ("firewall_profile", "changed", [2003, 2082]), ("firewall_setting", "changed", [2002, 2083]),
    ("ipsec_rule", "added", [2012]), ("ipsec_rule", "changed", [2013]), ("ipsec_rule", "removed", [2014]),
    ("ipsec_rule", "removed_all", [2034]), ("ipsec_main_mode_rule", "added", [2016]), ("ipsec_main_mode_rule", "changed", [2017]),
    ("ipsec_main_mode_rule", "removed", [2018]), ("ipsec_main_mode_rule", "removed_all", [2035]),
    ("ipsec_main_mode_crypto_set", "added", [2020]), ("ipsec_main_mode_crypto_set", "changed", [2021]),
    ("ipsec_main_mode_crypto_set", "removed", [2022]), ("ipsec_main_mode_crypto_set", "removed_all", [2037]),
    ("ipsec_quick_mode_crypto_set", "added", [2024]), ("ipsec_quick_mode_crypto_set", "changed", [2025]),
    ("ipsec_quick_mode_crypto_set", "removed", [2026]), ("ipsec_quick_mode_crypto_set", "removed_all", [2037]),
    *((f"ipsec_phase{phase}_auth_set", deed, [id]) for phase in (1, 2) for deed, id in (
        ("added", 2028), ("changed", 2029), ("removed", 2030), ("removed_all", 2036))),
    *((kind, "reset", [2032, 2060]) for kind in KINDS if kind != "ipsec_dosp_setting")]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "ipsec_dosp_setting"])
def test_what_each_event_tells_and_of_which_objects(kind: str) -> None:
    """An event of another sort would name the wrong person, or tell of a removal as of a change."""
    name = next(iter(KINDS[kind].storage.fixed_names), "n")
    differ = {"firewall_profile": ("enabled", True, False), "firewall_setting": ("enable_stateful_ftp", True, False)}
    changed, *values = differ.get(kind, ("display_name", "one", "other"))
    resource, other = (KINDS[kind].create(name, {changed: value}) for value in values)
    known = {id: deed for of, deed, ids in IDS if of == kind for id in ids}
    for id in range(2000, 2110):
        logs = parse_event_logs({"logs": {log: {"oldest": "2026-11-20T08:00:00Z", "events": [
            {"id": id, "time": "2026-11-26T14:02:11Z", "data": {"RuleId": "n"}}]} for log in LOGS}})
        (found,) = attributions([Change(id_of(resource), resource, other)], logs, Ledger(), Clock(), "").values()
        assert (id, found.deed) == (id, known.get(id))


def test_the_newest_of_two_logs_counts() -> None:
    logs = parse_event_logs({"logs": {log: {"events": [{"id": 2032, "time": f"2026-11-26T{hour}:00:00Z", "data": {}}]}
                                      for log, hour in zip(LOGS, (14, 12), strict=True)}})
    (found,) = attributions([the_change({})], logs, Ledger(), Clock(), "").values()
    assert found.event
    assert (found.event.time.hour, found.earlier) == (14, 1)


def test_what_is_renamed_was_changed_under_its_old_name() -> None:
    rule = the_change({}).resource
    change = Change(id_of(rule), rule, rule.kind.create("rdp", rule.values()), as_action="rename")
    logs = parse_event_logs({"logs": {"Firewall": {"events": [
        {"id": 2005, "time": "2026-11-26T14:02:11Z", "data": {"RuleId": "corp-rdp"}}]}}})
    assert attributions([change], logs, Ledger(), Clock(), "")[change.id].event
    made = the_change({"object": "z", "found": None})
    assert asked_names([change, the_change({"object": "a"}), made]) == ["a", "corp-rdp", "z"]


def test_events_are_told_from_the_oldest_on_in_whatever_order_a_host_has_them() -> None:
    rows = [{"id": 2005, "time": f"2026-11-26T{hour}:00:00Z", "data": {"ModifyingUser": "s-1-5-18"}} for hour in (12, 14, 11)]
    other = {"damaged": MAX_EVENTS + 1}
    logs = parse_event_logs({"logs": {"Firewall": {"events": rows, "damaged": 1}, "ConnectionSecurity": other},
                             "accounts": {"S-1-5-18": "SYSTEM"}})
    assert [(e.time.hour, e.account) for e in logs["Firewall"].events] == [(hour, "SYSTEM") for hour in (11, 12, 14)]
    assert [log.damaged for log in logs.values()] == [1, 0]
    told = parse_event_logs({"logs": {"Firewall": {"events": [{**rows[0], "data": {"ModifyingUser": "S-1-5-18"}}]}},
                             "accounts": {"s-1-5-18": "SYSTEM"}})
    assert told["Firewall"].events[0].account == "SYSTEM"


def test_what_could_not_be_read_is_told_with_the_reason() -> None:
    logs = parse_event_logs({"logs": {"Firewall": None}, "unread": [{"fact": "Firewall", "why": "Access is denied."}]})
    assert logs["Firewall"].unread == "Access is denied. (administrators and members of Event Log Readers may read it)"
    assert logs["ConnectionSecurity"].unread == "the host did not tell"
    change = the_change({})
    (found,) = attributions([change], logs, Ledger(), Clock(), "").values()
    assert found.unknown.startswith("the event log could not be read: Access is denied.")


def test_a_release_of_a_ledger_and_another_store_are_nobodys_deed() -> None:
    change, rule = the_change({}), the_change({}).resource
    others = [Change(change.id, rule, rule, as_action="release"), Change(id_of(rule, "group_policy"), None, rule)]
    assert attributions(others, parse_event_logs(None), Ledger(), Clock(), "") == {}


def test_a_host_is_asked_from_the_oldest_write_on_where_all_are_known() -> None:
    one, other = the_change({}), the_change({"object": "corp-web"})
    entries = {one.id: Entry("created", "20261126T120000Z-000000"), other.id: Entry("created", "20261125T120000Z-000000")}
    assert asked_since([one, other], Ledger(entries=entries), Clock(60)) == datetime(2026, 11, 25, 12, tzinfo=UTC)
    assert asked_since([one, other], Ledger(entries={one.id: entries[one.id]}), Clock()) is None
    assert asked_since([], Ledger(), Clock()) is None
    of_image = Ledger(entries=entries, header={"Machine": "1|IMAGE"}, machine="2|SRV1")
    assert asked_since([one], of_image, Clock()) is None  # written on another machine
    pending = {one.id: Entry("created", "20261126T120000Z-000000", pending="0" * 32)}  # a run that never told its end
    assert asked_since([one], Ledger(entries=pending), Clock()) is None
    assert asked_since([one], Ledger(entries={one.id: Entry("created", "99991231T235959Z-000000")}), Clock(1e9)) is None
    assert written_at("20261126T120000Z") is None


@pytest.mark.parametrize("answer", [
    None, [], "x", {}, {"logs": []}, {"logs": {"Firewall": []}}, {"logs": {"Firewall": {"events": {}}}},
    {"logs": {"Firewall": {"enabled": "x", "oldest": 5, "whole": None, "damaged": True, "events": [None, 5, [], {}]}}},
    {"logs": {"Firewall": {"oldest": "2026-13-99T99:99:99Z", "damaged": -1, "events": [
        {"id": True, "time": "2026-11-26T00:00:00Z"}, {"id": 2005, "time": "2026-02-30T00:00:00Z"},
        {"id": 2005, "time": None}, {"id": "2005", "time": "2026-11-26T00:00:00Z"}]}}},
    {"logs": {}, "accounts": [], "unread": {"fact": 1}}, {"accounts": {"S-1-5-18": 5}}])
def test_a_log_that_is_none_tells_nothing(answer: Any) -> None:
    logs = parse_event_logs(answer)
    assert set(logs) == set(LOGS)
    assert all(log.events == () and log.damaged == 0 and log.oldest is None for log in logs.values())
    (found,) = attributions([the_change({})], logs, Ledger(), Clock(), "").values()
    assert (found.event, bool(found.unknown)) == (None, True)


def test_an_event_of_any_form_is_bounded() -> None:
    data = {"RuleId": "corp-rdp" + "x" * 10_000, "RuleName": 5, "ModifyingUser": None, "ModifyingApplication": "y" * 10_000}
    row = {"id": 2005, "time": "2026-11-26T14:02:11.1234567Z", "data": data}
    log = parse_event_logs({"logs": {"Firewall": {"events": [row] * (MAX_EVENTS + 10)}}})["Firewall"]
    assert len(log.events) == MAX_EVENTS
    event = log.events[0]
    assert (len(event.program), len(event.text("RuleId")), event.user) == (MAX_EVENT_TEXT, MAX_EVENT_TEXT, "")
    assert (event.number("RuleId"), event.number("IPsecPhase")) == (None, None)


def test_numbers_that_are_none_exclude_nothing() -> None:
    for number in ("²", "٣", "-1", "0x2", "9" * 50, ""):
        case = {"events": [[2005, "14:02:11", "anna", "mmc.exe", {"RuleId": "corp-rdp", "Origin": number}]]}
        assert attribution(case).event is not None, number


def test_events_of_one_second_keep_the_order_of_the_log() -> None:
    rows = [[2005, "14:02:11", user, "mmc.exe", {"RuleId": "corp-rdp"}] for user in ("anna", "otto", "ops")]
    event = attribution({"events": rows}).event
    assert event
    assert event.account == "CORP\\anna"


def test_many_changes_of_a_host_with_many_events_are_looked_at_once_each() -> None:
    """Changes times events would be ten million comparisons of a hostile host; one index and a search for each are no time."""
    rule, chance = the_change({}).after, random.Random(1)
    assert rule
    changes = [Change(id_of(named), None, named) for named in (
        rule.kind.create(f"r{number}", rule.values()) for number in range(3_000))]
    rows = [{"id": chance.choice((2004, 2005, 2006, 2032, 2033)), "time": f"2026-11-26T14:{n // 60:02}:{n % 60:02}Z",
             "data": {"RuleId": f"r{chance.randrange(3_000)}"}} for n in reversed(range(MAX_EVENTS))]
    logs: dict[str, EventLog] = parse_event_logs({"logs": {"Firewall": {"events": rows, "oldest": "2026-11-01T00:00:00Z"}}})
    found = attributions(changes, logs, Ledger(), Clock(), "")
    assert len(found) == len(changes)
    assert all(one.event and one.earlier > 300 for one in found.values())  # of all resets and removals
