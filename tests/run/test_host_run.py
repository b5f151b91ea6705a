"""One host from what is declared to a proven state: read, plan, write, proof, on a simulated host."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from core import GUID, RULE, at, declared
from hosts import LabHost

from ringfence.batch import Answer, Batch, Call, Failure, Reply
from ringfence.batch.scripts import script, script_for, script_named
from ringfence.diagnostics import Diagnostic, Where
from ringfence.errors import ExitCode, HostError, RingfenceError, Unreachable
from ringfence.formats.approval import Approval
from ringfence.lab import GROUP_POLICY, machine
from ringfence.model.declaration import Declarations
from ringfence.model.facts import Facts
from ringfence.model.state import Change, id_of
from ringfence.report import HostResult
from ringfence.run.host import HostRun, apply_host, plan_host
from ringfence.run.host_job import HostJob
from ringfence.run.ledger_update import LedgerUpdate
from ringfence.run.questions import CONTROLLERS, INTERFACES, MANAGEMENT, WHOSE_SESSION
from ringfence.run.writing import Writing

RDP = at(1, name="rdp", protocol="tcp", local_port=3389, remote_address=["10.1.4.0/28", "LocalSubnet"])
WEB = at(10, name="web", protocol="tcp", local_port=[80, 443], profile="domain")
TELNET = at(20, name="Telnet", state="absent")
PROFILES = at(30, "firewall_profile", profiles="any", enabled=True, default_inbound_action="block")
OLD = {"telnet": "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=23|Name=telnet|",
       "WEB": "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=80|Name=web|",
       "CoreNet-DNS-Out-UDP": "v2.0|Action=Allow|Active=TRUE|Dir=Out|Protocol=17|RPort=53|Name=@FirewallAPI.dll,-25405|LSM=TRUE|"}


POLICY = (RDP, WEB, TELNET, PROFILES)


def writes_in(host: LabHost) -> list[Batch]:
    return [b for b in host.batches if b.stop_on_error]


def kind_of(result: HostResult) -> str:
    assert isinstance(result.error, HostError)
    return result.error.kind


# ---- the road

def test_a_plan_only_reads() -> None:
    host = LabHost(OLD)
    result = host.plan(*POLICY)
    assert [(c.action, c.id.name) for c in result.changes] == [
        ("create", "rdp"), ("update", "web"), ("update", "domain"), ("update", "private"), ("update", "public"),
        ("remove", "telnet")]
    assert (result.status, result.exit_code, result.connections, result.declared, result.written) == (
        "differs",
        2,
        2,
        6,
        frozenset(),
    )
    assert host.cmdlets == []
    assert host.rules == OLD


def test_apply_makes_it_so_and_proves_it() -> None:
    host = LabHost(OLD)
    result = host.apply(*POLICY)
    assert (result.status, result.exit_code, result.error, result.remaining, len(result.written)) == ("changed", 0, None, (), 6)
    assert [b.stop_on_error for b in host.batches] == [False, False, True, False]
    assert result.connections == 4
    assert host.cmdlets == [
        ("New-NetFirewallRule", "rdp"), ("Set-NetFirewallRule", "WEB"), ("Set-NetFirewallProfile", "Domain"),
        ("Set-NetFirewallProfile", "Private"), ("Set-NetFirewallProfile", "Public"), ("Remove-NetFirewallRule", "telnet")]
    assert set(host.rules) == {"rdp", "WEB", "CoreNet-DNS-Out-UDP"}


def test_only_the_batch_that_writes_carries_the_writer() -> None:
    host = LabHost(OLD)
    host.apply(*POLICY)
    assert [batch.script for batch in host.batches] == [
        script(), script_for(["Management.Read"]), script(writes=True), script_named("auditor")]


def test_what_the_host_could_not_read_is_a_warning() -> None:
    host = LabHost(OLD, unread=[{"fact": "interfaces", "why": "one adapter is broken"}])
    result = host.plan(*POLICY)
    assert [(d.severity, d.summary, d.host) for d in result.diagnostics if "is cut off" not in d.summary] == [
        ("warning", "interfaces could not be read: one adapter is broken", "srv1")]
    assert result.status == "differs"


def test_a_second_apply_has_nothing_to_do() -> None:
    host = LabHost(OLD)
    host.apply(*POLICY)
    before = len(host.batches)
    result = host.apply(*POLICY)
    assert (result.status, result.changes, result.connections, len(host.batches) - before) == ("in_sync", (), 1, 1)


def test_drift_is_found_and_repaired() -> None:
    host = LabHost(OLD)
    host.apply(*POLICY)
    host.put("rdp", host.rules["rdp"].replace("RA4=10.1.4.0/255.255.255.240|", "RA4=0.0.0.0/0.0.0.0|"))
    (change,) = host.plan(*POLICY).changes
    assert change.properties() == {"remote_address": (("LocalSubnet", "0.0.0.0-255.255.255.255"), ("LocalSubnet", "10.1.4.0/28"))}
    assert host.apply(*POLICY).status == "changed"
    assert host.plan(*POLICY).status == "in_sync"


def test_declarations_that_are_made_when_it_is_the_hosts_turn() -> None:
    host, made = LabHost(OLD), list[str]()

    def declare(name: str, facts: Facts | None) -> tuple[Declarations, list[Diagnostic]]:
        made.append(name)
        return declared(*POLICY), []

    job, context = HostJob("srv1", host.job({}).settings, None, 6), replace(host.context(), declare=declare)
    assert apply_host(job, context).status == "changed"
    assert apply_host(job, context).status == "in_sync"
    assert made == ["srv1", "srv1"]
    host.before = breaks(lambda b: True, Unreachable("connection_refused"))
    assert plan_host(job, context).declared == 6


def test_nothing_declared_is_nothing_to_do() -> None:
    host = LabHost(OLD)
    assert host.apply().status == "in_sync"
    assert host.rules == OLD


def test_names_and_aliases_are_bound_in_the_one_read() -> None:
    host = LabHost({}, accounts={"CORP\\Admins": "S-1-5-21-1-2-3-512"})
    policy = at(1, name="r", interface_alias="Ethernet", local_user="CORP\\Admins", remote_address="10.0.0.1")
    assert host.apply(policy).connections == 3
    assert f"IF={GUID}|" in host.rules["r"]
    assert "LUAuth=D:(A;;CC;;;S-1-5-21-1-2-3-512)|" in host.rules["r"]
    assert host.apply(policy).status == "in_sync"


def test_interfaces_are_asked_for_where_something_needs_them_and_not_in_the_proof() -> None:
    host = LabHost({})
    assert host.apply(RDP).status == "changed"
    assert host.verbs("Interfaces.Read") == []
    assert host.batches[0].script == script_named("reader")
    assert host.apply(at(1, name="r", interface_alias="Ethernet")).status == "changed"
    assert len(host.verbs("Interfaces.Read")) == 1
    host.plan(declare=lambda facts: (declared(RDP), []))
    assert (len(host.verbs("Interfaces.Read")), len(host.verbs("Management.Read"))) == (2, 1)
    offered = [{"key_exchange": "dh14", "encryption": "aes256", "hash": "sha256"}]
    assert host.apply(at(2, "ipsec_main_mode_crypto_set", name="s", proposal=offered)).status == "changed"
    assert len(host.verbs("Interfaces.Read")) == 2


def test_interfaces_that_nobody_declared_go_by_alias_too() -> None:
    """A change may have an interface that was found, not named: its alias is asked for before it is written."""
    host = LabHost({"r": f"v2.31|Action=Allow|Active=TRUE|Dir=In|IF={GUID}|Name=r|"})
    run = HostRun(host.job({}), host.context())
    plan, result = run.planned()
    found = plan.found.state.by_kind("firewall_rule")["r"]
    wanted = replace(plan, changes=(Change(id_of(found), None, found.kind.create("copy", found.values())),))
    assert Writing(run, wanted, result, LedgerUpdate()).aliases() == {i.guid: i.alias for i in host.machine.interfaces}
    assert Writing(run, replace(plan, changes=()), result, LedgerUpdate()).aliases() == {}
    assert len(host.verbs("Interfaces.Read")) == 1


def test_english_names_of_well_known_accounts_on_a_host_of_another_language() -> None:
    host = LabHost({}, on=machine("srv1", language="de"))
    policy = at(1, name="r", authentication="required", remote_user=["BUILTIN\\Administrators", "NT AUTHORITY\\SYSTEM"])
    assert host.apply(policy).status == "changed"
    assert "RUAuth=D:(A;;CC;;;S-1-5-18)(A;;CC;;;S-1-5-32-544)|" in host.rules["r"]
    assert host.plan(policy).status == "in_sync"
    assert host.verbs("Account.Resolve") == []
    by_its_name = at(1, name="r", authentication="required", remote_user=["VORDEFINIERT\\Administratoren", "S-1-5-18"])
    assert host.plan(by_its_name).status == "in_sync"


def test_what_a_host_has_beside_what_is_declared_is_counted() -> None:
    """Not what is another's to say, nor what nobody could remove."""
    host = LabHost(OLD)
    host.machine.registry.set(rf"{GROUP_POLICY}\FirewallRules", "theirs", OLD["WEB"])
    assert host.plan(WEB).undeclared == 2
    assert host.plan(*POLICY).undeclared == 1


