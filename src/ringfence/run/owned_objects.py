"""What a project owns on a host, looked at and put right by hand: shown, released, taken over from another project, made anew;
and a host that is to be managed no more."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatch
from typing import Any

from ringfence.batch import Batch, Call
from ringfence.diagnostics import NOWHERE, Diagnostic
from ringfence.errors import GuardRefused, HostError
from ringfence.model.declaration import Declaration, Present
from ringfence.model.ledger import Entry, Ledger, ProjectIdentity, ledger_keys, parse_ledger, value_name
from ringfence.model.plain import digest_of
from ringfence.model.state import Change, Id
from ringfence.plan.order import order
from ringfence.plan.ownership import tell_owners
from ringfence.plan.plan import HostSnapshot, Plan
from ringfence.plan.references import users_of
from ringfence.plan.wider import opens
from ringfence.report import HostResult, LedgerResult
from ringfence.run.guarded import guarded
from ringfence.run.host import HostRun
from ringfence.run.host_job import HostJob, RunContext
from ringfence.run.ledger_update import LedgerUpdate


def show_ledger(job: HostJob, context: RunContext) -> HostResult:
    """A LedgerResult: what the project owns on a host, and what other projects do. Never raises for what the host does."""
    run = HostRun(job, context)

    def look() -> HostResult:
        found = run.read_owned(defaults=False)
        ledger = _readable(found)
        there = frozenset(id for id in (*ledger.entries, *ledger.foreign) if id in found.state)
        owned = frozenset(id for id in ledger.entries if ledger.owned(id, found.state.get(id)))
        notes = [Diagnostic(NOWHERE, f"not understood: {problem}", severity="warning", host=job.host)
                 for problem in ledger.problems]
        return LedgerResult(job.host, diagnostics=tuple(notes), ledger=ledger, there=there, owned=owned)

    return run.result(look)


def release(job: HostJob, context: RunContext, patterns: Sequence[str], write: bool) -> HostResult:
    """Objects are the project's no more, and stay as they are. `patterns` of names (* ?); `write`: else it is only planned."""
    run = HostRun(job, context)

    def work() -> HostResult:
        found = run.read_owned(defaults=False)
        chosen = [id for id in _readable(found).entries if _named(id, patterns)]
        changes = tuple(_released(id, found, "released by hand") for id in chosen if id in found.state)
        done = _done(run, _plan(job, context, found, changes), LedgerUpdate(removed=set(chosen)), write)
        return done if chosen else _nothing_named(done, "the project", patterns)

    return run.result(work)


def retire(job: HostJob, context: RunContext, write: bool) -> HostResult:
    """A host that is to be managed no more: what the project created there goes, all else is released, and so is the ledger."""
    run = HostRun(job, context)

    def work() -> HostResult:
        found = run.read_owned()
        ledger = _readable(found)
        run.require_read({id.kind for id in ledger.entries}, found)
        owned = [(id, entry) for id in ledger.entries if (entry := ledger.owned(id, found.state.get(id)))]
        changes = _retirement({id: _retired(id, entry, found) for id, entry in owned if id in found.state}, found)
        gone = LedgerUpdate(all_gone=ledger.generation > 0)
        return _done(run, order(_plan(job, context, found, changes)), gone, write)

    return run.result(work)


def _retirement(changes: Mapping[Id, Change], found: HostSnapshot) -> tuple[Change, ...]:
    """The changes of a retirement; what an object that stays still names stays too."""
    going = {id for id, change in changes.items() if change.action == "remove"}
    names = {id for id in going if not changes[id].resource.kind.storage.falls_back(id.name)}
    used = users_of(names, found.state.updated(dict.fromkeys(going)))
    return tuple(_released(id, found, f"{used[id][0]} still names it: it stays as it is") if id in used else change
                 for id, change in changes.items())


def _retired(id: Id, entry: Entry, found: HostSnapshot) -> Change:
    resource = found.state[id]
    if other := found.ledger.foreign.get(id):
        return _released(id, found, f"it belongs to the project {other} too: it stays as it is")
    if entry.how != "created" or id in found.defaults.state:
        whose = "; Windows ships it by now" if entry.how == "created" else ""
        return _released(id, found, f"{entry.how} by run {entry.run}{whose}: it stays as it is")
    why = f"created by run {entry.run}" + ("; OPENS: it closes traffic that will pass without it" if opens(resource) else "")
    return Change(id, resource, None, why=why)


def take_over(job: HostJob, context: RunContext, project: str, patterns: Sequence[str], write: bool) -> HostResult:
    """Objects of another project, by its name or id, become this one's, as they were the other's."""
    run = HostRun(job, context)

    def work() -> HostResult:
        found, reply = run.read(defaults=False, ledger=True)
        found = run.asked_owned(found)
        owner, theirs = _ledger_of(project, found, reply["ledger"], context.policy.project)
        chosen = {id: entry for id, entry in theirs.entries.items() if _named(id, patterns)}
        changes = tuple(Change(id, r, r, as_action="adopt", why=f"of the project {project}") for id in chosen
                        if (r := found.state.get(id)))
        ours = _done(run, _plan(job, context, found, changes), LedgerUpdate(after=chosen), write)
        if write and ours.error is None and chosen:
            left = {"project": owner.id, "generation": theirs.generation, "header": {}, "set": {}, "delete": False,
                    "remove": [value_name(id) for id in chosen]}
            answer = run.send(Batch({"theirs": Call("Ledger.Write", left)})).answers["theirs"]
            if answer.error:
                return replace(ours, error=HostError("ledger", f"of {project}: {answer.error.message}"))
        return ours if chosen else _nothing_named(ours, f"the project {project}", patterns)

    return run.result(work)


