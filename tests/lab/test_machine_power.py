"""Power of a simulated host: what a restart ends, and what comes up."""

from lab_machine import host
from lab_tasks import task

from ringfence.lab import POLICY, SimulatedHost, machine

RULES = POLICY + r"\FirewallRules"


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


def armed() -> SimulatedHost:
    """A host with a task for its next boot, a file, and a rule."""
    there = SimulatedHost(host())
    on = there.machine
    on.files.write(r"C:\note.txt", b"then")
    on.registry.set(RULES, "then", "v2.31|")
    trigger = "<BootTrigger><Delay>PT1M</Delay></BootTrigger>"
    on.tasks.register(r"\x", task(trigger, arguments='/d /s /c "echo booted>> C:\\note.txt"'))
    return there


def test_a_snapshot_brings_everything_back_and_boots() -> None:
    there = armed()
    on, then = there.machine, there.snapshot()
    on.files.write(r"C:\note.txt", b"now")
    on.files.write(r"C:\more.txt", b"")
    on.registry.unset(RULES, "then")
    on.tasks.unregister(r"\x")
    there.restore(then)
    assert (on.file(r"C:\note.txt"), on.file(r"C:\more.txt"), on.registry.get(RULES, "then")) == (b"then", None, "v2.31|")
    on.clock.advance(61)
    assert on.file(r"C:\note.txt") == b"thenbooted\r\n"
    there.restore(then)  # as often as one likes
    assert on.file(r"C:\note.txt") == b"then"


def test_a_clone_has_another_name() -> None:
    there, clone = armed(), SimulatedHost(machine("lab2"))
    guid = r"SOFTWARE\Microsoft\Cryptography"
    clone.restore(there.snapshot())
    assert clone.machine.name == "lab2"
    assert clone.machine.registry.get(guid, "MachineGuid") == there.machine.registry.get(guid, "MachineGuid")
    clone.restore(there.snapshot(), machine_guid="0" * 36)
    assert clone.machine.registry.get(guid, "MachineGuid") == "0" * 36
    clone.machine.clock.advance(61)
    assert clone.machine.file(r"C:\note.txt") == b"thenbooted\r\n"
    assert there.machine.file(r"C:\note.txt") == b"then"


def test_a_snapshot_holds_no_program_that_ran() -> None:
    there = armed()
    there.machine.faults.netsh_seconds = 60
    there.machine.tasks.register(r"\e", task(arguments=r'/d /s /c "netsh advfirewall export C:\p.wfw"'))
    there.machine.tasks.run(r"\e")
    there.machine.clock.advance(10)
    then = there.snapshot()
    assert there.machine.files.find(r"C:\p.wfw").in_use  # type: ignore[union-attr]
    there.restore(then)
    assert there.machine.tasks.find(r"\e").state == "Ready"
    assert not there.machine.files.find(r"C:\p.wfw").in_use  # type: ignore[union-attr]
