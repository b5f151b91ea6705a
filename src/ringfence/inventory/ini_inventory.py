"""Inventories in Ansible's INI form: `[group]`, `[group:vars]`, `[group:children]`, hosts with key=value behind them.

Form: ansible-core 2.19, lib/ansible/plugins/inventory/ini.py. Values are Python's literals, in `[group:vars]` too (its
documentation has texts there), and texts where they are none. Every mistake of a file is told, not the first alone.
"""

import ast
import functools
import re
import shlex
import warnings
from collections.abc import Iterable
from typing import Any

from ringfence.diagnostics import Where
from ringfence.documents.yaml import Map, Seq, Unsafe
from ringfence.inventory.draft import PRIORITY, Draft
from ringfence.inventory.inventory_source import InventorySource

_SECTION = re.compile(r"\[([^:\]\s]+)(?::(\w+))?\]\s*(?:#.*)?")
_GROUP_NAME = re.compile(r"([^:\]\s]+)\s*(?:#.*)?")
# words as shlex has them, where no word has an escape and nothing is a comment: shlex takes 50 times as long
_SIMPLE_WORD = r"""(?:[^\s'"\\#]++|"[^"\\]*+"|'[^']*+')++"""
_SIMPLE_LINE = re.compile(rf"{_SIMPLE_WORD}(?:[ \t]++{_SIMPLE_WORD})*+")
_SIMPLE_WORDS, _QUOTES = re.compile(_SIMPLE_WORD), re.compile("\"([^\"]*)\"|'([^']*)'")
_WORD = re.compile(r"(?!(?:True|False|None)$)[A-Za-z_/][\w./-]*(?<![.])", re.ASCII)  # no literal: it need not be compiled
_COMMENTS = (";", "#")
MAX_INI_LINE = 50_000  # characters of a line of an inventory in INI form: each takes shlex some microseconds


def fits(source: InventorySource) -> bool:
    """Whether it is a file that is not said to be of another form. JSON on one line would be the name of a host."""
    return not source.lists_hosts and source.ending != ".toml" and not source.text.lstrip().startswith("{")


def read(source: InventorySource, draft: Draft) -> None:
    """Its groups."""
    reader = _Lines(draft, source.inventory.groups)
    for number, line in enumerate(source.text.splitlines(), 1):
        line = line.strip()
        if len(line) > MAX_INI_LINE:
            draft.problems.error(Where(draft.source, number), f"more than {MAX_INI_LINE:,} characters in one line", "Shorten it.")
        elif line and line[0] not in _COMMENTS:
            reader.line(line, Where(draft.source, number))
    reader.end()


