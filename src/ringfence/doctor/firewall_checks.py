"""What keeps policy on a host from being in force: other policies, other products, switches of profiles, networks."""

from collections.abc import Iterator
from typing import Any

from ringfence.doctor.examination import Check, Examination, Finding, NotKnownError, note, obstacle, ok
from ringfence.model.state import GROUP_POLICY, LOCAL, MDM
from ringfence.plan.reasons import CATEGORIES

_STORES = {LOCAL: "the host", GROUP_POLICY: "Group Policy", MDM: "MDM"}
TAKEN_OVER = {CATEGORIES["firewall"]: "firewall rules", CATEGORIES["connection_security"]: "connection security rules"}


def _profiles(seen: Examination, store: str) -> dict[str, Any]:
    """The profiles of a store that say something, by name."""
    return dict(sorted(seen.state.by_kind("firewall_profile", store).items()))


def _where(seen: Examination, property: str, value: object, stores: tuple[str, ...] = tuple(_STORES)) -> dict[str, list[str]]:
    """Which profiles of which store have a property at a value."""
    found = {store: [name for name, p in _profiles(seen, store).items() if getattr(p, property) == value] for store in stores}
    return {store: names for store, names in found.items() if names}


def _all_read(seen: Examination) -> None:
    """That nothing was found says something only where everything was read. Raises NotKnownError."""
    if unread := {f"policy of {_STORES.get(store, store)}: {why}" for (store, _), why in seen.policy_unread.items()}:
        raise NotKnownError("; ".join(sorted(unread)))


def _merge(seen: Examination) -> Iterator[Finding]:
    off = False
    known = {p.name: p for store in _STORES for profile in _profiles(seen, store).values()
             for p in profile.kind.properties.values() if p.merges}
    for switch in known.values():
        stores = (GROUP_POLICY, MDM) if switch.policy_only else tuple(_STORES)
        for store, names in _where(seen, switch.name, False, stores).items():
            off = True
            yield obstacle(f"{_STORES[store]} ignores local {switch.merges} in the profiles {', '.join(names)}",
                           f"{switch.parameter} is False there: allow them in that policy, or bring the rules by it")
    if not off:
        _all_read(seen)
        yield ok("local rules apply beside those of policies")


def _on(seen: Examination) -> Iterator[Finding]:
    off = _where(seen, "enabled", False)
    for store, names in off.items():
        yield obstacle(f"the firewall is off in the profiles {', '.join(names)} ({_STORES[store]})",
                       "declare firewall_profile with enabled: true, or change the policy that switches it off")
    if not off:
        _all_read(seen)
        yield ok("on in every profile that says so")


def _shields(seen: Examination) -> Iterator[Finding]:
    up = _where(seen, "allow_inbound_rules", False)
    for store, names in up.items():
        yield obstacle(f"shields are up in the profiles {', '.join(names)} ({_STORES[store]}): inbound allow rules are ignored",
                       "declare firewall_profile with allow_inbound_rules: true, or change that policy")
    if not up:
        _all_read(seen)
        yield ok("down")


def _mdm(seen: Examination) -> Iterator[Finding]:
    objects = sum(id.store == MDM for id in seen.state)
    if objects:
        wins = "; MDMWinsOverGP is set" if seen.known("mdm_wins") else ""
        yield note(f"{objects} objects of policy by MDM{wins}: no document says for the firewall whether it or Group Policy wins",
                   "see what is in force with Get-NetFirewallProfile -PolicyStore ActiveStore")
    else:
        _all_read(seen)
        yield ok("no policy by MDM")


def _product(seen: Examination) -> Iterator[Finding]:
    products = {str(one["name"]): [title for category, title in TAKEN_OVER.items() if category in one["categories"]]
                for one in seen.known("products")}
    taking = {name: taken for name, taken in products.items() if taken}
    if taking:
        yield obstacle("; ".join(f"{name} has taken over {' and '.join(taken)}" for name, taken in taking.items()),
                       "Windows enforces nothing of that: remove it, or manage it instead")
    elif products:
        yield ok(f"{', '.join(products)}: registered, and has taken over neither rules nor connection security")
    else:
        yield ok("none is registered")


