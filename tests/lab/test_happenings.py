"""What can happen to a simulated host in the middle of a batch: connections and power go, calls fail, tasks fall due."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from batches import batch_of, open_transport
from host_script import PWSH, needs_pwsh
from lab_machine import ADMIN

from ringfence.batch import Call, Reply, cmdlet_call
from ringfence.errors import HostError
from ringfence.lab import POLICY, CarriesOn, Dropped, Machine, PowerLost, SimulatedHost, machine
from ringfence.lab.netsecurity.cmdlet_errors import system_error
from ringfence.lab.simulated_fleet import SimulatedFleet

both = pytest.mark.parametrize("host", ["python", pytest.param("pwsh", marks=needs_pwsh)], indirect=True)
RULES = POLICY + r"\FirewallRules"
NAMES = ["r0", "r1", "r2", "r3"]
CALLS = [cmdlet_call("New-NetFirewallRule", {"Name": name, "DisplayName": "R"}) for name in NAMES]
Ran = Callable[[], Reply]


@pytest.fixture
def host(request: pytest.FixtureRequest) -> Iterator[tuple[Machine, Ran]]:
    """A machine, and a batch of four rules on it."""
    on = machine("web1")
    batch = batch_of(*CALLS)
    if request.param == "python":
        yield on, lambda: batch.decode(SimulatedHost(on).run(batch.encode(), ADMIN).encode())
        return
    with SimulatedFleet([on], pwsh=PWSH) as lab:
        yield on, lambda: open_transport("web1", lab.running["web1"].variables).run(batch)


def there(on: Machine) -> list[str]:
    return [name for name in NAMES if on.registry.get(RULES, name)]


def at(number: int, what: Callable[[], Any]) -> Callable[[int, str], None]:
    """A hook that does something at a call."""

    def hook(called: int, verb: str) -> None:
        assert verb in ("Net.Call", "New-NetFirewallRule")
        if called == number:
            what()

    return hook


def throw(error: Exception) -> None:
    raise error


BREAKS = [("before_call", Dropped("gone"), ["r0", "r1"], False), ("after_call", Dropped("gone"), ["r0", "r1", "r2"], True),
          ("before_call", PowerLost(), ["r0", "r1"], True), ("before_call", CarriesOn(), NAMES, True),
          ("after_call", CarriesOn(), NAMES, False)]  # whether a real PowerShell is tried too, which takes its time


@pytest.mark.parametrize(("host", "where", "error", "left"), [
    pytest.param(way, *broken, id=f"{type(broken[1]).__name__} {broken[0]} ({way})", marks=[needs_pwsh] if way == "pwsh" else [])
    for *broken, slow in BREAKS for way in ("python", *(["pwsh"] if slow else []))], indirect=["host"])
def test_a_connection_that_goes(host: tuple[Machine, Ran], where: str, error: Exception, left: list[str]) -> None:
    on, run = host
    setattr(on.faults, where, at(2, lambda: throw(error)))
    with pytest.raises((HostError, Dropped)):
        run()
    for _ in range(200):  # of a real PowerShell the batch runs on by itself
        if there(on) == left:
            break
        time.sleep(0.01)
    assert there(on) == left
    assert on.is_on is not isinstance(error, PowerLost)


@both
def test_a_call_that_fails(host: tuple[Machine, Ran]) -> None:
    on, run = host
    on.faults.before_call = at(1, lambda: throw(system_error(5).raised_by("New-NetFirewallRule")))
    on.faults.after_call = at(2, lambda: throw(system_error(1753).raised_by("New-NetFirewallRule")))
    errors = [answer.error and answer.error.code for answer in run().answers.values()]
    assert errors == [None, 5, 1753, None]
    assert there(on) == ["r0", "r2", "r3"]


@both
def test_a_restart_ends_a_batch(host: tuple[Machine, Ran]) -> None:
    on, run = host
    on.faults.after_call = at(0, SimulatedHost(on).reboot)
    with pytest.raises((HostError, Dropped)):
        run()
    assert there(on) == ["r0"]
    on.faults.after_call = None
    assert [answer.error is None for answer in run().answers.values()] == [False, True, True, True]


def test_nobody_gets_a_batch_through_to_a_host_that_is_off() -> None:
    on = machine("web1")
    on.power_off()
    with pytest.raises(Dropped):
        SimulatedHost(on).run(batch_of(Call("Facts.Read")).encode(), ADMIN)
