"""The steps from what is declared and what was found to a plan, in their order. A new step is one more row."""

from collections.abc import Callable, Sequence

from ringfence.diagnostics import Diagnostic
from ringfence.model.declaration import Declarations
from ringfence.plan.bind import bind
from ringfence.plan.in_force import judge_in_force
from ringfence.plan.losses import refuse_losses
from ringfence.plan.open_beside import warn_of_open_rules
from ringfence.plan.order import order
from ringfence.plan.plan import HostSnapshot, Plan, difference
from ringfence.plan.references import check_references

STEPS: tuple[Callable[[Plan], Plan], ...] = (
    bind, check_references, judge_in_force, warn_of_open_rules, difference, refuse_losses, order)


def make(host: str, declarations: Declarations, found: HostSnapshot, diagnostics: Sequence[Diagnostic] = ()) -> Plan:
    """The plan for one host. `diagnostics`: what is known to be wrong already. Never raises."""
    plan = Plan(host, declarations, found).with_diagnostics(*diagnostics)
    for step in STEPS:
        plan = step(plan)
    return plan
