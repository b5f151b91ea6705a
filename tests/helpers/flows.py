"""Traffic drawn from the edges of rule strings, and whether a host with one rule lets it pass: the lab decides that."""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from random import Random
from typing import Any

from ringfence.lab import Machine, SimulatedFlow
from ringfence.lab.enforcement.address_conditions import subnets_of
from ringfence.lab.enforcement.rule_conditions import AskedFlow, RuleConditions
from ringfence.lab.registry.stored_rule import StoredRule

LOCAL_PORTS = ("LPort", "LPort2_10", "LPort2_20", "LPort2_24", "LPort2_29")
REMOTE_PORTS = ("RPort", "RPort2_10", "RPort2_25")
LOCAL_ADDRESSES, REMOTE_ADDRESSES = ("LA4", "LA6"), ("RA4", "RA6", "RA42", "RA62")
# what a connection has or has not as it stands: who speaks, how it is secured, and whose program it is
MARKS = ("Security", "Security2", "Security2_9", "RMauth", "RUAuth", "LUAuth", "LUAuth2_24", "LUOwn", "AppPkgId", "PFN",
         "RADynKey", "TTK", "TTK2_22", "TTK2_27", "TTK2_28", "PCross")
PERMISSIONS = ("Edge", "Defer", "LSM")  # what only an allow rule that has it lets pass
_SIDES = ("direction", "protocol", "local_port", "local_port", "remote_port", "icmp", "local", "remote", "remote", "profile",
          "adapter_type", "guid", "program", "service", "marks", "through", "beyond")  # some matter more
_SOMEWHERE = {"4": ("10.99.0.77", "198.51.100.7", "10.1.4.1"), "6": ("2001:db8:9::7", "fe80::7")}


@dataclass(frozen=True, slots=True)
class Flow:
    """One piece of traffic. Ports are numbers or words of Windows (RPC); marks: see MARKS; through: see PERMISSIONS."""

    direction: str
    protocol: str
    local_port: str
    remote_port: str
    icmp: tuple[str, str]
    local: str
    remote: str
    profile: str
    adapter_type: str
    guid: str
    program: str
    service: str
    marks: frozenset[tuple[str, str]] = frozenset()
    through: frozenset[tuple[str, str]] = frozenset()


class _Asked(AskedFlow):
    """A flow as the lab's conditions see it, on an adapter of its own."""

    def __init__(self, machine: Machine, flow: Flow) -> None:
        icmp = (int(flow.icmp[0]), int(flow.icmp[1]))
        self.flow = SimulatedFlow("in" if flow.direction.lower() == "in" else "out", int(flow.protocol), flow.remote, flow.local,
                                  _number(flow.local_port), _number(flow.remote_port), icmp)
        self.machine, self.profile = machine, flow.profile.lower()
        self.adapters, self.edge = machine.interfaces, False
        self.adapter = replace(machine.interfaces[0], guid=flow.guid, type=_TYPES[flow.adapter_type.lower()])
        self.subnets = subnets_of(machine.interfaces, machine.interfaces[0].profile or "public")
        self.all_subnets = subnets_of(machine.interfaces)
        self.remote, self.local = ipaddress.ip_address(flow.remote), ipaddress.ip_address(flow.local)
        self.program, self.service = machine.expanded(flow.program).lower(), flow.service.lower()


@lru_cache(maxsize=64)
def _asked(machine: Machine, flow: Flow) -> _Asked:
    """One flow is put to many rules. No machine here gets other adapters."""
    return _Asked(machine, flow)


_TYPES: dict[str, Any] = {"lan": "wired", "wireless": "wireless", "remoteaccess": "remote_access"}


def _number(port: str) -> int | None:
    return int(port) if port.isdigit() else None


def _stands_in(word: str, listed: list[str]) -> bool:
    """Whether a word for ports is that of a rule; without any, each will do."""
    return word.isdigit() or not listed or word in listed


@lru_cache(maxsize=4096)
def _without_marks(pairs: tuple[tuple[str, str], ...], ports: frozenset[str]) -> RuleConditions:
    """The conditions that are not compared as words."""
    words = {*MARKS, *(t for token in ports for t in (LOCAL_PORTS if token == "local" else REMOTE_PORTS))}
    return RuleConditions(StoredRule("FirewallRules", [pair for pair in pairs if pair[0] not in words]))


def _said(rule: StoredRule, tokens: tuple[str, ...]) -> frozenset[tuple[str, str]]:
    return frozenset((t, v) for t, v in rule.pairs if t in tokens and v.upper() != "FALSE")


def meets(machine: Machine, flow: Flow, rule: StoredRule) -> bool:
    """Whether a flow meets every condition that a rule has."""
    words = frozenset(side for side, port in (("local", flow.local_port), ("remote", flow.remote_port)) if not port.isdigit())
    conditions = _without_marks(tuple(rule.pairs), words)
    return (conditions.direction in ("", flow.direction.lower()) and _said(rule, MARKS) <= flow.marks
            and _stands_in(flow.local_port, rule.all(*LOCAL_PORTS)) and _stands_in(flow.remote_port, rule.all(*REMOTE_PORTS))
            and conditions.match(_asked(machine, flow)) is True)


