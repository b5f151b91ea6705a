"""What a run makes of an undo of which it hears late, strangely, or nothing at all; and of one that the host has to do itself."""

import signal
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from core import at, declared, task
from hosts import LEDGER, PROJECT, LabHost, stored_policy

from ringfence.batch import Answer, Batch, Call, Failure, Reply
from ringfence.errors import HostError, Interrupted, Unreachable
from ringfence.project.render import RenderedTask
from ringfence.report import HostResult
from ringfence.run.host import apply_host
from ringfence.run.recorder import Recorder
from ringfence.secret import Secret

RUN, EARLIER = "20261126T115712Z-3f9a1c", "20260101T000000Z-aaaaaa"
RDP = at(1, name="rdp", protocol="tcp", local_port=3389)
WEB = at(2, name="web", protocol="tcp", local_port=443, remote_address="10.0.0.0/8")
THEIRS = "v2.31|Action=Block|Active=TRUE|Dir=In|Protocol=6|LPort=23|Name=theirs|"
NO = Failure("InvalidOperation", "ringfence.undo", "it did not like that")
DELAY = 300 + 60 + 2  # what was asked for, a minute to write, and two seconds for a change


@pytest.fixture(params=[True, False], ids=["of a project", "of none"])
def host(request: pytest.FixtureRequest) -> LabHost:
    """One whose changes are undone after five minutes, unless they are confirmed."""
    found = LabHost(project=PROJECT if request.param else None, owns=request.param)
    found.policy = replace(found.policy, revert_after=300)
    return found


def has(batch: Batch, verb: str) -> bool:
    return any(call.verb == verb for call in batch.calls.values())


def undo_of(host: LabHost) -> tuple[str, str, str]:
    """What the host says of its undo: run, state, task."""
    found = host.simulated_reply(Batch({0: Call("Undo.Read")}))[0]
    return found["run"] or "", found["state"] or "", found["task"] or ""


def arm(host: LabHost, run: str) -> None:
    told = {"run": run, "project": "", "delay": 400, "write_seconds": 60}
    assert host.simulated_reply(Batch({0: Call("Undo.Arm", told)}))[0]


def was_confirmed(host: LabHost) -> None:
    arm(host, EARLIER)
    host.simulated_reply(Batch({0: Call("Undo.Confirm", {"run": EARLIER})}))


def was_restored(host: LabHost) -> None:
    arm(host, EARLIER)
    host.machine.clock.advance(900)


def is_armed(host: LabHost) -> None:
    arm(host, EARLIER)


def told(result: HostResult) -> list[str]:
    return [d.summary for d in result.diagnostics if d.severity == "warning" and d.host == result.host]


def test_a_host_gets_the_time_to_write_beside_the_one_that_was_asked_for(host: LabHost) -> None:
    """docs/guide/undo.md: a minute, and two seconds for each change."""
    assert host.apply(RDP, WEB).status == "changed"
    project = PROJECT.id if host.policy.project else ""
    assert host.verbs("Undo.Arm") == [{"run": RUN, "project": project, "delay": 364, "write_seconds": 64}]
    assert host.verbs("Domain.Read") == []  # it is of no domain
    assert undo_of(host) == (RUN, "confirmed", "")


@pytest.mark.parametrize(("answered", "status"), [(True, "lost"), (False, "unknown")])
def test_a_host_is_waited_for_until_its_undo_must_be_over(answered: bool, status: str, host: LabHost) -> None:
    """How to get it back is told where it is known to have been changed."""
    gone = list[Batch]()

    def away(batch: Batch) -> Reply | None:
        if gone:
            raise Unreachable("timeout", "srv1")
        if has(batch, "Undo.Arm"):
            gone.append(batch)
            if not answered:
                raise HostError("no_answer", "srv1")
        return None

    host.before = away
    result = host.apply(RDP)
    assert (result.status, [id.name for id in result.written], result.proven) == (status, ["rdp"], frozenset())
    assert result.way_back == (("Remove-NetFirewallRule -Name rdp",) if answered else ())
    assert [one for one in told(result) if "undo" in one] == [
        f"the undo of this run was armed: the host imports the policy that it had before, {DELAY} seconds after that"]
    assert DELAY + 240 <= host.patience.waited <= DELAY + 240 + 10


