"""The objects of the NetSecurity cmdlets: where each noun keeps them in the registry, how they are found and copied."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ringfence.lab.machine.machine import Machine
from ringfence.lab.netsecurity.cmdlet_errors import CmdletError, not_found
from ringfence.lab.netsecurity.wildcards import has_wildcards, matcher, without_escapes
from ringfence.lab.registry.hive import RESTRICTED, SimulatedRegistry
from ringfence.lab.registry.stored_rule import StoredRule

T = TypeVar("T")


@dataclass(frozen=True)
class Noun:
    """A noun of the module, like NetFirewallRule, and the registry key that holds its objects as values or as subkeys.

    `identity`: the property that "not found" names. `users`: where ids of its objects are used, as rule key → tokens.
    `primary`: the id of the default object, for sets.
    """

    name: str
    cim_class: str
    key: str
    in_subkeys: bool = False
    identity: str = "InstanceID"
    users: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    primary: str = ""

    def path(self, root: str) -> str:
        """The key that holds the objects. The service stores hold theirs in the subkey System."""
        return root + "\\" + ("System" if root.startswith(RESTRICTED) else self.key)

    def names(self, registry: SimulatedRegistry, root: str) -> list[str]:
        """The ids in a store, as they are spelt."""
        key = registry.key(self.path(root))
        return [] if key is None else [k.name for k in (key.keys if self.in_subkeys else key.values).values()]

    def find(self, registry: SimulatedRegistry, root: str, name: str) -> str | None:
        """The spelling of an id that is there, without wildcards."""
        key = registry.key(self.path(root))
        there = key and (key.keys if self.in_subkeys else key.values).get(name.lower())
        return there.name if there else None

    def delete(self, registry: SimulatedRegistry, root: str, name: str) -> None:
        """Removes one object."""
        if self.in_subkeys:
            registry.delete(self.path(root) + "\\" + name)
        else:
            registry.unset(self.path(root), name)

    def copy(self, registry: SimulatedRegistry, source: tuple[str, str], to: tuple[str, str]) -> None:
        """Copies (root, id) to (root, id)."""
        if not self.in_subkeys:
            registry.set(self.path(to[0]), to[1], registry.get(self.path(source[0]), source[1]))
            return
        base = self.path(to[0]) + "\\" + to[1]
        for relative, key in list(registry.tree(self.path(source[0]) + "\\" + source[1])):
            path = f"{base}\\{relative}" if relative else base
            registry.create(path)
            for value in key.values.values():
                registry.set(path, value.name, value.data, value.type)

    def read(self, registry: SimulatedRegistry, root: str, name: str) -> StoredRule:
        """A rule of this noun that is there."""
        return StoredRule.parse(self.key, str(registry.get(self.path(root), name) or ""))

    def properties(self, machine: Machine, root: str, name: str) -> dict[str, str]:
        """What the cmdlets select by: display name, group (as stored and as shown), and a rule's own few."""
        if self.in_subkeys:
            path = self.path(root) + "\\" + name
            display_name, group, description = (
                str(machine.registry.get(path, v) or "") for v in ("Name", "EmbeddedContext", "Description"))
            return {"DisplayName": display_name, "Group": group, "DisplayGroup": machine.text(group), "Description": description}
        rule = self.read(machine.registry, root, name)
        group = rule.first("EmbedCtxt")
        return {"DisplayName": machine.text(rule.first("Name")), "Group": group, "DisplayGroup": machine.text(group),
                "Description": machine.text(rule.first("Desc")), "Enabled": "True" if rule.is_true("Active") else "False",
                "Direction": "Outbound" if rule.first("Dir").lower() == "out" else "Inbound", "Owner": rule.first("LUOwn"),
                "Action": "Block" if rule.first("Action") == "Block" else "Allow"}


# [MS-GPFAS] 2.2.2, 2.2.4 to 2.2.7; MSFT_NetFirewallRule and its like. open: main-mode-crypto-key
NOUNS = {noun.name: noun for noun in (
    Noun("NetFirewallRule", "MSFT_NetFirewallRule", "FirewallRules"),
    Noun("NetIPsecRule", "MSFT_NetConSecRule", "ConSecRules"),
    Noun("NetIPsecMainModeRule", "MSFT_NetMainModeRule", "MainModeRules"),
    Noun("NetIPsecPhase1AuthSet", "MSFT_NetIKEP1AuthSet", "Phase1AuthenticationSets", True, "InstanceID",
         {"ConSecRules": ("Auth1Set",), "MainModeRules": ("Auth1Set",)}, "{E5A5D32A-4BCE-4e4d-B07F-4AB1BA7E5FE3}"),
    Noun("NetIPsecPhase2AuthSet", "MSFT_NetIKEP2AuthSet", "Phase2AuthenticationSets", True, "InstanceID",
         {"ConSecRules": ("Auth2Set",)}, "{E5A5D32A-4BCE-4e4d-B07F-4AB1BA7E5FE4}"),
    Noun("NetIPsecMainModeCryptoSet", "MSFT_NetIKEMMCryptoSet", "Phase1CryptoSet", True, "InstanceID",
         {"MainModeRules": ("Crypto1Set",)}, "{E5A5D32A-4BCE-4e4d-B07F-4AB1BA7E5FE1}"),
    Noun("NetIPsecQuickModeCryptoSet", "MSFT_NetIKEQMCryptoSet", "Phase2CryptoSets", True, "InstanceID",
         {"ConSecRules": ("Crypto2Set",)}, "{E5A5D32A-4BCE-4e4d-B07F-4AB1BA7E5FE2}"))}

