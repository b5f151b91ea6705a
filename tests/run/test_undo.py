"""A change that is undone: by cmdlets as long as the host is reached, else by the host itself; and one that is confirmed."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from core import at, task
from hosts import LabHost, stored_policy

from ringfence.batch import Answer, Batch, Call, Failure, Reply
from ringfence.errors import HostError, Unreachable
from ringfence.lab import POLICY, machine
from ringfence.model.undo import UndoState
from ringfence.project.render import RenderedTask
from ringfence.report import HostResult
from ringfence.run.owned_objects import rebuild, retire

RUN = "20261126T115712Z-3f9a1c"
OTHER = Batch({0: Call("Undo.Arm", {"run": "20260101T000000Z-aaaaaa", "project": "", "delay": 400, "write_seconds": 60})})
RDP = at(1, name="rdp", protocol="tcp", local_port=3389)
OLD = at(3, name="old", protocol="tcp", local_port=1433, remote_address="10.0.0.0/8")
WEB = at(2, name="web", protocol="tcp", local_port=443, remote_address="10.0.0.0/8")
RULES = POLICY + r"\FirewallRules"


def armed(rules: dict[str, str] | None = None, **more: object) -> LabHost:
    """A host whose changes are undone after five minutes, unless they are confirmed."""
    host = LabHost(rules, **more)  # type: ignore[arg-type]
    host.policy = replace(host.policy, revert_after=300)
    return host


def undo_of(host: LabHost) -> tuple[str, str, str]:
    """What the host says of its undo: run, state, task."""
    found = host.run(Batch({0: Call("Undo.Read")}))[0]
    return found["run"], found["state"], found["task"] or ""


def reason(result: HostResult) -> str:
    assert isinstance(result.error, HostError)
    return result.error.detail


def files_of(host: LabHost) -> list[str]:
    """The files of undoes."""
    folder = host.machine.environment["ProgramData"] + r"\ringfence"
    return [path for path, _ in host.machine.files.walk() if path.lower().startswith(folder.lower() + "\\")]


def test_what_is_proven_is_confirmed_and_nothing_is_left() -> None:
    host = armed()
    result = host.apply(RDP, WEB)
    assert (result.status, len(result.proven)) == ("changed", 2)
    assert undo_of(host) == (RUN, "confirmed", "")
    assert files_of(host) == []
    assert host.plan(RDP, WEB).status == "in_sync"
    before = stored_policy(host.machine)
    host.machine.clock.advance(7200)
    assert stored_policy(host.machine) == before
    assert host.entry("rdp")["how"] == "created"
    assert "pending" not in host.entry("rdp")


@pytest.mark.parametrize("change", [{"action": "allow"}, {"enabled": False}, {"direction": "outbound"}, {"local_port": 81}])
def test_what_is_renamed_and_changed_is_judged_as_it_is_at_the_end(change: dict[str, object]) -> None:
    host, first = armed(), {"protocol": "tcp", "local_port": 80, "action": "block", "remote_address": "10.0.0.0/8"}
    assert host.apply(task("firewall_rule", {"name": "old", **first})).status == "changed"
    renamed = task("firewall_rule", {"name": "New", **first, **change}, treatment={"renamed_from": "old"})
    result = host.apply(renamed)
    assert (result.status, result.error) == ("changed", None)
    assert host.plan(renamed).status == "in_sync"


def test_nothing_is_said_of_a_host_that_is_going_to_undo_what_it_has() -> None:
    """Not even where nothing is to be changed: the ledger would forget what comes back."""
    host = armed()
    assert host.apply(RDP).status == "changed"
    host.remove("rdp")
    host.run(OTHER)
    assert undo_of(host)[1] == "armed"
    before = host.entry("rdp")
    for tasks in ((), (WEB,)):
        result = host.apply(*tasks)
        assert (result.status, result.written) == ("refused", frozenset())
        assert "the undo of run 20260101T000000Z-aaaaaa is under way here. Wait" in str(result.error)
    for ledger_verb in (retire(host.job({}), host.context(), True), rebuild(host.job({}), host.context(), True)):
        assert ledger_verb.status == "refused"
    assert host.entry("rdp") == before
    assert host.plan().status == "in_sync"
    host.run(Batch({0: Call("Undo.Confirm", {"run": "20260101T000000Z-aaaaaa"})}))
    assert host.apply(WEB).status == "changed"


def test_a_key_without_its_task_is_of_an_undo_that_is_over() -> None:
    """A machine made from an image, say. Whoever may not see tasks takes the key's word."""
    host = armed()
    assert host.apply(RDP).status == "changed"
    host.run(OTHER)
    host.machine.tasks.unregister("\\ringfence\\undo")
    assert undo_of(host)[1] == "armed"
    assert host.apply(RDP).status == "in_sync"
    denied = Answer(error=Failure("PermissionDenied", "ringfence.undo", "who is no administrator sees no task of SYSTEM"))
    host.before = lambda batch: Reply({"Undo.Read": denied}) if [*batch.calls] == ["Undo.Read"] else None
    assert host.apply(RDP).status == "refused"

    def lost(batch: Batch) -> Reply | None:
        if [*batch.calls] == ["Undo.Read"]:
            raise HostError("connection_lost")
        return None

    host.before = lost
    assert host.apply(RDP).status == "refused"


