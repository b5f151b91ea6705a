"""Plays rendered for one host: tasks with plain values, and what could not be rendered.

Work is per distinct value. A task without templates is one `Task` object for all hosts. A task with templates is
rendered once for all hosts on which everything that its templates can see is the same, and gives the same objects.
"""

import os
from collections.abc import Container, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from jinja2.utils import missing

from ringfence.diagnostics import MAX_PROBLEMS, NOWHERE, Diagnostic, Where, describe
from ringfence.documents.yaml import Map
from ringfence.model.state import NO_TASK, TaskLabel
from ringfence.project.plays import Assertion, Condition, Loop, Role, TaskSource, searched
from ringfence.project.tags import HOSTS_OF_RUN, TAGS_OF_RUN
from ringfence.secret import Secret
from ringfence.templates.budget import PART, ROUND, OverBudget, RenderError, UndefinedFacts, charge, spent
from ringfence.templates.compile import OPAQUE, Template, condition, names_in, template
from ringfence.templates.lazy import FACTS
from ringfence.templates.scope import Scope
from ringfence.templates.values import OMIT

MEMO = 64  # renderings of one task that are kept
_NAMES_OF_HOST = frozenset({"inventory_hostname", "inventory_hostname_short"})
_OWN = FACTS | _NAMES_OF_HOST  # differ on every host: no use to remember


@dataclass(frozen=True, eq=False, slots=True)
class LoopItem:
    """Which round of a loop a task is: the item's value, its index from 0, the label to show."""

    value: Any
    index: int
    label: str


@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True)
class RenderedTask:
    """One resource that a host shall have. Identity is meaningful: equal input gives the same object.

    `properties` are plain: str, int, float, bool, None, list, dict, Secret. `places` has the place of each property;
    `raw` the properties as written, so that a literal can be told from a template. `treatment` are the keys beside `when` that
    say how the resource is treated.
    """

    kind: str
    name: str
    properties: Mapping[str, Any]
    raw: Mapping[str, Any]
    where: Where
    locations: Mapping[str, Where]
    tags: frozenset[str] = frozenset()
    item: LoopItem | None = None
    treatment: Mapping[str, Any] = field(default_factory=dict)
    label: TaskLabel = NO_TASK


