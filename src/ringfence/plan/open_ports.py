"""Warns of ports by which a host is administered, and which worms look for, where a plan opens them to everybody without a rule
that says so: by another default action, a firewall that is switched off, a block that goes, IPsec that is required no more. Rules
that let in are told by themselves."""

from collections.abc import Iterator

from ringfence.diagnostics import NOWHERE, Diagnostic
from ringfence.model.facts import NetworkInterface
from ringfence.model.narrowing import SENSITIVE_PORTS
from ringfence.model.once import filter_of
from ringfence.model.state import Change, title, with_changes
from ringfence.plan.plan import Plan
from ringfence.policy.evaluate import Policy
from ringfence.policy.flow import SYSTEM, SYSTEM_ACCOUNT, TCP, Flow, number_of
from ringfence.policy.flow_verdict import REASONS
from ringfence.policy.place import ALL_PROFILES, Place

_ANYBODY = number_of("198.51.100.77")  # RFC 5737: nobody in particular
_SVCHOST = r"%SystemRoot%\System32\svchost.exe"
_LISTENERS = {  # who listens there on Windows ("Service overview and network port requirements for Windows")
    22: (r"%SystemRoot%\System32\OpenSSH\sshd.exe", "sshd"), 135: (_SVCHOST, "RpcSs"), 3389: (_SVCHOST, "TermService")}
_A_SERVER = (r"C:\Program Files\a server.exe", "a server")
_OF_THE_KERNEL = (445, 5985, 5986)


def warn_of_open_ports(plan: Plan) -> Plan:
    """The plan with a warning for each such port that everybody reaches once it is made, and does not now."""
    if plan.invalid or not any(map(_opens_by_itself, plan.changes)):
        return plan
    return plan.with_diagnostics(*_opened(plan))


def _opens_by_itself(change: Change) -> bool:
    """Whether a change may let something in without being a rule that allows it."""
    before, after = change.before, change.after
    was, will = (filter_of(r) if r is not None else None for r in (before, after))
    if was is None and will is None:
        return before is not None and after is not None and any(
            p.least is not None and getattr(before, p.name) != getattr(after, p.name) for p in after.kind.properties.values())
    stopped = was is not None and was.enabled and was.may("block", "secure")
    return was != will and (stopped or (will is not None and will.enabled and will.may("exempt")))


def _places(before: Policy, after: Policy) -> Iterator[Place]:
    """Each profile, whatever the host's networks are, and each interface, since of some the firewall may be switched off. A host
    that did not tell of its interfaces has those for which that is to be."""
    network = before.network
    yield from (Place(network, profile) for profile in ALL_PROFILES)
    if network.facts.tells_interfaces:
        yield from (Place(network, one.profile or "public", one) for one in network.facts.interfaces)
        return
    for profile in ALL_PROFILES:
        yield from (Place(network, profile, NetworkInterface(guid, guid, profile=profile))
                    for guid in _without_firewall(after, profile) if guid not in _without_firewall(before, profile))


def _without_firewall(policy: Policy, profile: str) -> tuple[str, ...]:
    """The GUIDs of the interfaces on which a profile's firewall is off."""
    listed = policy.settings.profile(profile, "disabled_interface_aliases").value
    return listed if isinstance(listed, tuple) else ()


def _opened(plan: Plan) -> Iterator[Diagnostic]:
    before, after = (plan.found.policy(state) for state in (
        plan.found.state, with_changes(plan.found.state, [c for c in plan.changes if c.writes])))
    for port, what in SENSITIVE_PORTS.items():
        program, service = (SYSTEM, "") if port in _OF_THE_KERNEL else _LISTENERS.get(port, _A_SERVER)
        flow = Flow("inbound", TCP, None, _ANYBODY, port, 50_000, program=program, service=service, user=SYSTEM_ACCOUNT)
        told = set[str]()  # profiles: what holds for all of one is not said again of each interface
        for place in _places(before, after):
            profile, on = place.profile, f" on {place.interface.alias}" if place.interface else ""
            was, will = before.verdict_at(flow, place), after.verdict_at(flow, place)
            secured = was.reason == "ipsec_required"  # a rule that is declared to let in said nothing of clear traffic then
            if profile in told or will.action != "allow" or was.action != "block" or (
                    not secured and any(id in plan.declarations for id in will.by)):
                continue
            if not on:
                told.add(profile)
            by = ", ".join(title(id, r) for id in will.by if (r := plan.after.get(id)) is not None)
            gone = "IPsec is required no more" if secured else ""
            why = "; ".join(filter(None, (REASONS[will.reason], by, will.setting, gone)))
            yield Diagnostic(NOWHERE, f"{port} ({what}) is let in from anywhere in the {profile} profile{on} once this is made: "
                             f"{why}", "See whether that is meant: `ringfence evaluate` says what decides", "warning")
