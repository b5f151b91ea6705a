"""Which flows pass on a simulated host: cases with their sources, what holds of any policy, and flows while a batch runs."""

import gc
import weakref
from typing import Any

import pytest
from lab_cases import cases
from lab_machine import ETHERNET, host

from ringfence.lab import GROUP_POLICY, MDM, POLICY, RESTRICTED, Machine, NetworkAdapter, SimulatedFlow, SimulatedHost

OFFICE = NetworkAdapter("Office", "{22222222-2222-3333-4444-555555555555}", 5, "wireless", addresses=("192.0.2.10/24",),
                        profile="public", dns_servers=("192.0.2.53",))
TUNNEL = NetworkAdapter("Tunnel", "{33333333-2222-3333-4444-555555555555}", 6, "remote_access", addresses=("10.50.0.10/24",),
                        profile="domain")
ADAPTERS = (ETHERNET, OFFICE, TUNNEL)
FLOW: dict[str, Any] = {"direction": "in", "protocol": 6, "remote_address": "10.99.0.1", "local_address": "10.99.0.10",
                        "local_port": 443, "remote_port": 50000, "interface": 1, "program": r"C:\srv\web.exe"}
RULES = {"rules": POLICY + r"\FirewallRules", "gpo": GROUP_POLICY + r"\FirewallRules", "mdm": MDM + r"\FirewallRules",
         "consec": POLICY + r"\ConSecRules", "gpo_consec": GROUP_POLICY + r"\ConSecRules",
         "configurable": RESTRICTED + r"\Configurable\System"}
VALUES = {"profile": POLICY + r"\StandardProfile", "gpo_profile": GROUP_POLICY + r"\PrivateProfile",
          "mdm_profile": MDM + r"\StandardProfile", "gpo_standard": GROUP_POLICY + r"\StandardProfile",
          "global": POLICY, "gpo_global": GROUP_POLICY}
SAID = {"title", "source", "flow", "passes", "os", "image", "stopped", "taken_over", "same_id", *RULES, *VALUES}


def flow_of(said: dict[str, Any]) -> SimulatedFlow:
    """A flow as cases write it: lists are tokens, an interface is the number of an adapter."""
    given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in {**FLOW, **said}.items()}
    given["interface"] = ADAPTERS[given["interface"] - 1].guid
    return SimulatedFlow(**given)


def rule_string(text: str) -> str:
    """A rule as cases write it."""
    action, bar, rest = text.partition("|")
    return text if text.startswith("v") else f"v2.31|Action={action}|Active=TRUE|{rest}{'|' if bar else ''}"


def machine_of(case: dict[str, Any]) -> Machine:
    """The host of a case."""
    on = host(os=case.get("os", "server2022"), interfaces=ADAPTERS)
    on.registry.delete(RULES["rules"])
    if not case.get("image"):
        on.registry.delete(RESTRICTED)
    for store, path in RULES.items():
        for number, text in enumerate(case.get(store, ())):
            on.registry.set(path, f"{'r' if case.get('same_id') else store}{number}", rule_string(text))
    for part, path in VALUES.items():
        for name, data in case.get(part, {}).items():
            subkey, _, value = name.rpartition("\\")
            if data is None:
                on.registry.unset(path, name)
            else:
                on.registry.set(f"{path}\\{subkey}".rstrip("\\"), value, data)
    if "stopped" in case:
        on.services[case["stopped"]] = "stopped"
    on.surroundings.taken_over = {"Another": tuple(case["taken_over"])} if "taken_over" in case else {}
    return on


@pytest.mark.parametrize("case", cases("lab_flows"), ids=lambda c: str(c["title"]))
def test_case(case: dict[str, Any]) -> None:
    assert case["source"]
    assert case.keys() <= SAID
    assert SimulatedHost(machine_of(case)).decides(flow_of(case.get("flow", {}))) is case["passes"]


def test_a_host_that_nobody_needs_is_forgotten() -> None:
    on = host()
    SimulatedHost(on).decides(flow_of({}))
    gone = weakref.ref(on)
    del on
    gc.collect()
    assert gone() is None


def test_a_host_without_a_network_is_in_public_and_on_no_interface() -> None:
    on = host(interfaces=())
    on.registry.delete(RULES["rules"])
    flow = SimulatedFlow("in", 6, "10.99.0.1", "10.99.0.10", 443, 50000, program=r"C:\srv\web.exe")
    assert SimulatedHost(on).decides(flow) is False
    for condition, passes in (("Profile=Public", True), ("Profile=Private", False), ("IFType=Lan", None),
                              ("IF={11111111-2222-3333-4444-555555555555}", None)):
        on.registry.set(RULES["rules"], "r", rule_string(f"Allow|Dir=In|{condition}"))
        assert SimulatedHost(on).decides(flow) is passes, condition
