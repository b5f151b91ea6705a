"""Words that people bring from other tools: what is told of them, and that nothing else is guessed."""

import re
from typing import Any

import pytest
from core import KINDS, cases, declare, task

from ringfence.types import foreign_words

CASES: list[dict[str, Any]] = cases("foreign_words")


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["say"])[:60])
def test_a_foreign_word_is_told_with_what_it_is_here(case: dict[str, Any]) -> None:
    kind = KINDS[case.get("kind", "firewall_rule")]
    name = {"profiles": "any"} if kind.key == "profiles" else {"name": "x"}
    _, problems = declare(task(kind.name, {**name, **case["say"]}))
    told = [f"{p.summary} {p.detail}" for p in problems if p.severity == "error"]
    assert any(case["says"] in text for text in told), told
    assert not any(guess in text for text in told if case["says"] in text for guess in ("did you mean", case.get("not", "?!")))


def test_the_table_names_what_there_is() -> None:
    """What follows `say` is a property of the kind, or begins with one."""
    for kind, words in foreign_words.PROPERTIES.items():
        table = KINDS[kind]
        for word, advice in words.items():
            assert word not in {p.replace("_", "") for p in table.properties}, f"{kind}.{word} is no foreign word"
            if advice.startswith("say "):
                said = advice.removeprefix("say ").split(":")[0].split(",")[0].split(" ")[0]
                assert said in {*table.properties, "state", table.key} or ", of " in advice or ", in a " in advice, advice


@pytest.mark.parametrize(("key", "says"), [
    ("set_fact", "Use vars"), ("debug", "ringfence plan"), ("win_shell", "runs no commands"),
    ("ansible.windows.win_feature", "a module of Ansible"), ("community.windows.win_firewall_rule", "firewall_rule"),
    ("win_firewall_rule", "firewall_rule"), ("win_unknown", "a module of Ansible"), ("firewal_rule", "")])
def test_modules_of_ansible(key: str, says: str) -> None:
    told = foreign_words.module(key)
    assert says in told
    assert bool(told) == bool(says)


@pytest.mark.parametrize(("key", "says"), [
    ("New-NetFirewallRule", "firewall_rule"), ("Set-NetFirewallProfile", "firewall_profile"), ("netsh", "firewall_rule"),
    ("xFirewall", "firewall_rule"), ("New-NetIPsecPhase1AuthSet", "ipsec_phase1_auth_set"), ("Get-Service", ""),
    ("Open-NetFirewallRule", ""), ("firewall_rules", "")])
def test_cmdlets_and_resources_of_dsc(key: str, says: str) -> None:
    told = foreign_words.kind(key)
    assert told == (f"Its kind here is {says}: `ringfence doc {says}`." if says else "")


@pytest.mark.parametrize("value", [None, True, [None], {"a": None}, ["a", True], {"a": [False]}, [[[[[1]]]]]])
def test_no_word_of_python_is_told(value: Any) -> None:
    """Whatever stands where a text, a number, a word or a list is wanted."""
    for kind in KINDS.values():
        for p in kind.properties.values():
            _, problems = declare(task(kind.name, {kind.key: "x", p.name: value}))
            for told in (f"{d.summary} {d.detail}" for d in problems):
                assert not {"None", "True", "False", "dict", "tuple", "NoneType"} & set(re.findall(r"\w+", told)), told
