"""What is wrong with a host's ledger, or worth knowing of it; and what may not be written because of that."""

from collections.abc import Iterator

from ringfence.diagnostics import NOWHERE, Diagnostic
from ringfence.plan.ownership import OWNERSHIP_GUIDE
from ringfence.plan.plan import Plan

_TOLD = 20  # entries that are not understood and are told one by one


def tell_of_ledger(plan: Plan) -> Plan:
    """The plan with what is wrong with the ledger, or worth knowing of it."""
    return plan.with_diagnostics(*_notes(plan))


def _notes(plan: Plan) -> Iterator[Diagnostic]:
    ledger = plan.found.ledger
    for problem in ledger.problems[:_TOLD]:
        yield Diagnostic(NOWHERE, f"an entry of the ledger is not understood: {problem}", "The object counts as nobody's; "
                         "`ringfence ledger rebuild HOST` makes the ledger anew", "warning")
    if ledger.unread and plan.policy.project:
        yield Diagnostic(NOWHERE, f"the ledger could not be read: {ledger.unread}",
                         "What the project owns here is not known: nothing is removed or taken over, and `apply` changes "
                         "nothing", "warning")
    if ledger.is_pending:
        yield Diagnostic(NOWHERE, f"run {ledger.header.get('Run', '')} began to write here and never said that it ended",
                         "What it has made is known by its content; the next apply settles it", "warning")
    if ledger.inherited_from:
        yield Diagnostic(NOWHERE, f"this machine was made from an image of {ledger.inherited_from}, ledger and all",
                         "What is declared counts as the project's, and nothing is removed until a full run was told "
                         "--accept-inherited", "warning")
    build, now = ledger.header.get("Build"), plan.found.facts.build
    if plan.changes and build and now and build != str(now):
        yield Diagnostic(NOWHERE, f"Windows was updated since the project wrote here: build {build}, now {now}", severity="note")


def limit_changes(plan: Plan) -> Plan:
    """The plan, refused where it has more changes than a run may make on one host, or where they could not be recorded."""
    policy, ledger = plan.policy, plan.found.ledger
    if policy.max_changes and len(plan.changes) > policy.max_changes:
        plan = plan.limited(Diagnostic(NOWHERE, f"{len(plan.changes)} changes are more than max_changes, {policy.max_changes}",
                                       "Look whether they are meant, and raise --max-changes"))
    if policy.project is None or not plan.changes:
        return plan
    if ledger.unread:
        plan = plan.limited(Diagnostic(NOWHERE, f"whose objects are whose is not known: {ledger.unread}",
                                       f"Nothing is written where it could not be recorded. See {OWNERSHIP_GUIDE}"))
    if ledger.is_newer:
        plan = plan.limited(Diagnostic(NOWHERE, f"the ledger of the project has format {ledger.header['Format']}, which is newer "
                                       "than this version of ringfence writes", "Update ringfence"))
    return plan