@pytest.mark.parametrize("earlier", [None, was_confirmed, was_restored, is_armed])
def test_what_never_came_to_a_host_was_not_written(earlier: Callable[[LabHost], None] | None, host: LabHost) -> None:
    """Whatever it says of another run's undo."""
    lost = list[Batch]()

    def breaks(batch: Batch) -> Reply | None:
        if lost or not has(batch, "Undo.Arm"):
            return None
        lost.append(batch)
        if earlier:
            earlier(host)
        raise HostError("connection_lost", "srv1")

    host.before = breaks
    result = host.apply(RDP)
    assert isinstance(result.error, HostError)
    assert (result.error.kind, result.error.detail) == ("connection_lost", "srv1: nothing was written")
    assert (result.written, result.proven, "rdp" in host.rules) == (frozenset(), frozenset(), False)
    assert 120 <= host.patience.waited < 140
    assert host.verbs("Undo.Fire") == []


@pytest.mark.parametrize(("error", "status"), [
    (Unreachable("timeout", "srv1"), "unreachable"), (HostError("authorization", "srv1"), "failed")])
def test_of_a_host_that_took_nothing_nothing_is_waited_for(error: HostError, status: str, host: LabHost) -> None:
    """No session came about, or the host refused it: what was sent is nowhere."""
    def refused(batch: Batch) -> Reply | None:
        if has(batch, "Undo.Arm"):
            raise error
        return None

    host.before = refused
    result = host.apply(RDP)
    assert (result.status, result.error, result.written, host.patience.waited) == (status, error, frozenset(), 0)


def test_a_firewall_that_does_not_run_yet_proves_nothing(host: LabHost) -> None:
    """Who reaches the host then says nothing of who will."""
    stopped = list[float]()

    def starts(batch: Batch) -> Reply | None:
        if stopped and host.machine.clock.now() > stopped[0] + 60:
            host.machine.services["mpssvc"] = "running"
        return None

    def stops() -> None:
        if not stopped:
            stopped.append(host.machine.clock.now())
            host.machine.services["mpssvc"] = "stopped"

    host.before, host.after_write = starts, stops
    result = host.apply(RDP)
    assert (result.status, len(result.proven), undo_of(host)) == ("changed", 1, (RUN, "confirmed", ""))
    assert host.patience.waited > 50


def test_without_an_undo_a_firewall_that_stopped_is_told_as_what_it_is() -> None:
    host = LabHost()
    host.after_write = lambda: host.machine.services.update(mpssvc="stopped")
    result = host.apply(RDP)
    assert (result.status, len(result.written), result.error) == ("not_in_force", 1, None)


def test_why_nothing_could_be_proven_is_told_of_what_is_undone(host: LabHost) -> None:
    before = stored_policy(host.machine)

    def denied(batch: Batch) -> Reply | None:
        if has(batch, "Enforcement.Read"):
            raise HostError("authorization", "not any more")
        return None

    host.before = denied
    result = host.apply(RDP)
    assert (result.status, "not any more" in str(result.error), stored_policy(host.machine) == before) == ("restored", True, True)


@pytest.mark.parametrize("error", [Unreachable("timeout", "srv1"), HostError("connection_lost", "srv1"),
                                   HostError("no_answer", "srv1"), HostError("network", "srv1")], ids=str)
def test_a_proof_that_is_cut_off_is_made_once_more(error: HostError, host: LabHost) -> None:
    """Without an undo nobody waits for the host: it is lost."""
    cut = list[Batch]()

    def breaks(batch: Batch) -> Reply | None:
        if not cut and has(batch, "Enforcement.Read"):
            cut.append(batch)
            raise error
        return None

    host.before = breaks
    result = host.apply(RDP)
    assert (len(cut), result.status, len(result.proven), undo_of(host)[1]) == (1, "changed", 1, "confirmed")
    cut.clear()
    host.policy = replace(host.policy, revert_after=0)
    result = host.apply(RDP, WEB)
    assert (len(cut), result.status, len(result.written), result.proven) == (1, "lost", 1, frozenset())


