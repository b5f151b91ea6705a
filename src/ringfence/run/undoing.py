"""The undo of one host's run, seen from the controller: confirmed once its changes are proven, else done.

What was written is undone by the same cmdlets, backwards, as long as the host is reached and they can say what was there. The
last resort is what the host does by itself when nobody confirms: it imports its policy as it was exported before the first write,
whole. After a connection that broke the host is asked how far its undo is: a result is proven, restored, lost or unknown, never a
guess.
"""

import logging
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from ringfence.batch import Batch, Call, Reply
from ringfence.diagnostics import NOWHERE, Diagnostic
from ringfence.errors import GuardRefused, HostError, Lost, OutcomeUnknown, Restored, RingfenceError, Unreachable
from ringfence.model.plain import digest_of
from ringfence.model.resource import Resource
from ringfence.model.state import LOCAL, Id, State
from ringfence.model.undo import ARMED, UNDER_WAY, UndoState, undo_state
from ringfence.plan.plan import HostSnapshot, Plan
from ringfence.plan.way_back import undone_change, way_back
from ringfence.report import HostResult
from ringfence.run.host_session import HostSession
from ringfence.run.host_tasks import HostTasks
from ringfence.run.ledger_update import LedgerUpdate, ledger_calls, settled_again
from ringfence.run.questions import about, of_kinds
from ringfence.run.write_failures import first_failed
from ringfence.secret import StoredSecret
from ringfence.windows.calls import cmdlet_calls
from ringfence.windows.undo_calls import READ_UNDO, confirm_call, continue_call, fire_call

LOG = logging.getLogger(__name__)
BROKEN = ("connection_lost", "no_answer", "network", "timeout")  # it was reached, and nobody knows what it did
GARBLED = ("protocol", "too_large")  # it answered, and nobody knows what
DOMAIN, CONTINUE, CONFIRM, FIRE = "domain", "undo, continued", "undo, confirmed", "undo, fired"  # labels of calls
FINAL_ENTRY = "ledger, after the proof"
BEYOND = 240  # seconds after the undo was to begin until which it is looked for: it imports twice, a minute apart
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 10.0  # seconds between two looks
ARMING = 120  # seconds after which what was sent has armed its undo, or never will
_ALSO_TOLD = 20  # objects that an import reverted, beside those of the run, and that are told by name
_NOT_LOOKED_AT = ("the host imported its whole policy as it was when the run began: what anybody else changed since then is gone "
                  "too, and nobody saw what that was")


