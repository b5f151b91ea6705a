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
])
def test_what_makes_a_rule_wider(before: dict[str, Any], after: dict[str, Any], by: tuple[str, ...]) -> None:
    one, other = (RULE.create("r", NARROW | values) for values in (before, after))
    assert widened(one, other) == by
