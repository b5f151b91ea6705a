"""The policy in force on a simulated host, merged from its stores: profile values, and the rules of the ActiveStore."""

from collections.abc import Iterator

from ringfence.lab.machine.machine import Machine
from ringfence.lab.netsecurity.objects import Noun
from ringfence.lab.registry.hive import GROUP_POLICY, MDM, POLICY, Data
from ringfence.lab.registry.stored_rule import StoredRule

ON_WINS = {"DoNotAllowExceptions"}  # true in one store is true (MS-FASP 3.1.3)
# Never taken from the local store (MS-FASP 3.1.3), and what means something in policy alone (MS-FASP 2.2.38)
FROM_POLICY = {"AllowLocalPolicyMerge", "AllowLocalIPsecPolicyMerge", r"GloballyOpenPorts\AllowUserPrefMerge"}
_MERGES = {"FirewallRules": "AllowLocalPolicyMerge", "ConSecRules": "AllowLocalIPsecPolicyMerge"}


def profile_data(machine: Machine, profile: str, name: str) -> list[Data]:
    """What the stores have of a profile's value, the one that wins first: Group Policy, MDM, the local store. `name` may have a
    subkey before it. open: mdm-store"""
    group = rf"{GROUP_POLICY}\{profile}Profile"
    legacy = all(machine.registry.key(rf"{GROUP_POLICY}\{p}Profile") is None for p in ("Private", "Public"))
    if profile != "Domain" and legacy:
        group = GROUP_POLICY + r"\StandardProfile"  # MS-GPFAS 2.2.3
    below = ("Standard" if profile == "Private" else profile) + "Profile"
    stores = (group, rf"{MDM}\{below}") if name in FROM_POLICY else (group, rf"{MDM}\{below}", rf"{POLICY}\{below}")
    subkey, _, value = name.rpartition("\\")
    found = (machine.registry.get(f"{path}\\{subkey}" if subkey else path, value) for path in stores)
    return [data for data in found if data is not None]


def profile_value(machine: Machine, profile: str, name: str) -> int | None:
    """A profile's number in force; values that win when on, from any store."""
    values = [v for v in profile_data(machine, profile, name) if isinstance(v, int)]
    if not values:
        return None
    return max(values) if name in ON_WINS else values[0]


def global_data(machine: Machine, name: str) -> Data:
    """A setting of the whole computer in force (MS-FASP 2.2.42: that of Group Policy wins). open: mdm-store"""
    found = (machine.registry.get(root, name) for root in (GROUP_POLICY, MDM, POLICY))
    return next((data for data in found if data is not None), None)


def rules_in_force(machine: Machine, key: str, profile: str) -> Iterator[tuple[str, str]]:
    """(root, rule string) of the rules of a key; of two with one id the one of Group Policy stays (New-NetFirewallRule, -Name).
    Local ones count where policy does not forbid the merge for this profile."""
    merge = key not in _MERGES or profile_value(machine, profile, _MERGES[key]) != 0
    seen: set[str] = set()
    for root in (GROUP_POLICY, MDM, POLICY) if merge else (GROUP_POLICY, MDM):
        rules = machine.registry.key(f"{root}\\{key}")
        for folded, value in (rules.values.items() if rules else ()):
            if folded not in seen and isinstance(value.data, str):
                seen.add(folded)
                yield root, value.data


def active_store(machine: Machine, noun: Noun) -> dict[str, tuple[str, StoredRule]]:
    """{id: (root, rule)} of the ActiveStore; of two rules with one id the one of Group Policy stays."""
    rules: dict[str, tuple[str, StoredRule]] = {}
    seen: set[str] = set()
    for root in (GROUP_POLICY, MDM, POLICY):
        for id in noun.names(machine.registry, root):
            if id.lower() not in seen:
                seen.add(id.lower())
                rules[id] = (root, noun.read(machine.registry, root, id))
    return rules
