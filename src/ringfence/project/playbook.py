"""Playbooks read and checked: plays, tasks, blocks, imports. Nothing is rendered here.

Every mistake of every file is told at once. What a play says of later versions (`serial`, `confirm` …) and what only
Ansible knows (`become`, `register` …) is refused by name, never ignored.
"""

import contextlib
import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ringfence.diagnostics import NOWHERE, Problems, Where, allowed, describe, suggest
from ringfence.documents import encrypted
from ringfence.documents.current_names import current_names
from ringfence.documents.trust import Trust
from ringfence.documents.variable_files import mapping, secret_variables
from ringfence.documents.vault import Vault
from ringfence.documents.yaml import Map, Seq
from ringfence.model.state import TaskLabel
from ringfence.project import playbook_keys as keys
from ringfence.project.plays import Condition, Loop, Play, TaskSource
from ringfence.run_settings import SETTINGS
from ringfence.templates.budget import OverBudget, templates_of
from ringfence.templates.compile import check, check_template, condition, template
from ringfence.types import foreign_words
from ringfence.types.enums import parse_bool

MAX_TASKS = 100_000  # tasks, plays and imports of a project, each as often as it is imported
_IMPORT = 3  # tasks that an import counts for, beside itself
MAX_INHERITED = 1_000_000  # conditions, tags and variables that tasks and blocks take from around them and add to
MAX_IMPORTS = 50  # imports inside of each other


@dataclass(frozen=True, slots=True)
class _Inherited:
    """What plays and tasks get from around them. `chain`: the files under way, each with the place that names it."""

    tags: frozenset[str] = frozenset()
    conditions: tuple[Condition, ...] = ()
    variables: Map = field(default_factory=Map)
    chain: tuple[tuple[Path, Where], ...] = ()
    play: str = ""


