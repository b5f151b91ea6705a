"""One host from what is declared to a proven state: read, plan, write, and a second read over a new connection."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from ringfence.batch import Batch, Call
from ringfence.diagnostics import NOWHERE, Diagnostic
from ringfence.errors import GuardRefused, HostError, OutsideWindow, StalePlan
from ringfence.formats.approval import Approval
from ringfence.model.declaration import Declarations, digest_of_declarations
from ringfence.model.facts import Facts
from ringfence.model.plain import plain_data, resource_as_data
from ringfence.model.state import LOCAL, Change, Id, id_of
from ringfence.model.undo import undo_state
from ringfence.plan import steps
from ringfence.plan.expiries import expiry_update
from ringfence.plan.guard import needs_guard
from ringfence.plan.obstacles import objects_of
from ringfence.plan.plan import HostSnapshot, Plan
from ringfence.plan.run_policy import RunPolicy
from ringfence.plan.undone import covered
from ringfence.report import HostResult
from ringfence.run.enforcement import decided
from ringfence.run.guarded import guarded
from ringfence.run.host_job import HostJob, RunContext
from ringfence.run.host_session import NO_QUESTIONS, HostSession
from ringfence.run.ledger_update import LedgerUpdate, ledger_update
from ringfence.run.questions import INTERFACES, MANAGEMENT, about, of_kinds
from ringfence.run.write_failures import undo_waits
from ringfence.run.writing import Writing
from ringfence.types.moments import moment_text
from ringfence.windows.endpoint import UNKNOWN_SCRIPT
from ringfence.windows.expiry_calls import READ_EXPIRIES
from ringfence.windows.undo_calls import READ_UNDO


def plan_host(job: HostJob, context: RunContext) -> HostResult:
    """What would change on the host. Never raises for what the host does."""
    run = HostRun(job, context)
    return run.result(lambda: run.planned()[1])


def apply_host(job: HostJob, context: RunContext, approval: Approval | None = None, write: bool = True) -> HostResult:
    """Make the host as declared and prove it. `approval`: what was agreed to; other changes are not made. Not `write`: what would
    come of it, and whether something `waits` to be written."""
    run = HostRun(job, context)
    return run.result(lambda: run.apply(approval, write))


class HostRun(HostSession):
    """One host's part of a run, with what is made of it: the plan, the changes."""

    def planned(self, *, to_be_made: bool = True) -> tuple[Plan, HostResult]:
        """The plan for the host, and what it comes to where nothing is written. Not `to_be_made`: nobody is going to make the
        changes, so that they need no guard. Raises HostError."""
        job, declare = self.job, self.context.declare
        known = job.declarations if job.declarations is not None else declare(job.host, None)[0]
        asked = about(known, self.kinds)
        if job.needs_facts:
            asked = replace(asked, facts=frozenset({INTERFACES, MANAGEMENT}))
        found, _ = self.read(asked, {READ_EXPIRIES: Call(READ_EXPIRIES)} if _end_by_themselves(known) else {}, ledger=True)
        declared, problems = declare(job.host, found.facts) if job.needs_facts else (known, [])
        if found.expiries is None and _end_by_themselves(declared):
            found = self.asked_expiries(found)
        # what only the facts of the host brought up, and what the project owns of kinds that nothing declares any more
        needed = about(declared, self.kinds) if job.needs_facts else NO_QUESTIONS
        if more := of_kinds(needed, {id.kind for id in found.ledger.entries}, self.kinds).beyond(asked):
            found = more.answered(found, self.send(Batch(more.calls())))
        seen, unread_error = self.seen(declared, found)
        policy, possible = self._policy(declared, found)
        plan = decided(steps.make(job.host, seen, found, problems, policy, possible), self.send)
        plan = self._guarded(plan) if to_be_made else plan
        notes = [Diagnostic(NOWHERE, f"{what} could not be read: {why}", severity="warning", host=job.host)
                 for what, why in found.facts.unread]
        if self.endpoint and not self.endpoint.is_known:
            notes.append(Diagnostic(NOWHERE, *UNKNOWN_SCRIPT, "warning", job.host))
        if not to_be_made:
            notes += (replace(limit, summary=f"`apply` would be refused: {limit.summary}", severity="warning", host=job.host)
                      for limit in plan.limits)
        reason = self._outside_window(found.facts) if plan.changes else ""
        if reason:
            notes.append(Diagnostic(NOWHERE, reason, "apply leaves the host alone until then", "note", job.host))
        result = HostResult(job.host, plan.changes, diagnostics=(*plan.diagnostics, *notes), declared=len(declared),
                            obstacles=plan.obstacles, undeclared=self._undeclared(plan), orphans=plan.orphans,
                            machine=_machine(found), facts=found.facts.raw if self.context.keeps_facts else {},
                            declarations=digest_of_declarations(declared) if self.context.for_plan_file else "",
                            declared_objects=objects_of(declared) if self.context.for_report else (), later=bool(reason))
        return plan, replace(result, error=unread_error or plan.refusal(to_be_made=to_be_made))

    def _guarded(self, plan: Plan) -> Plan:
        """The plan, guarded. Where something may be closed, the tasks that end rules of other projects count too: of the own ones
        the ledger says that there are some."""
        found = plan.found
        if found.expiries is not None or not (found.ledger.foreign or found.ledger.unread) or not needs_guard(plan):
            return guarded(plan, self.send)
        judged = guarded(replace(plan, found=self.asked_expiries(found)), self.send)
        return replace(judged, found=replace(judged.found, expiries=None))

    def _undeclared(self, plan: Plan) -> int:
        """How many objects of the local store nobody declares, and anybody could."""
        others = plan.base.keys() - plan.declarations.keys()
        return sum(id.store == LOCAL and self.kinds[id.kind].storage.removable for id in others)

    def _policy(self, declared: Declarations, found: HostSnapshot) -> tuple[RunPolicy, frozenset[Id]]:
        """How what is whose is treated on this host, and what any run of the project could declare there."""
        policy, declarable = self.policy, frozenset(declared)
        if policy.project is None or policy.partial or not found.ledger.entries.keys() - declarable:
            return policy, declarable
        more = self.context.possible(self.job.host, found.facts)
        if more is None:
            return replace(policy, partial="what another choice of tags, or of hosts, declares is not known"), declarable
        return policy, declarable | more

    def apply(self, approval: Approval | None, write: bool = True) -> HostResult:
        """The host as declared, and the proof. Raises HostError as long as nothing was written."""
        plan, result = self.planned()
        if plan.invalid:
            return result
        if isinstance(result.error, HostError):
            return result
        if error := self._beside_an_undo(plan):  # also where nothing is to be changed: the host has not yet what it will have
            return replace(result, error=error)
        if approval is not None:
            judged = approval.judge(self._masking.result(result), partial(_is_there, plan), self.policy.began)
            if isinstance(judged.error, StalePlan):
                return judged
            result = replace(result, diagnostics=judged.diagnostics)
        if result.error:
            return result
        if plan.changes and (reason := self._outside_window(plan.found.facts)):
            return replace(result, error=OutsideWindow(f"{reason}; `--force window` writes now"))
        if over := _over_meanwhile(plan):
            return replace(result, error=GuardRefused(over))
        if not write:
            return replace(result, waits=bool(plan.changes or self._update(plan) or expiry_update(plan)))
        return self.carry_out(plan, result)

    def _outside_window(self, facts: Facts) -> str:
        """Why the host may not be changed now; empty where it may."""
        windows = self.job.windows
        if not windows or "window" in self.policy.forced:
            return ""
        told = " or ".join(map(str, windows))
        now = facts.local_time
        if now is None:
            return f"it may be changed at {told}, and does not tell its time"
        return "" if any(w.holds(now) for w in windows) else f"it may be changed at {told}, and there it is {now:%a %H:%M}"

    def carry_out(self, plan: Plan, result: HostResult, update: LedgerUpdate | None = None) -> HostResult:
        """The changes of a plan made, recorded and proven. `update`: what becomes of the ledger, where that is not what follows
        from the changes. Never raises: what was to be changed, and what was, is still known."""
        if update is None:
            update = self._update(plan)
        waits = plan.changes or update or expiry_update(plan)
        if waits and (error := self._beside_an_undo(plan)):
            return replace(result, error=error)
        return Writing(self, plan, result, update).carry_out() if waits else result

    def _beside_an_undo(self, plan: Plan) -> GuardRefused | None:
        """Why nothing is done as long as the undo of an earlier run waits. Who arms an undo is told by the host itself."""
        undo = plan.found.undo
        if not undo.waits or covered(plan) or self._has_no_undo():
            return None
        return undo_waits(f"the undo of run {undo.run} is under way here")

    def _has_no_undo(self) -> bool:
        """Whether the host says that it has no task which undoes a run, whatever the key says that is read with the ledgers: a
        machine from an image has the key alone."""
        try:
            answer = self.send(Batch({READ_UNDO: Call(READ_UNDO)})).answers[READ_UNDO]
        except HostError:
            return False
        return answer.error is None and not undo_state(answer.value).task

    def _update(self, plan: Plan) -> LedgerUpdate:
        """What becomes of the ledger by the changes of a plan."""
        ledger = plan.found.ledger
        known = plan.policy.project and not ledger.unread and not ledger.is_newer
        return ledger_update(plan, self.kinds) if known else LedgerUpdate()