def test_a_change_that_is_refused_takes_back_those_before_it() -> None:
    host = armed(owns=False)
    assert host.apply(OLD).status == "changed"
    before, known = stored_policy(host.machine), host.entry("old")
    host.refuse = {"web": Failure("InvalidArgument", "x", "no")}
    result = host.apply(OLD, RDP, WEB)
    assert result.status == "restored"
    assert "web: no" in reason(result)
    assert stored_policy(host.machine) == before
    assert undo_of(host) == (RUN, "confirmed", "")  # it was undone by cmdlets: no import was needed
    assert (host.entry("rdp"), host.entry("old")) == ({}, known)
    assert host.plan(RDP).status == "differs"


def test_a_first_change_that_is_refused_leaves_nothing() -> None:
    host = armed()
    before = stored_policy(host.machine)
    host.refuse = {"rdp": Failure("InvalidArgument", "x", "no")}
    result = host.apply(RDP)
    assert (result.status, result.written, stored_policy(host.machine) == before) == ("failed", frozenset(), True)
    assert undo_of(host) == (RUN, "confirmed", "")
    host.refuse = {}
    assert not any("never said that it ended" in d.summary for d in host.plan(RDP).diagnostics)


def test_a_change_that_is_not_proven_is_taken_back() -> None:
    host = armed()
    before = stored_policy(host.machine)
    host.after_write = lambda: host.machine.registry.unset(RULES, "rdp")
    result = host.apply(RDP)
    assert result.status == "restored"
    host.after_write = lambda: None
    assert stored_policy(host.machine) == before


NOT_LOADED = {"rdp": {"enforcement": ["Enforced"], "source": "Local", "shows": {"Action": "Block"}}}


def test_what_is_not_in_force_though_the_plan_expected_it_is_taken_back() -> None:
    host = armed()
    before = stored_policy(host.machine)
    host.enforcement = NOT_LOADED
    result = host.apply(RDP, WEB)
    assert (result.status, result.proven, stored_policy(host.machine) == before) == ("restored", frozenset(), True)
    assert reason(result) == ("what was written is not in force, and the plan did not say so: firewall_rule rdp: what is in "
                              "force there has action: Block")


def test_without_an_undo_that_is_told_alone() -> None:
    host = LabHost()
    host.enforcement = NOT_LOADED
    result = host.apply(RDP, WEB)
    assert (result.status, result.error, len(result.proven)) == ("not_in_force", None, 2)


@pytest.mark.parametrize(("declared", "said"), [
    (RDP, {"rdp": {"enforcement": ["InactiveProfile"]}}),
    (at(1, name="rdp", protocol="tcp", local_port=3389, program=r"C:\later.exe"),  # the plan says that nobody looked for it
     {"rdp": {"enforcement": ["ApplicationResolutionEmpty"]}})])
def test_what_the_plan_left_open_stays(declared: RenderedTask, said: dict[str, object]) -> None:
    host = armed()
    host.enforcement = said
    result = host.apply(declared)
    assert (result.error, len(result.proven), undo_of(host)) == (None, 1, (RUN, "confirmed", ""))


def test_what_the_plan_said_is_no_surprise() -> None:
    host = armed()
    for profile in ("DomainProfile", "StandardProfile", "PublicProfile"):
        host.machine.registry.set(rf"{POLICY}\{profile}", "EnableFirewall", 0)
    result = host.apply(RDP)
    assert (result.status, len(result.proven)) == ("not_in_force", 1)


