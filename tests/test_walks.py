"""The walks of docs/architecture.md, done as they stand there on a copy of the source, and what comes of them."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from cli_lab import RULES, Cli, fleet

ROOT = Path(__file__).parents[1]
DOCUMENT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
WALKS = dict(re.findall(r"^\*\*([^*]+)\*\*(?: on hosts)?: (.*?)(?=^\*\*|\Z)", DOCUMENT, re.DOTALL | re.MULTILINE))
BLOCK = re.compile(r"^```(python|diff) file=(\S+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def walk(name: str, tree: Path) -> None:
    """Do what a walk says: write its files, make its edits. An edit whose old lines are not there once is an error."""
    blocks = BLOCK.findall(WALKS[name])
    assert blocks
    for language, file, body in blocks:
        path = tree / file
        if language == "python":
            assert not path.exists(), file
            path.write_text(body, encoding="utf-8")
            continue
        lines = [(line[:1] or " ", line[1:]) for line in body.splitlines()]
        old, new = ("".join(f"{text}\n" for sign, text in lines if sign != gone) for gone in "+-")
        if all(sign == "+" for sign, _ in lines[:-1]) and lines[-1][0] == " ":
            old = f"{lines[-1][1]}\n"
        content = path.read_text(encoding="utf-8")
        assert content.count(old) == 1, f"{file}: these lines are not there once:\n{old}"
        path.write_text(content.replace(old, new), encoding="utf-8")


def source_with(walks: Iterable[str], folder: Path) -> Path:
    """The source with walks done, one after the other."""
    for name in ("src", "modules"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in walks:
        walk(name, folder)
    return folder


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return source_with(WALKS, tmp_path_factory.mktemp("walks"))


MAIN = "from ringfence.cli import main; main()"


def program(tree: Path, folder: Path, *arguments: str, code: str = MAIN) -> tuple[int, str, str]:
    """The changed program in a process of its own; `code` may say otherwise."""
    done = subprocess.run([sys.executable, "-c", code, *arguments], cwd=folder, capture_output=True, text=True, timeout=60,
                          env={**os.environ, "PYTHONPATH": str(tree / "src"), "NO_COLOR": "1", "COLUMNS": "200"}, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "ringfence.yml").write_text("inventory: hosts.yml\nplaybooks: site.yml\n", encoding="utf-8")
    (tmp_path / "hosts.yml").write_text("all: {hosts: {web1: {ansible_connection: folder}}}\n", encoding="utf-8")
    rule = "{name: r, protocol: tcp, local_port: 443, ticket: CHG1}"
    (tmp_path / "site.yml").write_text(f"- hosts: all\n  tasks: [{{firewall_rule: {rule}}}]\n", encoding="utf-8")
    return tmp_path


def test_every_walk_is_told() -> None:
    assert list(WALKS) == [
        "A property", "A kind", "A plan step, a refusal", "A verb", "A transport",
        "A form of inventories", "A view", "A setting", "A command"]


def test_a_property_is_read_written_and_documented(tree: Path, project: Path) -> None:
    read = ("import json, sys; from ringfence import kinds; kind = kinds.load()['firewall_rule']; "
            "r = kind.read_string('r', 'v2.31|Action=Allow|Active=TRUE|Ticket=CHG7|Dir=In|Name=r|'); "
            "print(json.dumps([r.ticket, kind.write_string(r, 'v2.31'), r.unknown_tokens]))")
    code, out, err = program(tree, project, code=read)
    assert code == 0, err
    assert json.loads(out) == ["CHG7", "v2.31|Action=Allow|Active=TRUE|Ticket=CHG7|Dir=In|Name=r|", []]
    assert "-Ticket" in program(tree, project, "doc", "firewall_rule", "ticket")[1]


def test_a_kind_is_documented_and_has_a_schema(tree: Path, project: Path) -> None:
    code, out, err = program(tree, project, "doc", "hyperv_firewall_setting")
    assert (code, err) == (0, "")
    assert "loopback_enabled" in out
    assert program(tree, project, "schema", "-o", "schemas")[0] == 0
    schema = json.loads((project / "schemas" / "hyperv_firewall_setting.schema.json").read_text(encoding="utf-8"))
    assert "loopback_enabled" in json.dumps(schema)


def test_a_form_of_inventories_is_read_with_its_mistakes(tree: Path, project: Path) -> None:
    (project / "hosts.csv").write_text("web1,web\ndb1,db\n", encoding="utf-8")
    code, out, err = program(tree, project, "inventory", "graph", "-i", "hosts.csv")
    assert (code, err) == (0, "")
    assert out.split() == ["@all:", "|--@db:", "|", "|--db1", "|--@ungrouped:", "|--@web:", "|", "|--web1"]
    (project / "hosts.csv").write_text("web1\n", encoding="utf-8")
    assert "hosts.csv:1: error: the group is missing" in program(tree, project, "inventory", "graph", "-i", "hosts.csv")[2]


def test_a_refusal_ends_with_exit_code_4_and_nothing_written(
        tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With this walk alone: a host of this lab runs no script with another verb."""
    tree = source_with(["A plan step, a refusal"], tmp_path_factory.mktemp("refusal"))
    cli = Cli(tmp_path, capsys)
    with fleet(cli, 1) as hosts:
        cli.write({"site.yml": "- hosts: all\n  tasks:\n    - firewall_rule: {name: wide, protocol: tcp, local_port: 80}\n"})
        code, out, err = program(tree, tmp_path, "apply", "--yes", "site.yml")
        assert code == 4, (out, err)
        assert "opens the host to everybody" in out + err
        (host,) = hosts.values()
        assert host.registry.get(RULES, "wide") is None