def test_which_machine_it_is_without_a_ledger_that_could_be_read() -> None:
    host = LabHost({}, on=machine("SRV1", domain="CORP.example"))
    guid, *rest = host.plan(RDP).machine.split("|")
    assert (bool(guid), rest) == (True, ["srv1", "corp.example"])
    host.machine.faults.denied_keys = (r"SOFTWARE\ringfence",)
    assert host.plan(RDP).machine == "|srv1|corp.example"
    host = LabHost({})
    host.machine.faults.denied_keys = (r"SOFTWARE\ringfence",)
    assert host.plan(RDP).machine == "|srv1|"


# ---- what depends on the host

def test_what_a_host_says_of_itself_is_kept_where_somebody_wants_it() -> None:
    host = LabHost({})
    assert host.plan(RDP).facts == {}
    kept = plan_host(host.job(declared(RDP)), replace(host.context(), keeps_facts=True)).facts
    assert kept["computer"] == host.machine.name


def test_what_templates_have_asked_for_the_guard_does_not_ask_again() -> None:
    host = LabHost()
    closes = at(1, name="closes", action="block", protocol="tcp", local_port=9999)
    told = host.plan(closes, declare=lambda facts: (declared(closes), []))
    assert (len(told.changes), told.connections) == (1, 1)
    assert [len(host.verbs(verb)) for verb in (INTERFACES, MANAGEMENT)] == [1, 1]
    assert host.plan(closes).changes
    assert [len(host.verbs(verb)) for verb in (INTERFACES, MANAGEMENT)] == [2, 2]
    assert [host.verbs(verb) for verb in (CONTROLLERS, WHOSE_SESSION)] == [[], []]  # of no domain, and closed to everybody


