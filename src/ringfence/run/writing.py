"""The changes of one host made, recorded and proven; where something goes wrong on the way, they are undone."""

import logging
from collections.abc import Hashable, Mapping
from dataclasses import replace

from ringfence.batch import Answer, Batch, Call, Reply
from ringfence.errors import GuardRefused, HostError, Lost, OutcomeUnknown, RingfenceError, Unreachable
from ringfence.model.declaration import state_after
from ringfence.model.facts import Facts, with_network
from ringfence.model.state import Change, Id, diff
from ringfence.plan.expiries import expiry_update
from ringfence.plan.in_force import decide, judge_again, undecided, unexpected, written
from ringfence.plan.order import order
from ringfence.plan.plan import HostSnapshot, Plan
from ringfence.plan.reasons import TO_WRITE, stopped
from ringfence.plan.undone import covered
from ringfence.plan.way_back import way_back
from ringfence.report import HostResult
from ringfence.run.enforcement import enforcement_calls, enforcement_told, with_interfaces
from ringfence.run.host_session import NO_QUESTIONS, HostSession
from ringfence.run.host_tasks import HostTasks
from ringfence.run.ledger_update import LedgerUpdate, ledger_calls, only_call
from ringfence.run.questions import CONTROLLERS, INTERFACES, MANAGEMENT, Questions, about, of_kinds
from ringfence.run.undoing import BROKEN, CONTINUE, DOMAIN, GARBLED, Undoing
from ringfence.run.write_failures import FailedCall, first_failed, held_up, not_armed, not_asked, not_made, not_recorded
from ringfence.transports.connection_settings import PsrpSettings
from ringfence.windows.calls import cmdlet_calls, names_interfaces
from ringfence.windows.expected import expected
from ringfence.windows.expiry_calls import READ_EXPIRIES, WRITE_EXPIRY
from ringfence.windows.undo_calls import arm_call, continue_call

LOG = logging.getLogger(__name__)
ARM, PENDING, FINAL = "undo, armed", "ledger, pending", "ledger, final"  # labels of the calls around the changes
FORGET = "associations with the controller"
WRITE_SECONDS, A_CHANGE = 60, 2  # what writing may take: at least, and for each change


