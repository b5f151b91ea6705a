"""State, its one difference, and what it will be when declarations are laid over it."""

from typing import Any

import pytest
from chance import by_chance
from core import KINDS, PROFILE, RULE, declared, rule, task
from hypothesis import given
from hypothesis import strategies as st
from rule_strategies import rules

from ringfence.model.declaration import state_after
from ringfence.model.resource import Resource
from ringfence.model.state import GROUP_POLICY, Change, Id, State, TaskLabel, diff, id_of, references_of, with_changes


def state(*resources: Resource) -> State:
    return State((id_of(r), r) for r in resources)


def rid(name: str) -> Id:
    return Id("local", "firewall_rule", name)


ONE, TWO, THREE = rule("one"), rule("two", protocol="tcp", local_port=80), rule("three", action="block")


def test_a_state_is_known_by_its_resources() -> None:
    assert state(ONE, TWO) == state(TWO, rule("one"))
    assert state(ONE) != state(rule("one", enabled=False))
    assert len(state(ONE, TWO)) == 2
    assert state(ONE)[rid("one")] is ONE
    assert state(ONE, PROFILE.create("domain", {})).by_kind("firewall_rule") == {"one": ONE}
    assert State([(id_of(ONE, GROUP_POLICY), ONE)]).by_kind("firewall_rule") == {}


def test_nothing_differs_from_itself() -> None:
    assert diff(state(ONE, TWO), state(TWO, ONE)) == ()
    assert diff(State(), State()) == ()


def test_every_action() -> None:
    changed = rule("two", protocol="tcp", local_port=443)
    found = {c.id.name: c for c in diff(state(ONE, TWO), state(changed, THREE))}
    assert {n: c.action for n, c in found.items()} == {"one": "remove", "two": "update", "three": "create"}
    assert found["two"].properties() == {"local_port": (("80",), ("443",))}
    assert found["one"].properties() == {"display_name": ("one", None)}
    assert found["three"].properties() == {"display_name": (None, "three"), "action": (None, "block")}
    assert found["one"].resource is ONE
    assert found["two"].resource is changed


def test_only_the_ids_that_are_asked_for() -> None:
    assert [c.id.name for c in diff(state(ONE, TWO), state(THREE), [rid("two"), rid("nobody")])] == ["two"]


def test_pieces_nobody_understands_are_a_difference() -> None:
    found = RULE.read_string("one", "v2.31|Action=Allow|Active=TRUE|Dir=In|Future=1|")
    assert Change(rid("one"), found, ONE).properties() == {"unknown_tokens": (("Future=1",), ())}
    assert [c.action for c in diff(state(found), state(ONE))] == ["update"]


def test_ids_say_their_store_where_it_is_not_the_local_one() -> None:
    assert str(rid("r")) == "firewall_rule r"
    assert str(Id(GROUP_POLICY, "firewall_rule", "r")) == "firewall_rule r (group_policy)"


def test_a_declared_rule_is_entirely_as_declared() -> None:
    found = rule("R", protocol="tcp", local_port=80, description="by hand", display_name="N")
    after = state_after(declared(task("firewall_rule", {"name": "r", "display_name": "N", "protocol": "tcp", "local_port": 80})),
                   state(found))
    (change,) = diff(state(found), after)
    assert change.properties() == {"description": ("by hand", None)}


@pytest.mark.parametrize("spelling", ["RDP-in", "rdp-IN", "RDP-IN"])
def test_a_name_in_other_letters_is_the_same_rule(spelling: str) -> None:
    """Windows keeps the spelling under which a rule was made: that is no difference and cannot become one."""
    found = rule("RDP-In", display_name="N")
    assert (
        diff(state(found), state_after(declared(task("firewall_rule", {"name": spelling, "display_name": "N"})), state(found)))
        == ()
    )


def test_absence_removes_only_what_is_there() -> None:
    desired = declared(task("firewall_rule", {"name": "ONE", "state": "absent"}),
                   task("firewall_rule", {"name": "nobody", "state": "absent"}))
    assert [(c.action, c.id.name) for c in diff(state(ONE, TWO), state_after(desired, state(ONE, TWO)), desired)] == [("remove",
                                                                                                                  "one")]


