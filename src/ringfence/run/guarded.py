"""The guard of a plan, with what only the host tells: the flow that carries the session, and its networks."""

from collections.abc import Callable
from dataclasses import replace

from ringfence.batch import Batch, Call, Reply
from ringfence.model.facts import with_network
from ringfence.plan.guard import guard, needs_guard
from ringfence.plan.plan import Plan
from ringfence.run.questions import INTERFACES, MANAGEMENT


def guarded(plan: Plan, send: Callable[[Batch], Reply]) -> Plan:
    """The plan, refused where it would cut something off. A host is asked only where a change may close anything; what it does
    not tell is not known. Raises HostError."""
    if not needs_guard(plan):
        return plan
    raw = plan.found.facts.raw
    if asked := [verb for verb, name in ((INTERFACES, "interfaces"), (MANAGEMENT, "management")) if name not in raw]:
        answers = send(Batch({verb: Call(verb) for verb in asked})).answers
        facts = with_network(plan.found.facts, *(answers[verb].value for verb in asked if verb in answers))
        plan = replace(plan, found=replace(plan.found, facts=facts))
    return guard(plan)
