"""What on a host stands in the way of what is declared for it taking effect: warnings. The services it needs to write."""

from collections.abc import Iterable, Iterator, Sequence

from ringfence.diagnostics import NOWHERE, Diagnostic
from ringfence.model.declaration import present
from ringfence.model.facts import Facts
from ringfence.model.resource import Resource
from ringfence.model.state import GROUP_POLICY, State
from ringfence.plan.plan import Plan
from ringfence.plan.references import cross_store_references

SERVICE_TITLES = {"mpssvc": "Windows Defender Firewall", "BFE": "Base Filtering Engine",
            "IKEEXT": "IKE and AuthIP IPsec Keying Modules", "PolicyAgent": "IPsec Policy Agent"}
TO_WRITE = ("mpssvc", "BFE")  # without these no cmdlet of NetSecurity can write
TO_NEGOTIATE = ("BFE", "IKEEXT", "PolicyAgent")  # without these there are no security associations

_FINE = {"Enforced", "Full", "Disabled", "DisabledObject", "InactiveProfile", "ProfileInactive", "NotApplicable"}


def stopped(facts: Facts, services: Iterable[str]) -> tuple[str, ...]:
    """Those of `services` that do not run, as far as the host said so."""
    return tuple(s for s in services if facts.services.get(s, "running") != "running")


def warn_of_obstacles(plan: Plan) -> Plan:
    """The plan with a warning for each reason why a declared resource will not take effect on the host."""
    resources = [d.resource for d in present(plan.declarations.values())]
    return plan.with_diagnostics(*_obstacles([r for r in resources if r.kind.services], plan.found.state, plan.found.facts))


def _obstacles(resources: Sequence[Resource], found: State, facts: Facts) -> Iterator[Diagnostic]:
    if not resources:
        return
    if facts.legacy_ipsec_policy:
        yield _warning(f"a legacy IPsec policy is assigned: {facts.legacy_ipsec_policy}",
                       "policies of `netsh ipsec` and connection security rules disturb each other: unassign it "
                       "(netsh ipsec static set policy … assign=no, or the Group Policy that brings it)")
    for service in stopped(facts, sorted({s for r in resources for s in r.kind.services})):
        yield _warning(f"the service {service} ({SERVICE_TITLES[service]}) is {facts.services[service]}: nothing is negotiated",
                       f"start it: Set-Service {service} -StartupType Automatic; Start-Service {service}")
    if off := _merge_off(resources, found):
        yield _warning(f"Group Policy ignores local connection security rules in the profiles {', '.join(off)}",
                       "AllowLocalIPsecRules is False there: allow them in that Group Policy, or bring the rules by it")
    for rule, named in cross_store_references(found):
        yield _warning(f"{rule} names {named.kind} {named.name}, which is not in its own store: Windows does not enforce it",
                       "copy the set into the store of the rule")


def _warning(summary: str, detail: str) -> Diagnostic:
    return Diagnostic(NOWHERE, summary, detail, "warning")


def _merge_off(resources: Sequence[Resource], found: State) -> list[str]:
    """The profiles of declared rules in which Group Policy switches the merge of local ones off."""
    switches = {(profile, r.kind.merged_by) for r in resources if r.kind.merged_by for profile in getattr(r, "profiles", ())}
    policy = {id.name: r for id, r in found.items() if id.store == GROUP_POLICY and r.kind.storage.fixed_names}
    off = {profile for profile, switch in switches if getattr(policy.get(profile), switch, None) is False}
    return sorted(off)


def not_enforced(name: str, status: object) -> str:
    """Why an object of the active store is not in force although it is enabled; nothing where it is, or is disabled.

    `status` is what Enforcement.Read says of it: {"enforcement": [words of EnforcementStatus]}.
    """
    states = status.get("enforcement") if isinstance(status, dict) else None
    reasons = [str(s) for s in (states if isinstance(states, list) else ()) if str(s) not in _FINE]
    return f"{name} is configured but not in force: {', '.join(reasons)}" if reasons else ""
