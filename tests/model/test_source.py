"""A resource keeps the string that it was read from: what does not change is written as it stood, to the letter."""

import pickle
from typing import Any

import pytest
from chance import by_chance
from core import KINDS, RULE, cases, rule
from hypothesis import given
from hypothesis import strategies as st
from rule_strategies import PIECE, STRING, rules

from ringfence.model.resource import Resource
from ringfence.windows.read import read

CASES: list[dict[str, Any]] = cases("rewritten")


@pytest.mark.parametrize("case", CASES, ids=[f"{c['change']}-{c['string'][:40]}" for c in CASES])
def test_only_what_changed_is_said_anew(case: dict[str, Any]) -> None:
    kind = KINDS[case.get("kind", "firewall_rule")]
    values = {p: kind.properties[p].type.parse(v) for p, v in case["change"].items()}
    changed = kind.read_string("r", case["string"]).replace(**values)
    assert kind.write_string(changed) == case["written"]
    assert kind.read_string("r", case["written"]) == changed


def test_a_copy_of_what_was_read_holds_its_values_once() -> None:
    """Of what was changed since it holds them as they were read, too."""
    found = RULE.read_string("r", "v2.31|Action=Allow|Dir=In|Protocol=6|LPort=443|")
    copy, changed = (pickle.loads(pickle.dumps(one)) for one in (found, found.replace(local_port=("444",))))
    assert copy._read_as is copy.__dict__
    assert (changed.local_port, changed._read_as["local_port"]) == (("444",), ("443",))


@by_chance(200)
@given(STRING)
def test_an_unchanged_rule_is_the_string_it_was(string: str) -> None:
    found = RULE.read_string("r", string)
    assert RULE.write_string(found) == string
    assert RULE.write_string(found.replace()) == string
    assert RULE.write_string(RULE.create("r", found.values(), found.unknown_tokens), source=found.source) == string


@by_chance(200)
@given(rules(), st.lists(PIECE, max_size=6), st.booleans())
def test_a_changed_rule_keeps_every_other_piece_as_it_stood(said: dict[str, Any], more: list[str], enabled: bool) -> None:
    string = "|".join([RULE.write_string(rule(**said)).rstrip("|"), *(p for p in more if not p.lower().startswith("active")), ""])
    found = RULE.read_string("r", string)
    changed = found.replace(enabled=enabled)
    written = RULE.write_string(changed)
    assert RULE.read_string("r", written) == changed
    assert _without_active(written) == _without_active(string)


def _without_active(string: str) -> list[str]:
    return [p for p in string.split("|") if not p.lower().startswith("active=")]


@by_chance(200)
@given(rules(), rules())
def test_any_change_can_be_written_into_the_string_of_a_rule(first: dict[str, Any], second: dict[str, Any]) -> None:
    found, wanted = RULE.read_string("r", RULE.write_string(rule(**first))), rule(**second)
    assert RULE.read_string("r", RULE.write_string(wanted, source=found.source)) == wanted


def test_the_source_is_no_value() -> None:
    one, other = (RULE.read_string("r", f"v2.{n}|Action=Allow|Dir=In|Active=TRUE|Name=N|") for n in (10, 33))
    assert one == other == rule(display_name="N")
    assert hash(one) == hash(other)
    assert "source" not in one.values()
    assert "source" not in repr(one) + str(one)
    for copy in (pickle.loads(pickle.dumps(one)), pickle.loads(pickle.dumps(one.replace(enabled=True)))):
        assert copy == one
        assert RULE.write_string(copy) == RULE.write_string(one)
    assert rule().source is None


def test_a_default_set_of_group_policy_stays_under_its_own_id() -> None:
    default = "{E5A5D32A-4BCE-4e4d-B07F-4AB1BA7E5FE3}"
    string = "v2.30|Action=Secure|Name=N|Active=TRUE|Auth1Set={AAAAAAAA-2222-3333-4444-555555555555}|"
    rows = [["Phase1AuthenticationSets", [[default, "String", "{AAAAAAAA-2222-3333-4444-555555555555}"]]],
            ["ConSecRules", [["r", "String", string]]]]
    (found,) = read({"group_policy": rows}, KINDS).by_kind("ipsec_rule", "group_policy").values()
    assert isinstance(found, Resource)
    assert found.values()["phase1_auth_set"] == "default"
    assert found.kind.write_string(found) == string
    assert found.kind.write_string(found.replace(enabled=False)) == string.replace("TRUE", "FALSE")
