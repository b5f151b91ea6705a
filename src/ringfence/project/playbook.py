"""Playbooks read and checked: plays, tasks, blocks, imports. Nothing is rendered here.

Every mistake of every file is told at once. What a play says of later versions (`serial`, `confirm` …) and what only
Ansible knows (`become`, `register` …) is refused by name, never ignored.
"""

import contextlib
import os
from collections.abc import Collection, Hashable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ringfence.diagnostics import NOWHERE, Where, describe
from ringfence.documents import encrypted
from ringfence.documents.current_names import current_names
from ringfence.documents.variable_files import VariableFiles
from ringfence.documents.yaml import Map, Seq
from ringfence.model.state import TaskLabel
from ringfence.project import playbook_keys as keys
from ringfence.project.keys_reader import Inherited, KeysReader, part_of
from ringfence.project.plays import Assertion, Play, Role, RoleVariables, TaskSource, searched
from ringfence.project.roles import RoleFiles, RoleReader
from ringfence.run_settings import SETTINGS
from ringfence.templates.budget import OverBudget, templates_of
from ringfence.templates.compile import check, template
from ringfence.templates.lookup_files import candidates
from ringfence.types.enums import parse_bool

MAX_TASKS = 100_000  # tasks, plays and imports of a project, each as often as it is imported
_IMPORT = 3  # tasks that an import counts for, beside itself
MAX_IMPORTS = 50  # imports inside of each other


