"""The cmdlets below the host script: binding, aliases, wildcards, selection; and properties over generated calls."""

import ipaddress
from typing import Any

import pytest
from chance import by_chance
from hypothesis import given
from hypothesis import strategies as st
from lab_machine import host

from ringfence.lab import GROUP_POLICY, POLICY, Machine
from ringfence.lab.host_script.allow_list import allowed_parameters
from ringfence.lab.netsecurity import dispatch
from ringfence.lab.netsecurity.cmdlet_errors import CmdletError
from ringfence.lab.netsecurity.parameter_binding import bind, cmdlets
from ringfence.lab.netsecurity.wildcards import has_wildcards, matcher, without_escapes
from ringfence.lab.registry.stored_rule import StoredRule

RULES = POLICY + r"\FirewallRules"
HOST = host()


def names(on: Machine, root: str = POLICY) -> set[str]:
    key = on.registry.key(root + r"\FirewallRules")
    return {v.name for v in key.values.values()} if key else set()


def _id(cmdlet: str, parameters: dict[str, Any]) -> str:
    with pytest.raises(CmdletError) as caught:
        dispatch.call(host(), cmdlet, parameters)
    return caught.value.id


@pytest.mark.parametrize(("parameters", "id"), [
    ({"DisplayName": "X", "Colour": "red"}, "NamedParameterNotFound,New-NetFirewallRule"),
    ({"Name": "x"}, "MissingMandatoryParameter,New-NetFirewallRule"),
    ({"DisplayName": "X", "Name": "a", "ID": "b"}, "ParameterAlreadyBound,New-NetFirewallRule"),
    ({"DisplayName": {"a": 1}}, "ParameterArgumentTransformationError,New-NetFirewallRule"),
    ({"DisplayName": "X", "Profile": ""}, "ParameterArgumentTransformationError,New-NetFirewallRule"),
    ({"DisplayName": "X", "GPOSession": "s"}, "Windows System Error 87,New-NetFirewallRule"),
])
def test_binding_refuses(parameters: dict[str, Any], id: str) -> None:
    assert _id("new-netfirewallrule", parameters) == id


def test_a_set_is_selected_in_one_way() -> None:
    assert _id("Set-NetFirewallRule", {"Name": "a", "DisplayName": "b"}) == "AmbiguousParameterSet,Set-NetFirewallRule"
    assert _id("Set-NetFirewallRule", {"Enabled": "True"}) == "AmbiguousParameterSet,Set-NetFirewallRule"
    assert _id("Rename-NetFirewallRule", {"Name": "a"}) == "MissingMandatoryParameter,Rename-NetFirewallRule"


def test_binding_converts() -> None:
    bound = bind("New-NetFirewallRule", {"id": 7, "displayname": 1.5, "LocalPort": 80, "enabled": "f", "LSM": 1,
                                         "profile": "domain, Public"})
    assert bound == {"Name": "7", "DisplayName": "1.5", "LocalPort": ["80"], "Enabled": "False", "LooseSourceMapping": True,
                     "Profile": ["Domain", "Public"]}
    assert bind("New-NetIPsecRule", {"Name": "n", "DisplayName": "N", "SecIn": "Require"})["InboundSecurity"] == "Require"
    assert bind("New-NetIPsecMainModeCryptoSet", {
        "DisplayName": "N", "MaxMinutes": "60", "Proposal": dispatch.propose("New-NetIPsecMainModeCryptoProposal", {})
        })["MaxMinutes"] == 60


def test_wildcards_match_several() -> None:
    on = host()
    dispatch.call(on, "Remove-NetFirewallRule", {"Name": ["CoreNet-DHCP*", "CoreNet-IGMP-???", "NoSuchRule*"]})
    assert not {n for n in names(on) if n.startswith("CoreNet-DHCP") or n == "CoreNet-IGMP-Out"}
    assert "CoreNet-IGMP-In" in names(on)
    dispatch.call(on, "Set-NetFirewallRule", {"Name": "CoreNet-ICMP[46]-*", "Enabled": "False"})
    assert {StoredRule.parse("FirewallRules", str(on.registry.get(RULES, n))).first("Active")
            for n in names(on) if n.startswith("CoreNet-ICMP")} == {"FALSE"}


def test_selection_by_display_name_group_and_query() -> None:
    on = host()
    dispatch.call(on, "Set-NetFirewallRule", {"DisplayName": "Remote Desktop - User Mode (TCP-In)", "Profile": "Domain"})
    assert "|Profile=Domain|" in str(on.registry.get(RULES, "RemoteDesktop-UserMode-In-TCP"))
    dispatch.call(on, "Enable-NetFirewallRule", {"DisplayGroup": "Remote Desktop"})
    assert "Active=TRUE" in str(on.registry.get(RULES, "RemoteDesktop-UserMode-In-UDP"))
    dispatch.call(on, "Copy-NetFirewallRule", {"Enabled": "True", "Direction": "Outbound", "NewPolicyStore": "localhost"})
    copied = names(on, GROUP_POLICY)
    assert copied
    assert all("|Active=TRUE|Dir=Out|" in str(on.registry.get(RULES, n)) for n in copied)
    dispatch.call(on, "Remove-NetFirewallRule", {"Group": "@FirewallAPI.dll,-25000"})
    assert not names(on) & {"CoreNet-DHCP-In", "CoreNet-DNS-Out-UDP"}
    dispatch.call(on, "Copy-NetFirewallRule", {"Name": "CoreNet-DHCP-In", "PolicyStore": "SystemDefaults",
                                               "NewPolicyStore": "PersistentStore"})
    assert "CoreNet-DHCP-In" in names(on)
    dispatch.call(on, "Remove-NetFirewallRule", {"All": True})
    assert names(on) == set()


