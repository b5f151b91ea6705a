"""Going on with a run that did not come to its end: how it was called, as its record keeps it, and what of that holds on."""

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from ringfence.cli.command import usage_error
from ringfence.cli.options import (
    FleetOptions,
    OwnershipOptions,
    PlanLimits,
    RecordOptions,
    RolloutOptions,
    SecretOptions,
    SelectionOptions,
    TrustOptions,
)
from ringfence.cli.prepared import plan_options, selection_of, trust_of
from ringfence.cli.resolved_settings import ResolvedSettings
from ringfence.diagnostics import Problems
from ringfence.errors import StalePlan
from ringfence.formats.plan_file import OPTIONS, PlanFile, decode_options, told_variables
from ringfence.formats.read_data import mapping_in, text_in, texts_in
from ringfence.inventory.patterns import pieces_of_limit
from ringfence.project import settings
from ringfence.report import HostResult
from ringfence.rollout.rollout_policy import ROLLOUT_KEYS
from ringfence.rollout.wave_checks import WaveCheck
from ringfence.run.past_runs import RESUMES, BegunWave, PastRun, Standing, past_run, past_runs, standing
from ringfence.run.prepare import Prepared
from ringfence.run_settings import SETTINGS
from ringfence.views.format import names

Resumption = Literal["of the run", "kept", "again", "anew"]
"""What becomes of an option of a run in the one that goes on with it: it is that of the run, and nothing else may be said; it is
kept where no flag says something else now; it has to be said again, since a record alone may not, or does not hold it; or it is
for one call, and what it loosens is strict again."""
RESUMED: Mapping[str, Resumption] = {
    **dict.fromkeys(("files", "inventory", "limit", "tags", "skip_tags"), "of the run"),
    **dict.fromkeys(("prune", "max_changes", "revert_after", *ROLLOUT_KEYS, "window", "forks", "unreachable", "user",
                     "max_age", "same_commit"), "kept"),
    **dict.fromkeys(("extra_vars", "engine", "ignore_ansible_cfg"), "again"),
    **dict.fromkeys(("force", "accept_inherited", "allow_empty", "yes"), "anew"),  # what switches a guard off
    **dict.fromkeys(("vault_password_file", "vault_id", "ask_vault_pass", "ask_pass"), "anew"),  # without them it does not begin
    **dict.fromkeys(("trust_dir", "allow_program", "untrusted"), "anew"),
    **dict.fromkeys(("processes", "list_hosts", "check", "resume", "run_dir", "lock_timeout"), "anew"),
    **dict.fromkeys(("output", "no_color", "no_fold", "quiet", "verbose", "log", "report", "full", "diff"), "anew"),
}  # every option of `apply`
_RECORDED = ("engine", "ignore_ansible_cfg")  # of those that have to be said again
_OF_WAVES = ("serial", "apart", "order")  # by which waves are made


@dataclass(frozen=True, slots=True)
class ApplyFlags:
    """How `apply` is called, as far as a run that goes on may want it: its files, and the groups of its flags."""

    files: list[str]
    selection: SelectionOptions
    secrets: SecretOptions
    trusted: TrustOptions
    hosts: FleetOptions
    ownership: OwnershipOptions
    rollout: RolloutOptions
    limits: PlanLimits

    def value(self, name: str) -> Any:
        """What one of the flags says."""
        return next(getattr(group, name) for f in fields(self) if hasattr(group := getattr(self, f.name), name))

    def completed(self, recorded: Mapping[str, Any], but: Collection[str]) -> "ApplyFlags":
        """With what a record has of flags, as it has it, `but` these. Raises ValueError."""
        values = {name: _parsed(name, value) for name, value in recorded.items() if name not in but}
        groups = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "files"}
        return replace(self, **{name: replace(group, **{n: v for n, v in values.items() if hasattr(group, n)})
                                for name, group in groups.items()})


