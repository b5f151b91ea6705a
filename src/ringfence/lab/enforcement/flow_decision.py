"""Whether a simulated host lets a flow pass: decided from its registry, its adapters and the flow alone.

The order is that of TechNet cc755191 and [MS-FASP] 2.2.34: rules for services; then connection security; then the firewall, of
which rules that beat block rules come before those that block, these before those that allow, and the profile's default action
last. What the lab does not know it does not guess: where a decision hangs on it, there is none.
"""

from collections.abc import Iterable, Iterator

from ringfence.lab.enforcement.connection_security import is_key_exchange_of_system, is_let_through
from ringfence.lab.enforcement.profile_policy import CONNECTION_SECURITY, FIREWALL, ProfilePolicy, policy_of
from ringfence.lab.enforcement.rule_conditions import AskedFlow, Effect, RuleConditions
from ringfence.lab.enforcement.simulated_flow import ICMPV4, ICMPV6, SimulatedFlow, address, all_hold, any_holds
from ringfence.lab.machine.machine import Machine, NetworkAdapter

_IN_ORDER: tuple[tuple[Effect, bool], ...] = (("beats block", True), ("block", False), ("allow", True))
_PACKAGES_APART = 22000  # before this build rules without a package were seen to hold for no package. open: rules-and-packages


def decides(machine: Machine, flow: SimulatedFlow, unmatched: bool | None = None) -> bool | None:
    """Whether a flow passes; None where that hangs on what the lab does not know. The machine's lock is held.

    `unmatched`: what a rule counts as of which is not known whether it matches. Raises ValueError for an address that is none, or
    an interface that the machine has not.
    """
    return FlowDecision(machine, flow, unmatched).passes()


