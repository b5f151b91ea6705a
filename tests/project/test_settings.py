"""ringfence.yml: found from the folder upward, checked, paths relative to it."""

from pathlib import Path
from typing import Any

import pytest

from ringfence.diagnostics import InputError
from ringfence.project import settings


def test_without_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert settings.load() == settings.ProjectSettings(Path())


def test_found_above_and_relative_to_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ringfence.yml").write_text("inventory: [fleet, 'a,b,']\nplaybooks: plays/site.yml\nvault_password_file: .pw\n")
    (tmp_path / "plays" / "deep").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "plays" / "deep")
    assert settings.load() == settings.ProjectSettings(
        Path("../.."), ("../../fleet", "a,b,"), ("../../plays/site.yml",), "../../.pw"
    )
    monkeypatch.chdir(tmp_path)
    assert settings.load().playbooks == ("plays/site.yml",)


def test_an_empty_file_is_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ringfence.yml").write_text("# nothing\n")
    assert settings.load() == settings.ProjectSettings(Path())


@pytest.mark.parametrize(("text", "told"), [
    ("inventry: x\nprotected: []\nplaybooks: [1]\n", [
        'ringfence.yml:1: unknown key "inventry" in ringfence.yml\n    did you mean inventory? '
        "Allowed: inherit, inventory, max_changes, modules, playbooks, project, prune, require_scope, vault_password_file.",
        'ringfence.yml:2: "protected" is not supported yet',
        "ringfence.yml:3: playbooks takes the path of a file, not a number"]),
    ("vault_password_file: [a]\n", ["ringfence.yml:1: vault_password_file takes the path of a file, not a list"]),
    ("- a\n", ["ringfence.yml:1: ringfence.yml is a mapping, not a list\n"
                "    Allowed: inventory, playbooks, vault_password_file, modules, project, prune, max_changes, inherit, "
                    "require_scope."]),
    ("a: [\n", ["ringfence.yml:2: not YAML: while parsing a flow node did not find expected node content"]),
])
def test_mistakes(text: str, told: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ringfence.yml").write_text(text)
    with pytest.raises(InputError) as raised:
        settings.load()
    assert [str(d) for d in raised.value.diagnostics] == told
