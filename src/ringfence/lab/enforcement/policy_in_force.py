"""The policy in force on a simulated host, merged from its stores: profile values, and the rules of the ActiveStore."""

from collections.abc import Iterator

from ringfence.lab.machine.machine import Machine
from ringfence.lab.netsecurity.objects import Noun
from ringfence.lab.registry.hive import GROUP_POLICY, MDM, POLICY
from ringfence.lab.registry.stored_rule import StoredRule

ON_WINS = {"DoNotAllowExceptions"}  # true in one store is true (MS-FASP 3.1.3)
FROM_POLICY = {"AllowLocalPolicyMerge", "AllowLocalIPsecPolicyMerge"}  # never taken from the local store (MS-FASP 3.1.3)


def profile_value(machine: Machine, profile: str, name: str) -> int | None:
    """A profile's value in force: Group Policy's, else the local one; values that win when on, from either."""
    group = rf"{GROUP_POLICY}\{profile}Profile"
    legacy = all(machine.registry.key(rf"{GROUP_POLICY}\{p}Profile") is None for p in ("Private", "Public"))
    if profile != "Domain" and legacy:
        group = GROUP_POLICY + r"\StandardProfile"
    local = rf"{POLICY}\{'Standard' if profile == 'Private' else profile}Profile"
    stores = (group,) if name in FROM_POLICY else (group, local)
    values = [v for v in (machine.registry.get(path, name) for path in stores) if isinstance(v, int)]
    if not values:
        return None
    return max(values) if name in ON_WINS else values[0]


def rule_strings(machine: Machine, key: str, merge: bool) -> Iterator[str]:
    """The rule strings in force; of two rules with one id the one of Group Policy stays. `merge`: local ones count."""
    seen: set[str] = set()
    for root in (GROUP_POLICY, MDM, POLICY) if merge else (GROUP_POLICY, MDM):
        rules = machine.registry.key(f"{root}\\{key}")
        for folded, value in (rules.values.items() if rules else ()):
            if folded not in seen and isinstance(value.data, str):
                seen.add(folded)
                yield value.data


def active_store(machine: Machine, noun: Noun) -> dict[str, tuple[str, StoredRule]]:
    """{id: (root, rule)} of the ActiveStore; of two rules with one id the one of Group Policy stays."""
    rules: dict[str, tuple[str, StoredRule]] = {}
    seen: set[str] = set()
    for root in (GROUP_POLICY, MDM, POLICY):
        for id in noun.names(machine.registry, root):
            if id.casefold() not in seen:
                seen.add(id.casefold())
                rules[id] = (root, noun.read(machine.registry, root, id))
    return rules
