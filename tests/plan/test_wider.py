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