def _legacy(seen: Examination) -> Iterator[Finding]:
    policy = seen.known("legacy_ipsec_policy")
    if policy:
        yield obstacle(f"a policy of `netsh ipsec` is assigned: {policy}",
                       "it and connection security rules disturb each other: unassign it (netsh ipsec static set policy … "
                       "assign=no, or the Group Policy that brings it)")
    else:
        yield ok("none is assigned")


def _interfaces(seen: Examination) -> Iterator[Finding]:
    aliases = seen.facts.aliases
    disabled = {(store, name): [aliases.get(str(guid), str(guid)) for guid in p.disabled_interface_aliases]
                for store in _STORES for name, p in _profiles(seen, store).items() if p.disabled_interface_aliases}
    for (store, name), interfaces in disabled.items():
        yield obstacle(f"the firewall of the profile {name} is off on {', '.join(interfaces)} ({_STORES[store]})",
                       "declare firewall_profile with other disabled_interface_aliases, or change that policy")
    if not disabled:
        _all_read(seen)
        yield ok("the firewall is off on none")


def _networks(seen: Examination) -> Iterator[Finding]:
    told = seen.known("interfaces")
    up = {str(one["alias"]): str(one.get("profile") or "unidentified") for one in told if one.get("status") == "up"}
    if not up:
        raise NotKnownError("no interface that is up was told")
    shown = ", ".join(f"{alias}: {profile}" for alias, profile in sorted(up.items()))
    domain = seen.known("domain")
    outside = [alias for alias, profile in up.items() if domain and profile != "domain"]
    if outside:
        away = ", ".join(sorted(outside))
        yield note(f"{shown}; a member of {domain} that does not see its domain on {away}: rules for the profile domain are not "
                   "in force there", "have the way in allowed in the profile that is active, and in public")
    elif domain:
        yield note(f"{shown}; after a restart a network is public until the domain is found",
                   "have the way in allowed in every profile that an interface can take")
    else:
        yield ok(shown)


FIREWALL_CHECKS = (
    Check("profiles", "Firewall on", "EnableFirewall of each profile, of the host, Group Policy and MDM",
          "[MS-GPFAS] 2.2.3; MSFT_NetFirewallProfile.Enabled", _on),
    Check("merge", "Local rules", "AllowLocalPolicyMerge, AllowLocalIPsecPolicyMerge and AllowUserPrefMerge of "
          "GloballyOpenPorts of Group Policy and MDM; AllowUserPrefMerge of AuthorizedApplications of every store",
          "[MS-FASP] 3.1.3, 2.2.38: all but the last are taken from the side of policies alone", _merge,
          open="which of Group Policy and MDM wins where both say something"),
    Check("shields", "Shields", "DoNotAllowExceptions of each profile",
          "[MS-FASP] 3.1.3; MSFT_NetFirewallProfile.AllowInboundRules", _shields),
    Check("mdm", "MDM", "FirewallPolicy\\Mdm; PolicyManager\\current\\device\\ControlPolicyConflict!MDMWinsOverGP",
          "Microsoft, “Policy CSP - ControlPolicyConflict”: it holds for the Policy CSP alone", _mdm,
          open="the precedence of MDM and Group Policy for the firewall (Firewall CSP)"),
    Check("product", "Other firewall", "RuleCategories of each product of HNetCfg.FwProducts",
          "Microsoft, “INetFwProduct interface”: the rule categories of which a product takes ownership", _product),
    Check("legacy_ipsec", "netsh ipsec", "Policies\\Microsoft\\Windows\\IPSec: ActivePolicy, DSIPSECPolicyName",
          "[MS-GPIPSEC]; Microsoft, “netsh ipsec”", _legacy),
    Check("interfaces", "Interfaces", "DisabledInterfaces of each profile", "MSFT_NetFirewallProfile.DisabledInterfaceAliases",
          _interfaces),
    Check("networks", "Networks", "MSFT_NetConnectionProfile.NetworkCategory of each interface that is up",
          "Microsoft, “Network Location Awareness”; “Windows Firewall profiles”", _networks),
)
