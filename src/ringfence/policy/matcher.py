"""Whether a filter matches a flow, as far as it is known; and filters, found by what flows have."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import fields
from functools import lru_cache
from typing import NamedTuple

from ringfence.model.filter import Direction, Filter
from ringfence.model.state import Id
from ringfence.policy.flow import Flow
from ringfence.policy.flow_conditions import CONDITIONS, condition_of, contained, protocol_number
from ringfence.policy.place import Place

_DEFAULTS = {f.name: f.default for f in fields(Filter)}


class PolicyRule(NamedTuple):
    """A rule of some store. doubt: why it may not hold as a whole, empty where it does."""

    id: Id
    filter: Filter
    doubt: str = ""


class Match(NamedTuple):
    """A rule that matches a flow; doubts: what would have to be known to be certain of it."""

    id: Id
    filter: Filter
    doubts: tuple[str, ...] = ()


class Matcher:
    """A filter, compiled."""

    __slots__ = ("conditions", "filter")

    def __init__(self, filter: Filter) -> None:
        self.filter = filter
        self.conditions = tuple(condition_of(filter, name) for name in CONDITIONS if getattr(filter, name) != _DEFAULTS[name])
        if filter.local_user and not (filter.package or filter.package_family_name):
            self.conditions += (contained(filter.local_user),)

    def match(self, flow: Flow, place: Place) -> tuple[str, ...] | None:
        """None where it does not match; else what would have to be known to be certain of it."""
        filter = self.filter
        if filter.direction not in ("", flow.direction) or (filter.profile and place.profile not in filter.profile):
            return None
        doubts: tuple[str, ...] = ()
        for condition in self.conditions:
            outcome = condition(flow, place)
            if outcome is False:
                return None
            if outcome is not True:
                doubts += (str(outcome),)
        if flow.edge and filter.effect == "allow" and filter.edge_traversal_policy != "allow":
            if filter.edge_traversal_policy == "block":
                return None
            doubts += ("whether its program asks for what comes through edge devices",)
        return doubts


@lru_cache(16_384)
def matcher_of(filter: Filter) -> Matcher:
    """A filter, compiled; hosts share those that are alike."""
    return Matcher(filter)


class RuleIndex:
    """Enabled rules by direction, protocol and the port that they are asked for: the own one inbound, the other one outbound."""

    def __init__(self, rules: Iterable[PolicyRule]) -> None:
        self._rules = [(rule, matcher_of(rule.filter)) for rule in rules if rule.filter.enabled]
        self._known: dict[tuple[Direction, int], _ByPort] = {}

    def matches(self, flow: Flow, place: Place) -> Iterator[Match]:
        """Every rule that matches or may match."""
        key = (flow.direction, flow.protocol)
        if (by_port := self._known.get(key)) is None:
            by_port = self._known[key] = _ByPort(self._rules, *key)
        for rule, matcher in by_port.near(flow.local_port if flow.direction == "inbound" else flow.remote_port):
            doubts = matcher.match(flow, place)
            if doubts is not None:
                yield Match(rule.id, rule.filter, (*doubts, rule.doubt) if rule.doubt else doubts)


_Rules = list[tuple[PolicyRule, Matcher]]


class _ByPort:
    """The rules for one direction and protocol. Between two neighbouring ends of ranges, every port has the same ones near."""

    def __init__(self, rules: _Rules, direction: Direction, protocol: int) -> None:
        name = "local_port" if direction == "inbound" else "remote_port"
        self._ranges = [(rule, matcher, _numbers(getattr(rule.filter, name))) for rule, matcher in rules
                        if rule.filter.direction in ("", direction) and protocol_number(rule.filter.protocol) in (None, protocol)]
        self._ends = sorted({end for _, _, ranges in self._ranges for a, b in ranges or () for end in (a, b + 1)})
        self._near: dict[int, _Rules] = {}

    def near(self, port: int | None) -> _Rules:
        """The rules whose ports may hold one; all of them for one that is not known."""
        at = -1 if port is None else bisect_right(self._ends, port)
        if (found := self._near.get(at)) is None:
            found = self._near[at] = [(rule, matcher) for rule, matcher, ranges in self._ranges
                                      if port is None or ranges is None or any(a <= port <= b for a, b in ranges)]
        return found


def _numbers(ports: Iterable[str]) -> list[tuple[int, int]] | None:
    """Ports as ranges; None where they are all, or some are not known by number."""
    pairs = [port.partition("-") for port in ports]
    if not pairs or not all(a.isdecimal() for a, _, _ in pairs):
        return None
    return [(int(a), int(b or a)) for a, _, b in pairs]
