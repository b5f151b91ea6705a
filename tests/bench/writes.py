"""How long changes take on a host whose cmdlets need time for each rule that is there.

The lab's cmdlets cost what somebody measured on a slow machine, divided by twenty (machine.Costs): 2 ms for each object that a
cmdlet goes through. Beside the time stands what the same changes and the proof would cost as searches by name, one for each.
"""

from collections.abc import Iterator

from ringfence import kinds
from ringfence.diagnostics import NOWHERE
from ringfence.lab import POLICY, machine
from ringfence.lab.simulated_fleet import SimulatedFleet
from ringfence.model.ledger import ProjectIdentity
from ringfence.plan.run_policy import RunPolicy
from ringfence.project.declare import DeclarationBuilder
from ringfence.project.render import RenderedTask
from ringfence.run.host import apply_host
from ringfence.run.host_job import HostJob, RunContext
from ringfence.transports import transport_for
from ringfence.transports.connection_settings import LocalSettings
from ringfence.transports.resolve import settings_for

from .measure import Line

RULES, PER_OBJECT = 1000, 0.002
# as most runs are: objects belong to somebody, and an undo is armed
POLICY_OF_RUN = RunPolicy(ProjectIdentity("bench", "0123456789abcdef"), run_id="20261126T115712Z-3f9a1c", revert_after=300)


def run() -> Iterator[Line]:
    """An apply of 100 mixed changes, and one of two."""
    for changes in (100, 2):
        seconds, searched, search = _apply(changes)
        yield Line(f"{changes} mixed changes on a host of {RULES} rules", seconds, "s", 3 * search + 1,
                   against=f"each by name {(changes + 1) * search:.0f} s")
        yield Line("   times that cmdlets went through all rules", searched, "times", 3)


def _apply(changes: int) -> tuple[float, int, float]:
    """Seconds, how often cmdlets went through all rules, and the seconds of one time."""
    on, known = machine("srv1"), kinds.load()
    for n in range(RULES):
        on.registry.set(POLICY + r"\FirewallRules", f"old-{n}", f"v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort={n + 1}|"
                        f"Name=old {n}|")
    on.costs.per_object = PER_OBJECT
    tasks = [{"name": f"old-{n}", "state": "absent"} if n % 2 else {"name": f"old-{n}", "protocol": "tcp", "local_port": 60000}
             for n in range(changes)]
    declarations, problems = DeclarationBuilder(known).declarations(
        [RenderedTask("firewall_rule", "", properties, properties, NOWHERE, {},
                      treatment={} if "state" in properties else {"adopt": True})
         for properties in tasks])
    assert not problems, problems
    with SimulatedFleet([on], "ssh") as lab:
        way = transport_for(settings_for("srv1", lab.running["srv1"].variables))
        context = RunContext(known, lambda host, facts: ({}, []), lambda job: way, policy=POLICY_OF_RUN)
        result = apply_host(HostJob("srv1", LocalSettings(), declarations, len(declarations)), context)
    assert (result.status, len(result.written)) == ("changed", changes), result.error
    there = on.registry.key(POLICY + r"\FirewallRules")
    assert there
    return result.seconds, sum(on.counters.enumerations.values()), len(there.values) * PER_OBJECT
