"""Two judges of one host, and flows to ask them of: a dump's filters, arbitrated, and its rules, evaluated.

Flows are drawn from the edges of the dump's own filters: for most conditions of one a value at an end of what it is for, for
others one beyond; whatever the filter does not name is drawn from what all filters name.
"""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from core import declared, resources, task

from ringfence.model.facts import Facts, NetworkInterface
from ringfence.model.state import State, id_of
from ringfence.model.wfp import AUTHENTICATED, NO_PACKAGE, PROFILES_BY_ID, SECURED, TUNNEL_INTERFACE, WfpDump, WfpFilter, WfpRange
from ringfence.policy.arbitration import Arbiter, Arbitration
from ringfence.policy.evaluate import Policy
from ringfence.policy.flow import Flow
from ringfence.policy.flow_verdict import FlowVerdict
from ringfence.policy.matcher import PolicyRule
from ringfence.policy.place import ALL_PROFILES, HostNetwork, Place
from ringfence.policy.settings_in_force import SettingsInForce
from ringfence.policy.wfp_flow import WfpFlow
from ringfence.types.packages import package_sid
from ringfence.windows.wfp_rules import DumpedPolicy, policy_of_dump

SYSTEM, PERSON, EVERYONE = "S-1-5-18", "S-1-5-21-1-2-3-1105", "S-1-1-0"
_SERVICE, _PEOPLE = "S-1-5-80-", "S-1-5-21-"
_PERSON, _FAMILY = re.compile(r"S-1-5-21-[0-9-]+"), re.compile(r'Contains "([^"]+)"')
_TYPES = {6: "wired", 71: "wireless", 23: "remote_access"}
_ICMP, _TCP = (1, 58), 6
_TEXTS = ("ALE_APP_ID", "ALE_USER_ID", "ALE_PACKAGE_ID", "ALE_PACKAGE_FAMILY_NAME")
RULES = ("MPSSVC_WF", "MPSSVC_WSH", "TEREDO")
JUDGING = {("inbound", 4): "ALE_AUTH_RECV_ACCEPT_V4", ("inbound", 6): "ALE_AUTH_RECV_ACCEPT_V6",
           ("outbound", 4): "ALE_AUTH_CONNECT_V4", ("outbound", 6): "ALE_AUTH_CONNECT_V6"}
_WIRED = 6 << 48 | 99 << 24  # the LUID of an interface that no filter names


@dataclass(frozen=True)
class Judged:
    """What both said of a flow."""

    flow: WfpFlow
    asked: Flow
    arbitration: Arbitration
    verdict: FlowVerdict

    @property
    def host(self) -> str:
        """What the host does, by all its filters."""
        return {"permit": "allow", "unless_vetoed": "allow"}.get(self.arbitration.action, self.arbitration.action)

    @property
    def rules(self) -> str:
        """What it does by those of rules alone, restrictions of services and edge traversal included."""
        effects = [d.effects for d in self.arbitration.decisions if d.sublayer in RULES and "_AUTH_" in d.layer]
        return "block" if {"block"} in effects else "unknown" if any("block" in e for e in effects) else "allow"

    @property
    def matched(self) -> bool:
        """Whether a rule or a restriction matched, by one of them at least."""
        return bool(self.verdict.by or self.verdict.other_matches)

    def __str__(self) -> str:
        decided = [f"{d.sublayer} {sorted(d.effects)} {d.filter.name if d.filter else ''}" for d in self.arbitration.decisions]
        return (f"{self.asked}\n  {self.flow}\n  filters: {self.arbitration.action} {decided} {self.arbitration.doubts}\n"
                f"  rules: {self.verdict.action} {self.verdict.reason} {self.verdict.by} {self.verdict.doubts[:4]}")


class Judges:
    """Both judges of a dump."""

    def __init__(self, dump: WfpDump) -> None:
        self.dump = dump
        self.arbiter = Arbiter(dump)
        self.found: DumpedPolicy = policy_of_dump(dump)
        rules = tuple(PolicyRule(r.id._replace(name=f"{r.id.name} {n}"), f) for r in (*self.found.rules, *self.found.restrictions)
                      for n, f in enumerate(r.filters))
        self.policy = Policy(rules, HostNetwork(Facts()), SettingsInForce(self._settings(), {}))

    def _settings(self) -> State:
        wanted = []
        for profile in ALL_PROFILES:
            known = self.found.profiles.get(profile)
            said = {"default_inbound_action": known.inbound, "default_outbound_action": known.outbound} if known else {}
            wanted.append(task("firewall_profile", {"profiles": [profile], "enabled": known is not None,
                                                    **{name: value for name, value in said.items() if value}}))
        wanted.append(task("firewall_setting", {"exemptions": ["neighbor_discovery", "dhcp"]}))
        return State((id_of(r), r) for r in resources(declared(*wanted)))

    @property
    def profiles(self) -> tuple[str, ...]:
        """Those that are active; public where the firewall is off and so has no filters of a profile."""
        return tuple(self.found.profiles) or ("public",)

    @cached_property
    def names_no_package(self) -> bool:
        """Whether rules that are for no app say so."""
        return any(c.field == "ALE_PACKAGE_ID" and c.match == "EQUAL" and c.value == NO_PACKAGE
                   for rule in self.found.rules for f in rule.made_of for c in f.conditions)

    def judge(self, flow: WfpFlow) -> Judged:
        asked = asked_of(flow)
        return Judged(flow, asked, self.arbiter.arbitrate(flow), self.policy.verdict_at(asked, self._place(flow)))

    def _place(self, flow: WfpFlow) -> Place:
        profile = PROFILES_BY_ID[flow.profile or 1]
        guid = str(flow.interface)
        return Place(self.policy.network, profile, NetworkInterface(
            guid, guid, profile, _TYPES.get(flow.type_of_interface or 0, "other")))


