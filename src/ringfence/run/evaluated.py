"""What becomes of a flow on a host: by its policy as it stands, as it is planned, or by what is declared alone."""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from ringfence.batch import Batch, Call
from ringfence.diagnostics import Where
from ringfence.model.declaration import Declaration, state_after
from ringfence.model.facts import Facts, with_network
from ringfence.model.state import Id, State, with_changes
from ringfence.plan.plan import HostSnapshot
from ringfence.policy.flow import Flow
from ringfence.project.awaited import Awaited
from ringfence.report import EvaluatedResult, HostResult
from ringfence.run.host import HostRun
from ringfence.run.host_job import HostJob, RunContext
from ringfence.run.questions import INTERFACES, Questions, about_keywords, with_keywords
from ringfence.windows.read import STORES
from ringfence.windows.stored_names import names_in
from ringfence.windows.whole_policy import RESTRICTED, read_restricted

AskedPolicy = Literal["live", "planned", "declared"]
_TOLD = 20  # objects that are named in an answer
_RESTRICTED = "restricted"  # the label of a Policy.Read


@dataclass(frozen=True)
class Question:
    """of: which policy is asked · profile: judged as if the network were of this one; empty: as it is · expected: see
    EvaluatedResult."""

    flow: Flow
    of: AskedPolicy = "live"
    profile: str = ""
    expected: str = ""


def evaluate_host(job: HostJob, context: RunContext, question: Question) -> HostResult:
    """An EvaluatedResult, or what went wrong. Never raises for what the host does."""
    run = HostRun(job, context)

    def work() -> HostResult:
        declared: Mapping[Id, Declaration] = {}
        awaited = Awaited()
        if question.of == "declared":
            declared = job.declarations if job.declarations is not None else context.declare(job.host, None)[0]
            found, state = HostSnapshot(Facts(), State()), state_after(declared, State())
            awaited = context.awaited(job.host) if context.awaited else awaited
        elif question.of == "planned":
            plan, result = run.planned(to_be_made=False)
            result = replace(result, error=result.error or plan.refusal())  # what may not be written is not going to be there
            if plan.invalid or result.error:
                return result
            declared, found, state = plan.declarations, plan.found, with_changes(plan.found.state, plan.changes)
            told = run.send(Batch({INTERFACES: Call(INTERFACES), _RESTRICTED: Call("Policy.Read", {"stores": [RESTRICTED]}),
                                   **about_keywords(found)}))
            found = replace(found, facts=with_keywords(with_network(found.facts, told[INTERFACES]), told))
            state = State({**state, **read_restricted(told[_RESTRICTED], context.kinds)})
        else:
            whole: dict[Hashable, Call] = {"policy": Call("Policy.Read", {"stores": [*STORES, RESTRICTED]})}
            found, reply = run.read(Questions(frozenset({INTERFACES}), judged=True), whole, defaults=False)
            state = State({**found.state, **read_restricted(reply["policy"], context.kinds)})
            if keywords := about_keywords(found):
                found = replace(found, facts=with_keywords(found.facts, run.send(Batch(keywords))))
        return _answered(run, question, found, state, declared, awaited)

    return run.result(work)


def _answered(run: HostRun, question: Question, found: HostSnapshot, state: State,
              declared: Mapping[Id, Declaration], awaited: Awaited) -> HostResult:
    policy = found.policy(state).with_awaited(awaited.rules, awaited.settings, awaited.doubts)
    flow = question.flow
    if question.profile:
        places = [place.in_profile(question.profile) for place in policy.network.places(flow)]
        verdict = policy.verdict_in(flow, places)
    else:
        verdict = policy.verdict(flow)
    told = [*verdict.by, *(d.id for d in verdict.doubts if d.id), *verdict.other_matches][:_TOLD]
    objects = {id: state[id] for id in told if id in state}
    names = run.names(names_in(objects.values())) if question.of != "declared" else {}
    return EvaluatedResult(run.job.host, flow=flow, verdict=verdict, expected=question.expected, objects=objects, names=names,
                           places={**_places(objects, declared), **{id: at for id, at in awaited.places.items() if id in told}})


def _places(ids: Iterable[Id], declared: Mapping[Id, Declaration]) -> dict[Id, Where]:
    return {id: declared[id].where for id in ids if id in declared}