class _Lines:
    """Reads lines into a draft, as if the first one before them were `[ungrouped]`."""

    def __init__(self, draft: Draft, known: Iterable[str]) -> None:
        self.draft, self.problems = draft, draft.problems
        self.name, self.state = "ungrouped", "hosts"
        self.declared = dict.fromkeys(known, True)  # groups, and whether anything but [group:vars] is said of them
        self.wanted: dict[str, list[tuple[str, Where]]] = {}  # groups that are children before they are declared: of which
        draft.group("ungrouped", Where(draft.source))

    def line(self, line: str, where: Where) -> None:
        if section := _SECTION.fullmatch(line):
            self.section(section[1], section[2] or "hosts", where)
        elif line.startswith("[") and line.endswith("]"):
            self.problems.error(where, f"{line[:60]} is no section",
                                "Write [group], [group:vars] or [group:children], without spaces.")
        elif self.state == "hosts":
            self.host(line, where)
        elif self.state == "vars":
            self.variable(line, where)
        elif self.state == "children":
            self.child(line, where)

    def section(self, name: str, state: str, where: Where) -> None:
        self.name, self.state = name, state
        if state not in ("hosts", "vars", "children"):
            self.problems.error(where, f"[{name}:{state}] is no section", "Allowed: [group], [group:vars], [group:children].")
            return
        self.draft.group(name, where)
        self.declared[name] = state != "vars" or self.declared.get(name, False)
        if state != "vars":
            for parent, at in self.wanted.pop(name, ()):
                self.draft.child(parent, name, at)

    def host(self, line: str, where: Where) -> None:
        try:
            words = words_of(line)
        except ValueError as error:
            self.problems.error(where, f"a line of hosts cannot be read: {error}", "Close the quotes.")
            return
        if not words or not words[0]:
            self.problems.error(where, "the name of a host is missing")
            return
        if words[0].endswith(":") or words[0] == "---":
            self.problems.error(where, f"{words[0][:60]} is no host" + (
                ": behind a colon stands a port" if words[0] != "---" else ": it begins YAML, and the file is read as INI"))
            return
        variables, wrong = Map(where=where), [word for word in words[1:] if "=" not in word]
        for word in words[1:]:
            name, _, text = word.partition("=")
            variables[name] = literal(text, where)
            variables.locations[name] = where
        if wrong:
            self.problems.error(where, f"{wrong[0][:60]} behind a host is no key=value",
                                "Write one host a line, and values with spaces in quotes.")
        else:
            self.draft.hosts_of(words[0], self.name, where, variables)

    def variable(self, line: str, where: Where) -> None:
        name, equals, text = line.partition("=")
        if not equals:
            self.problems.error(where, f"{line[:60]} is no key=value", f"It stands in [{self.name}:vars].")
            return
        name, value = name.strip(), literal(text.strip(), where)
        if name == PRIORITY:
            self.draft.group_variables(self.name, Map({name: value}, where))
            return
        variables = self.draft.groups[self.name].variables  # made for this group, and laid over nothing for each line
        variables[name], variables.locations[name] = value, where

    def child(self, line: str, where: Where) -> None:
        found = _GROUP_NAME.fullmatch(line)
        if found is None:
            self.problems.error(where, f"{line[:60]} is no name of a group", f"In [{self.name}:children] each line is one name.")
        elif self.declared.get(found[1]) or found[1] in self.draft.groups:
            self.draft.group(found[1], where)
            self.draft.child(self.name, found[1], where)
        else:
            self.wanted.setdefault(found[1], []).append((self.name, where))

    def end(self) -> None:
        """Groups that are mentioned and never declared."""
        for name, parents in self.wanted.items():
            self.problems.error(parents[0][1], f"the group {name[:60]} is declared nowhere",
                                f"Write [{name[:60]}] with its hosts, below or above.")
        for name, other_than_vars in self.declared.items():
            if not other_than_vars and name not in self.wanted:
                self.problems.error(self.draft.groups[name].where, f"there are variables for the group {name[:60]}, which is "
                                    "declared nowhere", f"Write [{name[:60]}] with its hosts, below or above.")


def words_of(line: str) -> list[str]:
    """The words of a line as a shell has them, without a comment. Raises ValueError where a quote does not end."""
    if not _SIMPLE_LINE.fullmatch(line):
        return shlex.split(line, comments=True)
    words = _SIMPLE_WORDS.findall(line)
    return [_QUOTES.sub(lambda m: m[1] or m[2] or "", word) if "'" in word or '"' in word else word for word in words]


def literal(text: str, where: Where) -> Any:
    """What a value means: a literal of Python, or else the text itself."""
    return text if _WORD.fullmatch(text) else _plain(_literal(text), where)


@functools.lru_cache(2**12)  # a fleet has the same again and again
def _literal(text: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


def _plain(value: Any, where: Where) -> Any:
    """A literal as a value of variables: sets and tuples are lists, and what no variable can be is a text."""
    if isinstance(value, dict):
        return Map({k: _plain(v, where) for k, v in value.items()}, where)
    if isinstance(value, list | tuple | set | frozenset):
        return Seq((_plain(v, where) for v in value), where)
    if isinstance(value, bytes):
        return Unsafe(value.decode("utf-8", "replace"))
    if value is ...:
        return "..."
    return str(value) if isinstance(value, complex) else value
