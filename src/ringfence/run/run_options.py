"""What was asked of a run."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ringfence.documents.trust import Trust
from ringfence.documents.vault import Ask
from ringfence.rollout.maintenance_window import MaintenanceWindow
from ringfence.secret import Secret

if TYPE_CHECKING:  # commands that read no project import this too
    from ringfence.project.settings import ProjectSettings


def new_run_id() -> str:
    """What a run is known by: when it began, in UTC, and six digits of chance."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{os.urandom(3).hex()}"


@dataclass(frozen=True)
class RunOptions:
    """What the user asked for; what is empty comes from `ringfence.yml` in `project` or above it. heeded: the variables of
    Ansible that some of it came from · decided: which hosts and tasks is said already, by a plan or a record: what is empty of
    that stays so · ask: asks somebody for a password · rollout: settings of waves that the user gives · user, password: of
    connections of which no variable says them · connects: hosts are going to be connected to, from this machine · forks,
    verbosity: what templates see of it · began: the moment by which tasks
    have expired, or not: the same for all hosts, and for their proof."""

    project: Path
    playbooks: Sequence[str] = ()
    inventory: Sequence[str] = ()
    limit: Sequence[str] = ()
    narrowed: Sequence[str] = ()  # of the hosts that are left only these: arguments, or what --limit leaves of a plan
    tags: Sequence[str] = ()
    skip_tags: Sequence[str] = ()
    extra_vars: Sequence[str] = ()
    vault: Sequence[str] = ()
    ask: Ask | None = None
    user: str = ""
    password: Secret | None = None
    trust: Trust = Trust()
    ignore_ansible_cfg: bool = False
    allow_empty: bool = False
    prune: str = ""
    max_changes: int = 0
    revert_after: str = ""
    rollout: Mapping[str, Any] = field(default_factory=dict)
    window: Sequence[MaintenanceWindow] = ()
    accept_inherited: bool = False
    force: Sequence[str] = ()
    run_id: str = ""
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    heeded: frozenset[str] = frozenset()
    decided: bool = False
    connects: bool = True
    forks: int | None = None
    verbosity: int = 0

    def completed(self, found: "ProjectSettings") -> "RunOptions":
        """With what the project says where the user says nothing."""
        names = ("extra_vars",) if self.decided else ("limit", "tags", "skip_tags", "extra_vars")
        return replace(self, **{name: getattr(self, name) or getattr(found, name) for name in names})

    @property
    def named_files(self) -> tuple[str, ...]:
        """The files that the user names."""
        inventories = [i for i in self.inventory if "," not in i]
        beside = [str(Path(i).parent / name) for i in inventories for name in ("group_vars", "host_vars")]
        said = (*self.extra_vars, *self.limit, *self.narrowed)
        return (*self.playbooks, *inventories, *beside, *(f[1:] for f in said if f.startswith("@")))
