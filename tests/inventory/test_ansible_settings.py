"""ansible.cfg and ANSIBLE_…: what changes values is a mistake, the rest is named once, and nothing is heeded."""

import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from cli_lab import SMALL_PROJECT, Cli

from ringfence.diagnostics import Problems
from ringfence.documents.trust import Trust
from ringfence.documents.variable_files import VariableFiles
from ringfence.documents.vault import Vault
from ringfence.inventory import ansible_settings, readers


@pytest.fixture(autouse=True)
def _no_other_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def told(text: str = "", environment: Mapping[str, str] = {}, trust: Trust = Trust()) -> list[str]:
    """What is said of an ansible.cfg and of variables."""
    if text:
        Path("ansible.cfg").write_text(text)
    problems = Problems()
    ansible_settings.check(Path(), problems, trust, environment)
    return [str(d).split("\n")[0] for d in problems.all]


@pytest.mark.parametrize(("setting", "value"), [
    ("hash_behaviour", "merge"), ("precedence", "all_inventory, groups_inventory"), ("yaml_valid_extensions", ".vars"),
    ("vars_plugins_enabled", "host_group_vars, mine"), ("playbook_vars_root", "all"), ("error_on_undefined_vars", "no"),
    ("jinja2_extensions", "jinja2.ext.do"), ("jinja2_native", "False"), ("force_valid_group_names", "always"),
    ("inventory_ignore_extensions", ".yml"), ("inventory_ignore_patterns", "old")])
def test_what_changes_values_is_a_mistake(setting: str, value: str) -> None:
    (said,) = told(f"[defaults]\n# a comment\n{setting} = {value}\n")
    assert said.startswith(f"ansible.cfg:3: {setting} = {value} changes with Ansible")
    Path("ansible.cfg").unlink()
    (known,) = [s for s in ansible_settings.VALUE_SETTINGS if s.key == setting]
    (said,) = told(environment={known.variable: value})
    assert said.startswith(f"the environment: {known.variable} = {value} changes with Ansible")


def test_defaults_and_nothing_are_no_news() -> None:
    assert told() == []
    assert told("[defaults]\n# hash_behaviour = merge\n;precedence = x\n") == []
    assert told("[defaults]\n" + "".join(f"{s.key}={s.default}\n" for s in ansible_settings.VALUE_SETTINGS if s.default)
                + "[inventory]\n") == []
    assert told("[defaults]\nerror_on_undefined_vars: Yes\nyaml_valid_extensions = ['.yml','.yaml','.json']\n") == []
    assert told(environment={"ANSIBLE_CONFIG": "ansible.cfg", "ANSIBLE_HOME": "/x"}) == []


def test_other_settings_are_named_once() -> None:
    assert told("[defaults]\ninventory = hosts\nremote_user = x\n[ssh_connection]\npipelining = true\n",
                {"ANSIBLE_VAULT_PASSWORD_FILE": ".pw", "ANSIBLE_INVENTORY": "hosts"}) == [
        "warning: these settings of Ansible are not heeded: ANSIBLE_INVENTORY, ANSIBLE_VAULT_PASSWORD_FILE, inventory, "
        "pipelining, remote_user"]


def test_the_same_word_in_another_section_is_another_setting() -> None:
    assert "not heeded: ignore_patterns" in told("[defaults]\nignore_patterns = a\n")[0]
    assert "ignore_patterns = a changes" in told("[inventory]\nignore_patterns = a\n")[0]


@pytest.mark.parametrize("place", ["ansible.cfg", "elsewhere/ansible.cfg", "elsewhere/other.cfg", "home/.ansible.cfg"])
def test_the_file_that_ansible_would_read(place: str, tmp_path: Path) -> None:
    file = tmp_path / place
    file.parent.mkdir(exist_ok=True)
    file.write_text("[defaults]\nhash_behaviour = merge\n")
    named = {"ANSIBLE_CONFIG": str(file.parent if file.name == "ansible.cfg" else file)} if "elsewhere" in place else {}
    (said,) = told(environment=named)
    assert f"{place}:2: hash_behaviour" in said
    assert told("", named, Trust(untrusted=True).bounded(tmp_path / "elsewhere")) == ([said] if named else [])


