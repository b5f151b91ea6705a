"""What a project had on a host and declares no more: told, removed or released, as `prune` says, and what is never removed.

Removal is silence too: what would let traffic pass is kept unless a word says otherwise, and nothing is removed where it is not
certain that nobody declares it any more.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ringfence.diagnostics import NOWHERE, Diagnostic
from ringfence.model.kept import as_writable, kept_pieces
from ringfence.model.ledger import Entry
from ringfence.model.once import filter_of
from ringfence.model.plain import digest_of, plain_data
from ringfence.model.resource import Property, Resource
from ringfence.model.state import Change, Id, State, references_of, title
from ringfence.model.storage import SetKeys
from ringfence.model.understood import is_understood
from ringfence.plan.ownership import OWNERSHIP_GUIDE
from ringfence.plan.plan import Orphan, Plan
from ringfence.plan.references import missing_of, users_of
from ringfence.plan.run_policy import PERCENT, PERCENT_FROM, RunPolicy
from ringfence.plan.wider import opens_beside, widened
from ringfence.policy.evaluate import Policy
from ringfence.policy.influence import may_decide
from ringfence.policy.settings_in_force import SettingsInForce
from ringfence.types.moments import in_short

_TOLD = 20  # objects that one message names


def prune(plan: Plan) -> Plan:
    """The plan with what becomes of the objects that the project owns and declares no more."""
    ledger, policy = plan.found.ledger, plan.policy
    if plan.invalid or policy.project is None or policy.prune == "never" or not ledger.entries:
        return plan
    plan = plan.with_diagnostics(*_renamed_by_hand(plan))
    gone = {id: entry for id in ledger.entries if id not in plan.possible and id not in plan.renames.values()
            and (found := plan.found.state.get(id)) and (entry := ledger.owned(id, found))}
    if policy.partial:
        return plan
    plan = plan.with_diagnostics(*_shared(gone.keys() & ledger.foreign.keys(), plan))
    gone = {id: entry for id, entry in gone.items() if id not in ledger.foreign}
    if not gone:
        return plan
    if (why := withheld(plan)) or policy.prune == "report":
        plan = replace(plan, orphans=_orphans(gone, plan.found.state, why or "prune: report"))
        return plan.with_diagnostics(_report(gone, plan, why))
    back, obstacles = _put_back(gone, plan)
    after = plan.after.updated(back)
    created = {id: None for id, entry in gone.items() if entry.how == "created" and not _stays(id, plan)}
    beside = plan.found.policy(after.updated(created))
    changes = {id: change for id, entry in gone.items() if (change := _change(id, entry, plan, beside, back))}
    going = {id: change.resource for id, change in changes.items() if change.action == "remove"}
    names = {id for id, r in going.items() if policy.prune != "all" or not r.kind.storage.falls_back(id.name)}
    used = users_of(names, after.updated(dict.fromkeys(going)))
    changes = {id: change for id, change in changes.items() if id not in used}
    kept = {id: entry for id, entry in gone.items() if id not in changes}
    orphans = _orphans(kept, plan.found.state, f"prune: {policy.prune}")
    plan = plan.with_diagnostics(*_kept(kept, used, obstacles, plan))
    plan = replace(plan, changes=(*plan.changes, *changes.values()), orphans=orphans)
    return _guarded(plan, after, {id: r for id, r in going.items() if id not in used})


def withheld(plan: Plan) -> str:
    """Why nothing is removed, or forgotten, though the project declares it no more; nothing where it may be."""
    ledger, policy = plan.found.ledger, plan.policy
    if what := plan.found.facts.unread:
        return f"{what[0][0]} could not be read"
    if ledger.inherited_from and not policy.accepts_inherited:
        return (f"its ledger was written on {ledger.inherited_from}, which this machine was made from: a full run with "
                "--accept-inherited takes it over")
    inputs = ledger.header.get("Inputs", policy.inputs)
    if not inputs and policy.inputs:
        return "no full run has been here: once one has, the next one that is like it removes"
    if inputs != policy.inputs:
        return ("the last full run had other values of -e, or of the environment, or another inventory: an apply that is like "
                "the next one settles it")
    return ""


def _shared(shared: Iterable[Id], plan: Plan) -> Iterator[Diagnostic]:
    """What another project owns as well: it would miss what goes here."""
    for id in sorted(shared):
        name, other = title(id, plan.found.state[id]), plan.found.ledger.foreign[id]
        yield Diagnostic(NOWHERE, f"{name} is declared no more, and stays: it belongs to the project {other} too",
                         f"`ringfence ledger release` lets go of it. See {OWNERSHIP_GUIDE}", "warning")


def kept_created(plan: Plan) -> frozenset[Id]:
    """The objects that the project created and declares no more, and that its word to remove such leaves there."""
    removes = plan.policy.prune not in ("report", "never") and not withheld(plan)
    return frozenset(one.id for one in plan.orphans if removes and one.how == "created")


def _orphans(gone: Mapping[Id, Entry], found: State, why: str) -> tuple[Orphan, ...]:
    return tuple(Orphan(id, found[id], entry.how, entry.run, why, entry.expires, entry.ticket) for id, entry in gone.items())


def _report(gone: Mapping[Id, Entry], plan: Plan, why: str) -> Diagnostic:
    found, policy = plan.found.state, plan.policy
    names = ", ".join(f"{title(id, found[id])} ({entry.how}{_expired(entry, policy)}{_ended_by_host(id, plan)})"
                      for id, entry in list(gone.items())[:_TOLD])
    more = f" and {len(gone) - _TOLD} more" if len(gone) > _TOLD else ""
    detail = f"Nothing is removed: {why}" if why else ("They stay: `prune: created` removes what the project created, "
                                                             "`ringfence ledger release` lets go of any")
    return Diagnostic(NOWHERE, f"the project had these and declares them no more: {names}{more}",
                      f"{detail}. See {OWNERSHIP_GUIDE}", "warning")


def _ended_by_host(id: Id, plan: Plan) -> str:
    """When the host itself removes an object that no run removes."""
    at = next((one.at for one in plan.found.expiries or () if one.id == id), "")
    return f"; the host removes it at {in_short(at)}" if at else ""


def _stays(id: Id, plan: Plan) -> str:
    """Why an object that the project created is let go of and not removed; nothing where it may be."""
    if id in plan.found.defaults.state:
        return "declared no more; Windows ships it by now: it stays as it is"
    pieces = kept_pieces(plan.found.state[id])
    return f"declared no more; it holds {'|'.join(pieces)} by now, which no cmdlet can write: it stays as it is" if pieces else ""


def _change(id: Id, entry: Entry, plan: Plan, beside: Policy, back: State) -> Change | None:
    """What becomes of one object; nothing where it is kept. beside: the policy without all that may be removed · back: what goes
    back to what was found first."""
    found, mode = plan.found.state[id], plan.policy.prune
    if entry.how == "created" and (why := _stays(id, plan)):
        return Change(id, found, found, as_action="release", why=why)
    if entry.how == "created":
        if mode != "all" and opens_beside(found, beside):
            return None
        told = f"declared no more{_expired(entry, plan.policy)}; created by run {entry.run}. See {OWNERSHIP_GUIDE}"
        return Change(id, found, None, why=told)
    if entry.how == "adopted":
        why = f"declared no more{_expired(entry, plan.policy)}; adopted by run {entry.run}: it stays as it is"
        return Change(id, found, found, as_action="release", why=why)
    before, (_, strange) = _first(entry, found), _understood(entry, found)
    if before == found and not strange:  # whoever changes it later does so for reasons of his own
        return Change(id, found, found, as_action="release", why="declared no more; it is as it was found first")
    if id not in back:
        return None
    but = f", but for {_listed(strange)}, which is not understood" if strange else ""
    opened = ", ".join(widened(found, before))
    why = f"declared no more: back to what was found first{but}" + (f"; OPENS: more passes by its {opened}" if opened else "")
    return Change(id, found, before, why=why)


def _put_back(gone: Mapping[Id, Entry], plan: Plan) -> tuple[State, Mapping[Id, str]]:
    """The objects that go back to what was found first, as they were; and why others could not."""
    found, unread = plan.found.state, plan.found.unread
    first = State({id: before for id, entry in gone.items() if entry.how == "mentioned"
                   and (before := _first(entry, found[id])) != found[id]})
    after = plan.after.updated(first)
    obstacles = {id: why for id, before in first.items() if (why := _obstacle(id, found[id], before, after, unread))}
    restores = plan.policy.prune == "restore"
    return State({id: before for id, before in first.items() if restores and id not in obstacles}), obstacles


def _obstacle(id: Id, found: Resource, before: Resource, after: State, unread: Mapping[tuple[str, str], str]) -> str:
    """Why a host would not take an object as it was: what it named is not there any more, or the rest of it is another by now."""
    names = references_of(id.store, found)
    for property, named in missing_of(id.store, before, after).items():
        if named != names.get(property):
            return f"{named} could not be read" if named[:2] in unread else f"there will be no {named}"
    known = {finding.reason for finding in found.check()}
    return next((f.reason for f in before.check() if f.severity == "error" and f.reason not in known), "")


def _expired(entry: Entry, policy: RunPolicy) -> str:
    """Since when an object is not wanted any more, where its task said so."""
    return f"; expired {entry.expiry}" if entry.expires and entry.expires <= policy.began else ""


def _first(entry: Entry, found: Resource) -> Resource:
    """An object with the values that were found before the project mentioned them, as far as they can still be understood."""
    return as_writable(found.replace(**_understood(entry, found)[0]), found) or found


def _understood(entry: Entry, found: Resource) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Of the values that were found first those that an object has no more; and those that are not understood, as the ledger has
    them: what people may not say, what is no more, or not yet, a property."""
    values: dict[str, Any] = {}
    strange: dict[str, Any] = {}
    for name, value in entry.first.items():
        p = found.kind.properties.get(name)
        if p is not None and plain_data(getattr(found, name)) == value:
            continue
        try:
            values[name] = _read(p, value)
        except (ValueError, TypeError, AttributeError):
            strange[name] = value
    return values, strange