# Set-NetFirewallRule, -DisplayName, -DisplayGroup, -Group
SET_BY = ("DisplayName", "DisplayGroup", "Group")
# Get-NetFirewallRule, -Description, -Enabled, -Direction, -Action, -Owner
QUERY_BY = (*SET_BY, "Description", "Enabled", "Direction", "Action", "Owner")


@dataclass(frozen=True, slots=True)
class Selection:
    """The ids that a cmdlet is about, each once, and the error for what was named exactly and is not there."""

    ids: list[str]
    missing: CmdletError | None = None

    def for_all(self, work: Callable[[str], object]) -> None:
        """Does the work on each object. Raises CmdletError."""
        for_each(self.ids, work, self.missing)


# Remove-NetFirewallRule and its like, with several objects. open: several-objects
def for_each(objects: Iterable[T], work: Callable[[T], object], missing: CmdletError | None = None) -> None:
    """Does the work on each object, whatever becomes of the others. Raises the first CmdletError at the end, or `missing`.

    In the cmdlets of Windows each object is a job of its own, and one that fails ends itself alone (PowerShell/PowerShell,
    cimChildJobBase.cs: ReportJobFailure). With -ErrorAction Stop those end there that have not begun; here they are done.
    """
    errors = []
    for one in objects:
        try:
            work(one)
        except CmdletError as error:
            errors.append(error)
    if errors or missing:
        raise errors[0] if errors else missing  # type: ignore[misc]


# Get-NetFirewallRule: how its parameters select
def select(machine: Machine, noun: Noun, root: str, arguments: Mapping[str, Any], by: tuple[str, ...] = QUERY_BY) -> Selection:
    """What the selecting parameters of a cmdlet name.

    `InputObject`: the name is that of an object at hand, which nobody has to look for.
    """
    names = arguments.get("Name") or arguments.get("IPsecRuleName")
    if not arguments.get("InputObject"):
        machine.went_through(noun.name, len(noun.names(machine.registry, root)))
    if names is not None:
        return _by_name(machine.registry, noun, root, names)
    ids, missing = noun.names(machine.registry, root), None
    for query, patterns in {q: arguments[q] for q in by if q in arguments}.items():
        known = {id: noun.properties(machine, root, id).get(query, "") for id in ids}
        for pattern in patterns:
            if not has_wildcards(pattern) and not any(matcher(pattern)(v) for v in known.values()):
                missing = missing or not_found(noun.cim_class, "RuleGroup" if query == "Group" else query, pattern)
        ids = [id for id in ids if any(matcher(p)(known[id]) for p in patterns)]
    return Selection(ids, missing)


# Get-NetFirewallRule, -Name; the error is that of cmdletization, Microsoft.PowerShell.Cmdletization
def _by_name(registry: SimulatedRegistry, noun: Noun, root: str, patterns: list[str]) -> Selection:
    ids, missing = list[str](), None
    for pattern in patterns:
        if has_wildcards(pattern):
            ids += filter(matcher(pattern), noun.names(registry, root))
            continue
        name = without_escapes(pattern)
        there = noun.find(registry, root, name)
        if there is None:
            missing = missing or not_found(noun.cim_class, noun.identity, name)
        else:
            ids.append(there)
    return Selection(list(dict.fromkeys(ids)), missing)


# [MS-FASP] 3.1.4.20: "only when the set is not a primary set"
def in_use(machine: Machine, noun: Noun, root: str, name: str) -> bool:
    """Whether a rule of the same store refers to this set. Primary sets never count."""
    if name.lower() == noun.primary.lower():
        return False
    registry = machine.registry
    return any(value.lower() == name.lower()
               for key, tokens in noun.users.items() for user in NOUNS.values() if user.key == key
               for rule in user.names(registry, root) for value in user.read(registry, root, rule).all(*tokens))
