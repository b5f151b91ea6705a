"""The state of one host's policy, wanted or found, as one type; and the one difference of two states."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from ringfence.errors import NOWHERE, Diagnostic, Where
from ringfence.resource import Resource

LOCAL, GROUP_POLICY, MDM = "local", "group_policy", "mdm"


class Id(NamedTuple):
    """What a resource is known by. `name` is in lower case: Windows does not tell names apart by it."""

    store: str
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" + (f" ({self.store})" if self.store != LOCAL else "")


def identify(resource: Resource, store: str = LOCAL) -> Id:
    return Id(store, resource.kind.name, resource.name.lower())


class State(Mapping[Id, Resource]):
    """Resources by Id. Immutable by agreement; two states are equal when they hold equal resources."""

    __slots__ = ("_resources",)

    def __init__(self, resources: Mapping[Id, Resource] | Iterable[tuple[Id, Resource]] = ()) -> None:
        self._resources = dict(resources)

    def __getitem__(self, id: Id) -> Resource:
        return self._resources[id]

    def __iter__(self) -> Iterator[Id]:
        return iter(self._resources)

    def __len__(self) -> int:
        return len(self._resources)

    def of(self, kind: str, store: str = LOCAL) -> dict[str, Resource]:
        """The resources of one kind by their names (in lower case)."""
        return {id.name: r for id, r in self._resources.items() if id.kind == kind and id.store == store}

    def changed(self, changes: Mapping[Id, Resource | None]) -> "State":
        """This state with some resources replaced, added, or (None) taken away."""
        merged: dict[Id, Resource | None] = {**self._resources, **changes}
        return State({id: r for id, r in merged.items() if r is not None})


@dataclass(frozen=True, slots=True)
class Want:
    """One declaration: the whole resource, some properties of it, or its absence (`values` is None)."""

    id: Id
    resource: Resource | None  # what is mentioned, and Windows' defaults for the rest
    values: Mapping[str, Any] | None  # what is mentioned
    where: Where = NOWHERE
    places: Mapping[str, Where] = field(default_factory=dict)
    unbound: tuple[str, ...] = ()  # properties that only the host can translate

    def over(self, found: Resource | None) -> Resource | None:
        """What the resource should be, given what was found."""
        if self.values is None or self.resource is None:
            return None
        if found is None:
            return self.resource
        if not self.resource.kind.whole:
            return found.replace(**self.values)
        if found.name == self.resource.name:
            return self.resource
        return self.resource.kind.make(found.name, self.resource.values())  # Windows keeps the spelling of a name


Desired = dict[Id, Want]
"""Everything that is declared for one host."""


def named(store: str, resource: Resource) -> dict[str, Id]:
    """The resources that a resource names, by property."""
    names = ((p, getattr(resource, p.name)) for p in resource.kind.refers)
    return {p.name: Id(store, p.refers, str(name).lower()) for p, name in names if name is not None}


def disagreements(want: Want, get: Callable[[Id], Resource | None], place: Callable[[Id], Where | None]) -> Iterator[Diagnostic]:
    """What is wrong with a resource and those that it names together. `place`: where one of them is declared."""
    resource = want.resource
    assert resource is not None
    ids = named(want.id.store, resource)
    for property, reason, advice, *grave in resource.agree(lambda name: get(ids[name]) if name in ids else None):
        places = ", ".join(f"{id} at {found}" for id in ids.values() if (found := place(id)))
        yield Diagnostic(want.places.get(property, want.where), f"{want.id}: {reason}",
                         advice + (f" ({places})" if places else ""), *grave)


def target(desired: Mapping[Id, Want], found: Mapping[Id, Resource]) -> State:
    """The state that will be: what was found, with everything declared laid over it."""
    get = found.get
    return State(found).changed({id: want.over(get(id)) for id, want in desired.items()})


Action = Literal["create", "update", "remove"]


@dataclass(frozen=True, slots=True)
class Change:
    """What has to happen to one resource. `before` is None for create, `after` for remove."""

    id: Id
    before: Resource | None
    after: Resource | None
    where: Where = NOWHERE

    @property
    def action(self) -> Action:
        return "create" if self.before is None else "remove" if self.after is None else "update"

    @property
    def resource(self) -> Resource:
        """The resource, as it will be where it will be."""
        found = self.after or self.before
        assert found is not None
        return found

    def properties(self) -> dict[str, tuple[Any, Any]]:
        """{property: (before, after)} of what differs; the side that is not there says None."""
        before = {**self.before.values(), "extra": self.before.extra} if self.before else {}
        after = {**self.after.values(), "extra": self.after.extra} if self.after else {}
        default = {**self.resource.kind.defaults, "extra": ()}
        if self.before and self.after:
            return {n: (b, after[n]) for n, b in before.items() if b != after[n]}
        return {n: (before.get(n), after.get(n)) for n in default if (before or after)[n] != default[n]}


def diff(before: State, after: State, ids: Iterable[Id] | None = None) -> tuple[Change, ...]:
    """Every difference between two states, or between those of their resources that `ids` names."""
    if ids is None:
        ids = {**before, **after}
    changes = ((id, before.get(id), after.get(id)) for id in ids)
    return tuple(Change(id, b, a) for id, b, a in changes if b is not a and b != a)
