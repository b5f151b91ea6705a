"""Whatever happens to a host: a run that nobody confirms is undone by it, once the world is calm again, and nothing is left.

What undoes it is the line that the host script registers; what it is up against are the files, programs and tasks of a simulated
Windows. Each trial is drawn from its number, so that one that fails can be had again.
"""

import random
from collections.abc import Callable
from typing import Any

import pytest
from batches import batch_of
from lab_machine import ADMIN

from ringfence.batch import Answer, Call, cmdlet_call
from ringfence.lab import POLICY, CarriesOn, Dropped, Machine, PowerLost, SimulatedHost, machine

RUN = "20261126T115712Z-3f9a1c"
FOLDER = r"C:\ProgramData\ringfence"
STATE = (r"SOFTWARE\ringfence\undo", "State")
WRITES = 5


def policy(on: Machine) -> dict[str, dict[str, Any]]:
    return {p: {v.name: (v.type, v.data) for v in key.values.values()} for p, key in on.registry.tree(POLICY) if key.values}


def batch(on: Machine) -> list[Call]:
    """An undo that is armed, and writes under it."""
    of_windows = str(next(iter(on.registry.key(POLICY + r"\FirewallRules").values.values())).name)  # type: ignore[union-attr]
    return [Call("Undo.Arm", {"run": RUN, "delay": 300, "write_seconds": 100}),
            *(cmdlet_call("New-NetFirewallRule", {"Name": f"n{n}", "DisplayName": "R"}) for n in range(WRITES - 2)),
            cmdlet_call("Remove-NetFirewallRule", {"Name": of_windows}),
            cmdlet_call("Set-NetFirewallProfile", {"Name": "Public", "DefaultInboundAction": "Allow"})]


def written(host: SimulatedHost) -> list[Answer]:
    sent = batch_of(*batch(host.machine), stop_on_error=True)
    return list(sent.decode(host.run(sent.encode(), ADMIN).encode()).answers.values())


def calm(host: SimulatedHost) -> None:
    """Nothing fails any more, and two hours pass after the next start."""
    on = host.machine
    on.faults.import_fails, on.faults.import_dies_at, on.faults.services_down_at_boot, on.faults.netsh_seconds = 0, None, 0.0, 1.0
    on.faults.before_call = on.faults.after_call = on.faults.before_write = None
    on.files.room = None
    on.services["mpssvc"] = "running"
    host.reboot()
    on.clock.advance(7200)


def is_undone(on: Machine, before: dict[str, dict[str, Any]]) -> None:
    assert policy(on) == before
    assert on.registry.get(*STATE) == "restored"
    assert on.tasks.tasks() == []
    assert on.files.names(FOLDER) == []


def misfortunes(host: SimulatedHost, chance: random.Random) -> list[Callable[[], object]]:
    on = host.machine

    def is_off_for_a_while() -> None:
        host.power_off()
        on.clock.advance(chance.randrange(900))
        host.power_on()

    return [
        host.reboot, is_off_for_a_while, lambda: on.services.update(mpssvc="stopped"),
        lambda: on.services.update(mpssvc="running"),
        lambda: setattr(on.faults, "import_fails", chance.randrange(4)),
        lambda: setattr(on.faults, "import_dies_at", chance.random()),
        lambda: setattr(on.faults, "services_down_at_boot", chance.choice([0.0, 30.0, 400.0])),
        lambda: setattr(on.faults, "netsh_seconds", chance.choice([0.0, 5.0, 40.0, 100.0, 400.0])),
        lambda: setattr(on.files, "room", chance.choice([None, 0])), on.tasks.went_on_batteries,
        lambda: setattr(on.clock, "offset", chance.choice([-86400.0, 86400.0 * 400]))]


@pytest.mark.parametrize("number", range(60))
def test_it_is_undone_whatever_happens_meanwhile(number: int) -> None:
    chance = random.Random(number)
    on = machine("web1")
    host = SimulatedHost(on)
    before = policy(on)
    on.faults.netsh_seconds = chance.choice([0.0, 1.0, 20.0])
    assert [answer.error for answer in written(host)] == [None] * (WRITES + 1)
    for _ in range(chance.randrange(1, 9)):
        on.clock.advance(chance.randrange(1, 200))
        chance.choice(misfortunes(host, chance))()
    calm(host)
    is_undone(on, before)


@pytest.mark.parametrize("where", ["before_call", "after_call"])
@pytest.mark.parametrize("error", [Dropped("gone"), CarriesOn(), PowerLost()], ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("number", range(WRITES + 1))
def test_it_is_undone_wherever_the_batch_breaks(number: int, error: Exception, where: str) -> None:
    on = machine("web1")
    host = SimulatedHost(on)
    before = policy(on)

    def breaks(called: int, verb: str) -> None:
        if called == number:
            raise error

    setattr(on.faults, where, breaks)
    with pytest.raises(Dropped):
        written(host)
    if not on.is_on:
        host.power_on()
    armed = on.tasks.tasks() != []
    assert armed is not (number == 0 and where == "before_call" and not isinstance(error, CarriesOn))
    on.faults.before_call = on.faults.after_call = None
    on.clock.advance(600)
    assert policy(on) == before
    assert on.tasks.tasks() == []
    assert on.files.names(FOLDER) == []


@pytest.mark.parametrize("number", range(1, WRITES + 1))
@pytest.mark.parametrize("seconds", [250, 310])
def test_it_is_undone_though_it_fires_between_a_check_and_its_write(number: int, seconds: int) -> None:
    """What had been looked at before the task fired, and is written after it: the second import takes it back."""
    on = machine("web1")
    host = SimulatedHost(on)
    before, count = policy(on), [0]

    def late(cmdlet: str) -> None:
        count[0] += 1
        if count[0] == number:
            on.clock.advance(seconds)

    on.faults.before_write = late
    answers = written(host)
    failed = next((answer.error for answer in answers if answer.error), None)
    assert (failed is None) is (number == WRITES)  # the write that was late succeeds, those that follow do not
    assert policy(on) != before
    on.clock.advance(200)
    is_undone(on, before)
