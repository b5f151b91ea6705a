"""Resources that name others: what is missing, what is still needed, and what does not go together on this host."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from ringfence.diagnostics import Diagnostic, suggest
from ringfence.model.declaration import Absent, Present, reference_problems
from ringfence.model.resource import Resource
from ringfence.model.state import Id, State, references_of
from ringfence.model.storage import DEFAULT
from ringfence.plan.plan import Plan


def check_references(plan: Plan) -> Plan:
    """The plan with every mistake of this sort."""
    problems: list[Diagnostic] = []
    for declared in plan.declarations.values():
        if isinstance(declared, Present):
            if declared.resource.kind.references:
                problems += _missing(declared, plan)
                problems += _with_found_ones(declared, plan)
        elif isinstance(declared, Absent) and declared.id in plan.found.state and declared.id.name != DEFAULT:
            problems += _still_used(declared, plan.after)
    return plan.with_diagnostics(*problems)


def _missing(declared: Present, plan: Plan) -> Iterator[Diagnostic]:
    for property, id in missing_of(declared.id.store, declared.resource, plan.after).items():
        if id in plan.declarations:
            continue
        name = getattr(declared.resource, property)
        hint = suggest(str(name), [r.name for r in plan.after.by_kind(id.kind, id.store).values()], "; ")
        detail = f"declare {id.kind} {name} in a play for this host, or correct the name{hint}"
        if elsewhere := next((other for other in plan.found.state if other[1:] == id[1:]), None):
            detail = (f"it lives in the {elsewhere.store} store, and a rule uses sets of its own store only: declare a copy "
                      "of it under the same name")
        yield Diagnostic(declared.location(property), f"{declared} needs {id.kind} {name}, which is neither declared nor on "
                         "the host", detail)


def _with_found_ones(declared: Present, plan: Plan) -> Iterator[Diagnostic]:
    """What does not go together with something that is on the host and not declared: the rest was checked before."""
    ids = references_of(declared.id.store, declared.resource).values()
    if any(id in plan.found.state and id not in plan.declarations for id in ids):
        yield from reference_problems(declared, plan.after.get,
                                      lambda id: plan.declarations[id].where if id in plan.declarations else None)


def _still_used(declared: Absent, after: State) -> Iterator[Diagnostic]:
    if users := users_of({declared.id}, after).get(declared.id):
        names = ", ".join(map(str, sorted(users)))
        yield Diagnostic(declared.where, f"{declared} cannot be removed: {names} on the host still uses it",
                         "declare those rules absent, or with another set, in the same play")


def missing_of(store: str, resource: Resource, state: State) -> dict[str, Id]:
    """What a resource names and a state does not have, by property. Windows has a default set of each kind."""
    return {p: id for p, id in references_of(store, resource).items() if id.name != DEFAULT and id not in state}


def users_of(named: Collection[Id], state: State) -> Mapping[Id, Sequence[Id]]:
    """Which of the `named` resources others in a state name, and who does."""
    found: dict[Id, list[Id]] = {}
    for id, resource in state.items():
        for other in references_of(id.store, resource).values() if resource.kind.references else ():
            if other in named:
                found.setdefault(other, []).append(id)
    return found


def cross_store_references(found: State) -> Iterator[tuple[Id, Id]]:
    """(rule, set) where a rule on the host names a set that only another store has: it is never enforced."""
    there = {id[1:] for id in found}
    for id, resource in found.items():
        for named in references_of(id.store, resource).values():
            if named.name != DEFAULT and named not in found and named[1:] in there:
                yield id, named
