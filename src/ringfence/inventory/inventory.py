"""The fleet: Ansible's YAML inventories, groups, hosts and the variables of each.

A source is a YAML file, a folder of them, or a list of names with a comma. Precedence of variables, lowest first, as
with Ansible: `all` in inventories; other groups in inventories (parents before children, then
`ansible_group_priority`, then name); `group_vars/all` beside the inventories, then beside the playbook; `group_vars/` of
other groups beside the inventories, then beside the playbook; the host in inventories; `host_vars/` beside the
inventories, then beside the playbook.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ringfence.diagnostics import NOWHERE, Where, allowed, describe
from ringfence.documents import yaml
from ringfence.documents.variable_files import VariableFiles, mapping
from ringfence.documents.yaml import Map, Seq
from ringfence.inventory.hostnames import expand

LOCALHOST = ("localhost", "127.0.0.1", "::1")
_IGNORED_ENDINGS = (".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".cfg", ".retry")
_IGNORED_NAMES = ("group_vars", "host_vars", "vars_plugins")


@dataclass(frozen=True, eq=False)
class Host:
    """One host. `groups` are all it belongs to, by name, without `all`; `variables` are raw: templates unrendered,
    vaulted values encrypted."""

    name: str
    groups: tuple[str, ...]
    variables: Map
    where: Where = NOWHERE


@dataclass(eq=False)
class Group:
    """One group while inventories are read. `hosts` are its own; `children` and `parents` are names of groups."""

    name: str
    where: Where = NOWHERE
    hosts: dict[str, None] = field(default_factory=dict)
    children: dict[str, Where] = field(default_factory=dict)
    parents: dict[str, None] = field(default_factory=dict)
    variables: Map = field(default_factory=Map)
    priority: int = 1
    depth: int = 0


@dataclass(eq=False)
class _Entry:
    """One host while inventories are read."""

    where: Where
    source: str
    variables: Map = field(default_factory=Map)


class Inventory:
    """Groups and hosts, complete after `load`. Mapping-like reading only; nothing changes afterwards."""

    def __init__(self, files: VariableFiles) -> None:
        self.files, self.problems = files, files.problems
        self.groups: dict[str, Group] = {}
        self.entries: dict[str, _Entry] = {}
        self.folders: list[Path] = []  # beside which group_vars/ and host_vars/ are looked for
        self._hosts: dict[tuple[str, Path | None], Host] = {}
        self._layers: dict[tuple[tuple[str, ...], Path | None], Map] = {}
        self._members: dict[str, Seq] | None = None
        self._group_names: dict[tuple[str, ...], Seq] = {}
        self._direct: dict[str, list[str]] = {}  # host: groups that list it
        for name in ("all", "ungrouped"):
            self.group(name)
        self.add_child("all", "ungrouped", NOWHERE)

    # -- building

    def group(self, name: str, where: Where = NOWHERE) -> Group:
        """The group of a name, made where it is new."""
        return self.groups.setdefault(name, Group(name, where))

    def add_child(self, parent: str, child: str, where: Where) -> None:
        """Make a group the child of another."""
        self.groups[parent].children.setdefault(child, where)
        self.groups[child].parents.setdefault(parent)

    def host(self, name: str, group: str, where: Where, source: str) -> _Entry:
        """The host of a name, made where it is new, and put into a group."""
        self.groups[group].hosts.setdefault(name)
        return self.entries.setdefault(name, _Entry(where, source))

    def finish(self) -> None:
        """Every host and group gets under `all`; depths are counted; cycles and clashes are told."""
        for group in self.groups.values():
            if group.name != "all" and not group.parents:
                self.add_child("all", group.name, group.where)
        order = self._topological()
        if len(order) < len(self.groups):
            self._tell_cycles(self.groups.keys() - set(order))
        grouped = {h for g in self.groups.values() if g.name not in ("all", "ungrouped") for h in g.hosts}
        ungrouped = self.groups["ungrouped"].hosts
        ungrouped.update(dict.fromkeys(h for h in self.entries if h not in grouped))
        for name in grouped & ungrouped.keys():
            del ungrouped[name]
        for name in order:  # depth is the longest way from `all`
            group = self.groups[name]
            group.depth = 1 + max((self.groups[p].depth for p in group.parents), default=-1)
        for group in self.groups.values():
            for name in group.hosts:
                self._direct.setdefault(name, []).append(group.name)
        for name in self.groups.keys() & self.entries.keys():
            self.problems.warn(self.entries[name].where, f'"{name}" is the name of a host and of a group')

    def _topological(self) -> list[str]:
        """Groups, parents before children; those in cycles, and beneath them, are missing."""
        waiting = {g.name: len(g.parents) for g in self.groups.values()}
        ready, order = [n for n, count in waiting.items() if not count], []
        while ready:
            order.append(name := ready.pop())
            for child in self.groups[name].children:
                waiting[child] -= 1
                if not waiting[child]:
                    ready.append(child)
        return order

    def _tell_cycles(self, names: set[str]) -> None:
        """Follow parents among groups that wait for each other until one comes again."""
        while names:
            path = [min(names)]
            while (parent := next(p for p in self.groups[path[-1]].parents if p in names or p in path)) not in path:
                path.append(parent)
            cycle = [*path[path.index(parent):], parent][::-1]
            if names >= set(cycle):
                self.problems.error(self.groups[cycle[0]].children[cycle[1]],
                                    "groups contain each other: " + " → ".join(cycle), "Remove one of these children.")
            names = names - set(path) - self._beneath(cycle)

    def _beneath(self, names: Iterable[str]) -> set[str]:
        found, todo = set(names), list(names)
        while todo:
            new = self.groups[todo.pop()].children.keys() - found
            found |= new
            todo += new
        return found

    # -- reading

    def __iter__(self) -> Iterator[str]:
        """The names of all hosts, in the order of `all`."""
        return iter(self.members["all"])

    def __len__(self) -> int:
        return len(self.entries)

    def __contains__(self, name: object) -> bool:
        return name in self.entries

    @property
    def members(self) -> Mapping[str, Seq]:
        """Every group's hosts, its children's included: the magic variable `groups`."""
        if self._members is None:
            self._members = {name: Seq(self._walk(name)) for name in self.groups}
        return self._members

    def _walk(self, name: str) -> Iterable[str]:
        """Own hosts first, then the children's, level by level."""
        hosts: dict[str, None] = {}
        level, seen = [name], {name}
        while level:
            for group in level:
                hosts.update(self.groups[group].hosts)
            level = list(dict.fromkeys(c for g in level for c in self.groups[g].children if c not in seen))
            seen.update(level)
        return hosts

    def get(self, name: str, beside: Path | None = None) -> Host:
        """A host with its variables. `beside` is the folder of a playbook, whose group_vars/ and host_vars/ count too.
        `localhost` is there without being declared. Raises KeyError."""
        if (name, beside) not in self._hosts:
            self._hosts[name, beside] = self._host(name, beside)
        return self._hosts[name, beside]

    def _host(self, name: str, beside: Path | None) -> Host:
        if name in self.entries:
            entry = self.entries[name]
        elif name in LOCALHOST:
            where = Where("localhost")
            entry = _Entry(where, "", Map({"ansible_connection": "local"}, where))
        else:
            raise KeyError(name)
        groups = self._groups_of(name)
        variables = entry.variables.merged_over(self._layer(groups, beside))
        for folder in (*self.folders, *([beside] if beside else [])):
            variables = self.files.vars_for(folder, "host_vars", name).merged_over(variables)
        return Host(name, tuple(sorted(groups)), variables, entry.where)

    def _groups_of(self, name: str) -> tuple[str, ...]:
        """All groups of a host but `all`, in the order in which their variables are laid over each other."""
        todo = list(self._direct.get(name, ()))
        found: dict[str, Group] = {}
        while todo:
            group = self.groups[todo.pop()]
            if group.name not in found:
                found[group.name] = group
                todo += group.parents
        found.pop("all", None)
        return tuple(g.name for g in sorted(found.values(), key=lambda g: (g.depth, g.priority, g.name)))

    def _layer(self, groups: tuple[str, ...], beside: Path | None) -> Map:
        """The variables that groups give, the same object for all hosts of the same groups."""
        if (groups, beside) not in self._layers:
            variables = self.groups["all"].variables
            for name in groups:
                variables = self.groups[name].variables.merged_over(variables)
            for names in (("all",), groups):
                for folder in (*self.folders, *([beside] if beside else [])):
                    for name in names:
                        variables = self.files.vars_for(folder, "group_vars", name).merged_over(variables)
            self._layers[groups, beside] = variables
        return self._layers[groups, beside]

    def magic(self, name: str) -> dict[str, Any]:
        """Ansible's magic variables about a host that come from the inventory."""
        groups = tuple(sorted(self._groups_of(name)))
        source = self.entries[name].source if name in self.entries else ""
        folder = source if os.path.isdir(source) else os.path.dirname(source)
        return {"inventory_hostname": name, "inventory_hostname_short": name.split(".")[0],
                "group_names": self._group_names.setdefault(groups, Seq(groups)), "groups": self.members,
                "inventory_file": os.path.abspath(source) if source else None,
                "inventory_dir": os.path.abspath(folder) if source else None}