def cut_off(host: LabHost, when: Callable[[Batch], bool], until: Callable[[], bool]) -> None:
    """Nobody reaches the host from a batch on, until something is so."""
    gone = [False]

    def before(batch: Batch) -> Reply | None:
        if gone[0] and not until():
            raise Unreachable("timeout", "srv1")
        gone[0] = gone[0] and not until()
        if when(batch):
            gone[0] = True
            return host.simulated_reply(batch)
        return None

    host.before = before


def writes(batch: Batch) -> bool:
    return any(call.verb == "Undo.Arm" for call in batch.calls.values())


def test_a_host_that_is_cut_off_comes_back_as_it_was() -> None:
    """What the lab is for: nobody reaches it until it has imported what it had, twice."""
    host = armed()
    before = stored_policy(host.machine)
    cut_off(host, writes, lambda: "rdp" not in {n.lower() for n in host.rules})
    result = host.apply(RDP, WEB)
    assert result.status == "restored"
    assert any("imported its whole policy as it was when the run began" in d.summary for d in result.diagnostics)
    assert stored_policy(host.machine) == before
    assert undo_of(host) == (RUN, "restored", "")
    assert 300 < host.patience.waited < 700


def test_a_host_that_comes_back_in_time_is_proven() -> None:
    host = armed()
    since = host.machine.clock.now()
    cut_off(host, writes, lambda: host.machine.clock.now() > since + 60)
    result = host.apply(RDP, WEB)
    assert (result.status, len(result.proven)) == ("changed", 2)
    assert undo_of(host) == (RUN, "confirmed", "")


def test_a_host_that_never_comes_back_is_lost() -> None:
    host = armed()
    cut_off(host, writes, lambda: False)
    result = host.apply(RDP)
    assert result.status == "lost"
    assert result.way_back
    assert any("the undo of this run was armed" in d.summary for d in result.diagnostics)


@pytest.mark.parametrize("label", ["rdp", "web"])
def test_a_reply_that_is_lost_is_found_out(label: str) -> None:
    """The host made all of it: it is proven. It made a part: it is undone, by the host, which may be writing still."""
    host = armed()
    before = stored_policy(host.machine)

    def lost(batch: Batch) -> Reply | None:
        if not writes(batch):
            return None
        calls = {of: c for of, c in batch.calls.items() if label == "web" or getattr(of, "name", "") != "web"}
        host.simulated_reply(replace(batch, calls=calls))
        raise HostError("connection_lost", "srv1")

    host.before = lost
    result = host.apply(RDP, WEB)
    assert result.status == ("changed" if label == "web" else "restored")
    assert (stored_policy(host.machine) == before) is (label == "rdp")
    assert undo_of(host) == (RUN, "confirmed" if label == "web" else "restored", "")


def test_a_confirmation_whose_answer_is_lost_is_read() -> None:
    host, lost = armed(), [True]

    def once(batch: Batch) -> Reply | None:
        if lost[0] and any(call.verb == "Undo.Confirm" for call in batch.calls.values()):
            lost[0] = False
            host.simulated_reply(batch)
            raise HostError("connection_lost", "srv1")
        return None

    host.before = once
    result = host.apply(RDP)
    assert (result.status, undo_of(host)) == ("changed", (RUN, "confirmed", ""))
    assert "pending" not in host.entry("rdp")


def test_what_cannot_be_armed_is_refused_before_anything_is_written() -> None:
    host = armed()
    before = stored_policy(host.machine)
    host.machine.faults.export_fails = 9
    result = host.apply(RDP)
    assert result.status == "refused"
    assert "could not undo the change by itself" in str(result.error)
    assert not any("could not be taken back" in d.summary for d in result.diagnostics)
    assert stored_policy(host.machine) == before
    host.policy = replace(host.policy, forced=host.policy.forced | {"undo"})
    assert host.apply(RDP).status == "changed"


def test_of_two_runs_the_second_is_told() -> None:
    host = armed()
    host.run(OTHER)
    result = host.apply(RDP)
    assert result.status == "refused"
    assert any("never came back" in d.summary for d in result.diagnostics)
    host.policy = replace(host.policy, revert_after=0)
    without = host.apply(RDP)  # without an undo of its own it does not write under another's either
    assert without.status == "refused"
    for told in (result, without):
        assert "the undo of run 20260101T000000Z-aaaaaa is under way here. Wait for its end" in str(told.error)