class FlowDecision(AskedFlow):
    """A flow on its host, and what becomes of it."""

    def __init__(self, machine: Machine, flow: SimulatedFlow, unmatched: bool | None = None) -> None:
        self.machine, self.flow, self.unmatched = machine, flow, unmatched
        self.remote = address(flow.remote_address)
        self.local = None if flow.local_address is None else address(flow.local_address)
        self.adapters = machine.interfaces
        self.adapter = _adapter(machine, flow)
        # Without a profile the host is in public: TechNet, fwlink 233629; [MS-FASP] note 13
        self.profile = (self.adapter and self.adapter.profile) or "public"
        self.policy: ProfilePolicy = policy_of(machine, self.profile.capitalize())
        self.subnets, self.all_subnets, self.edge = self.policy.subnets, self.policy.all_subnets, flow.edge
        self.program = None if flow.program is None else machine.expanded(flow.program).lower()
        self.service = None if flow.service is None else flow.service.lower()

    def passes(self) -> bool | None:
        """The decision. Without the services there are no filters; with the firewall off for a profile nothing is blocked but by
        rules for services ([MS-FASP] 2.2.38 ENABLE_FW; Microsoft, "Network restrictions for service hardening")."""
        if not self.machine.firewall_runs():
            return True
        unrestricted = self._is_unrestricted()
        if self.policy.is_off or unrestricted is False:
            return unrestricted
        if self._is_loopback():
            return all_hold(unrestricted, None if self.flow.package else True)
        taken = {category for taken in self.machine.surroundings.taken_over.values() for category in taken}
        secured = True if CONNECTION_SECURITY in taken else is_let_through(self, self.policy, self.unmatched)
        if secured is False:
            return False
        admitted = True if FIREWALL in taken or self._is_left_alone() else self._firewall()
        return all_hold(unrestricted, secured, admitted)

    def _match(self, rule: RuleConditions) -> bool | None:
        answer = rule.match(self)
        if answer and self.flow.package and not rule.rule.has("AppPkgId", "PFN") and self.machine.system.build < _PACKAGES_APART:
            answer = None
        return self.unmatched if answer is None else answer

    # -- the firewall

    def _firewall(self) -> bool | None:
        """[MS-FASP] 2.2.34 and 2.2.38. With shields up rules do not count: by 2.2.38 SHIELDED all is blocked, by
        Set-NetFirewallProfile the default action holds. open: shields-up, key-exchange"""
        inbound, policy = self.flow.direction == "in", self.policy
        default = policy.admits_by_default if inbound else policy.sends_by_default
        if inbound and policy.is_shielded:
            return default
        if policy.is_shielded and self.flow.protocol in (ICMPV4, ICMPV6):
            return None  # profiles have a filter "Shielded ICMP Out"; what it blocks no document says
        outcome = self._by_rules(default)
        if inbound and self.flow.edge:
            outcome = all_hold(outcome, self._passes_edge())
        return None if not outcome and is_key_exchange_of_system(self.flow, policy) else outcome

    def _candidates(self, effect: Effect) -> Iterator[RuleConditions]:
        flow = self.flow
        port = flow.local_port if flow.direction == "in" else flow.remote_port
        return self.policy.rules(self.machine, effect, flow.direction, flow.protocol).candidates(port, self.program, flow.package)

    def _by_rules(self, default: bool) -> bool | None:
        """[MS-FASP] 2.2.34: the outcome of the first of these that match: rules that beat block rules, those that block, those
        that allow, the default action. What may match and is before them may turn it."""
        possible = set[bool]()
        for effect, outcome in _IN_ORDER:
            matched = self._one_matches(self._candidates(effect))
            if matched is not False:
                possible.add(outcome)
            if matched:
                break
        else:
            possible.add(default)
        return possible.pop() if len(possible) == 1 else None

    def _one_matches(self, rules: Iterable[RuleConditions]) -> bool | None:
        found: bool | None = False
        for rule in rules:
            matched = self._match(rule)
            if matched:
                return True
            found = None if matched is None else found
        return found

    def _passes_edge(self) -> bool | None:
        """[MS-FASP] 2.2.35 ROUTEABLE_ADDRS_TRAVERSE: traffic that came through a NAT edge needs an allowing rule that says so."""
        allowing: tuple[Effect, ...] = ("beats block", "allow")
        return any_holds(*[all_hold(self._match(rule), rule.passes_edge) for effect in allowing
                           for rule in self._candidates(effect) if rule.passes_edge is not False])

    def _is_left_alone(self) -> bool:
        """[MS-FASP] 2.2.38 DISABLED_INTERFACES: adapters where firewall rules and actions alone are off."""
        return self.adapter is not None and self.adapter.guid.lower() in self.policy.disabled_interfaces

    # -- what comes before it

    def _is_unrestricted(self) -> bool | None:
        """Whether rules for services let it pass: those of its service alone. INetFwServiceRestriction::RestrictService: a
        restricted service is blocked but for what a rule allows. They only restrict: the firewall decides afterwards. open:
        service-rules"""
        if self.flow.service is None:
            return None if self.policy.of_services else True
        mine = [r for r in self.policy.of_services.get(self.service or "", ()) if r.direction == self.flow.direction]
        if not mine:
            return True
        allowed = self._one_matches([r for r in mine if r.action == "allow"])
        blocked = self._one_matches([r for r in mine if r.action == "block"])
        return any_holds(allowed, None if blocked is None else not blocked)

    def _is_loopback(self) -> bool:
        """Seen in WFP states of real hosts: filters above all rules let loopback pass; app containers may not. open:
        loopback-traffic"""
        return self.remote.is_loopback or self.remote in self.policy.own_addresses


def _adapter(machine: Machine, flow: SimulatedFlow) -> NetworkAdapter | None:
    if flow.interface is None:
        return machine.adapter_towards(address(flow.remote_address))
    for adapter in machine.interfaces:
        if adapter.guid.lower() == flow.interface.lower():
            return adapter
    raise ValueError(f"{machine.name} has no interface {flow.interface}")

