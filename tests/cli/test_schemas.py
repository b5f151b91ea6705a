"""JSON Schemas accept what ringfence accepts in the advised spelling, and refuse what it refuses."""

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from ringfence import kinds, schemas
from ringfence.cli.commands.init import FILES, project_files
from ringfence.diagnostics import InputError
from ringfence.project import playbook_keys
from ringfence.project import settings as project_settings
from ringfence.views import reference

KINDS = kinds.load()
ROOT = Path(__file__).parents[2]
PLAYBOOK = jsonschema.Draft202012Validator(schemas.playbook(KINDS))
SETTINGS = jsonschema.Draft202012Validator(schemas.settings())
INVENTORY = jsonschema.Draft202012Validator(schemas.inventory())
EXAMPLES = sorted(p for folder in ("playbooks", "inventory") for p in (ROOT / folder).rglob("*.yml"))


class _Loader(yaml.SafeLoader):
    """YAML with Ansible's tags as plain texts."""


def _scalar(loader: _Loader, node: Any) -> Any:
    return loader.construct_scalar(node)


for _tag in ("!vault", "!unsafe"):
    _Loader.add_constructor(_tag, _scalar)


def read(text: str) -> Any:
    return yaml.load(text, _Loader)


@pytest.mark.parametrize("name", sorted(schemas.every(KINDS)))
def test_schemas_are_schemas(name: str) -> None:
    schema = schemas.every(KINDS)[name]
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == schemas.DRAFT


def test_editors_find_every_kind_where_a_task_begins() -> None:
    """What they offer is what the schema of a task itself lists, without conditions."""
    task = schemas.playbook(KINDS)["$defs"]["task"]
    assert task["properties"].keys() >= {*KINDS, "block", "import_tasks", "name", "when", "tags", "loop"}


@pytest.mark.parametrize(("task", "says"), [
    ({"firewal_rule": {"name": "x"}}, r"'firewal_rule' was unexpected"),
    ({"name": "only a name"}, r"'one of firewall_profile, .* import_tasks, .*' is a required property"),
    ({"firewall_rule": {"name": "x"}, "ipsec_rule": {"name": "y", "state": "absent"}}, "is valid under each of"),
    ({"import_tasks": "more.yml", "loop": [1]}, "'loop' is not one of"),
    ({"block": [], "firewall_rule": {"name": "x"}}, "is valid under each of"),
    ({"firewall_rule": {"nam": "x"}}, "'nam' was unexpected"),
])
def test_a_task_that_is_none_is_told_so(task: dict[str, Any], says: str) -> None:
    wrong = [error.message for error in PLAYBOOK.iter_errors([{"hosts": "all", "tasks": [task]}])]
    assert any(re.search(says, message) for message in wrong), wrong


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: str(p.relative_to(ROOT)))
def test_examples_fit(path: Path) -> None:
    said = read(path.read_text(encoding="utf-8"))
    if "group_vars" in path.parts or "host_vars" in path.parts or "vars" in path.parts:
        assert isinstance(said, dict)
    elif "inventory" in path.parts:
        INVENTORY.validate(said)
    elif "tasks" in path.parts:
        PLAYBOOK.validate([{"hosts": "all", "tasks": said}])
    else:
        PLAYBOOK.validate(said)


def test_what_init_writes_fits() -> None:
    SETTINGS.validate(read(project_files("x")["ringfence.yml"]))
    PLAYBOOK.validate(read(FILES["playbooks/site.yml"]))
    INVENTORY.validate(read(FILES["inventory/hosts.yml"]))


@pytest.mark.parametrize("name", sorted(KINDS))
def test_the_examples_of_the_reference_fit(name: str) -> None:
    PLAYBOOK.validate([{"hosts": "all", "tasks": read(reference.example(KINDS[name]))}])


@pytest.mark.parametrize("task", [
    {"firewall_rule": {"name": "x", "protocl": "tcp"}},
    {"firewall_rule": {"protocol": "tcp"}},
    {"firewall_rule": {"name": "x", "direction": "sideways"}},
    {"firewall_rule": {"name": "x", "enabled": 7}},
    {"firewall_rule": {"name": "x"}, "firewall_profile": {"profiles": "any"}},
    {"firewall_rule": {"name": "x"}, "become": True},
    {"firewall_profile": {"profiles": ["domain"], "state": "absent"}},
    {"firewall_profile": {"profiles": ["domain"], "log_max_size_kilobytes": 0}},
    {"name": "no kind"},
    "text",
])
def test_wrong_tasks_are_refused(task: Any) -> None:
    assert not PLAYBOOK.is_valid([{"hosts": "all", "tasks": [task]}])


