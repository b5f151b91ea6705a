"""Would a flow pass: the decision in the order in which Windows makes it, over everything that may match.

    Policy.of(state, network, unread, products)     a host's policy, declared, found or planned
    policy.verdict(flow)                            what becomes of a flow, and what decided it

The order, in each profile that the flow may be in ([MS-FASP] 2.2.34, 2.2.38, 3.1.3; TechNet cc755191): service hardening; IPsec
that is required; with shields up the default action; authenticated bypass, block, allow; the default action.

What is not known is taken once for what lets least pass and once for what lets most: where both come to the same, that is the
answer, and otherwise nobody knows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, NamedTuple

from ringfence.model.filter import Filter
from ringfence.model.once import filter_of
from ringfence.model.state import CONFIGURED, GROUP_POLICY, LOCAL, MDM, Id, State
from ringfence.policy.flow import Flow
from ringfence.policy.flow_conditions import Outcome
from ringfence.policy.flow_verdict import AT_ONE_END, OWN_PERMITS, WHICH_INTERFACE, Doubt, FlowAction, FlowVerdict, Matches
from ringfence.policy.matcher import Match, PolicyRule, RuleIndex
from ringfence.policy.place import ALL_PROFILES, HostNetwork, Place
from ringfence.policy.secured import (
    exchanges_keys,
    exempt_always,
    may_exchange_keys,
    requires,
    uncertain_exemptions,
    uncertain_requirements,
)
from ringfence.policy.settings_in_force import FIREWALL_PROFILE, STORE_TITLES, SettingInForce, SettingsInForce

_SWITCHES = ("enabled", "allow_inbound_rules", "default_inbound_action", "default_outbound_action", "disabled_interface_aliases")
FIREWALL_CATEGORY = 2  # what another product has taken over that Windows' firewall does (NET_FW_RULE_CATEGORY, netfw.h)


@dataclass(frozen=True)
class Policy:
    """All policy of one host, to be asked.

    rules: of all stores, with what makes them doubtful as a whole · network: what the host says of its networks · settings:
    those of its profiles · doubts: why nothing can be said for certain of any flow: what could not be read, another
    firewall, or a service that does not run.
    """

    rules: tuple[PolicyRule, ...]
    network: HostNetwork
    settings: SettingsInForce
    doubts: tuple[str, ...] = ()

    @classmethod
    def of(cls, state: State, network: HostNetwork = HostNetwork(), unread: Mapping[tuple[str, str], str] | None = None,  # noqa: B008
           products: Iterable[str] = ()) -> "Policy":
        """The policy of a state. unread: {(store, kind): why} of what could not be seen · products: other firewalls that have
        taken over from Windows'."""
        holes = dict(unread or {})
        doubts = [f"{STORE_TITLES.get(store, store)} could not be read: {why}" for (store, kind), why in holes.items()
                  if kind.endswith("_rule")]
        doubts += [f"{product} has taken over from Windows' firewall" for product in products]
        services = network.facts.services
        doubts += [f"the service {s} is {services[s]}" for s in ("mpssvc", "BFE") if services.get(s, "running") != "running"]
        return cls(tuple(rules_of(state)), network, SettingsInForce(state, holes), tuple(doubts))

    def with_awaited(self, rules: Iterable[PolicyRule], settings: Mapping[tuple[str, str, str], str],
                     doubts: Iterable[str]) -> "Policy":
        """This policy and what is not known of it yet: rules that it may have, settings that may have another value, and why
        nothing can be said for certain."""
        return Policy((*self.rules, *rules), self.network, SettingsInForce(self.settings.state, self.settings.unread, settings),
                      (*self.doubts, *doubts))

    @cached_property
    def _defaults(self) -> dict[str, tuple[bool, bool] | None]:
        return {}

    @cached_property
    def _index(self) -> RuleIndex:
        return RuleIndex(self.rules)

    def verdict(self, flow: Flow) -> FlowVerdict:
        """What becomes of a flow, wherever it may go through."""
        return self.verdict_in(flow, self.network.places(flow))

    def verdict_in(self, flow: Flow, places: Iterable[Place]) -> FlowVerdict:
        """What becomes of a flow that may go through any of some places."""
        if flow.remote_address is not None and self.network.is_own(flow.remote_address):
            return FlowVerdict("allow", "loopback")
        found = [self.verdict_at(flow, place) for place in places]
        if len({v.action for v in found}) <= 1:
            return found[0]
        ways = ", ".join(dict.fromkeys(f"{v.action} in {v.interface or v.profile}" for v in found))
        return FlowVerdict("unknown", "undecided", looked_at=tuple(one for v in found for one in v.looked_at),
                           doubts=(Doubt(f"which network it goes through: {ways}"), *(d for v in found for d in v.doubts)))

    def matches(self, flow: Flow, place: Place) -> Matches:
        """The rules that match or may match a flow, by what they do with it."""
        return self.by_role(self._index.matches(flow, place), place)

    def by_role(self, matches: Iterable[Match], place: Place) -> Matches:
        """The same of rules of which it is known that they match, as the merge of stores leaves them."""
        found: dict[str, list[Match]] = {name: [] for name in ("restricted", "secured", "exempt", "bypass", "block", "allow")}
        for match in matches:
            id, filter, doubts = match
            if (merged := self.is_merged(id, filter, place.profile)) is False:
                continue
            effect = filter.effect
            role = ("restricted" if id.store not in CONFIGURED else
                    "bypass" if effect == "allow" and filter.override_block_rules else
                    "secured" if effect == "secure" else effect)
            found[role].append(match if merged is True else Match(id, filter, (*doubts, merged)))
        return Matches(**{role: tuple(those) for role, those in found.items()})

    def every_match(self, flow: Flow, place: Place) -> dict[Id, Match]:
        """Each rule that matches or may match, whatever becomes of it by the merge of stores."""
        return {match.id: match for match in self._index.matches(flow, place)}

    def is_merged(self, id: Id, filter: Filter, profile: str) -> Outcome:
        """Whether the merge of stores leaves a rule there: policy may have local ones ignored."""
        if id.store != LOCAL or not filter.merged_by:
            return True
        key = (profile, filter.merged_by)
        if (known := self._merges.get(key)) is None:
            by = [self.settings.profile(profile, name) for name in filter.merged_by]
            doubts = [setting.doubt for setting in by if setting.doubt]
            is_off = any(setting.value is False and not setting.doubt for setting in by)
            known = self._merges[key] = False if is_off else f"whether local rules count: {doubts[0]}" if doubts else True
        return known

    @cached_property
    def _merges(self) -> dict[tuple[str, tuple[str, ...]], Outcome]:
        return {}

    def verdict_at(self, flow: Flow, place: Place) -> FlowVerdict:
        """What becomes of a flow at one place."""
        return decide(flow, place, self.matches(flow, place), self.settings, self.doubts, self._has_own_permits(flow, place))

    def action_at(self, flow: Flow, place: Place) -> FlowAction:
        """The same without a word on what decides it, which is four times as quick where nothing is in doubt and no connection
        security rule and no restriction of a service has to do with the flow: the first of bypass, block and allow decides."""
        matches, passes = self.matches(flow, place), self._default_passes(place.profile)
        if passes is None or matches.restricted or matches.secured or self._has_own_permits(flow, place) or any(
                m.doubts for found in (matches.bypass, matches.block, matches.allow) for m in found):
            return self.verdict_at(flow, place).action
        if matches.bypass or (matches.allow and not matches.block):
            return "allow"
        inbound = flow.direction == "inbound"
        return "allow" if not matches.block and passes[inbound] and not flow.edge else "block"

    def _has_own_permits(self, flow: Flow, place: Place) -> bool:
        """Whether Windows may have filters of its own that admit a flow: of key exchange, while a rule secures anything."""
        if not may_exchange_keys(flow):
            return False
        if place.profile not in self._exchanges:
            self._exchanges[place.profile] = any(
                f.enabled and f.effect == "secure" and place.profile in (f.profile or ALL_PROFILES)
                and self.is_merged(id, f, place.profile) is not False for id, f, _ in self.rules)
        return self._exchanges[place.profile]

    @cached_property
    def _exchanges(self) -> dict[str, bool]:
        return {}

    def _default_passes(self, profile: str) -> tuple[bool, bool] | None:
        """Whether what no rule decides passes in a profile, outbound and inbound; None where more than rules may decide."""
        if profile not in self._defaults:
            switches = self.settings.of_profile(profile, _SWITCHES)
            plain = not self.doubts and not any(s.doubt for s in switches.values()) and (
                switches["enabled"].strict is not False and switches["allow_inbound_rules"].strict is not False
                and not switches["disabled_interface_aliases"].strict)
            self._defaults[profile] = (switches["default_outbound_action"].strict == "allow",
                                       switches["default_inbound_action"].strict == "allow") if plain else None
        return self._defaults[profile]


