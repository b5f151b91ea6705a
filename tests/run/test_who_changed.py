"""The trip that asks who changed a host: when it is made, what it asks, what becomes of a host that does not answer it well."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from core import at, declared, task
from hosts import LEDGER, LabHost

from ringfence.batch import Answer, Batch, Failure, Reply
from ringfence.errors import HostError, Unreachable
from ringfence.formats.data import Definitions, host_text
from ringfence.lab.netsecurity.change_events import logged
from ringfence.lab.netsecurity.dispatch import call
from ringfence.report import HostResult
from ringfence.run.who_changed import drift_host
from ringfence.secret import MASK, Secret
from ringfence.views.change_text import ChangeOptions
from ringfence.views.grouped_results import GroupedResults
from ringfence.windows.attribution import Attribution

RULE = at(1, name="r", protocol="tcp", local_port=80)
ANNA = "S-1-5-21-7-7-7-1104"


def drifted(host: LabHost, who: bool = True) -> HostResult:
    return drift_host(host.job(declared(RULE)), host.context(), who)


def applied() -> LabHost:
    host = LabHost({})
    assert host.apply(RULE).status == "changed"
    host.batches.clear()
    host.owns = False  # what the ledger says now is what that run has written
    return host


def tampered() -> LabHost:
    """A host as declared, on which somebody has then changed the rule."""
    host = applied()
    with logged(host.machine, ANNA, r"C:\Windows\System32\mmc.exe"):
        call(host.machine, "Set-NetFirewallRule", {"Name": ["r"], "LocalPort": ["81"]})
    return host


def only(result: HostResult) -> Attribution:
    assert result.changed_by
    (one,) = result.changed_by.values()
    return one


def text_of(result: HostResult) -> str:
    view = GroupedResults(ChangeOptions(drift=True))
    return view.add(result) + view.flush()


def of_events(host: LabHost, answer: Callable[[Answer], Answer]) -> None:
    """Another answer to Events.Read."""
    run = host.run

    def before(batch: Batch) -> Reply | None:
        if "events" not in batch.calls:
            return None
        host.before = lambda batch: None
        said = run(batch)
        host.before = before
        return Reply({**said.answers, "events": answer(said.answers["events"])})

    host.before = before


def test_a_host_is_asked_only_where_it_differs_and_somebody_wants_to_know() -> None:
    host = applied()
    assert (drifted(host).changed_by, host.verbs("Events.Read")) == ({}, [])
    host = tampered()
    assert (drifted(host, who=False).changed_by, host.verbs("Events.Read")) == (None, [])
    before = host.connections
    result = drifted(host)
    assert (result.connections, host.connections - before) == (2, 1)
    assert len(host.verbs("Events.Read")) == 1
    event = only(result).event
    assert event
    assert (event.user, event.program) == (ANNA, r"C:\Windows\System32\mmc.exe")


def test_nobody_is_asked_who_changed_what_only_comes_to_be_owned() -> None:
    """It is as it is declared: there was no change."""
    host = applied()
    host.machine.registry.delete(LEDGER)
    result = drifted(host)
    assert [c.action for c in result.changes] == ["adopt"]
    assert (result.changed_by, host.verbs("Events.Read")) == ({}, [])


def test_where_all_is_in_the_ledger_a_host_is_asked_from_the_write_on() -> None:
    """A minute before, by its own clock."""
    for offset in (0, 7200, -7200):
        host = tampered()
        host.machine.clock.offset = offset
        [asked] = (drifted(host), host.verbs("Events.Read"))[1]
        run = json.loads(str(host.machine.registry.get(LEDGER, "firewall_rule|local|r")))["run"]
        began = datetime.strptime(run[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        since = datetime.fromisoformat(asked["since"])
        assert abs((since - began).total_seconds() - offset + 60) < 3


def test_without_an_entry_the_whole_log_is_asked_for() -> None:
    host = LabHost({}, project=None)
    drifted(host)
    assert host.verbs("Events.Read") == [{"names": ["r"]}]


@pytest.mark.parametrize("what", ["pending", "inherited"])
def test_what_a_ledger_cannot_know_is_not_taken_from_it(what: str) -> None:
    host = tampered()
    entry = json.loads(str(host.machine.registry.get(LEDGER, "firewall_rule|local|r")))
    if what == "pending":
        host.machine.registry.set(LEDGER, "firewall_rule|local|r", json.dumps({**entry, "pending": "0" * 32}))
    else:
        host.machine.registry.set(LEDGER, "Machine", "other|pc|")
    assert only(drifted(host)).run == ""
    assert host.verbs("Events.Read") == [{"names": ["r"]}]


@pytest.mark.parametrize(("error", "says"), [
    (HostError("connection_lost", "in the middle"), "the event log could not be read: "),
    (Unreachable("network", "gone"), "the event log could not be read: "),
    (HostError("protocol", "damaged reply"), "damaged reply")])
def test_a_trip_that_fails_loses_nothing_that_is_known(error: HostError, says: str) -> None:
    host = tampered()

    def before(batch: Batch) -> Reply | None:
        if "events" in batch.calls:
            raise error
        return None

    host.before = before
    result = drifted(host)
    assert (result.status, result.error, [c.action for c in result.changes]) == ("differs", None, ["update"])
    assert says in only(result).unknown
    assert says in text_of(result)


@pytest.mark.parametrize(("failure", "says"), [
    (Failure("InvalidArgument", "ringfence.verb", "no verb"), "export it anew (`ringfence jea export`)"),
    (Failure("ObjectNotFound", "CommandNotFoundException", "Get-WinEvent"), "export it anew (`ringfence jea export`)"),
    (Failure("NotSpecified", "x", "The RPC server is unavailable."), "could not be read: The RPC server is unavailable.")])
def test_an_endpoint_that_cannot_and_a_host_that_does_not(failure: Failure, says: str) -> None:
    host = tampered()
    of_events(host, lambda answer: Answer(error=failure))
    assert says in only(drifted(host)).unknown


@pytest.mark.parametrize("value", [
    None, [], "x", {"logs": {"Firewall": 5}}, {"logs": {"Firewall": {"events": [5, {"id": 2005}]}}}])
def test_an_answer_of_any_form_is_told_as_what_is_not_known(value: Any) -> None:
    host = tampered()
    of_events(host, lambda answer: Answer(value))
    one = only(drifted(host))
    assert (one.event, one.unknown != "") == (None, True)


def hostile(host: LabHost, **fields: str) -> HostResult:
    """What becomes of a host that says these of the newest event."""

    def answer(said: Answer) -> Answer:
        told = json.loads(json.dumps(said.value))
        told["logs"]["Firewall"]["events"][0]["data"].update(fields)
        told["accounts"][fields.get("ModifyingUser", ANNA)] = fields.get("account", "")
        return Answer(told)

    of_events(host, answer)
    return drifted(host)


def test_what_a_host_says_reaches_no_terminal_raw() -> None:
    result = hostile(tampered(), ModifyingApplication="\x1b]0;x\x07\u202e" + "y" * 5000, account="CORP\\a\x1b[31mnna\n")
    text = text_of(result)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert max(map(len, text.splitlines())) < 1000
    assert host_text(result, Definitions()).isascii()


def test_a_secret_that_a_host_repeats_is_not_told() -> None:
    secret = "a long pre-shared key"
    keyed = task("ipsec_phase1_auth_set", {"name": "s", "proposal": [{"machine": True, "pre_shared_key": Secret(secret)}]})
    host = tampered()

    def answer(said: Answer) -> Answer:
        told = json.loads(json.dumps(said.value))
        for event in told["logs"]["Firewall"]["events"]:
            event["data"].update(ModifyingApplication=f"C:\\{secret}.exe", RuleName=secret)
        told["accounts"][ANNA] = secret
        return Answer(told)

    of_events(host, answer)
    result = drift_host(host.job(declared(RULE, keyed)), host.context(), True)
    assert secret not in repr(result.changed_by)
    assert secret not in text_of(result) + host_text(result, Definitions())
    assert MASK in text_of(result)


def test_a_host_that_is_refused_is_told_of_too() -> None:
    """Somebody else's rule that would be opened: who made it is what one wants to know then."""
    host = LabHost({}, owns=False)
    with logged(host.machine, ANNA, "mmc.exe"):
        call(host.machine, "New-NetFirewallRule", {"Name": "r", "DisplayName": "r", "Protocol": "TCP", "LocalPort": ["81"]})
    result = drifted(host)
    assert result.status == "refused"
    assert only(result).deed == "added"
