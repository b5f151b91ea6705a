"""Templates: values keep their types, mistakes are told, nothing dangerous or endless happens."""

import contextlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chance import PART, WHOLE
from core import cases
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.diagnostics import Problems, Where
from ringfence.documents import yaml
from ringfence.documents.vault import Vault, Vaulted, encrypt
from ringfence.documents.yaml import Map
from ringfence.secret import Secret
from ringfence.templates import budget
from ringfence.templates.budget import RenderError, UndefinedFacts, UndefinedValue
from ringfence.templates.compile import check, template
from ringfence.templates.scope import Scope
from ringfence.templates.values import OMIT

CASES = cases("project_templates")
AT = Where("play.yml", 7)


def scope(variables: Any = None, facts: Any = None, **magic: Any) -> Scope:
    problems = Problems()
    raw = yaml.parse(json.dumps(variables or {}), "vars.yml", problems)
    assert not problems.failed
    return Scope(raw, {"omit": OMIT, **magic}, facts, Vault())


@pytest.mark.parametrize("case", CASES["cases"], ids=lambda case: case["template"])
def test_values(case: dict[str, Any]) -> None:
    here = scope(CASES["variables"])
    if "error" in case:
        with pytest.raises(RenderError) as raised:
            here.render(case["template"], AT)
        assert case["error"] in raised.value.summary
        assert raised.value.where == AT
    else:
        assert json.dumps(here.render(case["template"], AT)) == json.dumps(case["value"])  # tells 1, 1.0 and true apart


def test_a_value_without_templates_is_the_same_object() -> None:
    value = yaml.parse("{a: [1, {b: text}], c: '{ {'}", "f", Problems())
    assert scope().render(value) is value


def test_omit_leaves_out() -> None:
    value = yaml.parse("{a: '{{ omit }}', b: ['{{ x | default(omit) }}', 1], c: 1}", "f", Problems())
    assert scope().render(value) == {"b": [1], "c": 1}
    assert scope().render("{{ omit }}") is OMIT
    with pytest.raises(RenderError, match="omit cannot be part of a text"):
        scope().render("x{{ omit }}")


def test_undefined_variable_tells_the_place_of_the_innermost_text_and_a_near_name() -> None:
    with pytest.raises(UndefinedValue) as raised:
        scope({"jump_hosts": [], "zone": {"hosts": "{{ jump_host }}"}}).render("{{ zone.hosts }}", AT)
    assert (raised.value.where.file, raised.value.summary) == ("vars.yml", 'the variable "jump_host" is not defined')
    assert raised.value.detail == 'did you mean jump_hosts?'


@pytest.mark.parametrize(("variables", "chain"), [
    ({"a": "{{ a }}"}, "a → a"),
    ({"a": "{{ b }}", "b": "x{{ c }}", "c": "{{ a }}"}, "a → b → c → a"),
    ({"a": {"x": "{{ a.y }}", "y": "{{ a.x }}"}}, "a.x → a.y → a.x"),
    ({"a": ["{{ a[0] }}"]}, "a[0] → a[0]"),
])
def test_variables_that_refer_to_themselves(variables: Any, chain: str) -> None:
    with pytest.raises(RenderError, match="refers to itself") as raised:
        scope(variables).render("{{ a.x if a is mapping else a }}")
    assert raised.value.summary.endswith(chain)


def test_a_mapping_may_refer_to_its_own_other_keys() -> None:
    here = scope({"net": {"base": "10.0", "lan": "{{ net.base }}.1.0/24", "bad": "{{ nothing }}"}})
    assert here.render("{{ net.lan }}") == "10.0.1.0/24"
    with pytest.raises(UndefinedValue):
        here.render("{{ net }}")


def test_facts() -> None:
    assert scope(facts={"os": {"build": 20348}}).render("{{ ansible_facts.os.build }}") == 20348
    assert scope(facts={"os": {"build": 20348}}).test("ringfence_facts.os.build >= 17763", AT)
    for wanted in ("{{ ansible_facts.os }}", "{{ ringfence_facts.x | default(1) }}", "{{ ansible_facts is defined }}",
                   "{{ 'a' if ansible_facts else 'b' }}", "{{ lookup('vars', 'ansible_facts').x }}"):
        with pytest.raises(UndefinedFacts):
            scope(facts=None).render(wanted)
    assert scope(facts=None).render("{{ 1 if true else ansible_facts.os }}") == 1
    with pytest.raises(UndefinedValue, match="no key"):
        scope(facts={"os": {}}).render("{{ ansible_facts.os.bild }}")