def rules_of(state: State) -> Iterable[PolicyRule]:
    """The rules of a state that may be in force: of two with one name that of Group Policy, and nobody knows of MDM's."""
    rules = [(id, f) for id, r in state.items() if (f := filter_of(r)) is not None]
    stores: dict[tuple[str, str], set[str]] = {}
    for id, _ in rules:
        stores.setdefault(id[1:], set()).add(id.store)
    for id, filter in rules:
        others = stores[id[1:]] & set(CONFIGURED)
        if id.store == LOCAL and GROUP_POLICY in others:
            continue
        if id.store not in CONFIGURED:  # through edge devices too: so filters of real hosts are
            filter = replace(filter, edge_traversal_policy="allow")
        doubtful = MDM in others and len(others) > 1 and id.store in CONFIGURED
        doubt = "which of the rules of that name holds, its own or that of MDM" if doubtful else ""
        yield from (PolicyRule(id, reading, doubt) for reading in filter.readings)


class _Answer(NamedTuple):
    passes: bool
    reason: str
    by: tuple[Id, ...] = ()
    setting: str = ""


_UNDECIDED = _Answer(False, "undecided")


def decide(flow: Flow, place: Place, matches: Matches, settings: SettingsInForce, doubts: tuple[str, ...] = (),
           own_permits: bool = False) -> FlowVerdict:
    """The verdict on a flow of which it is known what matches. own_permits: whether Windows may have filters that admit it."""
    switches, exempt = settings.of_profile(place.profile, _SWITCHES), settings.host("exemptions")
    if matches.exempt:
        matches = replace(matches, exempt=uncertain_exemptions(matches.exempt, matches.secured))
    if len(matches.secured) > 1:
        matches = replace(matches, secured=uncertain_requirements(matches.secured, flow.direction == "inbound"))
    every = matches.all()
    if doubts or any(s.least is None for s in switches.values()):  # a profile of which nothing is known has no values to try
        decided = _UNDECIDED
    else:
        decided = _answer(_Case(flow, place, matches, switches, exempt, True))
        certain = not own_permits and _is_certain(flow, place, every, switches, exempt)
        if not certain and decided.passes != _answer(_Case(flow, place, matches, switches, exempt, False, own_permits)).passes:
            decided = _UNDECIDED
    told = [Doubt(text) for text in doubts]
    if decided.reason == "undecided":
        told += (Doubt(text, m.id) for m in every for text in m.doubts)
        told += (Doubt(f"{name}: {s.doubt}") for name, s in {**switches, "exemptions": exempt}.items() if s.doubt)
        told += [Doubt(OWN_PERMITS)] if own_permits else []
        told += [Doubt(WHICH_INTERFACE)] if place.interface is None and switches["disabled_interface_aliases"].value else []
        told += [Doubt(AT_ONE_END)] if matches.secured and exchanges_keys(flow) is None else []
    otherwise: FlowAction | Literal[""] = ""
    if told and all(doubt.id for doubt in told):
        otherwise = "allow" if _answer(_Case(flow, place, matches.certain(), switches, exempt, True)).passes else "block"
    return FlowVerdict("unknown" if decided.reason == "undecided" else "allow" if decided.passes else "block", decided.reason,
                   decided.by, tuple(m.id for m in every if m.id not in decided.by and not m.doubts), tuple(dict.fromkeys(told)),
                   place.profile, place.interface.alias if place.interface else "", decided.setting, otherwise,
                   (*every, *switches.items(), ("exemptions", exempt), doubts, place.profile, own_permits))


