"""Changes -> calls: every parameter exists, has the type that Windows binds, and takes the values that we can say.

tests/cases/netsecurity_parameters.json is an extract of Microsoft's cmdlet pages.
"""

import json
from typing import Any

import pytest
from core import CASES, GUID, KINDS, PROFILE, RULE, FakeHost, Said, cases, facts, rule, want

from ringfence.batch import Batch
from ringfence.errors import Refused
from ringfence.resource import Keys, Kind, Prop, Resource
from ringfence.state import Change, State, diff, identify, target
from ringfence.windows.calls import argument, calls

PARAMETERS: dict[str, dict[str, dict[str, Any]]] = json.loads(
    (CASES / "netsecurity_parameters.json").read_text(encoding="utf-8"))["cmdlets"]
FLAGS = {"Profile", "InterfaceType", "DynamicTransport"}  # enums whose values may stand together (bits of WMI)
NUMBERS = {"UInt16", "UInt32", "UInt64", "Int32"}
CORE = [pytest.param(kind, p, id=f"{kind.name}.{p.name}") for kind in (RULE, PROFILE) for p in kind.properties.values()
        if p.parameter]


def change(before: Resource | None, after: Resource | None) -> Change:
    return Change(identify(after or before), before, after)  # type: ignore[arg-type]


def parameters(before: Resource | None, after: Resource | None) -> dict[str, Any]:
    (call,) = calls([change(before, after)], facts())
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


def sayable(kind: Kind, p: Prop) -> list[Any]:
    """Canonical values of a property: its default and those of the cases."""
    found = [p.word.parse(v) for case in cases("words").get(f"{kind.name}.{p.name}", {}).get("values", ())
             for v in case.get("same", ())]
    return [p.default, *found, *([p.word.parse(p.example)] if p.example is not None else [])]


@pytest.mark.parametrize(("kind", "p"), CORE)
def test_every_parameter_binds_every_value_that_can_be_said(kind: Kind, p: Prop) -> None:
    if p.name == "log_max_size_kilobytes":
        assert argument(p, 16384, facts()) == 16384  # its default (not stored) cannot be said and is never written
    for verb, parameter in (("New", p.parameter), ("Set", p.set_parameter)):
        cmdlet = PARAMETERS.get(f"{verb}-{kind.noun}")
        if cmdlet is None:
            assert verb == "New"
            assert isinstance(kind.home, Keys)
            continue
        for value in sayable(kind, p):
            told = argument(p, value, facts())
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
        told = argument(RULE.properties[name], value, facts())
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
    for declared in (want(Said("firewall_rule", {"name": "rdp-in", "display_name": "N", "enabled": False})),
                     want(Said("firewall_rule", {"name": "rdp-IN", "state": "absent"}))):
        state = State({identify(found): found})
        (call,) = calls(diff(state, target(declared, state)), facts())
        assert call.args["parameters"]["Name"] == "RDP-In"


def test_interfaces_go_by_alias_and_by_guid_where_the_host_has_no_name() -> None:
    other = "{99999999-2222-3333-4444-555555555555}"
    assert parameters(None, rule(interface_alias=[GUID, other]))["InterfaceAlias"] == ["Ethernet", other]


def test_profiles_are_set_one_by_one_with_what_is_mentioned() -> None:
    state = State({identify(r): r for r in (PROFILE.make(n, {}) for n in ("domain", "private", "public"))})
    desired = want(Said("firewall_profile", {"profiles": ["domain", "public"], "enabled": True, "log_max_size_kilobytes": 16384,
                                             "default_inbound_action": "block"}))
    made = calls(diff(state, target(desired, state)), facts())
    assert [dict(c.args["parameters"]) for c in made] == [
        {"Name": name, "Enabled": "True", "DefaultInboundAction": "Block", "LogMaxSizeKilobytes": 16384}
        for name in ("Domain", "Public")]
    assert {c.args["cmdlet"] for c in made} == {"Set-NetFirewallProfile"}


def test_a_change_that_would_lose_what_no_cmdlet_writes_is_refused() -> None:
    found = RULE.read_string("r", "v2.31|Action=Allow|Active=TRUE|Dir=In|Name=r|PFN=App_1|PCross=TRUE|")
    with pytest.raises(Refused) as caught:
        calls([change(found, rule(enabled=False))], facts())
    assert "PFN=App_1" in str(caught.value)
    assert "PCross=TRUE" in str(caught.value)
    assert "absent" in str(caught.value)
    assert calls([change(found, None)], facts())[0].args == {"cmdlet": "Remove-NetFirewallRule", "parameters": {"Name": "r"}}


def test_every_refusal_is_told_at_once() -> None:
    found = [RULE.read_string(n, "v2.31|Action=Allow|Active=TRUE|Dir=In|Future=1|") for n in ("a", "b")]
    with pytest.raises(Refused, match=r"firewall_rule a:(.|\n)*firewall_rule b:"):
        calls([change(f, rule(f.name)) for f in found], facts())


def test_no_value_becomes_text_of_a_script() -> None:
    """Quotes, dollars and backticks stay data in the JSON of the batch."""
    text = "'; Remove-Item C:\\ -Recurse; \"$(whoami)`n"
    host = FakeHost()
    host.run(Batch(calls([change(None, rule(description=text))], facts()), stop=True))
    assert RULE.read_string("r", host.rules["r"]).description == text  # type: ignore[attr-defined]
