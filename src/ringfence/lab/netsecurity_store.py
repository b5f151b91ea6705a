"""Policy stores and the objects in them: where each lives in the registry, how it is found, copied and removed."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

from ringfence.lab.failures import native, not_found
from ringfence.lab.registry import GROUP_POLICY, POLICY, RESTRICTED, Registry
from ringfence.lab.rulestring import Rule

DEFAULTS = r"SYSTEM\CurrentControlSet\Services\SharedAccess\Defaults\FirewallPolicy"


class Host(Protocol):
    """What the cmdlets need of a machine."""

    name: str
    schema: str
    domain: str | None
    registry: Registry
    dosp: dict[str, dict[str, Any]]

    def aliases(self, patterns: list[str]) -> list[str]:
        """Interface GUIDs for aliases, which may hold wildcards; [] for Any."""

    def text(self, resource: str) -> str:
        """The text behind an `@file.dll,-id` resource; anything else as it is."""


def store(host: Host, name: str, write: bool = True) -> str:
    """The registry root of a policy store, for writing or for reading (Copy). Raises native error 50, 2 or 1355."""
    word = name.lower()
    if word in ("", "persistentstore"):
        return POLICY
    if word in ("localhost", host.name.lower()):
        return GROUP_POLICY
    if word == "configurableservicestore":
        return RESTRICTED + r"\Configurable"
    reading = {"activestore": POLICY, "rsop": GROUP_POLICY, "systemdefaults": DEFAULTS,
               "staticservicestore": RESTRICTED + r"\Static"}
    if word in reading:
        if write:
            raise native(50, f"The store {name} is read-only.")
        return reading[word]
    if "\\" in word and (host.domain or "").lower() != word.partition("\\")[0]:
        raise native(1355)
    raise native(2, f"Policy store {name}.")


def matcher(pattern: str) -> Callable[[str], bool]:
    """A PowerShell wildcard pattern (* ? [a-z], ` escapes) as a test without case."""
    compiled = _wildcard(pattern)
    return lambda text: compiled.fullmatch(text) is not None


@cache
def _wildcard(pattern: str) -> re.Pattern[str]:
    parts = re.findall(r"`.|\[[^\]]+\]|[*?]|[^`*?\[]+|.", pattern, re.DOTALL)
    made = [re.escape(p[1]) if p[0] == "`" and len(p) == 2
            else ".*" if p == "*" else "." if p == "?"
            else "[" + p[1:-1].replace("\\", r"\\").replace("^", r"\^") + "]" if p[0] == "[" and p[-1] == "]" and len(p) > 2
            else re.escape(p) for p in parts]
    return re.compile("".join(made), re.IGNORECASE | re.DOTALL)


def wild(name: str) -> bool:
    """Whether a -Name holds wildcards that no backtick escapes."""
    return re.search(r"[*?\[]", re.sub(r"`.", "", name)) is not None


def literal(name: str) -> str:
    """A name without wildcards, its escapes undone."""
    return re.sub(r"`(.)", r"\1", name)


@dataclass(frozen=True)
class Kind:
    """A noun of the module: its registry key and the word its `not found` uses. Objects are values or subkeys."""

    noun: str
    cls: str
    key: str
    in_subkeys: bool = False
    identity: str = "InstanceID"
    users: Mapping[str, tuple[str, ...]] = field(default_factory=dict)   # where its ids are used: rule key → tokens
    primary: str = ""

    def path(self, root: str) -> str:
        """The key that holds the objects. The service stores hold theirs in the subkey System."""
        return root + "\\" + ("System" if root.startswith(RESTRICTED) else self.key)

    def names(self, registry: Registry, root: str) -> list[str]:
        """The ids in a store, as they are spelt."""
        key = registry.key(self.path(root))
        return [] if key is None else [k.name for k in (key.keys if self.in_subkeys else key.values).values()]

    def find(self, registry: Registry, root: str, name: str) -> str | None:
        """The spelling of an id that is there, without wildcards."""
        key = registry.key(self.path(root))
        found = key and (key.keys if self.in_subkeys else key.values).get(name.casefold())
        return found.name if found else None

    def delete(self, registry: Registry, root: str, name: str) -> None:
        """Removes one object."""
        if self.in_subkeys:
            registry.delete(self.path(root) + "\\" + name)
        else:
            registry.unset(self.path(root), name)

    def copy(self, registry: Registry, source: tuple[str, str], to: tuple[str, str]) -> None:
        """Copies (root, id) to (root, id)."""
        if not self.in_subkeys:
            registry.set(self.path(to[0]), to[1], registry.get(self.path(source[0]), source[1]))
            return
        base = self.path(to[0]) + "\\" + to[1]
        for relative, key in list(registry.tree(self.path(source[0]) + "\\" + source[1])):
            path = f"{base}\\{relative}" if relative else base
            registry.create(path)
            for value in key.values.values():
                registry.set(path, value.name, value.data, value.kind)

    def read(self, registry: Registry, root: str, name: str) -> Rule:
        """A rule of this kind that is there."""
        return Rule.parse(self.key, str(registry.get(self.path(root), name) or ""))

    def properties(self, host: Host, root: str, name: str) -> dict[str, str]:
        """What the cmdlets select by: display name, group (as stored and as shown), and a rule's own few."""
        if self.in_subkeys:
            path = self.path(root) + "\\" + name
            shown, context, about = (str(host.registry.get(path, v) or "") for v in ("Name", "EmbeddedContext", "Description"))
            return {"DisplayName": shown, "Group": context, "DisplayGroup": host.text(context), "Description": about}
        rule = self.read(host.registry, root, name)
        group = rule.one("EmbedCtxt")
        return {"DisplayName": host.text(rule.one("Name")), "Group": group, "DisplayGroup": host.text(group),
                "Description": host.text(rule.one("Desc")), "Enabled": "True" if rule.true("Active") else "False",
                "Direction": "Outbound" if rule.one("Dir").lower() == "out" else "Inbound", "Owner": rule.one("LUOwn"),
                "Action": "Block" if rule.one("Action") == "Block" else "Allow"}


