"""What becomes of some flows while a host is being changed, call by call: gaps in the middle of a batch show here."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from ringfence.lab.enforcement.flow_decision import decides
from ringfence.lab.enforcement.simulated_flow import SimulatedFlow
from ringfence.lab.machine.machine import Machine

Decisions = dict[SimulatedFlow, bool | None]


@contextmanager
def watched(machine: Machine, flows: Iterable[SimulatedFlow]) -> Iterator[list[tuple[str, Decisions]]]:
    """While this lasts, the decisions on these flows are noted after each cmdlet that writes, whoever runs it: (cmdlet and name
    of its object, {flow: decision}). The first row is how it was before, without a name. A cmdlet that fails is noted too."""
    asked, noted = tuple(flows), list[tuple[str, Decisions]]()

    def look(what: str) -> None:
        noted.append((what, {flow: decides(machine, flow) for flow in asked}))

    with machine.lock:
        look("")
        machine.after_calls.append(look)
    try:
        yield noted
    finally:
        with machine.lock:
            machine.after_calls.remove(look)
