"""The policy that holds in one profile of a simulated host, read once for a state of its registry."""

import ipaddress
from collections import defaultdict
from collections.abc import Iterator
from weakref import WeakKeyDictionary

from ringfence.lab.enforcement.address_conditions import subnets_of
from ringfence.lab.enforcement.policy_in_force import global_data, profile_data, profile_value, rules_in_force
from ringfence.lab.enforcement.rule_conditions import Effect, RuleConditions, conditions
from ringfence.lab.enforcement.rule_lookup import RuleLookup
from ringfence.lab.machine.machine import Machine, NetworkAdapter
from ringfence.lab.netsecurity import ipsec_rules
from ringfence.lab.netsecurity.cmdlet_errors import CmdletError
from ringfence.lab.registry.hive import POLICY, RESTRICTED
from ringfence.lab.registry.stored_rule import StoredRule

FIREWALL, CONNECTION_SECURITY = 2, 3  # NET_FW_RULE_CATEGORY (netfw.h): what a product has taken over Windows does not do
# CMD Set-NetFirewallSetting, -Exemptions: from Windows 7 on neighbour discovery (1) and DHCP (8)
DEFAULT_EXEMPTIONS = 9


class ProfilePolicy:
    """What the registry says for one profile, [MS-FASP] 2.2.38 and its merge laws; `profile` is Domain, Private or Public.

    Rules are those that are enabled and in force: of the local store as far as policy lets it add any."""

    def __init__(self, machine: Machine, profile: str) -> None:
        def value(name: str) -> int | None:
            return profile_value(machine, profile, name)

        self.is_off, self.is_shielded = value("EnableFirewall") == 0, value("DoNotAllowExceptions") == 1
        self.admits_by_default, self.sends_by_default = value("DefaultInboundAction") == 0, value("DefaultOutboundAction") != 1
        self.disabled_interfaces = next((str(data).lower() for data in profile_data(machine, profile, "DisabledInterfaces")), "")
        self.subnets, self.all_subnets = subnets_of(machine.interfaces, profile), subnets_of(machine.interfaces)
        exemptions = global_data(machine, "IPSecExempt")
        self.exemptions = exemptions if isinstance(exemptions, int) else DEFAULT_EXEMPTIONS
        machines, users = (global_data(machine, f"IPsecTransportRemote{who}AuthorizationList") for who in ("Machine", "User"))
        self.peer_lists = (str(machines or ""), str(users or ""))
        self._rules = list(_firewall_rules(machine, profile))
        self.connection_security = list(_connection_security_rules(machine, profile))
        self.of_services = _rules_of_services(machine)
        self.own_addresses = {ipaddress.ip_interface(text).ip for adapter in machine.interfaces for text in adapter.addresses}
        self._lookups: dict[tuple[Effect, str, int], RuleLookup] = {}

    @property
    def has_main_mode_policy(self) -> bool:
        """Whether anything is there by which keys are negotiated."""
        return any(rule.action != "donotsecure" for rule in self.connection_security)

    def rules(self, machine: Machine, effect: Effect, direction: str, protocol: int) -> RuleLookup:
        """The firewall rules of one effect, to be looked up for flows of a direction and protocol of the same machine."""
        key = (effect, direction, protocol)
        if key not in self._lookups:
            rules = [rule for rule in self._rules if rule.effect == effect]
            self._lookups[key] = RuleLookup(machine, rules, direction, protocol)
        return self._lookups[key]


def _firewall_rules(machine: Machine, profile: str) -> Iterator[RuleConditions]:
    """Enabled ones. What a store says of programs and ports that users opened holds for local rules of that form alone."""
    programs = profile_value(machine, profile, r"AuthorizedApplications\AllowUserPrefMerge") != 0
    ports = profile_value(machine, profile, r"GloballyOpenPorts\AllowUserPrefMerge") != 0
    for root, text in rules_in_force(machine, "FirewallRules", profile):
        rule = conditions("FirewallRules", text)
        left_out = root == POLICY and ((not programs and _is_of_program(rule)) or (not ports and _is_of_port(rule)))
        if rule.active and not left_out and rule.holds_in(profile.lower()) is not False:
            yield rule


def _is_of_program(rule: RuleConditions) -> bool:
    """[MS-FASP] 2.2.38 AUTH_APPS_ALLOW_USER_PREF_MERGE: an authorized application firewall rule"""
    return rule.rule.has("App") and not rule.rule.has("Svc") and rule.protocol in (6, 17) and not rule.local_ports


def _is_of_port(rule: RuleConditions) -> bool:
    """[MS-FASP] 2.2.38 GLOBAL_PORTS_ALLOW_USER_PREF_MERGE: a global port firewall rule"""
    ports = rule.local_ports
    listed = len(ports.single) + len(ports.ranges)
    return not rule.rule.has("App", "Svc") and rule.protocol in (6, 17) and listed == 1 and not ports.unknown


def _connection_security_rules(machine: Machine, profile: str) -> Iterator[RuleConditions]:
    """Enabled ones that can be enforced: FW_RULE_STATUS has run-time errors for rules whose sets are missing or do not go
    together. A tunnel between no named endpoints covers nothing."""
    for root, text in rules_in_force(machine, "ConSecRules", profile):
        rule = conditions("ConSecRules", text)
        unnamed_tunnel = rule.rule.has(*ipsec_rules.TUNNEL) and not rule.rule.has("EP1_4", "EP1_6", "EP2_4", "EP2_6")
        if rule.active and not unnamed_tunnel and (rule.action == "donotsecure" or _can_be_enforced(machine, root, rule.rule)):
            yield rule


def _can_be_enforced(machine: Machine, root: str, rule: StoredRule) -> bool:
    """FW_RULE_STATUS, the codes from 0x00200001 on"""
    try:
        ipsec_rules.check_sets(machine.registry, root, rule)
    except CmdletError:
        return False
    return True


def _rules_of_services(machine: Machine) -> dict[str, list[RuleConditions]]:
    """{service: rules of the two stores of service hardening}. They have no Active: each of them counts (TechNet cc755191 and the
    rules that Windows ships). open: service-rules"""
    found: dict[str, list[RuleConditions]] = defaultdict(list)
    for store in (r"Static\System", r"Configurable\System"):
        key = machine.registry.key(rf"{RESTRICTED}\{store}")
        for stored in key.values.values() if key else ():
            if isinstance(stored.data, str):
                rule = conditions("FirewallRules", stored.data)
                if (rule.active or not rule.rule.has("Active")) and (service := rule.rule.first("Svc").lower()):
                    found[service].append(rule)
    return found


_State = tuple[int, tuple[NetworkAdapter, ...], tuple[str, ...]]  # of what a policy is read
# by machine, of which nothing in it may keep hold
_READ: WeakKeyDictionary[Machine, tuple[_State, dict[str, ProfilePolicy]]] = WeakKeyDictionary()


def policy_of(machine: Machine, profile: str) -> ProfilePolicy:
    """The policy of a profile as the registry has it now. The machine's lock is held."""
    state = (machine.registry.generation, machine.interfaces, (*machine.environment, *machine.environment.values()))
    kept = _READ.get(machine)
    if kept is None or kept[0] != state:
        kept = _READ[machine] = (state, {})
    if profile not in kept[1]:
        kept[1][profile] = ProfilePolicy(machine, profile)
    return kept[1][profile]
