"""Rendered tasks -> what is declared: every value in its canonical form, every mistake with its place.

Work is per distinct task, never per host: a declaration is remembered by its rendered values.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from ringfence.errors import Diagnostic, Where
from ringfence.resource import DEFAULT, Kind, Prop, Resource
from ringfence.state import LOCAL, Desired, Id, Want, disagreements, named
from ringfence.words import SECRET, nearest, plain, said


class Task(Protocol):
    """What this needs of a rendered task."""

    @property
    def kind(self) -> str: ...
    @property
    def properties(self) -> Mapping[str, Any]: ...
    @property
    def raw(self) -> Mapping[str, Any]: ...
    @property
    def where(self) -> Where: ...
    @property
    def places(self) -> Mapping[str, Where]: ...


@dataclass(frozen=True)
class Declared:
    """The outcome of one task: what it wants, and what is wrong with it."""

    wants: tuple[Want, ...]
    problems: tuple[Diagnostic, ...]


MOST = 60_000  # declarations that differ; each takes about 2 kB


class Declarer:
    """Turns tasks into declarations and remembers them."""

    def __init__(self, kinds: Mapping[str, Kind]) -> None:
        self.kinds = kinds
        self._by_task: WeakKeyDictionary[Task, Declared] = WeakKeyDictionary()  # tasks are known by identity
        self._by_value: dict[tuple[str, str, Where], Declared] = {}

    def declare(self, task: Task) -> Declared:
        """The declaration of one task. Never raises."""
        known = self._by_task.get(task)
        if known is None:
            known = self._by_task[task] = self._by_values(task)
        return known

    def _by_values(self, task: Task) -> Declared:
        key = task.kind, repr(task.properties), task.where  # a secret's repr hides it: such tasks are built each time
        if "********" in key[1]:
            return _declare(task, self.kinds[task.kind])
        known = self._by_value.get(key)
        if known is None:
            known = _declare(task, self.kinds[task.kind])
            if self.room:
                self._by_value[key] = known
        return known

    @property
    def room(self) -> bool:
        """Whether more can be remembered: a fleet repeats itself, and one that does not must not fill the memory."""
        return len(self._by_value) < MOST

    def values(self, task: Task) -> list[Diagnostic]:
        """What is wrong with single values of a task that is not complete."""
        wrong, problems = _collector(task, self.kinds[task.kind])
        for _ in _values(task, self.kinds[task.kind], wrong):
            pass
        if self.kinds[task.kind].key in task.properties:
            _names(task, self.kinds[task.kind], wrong)
        return problems

    def desired(self, tasks: Iterable[Task]) -> tuple[Desired, list[Diagnostic]]:
        """Everything that the tasks of one host declare, and every mistake in them."""
        desired: Desired = {}
        problems: list[Diagnostic] = []
        for task in tasks:
            declared = self.declare(task)
            problems += declared.problems
            for want in declared.wants:
                before = desired.get(want.id)
                desired[want.id] = want if before is None else _merge(before, want, problems)
        for want in desired.values():
            if want.resource is not None and want.resource.kind.refers:
                problems += _together(want, want.resource, desired)
        return desired, problems


def _together(want: Want, resource: Resource, desired: Desired) -> Iterator[Diagnostic]:
    """A resource and the declared ones that it names: that they are there, and that they go together."""
    for property, id in named(want.id.store, resource).items():
        other = desired.get(id)
        if other is not None and other.resource is None and id.name != DEFAULT:
            yield Diagnostic(want.places.get(property, want.where), f"{want.id} needs {id}, which is declared absent",
                             f"that is at {other.where}: keep the set, or name another one")
    yield from disagreements(want, lambda id: desired[id].resource if id in desired else None,
                             lambda id: desired[id].where if id in desired else None)


def _collector(task: Task, kind: Kind) -> tuple[Any, list[Diagnostic]]:
    """A function that notes what is wrong with a property, and the list that it fills."""
    problems: list[Diagnostic] = []

    def wrong(property: str, message: str, advice: str = "", severity: Any = "error") -> None:
        where = task.places.get(property, task.where)
        problems.append(Diagnostic(where, f"{kind.name}: {message}", advice, severity))

    return wrong, problems


def _declare(task: Task, kind: Kind) -> Declared:
    wrong, problems = _collector(task, kind)
    names = _names(task, kind, wrong)
    absent = _absent(task, wrong)
    values = dict(_values(task, kind, wrong))
    if absent:
        for property in values:
            wrong(property, f"{property} has no meaning where state is absent", "leave it out")
        if not kind.removable:
            wrong("state", "this kind cannot be absent: it is part of Windows", "name the values it should have")
    else:
        for p in kind.properties.values():
            if p.required and p.name not in task.properties:
                wrong(p.name, f"{p.name} is missing", p.doc)
    if not absent and not any(p.severity == "error" for p in problems):
        for name in names[:1]:
            for property, reason, advice, *grave in kind.make(name, values).check():
                wrong(property, f"{name}: {reason}", advice, *grave)
    if any(p.severity == "error" for p in problems):
        return Declared((), tuple(problems))
    return Declared(tuple(_want(task, kind, name, None if absent else values) for name in names), tuple(problems))


def _want(task: Task, kind: Kind, name: str, values: dict[str, Any] | None) -> Want:
    id = Id(LOCAL, kind.name, name.lower())
    if values is None:
        return Want(id, None, None, task.where, task.places)
    resource = kind.make(name, values)
    return Want(id, resource, values, task.where, task.places, _unbound(resource, values))


def _unbound(resource: Resource, values: Mapping[str, Any]) -> tuple[str, ...]:
    table = resource.kind.properties
    return tuple(p for p in values if table[p].word.unbound(getattr(resource, p)))


def _names(task: Task, kind: Kind, wrong: Any) -> tuple[str, ...]:
    if kind.key not in task.properties:
        wrong(kind.key, f"{kind.key} is missing", "it says which one is meant")
        return ()
    value = task.properties[kind.key]
    try:
        found = kind.key_word.parse(value) if kind.key_word else plain(value)
    except ValueError as error:
        wrong(kind.key, f"{kind.key}: {error}")
        return ()
    if found == () and kind.key_word:  # any, all: each that there is
        return tuple(kind.home.names) if hasattr(kind.home, "names") else ()
    return (found,) if isinstance(found, str) else tuple(found)


def _absent(task: Task, wrong: Any) -> bool:
    state = task.properties.get("state", "present")
    if state not in ("present", "absent"):
        wrong("state", f"state: {said(state)} is neither present nor absent")
    return bool(state == "absent")


def _values(task: Task, kind: Kind, wrong: Any) -> Iterator[tuple[str, Any]]:
    known = (kind.key, "state", *kind.properties)
    for property, value in task.properties.items():
        if property in (kind.key, "state"):
            continue
        p = kind.properties.get(property)
        if p is None:
            wrong(property, f"unknown property {said(property)}{nearest(str(property), known)}",
                  f"see `ringfence doc {kind.name}`")
            continue
        if not p.parameter:
            wrong(property, f"{property} can be read but no cmdlet can set it", "leave it out")
            continue
        try:
            yield property, p.word.parse(value)
        except ValueError as error:
            wrong(property, f"{property}: {error}", f"allowed: {p.word.name}")
        for secret in _in_clear(p, task.raw.get(property)):
            wrong(property, f"{secret} stands in clear text in the play", "take it from a vaulted value (!vault) or from "
                  "the environment: \"{{ lookup('env', 'NAME') }}\"", "warning")


def _in_clear(p: Prop, raw: Any) -> Iterator[str]:
    """The properties, here or in the parts of a list, whose secret is written in the play itself."""
    if p.word is SECRET and isinstance(raw, str) and "{{" not in raw:
        yield p.name
    for one in ([raw] if isinstance(raw, Mapping) else raw if isinstance(raw, list | tuple) else ()) if p.part else ():
        for inner in p.part.kind.properties.values() if p.part and isinstance(one, Mapping) else ():
            yield from _in_clear(inner, one.get(inner.name))


def _merge(first: Want, second: Want, problems: list[Diagnostic]) -> Want:
    """Two declarations of one resource: the same twice is fine, of settings each may say a part."""
    if first.values is None or second.values is None or first.resource is None or second.resource is None:
        if first.values is not second.values:
            _conflict(first, second, ["state"], problems)
        return first
    if second.resource.kind.whole:
        differ = [p for p, v in second.resource.values().items() if v != getattr(first.resource, p)]
    else:
        differ = [p for p in first.values if p in second.values and first.values[p] != second.values[p]]
    if differ:
        _conflict(first, second, differ, problems)
        return first
    if second.resource.kind.whole:
        return first
    values = {**first.values, **second.values}
    resource = second.resource.kind.make(first.resource.name, values)
    return Want(first.id, resource, values, first.where, {**second.places, **first.places}, _unbound(resource, values))


def _conflict(first: Want, second: Want, properties: list[str], problems: list[Diagnostic]) -> None:
    place = second.places.get(properties[0], second.where)
    problems.append(Diagnostic(place, f"{second.id} is declared twice and differently: {', '.join(properties)}",
                               f"the other declaration is at {first.places.get(properties[0], first.where)}; keep one"))
