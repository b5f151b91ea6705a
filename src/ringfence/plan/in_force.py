"""Whether what is declared (or found) is in force on a host: one pure function for all kinds and all commands.

    judge(objects, host)        from the configured stores, the services and the networks of the host
    decide(obstacles, told)     what these could not decide, by what Windows says of its active store
    not_enforced(…)             the proof: Windows enforces what was written, and not something else of that name

Judged by profile. An object is not in force where it is so in none of its profiles that are active now, or not in one that its
task names; what stands in the way elsewhere is a note. A rule that is for profiles of which none is active now is idle, as it
should be. What could not be read makes nothing of an object: it is not known.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any

from ringfence.diagnostics import NOWHERE, Diagnostic
from ringfence.model.declaration import present, state_after
from ringfence.model.facts import unread
from ringfence.model.once import filter_of
from ringfence.model.resource import Resource
from ringfence.model.state import GROUP_POLICY, LOCAL, Change, Id, State
from ringfence.plan.obstacles import Affected, Obstacle, ObstacleLevel, Reason
from ringfence.plan.plan import HostSnapshot, Plan
from ringfence.plan.reasons import Judged, PolicyOnHost, judged, opens
from ringfence.plan.references import cross_store_references

_ORDER: tuple[ObstacleLevel, ...] = ("not_in_force", "unknown", "note")
_Levels = dict[Reason, tuple[ObstacleLevel, list[str]]]  # of one object: what each reason comes to, and where it holds
_IN_ORDER = attrgetter("id", "name", "where")  # as they are compared, and many times as quick
_Rows = dict[tuple[ObstacleLevel, Reason, tuple[str, ...]], list[Affected]]


def judge_in_force(plan: Plan) -> Plan:
    """The plan with every obstacle in the way of what is declared."""
    return _judged(plan).with_diagnostics(*_warnings(plan))


def judge_again(plan: Plan, found: HostSnapshot) -> Plan:
    """The plan, judged by what was found at another time or in more detail."""
    return _judged(replace(plan, found=found, after=state_after(plan.declarations, found.state)))


def _judged(plan: Plan) -> Plan:
    host, after = PolicyOnHost(plan.found, plan.blocks), plan.after
    doubtful = [one for id, one in plan.declarations.items() if not host.is_clear(id, after.get(id))]
    found = judge(judged(doubtful, after), host)
    if not (plan.unmet or found or plan.obstacles):
        return plan
    return replace(plan, obstacles=(*plan.unmet, *found))


def _warnings(plan: Plan) -> Iterator[Diagnostic]:
    """What disturbs IPsec, where there is some: nobody knows whether it keeps it out of force."""
    kinds = {d.id.kind: d.resource.kind for d in present(plan.declarations.values())}
    if not any(kind.services for kind in kinds.values()):
        return
    if policy := plan.found.facts.legacy_ipsec_policy:
        yield Diagnostic(NOWHERE, f"a legacy IPsec policy is assigned: {policy}",
                         "policies of `netsh ipsec` and connection security rules disturb each other: unassign it "
                         "(netsh ipsec static set policy … assign=no, or the Group Policy that brings it)", "warning")
    for rule, named in cross_store_references(plan.found.state):
        yield Diagnostic(NOWHERE, f"{rule} names {named.kind} {named.name}, which is not in its own store: Windows does not "
                         "enforce it", "copy the set into the store of the rule", "warning")


def judge_found(state: State) -> Iterator[Judged]:
    """What a host's own policy holds, as it is judged: nobody names a profile of it, and of settings it has what is stored."""
    for id, resource in state.items():
        if id.store == LOCAL:
            stored = {} if resource.kind.whole else {
                p.name: value for p in resource.kind.properties.values() if (value := getattr(resource, p.name)) != p.absent}
            yield Judged(id, resource, stored)


