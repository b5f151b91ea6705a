"""A run that looks at nothing is no success: a nightly job of it would be green for ever."""

from pathlib import Path

import pytest
from cli_lab import SMALL_PROJECT, Cli

TAGGED = """\
- hosts: web
  tags: [base]
  tasks:
    - {firewall_rule: {name: a, state: absent}, tags: [rdp]}
    - {firewall_rule: {name: b, state: absent}, when: inventory_hostname == 'nobody'}
"""
FILES = SMALL_PROJECT | {"site.yml": TAGGED, "hosts.yml": "all: {children: {web: {hosts: {web1: }}, nobody: {}}}\n"}


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    made = Cli(tmp_path, capsys)
    made.write(FILES)
    return made


@pytest.mark.parametrize(("site", "flags", "told"), [
    (TAGGED, ["-t", "rpd"], "no task has the tag rpd"),
    (TAGGED, ["--skip-tags", "rdp,bsae"], "no task has the tag bsae"),
    (TAGGED, ["-t", "untagged"], "nothing is declared for web1"),
    (TAGGED, ["--skip-tags", "rdp"], "nothing is declared for web1"),
    (TAGGED.replace("web", "nobody"), [], "no play is for a host"),
    (TAGGED.replace("web", "wbe"), [], 'no host or group matches "wbe"'),
    ("- {hosts: web, tasks: []}\n", [], "nothing is declared for web1"),
    ("[]\n", [], "no play is for a host")])
@pytest.mark.parametrize("command", ["validate", "plan", "drift", "apply --yes"])
def test_a_run_without_hosts_or_declarations_is_an_error(command: str, site: str, flags: list[str], told: str, cli: Cli) -> None:
    cli.write({"site.yml": site})
    said = cli(*command.split(), *flags)
    assert said.code == 1
    assert told in said.err
    assert "in sync" not in said.out


def test_what_is_known_about_tags(cli: Cli) -> None:
    said = cli("validate", "-t", "rpd")
    assert "did you mean rdp?" in said.err
    assert "base" in said.err
    for known in ("rdp", "base", "all", "always,rdp"):
        assert cli("validate", "-t", known).code == 0


def test_that_it_is_meant_can_be_said(cli: Cli) -> None:
    for command, site in (("validate", "[]\n"), ("drift", "[]\n"), ("validate", "- {hosts: web, tasks: []}\n"),
                          ("validate", TAGGED.replace("web", "nobody"))):
        cli.write({"site.yml": site})
        said = cli(command, "--allow-empty")
        assert (said.code, command) == (0, command), said.err
