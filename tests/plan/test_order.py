"""The order of changes: open before closing, the same whatever order they come in."""

from collections.abc import Iterable
from typing import Any

from core import PROFILE, rule
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.model.facts import Facts
from ringfence.model.resource import Resource
from ringfence.model.state import Change, State, id_of
from ringfence.plan import order as step
from ringfence.plan.plan import HostSnapshot, Plan


def order(changes: Iterable[Change]) -> tuple[Change, ...]:
    return step.order(Plan("srv1", {}, HostSnapshot(Facts(), State()), changes=tuple(changes))).changes


def change(before: Resource | None, after: Resource | None) -> Change:
    return Change(id_of(after or before), before, after)  # type: ignore[arg-type]


ALLOW, BLOCK, OFF = rule("allow"), rule("block", action="block"), rule("off", enabled=False)
CLOSED = PROFILE.create("domain", {"default_inbound_action": "block"})
EVERY = [
    change(None, ALLOW),
    change(rule("narrower"), rule("narrower", protocol="tcp")),
    change(None, BLOCK),
    change(rule("off"), OFF),
    change(PROFILE.create("domain", {}), CLOSED),
    change(rule("gone"), None),
    change(rule("gone-block", action="block"), None),
]


def test_open_before_closing() -> None:
    """Allowing first, new before changed; then what blocks; then defaults; and last what is no longer wanted."""
    assert [c.id.name for c in order(reversed(EVERY))] == ["allow", "narrower", "block", "off", "domain", "gone", "gone-block"]


def test_a_rule_that_takes_over_a_part_of_another_is_there_before_that_one_shrinks() -> None:
    shrinks = change(rule("a", protocol="tcp", local_port="1-100"), rule("a", protocol="tcp", local_port="1-50"))
    takes_over = change(None, rule("b", protocol="tcp", local_port="51-100"))
    assert [c.id.name for c in order([shrinks, takes_over])] == ["b", "a"]


@settings(deadline=None, max_examples=50)
@given(st.permutations(EVERY))
def test_the_order_does_not_depend_on_the_input(shuffled: list[Any]) -> None:
    assert order(shuffled) == order(EVERY)
    assert order(order(shuffled)) == order(EVERY)
    assert sorted(map(id, order(shuffled))) == sorted(map(id, shuffled))
