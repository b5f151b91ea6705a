"""What the lab decides about flows, in CPU time: on 500 rules, at their ports, and after each change of the policy."""

import time
from collections.abc import Iterator
from itertools import islice, product

from ringfence.lab import POLICY, SimulatedFlow, SimulatedHost, machine

from .measure import Line
from .policy import strings

RULES, FLOWS = 500, 20_000
LEAST, CHANGED = 15_000, 20.0
_ADDRESSES = ("10.0.0.1", "10.20.0.1", "10.1.4.15", "10.1.5.21", "172.16.0.1", "10.99.0.1", "8.8.8.8")
_PROGRAMS = (r"C:\Program Files\Corp\service3\service3.exe", r"C:\x.exe")


def run() -> Iterator[Line]:
    on = SimulatedHost(machine("bench", "windows11"))
    for name, text in islice(strings(), RULES):
        on.machine.registry.set(POLICY + r"\FirewallRules", name, text)
    flows = list(islice(_flows(), FLOWS))
    began = time.process_time()
    on.decides(flows[0])
    yield Line("the first decision, with a few hundred rules of Windows", 1000 * (time.process_time() - began), "ms")
    began = time.process_time()
    for flow in flows:
        on.decides(flow)
    yield Line(f"decisions on {RULES} rules", FLOWS / (time.process_time() - began), "a second", LEAST, least=True)
    took = []
    for number in range(20):
        added = f"v2.31|Action=Block|Active=TRUE|Dir=In|Protocol=6|LPort={number}|"
        on.machine.registry.set(POLICY + r"\FirewallRules", f"new{number}", added)
        began = time.process_time()
        on.decides(flows[number])
        took.append(1000 * (time.process_time() - began))
    yield Line("the first one after a rule has changed", sorted(took)[len(took) // 2], "ms", CHANGED)


def _flows() -> Iterator[SimulatedFlow]:
    """Flows at the ports of those rules and beside them."""
    for i, direction, protocol, remote, program in product(range(RULES), ("in", "out"), (6, 17), _ADDRESSES, _PROGRAMS):
        local, far = (1024 + i, 50_000) if direction == "in" else (50_000, 20_000 + i)
        yield SimulatedFlow("in" if direction == "in" else "out", protocol, remote, "10.99.0.10", local, far, program=program,
                            service="W32Time" if i % 6 == 1 else "")
