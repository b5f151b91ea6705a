"""Plan files between the command line and the hosts: written, read again, shown, and held against what is there now."""

import getpass
import os
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from ringfence import files
from ringfence.cli.command import usage_error
from ringfence.cli.console import Console
from ringfence.diagnostics import NOWHERE, Diagnostic, InputError, Problems
from ringfence.documents.trust import Trust
from ringfence.documents.yaml import read_text
from ringfence.errors import ExitCode, StalePlan
from ringfence.formats.approval import Approval
from ringfence.formats.plan_file import TARGET_PARTS, PlanEncoder, PlanFile, PlanHead, decode, is_inside, told_variables
from ringfence.inventory.patterns import pieces_of_limit
from ringfence.project import settings
from ringfence.report import HostResult, ProjectState, Report
from ringfence.run.fleet import RunObserver
from ringfence.run.prepare import Prepared, load_kinds
from ringfence.run.project_state import project_state
from ringfence.run_settings import UNITS
from ringfence.transports.connection_settings import ConnectionSettings
from ringfence.transports.way_in import WayIn, way_in
from ringfence.views.format import names
from ringfence.views.plan_view import origin, plan_head
from ringfence.views.table import VIEWS

ENDING = ".json"  # of plan files, among playbooks and hosts
FROM_THE_FUTURE = 300.0  # seconds by which clocks may differ


class PlanFileObserver(RunObserver):
    """Makes a plan file of what comes of the hosts of a run."""

    def __init__(self, run: Prepared) -> None:
        self.encoder = PlanEncoder(os.urandom(16))
        self._settings: dict[str, ConnectionSettings] = {job.host: job.settings for job in run.jobs}
        self.without: list[str] = []  # hosts whose changes are not known, or may not be made

    def on_result(self, result: HostResult) -> None:
        self.encoder.add(result, way_in(self._settings[result.host]))
        if result.error is not None or result.status == "invalid":
            self.without.append(result.host)


# -- written


