"""What a run writes into a host's ledger: what is to come before its first change, and what has come after its last."""

import json
from collections.abc import Collection, Container, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ringfence.batch import Call
from ringfence.model.declaration import Absent, Present
from ringfence.model.ledger import LEDGER_FORMAT, Entry, Ledger, value_name
from ringfence.model.plain import digest_of, plain_data, resource_as_data
from ringfence.model.resource import Resource
from ringfence.model.state import Change, Id, TaskLabel
from ringfence.plan.plan import Plan
from ringfence.plan.pruning import withheld
from ringfence.plan.run_policy import RunPolicy
from ringfence.secret import MASK


@dataclass
class LedgerUpdate:
    """The entries that change with a plan: before its changes, and after them. `settles`: what the ledger says of the last run
    that changed the host, and of the machine, is not so any more · `all_gone`: the whole ledger goes."""

    before: dict[Id, Entry] = field(default_factory=dict)
    after: dict[Id, Entry] = field(default_factory=dict)
    removed: set[Id] = field(default_factory=set)
    settles: bool = False
    all_gone: bool = False

    def __bool__(self) -> bool:
        return bool(self.before or self.after or self.removed or self.settles or self.all_gone)


def ledger_update(plan: Plan, kinds: Container[str]) -> LedgerUpdate:
    """What the changes of a plan mean for the ledger, and what an earlier run, or somebody else, left unsettled. `kinds`: those
    that were looked for."""
    update, ledger, policy = LedgerUpdate(), plan.found.ledger, plan.policy
    forgets = not policy.partial and policy.prune != "never" and not withheld(plan)
    changed = {c.id for c in plan.changes}
    for change in plan.changes:
        _change(change, plan, update, changed)
    for id, entry in ledger.entries.items():
        if entry.pending and id not in changed and id not in update.after:
            _settle(id, entry, plan.found.state.get(id), update)
        elif (forgets or _is_absent(id, plan)) and _is_over(id, plan, kinds):
            update.removed.add(id)
        elif id not in changed and isinstance(declared := plan.declarations.get(id), Present) and (
                entry.said_of_time != declared.label.said_of_time):
            update.after[id] = _until(entry, declared.label)
    update.settles = any(c.writes for c in plan.changes) or (
        bool(ledger.entries) and not policy.partial and _is_outdated(ledger, policy))
    return update


def _until(entry: Entry, label: TaskLabel) -> Entry:
    """An entry with what its task says of how long the object is wanted."""
    return replace(entry, expires=label.expires, ticket=label.ticket, expires_on_host=label.expires_on_host)


def _is_absent(id: Id, plan: Plan) -> bool:
    """Whether the task of an object says that it is to be absent, from the beginning or since its time is over: the host may have
    ended it by itself."""
    return isinstance(plan.declarations.get(id), Absent)


def _is_over(id: Id, plan: Plan, kinds: Container[str]) -> bool:
    """Whether an object is neither there nor wanted any more: one of its name that somebody makes is not the project's."""
    looked_for = id.kind in kinds and (id.store, id.kind) not in plan.found.unread
    wanted = id in plan.possible and not _is_absent(id, plan)
    return looked_for and not wanted and id not in plan.found.state


def _is_outdated(ledger: Ledger, policy: RunPolicy) -> bool:
    """Whether a full run has to tell the next one what it was given, or that this machine's ledger is accepted."""
    inputs = ledger.header.get("Inputs", policy.inputs)
    return inputs != policy.inputs or bool(ledger.inherited_from and policy.accepts_inherited)


def _change(change: Change, plan: Plan, update: LedgerUpdate, changed: set[Id]) -> None:
    id, entries = change.id, plan.found.ledger.entries
    old = entries.get(plan.renames.get(id, id)) or entries.get(id)  # of what is renamed, what is said of its old name
    if change.action == "rename":
        assert change.after is not None
        new = Id(id.store, id.kind, change.after.name.lower())
        if new not in changed:
            _write(new, change, plan, old or entries.get(new), update)
        _drop(id, old, update)
    elif change.action in ("remove", "release") or id not in plan.declarations or _how(id, plan, old) is None:
        _drop(id, old, update)
    else:
        _write(id, change, plan, old, update)


def _drop(id: Id, old: Entry | None, update: LedgerUpdate) -> None:
    if old is not None:
        update.removed.add(id)


def _how(id: Id, plan: Plan, old: Entry | None) -> Any:
    claim = plan.claims.get(id)
    return claim.how if claim else old.how if old else None


