"""Which policy is being applied: the project's name, and the commit that its folder has."""

import os
import subprocess
from pathlib import Path

from ringfence.model.ledger import ProjectIdentity
from ringfence.report import ProjectState

_SECONDS = 10
# what runs programs is off: monitors, hooks, the fetching of what a clone lacks, a repository that is a part of a folder's files
_GIT = ("git", "--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null",
        "-c", "protocol.allow=never", "-c", "safe.bareRepository=explicit")
_STATUS = (*_GIT, "status", "--porcelain=v2", "--branch", "--ignore-submodules=all", "--", ".")
_HEAD = (*_GIT, "rev-parse", "--verify", "HEAD")
_FILTERS = (*_GIT, "config", "--show-scope", "--get-regexp", r"^filter\..*\.(clean|process)$")


def project_state(folder: Path, project: ProjectIdentity | None, trusted: bool = True, besides: str = "") -> ProjectState | None:
    """What is known of the project in a folder; None where nothing is. git is asked unless the project is not `trusted`: it
    refuses folders of others itself (safe.directory), and its settings that run programs are switched off; where a filter of the
    repository's own would have to run, it is not known what differs. besides: a file in the folder that makes nothing dirty."""
    name, id = (project.name, project.id) if project else ("", "")
    commit, dirty = _committed(folder, besides) if trusted else ("", None)
    return ProjectState(name, commit, dirty, id) if id or commit else None


def _committed(folder: Path, besides: str) -> tuple[str, bool | None]:
    filters = _said(folder, *_FILTERS, none=1)
    if filters is None or any(line.split("\t")[0] in ("local", "worktree") for line in filters.splitlines()):
        return (_said(folder, *_HEAD) or "").strip(), None
    said = _said(folder, *_STATUS, *([f":(exclude,literal){besides}"] if besides else []))
    lines = (said or "").splitlines()
    commit = next((line.split()[2] for line in lines if line.startswith("# branch.oid ")), "")
    known = len(commit) >= 40  # "(initial)" before the first commit
    return (commit, any(not line.startswith("#") for line in lines)) if known else ("", None)


def _said(folder: Path, *asked: str, none: int = 0) -> str | None:
    """What git says; None where it fails, or is not there. none: the code by which it says that it finds nothing."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")} | {"LC_ALL": "C"}
    try:
        done = subprocess.run(asked, cwd=folder, env=environment, capture_output=True, timeout=_SECONDS, check=False,
                              stdin=subprocess.DEVNULL)
        return done.stdout.decode("utf-8", "replace") if done.returncode in (0, none) else None
    except (OSError, subprocess.SubprocessError):
        return None