class PlaybookReader:
    """Reads playbooks for a set of kinds. Mistakes go to `problems`; the caller raises them."""

    def __init__(self, kinds: Collection[str], problems: Problems, trust: Trust = Trust(), vault: Vault | None = None) -> None:
        self.kinds, self.problems, self.trust, self.vault = kinds, problems, trust, vault or Vault()
        self._sealed: dict[str, str] = {}  # digests of the ciphertexts of encrypted files: variables in them are secrets
        self.refused_names: set[Any] = set()  # variables that refused keys would have made
        self._files: dict[Path, Any] = {}
        self._count = self._inherited = 0

    def read(self, paths: Sequence[str | Path]) -> tuple[Play, ...]:
        """The plays of several playbooks, in order."""
        return tuple(play for path in paths for play in self._playbook(Path(path), NOWHERE, _Inherited()))

    # -- files

    def _tree(self, path: Path, where: Where, inherited: _Inherited) -> tuple[Any, _Inherited] | None:
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
            self._files[real], sealed = encrypted.load(path, self.problems, self.vault, self.trust, where, excerpts=True)
            self._sealed |= {os.fspath(path): sealed} if sealed else {}
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

    def _playbook(self, path: Path, where: Where, inherited: _Inherited) -> list[Play]:
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

    def _play(self, play: Any, where: Where, path: Path, inherited: _Inherited) -> list[Play]:
        if not isinstance(play, Map):
            self.problems.error(where, f"a play is a mapping, not {describe(play)}")
            return []
        play = current_names("play", _short_names(play), self.problems)
        own = self._inherit(play, replace(inherited, variables=Map()))
        own = replace(own, variables=inherited.variables.merged_over(own.variables))  # the importing file has the last word
        if "import_playbook" in play:
            self._keys(play, keys.PLAYBOOK_IMPORT_KEYS, "an imported playbook")
            file = self._path(play["import_playbook"], play.at("import_playbook"), path.parent, "import_playbook")
            return self._playbook(file, play.at("import_playbook"), own) if file else []
        self._keys(play, keys.PLAY_KEYS, "a play", keys.PLAY_KEYS_LATER, keys.PLAY_KEYS_OF_ANSIBLE)
        try:
            parse_bool(play.get("gather_facts", True))
        except ValueError:
            self.problems.error(play.at("gather_facts"), "gather_facts is true or false")
        name = self._name(play)
        steps = self._tasks(play.get("tasks"), play.at("tasks"), path, replace(own, variables=Map(), play=name))
        return [Play(name, self._hosts(play, where), play.at("hosts"), own.variables, self._vars_files(play),
                     tuple(steps), where, path.parent, self._of_run(play))]

    def _of_run(self, play: Map) -> Map:
        found = _part(play, keys.RUN_KEYS)
        for key, value in [*found.items()]:
            try:
                found[key] = SETTINGS[key].type.parse(value)
            except ValueError as error:
                self.problems.error(found.at(key), f"{key}: {error}")
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

    def _tasks(self, tasks: Any, where: Where, path: Path, inherited: _Inherited) -> list[TaskSource]:
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

    def _task(self, task: Map, where: Where, path: Path, inherited: _Inherited) -> list[TaskSource]:
        if "block" in task:
            self._keys(task, keys.BLOCK_KEYS, "a block", ansible=keys.TASK_KEYS_OF_ANSIBLE)
            return self._tasks(task["block"], task.at("block"), path, self._inherit(task, inherited))
        if "import_tasks" in task:
            self._keys(task, keys.TASK_IMPORT_KEYS, "an import", ansible=keys.TASK_KEYS_OF_ANSIBLE)
            return self._imported(task, path, self._inherit(task, inherited))
        kinds = [key for key in task if key in self.kinds]
        self._keys(task, (*keys.TASK_KEYS, *kinds), "a task", ansible=keys.TASK_KEYS_OF_ANSIBLE, others=self.kinds)
        if len(kinds) != 1:
            if kinds or not task.keys() - set(keys.TASK_KEYS):
                read = f"a task declares one resource, and this one {'declares ' + ' and '.join(kinds) if kinds else 'none'}"
                self.problems.error(where, read, f"Kinds: {', '.join(sorted(self.kinds))}.")
            return []
        return self._step(task, kinds[0], where, inherited)

    def _step(self, task: Map, kind: str, where: Where, inherited: _Inherited) -> list[TaskSource]:
        properties, own = task[kind], self._inherit(task, inherited)
        loop = self._loop(task)
        if not isinstance(properties, Map):
            way_out = f"Write `{kind}: {{property: value, …}}`; `ringfence doc {kind}` has the properties."
            self.problems.error(task.at(kind), f"{kind} takes a mapping of properties, not {describe(properties)}",
                                "Are they indented deeper than it is?" if properties is None else way_out)
            return []
        check(properties, properties.where, self.problems)
        treatment = _part(task, keys.TREATMENT_KEYS)
        check(treatment, where, self.problems)
        name = self._name(task)
        return [TaskSource(kind, properties, name, where, own.conditions, loop, own.tags, own.variables, treatment,
                           TaskLabel(own.play, name, tuple(sorted(own.tags))))]

    def _imported(self, task: Map, path: Path, inherited: _Inherited) -> list[TaskSource]:
        where = task.at("import_tasks")
        file = self._path(task["import_tasks"], where, path.parent, "import_tasks")
        found = self._tree(file, where, inherited) if file else None
        if not file or not found:
            return []
        return self._tasks(found[0], Where(os.fspath(file), 1), file, found[1])

    def _loop(self, task: Map) -> Loop | None:
        loops = [k for k in ("loop", "with_items") if k in task]
        if not loops:
            if "loop_control" in task:
                self.problems.error(task.at("loop_control"), "loop_control without a loop")
            return None
        key = loops[0]
        if len(loops) > 1:
            self.problems.error(task.at("with_items"), "loop and with_items exclude each other")
        items = task[key]
        if not isinstance(items, Seq) and not (isinstance(items, str) and (key == "with_items"
                                                                           or template(items))):
            self.problems.error(task.at(key), f"{key} takes a list, or a template that gives one, not {describe(items)}")
            items = Seq()
        check(items, task.at(key), self.problems)
        return Loop(items, task.at(key), flat=key == "with_items", **self._loop_control(task))

    def _loop_control(self, task: Map) -> dict[str, str]:
        control = task.get("loop_control")
        if control is None:
            return {}
        if not isinstance(control, Map):
            self.problems.error(task.at("loop_control"), f"loop_control is a mapping, not {describe(control)}")
            return {}
        self._keys(control, keys.LOOP_CONTROL_KEYS, "loop_control")
        found = {}
        for key, name in (("loop_var", "variable"), ("index_var", "index"), ("label", "label")):
            value = control.get(key)
            if isinstance(value, str) and (key == "label" or value.isidentifier()):
                found[name] = value
                check(value, control.at(key), self.problems)
            elif key in control:
                self.problems.error(control.at(key), f"{key} is a {'text' if key == 'label' else 'name of a variable'}")
        return found

    # -- what plays, blocks, imports and tasks share

    def _keys(self, node: Map, known: Sequence[str], what: str, later: Collection[str] = (),
              ansible: Any = None, others: Collection[str] = ()) -> None:
        """Note every key that is not known here."""
        for key in node:
            if key in known:
                continue
            if key in later:
                self.problems.error(node.at(key), f'"{key}" of {what} is not supported yet')
            elif isinstance(key, str) and ansible and key in ansible and node[key] in keys.HARMLESS.get(key, ()):
                continue
            elif isinstance(key, str) and ansible and key in ansible:
                self.refused_names |= keys.names_made_by(key, node[key])
                self.problems.error(node.at(key), f'"{key}" is a key of Ansible that ringfence does not have',
                                    ansible[key])
            elif isinstance(key, str) and key.startswith("with_"):
                self.problems.error(node.at(key), f'"{key}" is not supported', "Use loop.")
                self.refused_names.add("item")
            elif key in keys.MISPLACED.get(what, ()) or (what == "a play" and key in self.kinds):
                self.problems.error(node.at(key), f'unknown key "{key}" in {what}', keys.MISPLACED[what].get(key) or (
                    "A task is an item of a list: below `tasks:`, and with `- ` before it."))
            elif isinstance(key, str) and others and (advice := foreign_words.module(key)):
                self.problems.error(node.at(key), f'"{key}" is a module of Ansible, and no kind of ringfence', advice)
                self.refused_names |= keys.names_made_by(key, node[key])
            elif isinstance(key, str) and others and (advice := foreign_words.kind(key)):
                self.problems.error(node.at(key), f'"{key}" is no kind of ringfence', advice)
            else:
                kinds = f" Kinds: {', '.join(sorted(others))}." if others else ""
                hint = suggest(key, (*known, *others)) if others else ""
                self.problems.error(node.at(key), f'unknown key "{key}" in {what}',
                                    f"{hint}{kinds}".strip() if others else allowed(key, known))

    def _name(self, node: Map) -> str:
        name = node.get("name")
        if name is not None and not isinstance(name, str | int | float):
            self.problems.error(node.at("name"), f"a name is a text, not {describe(name)}")
        return "" if name is None else str(name)

    def _inherit(self, node: Map, inherited: _Inherited) -> _Inherited:
        variables = node.get("vars")
        if variables is not None and not isinstance(variables, Map):
            self.problems.error(node.at("vars"), f"vars are a mapping, not {describe(variables)}")
        elif variables:
            variables = mapping(variables, variables.where, self.problems)
            if sealed := self._sealed.get(variables.where.file):
                variables = secret_variables(variables, f"{sealed} {variables.where.line}")
            check(variables, variables.where, self.problems)
            self._copied(len(inherited.variables))
            inherited = replace(inherited, variables=variables.merged_over(inherited.variables))
        if tags := self._tags(node):
            self._copied(len(inherited.tags))
            inherited = replace(inherited, tags=inherited.tags | tags)
        if conditions := self._conditions(node):
            self._copied(len(inherited.conditions))
            inherited = replace(inherited, conditions=inherited.conditions + conditions)
        return inherited

    def _copied(self, number: int) -> None:
        """So much that a task or block adds its own to. Raises OverBudget."""
        self._inherited += number
        if self._inherited > MAX_INHERITED:
            raise OverBudget(f"tasks inherit more than {MAX_INHERITED:,} conditions, tags and variables of blocks and imports",
                             "Give a block fewer of them, or put them where they are needed.")

    def _tags(self, node: Map) -> frozenset[str]:
        value = node.get("tags")
        found: list[str] = []
        for tag in value if isinstance(value, Seq) else [] if value is None else [value]:
            if isinstance(tag, bool) or not isinstance(tag, str | int):
                self.problems.error(node.at("tags"), f"a tag is a word, not {describe(tag)}")
            elif isinstance(tag, str) and template(tag):
                self.problems.error(node.at("tags"), "a tag cannot be a template")
            else:
                found += filter(None, map(str.strip, str(tag).split(",")))
        return frozenset(found)

    def _conditions(self, node: Map) -> tuple[Condition, ...]:
        if "when" not in node:
            return ()
        value = node["when"]
        entries = value if isinstance(value, Seq) else Seq([value], node.at("when"), [node.at("when")])
        found = []
        for index, entry in enumerate(entries):
            where = entries.at(index)
            if not isinstance(entry, str | bool) or entry == "":
                self.problems.error(where, f"when takes an expression, not {describe(entry)}",
                                    "For example `when: x == 1`, or leave it out.")
                continue
            text = str(entry)
            if braces := template(text):
                self.problems.warn(where, "when takes an expression without braces", "Write `when: x == 1`.")
            check_template(braces or condition(text), where, self.problems)
            found.append(Condition(text, where))
        return tuple(found)


def _part(node: Map, names: Collection[str]) -> Map:
    """Some keys of a mapping, where they stand."""
    told = [key for key in names if key in node]
    return Map({key: node[key] for key in told}, node.where, {key: node.at(key) for key in told})


def _short_names(node: Map) -> Map:
    """`ansible.builtin.import_tasks` is `import_tasks`."""
    prefix = "ansible.builtin."
    if not any(isinstance(k, str) and k.startswith(prefix) for k in node):
        return node
    short = {k: k.removeprefix(prefix) if isinstance(k, str) else k for k in node}
    return Map({short[k]: v for k, v in node.items()}, node.where, {short[k]: w for k, w in node.locations.items()})
