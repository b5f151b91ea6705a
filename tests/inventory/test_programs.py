"""Inventories that are programs: who may let them run, what becomes of what they print, and of those that do not behave."""

import json
import os
import time
from pathlib import Path

import pytest
from cli_lab import SMALL_PROJECT, Cli
from plan_texts import plan_text

from ringfence.diagnostics import Problems
from ringfence.documents import local_programs
from ringfence.documents.trust import Trust
from ringfence.documents.variable_files import VariableFiles
from ringfence.documents.vault import Vault, encrypt
from ringfence.inventory import readers, script_inventory
from ringfence.secret import Secret

SCRIPT = """\
#!/bin/sh
touch ran
echo '{"g": {"hosts": ["web1"], "vars": {"x": "{{ 1 + 1 }}"}}, "_meta": {"hostvars": {}}}'
"""
TAG = "- hosts: c1\n  vars: {x: rendered}\n  tasks:\n    - firewall_rule: {name: \"a{{ tag }}\", state: absent}\n"
PLUGIN = "plugin: some.cloud.machines\nregions: [eu]\n"
# stands for the real one: says what it was told, and what it was not to read
ANSIBLE = """\
#!/bin/sh
printf '%s\\n' "$@" "vars=$ANSIBLE_VARS_ENABLED" > said
echo '{"_meta": {"hostvars": {"c1": {"tag": "{{ x }}", "raw": {"__ansible_unsafe": "{{ y }}"}}}, "profile": "inventory_legacy"},
       "all": {"children": ["ungrouped", "cloud"]}, "cloud": {"hosts": ["c1"], "vars": {"ansible_group_priority": 4, "z": 1}}}'
"""


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    (tmp_path / "project").mkdir()
    made = Cli(tmp_path / "project", capsys)
    made.write(SMALL_PROJECT | {"ringfence.yml": "playbooks: site.yml\n"})
    return made


def program(cli: Cli, name: str, text: str) -> None:
    """An executable file of the project."""
    cli.write({name: text})
    (cli.folder / name).chmod(0o755)


def ran(cli: Cli) -> bool:
    """Whether the script ran since this was asked last."""
    there = (cli.folder / "ran").exists()
    (cli.folder / "ran").unlink(missing_ok=True)
    return there


WAYS = {
    "the command line": ("", ["-i", "hosts.sh"], {}, True),
    "its whole path": ("", ["-i", "{folder}/hosts.sh"], {}, True),
    "the environment": ("", [], {"RINGFENCE_INVENTORY": "hosts.sh"}, True),
    "Ansible's environment": ("", [], {"ANSIBLE_INVENTORY": "hosts.sh"}, True),
    "the project": ("inventory: hosts.sh\n", [], {}, False),
    "the project, and the user allows it": ("inventory: hosts.sh\n", ["--allow-program", "hosts.sh"], {}, True),
    "the project, and the user allows another": ("inventory: hosts.sh\n", ["--allow-program", "other.sh"], {}, False),
    "a folder that the user names": ("", ["-i", "."], {}, False),
    "a folder that the user names and allows": ("", ["-i", ".", "--allow-program", "."], {}, True),
    "the command line, untrusted": ("", ["-i", "hosts.sh", "--untrusted"], {}, False),
}