def test_what_is_not_declared_stays() -> None:
    after = state_after(declared(task("firewall_rule", {"name": "two", "state": "absent"})), state(ONE, TWO, THREE))
    assert after == state(ONE, THREE)


def test_group_policy_is_not_touched() -> None:
    gpo = State([(id_of(ONE, GROUP_POLICY), ONE)])
    (change,) = diff(gpo, state_after(declared(task("firewall_rule", {"name": "one", "enabled": False})), gpo))
    assert (change.action, change.id.store) == ("create", "local")


def test_resources_print_themselves_shortly_and_without_defaults() -> None:
    assert repr(ONE) == "<firewall_rule one>"


def test_a_change_is_named_in_the_letters_that_somebody_wrote() -> None:
    web = rule("Web")
    assert str(Change(id_of(web), None, web)) == "firewall_rule Web"


@pytest.mark.parametrize(("as_action", "before", "after", "writes"), [
    (None, ONE, TWO, True), (None, None, ONE, True), (None, ONE, None, True), ("rename", ONE, rule("one"), True),
    ("adopt", ONE, ONE, False), ("release", ONE, rule("one"), False), ("adopt", ONE, rule("one", enabled=False), True)])
def test_whether_a_cmdlet_is_called(as_action: Any, before: Resource | None, after: Resource | None, writes: bool) -> None:
    change = Change(rid("one"), before, after, as_action=as_action)
    assert change.writes == writes
    assert as_action in (None, change.action)


def test_a_rule_that_was_renamed_has_its_new_name_alone() -> None:
    new = rule("New", protocol="tcp")
    renamed = Change(rid("one"), ONE, new, as_action="rename")
    assert with_changes(state(ONE, THREE), [renamed]) == {rid("new"): new, rid("three"): THREE}
    gone = Change(rid("new"), new, None)
    assert with_changes(state(ONE, THREE), [renamed, gone]) == state(THREE)
    assert with_changes(state(ONE), [Change(rid("one"), ONE, None, as_action="rename")]) == {}
    assert with_changes(state(ONE), [Change(rid("one"), ONE, TWO)]) == {rid("one"): TWO}


def test_what_a_rule_names() -> None:
    kind = KINDS["ipsec_rule"]
    secured = kind.create("r", {"phase1_auth_set": "Corp", "phase2_auth_set": "none", "quick_mode_crypto_set": "default"})
    exempt = kind.create("r", {"inbound_security": "none", "outbound_security": "none"})
    assert references_of(GROUP_POLICY, secured) == {
        "phase1_auth_set": Id(GROUP_POLICY, "ipsec_phase1_auth_set", "corp"),
        "quick_mode_crypto_set": Id(GROUP_POLICY, "ipsec_quick_mode_crypto_set", "default")}
    assert references_of("local", exempt) == references_of("local", ONE) == {}


def test_until_when_a_task_holds() -> None:
    moment = "2027-01-01T00:00:00Z"
    assert TaskLabel().expiry == ""
    assert TaskLabel(ticket="T-1").expiry == "T-1"
    assert TaskLabel(expires=moment).expiry == "2027-01-01T00:00Z"
    assert TaskLabel(expires=moment, ticket="T-1").expiry == "2027-01-01T00:00Z, T-1"


STATES = st.lists(st.tuples(st.sampled_from(["a", "b", "C", "d"]), rules()), max_size=4).map(
    lambda pairs: state(*(rule(**{**said, "name": name}) for name, said in pairs)))


@by_chance(60)
@given(STATES, STATES)
def test_making_the_changes_gives_the_target(before: State, after: State) -> None:
    changes = diff(before, after)
    assert before.updated({c.id: c.after for c in changes}) == after
    assert diff(after, after) == ()
    assert {c.id: (c.before, c.after) for c in changes} == {c.id: (c.after, c.before) for c in diff(after, before)}
    for c in changes:
        assert c.action != "update" or c.properties()
