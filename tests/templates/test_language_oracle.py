"""Templates and plays mean what ansible-core 2.19 says of them (tests/cases/ansible/2.19); what differs has a row with why."""

import functools
import json
from pathlib import Path
from typing import Any

import pytest
from core import cases
from language_cases import ANSWERS, KINDS, LanguagePlay, plays, templates

from ringfence.diagnostics import InputError, Problems
from ringfence.documents import yaml
from ringfence.documents.vault import Vault
from ringfence.project.project import load
from ringfence.project.render import Tags
from ringfence.templates import address_filters, address_tests, json_queries, list_filters
from ringfence.templates.ansible_collections import COLLECTIONS
from ringfence.templates.budget import RenderError
from ringfence.templates.environment import environment
from ringfence.templates.lookups import LOOKUPS
from ringfence.templates.scope import Scope
from ringfence.templates.template_reasons import ABSENT, ABSENT_LOOKUPS
from ringfence.templates.values import OMIT

DIFFERENCES = cases("ansible/language_differences")
ASKED = templates()


@functools.cache
def answers(name: str) -> dict[str, Any]:
    """What Ansible said."""
    found: dict[str, Any] = json.loads((ANSWERS / name).read_text(encoding="ascii"))
    return found


def kept(answer: dict[str, Any]) -> str:
    """An answer as text: true is not 1, and 1 is not 1.0."""
    return json.dumps(answer, sort_keys=True)


@functools.cache
def _variables() -> Any:
    return yaml.parse(json.dumps(ASKED["variables"]), "variables", Problems())


def of_template(text: str, folder: Path) -> str:
    """What ringfence says."""
    here = Scope(_variables(), {"omit": OMIT, "playbook_dir": str(folder)}, None, Vault())
    try:
        value = here.render(text)
        return kept({"value": json.loads(json.dumps(value))})
    except RenderError:
        return kept({"error": True})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("language")
    LanguagePlay("", ASKED["files"]).write(found)
    return found


def differs(text: str) -> bool:
    """Whether it is known to."""
    return text in {one for row in DIFFERENCES for one in row["of"]}


def test_templates(folder: Path) -> None:
    known = {**answers("templates.json"), **answers("collections.json")}
    assert set(known) == set(ASKED["templates"]), "ask again: make oracle"
    found = {text: of_template(text, folder) for text in ASKED["templates"]}
    wrong = {text: (said, kept(known[text])) for text, said in found.items() if said != kept(known[text]) and not differs(text)}
    assert wrong == {}


@pytest.mark.parametrize(("kind", "ours", "absent"), [
    ("filters", environment().filters, ABSENT), ("tests", environment().tests, ABSENT), ("lookups", LOOKUPS, ABSENT_LOOKUPS)])
def test_every_name_of_ansible_is_taken_or_refused_with_a_reason(kind: str, ours: Any, absent: Any) -> None:
    names = {name for name in answers("names.json")[kind] if name.isidentifier()}
    assert len(names) > 20
    assert names - set(ours) - set(absent) == set()
    assert set(absent).isdisjoint(ours)


def test_names_of_collections_are_those_of_their_tables() -> None:
    filters, tests = COLLECTIONS["ansible.utils"]
    assert set(filters) == {*address_filters.ADDRESS_FILTERS, *list_filters.LIST_UTILS}
    assert set(tests) == set(address_tests.ADDRESS_TESTS)
    assert set(COLLECTIONS["community.general"][0]) == set(json_queries.QUERY_FILTERS)


def of_play(play: LanguagePlay) -> str:
    """What ringfence says of it, in the current folder."""
    play.write(Path())
    try:
        loaded = load(["site.yml"], kinds=KINDS, inventory=["hosts.yml"], extra=play.extra)
    except InputError:
        return kept({"error": True})
    tags = Tags.of(play.only, play.skip)
    rendered = {host: loaded.render(host, None, tags) for host in loaded.hosts}
    if any(d.severity == "error" for found in rendered.values() for d in found.diagnostics):
        return kept({"error": True})
    return kept({"tasks": [dict(task.properties) for task in rendered["one"].tasks] if "one" in rendered else []})


@pytest.mark.parametrize("play", [p for p in plays() if not differs(p.name)], ids=lambda play: play.name)
def test_plays(play: LanguagePlay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert of_play(play) == kept(answers("plays.json")[play.name])


@pytest.mark.parametrize(("text", "reason"), [(one, row["reason"]) for row in DIFFERENCES for one in row["of"]])
def test_what_is_known_to_differ_does(text: str, reason: str, folder: Path, tmp_path: Path,
                                      monkeypatch: pytest.MonkeyPatch) -> None:
    assert reason
    known = {**answers("templates.json"), **answers("collections.json"), **answers("plays.json")}
    monkeypatch.chdir(tmp_path)
    play = next((play for play in plays() if play.name == text), None)
    assert (of_play(play) if play else of_template(text, folder)) != kept(known[text])
