"""What a rollback changes: of how objects were what can come back, what stays and why, and what the ledger says then."""

import json
from collections.abc import Iterator
from dataclasses import replace

from ringfence.diagnostics import NOWHERE, Diagnostic
from ringfence.model.kept import as_writable
from ringfence.model.ledger import Entry, Ledger, entry_of
from ringfence.model.plain import digest_of
from ringfence.model.resource import Resource
from ringfence.model.state import Change, Id, State, TaskLabel, with_changes
from ringfence.plan.plan import HostSnapshot, Plan
from ringfence.plan.references import missing_of, users_of
from ringfence.plan.wider import opens, widened
from ringfence.run.hosts_before import Before
from ringfence.run.ledger_update import LedgerUpdate, announced
from ringfence.secret import MASK
from ringfence.types.moments import in_short


def changes_back(wanted: Before, found: HostSnapshot) -> tuple[tuple[Change, ...], Before]:
    """The changes that take back, and what is wanted without what cannot come back, which `problems` tell."""
    wanted = _without_others(wanted, found.ledger)
    changes: dict[Id, Change] = {}
    for id, was in sorted(wanted.objects.items()):
        now = found.state.get(id)
        then = as_writable(_as_managed(id, now, was, wanted, found.ledger), now)
        if not _alike(now, then):
            change = Change(id, now, then, why=f"as before run {wanted.runs[-1]}{_opening(now, then)}")
            changes[id] = _back(change, found, wanted)
    stay = _parted(changes, found.state)
    objects = {id: was for id, was in wanted.objects.items() if id not in stay}
    problems = (*wanted.problems, *(f"{id} stays as it is: {why}" for id, why in sorted(stay.items())))
    return tuple(changes.values()), replace(wanted, objects=objects, problems=problems)


def _without_others(wanted: Before, ledger: Ledger) -> Before:
    """What is wanted, without what another project has taken over since, or made anew. What was renamed stays under its new name
    where the old one is another project's: it would be gone under both."""
    others = {id: other for id in wanted.objects
              if (other := ledger.foreign.get(id) or ledger.foreign.get(wanted.moved.get(id, id)))}
    renamed = {new: id for id, new in wanted.moved.items() if id in others and new not in others}
    told = [f"{id} belongs to the project {other} by now: it stays as it is" for id, other in sorted(others.items())]
    told += [f"{new} stays under that name: it was {id.name} before" for new, id in sorted(renamed.items())]
    objects = {id: was for id, was in wanted.objects.items() if id not in others and id not in renamed}
    return replace(wanted, objects=objects, problems=(*wanted.problems, *told))


def _as_managed(id: Id, now: Resource | None, was: Resource | None, wanted: Before, ledger: Ledger) -> Resource | None:
    """How an object was, as far as it is the project's: of what is managed by mention the properties that the runs changed. What
    somebody else has made of the others since stays."""
    if now is None or was is None:
        return was
    entry, kind, changed = ledger.owned(id, now), now.kind, wanted.changed.get(id)
    if changed is None or (kind.storage.removable and kind.whole and not (entry and entry.how == "mentioned")):
        return was
    return now.replace(**{name: getattr(was, name) for name in changed & kind.properties.keys()})


def _opening(now: Resource | None, then: Resource | None) -> str:
    """What passes by that, for people; nothing where no more does."""
    if now is None:
        return ""
    if then is None:
        return "; OPENS: it closes traffic that will pass without it" if opens(now) else ""
    wider = widened(now, then)
    return f"; OPENS: more passes by its {', '.join(wider)}" if wider else ""


def _parted(changes: dict[Id, Change], state: State) -> dict[Id, str]:
    """Takes those changes out that Windows would refuse, and with them all others: objects that would name what is not there, and
    removals of what something names. Why, of each."""
    stay: dict[Id, str] = {}
    while True:
        then = with_changes(state, tuple(changes.values()))
        going = (change for change in changes.values() if change.after is None)
        used = users_of({c.id for c in going if not c.resource.kind.storage.falls_back(c.id.name)}, then)
        found = {id: f"{users[0]} names it" for id, users in used.items()}
        for id, change in changes.items():
            lacking = missing_of(id.store, change.after, then).values() if change.after else ()
            if lacks := next(iter(lacking), None):
                found[id] = f"it names {lacks}, which is not there"
        if not found:
            return stay
        stay |= found
        for id in found:
            del changes[id]


def _back(change: Change, found: HostSnapshot, wanted: Before) -> Change:
    """A change that takes back, with what the task of the object said of its time before: the host ends it by itself where it
    still has that task."""
    entry = _entry_before(change, found.ledger, wanted) if change.after else None
    if entry is None or not entry.expires:
        return change
    by_itself = any(one.id == change.id and one.fits and one.at == entry.expires for one in found.expiries or ())
    return replace(change, label=TaskLabel(expires=entry.expires, ticket=entry.ticket,
                                           expires_on_host=entry.expires_on_host and by_itself))


def told_of_tasks(changes: tuple[Change, ...], found: HostSnapshot, wanted: Before, host: str) -> Iterator[Diagnostic]:
    """The tasks of the host that go, for they are of rules as they are no more; and what comes back without one that it had."""
    tasks = {one.id: one for one in found.expiries or ()}
    for change in changes:
        if change.after is None:
            continue
        entry = _entry_before(change, found.ledger, wanted)
        if (one := tasks.get(change.id)) and not change.label.expires_on_host:
            yield Diagnostic(NOWHERE, f"{change.id}: the host is not to remove it by itself any more (now {in_short(one.at)})",
                             severity="note", host=host)
        if ended := wanted.ended.get(change.id):
            yield _without_end(f"{change.id} comes back, whose task ended it ({ended})", host)
        elif entry and entry.expires_on_host and not change.label.expires_on_host:
            yield _without_end(f"{change.id} comes back without the task by which the host was to end it ({entry.expiry})", host)


def _without_end(summary: str, host: str) -> Diagnostic:
    return Diagnostic(NOWHERE, summary, "Nothing ends it before the next apply", "warning", host)


def ledger_after(plan: Plan, found: HostSnapshot, wanted: Before) -> LedgerUpdate | None:
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


def _alike(found: Resource | None, was: Resource | None) -> bool:
    return found == was if found is None or was is None else digest_of(found) == digest_of(was)
