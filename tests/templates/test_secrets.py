"""What a template makes of secrets is a secret: whatever it does with them, nothing of them is shown."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.diagnostics import Problems, Where
from ringfence.documents import yaml
from ringfence.documents.trust import Trust
from ringfence.documents.variable_files import secret_variables
from ringfence.documents.vault import Vault, Vaulted, encrypt
from ringfence.documents.yaml import Map
from ringfence.secret import Secret, contains_secret, revealed_all
from ringfence.templates.budget import RenderError, UndefinedValue
from ringfence.templates.environment import environment
from ringfence.templates.scope import Scope
from ringfence.templates.values import OMIT

CANARY = "kNr7hunter2"
AT = Where("site.yml", 3)
FILE = f"""
port: 5986
hosts: [10.0.0.1, 10.0.0.2]
site: berlin
flag: true
template: "{{{{ word }}}}-{CANARY}"
db: {{password: {CANARY}, {CANARY}key: 1, list: [{CANARY}]}}
"""


KEY = Vaulted(encrypt(CANARY, Secret("pw"), salt=b"0" * 32), Where("all.yml", 1))
VAULT = Vault([("default", Secret("pw"))])


def scope(**magic: Any) -> Scope:
    """`key` is vaulted in its place; the rest of the secrets stands in a vaulted file."""
    of_file = secret_variables(yaml.parse(FILE, "vault.yml", Problems()), "digest")
    plain = Map({"key": KEY, "alias": "{{ key }}", "pair": Map({"k": "{{ key }}", "n": 1}), "word": "w", "number": 1,
                 "words": ["a", "b"], "user": "CORP\\{{ key }}", "made": "{{ [{'name': 'x', 'password': key}] }}",
                 "held": "{{ users }}", "users": yaml.parse("[{name: x, password: '{{ key }}'}]", "u.yml", Problems())})
    return Scope(of_file.merged_over(plain), {"omit": OMIT, **magic}, None, VAULT, trust=Trust())


@pytest.mark.parametrize(("text", "value"), [
    ("{{ key }}", CANARY), ("{{ alias }}", CANARY), ("{{ pair.k }}", CANARY), ("{{ key if true else 1 }}", CANARY),
    ("{{ port }}", 5986), ("{{ port + 1 }}", 5987), ("{{ -port }}", -5986), ("{{ hosts }}", ["10.0.0.1", "10.0.0.2"]),
    ("{{ hosts + ['10.0.0.3'] }}", ["10.0.0.1", "10.0.0.2", "10.0.0.3"]), ("{{ hosts | first }}", "10.0.0.1"),
    ("{{ user }}", f"CORP\\{CANARY}"), ("x{{ key }}", f"x{CANARY}"), ("{{ key ~ 'x' }}", f"{CANARY}x"), ("{{ flag }}", True),
    ("{{ template }}", f"w-{CANARY}"), ("{{ db.password }}", CANARY), ("{{ db['list'][0] }}", CANARY), ("{{ key | length }}", 11),
    ("{{ users | map(attribute='password') | list }}", [CANARY]), ("{{ lookup('vars', 'key') }}", CANARY),
    ("{% if key == 'x' %}a{% else %}b{% endif %}", "b"), ("{{ {key: 1} }}", {CANARY: 1}), ("{{ db | length }}", 3),
    ("{% for c in key %}{{ c }}{% endfor %}", CANARY), ("{{ made.0.name }}", "x"), ("{{ key is match('k') }}", True),
    ("{{ db.keys() | list | last }}", "list"),
    ("{{ 'a' if site == 'berlin' else 'b' }}", "a"), ("{{ hosts | length > 1 }}", True),
])
def test_what_is_computed_of_a_secret_is_one_of_the_same_type(text: str, value: Any) -> None:
    found = scope().render(text)
    assert isinstance(found, Secret)
    assert (type(found.reveal()), revealed_all(found)) == (type(value), value)
    assert found.sources


@pytest.mark.parametrize(("text", "value"), [
    ("{{ number + 1 }}", 2), ("{{ users | map(attribute='name') | list | public }}", ["x"]), ("{{ port | public }}", 5986),
    ("{{ hosts | public }}", ["10.0.0.1", "10.0.0.2"]), ("x{{ site | public }}", "xberlin"), ("{{ pair.n }}", 1),
    ("{{ (hosts | public) + [db.password | public] }}", ["10.0.0.1", "10.0.0.2", CANARY]), ("{{ users[0].name }}", "x"),
    ("{{ held[0]['name'] }}", "x"), ("{{ 1 if 2 | public else key }}", 1), ("{{ db | public | length }}", 3),
    ("{% for u in users %}{{ u.name }}{% endfor %}", "x")])
def test_what_is_no_secret_stays_none(text: str, value: Any) -> None:
    assert scope().render(text) == value


@pytest.mark.parametrize("text", ["{{ (port | public) + port }}", "{{ [port | public, key] }}", "{{ port + (port | public) }}"])
def test_public_counts_for_its_value_alone(text: str) -> None:
    assert isinstance(scope().render(text), Secret)


@pytest.mark.parametrize("text", ["{{ [key] | map('public') | list }}", "{{ [1] | map('public', key) | list }}",
                                  "{% filter public %}{{ key }}{% endfilter %}", "{{ key | public(1) }}"])
def test_public_stands_behind_a_value_or_nowhere(text: str) -> None:
    with pytest.raises(RenderError) as raised:
        scope().render(text)
    assert CANARY not in told(raised.value)


def test_a_list_that_holds_a_secret_holds_it_alone() -> None:
    found = scope().render("{{ users }}")
    assert found == [{"name": "x", "password": Secret(CANARY)}]
    assert scope(item=found[0]).render(["{{ item.name }}", "{{ item.password }}"]) == ["{{ item.name }}", "{{ item.password }}"]
    assert scope(item=found[0]).render("{{ item.name }}") == "x"
    assert scope(item=found[0]).render("{{ item.password }}") == Secret(CANARY)
    assert isinstance(scope(item=found[0]).render("{{ item | to_json }}"), Secret)


def test_the_digest_of_the_ciphertext_stays_with_what_is_passed_on() -> None:
    here = scope()
    assert all(here.render(text).sealed for text in ("{{ key }}", "{{ alias }}", "{{ db.password }}", "{{ pair.k }}"))
    assert scope(item=here.render("{{ db }}")).render("{{ item.password }}").sealed == here.render("{{ db.password }}").sealed
    assert not here.render("{{ key ~ '' }}").sealed


def test_conditions_ask_secrets() -> None:
    here = scope()
    assert here.test("site == 'berlin'", AT)
    assert here.test("flag", AT)
    assert not here.test("port > 6000 or 'x' in hosts", AT)
    with pytest.raises(RenderError, match="has to be true or false"):
        here.test("key", AT)


@pytest.mark.parametrize("text", [
    "{{ words[key] }}", "{{ {}[key] }}", "{{ key | int + 'x' }}", "{{ key | regex_search('(' ~ key) }}",
    "{{ lookup('file', key) }}", "{{ lookup(key) }}", "{{ key | from_json }}", "{{ number[key] }}",
    "{{ gone | mandatory(msg=key) }}", "{{ [1] | combine(key) }}", "{{ key.reveal() }}", "{{ db.nothing }}", "{{ db[key] }}",
    "{{ hosts[9] }}", "{{ key | attr(key) }}", "{{ lookup('vars', key) }}", "{{ dict()[key].x }}", "{{ '%d' % key }}",
    "{{ [1] | map(key) | list }}", "{{ key | version(key, key) }}", "{{ [1] | map(attribute=key) | list }}",
    "{{ key | b64decode }}", "{{ key | hash(key) }}", "{{ q('file', key) }}", "{{ number | ternary(undefined_name, 1) ~ key }}",
    "{{ key ~ nothing[key] }}", "{{ hostvars[key] }}", "{{ key() }}"])
def test_what_went_wrong_over_a_secret_says_nothing_of_it(text: str) -> None:
    here = scope()
    with pytest.raises(RenderError) as raised:
        here.render(text, AT)
    assert CANARY not in told(raised.value)
    assert CANARY not in repr(here.warnings)
    assert "kNr7" not in told(raised.value)


def test_a_name_that_is_written_is_told_beside_a_secret() -> None:
    with pytest.raises(UndefinedValue, match='the variable "typo" is not defined'):
        scope().render("{{ key }}{{ typo }}", AT)


def told(error: RenderError) -> str:
    return f"{error.summary}{error.detail}{error.where}{error}"


# ------------------------------------------------------------------------------------------ whatever a template may say

_SECRETS = ["key", "alias", "user", "db", "db.password", "hosts", "port", "template", "users", "pair", "made[0]", "held"]
_PLAIN = ["word", "number", "words", "'x'", "[1, 'b']", "{'a': 1}", "none", "true", "nothing", "omit"]
_ENV = environment()
_OPERATORS = ["+", "~", "*", "-", "/", "%", "//", "==", "!=", "<", "in", "not in", "and", "or"]
_SHAPES = ["[{}]", "{{'k': {}}}", "{{{}: 1}}", "({}, 1)", "{}[0]", "{}['k']", "{}.k", "{} | default('d')", "not {}", "dict(a={})",
           "words[{}]", "'%s' % [{}]", "'{{}}'.format({})", "{} if {} else 1", "lookup('vars', {})", "lookup('file', {})",
           "lookup('env', {})", "query('dict', {})", "lookup('first_found', {}, errors='warn')", "words | map({}) | list",
           "{}.upper()", "[1] | selectattr({}) | list", "words | join({})", "hostvars[{}]", "vars[{}]", "range({})",
           "namespace(a={}).a", "{} is defined"]


def _applied(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    filters = st.sampled_from(sorted(n for n in _ENV.filters if n[:1] != "_" and n != "public"))
    tests = st.sampled_from(sorted(n for n in _ENV.tests if n.isidentifier()))
    return st.one_of(
        st.tuples(inner, filters).map(lambda p: f"({p[0]}) | {p[1]}"),
        st.tuples(inner, filters, inner).map(lambda p: f"({p[0]}) | {p[1]}({p[2]})"),
        st.tuples(inner, tests, inner).map(lambda p: f"({p[0]}) is {p[1]}({p[2]})"),
        st.tuples(inner, st.sampled_from(_OPERATORS), inner).map(lambda p: f"({p[0]}) {p[1]} ({p[2]})"),
        st.tuples(inner, st.sampled_from(_SHAPES)).map(lambda p: p[1].format(*[f"({p[0]})"] * p[1].count("{}"))))


EXPRESSIONS = st.recursive(st.sampled_from(_SECRETS + _PLAIN), _applied, max_leaves=5)
TEMPLATES = st.one_of(
    EXPRESSIONS.map(lambda e: f"{{{{ {e} }}}}"), EXPRESSIONS.map(lambda e: f"a{{{{ {e} }}}}"),
    EXPRESSIONS.map(lambda e: f"{{% for x in {e} %}}{{{{ x }}}}{{% endfor %}}"),
    EXPRESSIONS.map(lambda e: f"{{% set x = {e} %}}{{% if x %}}{{{{ x }}}}{{% else %}}b{{% endif %}}"),
    EXPRESSIONS.map(lambda e: f"{{% macro m(a) %}}<{{{{ a }}}}>{{% endmacro %}}{{{{ m({e}) }}}}"))
SPELLINGS = [CANARY, CANARY.upper(), CANARY.lower(), CANARY[::-1], "a05yN2h1bnRlcjI", "5986", "kNr7", "10.0.0.1"]


@settings(max_examples=700, deadline=None, derandomize=True)
@given(TEMPLATES)
def test_no_template_shows_a_secret(text: str) -> None:
    here = scope(hostvars={"h": {"a": 1}})
    try:
        value = here.render(text, AT)
    except RenderError as error:
        shown = f"{told(error)} {error.__cause__!r}"
    else:
        shown = repr(value) if value is OMIT or contains_secret(value) else json.dumps(value, default=repr)
    shown += repr(here.warnings)
    assert not [s for s in SPELLINGS if s in shown]


@pytest.mark.parametrize(("one", "other", "same"), [
    (1, 1, True), (1, True, False), (1, 1.0, False), ("1", 1, False), ("a", "a", True), ([1], [1], True), (None, False, False)])
def test_secrets_are_equal_where_they_are_the_same_value(one: Any, other: Any, same: bool) -> None:
    assert (Secret(one) == Secret(other)) is same
