"""Inventories as people write them -> groups and hosts: YAML files, folders of them, lists of names with a comma."""

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ringfence.diagnostics import Where, allowed, describe, quoted
from ringfence.documents import yaml
from ringfence.documents.variable_files import VariableFiles, mapping
from ringfence.documents.yaml import Map
from ringfence.inventory.hostnames import expand
from ringfence.inventory.inventory import Inventory

_IGNORED_ENDINGS = (".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".cfg", ".retry")
_IGNORED_NAMES = ("group_vars", "host_vars", "vars_plugins")


def load(sources: Sequence[str], files: VariableFiles) -> Inventory:
    """The inventory of several sources (`-i`), later ones adding to and overriding earlier ones. Mistakes go to
    `files.problems`; the caller raises them."""
    inventory = Inventory(files)
    for source in reversed(dict.fromkeys(reversed(sources))):  # one that is given twice counts as the later
        path = Path(os.path.expanduser(source))
        if "," in source and not os.path.exists(path):
            _names(source, inventory)
            continue
        inventory.folders.append(path if path.is_dir() else path.parent)
        _source(path, inventory)
    inventory.finish()
    return inventory


def _names(source: str, inventory: Inventory) -> None:
    where = Where(f"-i {source[:40]}")
    for name in filter(None, map(str.strip, source.split(","))):
        for host, port in expand(name, where, inventory.problems):
            entry = inventory.host(host, "ungrouped", where, "")
            entry.variables = _port(port, where).merged_over(entry.variables)


def _port(port: int | None, where: Where) -> Map:
    return Map({"ansible_port": port}, where) if port is not None else Map()


def _source(path: Path, inventory: Inventory) -> None:
    if reason := inventory.files.trust.unreadable(path):
        inventory.problems.error(Where(os.fspath(path)), reason)
        return
    if path.is_dir():
        for inner in sorted(path.iterdir(), key=lambda p: p.name):
            if not (inner.name.startswith(".") or inner.name in _IGNORED_NAMES
                    or inner.name.endswith(_IGNORED_ENDINGS)):
                _source(inner, inventory)
        return
    where = Where(os.fspath(path))
    if path.suffix not in (".yml", ".yaml", ".json") and os.access(path, os.X_OK):
        inventory.problems.error(where, "executable inventories are not supported yet", _converted(path))
        return
    inventory.files.trust.has_read(path)
    text = yaml.read_text(path, inventory.problems)
    if text is None:
        return
    first = next((line for line in map(str.strip, text.splitlines()) if line and line[0] not in "#;"), "")
    if path.suffix == ".ini" or (not path.suffix and first and _looks_like_ini(first)):
        inventory.problems.error(where, "inventories in INI form are not supported yet", _converted(path))
        return
    data = yaml.parse(text, os.fspath(path), inventory.problems)
    _Reader(inventory, os.fspath(path)).top(data)


def _looks_like_ini(first: str) -> bool:
    return first.startswith("[") or not (":" in first or first[0] in "{-&%")


def _converted(path: Path) -> str:
    """How to have an inventory as YAML. Without its plugin for group_vars/ and host_vars/ Ansible writes what the inventory
    itself says: no decrypted vault in clear text, and no variable of a group as one of each host."""
    return ("Save it as YAML: ANSIBLE_VARS_ENABLED= ansible-inventory -i "
            f"{shlex.quote(os.fspath(path))} --list --yaml --export --output hosts.yml")


class _Reader:
    """Reads the groups of one YAML inventory."""

    def __init__(self, inventory: Inventory, source: str) -> None:
        self.inventory, self.problems, self.source = inventory, inventory.problems, source

    def top(self, data: Any) -> None:
        if data is None:
            if not self.problems.failed:
                self.problems.warn(Where(self.source), "the inventory is empty")
        elif not isinstance(data, Map):
            self.problems.error(Where(self.source), f"an inventory is a mapping of groups, not {describe(data)}",
                                "Begin with `all:`, and `hosts:` or `children:` below it.")
        elif "plugin" in data and not isinstance(data["plugin"], dict):
            self.problems.error(data.at("plugin"), "inventory plugins are not supported", _converted(Path(self.source)))
        else:
            for name, group in data.items():
                self.group(name, group, data.at(name))

    def group(self, name: Any, data: Any, where: Where) -> bool:
        """Whether the group could be read so far that it exists."""
        if not isinstance(name, str) or not name:
            self.problems.error(where, f"the name of a group is a text, not {quoted(name)}", "Write it in quotes.")
            return False
        self.inventory.group(name, where)
        if data is None:
            return True
        if not isinstance(data, Map):
            self.problems.error(where, f'the group "{name}" is a mapping, not {describe(data)}',
                                "Allowed: children, hosts, vars.")
            return True
        readers = {"vars": self.variables, "children": self.children, "hosts": self.hosts}
        for key, value in data.items():
            if key not in readers:
                self.problems.error(data.at(key), f'unknown key "{key}" in the group "{name}"', allowed(key, readers))
            elif (section := self.section(key, value, data.at(key))) is not None:
                readers[key](name, section)
        return True

    def section(self, key: str, value: Any, where: Where) -> Map | None:
        if isinstance(value, str):  # `hosts: one`, as Ansible allows
            return Map({value: None}, where)
        if value is None or isinstance(value, Map):
            return value
        detail = "" if key == "vars" else 'Write each name as a key: "web1:" instead of "- web1".'
        self.problems.error(where, f"{key} is a mapping, not {describe(value)}", detail)
        return None

    def variables(self, name: str, section: Map) -> None:
        group = self.inventory.groups[name]
        section = mapping(section, section.where, self.problems)
        if "ansible_group_priority" in section:
            try:
                group.priority = int(section["ansible_group_priority"])
            except (TypeError, ValueError, OverflowError):
                self.problems.error(section.at("ansible_group_priority"), "ansible_group_priority is a whole number")
            section = Map({k: v for k, v in section.items() if k != "ansible_group_priority"}, section.where,
                          section.locations)
        group.variables = section.merged_over(group.variables)

    def children(self, name: str, section: Map) -> None:
        for child, data in section.items():
            if self.group(child, data, section.at(child)):
                self.inventory.add_child(name, child, section.at(child))

    def hosts(self, name: str, section: Map) -> None:
        for pattern, data in section.items():
            where = section.at(pattern)
            if not isinstance(pattern, str) or not pattern:
                self.problems.error(where, f"the name of a host is a text, not {quoted(pattern)}", "Write it in quotes.")
                continue
            for host, port in expand(pattern, where, self.problems):
                entry = self.inventory.host(host, name, where, self.source)
                if port is not None:
                    entry.variables = _port(port, where).merged_over(entry.variables)
                if data is not None:
                    entry.variables = mapping(data, where, self.problems).merged_over(entry.variables)