def test_what_a_run_that_is_undone_removed_is_the_projects_still(host: LabHost) -> None:
    if not host.policy.project:
        return
    assert host.apply(RDP, WEB).status == "changed"
    host.owns = False
    known = host.entry("web")
    host.after_write = lambda: host.put("web", THEIRS)
    result = host.apply(RDP, at(2, name="web", state="absent"), at(3, name="more", protocol="tcp", local_port=1, enabled=False))
    assert (result.status, "LPort=443|" in host.rules["web"], host.entry("web"), host.entry("more")) == (
        "restored", True, known, {}), result.error


ISOLATION = at(3, "ipsec_rule", name="i", inbound_security="request", outbound_security="request", remote_address="10.99.0.0/24")


@pytest.mark.parametrize("revert_after", [300, 0])
def test_associations_with_the_controller_are_deleted_there(revert_after: int, host: LabHost) -> None:
    """With an undo or without one."""
    host.policy, said = replace(host.policy, revert_after=revert_after), list[Reply]()

    def listens(batch: Batch) -> Reply | None:
        if not has(batch, "SA.Delete"):
            return None
        said.append(host.simulated_reply(batch))
        return said[-1]

    host.before = listens
    assert host.apply(ISOLATION).error is None
    assert [answer.error for reply in said for answer in reply.answers.values()] == [None] * (2 if revert_after else 1)


@pytest.mark.parametrize("value", [None, [], "x", {}, {"management": None}, {"management": ["x"]}, {"management": {}},
                                   {"management": {"remote_address": 7}}, {"management": {"remote_address": ""}}], ids=str)
def test_who_does_not_say_from_where_it_is_reached_keeps_its_associations(value: object, host: LabHost) -> None:
    """The proof goes on."""
    def says(batch: Batch) -> Reply | None:
        if [call.verb for call in batch.calls.values()] != ["Management.Read"] or not host.verbs("Undo.Arm"):
            return None
        return Reply({label: Answer(value) for label in batch.calls})

    host.before = says
    result = host.apply(ISOLATION)
    assert (result.error, result.status, host.verbs("SA.Delete")) == (None, "changed", [])


def test_what_comes_to_a_host_late_is_proven(host: LabHost) -> None:
    """As long as that may be, nobody says that nothing was written."""
    late = list[Batch]()

    def delayed(batch: Batch) -> Reply | None:
        if has(batch, "Undo.Arm"):
            late.append(batch)
            raise HostError("no_answer", "srv1")
        if late and host.patience.waited > 90:
            host.simulated_reply(late.pop())
        return None

    host.before = delayed
    result = host.apply(RDP)
    assert (result.status, result.error, len(result.proven), "rdp" in host.rules) == ("changed", None, 1, True)
    assert undo_of(host) == (RUN, "confirmed", "")


def test_an_undo_that_cannot_be_taken_back_before_anything_was_written_is_told(host: LabHost) -> None:
    """What comes then is the policy that is there already."""
    for answer in (None, NO):
        def says(batch: Batch, answer: Failure | None = answer) -> Reply | None:
            if not has(batch, "Undo.Confirm"):
                return None
            if answer is None:
                raise HostError("connection_lost", "srv1")
            return Reply({next(iter(batch.calls)): Answer(error=answer)})

        host.before = says
        host.refuse = {"rdp": Failure("InvalidArgument", "x", "no")}
        before = stored_policy(host.machine)
        result = host.apply(RDP)
        assert (result.status, result.written) == ("failed", frozenset())
        assert "no" in str(result.error)
        why = NO.message if answer else f"in {DELAY} seconds the host imports the policy that it has"
        assert told(result)[-1].startswith("its undo could not be taken back")
        assert why in told(result)[-1]
        host.machine.clock.advance(900)
        assert stored_policy(host.machine) == before