KINDS = {k.noun: k for k in (
    Kind("NetFirewallRule", "MSFT_NetFirewallRule", "FirewallRules"),
    Kind("NetIPsecRule", "MSFT_NetConSecRule", "ConSecRules"),
    Kind("NetIPsecMainModeRule", "MSFT_NetMainModeRule", "MainModeRules"),
    Kind("NetIPsecPhase1AuthSet", "MSFT_NetIKEP1AuthSet", "Phase1AuthenticationSets", True, "InstanceID",
         {"ConSecRules": ("Auth1Set",), "MainModeRules": ("Auth1Set",)}, "{E5A5D32A-4BCE-4e4d-B07F-4AB1BA7E5FE3}"),
    Kind("NetIPsecPhase2AuthSet", "MSFT_NetIKEP2AuthSet", "Phase2AuthenticationSets", True, "InstanceID",
         {"ConSecRules": ("Auth2Set",)}, "{E5A5D32A-4BCE-4e4d-B07F-4AB1BA7E5FE4}"),
    Kind("NetIPsecMainModeCryptoSet", "MSFT_NetIKEMMCryptoSet", "Phase1CryptoSet", True, "InstanceID",
         {"MainModeRules": ("Crypto1Set",)}, "{E5A5D32A-4BCE-4e4d-B07F-4AB1BA7E5FE1}"),
    Kind("NetIPsecQuickModeCryptoSet", "MSFT_NetIKEQMCryptoSet", "Phase2CryptoSets", True, "InstanceID",
         {"ConSecRules": ("Crypto2Set",)}, "{E5A5D32A-4BCE-4e4d-B07F-4AB1BA7E5FE2}"))}

SET_BY = ("DisplayName", "DisplayGroup", "Group")
QUERY_BY = (*SET_BY, "Description", "Enabled", "Direction", "Action", "Owner")


def select(host: Host, kind: Kind, root: str, given: Mapping[str, Any], by: tuple[str, ...] = QUERY_BY) -> list[str]:
    """The ids that the selecting parameters of a cmdlet name, each once. Raises not found for exact names."""
    named = given.get("Name") or given.get("IPsecRuleName")
    names = kind.names(host.registry, root)
    if named is not None:
        found: list[str] = []
        for name in named:
            if wild(name):
                found += filter(matcher(name), names)
            elif (there := kind.find(host.registry, root, literal(name))) is None:
                raise not_found(kind.cls, kind.identity, literal(name))
            else:
                found.append(there)
        return list(dict.fromkeys(found))
    wanted = {q: given[q] for q in by if q in given}
    for query, patterns in wanted.items():
        known = {n: kind.properties(host, root, n).get(query, "") for n in names}
        for pattern in patterns:
            if not wild(pattern) and not any(matcher(pattern)(v) for v in known.values()):
                raise not_found(kind.cls, "RuleGroup" if query == "Group" else query, pattern)
        names = [n for n in names if any(matcher(p)(known[n]) for p in patterns)]
    return names


def in_use(host: Host, kind: Kind, root: str, name: str) -> bool:
    """Whether a rule of the same store refers to this set. Primary sets never count."""
    if name.casefold() == kind.primary.casefold():
        return False
    registry = host.registry
    return any(value.casefold() == name.casefold()
               for key, tokens in kind.users.items() for user in KINDS.values() if user.key == key
               for rule in user.names(registry, root) for value in user.read(registry, root, rule).all(*tokens))
