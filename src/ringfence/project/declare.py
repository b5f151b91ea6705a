"""Rendered tasks -> what is declared: every value in its canonical form, every mistake with its place.

Work is per distinct task, never per host: a declaration is remembered by its rendered values.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from itertools import islice
from typing import Any
from weakref import WeakKeyDictionary

from ringfence.diagnostics import MAX_PROBLEMS, Diagnostic, Finding
from ringfence.model.declaration import (
    NO_TREATMENT,
    Absent,
    AsShipped,
    Declaration,
    Declarations,
    Present,
    Treatment,
    present,
    reference_problems,
)
from ringfence.model.filter import Filter
from ringfence.model.once import filter_of
from ringfence.model.resource import Kind, Resource
from ringfence.model.state import LOCAL, Id, id_for, references_of
from ringfence.model.storage import DEFAULT
from ringfence.policy.blocks import BLOCK_WINS, index_of
from ringfence.policy.place import ALL_PROFILES
from ringfence.project.render import RenderedTask
from ringfence.project.task_values import names_of, state_of, values_of
from ringfence.project.treatment import TaskMistakes, expiry_notes, label_of, treatment_of, unfit_life
from ringfence.secret import contains_secret

MAX_REMEMBERED = 60_000  # declarations that differ; each takes about 2 kB


@dataclass(frozen=True)
class TaskDeclarations:
    """The outcome of one task: what it declares, and what is wrong with it.

    by_mention: what it does not say is as the host has it."""

    declarations: tuple[Declaration, ...]
    problems: tuple[Diagnostic, ...]
    by_mention: bool = False

    @cached_property
    def names_others(self) -> bool:
        """Whether what it declares depends on what else is declared: it names other resources, or has had another name."""
        return any(one.resource.kind.references or one.treatment.renamed_from for one in present(self.declarations))

    @cached_property
    def filters(self) -> tuple[tuple[Present, Filter], ...]:
        """What it says of traffic, as a whole: what is managed by mention is known as such on its host alone, and looked at there
        (plan/reasons.py)."""
        return () if self.by_mention else tuple((one, filter) for one in present(self.declarations) if (
            filter := filter_of(one.resource)) is not None)

    @cached_property
    def blocks(self) -> bool:
        """Whether it may block what other tasks let through."""
        return any(filter.effect == "block" for _, filter in self.filters)


class DeclarationBuilder:
    """Turns tasks into declarations and remembers them."""

    def __init__(self, kinds: Mapping[str, Kind], of_windows: Callable[[Id], bool] = lambda id: False,
                 require_scope: bool = False, began: str = "") -> None:
        """of_windows: whether a name is that of an object which Windows ships, and which is managed by what is mentioned ·
        require_scope: rules that let in have to say from where · began: the moment (types/moments.py) by which tasks have expired
        or not; empty: none has."""
        self.kinds, self._of_windows, self._require_scope, self._began = kinds, of_windows, require_scope, began
        self._by_task: WeakKeyDictionary[RenderedTask, TaskDeclarations] = WeakKeyDictionary()  # known by identity
        self._of_parts: WeakKeyDictionary[RenderedTask, list[Diagnostic]] = WeakKeyDictionary()
        self._by_value: dict[Any, TaskDeclarations] = {}

    def declare(self, task: RenderedTask) -> TaskDeclarations:
        """The declaration of one task. Never raises."""
        known = self._by_task.get(task)
        if known is None:
            known = self._by_task[task] = self._by_values(task)
        return known

    def _by_values(self, task: RenderedTask) -> TaskDeclarations:
        if contains_secret(task.properties) or contains_secret(task.treatment):  # its repr would not tell two secrets apart
            return self._declare(task)
        key = task.kind, repr(task.properties), repr(task.treatment), task.where, task.label
        known = self._by_value.get(key)
        if known is None:
            known = self._declare(task)
            if self.has_room:
                self._by_value[key] = known
        return known

    def _declare(self, task: RenderedTask) -> TaskDeclarations:
        return _declare(task, self.kinds[task.kind], self._of_windows, self._require_scope, self._began)

    @property
    def has_room(self) -> bool:
        """Whether more can be remembered: a fleet repeats itself, and one that does not must not fill the memory."""
        return len(self._by_value) < MAX_REMEMBERED

    def value_problems(self, task: RenderedTask) -> list[Diagnostic]:
        """What is wrong with single values of a task that is not complete."""
        if (known := self._of_parts.get(task)) is None:
            mistakes = TaskMistakes(task, self.kinds[task.kind])
            values_of(mistakes)
            state_of(mistakes)
            treatment_of(mistakes)
            label_of(mistakes)
            if mistakes.kind.key in task.properties:
                names_of(mistakes)
            known = self._of_parts[task] = mistakes.found
        return known

    def declarations(self, tasks: Iterable[RenderedTask]) -> tuple[Declarations, list[Diagnostic]]:
        """Everything that the tasks of one host declare, and every mistake in them."""
        declared: Declarations = {}
        problems: list[Diagnostic] = []
        names_others, blocks, known = False, False, self._by_task.get
        filters: list[tuple[Present, Filter]] = []
        for task in tasks:
            if len(problems) > MAX_PROBLEMS:  # more than is told
                break
            outcome = known(task) or self.declare(task)
            problems += outcome.problems
            names_others, blocks = names_others or outcome.names_others, blocks or outcome.blocks
            filters += outcome.filters
            for one in outcome.declarations:
                before = declared.get(one.id)
                declared[one.id] = one if before is None else _merge(before, one, problems)
        renamed: dict[Id, Present] = {}
        for one in present(declared.values()) if names_others else ():
            if one.resource.kind.references:
                problems += _together(one, declared)
            if one.treatment.renamed_from:
                problems += _renamed(one, declared, renamed)
        if blocks:
            problems += islice(_blocked(filters, declared), MAX_PROBLEMS)
        return declared, problems


def _together(one: Present, declared: Declarations) -> Iterator[Diagnostic]:
    """A resource and the declared ones that it names: that they are there, and that they go together."""
    for property, id in references_of(one.id.store, one.resource).items():
        other = declared.get(id)
        if isinstance(other, Absent) and id.name != DEFAULT:
            yield Diagnostic(one.location(property), f"{one} needs {id}, which is declared absent",
                             f"that is at {other.where}: keep the set, or name another one")

    def get(id: Id) -> Resource | None:
        other = declared.get(id)
        return other.resource if isinstance(other, Present) else None

    yield from reference_problems(one, get, lambda id: declared[id].where if id in declared else None)


def _blocked(filters: Iterable[tuple[Present, Filter]], declared: Declarations) -> Iterator[Diagnostic]:
    """Rules that let nothing through, for a declared one blocks all of it."""
    said: dict[Id, tuple[Present, Filter]] = {}
    for one, filter in filters:
        if (now := declared[one.id]) is one:
            said[one.id] = one, filter
        elif isinstance(now, Present) and (together := filter_of(now.resource)) is not None:  # said twice, each time a part
            said[one.id] = now, together
    index = index_of((id, filter) for id, (_, filter) in said.items())
    for one, filter in said.values():
        for id, block in index.above(filter):
            if set(filter.profile or ALL_PROFILES) <= set(block.profile or ALL_PROFILES):  # else it is for the other profiles
                by = f"{declared[id]} at {declared[id].where}"
                yield Diagnostic(one.where, f"{one} lets nothing through: {by} blocks all of it", BLOCK_WINS, "warning")


def _renamed(one: Present, declared: Declarations, renamed: dict[Id, Present]) -> Iterator[Diagnostic]:
    """An object that gets this name, and what else is declared of the name that it had."""
    old = id_for(one.id.store, one.id.kind, one.treatment.renamed_from)
    other = renamed.setdefault(old, one)
    if other is not one:
        yield Diagnostic(one.where, f"{one}: {old} gets two names", f"{other} at {other.where} is renamed from it too; keep one")
    elif isinstance(declared.get(old), Present):
        yield Diagnostic(one.where, f"{one}: {old} is renamed and stays", f"it is declared at {declared[old].where}; leave "
                         "renamed_from out, or that task")


def _declare(task: RenderedTask, kind: Kind, of_windows: Callable[[Id], bool], require_scope: bool,
             began: str) -> TaskDeclarations:
    mistakes = TaskMistakes(task, kind)
    names, state, values, treatment = names_of(mistakes), state_of(mistakes), values_of(mistakes), treatment_of(mistakes)
    label = label_of(mistakes)
    ids = [Id(LOCAL, kind.name, name.lower()) for name in names]
    of_shipped = bool(ids) and treatment == NO_TREATMENT and all(map(of_windows, ids))
    by_mention = of_shipped or treatment.omitted == "keep"
    for finding in unfit_life(mistakes, state, by_mention):
        mistakes.add(finding)
    for finding in _missing(task, kind, treatment) if state == "present" else _meaningless(state, kind, values, task.treatment):
        mistakes.add(finding)
    if state == "present" and not kind.whole and not mistakes.failed and not task.raw.keys() - {kind.key, "state"}:
        mistakes.add(Finding(kind.key, "nothing is said of it, so nothing of it is managed",
                             f"name a property: see `ringfence doc {kind.name}`", "warning"))
    if_whole = TaskMistakes(task, kind)
    made: tuple[Resource, ...] = ()
    if state == "present" and not mistakes.failed and names:
        made = tuple(kind.create(name, values) for name in names)
        whole = () if treatment.omitted == "keep" else (*made[0].check(), *_silence(made[0], values, require_scope))
        for finding in _omitted(task, made[0]):
            mistakes.add(replace(finding, reason=f"{names[0]}: {finding.reason}"))
        for finding in whole:
            (if_whole if of_shipped else mistakes).add(replace(finding, reason=f"{names[0]}: {finding.reason}"))
    if treatment.renamed_from and len(names) > 1:
        mistakes.add(Finding("renamed_from", "renamed_from goes with one name", "write a task for each"))
    elif treatment.renamed_from and treatment.renamed_from.lower() in map(str.lower, names):
        mistakes.add(Finding("renamed_from", "renamed_from is the name that it has", "say the name that it had, or leave it out"))
    if mistakes.failed:
        return TaskDeclarations((), tuple(mistakes.found))
    for finding in expiry_notes(label, began):
        mistakes.add(finding)
    if label.expires and label.expires <= began:
        state = "absent"
    found: list[Declaration] = [
        Present(id_for(LOCAL, kind.name, one.name), one, values, task.where, task.locations, _host_names(one, values), treatment,
                label, tuple(if_whole.found)) for one in made]
    if state != "present":
        found = [(Absent if state == "absent" else AsShipped)(
            id_for(LOCAL, kind.name, name), task.where, task.locations, label, name) for name in names]
    return TaskDeclarations(tuple(found), tuple(mistakes.found), by_mention)


def _omitted(task: RenderedTask, made: Resource) -> Iterator[Finding]:
    """Conditions of a rule that were left out by `omit`: it would be wider than the task reads."""
    left_out = task.raw.keys() - task.properties.keys()
    filter = filter_of(made) if left_out else None
    if filter is None or not filter.enabled or filter.effect not in ("allow", "exempt"):
        return
    for name in task.raw:
        if name in left_out and (p := made.kind.properties.get(name)):
            if p.narrows:
                yield Finding(name, f"{name} came to nothing (omit), which would open the rule",
                              "give it a value; say any if that is meant")
            elif p.role == "condition":
                yield Finding(name, f"{name} came to nothing (omit): the rule is not limited by it", "say any if that is meant",
                              "warning")


def _silence(made: Resource, values: Mapping[str, Any], require_scope: bool) -> Iterator[Finding]:
    """What silence would open, or close: rules for everything and everybody."""
    yield from made.check_mentioned(values)
    if not require_scope or "remote_address" not in made.kind.properties or (
            "remote_address" in values and not (values["remote_address"] and "remote_address" in made.unheeded)):
        return
    filter = filter_of(made)
    if filter is not None and filter.inbound and filter.enabled and filter.effect == "allow":
        yield Finding("remote_address", "it does not say from where it lets in, which require_scope in ringfence.yml asks for",
                      "say remote_address; any if that is meant")


def _meaningless(state: str, kind: Kind, values: Mapping[str, Any], treatment: Mapping[str, Any]) -> Iterator[Finding]:
    """What says nothing where the state is absent, or default."""
    for name in (*values, *(key for key in treatment if key != "ticket")):
        yield Finding(name, f"{name} has no meaning where state is {state}", "leave it out")
    if state == "absent" and not kind.storage.removable:
        yield Finding("state", "this kind cannot be absent: it is part of Windows", "name the values it should have, or put back "
                      "what Windows ships: `state: default`")


def _missing(task: RenderedTask, kind: Kind, treatment: Treatment) -> Iterator[Finding]:
    for p in kind.properties.values() if treatment.omitted != "keep" else ():
        if p.required and p.name not in task.properties:
            yield Finding(p.name, f"{p.name} is missing", p.doc)


def _host_names(resource: Resource, values: Mapping[str, Any]) -> tuple[str, ...]:
    """The properties that say what only a host can translate, or look up."""
    types = ((name, resource.kind.properties[name].type) for name in values)
    return tuple(name for name, type in types if type.resolved_by_host and type.host_names(getattr(resource, name)))


def _merge(first: Declaration, second: Declaration, problems: list[Diagnostic]) -> Declaration:
    """Two declarations of one resource: the same twice is fine, of settings each may say a part."""
    lives = ("expires", "expires_on_host") if isinstance(first, Present) or isinstance(second, Present) else ()
    if other := [name for name in lives if getattr(first.label, name) != getattr(second.label, name)]:
        problems.append(_conflict(first, second, other))
        return first
    if not isinstance(first, Present) or not isinstance(second, Present):
        if type(first) is not type(second):
            problems.append(_conflict(first, second, ["state"]))
        return first
    if first.treatment != second.treatment:
        problems.append(_conflict(first, second, [field.name for field in fields(Treatment) if getattr(
            first.treatment, field.name) != getattr(second.treatment, field.name)]))
        return first
    if second.resource.kind.whole:
        differ = [p for p, v in second.resource.values().items() if v != getattr(first.resource, p)]
    else:
        differ = [p for p in first.values if p in second.values and first.values[p] != second.values[p]]
    if differ:
        problems.append(_conflict(first, second, differ))
        return first
    values = {**first.values, **second.values}
    if values.keys() == first.values.keys():
        return first
    resource = second.resource.kind.create(first.resource.name, values)
    return replace(first, resource=resource, values=values, locations={**second.locations, **first.locations},
                   host_names=_host_names(resource, values))


def _conflict(first: Declaration, second: Declaration, properties: list[str]) -> Diagnostic:
    return Diagnostic(second.location(properties[0]), f"{second.id} is declared twice and differently: {', '.join(properties)}",
                      f"the other declaration is at {first.location(properties[0])}; keep one")
