"""Flows drawn from the edges of a host's policy, decided by the engine and by the lab, each in its own way."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from found_rules import real_rules
from lab_machine import ETHERNET, host
from policy_of_lab import policy_of

from ringfence.lab import GROUP_POLICY, POLICY, Machine, NetworkAdapter, SimulatedFlow
from ringfence.lab.enforcement.flow_decision import decides
from ringfence.lab.registry.stored_rule import StoredRule
from ringfence.model.filter import Direction, Filter
from ringfence.policy.evaluate import Policy
from ringfence.policy.flow import ICMPV4, ICMPV6, SYSTEM_ACCOUNT, TCP, UDP, Flow, number_of
from ringfence.policy.flow_conditions import protocol_number
from ringfence.types.addresses import interval_text
from ringfence.types.network_sets import interval

ADAPTERS = (ETHERNET,
            NetworkAdapter("Office", "{22222222-2222-3333-4444-555555555555}", 5, "wireless", addresses=("192.0.2.10/24",),
                           profile="public", dns_servers=("192.0.2.53",)),
            NetworkAdapter("Tunnel", "{33333333-2222-3333-4444-555555555555}", 6, "remote_access", addresses=("10.50.0.10/24",),
                           profile="domain"))
_SOMEWHERE = ("10.99.0.1", "10.99.0.53", "192.0.2.7", "10.50.0.7", "198.51.100.7", "224.0.0.251", "fe80::7", "2001:db8::7")
_IPSEC = ("v2.31|Action={}|Active=TRUE|{}Name=i|", ("SecureServer", "Secure", "Boundary", "DoNotSecure"),
          ("", "EP2_4=10.99.0.0/255.255.255.0|", "EP2_4=10.99.0.1|", "Protocol=6|EP1Port=445|", "Profile=Public|",
           "EP2_4=198.51.100.0-198.51.100.99|"))
_EXCHANGES = ((500, 500), (4500, 4500), (500, 4500), (4500, 61000), (61000, 500))  # own port and the other one
_SIDES = ("protocol", "local_port", "local_port", "remote_port", "icmp_type", "remote_address", "remote_address", "interface",
          "program", "service", "security", "local_address")


@dataclass
class FlowJudgement:
    """matched: flows that a rule matches for certain · decided: those that both decide · told: those of which one of them says
    that it is not known · wrong: those on which they differ."""

    flows: int = 0
    matched: int = 0
    decided: int = 0
    told: Counter[str] = field(default_factory=Counter)
    actions: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def judge(seed: int, number: int, of_host: int = 1000) -> FlowJudgement:
    """As many flows, on hosts whose policy is drawn by chance."""
    rng, found = Random(seed), FlowJudgement()
    while found.flows < number:
        machine = drawn_host(rng)
        policy = policy_of(machine)
        filters = [r.filter for r in policy.rules]
        for _ in range(min(of_host, number - found.flows)):
            _compare(machine, policy, drawn_flow(rng, filters), found)
    return found


def _compare(machine: Machine, policy: Policy, flow: Flow, found: FlowJudgement) -> None:
    verdict, simulated = policy.verdict(flow), simulated_flow(flow)
    for place in policy.network.places(flow):
        if (alone := policy.action_at(flow, place)) != (whole := policy.verdict_at(flow, place).action):
            found.wrong.append(f"{flow}\n  {flow!r}\n  the action alone: {alone}, with what decides it: {whole}")
    with machine.lock:
        lab = decides(machine, simulated)
    found.flows += 1
    found.matched += any(not m.doubts for place in policy.network.places(flow) for m in policy.matches(flow, place).all())
    found.actions[f"{verdict.action} {verdict.reason}"] += 1
    if verdict.action == "unknown" or lab is None:
        found.told[f"{'engine' if verdict.action == 'unknown' else ''}{' lab' if lab is None else ''}".strip()] += 1
    elif (verdict.action == "allow") == lab:
        found.decided += 1
    else:
        found.wrong.append(f"{flow}\n  {flow!r}\n  {verdict.action} {verdict.reason} {verdict.by} {verdict.setting} "
                           f"{verdict.profile} {verdict.interface}; the lab: {lab}")


def simulated_flow(flow: Flow) -> SimulatedFlow:
    """The same as the lab has it."""
    def text(number: int | None) -> str | None:
        return None if number is None else interval_text(number, number)

    assert flow.remote_address is not None
    assert flow.security is not None
    token = None if flow.user is None else (flow.user, "S-1-1-0", "S-1-5-11", "S-1-5-32-544")
    return SimulatedFlow(
        "in" if flow.direction == "inbound" else "out", flow.protocol, str(text(flow.remote_address)), text(flow.local_address),
        flow.local_port, flow.remote_port, None if flow.icmp_type is None else (flow.icmp_type, flow.icmp_code or 0),
        flow.interface, flow.program, flow.service, flow.package, "" if flow.package == "" else None, token, flow.security,
        edge=flow.edge)


# ---- hosts

def drawn_host(rng: Random) -> Machine:
    """A host with some of the rules of real machines, changed here and there, in two stores, and settings by chance."""
    on = host(os=rng.choice(("server2022", "windows11")), interfaces=ADAPTERS)
    local, group = POLICY + r"\FirewallRules", GROUP_POLICY + r"\FirewallRules"
    on.registry.delete(local)
    for number, text in enumerate(rng.sample(real_rules(), min(120, len(real_rules())))):
        on.registry.set(local, f"r{number}", _changed(rng, text))
        if rng.random() < 0.08:
            on.registry.set(group, f"r{number}" if rng.random() < 0.5 else f"g{number}", _changed(rng, text))
    for profile in ("Domain", "Standard", "Public"):
        for value, share, data in (("EnableFirewall", 0.08, 0), ("DefaultInboundAction", 0.25, 0),
                                   ("DefaultOutboundAction", 0.4, 1), ("DoNotAllowExceptions", 0.08, 1),
                                   ("DisabledInterfaces", 0.08, ADAPTERS[0].guid)):
            if rng.random() < share:
                on.registry.set(rf"{POLICY}\{profile}Profile", value, data)
        if rng.random() < 0.1:
            on.registry.set(rf"{GROUP_POLICY}\{'Private' if profile == 'Standard' else profile}Profile",
                            rng.choice(("AllowLocalPolicyMerge", "AllowLocalIPsecPolicyMerge")), 0)
    if rng.random() < 0.4:
        form, actions, conditions = _IPSEC
        for number in range(rng.randint(1, 3)):
            on.registry.set(POLICY + r"\ConSecRules", f"i{number}", form.format(rng.choice(actions), rng.choice(conditions)))
        if rng.random() < 0.5:
            on.registry.set(POLICY, "IPSecExempt", rng.randint(0, 15))
    return on


def _changed(rng: Random, text: str) -> str:
    rule = StoredRule.parse("FirewallRules", text)
    rule.replace("Active", ("Active", "TRUE" if rng.random() < 0.9 else "FALSE"))
    if rng.random() < 0.25 and not rule.has("Security", "Security2_9"):
        rule.replace("Action", ("Action", "Block"))
    if rng.random() < 0.3 and rule.has("App") and not rule.has("Svc"):
        rule.replace("App")
    return rule.text("2.31")


# ---- flows

def drawn_flow(rng: Random, filters: Sequence[Filter]) -> Flow:
    """A flow that meets one rule, or nearly: some of its sides are at the edges of another one, or a step beyond."""
    flow = _inside(rng, rng.choice(filters))
    for _ in range(rng.choice((0, 0, 1, 2))):
        side = rng.choice(_SIDES)
        other = _inside(rng, rng.choice(filters))
        if side == "protocol":
            flow = replace(flow, **{name: getattr(other, name) for name in ("protocol", "local_port", "remote_port", "icmp_type",
                                                                             "icmp_code")})
        elif side == "icmp_type":
            if other.protocol == flow.protocol:
                flow = replace(flow, icmp_type=other.icmp_type, icmp_code=other.icmp_code)
        elif side.endswith("_port") and flow.protocol in (TCP, UDP):
            near = getattr(other, side) or getattr(flow, side) or 1
            port: Any = min(65535, max(1, near + rng.choice((-1, 0, 1))))
            flow = replace(flow, **{side: port})
        elif not side.endswith("_port"):
            flow = replace(flow, **{side: getattr(other, side)})
    if flow.protocol == UDP and rng.random() < 0.1:
        own, far = rng.choice(_EXCHANGES)
        flow = replace(flow, local_port=own, remote_port=far)
    return _sound(flow)


def _sound(flow: Flow) -> Flow:
    """The flow with its own address of the family of the other one's."""
    assert flow.remote_address is not None
    if flow.local_address is not None and flow.local_address >> 128 != flow.remote_address >> 128:
        return replace(flow, local_address=None)
    return flow


