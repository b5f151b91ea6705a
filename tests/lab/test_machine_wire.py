"""A machine behind its real servers: what its own firewall closes stays closed, and a broken connection breaks."""

from typing import Literal

import pytest
from batches import batch_of, open_transport
from lab_machine import host

from ringfence.batch import Call, cmdlet_call
from ringfence.errors import HostError, Unreachable
from ringfence.lab import POLICY
from ringfence.lab.simulated_fleet import SimulatedFleet
from ringfence.transports import Transport

READ = batch_of(Call("Policy.Read"))
BOTH = pytest.mark.parametrize(("transport", "port"), [("psrp", 5985), ("ssh", 22)])


def way_in(lab: SimulatedFleet) -> Transport:
    [(name, running)] = lab.running.items()
    return open_transport(name, {**running.variables, "ansible_timeout": 2, "ansible_psrp_connection_timeout": 2})


@BOTH
def test_a_host_can_lock_itself(transport: Literal["psrp", "ssh"], port: int) -> None:
    on = host()
    with SimulatedFleet([on], transport) as lab:
        assert "FirewallRules" in dict(way_in(lab).run(READ)[0]["local"])
        block = cmdlet_call("New-NetFirewallRule", {"Name": "lock", "DisplayName": "Lock", "Action": "Block", "Protocol": "TCP",
                                            "LocalPort": str(port)})
        assert way_in(lab).run(batch_of(block)).answers[0].error is None
        with pytest.raises(Unreachable):
            way_in(lab).run(READ)
        on.registry.unset(POLICY + r"\FirewallRules", "lock")
        assert way_in(lab).run(READ).answers[0].error is None


@BOTH
def test_the_connection_breaks_in_the_middle(transport: Literal["psrp", "ssh"], port: int) -> None:
    on = host()
    with SimulatedFleet([on], transport) as lab:
        on.faults.fail_at = 1
        removals = batch_of(
            *tuple(cmdlet_call("Remove-NetFirewallRule", {"Name": f"CoreNet-DHCP-{way}"}) for way in ("In", "Out"))
        )
        with pytest.raises(HostError):
            way_in(lab).run(removals)
        rules = on.registry.key(POLICY + r"\FirewallRules")
        assert rules
        assert ("corenet-dhcp-in" in rules.values, "corenet-dhcp-out" in rules.values) == (False, True)


def test_a_restricted_session_says_so() -> None:
    on = host()
    with SimulatedFleet([on]) as lab:
        on.faults.language_mode = "ConstrainedLanguage"
        with pytest.raises(HostError) as caught:
            way_in(lab).run(READ)
    assert caught.value.kind == "language_mode"
