"""Plays rendered for one host: tasks with plain values, and what could not be rendered.

Work is per distinct value. A task without templates is one `Task` object for all hosts. A task with templates is
rendered once for all hosts on which everything that its templates can see is the same, and gives the same objects.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jinja2.utils import missing

from ringfence.errors import NOWHERE, Diagnostic, Where
from ringfence.project import templates
from ringfence.project.bounds import RenderError, UndefinedFacts
from ringfence.project.lazy import FACTS
from ringfence.project.playbook import Condition, Loop, Step
from ringfence.project.problems import article
from ringfence.project.sandbox import OMIT
from ringfence.project.templates import Scope, names_in
from ringfence.project.yaml import Map

MEMO = 64  # renderings of one task that are kept
_OWN = FACTS | {"inventory_hostname", "inventory_hostname_short"}  # differ on every host: no use to remember


@dataclass(frozen=True, eq=False, slots=True)
class Item:
    """Which round of a loop a task is: the item's value, its index from 0, the label to show."""

    value: Any
    index: int
    label: str


@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True)
class Task:
    """One resource that a host shall have. Identity is meaningful: equal input gives the same object.

    `properties` are plain: str, int, float, bool, None, list, dict, Secret. `places` has the place of each property;
    `raw` the properties as written, so that a literal can be told from a template.
    """

    kind: str
    name: str
    properties: Mapping[str, Any]
    raw: Mapping[str, Any]
    where: Where
    places: Mapping[str, Where]
    tags: frozenset[str] = frozenset()
    item: Item | None = None


