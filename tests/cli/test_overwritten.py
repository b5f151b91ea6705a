"""What a command writes is never put in the place of what it reads."""

import os
from pathlib import Path

import pytest
from cli_lab import Cli

FILES = {"ringfence.yml": "inventory: inventory\nplaybooks: site.yml\n", "inventory": "[web]\nweb1 ansible_connection=ssh\n",
         "site.yml": "- hosts: all\n  tasks: []\n", "vars/more.yaml": "a: 1\n", "values.json": '{"b": 2}\n', "who": "web1\n"}


@pytest.fixture
def project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    cli = Cli(tmp_path, capsys)
    cli.write(FILES)
    os.symlink("inventory", tmp_path / "link")
    return cli


@pytest.mark.parametrize(("arguments", "what"), [
    (["plan", "-o", "site.yml"], "-o would write over site.yml, which is read"),
    (["plan", "-o", "ringfence.yml"], "-o would write over a file of YAML"),
    (["plan", "--report", "html=inventory"], "--report would write over --inventory inventory"),
    (["plan", "--report", "json=./link"], "--report would write over --inventory inventory"),
    (["validate", "--report", "sarif=vars/more.yaml"], "--report would write over a file of YAML"),
    (["plan", "--log", "inventory"], "--log would write over --inventory inventory"),
    (["plan", "-e", "@values.json", "--log", "values.json"], "--log would write over --extra-vars values.json"),
    (["plan", "-l", "@who", "-o", "who"], "-o would write over --limit who"),
    (["apply", "values.json", "--report", "json=values.json"], "--report would write over values.json, which is read"),
    (["plan", "who", "--log", "./who"], "--log would write over who, which is read"),
    (["plan", "--log", "site.yml", "--report", "md=ringfence.yml"], "--report would write over a file of YAML")])
def test_nothing_that_is_read_is_written_over(project: Cli, arguments: list[str], what: str) -> None:
    said = project(*arguments)
    assert said.code == 1
    assert what in said.err
    assert {name: (project.folder / name).read_text(encoding="utf-8") for name in FILES} == FILES
    assert (project.folder / "link").is_symlink()


def test_what_was_written_before_is_replaced(project: Cli) -> None:
    project.write({"report.html": "of yesterday"})
    more = ("--log", "a.log", "-e", "mail=someone@report.html")
    said = project("validate", "--allow-empty", "--report", "html=report.html", *more)
    assert said.code == 0, said.err
    assert "of yesterday" not in (project.folder / "report.html").read_text(encoding="utf-8")