def test_facts_and_loop_values_are_never_templates() -> None:
    assert scope(facts={"alias": "{{ 1 + 1 }}"}).render("{{ ansible_facts.alias }}") == "{{ 1 + 1 }}"
    assert scope(item="{{ 1 + 1 }}").render("{{ item }}") == "{{ 1 + 1 }}"
    assert scope().render(yaml.Unsafe("{{ 1 + 1 }}")) == "{{ 1 + 1 }}"


def test_child_scopes_see_their_own_variables_everywhere() -> None:
    here = scope({"port": 80, "rule": "r-{{ port }}", "both": ["{{ rule }}", "{{ port }}"]})
    assert here.render("{{ both }}") == ["r-80", 80]
    child = here.child(Map({"port": 443}))
    assert child.render("{{ both }}") == ["r-443", 443]
    assert child.child(Map(), {"port": 25}).render("{{ rule }}") == "r-25"
    assert here.render("{{ rule }}") == "r-80"


def test_conditions() -> None:
    here = scope({"yes": True, "word": "yes", "n": 3})
    assert here.test("yes and n > 2", AT)
    assert not here.test("not yes", AT)
    assert here.test("word | bool", AT)
    assert here.test("{{ yes }}", AT)
    assert here.test("'a' in ['a']", AT)
    for expression in ("word", "n", "nothing", "n ==", "nothing.x > 3"):
        with pytest.raises(RenderError) as raised:
            here.test(expression, AT)
        assert raised.value.where == AT


@pytest.mark.parametrize(("text", "summary", "detail"), [
    ("a\n{% include 'u.j2' %}", "{% include %} in line 2 of the template", "lookup('template', 'u.j2')"),
    ("{% import 'u.j2' as u %}", "{% import %} in line 1", "write a macro"),
    ("{% from 'u.j2' import u %}", "{% from %} in line 1", "write a macro"),
    ("\n\n{% extends 'u.j2' %}\n", "{% extends %} in line 3", "lookup('template', 'u.j2')"),
    ("#jinja2: trim_blocks:False\n{{ a }}", "no header #jinja2:", "Write {%-"),
    ("#jinja2: plain", "no header #jinja2:", "a space")])
def test_what_a_template_does_not_have_is_refused_with_a_way_out(text: str, summary: str, detail: str) -> None:
    problems = Problems()
    check(Map({"k": text}, AT, {"k": AT}), AT, problems)
    found, = problems.all
    assert summary in found.summary
    assert detail in found.detail
    assert found.where == AT
    with pytest.raises(RenderError, match="template"):
        scope({"a": 1}).render(text, AT)


# ---------------------------------------------------------------------------------------------------------- secrets

def secret_scope() -> Scope:
    text = encrypt("hunter2", Secret("pw"), salt=b"0" * 32)
    return Scope(Map({"key": Vaulted(text, AT), "alias": "{{ key }}", "pair": Map({"k": "{{ key }}"})}),
                 {"omit": OMIT}, None, Vault([("default", Secret("pw"))]))


@pytest.mark.parametrize("text", ["{{ key }}", "{{ alias }}", "{{ pair.k }}", "{{ nothing | default(key) }}",
                                  "{{ key if true else 1 }}", "{{ [key] | first }}", "{{ lookup('vars', 'key') }}"])
def test_secrets_pass_whole(text: str) -> None:
    value = secret_scope().render(text)
    assert isinstance(value, Secret)
    assert value.reveal() == "hunter2"


def test_a_secret_of_a_block_scalar_is_one_with_its_line_end() -> None:
    value = secret_scope().render("{{ key }}\n")
    assert isinstance(value, Secret)
    assert value.reveal() == "hunter2\n"


def test_a_vaulted_value_without_its_password_is_told_where_it_is_used() -> None:
    here = Scope(secret_scope().variables, {}, None, Vault([("default", Secret("wrong"))]))
    with pytest.raises(RenderError, match="no vault password fits") as raised:
        here.render("{{ alias | default('x') }}")
    assert raised.value.where == AT


