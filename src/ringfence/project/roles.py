"""Roles that declare a state: their tasks, defaults and variables, found where Ansible finds them beside a playbook."""

import os
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ringfence.diagnostics import Where, allowed, describe
from ringfence.documents import encrypted
from ringfence.documents.variable_files import ENDINGS, VariableFiles, mapping
from ringfence.documents.yaml import Map, Seq
from ringfence.files import is_file_or_broken_link
from ringfence.project.plays import RoleVariables
from ringfence.templates.compile import check, template

FILES_OF_ROLE = ("tasks_from", "vars_from", "defaults_from")
ROLE_KEYS = ("name", *FILES_OF_ROLE, "allow_duplicates")
_FLAGS = ("public", "rolespec_validate")  # what they say is so here, changes nothing, or is refused
_TEXTS = ("name", *FILES_OF_ROLE)
_MAIN = "main"
_CODE = ("library", "module_utils", "action_plugins", "filter_plugins", "test_plugins", "lookup_plugins", "vars_plugins")


@dataclass(frozen=True, eq=False, slots=True)
class RoleFiles:
    """A role as it lies in its folder. tasks: their file, where there is one · dependencies: the entries of the roles that come
    before it · duplicates: whether it may come more than once · asked: what of it was asked for · sealed: of an encrypted file of
    these the digest of its ciphertext."""

    name: str
    folder: str
    variables: RoleVariables
    tasks: Path | None
    dependencies: Seq
    duplicates: bool
    asked: tuple[str, ...]
    sealed: Mapping[str, str]


class RoleReader:
    """Finds roles and reads their variables. Mistakes go to the problems of `files`."""

    def __init__(self, files: VariableFiles) -> None:
        self.files, self.problems = files, files.problems
        self._known: dict[Hashable, RoleFiles] = {}  # those without a mistake, which would have to be told wherever they are used

    def role(self, said: Map, beside: Path, imported: bool = False) -> RoleFiles | None:
        """The role that import_role names, or an entry of roles or dependencies. `beside`: the folder of the playbook."""
        if not self._checked(said):
            return None
        asked = (beside, imported, *(said.get(key) for key in ROLE_KEYS))
        if asked not in self._known:
            before, found = self.problems.all, self._read(said, beside, imported)
            if found is None or self.problems.all != before:
                return found
            self._known[asked] = found
        return self._known[asked]

    def _read(self, said: Map, beside: Path, imported: bool) -> RoleFiles | None:
        name, where = said["name"], said.at("name")
        folders = [beside / "roles" / name, beside / os.path.expanduser(name)]
        folder = next((f for f in folders if f.is_dir() and not self.files.trust.unreadable(f)), None)
        if folder is None:
            self.problems.error(where, f"there is no role {name}", f"Looked for: {', '.join(map(str, folders))}.")
            return None
        self._refuse_code(folder, where)
        meta, sealed = self._meta(folder, where)
        specified = "argument_specs" in meta or any(map(Path.is_file, _with_endings(folder / "meta" / "argument_specs")))
        if specified and said.get("rolespec_validate") is not False:
            self.problems.warn(where, f"the arguments of the role {name} are not checked by its argument_specs",
                               "Use `assert` in it, or say `rolespec_validate: false` in import_role.")
        dependencies = Seq() if meta.get("dependencies") is None else meta["dependencies"]
        if not isinstance(dependencies, Seq):
            self.problems.error(meta.at("dependencies"), f"dependencies are a list of roles, not {describe(dependencies)}")
            dependencies = Seq()
        duplicates = self._flag(said, True) if imported else self._flag(meta, False)
        defaults = self.files.of_base(folder / "defaults" / said.get("defaults_from", _MAIN))
        variables = self.files.of_base(folder / "vars" / said.get("vars_from", _MAIN))
        for found in (defaults, variables):
            check(found, found.where, self.problems)
        tasks = next(filter(is_file_or_broken_link, _with_endings(folder / "tasks" / said.get("tasks_from", _MAIN))), None)
        for key in FILES_OF_ROLE:
            there = tasks if key == "tasks_from" else defaults if key == "defaults_from" else variables
            if key in said and not there:
                self.problems.error(said.at(key), f"the role {name} has no such file {said[key]}", f"Looked in {folder}.")
        return RoleFiles(name, os.path.abspath(folder), RoleVariables(defaults, variables), tasks, dependencies,
                         duplicates, tuple(said.get(key, "") for key in FILES_OF_ROLE), sealed)

    def _meta(self, folder: Path, where: Where) -> tuple[Map, dict[str, str]]:
        """What it says of itself."""
        path = next(filter(is_file_or_broken_link, _with_endings(folder / "meta" / _MAIN)), None)
        if path is None or self.files.trust.unreadable(path):
            return Map(), {}
        self.files.trust.has_read(path)
        value, sealed = encrypted.load(path, self.problems, self.files.vault, self.files.trust, where)
        return mapping(value, Where(os.fspath(path)), self.problems), {os.fspath(path): sealed} if sealed else {}

    def _flag(self, said: Map, default: bool) -> bool:
        value = said.get("allow_duplicates", default)
        if not isinstance(value, bool):
            self.problems.error(said.at("allow_duplicates"), f"allow_duplicates is true or false, not {describe(value)}")
        return value is True

    def _checked(self, said: Map) -> bool:
        for key in said:
            if key in _FLAGS and not isinstance(said[key], bool):
                self.problems.error(said.at(key), f"{key} is true or false, not {describe(said[key])}")
            elif key == "public" and said[key]:
                self.problems.error(said.at(key), "public of import_role is not supported: a role's variables are for itself",
                                    "Put what other tasks use into vars of the play or group_vars, or let them include_vars it.")
            elif key not in ROLE_KEYS and key not in _FLAGS:
                detail = "Handlers are steps." if key == "handlers_from" else allowed(key, ROLE_KEYS)
                self.problems.error(said.at(key), f'unknown key "{key}" of import_role', detail)
            elif key in _TEXTS and (not isinstance(said[key], str) or not said[key] or "\0" in said[key]):
                found = "an empty one" if said[key] == "" else describe(said[key])
                self.problems.error(said.at(key), f"the {key} of a role is a text, not {found}")
                return False
            elif key in _TEXTS and template(said[key]):
                self.problems.error(said.at(key), f"the {key} of a role takes no template",
                                    "It is read before any host is known.")
                return False
        if "name" not in said:
            self.problems.error(said.where, "a role needs its name")
        return "name" in said

    def _refuse_code(self, folder: Path, where: Where) -> None:
        """What a role has beside a state: plugins."""
        for name in _CODE:
            if (folder / name).is_dir():
                self.problems.error(where, f"the role {folder.name} has {name}, and no code of a project runs",
                                    "Take what it works out as variables: -e @FILE.")


def _with_endings(base: Path) -> Iterator[Path]:
    """A file of tasks as Ansible looks for it: with one of the endings, or by its whole name."""
    yield from (base.with_name(base.name + ending) for ending in (*ENDINGS[1:], ""))