def test_a_run_that_is_interrupted_waits_for_no_host(host: LabHost) -> None:
    """Nobody knows what it does: it is not told how to get back what may be as it was."""
    recorder, gone = Recorder(), list[Batch]()

    def away(batch: Batch) -> Reply | None:
        if gone:
            if host.patience.waited > 20:
                recorder.interruption.number = signal.SIGINT
            raise Unreachable("timeout", "srv1")
        if has(batch, "Undo.Arm"):
            gone.append(batch)
        return None

    host.before = away
    result = apply_host(host.job(declared(RDP)), replace(host.context(), recorder=recorder))
    assert (result.status, result.way_back, result.proven) == ("unknown", (), frozenset())
    assert told(result)[-1].startswith("the undo of this run was armed")
    assert host.patience.waited < 60


def test_a_run_that_is_interrupted_arms_no_undo(host: LabHost) -> None:
    recorder = Recorder()
    recorder.interruption.number = signal.SIGINT
    result = apply_host(host.job(declared(RDP)), replace(host.context(), recorder=recorder))
    assert isinstance(result.error, Interrupted)
    assert (len(result.changes), result.written, host.verbs("Undo.Arm")) == (1, frozenset(), [])


@pytest.mark.parametrize("carried_out", [0, 1, 2])
def test_a_confirmation_whose_answer_is_lost_is_found_out(carried_out: int, host: LabHost) -> None:
    """Nothing of it was carried out, the confirmation without the last word in the ledger, or all."""
    lost = list[Batch]()

    def breaks(batch: Batch) -> Reply | None:
        if lost or not has(batch, "Undo.Confirm"):
            return None
        lost.append(batch)
        host.simulated_reply(replace(batch, calls=dict([*batch.calls.items()][:carried_out])))
        raise HostError("connection_lost", "srv1")

    host.before = breaks
    result = host.apply(RDP)
    assert (result.status, len(result.proven), undo_of(host)) == ("changed", 1, (RUN, "confirmed", ""))
    assert (len(lost), host.patience.waited) == (1, 0)
    if host.policy.project:
        assert (host.machine.registry.get(LEDGER, "State"), host.entry("rdp")["how"]) == ("final", "created")
        assert "pending" not in host.entry("rdp")


def test_nothing_more_is_done_to_a_host_whose_undo_was_quicker_than_the_confirmation(host: LabHost) -> None:
    """Its tasks stay as they were, and the ledger does not say that the project has what is gone."""
    before, sent = stored_policy(host.machine), list[list[str]]()

    def late(batch: Batch) -> Reply | None:
        if not has(batch, "Undo.Confirm"):
            return None
        host.machine.clock.advance(900)
        reply = host.simulated_reply(batch)
        sent.append([batch.calls[label].verb for label, answer in reply.answers.items() if not answer.error])
        return reply

    host.before = late
    result = host.apply(RDP)
    assert (result.status, stored_policy(host.machine), undo_of(host)) == ("restored", before, (RUN, "restored", ""))
    assert sent == [[]]
    assert host.entry("rdp") == {}


# -- what only the host can undo

def keyed(key: str) -> RenderedTask:
    return task("ipsec_phase1_auth_set", {"name": "s", "proposal": [{"machine": True, "pre_shared_key": Secret(key)}]})


def with_a_key(host: LabHost, *, happens: Callable[[], Any] = lambda: None) -> dict[str, Any]:
    """What the host has before a run that gives it another key, which nobody can give back, and a rule that somebody removes."""
    host.policy = replace(host.policy, revert_after=0)
    assert host.apply(keyed("first key")).error is None
    host.policy = replace(host.policy, revert_after=300)
    before = stored_policy(host.machine)

    def after_write() -> None:
        host.after_write = lambda: None
        host.remove("rdp")
        happens()

    host.after_write = after_write
    return before


def test_what_no_cmdlet_brings_back_the_host_imports(host: LabHost) -> None:
    """What somebody else did meanwhile goes with it, and is told: of what the run did itself nothing is."""
    def happens() -> None:
        host.put("theirs", THEIRS)
        host.remove("CoreNet-DNS-Out-UDP")

    before = with_a_key(host, happens=happens)
    result = host.apply(RDP, keyed("another key"))
    assert (result.status, result.proven, result.remaining) == ("restored", frozenset(), ())
    assert "the host differs after the change: firewall_rule rdp" in str(result.error)
    assert stored_policy(host.machine) == before
    assert undo_of(host) == (RUN, "restored", "")
    also = [one for one in told(result) if one.startswith("the import also took back")]
    assert also == [f"the import also took back what somebody did to firewall_rule {name} while the undo was armed"
                    for name in ("corenet-dns-out-udp", "theirs")]
    assert not any("nobody saw what that was" in one for one in told(result))
    if host.policy.project:
        assert (host.entry("rdp"), "pending" in host.entry("s", "ipsec_phase1_auth_set")) == ({}, False)