# ----------------------------------------------------------------------------------------------------------- bounds

@contextlib.contextmanager
def within_its_time() -> Iterator[None]:
    """What a host may have rendered takes less than 5 seconds of processor time; a part of that (tests/helpers/chance.py) the
    same part of them."""
    begun = time.process_time()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(budget, "MAX_RENDERING", budget.MAX_RENDERING // (1 if WHOLE else PART))
        yield
    assert time.process_time() - begun < 5 / (1 if WHOLE else PART)


@pytest.mark.chance
@pytest.mark.parametrize("text", [
    "{{ range(10**9) | list }}", "{{ 'a' * 10**10 }}", "{{ [1] * 10**10 }}", "{{ 10**9 * 'a' }}", "{{ 9 ** 99999999 }}",
    "{{ 'a' | center(10**9) }}", "{{ 'a'.ljust(10**9) }}", "{{ 'a'.zfill(10**9) }}", "{{ '%1000000000d' % 1 }}",
    "{{ '%*d' | format(10**9, 1) }}", "{{ '{:1000000000}'.format(1) }}", "{{ '{:{w}}'.format(1, w=10**9) }}",
    "{{ 'a' | indent(10**9) }}", "{{ [1] | to_json(indent=10**9) }}", "{{ [1] | batch(10**9, 'x') | list }}",
    "{{ range(99999) | map('center', 9999) | list }}", "{{ ['a' * 1000000] * 1000 | int | join }}",
    "{{ (['a' * 1000000] * 1000) | join }}", "{{ 'b'.join(['a' * 1000000] * 1000) }}",
    "{{ ('a' * 1000000) | replace('a', 'b' * 1000000) }}", "{{ ('a' * 1000000).replace('a', 'b' * 1000000) }}",
    "{{ ('a' * 1000000) | regex_replace('a', 'b' * 1000000) }}", "{{ range(9999) | product(range(9999)) | list }}",
    "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "{% for a in range(99999) %}{% for b in range(99999) %}xxxxxxxx{% endfor %}{% endfor %}",
    "{% set n = namespace(x='ab') %}{% for i in range(99) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
    "{% set n = namespace(x='ab') %}{% for i in range(99) %}{% set n.x = n.x + n.x %}{% endfor %}",
    "{% set n = namespace(x='ab') %}{% for i in range(99) %}{% set n.x %}{{ n.x }}{{ n.x }}{% endset %}{% endfor %}",
    "{% set n = namespace(x=9) %}{% for i in range(99) %}{% set n.x = n.x * n.x %}{% endfor %}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "{{ " + "(" * 500 + "1" + ")" * 500 + " }}",
    "{{ " + "[" * 5000 + " }}", "{{ 1 " + "+ 1" * 60000 + " }}",
])
def test_templates_that_would_never_end_or_fit(text: str) -> None:
    with within_its_time(), pytest.raises(RenderError):
        scope().render(text)


HOSTILE = cases("hostile_templates")
_DEEP = ("{% set a=['x']*100 %}{% set b=[a]*100 %}{% set c=[b]*100 %}{% set deep=[c]*100 %}"
         "{% set nl %}\n\n{% endset %}{% set tab %}\t{% endset %}")


@pytest.mark.chance
@pytest.mark.parametrize("text", HOSTILE["refused"])
def test_work_is_paid_before_it_is_done(text: str) -> None:
    whole = _DEEP + text.replace("DEEP", "deep").replace("NEWLINE", "nl").replace("TAB", "tab")
    with within_its_time(), pytest.raises(RenderError) as raised:
        scope().render(whole)
    assert "MemoryError" not in raised.value.summary


@pytest.mark.parametrize("case", HOSTILE["values"], ids=lambda case: case["template"])
def test_work_that_grows_with_its_values_only_is_done(case: dict[str, Any]) -> None:
    begun = time.process_time()
    assert json.loads(json.dumps(scope().render(case["template"]))) == case["value"]
    assert time.process_time() - begun < 5


@pytest.mark.parametrize("text", [
    "{{ ''.__class__ }}", "{{ ''['__class__'] }}", "{{ [].append }}", "{{ {}.update }}", "{{ range.__globals__ }}",
    "{{ lookup.__globals__ }}", "{{ ''.join.__self__.__class__ }}", "{{ (1).__class__ }}", "{{ '{0.__class__}'.format(1) }}",
    "{{ namespace.__init__.__globals__ }}", "{{ dict.mro() }}", "{{ {}|attr('__class__') }}", "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}", "{{ [1]|map(attribute='__class__')|first }}", "{{ lookup('pipe', 'id') }}", "{{ range }}",
    "{{ caller.__code__ }}", "{{ self.__init__ }}", "{{ joiner.__init__ }}", "{{ hostvars.__class__ }}",
    "{{ net.places }}", "{{ net.where }}", "{{ net.over }}",
])
def test_nothing_but_values_can_be_reached(text: str) -> None:
    with pytest.raises(RenderError):
        scope({"net": {"a": 1}}).render(text)


def test_keys_come_before_everything_that_a_mapping_is_in_python() -> None:
    here = scope({"net": {"places": 1, "where": 2, "names": 3, "copy": 4}})
    assert here.render("{{ [net.places, net.where, net.names, net.copy] }}") == [1, 2, 3, 4]


# ---------------------------------------------------------------------------------------------------------- lookups

def test_lookups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGFENCE_TEST", "from the environment")
    monkeypatch.delenv("RINGFENCE_NOTHING", raising=False)
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "banner").write_text("  hello\n\n")
    (tmp_path / "secret").write_text(encrypt("hunter2", Secret("pw")))
    here = Scope(Map({"a": "{{ b }}", "b": 5}), {"playbook_dir": str(tmp_path)}, None, Vault([("x", Secret("pw"))]))
    assert here.render("{{ lookup('env', 'RINGFENCE_TEST') }}") == "from the environment"
    assert here.render("{{ lookup('env', 'RINGFENCE_NOTHING') }}") == ""
    assert here.render("{{ lookup('env', 'RINGFENCE_NOTHING', default='d') }}") == "d"
    assert here.render("{{ lookup('ansible.builtin.file', 'banner') }}") == "  hello"
    assert here.render("{{ lookup('file', 'secret') }}").reveal() == "hunter2"
    assert here.render("{{ query('vars', 'a', 'b') }}") == [5, 5]
    assert here.render("{{ vars.a }}") == 5
    with pytest.raises(RenderError, match="there is no file nowhere"):
        here.render("{{ lookup('file', 'nowhere') }}")
    with pytest.raises(UndefinedValue):
        here.render("{{ lookup('env', 'RINGFENCE_NOTHING', default=nothing) }}")
    with pytest.raises(RenderError) as raised:
        here.render("{{ lookup('envi', 'X') }}")
    assert raised.value.detail.startswith('did you mean env?')