def test_declarations_that_facts_decide() -> None:
    host = LabHost({})

    def declare(facts: Facts) -> tuple[Declarations, list[Diagnostic]]:
        return declared(RDP, *([WEB] if facts.build >= 20348 else [])), []

    assert len(host.plan(RDP, declare=declare).changes) == 2
    host.facts["os"] = {"build": 17763}
    assert len(host.plan(RDP, declare=declare).changes) == 1


def test_accounts_that_only_the_facts_bring_up_are_asked_for_once_more() -> None:
    host = LabHost({}, accounts={"CORP\\a": "S-1-5-21-1", "SRV1\\b": "S-1-5-21-2"})
    first = at(1, name="a", local_user="CORP\\a", remote_address="10.0.0.1")

    def declare(facts: Facts) -> tuple[Declarations, list[Diagnostic]]:
        return declared(first, at(5, name="b", local_user=f"{facts.computer}\\b", remote_address="10.0.0.1")), []

    result = host.apply(first, declare=declare)
    assert (result.status, result.connections) == ("changed", 4)
    assert [a["names"] for a in host.verbs("Account.Resolve")] == [["CORP\\a"], ["SRV1\\b"]]
    assert host.apply(first, declare=declare).status == "in_sync"


def test_mistakes_that_only_the_host_shows_stop_before_anything_is_written() -> None:
    host = LabHost({})
    result = host.apply(at(1, name="r", interface_alias="Wi-Fi", remote_address="10.0.0.1"),
                        at(5, name="s", local_user="CORP\\nobody", remote_address="10.0.0.1"))
    assert (result.status, result.exit_code, result.changes) == ("invalid", 1, ())
    assert [(d.where, d.host) for d in result.diagnostics] == [(Where("play.yml", 3), "srv1"), (Where("play.yml", 7), "srv1")]
    assert host.cmdlets == []


def test_mistakes_of_rendering_on_the_host_stop_too() -> None:
    host = LabHost({})
    mistake = Diagnostic(Where("play.yml", 4), "undefined variable")
    result = host.apply(declare=lambda facts: (declared(RDP), [mistake]))
    assert (result.status, host.cmdlets) == ("invalid", [])
    assert result.diagnostics[0].summary == "undefined variable"