def asked_of(flow: WfpFlow) -> Flow:
    """The same flow as rules see it."""
    token = flow.token or frozenset()
    icmp = flow.protocol in _ICMP
    return Flow("inbound" if flow.inbound else "outbound", flow.protocol, flow.local_address, flow.remote_address,
                None if icmp else flow.local_port, None if icmp else flow.remote_port,
                flow.local_port if icmp else None, flow.remote_port if icmp else None, flow.program,
                next((s for s in sorted(token) if s.startswith(_SERVICE)), ""),
                "" if flow.package == NO_PACKAGE else flow.package,
                next((s for s in sorted(token) if s == SYSTEM or s.startswith(_PEOPLE)), None), str(flow.interface),
                security="authenticated" if flow.flags & SECURED else "clear",
                edge=flow.inbound and flow.type_of_interface == TUNNEL_INTERFACE, package_family=flow.package_family)


class Edges:
    """What the filters of a dump name, to draw flows from."""

    def __init__(self, judges: Judges, seed: int) -> None:
        self.judges, self.random = judges, random.Random(seed)
        rules = (*judges.found.rules, *judges.found.restrictions)
        self.templates = [f for r in rules for f in r.made_of]
        self.all = [f for layer in JUDGING.values() for f in judges.dump.by_layer.get(layer, ())]
        self.ways = [w for w, layer in JUDGING.items() if judges.dump.tells(layer)]

    @cached_property
    def named(self) -> dict[str, list[Any]]:
        """{field: its values, ends of ranges, and one beyond each}."""
        found: dict[str, dict[Any, None]] = {}
        for one in self.all:
            for c in one.conditions:
                values = c.value if isinstance(c.value, WfpRange) else (c.value,)
                near = [v + d if isinstance(v, int) else v for v in values if isinstance(v, int) == (c.field not in _TEXTS)
                        for d in (-1, 0, 1)]
                found.setdefault(_family_of(c.field, one), {}).update(dict.fromkeys(near))
        return {field: list(values) for field, values in found.items()}

    def flows(self, count: int) -> Iterator[WfpFlow]:
        """Flows: most from one filter of a rule each, the others from what all name."""
        for _ in range(count if self.ways else 0):
            template = self.random.choice(self.templates) if self.templates and self.random.random() < 0.85 else None
            yield self._flow(template)

    def _flow(self, template: WfpFilter | None) -> WfpFlow:
        way, family = next((w for w, layer in JUDGING.items() if template and layer == template.layer), None) or (
            self.random.choice(self.ways))
        conditions: dict[str, list[Any]] = {}
        for c in template.conditions if template else ():
            understood = isinstance(c.value, WfpRange) or isinstance(c.value, int) == (c.field not in _TEXTS)
            if understood and self.random.random() < 0.9:  # else another value than the filter asks for
                conditions.setdefault(c.field, []).append(c.value)
        protocol = self._of(conditions, "IP_PROTOCOL", [6, 17, 6, 17, 1 if family == 4 else 58, 2])
        icmp = protocol in _ICMP
        ports = [0, 255, 8, 3] if icmp else [0, 1, 80, 1023, 1024, 50_000, 65_535]
        limit = 255 if icmp else 65_535
        descriptor = next(iter(conditions.get("ALE_USER_ID", ())), "")
        low, high = ((0, 2**32 - 1), (1 << 128, (1 << 129) - 1))[family == 6]
        addresses = [*self.named.get(f"IP_REMOTE_ADDRESS {family}", []), low + (10 << 24) + 7]
        remote = self._of(conditions, "IP_REMOTE_ADDRESS", addresses)
        flow = WfpFlow(
            way, family, protocol, low + 5 + (192 << 24),  # type: ignore[arg-type]
            min(max(remote, low), high),
            min(max(self._of(conditions, "ORIGINAL_ICMP_TYPE" if icmp and "ORIGINAL_ICMP_TYPE" in conditions else "IP_LOCAL_PORT",
                             ports + self.named.get("IP_LOCAL_PORT", [])), 0), limit),
            min(max(self._of(conditions, "IP_REMOTE_PORT", ports + self.named.get("IP_REMOTE_PORT", [])), 0), limit),
            self._of(conditions, "ALE_APP_ID", [*self.named.get("ALE_APP_ID", []), r"\device\harddiskvolume3\other.exe",
                                                "System"]),
            self._token(str(descriptor)), profile=self._profile(conditions), interface=self._interface(conditions, family))
        rpc = "ALE_SIO_FIREWALL_SYSTEM_PORT" in conditions and self.random.random() < 0.7
        if rpc and protocol == _TCP and flow.program != "System":  # RPC gives programs ports that are not well-known ones
            flow = replace(flow, rpc_port=True, local_port=max(flow.local_port or 0, 1024))
        families = _FAMILY.findall(" ".join(str(v) for v in conditions.get("ALE_PACKAGE_FAMILY_NAME", ())))
        containers = [v for v in conditions.get("ALE_PACKAGE_ID", ()) if v != NO_PACKAGE]
        apps = [*((package_sid(f), f) for f in families), *((v, "An.App_8wekyb3d8bbwe") for v in containers)]
        return self._strange(replace(flow, rpc_port=flow.rpc_port or False), apps, str(descriptor))

    def _of(self, conditions: dict[str, list[Any]], field: str, others: Sequence[Any]) -> Any:
        """A value at an end of what a filter asks for, or one beyond; else any other."""
        if field not in conditions or self.random.random() < 0.1:
            return self.random.choice(others)
        value = self.random.choice(conditions[field])
        if isinstance(value, WfpRange):
            middle = (value.first + value.last) // 2
            return self.random.choice([value.first, value.last, middle, value.first - 1, value.last + 1, value.first, value.last])
        return value + self.random.choice([0] * 8 + [1, -1]) if isinstance(value, int) and field != "IP_PROTOCOL" else value

    def _token(self, descriptor: str) -> frozenset[str]:
        services = [part.partition(")")[0] for part in descriptor.split(";;;")[1:] if part.startswith(_SERVICE)]
        listed = services or [s for s in self.services if self.random.random() < 2 / len(self.services)]
        if listed and (services or self.random.random() < 0.5):
            return frozenset({EVERYONE, SYSTEM, self.random.choice(listed)})
        return frozenset({EVERYONE, self.random.choice([SYSTEM, PERSON])})

    @cached_property
    def secured(self) -> bool:
        """Whether rules ask for what IPsec secured."""
        return any(c.field == "FLAGS" and isinstance(c.value, int) and c.value & (SECURED | AUTHENTICATED)
                   for one in self.templates for c in one.conditions)

    @cached_property
    def services(self) -> list[str]:
        """The services that filters name."""
        return sorted({part.partition(")")[0] for one in self.all for c in one.conditions if c.field == "ALE_USER_ID"
                       for part in str(c.value).split(";;;")[1:] if part.startswith(_SERVICE)})

    def _profile(self, conditions: dict[str, list[Any]]) -> Any:
        ids = [number for number, name in PROFILES_BY_ID.items() if name in self.judges.profiles]
        asked = [v for v in conditions.get("ORIGINAL_PROFILE_ID", ()) if v in ids]
        return self.random.choice(asked * 4 + ids)

    @cached_property
    def interfaces(self) -> dict[str, list[int]]:
        """{family: the interfaces that are out of quarantine}; any where no filter keeps one in it."""
        found: dict[str, set[int]] = {"4": set(), "6": set()}
        for one in self.all:
            if one.sublayer == "MPSSVC_QUARANTINE":
                found[one.layer[-1]].update(c.value for c in one.conditions if c.field == "IP_ARRIVAL_INTERFACE"
                                            and isinstance(c.value, int))
        return {family: sorted(those) or [_WIRED] for family, those in found.items()}

    def _interface(self, conditions: dict[str, list[Any]], family: int) -> Any:
        asked = conditions.get("IP_ARRIVAL_INTERFACE", conditions.get("IP_NEXTHOP_INTERFACE", []))
        if self.random.random() < 0.02:
            return _WIRED
        return self.random.choice(asked * 4 or self.interfaces[str(family)])

    def _strange(self, flow: WfpFlow, apps: list[tuple[str, str]], descriptor: str) -> WfpFlow:
        """Now and then an app, a tunnel, or what IPsec secured, where rules ask for that."""
        chance = self.random.random()
        if chance < 0.02 or (apps and chance < 0.8):
            capabilities = {f"S-1-15-3-{n}" for n in (1, 2, 3) if self.random.random() < 0.5}
            package, family = self.random.choice(apps or [(package_sid("An.App_8wekyb3d8bbwe"), "An.App_8wekyb3d8bbwe")])
            owner = self.random.choice([PERSON, *_PERSON.findall(descriptor) * 4])
            return replace(flow, package=package, package_family=family,
                           token=frozenset({EVERYONE, owner, *capabilities}))
        if chance < 0.04 and self.secured:
            return replace(flow, flags=SECURED | AUTHENTICATED)
        if chance < 0.05:
            return replace(flow, interface_type=TUNNEL_INTERFACE, tunnel_type=1 if flow.family == 4 else 14)
        return flow


def _family_of(field: str, filter: WfpFilter) -> str:
    return f"{field} {filter.layer[-1]}" if field.endswith("ADDRESS") else field
