"""Which changes the host itself undoes where nobody confirms them: those of kinds that netsh exports and imports."""

from ringfence.diagnostics import NOWHERE, Diagnostic
from ringfence.model.state import Change
from ringfence.plan.plan import Plan

UNDO_GUIDE = "docs/guide/undo.md"


def covered(plan: Plan) -> tuple[Change, ...]:
    """The changes that the host undoes where nobody confirms them; none where no undo is armed."""
    if not plan.policy.revert_after or "undo" in plan.policy.forced:
        return ()
    return tuple(c for c in plan.changes if c.writes and c.resource.kind.undo == "import")


def tell_of_undo(plan: Plan) -> Plan:
    """The plan with what became of the undo of an earlier run, where nobody knows it yet."""
    undo = plan.found.undo
    if undo.waits:
        since = f" at {undo.armed}" if undo.armed else ""
        return plan.with_diagnostics(Diagnostic(
            NOWHERE, f"run {undo.run} armed its undo here{since} and never came back: the host is going to undo it by itself",
            "`ringfence confirm` keeps what the run made, `ringfence rollback` undoes it at once", "warning",
            urgent=True))
    if undo.state == "restored":
        return plan.with_diagnostics(Diagnostic(
            NOWHERE, f"this host has undone run {undo.run} by itself", "Nobody had confirmed it", "note"))
    return plan


def refuse_uncovered(plan: Plan) -> Plan:
    """The plan, refused where some of its changes would stay when the host undoes the others."""
    undone, others = covered(plan), [c for c in plan.changes if c.writes and c.resource.kind.undo == "none"]
    if not plan.policy.revert_after or not others:
        return plan
    if not undone:
        return plan.with_diagnostics(*(Diagnostic(c.where, f"{c}: the host cannot undo this by itself", f"netsh exports no "
                                                  f"{c.id.kind}. See {UNDO_GUIDE}", "warning") for c in others))
    names = ", ".join(str(c) for c in others[:5])
    return plan.limited(Diagnostic(NOWHERE, f"the host could not undo {names} by itself, and would undo the rest",
                                   "Apply them in a run of their own (--tags), or write without an undo: `revert_after: never`"))
