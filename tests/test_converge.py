"""One host from what is declared to a proven state, over a transport that answers from memory."""

from collections.abc import Callable
from typing import Any

import pytest
from core import GUID, KINDS, RULE, FakeHost, at, declared_calls, want

from ringfence.batch import Answer, Batch, Failure, Reply
from ringfence.errors import HOSTS_FAILED, REFUSED, STALE, UNREACHABLE, Diagnostic, HostError, RingfenceError, Unreachable, Where
from ringfence.facts import Facts
from ringfence.report import HostResult
from ringfence.run.converge import Later, apply, plan
from ringfence.state import Desired

RDP = at(1, name="rdp", protocol="tcp", local_port=3389, remote_address=["10.1.4.0/28", "LocalSubnet"])
WEB = at(10, name="web", protocol="tcp", local_port=[80, 443], profile="domain")
TELNET = at(20, name="Telnet", state="absent")
PROFILES = at(30, "firewall_profile", profiles="any", enabled=True, default_inbound_action="block")
OLD = {"telnet": "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=23|Name=telnet|",
       "WEB": "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=80|Name=web|",
       "CoreNet-DNS-Out-UDP": "v2.0|Action=Allow|Active=TRUE|Dir=Out|Protocol=17|RPort=53|Name=@FirewallAPI.dll,-25405|LSM=TRUE|"}


def desired() -> Desired:
    return want(RDP, WEB, TELNET, PROFILES)


def writes_in(host: FakeHost) -> list[Batch]:
    return [b for b in host.batches if b.stop]


def kind_of(result: HostResult) -> str:
    assert isinstance(result.error, HostError)
    return result.error.kind


# ---- the road

def test_a_plan_only_reads() -> None:
    host = FakeHost(OLD)
    result = plan(host.job(desired()), KINDS)
    assert [(c.action, c.id.name) for c in result.changes] == [
        ("create", "rdp"), ("update", "web"), ("update", "domain"), ("update", "private"), ("update", "public"),
        ("remove", "telnet")]
    assert (result.status, result.exit_code, result.trips, result.declared, result.made) == ("differs", 2, 1, 6, 0)
    assert host.writes == []
    assert host.rules == OLD


def test_apply_makes_it_so_and_proves_it() -> None:
    host = FakeHost(OLD)
    result = apply(host.job(desired()), KINDS)
    assert (result.status, result.exit_code, result.error, result.residue, result.made) == ("changed", 0, None, (), 6)
    assert [b.stop for b in host.batches] == [False, True, False]
    assert result.trips == 3
    assert declared_calls(host.batches) == [
        ("New-NetFirewallRule", "rdp"), ("Set-NetFirewallRule", "WEB"), ("Set-NetFirewallProfile", "Domain"),
        ("Set-NetFirewallProfile", "Private"), ("Set-NetFirewallProfile", "Public"), ("Remove-NetFirewallRule", "telnet")]
    assert set(host.rules) == {"rdp", "WEB", "CoreNet-DNS-Out-UDP"}


def test_a_second_apply_has_nothing_to_do() -> None:
    host = FakeHost(OLD)
    apply(host.job(desired()), KINDS)
    before = len(host.batches)
    result = apply(host.job(desired()), KINDS)
    assert (result.status, result.changes, result.trips, len(host.batches) - before) == ("in sync", (), 1, 1)


def test_drift_is_found_and_repaired() -> None:
    host = FakeHost(OLD)
    apply(host.job(desired()), KINDS)
    host.rules["rdp"] = host.rules["rdp"].replace("RA4=10.1.4.0/255.255.255.240|", "RA4=0.0.0.0/0.0.0.0|")
    (change,) = plan(host.job(desired()), KINDS).changes
    assert change.properties() == {"remote_address": (("0.0.0.0/0", "LocalSubnet"), ("10.1.4.0/28", "LocalSubnet"))}
    assert apply(host.job(desired()), KINDS).status == "changed"
    assert plan(host.job(desired()), KINDS).status == "in sync"


