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
    see `ansible_loop`."""

    items: Any
    where: Where
    variable: str = "item"
    index: str = ""
    label: str = ""
    flat: bool = False
    extended: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """One `when`: an expression, or a text with braces, and its place."""

    text: str
    where: Where


@dataclass(frozen=True, eq=False, slots=True)
class Role:
    """A role: its name, folder, and what its defaults and vars say."""

    name: str
    folder: str
    defaults: Map
    variables: Map

    @property
    def magic(self) -> dict[str, str]:
        """What its tasks see of it."""
        return {"role_name": self.name, "ansible_role_name": self.name, "role_path": self.folder}


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
    says by RUN_KEYS."""

    name: str
    hosts: tuple[str, ...]
    hosts_at: Where
    variables: Map
    vars_files: tuple[tuple[Any, Where], ...]
    tasks: tuple[TaskSource, ...]
    where: Where
    folder: Path
    of_run: Map = field(default_factory=Map)
