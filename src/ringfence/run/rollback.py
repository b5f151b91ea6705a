"""Hosts as they were before a run: the undo that waits there is fired; else an ordinary plan, made of what journals tell."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import takewhile
from typing import Any

from ringfence.batch import Batch
from ringfence.diagnostics import NOWHERE, Diagnostic
from ringfence.errors import GuardRefused, HostError
from ringfence.model.ledger import Ledger
from ringfence.model.undo import UNDER_WAY, UndoState, undo_state
from ringfence.plan.order import order
from ringfence.plan.ownership import tell_owners
from ringfence.plan.plan import Plan
from ringfence.report import HostResult, UndoResult
from ringfence.run.guarded import guarded
from ringfence.run.host import HostRun
from ringfence.run.host_job import HostJob, RunContext
from ringfence.run.hosts_before import Before
from ringfence.run.rollback_changes import changes_back, ledger_after, told_of_tasks
from ringfence.run.undoing import CONFIRM, FIRE
from ringfence.run.write_failures import held_up
from ringfence.windows.undo_calls import confirm_call, fire_call


def rollback(job: HostJob, context: RunContext, write: bool, before: Mapping[str, Before], to: str = "") -> HostResult:
    """The host as it was. `write`: else it is only planned · to: the run before which that was, where somebody said which. Never
    raises for what the host does."""
    run = HostRun(job, context)

    def work() -> HostResult:
        told, notes = before.get(job.host, Before()), list[Diagnostic]()
        found = run.read_owned({id.kind for id in told.objects})
        if found.undo.waits:
            fired = _fired(run, found.undo, write)
            if not to or to == found.undo.run or not write:
                return fired
            notes += fired.diagnostics
            found = run.read_owned({id.kind for id in told.objects})
        run.require_read({id.kind for id in told.objects}, found)
        changes, wanted = changes_back(_as_the_host_says(told, found.ledger, to), found)
        notes += [_note(job.host, problem, "warning") for problem in wanted.problems]
        if not wanted.runs:
            notes.append(_note(job.host, "no record tells of a run that wrote to it", "warning"))
        notes += told_of_tasks(changes, found, wanted, job.host)
        plan = order(Plan(job.host, {}, found, context.policy, base=found.state, after=found.state, changes=changes))
        plan = guarded(tell_owners(plan), run.send)
        plan.raise_if_refused()
        result = HostResult(job.host, plan.changes, diagnostics=(*plan.diagnostics, *notes))
        result = run.carry_out(plan, result, ledger_after(plan, found, wanted)) if write else result
        if wanted.problems and result.error is None and (write or not result.changes):
            return replace(result, error=HostError("not_undone", f"changes that stay: {len(wanted.problems)}, see the warnings"))
        return result

    return run.result(work)


def _as_the_host_says(wanted: Before, ledger: Ledger, to: str) -> Before:
    """What is wanted, with what no record tells of the last run that wrote to the host, by its ledger or else by the records.
    Raises GuardRefused where another one would be taken back than the last, and nobody said which."""
    stamped = "" if ledger.unread or ledger.is_newer else ledger.header.get("Run", "")
    last = stamped or next((run for run, changed in wanted.writers.items() if changed), "")
    before = wanted.runs[0] if wanted.runs else ""
    if last and last not in wanted.writers:
        if to:
            return replace(wanted, problems=(*wanted.problems, f"the last run that wrote here is {last}, of which no record here "
                                             "tells: what it made stays"))
        way = f"; `--to {before}` takes back what the records here tell" if before else ""
        raise GuardRefused(f"the last run that wrote here is {last}, of which no record here tells. Roll it back where its "
                           f"record is (another controller, --run-dir){way}")
    after = [*takewhile(last.__ne__, wanted.writers)] if last else []
    if later := [run for run in after if wanted.writers[run]]:
        raise GuardRefused(f"the last run that wrote here is {last}, and by the records {later[0]} came after it: a clock was "
                           "wrong, or the host was put back since. Nobody knows how it was before: declare what it should have, "
                           "and apply")
    if to or not last or before == last:
        return wanted
    if before in after and stamped:
        raise GuardRefused(f"run {before} wrote nothing here: the last one that did is {last}. `--to {last}` takes that back")
    if before not in after:
        way = f"`--to {before}` takes back run {before}, and what came after it" if before else "No earlier one is recorded"
        raise GuardRefused(f"the last run that wrote here is {last}, and nothing of it is there to be taken back: it changed no "
                           f"object, or is undone. {way}")
    return wanted


def confirm(job: HostJob, context: RunContext, write: bool) -> HostResult:
    """What a run made on the host stays, though nobody has proven it: its undo goes. Never raises for what the host does."""
    run = HostRun(job, context)

    def work() -> HostResult:
        undo = run.read(defaults=False, ledger=True)[0].undo
        result = UndoResult(job.host)
        if not undo.waits:
            return _with(result, _note(job.host, "no undo waits here"))
        if undo.step in UNDER_WAY or undo.state == "firing":
            raise GuardRefused(f"the host has begun to undo run {undo.run}")
        if not write:
            return _with(result, _note(job.host, f"what run {undo.run} made would stay"))
        answer = run.send(Batch({CONFIRM: confirm_call(undo.run)})).answers[CONFIRM]
        if answer.error:
            raise held_up(answer.error, written=False) or GuardRefused(answer.error.message)
        return _with(result, _note(job.host, f"what run {undo.run} made stays; its undo is gone"))

    return run.result(work)


def _fired(run: HostRun, undo: UndoState, write: bool) -> HostResult:
    """The undo that waits, fired: the host imports what it exported."""
    result = UndoResult(run.job.host)
    if not write:
        return _with(result, _note(run.job.host, f"the undo of run {undo.run} waits here: the host would import what it had"))
    answer = run.send(Batch({FIRE: fire_call(undo.run)})).answers[FIRE]
    if answer.error:
        raise held_up(answer.error, written=False) or HostError("script", answer.error.message)
    after = undo_state(answer.value)
    if after.task or after.state != "restored":
        raise HostError("script", f"the undo of run {undo.run} has not come to its end: {after.step or after.state}")
    return _with(result, _note(run.job.host, f"the host has undone run {undo.run}: it imported the policy that it had before"))


def _note(host: str, summary: str, severity: Any = "note", detail: str = "") -> Diagnostic:
    return Diagnostic(NOWHERE, summary, detail, severity, host)


def _with(result: HostResult, note: Diagnostic) -> HostResult:
    return replace(result, diagnostics=(*result.diagnostics, note))

