"""The policy that a dump of the Windows Filtering Platform was made of: rules, restrictions of services, and defaults.

All filters of one rule have one number. Of the sublayer of rules, filters of class 9 allow and those of class 10 block; class 8
has the default action of each profile that is active (no filter: the firewall is off there); with one profile active rules have
no condition on it. Filters at ALE_AUTH_LISTEN and ALE_RESOURCE_ASSIGNMENT keep the question to the user away, and let nothing
pass. Outbound allow rules have no filters where the default allows. All this was so in seven of seven dumps with a firewall.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from ringfence.model.filter import Filter
from ringfence.model.state import LOCAL, Id
from ringfence.model.wfp import AUTHORIZING, EDGE_PORT, FIREWALL, HARDENING, PROFILES_BY_ID, WINDOWS_OWN, WfpDump, WfpFilter
from ringfence.windows.origin import STATIC_SERVICE
from ringfence.windows.wfp_filters import NoFilter, by_field, filters_of, is_for_reauthorization, merged_filters

_KIND = "firewall_rule"
_DEFAULT, _ALLOW, _OVERRIDES = 8, 9, 11  # classes of weights; what overrides block rules was never seen, and is above them
_INBOUND = "ALE_AUTH_RECV_ACCEPT_"
_BUILT_IN = 15  # a class above all rules: loopback, stealth, FTP


@dataclass(frozen=True)
class DumpedRule:
    """A rule as a dump has it. name: its display name, in the language of the host · filters: what it is for; several where that
    differs by profile or interface · made_of: the filters of the dump that it is."""

    id: Id
    name: str
    filters: tuple[Filter, ...]
    made_of: tuple[WfpFilter, ...]


@dataclass(frozen=True)
class DumpedDefaults:
    """What is done in an active profile with what no rule matches: allow or block; None where the dump does not tell."""

    inbound: str | None = None
    outbound: str | None = None


@dataclass(frozen=True)
class DumpedPolicy:
    """What a dump was made of.

    rules: of all stores · restrictions: of services, beyond all rules · profiles: {active profile: its defaults}; none where the
    firewall is off, or another product has taken over · inexpressible: filters that no rule could have, each with why.
    """

    rules: tuple[DumpedRule, ...] = ()
    restrictions: tuple[DumpedRule, ...] = ()
    profiles: Mapping[str, DumpedDefaults] = field(default_factory=dict)
    inexpressible: tuple[tuple[WfpFilter, str], ...] = ()


def service_sid(name: str) -> str:
    """The SID of a service: 80, and the SHA-1 of its name in capitals, by four bytes, the lowest first ([MS-DTYP] 2.4.2.4)."""
    digest = hashlib.sha1(name.upper().encode("utf-16-le"), usedforsecurity=False).digest()
    return "S-1-5-80-" + "-".join(str(int.from_bytes(digest[i:i + 4], "little")) for i in range(0, 20, 4))


def policy_of_dump(dump: WfpDump, services: Iterable[str] = ()) -> DumpedPolicy:
    """The policy of a dump. services: names of services of the host; one that is not among them has its SID for a name."""
    names = {service_sid(name): name for name in services}
    profiles = _profiles(dump)
    edges = _edges(dump)
    rules: dict[str, DumpedRule] = {}
    restrictions: dict[str, DumpedRule] = {}
    inexpressible: list[tuple[WfpFilter, str]] = []
    for found, sublayer, store in ((rules, FIREWALL, LOCAL), (restrictions, HARDENING, STATIC_SERVICE)):
        for number, made_of in _groups(dump, sublayer):
            filters = []
            for one in made_of:
                try:
                    filters += [_of_rule(f, one, profiles, sublayer) for f in filters_of(one, names)]
                except NoFilter as why:
                    inexpressible.append((one, str(why)))
            if filters:
                first = made_of[0]
                if sublayer == FIREWALL and number in edges:
                    filters = [replace(f, edge_traversal_policy=edges[number]) for f in filters]
                id = Id(store, _KIND, (first.origin or number).lower())
                found[number] = DumpedRule(id, first.name, merged_filters(filters), tuple(made_of))
    return DumpedPolicy(tuple(rules.values()), tuple(restrictions.values()), profiles, tuple(inexpressible))


def _groups(dump: WfpDump, sublayer: str) -> Iterator[tuple[str, list[WfpFilter]]]:
    """The filters for new flows that are of rules, by rule; those of Windows' own making alone."""
    found: dict[str, list[WfpFilter]] = {}
    for layer in AUTHORIZING:
        for one in dump.by_layer.get(layer, ()):
            if one.sublayer != sublayer or "BOOTTIME" in one.flags or is_for_reauthorization(one):
                continue
            if not (_ALLOW if sublayer == FIREWALL else 0) <= one.weight_class < _BUILT_IN:
                continue
            known = one.rule not in (None, WINDOWS_OWN)
            found.setdefault(f"{one.rule:016x}" if known else one.key, []).append(one)
    yield from found.items()


def _of_rule(filter: Filter, made_of: WfpFilter, profiles: Iterable[str], sublayer: str) -> Filter:
    """With what its weight says, and for the profiles that are active where it names none."""
    if sublayer == FIREWALL and filter.effect == "allow" and made_of.weight_class >= _OVERRIDES:
        filter = replace(filter, override_block_rules=True)
    if sublayer != FIREWALL:  # restrictions hold in every profile, and through edge devices unless they name a tunnel
        return filter if "ARRIVAL_TUNNEL_TYPE" in by_field(made_of) else replace(filter, edge_traversal_policy="allow")
    return filter if filter.profile else replace(filter, profile=tuple(sorted(profiles)))


def _edges(dump: WfpDump) -> dict[str, str]:
    """{rule: what it says of edge traversal} of those that let something pass: these have filters in a sublayer of their own, for
    tunnels, or for sockets that asked for it (97 rules of five hosts)."""
    found = {}
    for layer in AUTHORIZING:
        for one in dump.by_layer.get(layer, ()):
            if one.sublayer == "TEREDO" and one.rule not in (None, WINDOWS_OWN) and one.action == "PERMIT":
                asked = any(c.value == EDGE_PORT for c in by_field(one).get("ALE_SIO_FIREWALL_SYSTEM_PORT", ()))
                found[f"{one.rule:016x}"] = "defer_to_app" if asked else "allow"
    return found


def _profiles(dump: WfpDump) -> dict[str, DumpedDefaults]:
    found: dict[str, DumpedDefaults] = {}
    for layer in AUTHORIZING:
        for one in dump.by_layer.get(layer, ()):
            if one.sublayer != FIREWALL or one.weight_class != _DEFAULT or one.action not in ("PERMIT", "BLOCK"):
                continue
            way = "inbound" if layer.startswith(_INBOUND) else "outbound"
            for condition in by_field(one).get("ORIGINAL_PROFILE_ID", ()):
                if isinstance(condition.value, int) and (profile := PROFILES_BY_ID.get(condition.value)):
                    action = "allow" if one.action == "PERMIT" else "block"
                    found[profile] = replace(found.get(profile, DumpedDefaults()), **{way: action})
    return found