def passes(machine: Machine, flow: Flow, text: str | None, default: bool) -> bool:
    """Whether a host with this one rule, or none, lets a flow pass. `default`: what it does with what no rule matches."""
    rule = StoredRule.parse("FirewallRules", text or "v2.31|Active=FALSE|")
    if not rule.is_true("Active") or not meets(machine, flow, rule):
        return default
    if rule.first("Action").lower() == "block":
        return False
    return default or flow.through <= _said(rule, PERMISSIONS)


def flows(machine: Machine, texts: tuple[str | None, ...], number: int, rng: Random) -> Iterator[Flow]:
    """Flows that meet one of the rules, most of them with something taken from the edges of another, or from beyond."""
    rules = [StoredRule.parse("FirewallRules", text) for text in texts if text]
    every = [_Edges(machine, rule, rng) for rule in rules]
    for n in range(number):
        mine = every[n % len(every)]
        flow = mine.inside()
        for _ in range(n % 4 if n % 4 < 3 else 0):  # half of them meet the rule wholly
            flow = rng.choice(every).moved(flow)
        yield flow


def _with(flow: Flow, side: str, value: Any) -> Flow:
    return replace(flow, **{side: value})


class _Edges:
    """What lies at the edges of a rule's conditions."""

    def __init__(self, machine: Machine, rule: StoredRule, rng: Random) -> None:
        self.machine, self.rule, self.rng = machine, rule, rng
        self.family = "6" if rule.has("RA6", "LA6", "RA62") and not rule.has("RA4", "LA4", "RA42") else "4"
        if rule.first("Protocol") == "58":
            self.family = "6"

    def inside(self) -> Flow:
        """A flow that meets the rule, as far as the addresses that its keywords mean are known."""
        rule, pick = self.rule, self.rng.choice
        protocol = rule.first("Protocol", "256")
        return Flow(
            rule.first("Dir", "In"), pick(("6", "17", "1", "47")) if protocol == "256" else protocol,
            self._port(LOCAL_PORTS), self._port(REMOTE_PORTS), self._icmp(),
            self._address(("LA" + self.family,), "10.99.0.10" if self.family == "4" else "2001:db8::10"),
            self._address(("RA" + self.family,), pick(_SOMEWHERE[self.family])),
            pick(rule.all("Profile") or ["Domain", "Private", "Public"]),
            pick(rule.all("IFType", "IFType2_23") or ["Lan", "Wireless"]),
            pick(rule.all("IF") or ["{0A0A0A0A-0000-0000-0000-000000000000}"]), rule.first("App") or r"C:\x.exe",
            rule.first("Svc").replace("*", "any") or pick(("", "any")),
            _said(rule, MARKS), _said(rule, PERMISSIONS) if pick((True, False)) else frozenset())

    def moved(self, flow: Flow) -> Flow:
        """The flow with one of its sides at an edge of this rule, or a step beyond."""
        other = self.inside()
        side = self.rng.choice(_SIDES)
        if side == "beyond":
            return replace(flow, remote=self._beyond(flow.remote))
        if side.endswith("_port") and self.rng.random() < 0.5 and (port := getattr(other, side)).isdigit():
            return _with(flow, side, str(min(65535, max(1, int(port) + self.rng.choice((-1, 1))))))
        if side in ("local", "remote") and (":" in flow.local) != (":" in getattr(other, side)):
            return replace(flow, local=other.local, remote=other.remote)
        if side == "program" and self.rng.random() < 0.5:
            return replace(flow, program=r"C:\another.exe")
        if side == "marks" and self.rng.random() < 0.5:
            return replace(flow, marks=frozenset())
        return _with(flow, side, getattr(other, side))

    def _port(self, tokens: tuple[str, ...]) -> str:
        listed = [p for v in self.rule.all(*tokens) for p in v.split(",")]
        if not listed:
            return str(self.rng.choice((1, 80, 445, 3389, 40005, 65535)))
        return self.rng.choice(self.rng.choice(listed).split("-")) if self.rng.random() < 0.9 else str(self.rng.randint(1, 65535))

    def _icmp(self) -> tuple[str, str]:
        listed = self.rule.all("ICMP4", "ICMP6")
        kind, _, code = (self.rng.choice(listed) if listed else self.rng.choice(("8:0", "3:4", "128:0"))).partition(":")
        return kind, code.replace("*", "0") or "0"

    def _address(self, tokens: tuple[str, ...], otherwise: str) -> str:
        listed = [v for v in self.rule.all(*tokens) if v[0].isdigit() or ":" in v]
        if not listed:
            return otherwise
        value = self.rng.choice(listed)
        if "/" in value:
            network = ipaddress.ip_network(value, strict=False)
            return str(self.rng.choice((network[0], network[-1])))
        return self.rng.choice(value.split("-"))

    def _beyond(self, address: str) -> str:
        number = ipaddress.ip_address(address)
        try:
            return str(number + self.rng.choice((-1, 1)))
        except ipaddress.AddressValueError:
            return address
