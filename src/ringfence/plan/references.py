"""Resources that name others: what is missing, what is still needed, and what does not go together on this host. Pure."""

from collections.abc import Iterator, Mapping

from ringfence.errors import Diagnostic
from ringfence.resource import DEFAULT, Kind, Resource, Sets
from ringfence.state import Desired, Id, State, Want, disagreements, named
from ringfence.words import nearest


def check(desired: Desired, found: State, target: State, kinds: Mapping[str, Kind]) -> list[Diagnostic]:
    """Every mistake of this sort. `target` is what the host will have: what was `found`, with the declared laid over it."""
    problems: list[Diagnostic] = []
    for want in desired.values():
        if want.resource is not None and want.resource.kind.refers:
            problems += _missing(want, want.resource, desired, found, target, kinds)
            if any(id in found and id not in desired for id in named(want.id.store, want.resource).values()):
                problems += disagreements(want, target.get, lambda id: desired[id].where if id in desired else None)
        elif want.values is None and want.id.name != DEFAULT and want.id in found and isinstance(found[want.id].kind.home, Sets):
            problems += _still_used(want, target)
    return problems


def _missing(want: Want, resource: Resource, desired: Mapping[Id, Want], found: State, target: State,
             kinds: Mapping[str, Kind]) -> Iterator[Diagnostic]:
    for property, id in named(want.id.store, resource).items():
        if id.name == DEFAULT or id in target or id in desired:
            continue
        name = getattr(resource, property)
        elsewhere = next((o for o in found if o[1:] == id[1:]), None)
        where = want.places.get(property, want.where)
        hint = nearest(str(name), [r.name for r in target.of(id.kind, id.store).values()])
        detail = f"declare {id.kind} {name} in a play for this host, or correct the name{hint}"
        if elsewhere:
            detail = (f"it lives in the {elsewhere.store} store, and a rule uses sets of its own store only: declare a copy "
                      "of it under the same name")
        place = _place(kinds[id.kind])
        yield Diagnostic(where, f"{want.id} needs {id.kind} {name}, which is neither declared nor on the host ({place})", detail)


def _place(kind: Kind) -> str:
    """Where a host has the sets of a kind."""
    return f"FirewallPolicy\\{kind.home.subkeys[-1]}" if isinstance(kind.home, Sets) else kind.noun


def _still_used(want: Want, target: State) -> Iterator[Diagnostic]:
    users = [id for id, r in target.items() if id.store == want.id.store and r.kind.refers
             and want.id in named(id.store, r).values()]
    if users:
        names = ", ".join(map(str, sorted(users)))
        yield Diagnostic(want.where, f"{want.id} cannot be removed: {names} on the host still uses it",
                         "declare those rules absent, or with another set, in the same play")


def strangers(found: State) -> Iterator[tuple[Id, Id]]:
    """(rule, set) where a rule on the host names a set that only another store has: it is never enforced."""
    there = {id[1:] for id in found}
    for id, resource in found.items():
        if resource.kind.refers:
            for set in named(id.store, resource).values():
                if set.name != DEFAULT and set not in found and set[1:] in there:
                    yield id, set
