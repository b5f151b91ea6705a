"""The state of one host's policy, declared or found, as one type; and the one difference of two states."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from ringfence.diagnostics import NOWHERE, Where
from ringfence.model.resource import NO_SET, Resource
from ringfence.types.moments import in_short

LOCAL, GROUP_POLICY, MDM = CONFIGURED = "local", "group_policy", "mdm"


class Id(NamedTuple):
    """What a resource is known by. `name` is in lower case: Windows does not tell names apart by it."""

    store: str
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" + (f" ({self.store})" if self.store != LOCAL else "")


def title(id: Id, resource: Resource) -> str:
    """A resource for people: its name in the letters that somebody wrote."""
    return str(id._replace(name=resource.name))


def id_of(resource: Resource, store: str = LOCAL) -> Id:
    return id_for(store, resource.kind.name, resource.name)


def id_for(store: str, kind: str, name: str) -> Id:
    """The id of what has a name in whatever letters. Hosts share those of short names, as they share resources."""
    return _known_id(store, kind, name) if len(name) <= _SHORT else Id(store, kind, name.lower())


_SHORT = 300  # characters: what hosts say is of any length, so a number of ids alone bounds no memory


@lru_cache(16_384)
def _known_id(store: str, kind: str, name: str) -> Id:
    return Id(store, kind, name.lower())


class State(dict[Id, Resource]):
    """Resources by Id. Immutable by agreement; two states are equal when they hold equal resources.

    A dict, for every plan asks a state a thousand times.
    """

    __slots__ = ()

    def by_kind(self, kind: str, store: str = LOCAL) -> dict[str, Resource]:
        """The resources of one kind by their names (in lower case)."""
        return {id.name: r for id, r in self.items() if id.kind == kind and id.store == store}

    def updated(self, changes: Mapping[Id, Resource | None]) -> "State":
        """This state with some resources replaced, added, or (None) taken away."""
        merged: dict[Id, Resource | None] = {**self, **changes}
        return State({id: r for id, r in merged.items() if r is not None})


def references_of(store: str, resource: Resource) -> dict[str, Id]:
    """The resources that a resource names, by property."""
    names = ((p, getattr(resource, p.name)) for p in resource.kind.references)
    return {p.name: Id(store, p.references, str(name).lower()) for p, name in names if name not in (None, NO_SET)}


class TaskLabel(NamedTuple):
    """What people know a task by: the play that it stands in, its own name as written, its tags; until when it holds, and what
    it was asked for by.

    expires: a moment (types/moments.py) from which on the task declares its object absent; empty: it holds for ever · ticket: as
    somebody wrote it · expires_on_host: whether the host then removes the object by itself.
    """

    play: str = ""
    task: str = ""
    tags: tuple[str, ...] = ()
    expires: str = ""
    ticket: str = ""
    expires_on_host: bool = False

    @property
    def said_of_time(self) -> tuple[str, str, bool]:
        """What it says of how long its object is wanted."""
        return self.expires, self.ticket, self.expires_on_host

    @property
    def expiry(self) -> str:
        """Until when it holds, and its ticket, for people; empty where it says neither."""
        return ", ".join(filter(None, (in_short(self.expires), self.ticket)))


NO_TASK = TaskLabel()
Action = Literal["create", "update", "remove", "rename", "adopt", "release"]


@dataclass(frozen=True, slots=True)
class Change:
    """What has to happen to one resource. `before` is None for create, `after` for remove.

    as_action: what is more than the difference of the two. `rename`: `id` is that of before, and after has the new name alone;
    `adopt`: from now on the resource is the project's, whatever differs; `release`: it is not any more, and stays as it is ·
    why: whose the resource is, and why it is managed as it is; empty where that goes without saying · owner: whose it is before
    the change, a row of windows.origin.ORIGINS; empty where it is not there yet · label: the task at `where` · ledger: what the
    project's ledger says of it before the change (Entry.remembered); empty: nothing, None: that is not known.
    """

    id: Id
    before: Resource | None
    after: Resource | None
    where: Where = NOWHERE
    as_action: Action | None = None
    why: str = ""
    owner: str = ""
    label: TaskLabel = NO_TASK
    ledger: str | None = ""

    @property
    def action(self) -> Action:
        return self.as_action or ("create" if self.before is None else "remove" if self.after is None else "update")

    @property
    def writes(self) -> bool:
        """Whether a cmdlet has to be called for it; else the ledger alone changes."""
        return self.before != self.after or self.as_action == "rename"

    @property
    def resource(self) -> Resource:
        """The resource, as it will be where it will be."""
        found = self.after or self.before
        assert found is not None
        return found

    def __str__(self) -> str:
        return title(self.id, self.resource)

    def properties(self) -> dict[str, tuple[Any, Any]]:
        """{property: (before, after)} of what differs; the side that is not there says None."""
        before = {**self.before.values(), "unknown_tokens": self.before.unknown_tokens} if self.before else {}
        after = {**self.after.values(), "unknown_tokens": self.after.unknown_tokens} if self.after else {}
        default = {**self.resource.kind.defaults, "unknown_tokens": ()}
        if self.before and self.after:
            return {n: (b, after[n]) for n, b in before.items() if b != after[n]}
        return {n: (before.get(n), after.get(n)) for n in default if (before or after)[n] != default[n]}


def diff(before: State, after: State, ids: Iterable[Id] | None = None) -> tuple[Change, ...]:
    """Every difference between two states, or between those of their resources that `ids` names."""
    if before is after:
        return ()
    if ids is None:
        ids = {**before, **after}
    changes = ((id, before.get(id), after.get(id)) for id in ids)
    return tuple(Change(id, b, a) for id, b, a in changes if b is not a and b != a)


def with_changes(state: State, changes: Iterable[Change]) -> State:
    """A state once changes were made."""
    laid: dict[Id, Resource | None] = {}
    for change in changes:
        laid[change.id] = change.after
        if change.action == "rename" and change.after is not None:
            laid |= {change.id: None, change.id._replace(name=change.after.name.lower()): change.after}
    return state.updated(laid)
