"""What is declared for one host: resources that shall be there, wholly or in part, and resources that shall not."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from ringfence.diagnostics import NOWHERE, Diagnostic, Where
from ringfence.model.kept import untouched
from ringfence.model.once import alike
from ringfence.model.plain import digest_of
from ringfence.model.resource import Resource
from ringfence.model.state import NO_TASK, Id, State, TaskLabel, references_of, title

Omitted = Literal["default", "keep"]
"""What a property means that a task does not mention: Windows' default, so that the whole object is declared; or what the host
has, so that only what is mentioned is managed."""


@dataclass(frozen=True, slots=True)
class Treatment:
    """How a task wants its resource to be treated, where it says so: the keys beside `when`.

    omitted: see there · adopt: an object that is not the project's may be taken over, whatever becomes of it · renamed_from:
    the name that the object had.
    """

    omitted: Omitted | None = None
    adopt: bool = False
    renamed_from: str = ""


NO_TREATMENT = Treatment()


@dataclass(frozen=True, slots=True)
class Present:
    """A resource that shall be there.

    resource: what is mentioned, and Windows' defaults for the rest · values: what is mentioned · where, locations: the
    place of the task, and of each property · host_names: properties that hold names which only the host can translate ·
    label: what people know the task by · if_whole: what is wrong with it where the whole object is declared, as far as that is
    not known without the host.
    """

    id: Id
    resource: Resource
    values: Mapping[str, Any]
    where: Where = NOWHERE
    locations: Mapping[str, Where] = field(default_factory=dict)
    host_names: tuple[str, ...] = ()
    treatment: Treatment = NO_TREATMENT
    label: TaskLabel = NO_TASK
    if_whole: tuple[Diagnostic, ...] = ()

    def __str__(self) -> str:
        return title(self.id, self.resource)

    def applied_to(self, found: Resource | None) -> Resource:
        """What the resource should be, given what was found. What silence does not clear is there as it was found."""
        if found is None:
            return self.resource
        if alike(found, self.resource):
            return found
        if not self.resource.kind.whole or self.treatment.omitted == "keep":
            has = found.__dict__
            return found if all(has[p] == value for p, value in self.values.items()) else found.replace(**self.values)
        kept = untouched(found, self.values)
        if found.name == self.resource.name and not kept and not found.unknown_tokens:
            return self.resource
        # Windows keeps the spelling of a name
        return self.resource.kind.create(found.name, {**self.resource.values(), **kept}, found.unknown_tokens)

    def location(self, property: str) -> Where:
        """The place of a property, or of the task where it is not mentioned."""
        return self.locations.get(property, self.where)


@dataclass(frozen=True, slots=True)
class Absent:
    """A resource that shall not be there. name: as somebody spelled it."""

    id: Id
    where: Where = NOWHERE
    locations: Mapping[str, Where] = field(default_factory=dict)
    label: TaskLabel = NO_TASK
    name: str = ""

    def __str__(self) -> str:
        return str(self.id._replace(name=self.name or self.id.name))

    def applied_to(self, found: Resource | None) -> None:
        """Nothing, whatever was found."""

    def location(self, property: str) -> Where:
        """The place of a property, or of the task where it is not mentioned."""
        return self.locations.get(property, self.where)


@dataclass(frozen=True, slots=True)
class AsShipped:
    """A resource that shall be as Windows ships it on that host (`state: default`): what that is, the plan finds out. name: as
    somebody spelled it."""

    id: Id
    where: Where = NOWHERE
    locations: Mapping[str, Where] = field(default_factory=dict)
    label: TaskLabel = NO_TASK
    name: str = ""

    def __str__(self) -> str:
        return str(self.id._replace(name=self.name or self.id.name))

    def applied_to(self, found: Resource | None) -> Resource | None:
        """As it was found: it is not known yet what ships."""
        return found

    def location(self, property: str) -> Where:
        """The place of a property, or of the task where it is not mentioned."""
        return self.locations.get(property, self.where)


Declaration = Present | Absent | AsShipped
Declarations = dict[Id, Declaration]
"""Everything that is declared for one host."""


def present(declarations: Iterable[Declaration]) -> list[Present]:
    """Those that shall be there."""
    return [d for d in declarations if isinstance(d, Present)]


def reference_problems(declared: Present, get: Callable[[Id], Resource | None],
                       place: Callable[[Id], Where | None]) -> Iterator[Diagnostic]:
    """What is wrong with a resource and those that it names together. `place`: where one of them is declared."""
    ids = references_of(declared.id.store, declared.resource)
    for finding in declared.resource.check_references(lambda name: get(ids[name]) if name in ids else None):
        places = ", ".join(f"{id} at {where}" for id in ids.values() if (where := place(id)))
        yield Diagnostic(declared.location(finding.property), f"{declared}: {finding.reason}",
                         finding.advice + (f" ({places})" if places else ""), finding.severity)


def state_after(declarations: Mapping[Id, Declaration], found: State) -> State:
    """The state that will be: what was found, with everything declared laid over it."""
    changed: dict[Id, Resource | None] = {}
    for id, declared in declarations.items():
        before = found.get(id)
        if before is not None and isinstance(declared, Present) and alike(before, declared.resource):
            continue  # the most frequent case, and the cheapest
        if (after := declared.applied_to(before)) is not before:
            changed[id] = after
    return found.updated(changed) if changed else found


def digest_of_declarations(declarations: Mapping[Id, Declaration]) -> str:
    """What is declared for a host, in 32 hexadecimal characters; places and spelling do not count. A secret counts as there."""
    whole = hashlib.sha256()
    for id in sorted(declarations):
        one = declarations[id]
        said = (_digest(one.resource), tuple(sorted(one.values)), one.treatment) if isinstance(one, Present) else ()
        whole.update(repr((tuple(id), type(one).__name__, said)).encode("utf-8", "surrogatepass"))
    return whole.hexdigest()[:32]


_digest = lru_cache(16_384)(digest_of)  # a fleet repeats itself
