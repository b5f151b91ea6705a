"""Flows while a batch changes a host: decided after each cmdlet, with the executor in Python and with a real PowerShell."""

from collections.abc import Callable, Iterator

import pytest
from batches import batch_of, open_transport
from host_script import PWSH, needs_pwsh
from lab_machine import ADMIN, ETHERNET

from ringfence.batch import Call, cmdlet_call
from ringfence.lab import Machine, SimulatedFlow, SimulatedHost, machine
from ringfence.lab.simulated_fleet import SimulatedFleet

WEB = SimulatedFlow("in", 6, "10.99.0.1", "10.99.0.10", 8443, 50000, program=r"C:\srv\web.exe")
BACKUP = SimulatedFlow("out", 6, "10.99.0.7", "10.99.0.10", 50000, 8443, program=r"C:\srv\backup.exe")
Run = Callable[..., object]


@pytest.fixture(scope="module", params=["python", pytest.param("pwsh", marks=needs_pwsh)])
def way(request: pytest.FixtureRequest) -> Iterator[tuple[Machine, Run]]:
    """A host, and how a batch of calls runs on it."""
    on = machine("HOST1", interfaces=(ETHERNET,))
    if request.param == "python":
        yield on, lambda *calls: SimulatedHost(on).run(batch_of(*calls, stop_on_error=False).encode(), ADMIN)
        return
    with SimulatedFleet([on], pwsh=PWSH) as lab:
        transport = open_transport(on.name, lab.running[on.name].variables)
        yield on, lambda *calls: transport.run(batch_of(*calls, stop_on_error=False))


def new(name: str, **said: str | list[str]) -> Call:
    return cmdlet_call("New-NetFirewallRule", {"Name": name, "DisplayName": name, "Protocol": "TCP", "LocalPort": "8443", **said})


def test_a_gap_in_the_middle_of_a_batch_shows(way: tuple[Machine, Run]) -> None:
    on, run = way
    run(new("old"))
    with SimulatedHost(on).watch([WEB, BACKUP]) as noted:
        run(cmdlet_call("Remove-NetFirewallRule", {"Name": "old"}), new("new", RemoteAddress=["10.99.0.0/24"]),
            new("new"),  # is there: refused
            cmdlet_call("Set-NetFirewallProfile", {"Name": ["Private"], "DefaultOutboundAction": "Block"}))
    run(cmdlet_call("Remove-NetFirewallRule", {"Name": "new"}))
    assert [(call, decided[WEB], decided[BACKUP]) for call, decided in noted] == [
        ("", True, True), ("Remove-NetFirewallRule old", False, True), ("New-NetFirewallRule new", True, True),
        ("New-NetFirewallRule new", True, True), ("Set-NetFirewallProfile Private", True, False)]
    assert on.after_calls == []


def test_a_flow_on_an_interface_that_is_not_there(way: tuple[Machine, Run]) -> None:
    with pytest.raises(ValueError, match="has no interface"), SimulatedHost(way[0]).watch(
            [SimulatedFlow("in", 6, "10.99.0.1", interface="{0}")]):
        pass
    assert way[0].after_calls == []
