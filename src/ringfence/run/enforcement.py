"""What only the host can decide about policy being in force: asked where its stores do not say it, and at the proof."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from typing import Any

from ringfence.batch import Answer, Batch, Call, Reply
from ringfence.model.facts import Facts, with_network
from ringfence.model.resource import Resource
from ringfence.model.state import Id
from ringfence.plan.in_force import decide, judge_again, needs_interfaces, undecided, without_pending
from ringfence.plan.plan import HostSnapshot, Plan
from ringfence.run.questions import EXPORT_ANEW, INTERFACES


def decided(plan: Plan, send: Callable[[Batch], Reply]) -> Plan:
    """The plan with what was not known of it asked of the host; most plans need nothing. Raises HostError."""
    if plan.invalid:
        return plan
    if needs_interfaces(plan):
        told = send(Batch({INTERFACES: Call(INTERFACES)}))[INTERFACES]
        plan = judge_again(plan, replace(plan.found, facts=with_network(plan.found.facts, told)))
    plan, asked = without_pending(plan), undecided(plan)
    if not asked:
        return plan
    return decide(plan, asked, enforcement_told(asked, send(Batch(enforcement_calls(asked)))))


def with_interfaces(found: HostSnapshot, facts: Facts) -> HostSnapshot:
    """What was found, with the interfaces that other facts name, as far as they do."""
    if not facts.tells_interfaces:
        return found
    raw = {**found.facts.raw, "interfaces": facts.raw["interfaces"]}
    return replace(found, facts=replace(found.facts, interfaces=facts.interfaces, raw=raw))


def enforcement_calls(objects: Mapping[Id, Resource]) -> dict[Hashable, Call]:
    """The calls that ask Windows whether it puts these objects into force: one for each noun."""
    names: dict[str, list[str]] = {}
    for resource in objects.values():
        names.setdefault(resource.kind.noun, []).append(resource.name)
    return {("enforcement", noun): Call("Enforcement.Read", {"kind": noun, "names": those}) for noun, those in names.items()}


def enforcement_told(asked: Mapping[Id, Resource], reply: Reply) -> dict[Id, Any]:
    """What the host said of each object; None of those that its active store does not have. Of what it did not tell, why:
    {"unread": [{"fact": …, "why": …}]}, as it says itself of an object that it could not read."""
    found: dict[Id, Any] = {}
    for id, resource in asked.items():
        answer = reply.answers.get(("enforcement", resource.kind.noun), Answer())
        if answer.error is None and isinstance(answer.value, dict):
            there = resource.name in answer.value
            status = answer.value.get(resource.name)
            found[id] = status if not there or isinstance(status, dict) else {}  # what nobody understands says nothing
        else:
            found[id] = {"unread": [{"fact": resource.kind.noun, "why": _why(answer)}]}
    return found


def _why(answer: Answer) -> str:
    """Why a host tells nothing of what is in force."""
    if answer.error is None:
        return "the host did not tell"
    return EXPORT_ANEW if answer.error.is_lack else answer.error.message