class Undoing:
    """The undo of a run on one host. tasks: those by which the host ends rules by itself · delay: seconds after which the host
    undoes the run · reached_controllers: of its domain, before the first write."""

    def __init__(self, run: HostSession, plan: Plan, update: LedgerUpdate, tasks: HostTasks) -> None:
        self.run, self.plan, self.update, self.tasks = run, plan, update, tasks
        self.delay = 0
        self.reached_controllers: tuple[str, ...] = ()
        self.may_go_on = False  # whether the host may still be writing what was sent
        self._until = 0.0  # when it is not looked for any longer
        self._id = plan.policy.run_id

    # -- it went well

    def confirmed(self, result: HostResult) -> HostResult:
        """The proof has come: the host gets its tasks, the undo goes, and the ledger says so."""
        calls: dict[Hashable, Call] = {CONFIRM: confirm_call(self._id)}
        if self.tasks:
            calls = {CONTINUE: continue_call(self._id), **self.tasks.calls(), **calls}
        if self.update:
            calls[FINAL_ENTRY] = ledger_calls(self.plan, self.update)[1]
        try:
            reply = self.run.send(Batch(calls, stop_on_error=True))
        except HostError as broken:
            return self._confirmed_or_not(result, broken, calls)
        return self._after_confirm(result, reply)

    def _after_confirm(self, result: HostResult, reply: Reply) -> HostResult:
        failed = self.tasks.answered(reply)
        if reply.succeeded(CONFIRM) and (first := first_failed(reply)) and first.label != FINAL_ENTRY:
            reason = failed.reason if failed else first.failure.message  # the undo is gone: what was written stays
            return replace(result, error=HostError("protocol", f"it went on after: {reason}"))
        if (answer := reply.answers.get(CONTINUE)) and answer.error:
            return self.after_loss(result, HostError("script", answer.error.message), None)
        if failed:
            return self.undone(replace(result, error=failed))
        if error := reply.answers[CONFIRM].error:
            return self.after_loss(result, HostError("script", error.message), None)
        return _recorded(result, reply)

    def _confirmed_or_not(self, result: HostResult, broken: HostError, calls: Mapping[Hashable, Call]) -> HostResult:
        """The answer to a confirmation was lost: the host says whether it came there. Confirming twice is confirming once."""
        def again() -> HostResult:
            state = self._read_undo()
            if state.run == self._id and state.state == "confirmed" and not state.task:
                settled = self.run.read(ledger=True)[0].ledger
                if settled.is_pending and FINAL_ENTRY in calls:
                    return _recorded(result, self.run.send(Batch({FINAL_ENTRY: calls[FINAL_ENTRY]})))
                return result
            return self._after_confirm(result, self.run.send(Batch(calls, stop_on_error=True)))
        return self.after_loss(result, broken, again)

    # -- it did not

    def nothing_written(self, result: HostResult, *, recorded: bool) -> HostResult:
        """The run ended before its first write: the undo goes, and nothing is undone. `recorded`: the ledger says what was to
        come."""
        calls: dict[Hashable, Call] = {CONFIRM: confirm_call(self._id)}
        if recorded and self.update:
            calls[FINAL_ENTRY] = settled_again(self.plan, self.update)
        try:
            reply = self.run.send(Batch(calls, stop_on_error=True))
        except HostError as broken:
            return self._told(result, f"its undo could not be taken back ({broken.reason}): in {self.delay} seconds the host "
                              "imports the policy that it has")
        error = reply.answers[CONFIRM].error
        return self._told(result, f"its undo could not be taken back: {error.message}") if error else result

    def undone(self, result: HostResult) -> HostResult:
        """What was written is undone: by cmdlets, backwards, or else by the host's own import. Never raises."""
        cause = result.error or HostError("not_converged")
        try:
            if not self.may_go_on and self._undo_by_cmdlets(result):
                return self._restored(result, cause)
        except HostError as broken:
            if isinstance(broken, Unreachable) or broken.kind in (*BROKEN, *GARBLED):
                return self.after_loss(result, cause, None)
        return self._fire(result, cause)

    def _undo_by_cmdlets(self, result: HostResult) -> bool:
        """Whether that brought back all that was there. Raises HostError."""
        made = [c for c in self.plan.changes if c.id in result.written and c.writes]
        backwards = [undone_change(c) for c in reversed(made)]
        if not all(is_sayable(c.after) for c in backwards):
            return False
        try:
            back = cmdlet_calls(backwards, self.plan.found.facts.aliases)
        except GuardRefused:
            return False
        calls: dict[Hashable, Call] = {CONTINUE: continue_call(self._id)} | self.tasks.back() | dict(back.items())
        answers = self.run.send(Batch(calls, stop_on_error=True)).answers
        if any(answer.error for answer in answers.values()):
            return False
        found = self._read()
        if self._differing(found.state):
            return False
        ending: dict[Hashable, Call] = {CONFIRM: confirm_call(self._id)}
        if self.update:
            ending[FINAL_ENTRY] = settled_again(self.plan, self.update)
        return self.run.send(Batch(ending, stop_on_error=True)).succeeded(CONFIRM)  # the next run settles a ledger that was not

    def _fire(self, result: HostResult, cause: RingfenceError) -> HostResult:
        """The host imports what it has exported, now."""
        try:
            before = self._read().state
            reply = self.run.send(Batch({FIRE: fire_call(self._id)}))
        except HostError:
            return self.after_loss(result, cause, None)
        if reply.answers[FIRE].error:
            return self.after_loss(result, cause, None)
        ended = self._looked_at(result, cause, undo_state(reply.answers[FIRE].value), before)
        return ended or self.after_loss(result, cause, None)

    def after_loss(self, result: HostResult, cause: RingfenceError, go_on: Callable[[], HostResult] | None) -> HostResult:
        """The host as it is found once it is reached again: it goes on where its undo still waits (`go_on`; without that it is
        undone at once), is restored, or is not reached as long as it could take. Never raises."""
        patience, pause, fired = self.run.context.patience, _FIRST_PAUSE, False
        begun = patience.now()
        self._until = self._until or begun + self.delay + BEYOND
        while patience.now() < self._until:
            if self.run.context.recorder.interruption:
                return self._given_up(result, OutcomeUnknown("interrupted"))
            try:
                state = self._read_undo()
                if ended := self._ended(result, cause, state, go_on, patience.now() - begun):
                    return ended
                if state.task == self._id and not fired and state.step in (ARMED, *UNDER_WAY):
                    fired = True
                    self.run.send(Batch({FIRE: fire_call(self._id)}))
                    continue
            except HostError:
                LOG.debug("%s: not reached yet", self.plan.host, exc_info=True)
            patience.wait(pause)
            pause = min(_LONGEST_PAUSE, pause * 2)
        return self._given_up(result, cause)

    def _ended(self, result: HostResult, cause: RingfenceError, state: UndoState, go_on: Callable[[], HostResult] | None,
               waited: float) -> HostResult | None:
        """The result where the host says enough. None: it is to be asked again. Raises HostError where it is not reached."""
        if state.task == self._id:
            return go_on() if go_on is not None and state.step == ARMED else None
        if state.run == self._id and state.state == "confirmed" and go_on is not None:
            return go_on()
        if state.run == self._id and state.state == "restored":
            return self._looked_at(result, cause, state, None)
        if waited < ARMING:  # what was sent may be on its way there, or about to arm
            return None
        nothing = HostError(cause.kind, f"{cause.detail}: nothing was written") if isinstance(cause, HostError) else cause
        return None if self._differing(self._read().state) else replace(
            result, written=frozenset(), proven=frozenset(), error=nothing)

    def _looked_at(self, result: HostResult, cause: RingfenceError, state: UndoState, before: State | None) -> HostResult | None:
        """The result where the undo is over. None: it is not. Raises HostError."""
        if state.task or state.run != self._id or state.state != "restored":
            return None
        found = self._read()
        if left := self._differing(found.state):
            told = ", ".join(map(str, left[:5]))
            error = HostError("not_converged", f"the host undid the run, and differs from before: {told}")
            return replace(result, error=error, proven=frozenset())
        also = [_NOT_LOOKED_AT] if before is None else _also_reverted(before, found.state, {c.id for c in self.plan.changes})
        for note in also[:_ALSO_TOLD]:
            result = self._told(result, note)
        self._settle()
        return self._restored(result, cause)

    def _settle(self) -> None:
        """The ledger and the tasks are again as before the run; where that cannot be written now, the next run does."""
        calls = self.tasks.back()
        if self.update:
            calls[FINAL_ENTRY] = settled_again(self.plan, self.update)
        if calls:
            try:
                self.run.send(Batch(calls))
            except HostError:
                LOG.debug("%s: its ledger, its tasks", self.plan.host, exc_info=True)

    def _restored(self, result: HostResult, cause: RingfenceError) -> HostResult:
        reason = cause.reason if isinstance(cause, HostError) else str(cause)
        return replace(result, error=Restored(detail=reason), remaining=(), proven=frozenset())

    def _given_up(self, result: HostResult, cause: RingfenceError) -> HostResult:
        """It was not reached: it may be undoing the run by itself, and nobody here knows."""
        reason = cause.reason if isinstance(cause, HostError) else str(cause)
        told = cause if isinstance(cause, Lost | OutcomeUnknown) else Lost(detail=reason)
        back = way_back(self.plan, result.written, self.plan.found.facts.aliases) if isinstance(told, Lost) else ()
        note = f"the undo of this run was armed: the host imports the policy that it had before, {self.delay} seconds after that"
        return self._told(replace(result, error=told, way_back=back, proven=frozenset()), note)

    # -- what is there

    def _read_undo(self) -> UndoState:
        return undo_state(self.run.send(Batch({READ_UNDO: Call(READ_UNDO)}))[READ_UNDO])

    def _read(self) -> HostSnapshot:
        questions = replace(about(self.plan.declarations, self.run.kinds), facts=frozenset(), accounts=(), judged=False)
        questions = of_kinds(questions, {c.id.kind for c in self.plan.changes}, self.run.kinds)
        return self.run.read(questions, defaults=False)[0]

    def _differing(self, state: State) -> list[Id]:
        """The objects of the run that are not as they were before it."""
        touched = {id for c in self.plan.changes if c.writes for id in (c.id, undone_change(c).id)}
        return [id for id in sorted(touched) if not _same(self.plan.found.state.get(id), state.get(id))]

    def _told(self, result: HostResult, summary: str) -> HostResult:
        note = Diagnostic(NOWHERE, summary, severity="warning", host=result.host)
        return replace(result, diagnostics=(*result.diagnostics, note))


