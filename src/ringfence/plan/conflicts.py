"""What on a host stands in the way of the IPsec policy that is declared for it: warnings, never refusals. Pure."""

from collections.abc import Iterator, Sequence

from ringfence.errors import NOWHERE, Diagnostic
from ringfence.facts import Facts
from ringfence.plan.references import strangers
from ringfence.resource import Resource
from ringfence.state import GROUP_POLICY, Desired, State

SERVICES = {"IKEEXT": "IKE and AuthIP IPsec Keying Modules", "PolicyAgent": "IPsec Policy Agent"}
PROFILES = ("domain", "private", "public")


def conflicts(desired: Desired, found: State, facts: Facts) -> list[Diagnostic]:
    """The warnings of one host; none where no IPsec is declared for it."""
    rules = [w.resource for w in desired.values() if w.resource is not None and w.resource.kind.noun.startswith("NetIPsec")]
    return [Diagnostic(NOWHERE, summary, detail, "warning") for summary, detail in _all(rules, found, facts)] if rules else []


def _all(rules: Sequence[Resource], found: State, facts: Facts) -> Iterator[tuple[str, str]]:
    if facts.legacy_ipsec_policy:
        yield (f"a legacy IPsec policy is assigned: {facts.legacy_ipsec_policy}",
               "policies of `netsh ipsec` and connection security rules disturb each other: unassign it "
               "(netsh ipsec static set policy … assign=no, or the Group Policy that brings it)")
    for service, title in SERVICES.items():
        if facts.services.get(service, "running") != "running":
            yield (f"the service {service} ({title}) is {facts.services[service]}: nothing is negotiated",
                   f"start it: Set-Service {service} -StartupType Automatic; Start-Service {service}")
    off = _merge_off(rules, found)
    if off:
        yield (f"Group Policy ignores local connection security rules in the profiles {', '.join(off)}",
               "AllowLocalIPsecRules is False there: allow them in that Group Policy, or bring the rules by it")
    for rule, named in strangers(found):
        yield (f"{rule} names {named.kind} {named.name}, which is not in its own store: Windows does not enforce it",
               "copy the set into the store of the rule")


def _merge_off(rules: Sequence[Resource], found: State) -> list[str]:
    """The profiles of declared rules in which Group Policy switches the merge of local IPsec rules off."""
    wanted = {p for r in rules if "profile" in r.kind.properties for p in r.values()["profile"] or PROFILES}
    policy = found.of("firewall_profile", GROUP_POLICY)
    return [p for p in PROFILES if p in wanted and p in policy and getattr(policy[p], "allow_local_ipsec_rules", None) is False]
