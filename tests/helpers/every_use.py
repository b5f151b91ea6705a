"""What a host holds, sent through all that looks at it: texts, views, policy, and the plan of somebody who declares the like.

Of a host that holds whatever it may, each has to say something: none may raise.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from core import FACTS, GUID, KINDS, declared, task
from documents import RUN

from ringfence.model.facts import parse_facts
from ringfence.model.filter import Filter
from ringfence.model.plain import resource_as_data, resource_from_data
from ringfence.model.resource import Resource
from ringfence.model.state import Change, Id, State
from ringfence.plan.gaps import avoid_gaps
from ringfence.plan.guard import guard, may_close, needs_guard
from ringfence.plan.open_ports import warn_of_open_ports
from ringfence.plan.order import order
from ringfence.plan.plan import HostSnapshot, Plan
from ringfence.plan.steps import make
from ringfence.plan.way_back import way_back
from ringfence.plan.wider import opens, opens_beside, widened
from ringfence.policy.evaluate import Policy
from ringfence.policy.flow import Flow, number_of
from ringfence.policy.flow_verdict import FlowVerdict
from ringfence.policy.influence import may_decide
from ringfence.policy.meeting import are_apart, common_flows, is_within
from ringfence.report import HostResult, PolicyObject, PolicyResult
from ringfence.views.meaning import meaning_text
from ringfence.views.table import POLICY_VIEWS, VIEWS
from ringfence.views.view import ViewOptions
from ringfence.windows.origin import origin_of
from ringfence.windows.read import read

SOMEBODY = number_of("10.0.0.1")
FLOWS = (
    Flow("inbound", 6, None, SOMEBODY, 80, 50_000, program="System", service="", user="S-1-5-18", security="clear"),
    Flow("inbound", 17, None, SOMEBODY, 80), Flow("inbound", 1, None, SOMEBODY, icmp_type=8, icmp_code=0),
    Flow("outbound", 6, None, SOMEBODY, None, 443), Flow("outbound", 58, None, None, icmp_type=128, icmp_code=0))
"""A few of which a rule may be for any."""


def state_of(rows: Any, everywhere: bool = True) -> State:
    """What is read of a host with these rows in its own store, and in that of Group Policy."""
    return read({"local": rows, "group_policy": rows if everywhere else []}, KINDS)


def verdicts(state: State) -> list[FlowVerdict]:
    """What becomes of each of the flows."""
    policy = policy_of(state)
    return [policy.verdict(flow) for flow in FLOWS]


def policy_of(state: State) -> Policy:
    return snapshot(state).policy(state)


def snapshot(state: State) -> HostSnapshot:
    return HostSnapshot(parse_facts({**FACTS, "management": {}}), state)


def used(state: State, every_plan: bool = True) -> None:
    """Everything that there is of a host. every_plan: also the plans that make and remove each object, which take a while."""
    policy, found = policy_of(state), snapshot(state)
    objects = [PolicyObject(id, r, origin_of(id, r, State())) for id, r in state.items()]
    for view in POLICY_VIEWS.values():
        one = view(ViewOptions(RUN))
        json.dumps(one.begin([]) + one.host(PolicyResult("srv1", objects=tuple(objects))))
    verdicts(state)
    for flow in FLOWS:
        for place in policy.network.places(flow):
            assert policy.action_at(flow, place) == policy.verdict_at(flow, place).action
    for id, resource in state.items():
        alone(id, resource, policy)
    plan = make("srv1", declared(*DECLARED), found)
    shown(plan)
    for changes in _changes(found.state) if every_plan else ():
        shown(avoid_gaps(order(warn_of_open_ports(replace(plan, changes=tuple(changes))))))


def _by_values(filter: Filter | None) -> Filter | None:
    """A filter without what depends on how many pieces its lists were stored in."""
    return replace(filter, merged_by=(), lists_profiles=False) if filter else None


def alone(id: Id, resource: Resource, policy: Policy) -> None:
    """One object: as a text, as data, and what it does."""
    assert str(resource)
    assert isinstance(meaning_text(resource, full=True), str)
    data = json.loads(json.dumps(resource_as_data(resource)))
    again = resource_from_data(resource.kind, resource.name, data)
    assert resource_as_data(again) == data
    mine = resource.as_filter()
    assert _by_values(again.as_filter()) == _by_values(mine)
    opens(resource)
    if mine is not None:
        opens_beside(resource, policy)
        may_decide(policy, id, mine)
        for rule in policy.rules[:20]:
            are_apart(mine, rule.filter)
            is_within(mine, rule.filter)
            list(common_flows(mine, rule.filter))


DECLARED = (
    task("firewall_rule", {"name": "r", "protocol": "tcp", "local_port": "80", "remote_address": ["10.0.0.1"]}),
    task("firewall_rule", {"name": "gone", "state": "absent"}),
    task("firewall_rule", {"name": "narrow", "protocol": "icmpv4", "icmp_type": "8", "interface_alias": [GUID],
                           "remote_address": ["10.0.0.0/8"]}),
    task("firewall_rule", {"name": "wall", "action": "block", "protocol": "tcp", "local_port": "80",
                           "remote_address": ["10.0.0.1"]}),
    task("firewall_profile", {"profiles": ["domain", "private", "public"], "enabled": True, "default_inbound_action": "block"}))


def shown(plan: Plan) -> None:
    """A plan, guarded, and in every view."""
    plan = guard(plan) if needs_guard(plan) else plan
    way_back(plan, frozenset(c.id for c in plan.changes), {})
    for change in plan.changes:
        may_close(change)
        if change.before and change.after:
            assert set(widened(change.before, change.after)) <= set(change.after.kind.properties)
    result = HostResult("srv1", changes=plan.changes, diagnostics=plan.diagnostics)
    for view in VIEWS.values():
        one = view(ViewOptions(RUN))
        json.dumps(one.begin([]) + one.host(result))


def _changes(state: State) -> Iterator[list[Change]]:
    mine = {id: r for id, r in state.items() if id.store == "local" and r.kind.storage.removable}
    yield [Change(id, r, None) for id, r in mine.items()]
    yield [Change(id, None, r) for id, r in mine.items()]
    yield [Change(id, r, r.replace(enabled=True)) for id, r in mine.items() if "enabled" in r.kind.properties]
