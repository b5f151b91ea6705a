"""What a command's settings are: the command line first, then the environment, then ringfence.yml, then variables of Ansible."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ringfence.deprecations import Deprecation, deprecated
from ringfence.diagnostics import NOWHERE, Diagnostic, Problems, closest
from ringfence.run_settings import SETTINGS, VARIABLE_PREFIX, RunSetting
from ringfence.views.format import escaped

if TYPE_CHECKING:  # commands that read no project import this too
    from ringfence.project.settings import ProjectSettings

COMMAND_LINE = "the command line"
OLD = "deprecated_"  # begins the name of a parameter for a flag that was given up
_VAULTS = ("vault_password_file", "vault_id")
_SAME_PURPOSE = dict.fromkeys(_VAULTS, _VAULTS)  # any of these in ringfence.yml has its say
_WITH_COMMAS = ("inventory", "vault_id")  # lists of which variables of Ansible have commas between the members
_SECRET = ("extra_vars",)  # may hold one: where it was said is logged, and not what


@dataclass(frozen=True, slots=True)
class ResolvedSetting:
    """A value, and where it was said; nothing where nobody said anything."""

    value: Any
    source: str = ""


class ResolvedSettings:
    """The settings of one call of a command.

    rows: those that the command has · given: what stands on the command line, by name · of_run: whether the command is about a
    project's hosts, so that everything in the environment is looked at. Mistakes are kept in `problems`, so that they can be told
    as the valid settings want it.
    """

    def __init__(self, rows: Iterable[RunSetting], given: Mapping[str, Any], of_run: bool,
                 environment: Mapping[str, str] = os.environ) -> None:
        self.problems = Problems()
        self._found: dict[str, ResolvedSetting] = {}
        self._project: ProjectSettings | None = None
        self._environment = environment
        self._unknown: list[str] = []  # variables that are no settings, and not like one either
        self._rows = {row.name: row for row in rows}
        for row in self._rows.values():
            self._from_user(row, given)
        if of_run:
            self._check_environment()

    def add_project(self, project: "ProjectSettings") -> None:
        """What ringfence.yml says of settings that nobody set, and then what Ansible's variables say."""
        self._project = project
        for name, said in project.run.items():
            if name in self._rows and name not in self._found:
                value = list(said.value) if isinstance(said.value, tuple) else said.value
                self._found[name] = ResolvedSetting(value, str(said.where))
        if self.value("ignore_ansible_cfg", False):
            return
        for name, row in self._rows.items():
            told = self._environment.get(row.ansible, "")
            if told and name not in self._found and not any(getattr(project, n, None) for n in _SAME_PURPOSE.get(name, (name,))):
                many = [one.strip() for one in told.split(",")] if name in _WITH_COMMAS else [told]
                self._parse(row, many if row.repeatable else told, row.ansible)

    def value(self, name: str, default: Any) -> Any:
        """What a setting is; where nobody said anything, the default."""
        return self._found[name].value if name in self._found else default

    def of_command(self, name: str) -> Any:
        """What a setting is, or its default; None where the command has no such setting."""
        return self.value(name, self._rows[name].default) if name in self._rows else None

    def of_either(self, name: str) -> Any:
        """What a setting is, else what ringfence.yml says of it, whose paths are read elsewhere."""
        return self.of_command(name) or getattr(self._project, name, None)

    def source(self, name: str) -> str:
        """Where a setting was said."""
        return self._found[name].source if name in self._found else ""

    def given(self, *names: str) -> bool:
        """Whether the command line says one of these itself."""
        return any(self.source(name) == COMMAND_LINE for name in names)

    def by_user(self, name: str) -> bool:
        """Whether the user says it: the command line or the environment, and not the project."""
        return self.source(name) in (COMMAND_LINE, *self._environment)

    @property
    def heeded(self) -> frozenset[str]:
        """The variables of Ansible that counted."""
        sources = {found.source for found in self._found.values()}
        return frozenset(row.ansible for row in SETTINGS.values() if row.ansible in sources)

    @property
    def lines(self) -> list[str]:
        """What is not as it is by default, and where it was said, for the log."""
        told = [f"{name} is no setting" for name in self._unknown]
        for name, found in self._found.items():
            value = " is set" if name in _SECRET else f": {found.value}"
            told.append(escaped(f"{name}{value} ({found.source})"))
        return told

    def check(self) -> tuple[Diagnostic, ...]:
        """The warnings. Raises InputError with every mistake."""
        self.problems.check()
        return self.problems.warnings

    def _from_user(self, row: RunSetting, given: Mapping[str, Any]) -> None:
        olds = [old for old in deprecated("setting") if old.new == row.name]
        told = given.get(row.name)
        if _is_given(told):
            self._parse(row, told, row.flag)
        for old in olds:
            flag = f"--{old.old.replace('_', '-')}"
            value = given.get(OLD + old.old)
            if _is_given(value) and self._tell(old, flag, row.flag) and not _is_given(told):
                self._parse(row, value, flag)
        if row.name in self._found or row.set_by in ("call", "trust"):  # documents.trust_file reads those of the user
            return
        for old in olds:
            name = f"{VARIABLE_PREFIX}{old.old.upper()}"
            if (text := self._environment.get(name, "")) and self._tell(old, name, row.variable):
                self._parse(row, _entries(row, text), name)
        if text := self._environment.get(row.variable, ""):
            self._parse(row, _entries(row, text), row.variable)

    def _tell(self, old: Deprecation, name: str, new: str) -> bool:
        """Say that a name was given up; whether it still counts."""
        self.problems.extend([old.diagnostic(name, new, NOWHERE)])
        return not old.has_ended()

    def _parse(self, row: RunSetting, told: Any, source: str) -> None:
        """Keep what was said; what it must not be is a mistake that names where it was said."""
        try:
            # a list in the environment may have empty members; a flag that is given nothing, as an unset variable is, is wrong
            entries = told if source.startswith("-") or not row.repeatable else filter(None, told)
            value = [_value(row, entry) for entry in entries] if row.repeatable else _value(row, told)
        except ValueError as error:
            self.problems.error(NOWHERE, f"{source}: {error}")
            return
        self._found[row.name] = ResolvedSetting(value, COMMAND_LINE if source.startswith("-") else source)

    def _check_environment(self) -> None:
        """What must not stand in the environment, and what has almost the name of something."""
        known = {row.variable: row for row in SETTINGS.values()}
        olds = {f"{VARIABLE_PREFIX}{old.old.upper()}" for old in deprecated("setting")}
        names = [name.removeprefix(VARIABLE_PREFIX) for name, row in known.items() if row.from_environment]
        for variable in sorted(self._environment):
            if not variable.startswith(VARIABLE_PREFIX) or not self._environment[variable] or variable in olds:
                continue
            row = known.get(variable)
            if row is not None and not row.from_environment:
                self.problems.error(NOWHERE, f"{variable} cannot be set: {row.why}", f"Give {row.flag} on the command line.")
            elif row is None and (meant := closest(variable.removeprefix(VARIABLE_PREFIX), names)):
                self.problems.warn(NOWHERE, f"{variable} is no setting", f"Did you mean {VARIABLE_PREFIX}{meant}? "
                                   "docs/reference/settings.md lists those that exist.")
            elif row is None:  # playbooks may look it up
                self._unknown.append(variable)


def _is_given(value: Any) -> bool:
    """Whether a flag was given, as click has it: no text, no list, and not counted is none."""
    return value is False or value not in (None, [], 0)


def _entries(row: RunSetting, text: str) -> Any:
    """What a variable says; several paths stand in it as in PATH, unless they are names of hosts."""
    if not row.repeatable:
        return text
    return text.split(os.pathsep) if row.form in ("path", "label@path", "label=path") and "," not in text else [text]


def _value(row: RunSetting, told: Any) -> Any:
    """One value. Raises ValueError."""
    if row.counts and isinstance(told, int):
        return min(told, 2)  # -vvv is as good as -vv
    return row.type.parse(told)
