"""Changes -> calls: every parameter exists, has the type that Windows binds, and takes the values that we can say.

tests/cases/netsecurity_parameters.json is an extract of Microsoft's cmdlet pages.
"""

import json
import re
from typing import Any

import pytest
from core import CASES, GUID, KINDS, PROFILE, RULE, cases, declared, facts, rule, task
from hosts import LabHost

from ringfence.batch import Batch
from ringfence.errors import GuardRefused
from ringfence.model.declaration import state_after
from ringfence.model.resource import Kind, Property, Resource
from ringfence.model.state import Change, State, diff, id_of
from ringfence.model.storage import RegistryKeys
from ringfence.plan.losses import refuse_losses
from ringfence.plan.plan import HostSnapshot, Plan
from ringfence.windows.calls import cmdlet_calls, to_parameter
from ringfence.windows.read import read_objects

PARAMETERS: dict[str, dict[str, dict[str, Any]]] = json.loads(
    (CASES / "netsecurity_parameters.json").read_text(encoding="utf-8"))["cmdlets"]
FLAGS = {"Profile", "InterfaceType", "DynamicTransport"}  # enums whose values may stand together (bits of WMI)
NUMBERS = {"UInt16", "UInt32", "UInt64", "Int32"}
CORE = [pytest.param(kind, p, id=f"{kind.name}.{p.name}") for kind in (RULE, PROFILE) for p in kind.properties.values()
        if p.parameter]


def change(before: Resource | None, after: Resource | None) -> Change:
    return Change(id_of(after or before), before, after)  # type: ignore[arg-type]


def parameters(before: Resource | None, after: Resource | None) -> dict[str, Any]:
    (call,) = cmdlet_calls([change(before, after)], facts().aliases).values()
    return dict(call.args["parameters"])


def binds(declared: dict[str, Any], value: Any) -> bool:
    """Whether PowerShell binds the value to a parameter of the declared type without guessing."""
    name: str = declared["type"]
    if "values" in declared:
        several = name.removesuffix("[]") in FLAGS
        said = value if isinstance(value, list) and several else [value]
        return all(isinstance(v, str) and v in declared["values"] for v in said)
    if name in ("Boolean", "SwitchParameter"):
        return isinstance(value, bool)
    if name in NUMBERS:
        return isinstance(value, int) and not isinstance(value, bool)
    if name in ("String[]", "WildcardPattern[]"):
        return isinstance(value, str) or (isinstance(value, list) and all(isinstance(v, str) for v in value))
    return name == "String" and isinstance(value, str)


def sayable(kind: Kind, p: Property) -> list[Any]:
    """Canonical values of a property: its default and those of the cases."""
    found = [p.type.parse(v) for case in cases("words").get(f"{kind.name}.{p.name}", {}).get("values", ())
             for v in case.get("same", ())]
    default = [] if p.stays_as is not None else [p.default]  # which no cmdlet takes
    return [*default, *found, *([p.type.parse(p.example)] if p.example is not None else [])]


@pytest.mark.parametrize(("kind", "p"), CORE)
def test_every_parameter_binds_every_value_that_can_be_said(kind: Kind, p: Property) -> None:
    if p.stays_as is not None:
        with pytest.raises(GuardRefused, match=f"no cmdlet takes {p.name} away again"):
            to_parameter(p, None, facts().aliases)
    for verb, parameter in (("New", p.parameter), ("Set", p.set_parameter)):
        cmdlet = PARAMETERS.get(f"{verb}-{kind.noun}")
        if cmdlet is None:
            assert verb == "New"
            assert isinstance(kind.storage, RegistryKeys)
            continue
        for value in sayable(kind, p):
            told = to_parameter(p, value, facts().aliases)
            if told is not None:
                assert binds(cmdlet[parameter], told), (cmdlet[parameter], told)


def test_every_parameter_of_every_kind_exists() -> None:
    for kind in KINDS.values():
        for verb in ("New", "Set"):
            cmdlet = PARAMETERS.get(f"{verb}-{kind.noun}")
            for p in kind.properties.values() if cmdlet else ():
                parameter = p.set_parameter if verb == "Set" else p.parameter
                assert not p.parameter or parameter in (cmdlet or {}), f"{verb}-{kind.noun} -{parameter}"


def test_the_lists_are_one_bit_each_only_where_windows_has_flags() -> None:
    for kind in (RULE, PROFILE):
        for p in kind.properties.values():
            declared = PARAMETERS[f"Set-{kind.noun}"].get(p.set_parameter, {})
            if isinstance(p.default, tuple) and "values" in declared:
                assert declared["type"] in FLAGS


@pytest.mark.parametrize(("name", "typed"),
                         [("loose_source_mapping", bool), ("local_only_mapping", bool), ("override_block_rules", bool),
                                             ("enabled", str)])
