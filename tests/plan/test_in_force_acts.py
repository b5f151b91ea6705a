"""What is judged in force is what the lab's own firewall, which knows nothing of the judgement, lets act; else it does not."""

from collections.abc import Mapping
from typing import Any

from chance import by_chance
from core import at
from hosts import LabHost
from hypothesis import given
from hypothesis import strategies as st

from ringfence.lab import GROUP_POLICY, POLICY, Machine, NetworkAdapter, SimulatedHost, machine

KEYS = {"private": ("StandardProfile", "PrivateProfile"), "public": ("PublicProfile", "PublicProfile"),
        "domain": ("DomainProfile", "DomainProfile")}
SWITCHES = ("EnableFirewall", "AllowLocalPolicyMerge", "DoNotAllowExceptions")
VALUES = st.dictionaries(st.sampled_from(SWITCHES), st.integers(0, 1), max_size=3)
PEER = "10.99.0.1"
OTHER_RULE = "v2.31|Action=Block|Active=TRUE|Dir=In|Protocol=6|LPort=9|Name=r|"


def admits(on: Machine) -> bool:
    return SimulatedHost(on).admits(5985, PEER)


def acts(on: Machine) -> bool:
    """Whether the rule `r` of the host decides about a connection: with it and without it something else becomes of it."""
    path = POLICY + r"\FirewallRules"
    text = on.registry.get(path, "r")
    with_it = admits(on)
    on.registry.unset(path, "r")
    without = admits(on)
    on.registry.set(path, "r", text)
    return with_it != without


@by_chance(150)
@given(profile=st.sampled_from([*KEYS]), local=VALUES, group=VALUES, legacy=VALUES, action=st.sampled_from(["allow", "block"]),
       names=st.booleans(), stopped=st.booleans(), taken=st.booleans(), same=st.booleans(), inactive=st.booleans())
def test_what_is_judged_in_force_acts(profile: Any, local: Mapping[str, int], group: Mapping[str, int], legacy: Mapping[str, int],
                                      action: str, names: bool, stopped: bool, taken: bool, same: bool, inactive: bool) -> None:
    adapter = NetworkAdapter("Ethernet", "{11111111-2222-3333-4444-555555555555}", addresses=("10.99.0.10/24",), profile=profile)
    host = LabHost({}, on=machine("SRV1", interfaces=(adapter,)))
    elsewhere = next(p for p in KEYS if p != profile)
    more: dict[str, Any] = {"profile": elsewhere if inactive else profile} if names or inactive else {}
    rule = at(1, name="r", protocol="tcp", local_port=5985, action=action, **more)
    assert host.apply(rule).error is None
    registry = host.machine.registry
    # where nothing else decides, the other thing becomes of the connection
    registry.set(rf"{POLICY}\{KEYS[profile][0]}", "DefaultInboundAction", int(action == "allow"))
    for key, values in ((rf"{POLICY}\{KEYS[profile][0]}", local), (rf"{GROUP_POLICY}\{KEYS[profile][1]}", group),
                        (rf"{GROUP_POLICY}\StandardProfile", legacy)):
        for name, value in values.items():
            registry.set(key, name, value)
    if stopped:
        host.machine.services["mpssvc"] = "stopped"
    if taken:
        host.machine.surroundings.taken_over["Other"] = (2,)
    if same:
        registry.set(GROUP_POLICY + r"\FirewallRules", "R", OTHER_RULE)
    result = host.plan(rule)
    assert result.changes == ()
    assert not any(o.level == "unknown" for o in result.obstacles)
    hindered_here = any(profile in o.profiles for o in result.obstacles if o.reason.weight == "stops")
    if inactive:
        assert not acts(host.machine)
    elif action == "block" and not hindered_here and registry_shields(host.machine, profile):
        assert result.status == "in_sync"  # what shields drop by the default action a block rule drops as well
    else:
        assert acts(host.machine) == (not hindered_here)
        assert (result.status == "not_in_force") == hindered_here


def registry_shields(on: Machine, profile: str) -> bool:
    """Whether the shields of a profile are up in any store."""
    keys = (rf"{POLICY}\{KEYS[profile][0]}", rf"{GROUP_POLICY}\{KEYS[profile][1]}", rf"{GROUP_POLICY}\StandardProfile")
    return any(on.registry.get(key, "DoNotAllowExceptions") == 1 for key in keys)
