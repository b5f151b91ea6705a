"""By which properties a rule becomes wider than it was."""

from typing import Any

import pytest
from core import KINDS

from ringfence.model.resource import Resource
from ringfence.plan.wider import opens, widened

RULE = KINDS["firewall_rule"]
NARROW = {"protocol": "tcp", "local_port": ("443",), "remote_address": ("10.0.0.1",)}


@pytest.mark.parametrize(("before", "after", "by"), [
    ({}, {"local_only_mapping": True}, ("local_only_mapping",)),  # its remote address does not count any more
    ({"local_only_mapping": True}, {}, ()),
    ({"action": "block", "local_only_mapping": True}, {"action": "block", "local_only_mapping": True}, ()),
    ({"local_port": ("443", "444")}, {}, ()),
    ({}, {"local_port": ("443", "444")}, ("local_port",)),
    ({"action": "block"}, {"action": "block", "remote_address": ()}, ()),
    ({"program": r"C:\ab.exe"}, {"program": r"C:\ba.exe"}, ("program",)),  # two values are two, whatever they are made of
    ({"protocol": "icmpv4"}, {"protocol": "icmpv6"}, ("protocol",)),
    ({}, {"remote_address": (), "local_port": ()}, ("local_port", "remote_address")),
    ({"remote_address": (), "local_port": ()}, {}, ()),
    ({"local_port": ("400-500",)}, {}, ()),  # one of them is within
    ({"remote_address": ("10.0.0.0/8",)}, {}, ()),
    ({"remote_address": ("10.0.0.0/8",)}, {"remote_address": ("11.0.0.1",)}, ("remote_address",)),
    ({"local_port": ("RPC",)}, {}, ("local_port",)),
    ({"service": "w3svc"}, {}, ("service",)),
    ({}, {"service": "w3svc"}, ()),
    ({}, {"description": "of the shop", "display_name": "Shop"}, ()),
    ({}, {"edge_traversal_policy": "allow"}, ("edge_traversal_policy",)),
    ({"edge_traversal_policy": "allow"}, {}, ()),
    ({"edge_traversal_policy": "allow"}, {"edge_traversal_policy": "defer_to_app"}, ("edge_traversal_policy",)),
    ({}, {"direction": "outbound"}, ("direction",)),  # neither is wider: they are two
    ({}, {"owner": "S-1-5-21-1-2-3-1105"}, ("owner",)),
    # by what it does, and whether it is on
    ({"enabled": False}, {}, ("enabled",)),
    ({}, {"enabled": False}, ()),
    ({"enabled": False}, {"enabled": False, "remote_address": ()}, ()),
    ({"action": "block"}, {}, ("action",)),
    ({}, {"action": "block"}, ()),
    ({"action": "block"}, {"enabled": False}, ("action",)),
    ({"action": "block", "enabled": False}, {}, ("action",)),
    ({"action": "block", "enabled": False}, {"enabled": False}, ()),
    ({"action": "block"}, {"action": "block", "enabled": False}, ("enabled",)),
    ({"action": "block", "enabled": False}, {"action": "block"}, ()),
    ({"action": "block", "enabled": False}, {"action": "block", "enabled": False, "local_port": ("444",)}, ()),
    ({"action": "block"}, {"action": "block", "local_port": ("443", "444")}, ()),
    ({"action": "block", "local_port": ("443", "444")}, {"action": "block"}, ("local_port",)),
    ({"action": "block", "remote_address": ()}, {"action": "block"}, ("remote_address",)),
])
def test_what_makes_a_rule_wider(before: dict[str, Any], after: dict[str, Any], by: tuple[str, ...]) -> None:
    one, other = (RULE.create("r", NARROW | values) for values in (before, after))
    assert widened(one, other) == by


@pytest.mark.parametrize(("stored", "values", "by"), [
    ("Action=Allow|Dir=In|Protocol=17|LPort2_20=DHCP|RA4=10.0.0.1|", {"local_port": ("443",)}, ("local_port",)),
    ("Action=Weird|Dir=In|Protocol=6|LPort=443|RA4=10.0.0.1|", {"remote_address": ("10.0.0.2",)}, ("remote_address",)),
    ("Action=Weird|Dir=In|Protocol=6|LPort=443|", {"remote_address": ("10.0.0.2",)}, ("remote_address",)),  # it may block
    ("Action=Weird|Dir=In|Protocol=6|LPort=443|", {"action": "block"}, ("action",)),
])
def test_what_nobody_understands_may_become_wider(stored: str, values: dict[str, Any], by: tuple[str, ...]) -> None:
    found = RULE.read_string("r", f"v2.31|Active=TRUE|{stored}Name=r|")
    assert widened(found, found.replace(**values)) == by


SECURES = {"inbound_security": "require", "outbound_security": "request"}


@pytest.mark.parametrize(("before", "after", "by"), [
    ({}, {"description": "of the domain"}, ()),
    ({}, {"remote_address": ("10.0.0.1",)}, ("remote_address",)),
    ({"remote_address": ("10.0.0.1",)}, {}, ("remote_address",)),
    ({}, {"inbound_security": "request"}, ("inbound_security",)),
    ({}, {"enabled": False}, ("enabled",)),
])
def test_whatever_a_connection_security_rule_does_otherwise_may_let_more_pass(
        before: dict[str, Any], after: dict[str, Any], by: tuple[str, ...]) -> None:
    one, other = (KINDS["ipsec_rule"].create("r", SECURES | values) for values in (before, after))
    assert widened(one, other) == by