@pytest.mark.parametrize("way", WAYS)
def test_who_lets_a_script_run(way: str, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, arguments, environment, runs = WAYS[way]
    for name in ("ringfence.yml", "site.yml", "hosts.yml"):
        (cli.folder / name).unlink(missing_ok=True)
    if settings:
        cli.write({"ringfence.yml": settings})
    program(cli, "hosts.sh", SCRIPT)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    said = cli("inventory", "graph", *(argument.format(folder=cli.folder) for argument in arguments))
    assert ran(cli) == runs, said
    assert ("web1" in said.out) == runs
    if not runs:
        assert said.code == 1
        assert "hosts.sh: error: the inventory is a program, " in said.err
        assert ("--allow-program" in said.err) == ("--untrusted" not in arguments)


@pytest.mark.parametrize("environment", [{}, {"RINGFENCE_INVENTORY": "other.yml"}, {"ANSIBLE_INVENTORY": "other.yml"}])
def test_a_plan_file_names_no_program(environment: dict[str, str], cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    program(cli, "hosts.sh", SCRIPT)
    cli.write({"x.plan.json": plan_text("web1", playbooks=["site.yml"], inventory=["hosts.sh"])})
    said = cli("apply", "--check", "x.plan.json")
    assert (said.code, ran(cli)) == (1, False)
    assert "hosts.sh: error: the inventory is a program, and a project may not run programs" in said.err


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root, to give files to others")
def test_a_script_that_others_wrote_is_refused_though_it_is_allowed(cli: Cli) -> None:
    cli.write({"ringfence.yml": "inventory: inv/hosts.sh\n"})
    program(cli, "inv/hosts.sh", SCRIPT)
    os.chown(cli.folder / "inv" / "hosts.sh", 65534, 65534)
    said = cli("inventory", "graph", "--allow-program", "inv/hosts.sh")
    assert (said.code, ran(cli)) == (1, False)
    assert "belongs to another user" in said.err


def test_what_a_script_prints_is_no_template(cli: Cli) -> None:
    program(cli, "hosts.sh", SCRIPT)
    cli.write({"site.yml": "- hosts: all\n  tasks:\n    - firewall_rule: {name: \"a{{ x }}\", state: absent}\n"})
    said = cli("render", "-i", "hosts.sh", "web1")
    assert "a{{ 1 + 1 }}" in said.out, said


def test_vaulted_values_of_a_script_are_secret(cli: Cli) -> None:
    vaulted = encrypt("hunter5", Secret("right"))
    cli.write({"said": json.dumps({"g": ["web1"], "_meta": {"hostvars": {"web1": {"word": {"__ansible_vault": vaulted}}}}}),
               "password": "right"})
    program(cli, "hosts.sh", "#!/bin/sh\ncat said\n")
    said = cli("inventory", "host", "web1", "-i", "hosts.sh", "--vault-password-file", "password")
    assert "word: '********'" in said.out, said
    assert "word: hunter5" in cli("inventory", "host", "web1", "-i", "hosts.sh", "--vault-password-file", "password",
                                  "--show-secrets").out


def test_an_executable_file_that_is_no_program_is_what_it_is(cli: Cli) -> None:
    program(cli, "hosts", "[web]\nweb1 x=1\n")
    assert "web1" in cli("inventory", "graph", "-i", "hosts", "--untrusted").out


# ------------------------------------------------------------------------------------------------------ programs that misbehave

def told(folder: Path, text: str) -> str:
    """What is said of a script."""
    path = folder / "hosts.sh"
    path.write_text(text)
    path.chmod(0o755)
    problems = Problems()
    readers.load([str(path)], VariableFiles(Vault(), problems, Trust(programs=(str(folder.resolve()),))))
    return "\n".join(d.summary for d in problems.all)


@pytest.mark.parametrize(("text", "said"), [
    ("#!/bin/sh\nsleep 60 &\nsleep 60\n", "took longer than 0.3 seconds"),
    ("#!/bin/sh\nyes\n", "printed more than 1,000 bytes"),
    ("#!/not/there\n", "cannot be started: No such file or directory"),
    ("#!/bin/sh\nprintf '[[[[['\n", "is no JSON"),
    ("#!/bin/sh\nprintf '\\377'\n", "is no JSON"),
    (f"#!/bin/sh\necho '{{\"g\": {'[' * 70}{']' * 70}}}'\n", "its lists and mappings are too deep"),
    ("#!/bin/sh\necho '{\"g\": {\"hosts\": [1]}}'\n", "in the group g a name is a number, not a text"),
    ("#!/bin/sh\necho '{\"_meta\": {\"hostvars\": []}}'\n", "_meta.hostvars is a mapping of hosts, not a list"),
    ("#!/bin/sh\necho '{\"g\": [\"a\"], \"_meta\": {\"hostvars\": {\"a\": 1}}}'\n", "the variables of a are a mapping, not "),
    ("#!/bin/sh\n[ $1 = --list ] && echo '{\"g\": [\"a\", \"b\"]}' || exit 4\n", "ended with exit code 4"),
])
def test_programs_that_do_not_behave(text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script_inventory, "MAX_SCRIPT_SECONDS", 0.3 if "sleep" in text else 30)
    monkeypatch.setattr(script_inventory, "MAX_DOCUMENT", 1000)
    assert said in told(tmp_path, text)


def test_what_a_program_started_ends_with_it(tmp_path: Path) -> None:
    script = tmp_path / "p"
    script.write_text(f"#!/bin/sh\n(sleep 0.5; touch {tmp_path}/late) &\nsleep 60\n")
    script.chmod(0o755)
    with pytest.raises(local_programs.ProgramFailed, match="longer than 0"):
        local_programs.run_program([script], 100, 0.1)
    time.sleep(0.7)
    assert not (tmp_path / "late").exists()


def test_what_is_said_beside_is_bounded_and_told(tmp_path: Path) -> None:
    text = "#!/bin/sh\nhead -c 1000000 /dev/zero | tr '\\0' x >&2\necho '{\"g\": [\"a\"], \"_meta\": {\"hostvars\": {}}}'\n"
    said = told(tmp_path, text)
    assert said.startswith("the inventory script says: xxx")
    assert len(said) < 3000


# ------------------------------------------------------------------------------------------------------------- ansible-inventory

def with_ansible(cli: Cli) -> None:
    program(cli, "../bin/ansible-inventory", ANSIBLE)


def test_a_plugin_is_asked_through_ansible(cli: Cli) -> None:
    with_ansible(cli)
    cli.write({"a.yml": "cloud: {hosts: {c0: {t: '{{ x }}'}}}\n", "cloud.yml": PLUGIN, "group_vars/cloud.yml": "g: 1\n"})
    said = cli("inventory", "list", "-i", "a.yml", "-i", "cloud.yml")
    assert said.code == 0, said
    assert (cli.folder / "said").read_text().split() == ["-i", "a.yml", "-i", "cloud.yml", "--list", "--export", "vars="]
    found = json.loads(said.out)
    assert found["cloud"] == {"hosts": ["c0", "c1"]}
    assert found["_meta"]["hostvars"] == {"c0": {"g": 1, "t": "{{ x }}", "z": 1},
                                          "c1": {"g": 1, "tag": "{{ x }}", "raw": {"__ansible_unsafe": "{{ y }}"}, "z": 1}}
    cli.write({"site.yml": TAG})
    assert "a{{ x }}" in cli("render", "-i", "cloud.yml", "c1").out  # a tag of a cloud is no template


def test_the_engine_of_ansible_reads_everything(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    with_ansible(cli)
    cli.write({"a.yml": "web: {hosts: {w1: }}\n"})
    said = cli("inventory", "graph", "-i", "a.yml", "-i", "x,y,", "--engine", "ansible")
    assert "c1" in said.out, said
    assert "w1" not in said.out
    assert (cli.folder / "said").read_text().split() == ["-i", "a.yml", "-i", "x,y,", "--list", "--export", "vars="]
    monkeypatch.setenv("RINGFENCE_ENGINE", "ansible")
    assert "c1" in cli("inventory", "graph", "-i", "a.yml").out
    assert "w1" in cli("inventory", "graph", "-i", "a.yml", "--engine", "ringfence").out
    cli.write({"site.yml": TAG})
    assert "arendered" in cli("render", "-i", "a.yml", "c1").out  # what Ansible trusts is a template, as with Ansible
    monkeypatch.setenv("RINGFENCE_ENGINE", "other")
    assert "RINGFENCE_ENGINE: 'other'" in cli("inventory", "graph", "-i", "a.yml").err


@pytest.mark.parametrize("settings", ["inventory: cloud.yml\n", "inventory: a.yml\nengine: ansible\n"])
def test_a_project_lets_ansible_not_run(settings: str, cli: Cli) -> None:
    with_ansible(cli)
    cli.write({"ringfence.yml": settings, "cloud.yml": PLUGIN, "a.yml": "web: {hosts: {w1: }}\n"})
    said = cli("inventory", "graph")
    assert said.code == 1, said
    assert not (cli.folder / "said").exists()
    if "cloud" in settings:
        assert "cloud.yml:1: error: the inventory is read by ansible-inventory and the plugin some.cloud.machines" in said.err
        assert cli("inventory", "graph", "--allow-program", "cloud.yml").code == 0


@pytest.mark.parametrize("arguments", [["-i", "cloud.yml"], ["-i", "a.yml", "--engine", "ansible"]])
def test_an_untrusted_project_lets_ansible_not_run(arguments: list[str], cli: Cli) -> None:
    with_ansible(cli)
    cli.write({"cloud.yml": PLUGIN, "a.yml": "web: {hosts: {w1: }}\n"})
    said = cli("inventory", "graph", "--untrusted", *arguments)
    assert (said.code, "not run for an untrusted project" in said.err) == (1, True), said
    assert not (cli.folder / "said").exists()


def test_without_ansible_the_way_out_is_told(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nothing")
    cli.write({"cloud.yml": PLUGIN})
    said = cli("inventory", "graph", "-i", "cloud.yml")
    assert said.code == 1
    assert "cloud.yml:1: error: ansible-inventory reads this inventory, and is not on the PATH" in said.err
    assert "Install ansible-core" in said.err


def test_a_plugin_is_not_asked_of_half_an_inventory(cli: Cli) -> None:
    with_ansible(cli)
    cli.write({"a.yml": "web: [\n", "cloud.yml": PLUGIN})
    assert "not read, as an inventory before it has mistakes" in cli("inventory", "graph", "-i", "a.yml", "-i", "cloud.yml").err
    assert not (cli.folder / "said").exists()
