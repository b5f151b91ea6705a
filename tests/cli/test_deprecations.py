"""Names that were given up, with made-up rows: they work with a warning for two minors, and are refused then."""

import json
from pathlib import Path

import pytest
from cli_lab import Cli, undisturbed

from ringfence import __version__, deprecations
from ringfence.deprecations import DEPRECATIONS, Deprecation, NamedIn
from ringfence.project.playbook_keys import BLOCK_KEYS, PLAY_KEYS, TASK_KEYS
from ringfence.run_settings import PROJECT_KEYS, SETTINGS
from ringfence.transports.resolve import known_names

NAMES: tuple[tuple[NamedIn, str, str], ...] = (
    ("play", "targets", "hosts"), ("task", "only_if", "when"), ("setting", "parallel", "forks"),
    ("setting", "stock", "inventory"), ("connection variable", "ringfence_endpoint_name", "ringfence_endpoint"))
STILL = tuple(Deprecation(of, old, new, "0.0", "0.99") for of, old, new in NAMES)
GONE = tuple(Deprecation(of, old, new, "0.0", "0.1") for of, old, new in NAMES)
PROJECT = {
    "ringfence.yml": "stock: hosts.yml\nplaybooks: site.yml\nparallel: 7\n",
    "hosts.yml": "all:\n  hosts:\n    web1:\n      ringfence_endpoint_name: ours\n",
    "site.yml": "- targets: all\n  tasks:\n    - firewall_rule: {name: a, state: absent}\n      only_if: false\n"
                "    - firewall_rule: {name: b, state: absent}\n"}


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    return undisturbed(tmp_path, capsys, monkeypatch, PROJECT)


def test_old_names_work_and_are_told(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deprecations, "DEPRECATIONS", STILL)
    said = cli("validate", "--output", "json")
    assert said.code == 0, said
    assert json.loads(said.out)["result"] == {"hosts": ["web1"], "declared": 1}
    told = {(d["file"], d["line"]): d["summary"] for d in json.loads(said.out)["diagnostics"]}
    since = "is deprecated since ringfence 0.0, and removed in 0.99"
    assert told == {
        ("ringfence.yml", 1): f'"stock" {since}', ("ringfence.yml", 3): f'"parallel" {since}',
        ("hosts.yml", 4): f'"ringfence_endpoint_name" {since}', ("site.yml", 1): f'"targets" {since}',
        ("site.yml", 4): f'"only_if" {since}'}
    assert f'site.yml:1: warning: "targets" {since}\n    Write "hosts".' in said.err
    assert "forks: 7 (ringfence.yml:3)" in cli("plan", "--list-hosts", "-vv").err


def test_old_flags_and_variables(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deprecations, "DEPRECATIONS", STILL)
    said = cli("plan", "--list-hosts", "-vv", "--parallel", "3")
    assert "forks: 3 (the command line)" in said.err
    assert "warning: --parallel is deprecated since ringfence 0.0, and removed in 0.99\n    Write --forks." in said.err
    assert "--parallel" not in cli("plan", "--help").out
    summaries = [d["summary"] for d in json.loads(cli("validate", "--stock", "hosts.yml", "--output", "json").out)["diagnostics"]]
    assert "--stock is deprecated since ringfence 0.0, and removed in 0.99" in summaries
    assert cli("plan", "--list-hosts", "--stock", "web7,", "-q").out.split()[-1] == "web7"
    assert "--parallel: 'many' is not a whole number" in cli("plan", "--parallel", "many").err
    monkeypatch.setenv("RINGFENCE_PARALLEL", "4")
    said = cli("plan", "--list-hosts", "-vv")
    assert "forks: 4 (RINGFENCE_PARALLEL)" in said.err
    assert "warning: RINGFENCE_PARALLEL is deprecated since ringfence 0.0, and removed in 0.99\n" in said.err
    assert "    Write RINGFENCE_FORKS." in said.err
    assert "forks: 5 (the command line)" in cli("plan", "--list-hosts", "-vv", "-f", "5", "--parallel", "3").err


def test_names_whose_time_is_over_are_refused(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deprecations, "DEPRECATIONS", GONE)
    said = cli("validate")
    assert said.code == 1
    assert 'ringfence.yml:1: error: "stock" was removed in ringfence 0.1\n    Write "inventory".' in said.err
    cli.write({"ringfence.yml": "inventory: hosts.yml\nplaybooks: site.yml\n"})
    said = cli("validate")
    assert 'site.yml:1: error: "targets" was removed in ringfence 0.1\n    Write "hosts".' in said.err
    assert 'site.yml:4: error: "only_if" was removed in ringfence 0.1\n    Write "when".' in said.err
    cli.write({"site.yml": PROJECT["site.yml"].replace("targets", "hosts").replace("only_if", "when")})
    said = cli("validate")
    assert 'hosts.yml:4: error: "ringfence_endpoint_name" was removed in ringfence 0.1 (host web1)\n    Write' in said.err
    said = cli("plan", "--parallel", "3")
    assert (said.code, "error: --parallel was removed in ringfence 0.1\n    Write --forks." in said.err) == (1, True)
    monkeypatch.setenv("RINGFENCE_PARALLEL", "4")
    assert "error: RINGFENCE_PARALLEL was removed in ringfence 0.1" in cli("plan").err


def test_both_names_are_a_mistake(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deprecations, "DEPRECATIONS", STILL)
    cli.write({"ringfence.yml": PROJECT["ringfence.yml"] + "forks: 8\n"})
    said = cli("validate")
    assert (said.code, 'ringfence.yml:3: error: "parallel" and "forks" mean the same' in said.err) == (1, True)


def test_without_rows_they_are_names_like_any_other(cli: Cli) -> None:
    said = cli("validate")
    assert 'unknown key "stock" in ringfence.yml' in said.err
    assert "no such option '--parallel'" in cli("plan", "--parallel", "3").err


# --------------------------------------------------------------------------------------------------- the table itself

def test_rows_are_taken_out_when_their_time_is_over() -> None:
    for row in DEPRECATIONS:
        check_row(row)


def check_row(row: Deprecation) -> None:
    """Two minors at least, not past, and to a name that there is."""
    since, removed = ([int(part) for part in version.split(".")] for version in (row.since, row.removed))
    assert not row.has_ended(), f"{row.old}: take the row out"
    assert removed[0] > since[0] or removed[1] >= since[1] + 2
    known = {"play": PLAY_KEYS, "task": (*TASK_KEYS, *BLOCK_KEYS), "setting": (*SETTINGS, *PROJECT_KEYS),
             "connection variable": known_names()}[row.of]
    assert row.new in known
    assert row.old not in known


def test_the_check_of_rows_finds_what_it_is_for() -> None:
    check_row(Deprecation("setting", "parallel", "forks", "0.1", "0.3"))
    for of, old, new, since, removed in (("setting", "parallel", "forks", "0.1", __version__),
                                         ("setting", "parallel", "forks", "0.8", "0.9"), ("play", "x", "y", "0.1", "0.9"),
                                         ("setting", "quiet", "forks", "0.1", "0.9")):
        with pytest.raises(AssertionError):
            check_row(Deprecation(of, old, new, since, removed))  # type: ignore[arg-type]
