"""What is declared for a host and waits for its facts, as far as it is known without them: the rules that it may come to, and the
settings that it may change.

What is not known of a rule is taken as wide as it can be: a condition that waits leaves everything in, and where it waits what
the rule does with that, it may do any of it. So whoever asks a policy beside these learns of every answer that there may be.
"""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ringfence.diagnostics import Where
from ringfence.model.filter import Direction, Filter
from ringfence.model.once import filter_of
from ringfence.model.resource import Kind, Resource
from ringfence.model.state import LOCAL, Id, id_for
from ringfence.policy.matcher import PolicyRule
from ringfence.policy.settings_in_force import FIREWALL_PROFILE, FIREWALL_SETTING
from ringfence.project.declare import DeclarationBuilder
from ringfence.project.render import RenderedTask, RenderedTasks
from ringfence.project.task_values import names_of, state_of, values_of
from ringfence.project.treatment import TaskMistakes

_SHOWN = 200  # characters of a name that waits
_SETTINGS = (FIREWALL_PROFILE, FIREWALL_SETTING)
_ANYTHING = (Filter("allow", direction="inbound"), Filter("secure"))  # one of each sort, of which everything waits


@dataclass(frozen=True)
class Awaited:
    """rules: which there may be, each with why it is not known · settings: {(kind, name, property): why} · doubts: why nothing
    can be said for certain · places: where the rules are declared."""

    rules: tuple[PolicyRule, ...] = ()
    settings: Mapping[tuple[str, str, str], str] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()
    places: Mapping[Id, Where] = field(default_factory=dict)


def awaited(rendered: RenderedTasks, builder: DeclarationBuilder, unknown: Container[str] = ()) -> Awaited:
    """What of a host's tasks waits. unknown: kinds whose code is not run, of whose objects nothing is known."""
    rules: list[PolicyRule] = []
    settings: dict[tuple[str, str, str], str] = {}
    places: dict[Id, Where] = {}
    doubts = [f"the tasks of a play that waits for facts of the host ({where})" for where in rendered.unseen]
    doubts += [f"what is declared at {task.where}: the code of {task.kind} is not run"
               for task in (*rendered.tasks, *rendered.partial, *rendered.undecided) if task.kind in unknown]
    certain, needed = _said(rendered, builder, unknown), frozenset(rendered.needs_facts)
    undecided = frozenset(rendered.undecided)
    for task in (t for t in (*rendered.partial, *rendered.undecided) if t.kind not in unknown):
        waits = [*dict.fromkeys(where for where in task.locations.values() if where in needed)] or [task.where]
        why = f"what waits for facts of the host ({', '.join(map(str, waits))})"
        one = _Waiting(task, builder.kinds[task.kind], whole=task in undecided)
        if one.kind.name in _SETTINGS:
            settings.update((at, why) for at in one.settings() if at not in certain)
        for id, filter in one.rules():
            rules.append(PolicyRule(id, filter, why))
            places.setdefault(id, task.where)
    return Awaited(tuple(rules), settings, tuple(dict.fromkeys(doubts)), places)


def _said(rendered: RenderedTasks, builder: DeclarationBuilder, unknown: Container[str]) -> set[tuple[str, str, str]]:
    """The settings whose values tasks say that wait for nothing: another task may not say another value."""
    tasks = (task for task in rendered.tasks if task.kind in _SETTINGS and task.kind not in unknown)
    return {(d.id.kind, d.id.name, name) for task in tasks for d in builder.declare(task).declarations
            for name in getattr(d, "values", ())}


class _Waiting:
    """A task of which something waits: values, or (`whole`) whether it is wanted at all."""

    def __init__(self, task: RenderedTask, kind: Kind, whole: bool) -> None:
        self.task, self.kind = task, kind
        mistakes = TaskMistakes(task, kind)  # what is wrong with it is told where the task is checked
        self.values: dict[str, Any] = values_of(mistakes)
        self.names_wait = kind.key in task.raw and kind.key not in task.properties
        self.names = () if self.names_wait else names_of(mistakes)
        self.state = state_of(mistakes)
        missing = task.raw.keys() - task.properties.keys() - {kind.key, "state"}
        self.waiting = frozenset[str]() if whole else missing  # what is missing of a whole one came to nothing (omit)

    def settings(self) -> Iterator[tuple[str, str, str]]:
        """The settings of which it may say something."""
        properties = self.kind.properties.keys() & self.task.raw.keys() if self.state == "present" else ()
        for name in self.names or self.kind.storage.fixed_names:
            yield from ((self.kind.name, name.lower(), p) for p in properties)

    def rules(self) -> Iterator[tuple[Id, Filter]]:
        """The rules that it may declare, as filters."""
        if self.kind.cls.as_filter is Resource.as_filter or self.state != "present":
            return
        for name in self.names or (str(self.task.raw.get(self.kind.key, "?"))[:_SHOWN],):
            filter = filter_of(self.kind.create(name, self.values))
            for base in _ANYTHING if filter is None else (filter,):
                waits = {"direction"} if filter is None else self._decisions(filter)
                yield from ((id_for(LOCAL, self.kind.name, name), one) for one in _variants(base, waits))

    def _decisions(self, filter: Filter) -> set[str]:
        """What waits of what the rule does, and is no condition of a filter, whose default is the widest."""
        table = self.kind.properties
        return {name for name in self.waiting if name in table and table[name].role != "text"
                and not (table[name].role == "condition" and hasattr(filter, name))}


def _variants(filter: Filter, waits: set[str]) -> Iterator[Filter]:
    """All that a rule may do with what it matches, where it waits what that is."""
    enabled = replace(filter, enabled=True) if "enabled" in waits else filter
    if waits <= {"enabled"}:
        yield enabled
    elif filter.effect in ("allow", "block"):
        ways: tuple[Direction, ...] = ("inbound", "outbound")
        for direction in ways if "direction" in waits else (filter.direction,):
            yield replace(enabled, effect="allow", direction=direction, edge_traversal_policy="allow", override_block_rules=True)
            yield replace(enabled, effect="block", direction=direction)
    else:
        yield replace(enabled, effect="exempt")
        for tunnel in (True, False):
            yield replace(enabled, effect="secure", tunnel=tunnel, requires_inbound=True, requires_outbound=True)