def load(sources: Sequence[str], files: VariableFiles) -> Inventory:
    """The inventory of several sources (`-i`), later ones adding to and overriding earlier ones. Mistakes go to
    `files.problems`; the caller raises them."""
    inventory = Inventory(files)
    for source in sources:
        path = Path(source).expanduser()
        if "," in source and not path.exists():
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
    if path.is_dir():
        for inner in sorted(path.iterdir(), key=lambda p: p.name):
            if not (inner.name.startswith(".") or inner.name in _IGNORED_NAMES
                    or inner.name.endswith(_IGNORED_ENDINGS)):
                _source(inner, inventory)
        return
    where = Where(os.fspath(path))
    if path.suffix not in (".yml", ".yaml", ".json") and os.access(path, os.X_OK):
        inventory.problems.error(where, "executable inventories are not supported yet",
                                 "Save its output as YAML: ansible-inventory -i FILE --list --yaml --output hosts.yml")
        return
    text = yaml.read_text(path, inventory.problems)
    if text is None:
        return
    first = next((line for line in map(str.strip, text.splitlines()) if line and line[0] not in "#;"), "")
    if path.suffix == ".ini" or (not path.suffix and first and _looks_like_ini(first)):
        inventory.problems.error(where, "inventories in INI form are not supported yet",
                                 "Convert it: ansible-inventory -i FILE --list --yaml --output hosts.yml")
        return
    data = yaml.parse(text, os.fspath(path), yaml.VARIABLES, inventory.problems)
    _Reader(inventory, os.fspath(path)).top(data)


def _looks_like_ini(first: str) -> bool:
    return first.startswith("[") or not (":" in first or first[0] in "{-&%")


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
            self.problems.error(data.at("plugin"), "inventory plugins are not supported",
                                "Save its output as YAML: ansible-inventory -i FILE --list --yaml --output hosts.yml")
        else:
            for name, group in data.items():
                self.group(name, group, data.at(name))

    def group(self, name: Any, data: Any, where: Where) -> bool:
        """Whether the group could be read so far that it exists."""
        if not isinstance(name, str) or not name:
            self.problems.error(where, f"the name of a group is a text, not {name!r}", "Write it in quotes.")
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
            except (TypeError, ValueError):
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
                self.problems.error(where, f"the name of a host is a text, not {pattern!r}", "Write it in quotes.")
                continue
            for host, port in expand(pattern, where, self.problems):
                entry = self.inventory.host(host, name, where, self.source)
                entry.variables = mapping(data, where, self.problems).merged_over(_port(port, where).merged_over(entry.variables))