def test_booleans_and_the_enum_that_looks_like_one(name: str, typed: type) -> None:
    """`-Enabled $true` does not bind, `-Enabled True` does; the others are [bool]."""
    for value in (True, False):
        told = to_parameter(RULE.properties[name], value, facts().aliases)
        assert type(told) is typed
        assert str(told) == str(value)


def test_a_rename_is_said_as_new_display_name() -> None:
    assert parameters(rule(display_name="old"), rule(display_name="new")) == {"Name": "r", "NewDisplayName": "new"}


def test_a_new_group_is_said_as_group() -> None:
    """The host script assigns it to the object; -Group of Set- would select by it."""
    assert parameters(rule(group="old"), rule(group="new")) == {"Name": "r", "Group": "new"}
    assert parameters(rule(group="old"), rule()) == {"Name": "r", "Group": ""}


def test_texts_are_cleared_by_an_empty_one_and_conditions_by_any() -> None:
    before = rule(description="d", program="System", remote_address="10.0.0.1", profile="domain", interface_alias=GUID,
                  interface_type="wired", platform="6.1", local_user="S-1-5-11", package="S-1-15-2-1", owner="S-1-5-11")
    assert parameters(before, rule()) == {
        "Name": "r", "Description": "", "Program": "Any", "RemoteAddress": "Any", "Profile": "Any", "InterfaceAlias": "Any",
        "InterfaceType": "Any", "Platform": [], "LocalUser": "Any", "Package": "Any", "Owner": "Any"}


def test_what_windows_keeps_in_one_filter_travels_together() -> None:
    """A new port goes with the protocol that it needs; a new remote address with the local one."""
    before, after = rule(protocol="tcp", local_port=80), rule(protocol="tcp", local_port=443)
    assert parameters(before, after) == {"Name": "r", "Protocol": "TCP", "LocalPort": ["443"]}
    after = rule(protocol="icmpv4", icmp_type=8)
    assert parameters(before, after) == {"Name": "r", "Protocol": "ICMPv4", "LocalPort": "Any", "IcmpType": ["8"]}
    one, two = (rule(local_address="10.0.0.1", remote_address=r) for r in ("10.1.0.0/16", "10.2.0.0/16"))
    assert parameters(one, two) == {"Name": "r", "LocalAddress": ["10.0.0.1"], "RemoteAddress": ["10.2.0.0/16"]}
    one, two = (rule(authentication="required", encryption=e, remote_machine="S-1-5-11") for e in ("required", "dynamic"))
    assert parameters(one, two) == {"Name": "r", "Authentication": "Required", "Encryption": "Dynamic",
                                    "RemoteMachine": "D:(A;;CC;;;S-1-5-11)"}


def test_only_what_differs_is_said() -> None:
    one = rule(description="d", program="System", service="x", remote_address="10.0.0.1")
    assert parameters(one, rule(description="d", program="System", service="x", remote_address="10.0.0.1", enabled=False)) == {
        "Name": "r", "Enabled": "False"}


def test_objects_go_by_the_name_they_have_on_the_host() -> None:
    found = RULE.read_string("RDP-In", "v2.31|Action=Allow|Active=TRUE|Dir=In|Name=N|")
    for declarations in (declared(task("firewall_rule", {"name": "rdp-in", "display_name": "N", "enabled": False})),
                     declared(task("firewall_rule", {"name": "rdp-IN", "state": "absent"}))):
        state = State({id_of(found): found})
        (call,) = cmdlet_calls(diff(state, state_after(declarations, state)), facts().aliases).values()
        assert call.args["parameters"]["Name"] == "RDP-In"


def test_interfaces_go_by_alias_and_by_guid_where_the_host_has_no_name() -> None:
    other = "{99999999-2222-3333-4444-555555555555}"
    assert parameters(None, rule(interface_alias=[GUID, other]))["InterfaceAlias"] == ["Ethernet", other]


def test_profiles_are_set_one_by_one_with_what_is_mentioned() -> None:
    state = State({id_of(r): r for r in (PROFILE.create(n, {}) for n in ("domain", "private", "public"))})
    desired = declared(
        task(
            "firewall_profile",
            {
                "profiles": ["domain", "public"],
                "enabled": True,
                "log_max_size_kilobytes": 16384,
                "default_inbound_action": "block",
            },
        )
    )
    made = cmdlet_calls(diff(state, state_after(desired, state)), facts().aliases)
    assert [dict(c.args["parameters"]) for c in made.values()] == [
        {"Name": name, "Enabled": "True", "DefaultInboundAction": "Block", "LogMaxSizeKilobytes": 16384}
        for name in ("Domain", "Public")]
    assert {c.args["cmdlet"] for c in made.values()} == {"Set-NetFirewallProfile"}