def test_of_two_runs_one_arms_while_the_other_writes() -> None:
    host = LabHost()

    def between(number: int, verb: str) -> None:
        if verb == "Net.Call":
            host.machine.faults.after_call = None
            host.simulated_reply(OTHER)

    host.machine.faults.after_call = between
    result = host.apply(RDP, WEB)
    error = result.error
    assert isinstance(error, HostError)
    assert (result.status, len(result.written), error.kind) == ("failed", 1, "changed_meanwhile")
    assert "the undo of run 20260101T000000Z-aaaaaa is under way here. Nothing after this change was written" in str(error)
    host.machine.clock.advance(900)
    assert [name in host.rules for name in ("rdp", "web")] == [True, False]  # it was there when the other exported


def test_what_netsh_does_not_export_is_not_changed_beside_what_it_does() -> None:
    host = armed()
    dosp = at(2, "ipsec_dosp_setting", name="edge", public_interface_aliases=["Ethernet"],
              private_interface_aliases=["Ethernet 2"])
    refused = host.plan(RDP, dosp)
    assert refused.status == "refused"
    assert "could not undo ipsec_dosp_setting edge" in str(refused.error)
    alone = host.apply(dosp)
    assert alone.status == "changed"
    assert any("cannot undo this by itself" in d.summary for d in alone.diagnostics)


def test_associations_with_the_controller_go_before_the_proof() -> None:
    """They would carry it whatever the new policy asks for. That the answer is lost with them says nothing."""
    host = armed()
    rule = at(3, "ipsec_rule", name="i", inbound_security="request", outbound_security="request", remote_address="10.99.0.0/24")

    def lost(batch: Batch) -> Reply | None:
        if not any(call.verb == "SA.Delete" for call in batch.calls.values()):
            return None
        host.simulated_reply(batch)
        raise HostError("connection_lost", "srv1")

    host.before = lost
    assert host.apply(rule).error is None
    assert [a["remote_address"] for a in host.verbs("SA.Delete")] == ["10.99.0.1"]
    assert undo_of(host) == (RUN, "confirmed", "")
    verbs = [call.verb for batch in host.batches for call in batch.calls.values()]
    assert verbs.index("Undo.Arm") < verbs.index("SA.Delete") < verbs.index("Undo.Confirm")
    others = armed()
    others.apply(RDP)
    assert others.verbs("SA.Delete") == []


def test_a_member_that_loses_its_controllers_is_as_it_was() -> None:
    on = machine("SRV1", domain="corp.example", address="10.99.0.10/24")
    on.surroundings.domain_controllers = ("10.99.0.53",)
    host = armed(on=on)
    before = stored_policy(host.machine)
    cut = at(1, name="no-ldap", direction="outbound", action="block", protocol="tcp", remote_port=389)
    result = host.apply(cut)
    assert (result.status, "does not reach its domain controllers any more: 10.99.0.53 answered before" in reason(result)) == (
        "restored", True), result.error
    assert stored_policy(host.machine) == before
    on.surroundings.domain_controllers = ()  # none answered before either: that is no proof of anything
    assert host.apply(at(1, name="no-ldap", direction="outbound", action="block", protocol="udp", remote_port=389)).error is None


def test_an_undo_waits_for_a_run_that_is_named() -> None:
    """A key that somebody wrote into says nothing that could be confirmed."""
    states = ("armed", "firing", "restored", "")
    assert [UndoState("", state).waits for state in states] == [False] * 4
    assert [UndoState("20261126T115712Z-3f9a1c", state).waits for state in states] == [True, True, False, False]


def test_of_a_host_that_is_lost_as_it_is_confirmed_nothing_is_proven() -> None:
    """It was found as declared, and nobody knows whether the host has undone it since."""
    host, gone = armed(), [False]

    def away(batch: Batch) -> Reply | None:
        gone[0] = gone[0] or any(call.verb == "Undo.Confirm" for call in batch.calls.values())
        if gone[0]:
            raise HostError("connection_lost", "srv1")
        return None

    host.before = away
    result = host.apply(RDP)
    assert (result.status, len(result.written), result.proven) == ("lost", 1, frozenset())
