"""The guard of a plan, with what only the host tells: the flow that carries the session, and its networks."""

from collections.abc import Callable, Hashable
from dataclasses import replace

from ringfence.batch import Batch, Call, Reply
from ringfence.model.facts import with_network
from ringfence.model.once import filter_of
from ringfence.plan.expiries import expiry_update, once_ended
from ringfence.plan.guard import guard, needs_guard
from ringfence.plan.plan import Plan
from ringfence.run.questions import CONTROLLERS, INTERFACES, MANAGEMENT, WHOSE_SESSION, about_keywords, with_keywords


def guarded(plan: Plan, send: Callable[[Batch], Reply]) -> Plan:
    """The plan, refused where it would cut something off. A host is asked only where a change may close anything; what it does
    not tell is not known. What it is going to end by itself is judged with the rest: then nobody looks. Raises HostError."""
    closes = needs_guard(plan)
    if closes:
        plan = guard(_asked(plan, send))
    later = once_ended(plan) if closes or expiry_update(plan).written else None  # else it was judged when the tasks came there
    if later is None or not needs_guard(later):
        return plan
    later = guard(_asked(later, send))
    told, refused = (tuple(replace(d, summary=f"once the host has ended what expires there: {d.summary}") for d in found)
                     for found in (later.diagnostics, later.refusals))
    return plan.with_diagnostics(*told).refused(*refused)


def _asked(plan: Plan, send: Callable[[Batch], Reply]) -> Plan:
    """The plan with what the guard has to know of the host."""
    found = plan.found
    wanted = [(INTERFACES, "interfaces"), (MANAGEMENT, "management")]
    if found.facts.raw.get("domain"):
        wanted.append((CONTROLLERS, "controllers"))
    if any(f.local_user for c in plan.changes for r in (c.before, c.after) if r is not None and (f := filter_of(r))):
        wanted.append((WHOSE_SESSION, "sid"))  # tells whose accounts a list names, the machine's own or a domain's
    verbs = [verb for verb, name in wanted if name not in found.facts.raw]
    asked: dict[Hashable, Call] = {**{verb: Call(verb) for verb in verbs}, **about_keywords(found)}
    if asked:
        reply = send(Batch(asked))
        facts = with_network(found.facts, *(reply.answers[verb].value for verb in verbs if verb in reply.answers))
        plan = replace(plan, found=replace(found, facts=with_keywords(facts, reply)))
    return plan