def test_a_ledger_that_is_not_settled_is_no_reason_to_say_less(host: LabHost) -> None:
    """The next run does it."""
    before = with_a_key(host)

    def unsettled(batch: Batch) -> Reply | None:
        if [call.verb for call in batch.calls.values()] == ["Ledger.Write"]:
            raise Unreachable("timeout", "srv1")
        return None

    host.before = unsettled
    result = host.apply(RDP, keyed("another key"))
    assert (result.status, stored_policy(host.machine) == before) == ("restored", True)


def test_a_host_that_differs_after_its_undo_is_not_told_to_be_as_before(host: LabHost) -> None:
    with_a_key(host)

    def again(batch: Batch) -> Reply | None:
        if not has(batch, "Undo.Fire"):
            return None
        reply = host.simulated_reply(batch)
        host.put("rdp", THEIRS)
        return reply

    host.before = again
    result = host.apply(RDP, keyed("another key"))
    assert isinstance(result.error, HostError)
    assert (result.status, result.error.kind, result.proven) == ("failed", "not_converged", frozenset())
    assert "the host undid the run, and differs from before: firewall_rule rdp" in str(result.error)


def refuses(batch: Batch) -> Reply:
    return Reply({next(iter(batch.calls)): Answer(error=NO)})


def breaks(batch: Batch) -> Reply:
    raise HostError("connection_lost", "srv1")


@pytest.mark.parametrize("says", [refuses, breaks])
def test_a_host_that_does_not_undo_at_once_does_it_in_its_time(says: Callable[[Batch], Reply], host: LabHost) -> None:
    before = with_a_key(host)
    host.before = lambda batch: says(batch) if has(batch, "Undo.Fire") else None
    result = host.apply(RDP, keyed("another key"))
    assert (result.status, stored_policy(host.machine) == before, undo_of(host)) == ("restored", True, (RUN, "restored", ""))
    assert DELAY <= host.patience.waited < DELAY + 240
    assert any("nobody saw what that was" in one for one in told(result))


@pytest.mark.parametrize("error", [HostError("connection_lost", "srv1"), HostError("protocol", "srv1"),
                                   Unreachable("timeout", "srv1"), HostError("authorization", "srv1")], ids=str)
def test_a_host_that_is_lost_as_it_is_undone_is_undone_by_itself(error: HostError, host: LabHost) -> None:
    before, lost = stored_policy(host.machine), list[Batch]()

    def away(batch: Batch) -> Reply | None:
        if not lost and has(batch, "Undo.Continue"):
            lost.append(batch)
            raise error
        return None

    host.before = away
    host.after_write = lambda: host.remove("rdp")
    result = host.apply(RDP, WEB)
    assert (result.status, stored_policy(host.machine) == before, undo_of(host)) == ("restored", True, (RUN, "restored", ""))
    assert "the host differs after the change: firewall_rule rdp" in str(result.error)


def test_what_is_undone_by_cmdlets_and_changed_meanwhile_the_host_imports(host: LabHost) -> None:
    """It is read again: that the cmdlets were carried out says nothing of what is there."""
    before = stored_policy(host.machine)

    def meanwhile(batch: Batch) -> Reply | None:
        if not has(batch, "Undo.Continue"):
            return None
        reply = host.simulated_reply(batch)
        host.put("rdp", THEIRS)
        return reply

    host.before = meanwhile
    host.after_write = lambda: host.remove("web")
    result = host.apply(RDP, WEB)
    assert (result.status, stored_policy(host.machine) == before, undo_of(host)) == ("restored", True, (RUN, "restored", ""))
