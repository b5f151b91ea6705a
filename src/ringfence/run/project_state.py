"""Which policy is being applied: the project's name, and the commit that its folder has."""

import os
import subprocess
from pathlib import Path

from ringfence.model.ledger import ProjectIdentity
from ringfence.report import ProjectState

_SECONDS = 10
_ASK = ("git", "--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "status", "--porcelain=v2",
        "--branch", "--ignore-submodules=all", "--", ".")


def project_state(folder: Path, project: ProjectIdentity | None, trusted: bool = True, besides: str = "") -> ProjectState | None:
    """What is known of the project in a folder; None where nothing is. git is asked unless the project is not `trusted`: it
    refuses folders of others itself (safe.directory), and its settings that run programs are switched off. besides: a file in the
    folder that makes nothing dirty."""
    name = project.name if project else ""
    commit, dirty = _committed(folder, besides) if trusted else ("", None)
    return ProjectState(name, commit, dirty) if name or commit else None


def _committed(folder: Path, besides: str) -> tuple[str, bool | None]:
    asked = (*_ASK, f":(exclude,literal){besides}") if besides else _ASK
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")} | {"LC_ALL": "C"}
    try:
        said = subprocess.run(asked, cwd=folder, env=environment, capture_output=True, timeout=_SECONDS, check=True,
                              stdin=subprocess.DEVNULL).stdout.decode("utf-8", "replace")
    except (OSError, subprocess.SubprocessError):
        return "", None
    lines = said.splitlines()
    commit = next((line.split()[2] for line in lines if line.startswith("# branch.oid ")), "")
    known = len(commit) >= 40  # "(initial)" before the first commit
    return (commit, any(not line.startswith("#") for line in lines)) if known else ("", None)