class PlaybookReader(KeysReader):
    """Reads playbooks for a set of kinds. Mistakes go to the problems of `files`; the caller raises them."""

    def __init__(self, kinds: Collection[str], files: VariableFiles) -> None:
        super().__init__(kinds, files)
        self.trust, self._roles = files.trust, RoleReader(files)
        self._files: dict[Path, Any] = {}
        self._included = Map()  # by include_vars, of the play under way
        self._uses: dict[Hashable, int] = {}  # of roles in that play, with what was said of them
        self._roles_of_play: list[str] = []
        self._dependencies: dict[str, None] = {}
        self._count = 0

    def read(self, paths: Sequence[str | Path]) -> tuple[Play, ...]:
        """The plays of several playbooks, in order."""
        return tuple(play for path in paths for play in self._playbook(Path(path), NOWHERE, Inherited()))

    # -- files

    def _tree(self, path: Path, where: Where, inherited: Inherited) -> tuple[Any, Inherited] | None:
        """A file's tree and what is inherited inside of it; None where it must not or cannot be read."""
        if reason := self.trust.unreadable(path):
            self.problems.error(Where(os.fspath(path)) if where == NOWHERE else where, reason)
            return None
        real = Path(os.path.realpath(path))
        chain = (*inherited.chain, (real, where))
        if any(real == earlier for earlier, _ in inherited.chain):
            places = " → ".join(str(w) for _, w in chain if w != NOWHERE)
            self.problems.error(where, f"{path} imports itself", f"The way: {places}.")
            return None
        if len(chain) > MAX_IMPORTS:
            self.problems.error(where, f"more than {MAX_IMPORTS} imports inside of each other")
            return None
        self._count += _IMPORT
        if real not in self._files:
            self.trust.has_read(path)
            self._files[real], sealed = encrypted.load(
                path, self.problems, self.files.vault, self.trust, where, excerpts=True)
            self.sealed |= {os.fspath(path): sealed} if sealed else {}
        tree = self._files[real]
        return None if tree is None else (tree, replace(inherited, chain=chain))

    def _path(self, value: Any, where: Where, inside: Path, key: str) -> Path | None:
        if isinstance(value, Map) and list(value) == ["file"]:
            value = value["file"]
        if not isinstance(value, str) or not value or "\0" in value:
            self.problems.error(where, f"{key} takes the path of a file, not {describe(value)}")
        elif template(value):
            self.problems.error(where, f"{key} takes a plain path", "It is read before any host is known.")
        else:
            return Path(os.path.normpath(inside / Path(os.path.expanduser(value))))
        return None

    # -- plays

    def _playbook(self, path: Path, where: Where, inherited: Inherited) -> list[Play]:
        found = self._tree(path, where, inherited)
        if found is None:
            return []
        tree, inherited = found
        if not isinstance(tree, Seq):
            self.problems.error(Where(os.fspath(path), 1), f"a playbook is a list of plays, not {describe(tree)}",
                                "Begin each play with `- hosts:`.")
            return []
        plays: list[Play] = []
        for index, play in enumerate(tree):
            with self._counted(tree.at(index), path):
                plays += self._play(play, tree.at(index), path, inherited)
        return plays

    def _play(self, play: Any, where: Where, path: Path, inherited: Inherited) -> list[Play]:
        if not isinstance(play, Map):
            self.problems.error(where, f"a play is a mapping, not {describe(play)}")
            return []
        play = current_names("play", _short_names(play), self.problems)
        own = self.inherit(play, replace(inherited, variables=Map()))
        own = replace(own, variables=inherited.variables.merged_over(own.variables))  # the importing file has the last word
        if "import_playbook" in play:
            self.keys(play, keys.PLAYBOOK_IMPORT_KEYS, "an imported playbook")
            file = self._path(play["import_playbook"], play.at("import_playbook"), path.parent, "import_playbook")
            return self._playbook(file, play.at("import_playbook"), own) if file else []
        self.keys(play, keys.PLAY_KEYS, "a play", keys.PLAY_KEYS_LATER, keys.PLAY_KEYS_OF_ANSIBLE)
        try:
            parse_bool(play.get("gather_facts", True))
        except ValueError:
            self.problems.error(play.at("gather_facts"), "gather_facts is true or false")
        name = self.name(play)
        self._included, own = Map(), replace(own, playbook_folder=path.parent)
        self._uses, self._roles_of_play, self._dependencies = {}, [], {}
        inside = replace(own, variables=Map(), play=name)
        entries = Seq() if play.get("roles") is None else play["roles"]
        if not isinstance(entries, Seq):
            self.problems.error(play.at("roles"), f"roles are a list, not {describe(entries)}")
            entries = Seq()
        steps = self._listed_roles(entries, inside)[0]
        steps += self._tasks(play.get("tasks"), play.at("tasks"), path, inside)
        return [Play(name, self._hosts(play, where), play.at("hosts"), own.variables, self._vars_files(play),
                     tuple(steps), where, path.parent, self._of_run(play), tuple(self._roles_of_play), tuple(self._dependencies))]

    def _of_run(self, play: Map) -> Map:
        found = part_of(play, keys.RUN_KEYS)
        for key, value in [*found.items()]:
            row = SETTINGS[key]
            entries = value if row.repeatable and isinstance(value, Seq) else [value]
            parsed = []
            for number, entry in enumerate(entries):
                try:
                    parsed.append(row.type.parse(entry))
                except ValueError as error:
                    where = entries.at(number) if isinstance(entries, Seq) else found.at(key)
                    self.problems.error(where, f"{key}: {error}")
            found[key] = parsed if row.repeatable else parsed[0] if parsed else None
        return found

    def _hosts(self, play: Map, where: Where) -> tuple[str, ...]:
        value = play.get("hosts")
        found = value if isinstance(value, Seq) else [value]
        if not found or not all(isinstance(v, str) and v.strip() for v in found):
            summary = "hosts is a host pattern or a list of them" if "hosts" in play else "a play needs hosts"
            self.problems.error(play.at("hosts") if "hosts" in play else where, summary,
                                "For example `hosts: web:!staging`, or `hosts: all`.")
            return ()
        return tuple(found)

    def _vars_files(self, play: Map) -> tuple[tuple[Any, Where], ...]:
        """Each entry a path, or a list of paths of which the first that exists counts."""
        value = play.get("vars_files")
        entries = value if isinstance(value, Seq) else Seq([] if value is None else [value], play.at("vars_files"))
        found = []
        for index, entry in enumerate(entries):
            where = entries.at(index)
            if not all(isinstance(p, str) and p for p in (entry if isinstance(entry, Seq) and entry else [entry])):
                self.problems.error(where, f"vars_files lists paths of files, not {describe(entry)}")
                continue
            check(entry, where, self.problems)
            found.append((entry, where))
        return tuple(found)

    # -- tasks

    def _tasks(self, tasks: Any, where: Where, path: Path, inherited: Inherited) -> list[TaskSource]:
        if tasks is None:
            return []
        if not isinstance(tasks, Seq):
            self.problems.error(where, f"tasks are a list, not {describe(tasks)}")
            return []
        steps: list[TaskSource] = []
        for index, task in enumerate(tasks):
            if not isinstance(task, Map):
                self.problems.error(tasks.at(index), f"a task is a mapping, not {describe(task)}")
            else:
                with self._counted(tasks.at(index), path):
                    current = current_names("task", _short_names(task), self.problems)
                    steps += self._task(current, tasks.at(index), path, inherited)
        return steps

    @contextlib.contextmanager
    def _counted(self, where: Where, path: Path) -> Iterator[None]:
        """One more play, import or task; what it says is compiled at the cost of its file. Raises InputError, with all that
        is wrong so far, where it is too much."""
        self._count += 1
        try:
            if self._count > MAX_TASKS:
                raise OverBudget(f"more than {MAX_TASKS:,} tasks, plays and imports",
                                 "They are counted as often as they are imported. Loop over a list instead.")
            with templates_of(os.fspath(path)):
                yield
        except OverBudget as error:
            self.problems.error(where if error.where == NOWHERE else error.where, error.summary, error.detail)
            self.problems.check()

    def _task(self, task: Map, where: Where, path: Path, inherited: Inherited) -> list[TaskSource]:
        if "block" in task:
            self.keys(task, keys.BLOCK_KEYS, "a block", ansible=keys.TASK_KEYS_OF_ANSIBLE)
            return self._tasks(task["block"], task.at("block"), path, self.inherit(task, inherited))
        if "import_tasks" in task:
            self.keys(task, keys.TASK_IMPORT_KEYS, "an import", ansible=keys.TASK_KEYS_OF_ANSIBLE)
            return self._imported(task, path, self.inherit(task, inherited))
        if "import_role" in task:
            self.keys(task, keys.ROLE_IMPORT_KEYS, "an import", ansible=keys.TASK_KEYS_OF_ANSIBLE)
            return self._imported_role(task, self.inherit(task, inherited))
        if "include_vars" in task:
            self.keys(task, keys.VARS_KEYS, "include_vars", ansible=keys.TASK_KEYS_OF_ANSIBLE)
            self._include(task, path, self.inherit(task, inherited))
            return []
        if "assert" in task:
            self.keys(task, keys.ASSERT_KEYS, "a task", ansible=keys.TASK_KEYS_OF_ANSIBLE)
            return self._assertion(task, where, inherited)
        kinds = [key for key in task if key in self.kinds]
        self.keys(task, (*keys.TASK_KEYS, *kinds), "a task", ansible=keys.TASK_KEYS_OF_ANSIBLE, others=self.kinds)
        if len(kinds) != 1:
            if kinds or not task.keys() - set(keys.TASK_KEYS):
                read = f"a task declares one resource, and this one {'declares ' + ' and '.join(kinds) if kinds else 'none'}"
                self.problems.error(where, read, f"Kinds: {', '.join(sorted(self.kinds))}.")
            return []
        return self._step(task, kinds[0], where, inherited)

    def _step(self, task: Map, kind: str, where: Where, inherited: Inherited) -> list[TaskSource]:
        properties, own = task[kind], self.inherit(task, inherited)
        loop = self.loop(task)
        if not isinstance(properties, Map):
            way_out = f"Write `{kind}: {{property: value, …}}`; `ringfence doc {kind}` has the properties."
            self.problems.error(task.at(kind), f"{kind} takes a mapping of properties, not {describe(properties)}",
                                "Are they indented deeper than it is?" if properties is None else way_out)
            return []
        check(properties, properties.where, self.problems)
        treatment = part_of(task, keys.TREATMENT_KEYS)
        check(treatment, where, self.problems)
        name = self.name(task)
        return [TaskSource(kind, properties, name, where, own.conditions, loop, own.tags, self._seen(own), treatment,
                           TaskLabel(own.play, name, tuple(sorted(own.tags))), own.role)]

    def _seen(self, own: Inherited) -> Map:
        """The variables of a task: include_vars comes over all of them, and those of its role below."""
        found = own.variables
        if own.role:
            self.copied(len(own.role.seen.variables) if found else 0)
            found = found.merged_over(own.role.seen.variables)
        return self._included.merged_over(found)

    def _assertion(self, task: Map, where: Where, inherited: Inherited) -> list[TaskSource]:
        said, own = task["assert"], self.inherit(task, inherited)
        loop, name = self.loop(task), self.name(task)
        if not isinstance(said, Map) or "that" not in said:
            self.problems.error(task.at("assert"), "assert takes a mapping with `that`: an expression, or a list of them")
            return []
        self.keys(said, keys.ASSERTION_KEYS, "assert")
        message = said.get("fail_msg", said.get("msg", ""))
        message = "\n".join(map(str, message)) if isinstance(message, Seq) else str(message)
        check(message, said.where, self.problems)
        assertion = Assertion(self.conditions(Map({"when": said["that"]}, said.where, {"when": said.at("that")})), message)
        return [TaskSource("assert", Map(), name, where, own.conditions, loop, own.tags, self._seen(own),
                           label=TaskLabel(own.play, name, tuple(sorted(own.tags))), role=own.role, assertion=assertion)]

    # -- roles, and files of variables

    def _listed_roles(self, entries: Seq, inherited: Inherited, depends: bool = False) -> tuple[list[TaskSource], RoleVariables]:
        """The tasks of roles in a list, and what these say to a role that depends on them. depends: it is a list of such."""
        steps, told = list[TaskSource](), RoleVariables()
        for index, entry in enumerate(entries):
            where = entries.at(index)
            said = entry if isinstance(entry, Map) else Map({"role": entry}, where, {"role": where})
            self.keys(said, keys.ROLE_ENTRY_KEYS, "a role", ansible=keys.TASK_KEYS_OF_ANSIBLE)
            name = next((key for key in ("role", "name") if key in said), "role")
            named = Map({"name": said[name]}, where, {"name": said.at(name)}) if name in said else Map(where=where)
            own = self.inherit(said, replace(inherited, variables=Map()))
            files = self._roles.role(named, inherited.playbook_folder)
            way = inherited.role.way if inherited.role else ()
            if files and depends and any(role.folder == files.folder for role in way):
                names = " → ".join([*(role.name for role in way), files.name])
                self.problems.error(where, f"roles depend on each other: {names}", "Remove one of these dependencies.")
            elif files:
                with self._counted(where, Path(where.file)):
                    use = (files.folder, *(said.get(key) for key in ("vars", "when", "tags")))
                    new, more = self._role(files, use, own.variables, where, replace(own, variables=inherited.variables), depends)
                steps += new
                if depends:
                    self.copied(told.number)
                    told = more.laid_over(told)
        return steps, told

    def _imported_role(self, task: Map, inherited: Inherited) -> list[TaskSource]:
        said, where = task["import_role"], task.at("import_role")
        said = said if isinstance(said, Map) else Map({"name": said}, where, {"name": where})
        files = self._roles.role(said, inherited.playbook_folder, imported=True)
        return self._role(files, (files.folder, *files.asked), Map(), where, inherited)[0] if files else []

    def _role(self, files: RoleFiles, use: tuple[Any, ...], given: Map, where: Where, inherited: Inherited,
              depends: bool = False) -> tuple[list[TaskSource], RoleVariables]:
        """The tasks of a role, behind those of the roles that it depends on, and what it says to one that depends on it. use:
        what is the same where it is used in the same way · given: its variables in a list of roles."""
        self.sealed |= files.sealed
        around, own = inherited.role, RoleVariables(variables=given).laid_over(files.variables)
        outer = around.own if around else RoleVariables()
        self.copied((own.number if given or around else 0) + outer.number)
        number = self._uses.setdefault(_frozen(use), len(self._uses))
        role = Role(files.name, files.folder, number, files.duplicates, own.laid_over(outer), around=around,
                    importer=around.importer if around and depends else around)
        self._dependencies |= {files.name: None} if depends else {}
        self._roles_of_play += [] if depends else [files.name]
        steps, told = self._listed_roles(files.dependencies, replace(inherited, role=role), depends=True)
        if files.tasks and (tree := self._tree(files.tasks, where, inherited)):
            seen = RoleVariables(own.laid_over(outer, told).defaults, own.laid_over(told, outer).variables)
            inside = replace(tree[1], role=replace(role, seen=seen))
            steps += self._tasks(tree[0], Where(os.fspath(files.tasks), 1), files.tasks, inside)
        return steps, files.variables.laid_over(told)

    def _include(self, task: Map, path: Path, inherited: Inherited) -> None:
        """Variables of a file for all tasks of the play that come after."""
        said, where = task["include_vars"], task.at("include_vars")
        said = said if isinstance(said, Map) else Map({"file": said}, where, {"file": where})
        if wrong := next((key for key in said if key not in ("file", "name")), None):
            self.problems.error(said.at(wrong), f"{wrong} of include_vars is not supported", "Name one file.")
        elif inherited.conditions:
            self.problems.error(where, "include_vars stands under no condition here", "Which variables there are is known before "
                                "any host is. Put the condition into the values, or use host_vars and group_vars.")
        elif file := self._path(said.get("file"), where, Path(), "include_vars"):
            folders = (*searched(inherited.role, path.parent), inherited.playbook_folder)
            looked_for = candidates(folders, "vars", os.fspath(file), in_role=False)
            there = next((one for one in looked_for if one.is_file()), None)
            if there is None:
                self.problems.error(where, f"there is no file {file}", f"Looked for: {', '.join(map(str, looked_for))}.")
                return
            variables = self.files.load(there, where)
            check(variables, variables.where, self.problems)
            name = said.get("name")
            self._included = (Map({name: variables}, where) if isinstance(name, str) else variables).merged_over(self._included)

    def _imported(self, task: Map, path: Path, inherited: Inherited) -> list[TaskSource]:
        where = task.at("import_tasks")
        file = self._path(task["import_tasks"], where, path.parent, "import_tasks")
        beside = inherited.playbook_folder / os.path.relpath(file, path.parent) if file else None
        file = beside if file and beside and not file.exists() and beside.exists() else file
        found = self._tree(file, where, inherited) if file else None
        if not file or not found:
            return []
        return self._tasks(found[0], Where(os.fspath(file), 1), file, found[1])


def _frozen(value: Any) -> Hashable:
    """A value that equals others with the same members."""
    if isinstance(value, dict):
        return frozenset((key, _frozen(one)) for key, one in value.items())
    return tuple(map(_frozen, value)) if isinstance(value, list | tuple) else value


def _short_names(node: Map) -> Map:
    """`ansible.builtin.import_tasks` is `import_tasks`."""
    prefix = "ansible.builtin."
    if not any(isinstance(k, str) and k.startswith(prefix) for k in node):
        return node
    short = {k: k.removeprefix(prefix) if isinstance(k, str) else k for k in node}
    return Map({short[k]: v for k, v in node.items()}, node.where, {short[k]: w for k, w in node.locations.items()})
