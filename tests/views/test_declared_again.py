"""What `render` writes, put into a play, declares the same: whatever values, of every kind."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from chance import by_chance
from core import KINDS, cases, declare, task
from hypothesis import assume, given
from hypothesis import strategies as st
from ipsec_lab import SET, policies
from rule_strategies import rules

from ringfence.model.declaration import Declaration, Present
from ringfence.model.resource import Kind, Property
from ringfence.project.render import RenderedTask
from ringfence.run.prepare import prepare
from ringfence.run.run_options import RunOptions
from ringfence.secret import contains_secret
from ringfence.views.declared_view import DeclaredHost, declared_text

CASES = cases("declared_again")
ODD = ["007", "10", "1e3", "1.5", "yes", "No", "0x10", "0b1", "0o7", "~", "null", "1:30", "1_000", "2026-11-26", ".inf", "=",
       "<<", "{{ x }}", "{% if %}", "{# x #}", "a {{ x", "}}", "!unsafe x", "!x", "# x", "a # b", "a: b", "- a", "[a]", "{a: b}",
       "'", '"', "*a", "&a", "%x", "@x", "`x", "“x”", "é", "\u2028", "\u0085", "😀", "a\nb", "a\n", "\t", "\\", "a, b", "true",
       "any", "none"]
TEXT = st.one_of(st.sampled_from(ODD), st.lists(st.sampled_from([*ODD, " ", "a"]), max_size=4).map("".join), st.text(max_size=12))
SETTINGS = ("firewall_profile", "firewall_setting", "ipsec_dosp_setting")
NAME_OF = {"firewall_profile": ["domain", "public"]}
PLAIN: list[Any] = [True, False, 0, 1, 7, 60, 4096, "any", "not_configured", "none", "allow", "block", "10.0.0.1",
                    "2001:db8::/48"]


def candidates(p: Property) -> list[Any]:
    """Values that a property takes."""
    found: list[Any] = []
    words = [word for part in (p.type.schema, *p.type.schema.get("anyOf", [])) for word in part.get("enum", [])]
    for value in [*PLAIN, *ODD, p.type.sample, p.example, *words, *([one] for one in ODD), ["007", "10"], words[:2]]:
        try:
            p.parse(value)
        except (ValueError, TypeError, AttributeError):
            continue
        found += [value] if value is not None else []
    return found


@st.composite
def of_settings(draw: st.DrawFn, kind: Kind) -> RenderedTask:
    """A task of a kind of which any values go together, mostly."""
    values = {p.name: draw(st.sampled_from(found)) for p in kind.properties.values() if (found := candidates(p)) and (
        p.required or draw(st.booleans()))}
    fixed = kind.storage.fixed_names
    names: dict[str, Any] = {kind.key: NAME_OF.get(kind.name, draw(TEXT))} if len(fixed) != 1 else {}
    return task(kind.name, {**names, **values})


@st.composite
def of_rules(draw: st.DrawFn) -> list[RenderedTask]:
    """Tasks of kinds whose values have to go together, with any texts."""
    def with_texts(kind: str, values: dict[str, Any]) -> RenderedTask:
        more: dict[str, Any] = {n: draw(TEXT) for n in ("display_name", "description", "group") if draw(st.booleans())}
        more |= {"name": draw(TEXT)} if kind in ("firewall_rule", "ipsec_rule") and draw(st.booleans()) else {}
        more |= {"interface_alias": draw(st.lists(TEXT, min_size=1, max_size=3))} if values.get("interface_alias") else {}
        treatment: dict[str, Any] = {"ticket": draw(TEXT)} if draw(st.booleans()) else {}
        treatment |= {"renamed_from": draw(TEXT)} if kind.endswith("rule") and draw(st.booleans()) else {}
        return task(kind, {**values, **more}, treatment=treatment)

    tasks = [with_texts(kind, values) for kind, values in draw(policies())]
    tasks.append(with_texts("firewall_rule", {"protocol": "any", **draw(rules())}))
    return [t for t in tasks if not contains_secret(t.properties)]


def again(declarations: Sequence[Declaration], folder: Path) -> dict[Any, Declaration]:
    """What the text of declarations declares, in a play."""
    text = declared_text([DeclaredHost("one", {d.id: d for d in declarations}, {})], {}, KINDS, full=True)
    (folder / "hosts.yml").write_text("all: {hosts: {one: }}\n", encoding="utf-8")
    play = "- hosts: all\n  tasks:\n" + "".join(f"    {line}\n" for line in text.split("\n"))
    (folder / "site.yml").write_text(play, encoding="utf-8")
    found = prepare(RunOptions(folder, [str(folder / "site.yml")], [str(folder / "hosts.yml")], allow_empty=True))
    (job,) = found.jobs
    return dict(job.declarations or {})


def meaning(declared: Declaration) -> Any:
    if not isinstance(declared, Present):
        return declared.id, type(declared), declared.label.ticket
    resource = declared.resource
    return declared.id, resource, resource.name, dict(declared.values), declared.treatment, declared.label.ticket


def same(tasks: Sequence[RenderedTask], folder: Path) -> None:
    found: list[Declaration] = []
    for one in tasks:  # what is refused says nothing
        declared, problems = declare(one, words=True)
        found += [] if any(d.severity == "error" for d in problems) else declared.values()
    once = list({d.id: d for d in found}.values())
    assume(once)
    assert [meaning(d) for d in again(once, folder).values()] == [meaning(d) for d in once]


@pytest.mark.parametrize("kind", SETTINGS)
def test_settings(kind: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    @by_chance(80)
    @given(one=of_settings(KINDS[kind]))
    def holds(one: RenderedTask) -> None:
        same([one], tmp_path_factory.mktemp("again"))

    holds()


@by_chance(200)
@given(tasks=of_rules())
def test_rules_and_their_sets(tasks: list[RenderedTask], tmp_path_factory: pytest.TempPathFactory) -> None:
    same(tasks, tmp_path_factory.mktemp("again"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["said"]))
def test_texts(case: dict[str, Any], tmp_path: Path) -> None:
    """A task as it is written, and a line of what is rendered of it."""
    one = task(case.get("kind", "firewall_rule"), {"name": "r", "protocol": "tcp", "local_port": 80, **case["said"]})
    declared, problems = declare(one)
    assert not [d for d in problems if d.severity == "error"]
    text = declared_text([DeclaredHost("one", declared, {})], {}, KINDS, full=True)
    assert case["line"] in [line.partition("  #")[0].strip() for line in text.split("\n")], text
    assert [meaning(d) for d in again(list(declared.values()), tmp_path).values()] == [meaning(d) for d in declared.values()]


def test_every_kind_is_looked_at() -> None:
    assert {*SETTINGS, *SET, "firewall_rule", "ipsec_rule", "ipsec_main_mode_rule"} == KINDS.keys()
