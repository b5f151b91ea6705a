"""What a project had on a host and declares no more: told, removed or released, as `prune` says, and what is never removed.

Removal is silence too: what would let traffic pass is kept unless a word says otherwise, and nothing is removed where it is not
certain that nobody declares it any more.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ringfence.diagnostics import NOWHERE, Diagnostic
from ringfence.model.kept import kept_pieces
from ringfence.model.ledger import Entry
from ringfence.model.plain import digest_of, plain_data
from ringfence.model.resource import Property, Resource
from ringfence.model.state import Change, Id, State, title
from ringfence.plan.ownership import OWNERSHIP_GUIDE
from ringfence.plan.plan import Orphan, Plan
from ringfence.plan.references import users_of
from ringfence.plan.run_policy import PERCENT, PERCENT_FROM
from ringfence.plan.wider import opens_there, widened
from ringfence.policy.settings_in_force import SettingsInForce

_TOLD = 20  # objects that one message names


def prune(plan: Plan) -> Plan:
    """The plan with what becomes of the objects that the project owns and declares no more."""
    ledger, policy = plan.found.ledger, plan.policy
    if plan.invalid or policy.project is None or policy.prune == "never" or not ledger.entries:
        return plan
    plan = plan.with_diagnostics(*_renamed_by_hand(plan))
    gone = {id: entry for id in ledger.entries if id not in plan.possible and id not in plan.renames.values()
            and (found := plan.found.state.get(id)) and (entry := ledger.owned(id, found))}
    if policy.partial or not gone:
        return plan
    if (why := withheld(plan)) or policy.prune == "report":
        plan = replace(plan, orphans=_orphans(gone, plan.found.state, why or "prune: report"))
        return plan.with_diagnostics(_report(gone, plan.found.state, why))
    changes = {id: change for id, entry in gone.items() if (change := _change(id, entry, plan))}
    going = {id: change.resource for id, change in changes.items() if change.action == "remove"}
    names = {id for id, r in going.items() if policy.prune != "all" or not r.kind.storage.falls_back(id.name)}
    used = users_of(names, plan.after.updated(dict.fromkeys(going)))
    changes = {id: change for id, change in changes.items() if id not in used}
    kept = {id: entry for id, entry in gone.items() if id not in changes}
    orphans = _orphans(kept, plan.found.state, f"prune: {policy.prune}")
    plan = replace(plan, changes=(*plan.changes, *changes.values()), orphans=orphans).with_diagnostics(*_kept(kept, used, plan))
    return _guarded(plan, sum(id not in used and _does_something(r) for id, r in going.items()))


def withheld(plan: Plan) -> str:
    """Why nothing is removed, or forgotten, though the project declares it no more; nothing where it may be."""
    ledger, policy = plan.found.ledger, plan.policy
    if what := plan.found.facts.unread:
        return f"{what[0][0]} could not be read"
    if ledger.inherited_from and not policy.accepts_inherited:
        return (f"its ledger was written on {ledger.inherited_from}, which this machine was made from: a full run with "
                "--accept-inherited takes it over")
    if ledger.header.get("Inputs", policy.inputs) != policy.inputs:
        return "the last full run had other values of -e, or another inventory: an apply that is like the next one settles it"
    return ""


def _orphans(gone: Mapping[Id, Entry], found: State, why: str) -> tuple[Orphan, ...]:
    return tuple(Orphan(id, found[id], entry.how, entry.run, why) for id, entry in gone.items())


def _report(gone: Mapping[Id, Entry], found: State, why: str) -> Diagnostic:
    names = ", ".join(f"{title(id, found[id])} ({entry.how})" for id, entry in list(gone.items())[:_TOLD])
    more = f" and {len(gone) - _TOLD} more" if len(gone) > _TOLD else ""
    detail = f"Nothing is removed: {why}" if why else ("They stay: `prune: created` removes what the project created, "
                                                             "`ringfence ledger release` lets go of any")
    return Diagnostic(NOWHERE, f"the project had these and declares them no more: {names}{more}",
                      f"{detail}. See {OWNERSHIP_GUIDE}", "warning")


def _change(id: Id, entry: Entry, plan: Plan) -> Change | None:
    """What becomes of one object; nothing where it is kept."""
    found, mode = plan.found.state[id], plan.policy.prune
    if entry.how == "created" and id in plan.found.defaults.state:
        return Change(id, found, found, as_action="release", why="declared no more; Windows ships it by now: it stays as it is")
    if entry.how == "created" and (pieces := kept_pieces(found)):
        why = f"declared no more; it holds {'|'.join(pieces)} by now, which no cmdlet can write: it stays as it is"
        return Change(id, found, found, as_action="release", why=why)
    if entry.how == "created":
        if mode != "all" and opens_there(id, found, plan.after, SettingsInForce(plan.after, plan.found.unread)):
            return None
        return Change(id, found, None, why=f"declared no more; created by run {entry.run}. See {OWNERSHIP_GUIDE}")
    if entry.how == "adopted":
        why = f"declared no more; adopted by run {entry.run}: it stays as it is"
        return Change(id, found, found, as_action="release", why=why)
    if mode != "restore":
        return None
    before = _first(entry, found)
    opened = ", ".join(widened(found, before))
    why = "declared no more: back to what was found first" + (f"; OPENS: more passes by its {opened}" if opened else "")
    return None if before == found else Change(id, found, before, why=why)


def _first(entry: Entry, found: Resource) -> Resource:
    """An object with the values that were found before the project mentioned them, as far as they can still be understood."""
    values: dict[str, Any] = {}
    for name, value in entry.first.items():
        if p := found.kind.properties.get(name):
            try:
                values[name] = _nothing(p) if value in (None, []) else p.parse(value)
            except ValueError:
                continue
    return found.replace(**values)


def _nothing(p: Property) -> Any:
    """What an empty list, or no value, was of a property: its default, but for lists whose default is another than none."""
    return () if p.type.name.startswith("list") else p.default


def _kept(kept: Mapping[Id, Entry], used: Mapping[Id, Sequence[Id]], plan: Plan) -> Iterator[Diagnostic]:
    for id, entry in kept.items():
        found = plan.found.state[id]
        name = title(id, found)
        if users := used.get(id):
            who = ", ".join(map(str, users[:_TOLD]))
            yield Diagnostic(NOWHERE, f"{name} is declared no more, and is kept: {who} still names it",
                             "It goes when nothing names it any more", "warning")
        elif entry.how == "created":
            yield Diagnostic(NOWHERE, f"{name} is declared no more and OPENS when it goes: it closes traffic, and is kept",
                             f"Say `state: absent` for it, or `prune: all`. See {OWNERSHIP_GUIDE}", "warning")
        elif entry.first and (then := _first(entry, found)) != found:
            values = ", ".join(f"{p}: {plain_data(getattr(then, p))}" for p in entry.first if p in found.kind.properties)
            yield Diagnostic(NOWHERE, f"{name} is declared no more: the project mentioned it, and stops to", f"It was found with "
                             f"{values}: `prune: restore` puts that back, `ringfence ledger release` leaves it so", "warning")


def _does_something(resource: Resource) -> bool:
    """Whether anything becomes of traffic by it: a rule that is off does nothing by going either."""
    filter = resource.as_filter()
    return filter is None or filter.enabled


def _guarded(plan: Plan, removals: int) -> Plan:
    """The plan, refused where it would remove much of what the project has there at once."""
    owned = sum(entry.how != "mentioned" for entry in plan.found.ledger.entries.values())
    if owned < PERCENT_FROM or removals * 100 < owned * PERCENT or "percent" in plan.policy.forced:
        return plan
    return plan.refused(Diagnostic(NOWHERE, f"{removals} of the {owned} objects of the project on this host would be "
                                   "removed, because nothing declares them any more", "Look whether that is meant: --force "
                                   f"percent goes on. See {OWNERSHIP_GUIDE}"))


def _renamed_by_hand(plan: Plan) -> Iterator[Diagnostic]:
    """Declared objects that are gone, while an undeclared one is all that they were but the name."""
    ledger = plan.found.ledger
    missing = {id: entry for id, entry in ledger.entries.items() if id not in plan.found.state and entry.hash
               and entry.how == "created" and id in plan.declarations and id not in plan.renames}
    if not missing:
        return
    by_digest = {digest_of(r): other for other, r in plan.found.state.items()
                 if other not in plan.declarations and other not in ledger.entries and other.store == "local"
                 and r.kind.storage.removable}
    for id, entry in missing.items():
        if other := by_digest.get(entry.hash):
            where = plan.declarations[id].where
            yield Diagnostic(where, f"{plan.declarations[id]} was renamed by hand: it is {other.name} now",
                             f"Give it back its name with `renamed_from: {other.name}` beside the task's {id.kind}; else there "
                             "will be two", "warning")
