"""What the guide says of one host after each of the runs of two projects, in as few words as it can be said: what the engine does
is compared with it.

docs/guide/what-ringfence-removes.md (whose an object is, when a task goes, the ledger by hand), removing-and-renaming.md,
break-glass.md (what the host ends by itself, what a rollback does with it), going-back.md. Nothing here is taken from the engine.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

Action = Literal["allow", "block"]


@dataclass(frozen=True)
class Rule:
    """One of the rules of a history: they are alike in all else."""

    port: int
    action: Action = "allow"
    enabled: bool = True

    def lets(self, port: int) -> bool:
        return self.enabled and self.action == "allow" and self.port == port

    def closes(self, port: int) -> bool:
        return self.enabled and self.action == "block" and self.port == port

    def passes_more_than(self, other: "Rule") -> bool:
        """Whether a connection to any port may pass with it that does not with the other one in its place."""
        return any((self.lets(port) and not other.lets(port)) or (other.closes(port) and not self.closes(port))
                   for port in (self.port, other.port))


@dataclass(frozen=True)
class Task:
    """What a playbook says of one rule. rule: None where it is to be absent · keep: only whether it is enabled is mentioned ·
    until: the second from which on it is absent; 0: never."""

    name: str
    rule: Rule | None
    adopt: bool = False
    keep: bool = False
    until: int = 0
    by_host: bool = False
    renamed_from: str = ""


@dataclass(frozen=True)
class Owned:
    """What a ledger says of a rule. first: of what is mentioned, whether it was enabled before; None: as it is."""

    how: Literal["created", "adopted", "mentioned"]
    first: bool | None = None
    until: int = 0
    by_host: bool = False


@dataclass
class Project:
    """What a host knows of a project. inputs: those of its last full run; empty: only others came; None: none did · undo: what
    each run that came changed, the last one last: what the rules were before, and what was said of them; None where it left
    nothing that could be taken back · is_cut: the last run that may have come was cut off ·
    machine: the one on which the ledger was written."""

    owned: dict[str, Owned] = field(default_factory=dict)
    inputs: str | None = None
    undo: list[dict[str, tuple[Rule | None, Owned | None]] | None] = field(default_factory=list)
    is_cut: bool = False
    machine: int = 0


@dataclass
class Host:
    """The host. ends: {name: the second at which the host removes that rule}; who makes another one of that name by hand loses it
    then · now: seconds since the history began · machine: which one it is; a clone is another."""

    rules: dict[str, Rule] = field(default_factory=dict)
    ends: dict[str, int] = field(default_factory=dict)
    projects: dict[str, Project] = field(default_factory=dict)
    now: int = 0
    machine: int = 0
    lets_in_by_default: bool = False

    def pass_time(self, seconds: int) -> None:
        """The host ends what is over."""
        self.now += seconds
        for name in [name for name, at in self.ends.items() if at <= self.now]:
            del self.ends[name]
            self.rules.pop(name, None)

    @property
    def ends_of_rules(self) -> dict[str, int]:
        """What it ends of what there is."""
        return {name: at for name, at in self.ends.items() if name in self.rules}

    def others(self, project: str) -> set[str]:
        """The names that other projects own."""
        return {name for other, held in self.projects.items() if other != project for name in held.owned}

    # -- an apply

    def as_of_now(self, tasks: Iterable[Task]) -> dict[str, Task]:
        """Tasks by name; those that are over say that their rules are absent."""
        return {task.name: replace(task, rule=None, by_host=False) if task.until and task.until <= self.now else task
                for task in tasks}

    def refuses(self, project: str, tasks: Iterable[Task]) -> str:
        """Why a run is refused; nothing where it is not."""
        wanted, own = self.as_of_now(tasks), self.projects[project].owned
        for name, task in wanted.items():
            former = self._former(task, wanted)
            if {name, former} & self.others(project):
                return f"{name} is of another project"
            found, known_as = self.rules.get(former or name), former or name
            mine = known_as in own and own[known_as].how != "mentioned"
            if task.rule is None or found is None or task.keep or mine:
                continue
            if not task.adopt and task.rule.passes_more_than(found):
                return f"{name} is somebody else's, and would let more pass"
        return ""

    def _former(self, task: Task, wanted: Mapping[str, Task]) -> str:
        """The name under which the rule of a task is found yet, where that is not its own."""
        old = task.renamed_from
        return old if task.rule and old in self.rules and task.name not in self.rules and old not in wanted else ""

    def settles(self, project: str, inputs: str) -> bool:
        """Whether a full run only settles with which inputs the next one may remove something."""
        return self.projects[project].inputs not in (None, inputs)

    def apply(self, project: str, tasks: Iterable[Task], prune: str, full: bool, inputs: str, accepts: bool) -> None:
        """A run that is not refused. accepts: the ledger of another machine, where this is a clone of it."""
        held, wanted = self.projects[project], self.as_of_now(tasks)
        before, owned_before = dict(self.rules), dict(held.owned)
        withheld = self.settles(project, inputs) or (held.inputs is not None and held.machine != self.machine and not accepts)
        for name, task in wanted.items():
            if former := self._former(task, wanted):
                self.rules[name] = self.rules.pop(former)
                self.ends.pop(former, None)
                if former in held.owned:
                    held.owned[name] = held.owned.pop(former)
        for task in wanted.values():
            self._declared(held, task)
        if full and prune != "never":
            self._prune(project, wanted, prune if not withheld else "report")
            for name in [] if withheld else held.owned.keys() - self.rules.keys() - wanted.keys():
                del held.owned[name]
        self._tasks_follow(wanted, any(owned.by_host for owned in owned_before.values()))
        self._came(held, before, owned_before, inputs if full else "", accepts and full)

    def _declared(self, held: Project, task: Task) -> None:
        if task.rule is None:
            self.rules.pop(task.name, None)
            held.owned.pop(task.name, None)
            return
        known, found = held.owned.get(task.name), self.rules.get(task.name)
        mine = known is not None and known.how != "mentioned"
        if not task.keep:
            how = "created" if not found else known.how if known and mine else "adopted"
            self.rules[task.name] = task.rule
            held.owned[task.name] = Owned(how, None, task.until, task.by_host)
        elif found:
            self.rules[task.name] = replace(found, enabled=task.rule.enabled)
            if known and mine:
                held.owned[task.name] = Owned(known.how)
            elif found.enabled != task.rule.enabled:
                first = known.first if known and known.first is not None else found.enabled
                held.owned[task.name] = Owned("mentioned", first)

    def _prune(self, project: str, wanted: Mapping[str, Task], prune: str) -> None:
        held = self.projects[project]
        gone = {name: owned for name, owned in held.owned.items() if name in self.rules and name not in wanted
                and name not in self.others(project)}
        if prune == "report":
            return
        created = {name for name, owned in gone.items() if owned.how == "created"}
        left = [rule for name, rule in self.rules.items() if name not in created]
        for name, owned in gone.items():
            rule = self.rules[name]
            if owned.how == "mentioned" and owned.first not in (None, rule.enabled):
                if prune != "restore":
                    continue
                self.rules[name] = replace(rule, enabled=owned.first)
            comes = self.lets_in_by_default or any(other.lets(rule.port) for other in left)
            closes = rule.closes(rule.port) and comes and not any(other.closes(rule.port) for other in left)
            if name in created and prune != "all" and closes:
                self.ends.pop(name, None)  # it is kept, and so the host does not end it either
                continue
            del held.owned[name]
            self.ends.pop(name, None)
            if name in created:
                del self.rules[name]

    def _tasks_follow(self, wanted: Mapping[str, Task], had_some: bool) -> None:
        """The host ends by itself what is declared so. Where a project has, or had, a word for that, what ends nothing goes."""
        for name, task in wanted.items():
            self.ends.pop(name, None)
            if task.by_host and name in self.rules:
                self.ends[name] = task.until
        if had_some or any(task.by_host for task in wanted.values()):
            self.ends = self.ends_of_rules

    def _came(self, held: Project, before: Mapping[str, Rule], owned_before: Mapping[str, Owned], inputs: str = "",
              accepts: bool = False) -> None:
        """A run has come to its end. inputs: of a full one."""
        changed = {name for name in before.keys() | self.rules.keys() if before.get(name) != self.rules.get(name)}
        is_clone = held.inputs is not None and held.machine != self.machine
        something = bool(held.owned or owned_before or changed)
        settles = something and ((inputs and inputs != held.inputs) or (is_clone and accepts))
        if not changed and held.owned == owned_before and not settles:
            return
        held.is_cut = False
        held.undo.append({name: (before.get(name), owned_before.get(name)) for name in changed} or None)
        held.machine = held.machine if is_clone and not accepts else self.machine
        held.inputs = inputs or held.inputs or ""

    # -- what somebody does by hand

    def retire(self, project: str) -> None:
        """The project lets go of the host: what it made goes, all else stays."""
        held = self.projects[project]
        if held.inputs is None:
            return  # it has no ledger there
        before, owned = dict(self.rules), held.owned
        for name in owned:
            self.ends.pop(name, None)
            if owned[name].how == "created" and name not in self.others(project):
                self.rules.pop(name, None)
        held.owned = {}
        self._came(held, before, owned, "retired")
        held.inputs = None

    def release(self, project: str, name: str) -> None:
        held = self.projects[project]
        if held.owned.pop(name, None):
            self.ends.pop(name, None)
            held.undo.append(None)

    def move(self, project: str, other: str) -> None:
        """What another project owns becomes this one's, as it was the other's."""
        held, theirs = self.projects[project], self.projects[other]
        if theirs.owned:
            held.owned.update(theirs.owned)
            theirs.owned = {}
            held.machine = self.machine if held.inputs is None else held.machine
            held.inputs = held.inputs or ""
            held.undo.append(None)
            theirs.undo.append(None)

    def rollback(self, project: str) -> bool:
        """The host as it was before the last run of a project; False where that is refused."""
        held = self.projects[project]
        if not held.undo or (then := held.undo[-1]) is None:
            return False
        before, owned_before = dict(self.rules), dict(held.owned)
        for name in then.keys() - self.others(project):
            rule, owned = then[name]
            now, known = self.rules.get(name), held.owned.get(name)
            if rule and now and known and known.how == "mentioned":
                rule = replace(now, enabled=rule.enabled)  # the rest of it is none of the project's
            same = rule == now
            held.owned.pop(name, None)
            if rule is None:
                self.rules.pop(name, None)
                self.ends.pop(name, None)
            elif not same or owned:
                self.rules[name] = rule
                if owned is None or self.ends.get(name) != owned.until:
                    self.ends.pop(name, None)  # it comes back without a task, whatever was said of its end
                if owned:
                    held.owned[name] = owned
        self._came(held, before, owned_before)
        return True
