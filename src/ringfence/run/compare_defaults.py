"""One host beside what Windows ships there: read once, write nothing."""

from ringfence.diagnostics import NOWHERE, Diagnostic
from ringfence.errors import HostError
from ringfence.model.state import LOCAL, State
from ringfence.report import DefaultsResult, HostResult
from ringfence.run.host import HostRun
from ringfence.run.host_job import HostJob, RunContext
from ringfence.windows.defaults import compare
from ringfence.windows.origin import origin_of


def compare_host(job: HostJob, context: RunContext) -> HostResult:
    """How the host's local policy differs from what Windows ships there: a DefaultsResult, or what went wrong. Where the host
    keeps no such table, the result says so and has what others brought. Never raises for what the host does."""
    run = HostRun(job, context)

    def ask() -> HostResult:
        found, _ = run.read(ledger=True)
        unknown = {kind: why for (store, kind), why in found.unread.items() if store == LOCAL}
        shipped = State({id: r for id, r in found.defaults.state.items() if id.kind not in unknown})
        changes = compare(shipped, found.state)
        origins = {c.id: origin_of(c.id, c.after, shipped, found.ledger) for c in changes if c.after and c.id not in shipped}
        notes = [Diagnostic(NOWHERE, f"{what} could not be read: {why}", severity="warning", host=job.host)
                 for what, why in (*found.facts.unread, *found.defaults.unread)]
        notes += [Diagnostic(NOWHERE, f"nothing can be said of {kind}: {why}", host=job.host) for kind, why in unknown.items()]
        if not found.defaults.state:
            changes = tuple(c for c in changes if not origins[c.id].is_windows)
        return DefaultsResult(job.host, changes, diagnostics=tuple(notes), shipped=len(shipped), origins=origins,
                              error=None if found.defaults.state else HostError("no_defaults"))

    return run.result(ask)