def judge(objects: Iterable[Judged], host: PolicyOnHost) -> tuple[Obstacle, ...]:
    """What stands in the way of objects, the most important first. Never raises."""
    active = host.found.conditions.active_profiles
    rows: _Rows = defaultdict(list)
    known: dict[Hashable, list[list[Affected]]] = {}  # the rows that an object stands in, by what that depends on
    for one in objects:
        alike = host.alike(one)
        if alike is None or (its := known.get(alike)) is None:
            reasons = host.reasons(one)
            levels = _levels(one, reasons, active) if any(reasons.values()) else {}
            its = [rows[level, reason, tuple(profiles)] for reason, (level, profiles) in levels.items()]
            if alike is not None:
                known[alike] = its
        if its:
            affected = Affected(one.id, one.resource.name if one.resource else one.id.name, one.where)
            for row in its:
                row.append(affected)
    return _grouped(rows)


def _levels(one: Judged, reasons: Mapping[str, Sequence[Reason]], active: frozenset[str] | None) -> _Levels:
    """What each reason comes to, and the profiles in which it holds."""
    if all(reason.weight == "note" for those in reasons.values() for reason in those):  # what holds for many rules of a host
        notes: _Levels = {}
        for profile, those in reasons.items():
            for reason in those:
                notes.setdefault(reason, ("note", []))[1].append(profile)
        return notes
    stopped = {p for p, those in reasons.items() if any(r.weight == "stops" for r in those)}
    doubtful = {p for p, those in reasons.items() if any(r.weight == "may_stop" for r in those)} - stopped
    here = set(reasons) if active is None else active & set(reasons)
    decisive = stopped & set(one.named) | (here if here <= stopped else set())
    unsure = (here if active is None or here <= stopped | doubtful else set()) | doubtful & set(one.named)
    found: _Levels = {}
    for profile, those in reasons.items():
        for reason in those:
            level: ObstacleLevel = "note"
            if reason.weight == "stops" and profile in decisive:
                level = "not_in_force"
            elif reason.weight != "note" and profile in unsure:
                level = "unknown"
            before, profiles = found.get(reason, (level, []))
            found[reason] = (min(before, level, key=_ORDER.index), [*profiles, profile])
    return {reason: come_to for reason, come_to in found.items() if come_to[0] != "note" or reason.weight != "may_stop"}


def _grouped(rows: _Rows) -> tuple[Obstacle, ...]:
    """Equal reasons once, the most important first."""
    obstacles = (Obstacle(*key, tuple(sorted(objects, key=_IN_ORDER))) for key, objects in rows.items() if objects)
    return tuple(sorted(obstacles, key=lambda o: (_ORDER.index(o.level), o.reason.obstacle, o.reason.text, o.profiles)))


def needs_interfaces(plan: Plan) -> bool:
    """Whether something cannot be decided as long as the host does not name its interfaces."""
    return not plan.found.facts.tells_interfaces and any(
        o.reason.obstacle in ("interfaces_disabled", "interface_gone") and o.reason.weight == "may_stop" for o in plan.obstacles)


# -- what Windows says of its active store

def undecided(plan: Plan) -> dict[Id, Resource]:
    """The objects that only Windows can tell about: it is asked for no others. What is still to be written is none of them."""
    changed = {c.id for c in plan.changes}
    ids = (a.id for o in plan.obstacles if _is_doubt(o) for a in o.objects if a.id not in changed)
    return {id: r for id in ids if (r := plan.after.get(id)) is not None and r.kind.storage.has_enforcement}


def without_pending(plan: Plan) -> Plan:
    """The plan without doubts about what is still to be written: that is asked about once it is there, at the proof."""
    pending = written(plan.changes)
    left = ((o, tuple(a for a in o.objects if not _is_question(o) or a.id not in pending)) for o in plan.obstacles)
    return replace(plan, obstacles=tuple(replace(o, objects=objects) for o, objects in left if objects))


