"""How this run treats what is whose: made of ringfence.yml, the command line and the time."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from ringfence.files import MAX_DOCUMENT, read_bytes
from ringfence.model.ledger import Prune
from ringfence.plan.run_policy import RunPolicy
from ringfence.project.settings import ProjectSettings
from ringfence.run.run_options import RunOptions, new_run_id
from ringfence.run_settings import DEFAULT_REVERT_AFTER, seconds_of
from ringfence.secret import SCRYPT_COST
from ringfence.types.moments import moment_text


def run_policy(options: RunOptions, found: ProjectSettings, playbooks: Sequence[str],
               environment: Mapping[str, str | None] = {}) -> RunPolicy:
    """The policy of a run of these playbooks. environment: what their tasks read of it."""
    prune = options.prune or found.prune or ("created" if found.project else "report")
    return RunPolicy(project=found.project, prune=cast(Prune, prune), partial=_partial(options, found, playbooks),
                     inputs=_inputs(options, found, environment) if found.project else "", run_id=options.run_id or new_run_id(),
                     playbooks=tuple(_relative(p, found.folder) for p in playbooks),
                     max_changes=options.max_changes or found.max_changes,
                     accepts_inherited=options.accept_inherited or found.inherit, forced=frozenset(options.force),
                     protected_flows=found.protected_flows, guard=found.guard,
                     revert_after=seconds_of(options.revert_after or found.revert_after or DEFAULT_REVERT_AFTER),
                     began=moment_text(options.began))


def _partial(options: RunOptions, found: ProjectSettings, playbooks: Sequence[str]) -> str:
    """Why the run does not see all that the project declares; nothing where it does."""
    if options.tags or options.skip_tags:
        return "--tags or --skip-tags chose"
    if {os.path.realpath(p) for p in playbooks} != {os.path.realpath(p) for p in found.playbooks}:
        return "not all playbooks of ringfence.yml are read"
    return ""


def _inputs(options: RunOptions, found: ProjectSettings, environment: Mapping[str, str | None]) -> str:
    """A digest of what else decides what is declared: the values of -e and of the environment, which may be secret, and which
    inventories there are."""
    inventory = [i if "," in i else _relative(i, found.folder) for i in options.inventory or found.inventory]
    if not options.extra_vars and not environment:
        return hashlib.sha256(json.dumps(inventory).encode()).hexdigest()[:32]
    said = [_said(value) for value in options.extra_vars]
    text = json.dumps([inventory, said, sorted(environment.items())] if environment else [inventory, said])
    assert found.project is not None
    salt = found.project.id.encode()
    return hashlib.scrypt(text.encode("utf-8", "surrogatepass"), salt=salt, n=SCRYPT_COST, r=8, p=1).hex()[:32]


def _said(value: str) -> str:
    """A value of -e; of a file its content."""
    if not value.startswith("@"):
        return value
    return hashlib.sha256(read_bytes(value[1:], MAX_DOCUMENT)).hexdigest()


def _relative(path: str, folder: Path) -> str:
    return Path(os.path.relpath(os.path.realpath(path), os.path.realpath(folder))).as_posix()
