"""By which properties a rule becomes wider than it was."""

from typing import Any

import pytest
from core import KINDS

from ringfence.plan.wider import widened

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
])
def test_what_makes_a_rule_wider(before: dict[str, Any], after: dict[str, Any], by: tuple[str, ...]) -> None:
    one, other = (RULE.create("r", NARROW | values) for values in (before, after))
    assert widened(one, other) == by


@pytest.mark.parametrize(("before", "after", "by"), [
    (("neighbor_discovery", "dhcp"), ("neighbor_discovery", "dhcp", "icmp"), ("exemptions",)),
    (("dhcp",), (), ()),  # nothing is exempt: with that least passes
    ((), ("dhcp",), ("exemptions",)),
])
def test_what_makes_a_setting_wider(before: Any, after: Any, by: tuple[str, ...]) -> None:
    one, other = (KINDS["firewall_setting"].create("all", {"exemptions": value}) for value in (before, after))
    assert widened(one, other) == by