@dataclass(frozen=True, slots=True)
class ResumedRun:
    """A run that is gone on with; one that is not has no id.

    left: the hosts that are not known to be done · waves: those of the run, where they hold on · begun: the last one that it
    began · kept: the flags that its record has · variables: the names of those that it had of -e · plan: the digest of its plan
    file.
    """

    flags: ApplyFlags
    run_id: str = ""
    left: Sequence[str] = ()
    waves: Sequence[Sequence[str]] = ()
    begun: BegunWave | None = None
    kept: Collection[str] = ()
    variables: Sequence[str] = ()
    plan: str | None = None

    @property
    def made_with(self) -> str:
        """The variables of -e, as a message names them."""
        return told_variables(self.variables)

    def check_plan(self, plan: PlanFile, file: str) -> None:
        """Raises StalePlan where a file is another plan than that of the run."""
        if self.run_id and plan.digest != self.plan:
            raise StalePlan(f"{file} is not the plan that the run {self.run_id} was begun with: it was made anew, or changed. "
                            f"`ringfence apply {file}` applies it as it is now")

    def check_variables(self, run: Prepared) -> None:
        """Raises InputError where variables are missing: what is declared without them may be something else."""
        if missing := told_variables(set(self.variables) - set(run.extra_vars)):
            raise usage_error(f"the run {self.run_id} was made with {missing}", "Give the same again: values are not recorded.")

    def missing(self, run: Prepared, others: Sequence[HostResult]) -> list[HostResult]:
        """What becomes of hosts that are left, and that are none of the run any more, beside `others`. Raises InputError where
        those are all of them."""
        there = {job.host for job in run.jobs}
        if self.left and not self.flags.trusted.allow_empty and there.isdisjoint(self.left):
            raise usage_error(f"no host that is left of the run {self.run_id} is in the inventory and the playbooks any more: "
                              f"{names(self.left)}", "`--allow-empty` says that it is meant so.")
        told = there | {result.host for result in others}
        reason = f"the run {self.run_id} left this host, the inventory and playbooks do not name it any more"
        return [HostResult(host, error=StalePlan(reason)) for host in self.left if host not in told]


# -- recorded


def how_to_resume(said: ResolvedSettings, again: ResumedRun, flags: ApplyFlags, run: Prepared,
                  plan: PlanFile | None, file: str) -> dict[str, Any]:
    """How a run is done again, as its record has it: paths are those in the project, as far as they lie in it, and of `-l @FILE`
    the patterns are kept. file: that of the plan."""
    options = plan_options(flags.files, flags.selection, flags.ownership)
    problems = Problems()
    limit = pieces_of_limit(",".join(options["limit"]), problems)
    problems.check()
    kept = [name for name, how in RESUMED.items() if name in SETTINGS and (
        how == "kept" or name in _RECORDED) and (said.by_user(name) or name in again.kept)]
    return {
        **options,
        "playbooks": [_in_record(run.folder, path) for path in options["playbooks"]],
        "inventory": [one if "," in one else _in_record(run.folder, one) for one in options["inventory"]],
        "limit": limit,
        **({"plan_file": _in_record(run.folder, file), "plan_sha256": plan.digest} if plan else {}),
        "settings": {name: _data(name, flags.value(name)) for name in kept},
        "extra_vars": list(run.extra_vars),
        **({RESUMES: again.run_id} if again.run_id else {}),
    }


def _in_record(folder: Path, path: str) -> str:
    project, whole = (Path(os.path.abspath(os.path.expanduser(p))) for p in (folder, path))
    return whole.relative_to(project).as_posix() if whole.is_relative_to(project) else str(whole)


def _here(folder: Path, path: str) -> str:
    """A path of a record, from the current folder."""
    return path if os.path.isabs(path) else os.path.relpath(os.path.join(folder, path))


def _data(name: str, value: Any) -> Any:
    """A value as `_parsed` takes it."""
    if isinstance(value, list):
        return [_data(name, one) for one in value]
    if isinstance(value, WaveCheck):
        return value.data
    if name == "pause" and isinstance(value, int):
        return f"{value}s"
    return value if isinstance(value, bool | int | float) else str(value)


def _parsed(name: str, value: Any) -> Any:
    """A value that a record has of a flag. Raises ValueError."""
    row = SETTINGS[name]
    if isinstance(value, list) != row.repeatable:
        raise ValueError(f"{name} is {'a list' if row.repeatable else 'no list'}")
    return [row.type.parse(one) for one in value] if row.repeatable else row.type.parse(value)


