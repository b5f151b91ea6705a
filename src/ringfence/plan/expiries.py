"""Rules that a host ends by itself: what its tasks have to become, and what is told of them."""

from collections.abc import Iterator
from dataclasses import replace

from ringfence.diagnostics import NOWHERE, Diagnostic
from ringfence.model.declaration import Present
from ringfence.model.host_expiry import ExpiryUpdate, HostExpiry
from ringfence.model.state import Change, Id, TaskLabel, with_changes
from ringfence.plan.plan import Plan
from ringfence.plan.pruning import kept_created
from ringfence.plan.wider import opens
from ringfence.types.moments import in_short

EXPIRY_GUIDE = "docs/guide/break-glass.md"


def expiry_update(plan: Plan) -> ExpiryUpdate:
    """What becomes of the tasks of a host once the changes of a plan are made. That of a rule which nobody declares here, and
    which stays, stays too: it may be another project's. So does that of a rule that could not be looked for. What is taken back,
    and what is kept though it is declared no more, is to stay: its task goes, unless it had that one before."""
    if plan.found.expiries is None:  # nobody had a reason to ask
        return ExpiryUpdate()
    wanted = {id: _wanted(plan, id, declared) for id, declared in plan.declarations.items()
              if isinstance(declared, Present) and declared.label.expires_on_host and id in plan.after}
    there = plan.found.expiries
    right = {one.id for one in there if one.id in wanted and one.fits and one.at == wanted[one.id].at}
    going = {c.id for c in plan.changes if c.action in ("remove", "release", "rename")} | kept_created(plan)
    back = {c.id: c.label for c in plan.changes if c.writes and c.id not in plan.declarations and c.id not in going}
    going |= {id for id, label in back.items() if not label.expires_on_host}
    over = [one for one in there if one.is_ours and one.id not in wanted and (
        one.id is None or one.id in plan.declarations or one.id in going or _is_gone(one.id, plan))]
    return ExpiryUpdate(tuple(one for id, one in wanted.items() if id not in right), tuple(over))


def _is_gone(id: Id, plan: Plan) -> bool:
    return id not in plan.found.state and (id.store, id.kind) not in plan.found.unread


def _wanted(plan: Plan, id: Id, declared: Present) -> HostExpiry:
    resource = plan.after[id]
    return HostExpiry(id, resource.kind.noun, resource.name, declared.label.expires)


def once_ended(plan: Plan) -> Plan | None:
    """What the host does by itself in the end with the rules that it gets tasks for, or has them for already: a plan of those
    removals, on what it has once the changes of this one are made. None: it ends nothing."""
    update = expiry_update(plan)
    stay = (one for one in plan.found.expiries or () if one.is_ours and one.fits and one not in update.removed)
    going = {one.id: TaskLabel(expires=one.at, expires_on_host=True) for one in (*stay, *update.written) if one.id}
    going |= {id: plan.declarations[id].label for id in going if id in plan.declarations}
    if plan.invalid or not going:
        return None
    state = with_changes(plan.found.state, plan.changes)
    removals = tuple(Change(id, state[id], None, label=label) for id, label in going.items() if id in state)
    return replace(plan, found=replace(plan.found, state=state), changes=removals, diagnostics=(), refusals=(), limits=())


def judge_expiries(plan: Plan) -> Plan:
    """The plan with a change for each object of which nothing but its task on the host differs, and with what is left over."""
    if plan.invalid:
        return plan
    update = expiry_update(plan)
    if unread := plan.found.expiries_unread:
        first = update.written[0].id if update.written else None
        told = Diagnostic(plan.declarations[first].where if first else NOWHERE, "which rules this host ends by itself is not "
                          f"known: {unread}", f"Leave `expires_on_host` out, or mend that. See {EXPIRY_GUIDE}")
        hidden = plan.found.expiries_hidden  # which says nothing of the host: it may have them all
        if not first or (hidden and not plan.changes):
            return plan.with_diagnostics(replace(told, severity="warning"))
        return plan.limited(told) if hidden else plan.refused(told)
    return replace(plan, changes=(*plan.changes, *_changes(plan, update))).with_diagnostics(*_told(plan, update))


def _changes(plan: Plan, update: ExpiryUpdate) -> Iterator[Change]:
    changed = {c.id for c in plan.changes} | plan.renames.keys()
    known, written = {one.id: one for one in plan.found.expiries or ()}, set(update.written)
    for one in (*update.written, *update.removed):
        declared = plan.declarations.get(one.id) if one.id else None
        resource = plan.base.get(one.id) if one.id else None
        if one.id is None or one.id in changed or not isinstance(declared, Present) or resource is None:
            continue
        before = known.get(one.id)
        was = "" if before is None or not before.fits else f" (now {in_short(before.at)})"
        why = (f"the host is to remove it by itself at {in_short(one.at)}{was}" if one in written else
               f"the host is not to remove it by itself any more{was}")
        yield Change(one.id, resource, resource, declared.where, why=why, label=declared.label)


def _told(plan: Plan, update: ExpiryUpdate) -> Iterator[Diagnostic]:
    """Tasks that have nothing to remove, or of which nobody knows what they do; and those that are going to open something."""
    for one in update.written:
        if one.id and opens(plan.after[one.id]):
            yield Diagnostic(plan.declarations[one.id].where, f"{one.id} OPENS when the host ends it: it closes traffic",
                             f"Nobody looks then. See {EXPIRY_GUIDE}", "warning")
    removed = set(update.removed)
    for one in plan.found.expiries or ():
        if one.id is None:
            yield Diagnostic(NOWHERE, f"the task \\ringfence\\expires\\{one.task} on the host is none that ends a rule",
                             "The next apply takes it away" if one in removed else "Look what it is, and delete it",
                             "warning")
        elif one in removed and _is_gone(one.id, plan):
            yield Diagnostic(NOWHERE, f"a task on the host is to remove {one.id} at {in_short(one.at)}, which is not there",
                             "The next apply takes the task away", "warning")