@pytest.mark.parametrize("play", [
    {"tasks": []}, {"hosts": "all", "unmanaged": "report"}, {"import_playbook": "x", "hosts": "all"}, []])
def test_wrong_plays_are_refused(play: Any) -> None:
    assert not PLAYBOOK.is_valid([play])


@pytest.mark.parametrize("task", [
    {"firewall_rule": {"name": "x", "direction": "{{ way }}", "enabled": "{{ on }}", "local_port": [80, "90-99", "{{ p }}"]}},
    {"firewall_rule": {"name": 7, "state": "absent"}, "when": ["a", "b"], "loop": [1], "tags": "x"},
    {"block": [{"import_tasks": "x.yml", "when": True}], "tags": ["a"]},
])
def test_right_tasks_are_accepted(task: Any) -> None:
    PLAYBOOK.validate([{"hosts": ["all"], "tasks": [task]}])


@pytest.mark.parametrize("said", [{"all": {"hosts": ["web1"]}}, {"all": {"childs": {}}},
                                  {"all": {"children": {"a": {"host": {}}}}}])
def test_wrong_inventories_are_refused(said: Any) -> None:
    assert not INVENTORY.is_valid(said)


def test_schema_and_reader_know_the_same_keys() -> None:
    """The reader's tables are its own; the schema says the same in its own words."""
    schema = schemas.playbook(KINDS)
    task = schema["$defs"]["task"]
    assert set(schema["items"]["else"]["properties"]) == set(playbook_keys.PLAY_KEYS)
    assert set(schema["items"]["then"]["properties"]) == set(playbook_keys.PLAYBOOK_IMPORT_KEYS)
    of_several = {*playbook_keys.BLOCK_KEYS, *playbook_keys.TASK_IMPORT_KEYS, *playbook_keys.ROLE_IMPORT_KEYS}
    assert set(task["allOf"][1]["then"]["propertyNames"]["enum"]) == of_several
    alone = {*playbook_keys.TASK_KEYS, *playbook_keys.VARS_KEYS, *playbook_keys.ASSERT_KEYS}
    assert set(task["properties"]) == {*of_several, *alone, *KINDS}
    assert set(task["properties"]["loop_control"]["properties"]) == set(playbook_keys.LOOP_CONTROL_KEYS)


# --------------------------------------------------------------------------------------------------- ringfence.yml

SAID = {"forks": 7, "log": "logs/ringfence.log", "run_dir": "runs", "unreachable": "warn", "diff": False, "output": "json",
        "vault_id": ["prod@.pw"], "vault_password_file": ".pw", "extra_vars": ["a=1"], "limit": "web*", "tags": ["a", "b"],
        "lock_timeout": 1.5, "verbose": 1, "prune": "created", "max_changes": 100, "required_version": ">=0.1", "quiet": True,
        "max_age": "24h", "same_commit": True,
        "inventory": "hosts.yml", "playbooks": ["site.yml"], "modules": "kinds", "inherit": True, "require_scope": False,
        "project": {"name": "p", "id": "0123456789abcdef"}}


def test_the_schema_of_settings_takes_what_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    commented = re.sub(r"^# (?=[a-z_]+: )", "", project_files("x")["ringfence.yml"], flags=re.MULTILINE)
    assert "forks" in read(commented)
    for said in ({}, SAID, read(commented)):
        SETTINGS.validate(said)
        Path("ringfence.yml").write_text(yaml.safe_dump(said), encoding="utf-8")
        project_settings.load()
    assert schemas.settings()["properties"].keys() == project_settings.KEYS


@pytest.mark.parametrize("wrong", [
    {"forks": 0}, {"forks": "many"}, {"output": "yaml"}, {"yes": True}, {"untrusted": False}, {"log": []}, {"tags": {"a": 1}},
    {"lock_timeout": -1}, {"unreachable": "never"}, {"project": {"name": "p"}}, {"project": {"name": "p", "id": "xyz"}},
    {"inventry": "x"}, {"verbose": 3}, {"prune": "some"}, {"quiet": "perhaps"}, {"playbooks": 5}, [1]])
def test_the_schema_of_settings_refuses_what_is_refused(wrong: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not SETTINGS.is_valid(wrong)
    monkeypatch.chdir(tmp_path)
    Path("ringfence.yml").write_text(yaml.safe_dump(wrong), encoding="utf-8")
    with pytest.raises(InputError):
        project_settings.load()
