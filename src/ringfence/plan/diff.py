"""The one difference: two states in, changes out. It serves plan, apply, drift, tests and reports alike."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from ringfence.errors import NOWHERE, Where
from ringfence.resource import Resource
from ringfence.state import Id, State

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