def _inside(rng: Random, filter: Filter) -> Flow:
    protocol = protocol_number(filter.protocol) if filter.protocol != "any" else rng.choice((TCP, UDP, ICMPV4, ICMPV6, 47))
    assert protocol is not None
    has_ports, icmp = protocol in (TCP, UDP), protocol in (ICMPV4, ICMPV6)
    kind, _, code = rng.choice(filter.icmp_type or ("8", "135", "3:4")).partition(":") if icmp else ("", "", "")
    adapter = rng.choice(ADAPTERS)
    wanted = [a for a in ADAPTERS if (not filter.profile or a.profile in filter.profile)
              and (not filter.interface_type or a.type in filter.interface_type)]
    adapter = rng.choice(wanted) if wanted else adapter
    either: Direction = rng.choice(("inbound", "outbound"))
    return Flow(
        filter.direction or either, protocol,
        local_address=next(_edges(rng, filter.local_address), None), remote_address=next(_edges(rng, filter.remote_address)),
        local_port=_port(rng, filter.local_port) if has_ports else None,
        remote_port=_port(rng, filter.remote_port) if has_ports else None,
        icmp_type=int(kind) if icmp else None, icmp_code=int(code or 0) if icmp else None,
        program=str(filter.program) if filter.program else rng.choice((r"C:\x.exe", "System")),
        service="x" if filter.service == "*" else filter.service or "", package=filter.package or "",
        user=filter.owner or SYSTEM_ACCOUNT, interface=adapter.guid,
        security=("clear" if filter.authentication == "not_required" else rng.choice(("authenticated", "encrypted"))))


def _port(rng: Random, listed: Sequence[str]) -> int:
    numbers = [p for p in listed if p[0].isdecimal()]
    if not numbers:
        return rng.choice((1, 80, 135, 445, 3389, 5985, 49700, 65535))
    first, _, last = rng.choice(numbers).partition("-")
    return max(1, rng.choice((int(first), int(last or first))))


def _edges(rng: Random, listed: Sequence[str]) -> Iterator[int]:
    """An end of one of these addresses, or a step beyond; of none, and of keywords, some address that there is."""
    numbers = [a for a in listed if a[0].isdecimal() or ":" in a]
    if numbers:
        first, last, _ = interval(rng.choice(numbers))
        number = rng.choice((first, last, first, last, first - 1, last + 1))
        if number & (2**128 - 1) > 0 and number >> 129 == 0 and (number >> 128 or number < 2**32):
            yield number
    yield number_of(rng.choice(_SOMEWHERE))


def told_of(found: FlowJudgement) -> dict[str, Any]:
    """The numbers, for whoever reads them."""
    return {"flows": found.flows, "matched": found.matched, "decided by both": found.decided, "not known": dict(found.told),
            "verdicts": dict(found.actions.most_common())}