def test_where_not_all_is_known_that_is_declared_the_ledger_forgets_nothing() -> None:
    host = LabHost({"r": OLD["WEB"]})
    mistake = Diagnostic(Where("play.yml", 4), "undefined variable")
    context = replace(host.context(lambda facts: ({}, [mistake])), possible=lambda name, facts: frozenset())
    host.remove("r")
    assert host.entry("r")
    assert apply_host(host.job({}, needs_facts=True), context).status == "invalid"
    assert host.entry("r")


def test_a_warning_stops_nothing() -> None:
    warning = Diagnostic(Where("play.yml"), "hm", severity="warning")
    result = LabHost({}).apply(declare=lambda facts: (declared(RDP), [warning]))
    assert (result.status, len(result.diagnostics)) == ("changed", 1)


# ---- what fails

def test_a_host_that_differs_after_the_change_has_failed() -> None:
    host = LabHost(OLD)
    host.after_write = lambda: host.put("telnet", OLD["telnet"])  # something puts it back
    result = host.apply(*POLICY)
    assert (result.status, result.exit_code, kind_of(result)) == ("failed", ExitCode.HOST_FAILED, "not_converged")
    assert [str(c.id) for c in result.remaining] == ["firewall_rule telnet"]
    assert "firewall_rule telnet" in str(result.error)
    assert len(result.written) == 6
    assert {id.name for id in result.written - result.proven} == {"telnet"}


def test_a_declared_rule_that_breaks_during_the_change_is_no_success() -> None:
    """The proof is of everything that is declared, not of what was changed alone."""
    host = LabHost(OLD)
    host.apply(WEB)
    host.after_write = lambda: host.put("WEB", OLD["WEB"])
    result = host.apply(*POLICY)
    assert "web" not in [c.id.name for c in result.changes]
    assert (result.status, kind_of(result), [c.id.name for c in result.remaining]) == ("failed", "not_converged", ["web"])


@pytest.mark.parametrize(("failure", "kind"), [
    (Failure("InvalidArgument", "HRESULT 0x80070057", "The port is invalid.", 87), "change_rejected"),
    (Failure("PermissionDenied", "Windows System Error 5", "Access is denied.", 5), "authorization")])
def test_a_refusal_in_the_middle_ends_the_batch(failure: Failure, kind: str) -> None:
    host = LabHost(OLD)
    host.refuse = {"WEB": failure}
    result = host.apply(*POLICY)
    assert (result.status, kind_of(result), [id.name for id in result.written]) == ("failed", kind, ["rdp"])
    assert f"update firewall_rule WEB: {failure.message}" in str(result.error)
    assert "rdp" in host.rules
    assert "telnet" in host.rules
    assert len(host.batches) == 3
    assert len(result.changes) == 6


def breaks(on: Callable[[Batch], bool], error: RingfenceError) -> Callable[[Batch], Reply | None]:
    def before(batch: Batch) -> Reply | None:
        if on(batch):
            raise error
        return None

    return before


def test_a_host_that_cannot_be_reached() -> None:
    host = LabHost({})
    host.before = breaks(lambda b: True, Unreachable("connection_refused", "10.0.0.1:5985"))
    result = host.apply(*POLICY)
    assert (result.status, result.exit_code, result.changes, result.declared) == ("unreachable", ExitCode.UNREACHABLE, (), 6)
    assert "10.0.0.1:5985" in str(result.error)


def test_a_host_that_cannot_be_reached_for_the_proof_was_changed_all_the_same() -> None:
    host = LabHost(OLD)
    host.before = breaks(lambda b: bool(writes_in(host)) and not b.stop_on_error, Unreachable("timeout"))
    result = host.apply(*POLICY)
    assert (result.status, len(result.written), len(result.changes), result.connections) == ("lost", 6, 6, 4)
    assert "Remove-NetFirewallRule -Name rdp" in result.way_back


def test_a_connection_that_breaks_while_it_writes() -> None:
    """What was to be changed is known; what was, is not."""
    host = LabHost(OLD)
    host.before = breaks(lambda b: b.stop_on_error, HostError("connection_lost"))
    result = host.apply(*POLICY)
    assert (result.status, kind_of(result), len(result.written), len(result.changes)) == ("unknown", "connection_lost", 0, 6)


