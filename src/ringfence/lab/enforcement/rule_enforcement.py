"""Whether rules of the ActiveStore are enforced on a simulated host, and why not."""

from collections.abc import Container, Iterable
from typing import Any

from ringfence.lab.enforcement.policy_in_force import profile_value
from ringfence.lab.machine.machine import Machine
from ringfence.lab.netsecurity import ipsec_rules
from ringfence.lab.netsecurity.cmdlet_errors import STATUS_TEXTS, CmdletError
from ringfence.lab.netsecurity.objects import NOUNS, Noun
from ringfence.lab.registry.hive import GROUP_POLICY, MDM, POLICY
from ringfence.lab.registry.stored_rule import StoredRule

STORES = (GROUP_POLICY, MDM, POLICY)  # of which the ActiveStore is made; the first that has a name counts
SOURCE_TYPES = {POLICY: "Local", GROUP_POLICY: "GroupPolicy", MDM: "MDM"}  # PolicyStoreSourceType; of MDM no document says it
_FEW_NAMES = 20  # so many the host script asks for by name; of more, it reads the whole store
_FEW_REASONS = 3  # so many it tells of each object that was not read
_SHOWN = ("Enabled", "Direction", "Action")
_CATEGORIES = {"FirewallRules": 2, "ConSecRules": 3, "MainModeRules": 3}  # NET_FW_RULE_CATEGORY, netfw.h
OK = (0x00010000, "The rule was parsed successfully from the store.")


def enforcement(machine: Machine, noun_name: str, names: Iterable[str]) -> dict[str, Any]:
    """Enforcement.Read: {name as it was asked: status} of the rules that are there. Where some cannot be read, nobody knows
    which of those that were not found these are."""
    noun, asked = NOUNS[noun_name], list(names)
    by_name = {name.lower() for name in asked} if len(asked) <= _FEW_NAMES else None
    failed = unreadable(machine, noun, by_name) if asked else {}
    if asked:
        machine.went_through(noun_name, sum(len(noun.names(machine.registry, root)) for root in STORES), "ActiveStore")
    rules: dict[str, tuple[str, str, StoredRule]] = {}
    for root in STORES:
        for name in asked:
            there = noun.find(machine.registry, root, name)
            if there is not None and there not in rules and there.lower() not in failed:
                rules[there] = (name, root, noun.read(machine.registry, root, there))
    found: dict[str, Any] = {
        name: {**rule_status(machine, noun, root, rule), "source": SOURCE_TYPES[root],
               "shows": {p: value for p, value in noun.properties(machine, root, there).items() if p in _SHOWN}}
        for there, (name, root, rule) in rules.items()}
    if failed:
        unread = [{"fact": noun_name, "why": why} for why in list(failed.values())[:_FEW_REASONS]]
        found |= {name: {"unread": unread} for name in asked if name not in found}
    return found


def unreadable(machine: Machine, noun: Noun, names: Container[str] | None) -> dict[str, str]:
    """{name in lower case: why} of the rules that the ActiveStore cannot show, among `names`, or (None) of all."""
    named = {name.lower(): why for name, why in machine.faults.unreadable_rules.items() if names is None or name.lower() in names}
    return {name: why for name, why in named.items() if any(noun.find(machine.registry, root, name) for root in STORES)}


def rule_status(machine: Machine, noun: Noun, root: str, rule: StoredRule) -> dict[str, Any]:
    """The status of one rule of the ActiveStore."""
    code, text = OK
    try:
        if noun.key != "FirewallRules" and rule.first("Action") != "DoNotSecure":
            ipsec_rules.check_sets(machine.registry, root, rule)
    except CmdletError as error:
        code = error.code or 0
        return {"primary_status": "Error", "enforcement": ["Invalid"], "status": f"{STATUS_TEXTS[code]} ({code})"}
    reasons = _not_enforced(machine, noun, root, rule)
    return {"primary_status": "Inactive" if reasons else "OK", "enforcement": reasons or ["Enforced"],
            "status": f"{text} ({code})"}


def _not_enforced(machine: Machine, noun: Noun, root: str, rule: StoredRule) -> list[str]:
    """Why a rule that is valid is not enforced, by the names of MSFT_NetFirewallRule's EnforcementStatus."""
    if not rule.is_true("Active"):
        return ["DisabledObject"]
    if any(_CATEGORIES[noun.key] in taken for taken in machine.surroundings.taken_over.values()):
        return ["CategoryOff"]
    active = {(i.profile or "public").capitalize() for i in machine.interfaces if i.status == "up"}
    profiles = [p for p in ("Domain", "Private", "Public") if p in (rule.all("Profile") or (p,)) and p in active]
    if not profiles:
        return ["InactiveProfile"]
    if all(profile_value(machine, p, "EnableFirewall") == 0 for p in profiles):
        return ["FirewallOffInProfile"]
    merge, disallowed = (("AllowLocalPolicyMerge", "LocalFirewallRulesDisallowed") if noun.key == "FirewallRules" else
                         ("AllowLocalIPsecPolicyMerge", "LocalConsecRulesDisallowed"))
    if root == POLICY and all(profile_value(machine, p, merge) == 0 for p in profiles):
        return [disallowed]
    far = rule.all("RA4", "RA6", "RA42", "RA62", "EP2_4", "EP2_6")
    if (rule.has("RADynKey") and not far) or (far and all(_stands_for_nothing(machine, word.lower()) for word in far)):
        return ["RemoteAddressResolutionEmpty"]
    return []


def _stands_for_nothing(machine: Machine, word: str) -> bool:
    """Whether a keyword of remote addresses has no address at this moment ([MS-FASP] 2.2.21 says what each stands for). The
    gateway is the lab's DHCP server; there are no WINS servers, no intranet, no players and no captive portal."""
    up = [i for i in machine.interfaces if i.status == "up"]
    servers = {"dns": [i.dns_servers for i in up], "dhcp": [i.gateways for i in up], "defaultgateway": [i.gateways for i in up],
               "wins": [], "intranet": [], "rmtintranet": [], "ply2renders": [], "captiveportal": []}
    return word in servers and not any(servers[word])
