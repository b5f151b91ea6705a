"""Which commit of a project is applied, as git tells, and nothing of the repository's own programs runs for it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ringfence.model.ledger import ProjectIdentity
from ringfence.report import ProjectState
from ringfence.run.project_state import project_state

CORP = ProjectIdentity("corp", "0123456789abcdef")
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="no git")


def git(folder: Path, *arguments: str) -> str:
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b",
           "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
    done = subprocess.run(["git", *arguments], cwd=folder, env=os.environ | own, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository" / "policy"
    folder.mkdir(parents=True)
    (folder / "ringfence.yml").write_text("inventory: hosts.yml\n", encoding="utf-8")
    git(folder.parent, "init", "-q")
    git(folder.parent, "add", ".")
    git(folder.parent, "commit", "-q", "-m", "one")
    return folder


@needs_git
def test_the_commit_and_whether_all_is_in_it(repository: Path) -> None:
    commit = git(repository, "rev-parse", "HEAD").strip()
    assert project_state(repository, CORP) == ProjectState("corp", commit, False, CORP.id)
    (repository.parent / "elsewhere").write_text("x", encoding="utf-8")
    assert project_state(repository, None) == ProjectState("", commit, False)  # that is no part of the project
    (repository / "new.yml").write_text("x", encoding="utf-8")
    assert project_state(repository, CORP) == ProjectState("corp", commit, True, CORP.id)


@needs_git
def test_a_file_that_is_left_out_makes_nothing_dirty(repository: Path) -> None:
    """By its whole name: characters that git takes for a pattern are none."""
    commit = git(repository, "rev-parse", "HEAD").strip()
    (repository / "plan[1].json").write_text("x", encoding="utf-8")
    assert project_state(repository, CORP, besides="plan[1].json") == ProjectState("corp", commit, False, CORP.id)
    assert project_state(repository, CORP, besides="other.json") == ProjectState("corp", commit, True, CORP.id)
    (repository / "plan1.json").write_text("x", encoding="utf-8")
    assert project_state(repository, CORP, besides="plan[1].json") == ProjectState("corp", commit, True, CORP.id)


@needs_git
def test_a_repository_runs_nothing(repository: Path) -> None:
    script = repository.parent / "hook"
    script.write_text(f"#!/bin/sh\ntouch {repository.parent}/ran\n", encoding="utf-8")
    script.chmod(0o755)
    for key in ("core.fsmonitor", "core.sshCommand", "diff.external"):
        git(repository, "config", key, str(script))
    git(repository, "config", "core.hooksPath", str(repository.parent))
    assert project_state(repository, CORP) is not None
    assert not (repository.parent / "ran").exists()


@needs_git
def test_a_filter_of_the_repository_does_not_run(repository: Path) -> None:
    """What differs is not known then; the commit is."""
    commit = git(repository, "rev-parse", "HEAD").strip()
    git(repository, "config", "filter.evil.clean", f"touch {repository.parent}/ran; cat")
    (repository / ".gitattributes").write_text("* filter=evil\n", encoding="utf-8")
    (repository / "ringfence.yml").write_text("inventory: other.yml\n", encoding="utf-8")
    assert project_state(repository, CORP) == ProjectState("corp", commit, None, CORP.id)
    assert not (repository.parent / "ran").exists()


@needs_git
def test_a_git_that_does_not_say_whether_there_are_filters(repository: Path, tmp_path: Path,
                                                           monkeypatch: pytest.MonkeyPatch) -> None:
    """One of before 2.26 does not know --show-scope."""
    commit = git(repository, "rev-parse", "HEAD").strip()
    old = tmp_path / "bin" / "git"
    old.parent.mkdir()
    asked = 'case "$*" in *--show-scope*) exit 129;; esac'
    old.write_text(f'#!/bin/sh\n{asked}\nexec {shutil.which("git")} "$@"\n', encoding="utf-8")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{old.parent}:{os.environ['PATH']}")
    assert project_state(repository, CORP) == ProjectState("corp", commit, None, CORP.id)


@needs_git
def test_a_repository_among_the_files_of_a_project_is_none(tmp_path: Path) -> None:
    """A clone may bring one: a bare one needs no folder .git."""
    git(tmp_path, "init", "-q", "--bare")
    git(tmp_path, "config", "core.bare", "false")
    git(tmp_path, "config", "core.worktree", ".")
    git(tmp_path, "config", "filter.evil.clean", f"touch {tmp_path}/ran; cat")
    (tmp_path / ".gitattributes").write_text("* filter=evil\n", encoding="utf-8")
    (tmp_path / "ringfence.yml").write_text("inventory: hosts.yml\n", encoding="utf-8")
    git(tmp_path, "-c", "filter.evil.clean=cat", "add", "ringfence.yml")
    git(tmp_path, "commit", "-q", "-m", "one")
    (tmp_path / "ran").unlink(missing_ok=True)
    (tmp_path / "ringfence.yml").write_text("inventory: others.yml\n", encoding="utf-8")
    state = project_state(tmp_path, CORP)
    assert state is not None
    assert state.dirty is None
    assert not (tmp_path / "ran").exists()


@needs_git
def test_where_there_is_no_commit(tmp_path: Path) -> None:
    assert project_state(tmp_path, None) is None
    git(tmp_path, "init", "-q")
    assert project_state(tmp_path, CORP) == ProjectState("corp", "", None, CORP.id)


@needs_git
def test_an_untrusted_project_is_not_asked(repository: Path) -> None:
    assert project_state(repository, CORP, trusted=False) == ProjectState("corp", "", None, CORP.id)


@needs_git
def test_without_git(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert project_state(repository, CORP) == ProjectState("corp", "", None, CORP.id)


@needs_git
def test_the_repository_is_that_of_the_folder_whatever_the_caller_works_in(
        repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hook of git runs with GIT_DIR of its own repository."""
    commit = git(repository, "rev-parse", "HEAD").strip()
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    assert project_state(repository, CORP) == ProjectState("corp", commit, False, CORP.id)
