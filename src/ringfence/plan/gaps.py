"""Gaps on the way from one state to the other: flows that pass before and after, or neither, and otherwise in between.

For one flow a change opens, closes, or does nothing. A flow that passes before and after passes all the way where everything that
opens for it is made before anything that closes; one that passes neither before nor after is never let through where everything
that closes comes first. Each pair of changes, one that opens and one that closes, with a flow in common is such a question. An
order that answers all of them is taken, as near to the usual one as can be; where there is none the plan says which flows are
concerned, and from which change to which.
"""

import heapq
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from ringfence.diagnostics import NOWHERE, Diagnostic
from ringfence.model.filter import Direction, Filter
from ringfence.model.once import filter_of
from ringfence.model.resource import Resource
from ringfence.model.state import Change, Id, references_of, with_changes
from ringfence.plan.plan import Plan
from ringfence.policy.evaluate import decide
from ringfence.policy.flow import Flow
from ringfence.policy.matcher import Match, PolicyRule, RuleIndex
from ringfence.policy.meeting import common_flows
from ringfence.policy.place import ALL_PROFILES, Place
from ringfence.policy.settings_in_force import FIREWALL_PROFILE, SettingsInForce

MAX_QUESTIONS = 20_000  # pairs of changes that are looked at: beyond, the usual order stands
MAX_FLOWS = 2_000  # verdicts on flows on the way of one plan: what comes to light by then counts
_TOLD = 3  # flows of a gap that are told
_WAYS: tuple[Direction, ...] = ("inbound", "outbound")
_OPENNESS = {"block": -1, "secure": -1, "allow": 1, "exempt": 1}


class _Side(NamedTuple):
    """A change that opens or closes, and for whom: a rule for what it matches, a profile for all that goes through it."""

    number: int
    filter: Filter
    other: Filter | None = None  # what it is on the other side of the change


@dataclass(frozen=True, slots=True)
class Gap:
    """A flow that passes before and after (`passes`), or neither, and otherwise from one change until another is made."""

    flow: Flow
    profile: str
    passes: bool
    first: Change
    last: Change


def avoid_gaps(plan: Plan) -> Plan:
    """The plan in an order without gaps, or with what is known of those that no order avoids. Never raises."""
    changes = [c for c in plan.changes if c.writes]
    opening, closing = ([*_sides(changes, opens)] for opens in (True, False))
    if not opening or not closing or plan.invalid:
        return plan
    if len(opening) * len(closing) > MAX_QUESTIONS:
        return plan.with_diagnostics(_not_looked_at(opening, closing))
    trial = _Trial(plan, changes)
    questions = [*_questions(trial, opening, closing)]
    if trial.left <= 0:
        plan = plan.with_diagnostics(_not_looked_at(opening, closing))
    wanted = {(q.before, q.after) for q in questions}
    if all(a < b for a, b in wanted):
        return plan
    numbers = _sorted(len(changes), wanted | {*_needed(changes)})
    place = {number: at for at, number in enumerate(numbers)}
    gaps = [Gap(q.flow, q.profile, q.passes, changes[q.after], changes[q.before]) for q in questions
            if place[q.after] < place[q.before]]
    left = [c for c in plan.changes if not c.writes]
    return replace(plan, changes=(*(changes[n] for n in numbers), *left)).with_diagnostics(*_told(gaps))


class _Question(NamedTuple):
    """before: the number of the change that has to be made before `after`, for a flow that `passes` before and after, or neither
    before nor after."""

    before: int
    after: int
    flow: Flow
    profile: str
    passes: bool


def _sides(changes: Sequence[Change], opens: bool) -> Iterator[_Side]:
    """The changes that open, or that close, for the flows of one of their filters."""
    for number, change in enumerate(changes):
        if change.id.kind == FIREWALL_PROFILE:
            if _profile_moves(change, opens):
                yield from (_Side(number, Filter("allow", direction=way, profile=(change.id.name,))) for way in _WAYS)
            continue
        was, will = (filter_of(r) if r is not None else None for r in (change.before, change.after))
        for one, other in ((was, will), (will, was)):
            if one is None or not one.enabled:
                continue
            more = _OPENNESS[one.effect] > 0
            # what allows opens where it comes to be, and closes where it goes
            if (more == opens) == (one is will) and one != other:
                yield _Side(number, one, other)


def _profile_moves(change: Change, opens: bool) -> bool:
    before, after = change.before, change.after
    if before is None or after is None:
        return False
    was, will = before.in_effect().values(), after.in_effect().values()
    moved = [(was[n], will[n], p.least) for n, p in before.kind.properties.items() if p.least is not None and was[n] != will[n]]
    return any((a == least) == opens or (b == least) != opens for a, b, least in moved)


