"""How a run goes on each host: what the command line says, else plays, else ringfence.yml."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ringfence.diagnostics import NOWHERE, Diagnostic, suggest
from ringfence.documents.trust import ALLOW_PROGRAM, Trust, user_file
from ringfence.model.declaration import Declarations, present
from ringfence.project.project import Project
from ringfence.project.settings import ProjectSettings
from ringfence.rollout.rollout_policy import ROLLOUT_KEYS, RolloutPolicy, rollout_policy
from ringfence.run.host_job import HostJob
from ringfence.run.run_options import RunOptions
from ringfence.run_settings import seconds_of

_TOLD = 5  # hosts of a warning that are named


class OfHosts:
    """The settings of hosts that plays may say, for the hosts of one project."""

    def __init__(self, project: Project, found: ProjectSettings, options: RunOptions, trust: Trust) -> None:
        self._project, self._found, self._options, self._trust = project, found, options, trust
        self._said = project.run_keys
        self._known: dict[str, RolloutPolicy] = {}

    def of(self, host: str) -> tuple[dict[str, Any], list[Diagnostic]]:
        """The values of a HostJob, and what plays do not agree on, or may not say."""
        wrong: list[Diagnostic] = []
        told: dict[str, Any] = {}
        for key in self._said:
            value, disagree = self._project.of_run(host, key)
            wrong += disagree
            if value is not None:
                told[key] = value
        revert_after = told.get("revert_after")
        reverts = None if self._options.revert_after or not revert_after else seconds_of(str(revert_after))
        windows = tuple(self._options.window) or tuple(told.get("window", ())) or self._found.window
        rollout = self._rollout(told)
        wrong += self._forbidden(rollout)
        return {"prune": self._options.prune or told.get("prune"), "revert_after": reverts, "windows": windows,
                "rollout": rollout}, wrong

    def _rollout(self, told: Mapping[str, Any]) -> RolloutPolicy:
        said = {**self._found.rollout, **{n: v for n, v in told.items() if n in ROLLOUT_KEYS}, **self._options.rollout}
        return self._known.setdefault(repr(said), rollout_policy(said))

    def _forbidden(self, rollout: RolloutPolicy) -> list[Diagnostic]:
        """The programs that a project may not have run."""
        own = self._options.rollout.get("verify")  # the user's own are allowed as such
        commands = [] if own else [check.words[0] for check in rollout.verify if check.kind == "command"]
        return [Diagnostic(NOWHERE, f"a project may not run programs here: verify has {program}",
                           f"Allow it with --allow-program {program}, with {ALLOW_PROGRAM}, or under `programs` in {user_file()}")
                for program in commands if not self._trust.allows_program(program_path(program, self._found.folder))]


def apart_problems(jobs: Sequence[HostJob], project: Project) -> Iterator[Diagnostic]:
    """What is wrong with what keeps hosts apart: a group that nobody knows, a variable that no host has: nothing would be kept
    apart by it. Whose variable is empty is in common with nobody, and somebody said so."""
    for one in dict.fromkeys(apart for job in jobs for apart in job.rollout.apart):
        if one.group not in project.inventory.members:
            groups = sorted(project.inventory.members)
            yield Diagnostic(NOWHERE, f"apart: there is no group {one.group}{suggest(one.group, groups, '; ')}",
                             "`GROUP`, or `GROUP by VARIABLE`; `all` is every host")
            continue
        if not one.by or one.fact:
            continue
        members = frozenset(project.inventory.members[one.group])
        mine = [job.host for job in jobs if job.host in members and one in job.rollout.apart]
        lacking = list[str]()
        for host in mine:
            values, wrong = project.variables(host, one.by.__eq__)
            yield from wrong
            lacking += [host] if one.by not in values and not wrong else []
        if not lacking:
            continue
        if len(lacking) == len(mine) and not any(project.variables(host, one.by.__eq__)[0] for host in members):
            yield Diagnostic(NOWHERE, f"apart: no host of {one.group} has the variable {one.by}", "Hosts with the same value of "
                             "it are kept apart; so they are by a fact, such as ansible_facts.domain")
        else:
            some = ", ".join(lacking[:_TOLD]) + (f" and {len(lacking) - _TOLD} more" if len(lacking) > _TOLD else "")
            yield Diagnostic(NOWHERE, f"apart: {one}: {some} have no such variable, and are kept apart from nobody",
                             f"`{one.by}: \"\"` says that it is meant so", "warning")


def program_path(program: str, folder: Path) -> str:
    """A program of a check as it is run: with a path it is meant from the folder of the project, else it is on the PATH."""
    return os.path.join(os.path.realpath(folder), program) if os.path.dirname(program) else shutil.which(program) or program


def tunnels_of(declarations: Declarations) -> frozenset[str]:
    """The tunnels that are declared: each by its two ends, in order, so that both hosts have the same."""
    found = set[str]()
    for one in present(declarations.values()):
        rule = one.resource
        if one.id.kind == "ipsec_rule" and getattr(rule, "mode", "") == "tunnel":
            for here in getattr(rule, "local_tunnel_endpoint", ()):
                found.update(" ".join(sorted((here, there))) for there in getattr(rule, "remote_tunnel_endpoint", ()))
    return frozenset(found)
