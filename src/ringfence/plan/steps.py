"""The steps from what is declared and what was found to a plan, in their order. A new step is one more row."""

from collections.abc import Callable, Sequence

from ringfence.diagnostics import Diagnostic
from ringfence.model.declaration import Declarations
from ringfence.model.state import Id
from ringfence.plan.bind import bind
from ringfence.plan.expiries import judge_expiries
from ringfence.plan.gaps import avoid_gaps
from ringfence.plan.in_force import judge_in_force
from ringfence.plan.ledger_checks import limit_changes, tell_of_ledger
from ringfence.plan.losses import refuse_losses
from ringfence.plan.open_beside import warn_of_open_rules
from ringfence.plan.open_by_word import require_words
from ringfence.plan.open_ports import warn_of_open_ports
from ringfence.plan.order import order
from ringfence.plan.ownership import difference, own, tell_owners
from ringfence.plan.plan import HostSnapshot, Plan
from ringfence.plan.pruning import prune
from ringfence.plan.references import check_references
from ringfence.plan.run_policy import RunPolicy
from ringfence.plan.undone import refuse_uncovered, tell_of_undo

STEPS: tuple[Callable[[Plan], Plan], ...] = (
    bind, own, check_references, require_words, judge_in_force, warn_of_open_rules,
    difference, prune, judge_expiries, tell_of_ledger, tell_of_undo, tell_owners,
    refuse_losses, refuse_uncovered, limit_changes,
    order, avoid_gaps, warn_of_open_ports)


def make(host: str, declarations: Declarations, found: HostSnapshot, diagnostics: Sequence[Diagnostic] = (),
         policy: RunPolicy = RunPolicy(), possible: frozenset[Id] = frozenset()) -> Plan:  # noqa: B008
    """The plan for one host. `diagnostics`: what is known to be wrong already; `possible`: what some run could declare, where
    that is more than what is declared. Never raises."""
    plan = Plan(host, declarations, found, policy, possible | declarations.keys()).with_diagnostics(*diagnostics)
    for step in STEPS:
        plan = step(plan)
    return plan