def rebuild(job: HostJob, context: RunContext, write: bool, created: Mapping[str, Collection[Id]] = {}) -> HostResult:
    """The ledger made anew of what is there. What it said of an object before, it says again, declared or not; of any other one
    that is as declared it says that it was adopted, so that no run removes it; nothing of what ships with Windows. Nothing is
    done where a task is invalid.

    created: {host: objects} that the project is known to have made there.
    """
    run = HostRun(job, context)

    def work() -> HostResult:
        plan, result = run.planned()
        if plan.invalid or (result.error and not isinstance(result.error, GuardRefused)):
            return result
        before, state = plan.found.ledger, plan.found.state
        same = {id for id, d in plan.declarations.items() if isinstance(d, Present) and id not in before.foreign
                and id in state and state[id] == plan.after.get(id)}
        made = created.get(job.host, ())
        new = {id: Entry("created" if id in made else "adopted", context.policy.run_id) for id in same
               if _is_whole(plan.declarations[id]) and id not in plan.found.defaults.state}
        known = {id: entry for id in before.entries.keys() & state.keys() - before.foreign.keys()
                 if (entry := before.owned(id, state[id]))}
        entries = {id: replace(entry, hash=digest_of(state[id]), pending="") if id in same else entry
                   for id, entry in sorted({**new, **known}.items())}
        changes = tuple(Change(id, state[id], state[id], plan.declarations[id].where if id in plan.declarations else NOWHERE,
                               "adopt", f"in the ledger as {entry.how}") for id, entry in entries.items())
        empty = replace(plan.found, ledger=replace(before, entries={}, header={}, unread=""))
        if write and before.generation:
            gone = _done(run, _plan(job, context, plan.found, ()), LedgerUpdate(all_gone=True), write)
            if gone.error:
                return gone
        return _done(run, _plan(job, context, empty, changes), LedgerUpdate(after=entries), write)

    return run.result(work)


def _is_whole(declared: Declaration) -> bool:
    """Whether all of an object is declared."""
    return isinstance(declared, Present) and declared.resource.kind.storage.removable and declared.treatment.omitted != "keep"


def _plan(job: HostJob, context: RunContext, found: HostSnapshot, changes: tuple[Change, ...]) -> Plan:
    return Plan(job.host, {}, found, context.policy, base=found.state, after=found.state, changes=changes)


def _done(run: HostRun, plan: Plan, update: LedgerUpdate, write: bool) -> HostResult:
    if write and plan.found.ledger.is_newer:
        raise GuardRefused("the ledger of the project is of a later version of ringfence, and is not written. Update ringfence")
    plan = guarded(tell_owners(plan), run.send)
    plan.raise_if_refused()
    result = HostResult(plan.host, plan.changes, diagnostics=plan.diagnostics)
    return run.carry_out(plan, result, update) if write else result


def _released(id: Id, found: HostSnapshot, why: str) -> Change:
    return Change(id, found.state[id], found.state[id], as_action="release", why=why)


def _named(id: Id, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatch(id.name, p.lower()) for p in patterns)


def _readable(found: HostSnapshot) -> Ledger:
    """The ledger of the host. Raises GuardRefused where nothing is known of it."""
    if found.ledger.unread:
        raise GuardRefused(f"the ledger could not be read: {found.ledger.unread}")
    return found.ledger


def _ledger_of(project: str, found: HostSnapshot, answer: Any, own: ProjectIdentity | None) -> tuple[ProjectIdentity, Ledger]:
    """Another project by its name or id, with its ledger. Raises GuardRefused where the host has none, or several, and where it
    is the own one."""
    _readable(found)
    there = list(_projects(answer))
    meant = [one for one in there if project.lower() in (one.id, one.name.lower())]
    if len(meant) == 1 and own and meant[0].id == own.id:
        raise GuardRefused(f"{project} is this project: what it owns is its own already")
    if len(meant) != 1:
        known = ", ".join(f"{one.name} ({one.id})" for one in there if not own or one.id != own.id) or "none"
        raise GuardRefused(f"{'several projects' if meant else 'no project'} on this host {'are' if meant else 'is'} called "
                           f"{project}. There: {known}")
    return meant[0], parse_ledger(answer, meant[0])


def _projects(answer: Any) -> Iterator[ProjectIdentity]:
    """The projects of a host that has told its ledgers."""
    for key, values in ledger_keys(answer["rows"]):
        yield ProjectIdentity(dict(values).get("Name", ""), key)


def _nothing_named(result: HostResult, who: str, patterns: Sequence[str]) -> HostResult:
    """The result with a warning: a name that is nobody's may be misspelt."""
    named = f" of the name {' or '.join(patterns)}" if patterns else ""
    told = Diagnostic(NOWHERE, f"{who} owns nothing{named} on this host", "`ringfence ledger show` has what it owns", "warning",
                      result.host)
    return replace(result, diagnostics=(*result.diagnostics, told))