def _read(p: Property | None, value: Any) -> Any:
    """A value from what the ledger has of it. Raises ValueError and the like where that is none: some types take any text, also
    the piece as which a host's value was shown that was not understood."""
    if p is not None and (value == [] or (value is None and is_understood(p, None))):
        return _nothing(p)
    if p is None or plain_data(read := p.parse(value)) != value:
        raise ValueError
    return read


def _nothing(p: Property) -> Any:
    """What an empty list, or no value, was of a property: its default, but for lists whose default is another than none."""
    return () if p.type.name.startswith("list") else p.default


def _kept(kept: Mapping[Id, Entry], used: Mapping[Id, Sequence[Id]], obstacles: Mapping[Id, str],
          plan: Plan) -> Iterator[Diagnostic]:
    for id, entry in kept.items():
        found = plan.found.state[id]
        name = title(id, found)
        if users := used.get(id):
            who = ", ".join(map(str, users[:_TOLD]))
            yield Diagnostic(NOWHERE, f"{name} is declared no more, and is kept: {who} still names it",
                             "It goes when nothing names it any more", "warning")
        elif entry.how == "created":
            by_itself = any(one.id == id for one in plan.found.expiries or ())
            no_task = "; the host is not to remove it by itself any more" * by_itself
            told = f"{name} is declared no more and OPENS when it goes: it closes traffic, and is kept{no_task}"
            yield Diagnostic(NOWHERE, told, f"Say `state: absent` for it, or `prune: all`. See {OWNERSHIP_GUIDE}", "warning")
        else:
            detail = f"{_found_first(entry, found, obstacles.get(id, ''))}, `ringfence ledger release` leaves it so"
            yield Diagnostic(NOWHERE, f"{name} is declared no more: the project mentioned it, and stops to", detail, "warning")


