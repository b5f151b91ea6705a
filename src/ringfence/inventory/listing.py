"""Groups and hosts as `ansible-inventory --list` prints them: equal as JSON, but for what secrets are shown as."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from ringfence.documents.vault import Vaulted
from ringfence.documents.yaml import Map, Unsafe
from ringfence.inventory.inventory import Inventory
from ringfence.inventory.script_inventory import UNSAFE_MEMBER, VAULT_MEMBER, ProgramText
from ringfence.secret import Secret

# variables that Ansible makes itself and does not list, whoever else sets them (INTERNAL_STATIC_VARS of its constants.py)
MADE_BY_ANSIBLE = frozenset({
    "ansible_async_path", "ansible_collection_name", "ansible_config_file", "ansible_dependent_role_names", "ansible_diff_mode",
    "ansible_facts", "ansible_forks", "ansible_inventory_sources", "ansible_limit", "ansible_play_batch", "ansible_play_hosts",
    "ansible_play_hosts_all", "ansible_play_role_names", "ansible_playbook_python", "ansible_role_name", "ansible_role_names",
    "ansible_run_tags", "ansible_skip_tags", "ansible_verbosity", "ansible_version", "inventory_dir", "inventory_file",
    "inventory_hostname", "inventory_hostname_short", "groups", "group_names", "hostvars", "playbook_dir", "play_hosts",
    "role_name", "role_names", "role_path", "role_uuid"})

Show = Callable[[str, Any], Any]
"""A variable's value as plain data, by its name."""


def plain(value: Any) -> Any:
    """A value as Ansible writes it into JSON: encrypted and unsafe texts as mappings that say so. A Secret is shown."""
    if isinstance(value, Vaulted):
        return {VAULT_MEMBER: value.ciphertext}
    if isinstance(value, Unsafe):
        return str(value) if isinstance(value, ProgramText) else {UNSAFE_MEMBER: str(value)}
    if isinstance(value, Secret):
        return plain(value.reveal())
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return [plain(v) for v in value] if isinstance(value, list) else value


def in_order(value: Any) -> Any:
    """Plain data with mappings in the order of their keys. YAML has numbers, texts and nothing as keys of one mapping, and these
    have no order of their own."""
    if isinstance(value, dict):
        return {key: in_order(inner) for key, inner in sorted(value.items(), key=lambda pair: str(pair[0]))}
    return [*map(in_order, value)] if isinstance(value, list) else value


class ShownGroups:
    """Groups with those of their hosts that are left, and without the groups that have none of these. hosts: None: all are."""

    def __init__(self, inventory: Inventory, hosts: Collection[str] | None) -> None:
        self._groups, self._members = inventory.groups, inventory.members
        self._left = None if hosts is None else frozenset(hosts)

    def has(self, group: str) -> bool:
        """Whether a group is shown."""
        return self._left is None or not self._left.isdisjoint(self._members[group])

    def hosts(self, group: str) -> list[str]:
        """Its own hosts."""
        return [name for name in self._groups[group].hosts if self._left is None or name in self._left]

    def children(self, group: str) -> list[str]:
        """The groups in it."""
        return [name for name in self._groups[group].children if self.has(name)]


def listing(inventory: Inventory, variables: Callable[[str], Map], show: Show, hosts: Collection[str]) -> dict[str, Any]:
    """Groups by name, each with those of its own hosts that are among `hosts` and with its children, and `_meta.hostvars`. A
    group that has neither is left out. variables: those of a host."""
    found: dict[str, Any] = {}
    seen, todo = {"all"}, ["all"]
    while todo:
        name = todo.pop()
        group = inventory.groups[name]
        own = [h for h in group.hosts if h in hosts] if name != "all" else []
        if said := {key: value for key, value in (("hosts", own), ("children", [*group.children])) if value}:
            found[name] = said
        new = [child for child in group.children if child not in seen]
        seen.update(new)
        todo += reversed(new)
    of_hosts = {host: _shown(variables(host), show) for host in hosts}
    return {**found, "_meta": {"hostvars": {host: values for host, values in of_hosts.items() if values}}}


def _shown(variables: Mapping[str, Any], show: Show) -> dict[str, Any]:
    return {name: show(name, value) for name, value in variables.items() if name not in MADE_BY_ANSIBLE}


def tree(inventory: Inventory, variables: Callable[[str], Map], show: Show, hosts: Collection[str]) -> dict[str, Any]:
    """The same as an inventory that can be read again (`--yaml`): groups in each other, the variables of a host where it stands
    first. The other arguments are those of `listing`."""
    seen_groups: set[str] = set()
    seen_hosts: set[str] = set()

    def variables_once(host: str) -> dict[str, Any]:
        if host in seen_hosts:
            return {}
        seen_hosts.add(host)
        return _shown(variables(host), show)

    def of(name: str) -> dict[str, Any]:
        group = inventory.groups[name]
        children: dict[str, Any] = {}
        for child in group.children:
            if child in seen_groups:
                children[child] = {}
            elif below := of(child):
                children[child] = below
            seen_groups.add(child)
        own = {h: variables_once(h) for h in group.hosts if h in hosts} if name != "all" else {}
        return {key: value for key, value in (("children", children), ("hosts", own)) if value}

    said = of("all")
    return {"all": said} if said else {}
