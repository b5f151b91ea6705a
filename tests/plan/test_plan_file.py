"""Plan files: what was reviewed is what is applied."""

import json
from typing import Any

import pytest
from core import RULE, rule
from hypothesis import given, settings
from rule_strategies import rules

from ringfence.diagnostics import InputError
from ringfence.model.plain import plain_data
from ringfence.model.resource import Resource
from ringfence.model.state import Change, id_of
from ringfence.plan.file import OPTIONS, PlanFile, changes_as_data, decode
from ringfence.secret import Secret
from ringfence.types.base import CaseInsensitive


def change(before: Resource | None, after: Resource | None) -> Change:
    return Change(id_of(after or before), before, after)  # type: ignore[arg-type]


def test_a_plan_survives_its_file() -> None:
    changes = changes_as_data([change(None, rule("ä", program="C:\\ü.exe", local_port=[80, 443], protocol="tcp")),
                               change(rule("b"), None)])
    plan = PlanFile(
        {**{name: [] for name in OPTIONS}, "playbooks": ["site.yml"]}, {"srv2": [], "srv1": changes}, "2026-01-02T03:04:05Z"
    )
    text = plan.encode()
    assert decode(text, "plan.json") == plan
    assert decode(text, "plan.json").encode() == text
    assert list(json.loads(text)["hosts"]) == ["srv1", "srv2"]
    assert text.isascii()


def test_it_says_what_is_not_the_default() -> None:
    (data,) = changes_as_data([change(rule("r", enabled=False), rule("r", remote_address=["10.0.0.0/8", "DNS"]))])
    assert data == {"action": "update", "store": "local", "kind": "firewall_rule", "name": "r",
                    "before": {"display_name": "r", "enabled": False},
                    "after": {"display_name": "r", "remote_address": ["DNS", "10.0.0.0/8"]}}


def test_what_nobody_understood_is_part_of_it() -> None:
    found = RULE.read_string("r", "v2.31|Action=Allow|Active=TRUE|Dir=In|Future=1|")
    assert changes_as_data([change(found, None)])[0]["before"]["unknown_tokens"] == ["Future=1"]


def test_a_secret_never_reaches_it() -> None:
    said = json.dumps(plain_data({"key": Secret("sesame"), "in": (Secret("sesame"), CaseInsensitive("C:\\A"))}))
    assert "sesame" not in said
    assert said.count("********") == 2


@settings(deadline=None, max_examples=60)
@given(rules(), rules())
def test_equal_changes_are_equal_data(first: dict[str, Any], second: dict[str, Any]) -> None:
    one, two = (json.loads(json.dumps(changes_as_data([change(None, rule(**said))]))) for said in (first, second))
    assert (one == two) == (rule(**first) == rule(**second))


@pytest.mark.parametrize(("text", "reason"), [
    ("", "Expecting value"), ("{", "Expecting property name"), ("[]", "not a plan file"), ("null", "not a plan file"),
    ("{}", "no 'format' in it"),
    ('{"format": 2, "hosts": {}, "options": {}}', "its format is 2, this version of ringfence reads 1"),
    ('{"format": 1, "hosts": [], "options": {}}', "not a plan file"),
    ('{"format": 1, "hosts": {"a": 1}, "options": {}}', "not a plan file"),
    ('{"format": 1, "hosts": {"a": ["x"]}, "options": {}}', "not a plan file"),
    ('{"format": 1, "hosts": {}}', "no 'options' in it"),
    ('{"format": 1, "hosts": {}, "options": 3}', "not a plan file"), ("[" * 100_000, "not a plan file"),
])
def test_what_is_no_plan_is_an_input_error(text: str, reason: str) -> None:
    with pytest.raises(InputError) as caught:
        decode(text, "plan.json")
    assert reason in str(caught.value)
    assert str(caught.value).startswith("plan.json: ")
    assert "ringfence plan -o FILE" in str(caught.value)


PLAN = ('{"format": 1, "options": {"playbooks": %s, "inventory": [], "limit": [], "tags": [], "skip_tags": []},'
        ' "hosts": {"web": [%s]}}')


@pytest.mark.parametrize(("playbooks", "change", "reason"), [
    ('"site.yml"', "", "playbooks is a list of texts"),
    ("[5]", "", "playbooks is a list of texts"),
    ('["a\\u0000b"]', "", "playbooks is a list of texts"),
    ("[]", "{}", "no 'action' in it"),
    ("[]", '{"action": "create", "kind": ["a"], "name": "b"}', "the kind of a change is a text"),
    ("[]", '{"action": "create", "kind": "a", "name": ' + "9" * 5000 + "}", "Exceeds the limit"),
    ("[]", "[" * 100_000, "not a plan file"),
])
def test_a_plan_of_the_wrong_shape_is_an_input_error(playbooks: str, change: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        decode(PLAN % (playbooks, change), "plan.json")