@dataclass(frozen=True, eq=False, slots=True)
class RenderedTasks:
    """What plays mean for a host. `waiting` are places that need facts which were not given: without facts the tasks
    there are missing from `tasks` and are no mistakes. `partial` are tasks of which some values could not be rendered
    (or wait): they hold the others, so that these can be checked at the same time."""

    tasks: tuple[Task, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    waiting: tuple[Where, ...] = ()
    partial: tuple[Task, ...] = ()


@dataclass(frozen=True, slots=True)
class Tags:
    """`--tags` and `--skip-tags`, with Ansible's words always, never, tagged, untagged, all."""

    only: frozenset[str] = frozenset({"all"})
    skip: frozenset[str] = frozenset()

    @classmethod
    def of(cls, only: Iterable[str] = (), skip: Iterable[str] = ()) -> "Tags":
        """From the arguments of the command line, each perhaps several tags with commas."""
        chosen, skipped = ({t.strip() for a in given for t in a.split(",") if t.strip()} for given in (only, skip))
        return cls(frozenset(chosen or {"all"}), frozenset(skipped))

    def take(self, tags: frozenset[str]) -> bool:
        """Whether a task with these tags belongs to the run."""
        own = tags or frozenset({"untagged"})
        wanted = ("always" in own or not own.isdisjoint(self.only)
                  or ("never" not in own and ("all" in self.only or ("tagged" in self.only and bool(tags)))))
        if "all" in self.skip:
            return wanted and "always" in own and "always" not in self.skip
        return wanted and own.isdisjoint(self.skip) and not ("tagged" in self.skip and tags)


@dataclass(slots=True)
class _Outcome:
    """What one task gave on one host."""

    tasks: list[Task] = field(default_factory=list)
    errors: list[tuple[Where, str, str]] = field(default_factory=list)
    waiting: list[Where] = field(default_factory=list)
    partial: list[Task] = field(default_factory=list)
    alive: Any = None  # keeps the objects whose identity is in the memo's key

    def fail(self, error: RenderError, used_at: Where) -> None:
        """Note a failure: at the text that is to blame, with the place that uses it where that is another."""
        if isinstance(error, UndefinedFacts):
            self.waiting.append(used_at)
            return
        where = used_at if error.where == NOWHERE else error.where
        use = f"Used at {used_at}." if where != used_at else ""
        self.errors.append((where, error.summary, " ".join(filter(None, (error.detail, use)))))


class StepRenderer:
    """Renders one task of a playbook for any number of hosts. `hidden`: names of `-e`, which hide the task's vars."""

    def __init__(self, step: Step, hidden: frozenset[str] = frozenset()) -> None:
        self.step = step
        own = step.variables
        self.variables = Map({k: v for k, v in own.items() if k not in hidden}, own.where, own.places)
        self.fixed = None
        if names_in(step.properties) is None and not templates.template(step.name) and step.loop is None:
            self.fixed = _task(step, step.properties, step.name, None)
        self.names = self._names()
        self.always = self.fixed is not None and not step.conditions
        self._memo: dict[Hashable, _Outcome] = {}

    def _names(self) -> frozenset[str]:
        """All names that anything in the task may use."""
        step = self.step
        parts = [_condition(c).names for c in step.conditions]
        if self.fixed is None:
            parts += [n for v in (step.properties, step.name) if (n := names_in(v)) is not None]
        if step.loop is not None:
            parts += [n for v in (step.loop.items, step.loop.label) if (n := names_in(v)) is not None]
        return frozenset[str]().union(*parts)

    def render(self, scope: Scope) -> _Outcome:
        """The task for the host that `scope` is of."""
        scope = scope.child(self.variables)
        seen = scope.reach(self.names)
        if seen is None or not _OWN.isdisjoint(seen):
            return self._render(scope)
        key = frozenset((name, _identity(value)) for name, value in seen.items())
        found = self._memo.get(key)
        if found is None:
            if len(self._memo) >= MEMO:
                self._memo.clear()
            found = self._memo[key] = self._render(scope)
            found.alive = seen
        return found

    def _render(self, scope: Scope) -> _Outcome:
        outcome, step = _Outcome(), self.step
        if step.loop is None:
            self._round(scope, None, outcome)
            return outcome
        loop = step.loop
        try:
            items = _loop_items(loop, scope)
        except RenderError as error:  # a condition that is false without the loop makes its list irrelevant
            if self._holds(scope, _Outcome()) is not False:
                outcome.fail(error, loop.where)
            return outcome
        for index, item in enumerate(items):
            values = {loop.variable: item, **({loop.index: index} if loop.index else {})}
            self._round(scope.child(Map(), values), Item(item, index, ""), outcome)
        return outcome

    def _round(self, scope: Scope, item: Item | None, outcome: _Outcome) -> None:
        step = self.step
        if not self._holds(scope, outcome):
            return
        if self.fixed is not None:
            outcome.tasks.append(self.fixed)
            return
        properties, good = {}, True
        for key, value in step.properties.items():
            where = step.properties.at(key)
            try:
                rendered = scope.render(value, where)
            except RenderError as error:
                outcome.fail(error, where)
                good = False
            else:
                if rendered is not OMIT:
                    properties[key] = rendered
        if item is not None:
            item = Item(item.value, item.index, _text(scope, step.loop.label) if step.loop and step.loop.label
                        else _short(item.value))
        rendered_tasks = outcome.tasks if good else outcome.partial
        rendered_tasks.append(_task(step, properties, _text(scope, step.name), item))

    def _holds(self, scope: Scope, outcome: _Outcome) -> bool | None:
        """Whether all conditions are true; None where one cannot be told."""
        for condition in self.step.conditions:
            try:
                if not scope.test(condition.text, condition.where):
                    return False
            except RenderError as error:
                outcome.fail(error, condition.where)
                return None
        return True


def _task(step: Step, properties: Mapping[str, Any], name: str, item: Item | None) -> Task:
    return Task(step.kind, name, properties, step.properties, step.where, step.properties.places, step.tags, item)


def _condition(condition: Condition) -> templates.Template:
    return templates.template(condition.text) or templates.condition(condition.text)


def _identity(value: Any) -> Hashable:
    """Values by their type and value, containers by who they are."""
    if isinstance(value, str | int | float) or value is None or value is missing:
        return type(value), value
    return id(value)


def _loop_items(loop: Loop, scope: Scope) -> Sequence[Any]:
    """The items of a loop, rendered. Raises RenderError."""
    items = scope.render(loop.items, loop.where)
    if loop.flat:
        flat: list[Any] = []
        for item in items if isinstance(items, list) else [items]:
            flat += item if isinstance(item, list) else [item]
        return flat
    if not isinstance(items, list):
        raise RenderError(f"loop takes a list, and this is {article(items)}",
                          "For a mapping, write `| dict2items`.", loop.where)
    return items


def _text(scope: Scope, text: str) -> str:
    """A name or label; where it cannot be rendered, as written: it is only shown."""
    try:
        return _short(scope.render(text))
    except RenderError:
        return text


def _short(value: Any) -> str:
    return (value if isinstance(value, str) else repr(value))[:200]


def render(steps: Iterable[StepRenderer], scope: Scope, host: str) -> RenderedTasks:
    """The tasks of one play for one host. Each mistake is told once."""
    tasks: list[Task] = []
    errors: dict[tuple[Where, str, str], None] = {}
    waiting: dict[Where, None] = {}
    partial: list[Task] = []
    for step in steps:
        if step.always and step.fixed is not None:
            tasks.append(step.fixed)
            continue
        outcome = step.render(scope)
        tasks += outcome.tasks
        errors.update(dict.fromkeys(outcome.errors))
        waiting.update(dict.fromkeys(outcome.waiting))
        partial += outcome.partial
    return RenderedTasks(tuple(tasks), tuple(Diagnostic(*e, host=host) for e in sorted(errors)), tuple(waiting),
                         tuple(partial))