def _write(id: Id, change: Change, plan: Plan, old: Entry | None, update: LedgerUpdate) -> None:
    assert change.after is not None
    how = _how(id, plan, old)
    if how is None:
        return
    after = digest_of(change.after)
    first = _first(how, change, old if old and old.how == how else None)
    place = plan.declarations[id].where.file
    entry = Entry(how, plan.policy.run_id, after, "", (place,) if place else (), first, others=old.others if old else {})
    entry = _until(entry, plan.declarations[id].label)
    update.after[id] = entry
    if change.writes:
        update.before[id] = announced(entry, old)


def announced(entry: Entry, old: Entry | None) -> Entry:
    """What the ledger says of an object before it becomes what `entry` says: as before, for the run may be undone, and what is to
    come, and what was found before that. A task of the host that ends it may be there by either."""
    if old is None:
        return replace(entry, hash="", pending=entry.hash)
    return replace(old, pending=entry.hash, first=entry.first, expires_on_host=entry.expires_on_host or old.expires_on_host)


def _first(how: str, change: Change, old: Entry | None) -> Mapping[str, Any]:
    """What was found before the project came; never a secret. Of what is mentioned, each property as it was found when that was
    mentioned first."""
    if old is not None and how != "mentioned":
        return old.first
    if change.before is None or how == "created":
        return {}
    if how == "adopted":
        found = resource_as_data(change.before) or {}
    else:
        found = {name: plain_data(was) for name, (was, _) in change.properties().items() if name != "unknown_tokens"}
    found = {name: value for name, value in found.items() if MASK not in json.dumps(value)}
    return {**found, **(old.first if old else {})}


def _settle(id: Id, entry: Entry, found: Resource | None, update: LedgerUpdate) -> None:
    """An entry that a run left pending: the write was made, or it was not."""
    if found is not None and digest_of(found) == entry.pending:
        update.after[id] = replace(entry, hash=entry.pending, pending="")
    elif entry.hash:
        update.after[id] = replace(entry, pending="")
    else:
        update.removed.add(id)


def ledger_calls(plan: Plan, update: LedgerUpdate) -> tuple[Call, Call]:
    """The calls that write it: before the first change, and after the last."""
    generation = plan.found.ledger.generation
    return _call(plan, generation, "pending", update.before, set()), _last(plan, generation + 1, update)


def settled_again(plan: Plan, update: LedgerUpdate) -> Call:
    """The call after the last change was undone: what the ledger said before the first."""
    entries, ledger = plan.found.ledger.entries, plan.found.ledger
    old = {id: entries[id] for id in update.before if id in entries}
    call = _call(plan, ledger.generation + 1, "final", old, update.before.keys() - entries.keys(), has_come=False)
    return call if ledger.generation else _deleting(call)


def only_call(plan: Plan, update: LedgerUpdate) -> Call:
    """The one call where nothing else is written."""
    return _last(plan, plan.found.ledger.generation, update)


def _last(plan: Plan, expected: int, update: LedgerUpdate) -> Call:
    call = _call(plan, expected, "final", update.after, update.removed, has_come=True)
    return _deleting(call) if update.all_gone else call


def _deleting(call: Call) -> Call:
    """The call, by which the whole ledger goes."""
    return Call(call.verb, {**call.args, "set": {}, "remove": [], "delete": True})


def _call(plan: Plan, expected: int, state: str, entries: Mapping[Id, Entry], removed: Collection[Id],
          has_come: bool = False) -> Call:
    """`expected`: the generation that is to be there. The two calls around changes are one generation. has_come: the run has come
    to its end, so that a full one says what the next one goes by."""
    policy, ledger, facts = plan.policy, plan.found.ledger, plan.found.facts
    assert policy.project is not None
    written = expected if expected != ledger.generation else expected + 1
    settles = has_come and not policy.partial
    kept = ledger.inherited_from and not (policy.accepts_inherited and settles)
    header = {"Format": str(LEDGER_FORMAT), "Name": policy.project.name, "State": state, "Run": policy.run_id,
              "Generation": str(written), "Machine": ledger.header["Machine"] if kept else ledger.machine,
              "Build": str(facts.build), "Inputs": policy.inputs if settles else ledger.header.get("Inputs", "")}
    texts = {value_name(id): entry.encode() for id, entry in entries.items()}
    return Call("Ledger.Write", {"project": policy.project.id, "generation": expected, "header": header, "set": texts,
                                 "remove": [value_name(id) for id in sorted(removed)], "delete": False})