def _is_there(plan: Plan, agreed: Change) -> bool:
    """Whether a host has what a change brings about that was agreed to, and that the plan does not make: of an update
    what was to become of its properties. Whether a secret is the one, only the host could say."""
    ledger = plan.found.ledger
    if agreed.action == "release":
        return agreed.id not in ledger.entries
    if agreed.after is None:
        return agreed.id not in plan.found.state
    id = id_of(agreed.after, agreed.id.store)  # of a rename that is another one
    found, entry = plan.found.state.get(id), ledger.entries.get(id)
    if agreed.action == "adopt" and not (entry and entry.is_whole):
        return False
    if agreed.label.expires_on_host and not any(one.id == id and one.fits and one.at == agreed.label.expires
                                                for one in plan.found.expiries or ()):
        return False
    if found is None or agreed.before is None:
        return resource_as_data(found) == resource_as_data(agreed.after)
    return all(plain_data(getattr(found, name)) == plain_data(value) for name, (_, value) in agreed.properties().items())


def _over_meanwhile(plan: Plan) -> str:
    """Why nothing is written where what was wanted as the run began has expired since: it waited for a wave, or for an answer."""
    now = moment_text(datetime.now(UTC))
    over = [c for c in plan.changes if plan.policy.began and plan.policy.began < c.label.expires <= now]
    named = ", ".join(f"{c} ({c.label.expiry})" for c in over[:5])
    return f"expired since the run began: {named}. Nothing was written: apply again, and it is absent" if over else ""


def _end_by_themselves(declared: Declarations) -> bool:
    """Whether the host has to end any of what is declared by itself."""
    return any(one.label.expires_on_host for one in declared.values())


def _machine(found: HostSnapshot) -> str:
    """Which machine it is, in the words of a ledger's `Machine`; its GUID is known where the ledger could be read."""
    facts = found.facts
    return found.ledger.machine or f"|{facts.computer}|{facts.raw.get('domain') or ''}".lower()