def _found_first(entry: Entry, found: Resource, obstacle: str) -> str:
    """What was found of an object before the project mentioned it, and how that comes back."""
    then, (_, strange) = _first(entry, found), _understood(entry, found)
    values = _listed({name: plain_data(getattr(then, name)) for name in entry.first if name not in strange})
    way = f", which cannot be put back: {obstacle}" if obstacle else ": `prune: restore` puts that back"
    told = [f"It was found with {values}{way}"] if then != found else []
    if strange:
        told.append(f"It was found with {_listed(strange)}, which is not understood: that comes back by hand alone")
    return "; ".join(told)


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in values.items())


def _guarded(plan: Plan, after: State, going: Mapping[Id, Resource]) -> Plan:
    """The plan, refused where much of what the project has there would go at once. after: what there will be beside it."""
    owned = sum(entry.how != "mentioned" for entry in plan.found.ledger.entries.values())
    if owned < PERCENT_FROM or len(going) * 100 < owned * PERCENT or "percent" in plan.policy.forced:
        return plan
    count = sum(1 for _ in _missed(plan, after, going))
    others = len(going) - count
    if count * 100 < (owned - others) * PERCENT or not count:
        return plan
    without = f"; not counted: {others} on which no connection depends" if others else ""
    return plan.limited(Diagnostic(NOWHERE, f"{count} of the {owned - others} objects of the project on this host would be "
                                   f"removed, because nothing declares them any more{without}", "Look whether that is meant: "
                                   f"--force percent goes on. See {OWNERSHIP_GUIDE}"))


def _missed(plan: Plan, after: State, going: Mapping[Id, Resource]) -> Iterator[Id]:
    """Of what goes that by which any flow may come to another end beside what stays, under the settings of now or those that will
    be; of sets those that something names which is not off."""
    then = plan.found.policy(after.updated(dict.fromkeys(going)))
    now = replace(then, settings=SettingsInForce(plan.found.state, plan.found.unread))
    users = users_of({id for id, r in going.items() if isinstance(r.kind.storage, SetKeys)}, plan.found.state)
    for id, resource in going.items():
        filter = filter_of(resource)
        if filter is not None:
            does = may_decide(now, id, filter) or may_decide(then, id, filter)
        elif isinstance(resource.kind.storage, SetKeys):
            does = any(map(_is_on, (plan.found.state[user] for user in users.get(id, ()))))
        else:
            does = _is_on(resource)
        if does:
            yield id


def _is_on(resource: Resource) -> bool:
    return getattr(resource, "enabled", True) is not False


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