def test_patterns() -> None:
    assert has_wildcards("a*")
    assert not has_wildcards("a`*b`[")
    assert without_escapes("a`*b`[") == "a*b["
    assert matcher("a`*[b-d]?")("A*cX")
    assert not matcher("a.c")("abc")
    assert matcher("[a")("[A")


def test_the_allow_list_leaves_selection_to_names() -> None:
    assert {"name", "newdisplayname", "group"} <= allowed_parameters("Set-NetFirewallRule")
    assert not {"displayname", "displaygroup", "gposession", "policystore"} & allowed_parameters("Set-NetIPsecRule")
    assert allowed_parameters("Remove-NetFirewallRule") == {"name"}
    assert "name" in allowed_parameters("New-NetIPsecRule")
    assert {c["name"].partition("-")[0] for c in cmdlets().values() if not allowed_parameters(c["name"])} == {
        "Copy", "Rename", "Enable", "Disable"}


# ---- properties -------------------------------------------------------------------------------------------------------

ADDRESS = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).filter(lambda a: not a.is_unspecified).map(str)
CALLS = st.fixed_dictionaries({}, optional={
    "Direction": st.sampled_from(["Inbound", "Outbound"]), "Action": st.sampled_from(["Allow", "Block"]),
    "Enabled": st.sampled_from(["True", "False"]),
    "Profile": st.lists(st.sampled_from(["Domain", "Private", "Public"]), min_size=1),
    "Protocol": st.sampled_from(["TCP", "UDP", "ICMPv4", "Any", "47"]), "LocalPort": st.lists(st.sampled_from(
        ["80", "443", "1-100", "RPC", "0", "Any"]), min_size=1, max_size=3), "IcmpType": st.sampled_from(["8", "3:4", "Any"]),
    "RemoteAddress": st.lists(ADDRESS, min_size=1, max_size=3), "LocalAddress": ADDRESS,
    "InterfaceType": st.sampled_from(["Wired", "Any"]), "EdgeTraversalPolicy": st.sampled_from(["Block", "Allow", "DeferToUser"]),
    "Authentication": st.sampled_from(["NotRequired", "Required", "NoEncap"]), "Program": st.sampled_from(["System", "Any"]),
    "Encryption": st.sampled_from(["NotRequired", "Required", "Dynamic"]), "OverrideBlockRules": st.booleans(),
    "RemoteMachine": st.just("D:(A;;CC;;;AU)"), "Description": st.text(max_size=20), "LooseSourceMapping": st.booleans()})


@by_chance(150)
@given(CALLS, CALLS)
def test_a_rule_is_written_whole_or_refused_and_never_damaged(first: dict[str, Any], second: dict[str, Any]) -> None:
    HOST.registry.unset(RULES, "p")
    refusals: list[CmdletError] = []
    for cmdlet, parameters in (("New-NetFirewallRule", {"DisplayName": "P", **first}), ("Set-NetFirewallRule", second)):
        try:
            dispatch.call(HOST, cmdlet, {"Name": "p", **parameters})
        except CmdletError as refusal:
            refusals.append(refusal)
            if HOST.registry.get(RULES, "p") is None:
                return
            continue
        text = str(HOST.registry.get(RULES, "p"))
        rule = StoredRule.parse("FirewallRules", text)
        assert rule.text(HOST.schema) == text
        assert rule.first("Dir") in ("In", "Out")
        assert rule.first("Name") == "P"
    assert all(refusal.message for refusal in refusals)
    settled = HOST.registry.get(RULES, "p")
    dispatch.call(HOST, "Set-NetFirewallRule", {"Name": "p"})
    assert HOST.registry.get(RULES, "p") == settled


@pytest.mark.parametrize(("parameter", "more", "members"), [
    ("RemoteAddress", {}, [f"10.0.{n // 256}.{n % 256}" for n in range(1001)]),
    ("RemoteAddress", {}, [f"10.{n // 256}.{n % 256}.1-10.{n // 256}.{n % 256}.9" for n in range(1001)]),
    ("LocalAddress", {}, [f"2001:db8::{n:x}" for n in range(1, 1002)]),
    ("LocalPort", {"Protocol": "TCP"}, [str(n) for n in range(1, 1002)]),
    ("RemotePort", {"Protocol": "TCP"}, [str(n) for n in range(1, 1002)]),
    ("IcmpType", {"Protocol": "ICMPv4"}, [f"{n // 200}:{n % 200}" for n in range(1001)])])
def test_a_list_has_a_thousand_members_at_most(parameter: str, more: dict[str, Any], members: list[str]) -> None:
    on, rule = host(), {"DisplayName": "X", **more}
    with pytest.raises(CmdletError, match="array bounds"):
        dispatch.call(on, "New-NetFirewallRule", {**rule, parameter: members})
    dispatch.call(on, "New-NetFirewallRule", {**rule, parameter: members[:1000]})


@by_chance(100)
@given(st.ip_addresses(v=4), st.integers(1, 32))
def test_both_ways_to_write_a_subnet_are_stored_alike(address: ipaddress.IPv4Address, length: int) -> None:
    network = ipaddress.ip_network((int(address), length), strict=False)
    stored = []
    for text in (f"{network.network_address}/{length}", f"{network.network_address}/{network.netmask}"):
        HOST.registry.unset(RULES, "p")
        dispatch.call(HOST, "New-NetFirewallRule", {"Name": "p", "DisplayName": "P", "RemoteAddress": text})
        stored.append(StoredRule.parse("FirewallRules", str(HOST.registry.get(RULES, "p"))).first("RA4"))
    assert stored[0] == stored[1]
    assert ipaddress.ip_network(stored[0]) == network
