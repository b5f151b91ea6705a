"""The fleet: groups, hosts and the variables of each, of all sources together.

Precedence of variables, lowest first, as with Ansible: `all` in inventories; other groups in inventories (parents before
children, then `ansible_group_priority`, then name); `group_vars/all` beside the inventories, then beside the playbook;
`group_vars/` of other groups beside the inventories, then beside the playbook; the host in inventories; `host_vars/` beside
the inventories, then beside the playbook.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ringfence.diagnostics import NOWHERE, Where
from ringfence.documents.variable_files import VariableFiles
from ringfence.documents.yaml import Map, Seq
from ringfence.inventory.draft import MEMBER, PORT, Draft, Group, HostEntry
from ringfence.inventory.hostnames import MAX_HOSTS

MAX_FLEET_WORK = 20_000_000  # steps of some 0.1 microseconds: hosts, times the variables, groups and patterns that they meet
HOST_VARIABLES = 1  # what it costs to lay a variable over others
MAX_KEPT = 200_000  # variables of hosts that are kept laid over each other; of others they are laid anew
_CYCLES = 20  # of groups that are told at once
LOCALHOST = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, eq=False)
class Host:
    """One host. `groups` are all it belongs to, by name, without `all`; `variables` are raw: templates unrendered,
    vaulted values encrypted."""

    name: str
    groups: tuple[str, ...]
    variables: Map
    where: Where = NOWHERE


def _precedence(group: Group) -> tuple[int, int, str]:
    return group.depth, 1 if group.priority is None else group.priority, group.name


def _few(names: Sequence[str]) -> Sequence[str]:
    """Names to show: of many the first and the last."""
    return names if len(names) < 12 else [*names[:5], "…", *names[-5:]]


class Inventory:
    """Groups and hosts, complete after `load`. Mapping-like reading only; nothing changes afterwards."""

    def __init__(self, files: VariableFiles) -> None:
        self.files, self.problems = files, files.problems
        self.groups: dict[str, Group] = {}
        self.entries: dict[str, HostEntry] = {}
        self.sources: list[str] = []  # those that were read, as they were named
        self.folders: list[Path] = []  # beside which group_vars/ and host_vars/ are looked for
        self._work = self._kept = 0
        self._hosts: dict[tuple[str, Path | None], Host] = {}
        self._layers: dict[tuple[tuple[str, ...], Path | None], Map] = {}
        self._members: dict[str, Seq] | None = None
        self._group_names: dict[tuple[str, ...], Seq] = {}
        self._direct: dict[str, list[str]] = {}  # host: groups that list it
        self._all_groups: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._places: dict[str, tuple[str | None, str | None]] = {}
        for name in ("all", "ungrouped"):
            self.group(name)
        self.add_child("all", "ungrouped", NOWHERE)

    def pay(self, steps: int, where: Where, what: str) -> None:
        """Note work that grows with hosts times something else. Raises InputError where it is too much."""
        self._work += steps
        if self._work > MAX_FLEET_WORK:
            self.problems.error(where, f"the inventory and the patterns of hosts are too much together: {what}",
                                f"Hosts times the groups, variables and patterns that they meet are {MAX_FLEET_WORK:,} at most: "
                                "split the inventory, or let fewer and larger groups have the variables.")
            self.problems.check()

    # -- building

    def group(self, name: str, where: Where = NOWHERE) -> Group:
        """The group of a name, made where it is new."""
        return self.groups.setdefault(name, Group(name, where))

    def add_child(self, parent: str, child: str, where: Where) -> None:
        """Make a group the child of another."""
        self.groups[parent].children.setdefault(child, where)
        self.groups[child].parents.setdefault(parent)

    def take(self, draft: Draft) -> None:
        """Add what another source says; its variables win. Raises InputError where there are too many hosts."""
        for name, group in draft.groups.items():
            mine = self.group(name, group.where)
            mine.hosts.update(group.hosts)
            mine.variables = group.variables.merged_over(mine.variables)
            mine.priority = mine.priority if group.priority is None else group.priority
        for name, group in draft.groups.items():
            for child, where in group.children.items():
                self.add_child(name, child, where)
        for name, entry in draft.hosts.items():
            if (known := self.entries.get(name)) is not None:
                known.lay_over(entry.variables)
                continue
            self.entries[name] = entry
            if entry.port:
                entry.variables = entry.variables.merged_over(Map({PORT: entry.port}, entry.where))
        if len(self.entries) > MAX_HOSTS:
            self.problems.error(Where(draft.source), f"more than {MAX_HOSTS:,} hosts", "Split the inventory.")
            self.problems.check()

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
        for _ in range(_CYCLES):
            if not names:
                break
            path = [last := min(names)]
            known = {last: None}
            while (parent := next(p for p in self.groups[path[-1]].parents if p in names or p in known)) not in known:
                path.append(parent)
                known[parent] = None
            cycle = [*path[path.index(parent):], parent][::-1]
            if names >= set(cycle):
                self.problems.error(self.groups[cycle[0]].children[cycle[1]],
                                    "groups contain each other: " + " → ".join(_few(cycle)), "Remove one of these children.")
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
                self.pay(MEMBER * (1 + len(self.groups[group].hosts)), self.groups[name].where, "groups in groups")
                hosts.update(self.groups[group].hosts)
            level = list(dict.fromkeys(c for g in level for c in self.groups[g].children if c not in seen))
            seen.update(level)
        return hosts

    def get(self, name: str, beside: Path | None = None) -> Host:
        """A host with its variables. `beside` is the folder of a playbook, whose group_vars/ and host_vars/ count too.
        `localhost` is there without being declared. Raises KeyError."""
        found = self._hosts.get((name, beside))
        if found is None:
            found = self._host(name, beside)
            self._kept += 1 + len(found.variables)
            if self._kept > MAX_KEPT:
                self._hosts.clear()
                self._kept = 1 + len(found.variables)
            self._hosts[name, beside] = found
        return found

    def _host(self, name: str, beside: Path | None) -> Host:
        if name in self.entries:
            entry = self.entries[name]
        elif name in LOCALHOST:
            where = Where("localhost")
            entry = HostEntry(where, "", variables=Map({"ansible_connection": "local"}, where))
        else:
            raise KeyError(name)
        groups = self._groups_of(name)
        variables = self._over(entry.variables, self._layer(groups, beside))
        for folder in (*self.folders, *([beside] if beside else [])):
            variables = self._over(self.files.vars_for(folder, "host_vars", name), variables)
        return Host(name, tuple(sorted(groups)), variables, entry.where)

    def _groups_of(self, name: str) -> tuple[str, ...]:
        """All groups of a host but `all`, in the order in which their variables are laid over each other."""
        direct = tuple(self._direct.get(name, ()))
        if direct not in self._all_groups:
            todo = list(direct)
            found: dict[str, Group] = {}
            while todo:
                group = self.groups[todo.pop()]
                if group.name not in found:
                    found[group.name] = group
                    todo += group.parents
            found.pop("all", None)
            self.pay(MEMBER * len(found), NOWHERE, "groups in groups")
            self._all_groups[direct] = tuple(g.name for g in sorted(found.values(), key=_precedence))
        return self._all_groups[direct]

    def _layer(self, groups: tuple[str, ...], beside: Path | None) -> Map:
        """The variables that groups give, the same object for all hosts of the same groups."""
        if (groups, beside) not in self._layers:
            variables = self.groups["all"].variables
            for name in groups:
                variables = self._over(self.groups[name].variables, variables)
            for names in (("all",), groups):
                for folder in (*self.folders, *([beside] if beside else [])):
                    for name in names:
                        variables = self._over(self.files.vars_for(folder, "group_vars", name), variables)
            self._layers[groups, beside] = variables
        return self._layers[groups, beside]

    def _over(self, upper: Map, lower: Map) -> Map:
        """Variables laid over others, paid for."""
        if upper and lower:
            self.pay(HOST_VARIABLES * (len(upper) + len(lower)), upper.where, "variables of hosts")
        return upper.merged_over(lower)

    def magic(self, name: str) -> dict[str, Any]:
        """Ansible's magic variables about a host that come from the inventory."""
        groups = tuple(sorted(self._groups_of(name)))
        file, folder = self._place(self.entries[name].source if name in self.entries else "")
        return {"inventory_hostname": name, "inventory_hostname_short": name.split(".")[0],
                "group_names": self._group_names.setdefault(groups, Seq(groups)), "groups": self.members,
                "inventory_file": file, "inventory_dir": folder}

    def _place(self, source: str) -> tuple[str | None, str | None]:
        """The whole path of an inventory, and of its folder; of a list of hosts the list, as with Ansible."""
        if source and not os.path.exists(source):
            return source, None
        if source not in self._places:
            folder = source if os.path.isdir(source) else os.path.dirname(source)
            self._places[source] = (os.path.abspath(source), os.path.abspath(folder)) if source else (None, None)
        return self._places[source]
