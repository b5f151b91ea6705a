"""The policy as `netsh advfirewall export` writes it into a file, and what an import of it does to the registry.

What is in it is what real exports hold: values of the root, the three profiles, rules, connection security rules and
authentication sets with their keys in clear. Not in it are dynamic keywords, service restrictions, rules of packages that Windows
keeps apart, device management, Group Policy and DoS protection.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from ringfence.lab.registry.hive import POLICY, Data, SimulatedRegistry

# Seen in exports of three machines: the first seven; [MS-GPFAS] 2.2.3, 2.2.5 and 2.2.6 have the others beside them.
# open: export-of-sets
EXPORTED_KEYS = ("ConSecRules", "DomainProfile", "FirewallRules", "Phase1AuthenticationSets", "Phase2AuthenticationSets",
                 "PublicProfile", "StandardProfile", "MainModeRules", "Phase1CryptoSet", "Phase1CryptoSets", "Phase2CryptoSets")
_BYTES_OF_A_KEY, _BYTES_OF_A_VALUE = 88, 28  # about, of the cells of a hive beside names and data
Values = Mapping[str, tuple[str, Data]]


@dataclass(frozen=True)
class ExportedPolicy:
    """A hive: its keys, by their paths below the root ("" is the root), with their values as name → (type, data)."""

    keys: Mapping[str, Values]

    @property
    def size(self) -> int:
        """In bytes, about as the hive would have."""
        names = sum(_BYTES_OF_A_KEY + 2 * len(path) for path in self.keys)
        data = sum(_BYTES_OF_A_VALUE + 2 * len(name) + 2 * len(str(data))
                   for values in self.keys.values() for name, (_, data) in values.items())
        return 4096 * (1 + (names + data) // 4096)


def exported(registry: SimulatedRegistry) -> ExportedPolicy:
    """What an export of the local policy holds; keys with nothing in or below them are not there."""
    keys: dict[str, Values] = {}
    root = registry.key(POLICY)
    keys[""] = {v.name: (v.type, v.data) for v in root.values.values()} if root else {}
    for name in EXPORTED_KEYS:
        there = [(relative, key) for relative, key in registry.tree(f"{POLICY}\\{name}")]
        if any(key.values for _, key in there):
            keys |= {f"{name}\\{relative}".rstrip("\\"): {v.name: (v.type, v.data) for v in key.values.values()}
                     for relative, key in there}
    return ExportedPolicy(keys)


def import_steps(registry: SimulatedRegistry, policy: ExportedPolicy) -> list[Callable[[], object]]:
    """What an import does, one change after another: what the file has not goes, then what it has comes. open: import-order"""
    wanted = {path.lower(): (path, values) for path, values in policy.keys.items()}
    now = {path.lower(): (path, values) for path, values in exported(registry).keys.items()}
    gone: list[Callable[[], object]] = []
    for folded, (path, values) in now.items():
        whole = f"{POLICY}\\{path}".rstrip("\\")
        if folded not in wanted:
            if folded.rpartition("\\")[0] in wanted or "\\" not in folded:  # with all that is below
                gone.append(partial(registry.delete, whole))
            continue
        kept = {name.lower() for name in wanted[folded][1]}
        gone += [partial(registry.unset, whole, name) for name in values if name.lower() not in kept]
    come: list[Callable[[], object]] = []
    for folded, (path, values) in wanted.items():
        whole = f"{POLICY}\\{path}".rstrip("\\")
        if folded not in now:
            come.append(partial(registry.create, whole))
        held = {name.lower(): stored for name, stored in now[folded][1].items()} if folded in now else {}
        come += [partial(registry.set, whole, name, data, kind) for name, (kind, data) in values.items()
                 if held.get(name.lower()) != (kind, data)]
    return gone + come
