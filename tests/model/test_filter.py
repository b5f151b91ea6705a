"""What an object does with traffic, where nobody understands all of it."""

import pytest
from core import KINDS, RULE

from ringfence.model.once import filter_of
from ringfence.model.state import Change, id_of
from ringfence.plan.guard import may_close
from ringfence.plan.wider import opens

ODD = {"firewall_rule": "v2.31|Action=Odd|Active=TRUE|Dir=In|Protocol=6|LPort=80|",
       "ipsec_rule": "v2.31|Action=Odd|Active=TRUE|Protocol=6|EP1Port=80|"}


@pytest.mark.parametrize("kind", sorted(ODD))
def test_an_action_that_nobody_understands_may_be_any(kind: str) -> None:
    """It may let in and may stop: whether it comes or goes, traffic may pass that did not, and may stop that did."""
    found = KINDS[kind].read_string("r", ODD[kind])
    assert opens(found)
    assert may_close(Change(id_of(found), found, None))
    assert may_close(Change(id_of(found), None, found))


@pytest.mark.parametrize(("name", "unknown"), [("protocol", True), ("direction", True), ("remote_user", False)])
def test_a_value_that_nobody_understands_is_a_condition_though_its_pieces_are_missing(name: str, unknown: bool) -> None:
    """As a plan file of somebody else may have it: a rule is never taken for one that matches everything for certain."""
    filter = filter_of(RULE.create("r", {name: None, "remote_address": ("10.0.0.1",)}))
    assert filter is not None
    assert bool(filter.unknown_tokens) == unknown