@pytest.mark.parametrize(("removed", "opened"), [
    (RULE.create("r", NARROW | {"action": "block"}), True),
    (RULE.create("r", NARROW | {"action": "block", "enabled": False}), False),
    (RULE.create("r", NARROW), False), (KINDS["ipsec_rule"].create("r", SECURES), True),
    (KINDS["ipsec_rule"].create("r", {"inbound_security": "none", "outbound_security": "none"}), False),
    (KINDS["firewall_profile"].create("domain", {"default_inbound_action": "block"}), False),
])
def test_what_closed_something_opens_it_when_it_goes(removed: Resource, opened: bool) -> None:
    assert opens(removed) == opened


@pytest.mark.parametrize(("before", "after", "by"), [
    (("neighbor_discovery", "dhcp"), ("neighbor_discovery", "dhcp", "icmp"), ("exemptions",)),
    (("dhcp",), (), ()),  # nothing is exempt: with that least passes
    ((), ("dhcp",), ("exemptions",)),
])
def test_what_makes_a_setting_wider(before: Any, after: Any, by: tuple[str, ...]) -> None:
    one, other = (KINDS["firewall_setting"].create("all", {"exemptions": value}) for value in (before, after))
    assert widened(one, other) == by


ROLES: dict[str, dict[str, Any]] = {  # what each property of a rule does for traffic, and a value that is not the default
    "condition": {
        "icmp_type": ("8",), "dynamic_target": ("wifi_direct_printing",), "local_address": ("10.0.0.2",), "remote_port": ("99",),
        "program": r"C:\a.exe", "package": "S-1-15-2-1-2", "package_family_name": "Contoso.App_8wekyb3d8bbwe",
        "service": "w32time", "interface_alias": ("Ethernet",), "interface_type": ("wired",),
        "local_user": "D:(A;;CC;;;S-1-5-11)",
        "remote_user": "D:(A;;CC;;;S-1-5-11)", "remote_machine": "D:(A;;CC;;;S-1-5-11)", "authentication": "required",
        "encryption": "required", "profile": ("domain",), "platform": ("10.0+",)},
    "permission": {"override_block_rules": True, "edge_traversal_policy": "allow", "loose_source_mapping": True,
                   "local_only_mapping": True},
    "decision": {"direction": "outbound", "owner": "S-1-5-21-1-2-3-1001"},
    "text": {"display_name": "x", "description": "x", "group": "x"}}


@pytest.mark.parametrize(("role", "name"), [(role, name) for role, names in ROLES.items() for name in names])
def test_conditions_narrow_permissions_open_decisions_do_either_and_texts_nothing(role: str, name: str) -> None:
    one, other = RULE.create("r", NARROW), RULE.create("r", {**NARROW, name: ROLES[role][name]})
    there = (name,) if role in ("permission", "decision") else ()
    back = (name,) if role in ("condition", "decision") else ()
    assert (widened(one, other), widened(other, one)) == (there, back)


def test_every_property_of_a_rule_has_its_role_here() -> None:
    named = {name for names in ROLES.values() for name in names}
    assert set(RULE.properties) == {*named, *NARROW, "enabled", "action"}  # the first cases are of these


LEAST: dict[str, dict[str, tuple[Any, Any]]] = {  # with which value least passes, and with which more ([MS-FASP] 2.2.38, 2.2.42)
    "firewall_profile": {
        "enabled": (True, False), "default_inbound_action": ("block", "allow"), "default_outbound_action": ("block", "allow"),
        "allow_inbound_rules": (False, True), "allow_user_apps": (False, True), "allow_user_ports": (False, True),
        "allow_unicast_response_to_multicast": (False, True),
        "disabled_interface_aliases": ((), ("{11111111-2222-3333-4444-555555555555}",))},
    "firewall_setting": {"enable_stateful_ftp": (False, True), "enable_stateful_pptp": (False, True),
                         "exemptions": ((), ("icmp",))}}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in LEAST.items() for name in names])
def test_a_setting_is_wider_with_what_lets_more_pass(kind: str, name: str) -> None:
    strict, open = (KINDS[kind].create("x", {name: value}) for value in LEAST[kind][name])
    assert (widened(strict, open), widened(open, strict)) == ((name,), ())


@pytest.mark.parametrize(("name", "as_with"), [
    ("enabled", True), ("default_inbound_action", "block"), ("default_outbound_action", "allow"), ("allow_inbound_rules", True),
    ("allow_user_apps", True), ("allow_user_ports", True), ("allow_unicast_response_to_multicast", True)])
def test_what_is_stored_nowhere_is_what_windows_does_then(name: str, as_with: Any) -> None:
    """Set-NetFirewallProfile, and [MS-FASP] note 13."""
    kind, (strict, open) = KINDS["firewall_profile"], LEAST["firewall_profile"][name]
    nothing = kind.create("domain", {})
    assert widened(kind.create("domain", {name: strict}), nothing) == ((name,) if as_with == open else ())
    assert widened(nothing, kind.create("domain", {name: open})) == ((name,) if as_with == strict else ())


@pytest.mark.parametrize(("kind", "name"), [
    ("firewall_profile", "notify_on_listen"), ("firewall_profile", "log_allowed"), ("firewall_profile", "log_blocked"),
    ("firewall_profile", "log_ignored"), ("firewall_setting", "require_full_auth_support")])
def test_what_does_nothing_with_traffic_makes_nothing_wider(kind: str, name: str) -> None:
    one, other = (KINDS[kind].create("x", {name: value}) for value in (True, False))
    assert (widened(one, other), widened(other, one)) == ((), ())