def options_in_project(folder: Path, options: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    """How a plan is made, with paths as they are in the project: a plan file names nothing outside of it. Raises InputError."""
    problems = Problems()
    limits = pieces_of_limit(",".join(options["limit"]), problems)
    problems.check()
    inventory = [said if "," in said else _in_project(folder, said) for said in options["inventory"]]
    return {
        **options,
        "playbooks": [_in_project(folder, p) for p in options["playbooks"]],
        "inventory": inventory,
        "limit": limits,
    }


def _in_project(folder: Path, path: str) -> str:
    found = _relative(folder, os.path.expanduser(path))
    if found is None:
        raise usage_error(
            f"a plan file cannot name {path}, which lies outside of the project",
            f"The project is the folder {os.path.realpath(folder)}: put it there, or plan without -o.",
        )
    return found


def _relative(folder: Path, path: str) -> str | None:
    """A path as it is in the project; None where it leads out of it."""
    relative = Path(os.path.relpath(os.path.realpath(path), os.path.realpath(folder))).as_posix()
    return relative if is_inside(relative) else None


def digests(run: Prepared) -> dict[str, str]:
    """{path in the project: SHA-256} of the files of the project that the run has read."""
    found = {}
    for path in sorted(run.read):
        if relative := _relative(run.folder, path):
            try:
                found[relative] = files.digest(path)
            except (OSError, ValueError):  # whoever wanted it has said so
                continue
    return found


def head_of(console: Console, run: Prepared, options: Mapping[str, Sequence[str]], file: str, salt: bytes) -> PlanHead:
    """How the plan of a run was made. `file`: where it is going to stand, which makes no project dirty."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container's user need not have a name
        user = ""
    return PlanHead(
        made_at=datetime.now(UTC),
        run_id=console.run_id,
        user=user,
        machine=platform.node(),
        project=state_of(run, file),
        options=options,
        extra_vars=sorted(run.extra_vars),
        vault_ids=run.vault_ids,
        files=digests(run),
        salt=salt,
    )


def state_of(run: Prepared, file: str) -> ProjectState:
    """The state of the run's project, the plan file itself left out."""
    return project_state(run.folder, run.context.policy.project, besides=_relative(run.folder, file) or "") or ProjectState()


# -- read again


def is_plan_file(names: Iterable[str]) -> bool:
    """Whether one of the files that the command line names is a plan."""
    return any(name.endswith(ENDING) for name in names)


def read_plan(file: str, trust: Trust) -> PlanFile:
    """A plan from a file. Raises InputError."""
    problems = Problems()
    text = read_text(file, problems, limit=files.MAX_PLAN)
    problems.check()
    return decode(text or "", file, load_kinds(settings.load(Path.cwd(), trust), trust))


def options_here(said: Mapping[str, Sequence[str]], folder: Path) -> dict[str, list[str]]:
    """How a plan is made, with paths from the current folder. Raises InputError where one leads out of the project."""

    def here(path: str) -> str:
        if _relative(folder, os.path.join(folder, path)) is None:
            raise usage_error(f"the plan names {path}, which leads out of the project")
        return os.path.relpath(os.path.join(folder, path))

    return {
        **{name: [*values] for name, values in said.items()},
        "playbooks": [here(p) for p in said["playbooks"]],
        "inventory": [i if "," in i else here(i) for i in said["inventory"]],
    }


def check_age(head: PlanHead, max_age: str, now: datetime) -> None:
    """Raises StalePlan where a plan is older than --max-age (a number and a unit; empty: any age)."""
    if not max_age:
        return
    age = (now - head.made_at).total_seconds()
    if age > int(max_age[:-1]) * UNITS[max_age[-1]]:
        raise StalePlan(f"the plan was made {age / 3600:.1f} hours ago, and --max-age is {max_age}. Make a new plan")
    if age < -FROM_THE_FUTURE:
        raise StalePlan(
            f"the plan says that it was made {-age / 3600:.1f} hours from now. Set the clocks right, or make a new plan"
        )


def check_project(run: Prepared, head: PlanHead, file: str, same_commit: bool) -> None:
    """Raises StalePlan where the plan is of another project, or with --same-commit of another state of it."""
    mine = run.context.policy.project
    if head.project.id and mine and head.project.id != mine.id:
        raise StalePlan(f"the plan is of the project {head.project.name} ({head.project.id}), this is {mine.name} ({mine.id})")
    if same_commit and (reason := _other_commit(head.project, state_of(run, file))):
        raise StalePlan(f"--same-commit: {reason}")


def _other_commit(then: ProjectState, now: ProjectState) -> str:
    if not then.commit or not now.commit:
        return (
            "the project was in no git repository when the plan was made" if now.commit else "the project is in no git repository"
        )
    if then.commit != now.commit:
        return f"the plan was made at {then.commit}, the project is at {now.commit}"
    if then.dirty:
        return "when the plan was made, something in the project was not committed"
    if None in (then.dirty, now.dirty):
        return "whether all of the project is committed is not known: a filter of its repository would have to run"
    return "something in the project is not committed" if now.dirty else ""


@contextmanager
def made_with_told(what: str, made_with: str) -> Iterator[None]:
    """What is wrong with a project without the variables that a plan or a run (`what`) was made with is told with their names."""
    try:
        yield
    except InputError as error:
        if not made_with:
            raise
        told = Diagnostic(NOWHERE, f"the {what} was made with {made_with}", "Give the same again.", "note")
        raise InputError([*error.diagnostics, told]) from None


def changed_since(run: Prepared, head: PlanHead) -> Iterator[Diagnostic]:
    """How the plan was made, and what is otherwise since then as far as it is known before a host is asked."""
    yield Diagnostic(NOWHERE, origin(head), severity="note")
    if missing := told_variables(set(head.extra_vars) - set(run.extra_vars)):
        yield Diagnostic(NOWHERE, f"the plan was made with {missing}", "Give the same again: where "
                         "it matters, hosts are stale without.", "warning")
    now = digests(run)
    if changed := [path for path, digest in head.files.items() if now.get(path, digest) != digest]:
        yield Diagnostic(NOWHERE, f"changed since the plan was made: {names(changed)}", "What is done is what was approved, or "
                         "nothing.", "note")


def approvals(plan: PlanFile, run: Prepared, narrowed: bool) -> tuple[dict[str, Approval], list[HostResult]]:
    """What was agreed to for the hosts of the run, and what is to be told of those of the plan to which nothing is done."""
    jobs = {job.host: job for job in run.jobs}
    agreed: dict[str, Approval] = {}
    others: list[HostResult] = []
    for host, planned in plan.hosts.items():
        if host not in jobs:
            if not narrowed:
                others.append(
                    HostResult(
                        host,
                        error=StalePlan("the plan names this host, the inventory and playbooks do not any more. Make a new plan"),
                    )
                )
        elif not planned.is_planned:
            note = Diagnostic(
                NOWHERE,
                f"nothing is done here: it was {planned.result.status} when the plan was made",
                "Make a new plan of it.",
                "note",
            )
            others.append(replace(planned.result, diagnostics=(note, *planned.result.diagnostics)))
        elif reason := _other_target(planned.target, way_in(jobs[host].settings)):
            others.append(HostResult(host, error=StalePlan(reason)))
        else:
            agreed[host] = plan.approval(host, run.extra_vars)
    return agreed, others


def _other_target(then: WayIn, now: WayIn) -> str:
    differ = [part for part in TARGET_PARTS if getattr(then, part) != getattr(now, part)]
    told = ", ".join(f"{part} {getattr(then, part) or 'none'}, now {getattr(now, part) or 'none'}" for part in differ)
    return f"it is reached otherwise than when the plan was made: {told}. Make a new plan" if differ else ""


# -- shown


def show_plan(console: Console, plan: PlanFile, hosts: Iterable[str], full: bool) -> None:
    """A stored plan, as `plan` shows one."""
    if console.for_people:
        console.write(plan_head(plan.head, console.style))
    head = {name: value for name, value in plan.head.data().items() if name != "salt"}
    command = "plan" if console.for_people else ""
    view, report = VIEWS[console.format](console.view_options(command, full=full, plan=head)), Report()
    console.write(view.begin(()))
    for host in hosts:
        result = plan.hosts[host].result
        report.add(result)
        console.write(view.host(result))
    console.write(view.end(report, 0.0, ExitCode.IN_SYNC))
