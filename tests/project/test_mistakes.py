"""What is told of wrong input: everything at once, each with its place."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from chance import by_chance
from core import cases
from hypothesis import given
from hypothesis import strategies as st

from ringfence.diagnostics import InputError, Problems
from ringfence.documents.variable_files import VariableFiles, extra
from ringfence.documents.vault import Vault
from ringfence.project.project import load
from ringfence.run.prepare import prepare
from ringfence.run.run_options import RunOptions

CASES = cases("project_mistakes")
KINDS = {"firewall_rule", "firewall_profile"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_mistakes_are_told_with_their_places(case: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in {"hosts.yml": "all: {hosts: {one: }}\n", **case["files"]}.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as raised:
        load(["site.yml"], kinds=KINDS, inventory=["hosts.yml"])
    told = [str(d) for d in raised.value.diagnostics]
    assert len(told) == len(case["told"]), "\n".join(told)
    for message, start in zip(told, case["told"], strict=True):
        assert message.startswith(start)


@pytest.mark.parametrize(("name", "text", "told"), [
    ("hosts", "[web\nweb1\n", "hosts:1: the host range in"),
    ("hosts.sh", "#!/bin/sh\n", "the inventory is a program, and a project may not run programs"),
    ("hosts.yml", "- a\n", "an inventory is a mapping of groups, not a list"),
    ("missing.yml", None, "missing.yml: cannot be read: No such file or directory"),
])
def test_inventories_that_cannot_be_read(name: str, text: str | None, told: str, tmp_path: Path,
                                                monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("site.yml").write_text("- hosts: all\n")
    if text is not None:
        Path(name).write_text(text)
        Path(name).chmod(0o700 if name.endswith(".sh") else 0o600)
    with pytest.raises(InputError, match=told):
        load(["site.yml"], kinds=KINDS, inventory=[name])


@pytest.mark.parametrize(("arguments", "told"), [
    ({"extra": ["a=1 b"]}, "-e a: not key=value"),
    ({"extra": ["hunter2"]}, "-e: not key=value"),
    ({"extra": ['a="1 b']}, "the quote of a does not end"),
    ({"extra": ["{a"]}, "-e {…}:2: not YAML: a { has no }, or there is no comma before this"),
    ({"extra": ["{a: 1,\n b: S3cret: c}"]}, "-e {…}:2: not YAML: a { has no }, or there is no comma before this"),
    ({"extra": ["{a: !!int S3cret}"]}, "-e {…}:1: a value in it is not valid"),
    ({"extra": ["@nowhere"]}, "-e @nowhere: cannot read nowhere"),
    ({"extra": ["[1]"]}, "variables are a mapping of names to values, not a list"),
    ({"limit": "nobody"}, 'no host or group matches "nobody"'),
    ({"limit": "nobody*"}, "the limit leaves no host"),
    ({"limit": "@nowhere"}, "cannot read nowhere"),
    ({"limit": "one[4]"}, "asks for a host that is not there"),
])
def test_wrong_arguments(arguments: dict[str, Any], told: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("site.yml").write_text("- hosts: all\n")
    Path("hosts.yml").write_text("all: {hosts: {one: }, children: {one: {hosts: {one: }}}}\n" if "one[" in told
                                 else "all: {children: {one: {hosts: {a: }}}}\n")
    with pytest.raises(InputError) as raised:
        load(["site.yml"], kinds=KINDS, inventory=["hosts.yml"], **arguments)
    assert told in str(raised.value)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("argument", [
    "password=hunter2", "x=1 password=hunter2", '{"password": "hunter2"}', "password='hunter2 {{ no }}'"])
def test_the_place_of_a_variable_says_no_value(argument: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = extra([argument], VariableFiles(Vault(), Problems()))
    assert "hunter2" in str(found["password"])
    assert "hunter2" not in "".join(str(found.at(name)) for name in found)


def test_not_utf8_and_control_characters_have_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("site.yml").write_bytes(b"- hosts: all\n  name: \xff\n")
    Path("hosts.yml").write_bytes(b"all:\n  vars: {a: \x00}\n")
    with pytest.raises(InputError) as raised:
        load(["site.yml"], kinds=KINDS, inventory=["hosts.yml"])
    assert [str(d.where) for d in raised.value.diagnostics] == ["hosts.yml:2", "site.yml:2"]


WORDS = ["hosts", "all", "tasks", "- ", ": ", "{", "}", "[", "]", "\n", "  ", "when", "loop", "vars", "name", "&a ", "*a ",
         "firewall_rule", "<<", "!vault ", "!unsafe ", "|", "'", '"', "{{ ", " }}", "{% ", " %}", "item", "block", "tags",
         "import_tasks", "other.yml", "site.yml", "import_playbook", "1:2", "~", "#", "children", "web[1:3]", "\t", "é",
         "%", "@", "?", "!", "- hosts: all\n  tasks:\n  - firewall_rule: {name: a}\n    ", "all:\n  hosts:\n    a: "]
TEXTS = st.one_of(st.binary(max_size=80), st.lists(st.sampled_from(WORDS), max_size=30).map(lambda w: "".join(w).encode()))


@by_chance(150)
@given(site=TEXTS, other=TEXTS, hosts=TEXTS)
def test_whatever_is_in_the_files_nothing_but_input_errors(site: bytes, other: bytes, hosts: bytes,
                                                                 tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    for name, data in (("site.yml", site), ("other.yml", other), ("hosts.yml", hosts)):
        (folder / name).write_bytes(data)
    try:
        project = load([folder / "site.yml"], kinds=KINDS, inventory=[str(folder / "hosts.yml")])
    except InputError:
        return
    for name in project.hosts[:2]:
        project.render(name)
        project.render(name, {})
        project.variables(name)


def test_a_lookup_that_may_fail_with_a_warning_is_told_of_at_its_task(tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text("all: {hosts: {one: , two: }}\n")
    (tmp_path / "site.yml").write_text(
        "- hosts: all\n  vars: {a: \"{{ lookup('file', 'nowhere', errors='warn') or 'none' }}\"}\n  tasks:\n"
        "    - {firewall_rule: {name: 'x {{ hostvars.localhost.ansible_connection }}', description: '{{ a }}', state: absent}}\n"
        "    - {firewall_rule: {name: \"y {{ lookup('file', 'nowhere', errors='warn') }}\", protocol: tcp, local_port: 80}}\n"
        "    - {firewall_rule: {name: \"z {{ lookup('file', 'nowhere', errors='ignore') }}\", protocol: tcp, local_port: 80}}\n")
    project = load([tmp_path / "site.yml"], kinds=KINDS, inventory=[str(tmp_path / "hosts.yml")])
    for host in project.hosts:  # each is told, whatever is remembered
        rendered = project.render(host)
        assert [(d.where.line, d.severity, d.summary) for d in rendered.diagnostics] == [
            (4, "warning", "there is no file nowhere"), (5, "warning", "there is no file nowhere")]
        assert [t.properties["name"] for t in rendered.tasks] == ["x local", "y ", "z "]


def test_what_a_refused_key_would_have_made_is_no_other_mistake(tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text("all: {hosts: {one: }}\n")
    (tmp_path / "site.yml").write_text(
        "- hosts: all\n  tasks:\n"
        "    - {firewall_rule: {name: a, state: absent}, register: r}\n    - {set_fact: {made: 1}}\n"
        "    - {firewall_rule: {name: '{{ r.x }}', description: '{{ made }}', group: '{{ mine }}'}}\n")
    with pytest.raises(InputError) as told:
        prepare(RunOptions(tmp_path, [str(tmp_path / "site.yml")], [str(tmp_path / "hosts.yml")]))
    assert [(d.where.line, d.summary) for d in told.value.diagnostics] == [
        (3, '"register" is a key of Ansible that ringfence does not have'),
        (4, '"set_fact" is a module of Ansible, and no kind of ringfence'), (5, 'the variable "mine" is not defined')]


def test_mistakes_in_connection_variables_have_their_place(tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text("all:\n  vars:\n    ansible_port: abc\n    ansible_conection: ssh\n  hosts:\n    one:\n"
                                        "      ansible_hots: 10.0.0.1\n      ansible_psrp_nothing: 1\n"
                                        "      ansible_ssh_foo: 1\n      ansible_winrm_kinit_mode: x\n"
                                        "      ansible_ssh_pipelining: true\n      ansible_become: true\n")
    (tmp_path / "site.yml").write_text("- hosts: all\n  tasks: [{firewall_rule: {name: a, state: absent}}]\n")
    with pytest.raises(InputError) as told:
        prepare(RunOptions(tmp_path, [str(tmp_path / "site.yml")], [str(tmp_path / "hosts.yml")]))
    assert [(d.where.line, d.summary.partition(":")[0], d.severity) for d in told.value.diagnostics] == [
        (3, "ansible_port", "error"), (4, "ansible_conection", "warning"), (7, "ansible_hots", "warning"),
        (8, "ansible_psrp_nothing", "error"), (9, "ansible_ssh_foo", "warning"), (10, "ansible_winrm_kinit_mode", "warning")]
    assert "did you mean ansible_connection?" in str(told.value)


@pytest.mark.parametrize(("written", "read"), [("name: 007, local_port: 80", "name: YAML reads what is written here as 7"), (
    "name: a, local_port: 0443", "local_port: YAML reads what is written here as 291"), (
    "name: a, local_port: 22:30", "local_port: YAML reads what is written here as 1350"), (
    "name: '007', local_port: '0443'", ""), ("name: 7, local_port: 443", ""), ("name: 1:30a, local_port: 443", "")])
def test_numbers_that_are_not_what_they_look_like(written: str, read: str, tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text("all: {hosts: {one: }}\n")
    (tmp_path / "site.yml").write_text(f"- hosts: all\n  tasks:\n    - firewall_rule: {{protocol: tcp, {written}}}\n")
    options = RunOptions(tmp_path, [str(tmp_path / "site.yml")], [str(tmp_path / "hosts.yml")])
    if not read:
        assert not prepare(options).warnings
        return
    with pytest.raises(InputError) as told:
        prepare(options)
    assert [d.summary for d in told.value.diagnostics if d.severity == "error"] == [f"firewall_rule: {read}"]


def _on_a_line(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True, width=10_000, sort_keys=False).strip()


@pytest.mark.parametrize("case", cases("known_before"), ids=lambda case: case["name"])
def test_what_needs_no_facts_is_known_before_a_host_is_touched(case: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text("all: {hosts: {one: , two: }}\n")
    lines = [_on_a_line(task) for task in case["tasks"]]  # its place tells which task it is
    (tmp_path / "site.yml").write_text(f"- hosts: all\n  vars: {_on_a_line(case.get('vars', {}))}\n  tasks:\n"
                                       + "".join(f"    - {line}\n" for line in lines))
    options = RunOptions(tmp_path, [str(tmp_path / "site.yml")], [str(tmp_path / "hosts.yml")], allow_empty=True)
    try:
        told = [d for d in prepare(options).warnings if d.severity == "error"]
    except InputError as error:
        told = [d for d in error.diagnostics if d.severity == "error"]
    found = [(d.where.line - 4, d.summary) for d in told]
    wanted = [(index, start) for one in case["told"] for index, start in one.items()]
    assert [index for index, _ in found] == [index for index, _ in wanted], found
    assert all(summary.startswith(start) for (_, summary), (_, start) in zip(found, wanted, strict=True)), found


@pytest.mark.parametrize("link", ["tasks/main.yml", "vars/main.yml", "defaults/main.yml", "meta/main.yml"])
def test_a_part_of_a_role_does_not_vanish_with_a_link_that_leads_nowhere(link: str, tmp_path: Path,
                                                                        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("site.yml").write_text("- hosts: all\n  roles: [r]\n")
    Path("hosts.yml").write_text("all: {hosts: {one: }}\n")
    Path("roles/r", link).parent.mkdir(parents=True)
    Path("roles/r", link).symlink_to("nowhere")
    with pytest.raises(InputError, match=f"roles/r/{link}.*: No such file or directory"):
        load(["site.yml"], kinds=KINDS, inventory=["hosts.yml"])
