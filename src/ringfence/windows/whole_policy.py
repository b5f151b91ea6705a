"""What of a host's policy no kind manages: restrictions of services, isolation of apps, and values of the registry beside.

Restrictions are rule strings too (StaticServiceStore, ConfigurableServiceStore: New-NetFirewallRule, -PolicyStore). Windows ships
the static ones and enforces them although most have no `Active=` token, which means off by [MS-GPFAS] 2.2.2.19 elsewhere: 1,301
such strings of real machines, all of them here. They are read and shown, never written.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ringfence.codecs.registry import RegistryTree, parse_tree
from ringfence.model.resource import Kind
from ringfence.model.state import Id, State
from ringfence.model.storage import RegistryKeys, RuleStrings, SetKeys
from ringfence.windows.origin import APP_ISOLATION, CONFIGURABLE_SERVICE, STATIC_SERVICE
from ringfence.windows.read import STORES

RESTRICTED = "restricted"  # the store of a Policy.Read that holds all three
RESTRICTED_KEYS = {STATIC_SERVICE: r"Static\System", CONFIGURABLE_SERVICE: r"Configurable\System",
                   APP_ISOLATION: r"AppIso\FirewallRules"}
LEGACY_KEYS = {  # below a profile of Group Policy: what Windows XP had in place of rules; real GPOs still bring it
    r"Services\RemoteDesktop": "Remote Desktop", r"Services\FileAndPrint": "file and printer sharing",
    "RemoteAdminSettings": "remote administration", "IcmpSettings": "ICMP", r"AuthorizedApplications\List": "programs",
    r"GloballyOpenPorts\List": "ports"}
MAX_VALUES = 1_000  # values of the registry that no kind has, shown of one store
MAX_UNMANAGED = 500  # characters of a value that no kind manages


@dataclass(frozen=True, slots=True)
class UnmanagedValue:
    """A value of the registry that no property is stored in; `key` is its path below the root of the store."""

    store: str
    key: str
    name: str
    data: str

    @property
    def legacy(self) -> str:
        """What a policy of Windows XP's form is about; nothing for other values."""
        below = self.key.partition("\\")[2].lower()
        return next((about for key, about in LEGACY_KEYS.items() if below == key.lower()), "")


def read_restricted(answer: Any, kinds: Mapping[str, Kind]) -> State:
    """The restrictions in the value of a Policy.Read of RESTRICTED, each in its own store."""
    tree, rules = _tree(answer, RESTRICTED), [k for k in kinds.values() if _of_firewall_rules(k)]
    found = {}
    for store, key in RESTRICTED_KEYS.items():
        for kind in rules:
            for name, (_, text) in tree.get(key.lower(), {}).items():
                if isinstance(text, str) and name:
                    rule = kind.read_string(name, text)
                    active = "|active=" in text.lower()
                    found[Id(store, kind.name, name.lower())] = rule if active else rule.read_as(enabled=True)
    return State(found)


def _of_firewall_rules(kind: Kind) -> bool:
    return isinstance(kind.storage, RuleStrings) and kind.storage.subkey == "FirewallRules"


def unmanaged_values(policy: Any, kinds: Mapping[str, Kind]) -> tuple[UnmanagedValue, ...]:
    """What else stands in the stores of a Policy.Read, at most MAX_VALUES of each: settings that no kind has, legacy keys of
    Group Policy, keys that later versions of Windows brought."""
    return tuple(value for store in STORES for value in _unmanaged(store, _tree(policy, store), kinds))


def _unmanaged(store: str, tree: RegistryTree, kinds: Mapping[str, Kind]) -> Iterator[UnmanagedValue]:
    rules, sets, values = _managed(store, tree, kinds)
    left = MAX_VALUES
    for path, held in tree.items():
        if any(path == key or path.startswith(f"{key}\\") for key in sets):
            continue
        for name, (type, data) in held.items():
            is_read = RuleStrings.is_rule(name, type, data) if path in rules else (path, name.lower()) in values
            if not is_read and left:
                left -= 1
                yield UnmanagedValue(store, tree.spelled.get(path, path), name, str(data)[:MAX_UNMANAGED])


def _managed(store: str, tree: RegistryTree, kinds: Mapping[str, Kind]) -> tuple[set[str], set[str], set[tuple[str, str]]]:
    """The keys whose texts are rules, those of sets, which are read wholly, and single values; in lower case."""
    rules, sets, values = set[str](), set[str](), set[tuple[str, str]]()
    for kind in kinds.values():
        storage = kind.storage
        if isinstance(storage, RuleStrings):
            rules.add(storage.subkey.lower())
        elif isinstance(storage, SetKeys):
            sets.update(k.lower() for k in storage.subkeys)
        elif isinstance(storage, RegistryKeys):
            values.update(("\\".join(filter(None, (root, codec.path))).lower(), codec.name.lower())
                          for root in storage.roots_in(tree, store) for codec in kind.registry_values.values())
    return rules, sets, values


def _tree(answer: Any, store: str) -> RegistryTree:
    rows = answer.get(store) if isinstance(answer, dict) else None
    return parse_tree(rows) if isinstance(rows, list) else RegistryTree()