# -- gone on with


def resumed(resume: str, record: RecordOptions, now: ApplyFlags, said: ResolvedSettings) -> ResumedRun:
    """A run that is to be gone on with; `now`: what the call itself says, and where (`said`). Raises InputError."""
    if now.files or now.selection != SelectionOptions([], [], [], []):
        limit = "-l" if said.given("limit") or not now.selection.limit else f"-l (here {said.source('limit')})"
        raise usage_error(f"--resume does not go with files, -i, {limit}, -t or --skip-tags", "They are those of the run.")
    project = settings.load(Path.cwd(), trust_of(now.trusted))
    folder = project.folder
    past = past_run(folder, resume, record.run_dir, project.project, resumable=True)
    if past.is_running:
        raise usage_error(f"the run {past.run_id} is at work")
    options = past.options
    if options is None:
        raise usage_error(f"the run {past.run_id} was no apply", "Call its command again.")
    if not past.left:
        raise usage_error(f"the run {past.run_id} is done: no host is left")
    if "rollout" in options:
        raise usage_error(f"the record of the run {past.run_id} is of a version before, and does not say all of how it was to go",
                          "Call apply again as it was called then.")
    try:
        reached = standing(past, past_runs(folder, record.run_dir, project.project))
        return _resumed(past, reached, options, folder, now, said)
    except (ValueError, KeyError, TypeError) as error:
        raise usage_error(f"the record of the run {past.run_id} is damaged: {error}") from None


def _resumed(past: PastRun, reached: Standing, options: Mapping[str, Any], folder: Path, now: ApplyFlags,
             said: ResolvedSettings) -> ResumedRun:
    how = decode_options({name: value for name, value in options.items() if name in OPTIONS})
    recorded = {name: value for name, value in [
        *(("prune", mode) for mode in how["prune"]), *mapping_in(options.get("settings", {}), "settings").items(),
    ] if RESUMED.get(name) in ("kept", "again") and name in SETTINGS}
    flags = now.completed(recorded, [*_RECORDED, *(name for name in recorded if said.given(name))])
    _check_said_again(past.run_id, recorded, flags, now, said)
    plan = text_in(options, "plan_file") if "plan_file" in options else ""
    if plan:
        flags = replace(flags, files=[_here(folder, plan)])
    else:
        flags = replace(flags, files=[_here(folder, path) for path in how["playbooks"]], selection=replace(
            selection_of(how), inventory=[one if "," in one else _here(folder, one) for one in how["inventory"]]))
    digest = text_in(options, "plan_sha256") if "plan_sha256" in options else None
    variables = () if plan or "extra_vars" not in options else texts_in(options, "extra_vars")  # a plan names its own
    begun = reached.begun
    waves = () if said.given(*_OF_WAVES) else past.waves or ((begun.hosts,) if begun else ())
    return ResumedRun(flags, past.run_id, reached.left, waves, begun, recorded, variables, digest)


def _check_said_again(run_id: str, recorded: Mapping[str, Any], flags: ApplyFlags, now: ApplyFlags,
                      said: ResolvedSettings) -> None:
    """Raises InputError where something has to be said again by the user: what may run programs, and what counts before a record
    is read."""
    if any(check.kind == "command" and check not in now.rollout.verify for check in flags.rollout.verify):
        raise usage_error(f"the run {run_id} had a command run after its waves, which a record alone may not",
                          "Give its --verify again, all of them.")
    if recorded.get("ignore_ansible_cfg") and not now.trusted.ignore_ansible_cfg:  # variables of Ansible have counted by now
        raise usage_error(f"the run {run_id} left Ansible's settings alone", "Give --ignore-ansible-cfg again.")
    engine = recorded.get("engine", now.trusted.engine)
    if engine != now.trusted.engine and not said.given("engine"):
        raise usage_error(f"the run {run_id} was made with --engine {_parsed('engine', engine)}, which a record alone may not",
                          f"Give it again, or --engine {now.trusted.engine}.")
