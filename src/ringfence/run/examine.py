"""One host looked at: how it is reached, who works there, and what stands in the way. Nothing is changed."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ringfence.batch import UNKNOWN_VERB, Batch, Call, Reply
from ringfence.doctor.checks import CHECKS, PING_CHECKS, examined
from ringfence.doctor.examination import LARGEST_MESSAGE, NOT_TOLD, Check, Examination, Verdict
from ringfence.errors import HostError, RingfenceError
from ringfence.model.facts import parse_facts, unread, with_network
from ringfence.model.host_expiry import HostExpiry, parse_expiries
from ringfence.model.resource import Kind
from ringfence.model.state import State
from ringfence.report import ExaminedResult, HostResult
from ringfence.run.host import HostRun
from ringfence.run.host_job import HostJob, RunContext
from ringfence.run.questions import INTERFACES
from ringfence.transports.way_in import way_in
from ringfence.windows.endpoint import endpoint_of
from ringfence.windows.expiry_calls import READ_EXPIRIES
from ringfence.windows.read import policy_call, read, unread_kinds

_SESSION = Call("Session.Read")


def ping_host(job: HostJob, context: RunContext) -> HostResult:
    """Whether a host can be worked on: an ExaminedResult. Never raises for what the host does."""
    return _examine(job, context, Batch({"facts": Call("Facts.Read"), "session": _SESSION}), PING_CHECKS)


def examine_host(job: HostJob, context: RunContext) -> HostResult:
    """Everything that stands in the way of work on a host, and of its policy being in force: an ExaminedResult. Never raises for
    what the host does."""
    asked = {"facts": Call("Facts.Read"), INTERFACES: Call(INTERFACES), "session": _SESSION,
             "conditions": Call("Conditions.Read"), "surroundings": Call("Surroundings.Read"),
             "policy": policy_call(context.kinds), "ledger": Call("Ledger.Read"), "expiries": Call(READ_EXPIRIES)}
    return _examine(job, context, Batch(asked), CHECKS)


def _examine(job: HostJob, context: RunContext, batch: Batch, checks: Iterable[Check]) -> HostResult:
    run = HostRun(job, context)

    def ask() -> HostResult:
        tried = ExaminedResult(job.host, way_in=way_in(job.settings))
        try:
            asked_at = time.time()
            reply = run.send(batch)
            answered_at = time.time()
            policy = reply["policy"] if "policy" in batch.calls else None
            holes = unread_kinds(policy, context.kinds) if policy is not None else {}
            facts = with_network(parse_facts(reply["facts"]), _known(reply, INTERFACES))
            endpoint = endpoint_of(facts)
            seen = Examination(way_in(job.settings, run.agreed), facts, _known(reply, "session"),
                               _known(reply, "surroundings"), read(policy, context.kinds), holes, asked_at, answered_at,
                               _known(reply, "conditions"), _known(reply, "ledger"), *_expiries(reply, context.kinds),
                               getattr(job.settings, "max_envelope_size", None) or LARGEST_MESSAGE,
                               endpoint, run.policy.project is not None, bool(run.policy.revert_after))
        except RingfenceError as error:
            return replace(tried, error=error)
        verdicts = examined(seen, checks)
        shown = replace(seen, state=State())  # all of its policy is judged, and none of it shown
        return replace(tried, way_in=seen.way_in, seen=shown, verdicts=verdicts, error=_failure(verdicts))

    return run.result(ask)


def _expiries(reply: Reply, kinds: Mapping[str, Kind]) -> tuple[tuple[HostExpiry, ...] | None, str]:
    """The rules that the host ends by itself; None where they are not known, and why."""
    answer = reply.answers.get("expiries")
    if answer is None or answer.error:
        return None, answer.error.message if answer and answer.error and answer.error.id != UNKNOWN_VERB else NOT_TOLD
    if hidden := unread(answer.value):
        return None, "; ".join(why for _, why in hidden)
    return parse_expiries(answer.value, kinds.values()), ""


def _known(reply: Reply, label: str) -> Mapping[str, Any]:
    """The value of a call; empty where it was not made, or where the script there is of a release that does not know it. Raises
    HostError."""
    answer = reply.answers.get(label)
    if not answer or (answer.error and answer.error.id == UNKNOWN_VERB):
        return {}
    value = reply[label]
    return value if isinstance(value, dict) else {}


def _failure(verdicts: Iterable[Verdict]) -> HostError | None:
    """The first of what an `apply` would fail with."""
    return next((HostError(v.kind, v.found) for v in verdicts if v.kind), None)