@pytest.mark.parametrize(("facts", "kind", "words"), [
    ({"elevated": False}, "elevation", "not elevated"),
    ({"services": {"mpssvc": "stopped", "BFE": "running"}}, "service", "mpssvc is stopped"),
    ({"services": {"mpssvc": "Running", "BFE": "start_pending"}}, "service", "BFE is start_pending"),
])
def test_a_host_that_cannot_be_written_is_planned_but_not_touched(facts: dict[str, Any], kind: str, words: str) -> None:
    host = LabHost(OLD, **facts)
    assert host.plan(*POLICY).status == "differs"
    result = host.apply(*POLICY)
    assert (result.status, kind_of(result), result.written) == ("failed", kind, frozenset())
    assert words in str(result.error)
    assert host.rules == OLD
    assert len(result.changes) == 6


@pytest.mark.parametrize("facts", [{"computer": None}, {"services": {"mpssvc": "running", "BFE": "running"}}, {"domain": None}])
def test_what_a_host_did_not_say_does_not_stop_it(facts: dict[str, Any]) -> None:
    assert LabHost(OLD, **facts).apply(*POLICY).status == "changed"


def test_a_host_in_sync_needs_no_rights_to_write() -> None:
    host = LabHost({})
    host.apply(*POLICY)
    host.facts["elevated"] = False
    assert host.apply(*POLICY).status == "in_sync"


def test_a_change_that_would_lose_something_is_refused() -> None:
    host = LabHost({"web": OLD["WEB"] + "PFN=App_1|"})
    result = host.apply(WEB)
    assert (result.status, result.exit_code, result.written) == ("refused", ExitCode.REFUSED, frozenset())
    assert len(result.changes) == 1
    assert writes_in(host) == []


def test_a_change_that_would_lose_something_is_refused_by_the_plan_too() -> None:
    result = LabHost({"web": OLD["WEB"] + "PFN=App_1|"}).plan(WEB)
    assert (result.status, result.exit_code, len(result.changes)) == ("refused", ExitCode.REFUSED, 1)
    assert "PFN=App_1" in str(result.error)


def test_a_plan_that_no_longer_fits_is_stale() -> None:
    host = LabHost(OLD)
    approval = Approval(host.plan(*POLICY).changes)
    host.put("rdp", OLD["WEB"])
    result = host.apply(*POLICY, approval=approval)
    assert (result.status, result.exit_code) == ("stale", ExitCode.STALE)
    assert "1 change that nobody approved: update firewall_rule rdp (" in str(result.error)
    assert [c.id.name for c in result.changes] == ["rdp"]
    assert host.cmdlets == []


def test_an_answer_belongs_to_its_change_whatever_travels_beside_it() -> None:
    """A call more in the batch changes nothing: answers have labels."""
    host = LabHost(OLD)
    host.refuse = {"telnet": Failure("PermissionDenied", "Windows System Error 5", "Access is denied.", 5)}
    result = host.apply(*POLICY)
    assert kind_of(result) == "authorization"
    assert "remove firewall_rule telnet" in str(result.error)
    assert {id.name for id in result.written} == {"rdp", "web", "domain", "private", "public"}


def test_a_read_that_fails_is_the_hosts_failure() -> None:
    host = LabHost({})
    denied = Failure("PermissionDenied", "", "Requested registry access is not allowed.")
    facts = host.run(Batch({"facts": Call("Facts.Read")})).answers["facts"]
    host.before = lambda b: Reply({"facts": facts, "policy": Answer(error=denied)})
    result = host.plan(*POLICY)
    assert (result.status, kind_of(result)) == ("failed", "script")
    assert "registry access" in str(result.error)


@pytest.mark.parametrize("answers", [(None, None, None), ([], [], []), ("x", "y", "z"), (1, 2, 3),
                                     ({"interfaces": [3]}, {"local": [[1]]}, {"a": 1})])
def test_odd_facts_are_never_an_empty_host(answers: tuple[Any, ...]) -> None:
    host = LabHost({})
    host.before = lambda b: Reply(dict(zip(("facts", "policy", "accounts"), map(Answer, answers), strict=True)))
    result = host.plan(RDP)
    assert (kind_of(result), result.changes) == ("endpoint", ())


# ---- in force

def test_what_is_configured_but_not_in_force_is_told() -> None:
    host = LabHost({})
    host.enforcement = {"rdp": {"enforcement": ["LocalFirewallRulesDisallowed"]}, "web": {"enforcement": ["InactiveProfile"]}}
    result = host.apply(RDP, WEB)
    assert (result.status, result.exit_code, result.error) == ("not_in_force", 2, None)
    [obstacle] = result.obstacles
    assert (obstacle.level, [o.name for o in obstacle.objects]) == ("not_in_force", ["rdp"])
    assert obstacle.reason.text == "Windows does not enforce it: LocalFirewallRulesDisallowed"