@pytest.mark.parametrize(("text", "said"), [
    ("no section\n", "cannot be read as Ansible reads it"), ("[defaults]\na = " + "x" * 500 + "\n", "more than"),
    ("[defaults]\n" + "a=1\n" * 70_000, "more than")])
def test_mistakes(text: str, said: str) -> None:
    (only,) = told(text)
    assert only.startswith("ansible.cfg: ")
    assert said in only


def test_a_hostile_file_takes_no_time() -> None:
    began = time.monotonic()
    told("[defaults]\n" + ("a" + " " * 497 + "b\n") * 520)
    told("[defaults]\n" + "".join(f"a{n}=1\n" for n in range(25_000)))
    assert time.monotonic() - began < 10


def test_through_the_program(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli = Cli(tmp_path, capsys)
    cli.write(SMALL_PROJECT | {"ansible.cfg": "[defaults]\nhash_behaviour = merge\nforks = 5\n"})
    said = cli("validate")
    assert said.code == 1
    assert "ansible.cfg:2: error: hash_behaviour = merge" in said.err
    assert "--ignore-ansible-cfg" in said.err
    said = cli("validate", "--ignore-ansible-cfg")
    assert (said.code, said.err) == (0, "")


# which forms of inventories are read

INI, YAML_FORM = "[web]\nw1\n", "web: {hosts: {w1: }}\n"


def read(name: str, text: str, settings: str = "", environment: Mapping[str, str] = {}) -> list[str]:
    """What is said of an inventory under these settings; nothing where it is read."""
    Path("ansible.cfg").write_text(settings)
    Path(name).write_text(text)
    problems = Problems()
    enabled = ansible_settings.enabled_plugins(Path(), Trust(), environment)
    found = readers.load([name], VariableFiles(Vault(), problems), enabled)
    assert problems.failed or "w1" in found
    return [d.summary for d in problems.all]


@pytest.mark.parametrize("value", ["", "host_list, script, auto, yaml, ini, toml", "ansible.builtin.ini", "['aws_ec2', 'ini']",
                                   "yaml, ini"])
def test_a_form_that_is_enabled_is_read(value: str) -> None:
    assert read("hosts", INI, f"[inventory]\nenable_plugins = {value}\n" if value else "") == []


@pytest.mark.parametrize(("name", "text", "value", "said"), [
    ("hosts", INI, "yaml", "not YAML"), ("hosts.yml", YAML_FORM, "ini", "web: is no host"),
    ("hosts.toml", "[web.hosts.w1]\n", "yaml, ini", "no inventory of a form that is read: yaml, ini"),
    ("hosts.yml", YAML_FORM, "amazon.aws.aws_ec2", "no inventory of a form that is read: auto")])
def test_a_form_that_is_not_enabled_is_not_read(name: str, text: str, value: str, said: str) -> None:
    assert said in read(name, text, f"[inventory]\nenable_plugins = {value}\n")[0]
    assert said in read(name, text, "[inventory]\nenable_plugins = yaml, ini, toml\n", {"ANSIBLE_INVENTORY_ENABLED": value})[0]


def test_the_first_form_of_the_order_counts() -> None:
    """A list of YAML is a section of INI."""
    assert read("w1", "w1\n", "[inventory]\nenable_plugins = ini, yaml\n") == []
    Path("hosts").write_text("[a]\n")
    found = [readers.load(["hosts"], VariableFiles(Vault(), Problems()), order) for order in (["ini"], ["yaml"])]
    assert ["a" in inventory.groups for inventory in found] == [True, False]


def test_enabled_plugins_through_the_program(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli = Cli(tmp_path, capsys)
    cli.write({"hosts": INI, "ansible.cfg": "[inventory]\nenable_plugins = yaml\n"})
    assert "hosts:2: error: not YAML" in cli("inventory", "graph", "-i", "hosts").err
    assert "w1" in cli("inventory", "graph", "-i", "hosts", "--ignore-ansible-cfg").out


def test_settings_that_ask_for_what_always_is_are_no_news() -> None:
    assert told("[inventory]\nenable_plugins = ini\nany_unparsed_is_failed = true\nunparsed_is_failed = true\n",
                {"ANSIBLE_INVENTORY_ENABLED": "yaml", "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "0"}) == []