def test_declarations_that_are_made_when_it_is_the_hosts_turn() -> None:
    host, made = FakeHost(OLD), list[int]()

    def make() -> Desired:
        made.append(1)
        return desired()

    assert apply(host.job(Later(6, make)), KINDS).status == "changed"
    assert apply(host.job(Later(6, make)), KINDS).status == "in sync"
    assert len(made) == 2
    host.before = breaks(lambda b: True, Unreachable("refused"))
    assert plan(host.job(Later(6, make)), KINDS).declared == 6


def test_nothing_declared_is_nothing_to_do() -> None:
    host = FakeHost(OLD)
    assert apply(host.job({}), KINDS).status == "in sync"
    assert host.rules == OLD


def test_names_and_aliases_are_bound_in_the_one_read() -> None:
    host = FakeHost(accounts={"corp\\admins": "S-1-5-21-1-2-3-512"})
    job = host.job(want(at(1, name="r", interface_alias="Ethernet", local_user="CORP\\Admins")))
    assert apply(job, KINDS).trips == 3
    assert f"IF={GUID}|" in host.rules["r"]
    assert "LUAuth=D:(A;;CC;;;S-1-5-21-1-2-3-512)|" in host.rules["r"]
    assert apply(job, KINDS).status == "in sync"


# ---- what depends on the host

def test_declarations_that_facts_decide() -> None:
    host = FakeHost()

    def render(facts: Facts) -> tuple[Desired, list[Diagnostic]]:
        return want(RDP, *([WEB] if facts.build >= 20348 else [])), []

    assert len(plan(host.job(want(RDP), render=render), KINDS).changes) == 2
    host.facts["os"] = {"build": 17763}
    assert len(plan(host.job(want(RDP), render=render), KINDS).changes) == 1


def test_accounts_that_only_the_facts_bring_up_are_asked_for_once_more() -> None:
    host = FakeHost(accounts={"corp\\a": "S-1-5-21-1", "srv1\\b": "S-1-5-21-2"})
    first = at(1, name="a", local_user="CORP\\a")

    def render(facts: Facts) -> tuple[Desired, list[Diagnostic]]:
        return want(first, at(5, name="b", local_user=f"{facts.computer}\\b")), []

    result = apply(host.job(want(first), render=render), KINDS)
    assert (result.status, result.trips) == ("changed", 4)
    assert [c.args["names"] for b in host.batches for c in b.calls if c.verb == "Account.Resolve"] == [["CORP\\a"], ["SRV1\\b"],
                                                                                                       []]
    assert apply(host.job(want(first), render=render), KINDS).status == "in sync"


def test_mistakes_that_only_the_host_shows_stop_before_anything_is_written() -> None:
    host = FakeHost()
    result = apply(host.job(want(at(1, name="r", interface_alias="Wi-Fi"), at(5, name="s", local_user="CORP\\nobody"))), KINDS)
    assert (result.status, result.exit_code, result.changes) == ("invalid", 1, ())
    assert [(d.where, d.host) for d in result.diagnostics] == [(Where("play.yml", 3), "srv1"), (Where("play.yml", 7), "srv1")]
    assert host.writes == []


def test_mistakes_of_rendering_on_the_host_stop_too() -> None:
    host = FakeHost()
    mistake = Diagnostic(Where("play.yml", 4), "undefined variable")
    result = apply(host.job({}, render=lambda facts: (want(RDP), [mistake])), KINDS)
    assert (result.status, host.writes) == ("invalid", [])
    assert result.diagnostics[0].summary == "undefined variable"


def test_a_warning_stops_nothing() -> None:
    host = FakeHost()
    result = apply(host.job({}, render=lambda facts: (want(RDP), [Diagnostic(Where("play.yml"), "hm", severity="warning")])),
                   KINDS)
    assert (result.status, len(result.diagnostics)) == ("changed", 1)


# ---- what fails

