"""Rules that expire, from a declaration to a host that ends them: by the next apply, and by the host itself."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from core import KINDS
from hosts import LEDGER, PROJECT, LabHost

from ringfence.batch import Answer, Batch, Failure, Reply
from ringfence.diagnostics import Where
from ringfence.errors import GuardRefused, HostError, Restored, Unreachable
from ringfence.formats.data import orphan_data
from ringfence.lab import POLICY
from ringfence.model.declaration import Declarations
from ringfence.model.host_expiry import ExpiryUpdate, HostExpiry, parse_expiries
from ringfence.model.ledger import Entry, ProjectIdentity, Prune
from ringfence.model.state import Id
from ringfence.plan.expiries import expiry_update
from ringfence.plan.steps import make
from ringfence.project.declare import DeclarationBuilder
from ringfence.project.render import RenderedTask
from ringfence.report import HostResult
from ringfence.run.host import apply_host, plan_host
from ringfence.run.host_job import RunContext
from ringfence.run.hosts_before import Before
from ringfence.run.owned_objects import release, retire
from ringfence.run.rollback import rollback
from ringfence.run.who_changed import drift_host
from ringfence.types.moments import moment_text
from ringfence.views.change_text import orphan_change
from ringfence.windows.shipped_rules import is_shipped

FOLDER = "\\ringfence\\expires\\"
HOUR = 3600.0
OTHER = ProjectIdentity("other", "f" * 32)


class Expiring:
    """A host of the lab, and tasks that expire some seconds from the beginning on. revert_after: as of a run."""

    def __init__(self, revert_after: int = 300) -> None:
        self.host = LabHost({}, owns=False)
        self.host.policy = replace(self.host.policy, revert_after=revert_after, prune="created")
        self.zero = self.host.machine.clock.wall()

    def at(self, seconds: float) -> str:
        return moment_text(self.zero + timedelta(seconds=seconds))

    def declared(self, *tasks: RenderedTask) -> Declarations:
        now = moment_text(self.host.machine.clock.wall())
        self.host.policy = replace(self.host.policy, began=now)
        found, problems = DeclarationBuilder(KINDS, is_shipped, began=now).declarations(tasks)
        assert not [p for p in problems if p.severity == "error"], problems
        return found

    def rule(self, seconds: float | None = HOUR, name: str = "bg", on_host: bool = True, **more: Any) -> RenderedTask:
        life = {} if seconds is None else {"expires": self.at(seconds), "expires_on_host": on_host, "ticket": "CHG0031337"}
        said = {"name": name, "protocol": "tcp", "local_port": 22, "remote_address": "10.0.0.1"}
        return RenderedTask("firewall_rule", "", said, said, Where("play.yml", 4), {}, treatment={**life, **more})

    def context(self) -> RunContext:
        return replace(self.host.context(), possible=lambda host, facts: frozenset())

    def plan(self, *tasks: RenderedTask) -> HostResult:
        declared = self.declared(*tasks)
        return plan_host(self.host.job(declared), self.context())

    def apply(self, *tasks: RenderedTask) -> HostResult:
        declared = self.declared(*tasks)
        return apply_host(self.host.job(declared), self.context())

    def drifts(self, *tasks: RenderedTask) -> list[str]:
        """What a plan has to say: its changes with their reasons, and its warnings."""
        result = self.plan(*tasks)
        assert result.error is None
        told = [f"{d.severity}: {d.summary}" for d in result.diagnostics if "a task on the host" in d.summary]
        return [*(f"{c.action} {c}: {c.why}" for c in result.changes), *told]

    @property
    def tasks(self) -> list[str]:
        """The moments of the tasks that there are."""
        found = self.host.machine.tasks.tasks()
        return [one.definition.triggers[0].start for one in found if one.path.startswith(FOLDER)]

    def advance(self, seconds: float) -> None:
        self.host.machine.clock.advance(seconds)


def test_a_task_that_expires_is_absent_from_then_on() -> None:
    e = Expiring()
    rule = e.rule(on_host=False)
    assert e.apply(rule).status == "changed"
    assert e.host.entry("bg")["expires"] == e.at(HOUR)
    assert e.host.entry("bg")["ticket"] == "CHG0031337"
    assert e.apply(rule).status == "in_sync"
    e.advance(HOUR + 1)
    assert e.tasks == []
    assert e.drifts(rule) == [f"remove firewall_rule bg: expired {e.at(HOUR)}, CHG0031337".replace(":00Z", "Z")]
    assert e.apply(rule).status == "changed"
    assert "bg" not in e.host.rules
    assert e.host.entry("bg") == {}
    assert e.apply(rule).connections == 1


def test_what_expired_and_has_no_task_any_more_is_pruned_and_says_so() -> None:
    e = Expiring()
    e.apply(e.rule(on_host=False))
    e.advance(HOUR + 1)
    (told,) = e.drifts()
    assert told.startswith("remove firewall_rule bg: declared no more; expired ")
    assert "CHG0031337; created by run" in told


def test_what_a_host_ends_by_itself_is_asked_together_with_all_else_and_of_no_other_host() -> None:
    for on_host in (True, False):
        e = Expiring()
        e.plan(e.rule(on_host=on_host))
        asked = [{call.verb for call in batch.calls.values()} for batch in e.host.batches]
        assert [one for one in asked if "Expiry.Read" in one] == ([asked[0]] if on_host else [])
        assert "Policy.Read" in asked[0]


def test_another_moment_is_recorded_though_nothing_else_changes() -> None:
    e = Expiring()
    e.apply(e.rule(on_host=False))
    assert e.drifts(e.rule(2 * HOUR, on_host=False)) == []
    result = e.apply(e.rule(2 * HOUR, on_host=False))
    assert (result.status, result.connections) == ("in_sync", 2)  # nothing of it had to be proven
    assert e.host.entry("bg")["expires"] == e.at(2 * HOUR)
    e.apply(e.rule(None))
    assert "expires" not in e.host.entry("bg")


@pytest.mark.parametrize("revert_after", [300, 0])
def test_a_host_ends_a_rule_by_itself(revert_after: int) -> None:
    e = Expiring(revert_after)
    assert e.apply(e.rule()).status == "changed"
    assert e.tasks == [e.at(HOUR)]
    assert (e.drifts(e.rule()), e.apply(e.rule()).status) == ([], "in_sync")
    e.advance(HOUR + 5)
    assert ("bg" in e.host.rules, e.tasks) == (False, [])
    assert e.drifts(e.rule()) == []
    assert e.apply(e.rule()).status == "in_sync"
    assert e.host.entry("bg") == {}
    assert e.apply(e.rule()).connections == 1


def test_the_task_follows_the_playbook() -> None:
    e = Expiring()
    e.apply(e.rule(on_host=False))
    (told,) = e.drifts(e.rule())
    assert told.startswith("update firewall_rule bg: the host is to remove it by itself at ")
    assert e.apply(e.rule()).status == "changed"
    assert e.tasks == [e.at(HOUR)]
    (told,) = e.drifts(e.rule(2 * HOUR))
    assert "(now " in told
    e.apply(e.rule(2 * HOUR))
    assert e.tasks == [e.at(2 * HOUR)]
    (told,) = e.drifts(e.rule(2 * HOUR, on_host=False))
    assert told.startswith("update firewall_rule bg: the host is not to remove it by itself any more")
    e.apply(e.rule(2 * HOUR, on_host=False))
    assert (e.tasks, "bg" in e.host.rules) == ([], True)


def delete_tasks(e: Expiring) -> None:
    for one in [*e.host.machine.tasks.tasks()]:
        if one.path.startswith(FOLDER):
            e.host.machine.tasks.unregister(one.path)


@pytest.mark.parametrize("revert_after", [300, 0])
def test_a_task_is_found_by_a_second_read_or_it_is_not_proven(revert_after: int) -> None:
    """Whether its rule was written with it, or it alone."""
    for before in (None, HOUR):
        e = Expiring(revert_after)
        if before:
            assert e.apply(e.rule(before)).status == "changed"
        result = e.apply(e.rule(2 * HOUR))
        assert (result.status, result.proven, len(result.written)) == ("changed", result.written, 1)
        e.host.after_write = partial(delete_tasks, e)
        result = e.apply(e.rule(3 * HOUR))
        assert (result.status, result.proven, [str(c.id) for c in result.remaining]) == (
            "failed", frozenset(), ["firewall_rule bg"])
        assert "the host differs after the change" in str(result.error)


def test_a_host_that_is_not_reached_for_its_tasks_has_proven_its_rules() -> None:
    e = Expiring()
    asked = list[Batch]()

    def gone(batch: Batch) -> Reply | None:
        asked.append(batch)
        if e.tasks and "Expiry.Read" in {call.verb for call in batch.calls.values()}:
            raise Unreachable("timeout", "down")
        return None

    e.host.before = gone
    more = e.rule(None, name="more")
    result = e.apply(e.rule(), more)
    assert (result.status, [id.name for id in result.proven]) == ("lost", ["more"])
    assert len(result.written) == 2


def test_a_release_is_proven_in_the_ledger() -> None:
    e = Expiring()
    e.apply(e.rule(None))
    result = release(e.host.job({}), e.context(), ["bg"], True)
    assert (result.status, len(result.written), result.proven, result.connections) == ("changed", 1, result.written, 3)
    assert len(e.host.verbs("Ledger.Write")) == 3  # two around the first change, one for this
    e.apply(e.rule(None))
    entry = e.host.entry("bg")
    e.host.after_write = lambda: e.host.take_over([Id("local", "firewall_rule", "bg")], **entry)
    result = release(e.host.job({}), e.context(), ["bg"], True)
    assert (result.status, result.proven) == ("failed", frozenset())


def test_a_rule_that_is_renamed_takes_its_task_along() -> None:
    e = Expiring()
    e.apply(e.rule())
    assert e.apply(e.rule(name="bg2", renamed_from="bg")).status == "changed"
    assert e.tasks == [e.at(HOUR)]
    e.advance(HOUR + 5)
    assert (e.host.rules, e.tasks) == ({}, [])


@pytest.mark.parametrize("gone", ["absent", "undeclared", "expired"])
def test_a_rule_that_goes_takes_its_task_along(gone: str) -> None:
    e = Expiring()
    e.apply(e.rule())
    said = {"name": "bg", "state": "absent"}
    absent = RenderedTask("firewall_rule", "", said, said, Where("play.yml", 4), {})
    asked = {"absent": [absent], "undeclared": [], "expired": [e.rule(-HOUR)]}[gone]
    assert e.apply(*asked).status == "changed"
    assert (e.host.rules, e.tasks) == ({}, [])


def test_a_task_that_is_left_is_told_and_goes() -> None:
    e = Expiring()
    e.apply(e.rule())
    e.host.remove("bg")
    keep = e.rule(None, "keep")
    assert e.drifts(keep)[1:] == [
        f"warning: a task on the host is to remove firewall_rule bg at {e.at(HOUR)}, which is not there".replace(":00Z", "Z")]
    e.apply(keep)
    assert (e.tasks, list(e.host.rules)) == ([], ["keep"])


def test_a_task_that_is_left_goes_though_the_ledger_has_nothing_new_to_say() -> None:
    e = Expiring()
    keep = e.rule(None, "keep")
    e.apply(e.rule(), keep)
    e.host.remove("bg")
    e.host.policy = replace(e.host.policy, partial="--tags chose")  # so that it forgets nothing
    generation = e.host.machine.registry.get(LEDGER, "Generation")
    result = e.apply(keep)
    assert (result.status, e.tasks, e.host.machine.registry.get(LEDGER, "Generation")) == ("in_sync", [], generation)


def test_a_task_that_is_left_goes_though_nothing_else_is_to_be_done() -> None:
    e = Expiring()
    keep = e.rule(2 * HOUR, "keep")
    assert e.apply(e.rule(), keep).status == "changed"
    e.host.remove("bg")
    e.host.machine.registry.unset(LEDGER, "firewall_rule|local|bg")
    assert apply_host(e.host.job(e.declared(keep)), e.context(), None, False).waits
    assert len(e.tasks) == 2
    assert e.apply(keep).error is None
    assert (e.tasks, list(e.host.rules)) == ([e.at(2 * HOUR)], ["keep"])
    assert not apply_host(e.host.job(e.declared(keep)), e.context(), None, False).waits


def test_a_task_of_somebody_else_is_neither_told_nor_taken_away() -> None:
    """It is below the folder, and has no name that a host script gives."""
    e = Expiring()
    task = HostExpiry(Id("local", "firewall_rule", "x"), "NetFirewallRule", "x", e.at(HOUR), "mine")
    found = replace(e.host.read(), expiries=(task,))
    plan = make("srv1", e.declared(e.rule(None, "keep")), found)
    assert not [d.summary for d in plan.diagnostics if "a task on the host" in d.summary]
    assert expiry_update(plan) == ExpiryUpdate()


def test_a_task_of_ours_that_ends_no_rule_is_told_and_goes() -> None:
    """Its name is one that a host script gives; what it does nobody understands."""
    e = Expiring()
    e.apply(e.rule())
    strange = HostExpiry(None, "", "", "", "0" * 32, False)
    found = e.host.read()
    plan = make("srv1", e.declared(e.rule()), replace(found, expiries=(*(found.expiries or ()), strange)))
    (told,) = [d for d in plan.diagnostics if "is none that ends a rule" in d.summary]
    assert (told.detail, strange in expiry_update(plan).removed) == ("The next apply takes it away", True)


def test_a_task_that_somebody_switched_off_or_deleted_is_there_again() -> None:
    e = Expiring()
    e.apply(e.rule())
    (path,) = [one.path for one in e.host.machine.tasks.tasks() if one.path.startswith(FOLDER)]
    for harm in "off", "gone":
        if harm == "off":
            e.host.machine.tasks.enable(path, False)
        else:
            e.host.machine.tasks.unregister(path)
        assert len(e.drifts(e.rule())) == 1
        assert e.apply(e.rule()).status == "changed"
        assert e.drifts(e.rule()) == []
    e.advance(HOUR + 5)
    assert e.host.rules == {}


def test_the_task_of_a_rule_that_this_run_does_not_declare_stays() -> None:
    e = Expiring()
    e.apply(e.rule(), e.rule(name="other"))
    e.host.policy = replace(e.host.policy, partial="--tags chose")
    assert e.apply(e.rule()).status == "in_sync"
    assert len(e.tasks) == 2


def test_a_run_that_is_undone_leaves_no_task_behind() -> None:
    e = Expiring()
    e.host.after_write = lambda: e.host.remove("bg")
    result = e.apply(e.rule())
    assert isinstance(result.error, Restored)
    assert (e.host.rules, e.tasks) == ({}, [])


def test_a_run_that_is_undone_before_its_tasks_were_sent_takes_none_back() -> None:
    e = Expiring()
    e.apply(e.rule(name="old"))
    before = len(e.host.verbs("Expiry.Write"))
    e.host.refuse = {"more": Failure("InvalidArgument", "x", "no")}
    result = e.apply(e.rule(), e.rule(None, "old"), e.rule(None, "more"))
    assert isinstance(result.error, Restored), result.error
    assert (len(e.host.verbs("Expiry.Write")), e.host.verbs("Expiry.Remove"), e.tasks) == (before, [], [e.at(HOUR)])


def refused_from(host: LabHost, batch: Batch, name: str) -> Reply | None:
    """The host ends its batch at the task of a rule."""
    calls = list(batch.calls.items())
    at = next((n for n, (_, call) in enumerate(calls) if call.verb == "Expiry.Write" and call.args["name"] == name), 0)
    if not at:
        return None
    done = host.simulated_reply(replace(batch, calls=dict(calls[:at])))
    return Reply({**done.answers, calls[at][0]: Answer(error=Failure("InvalidOperation", "ringfence.expiry", "no", None))})


@pytest.mark.parametrize("name", ["first", "second"])
def test_a_task_that_cannot_be_registered_has_the_run_undone(name: str) -> None:
    """Of the tasks after it the host says nothing: they were not made, so that there is nothing to take back."""
    e = Expiring()
    e.apply(e.rule(name="old"))
    e.host.before = lambda batch: refused_from(e.host, batch, name)
    result = e.apply(e.rule(2 * HOUR, "old"), e.rule(name="first"), e.rule(name="second"))
    assert isinstance(result.error, Restored)
    assert f"what is to end {name}: no" in str(result.error)
    assert len(e.host.verbs("Expiry.Remove")) == (1 if name == "second" else 0)
    assert (list(e.host.rules), e.tasks) == (["old"], [e.at(HOUR)])


def refused_at(host: LabHost, batch: Batch, verb: str, error: str) -> Reply | None:
    """The host ends its batch at the first call of a verb."""
    calls = list(batch.calls.items())
    at = next((n for n, (_, call) in enumerate(calls) if call.verb == verb), None)
    if at is None or not batch.stop_on_error:
        return None
    done = host.simulated_reply(replace(batch, calls=dict(calls[:at])))
    return Reply({**done.answers, calls[at][0]: Answer(error=Failure("InvalidArgument", error, "no", None))})


@pytest.mark.parametrize(("verb", "brought_back"), [("Expiry.Write", 1), ("Expiry.Remove", 0)])
def test_a_task_that_went_is_there_again_where_the_run_is_undone(verb: str, brought_back: int) -> None:
    """Where it was not even taken away, it need not be brought back."""
    e = Expiring()
    e.apply(e.rule(name="old"))
    written = len(e.host.verbs("Expiry.Write"))
    (task,) = [one.path.rpartition("\\")[2] for one in e.host.machine.tasks.tasks() if one.path.startswith(FOLDER)]
    e.host.before = lambda batch: refused_at(e.host, batch, verb, "ringfence.expiry") if len(e.tasks) and not any(
        call.verb == "Undo.Read" for call in batch.calls.values()) and "new" in e.host.rules else None
    result = e.apply(e.rule(None, name="old"), e.rule(name="new"))
    assert isinstance(result.error, Restored), result.error
    assert f"what is to end {'new' if brought_back else task}: no" in str(result.error)
    e.host.before = lambda batch: None
    assert (list(e.host.rules), e.tasks) == (["old"], [e.at(HOUR)])
    assert len([one for one in e.host.verbs("Expiry.Write")[written:] if one["name"] == "old"]) == brought_back


@pytest.mark.parametrize(("error", "kind"), [("ringfence.expiry", "change_rejected"), ("ringfence.verb", "endpoint")])
def test_a_task_that_cannot_be_registered_without_an_undo(error: str, kind: str) -> None:
    """The rule stays, and is told; what never had tasks of its own says that it is to be exported anew."""
    e = Expiring(0)
    e.host.before = lambda batch: refused_at(e.host, batch, "Expiry.Write", error)
    result = e.apply(e.rule())
    assert isinstance(result.error, HostError)
    assert (result.error.kind, [id.name for id in result.written], list(e.host.rules), e.tasks) == (kind, ["bg"], ["bg"], [])


def test_a_task_that_was_switched_off_does_not_come_back_by_an_undo() -> None:
    """It would end what nobody expects to end any more."""
    e = Expiring()
    e.apply(e.rule(name="old"))
    (path,) = [one.path for one in e.host.machine.tasks.tasks() if one.path.startswith(FOLDER)]
    e.host.machine.tasks.enable(path, False)
    e.host.before = lambda batch: refused_from(e.host, batch, "second")
    result = e.apply(e.rule(2 * HOUR, "old"), e.rule(name="second"))
    assert isinstance(result.error, Restored)
    assert (list(e.host.rules), e.tasks) == (["old"], [])


@pytest.mark.parametrize("name", ["bg", "\u039a\u0391\u039d\u039f\u039d\u0391\u03a3", "\u0130x"])
def test_an_undone_run_takes_its_task_whatever_small_letters_its_name_has(name: str) -> None:
    """A final sigma, a dotted I: those of Python are others than those of the host, which names the task."""
    e = Expiring()
    e.apply(e.rule(None, name))
    e.host.before = lambda batch: refused_from(e.host, batch, "second")
    result = e.apply(e.rule(name=name), e.rule(name="second"))
    assert isinstance(result.error, Restored)
    assert len(e.host.verbs("Expiry.Remove")) == 1
    assert (list(e.host.rules), e.tasks) == ([name], [])
    e.advance(2 * HOUR)
    assert list(e.host.rules) == [name]


def test_an_endpoint_that_knows_no_such_tasks_is_to_be_exported_anew() -> None:
    e = Expiring()
    e.host.before = lambda batch: lacking(e.host, batch)
    result = e.plan(e.rule())
    assert isinstance(result.error, GuardRefused)
    assert "export it anew" in str(result.error)
    assert e.plan(e.rule(on_host=False)).error is None


def lacking(host: LabHost, batch: Batch) -> Reply:
    reply = host.simulated_reply(batch)
    unknown = Answer(error=Failure("InvalidArgument", "ringfence.verb", "no verb is named so", None))
    lacks = {label: unknown for label, call in batch.calls.items() if call.verb.startswith("Expiry")}
    return Reply({**reply.answers, **lacks})


def test_a_scheduler_that_does_not_run_is_no_reason_to_guess() -> None:
    e = Expiring()
    e.host.machine.services["Schedule"] = "stopped"
    result = e.plan(e.rule())
    assert isinstance(result.error, GuardRefused | HostError)
    assert "The Task Scheduler Service is not running" in str(result.error)
    e.host.machine.services["Schedule"] = "running"
    e.apply(e.rule())
    e.host.machine.services["Schedule"] = "stopped"
    looked_at = drift_host(e.host.job(e.declared(e.rule())), e.context())
    assert isinstance(looked_at.error, GuardRefused)  # nothing differs that can be seen, and the host may never end the rule
    told = e.plan(e.rule(on_host=False))
    assert told.error is None
    assert any("which rules this host ends by itself is not known" in d.summary for d in told.diagnostics)


def test_an_account_that_may_not_see_the_tasks_says_nothing_of_them() -> None:
    """To it Windows says that there are none: nobody is told that the host has lost its task."""
    e = Expiring()
    e.apply(e.rule())
    e.host.session = replace(e.host.session, elevated=False)
    why = "which rules this host ends by itself is not known: only an administrator with elevated rights sees its tasks"
    seen = drift_host(e.host.job(e.declared(e.rule())), e.context())
    assert (seen.error, seen.changes) == (None, ())
    assert [d.severity for d in seen.diagnostics if why in d.summary] == ["warning"]
    more = e.rule(None, "more")
    seen = drift_host(e.host.job(e.declared(e.rule(), more)), e.context())
    assert (seen.error, [str(c.id) for c in seen.changes]) == (None, ["firewall_rule more"])
    assert [(d.severity, d.host) for d in seen.diagnostics if d.summary == f"`apply` would be refused: {why}"] == [
        ("warning", "srv1")]
    result = e.plan(e.rule(), more)
    assert isinstance(result.error, GuardRefused)
    assert why in str(result.error)
    assert not any(why in d.summary for d in result.diagnostics)  # it is said once


@pytest.mark.parametrize("all_of_it", [False, True])
def test_what_is_released_or_retired_takes_its_task_along(all_of_it: bool) -> None:
    e = Expiring()
    e.apply(e.rule())
    assert len(e.tasks) == 1
    job, context = e.host.job({}), e.context()
    result = retire(job, context, True) if all_of_it else release(job, context, ["bg"], True)
    assert (result.error, e.tasks) == (None, [])


@pytest.mark.parametrize(("then", "stays"), [("", False), ("same", True), ("other", False)])
def test_a_rollback_leaves_no_task_for_what_the_host_did_not_end_before(then: str, stays: bool) -> None:
    """A rule was there for good, or until then, before the run that gave it a task, or another one."""
    e = Expiring()
    life = {"": None, "same": HOUR, "other": 2 * HOUR}[then]
    e.apply(e.rule(life))
    before = e.host.read().state
    after = e.rule()
    for said in (after.properties, after.raw):
        assert isinstance(said, dict)
        said["local_port"] = 2222
    assert e.apply(after).status == "changed"
    entry = Entry("created", "20260101T000000Z-000000", "0" * 64, expires=e.at(life) if life else "", expires_on_host=bool(life))
    run, id = "20260126T115712Z-3f9a1c", Id("local", "firewall_rule", "bg")
    e.host.policy = replace(e.host.policy, run_id="20261126T115713Z-3f9a1c")
    wanted = Before({id: before[id]}, ledger={id: entry.remembered}, runs=(run,), writers={run: True})
    e.host.machine.registry.set(LEDGER, "Run", run)
    result = rollback(e.host.job({}), e.context(), True, {"srv1": wanted})
    assert (result.status, e.tasks) == ("changed", [e.at(HOUR)] * stays), result
    assert any("the host is not to remove it by itself any more" in d.summary for d in result.diagnostics) is not stays
    assert "LPort=22|" in e.host.rules["bg"]


@pytest.mark.parametrize("prune", ["created", "report"])
def test_what_is_kept_though_nothing_declares_it_is_not_ended_by_the_host(prune: Prune) -> None:
    """A block stays unless `prune: all`: also hours later."""
    e = Expiring()
    said = {"name": "bg", "action": "block", "protocol": "tcp", "local_port": 23}
    life = {"expires": e.at(HOUR), "expires_on_host": True}
    e.host.machine.registry.set(POLICY + r"\PublicProfile", "DefaultInboundAction", 0)  # what nothing blocks passes
    assert e.apply(RenderedTask("firewall_rule", "", said, said, Where("play.yml", 4), {}, treatment=life)).error is None
    e.host.policy = replace(e.host.policy, prune=prune)
    told = "\n".join(d.summary for d in e.plan().diagnostics)
    if prune == "report":
        assert "firewall_rule bg (created; the host removes it at " in told
    else:
        assert "OPENS when it goes: it closes traffic, and is kept; the host is not to remove it by itself any more" in told
    assert e.apply().error is None
    assert len(e.tasks) == (prune == "report")
    assert "not to remove" not in "".join(d.summary for d in e.plan().diagnostics)


def test_a_rollback_takes_the_task_of_what_it_removes() -> None:
    e = Expiring()
    e.apply(e.rule())
    run = "20261126T115712Z-3f9a1c"
    before = Before(objects={Id("local", "firewall_rule", "bg"): None}, runs=(run,), writers={run: True})
    e.host.policy = replace(e.host.policy, run_id="20261126T115713Z-3f9a1c")
    result = rollback(e.host.job({}), e.context(), True, {"srv1": before})
    assert (result.status, e.host.rules, e.tasks) == ("changed", {}, [])


@pytest.mark.parametrize("carried_out", ["all of it", "the tasks alone"])
def test_an_answer_that_is_lost_as_the_tasks_come(carried_out: str) -> None:
    e = Expiring()
    lost = list[Batch]()

    def breaks(batch: Batch) -> Reply | None:
        if lost or not any(call.verb == "Undo.Confirm" for call in batch.calls.values()):
            return None
        lost.append(batch)
        done = {label: call for label, call in batch.calls.items() if carried_out == "all of it" or call.verb in (
            "Undo.Continue", "Expiry.Write")}
        e.host.simulated_reply(replace(batch, calls=done))
        raise HostError("connection_lost", "in the middle")

    e.host.before = breaks
    assert e.apply(e.rule()).status == "changed"
    assert lost
    assert e.tasks == [e.at(HOUR)]
    assert e.drifts(e.rule()) == []


def test_a_host_that_undoes_the_run_after_its_tasks_came_has_none_of_them_in_the_end() -> None:
    e = Expiring()
    e.apply(e.rule(name="old"))
    broken = list[Batch]()

    def breaks(batch: Batch) -> Reply | None:
        if not broken and any(call.verb == "Undo.Confirm" for call in batch.calls.values()):
            broken.append(batch)
            tasks = {label: call for label, call in batch.calls.items() if call.verb in ("Undo.Continue", "Expiry.Write")}
            e.host.simulated_reply(replace(batch, calls=tasks))
            assert len(e.tasks) == 2
        if broken and "bg" in e.host.rules:
            raise HostError("connection_lost", "until the host has undone it")
        return None

    e.host.before = breaks
    result = e.apply(e.rule(2 * HOUR, "old"), e.rule())
    assert isinstance(result.error, Restored), result.error
    assert (list(e.host.rules), e.tasks) == (["old"], [e.at(HOUR)])


def test_a_host_that_goes_on_no_more_gets_no_tasks() -> None:
    """Its undo has begun, say: what was written is not kept, whatever the proof said."""
    e = Expiring()
    refused = list[Batch]()

    def stops(batch: Batch) -> Reply | None:
        if refused or not any(call.verb == "Undo.Confirm" for call in batch.calls.values()):
            return None
        refused.append(batch)
        first = next(label for label, call in batch.calls.items() if call.verb == "Undo.Continue")
        return Reply({first: Answer(error=Failure("InvalidOperation", "ringfence.undo", "the undo has begun", None))})

    e.host.before = stops
    result = e.apply(e.rule())
    assert isinstance(result.error, Restored), result.error
    assert (list(e.host.rules), e.tasks, len(refused)) == ([], [], 1)


def test_what_is_of_a_vendor_does_not_expire() -> None:
    e = Expiring()
    e.host.put("bg", "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=22|RA4=10.0.0.1/255.255.255.255|Name=@their.dll,-7|")
    result = e.plan(e.rule(on_host=False))
    assert isinstance(result.error, GuardRefused)
    assert "expires, which removes the whole object, and this one is not the project's" in str(result.error)
    over = e.plan(e.rule(-HOUR, on_host=False))
    assert (over.error, over.changes) == (None, ())
    assert any("has expired, and what has its name here is of " in d.summary for d in over.diagnostics)
    assert e.apply(e.rule(-HOUR, on_host=False)).status == "in_sync"
    assert "bg" in e.host.rules


def test_a_way_in_that_would_end_with_the_rule_is_refused() -> None:
    e = Expiring()
    e.host.policy = replace(e.host.policy, forced=frozenset())
    e.host.put("mine", "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=5985|RA4=10.99.0.1/255.255.255.255|Name=mine|")
    e.host.take_over([Id("local", "firewall_rule", "mine")])
    said = {"name": "mine", "protocol": "tcp", "local_port": 5985, "remote_address": "10.99.0.1"}

    def way_in(**life: Any) -> RenderedTask:
        return RenderedTask("firewall_rule", "", said, said, Where("play.yml", 4), {}, treatment=life)

    ends = way_in(expires=e.at(HOUR), expires_on_host=True)
    assert e.plan(way_in(expires=e.at(HOUR))).error is None
    result = e.plan(ends)
    assert isinstance(result.error, GuardRefused)
    assert "once the host has ended what expires there: the way that ringfence comes" in str(result.error)
    assert e.apply(ends).status == "refused"
    assert e.tasks == []
    e.host.put("other", "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=5985|Name=other|")
    assert e.plan(ends).error is None
    assert e.apply(ends).status == "changed"
    e.host.remove("other")  # by hand: from now on the host will end the way in, and nothing of the next run is why
    result = e.plan(ends, e.rule(None, "more"))
    assert (result.error, len(result.changes), result.connections) == (None, 1, 1)


@pytest.mark.parametrize("partial", ["", "tags"])
@pytest.mark.parametrize("owns", [True, False])
def test_a_way_in_that_would_end_with_a_task_that_is_there_is_refused(partial: str, owns: bool) -> None:
    """What lets ringfence in for good goes, and beside it is what the host ends: of this project, or of another one."""
    e = Expiring()
    rule = "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=5985|RA4=10.99.0.1/255.255.255.255|Name={}|"
    for name in ("perm", "mine"):
        e.host.put(name, rule.format(name))
    e.host.take_over([Id("local", "firewall_rule", "perm"), Id("local", "firewall_rule", "mine")])
    said = {"protocol": "tcp", "local_port": 5985, "remote_address": "10.99.0.1"}

    def task(name: str, **life: Any) -> RenderedTask:
        return RenderedTask("firewall_rule", "", {"name": name, **said}, {"name": name, **said}, Where("play.yml", 4), {},
                            treatment=life)

    gone = RenderedTask("firewall_rule", "", {"name": "perm", "state": "absent"}, {"name": "perm", "state": "absent"},
                        Where("play.yml", 9), {})
    ends = task("mine", expires=e.at(HOUR), expires_on_host=True)
    assert e.apply(task("perm"), ends).status == "changed"
    if not owns:
        e.host.machine.registry.unset(LEDGER, "firewall_rule|local|mine")
        e.host.take_over([Id("local", "firewall_rule", "mine")], project=OTHER)
    e.host.policy = replace(e.host.policy, forced=frozenset(), partial=partial)
    result = e.apply(gone, *[ends] * (owns and not partial))
    assert (result.status, "perm" in e.host.rules) == ("refused", True)
    assert "once the host has ended what expires there: the way that ringfence comes" in str(result.error)
    assert e.tasks == [e.at(HOUR)]
    if not owns:  # nobody may say whose they are
        e.host.machine.faults.denied_keys = (r"SOFTWARE\ringfence",)
        assert "once the host has ended what expires there: the way that ringfence comes" in str(e.plan(gone).error)


def test_tasks_of_others_are_looked_at_by_the_guard_and_stay_theirs() -> None:
    """Also one that has nothing to end any more: they may be about to make it again."""
    e = Expiring()
    e.host.policy = replace(e.host.policy, project=OTHER)
    assert e.apply(e.rule(name="theirs")).status == "changed"
    e.host.remove("theirs")
    e.host.policy = replace(e.host.policy, project=PROJECT)
    said = {"name": "b", "action": "block", "protocol": "tcp", "local_port": 3389}
    closes = RenderedTask("firewall_rule", "", said, said, Where("play.yml", 4), {})
    asked = len(e.host.verbs("Expiry.Read"))
    assert e.apply(closes).status == "changed"
    assert (len(e.host.verbs("Expiry.Read")) - asked, e.tasks) == (1, [e.at(HOUR)])


def test_what_only_the_facts_of_a_host_declare_is_ended_by_it_too() -> None:
    e = Expiring()
    declared = e.declared(e.rule())
    context = replace(e.host.context(lambda facts: (declared, [])), possible=lambda host, facts: frozenset())
    assert apply_host(e.host.job({}, needs_facts=True), context).status == "changed"
    assert e.tasks == [e.at(HOUR)]
    before = len(e.host.verbs("Expiry.Read"))
    assert apply_host(e.host.job(declared, needs_facts=True), context).status == "in_sync"
    assert len(e.host.verbs("Expiry.Read")) - before == 1  # what is known without its facts too is asked once


def test_what_opens_when_the_host_ends_it_is_told() -> None:
    e = Expiring()
    said = {"name": "bg", "action": "block", "protocol": "tcp", "local_port": 23}
    life = {"expires": e.at(HOUR), "expires_on_host": True}
    blocks = RenderedTask("firewall_rule", "", said, said, Where("play.yml", 4), {}, treatment=life)
    assert any("firewall_rule bg OPENS when the host ends it" in d.summary for d in e.plan(blocks).diagnostics)
    assert e.apply(blocks).status == "changed"
    assert not any("OPENS" in d.summary for d in e.plan(blocks).diagnostics)


def test_what_is_left_there_says_until_when_it_was_wanted() -> None:
    e = Expiring()
    e.apply(e.rule(on_host=False), e.rule(None, "other", ticket="CHG2"))
    e.host.policy = replace(e.host.policy, prune="report")
    orphans = {one.resource.name: one for one in e.plan().orphans}
    assert (orphans["bg"].expires, orphans["bg"].ticket) == (e.at(HOUR), "CHG0031337")
    assert orphan_change(orphans["bg"]).why.endswith(f"; wanted until {e.at(HOUR)}, CHG0031337".replace(":00Z", "Z"))
    assert orphan_change(orphans["other"]).why.endswith("any more; for CHG2")
    told = orphan_data(orphans["bg"])
    assert (told["expires"], told["ticket"]) == (e.at(HOUR), "CHG0031337")


def test_a_task_for_what_never_ends_by_itself_is_none_of_a_rule() -> None:
    """Of nouns that have no such tasks nothing is taken for an object of ours."""
    rows = [{"noun": noun, "name": "x", "at": "2099-01-01T00:00:00Z", "task": "0" * 32, "fits": True}
            for noun in ("NetFirewallRule", "NetIPsecPhase1AuthSet", "NetFirewallProfile", "nothing")]
    assert [one.id is not None for one in parse_expiries(rows, KINDS.values())] == [True, False, False, False]


def test_what_expires_while_a_run_waits_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a wave, a pause, an answer: by the clock of the controller."""
    e = Expiring()
    for hours, refused in ((2, True), (0.5, False)):
        now = e.zero + timedelta(hours=hours)
        monkeypatch.setattr("ringfence.run.host.datetime", SimpleNamespace(now=lambda zone, now=now: now))
        result = e.apply(e.rule(HOUR), e.rule(None, "more"))
        assert isinstance(result.error, GuardRefused) is refused
        assert ("expired since the run began: firewall_rule bg" in str(result.error)) is refused
        assert (not result.written, not e.host.rules) == (refused, refused)
    monkeypatch.setattr("ringfence.run.host.datetime", SimpleNamespace(now=lambda zone: e.zero + timedelta(hours=2)))
    assert e.apply(e.rule(None, "more")).error is None  # what goes anyway, since nothing declares it, may go then too
    assert list(e.host.rules) == ["more"]
    declared = e.declared(e.rule(HOUR))
    e.host.policy = replace(e.host.policy, began="")  # then nothing has expired, whatever time it is
    assert apply_host(e.host.job(declared), e.context()).error is None