@pytest.mark.parametrize(("shown", "text"), [
    ({"source": "Local", "shows": {"Action": "Block"}}, "what is in force there has action: Block"),
    ({"source": "Local", "shows": {"Profile": "Domain, Private"}}, "what is in force there has profile: Domain, Private"),
    ({"source": "GroupPolicy"}, "a policy that cannot be seen here has another rule of that name, which takes its place"),
    ({"source": "Local", "shows": {"Action": "Allow", "Profile": "Any", "Enabled": "True", "Direction": 5}}, ""),
    ({"source": 2, "shows": ["Action"]}, "")])
def test_what_is_in_force_is_what_was_written(shown: dict[str, Any], text: str) -> None:
    host = LabHost({})
    host.enforcement = {"rdp": {"enforcement": ["Enforced"], **shown}}
    result = host.apply(RDP)
    assert [o.reason.text for o in result.obstacles] == [text] * bool(text)
    assert result.status == ("not_in_force" if text else "changed")


def test_what_the_active_store_does_not_have_is_not_in_force() -> None:
    """A value that somebody wrote into the registry: the service has not read it."""
    host = LabHost({})
    host.before = lambda batch: answers_without_enforcement(host, batch)
    result = host.apply(RDP)
    assert [o.reason.text for o in result.obstacles] == ["the policy that is in force does not have it"]
    assert (result.status, result.exit_code) == ("not_in_force", 2)


@pytest.mark.parametrize(("words", "status"), [
    (["Enforced"], "changed"), (["Enforced", "FirewallOffInProfile"], "changed"), (["InactiveProfile"], "changed"),
    (["FirewallOffInProfile", "InactiveProfile"], "not_in_force"), (["CategoryOff"], "not_in_force"), (["Odd"], "not_in_force"),
    (["RemoteAddressResolutionEmpty"], "changed"), (["RemoteAddressResolutionEmpty", "CategoryOff"], "not_in_force")])
def test_words_of_enforcement(words: list[str], status: str) -> None:
    host = LabHost({})
    host.enforcement = {"rdp": {"enforcement": words}}
    assert host.apply(RDP).status == status


def test_a_rule_that_is_switched_off_need_not_be_in_the_active_store() -> None:
    host = LabHost({})
    host.before = lambda batch: answers_without_enforcement(host, batch)
    assert host.apply(at(1, name="off", enabled=False)).status == "changed"


def answers_without_enforcement(host: LabHost, batch: Batch) -> Reply | None:
    asked = {label for label, call in batch.calls.items() if call.verb == "Enforcement.Read"}
    if not asked:
        return None
    rest = replace(batch, calls={label: call for label, call in batch.calls.items() if label not in asked})
    return Reply({**host.run(rest).answers, **{label: Answer({}) for label in asked}})


@pytest.mark.parametrize("said", [None, 5, "x", {"enforcement": 5}, {"enforcement": "Full"}, {"enforcement": None}, {}])
def test_odd_answers_about_enforcement_are_no_news(said: Any) -> None:
    host = LabHost({})
    host.enforcement = {"rdp": said}
    result = host.apply(RDP)
    assert (result.status, result.diagnostics, result.obstacles) == ("changed", (), ())


def test_only_changed_objects_that_are_there_are_asked_about() -> None:
    host = LabHost(OLD)
    host.apply(*POLICY)
    assert host.verbs("Enforcement.Read") == [{"kind": "NetFirewallRule", "names": ["rdp", "WEB"]}]


def test_one_connection_object_a_new_session_each_time() -> None:
    """`connect` makes the transport once; the transport opens a connection for each batch."""
    host = LabHost(OLD)
    host.apply(*POLICY)
    assert host.connections == 1
    assert len({b.run_id for b in host.batches}) == len({b.hmac_key for b in host.batches}) == 4


def test_what_windows_wrote_stays_as_it_was() -> None:
    host = LabHost(OLD)
    host.apply(*POLICY)
    assert host.rules["CoreNet-DNS-Out-UDP"] == OLD["CoreNet-DNS-Out-UDP"]
    assert RULE.read_string("WEB", host.rules["WEB"]).name == "WEB"


def test_a_proof_of_what_no_project_owns_asks_for_no_ledger() -> None:
    host = LabHost(OLD)
    assert host.apply(*POLICY).error is None
    assert len(host.verbs("Policy.Read")) == 2
    assert len(host.verbs("Ledger.Read")) == len(host.verbs("Defaults.Read")) == 1