def test_a_host_that_differs_after_the_change_has_failed() -> None:
    host = FakeHost(OLD)
    host.after_write = lambda: host.rules.update(telnet=OLD["telnet"])  # something puts it back
    result = apply(host.job(desired()), KINDS)
    assert (result.status, result.exit_code, kind_of(result)) == ("failed", HOSTS_FAILED, "residue")
    assert [str(c.id) for c in result.residue] == ["firewall_rule telnet"]
    assert "firewall_rule telnet" in str(result.error)
    assert result.made == 6


@pytest.mark.parametrize(("failure", "kind"), [
    (Failure("InvalidArgument", "HRESULT 0x80070057", "The port is invalid.", 87), "changed"),
    (Failure("PermissionDenied", "Windows System Error 5", "Access is denied.", 5), "authorization")])
def test_a_refusal_in_the_middle_ends_the_batch(failure: Failure, kind: str) -> None:
    host = FakeHost(OLD)
    host.refuse = {"WEB": failure}
    result = apply(host.job(desired()), KINDS)
    assert (result.status, kind_of(result), result.made) == ("failed", kind, 1)
    assert f"update firewall_rule web: {failure.message}" in str(result.error)
    assert "rdp" in host.rules
    assert "telnet" in host.rules
    assert len(host.batches) == 2
    assert len(result.changes) == 6


def breaks(on: Callable[[Batch], bool], error: RingfenceError) -> Callable[[Batch], Reply | None]:
    def before(batch: Batch) -> Reply | None:
        if on(batch):
            raise error
        return None

    return before


def test_a_host_that_cannot_be_reached() -> None:
    host = FakeHost()
    host.before = breaks(lambda b: True, Unreachable("refused", "10.0.0.1:5985"))
    result = apply(host.job(desired()), KINDS)
    assert (result.status, result.exit_code, result.changes, result.declared) == ("unreachable", UNREACHABLE, (), 6)
    assert "10.0.0.1:5985" in str(result.error)


def test_a_host_that_cannot_be_reached_for_the_proof_was_changed_all_the_same() -> None:
    host = FakeHost(OLD)
    host.before = breaks(lambda b: bool(writes_in(host)) and not b.stop, Unreachable("timeout"))
    result = apply(host.job(desired()), KINDS)
    assert (result.status, result.made, len(result.changes), result.trips) == ("unreachable", 6, 6, 3)


def test_a_connection_that_breaks_while_it_writes() -> None:
    """What was to be changed is known; what was, is not."""
    host = FakeHost(OLD)
    host.before = breaks(lambda b: b.stop, HostError("lost"))
    result = apply(host.job(desired()), KINDS)
    assert (result.status, kind_of(result), result.made, len(result.changes)) == ("failed", "lost", 0, 6)


@pytest.mark.parametrize(("facts", "kind", "words"), [
    ({"elevated": False}, "elevation", "not elevated"),
    ({"services": {"mpssvc": "stopped", "BFE": "running"}}, "service", "mpssvc is stopped"),
    ({"services": {"mpssvc": "Running", "BFE": "start_pending"}}, "service", "BFE is start_pending"),
])
def test_a_host_that_cannot_be_written_is_planned_but_not_touched(facts: dict[str, Any], kind: str, words: str) -> None:
    host = FakeHost(OLD, **facts)
    assert plan(host.job(desired()), KINDS).status == "differs"
    result = apply(host.job(desired()), KINDS)
    assert (result.status, kind_of(result), result.made) == ("failed", kind, 0)
    assert words in str(result.error)
    assert host.rules == OLD
    assert len(result.changes) == 6


@pytest.mark.parametrize("facts", [{"elevated": None}, {"services": {}}, {"services": {"mpssvc": None, "BFE": None}},
                                   {"services": None}])
def test_what_a_host_did_not_say_does_not_stop_it(facts: dict[str, Any]) -> None:
    assert apply(FakeHost(OLD, **facts).job(desired()), KINDS).status == "changed"


