"""Roles that declare a state: their tasks, defaults and variables, found where Ansible finds them beside a playbook."""

import os
from collections.abc import Iterator
from pathlib import Path

from ringfence.diagnostics import Where, allowed, describe
from ringfence.documents.variable_files import ENDINGS, VariableFiles
from ringfence.documents.yaml import Map
from ringfence.project.plays import Role
from ringfence.templates.compile import check, template

ROLE_KEYS = ("name", "tasks_from", "vars_from", "defaults_from")
_HARMLESS = ("public", "allow_duplicates", "rolespec_validate")  # what they say is so here, or changes nothing
_MAIN = "main"
_CODE = ("library", "module_utils", "action_plugins", "filter_plugins", "test_plugins", "lookup_plugins", "vars_plugins")


class RoleReader:
    """Finds roles and reads their variables. Mistakes go to the problems of `files`."""

    def __init__(self, files: VariableFiles) -> None:
        self.files, self.problems = files, files.problems

    def role(self, said: Map, beside: Path) -> tuple[Role, Path | None] | None:
        """The role that import_role names, and its file of tasks where there is one. `beside`: the folder of the playbook."""
        if not self._checked(said):
            return None
        name, where = said["name"], said.at("name")
        folders = [beside / "roles" / name, beside / os.path.expanduser(name)]
        folder = next((f for f in folders if f.is_dir() and not self.files.trust.unreadable(f)), None)
        if folder is None:
            self.problems.error(where, f"there is no role {name}", f"Looked for: {', '.join(map(str, folders))}.")
            return None
        self._refuse_code(folder, where)
        defaults = self.files.of_base(folder / "defaults" / said.get("defaults_from", _MAIN))
        variables = self.files.of_base(folder / "vars" / said.get("vars_from", _MAIN))
        for found in (defaults, variables):
            check(found, found.where, self.problems)
        tasks = next(filter(Path.is_file, _with_endings(folder / "tasks" / said.get("tasks_from", _MAIN))), None)
        for key in ("tasks_from", "vars_from", "defaults_from"):
            there = tasks if key == "tasks_from" else defaults if key == "defaults_from" else variables
            if key in said and not there:
                self.problems.error(said.at(key), f"the role {name} has no such file {said[key]}", f"Looked in {folder}.")
        return Role(folder.name, os.path.abspath(folder), defaults, variables), tasks

    def _checked(self, said: Map) -> bool:
        for key in said:
            if key not in ROLE_KEYS and key not in _HARMLESS:
                detail = "Handlers are steps." if key == "handlers_from" else allowed(key, ROLE_KEYS)
                self.problems.error(said.at(key), f'unknown key "{key}" of import_role', detail)
            elif key in ROLE_KEYS and (not isinstance(said[key], str) or not said[key] or "\0" in said[key]):
                self.problems.error(said.at(key), f"{key} of import_role is a text, not {describe(said[key])}")
                return False
            elif key in ROLE_KEYS and template(said[key]):
                self.problems.error(said.at(key), f"{key} of import_role takes no template",
                                    "It is read before any host is known.")
                return False
        if "name" not in said:
            self.problems.error(said.where, "import_role needs the name of a role")
        return "name" in said

    def _refuse_code(self, folder: Path, where: Where) -> None:
        """What a role has beside a state: plugins, and other roles that have to run before it."""
        for name in _CODE:
            if (folder / name).is_dir():
                self.problems.error(where, f"the role {folder.name} has {name}, and no code of a project runs",
                                    "Take what it works out as variables: -e @FILE.")
        meta = self.files.of_base(folder / "meta" / _MAIN)
        if meta.get("dependencies"):
            self.problems.error(meta.at("dependencies"), f"the role {folder.name} depends on others", "Import each of them.")


def _with_endings(base: Path) -> Iterator[Path]:
    """A file of tasks as Ansible looks for it: with one of the endings, or by its whole name."""
    yield from (base.with_name(base.name + ending) for ending in (*ENDINGS[1:], ""))