def refusals(*changes: Change) -> str:
    plan = refuse_losses(Plan("srv1", {}, HostSnapshot(facts(), State()), changes=changes))
    try:
        plan.raise_if_refused()
    except GuardRefused as refused:
        return str(refused)
    return ""


def test_a_change_that_would_lose_what_no_cmdlet_writes_is_refused() -> None:
    found = RULE.read_string("r", "v2.31|Action=Allow|Active=TRUE|Dir=In|Name=r|PFN=App_1|PCross=TRUE|")
    told = refusals(change(found, rule(enabled=False)))
    assert "PFN=App_1|PCross=TRUE" in told
    assert refusals(change(found, found.replace(enabled=False)), change(None, rule("new"))) == ""
    assert cmdlet_calls([change(found, None)], {})[id_of(found)].args == {
        "cmdlet": "Remove-NetFirewallRule", "parameters": {"Name": "r"}}


@pytest.mark.parametrize("held", ["TTK2_27=WFDKmDriver", "LPort2_20=DHCP", "LPort2_24=mDNS", "RPort2_25=CortanaOut"])
def test_what_no_cmdlet_writes_is_not_left_out_of_a_call_in_silence(held: str) -> None:
    """Neither a change beside it nor its return (an undo) may make the rule wider."""
    found = RULE.read_string("r", f"v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=17|{held}|Name=r|")
    for asked in (change(found, found.replace(icmp_type=("8",))), change(rule(), found), change(None, found)):
        with pytest.raises(GuardRefused, match=held.partition("=")[2]):
            cmdlet_calls([asked], {})


IPSEC = "v2.31|Active=TRUE|Action={}|Name=r|RA4=10.0.0.0/255.0.0.0|"
NOT_UNDERSTOOD = [RULE.read_string("r", "v2.31|Action=Weird|Active=TRUE|Dir=In|Name=r|"),
                  RULE.read_string("r", "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=abc|Name=r|"),
                  KINDS["ipsec_rule"].read_string("r", IPSEC.format("Weird"))]


@pytest.mark.parametrize("found", NOT_UNDERSTOOD)
def test_what_nobody_understood_is_not_made_anew_with_a_default_in_its_place(found: Resource) -> None:
    """A rule for every protocol would come of it, one that allows, or an exemption from IPsec."""
    other = KINDS["ipsec_rule"].read_string("r", IPSEC.format("Secure")) if found.kind.name == "ipsec_rule" else rule()
    for asked in (change(None, found), change(other, found)):
        with pytest.raises(GuardRefused, match="what the host had there"):
            cmdlet_calls([asked], {})


def test_a_value_of_a_cmdlet_that_nobody_understood_is_not_said_to_it() -> None:
    kind = KINDS["ipsec_dosp_setting"]
    (found,) = read_objects(kind, [{"Name": "Edge", "MaxStateEntries": "many"}]).values()
    for asked in (change(None, found), change(kind.create("Edge", {"max_state_entries": 5}), found)):
        with pytest.raises(GuardRefused, match="MaxStateEntries=many"):
            cmdlet_calls([asked], {})


def test_both_ends_of_a_tunnel_are_said_where_one_changes() -> None:
    """Windows keeps them in one filter, and takes no end as any in silence (New-NetIPsecRule, -LocalTunnelEndpoint)."""
    one, two = (KINDS["ipsec_rule"].create("t", {"mode": "tunnel", "inbound_security": "require", "outbound_security": "require",
                                                 "remote_tunnel_endpoint": (far,)}) for far in ("203.0.113.1", "203.0.113.2"))
    assert parameters(one, two) == {"Name": "t", "Mode": "Tunnel", "LocalTunnelEndpoint": "Any",
                                    "RemoteTunnelEndpoint": ["203.0.113.2"]}


def test_every_refusal_is_told_at_once() -> None:
    found = [RULE.read_string(n, "v2.31|Action=Allow|Active=TRUE|Dir=In|Future=1|") for n in ("a", "b")]
    assert re.match(r"firewall_rule a:(.|\n)*firewall_rule b:", refusals(*(change(f, rule(f.name)) for f in found)))


def test_no_value_becomes_text_of_a_script() -> None:
    """Quotes, dollars and backticks stay data in the JSON of the batch."""
    text = "'; Remove-Item C:\\ -Recurse; \"$(whoami)`n"
    host = LabHost({})
    reply = host.run(Batch(cmdlet_calls([change(None, rule(description=text))], {}), stop_on_error=True))
    assert [a.error for a in reply.answers.values()] == [None]
    assert RULE.read_string("r", host.rules["r"]).description == text  # type: ignore[attr-defined]
