"""The keys that plays, blocks, imports and tasks share: variables, tags, conditions, loops; and what is no key of theirs."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ringfence.diagnostics import Where, allowed, describe, suggest
from ringfence.documents.variable_files import VariableFiles, mapping, secret_variables
from ringfence.documents.yaml import Map, Seq
from ringfence.project import playbook_keys as keys
from ringfence.project.plays import Condition, Loop, Role
from ringfence.templates.budget import OverBudget
from ringfence.templates.compile import check, check_template, condition, template
from ringfence.types import foreign_words

MAX_INHERITED = 1_000_000  # conditions, tags and variables that tasks and blocks take from around them and add to


@dataclass(frozen=True, slots=True)
class Inherited:
    """What plays and tasks get from around them. `chain`: the files under way, each with the place that names it."""

    tags: frozenset[str] = frozenset()
    conditions: tuple[Condition, ...] = ()
    variables: Map = field(default_factory=Map)
    chain: tuple[tuple[Path, Where], ...] = ()
    play: str = ""
    playbook_folder: Path = Path()  # the folder of the playbook
    role: Role | None = None


class KeysReader:
    """Reads keys of mappings. Mistakes go to the problems of `files`; `kinds` are the names of kinds."""

    def __init__(self, kinds: Collection[str], files: VariableFiles) -> None:
        self.kinds, self.files, self.problems = kinds, files, files.problems
        self.refused_names: set[Any] = set()  # variables that refused keys would have made
        self.sealed: dict[str, str] = {}  # digests of the ciphertexts of encrypted files: variables in them are secrets
        self._copies = 0

    def loop(self, task: Map) -> Loop | None:
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

    def _loop_control(self, task: Map) -> dict[str, Any]:
        control = task.get("loop_control")
        if control is None:
            return {}
        if not isinstance(control, Map):
            self.problems.error(task.at("loop_control"), f"loop_control is a mapping, not {describe(control)}")
            return {}
        self.keys(control, keys.LOOP_CONTROL_KEYS, "loop_control")
        found: dict[str, Any] = {}
        for key, name in (("extended", "extended"), ("extended_allitems", "all_items")):
            if isinstance(value := control.get(key), bool):
                found[name] = value
            elif key in control:
                self.problems.error(control.at(key), f"{key} is true or false, not {describe(value)}")
        for key, name in (("loop_var", "variable"), ("index_var", "index"), ("label", "label")):
            value = control.get(key)
            if isinstance(value, str) and (key == "label" or value.isidentifier()):
                found[name] = value
                check(value, control.at(key), self.problems)
            elif key in control:
                self.problems.error(control.at(key), f"{key} is a {'text' if key == 'label' else 'name of a variable'}")
        return found

    def keys(self, node: Map, known: Sequence[str], what: str, later: Collection[str] = (),
              ansible: Any = None, others: Collection[str] = ()) -> None:
        """Note every key that is not known here."""
        for key in node:
            if key in known:
                continue
            if key in later:
                self.problems.error(node.at(key), f'"{key}" of {what} is not supported yet')
            elif isinstance(key, str) and ansible and key in ansible and (
                    key in keys.WITHOUT_MEANING or node[key] in keys.HARMLESS.get(key, ())):
                continue
            elif isinstance(key, str) and ansible and key in keys.NOT_HEEDED and key in ansible:
                self.problems.warn(node.at(key), f'"{key}" is not heeded', keys.NOT_HEEDED[key])
            elif isinstance(key, str) and ansible and key in ansible:
                self.refused_names |= keys.names_made_by(key, node[key])
                self.problems.error(node.at(key), f'"{key}" is a key of Ansible that ringfence does not have',
                                    ansible[key])
            elif isinstance(key, str) and key.startswith("with_"):
                self.problems.error(node.at(key), f'"{key}" is not supported',
                                    keys.LOOPS_OF_ANSIBLE.get(key) or f"Use `loop: \"{{{{ query('{key[5:]}', …) }}}}\"`.")
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
                advice = f"{hint}{kinds}".strip() if others else allowed(key, known)
                advice += " Variables for it stand under `vars:`." if what == "a role" else ""
                self.problems.error(node.at(key), f'unknown key "{key}" in {what}', advice)

    def name(self, node: Map) -> str:
        name = node.get("name")
        if name is not None and not isinstance(name, str | int | float):
            self.problems.error(node.at("name"), f"a name is a text, not {describe(name)}")
        return "" if name is None else str(name)

    def inherit(self, node: Map, inherited: Inherited) -> Inherited:
        variables = node.get("vars")
        if variables is not None and not isinstance(variables, Map):
            self.problems.error(node.at("vars"), f"vars are a mapping, not {describe(variables)}")
        elif variables:
            variables = mapping(variables, variables.where, self.problems)
            if sealed := self.sealed.get(variables.where.file):
                variables = secret_variables(variables, f"{sealed} {variables.where.line}")
            check(variables, variables.where, self.problems)
            self.copied(len(inherited.variables))
            inherited = replace(inherited, variables=variables.merged_over(inherited.variables))
        if tags := self._tags(node):
            self.copied(len(inherited.tags))
            inherited = replace(inherited, tags=inherited.tags | tags)
        if conditions := self.conditions(node):
            self.copied(len(inherited.conditions))
            inherited = replace(inherited, conditions=inherited.conditions + conditions)
        return inherited

    def copied(self, number: int) -> None:
        """So much that a task or block adds its own to. Raises OverBudget."""
        self._copies += number
        if self._copies > MAX_INHERITED:
            raise OverBudget(f"tasks inherit more than {MAX_INHERITED:,} conditions, tags and variables of blocks and imports",
                             "Give a block fewer of them, or put them where they are needed.")

    def _tags(self, node: Map) -> frozenset[str]:
        value = node.get("tags")
        tags = value if isinstance(value, Seq) else [] if value is None else [value]
        if isinstance(value, str):  # as with Ansible a text is several, and a member of a list is one
            tags = [*filter(None, map(str.strip, value.split(",")))]
        found: list[str] = []
        for tag in tags:
            if isinstance(tag, bool) or not isinstance(tag, str | int):
                self.problems.error(node.at("tags"), f"a tag is a word, not {describe(tag)}")
            elif isinstance(tag, str) and template(tag):
                self.problems.error(node.at("tags"), "a tag cannot be a template")
            else:
                found.append(str(tag))
                if "," in found[-1]:
                    self.problems.warn(node.at("tags"), f'no --tags chooses the tag "{tag}": its comma is part of it in a list',
                                       "Make two of it.")
        return frozenset(found)

    def conditions(self, node: Map) -> tuple[Condition, ...]:
        if "when" not in node:
            return ()
        value = node["when"]
        entries = value if isinstance(value, Seq) else Seq([value], node.at("when"), [node.at("when")])
        found = []
        for index, entry in enumerate(entries):
            where = entries.at(index)
            text = str(entry).strip()  # a block scalar ends with a line end
            if not isinstance(entry, str | bool) or not text:
                self.problems.error(where, f"when takes an expression, not {describe(entry)}",
                                    "For example `when: x == 1`, or leave it out.")
                continue
            if braces := template(text):
                self.problems.warn(where, "when takes an expression without braces", "Write `when: x == 1`.")
            check_template(braces or condition(text), where, self.problems)
            found.append(Condition(text, where))
        return tuple(found)


def part_of(node: Map, names: Collection[str]) -> Map:
    """Some keys of a mapping, where they stand."""
    told = [key for key in names if key in node]
    return Map({key: node[key] for key in told}, node.where, {key: node.at(key) for key in told})