def _same(before: Resource | None, now: Resource | None) -> bool:
    """Whether an object is as it was, as far as the host tells: of a key it says that there is one."""
    if before is None or now is None:
        return before is now
    return before == now or digest_of(before) == digest_of(now)


def _recorded(result: HostResult, reply: Reply) -> HostResult:
    """The result of what is confirmed, with what came of its last entry in the ledger."""
    answer = reply.answers.get(FINAL_ENTRY)
    return replace(result, error=HostError("ledger", answer.error.message)) if answer and answer.error else result


def is_sayable(before: Resource | None) -> bool:
    """Whether a cmdlet could be told all of what was there: a stored key nobody knows."""
    waiting: list[Any] = [] if before is None else [*before.values().values()]
    while waiting:
        value = waiting.pop()
        if isinstance(value, StoredSecret):
            return False
        if isinstance(value, Resource):
            waiting += value.values().values()
        elif isinstance(value, Mapping):
            waiting += value.values()
        elif isinstance(value, list | tuple):
            waiting += value
    return True


def _also_reverted(before: State, now: State, ours: Iterable[Id]) -> list[str]:
    """What an import, which replaces the whole local policy, has taken back beside the run's own changes."""
    known = set(ours)
    there = [id for id in sorted({*before, *now}) if id.store == LOCAL and id not in known]
    others = [id for id in there if not _same(before.get(id), now.get(id))]
    return [f"the import also took back what somebody did to {id} while the undo was armed" for id in others]
