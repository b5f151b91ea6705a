"""Hosts as they were before a run: the undo that waits there is fired; else an ordinary plan, made of what journals tell."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ringfence.batch import Batch
from ringfence.diagnostics import NOWHERE, Diagnostic
from ringfence.errors import GuardRefused, HostError
from ringfence.formats.read_data import change_from_data
from ringfence.model.ledger import Entry
from ringfence.model.plain import digest_of, resource_as_data
from ringfence.model.resource import Kind, Resource
from ringfence.model.state import LOCAL, NO_TASK, Change, Id, TaskLabel
from ringfence.model.undo import UNDER_WAY, UndoState, undo_state
from ringfence.plan.order import order
from ringfence.plan.plan import HostSnapshot, Plan
from ringfence.report import HostResult
from ringfence.run.guarded import guarded
from ringfence.run.host import HostRun
from ringfence.run.host_job import HostJob, RunContext
from ringfence.run.ledger_update import LedgerUpdate
from ringfence.run.past_runs import PastHost, PastRun
from ringfence.run.undoing import CONFIRM, FIRE, is_sayable
from ringfence.secret import MASK
from ringfence.windows.undo_calls import confirm_call, fire_call


@dataclass(frozen=True)
class Before:
    """How a host was before some runs. objects: None of those that were not there · ended: what the task of an object said of
    its end, where that removed it · runs: which have changed it since · problems: what their records do not tell."""

    objects: Mapping[Id, Resource | None] = field(default_factory=dict)
    ended: Mapping[Id, str] = field(default_factory=dict)
    runs: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def hosts_before(runs: Iterable[PastRun], kinds: Mapping[str, Kind], to: str = "") -> dict[str, Before]:
    """{host: how it was before}. runs: those of the project, the last one first · to: the run before which hosts are wanted; for
    each host the last one that wrote to it where none is named."""
    objects: dict[str, dict[Id, Resource | None]] = {}
    ended: dict[str, dict[Id, str]] = {}
    by: dict[str, list[str]] = {}
    problems: dict[str, list[str]] = {}
    for run in runs:
        for host in run.hosts.values():
            if not to and host.host in by:
                continue
            for what in _made(host, run, kinds):
                by.setdefault(host.host, [])
                if by[host.host][-1:] != [run.run_id]:
                    by[host.host].append(run.run_id)
                if isinstance(what, str):
                    problems.setdefault(host.host, []).append(what)
                else:
                    objects.setdefault(host.host, {}).update({id: was for id, (was, _) in what.items()})
                    ended.setdefault(host.host, {}).update({id: label.expiry if label.expires else ""
                                                            for id, (_, label) in what.items()})
        if to and run.run_id == to:
            break
    return {host: Before(objects.get(host, {}), ended.get(host, {}), tuple(names), tuple(problems.get(host, ())))
            for host, names in by.items()}


def _made(host: PastHost, run: PastRun, kinds: Mapping[str, Kind]) -> Iterator[dict[Id, tuple[Resource | None, TaskLabel]] | str]:
    """What each change of a run that a host made took from it, and the task that wanted that; a text where the record does not
    tell. What a host has undone is nothing, and what nobody knows of may have been made."""
    if host.status == "restored":
        return
    unknown = host.status in ("unknown", "lost")
    listed = host.data.get("changes")
    for one in listed if isinstance(listed, list) else ():
        if not isinstance(one, dict) or not (one.get("made") is True or unknown):
            continue
        told = run.definitions.get(str(one.get("definition")))
        try:
            change = change_from_data(told, kinds)
        except (ValueError, KeyError, TypeError):
            yield f"the record of run {run.run_id} tells of a change that is not understood here"
            continue
        if not change.writes or change.id.store != LOCAL:
            continue
        if not is_sayable(change.before) or _is_masked(change):
            yield f"{change}: it had a secret, which no record holds: say again what it was"
        elif change.action == "rename" and change.after is not None:
            yield {change.id: (change.before, NO_TASK), change.id._replace(name=change.after.name.lower()): (None, NO_TASK)}
        else:
            yield {change.id: (change.before, change.label if change.after is None else NO_TASK)}


def rollback(job: HostJob, context: RunContext, write: bool, before: Mapping[str, Before]) -> HostResult:
    """The host as it was. `write`: else it is only planned. Never raises for what the host does."""
    run = HostRun(job, context)

    def work() -> HostResult:
        found, _ = run.read(ledger=True)
        if found.undo.waits:
            return _fired(run, found.undo, write)
        wanted = before.get(job.host, Before())
        notes = [_note(job.host, problem, "warning") for problem in wanted.problems]
        if not wanted.runs:
            notes.append(_note(job.host, "no record tells of a run that wrote to it", "warning"))
        changes = tuple(Change(id, found.state.get(id), was, why=f"as before run {wanted.runs[-1]}")
                        for id, was in sorted(wanted.objects.items()) if not _alike(found.state.get(id), was))
        notes += [_note(job.host, f"{change.id} comes back, whose task ended it ({wanted.ended[change.id]})", "warning",
                        "Nothing ends it before the next apply") for change in changes if wanted.ended.get(change.id)]
        plan = order(Plan(job.host, {}, found, context.policy, base=found.state, after=found.state, changes=changes))
        plan = guarded(plan, run.send)
        plan.raise_if_refused()
        result = HostResult(job.host, plan.changes, diagnostics=(*plan.diagnostics, *notes))
        return run.carry_out(plan, result, _ledger_after(plan, found)) if write else result

    return run.result(work)


def confirm(job: HostJob, context: RunContext, write: bool) -> HostResult:
    """What a run made on the host stays, though nobody has proven it: its undo goes. Never raises for what the host does."""
    run = HostRun(job, context)

    def work() -> HostResult:
        undo = run.read(defaults=False, ledger=True)[0].undo
        result = HostResult(job.host)
        if not undo.waits:
            return _with(result, _note(job.host, "no undo waits here"))
        if undo.step in UNDER_WAY or undo.state == "firing":
            raise GuardRefused(f"the host has begun to undo run {undo.run}")
        if not write:
            return _with(result, _note(job.host, f"what run {undo.run} made would stay"))
        answer = run.send(Batch({CONFIRM: confirm_call(undo.run)})).answers[CONFIRM]
        if answer.error:
            raise GuardRefused(answer.error.message)
        return _with(result, _note(job.host, f"what run {undo.run} made stays; its undo is gone"))

    return run.result(work)


def _fired(run: HostRun, undo: UndoState, write: bool) -> HostResult:
    """The undo that waits, fired: the host imports what it exported."""
    result = HostResult(run.job.host)
    if not write:
        return _with(result, _note(run.job.host, f"the undo of run {undo.run} waits here: the host would import what it had"))
    answer = run.send(Batch({FIRE: fire_call(undo.run)})).answers[FIRE]
    if answer.error:
        raise HostError("script", answer.error.message)
    after = undo_state(answer.value)
    if after.task or after.state != "restored":
        raise HostError("script", f"the undo of run {undo.run} has not come to its end: {after.step or after.state}")
    return _with(result, _note(run.job.host, f"the host has undone run {undo.run}: it imported the policy that it had before"))


def _ledger_after(plan: Plan, found: HostSnapshot) -> LedgerUpdate | None:
    """Whose the objects are once they are as they were: the project's own stay its own."""
    ledger = found.ledger
    if plan.policy.project is None or ledger.unread or ledger.is_newer:
        return LedgerUpdate()
    update = LedgerUpdate()
    for change in plan.changes:
        entry = ledger.entries.get(change.id)
        if change.after is None:
            update.removed.update([change.id] if entry else [])
            continue
        now = digest_of(change.after)
        update.after[change.id] = replace(entry, hash=now, pending="", run=plan.policy.run_id) if entry else Entry(
            "created", plan.policy.run_id, now)
        update.before[change.id] = replace(update.after[change.id], hash=entry.hash if entry else "", pending=now)
    return update


def _is_masked(change: Change) -> bool:
    """Whether the record left out something of what was there: a host had said a secret in it."""
    return MASK in json.dumps([change.id.name, resource_as_data(change.before)])


def _alike(found: Resource | None, was: Resource | None) -> bool:
    return found == was if found is None or was is None else digest_of(found) == digest_of(was)


def _note(host: str, summary: str, severity: Any = "note", detail: str = "") -> Diagnostic:
    return Diagnostic(NOWHERE, summary, detail, severity, host)


def _with(result: HostResult, note: Diagnostic) -> HostResult:
    return replace(result, diagnostics=(*result.diagnostics, note))

