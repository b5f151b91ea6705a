"""What one source says of groups and hosts. An inventory takes it once all of it could be read, and else knows nothing of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ringfence.diagnostics import NOWHERE, Problems, Where, quoted
from ringfence.documents import encrypted
from ringfence.documents.variable_files import secret_variables
from ringfence.documents.yaml import Map
from ringfence.inventory.hostnames import MAX_HOSTS, expand
from ringfence.secret import Secret

PRIORITY, PORT = "ansible_group_priority", "ansible_port"
MEMBER = 20  # steps that a host in a group or play costs, as it is kept
MAX_GROUPS = 60_000  # groups of one inventory; each takes about 0.02 ms and 1 kB
Pay = Callable[[int, Where, str], None]
"""Notes work in steps, its place, and what it was. Raises InputError where it is too much."""


@dataclass(eq=False)
class Group:
    """One group. `hosts` are its own; `children` and `parents` are names of groups · priority: None where nobody said it."""

    name: str
    where: Where = NOWHERE
    hosts: dict[str, None] = field(default_factory=dict)
    children: dict[str, Where] = field(default_factory=dict)
    parents: dict[str, None] = field(default_factory=dict)
    variables: Map = field(default_factory=Map)
    priority: int | None = None
    depth: int = 0


@dataclass(eq=False)
class HostEntry:
    """One host. source: the inventory that names it first · port: what is said of it where that is done."""

    where: Where
    source: str
    port: int | Secret | None = None
    variables: Map = field(default_factory=Map)

    def lay_over(self, variables: Map) -> None:
        """Variables that are said later: they win."""
        self.variables = variables.merged_over(self.variables)


class Draft:
    """Groups and hosts of one source, in the order in which it names them, and its mistakes."""

    def __init__(self, source: str, pay: Pay) -> None:
        self.source, self.problems, self._pay = source, Problems(), pay
        self.groups: dict[str, Group] = {}
        self.hosts: dict[str, HostEntry] = {}

    def group(self, name: str, where: Where) -> Group:
        """The group of a name, made where it is new. Raises InputError where there are too many."""
        found = self.groups.get(name)
        if found is None:
            if len(self.groups) >= MAX_GROUPS:
                self.problems.error(where, f"more than {MAX_GROUPS:,} groups", "Split the inventory.")
                self.problems.check()
            found = self.groups[name] = Group(name, where)
        return found

    def child(self, parent: str, name: str, where: Where) -> None:
        """Make a group the child of another; both are there."""
        self.groups[parent].children.setdefault(name, where)

    def host(self, name: str, group: str, where: Where, port: int | None = None) -> HostEntry:
        """The host of a name, made where it is new, and put into a group. A port counts where the host is named first, as with
        Ansible. Raises InputError where there are too many hosts."""
        self._pay(MEMBER, where, "hosts that groups list")
        self.groups[group].hosts.setdefault(name)
        entry = self.hosts.get(name)
        if entry is None:
            if len(self.hosts) >= MAX_HOSTS:
                self.problems.error(where, f"more than {MAX_HOSTS:,} hosts", "Split the inventory.")
                self.problems.check()
            entry = self.hosts[name] = HostEntry(where, self.source, port)
        elif port is not None and port != entry.port:
            self.problems.warn(where, f"the port {port} does not count: {name[:60]} was named before, at {entry.where}",
                               "Set ansible_port, or write the port where the host stands first.")
        return entry

    def hosts_of(self, pattern: str, group: str, where: Where, variables: Map) -> None:
        """The hosts that a pattern with ranges and a port names, put into a group, with variables."""
        for name, port in expand(pattern, where, self.problems):
            entry = self.host(name, group, where, port)
            if variables:
                self._pay(len(entry.variables) and len(entry.variables) + len(variables), where, "variables of hosts")
                entry.lay_over(variables)

    def group_variables(self, name: str, variables: Map) -> None:
        """Lay variables over those of a group that is there; its priority is not one."""
        group = self.groups[name]
        if PRIORITY in variables:
            group.priority = self._priority(variables[PRIORITY], variables.at(PRIORITY))
            variables = Map({k: v for k, v in variables.items() if k != PRIORITY}, variables.where, variables.locations)
        group.variables = variables.merged_over(group.variables)

    def hide(self, sealed: str) -> None:
        """It comes from an encrypted file: variables are secret, and of mistakes no more is told than where they are. sealed: the
        digest of the ciphertext."""
        for group in self.groups.values():
            group.variables = secret_variables(group.variables, sealed)
        for host in self.hosts.values():
            host.variables = secret_variables(host.variables, sealed)
            if host.port:
                host.port = secret_variables(Map({PORT: host.port}, host.where), sealed)[PORT]
        found, self.problems = self.problems, Problems()
        encrypted.hide(found, self.problems)

    def _priority(self, value: Any, where: Where) -> int | None:
        try:
            return int(value)
        except (TypeError, ValueError, OverflowError):
            self.problems.error(where, f"{PRIORITY} is a whole number, not {quoted(value)}")
            return None
