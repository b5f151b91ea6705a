"""Two controllers at one host at once, over real sockets: one of them proves what it made, the other is told."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from batches import open_transport
from core import KINDS, at, declared
from host_script import PWSH, needs_pwsh

from ringfence.batch import Batch, Reply
from ringfence.errors import ExitCode, HostError
from ringfence.lab import POLICY, Machine, machine
from ringfence.lab.simulated_fleet import SimulatedFleet
from ringfence.model.declaration import Declarations
from ringfence.report import HostResult
from ringfence.run.host import apply_host
from ringfence.run.host_job import HostJob, RunContext
from ringfence.transports import Transport
from ringfence.transports.connection_settings import LocalSettings

RULES = POLICY + r"\FirewallRules"
WAYS = [("psrp", None), ("ssh", None), pytest.param(("psrp", PWSH), marks=needs_pwsh)]


def wanted(port: int) -> Declarations:
    return declared(*(at(n, name=f"r{n}", protocol="tcp", local_port=port, enabled=False) for n in range(1, 13)),
                    at(99, "firewall_profile", profiles="any", enabled=True, log_max_size_kilobytes=port))


class BeforeWriting:
    """A way to a host; something happens between the read and the write."""

    def __init__(self, way: Transport, happens: Callable[[], Any]) -> None:
        self.way, self.happens = way, happens

    def run(self, batch: Batch) -> Reply:
        if batch.stop_on_error:
            self.happens()
        return self.way.run(batch)


def applied(on: Machine, lab: SimulatedFleet, port: int, happens: Callable[[], Any] = lambda: None) -> HostResult:
    """One controller's apply of twelve rules."""
    def connect(job: HostJob) -> Transport:
        return BeforeWriting(open_transport(on.name, lab.running[on.name].variables), happens)

    declarations = wanted(port)
    context = RunContext(KINDS, lambda host, facts: ({}, []), connect)
    return apply_host(HostJob(on.name, LocalSettings(), declarations, len(declarations)), context)


@pytest.mark.parametrize("way", WAYS)
def test_both_read_then_both_write(way: tuple[Any, str | None]) -> None:
    on, both_have_read = machine("srv1"), threading.Barrier(2, timeout=60)
    with SimulatedFleet([on]) as lab:
        assert applied(on, lab, 80).status == "changed"
    with SimulatedFleet([on], way[0], pwsh=way[1]) as lab, ThreadPoolExecutor(2) as pool:
        running = [pool.submit(applied, on, lab, port, both_have_read.wait) for port in (443, 8443)]
        winner, loser = sorted((r.result() for r in running), key=lambda r: r.status)
    assert (winner.status, winner.remaining, len(winner.written)) == ("changed", (), 15)
    port = {443: "443", 8443: "8443"}[next(p for p, r in zip((443, 8443), running, strict=True) if r.result() is winner)]
    assert all(f"|LPort={port}|" in str(on.registry.get(RULES, f"r{n}")) for n in range(1, 13))
    assert (loser.status, loser.exit_code, loser.written, len(loser.changes)) == ("stale", ExitCode.STALE, frozenset(), 15)
    assert "update firewall_rule r1: it is not as it was read, somebody else has changed it" in str(loser.error)


def test_what_changes_in_the_middle_of_the_plan_ends_it_there() -> None:
    """What was made before is told; it stays, and so does what somebody else did."""
    on, theirs = machine("srv1"), "v2.31|Action=Block|Active=FALSE|Dir=In|Name=theirs|"
    with SimulatedFleet([on]) as lab:
        applied(on, lab, 80)
        result = applied(on, lab, 443, lambda: on.registry.set(RULES, "r5", theirs))
    error = result.error
    assert isinstance(error, HostError)
    assert (result.status, result.exit_code, error.kind) == ("failed", ExitCode.HOST_FAILED, "changed_meanwhile")
    made = {id.name for id in result.written}
    assert 0 < len(made) < 15
    assert "r5" not in made
    assert "update firewall_rule r5" in str(error)
    assert on.registry.get(RULES, "r5") == theirs
    for n in range(1, 13):
        assert n == 5 or (f"r{n}" in made) is ("|LPort=443|" in str(on.registry.get(RULES, f"r{n}")))


@pytest.mark.parametrize(("happens", "told"), [
    (lambda on: on.registry.unset(RULES, "r1"), "update firewall_rule r1"),
    (lambda on: on.registry.set(POLICY + r"\DomainProfile\Logging", "LogFileSize", 7), "update firewall_profile domain")])
def test_what_goes_and_a_value_of_a_profile(happens: Callable[[Machine], Any], told: str) -> None:
    on = machine("srv1")
    with SimulatedFleet([on]) as lab:
        applied(on, lab, 80)
        result = applied(on, lab, 443, lambda: happens(on))
    assert result.status in ("stale", "failed")
    assert told in str(result.error)


def test_a_value_of_a_profile_that_nobody_declared_is_of_no_matter() -> None:
    on = machine("srv1")
    with SimulatedFleet([on]) as lab:
        result = applied(on, lab, 80, lambda: on.registry.set(POLICY + r"\DomainProfile", "DisableNotifications", 1))
    assert (result.status, result.error) == ("changed", None)
    assert on.registry.get(POLICY + r"\DomainProfile", "DisableNotifications") == 1
