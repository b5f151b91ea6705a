"""Whether a filter matches a flow, as far as it is known; and filters, found by what flows have."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import NamedTuple

from ringfence.model.filter import Filter
from ringfence.model.state import Id
from ringfence.policy.flow import Flow
from ringfence.policy.flow_conditions import CONDITIONS, contained, protocol_number
from ringfence.policy.place import Place

_DEFAULTS = {f.name: f.default for f in fields(Filter)}
_MANY = 64  # single ports of one rule by which it is found


class PolicyRule(NamedTuple):
    """A rule of some store. doubt: why it may not hold as a whole, empty where it does."""

    id: Id
    filter: Filter
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that matches a flow; doubts: what would have to be known to be certain of it."""

    id: Id
    filter: Filter
    doubts: tuple[str, ...] = ()


class Matcher:
    """A filter, compiled."""

    __slots__ = ("conditions", "filter")

    def __init__(self, filter: Filter) -> None:
        self.filter = filter
        self.conditions = tuple(compiled(value) for name, compiled in CONDITIONS.items()
                                if (value := getattr(filter, name)) != _DEFAULTS[name])
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
    """Enabled rules by protocol and by the port that they are asked for: the own one inbound, the other one outbound."""

    def __init__(self, rules: Iterable[PolicyRule]) -> None:
        self.by_port = defaultdict[tuple[int | None, int], list[PolicyRule]](list)
        self.others = defaultdict[int | None, list[PolicyRule]](list)
        for rule in rules:
            if not rule.filter.enabled:
                continue
            protocol = protocol_number(rule.filter.protocol)
            ports = rule.filter.remote_port if rule.filter.direction == "outbound" else rule.filter.local_port
            if rule.filter.direction and ports and len(ports) <= _MANY and all(p.isdecimal() for p in ports):
                for port in ports:
                    self.by_port[protocol, int(port)].append(rule)
            else:
                self.others[protocol].append(rule)

    def matches(self, flow: Flow, place: Place) -> Iterator[Match]:
        """Every rule that matches or may match."""
        port = flow.local_port if flow.direction == "inbound" else flow.remote_port
        for rule in self._near(flow.protocol, port):
            doubts = matcher_of(rule.filter).match(flow, place)
            if doubts is not None:
                yield Match(rule.id, rule.filter, (*doubts, rule.doubt) if rule.doubt else doubts)

    def _near(self, protocol: int, port: int | None) -> Iterator[PolicyRule]:
        for number in (protocol, None):
            yield from self.others.get(number, ())
            if port is not None:
                yield from self.by_port.get((number, port), ())
            else:
                known = {id(r): r for (p, _), rules in self.by_port.items() if p == number for r in rules}
                yield from known.values()
