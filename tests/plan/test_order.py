"""The order of changes: open before closing, the same whatever order they come in."""

from collections.abc import Iterable
from typing import Any

import pytest
from chance import by_chance
from core import KINDS, PROFILE, declared, resources, rule, task
from hypothesis import given
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


@by_chance(50)
@given(st.permutations(EVERY))
def test_the_order_does_not_depend_on_the_input(shuffled: list[Any]) -> None:
    assert order(shuffled) == order(EVERY)
    assert order(order(shuffled)) == order(EVERY)
    assert sorted(map(id, order(shuffled))) == sorted(map(id, shuffled))


# what opens stands before what closes, whatever the names are: those here are in the other order
EXEMPT = {"inbound_security": "none", "outbound_security": "none"}
REQUIRE = {"inbound_security": "require", "outbound_security": "request"}
REQUEST = {"inbound_security": "request", "outbound_security": "request"}
SET, MAIN_MODE = KINDS["ipsec_phase1_auth_set"], KINDS["ipsec_main_mode_rule"]


def secured(name: str, properties: dict[str, Any]) -> Resource:
    (found,) = resources(declared(task("ipsec_rule", {"name": name, **properties})))
    return found


@pytest.mark.parametrize(("first", "second"), [
    (change(None, secured("z-exempt", EXEMPT)), change(None, secured("a-isolation", REQUIRE))),
    (change(None, secured("z-exempt", EXEMPT)), change(secured("a-isolation", REQUEST), secured("a-isolation", REQUIRE))),
    (change(None, secured("z-request", REQUEST)), change(None, secured("a-isolation", REQUIRE))),
    (change(secured("z-isolation", REQUIRE), secured("z-isolation", REQUEST)), change(None, secured("a-other", REQUIRE))),
    (change(secured("z-isolation", REQUIRE), secured("z-isolation", REQUEST)), change(secured("a-exempt", EXEMPT), None)),
    (change(secured("z-isolation", REQUIRE), None), change(secured("a-exempt", EXEMPT), None)),
    (change(None, secured("z-exempt", EXEMPT)), change(secured("a-exempt", EXEMPT), None)),
    (change(rule("z-gone"), None), change(rule("a-gone-block", action="block"), None)),
    (change(None, rule("z-allow")), change(None, rule("a-block", action="block"))),
    (change(rule("z-on", enabled=False), rule("z-on")), change(rule("a-off"), rule("a-off", enabled=False))),
    (change(None, rule("z-allow")), change(rule("a-allow"), rule("a-allow", action="block"))),
    # what follows a rename finds it by its new name
    (Change(id_of(rule("z-old")), rule("z-old"), rule("z-new"), as_action="rename"), change(None, rule("a-allow"))),
    # sets are there before what names them and go after it; the default one only falls back to that of Windows
    (change(None, SET.create("z-set", {})), change(None, secured("a-exempt", EXEMPT))),
    (change(secured("z-isolation", REQUIRE), None), change(SET.create("a-set", {}), None)),
    (change(SET.create("default", {"display_name": "x"}), None), change(None, rule("a-allow"))),
    (change(None, rule("z-allow")), change(MAIN_MODE.create("a-off", {}), MAIN_MODE.create("a-off", {"enabled": False}))),
], ids=lambda c: f"{c.action}-{c.resource.name}")
def test_what_opens_is_made_before_what_closes(first: Change, second: Change) -> None:
    assert order([second, first]) == order([first, second]) == (first, second)