@dataclass(frozen=True, eq=False, slots=True)
class RenderedTasks:
    """What plays mean for a host. `needs_facts` are places that need facts which were not given: without facts the tasks there
    are missing from `tasks` and are no mistakes. `partial` are tasks of which some values could not be rendered (or wait): they
    hold the others. `undecided` are whole; nobody knows yet whether they are wanted. `unseen`: of whole plays. `decided_by`: of
    HOSTS_OF_RUN and TAGS_OF_RUN what tasks may use, and where. `environment`: see Scope."""

    tasks: tuple[RenderedTask, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    needs_facts: tuple[Where, ...] = ()
    partial: tuple[RenderedTask, ...] = ()
    undecided: tuple[RenderedTask, ...] = ()
    unseen: tuple[Where, ...] = ()
    decided_by: Mapping[str, Where] = field(default_factory=dict)
    environment: Mapping[str, str | None] = field(default_factory=dict)


_OF_RUN = HOSTS_OF_RUN | TAGS_OF_RUN
_Verdict = Literal["holds", "fails", "wrong", "waits"]  # of conditions; `waits`: facts decide


@dataclass(slots=True)
class _Outcome:
    """What one task gave on one host."""

    tasks: list[RenderedTask] = field(default_factory=list)
    errors: list[Diagnostic] = field(default_factory=list)  # and warnings
    needs_facts: list[Where] = field(default_factory=list)
    partial: list[RenderedTask] = field(default_factory=list)
    undecided: list[RenderedTask] = field(default_factory=list)
    cost: int = 0  # units of the budget
    decided_by: frozenset[str] = frozenset()  # names of _OF_RUN
    alive: Any = None  # keeps objects alive whose id() is in the memo's key, so that ids are not reused

    def fail(self, error: RenderError, used_at: Where) -> None:
        """Note a failure: at the text that is to blame, with the place that uses it where that is another. Raises OverBudget:
        what comes after could not be rendered either."""
        if isinstance(error, OverBudget):
            error.where = used_at if error.where == NOWHERE else error.where
            raise error
        if isinstance(error, UndefinedFacts):
            self.needs_facts.append(used_at)
            return
        where = used_at if error.where == NOWHERE else error.where
        use = f"Used at {used_at}." if where != used_at else ""
        self.errors.append(Diagnostic(where, error.summary, " ".join(filter(None, (error.detail, use)))))


class TaskRenderer:
    """Renders one task of a playbook for any number of hosts. `hidden`: names of `-e`, which hide the task's vars."""

    def __init__(self, step: TaskSource, hidden: frozenset[str] = frozenset()) -> None:
        self.source = step
        own = step.variables
        self.variables = Map({k: v for k, v in own.items() if k not in hidden}, own.where, own.locations)
        self.fixed = None
        if step.assertion is None and names_in(step.properties) is None and not template(step.name) and step.loop is None and (
                names_in(step.treatment) is None):
            self.fixed = _task(step, step.properties, step.treatment, step.name, None)
        self.names = self._names()
        self._same = frozenset(_literal(step.properties)) if self.fixed is None else frozenset()
        self.always = self.fixed is not None and not step.conditions
        self._memo: dict[Hashable, _Outcome] = {}

    @property
    def literal(self) -> RenderedTask:
        """The task with those of its values that are the same on all hosts."""
        step = self.source
        return self.fixed or _task(step, _literal(step.properties), _literal(step.treatment), step.name, None)

    def _names(self) -> frozenset[str]:
        """All names that anything in the task may use."""
        step = self.source
        asserted = step.assertion.conditions if step.assertion else ()
        parts = [_condition(c).names for c in (*step.conditions, *asserted)]
        parts += [found.names for found in [template(step.assertion.message)] if found] if step.assertion else []
        if self.fixed is None:
            parts += [n for v in (step.properties, step.treatment, step.name) if (n := names_in(v)) is not None]
        if step.loop is not None:
            parts += [n for v in (step.loop.items, step.loop.label) if (n := names_in(v)) is not None]
        return frozenset[str]().union(*parts)

    def render(self, scope: Scope) -> _Outcome:
        """The task for the host that `scope` is of. Raises OverBudget."""
        role = self.source.role
        scope = scope.child(self.variables, role.magic, role.seen.defaults) if role else scope.child(self.variables)
        seen = scope.visible_from(self.names)
        own = _NAMES_OF_HOST if scope.facts is None else _OWN  # facts that nobody knows are the same everywhere
        if seen is None:  # a lookup: which file it reads depends on where the task stands
            named = _OF_RUN.intersection(scope.visible_from(self.names - OPAQUE) or ())
            return self._render(scope.looking_in(searched(role, Path(os.path.abspath(self.source.where.file)).parent)), named)
        if not own.isdisjoint(seen):
            return self._render(scope, _OF_RUN.intersection(seen))
        key = frozenset((name, _identity(value)) for name, value in seen.items())
        found = self._memo.get(key)
        if found is None:
            if len(self._memo) >= MEMO:
                self._memo.clear()
            before = spent()
            found = self._memo[key] = self._render(scope, _OF_RUN.intersection(seen))
            found.alive, found.cost = seen, spent() - before
        else:  # whether a host stays within its budget does not depend on those before it
            charge(found.cost)
        return found

    def _render(self, scope: Scope, decided_by: frozenset[str]) -> _Outcome:
        outcome = self._rounds(scope)
        outcome.decided_by = decided_by if self.source.assertion is None else frozenset()
        outcome.errors += (replace(d, where=self.source.where) for d in scope.warnings)
        scope.warnings.clear()
        return outcome

    def _rounds(self, scope: Scope) -> _Outcome:
        outcome, step = _Outcome(), self.source
        if step.loop is None:
            self._round(scope, None, outcome)
            return outcome
        loop = step.loop
        try:
            items = _loop_items(loop, scope)
        except OverBudget as error:
            outcome.fail(error, loop.where)
        except RenderError as error:  # a condition that is false without the loop makes its list irrelevant
            if self._holds(scope, _Outcome()) != "fails":
                outcome.fail(error, loop.where)
                outcome.partial += [self.literal] if isinstance(error, UndefinedFacts) and not step.assertion else []
            return outcome
        for index, item in enumerate(items):
            charge(ROUND)
            values = {loop.variable: item, "ansible_loop_var": loop.variable,
                      **({loop.index: index, "ansible_index_var": loop.index} if loop.index else {}),
                      **({"ansible_loop": _of_loop(items, index, loop.all_items)} if loop.extended else {})}
            self._round(scope.child(Map(), values), LoopItem(item, index, ""), outcome)
        return outcome

    def _round(self, scope: Scope, item: LoopItem | None, outcome: _Outcome) -> None:
        step = self.source
        verdict = self._holds(scope, outcome)
        if verdict in ("fails", "wrong"):
            return
        if step.assertion is not None:
            self._assert(step.assertion, scope, outcome if verdict == "holds" else _Outcome())
            return
        wanted, mistakes = (outcome.tasks, outcome) if verdict == "holds" else (outcome.undecided, _Outcome())
        if self.fixed is not None:
            wanted.append(self.fixed)
            return
        properties, good = _rendered(scope, step.properties, mistakes, self._same)
        treatment, also_good = _rendered(scope, step.treatment, mistakes)
        if item is not None:
            item = LoopItem(item.value, item.index, _text(scope, step.loop.label) if step.loop and step.loop.label
                        else _short(item.value))
        rendered_tasks = wanted if good and also_good else outcome.partial
        rendered_tasks.append(_task(step, properties, treatment, _text(scope, step.name), item))

    def _assert(self, assertion: Assertion, scope: Scope, outcome: _Outcome) -> None:
        """Note what is not so on a host."""
        for one in assertion.conditions:
            try:
                if not scope.test(one.text, one.where):
                    outcome.errors.append(Diagnostic(one.where, f"assert: it is not so: {one.text[:200]}",
                                                     _text(scope, assertion.message)))
            except RenderError as error:
                outcome.fail(error, one.where)

    def _holds(self, scope: Scope, outcome: _Outcome) -> _Verdict:
        """What the conditions of the task come to, all together."""
        waits: list[Where] = []
        for when in self.source.conditions:
            try:
                if not scope.test(when.text, when.where):
                    return "fails"
            except UndefinedFacts:
                if scope.is_surely_false(when.text, when.where):
                    return "fails"
                waits.append(when.where)
            except RenderError as error:
                if waits and not isinstance(error, OverBudget):  # with facts one before may fail: then this is not asked
                    continue
                outcome.fail(error, when.where)
                return "wrong"
        outcome.needs_facts += waits[:1]
        return "waits" if waits else "holds"


def _rendered(scope: Scope, written: Map, outcome: _Outcome,
              same: Container[str] = frozenset()) -> tuple[dict[str, Any], bool]:
    """The values of a mapping without those that are omitted, and whether all could be rendered. `same` are keys with nothing
    to render."""
    found, good = {}, True
    for key, value in written.items():
        if key in same:
            found[key] = value
            continue
        where = written.at(key)
        try:
            rendered = scope.render(value, where)
        except RenderError as error:
            outcome.fail(error, where)
            good = False
        else:
            if rendered is not OMIT:
                found[key] = rendered
    return found, good


def _literal(written: Map) -> dict[str, Any]:
    return {key: value for key, value in written.items() if names_in(value) is None}


def _task(step: TaskSource, properties: Mapping[str, Any], treatment: Mapping[str, Any], name: str,
          item: LoopItem | None) -> RenderedTask:
    locations = {**step.treatment.locations, **step.properties.locations} if step.treatment else step.properties.locations
    return RenderedTask(step.kind, name, properties, step.properties, step.where, locations, step.tags, item, treatment,
                        step.label)


def _condition(when: Condition) -> Template:
    return template(when.text) or condition(when.text)


def _identity(value: Any) -> Hashable:
    """Values by their type and value, containers by who they are."""
    if isinstance(value, str | int | float) or value is None or value is missing:
        return type(value), value
    return id(value)


def _loop_items(loop: Loop, scope: Scope) -> Sequence[Any]:
    """The items of a loop, rendered. Raises RenderError."""
    items = _members(scope.render(loop.items, loop.where))
    if loop.flat:
        flat: list[Any] = []
        for item in items if isinstance(items, list) else [items]:
            flat += inner if isinstance(inner := _members(item), list) else [item]
        return flat
    if not isinstance(items, list):
        raise RenderError(f"loop takes a list, and this is {describe(items)}",
                          "For a mapping, write `| dict2items`.", loop.where)
    return items


def _of_loop(items: Sequence[Any], index: int, all_items: bool) -> dict[str, Any]:
    """`ansible_loop` of a round."""
    charge(PART * len(items))
    size = len(items)
    return {"index": index + 1, "index0": index, "first": index == 0, "last": index == size - 1, "length": size,
            "revindex": size - index, "revindex0": size - index - 1, **({"allitems": list(items)} if all_items else {}),
            **({"previtem": items[index - 1]} if index else {}), **({"nextitem": items[index + 1]} if index < size - 1 else {})}


def _members(value: Any) -> Any:
    """A secret list as a list of secrets: how many there are shows in what is declared."""
    if isinstance(value, Secret) and isinstance(inner := value.reveal(), list):
        return [value.member(index) for index in range(len(inner))]
    return value


def _text(scope: Scope, text: str) -> str:
    """A name or label; where it cannot be rendered, as written: it is only shown."""
    try:
        return _short(scope.render(text))
    except RenderError:
        return text


def _short(value: Any) -> str:
    return (value if isinstance(value, str) else repr(value))[:200]


def render(steps: Iterable[TaskRenderer], scope: Scope, host: str, every: bool = False) -> RenderedTasks:
    """The tasks of one play for one host. Each mistake is told once. every: roles come as often as they stand there, as other
    tags might choose another of their uses."""
    tasks: list[RenderedTask] = []
    errors: dict[Diagnostic, None] = {}
    needs_facts: dict[Where, None] = {}
    partial: list[RenderedTask] = []
    undecided: list[RenderedTask] = []
    decided_by: dict[str, Where] = {}
    ran: dict[int, Role] = {}  # roles of which something is wanted, by how they are used: as with Ansible they do not come again
    for step in steps:
        role = step.source.role
        if role and not role.again and not every and ran.get(role.use, role) is not role:
            continue
        if step.always and step.fixed is not None:
            tasks.append(step.fixed)
            if role:
                ran.setdefault(role.use, role)
            continue
        try:
            outcome = step.render(scope)
        except OverBudget as error:
            where = step.source.where if error.where == NOWHERE else error.where
            errors[Diagnostic(where, error.summary, error.detail)] = None
            break
        tasks += outcome.tasks
        decided_by.update(dict.fromkeys(outcome.decided_by - decided_by.keys(), step.source.where))
        if role and outcome.tasks:
            ran.setdefault(role.use, role)
        errors.update(dict.fromkeys(outcome.errors))
        if len(errors) > MAX_PROBLEMS:  # more than is told
            break
        needs_facts.update(dict.fromkeys(outcome.needs_facts))
        partial += outcome.partial
        undecided += outcome.undecided
    found = sorted(errors, key=lambda d: (d.where, d.summary, d.detail))
    told = tuple(replace(d, host=host) for d in found)
    return RenderedTasks(tuple(tasks), told, tuple(needs_facts), tuple(partial), tuple(undecided),
                         decided_by=decided_by, environment=scope.environment)


