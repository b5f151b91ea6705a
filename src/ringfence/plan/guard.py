"""The guard: a change may not cut off the way that ringfence comes, nor what the project or Windows cannot do without.

Each protected flow is judged on the state that will be, on every state on the way there, and, for the way in, in each profile
that the host's network may come to be in. What is known of it stands beside one fact that no policy tells: the way in works now.
As long as nothing that decides it changes, it works, whatever is not known of it. Where it would not in clear, IPsec secures it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from ringfence.diagnostics import NOWHERE, Diagnostic, Severity, Where
from ringfence.model.once import filter_of
from ringfence.model.state import LOCAL, Change, Id, title, with_changes
from ringfence.plan.agreement import Agreement, concerns, may_end, secures_anything
from ringfence.plan.plan import Plan
from ringfence.plan.wider import widened
from ringfence.policy.evaluate import Policy
from ringfence.policy.flow import Flow
from ringfence.policy.flow_verdict import REASONS, FlowVerdict
from ringfence.policy.matcher import matcher_of
from ringfence.policy.place import Place
from ringfence.policy.protected import ProtectedFlow, flows_of_windows, management_flow

FORCE = "`--force lockout` makes the change all the same"


def needs_guard(plan: Plan) -> bool:
    """Whether a change may close anything, so that the host has to be asked which way ringfence comes."""
    return not plan.invalid and (any(may_close(c) for c in plan.changes) or (
        any(may_end(c) for c in plan.changes) and secures_anything(plan.found.state)))


def may_close(change: Change) -> bool:
    """Whether something that passes may not pass once a change is made."""
    if not change.writes:
        return False
    before, after = change.before, change.after
    was, will = (filter_of(r) if r else None for r in (before, after))
    if was is None and will is None:
        return _settings_close(change)
    if will is None or not will.enabled:
        return was is not None and was.enabled and was.may("allow", "exempt")
    if was is None or not was.enabled:
        return will.may("block", "secure")
    return before is None or after is None or bool(widened(after, before))


def _settings_close(change: Change) -> bool:
    """Whether a change of what is no rule may close anything: of settings those that let less pass, and those by which policy has
    local rules ignored. What a policy does not say, the local store may."""
    one, is_local = change.resource, change.id.store == LOCAL
    nothing = one.kind.create(one.name, {})
    was, will = ((r.in_effect() if is_local else r).values() for r in (change.before or nothing, change.after or nothing))
    columns = one.kind.properties.items()
    return any(was[name] != will[name] and (p.least is not None or (p.policy_only and not is_local)) for name, p in columns)


def guard(plan: Plan) -> Plan:
    """The plan that needs it, refused where it would cut a protected flow off, or where nobody can tell; --force lockout has it
    told only."""
    watch = _Guard(plan)
    for protected in watch.flows():
        for finding in watch.findings(protected):
            if finding.severity == "warning" and plan.policy.guard != "strict":
                plan = plan.with_diagnostics(finding)
            elif "lockout" in plan.policy.forced:
                plan = plan.with_diagnostics(replace(finding, severity="warning"))
            else:
                plan = plan.refused(replace(finding, severity="error"))
    return plan


@dataclass(frozen=True, slots=True)
class _Moment:
    """The policy once a change was made. number: how many changes were made by then · disagree: whether both sides may not agree
    any more on how IPsec secures a flow."""

    number: int
    change: Change
    policy: Policy
    disagree: bool


class _Guard:
    """The states that a plan goes through, and what is protected there."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.found = plan, plan.found
        self.changes = [c for c in plan.changes if c.writes]
        self.before = self.found.policy(self.found.state)
        self.after = self.found.policy(with_changes(self.found.state, self.changes))
        self.network = self.before.network

    def flows(self) -> Iterator[ProtectedFlow]:
        """What is protected on this host: the way in, what the project says, and what Windows needs."""
        if way_in := management_flow(self.found.facts):
            yield way_in
        yield from self.plan.policy.protected_flows
        yield from flows_of_windows(self.found.facts)

    def findings(self, protected: ProtectedFlow) -> Iterator[Diagnostic]:
        """What is wrong for one flow."""
        places = self.network.places(protected.flow)
        flow = self._as_it_comes(protected, places)
        before = self.before.verdict_in(flow, places)
        for moment in self.moments(flow, places, self._agreement(protected, flow, places)):
            verdict = moment.policy.verdict_in(flow, places)
            if moment.disagree or _is_lost(protected, before, verdict):
                yield self._told(protected, before, verdict, moment)
                return
        if protected.purpose == "project" and self.after.verdict_in(flow, places).action != "allow":
            yield self._told(protected, before, self.after.verdict_in(flow, places), None)
        elif protected.purpose == "management":
            yield from self._elsewhere(protected)

    def _as_it_comes(self, protected: ProtectedFlow, places: Sequence[Place]) -> Flow:
        """The flow as it passes at some places. The way in works: where it is blocked in clear, and a rule lets it in that asks
        for IPsec, or IPsec is required, that secures it."""
        flow = protected.flow
        clear = self.before.verdict_in(flow, places)
        if protected.purpose != "management" or clear.action != "block":
            return flow
        ways = [replace(flow, security="authenticated"), replace(flow, security="encrypted")]
        passing = [(self.before.verdict_in(way, places).action, way) for way in ways]
        for wanted in ("allow", "unknown"):
            for action, way in passing:
                if action == wanted:
                    return way
        return ways[0] if clear.reason == "ipsec_required" else flow

    def _agreement(self, protected: ProtectedFlow, flow: Flow, places: Sequence[Place]) -> Agreement | None:
        """What both sides agree on, where IPsec secures a flow, or may be why the way in works."""
        secured = flow.security != "clear" or (
            protected.purpose == "management" and self.before.verdict_in(flow, places).action == "unknown")
        return Agreement.of(self.before, flow, places) if secured else None

    def moments(self, flow: Flow, places: Sequence[Place], agreed: Agreement | None) -> Iterator[_Moment]:
        """After each change that has to do with a flow at some places, or with what both sides agree on."""
        made: list[Change] = []
        for number, change in enumerate(self.changes, 1):
            made.append(change)
            closes = may_close(change) and self._concerns(change, flow, places)
            ends = agreed is not None and may_end(change) and concerns(change, flow, places)
            if closes or ends:
                policy = self.found.policy(with_changes(self.found.state, made))
                disagree = agreed is not None and not agreed.holds(Agreement.of(policy, flow, places))
                if closes or disagree:
                    yield _Moment(number, change, policy, disagree)

    @staticmethod
    def _concerns(change: Change, flow: Flow, places: Iterable[Place]) -> bool:
        filters = [f for r in (change.before, change.after) if r is not None and (f := filter_of(r))]
        if not filters:
            return may_close(change)
        return any(f.enabled and matcher_of(f).match(flow, place) is not None for f in filters for place in places)

    def _elsewhere(self, protected: ProtectedFlow) -> Iterator[Diagnostic]:
        """The way in, once the network of its interface counts as another one: Windows takes it for public until it knows better
        ([MS-FASP] note 13)."""
        member = bool(self.found.facts.raw.get("domain"))
        for place in self.network.places(protected.flow):
            for profile in ("domain", "public") if member else ("private", "public"):
                if profile == place.profile:
                    continue
                other = place.in_profile(profile)
                flow = self._as_it_comes(protected, [other])
                agreed = self._agreement(protected, flow, [other])
                was = self.before.verdict_at(flow, other)
                for moment in (*self.moments(flow, [other], agreed), None):  # on the way, and at the end
                    will = (moment.policy if moment else self.after).verdict_at(flow, other)
                    ended = was.action == "allow" and moment is not None and moment.disagree
                    if not ended and (will.action == "allow" or (was.basis == will.basis and was.action == "unknown") or (
                            moment and was.action != "allow")):
                        continue
                    taken = was.action == "allow"
                    yield self._told(protected, was, will, moment, profile=profile, severity="error" if taken else "warning")
                    break

    def _told(self, protected: ProtectedFlow, before: FlowVerdict, verdict: FlowVerdict, moment: _Moment | None,
              *, profile: str = "", severity: Severity = "error") -> Diagnostic:
        by = [*verdict.by, *(d.id for d in verdict.doubts if d.id)]
        where = self._place(by) or self._place([moment.change.id] if moment else [])
        way = f"{protected.title} ({protected.flow})"
        if moment and moment.disagree and verdict.action == "allow":
            doubt = f"{way}, which IPsec secures, may not come through: whether both sides still agree on it is not known"
        elif verdict.action == "unknown":
            doubts = "; ".join(_doubt(self.plan, d.id, d.text) for d in verdict.doubts[:3])
            doubt = f"whether {way} comes through is not known: {doubts or 'what decides it could not be read'}"
        else:
            doubt = f"{way} is cut off: {self._why(verdict)}"
            if verdict.profile and (ignored := self._ignored(before, verdict.profile, moment.policy if moment else self.after)):
                doubt += f"; policy has local rules ignored, {ignored} among them"
        brings = f" The change that brings it: {moment.change.action} {moment.change}" if moment else ""
        brings += f", {moment.number} of {len(self.changes)}." if moment else ""
        when = f" once the network counts as {profile}" if profile else ""
        if verdict.action == "unknown" and protected.purpose == "project" and protected.flow.program is None:
            brings = " Where it is known, say its `program` in protected_flows." + brings
        advice = (f"Declare what lets it pass, or leave out what stops it; {FORCE}." if severity == "error" else
                  "Declare what lets it pass there too.")
        return Diagnostic(where or NOWHERE, doubt + when, (advice + brings).strip(), severity, host=self.plan.host)

    def _why(self, verdict: FlowVerdict) -> str:
        names = ", ".join(_titled(self.plan, id) for id in verdict.by[:3])
        return "; ".join(filter(None, (REASONS[verdict.reason], names, verdict.setting)))

    def _ignored(self, before: FlowVerdict, profile: str, policy: Policy) -> str:
        """The rules that let a flow pass before and that policy does not let count any more."""
        gone = (r.id for r in policy.rules if r.id in before.by and policy.is_merged(r.id, r.filter, profile) is False)
        return ", ".join(_titled(self.plan, id) for id in islice(gone, 3))

    def _place(self, ids: Sequence[Id]) -> Where | None:
        return next((self.plan.declarations[id].where for id in ids if id in self.plan.declarations), None)


def _is_lost(protected: ProtectedFlow, before: FlowVerdict, now: FlowVerdict) -> bool:
    if now.action == "allow" or now.basis == before.basis:
        return False
    if now.action == before.action == "block" and _decided(now) == _decided(before):
        return False  # by what is known it never passed, and that has not changed
    return protected.purpose == "management" or before.action == "allow"


def _decided(verdict: FlowVerdict) -> tuple[object, ...]:
    return verdict.reason, verdict.by, verdict.setting


def _titled(plan: Plan, id: Id) -> str:
    resource = plan.after.get(id) or plan.found.state.get(id)
    return title(id, resource) if resource else str(id)


def _doubt(plan: Plan, id: Id | None, text: str) -> str:
    return f"{text} ({_titled(plan, id)})" if id else text
