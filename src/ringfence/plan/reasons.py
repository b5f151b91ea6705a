"""What stands in the way of one object, profile by profile: a function for each reason.

Sources: the order of evaluation and the merge of stores [MS-FASP] 3.1.3, 2.2.34 to 2.2.38, 2.2.42; which states a rule may be
in, EnforcementStatus of MSFT_NetFirewallRule. What no document says is a doubt, never a reason.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from ringfence.diagnostics import NOWHERE, Where
from ringfence.model.declaration import Absent, Declaration, Present
from ringfence.model.facts import Facts
from ringfence.model.filter import Filter, is_condition
from ringfence.model.once import filter_of, once
from ringfence.model.resource import Category, Kind, Resource
from ringfence.model.state import GROUP_POLICY, LOCAL, MDM, Id, State, title
from ringfence.model.storage import RuleStrings
from ringfence.plan.obstacles import Reason
from ringfence.plan.plan import HostSnapshot
from ringfence.policy.blocks import BLOCK_WINS, BlocksInForce
from ringfence.policy.flow_conditions import is_platform
from ringfence.policy.place import ALL_PROFILES
from ringfence.policy.settings_in_force import FIREWALL_PROFILE, STORE_TITLES
from ringfence.windows.origin import TEXT_PROPERTIES

SERVICE_TITLES = {"mpssvc": "Windows Defender Firewall", "BFE": "Base Filtering Engine",
            "IKEEXT": "IKE and AuthIP IPsec Keying Modules", "PolicyAgent": "IPsec Policy Agent"}
TO_WRITE = ("mpssvc", "BFE")  # without these no cmdlet of NetSecurity can write, and nothing is enforced
# Their security descriptors let no administrator configure them, "Access is denied" (voxpupuli/puppet-windows_firewall#108 of the
# first; of the others believed)
SET_SERVICE_DENIED = ("mpssvc", "BFE", "Schedule")
TO_NEGOTIATE = ("BFE", "IKEEXT", "PolicyAgent")  # without these there are no security associations
CATEGORIES: dict[Category, int] = {"firewall": 2, "connection_security": 3}  # NET_FW_RULE_CATEGORY, netfw.h
# Keywords whose being empty says nothing of the host: every one with an address has the first two, the others come and go
NOT_ASKED = ("LocalSubnet", "Internet", "PlayToDevice", "CaptivePortal")
DYNAMIC_KEYWORDS = "radyn"  # tokens of addresses that Windows resolves from names begin so: RADynKey, as far as it was seen
_DISABLED = "disabled_interface_aliases"
Found = Iterator[tuple[tuple[str, ...], Reason]]  # the profiles that a reason holds in, and the reason
_NOTHING: Mapping[str, tuple[Reason, ...]] = {}
_NOT_LOOKED_AT = Reason(
    "not_looked_at", "not known whether the host has its program: Windows is asked when the rule is written "
    "(ApplicationResolutionEmpty)", "see there: Get-NetFirewallRule -PolicyStore ActiveStore, EnforcementStatus", "note")


class Judged(NamedTuple):
    """What is looked at: a resource that shall be there, or (None) shall not. values: what is mentioned of it."""

    id: Id
    resource: Resource | None
    values: Mapping[str, Any]
    where: Where = NOWHERE

    @property
    def profiles(self) -> tuple[str, ...]:
        """The profiles in which it applies."""
        if self.id.kind == FIREWALL_PROFILE:
            return (self.id.name,)
        found: tuple[str, ...] = getattr(self.resource, "profiles", ALL_PROFILES)
        return found

    @property
    def named(self) -> tuple[str, ...]:
        """Those of them that the task names itself."""
        return self.profiles if self.id.kind == FIREWALL_PROFILE or self.values.get("profile") else ()


def judged(declarations: Iterable[Declaration], after: State) -> Iterator[Judged]:
    """What is declared, as it will be. What the host will not have, since its Windows lacks it, is not looked at."""
    for one in declarations:
        resource = after.get(one.id)
        if isinstance(one, Absent):
            yield Judged(one.id, None, {}, one.where)
        elif resource is not None:
            yield Judged(one.id, resource, one.values if isinstance(one, Present) else {}, one.where)


def to_start(service: str) -> str:
    """How a service is brought to run, now and after a restart."""
    if service not in SET_SERVICE_DENIED:
        return f"Set-Service {service} -StartupType Automatic; Start-Service {service}"
    return (f"Start-Service {service}; where it is disabled, set Start to 2 in HKLM\\SYSTEM\\CurrentControlSet\\Services\\"
            f"{service} and restart: Windows denies Set-Service that")


def stopped(facts: Facts, services: Iterable[str]) -> tuple[str, ...]:
    """Those of `services` that do not run, as far as the host said so."""
    return tuple(s for s in services if facts.services.get(s, "running") != "running")


class PolicyOnHost:
    """Everything that decides on one host: what was found, and what its own policy will be (`blocks`)."""

    def __init__(self, found: HostSnapshot, blocks: BlocksInForce) -> None:
        self.found, self._blocks, self.settings, self.after = found, blocks, blocks.settings, blocks.settings.state
        self._elsewhere = {id[1:] for id in self.after if id.store != LOCAL}  # (kind, name) of what policies have
        self._unread_rules = {kind for store, kind in found.unread if store != LOCAL}
        self._common: dict[tuple[Hashable, ...], Mapping[str, tuple[Reason, ...]]] = {}
        self._clear: dict[tuple[str, _Sort], bool] = {}

    @cached_property
    def _guids(self) -> frozenset[str]:
        """The interfaces that the host named."""
        return frozenset(i.guid for i in self.found.facts.interfaces)

    def reasons(self, one: Judged) -> dict[str, tuple[Reason, ...]]:
        """{profile: what stands in the way there}, of the profiles in which it applies; empty where nothing does."""
        resource, common = one.resource, _NOTHING
        if resource is None:
            own = tuple(self._still_there(one))
        elif (sort := _sort_of(resource)).is_off and (sort.is_rule or set(one.values) == {"enabled"}):
            # switched off: nothing has to be in force
            own = tuple(self._other_rule(one, resource))
        else:
            common = self._of_its_sort(one.id.store, resource.kind, sort)
            simple = (sort.is_plain and not sort.is_foreign and not self._has_others(one.id)
                      and not self._blocks.above(filter_of(resource)))
            own = () if simple else tuple(self._own(one, resource))
        if not own and common is _NOTHING:
            return {}
        found = {p: common.get(p, ()) for p in one.profiles}
        for profiles, reason in own:
            found.update({p: (*found[p], reason) for p in profiles if p in found})
        return found

    def is_clear(self, id: Id, resource: Resource | None) -> bool:
        """Whether nothing stands in the way of an object, nor may: what holds for most rules of a host, and is found soonest."""
        if resource is None:
            return False
        place = id.store, _sort_of(resource)
        if (clear := self._clear.get(place)) is None:
            clear = self._clear[place] = self._is_clear_sort(resource, *place)
        return clear and not self._has_others(id) and not self._blocks.above(filter_of(resource))

    def _is_clear_sort(self, resource: Resource, store: str, sort: "_Sort") -> bool:
        return sort.is_plain and (
            sort.is_off or (not sort.is_foreign and self._of_its_sort(store, resource.kind, sort) is _NOTHING))

    def alike(self, one: Judged) -> Hashable:
        """What `reasons` depends on, of an object of which no more than its sort and its profiles count; None of any other. Of
        stores that could not be read nothing is known of any rule."""
        if one.resource is None or not (sort := _sort_of(one.resource)).is_plain or one.id[1:] in self._elsewhere or (
                self._blocks.above(filter_of(one.resource))):
            return None
        values = one.resource.__dict__
        return one.id.store, sort, values.get("profile"), bool(one.values.get("profile"))

    # -- what is the same for all objects of a sort

    def _of_its_sort(self, store: str, kind: Kind, sort: "_Sort") -> Mapping[str, tuple[Reason, ...]]:
        """By profile; _NOTHING where nothing stands in the way of any."""
        place = store, kind.name, sort.lets_in, sort.negotiates, sort.merged_by
        known = self._common.get(place)
        if known is None:
            found: dict[str, list[Reason]] = {p: [] for p in ALL_PROFILES}
            for profiles, reason in self._common_reasons(store, kind, sort):
                for p in profiles:
                    found[p].append(reason)
            known = {p: tuple(reasons) for p, reasons in found.items()} if any(found.values()) else _NOTHING
            self._common[place] = known
        return known

    def _common_reasons(self, store: str, kind: Kind, sort: "_Sort") -> Found:
        yield from self._services(kind, sort.negotiates)
        yield from self._products(kind)
        rules = isinstance(kind.storage, RuleStrings)
        for profile in ALL_PROFILES if rules else ():
            yield from self._switch(profile, "enabled", Reason(
                "firewall_off", "the firewall is off there", "switch it on: firewall_profile, `enabled: true`, or the policy "
                "that switches it off"))
            for name in sort.merged_by if store == LOCAL else ():  # what policies bring is never merged away
                what = self.settings.merged_by(name)
                yield from self._switch(profile, name, Reason(
                    "merge_off", f"policy has local {what} ignored there",
                    f"{name} is False: allow them in that policy, or bring the rules by it"))
            if sort.lets_in:
                yield from self._switch(profile, "allow_inbound_rules", Reason(
                    "shields_up", "shields are up there: every inbound allow rule is ignored",
                    "firewall_profile, `allow_inbound_rules: true`, in each store that has it false"))
            yield from self._interfaces_disabled(profile)

    def _services(self, kind: Kind, negotiates: bool) -> Found:
        facts = self.found.facts
        told = facts.raw.get("services")
        for service in (*TO_WRITE, *(kind.services if negotiates else ())):
            absent = isinstance(told, dict) and service in told and told[service] is None
            state = facts.services.get(service, "not there" if absent else "running")
            if absent and (why := dict(facts.unread).get(service)):
                yield ALL_PROFILES, Reason("service_stopped", f"whether the service {service} runs could not be read: {why}",
                                           f"look at it: Get-Service {service}", "may_stop")
            elif state != "running":
                yield ALL_PROFILES, Reason(
                    "service_stopped", f"the service {service} ({SERVICE_TITLES[service]}) is {state}" + (
                        "" if service in TO_WRITE else ": nothing is negotiated"),
                    f"start it: {to_start(service)}",
                    "note" if service == "PolicyAgent" else "stops")  # its text: connectivity "may" suffer without it

    def _products(self, kind: Kind) -> Found:
        for name, categories in self.found.conditions.products:
            if CATEGORIES.get(kind.category) in categories:
                yield ALL_PROFILES, Reason("other_firewall", f"{name} has taken over from Windows what this is about",
                                           f"manage it in {name}, or remove that")

    def _switch(self, profile: str, property: str, reason: Reason) -> Found:
        """A switch of a profile that has to be on."""
        setting = self.settings.profile(profile, property)
        if setting.doubt:
            yield (profile,), Reason(reason.obstacle, f"{property} of the profile: {setting.doubt}", "see what is in force: "
                                     "Get-NetFirewallProfile -PolicyStore ActiveStore", "may_stop")
        elif setting.value is False:
            by = f" ({STORE_TITLES[setting.store]})" if setting.store else ""
            yield (profile,), Reason(reason.obstacle, reason.text + by, reason.advice)

    def _interfaces_disabled(self, profile: str) -> Found:
        listed = self.settings.profile(profile, _DISABLED).value
        if not isinstance(listed, tuple) or not listed:
            return
        advice = f"firewall_profile, `{_DISABLED}`, or the policy that has them"
        here = [i for i in self.found.facts.interfaces if (i.profile or "public") == profile]
        off = [i for i in here if i.guid in listed]
        if not self.found.facts.tells_interfaces:
            yield (profile,), Reason("interfaces_disabled", "the firewall is off on some interfaces there", advice, "may_stop")
        elif off:
            names = ", ".join(i.alias for i in off)
            yield (profile,), Reason("interfaces_disabled", f"the firewall is off on {names} there", advice,
                                     "stops" if len(off) == len(here) else "note")

    # -- what is of the object alone

    def _has_others(self, id: Id) -> bool:
        """Whether another store has an object of that name, or may have."""
        return bool(self._unread_rules and id.kind in self._unread_rules) or bool(
            self._elsewhere and id[1:] in self._elsewhere)

    def _own(self, one: Judged, resource: Resource) -> Found:
        if isinstance(resource.kind.storage, RuleStrings):
            yield from self._other_rule(one, resource)
            yield from self._cannot_match(resource)
            yield from self._let_nothing_through(one, resource)
        elif resource.kind.storage.falls_back(resource.name):
            other = self.after.get(one.id._replace(store=GROUP_POLICY))
            if other is not None and _differ(resource, other):
                yield ALL_PROFILES, Reason("overridden", "Group Policy has a default set of its own, which holds in its place",
                                           "change it there, or give the rules a set with a name")
        else:
            yield from self._settings(one, resource)

    def _other_rule(self, one: Judged, resource: Resource) -> Found:
        """Of two rules with one name one stays, that of Group Policy (New-NetFirewallRule, -Name)."""
        if not isinstance(resource.kind.storage, RuleStrings) or one.id.store != LOCAL:
            return
        advice = "give the rule another name, or change the one there"
        other, device = self._twins(one.id)
        if other is not None and _differ(resource, other):
            yield ALL_PROFILES, Reason("same_name", "Group Policy has another rule of that name, which takes its place", advice)
        if device is not None and _differ(resource, device):
            yield ALL_PROFILES, Reason("same_name", "device management (MDM) has another rule of that name, and no document says "
                                       "which of them holds", advice, "may_stop")
        yield from self._unread(one.id, "same_name")

    def _twins(self, id: Id) -> tuple[Resource | None, Resource | None]:
        """The objects of that name in Group Policy and in MDM."""
        if id[1:] not in self._elsewhere:
            return None, None
        return self.after.get(id._replace(store=GROUP_POLICY)), self.after.get(id._replace(store=MDM))

    def _unread(self, id: Id, obstacle: str) -> Found:
        for store in (GROUP_POLICY, MDM) if id.kind in self._unread_rules else ():
            if why := self.found.unread.get((store, id.kind)):
                yield ALL_PROFILES, Reason(obstacle, f"what {STORE_TITLES[store]} has could not be read: {why}",
                                           "let the account read it", "may_stop")

    def _still_there(self, one: Judged) -> Found:
        yield from self._unread(one.id, "still_there")
        for store, other in zip((GROUP_POLICY, MDM), self._twins(one.id), strict=True):
            if other is not None and getattr(other, "enabled", False) is True:
                yield ALL_PROFILES, Reason("still_there", f"{STORE_TITLES[store]} has a rule of that name, which is in force",
                                           "remove it there")

    def _let_nothing_through(self, one: Judged, resource: Resource) -> Found:
        common = self._of_its_sort(one.id.store, resource.kind, _sort_of(resource))  # where that holds, neither may be in force
        for id, profiles in self._blocks.above(filter_of(resource)).items():
            if set(one.profiles) <= set(profiles) and (here := tuple(p for p in profiles if not common.get(p))):
                text = f"it lets nothing through: {title(id, self.after[id])} blocks all of it"
                yield here, Reason("blocked", text, BLOCK_WINS, "note")

    def _cannot_match(self, rule: Resource) -> Found:
        facts, values = self.found.facts, rule.__dict__
        if versions := values.get("platform"):
            here = facts.version
            if here and not any(is_platform(text, here) for text in versions):
                yield ALL_PROFILES, Reason("other_windows", f"it is for Windows {', '.join(versions)}, and this is "
                                           f"{'.'.join(map(str, here))}", "leave platform out, or name this version")
        guids = values.get("interface_alias")
        if guids and self._guids.isdisjoint(guids):
            yield ALL_PROFILES, Reason("interface_gone", "the host has none of its interfaces any more",
                                       "name those that there are: an interface that was made anew has another GUID",
                                       "stops" if facts.tells_interfaces else "may_stop")
        if strange := [token for token in rule.unknown_tokens if is_condition(token) and not _is_dynamic(token)]:
            yield ALL_PROFILES, Reason("unknown_condition", f"it has {', '.join(strange)}, which nobody here understands: "
                                       "it may match nothing", "see what Windows says of it: Get-NetFirewallRule -PolicyStore "
                                       "ActiveStore, EnforcementStatus", "may_stop")
        if _is_foreign(values.get("program")):
            yield ALL_PROFILES, _NOT_LOOKED_AT
        if _may_be_for_nobody(rule):
            yield ALL_PROFILES, Reason("may_be_empty", "its addresses are keywords, which may stand for none at this moment",
                                       "see what they stand for: Get-NetFirewallRule -PolicyStore ActiveStore, EnforcementStatus",
                                       "may_stop")

    def _settings(self, one: Judged, resource: Resource) -> Found:
        """Each value that is mentioned against the one that holds."""
        kind = resource.kind
        off = one.id.kind == FIREWALL_PROFILE and "enabled" not in one.values
        if off:
            yield from self._switch(one.id.name, "enabled", Reason(
                "firewall_off", "the firewall is off there", "switch it on: `enabled: true`, or the policy that switches it off"))
        if one.id.kind == FIREWALL_PROFILE and one.values.get("enabled") is not False and not one.values.get(_DISABLED):
            yield from self._interfaces_disabled(one.id.name)
        for name, value in one.values.items():
            p = kind.properties[name]
            if value == p.absent or name not in kind.registry_values:
                continue
            holds = self.settings.setting(kind.name, one.id.name, p)
            if holds.doubt:
                yield ALL_PROFILES, Reason("overridden", f"{name}: {holds.doubt}", "see what is in force: "
                                           f"Get-{kind.noun} -PolicyStore ActiveStore", "may_stop")
            elif holds.value != value and p.policy_only:
                yield ALL_PROFILES, Reason("policy_only", f"Windows takes {name} from Group Policy alone, where it is "
                                           f"{_shown(holds.value)}", "set it in Group Policy, or leave it out")
            elif holds.value != value:
                yield ALL_PROFILES, Reason("overridden", f"{STORE_TITLES[holds.store]} has {name}: {_shown(holds.value)}, which "
                                           "holds", "change it there, or declare what it has")


def opens(filter: Filter | None) -> bool:
    """Whether an object lets through what would be stopped or secured without it."""
    return filter is not None and filter.effect in ("allow", "exempt")


@dataclass(frozen=True, slots=True, eq=False)
class _Sort:
    """What decides for an object beside its host; objects that are alike in it share one. merged_by: see Filter · is_rule:
    switched off it wants nothing, whatever else is said of it · is_plain: a rule of which no host can say that it matches
    nothing · is_foreign: but that its program may be missing there."""

    kind: str
    lets_in: bool
    negotiates: bool
    merged_by: tuple[str, ...]
    is_off: bool
    is_rule: bool
    is_plain: bool
    is_foreign: bool


_sort = lru_cache(1024)(_Sort)


@once
def _sort_of(resource: Resource) -> _Sort:
    filter, values, strings = filter_of(resource), resource.__dict__, isinstance(resource.kind.storage, RuleStrings)
    off = not filter.enabled if filter else values.get("enabled", True) is False
    merged_by = filter.merged_by if filter else tuple(n for n in (resource.kind.merged_by,) if n)
    plain = strings and not (values.get("platform") or values.get("interface_alias") or resource.unknown_tokens
                             or _may_be_for_nobody(resource))
    return _sort(resource.kind.name, lets_in=filter is not None and filter.inbound and filter.effect == "allow",
                 negotiates=filter is None or filter.effect != "exempt", merged_by=merged_by, is_off=off,
                 is_rule=strings or filter is not None, is_plain=plain, is_foreign=_is_foreign(values.get("program")))


def _may_be_for_nobody(rule: Resource) -> bool:
    """Whether the addresses of a rule may stand for none, and that matters: to let in nobody, or exempt nobody, takes nothing
    from anybody."""
    addresses = rule.__dict__.get("remote_address")
    return not opens(filter_of(rule)) and bool(
        (addresses and all(map(_may_be_empty, addresses))) or any(map(_is_dynamic, rule.unknown_tokens)))


def _is_foreign(program: str | None) -> bool:
    """Whether a program is none that comes with Windows."""
    return bool(program) and not str(program).casefold().startswith(("system", "%systemroot%\\", "%windir%\\", "c:\\windows\\"))


def _differ(one: Resource, other: Resource) -> bool:
    """Whether two objects of one name do different things: texts and the spelling of the name are for people."""
    mine, its = one.values(), other.values()
    return one.unknown_tokens != other.unknown_tokens or any(
        value != its[name] for name, value in mine.items() if name not in TEXT_PROPERTIES)


def _may_be_empty(address: str) -> bool:
    return address[0].isupper() and ":" not in address and "." not in address and address.rstrip("46") not in NOT_ASKED


def _is_dynamic(token: str) -> bool:
    return token.lower().startswith(DYNAMIC_KEYWORDS)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(str, value)) or "none" if isinstance(value, tuple) else str(value)