def _is_question(obstacle: Obstacle) -> bool:
    """Whether Windows can answer it; nobody asks for the sake of a note."""
    return _is_doubt(obstacle) or obstacle.reason.obstacle == "not_looked_at"


def _is_doubt(obstacle: Obstacle) -> bool:
    """Whether it is not known, and the active store says it: of services it says nothing."""
    return obstacle.level == "unknown" and obstacle.reason.obstacle != "service_stopped"


def written(changes: Iterable[Change]) -> dict[Id, Resource]:
    """What changes leave behind and the active store tells of."""
    left = {c.id._replace(name=c.after.name.lower()) if c.action == "rename" else c.id: c.after  # it may be updated after that
            for c in changes if c.after is not None and c.writes and c.id.store == LOCAL}
    return {id: resource for id, resource in left.items() if resource.kind.storage.has_enforcement}


def unexpected(plan: Plan, proven: Plan) -> tuple[str, ...]:
    """What was written and is not in force although nothing in the plan said that it may not be: each such object, and why."""
    ours = written(plan.changes)
    stopped = [(o, a) for o in proven.obstacles if o.level == "not_in_force" for a in o.objects if a.id in ours]
    if not stopped:
        return ()
    doubted = {a.id for o in judge_again(plan, plan.found).obstacles if o.level == "not_in_force" or _is_question(o)
               for a in o.objects}
    return tuple(f"{affected}: {o.reason.text}" for o, affected in stopped if affected.id not in doubted)


def decide(plan: Plan, asked: Mapping[Id, Resource], told: Mapping[Id, Any]) -> Plan:
    """The plan with what Windows told of its active store in place of what was not known.

    asked: the objects that it was asked about · told: of each that it has, what Enforcement.Read says of it. An object that it
    was asked about and says nothing understandable of stays as it was; so does one that it could not tell of, and that is told.
    """
    reasons = {id: _reason(id, resource, told[id], plan.after) for id, resource in asked.items() if id in told}
    untold = {id for id, reason in reasons.items() if reason is not None and reason.obstacle == "not_told"}
    decided = {id for id, reason in reasons.items() if reason != _SILENT} - untold
    kept: list[Obstacle] = []
    known = {a.id for o in plan.obstacles if o.level == "not_in_force" for a in o.objects}
    where = {a.id: a for o in plan.obstacles for a in o.objects}
    rows: _Rows = defaultdict(list)
    for obstacle in plan.obstacles:
        left = tuple(a for a in obstacle.objects if not _is_question(obstacle) or a.id not in decided)
        if left:
            kept.append(replace(obstacle, objects=left))
        if obstacle.reason.weight == "stops":  # in some profiles it surely is not in force, and in others it is
            rows["note", obstacle.reason, obstacle.profiles] += (
                a for a in obstacle.objects if a not in left and reasons[a.id] is None)
    for id in (decided | untold) - known:
        if (reason := reasons[id]) is not None:
            place = plan.declarations[id].where if id in plan.declarations else NOWHERE
            level: ObstacleLevel = _WEIGHED[reason.weight]
            rows[level, reason, judged_profiles(asked[id])].append(where.get(id, Affected(id, asked[id].name, place)))
    return replace(plan, obstacles=tuple(sorted((*kept, *_grouped(rows)), key=lambda o: _ORDER.index(o.level))))


def judged_profiles(resource: Resource) -> tuple[str, ...]:
    """The profiles in which a rule applies."""
    found: tuple[str, ...] = getattr(resource, "profiles", ())
    return found


