"""Flows that several filters have in common: where their conditions meet, and which is within which."""

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from functools import lru_cache
from itertools import product
from operator import itemgetter
from typing import Any

from ringfence.model.filter import Direction, Filter
from ringfence.policy.flow import ICMPV4, ICMPV6, SYSTEM_ACCOUNT, TCP, UDP, Flow, Security, number_of
from ringfence.policy.flow_conditions import CONDITIONS, protocol_number
from ringfence.policy.place import ALL_PROFILES
from ringfence.types.addresses import Interval
from ringfence.types.base import KeptPiece
from ringfence.types.network_sets import interval, merged, port_range

_PROGRAM = r"C:\Program Files\no program that a rule names.exe"
_SOMEWHERE = number_of("198.51.100.77")  # RFC 5737
_USUAL_PORT = 40_000
_EITHER = (TCP, 47)  # where no filter names a protocol: one with ports, and one that hardly any rule is for
Ranges = tuple[tuple[int, int], ...]


def common_flows(*filters: Filter, edges: Sequence[Filter] = ()) -> Iterator[tuple[Flow, str]]:
    """A few flows, each with a profile, that meet the conditions of every filter; none where they have nothing in common, or only
    what nobody here can name, such as keywords. Conditions of flows that no filter has are those that no other rule names.

    edges: filters at whose ends, and one beyond, flows are looked at too.
    """
    protocols = {n for f in filters if (n := protocol_number(f.protocol)) is not None}
    directions = {f.direction for f in filters} - {""}
    profiles = [p for p in ALL_PROFILES if all(p in (f.profile or ALL_PROFILES) for f in filters)]
    one = {name: {v for f in filters if (v := getattr(f, name)) is not None} for name in (
        "program", "service", "package", "owner", "local_user", "remote_user", "remote_machine", "package_family_name")}
    differ = (len({str(v).casefold() for v in values}) > 1 for values in one.values())
    if len(protocols) > 1 or len(directions) > 1 or any(differ):
        return
    if any(f.unknown_tokens or f.dynamic_target or f.platform or f.interface_alias or f.interface_type for f in filters) or any(
            one[name] for name in ("local_user", "remote_user", "remote_machine", "package_family_name")):
        return
    direction = next(iter(directions), "inbound")
    own, far = (_met([_addresses(getattr(f, name)) for f in filters]) for name in ("local_address", "remote_address"))
    local, remote = (_met([_ports(getattr(f, name)) for f in filters]) for name in ("local_port", "remote_port"))
    kinds = _met_types([f.icmp_type for f in filters])
    if None in (own, far, local, remote) or kinds is None:
        return
    security: Security = "clear" if all(f.authentication == "not_required" for f in filters) else "encrypted"
    service = next(iter(one["service"]), "")
    found = list[tuple[Flow, str]]()
    for protocol, end, profile in product(protocols or _EITHER, (0, -1), profiles):
        kind, code = kinds[end] if kinds else ((8, 0) if protocol in (ICMPV4, ICMPV6) else (None, None))
        found.append((Flow(_direction(direction), protocol, _pick(own, end), _pick(far, end, _SOMEWHERE),
                   _pick(local, end, _USUAL_PORT) if protocol in (TCP, UDP) else None,
                   _pick(remote, end, _USUAL_PORT) if protocol in (TCP, UDP) else None, kind, code,
                   str(next(iter(one["program"]), _PROGRAM)), "any" if service == "*" else str(service),
                   str(next(iter(one["package"]), "")), str(next(iter(one["owner"]), SYSTEM_ACCOUNT)),
                   security=security), profile))
    yield from found
    for flow, profile in found[:len(profiles)]:
        yield from ((moved, profile) for moved in _moved(flow, {name: ranges or () for name, ranges in zip(
            _ENDS, (own, far, local, remote), strict=True)}, edges))


def _moved(flow: Flow, ranges: Mapping[str, Ranges], edges: Sequence[Filter]) -> Iterator[Flow]:
    """The flow with each of its ends at those of other filters, as far as that lies in some ranges."""
    for name, known in ranges.items():
        lists = [_ENDS[name](getattr(f, name)) or () for f in edges]
        if getattr(flow, name) is not None:
            for number in _at_edges(known, lists):
                moved: Any = {name: number}
                yield replace(flow, **moved)


def _at_edges(ranges: Ranges, lists: Sequence[Ranges]) -> list[int]:
    """The ends of other ranges, and one beyond, that lie in these; in those that are all, wherever they lie."""
    near = {n for other in lists for first, last in other for n in (first - 1, first, last, last + 1)}
    return sorted(n for n in near if any(first <= n <= last for first, last in ranges) or (not ranges and n > 0))


def _direction(word: str) -> Direction:
    return "outbound" if word == "outbound" else "inbound"


def _pick(ranges: Ranges | None, end: int, otherwise: int | None = None) -> int | None:
    """The first number of all, or the last."""
    return ranges[end][end] if ranges else otherwise


