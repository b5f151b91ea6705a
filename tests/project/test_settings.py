"""ringfence.yml: found from the folder upward, checked, paths relative to it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ringfence import __version__
from ringfence.diagnostics import InputError, Where
from ringfence.documents.trust import Trust
from ringfence.project import settings
from ringfence.run_settings import PROJECT_KEYS, SETTINGS


def test_without_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert settings.load() == settings.ProjectSettings(Path())


def test_found_above_and_relative_to_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ringfence.yml").write_text("inventory: [fleet, 'a,b,']\nplaybooks: plays/site.yml\nvault_password_file: .pw\n")
    (tmp_path / "plays" / "deep").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "plays" / "deep")
    assert settings.load() == settings.ProjectSettings(
        Path("../.."), ("../../fleet", "a,b,"), ("../../plays/site.yml",), ("../../.pw",)
    )
    monkeypatch.chdir(tmp_path)
    assert settings.load().playbooks == ("plays/site.yml",)


@pytest.mark.parametrize("make", [lambda path: path.symlink_to("nowhere"), Path.mkdir, lambda path: path.symlink_to(path)])
def test_what_cannot_be_read_is_not_taken_for_nothing(make: Callable[[Path], None], tmp_path: Path,
                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    """Its guards would vanish with a link that leads nowhere."""
    (tmp_path / "plays").mkdir()
    make(tmp_path / "ringfence.yml")
    monkeypatch.chdir(tmp_path / "plays")
    with pytest.raises(InputError, match=r"ringfence\.yml: cannot be read"):
        settings.load()


def test_an_empty_file_is_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ringfence.yml").write_text("# nothing\n")
    assert settings.load() == settings.ProjectSettings(Path())


ALLOWED = f"Allowed: {', '.join(sorted(settings.KEYS))}."


@pytest.mark.parametrize(("text", "told"), [
    ("inventry: x\nprotected: []\nplaybooks: [1]\n", [
        f'ringfence.yml:1: unknown key "inventry" in ringfence.yml\n    did you mean inventory? {ALLOWED}',
        'ringfence.yml:2: "protected" is not supported yet',
        "ringfence.yml:3: playbooks takes the path of a file, not a number"]),
    ("vault_password_file: {a: b}\n", ["ringfence.yml:1: vault_password_file takes the path of a file, not a mapping"]),
    ("- a\n", [f"ringfence.yml:1: ringfence.yml is a mapping, not a list\n    {ALLOWED}"]),
    ("a: [\n", ["ringfence.yml:2: not YAML: while parsing a flow node did not find expected node content"]),
    ("forks: 0\nlock_timeout: -1\nmax_changes: many\noutput: xml\nquiet: perhaps\ntags: [a, {b: c}]\n", [
        "ringfence.yml:1: forks: 0 is not in 1-1000",
        "ringfence.yml:2: lock_timeout: -1 is no number of seconds from 0 to 86400",
        "ringfence.yml:3: max_changes: 'many' is not a whole number",
        "ringfence.yml:4: output: 'xml' is not one of text, json, jsonl",
        "ringfence.yml:5: quiet: 'perhaps' is neither true nor false",
        "ringfence.yml:6: tags: {'b': 'c'} is not a text, but a mapping: one value is wanted here"]),
    ("log: 5\nrun_dir: []\nvault_id: prod\nextra_vars: {a: 1}\n", [
        "ringfence.yml:1: log takes the path of a file, not a number",
        "ringfence.yml:2: run_dir takes the path of a file, not a list",
        "ringfence.yml:3: vault_id takes LABEL@FILE, not 'prod'",
        "ringfence.yml:4: extra_vars: {'a': 1} is not a text, but a mapping: one value is wanted here\n"
        "    Write it as -e has it; variables of a project belong into group_vars/."]),
    ("yes: true\nforce: percent\nallow_empty: true\naccept_inherited: true\nlist_hosts: true\n", [
        "ringfence.yml:1: yes does not belong into ringfence.yml: it switches a guard off\n    Give --yes on the command line.",
        "ringfence.yml:2: force does not belong into ringfence.yml: it switches a guard off\n"
        "    Give --force on the command line.",
        "ringfence.yml:3: allow_empty does not belong into ringfence.yml: it switches a guard off\n"
        "    Give --allow-empty on the command line.",
        "ringfence.yml:4: accept_inherited does not belong into ringfence.yml: it switches a guard off (`inherit: true` in "
        "ringfence.yml is for pools that are made from images)\n    Give --accept-inherited on the command line.",
        "ringfence.yml:5: list_hosts does not belong into ringfence.yml: it asks something of one call\n"
        "    Give --list-hosts on the command line."]),
    ("trust_dir: /\nallow_program: /bin/sh\nuntrusted: false\n", [
        f"ringfence.yml:{line}: {name} does not belong into ringfence.yml: a project cannot say of itself that it is trusted\n"
        f"    Give {flag} on the command line, or set {variable}." for line, name, flag, variable in (
            (1, "trust_dir", "--trust-dir", "RINGFENCE_TRUST_DIR"),
            (2, "allow_program", "--allow-program", "RINGFENCE_ALLOW_PROGRAM"),
            (3, "untrusted", "--untrusted", "RINGFENCE_UNTRUSTED"))]),
    ('required_version: ">=99"\nnonsense: 1\n', [
        f"ringfence.yml:1: the project is for ringfence >=99, and this is {__version__}\n"
        "    Install such a release, for example with pip install 'ringfence>=99'."]),
    ("required_version: 0.2\n", ["ringfence.yml:1: required_version: 0.2 is no specifier of versions\n"
                                 '    For example ">=0.2,<2", in quotes.']),
    (f"required_version: '>={'9' * 300}'\n", [f"ringfence.yml:1: required_version: '>={'9' * 54}… is no specifier of versions\n"
                                              '    For example ">=0.2,<2", in quotes.']),
    ("# a\nrequired_version: new\n", ["ringfence.yml:2: required_version: 'new' is no specifier of versions\n"
                                       '    For example ">=0.2,<2", in quotes.']),
])
def test_mistakes(text: str, told: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ringfence.yml").write_text(text)
    with pytest.raises(InputError) as raised:
        settings.load()
    assert [str(d) for d in raised.value.diagnostics] == told


SAID = """\
forks: 7
log: logs/ringfence.log
run_dir: runs
unreachable: warn
diff: no
vault_id: [prod@.pw, dev@secrets/dev]
extra_vars: ["a=1", "@more.yml"]
limit: "@hosts.txt"
tags: web
required_version: ">=0.1"
"""


def test_what_it_says_of_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ringfence.yml").write_text(SAID)
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    found = settings.load()
    assert {name: said.value for name, said in found.run.items()} == {
        "forks": 7, "log": "../logs/ringfence.log", "run_dir": "../runs", "unreachable": "warn", "diff": False}
    assert found.run["unreachable"].where == Where("../ringfence.yml", 4)
    assert found.vault_id == ("prod@../.pw", "dev@../secrets/dev")
    assert found.extra_vars == ("a=1", "@../more.yml")
    assert (found.limit, found.tags) == (("@../hosts.txt",), ("web",))


@pytest.mark.parametrize("text", ["vault_id: a@/etc/passwd", "vault_password_file: [.pw, ../pw]",
                                  "limit: '@/etc/hosts'", "extra_vars: [a=1, '@../x']", "inventory: ../hosts"])
def test_an_untrusted_project_names_no_path_outside_of_it(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ringfence.yml").write_text(f"{text}\n")
    settings.load()
    with pytest.raises(InputError, match=r"ringfence\.yml:1: .*is outside of the project, and the project is untrusted"):
        settings.load(trust=Trust(untrusted=True))


@pytest.mark.parametrize("path", ["../x", "/tmp/x", "~/.bashrc", ".git/config", "sub/.git/hooks/x", "link/x", "."])
@pytest.mark.parametrize("key", ["log", "run_dir"])
def test_a_project_writes_inside_of_its_folder(key: str, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "link").symlink_to(tmp_path)
    monkeypatch.chdir(project)
    Path("ringfence.yml").write_text(f"{key}: {path}\n")
    if path == ".":
        assert settings.load().run[key].value == "."
        return
    with pytest.raises(InputError, match=rf"ringfence\.yml:1: {key}: .*no path that a project may have written") as raised:
        settings.load()
    assert f"--{key.replace('_', '-')}, RINGFENCE_{key.upper()}" in str(raised.value)


def test_an_untrusted_project_does_not_say_how_a_run_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ringfence.yml").write_text("log: x.log\nquiet: true\nrun_dir: runs\ntags: web\n")
    assert set(settings.load().run) == {"log", "quiet", "run_dir"}
    found = settings.load(trust=Trust(untrusted=True))
    assert (found.run, found.tags) == ({}, ("web",))
    Path("ringfence.yml").write_text("forks: none\n")
    with pytest.raises(InputError, match="forks: 'none' is not a whole number"):
        settings.load(trust=Trust(untrusted=True))


def test_every_key_has_its_reader_and_its_row() -> None:
    assert PROJECT_KEYS.keys() | {name for name, row in SETTINGS.items() if row.from_project} == settings.KEYS
    assert PROJECT_KEYS.keys() == set(settings._READERS)
