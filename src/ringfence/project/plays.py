"""Plays and tasks as they are written: the values that reading a playbook gives."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ringfence.diagnostics import Where
from ringfence.documents.yaml import Map
from ringfence.model.state import NO_TASK, TaskLabel


@dataclass(frozen=True, eq=False, slots=True)
class Loop:
    """What a task is repeated over: a list, or a template that gives one. flat: `with_items`, which flattens · extended: rounds
    see `ansible_loop`, and in it all items (all_items)."""

    items: Any
    where: Where
    variable: str = "item"
    index: str = ""
    label: str = ""
    flat: bool = False
    extended: bool = False
    all_items: bool = True


@dataclass(frozen=True, slots=True)
class Condition:
    """One `when`: an expression, or a text with braces, and its place."""

    text: str
    where: Where


@dataclass(frozen=True, eq=False, slots=True)
class RoleVariables:
    """Variables of roles: those below everything, and those of their vars."""

    defaults: Map = field(default_factory=Map)
    variables: Map = field(default_factory=Map)

    @property
    def number(self) -> int:
        """How many there are."""
        return len(self.defaults) + len(self.variables)

    def laid_over(self, *lower: "RoleVariables") -> "RoleVariables":
        """These, and where they say nothing the first of the others that does."""
        found = self
        for one in lower:
            found = RoleVariables(found.defaults.merged_over(one.defaults), found.variables.merged_over(one.variables))
        return found


@dataclass(frozen=True, eq=False, slots=True)
class Role:
    """A role where it is used. use: the same number where a play uses it in the same way · again: whether it may come again in
    that way · own: its variables and what it is given, over those of the roles around it · seen: what its tasks see, with what
    the roles say that it depends on · around: the role whose task imports it, or that depends on it · importer: the nearest of
    these that imports."""

    name: str
    folder: str
    use: int
    again: bool
    own: RoleVariables
    seen: RoleVariables = field(default_factory=RoleVariables)
    around: "Role | None" = None
    importer: "Role | None" = None

    @property
    def way(self) -> tuple["Role", ...]:
        """The roles around it and itself, from the outermost."""
        return (*(self.around.way if self.around else ()), self)

    @property
    def importers(self) -> tuple["Role", ...]:
        """The roles that import it, from the outermost."""
        return (*self.importer.importers, self.importer) if self.importer else ()

    @property
    def magic(self) -> dict[str, Any]:
        """What its tasks see of it."""
        names = {"role_name": self.name, "ansible_role_name": self.name, "role_path": self.folder}
        if not self.importer:
            return names
        return {**names, "ansible_parent_role_names": [role.name for role in self.importers][::-1],
                "ansible_parent_role_paths": [role.folder for role in self.importers][::-1]}


def searched(role: Role | None, folder: Path) -> tuple[Path, ...]:
    """Where a task of a file in a folder looks for others, before the folder of the playbook: its role, those around it from
    within, its own folder (ansible-core, Base.get_search_path)."""
    return tuple(dict.fromkeys((*(Path(one.folder) for one in (role.way[::-1] if role else ())), folder)))


@dataclass(frozen=True, eq=False, slots=True)
class Assertion:
    """What has to be so on each host, and what is said where it is not."""

    conditions: tuple[Condition, ...]
    message: str


@dataclass(frozen=True, eq=False, slots=True)
class TaskSource:
    """One task as written, with what it inherits from blocks, imports, roles and the play. With an assertion it declares
    nothing."""

    kind: str
    properties: Map
    name: str
    where: Where
    conditions: tuple[Condition, ...] = ()
    loop: Loop | None = None
    tags: frozenset[str] = frozenset()
    variables: Map = field(default_factory=Map)
    treatment: Map = field(default_factory=Map)
    label: TaskLabel = NO_TASK
    role: Role | None = None
    assertion: Assertion | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Play:
    """One play as written. `hosts` are patterns, perhaps templates, at `hosts_at`; `folder` is that of its file; `of_run` what it
    says by RUN_KEYS; `roles` are the names of those that it uses, `dependencies` of those that these depend on."""

    name: str
    hosts: tuple[str, ...]
    hosts_at: Where
    variables: Map
    vars_files: tuple[tuple[Any, Where], ...]
    tasks: tuple[TaskSource, ...]
    where: Where
    folder: Path
    of_run: Map = field(default_factory=Map)
    roles: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()