_WEIGHED: Mapping[str, ObstacleLevel] = {"stops": "not_in_force", "may_stop": "unknown", "note": "note"}
_SILENT = Reason("not_enforced", "", "")
_ENFORCED = {"Enforced", "Full"}
_FINE = {*_ENFORCED, "Disabled", "DisabledObject", "InactiveProfile", "ProfileInactive", "NotApplicable"}
_STAND_FOR_NONE = {"RemoteAddressResolutionEmpty", "LocalAddressResolutionEmpty"}
_OF_POLICY = "GroupPolicy"  # PolicyStoreSourceType of MSFT_NetFirewallRule: Local, GroupPolicy, Dynamic, Generated, Hardcoded
ENFORCEMENT_ADVICE = {
    "FirewallOffInProfile": "switch the firewall on there: firewall_profile, `enabled: true`",
    "CategoryOff": "another firewall has taken over: manage it there, or remove it",
    "LocalFirewallRulesDisallowed": "policy has local rules ignored: allow them there, or bring the rule by that policy",
    "LocalConsecRulesDisallowed": "policy has local rules ignored: allow them there, or bring the rule by that policy",
    "RemoteAddressResolutionEmpty": "its remote addresses stand for none at this moment",
    "LocalAddressResolutionEmpty": "its local addresses stand for none at this moment",
    "InterfaceResolutionEmpty": "the host has none of its interfaces",
    "ApplicationResolutionEmpty": "the host does not find its program",
    "NotTargetPlatform": "it is for other versions of Windows",
}
_LOAD = ("it may have been written into the registry without Windows being told: set it with its cmdlet "
         "(Set-NetFirewallRule), or restart the host")
_LOOK = "see it there: Get-NetFirewallRule -PolicyStore ActiveStore"


def not_enforced(status: object) -> tuple[str, ...]:
    """Why an object of the active store is not in force although it is enabled, in Windows' words; nothing where it is.

    `status` is what Enforcement.Read says of it: {"enforcement": [words of EnforcementStatus]}. Of several words, one that says
    that it is enforced is enough: the others are of other profiles.
    """
    states = status.get("enforcement") if isinstance(status, dict) else None
    words = [str(s) for s in (states if isinstance(states, list) else ())]
    return () if _ENFORCED & set(words) else tuple(word for word in words if word not in _FINE)


def _reason(id: Id, resource: Resource, status: object, after: State) -> Reason | None:
    """Why an object is not enforced, or why that is not known; None where it is, _SILENT where nothing is said of it."""
    if status is None:
        enabled = getattr(resource, "enabled", True)
        return Reason("not_loaded", "the policy that is in force does not have it", _LOAD) if enabled else None
    if isinstance(status, dict) and isinstance(status.get("unread"), list):
        why = "; ".join(dict.fromkeys(why for _, why in unread(status))) or "it does not say why"
        return Reason("not_told", f"the host could not say whether it is in force: {why}", _LOOK, "may_stop")
    if not isinstance(status, dict) or not isinstance(status.get("enforcement"), list) or not status["enforcement"]:
        return _SILENT
    if words := not_enforced(status):
        idle = set(words) <= _STAND_FOR_NONE and opens(filter_of(resource))
        return Reason("not_enforced", f"Windows does not enforce it: {', '.join(words)}",
                      "; ".join(dict.fromkeys(filter(None, map(ENFORCEMENT_ADVICE.get, words)))) or _LOOK,
                      "note" if idle else "stops")
    if status.get("source") == _OF_POLICY and id.store == LOCAL and id._replace(store=GROUP_POLICY) not in after:
        return Reason("same_name", "a policy that cannot be seen here has another rule of that name, which takes its place",
                      "give the rule another name, or change the one there")
    if others := _other_values(resource, status.get("shows")):
        return Reason("not_loaded", f"what is in force there has {', '.join(others)}", _LOAD)
    return None


def _other_values(resource: Resource, shown: object) -> list[str]:
    """What the object of the active store has otherwise, as far as it tells and that is understood."""
    found = []
    for p in resource.kind.properties.values():
        if isinstance(shown, dict) and (said := shown.get(p.parameter)) is not None:
            try:
                value = p.type.parse(said)
            except (ValueError, TypeError):
                continue
            if value != getattr(resource, p.name):
                found.append(f"{p.name}: {said}")
    return found