def _met(lists: Sequence[Ranges | None]) -> Ranges | None:
    """What lists of ranges have in common, empty for all; None for nothing, or nothing that can be named."""
    found: Ranges = ()
    for ranges in lists:
        if ranges is None:
            return None
        if not ranges:
            continue
        both = tuple((max(a, c), min(b, d)) for a, b in found for c, d in ranges if max(a, c) <= min(b, d)) if found else ranges
        if not both:
            return None
        found = both
    return tuple(sorted(found))


@lru_cache(8192)
def _addresses(listed: tuple[str, ...]) -> Ranges | None:
    """Those that are numbers; None where there are keywords alone."""
    numbers = tuple(interval(a)[:2] for a in listed if _is_number(a))
    return numbers if numbers or not listed else None


@lru_cache(8192)
def _ports(listed: tuple[str, ...]) -> Ranges | None:
    numbers = [p.partition("-") for p in listed if not isinstance(p, KeptPiece) and p[0].isdecimal()]
    return tuple((int(a), int(b or a)) for a, _, b in numbers) if numbers or not listed else None


_ENDS: Mapping[str, Callable[[tuple[str, ...]], Ranges | None]] = {
    "local_address": _addresses, "remote_address": _addresses, "local_port": _ports, "remote_port": _ports}


def types_meet(one: Collection[str], other: Collection[str]) -> bool:
    """Whether lists of ICMP types have one in common; an empty one is all."""
    return _met_types((one, other)) is not None


def _met_types(lists: Sequence[Collection[str]]) -> list[tuple[int, int]] | None:
    """ICMP types with codes that lists have in common; empty for all."""
    found: set[tuple[int, int | None]] | None = None
    for listed in lists:
        if not listed:
            continue
        pairs = {(int(kind), int(code) if code else None) for kind, _, code in (t.partition(":") for t in listed)}
        if found is None:
            found = pairs
        else:
            found = {(kind, code if other is None else other) for kind, code in found for same, other in pairs
                     if kind == same and (code is None or other is None or code == other)}
            if not found:
                return None
    return sorted((k, c or 0) for k, c in found or ())


def are_apart(one: Filter, other: Filter) -> bool:
    """Whether it is certain that no flow meets both: what is a keyword, or not understood, may be anything."""
    protocols = {protocol_number(f.protocol) for f in (one, other)} - {None}
    if len(protocols) > 1 or len({one.direction, other.direction} - {""}) > 1:
        return True
    if any(mine and its and not set(mine) & set(its) for mine, its in ((one.profile, other.profile),
                                                                       (one.interface_type, other.interface_type))):
        return True
    return any(_all_numbers(mine) and _all_numbers(its) and _met([of(mine), of(its)]) is None
               for name, of in _ENDS.items() for mine, its in [(getattr(one, name), getattr(other, name))])


def _all_numbers(listed: tuple[str, ...]) -> bool:
    return not any(isinstance(v, KeptPiece) or not (v[0].isdecimal() or ":" in v) for v in listed)


_ANY = {f.name: f.default for f in fields(Filter)}
_MERGED = ("local_address", "remote_address", "local_port", "remote_port")  # two of a list may cover a third one together


def is_within(narrow: Filter, wide: Filter, conditions: Collection[str] = CONDITIONS.keys()) -> bool:
    """Whether it is certain that every flow that meets some conditions of one filter meets those of the other too."""
    return all(_holds_of(name, getattr(narrow, name), getattr(wide, name)) for name in conditions)


def conditions_of(filter: Filter) -> tuple[str, ...]:
    """The conditions that a filter has: is_within needs no others of the wide one."""
    return tuple(name for name in CONDITIONS if getattr(filter, name) != _ANY[name])


def _holds_of(name: str, narrow: Any, wide: Any) -> bool:
    if wide in (narrow, _ANY[name]):
        return True
    if narrow == _ANY[name] or not isinstance(wide, tuple) or name == "unknown_tokens":
        return False
    if name in _MERGED:
        ranges, members = _known(wide)
        return all(m in members or _lies_in(m, ranges) for m in narrow)
    return all(m in wide or (name == "icmp_type" and m.partition(":")[0] in wide) for m in narrow)


@lru_cache(1024)
def _known(listed: tuple[str, ...]) -> tuple[list[Interval], frozenset[str]]:
    """The numbers of a list of addresses or ports, as ranges that do not touch, and its members."""
    return merged(number for member in listed if (number := _number(member)) is not None), frozenset(listed)


def _lies_in(member: str, ranges: Sequence[Interval]) -> bool:
    """Whether an address or a port, or all of several, is in one of these ranges; what is no number is in none."""
    number = _number(member)
    if number is None:
        return False
    first, last, _ = number
    at = bisect_right(ranges, first, key=itemgetter(0)) - 1
    return at >= 0 and last <= ranges[at][1]


def _number(member: str) -> Interval | None:
    """The first and the last address, or port, of a member of a list; None of a keyword, or of what nobody understands."""
    if _is_number(member):
        return interval(member)
    return port_range(member) if member[0].isdecimal() else None


def _is_number(address: str) -> bool:
    return not isinstance(address, KeptPiece) and (":" in address or "." in address)