def test_a_verb_is_in_the_script_and_answered(tree: Path, project: Path) -> None:
    ask = ("from ringfence.batch import Batch, Call\n"
           "from ringfence.batch.scripts import script_named\n"
           "from ringfence.lab import Session, SimulatedHost, machine\n"
           "batch = Batch({'who': Call('Account.Self')})\n"
           "session = Session('psrp', 'Administrator', True, '10.99.0.1', 50000, '10.99.0.10', 5985)\n"
           "print(batch.decode(SimulatedHost(machine('H')).run(batch.encode(), session).encode())['who'])\n"
           "print(*(\"'Account.Self' =\" in script_named(name) for name in ('reader', 'resolver', 'writer')))")
    assert program(tree, project, code=ask) == (0, "Administrator\nFalse True True\n", "")


def test_a_transport_carries_batches(tree: Path, project: Path) -> None:
    (project / "outbox").mkdir()
    code, out, err = program(tree, project, "plan")
    assert (code, "the batch waits in its folder" in out) == (6, True), err
    assert (project / "outbox" / "web1.batch").is_file()


def test_a_view_shows_runs(tree: Path, project: Path) -> None:
    (project / "outbox").mkdir()
    assert program(tree, project, "plan", "--output", "lines")[1] == "web1\tfailed\t0\n"
    code, _, err = program(tree, project, "status", "--output", "lines")
    assert (code, "status has no output format lines" in err) == (1, True)


def test_a_setting_is_said_in_three_places(tree: Path, project: Path) -> None:
    assert "--reason TEXT" in program(tree, project, "plan", "--help")[1]
    with (project / "ringfence.yml").open("a", encoding="utf-8") as file:
        file.write("reason: CHG7\n")
    code, _, err = program(tree, project, "plan", "--list-hosts", "-vv")
    assert (code, "reason: CHG7 (ringfence.yml:3)" in err) == (0, True), err
    assert program(tree, project, "schema", "-o", "schemas")[0] == 0
    schema = json.loads((project / "schemas" / "settings.schema.json").read_text(encoding="utf-8"))
    assert schema["properties"]["reason"]["type"] == "string"


def test_a_command_is_called_and_helps(tree: Path, project: Path) -> None:
    assert program(tree, project, "hosts") == (0, "web1\n", "")
    assert json.loads(program(tree, project, "hosts", "--output", "json")[1])["result"] == {"hosts": ["web1"]}
    assert "List the hosts of a run." in program(tree, project, "--help")[1]
