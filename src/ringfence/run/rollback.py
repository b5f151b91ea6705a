"""Hosts as they were before a run: the undo that waits there is fired; else an ordinary plan, made of what journals tell."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Any

from ringfence.batch import Batch
from ringfence.diagnostics import NOWHERE, Diagnostic
from ringfence.errors import GuardRefused, HostError
from ringfence.formats.read_data import change_from_data
from ringfence.model.kept import as_writable
from ringfence.model.ledger import Entry, Ledger, entry_of
from ringfence.model.plain import digest_of, resource_as_data
from ringfence.model.resource import Kind, Resource
from ringfence.model.state import LOCAL, Change, Id, TaskLabel
from ringfence.model.undo import UNDER_WAY, UndoState, undo_state
from ringfence.plan.order import order
from ringfence.plan.ownership import tell_owners
from ringfence.plan.plan import HostSnapshot, Plan
from ringfence.report import HostResult
from ringfence.run.guarded import guarded
from ringfence.run.host import HostRun
from ringfence.run.host_job import HostJob, RunContext
from ringfence.run.ledger_update import LedgerUpdate, announced
from ringfence.run.past_runs import PastHost, PastRun, line_of
from ringfence.run.undoing import CONFIRM, FIRE, is_sayable
from ringfence.run.write_failures import held_up
from ringfence.secret import MASK
from ringfence.types.moments import in_short
from ringfence.windows.undo_calls import confirm_call, fire_call


@dataclass(frozen=True)
class Before:
    """How a host was before some runs. objects: None of those that were not there · ended: what the task of an object said of
    its end, where that removed it · owners: whose each was then, a row of windows.origin.ORIGINS where that is known · ledger:
    what the ledger said of each (Change.ledger) · moved: {object: the one that it has become by renames} · runs: which have
    changed it since · problems: what their records do not tell · writers: the runs that began to write there, the last one
    first, and whether each is known to have changed something."""

    objects: Mapping[Id, Resource | None] = field(default_factory=dict)
    ended: Mapping[Id, str] = field(default_factory=dict)
    owners: Mapping[Id, str] = field(default_factory=dict)
    ledger: Mapping[Id, str | None] = field(default_factory=dict)
    moved: Mapping[Id, Id] = field(default_factory=dict)
    runs: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    writers: Mapping[str, bool] = field(default_factory=dict)


def hosts_before(runs: Iterable[PastRun], kinds: Mapping[str, Kind], to: str = "") -> dict[str, Before]:
    """{host: how it was before}. runs: those of the project, the last one first · to: the run before which hosts are wanted; for
    each host the last one that wrote to it where none is named."""
    found: dict[str, _Backwards] = {}
    passed = False
    for run in runs:
        for host in run.hosts.values():
            walk = found.setdefault(host.host, _Backwards())
            if host.begun or host.untold:
                walk.writers[run.run_id] = host.count("made") > 0 and not host.is_unknown
            if passed or (not to and walk.runs):
                continue
            for what in _made(host, run, kinds):
                if walk.runs[-1:] != [run.run_id]:
                    walk.runs.append(run.run_id)
                walk.take_back(what)
        passed = passed or run.run_id == to
    return {host: walk.before for host, walk in found.items()}


class _Backwards:
    """What was made on a host, taken back change by change, the last one first: of what several changes touched, the earliest
    says how it was."""

    def __init__(self) -> None:
        self.runs: list[str] = []
        self.writers: dict[str, bool] = {}
        self._objects: dict[Id, Resource | None] = {}
        self._ended: dict[Id, str] = {}
        self._owners: dict[Id, str] = {}
        self._ledger: dict[Id, str | None] = {}
        self._moved: dict[Id, Id] = {}
        self._untold: dict[Id, str] = {}  # objects of which it is not known how they were
        self._problems: list[str] = []

    @property
    def before(self) -> Before:
        problems = (*self._problems, *self._untold.values())
        return Before(self._objects, self._ended, self._owners, self._ledger, self._moved, tuple(self.runs), problems,
                      self.writers)

    def take_back(self, what: Change | str) -> None:
        """A change; a text where the record does not tell which."""
        if isinstance(what, str):
            self._problems.append(what)
            return
        id, new = what.id, _new_id(what)
        sayable = is_sayable(what.before) and not _is_masked(what)
        for one in filter(None, (id, new)):  # what later changes say of either is of no account any more
            self._untold.pop(one, None)
            if sayable:
                self._objects[one] = None
            else:
                self._objects.pop(one, None)
        if sayable:
            self._objects[id] = what.before
        else:
            self._untold[id] = f"{what}: it had a secret, which no record holds: say again what it was"
        self._owners[id], self._ledger[id] = what.owner, what.ledger
        if new:
            self._moved[id] = self._moved.pop(new, new)
            self._ended[id] = self._ended.pop(new, "")
        elif what.after is None:
            self._ended[id] = what.label.expiry if what.label.expires else ""
        elif what.before is None:
            self._moved.pop(id, None)
            self._ended.pop(id, None)


def _new_id(change: Change) -> Id | None:
    """What an object is known by once it is renamed; None for any other change."""
    renamed = change.action == "rename" and change.after is not None
    return change.id._replace(name=change.after.name.lower()) if renamed and change.after else None


def _made(host: PastHost, run: PastRun, kinds: Mapping[str, Kind]) -> Iterator[Change | str]:
    """Each change of a run that a host made, the last one first; a text where the record does not tell. What a host has undone is
    nothing, and what nobody knows of may have been made."""
    if host.status == "restored":
        return
    if host.untold:
        yield f"the record of run {run.run_id} took no more, and has nothing of this host: what it made here stays ({run.path})"
    listed = host.data.get("changes")
    for one in reversed(listed) if isinstance(listed, list) else ():
        if not isinstance(one, dict) or not (one.get("made") is True or host.is_unknown):
            continue
        key = str(one.get("definition"))
        try:
            change = change_from_data(run.definitions.get(key), kinds)
        except (ValueError, KeyError, TypeError) as error:
            what = f"it lacks {error}" if isinstance(error, KeyError) else error
            yield (f"the record of run {run.run_id} is damaged ({run.path}, line {line_of(run, key)}, definition {key[:100]}: "
                   f"{what}): that change is not undone; undo it by hand, as `ringfence runs show {run.run_id}` tells it")
            continue
        if change.writes and change.id.store == LOCAL:
            yield change


def rollback(job: HostJob, context: RunContext, write: bool, before: Mapping[str, Before], to: str = "") -> HostResult:
    """The host as it was. `write`: else it is only planned · to: the run before which that was, where somebody said which. Never
    raises for what the host does."""
    run = HostRun(job, context)

    def work() -> HostResult:
        found, _ = run.read(ledger=True)
        if found.undo.waits:
            return _fired(run, found.undo, write)
        wanted = _as_the_host_says(before.get(job.host, Before()), found.ledger, to)
        wanted = _without_others(wanted, found.ledger)
        notes = [_note(job.host, problem, "warning") for problem in wanted.problems]
        if not wanted.runs:
            notes.append(_note(job.host, "no record tells of a run that wrote to it", "warning"))
        there = {id: (found.state.get(id), as_writable(was, found.state.get(id))) for id, was in sorted(wanted.objects.items())}
        changes = tuple(_back(Change(id, now, was, why=f"as before run {wanted.runs[-1]}"), found, wanted)
                        for id, (now, was) in there.items() if not _alike(now, was))
        notes += _told_of_tasks(changes, found, job.host)
        notes += [_note(job.host, f"{change.id} comes back, whose task ended it ({wanted.ended[change.id]})", "warning",
                        "Nothing ends it before the next apply") for change in changes if wanted.ended.get(change.id)]
        plan = order(Plan(job.host, {}, found, context.policy, base=found.state, after=found.state, changes=changes))
        plan = guarded(tell_owners(plan), run.send)
        plan.raise_if_refused()
        result = HostResult(job.host, plan.changes, diagnostics=(*plan.diagnostics, *notes))
        result = run.carry_out(plan, result, _ledger_after(plan, found, wanted)) if write else result
        if wanted.problems and result.error is None and (write or not result.changes):
            return replace(result, error=HostError("not_undone", f"changes that stay: {len(wanted.problems)}, see the warnings"))
        return result

    return run.result(work)


def _without_others(wanted: Before, ledger: Ledger) -> Before:
    """What is wanted, without what another project has taken over since, or made anew."""
    others = {id: other for id in wanted.objects
              if (other := ledger.foreign.get(id) or ledger.foreign.get(wanted.moved.get(id, id)))}
    told = (f"{id} belongs to the project {other} by now: it stays as it is" for id, other in sorted(others.items()))
    objects = {id: was for id, was in wanted.objects.items() if id not in others}
    return replace(wanted, objects=objects, problems=(*wanted.problems, *told)) if others else wanted


def _back(change: Change, found: HostSnapshot, wanted: Before) -> Change:
    """A change that takes back, with what the task of the object said of its time before: the host ends it by itself where it
    still has that task."""
    entry = _entry_before(change, found.ledger, wanted) if change.after else None
    if entry is None or not entry.expires:
        return change
    by_itself = any(one.id == change.id and one.fits and one.at == entry.expires for one in found.expiries or ())
    return replace(change, label=TaskLabel(expires=entry.expires, ticket=entry.ticket,
                                           expires_on_host=entry.expires_on_host and by_itself))


def _told_of_tasks(changes: Iterable[Change], found: HostSnapshot, host: str) -> Iterator[Diagnostic]:
    """The tasks of the host that go, for they are of rules as they are no more."""
    tasks = {one.id: one for one in found.expiries or ()}
    for change in changes:
        if (one := tasks.get(change.id)) and change.after is not None and not change.label.expires_on_host:
            yield _note(host, f"{change.id}: the host is not to remove it by itself any more (now {in_short(one.at)})")


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
        result = HostResult(job.host)
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
    result = HostResult(run.job.host)
    if not write:
        return _with(result, _note(run.job.host, f"the undo of run {undo.run} waits here: the host would import what it had"))
    answer = run.send(Batch({FIRE: fire_call(undo.run)})).answers[FIRE]
    if answer.error:
        raise held_up(answer.error, written=False) or HostError("script", answer.error.message)
    after = undo_state(answer.value)
    if after.task or after.state != "restored":
        raise HostError("script", f"the undo of run {undo.run} has not come to its end: {after.step or after.state}")
    return _with(result, _note(run.job.host, f"the host has undone run {undo.run}: it imported the policy that it had before"))


def _ledger_after(plan: Plan, found: HostSnapshot, wanted: Before) -> LedgerUpdate | None:
    """Whose the objects are once they are as they were: the project's own stay its own, under the names that they had. What was
    somebody else's does not become the project's by coming back, or a later run would remove it as its own."""
    ledger = found.ledger
    if plan.policy.project is None or ledger.unread or ledger.is_newer:
        return LedgerUpdate()
    update = LedgerUpdate(settles=bool(plan.changes))
    for change in plan.changes:
        id, entry = change.id, ledger.entries.get(change.id)
        if change.after is None:
            update.removed.update([id] if entry else [])
            continue
        now = digest_of(change.after)
        known = _entry_before(change, ledger, wanted)
        if known is not None:
            update.after[id] = replace(known, hash=now, pending="", run=plan.policy.run_id)
            update.before[id] = announced(update.after[id], entry)
        elif entry:
            update.removed.add(id)
    for id in wanted.objects.keys() - {change.id for change in plan.changes}:  # which somebody else has put back
        there, entry = found.state.get(id), ledger.entries.get(id)
        known = _entry_before(Change(id, there, there), ledger, wanted) if there else None
        if there is None or known is None:
            update.removed.update([id] if entry else [])
        elif entry is None or known.remembered != entry.remembered:
            update.after[id] = replace(known, hash=digest_of(there), pending="", run=plan.policy.run_id)
    return update


def _entry_before(change: Change, ledger: Ledger, wanted: Before) -> Entry | None:
    """What the ledger said of an object. Earlier versions did not record it: nobody knows whether what they removed as the
    project's own had been there before it, so that no run may remove that."""
    id = change.id
    if (said := wanted.ledger.get(id)) is None:
        known = ledger.entries.get(wanted.moved.get(id, id))
        removed = known is None and change.before is None and wanted.owners.get(id) in ("", "project")
        return Entry("adopted") if removed else known
    try:
        entry = entry_of(said) if said else None
    except ValueError:  # somebody wrote that into the record
        return None
    first = {name: value for name, value in entry.first.items() if MASK not in json.dumps(value)} if entry else {}
    return replace(entry, first=first) if entry else None


def _is_masked(change: Change) -> bool:
    """Whether the record left out something of what was there: a host had said a secret in it."""
    named = change.after.name if change.after else ""
    return MASK in json.dumps([change.id.name, named, resource_as_data(change.before)])


def _alike(found: Resource | None, was: Resource | None) -> bool:
    return found == was if found is None or was is None else digest_of(found) == digest_of(was)


def _note(host: str, summary: str, severity: Any = "note", detail: str = "") -> Diagnostic:
    return Diagnostic(NOWHERE, summary, detail, severity, host)


def _with(result: HostResult, note: Diagnostic) -> HostResult:
    return replace(result, diagnostics=(*result.diagnostics, note))