def test_a_huge_file_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "big").write_text("x" * 2_000_000)
    with pytest.raises(RenderError, match="more than"):
        scope(playbook_dir=os.fspath(tmp_path)).render("{{ lookup('file', 'big') }}")


def test_templates_are_compiled_once() -> None:
    assert template("{{ compiled | upper }}") is template("{{ compiled | upper }}")
    assert template("plain { text }") is None


_STEPS = ["| unique", "| flatten", "| list", "| sort", "| to_json", "| string", "| join(',')", "| wordwrap(1)",
          "| reverse | list", "| union([1])", "| product([1, 2])", "| regex_findall('(?:.*)*x|.')", "| sum(start=[])",
          "| regex_replace('.', '\\\\0\\\\0')", "| map('string') | list", "| to_yaml", "| indent(99)", "+ [1]", "* 9", "~ 'a'",
          "| batch(2) | list", "| length"]
_BEGINNINGS = ["range(99999) | list", "'ab' * 99999", "[[1, 'x'] * 99] * 999", "[{'k': ['v'] * 99}] * 999"]


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.sampled_from(_BEGINNINGS), st.lists(st.sampled_from(_STEPS), min_size=1, max_size=4))
def test_no_chain_of_filters_takes_longer_than_its_budget(beginning: str, steps: list[str]) -> None:
    expression = beginning
    for step in steps:
        expression = f"({expression}) {step}"
    with within_its_time(), contextlib.suppress(RenderError):
        scope().render("{{ " + expression + " }}")
