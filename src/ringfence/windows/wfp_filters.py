"""One filter of a rule as the value that policy is asked of (model/filter), condition by condition.

How Windows writes the properties of a rule into conditions was seen on eight hosts; what was never seen is said so in its row. A
filter with a condition that no property of a rule has is not made into one: it would be for more, or less, than the host has.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ringfence.model.filter import Filter
from ringfence.model.wfp import (
    AUTHENTICATED,
    LOOPBACK,
    NO_PACKAGE,
    PROFILES_BY_ID,
    REAUTHORIZED,
    RPC_PORT,
    SECURED,
    WfpCondition,
    WfpFilter,
    WfpRange,
)
from ringfence.types.addresses import interval_text
from ringfence.types.network import protocol
from ringfence.types.network_sets import address_set
from ringfence.types.sddl import WELL_KNOWN
from ringfence.types.well_known_accounts import SIDS

_ADDRESSES = (0, 2**32 - 1), (1 << 128, (1 << 129) - 1)
FAMILIES: Mapping[str, str] = {family: interval_text(*ends) for family, ends in zip("46", _ADDRESSES, strict=True)}
"""All addresses of a family, as a layer of it is for."""
_INTERFACE_TYPES = {6: "wired", 71: "wireless", 23: "remote_access"}  # IANA's types of interfaces; never seen in a rule's filter
_ICMP = ("icmpv4", "icmpv6")
_SECURED = SECURED | AUTHENTICATED
_ALLOWED = re.compile(r"(?:O:[^:()]*)?(?:G:[^:()]*)?D:(?:\(A;[A-Z]*;[A-Z]+;;;[^;()]+\))+")
_TRUSTEE = re.compile(r"([^;()]+)\)")
_SERVICE, _CONTAINER = "S-1-5-80-", ("S-1-15-", "AC")
_FAMILY = re.compile(r'WIN://SYSAPPID Contains "([^"]+)"')
Conditions = list[WfpCondition]
Properties = dict[str, Any]


class NoFilter(Exception):
    """Why something that a host enforces is no filter of a rule, in words."""


def is_for_reauthorization(filter: WfpFilter) -> bool:
    """Whether it is for flows that are alive: the twin of a filter for new ones, which has the other interface in its conditions
    (173 pairs of five hosts)."""
    return any(c.field == "FLAGS" and c.match == "FLAGS_ALL_SET" and c.value == REAUTHORIZED for c in filter.conditions)


def filters_of(filter: WfpFilter, service_names: Mapping[str, str]) -> Iterator[Filter]:
    """What a filter is for; several where it is for several services. service_names: {SID: name}. Raises NoFilter."""
    if filter.action not in ("PERMIT", "BLOCK"):
        raise NoFilter(f"it asks a driver ({filter.action})")
    found: Properties = {"direction": "inbound" if "RECV_ACCEPT" in filter.layer else "outbound",
                         "remote_address": (FAMILIES[filter.layer[-1]],)}
    for name, conditions in by_field(filter).items():
        if name not in _PROPERTIES:
            raise NoFilter(f"no rule has a condition on {name}")
        found.update(_PROPERTIES[name](conditions))
    _icmp(found)
    accounts = found.pop("services", (None,))
    for account in accounts:
        yield Filter("allow" if filter.action == "PERMIT" else "block",
                     **found, service=service_names.get(account, account) if account else None)


def by_field(filter: WfpFilter) -> dict[str, Conditions]:
    """The conditions of a filter by their fields: of those on one field one has to hold."""
    found: dict[str, Conditions] = {}
    for condition in filter.conditions:
        found.setdefault(condition.field, []).append(condition)
    return found


def _icmp(found: Properties) -> None:
    """Type and code of ICMP stand where ports do, unless a condition of its own has the type."""
    if found.get("protocol") not in _ICMP:
        return
    codes = found.pop("remote_port", ())
    types = found.pop("icmp_type", ()) or found.pop("local_port", ())
    if codes and not types:
        raise NoFilter("a code of ICMP without a type")
    if any("-" in text for text in (*types, *codes)):
        raise NoFilter("a range of ICMP types or codes")
    found["icmp_type"] = tuple(f"{t}:{c}" for t in types for c in codes) if codes else types


def _one(conditions: Conditions) -> Any:
    """The value of the only condition on a field, which asks for just that. Raises NoFilter."""
    if len(conditions) > 1 or conditions[0].match != "EQUAL" or conditions[0].value is None:
        raise NoFilter(f"{conditions[0].field} {conditions[0].match} {conditions[0].verbatim or conditions[0].value}")
    return conditions[0].value


def _intervals(conditions: Conditions, *limits: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """The values of conditions on numbers of which one has to be met; all of them within one of the limits. Raises NoFilter."""
    for c in conditions:
        first, last = c.value if isinstance(c.value, WfpRange) else (c.value, c.value)
        if c.match not in ("EQUAL", "RANGE") or not (isinstance(first, int) and isinstance(last, int)) or not any(
                low <= first <= last <= high for low, high in limits):
            raise NoFilter(f"{c.field} {c.match} {c.verbatim or c.value}")
        yield first, last


def _ports(name: str) -> Callable[[Conditions], Properties]:
    return lambda conditions: {name: tuple(str(a) if a == b else f"{a}-{b}" for a, b in _intervals(conditions, (0, 65_535)))}


def _addresses(name: str) -> Callable[[Conditions], Properties]:
    return lambda conditions: {name: address_set((a, b, interval_text(a, b)) for a, b in _intervals(conditions, *_ADDRESSES))}


def _protocol(conditions: Conditions) -> Properties:
    ((number, last),) = _intervals(conditions[:1], (0, 255))
    if len(conditions) > 1 or number != last:
        raise NoFilter("several protocols")
    return {"protocol": protocol(str(number))}


def _profile(conditions: Conditions) -> Properties:
    if (found := _one(conditions)) not in PROFILES_BY_ID:
        raise NoFilter(f"the profile {found}")
    return {"profile": (PROFILES_BY_ID[found],)}


def _account(conditions: Conditions) -> Properties:
    """Services are known by SIDs of their own. Who owns an app stands beside all app packages and capabilities."""
    descriptor = str(_one(conditions)).partition("S:NO_ACCESS_CONTROL")[0]
    if not _ALLOWED.fullmatch(descriptor):
        raise NoFilter(f"ALE_USER_ID {descriptor[:200]}")
    trustees = _TRUSTEE.findall(descriptor)
    if all(t.upper().startswith(_SERVICE) for t in trustees):
        return {"services": tuple(t.upper() for t in trustees)}
    people = [WELL_KNOWN.get(t.upper(), t) for t in trustees if not t.upper().startswith(_CONTAINER)]
    if len(people) == len(trustees):
        return {"local_user": descriptor}
    if len(people) != 1:
        raise NoFilter("an app of several accounts, or of none")
    return {} if people == [SIDS["everyone"]] else {"owner": people[0]}


def _package(conditions: Conditions) -> Properties:
    """Windows 10 has NO_PACKAGE in every filter of a rule that names no app."""
    found = str(_one(conditions))
    return {} if found == NO_PACKAGE else {"package": found}


def _family(conditions: Conditions) -> Properties:
    named = _FAMILY.search(str(_one(conditions)))
    if named is None:
        raise NoFilter("ALE_PACKAGE_FAMILY_NAME of another form")
    return {"package_family_name": named[1]}


def _flags(conditions: Conditions) -> Properties:
    """What IPsec secured (never seen); that it is not loopback says nothing, for what does not leave a host is let through."""
    found: Properties = {}
    for c in conditions:
        if c.match == "FLAGS_ALL_SET" and isinstance(c.value, int) and c.value & _SECURED and not c.value & ~_SECURED:
            found["authentication"] = "required"
        elif (c.match, c.value) != ("FLAGS_NONE_SET", LOOPBACK):
            raise NoFilter(f"FLAGS {c.match} {c.value}")
    return found


def _tunnel(conditions: Conditions) -> Properties:
    """Not through a tunnel: what came in so is for rules with edge traversal."""
    if _one(conditions) != 0:
        raise NoFilter(f"a tunnel of type {_one(conditions)}")
    return {}


def _interface_type(conditions: Conditions) -> Properties:
    if (found := _one(conditions)) not in _INTERFACE_TYPES:
        raise NoFilter(f"interfaces of type {found}")
    return {"interface_type": (_INTERFACE_TYPES[found],)}


def _rpc(conditions: Conditions) -> Properties:
    if _one(conditions) != RPC_PORT:
        raise NoFilter(f"ALE_SIO_FIREWALL_SYSTEM_PORT {_one(conditions)}")
    return {"local_port": ("RPC",)}


def _interface(conditions: Conditions) -> Properties:
    return {"interface_alias": (str(_one(conditions)),)}


def _accounts_of_peers(name: str) -> Callable[[Conditions], Properties]:
    return lambda conditions: {name: str(_one(conditions))}


_PROPERTIES: Mapping[str, Callable[[Conditions], Properties]] = {
    "IP_PROTOCOL": _protocol, "IP_LOCAL_PORT": _ports("local_port"),
    "IP_REMOTE_PORT": _ports("remote_port"), "ORIGINAL_ICMP_TYPE": _ports("icmp_type"),
    "IP_REMOTE_ADDRESS": _addresses("remote_address"), "IP_LOCAL_ADDRESS": _addresses("local_address"),
    "ALE_APP_ID": lambda c: {"program": str(_one(c))}, "ALE_USER_ID": _account, "ALE_PACKAGE_ID": _package,
    "ALE_PACKAGE_FAMILY_NAME": _family, "ORIGINAL_PROFILE_ID": _profile, "CURRENT_PROFILE_ID": _profile, "FLAGS": _flags,
    "ARRIVAL_TUNNEL_TYPE": _tunnel, "NEXTHOP_TUNNEL_TYPE": _tunnel, "ARRIVAL_INTERFACE_TYPE": _interface_type,
    "NEXTHOP_INTERFACE_TYPE": _interface_type, "IP_ARRIVAL_INTERFACE": _interface, "IP_NEXTHOP_INTERFACE": _interface,
    "IP_LOCAL_INTERFACE": _interface, "ALE_SIO_FIREWALL_SYSTEM_PORT": _rpc,
    "ALE_REMOTE_USER_ID": _accounts_of_peers("remote_user"), "ALE_REMOTE_MACHINE_ID": _accounts_of_peers("remote_machine")}


def merged_filters(filters: Iterable[Filter]) -> tuple[Filter, ...]:
    """The same as fewer filters: a rule has one for each port, family and profile."""
    found = dict.fromkeys(filters)
    for name, join in _JOINED.items():
        groups: dict[Filter, set[Any]] = {}
        for one in found:
            groups.setdefault(_with(one, name, ()), set()).add(getattr(one, name))
        found = dict.fromkeys(_with(rest, name, () if () in values else join([v for value in sorted(values) for v in value]))
                              for rest, values in groups.items())
    return tuple(map(_of_any_family, found))


def _with(filter: Filter, name: str, value: Any) -> Filter:
    return replace(filter, **{name: value})


def _of_any_family(filter: Filter) -> Filter:
    """A filter without the addresses that its protocol, or all, have anyway."""
    everything = {"icmpv4": {FAMILIES["4"]}, "icmpv6": {FAMILIES["6"]}}.get(filter.protocol, set(FAMILIES.values()))
    return _with(filter, "remote_address", ()) if everything <= set(filter.remote_address) else filter


def _each_once(values: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


_JOINED: Mapping[str, Callable[[list[str]], tuple[str, ...]]] = {
    "remote_address": address_set,
    **dict.fromkeys(("local_port", "remote_port", "icmp_type", "profile", "interface_alias"), _each_once)}