def _is_certain(flow: Flow, place: Place, every: tuple[Match, ...], switches: Mapping[str, SettingInForce],
                exempt: SettingInForce) -> bool:
    """Whether all that may decide is known, so that what lets least pass and what lets most are one."""
    return (flow.security is not None and not exempt.doubt and not any(s.doubt for s in switches.values())
            and (place.interface is not None or not switches["disabled_interface_aliases"].value)
            and not any(m.doubts for m in every) and exchanges_keys(flow) is not None)


@dataclass(frozen=True, slots=True)
class _Case:
    """A flow, what matches it, and whether what is not known lets least pass. admitted: whatever the firewall says."""

    flow: Flow
    place: Place
    matches: Matches
    switches: Mapping[str, SettingInForce]
    exempt: SettingInForce
    least: bool
    admitted: bool = False

    def switch(self, name: str) -> Any:
        setting = self.switches[name]
        if name == "disabled_interface_aliases" and setting.doubt:
            return () if self.least else (self.place.interface.guid if self.place.interface else "",)
        return setting.strict if self.least else setting.lenient

    def counting(self, found: Iterable[Match], opens: bool) -> tuple[Match, ...]:
        """Those that match for certain, and those that may where that is what is asked for."""
        return tuple(m for m in found if not m.doubts or opens != self.least)