class Writing:
    """One host's changes on their way. `update`: what becomes of the ledger."""

    def __init__(self, run: HostSession, plan: Plan, result: HostResult, update: LedgerUpdate) -> None:
        self.run, self.plan, self.result, self.update = run, plan, result, update
        self.changes = [c for c in plan.changes if c.writes]
        self.tasks = HostTasks(plan)
        self.undo = Undoing(run, plan, update, self.tasks) if covered(plan) else None

    def carry_out(self) -> HostResult:
        """The changes made, recorded and proven. Never raises: what was to be changed, and what was, is still known."""
        result = self.result
        try:
            if problem := self._cannot_write(self.plan.found.facts):
                return replace(result, error=problem)
            written = self._write()
            if self.undo and self.undo.may_go_on:
                return written  # all that could be found out
            self.result = result = written
            if self.undo and result.error and result.written:
                return self.undo.undone(result)
            if result.error or not self.plan.changes:
                return result
            self.run.context.recorder.has_written(self.run.masked(result))
            if self.changes:
                self._forget_associations()
                result = self._proven_or_undone() if self.undo else self._prove()
            return self._proven_at_last(result) if not result.error and (self.tasks or not self.changes) else result
        except Lost as error:
            return replace(self.result, error=error, way_back=way_back(self.plan, self.result.written, self._found.facts.aliases))
        except Exception as error:
            return replace(self.result, error=self.run.fault(error))

    @property
    def _found(self) -> HostSnapshot:
        return self.plan.found

    # -- write

    def _write(self) -> HostResult:
        """Carries the changes to the host, between the two entries in its ledger; the last comes after the proof where an undo
        is armed. Raises HostError."""
        calls = self._calls()
        self.run.context.recorder.begins(self.run.masked(self.result))
        try:
            reply = self._send_changes(calls)
        except OutcomeUnknown as error:
            if self.undo is None:
                raise
            self.undo.may_go_on = True
            self.result = replace(self.result, written=frozenset(c.id for c in self.plan.changes))
            return self.undo.after_loss(self.result, error, self._prove_and_confirm)
        return self._answered(reply)

    def _calls(self) -> dict[Hashable, Call]:
        plan, update = self.plan, self.update
        expectations = expected((c for c in self.changes if c.id not in plan.renames), plan.declarations, plan.found.stored)
        calls: dict[Hashable, Call] = dict(cmdlet_calls(self.changes, self.aliases(), expectations).items())
        tasks = {} if self.undo else self.tasks.calls()  # with an undo they wait for the proof: what is undone leaves none behind
        if update and calls:
            before, after = ledger_calls(plan, update)
            calls = {PENDING: before, **calls, **tasks, **({} if self.undo else {FINAL: after})}
        else:
            calls = {**calls, **tasks, **({FINAL: only_call(plan, update)} if update else {})}
        if self.undo:
            seconds = WRITE_SECONDS + A_CHANGE * (len(self.changes) + len(self.tasks))
            project = plan.policy.project
            arm = arm_call(plan.policy.run_id, project.id if project else "", plan.policy.revert_after + seconds, seconds)
            self.undo.delay = plan.policy.revert_after + seconds
            first: dict[Hashable, Call] = {DOMAIN: Call(CONTROLLERS)} if plan.found.facts.raw.get("domain") else {}
            calls = {**first, ARM: arm, **calls}
        return calls

    def _answered(self, reply: Reply) -> HostResult:
        """What the host made of them: all, or those that it says it has made, and why no more."""
        made = frozenset(c.id for c in self.changes if reply.succeeded(c.id))
        if self.undo:
            self.undo.reached_controllers = _controllers(reply.answers.get(DOMAIN))
        if (failed := first_failed(reply)) is None:
            written = made | {c.id for c in self.plan.changes if not c.writes}
            return replace(self.result, written=written, error=_no_controllers(reply.answers.get(DOMAIN)))
        error = self._why(failed, reply, written=bool(made) or failed.went_on)
        if failed.went_on:
            reason = error.reason if isinstance(error, HostError) else str(error)
            error = HostError("protocol", f"it went on after: {reason}")
        result = replace(self.result, written=made, error=error)
        if not reply.succeeded(ARM):
            self.undo = None  # nothing there undoes the run: what was made stays, and is told
        return result if made or not self.undo else self.undo.nothing_written(result, recorded=reply.succeeded(PENDING))

    def _why(self, failed: FailedCall, reply: Reply, *, written: bool) -> RingfenceError:
        """Why a call was not carried out. `written`: whether the host has changed something, or may have."""
        if error := held_up(failed.failure, written):
            return error
        change = next((c for c in self.changes if c.id == failed.label), None)
        if change is not None:
            return not_made(change, failed.failure, written)
        if failed.label == DOMAIN:
            return not_asked(failed.failure, written)
        if failed.label == ARM:
            return not_armed(failed.failure, written)
        if failed.label not in (PENDING, FINAL) and (error := self.tasks.answered(reply)):
            return error
        return not_recorded(failed.failure, written)

    def _send_changes(self, calls: Mapping[Hashable, Call]) -> Reply:
        """The answers to changes. Raises HostError: OutcomeUnknown where the host may have made them."""
        try:
            return self.run.send(Batch(calls, stop_on_error=True))
        except HostError as broken:
            unknown = not isinstance(broken, Unreachable) and broken.kind in (*BROKEN, *GARBLED)
            raise OutcomeUnknown(broken.kind, broken.detail) if unknown else broken from None

    def _cannot_write(self, facts: Facts) -> RingfenceError | None:
        """Why nothing can be written on the host, as far as it said so itself. What the account of a JEA endpoint may do its
        session configuration says (RunAsVirtualAccountGroups), administrator or not."""
        run = self.run
        jea = run.job.settings.endpoint if isinstance(run.job.settings, PsrpSettings) else None
        if jea and run.endpoint and not run.endpoint.writes:
            return HostError("reads_only", jea)
        if facts.elevated is False and not jea:
            return HostError("elevation")
        if self.undo and jea and run.endpoint and "Undo.Arm" not in run.endpoint.verbs:
            return GuardRefused("the endpoint knows no undo. Export it anew (`ringfence jea export`) and install it, or write "
                                "without one: `revert_after: never`")
        if jea and run.endpoint and self.tasks and WRITE_EXPIRY not in run.endpoint.verbs:
            return GuardRefused("the endpoint cannot have the host end rules by itself. Export it anew (`ringfence jea export`) "
                                "and install it, or leave `expires_on_host` out")
        off = stopped(facts, TO_WRITE)
        return HostError("service", ", ".join(f"{s} is {facts.services[s]}" for s in off)) if off else None

    def aliases(self) -> Mapping[str, str]:
        """{GUID: alias} of the host's interfaces, which are asked for where a change has some that nobody declared."""
        facts = self._found.facts
        if not facts.tells_interfaces and any(names_interfaces(c.after) for c in self.plan.changes if c.after):
            facts = with_network(facts, self.run.send(Batch({INTERFACES: Call(INTERFACES)}))[INTERFACES])
        return facts.aliases

    # -- prove

    def _forget_associations(self) -> None:
        """After changes of IPsec the associations towards the controller go: they would carry the proof whatever the new policy
        asks for. Often they carry this very reply, so that none comes; the proof says what is so."""
        if not any("IKEEXT" in c.resource.kind.services for c in self.changes):
            return
        try:
            told = self.run.send(Batch({MANAGEMENT: Call(MANAGEMENT)}))[MANAGEMENT]
            flow = told.get("management") if isinstance(told, dict) else None
            peer = flow.get("remote_address") if isinstance(flow, dict) else None
            if isinstance(peer, str) and peer:
                before = {CONTINUE: continue_call(self.plan.policy.run_id)} if self.undo else {}
                self.run.send(Batch({**before, FORGET: Call("SA.Delete", {"remote_address": peer})}, stop_on_error=True))
        except HostError as error:
            LOG.debug("%s: its associations: %s", self.plan.host, error)

    def _proven_or_undone(self) -> HostResult:
        """The proof, however long the host is not reached for it: it undoes the run by itself then. Never raises."""
        assert self.undo is not None
        try:
            return self._prove_and_confirm()
        except Lost as lost:
            return self.undo.after_loss(self.result, lost, self._prove_and_confirm)

    def _prove_and_confirm(self) -> HostResult:
        """The proof, and then the undo is not wanted any more; what is not proven is undone. Raises Lost."""
        assert self.undo is not None
        try:
            proven = self._prove()
        except Lost:
            raise
        except HostError as error:
            return self.undo.undone(replace(self.result, error=error))
        return self.undo.undone(proven) if proven.error else self.undo.confirmed(proven)

    def _prove(self) -> HostResult:
        """A second read over a new connection: what is declared is what is there, or the host has failed. Raises HostError: Lost
        where it was not reached."""
        plan, result = self.plan, self.result
        asked = {**written(plan.changes), **undecided(plan)}
        questions = replace(about(plan.declarations, self.run.kinds), facts=frozenset(), accounts=())  # bound already
        questions = of_kinds(questions, {c.id.kind for c in plan.changes}, self.run.kinds)
        calls = enforcement_calls(asked)
        if self.undo and self.undo.reached_controllers:
            calls[DOMAIN] = Call(CONTROLLERS)
        found, reply = self._read_again(questions, calls)
        if self.undo and (off := stopped(found.facts, TO_WRITE)):  # a firewall that does not run keeps nobody out: yet
            raise Lost(detail=f"the firewall does not run there yet: {', '.join(off)}")
        if error := self.run.seen(plan.declarations, found)[1]:
            return replace(result, error=error)
        if DOMAIN in calls and not _controllers(reply.answers.get(DOMAIN)):
            assert self.undo is not None
            return replace(result, error=HostError("domain", f"{', '.join(self.undo.reached_controllers)} answered before"))
        if remaining := self._remaining(found):
            error = HostError("not_converged", ", ".join(str(c.id) for c in remaining[:5]))
            return replace(result, remaining=remaining, error=error, proven=result.written - {c.id for c in remaining})
        judged = judge_again(plan, with_interfaces(found, plan.found.facts))
        judged = decide(judged, asked, enforcement_told(asked, reply))
        result = replace(result, obstacles=judged.obstacles)
        if self.undo and (unlike := unexpected(plan, judged)):
            return replace(result, error=HostError("unlike_plan", "; ".join(unlike)))
        return replace(result, proven=result.written)

    def _read_again(self, questions: Questions, calls: Mapping[Hashable, Call], *,
                    ledger: bool = False) -> tuple[HostSnapshot, Reply]:
        """Raises HostError: Lost where the host was not reached."""
        try:
            return self.run.read(questions, calls, defaults=False, ledger=ledger)
        except HostError as broken:
            raise Lost(detail=broken.reason) if isinstance(broken, Unreachable) or broken.kind in BROKEN else broken from None

    def _proven_at_last(self, result: HostResult) -> HostResult:
        """The proof of what was written after that of the objects, or without one: the tasks of the host, and the ledger where
        nothing else changes. Raises HostError: Lost where it was not reached."""
        plan, update = self.plan, expiry_update(self.plan)
        of_tasks = {one.id for one in (*update.written, *update.removed)}
        late = {c.id for c in plan.changes if c.id in of_tasks or not self.changes}
        self.result = result = replace(result, proven=result.proven - late)
        found, _ = self._read_again(NO_QUESTIONS, {READ_EXPIRIES: Call(READ_EXPIRIES)} if self.tasks else {}, ledger=True)
        if self.tasks and found.expiries_unread:
            return replace(result, error=HostError("script", f"what the host ends by itself: {found.expiries_unread}"))
        wrong: set[Id | None] = set()
        if self.tasks:  # who takes over what another project owns reads of tasks that were none of this run's
            left = expiry_update(replace(plan, found=replace(plan.found, expiries=found.expiries)))
            wrong |= {one.id for one in left.written if one.id in found.state}  # else it has ended it meanwhile
            wrong |= {one.id for one in left.removed}
        if not self.changes:
            entries = found.ledger.entries
            wrong |= {id for id, entry in self.update.after.items() if id not in entries or entries[id].hash != entry.hash}
            wrong |= self.update.removed & entries.keys()
        remaining = tuple(c for c in plan.changes if c.id in wrong)
        named = ", ".join(str(c.id) for c in remaining[:5]) or "its tasks"
        error = HostError("not_converged", named) if wrong else None
        return replace(result, remaining=remaining, error=error, proven=result.proven | (result.written & late) - wrong)

    def _remaining(self, found: HostSnapshot) -> tuple[Change, ...]:
        """What is not there yet, or still is."""
        plan = self.plan
        after = diff(found.state, state_after(plan.declarations, found.state), plan.declarations)
        left = [c for c in plan.changes if c.id not in plan.declarations and c.writes and found.state.get(c.id) != c.after
                and c.action != "rename"]
        return order(replace(plan, changes=(*after, *left))).changes


def _controllers(answer: Answer | None) -> tuple[str, ...]:
    """The controllers of its domain that the host has reached."""
    told = answer.value if answer and answer.error is None and isinstance(answer.value, dict) else {}
    listed = told.get("controllers")
    return tuple(str(one)[:45] for one in listed[:5]) if isinstance(listed, list) else ()


def _no_controllers(answer: Answer | None) -> HostError | None:
    """What is wrong with an answer about controllers: the proof would hold whatever the host lost."""
    if answer is None or (isinstance(answer.value, dict) and isinstance(answer.value.get("controllers"), list)):
        return None
    return HostError("protocol", f"the controllers of its domain: {str(answer.value)[:100]}")
