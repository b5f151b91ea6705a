"""Templates and plays mean what ansible-core says of them (tests/cases/ansible/VERSION); what differs has a row with why."""

import functools
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_answers import VERSIONS, answers, asked, digest
from core import cases
from language_cases import KINDS, LanguagePlay, plays, templates

from ringfence.diagnostics import InputError, Problems
from ringfence.documents import yaml
from ringfence.documents.vault import Vault
from ringfence.inventory.listing import MADE_BY_ANSIBLE
from ringfence.project.project import load
from ringfence.project.tags import Tags
from ringfence.templates import address_filters, address_tests, json_queries, list_filters
from ringfence.templates.ansible_collections import COLLECTIONS
from ringfence.templates.budget import RenderError
from ringfence.templates.environment import environment
from ringfence.templates.lookups import LOOKUPS
from ringfence.templates.scope import Scope
from ringfence.templates.template_reasons import ABSENT, ABSENT_LOOKUPS, ABSENT_VARIABLES
from ringfence.templates.values import OMIT

DIFFERENCES = cases("ansible/language_differences")["rows"]
KNOWN = {(version, one) for row in DIFFERENCES for version in row.get("versions", VERSIONS) for one in row["of"]}
GIVE_TEXTS = cases("ansible/language_differences")["texts"]["versions"]
ASKED = templates()
PLAYS = {play.name: play for play in plays()}


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


def texts(value: Any) -> Any:
    """A value with all that is written as a text made one."""
    if isinstance(value, dict):
        return {key: texts(one) for key, one in value.items()}
    return [texts(one) for one in value] if isinstance(value, list) else "" if value is None else str(value)


def same(ours: str, version: str, file: str, name: str) -> bool:
    """Whether a version says so too."""
    theirs = answers(version, file)[name]
    return ours == kept(theirs) or (version in GIVE_TEXTS and "error" not in theirs and texts(json.loads(ours)) == texts(theirs))


def test_the_answers_are_to_these_questions() -> None:
    """Else `make oracle` has to ask again."""
    assert asked("templates") == dict.fromkeys(VERSIONS, digest(ASKED))
    assert asked("plays") == dict.fromkeys(VERSIONS, digest([repr(play) for play in PLAYS.values()]))


def test_every_difference_is_of_a_question() -> None:
    assert {one for _, one in KNOWN} <= {*ASKED["templates"], *PLAYS}
    assert all(row["reason"] for row in DIFFERENCES)


@pytest.mark.parametrize("text", ASKED["templates"])
def test_templates(text: str, folder: Path) -> None:
    ours = of_template(text, folder)
    found = {version: same(ours, version, "templates", text) for version in VERSIONS}
    assert found == {version: (version, text) not in KNOWN for version in VERSIONS}, ours


@pytest.mark.parametrize("version", GIVE_TEXTS)
def test_numbers_are_texts_in_answers_of_versions_that_say_so(version: str) -> None:
    assert answers(version, "templates")["{{ 1 + 1 }}"] == {"value": "2"}


@pytest.mark.parametrize(("kind", "ours", "absent"), [
    ("filters", environment().filters, ABSENT), ("tests", environment().tests, ABSENT), ("lookups", LOOKUPS, ABSENT_LOOKUPS)])
def test_every_name_of_ansible_is_taken_or_refused_with_a_reason(kind: str, ours: Any, absent: Any) -> None:
    names = {name for version in VERSIONS for name in answers(version, "names")[kind] if name.isidentifier()}
    assert len(names) > 20
    assert names - set(ours) - set(absent) == set()
    assert set(absent).isdisjoint(ours)


def test_every_variable_of_ansible_is_taken_or_refused_with_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {name for version in VERSIONS for name in answers(version, "names")["variables"]}
    assert names - MADE_BY_ANSIBLE == {"omit"}
    monkeypatch.chdir(tmp_path)
    tasks = [{"firewall_rule": {"a": f"{{{{ {name} is defined }}}}"}, "name": name} for name in sorted(names)]
    LanguagePlay("", {"roles/r/tasks/main.yml": json.dumps(tasks), "site.yml": "- {hosts: one, roles: [r]}\n"}).write(tmp_path)
    loaded = load(["site.yml"], kinds=KINDS, inventory=["hosts.yml"], limit="one")
    rendered = loaded.render("one", {})
    told = {d.summary for d in rendered.diagnostics}
    refused = {name for name in names if any(f'"{name}" is a variable of Ansible' in summary for summary in told)}
    assert refused == names & set(ABSENT_VARIABLES)
    assert {task.name for task in rendered.tasks if task.properties["a"] is True} == names - refused


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


@pytest.mark.parametrize("name", PLAYS)
def test_plays(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ours = of_play(PLAYS[name])
    found = {version: same(ours, version, "plays", name) for version in VERSIONS}
    assert found == {version: (version, name) not in KNOWN for version in VERSIONS}, ours
