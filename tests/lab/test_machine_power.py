"""Power of a simulated host: what a restart ends, and what comes up."""

from lab_machine import host

from ringfence.lab import SimulatedHost


def test_a_host_that_is_off_lets_nobody_in() -> None:
    on = host()
    there = SimulatedHost(on)
    assert there.admits(5985, on.controller_address)
    on.power_off()
    assert not there.admits(5985, on.controller_address)
    on.power_on()
    assert there.admits(5985, on.controller_address)
    assert on.boots == 2


def test_the_firewall_may_come_up_late() -> None:
    on = host()
    on.faults.services_down_at_boot = 90.0
    on.power_off()
    on.power_on()
    on.clock.advance(80)
    assert not on.firewall_runs()
    on.clock.advance(20)
    assert on.firewall_runs()
    on.power_off()
    on.power_on()
    on.clock.advance(60)
    on.power_off()
    on.power_on()
    on.clock.advance(60)
    assert not on.firewall_runs()  # it counts from the last boot


def test_connections_end_with_the_power() -> None:
    on, cut = host(), list[str]()
    on.when_power_goes.append(lambda: cut.append("cut"))
    on.power_off()
    assert cut == ["cut"]
