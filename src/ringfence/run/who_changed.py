"""Who made a host differ: the event logs of its firewall are asked, in a trip of its own, where something differs and somebody
wants to know."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from ringfence.batch import Answer, Batch, Call, Reply
from ringfence.errors import HostError
from ringfence.model.state import LOCAL, Change
from ringfence.plan.plan import Plan
from ringfence.report import HostResult
from ringfence.run.host import HostRun
from ringfence.run.host_job import HostJob, RunContext
from ringfence.windows.attribution import Clock, asked_names, asked_since, attributions
from ringfence.windows.policy_events import LOGS, EventLog, moment_of, parse_event_logs

_NOT_ASKED = "the endpoint does not read it: export it anew (`ringfence jea export`)"


def drift_host(job: HostJob, context: RunContext, who: bool = False) -> HostResult:
    """How the host differs from what is declared; `who`: and who changed what. Never raises for what the host does."""
    run = HostRun(job, context)

    def look() -> HostResult:
        plan, result = run.planned(to_be_made=False)
        return _with_who_changed(run, plan, result) if who else result

    return run.result(look)


def _with_who_changed(run: HostRun, plan: Plan, result: HostResult) -> HostResult:
    """The result with who changed what; that it could not be asked is told in its place."""
    changes = [c for c in result.changes if c.writes and c.id.store == LOCAL]
    if not changes:
        return replace(result, changed_by={})
    clock = Clock(_seconds_fast(plan.found.facts.raw.get("time"), run.read_at))
    logs, own_sid = _asked(run, changes, plan, clock)
    return replace(result, changed_by=attributions(changes, logs, plan.found.ledger, clock, own_sid))


def _asked(run: HostRun, changes: list[Change], plan: Plan, clock: Clock) -> tuple[dict[str, EventLog], str]:
    """Both logs, and the SID of the account that ringfence has there."""
    since = asked_since(changes, plan.found.ledger, clock)
    asked = {"names": asked_names(changes), **({"since": f"{since:%Y-%m-%dT%H:%M:%S}.000Z"} if since else {})}
    try:
        reply = run.send(Batch({"events": Call("Events.Read", asked), "session": Call("Session.Read")}))
    except HostError as error:
        return dict.fromkeys(LOGS, EventLog(unread=error.reason)), ""
    answer = reply.answers.get("events", Answer())
    if answer.error:
        return dict.fromkeys(LOGS, EventLog(unread=_NOT_ASKED if answer.error.is_lack else answer.error.message)), ""
    return parse_event_logs(answer.value), _sid(reply)


def _sid(reply: Reply) -> str:
    said: Any = reply.answers.get("session", Answer()).value
    sid = said.get("sid") if isinstance(said, dict) else None
    return sid if isinstance(sid, str) else ""


def _seconds_fast(told: Any, here: datetime) -> float:
    """By how many seconds the clock of a host is fast that told its time at a moment of ours; 0 where it told none."""
    there = moment_of(told)
    return (there - here).total_seconds() if there else 0.0