def test_a_host_in_sync_needs_no_rights_to_write() -> None:
    host = FakeHost()
    apply(host.job(desired()), KINDS)
    host.facts["elevated"] = False
    assert apply(host.job(desired()), KINDS).status == "in sync"


def test_a_change_that_would_lose_something_is_refused() -> None:
    host = FakeHost({"web": OLD["WEB"] + "PFN=App_1|"})
    result = apply(host.job(want(WEB)), KINDS)
    assert (result.status, result.exit_code, result.made) == ("refused", REFUSED, 0)
    assert len(result.changes) == 1
    assert writes_in(host) == []


def test_a_plan_that_no_longer_fits_is_stale() -> None:
    host = FakeHost(OLD)
    result = apply(host.job(desired()), KINDS, lambda changes: f"{len(changes)} changes are not 5")
    assert (result.status, result.exit_code) == ("stale", STALE)
    assert "6 changes are not 5" in str(result.error)
    assert host.rules == OLD


def test_a_read_that_fails_is_the_hosts_failure() -> None:
    host = FakeHost()
    denied = Failure("PermissionDenied", "", "Requested registry access is not allowed.")
    host.before = lambda b: Reply((Answer({}), Answer(error=denied), Answer({})))
    result = plan(host.job(desired()), KINDS)
    assert (result.status, kind_of(result)) == ("failed", "script")
    assert "registry access" in str(result.error)


@pytest.mark.parametrize("answers", [(None, None, None), ([], [], []), ("x", "y", "z"), (1, 2, 3),
                                     ({"interfaces": [3]}, {"local": [[1]]}, {"a": 1})])
def test_odd_answers_are_an_empty_host(answers: tuple[Any, ...]) -> None:
    host = FakeHost()
    host.before = lambda b: Reply(tuple(Answer(a) for a in answers))
    assert [c.action for c in plan(host.job(want(RDP)), KINDS).changes] == ["create"]


# ---- in force

def test_what_is_configured_but_not_in_force_is_told() -> None:
    host = FakeHost()
    host.enforcement = {"rdp": {"enforcement": ["LocalFirewallRulesDisallowed"]}, "web": {"enforcement": ["InactiveProfile"]}}
    result = apply(host.job(want(RDP, WEB)), KINDS)
    assert result.status == "changed"
    assert [(d.summary, d.severity) for d in result.diagnostics] == [
        ("rdp is configured but not in force: LocalFirewallRulesDisallowed", "warning")]


@pytest.mark.parametrize("said", [None, 5, "x", {"enforcement": 5}, {"enforcement": "Full"}, {"enforcement": None}, {}])
def test_odd_answers_about_enforcement_are_no_news(said: Any) -> None:
    host = FakeHost()
    host.enforcement = {"rdp": said}
    result = apply(host.job(want(RDP)), KINDS)
    assert (result.status, result.diagnostics) == ("changed", ())


def test_only_changed_objects_that_are_there_are_asked_about() -> None:
    host = FakeHost(OLD)
    apply(host.job(desired()), KINDS)
    asked = [c.args for c in host.batches[-1].calls if c.verb == "Enforcement.Read"]
    assert asked == [{"kind": "NetFirewallRule", "names": ["rdp", "WEB"]}]


def test_one_connection_object_a_new_session_each_time() -> None:
    """`connect` makes the transport once; the transport opens a connection for each batch."""
    host = FakeHost(OLD)
    apply(host.job(desired()), KINDS)
    assert host.connections == 1
    assert len({b.run for b in host.batches}) == len({b.key for b in host.batches}) == 3


def test_what_windows_wrote_stays_as_it_was() -> None:
    host = FakeHost(OLD)
    apply(host.job(desired()), KINDS)
    assert host.rules["CoreNet-DNS-Out-UDP"] == OLD["CoreNet-DNS-Out-UDP"]
    assert RULE.read_string("WEB", host.rules["WEB"]).name == "WEB"