class _Trial:
    """What becomes of flows before, after, and with some of the changes made; `left`: how many more are looked at."""

    def __init__(self, plan: Plan, changes: Sequence[Change]) -> None:
        self.changes, self.found, self.left = changes, plan.found, MAX_FLOWS
        self.before = plan.found.policy(plan.found.state)
        self.after = plan.found.policy(with_changes(plan.found.state, changes))
        active = self.before.network.active_profiles or ALL_PROFILES  # of the others nothing is in force on the way
        self.places = {p: Place(self.before.network, p) for p in ALL_PROFILES if p in active}
        self.numbers = {c.id: n for n, c in enumerate(changes)}
        self._will = RuleIndex(PolicyRule(c.id, reading) for c in changes if c.after is not None and (f := filter_of(c.after))
                               for reading in f.readings)
        self._alike: dict[tuple[Flow, str], str] = {}

    def alike(self, flow: Flow, profile: str) -> str:
        """What becomes of a flow before and after; empty where that differs or is not known."""
        known = self._alike.get((flow, profile))
        if known is None:
            self.left -= 1
            was, will = (policy.action_at(flow, self.places[profile]) for policy in (self.before, self.after))
            known = self._alike[flow, profile] = was if was == will != "unknown" else ""
        return known

    def action(self, numbers: Collection[int], opens: bool, flow: Flow, profile: str) -> str:
        """What becomes of a flow once those of the changes are made that open for it, or that close, and no others."""
        self.left -= 1
        place, settings = self.places[profile], self.before.settings
        found = self.before.every_match(flow, place)
        will = {match.id: match for match in self._will.matches(flow, place)}
        for id in [id for id in {**found, **will} if self.numbers.get(id, -1) in numbers]:
            was, then = _openness(found.get(id)), _openness(will.get(id))
            if then > was if opens else then < was:
                found.pop(id, None)
                found |= {id: will[id]} if id in will else {}
        moved = [c for n in numbers if (c := self.changes[n]).id.kind == FIREWALL_PROFILE and c.id.name == profile]
        if moved:
            settings = SettingsInForce(self.found.state.updated({c.id: c.after for c in moved}), self.found.unread)
        return decide(flow, place, self.before.by_role(found.values(), place), settings, self.before.doubts).action


def _openness(match: Match | None) -> int:
    return _OPENNESS[match.filter.effect] if match else 0


def _questions(trial: _Trial, opening: Sequence[_Side], closing: Sequence[_Side]) -> Iterator[_Question]:
    """For each pair of changes a flow of which one side, made before the other, would make another thing than it is."""
    sides = {True: {s.number for s in opening}, False: {s.number for s in closing}}
    for one in opening:
        for other in closing:
            if one.number != other.number and (question := _question(trial, one, other, sides)):
                yield question
            if trial.left <= 0:
                return


def _question(trial: _Trial, one: _Side, other: _Side, sides: Mapping[bool, set[int]]) -> _Question | None:
    for flow, profile in common_flows(one.filter, other.filter, edges=[f for f in (one.other, other.other) if f]):
        if profile not in trial.places or not (action := trial.alike(flow, profile)):
            continue
        passes = action == "allow"
        first, second = (one, other) if passes else (other, one)
        if trial.action(sides[not passes] - {first.number}, not passes, flow, profile) != action:
            return _Question(first.number, second.number, flow, profile, passes)
    return None


def _needed(changes: Sequence[Change]) -> Iterator[tuple[int, int]]:
    """What no flow asks for: renames come first; what a rule names is there before it, and goes after it."""
    by_id: dict[Id, int] = {c.id: n for n, c in enumerate(changes)}
    for number, change in enumerate(changes):
        if change.action == "rename":
            yield from ((number, other) for other in range(len(changes)) if changes[other].action != "rename")
        for resource in (change.before, change.after):
            for named in _named(change, resource):
                if (other := by_id.get(named, number)) != number:
                    yield (number, other) if changes[other].after is None else (other, number)


def _named(change: Change, resource: Resource | None) -> list[Id]:
    return [*references_of(change.id.store, resource).values()] if resource is not None else []


def _sorted(count: int, wanted: set[tuple[int, int]]) -> list[int]:
    """Numbers in an order that has what is wanted, otherwise as they are. Where none has, the smallest goes first."""
    after, waiting = defaultdict[int, set[int]](set), [0] * count
    for first, second in wanted:
        after[first].add(second)
        waiting[second] += 1
    ready, left, found = [n for n in range(count) if not waiting[n]], set(range(count)), list[int]()
    while left:
        if not ready:
            ready = [min(left)]
        number = heapq.heappop(ready)
        if number not in left:
            continue
        left.discard(number)
        found.append(number)
        for second in after[number]:
            waiting[second] -= 1
            if not waiting[second] and second in left:
                heapq.heappush(ready, second)
    return found


def _not_looked_at(opening: Sequence[_Side], closing: Sequence[_Side]) -> Diagnostic:
    many = len({s.number for s in opening}), len({s.number for s in closing})
    return Diagnostic(NOWHERE, "whether something passes or is stopped for a moment between these changes was not looked at "
                      f"wholly: {many[0]} of them open something, and {many[1]} close something", "Where that matters, make them "
                      "in smaller runs (--tags)", "warning")


def _told(gaps: Sequence[Gap]) -> Iterator[Diagnostic]:
    spans: dict[tuple[str, str, bool], list[Gap]] = defaultdict(list)
    for gap in gaps:
        spans[str(gap.first), str(gap.last), gap.passes].append(gap)
    for (first, last, passes), those in spans.items():
        flows = "; ".join(dict.fromkeys(f"{g.flow} in the {g.profile} profile" for g in those[:_TOLD]))
        yes, no = ("passes", "does not pass") if passes else ("does not pass", "passes")
        yield Diagnostic(NOWHERE, f"{flows} {no} from the change of {first} until that of {last}",
                         f"It {yes} before and after: no order of these changes avoids it. Make them in two runs, or say it in "
                         "one rule", "warning")
