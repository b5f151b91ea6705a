"""Inventories in YAML: a mapping of groups, each with hosts, children and vars.

Form: ansible-core 2.19, lib/ansible/plugins/inventory/yaml.py. What Ansible skips with a warning (a key that is none, a group
that is a list) is a mistake here, and the ending of the file may be any that is no other form's.
"""

from typing import Any

from ringfence.diagnostics import Where, allowed, describe, quoted
from ringfence.documents.variable_files import mapping
from ringfence.documents.yaml import Map
from ringfence.inventory.draft import Draft
from ringfence.inventory.inventory_source import InventorySource

ENDINGS_OF_OTHERS = (".ini", ".toml")


def fits(source: InventorySource) -> bool:
    """Whether it is a file that may be YAML."""
    return not source.lists_hosts and source.ending not in ENDINGS_OF_OTHERS


def read(source: InventorySource, draft: Draft) -> None:
    """Its groups."""
    data, problems = source.yaml
    draft.problems.extend(problems.all)
    _Groups(draft).top(data)


class _Groups:
    """Reads groups into a draft."""

    def __init__(self, draft: Draft) -> None:
        self.draft, self.problems, self.file = draft, draft.problems, draft.source

    def top(self, data: Any) -> None:
        if data is None or data == {}:
            if not self.problems.failed:
                self.problems.warn(Where(self.file), "the inventory is empty")
        elif not isinstance(data, Map):
            self.problems.error(Where(self.file), f"an inventory is a mapping of groups, not {describe(data)}",
                                "Begin with `all:`, and `hosts:` or `children:` below it.")
        else:
            for name, group in data.items():
                self.group(name, group, data.at(name))

    def group(self, name: Any, data: Any, where: Where) -> bool:
        """Whether the group could be read so far that it exists."""
        if not isinstance(name, str) or not name:
            self.problems.error(where, f"the name of a group is a text, not {quoted(name)}", "Write it in quotes.")
            return False
        self.draft.group(name, where)
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
        self.draft.group_variables(name, mapping(section, section.where, self.problems))

    def children(self, name: str, section: Map) -> None:
        for child, data in section.items():
            if self.group(child, data, section.at(child)):
                self.draft.child(name, child, section.at(child))

    def hosts(self, name: str, section: Map) -> None:
        for pattern, data in section.items():
            where = section.at(pattern)
            if not isinstance(pattern, str) or not pattern:
                self.problems.error(where, f"the name of a host is a text, not {quoted(pattern)}", "Write it in quotes.")
            else:
                self.draft.hosts_of(pattern, name, where, Map() if data is None else mapping(data, where, self.problems))