def _answer(case: _Case) -> _Answer:
    """The decision of Windows, as far as it is known and otherwise as the case has it."""
    flow, matches = case.flow, case.matches
    profile = f"{FIREWALL_PROFILE} {case.place.profile}"
    if (hardened := _restricted(case)) is not None:
        return hardened
    if case.switch("enabled") is False:
        return _Answer(True, "firewall_off", setting=_of_store(case, profile, "enabled"))
    if (secured := _secured(case)) is not None:
        return secured
    disabled = case.switch("disabled_interface_aliases")  # of firewall rules and actions alone ([MS-FASP] 2.2.38)
    if disabled and (case.place.interface.guid in disabled if case.place.interface else not case.least):
        return _Answer(True, "interface_disabled", setting=_of_store(case, profile, "disabled_interface_aliases"))
    if case.admitted:
        return _Answer(True, "undecided")
    inbound = flow.direction == "inbound"
    shielded = inbound and case.switch("allow_inbound_rules") is False
    for found, passes, reason in () if shielded else ((matches.bypass, True, "bypass"), (matches.block, False, "block_rule"),
                                                      (matches.allow, True, "allow_rule")):
        if counting := case.counting(found, passes):
            return _Answer(passes, reason, tuple(m.id for m in counting))
    name = "default_inbound_action" if inbound else "default_outbound_action"
    passes = case.switch(name) == "allow" and not flow.edge
    return _Answer(passes, "shields_up" if shielded else "default_action",
                   setting=_of_store(case, profile, "allow_inbound_rules" if shielded else name))


def _of_store(case: _Case, profile: str, name: str) -> str:
    setting = case.switches[name]
    where = STORE_TITLES[setting.store] if setting.store else "Windows' own value"
    return f"{name} of {profile} ({where})"


def _restricted(case: _Case) -> _Answer | None:
    """What is not allowed to a service beyond all firewall rules: in that sublayer the more specific filter decides, and what
    Windows allows a service is more specific than the rest, which it blocks (filters of five real hosts)."""
    allowed = case.counting((m for m in case.matches.restricted if m.filter.effect == "allow"), True)
    blocked = case.counting((m for m in case.matches.restricted if m.filter.effect == "block"), False)
    return _Answer(False, "service_restricted", tuple(m.id for m in blocked)) if blocked and not allowed else None


def _secured(case: _Case) -> _Answer | None:
    """Clear traffic that connection security rules drop."""
    flow, least = case.flow, case.least
    if (flow.security is None and not least) or flow.security in ("authenticated", "encrypted"):
        return None
    known = case.exempt.value if not case.exempt.doubt else None
    if exempt_always(flow, case.place, known if isinstance(known, tuple) else () if least else None, least):
        return None
    required = case.counting((m for m in case.matches.secured if requires(m, flow.direction == "inbound")), False)
    if not required or case.counting(case.matches.exempt, True):
        return None
    return _Answer(False, "ipsec_required", tuple(m.id for m in required))
