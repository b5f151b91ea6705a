"""firewall_setting: values in the root of a store, read and written with every parameter of the cmdlet."""

import json
from typing import Any

import pytest
from core import CASES, KINDS, declare, declared, resources, task
from hosts import LabHost

from ringfence.lab import POLICY
from ringfence.model.resource import Resource
from ringfence.types.base import NOT_CONFIGURED
from ringfence.windows.read import read

SETTING = KINDS["firewall_setting"]


def stored(**values: Any) -> Resource:
    rows = [["", [[name, "String" if isinstance(data, str) else "DWord", data] for name, data in values.items()]]]
    return read({"local": rows}, KINDS).by_kind("firewall_setting")["all"]


def said(setting: Resource) -> dict[str, Any]:
    return {n: v for n, v in setting.values().items() if v != SETTING.defaults[n]}


@pytest.mark.parametrize(("name", "data", "property", "value"), [  # reference grammar, section 9; [MS-GPFAS] 2.2.1
    ("IPSecExempt", 9, "exemptions", ("dhcp", "neighbor_discovery")), ("IPsecExempt", 0, "exemptions", ()),
    ("IPSecExempt", 15, "exemptions", ("dhcp", "icmp", "neighbor_discovery", "router_discovery")),
    ("IPSecExempt", 16, "exemptions", "IPSecExempt=16"), ("IPSecExempt", "x", "exemptions", "IPSecExempt=x (String)"),
    ("DisableStatefulFTP", 0, "enable_stateful_ftp", True), ("DisableStatefulFTP", 1, "enable_stateful_ftp", False),
    ("DisableStatefulPPTP", 1, "enable_stateful_pptp", False), ("SAIdlTime", 600, "max_sa_idle_time_seconds", 600),
    ("SAIdleTime", 600, "max_sa_idle_time_seconds", 600), ("PresharedKeyEncoding", 0, "key_encoding", "utf16"),
    ("PresharedKeyEncoding", 1, "key_encoding", "utf8"), ("StrongCRLCheck", 2, "cert_validation_level", "require_crl_check"),
    ("IPsecThroughNAT", 1, "allow_ipsec_through_nat", "server"),
    ("EnablePacketQueue", 3, "enable_packet_queuing", ("forward", "inbound")),
    ("IPsecOpportunisticallyMatchAuthSetPerKM", 1, "require_full_auth_support", False),
    ("IPsecTunnelRemoteMachineAuthorizationList", "O:LSD:(A;;CC;;;AU)", "remote_machine_tunnel_authorization_list",
     "D:(A;;CC;;;S-1-5-11)"),
    ("IPsecTransportRemoteUserAuthorizationList", "D:(A;;CC;;;AU)", "remote_user_transport_authorization_list",
     "D:(A;;CC;;;S-1-5-11)")])
def test_every_value(name: str, data: Any, property: str, value: Any) -> None:
    assert said(stored(**{name: data})) == {property: value}
    assert said(stored(**{name.upper(): data})) == {property: value}


def test_what_is_not_stored_is_left_to_windows() -> None:
    found = read({"local": []}, KINDS)
    assert said(found.by_kind("firewall_setting")["all"]) == {}
    for name, there in (("PolicyVersion", False), ("IPSecExempt", True)):
        rows = [["", [[name, "DWord", 1]]]]
        assert bool(read({"group_policy": rows}, KINDS).by_kind("firewall_setting", "group_policy")) is there
    assert set(SETTING.defaults.values()) == {NOT_CONFIGURED, None}


def test_every_parameter_of_the_cmdlet_is_there() -> None:
    listed = json.loads((CASES / "netsecurity_parameters.json").read_text(encoding="utf-8"))["cmdlets"]["Set-NetFirewallSetting"]
    assert {p.parameter for p in SETTING.properties.values()} == set(listed)


EVERYTHING = {
    "exemptions": ["icmp", "dhcp"], "enable_stateful_ftp": False, "enable_stateful_pptp": True, "max_sa_idle_time_seconds": 3600,
    "key_encoding": "utf16", "cert_validation_level": "attempt_crl_check", "allow_ipsec_through_nat": "both",
    "require_full_auth_support": True, "enable_packet_queuing": ["inbound", "forward"],
    "remote_machine_tunnel_authorization_list": "S-1-5-11", "remote_user_tunnel_authorization_list": ["S-1-5-32-545"],
    "remote_machine_transport_authorization_list": "O:LSD:(A;;CC;;;AU)", "remote_user_transport_authorization_list": "S-1-5-11"}
NOTHING = {name: "not_configured" if SETTING.defaults[name] == NOT_CONFIGURED else "any" for name in EVERYTHING
           if name != "max_sa_idle_time_seconds"}


def test_everything_is_written_found_again_and_given_back() -> None:
    assert set(EVERYTHING) == set(SETTING.properties)
    host = LabHost()
    for properties in (EVERYTHING, NOTHING, {"exemptions": "none", "enable_packet_queuing": "none"}):
        asked = task("firewall_setting", properties)
        assert host.apply(asked).error is None
        assert host.plan(asked).changes == ()
    assert {"SAIdlTime": 3600, "IPSecExempt": 0, "EnablePacketQueue": 0}.items() <= {
        name: host.machine.registry.get(POLICY, name) for name in ("SAIdlTime", "IPSecExempt", "EnablePacketQueue")}.items()
    assert host.machine.registry.get(POLICY, "StrongCRLCheck") is None
    assert {cmdlet for cmdlet, _ in host.cmdlets} == {"Set-NetFirewallSetting"}
    assert not [c for b in host.batches for c in b.calls.values() if "Name" in c.args.get("parameters", {})]


def test_only_what_is_mentioned_is_managed() -> None:
    host = LabHost()
    host.machine.registry.set(POLICY, "DisableStatefulFTP", 1)
    (change,) = host.plan(task("firewall_setting", {"name": "all", "key_encoding": "utf16"})).changes
    assert change.properties() == {"key_encoding": ("not_configured", "utf16")}


def test_its_name_may_be_left_out_and_it_cannot_be_absent() -> None:
    assert [r.name for r in resources(declared(task("firewall_setting", {"key_encoding": "utf8"})))] == ["all"]
    _, (problem,) = declare(task("firewall_setting", {"state": "absent"}))
    assert "part of Windows" in problem.summary
