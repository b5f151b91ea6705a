"""ringfence apply: make it so, and prove it."""

import stat
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, get_args

from ringfence.cli.command import usage_error
from ringfence.cli.console import Console, ReportingConsole
from ringfence.cli.options import (
    Argument,
    Check,
    Diff,
    FleetOptions,
    OwnershipOptions,
    PlanLimits,
    RecordOptions,
    RolloutOptions,
    SecretOptions,
    SelectionOptions,
    TrustOptions,
    Yes,
    flag,
)
from ringfence.cli.plan_files import (
    approvals,
    changed_since,
    check_age,
    check_project,
    is_plan_file,
    made_with_told,
    options_here,
    read_plan,
    show_plan,
)
from ringfence.cli.prepared import given_selection, list_hosts, prepared, prune_of, selection_of, trust_of
from ringfence.cli.recording import recording
from ringfence.cli.report_files import HeldReports
from ringfence.cli.resume import ApplyFlags, ResumedRun, how_to_resume, resumed
from ringfence.cli.rolling_out import (
    CheckedHosts,
    GoneOnWith,
    apart_by_facts,
    check_policies,
    keeps_facts,
    roll_out,
    tell_invalid,
    undecided,
)
from ringfence.cli.show import PlanObserver, show_run
from ringfence.diagnostics import NOWHERE, Diagnostic, InputError
from ringfence.errors import ExitCode, OutsideWindow
from ringfence.formats.approval import Approval
from ringfence.formats.plan_file import PlanFile
from ringfence.model.state import Action
from ringfence.project import settings
from ringfence.report import HostResult
from ringfence.run.host import apply_host, plan_host
from ringfence.run.host_job import HostJob, RunContext
from ringfence.run.prepare import Prepared
from ringfence.run.same_machine import SameMachine
from ringfence.views.format import count, names

EXAMPLES = """
ringfence apply                          show the plan of ringfence.yml's playbooks, ask, and apply it
ringfence apply --yes playbooks/site.yml
ringfence apply --check --diff           what would change, as Ansible has it
ringfence apply site.plan.json --yes     exactly what was reviewed, or exit with 3
ringfence apply site.plan.json -l web1   of a reviewed plan these hosts first, later the others
"""
Files = Annotated[list[str], Argument(metavar="FILE", help="Playbooks, or one plan file (.json). Default: the "
                                      "playbooks of ringfence.yml.")]
Approvals = Mapping[str, Approval]


def apply(console: ReportingConsole, selection: SelectionOptions, secrets: SecretOptions, trusted: TrustOptions,
         hosts: FleetOptions, ownership: OwnershipOptions, rollout: RolloutOptions, record: RecordOptions, limits: PlanLimits,
          files: Files = [],  # noqa: B006
          check: Check = False, yes: Yes = False,
          resume: Annotated[str, flag("--resume", metavar="RUN", help="Go on with a run that did not come to its end, on the "
                                      "hosts that are not known to be done: its id, or `last`.")] = "",
          diff: Diff = False) -> ExitCode:
    """Make the hosts as declared: read, write, then prove it by reading again over a new connection."""
    flags = ApplyFlags(files, selection, secrets, trusted, hosts, ownership, rollout, limits)
    if resume or is_plan_file(files):
        given = given_selection(console, selection)
        if console.settings.by_user("limit"):  # whoever sets RINGFENCE_LIMIT means that no other host is touched
            given = replace(given, limit=selection.limit)
        flags = replace(flags, selection=given)
    ready = _ready(console, resumed(resume, record, flags, console.settings) if resume else ResumedRun(flags))
    run, plan, hosts, approved, others = ready.run, ready.plan, ready.flags.hosts, ready.approved, ready.others
    if hosts.list_hosts:
        return list_hosts(console, replace(run, jobs=undecided(run, others)))
    check_policies(console, run)
    run = replace(run, context=replace(run.context, keeps_facts=keeps_facts(run)))
    if check:
        work = partial(_checked, context=run.context, approved=approved)
        return show_run(console, undecided(run, others), work, hosts, command="apply --check", diff=diff,
                        differences_fail=False, warnings=run.warnings, before=others)
    read: CheckedHosts | None = None
    if not yes:
        held: HeldReports | None = None
        later: Collection[str] = ()  # nothing is asked of them: they are told, and left alone
        _require_terminal(console)
        if plan:
            about = dict.fromkeys([*(job.host for job in run.jobs), *(result.host for result in others)])
            show_plan(console, plan, [host for host in about if host in plan.hosts], hosts.full)
        else:
            began = time.monotonic()
            planned, held, code = _planned(console, run, others, hosts)
            approved = {job.host: planned.approvals[job.host] for job in run.jobs if job.host in planned.approvals}
            others, later = planned.others, planned.later
            read = CheckedHosts(to_write=planned.read, facts=planned.facts, seconds=time.monotonic() - began)
            if not approved:
                return code
        tell = partial(held.tell, console.reports, console.report_options(), run.warnings, approved or {}) if held else None
        if not _agreed(console, {host: one for host, one in (approved or {}).items() if host not in later}, tell):
            told = Diagnostic(NOWHERE, "nothing was changed: the answer was not yes", severity="note")
            console.fail_reports(InputError([told]), [told], ExitCode.ERROR)
            return ExitCode.ERROR
    if read is None and len(alone := undecided(run, others)) < 2:  # all that is to be written is read and checked before it is
        read = CheckedHosts(to_write={job.host: HostResult(job.host) for job in alone})
    with recording(console, run, record, ready.options, [result.host for result in others]) as (run, journal):
        work = partial(_apply, context=run.context, approved=approved)
        show = partial(show_run, console, hosts=hosts, diff=diff, differences_fail=False, warnings=run.warnings, journal=journal)
        return roll_out(console, run, work, hosts, show, others, journal, read=read, again=ready.again)


@dataclass(frozen=True, slots=True)
class _ReadyRun:
    """A run before its first connection.

    flags: how it goes · run: all that it is about · plan: the file that was agreed to · approved: what that says of each host ·
    others: what became of hosts to which nothing is done · options: how it is done again · again: what it goes on with.
    """

    flags: ApplyFlags
    run: Prepared
    plan: PlanFile | None
    approved: Approvals | None
    others: list[HostResult]
    options: Mapping[str, Any]
    again: GoneOnWith | None


def _ready(console: Console, again: ResumedRun) -> _ReadyRun:
    """Everything read and checked that needs no host. Raises InputError, StalePlan."""
    flags = again.flags
    file, narrowed = flags.files[0] if flags.files else "", flags.selection.limit
    plan = _stored_plan(flags, console.settings.given("max_age", "same_commit"))
    if plan:
        again.check_plan(plan, file)
        flags = _as_planned(plan, flags)
    what, made_with = ("plan", plan.head.made_with) if plan else ("run", again.made_with)
    with made_with_told(what, made_with):
        run = prepared(console, flags.files, flags.selection, flags.secrets, flags.trusted, not flags.hosts.list_hosts,
                       flags.ownership, narrowed if plan else (), decided=bool(plan or again.run_id), rollout=flags.rollout)
    again.check_variables(run)
    options = how_to_resume(console.settings, again, flags, run, plan, file)
    approved: Approvals | None = None
    others: list[HostResult] = []
    if plan:
        run, approved, others = _held_against(console, plan, file, run, flags.limits, bool(narrowed))
    before: GoneOnWith | None = None
    if again.run_id:
        left = frozenset(again.left)
        before = GoneOnWith(again.waves, again.begun, [job for job in run.jobs if again.begun and job.host in again.begun.hosts])
        run = _only(run, left)
        others = [result for result in others if result.host in left]
        others += again.missing(run, others)
        approved = approved and {host: one for host, one in approved.items() if host in left}
    return _ReadyRun(flags, run, plan, approved, others, options, before)


def _held_against(
    console: Console, plan: PlanFile, file: str, run: Prepared, limits: PlanLimits, narrowed: bool
) -> tuple[Prepared, Approvals, list[HostResult]]:
    """The run of the hosts that the plan names, what was agreed to, and what became of those to which nothing is done. Raises
    StalePlan."""
    check_project(run, plan.head, file, limits.same_commit)
    console.problems([*changed_since(run, plan.head)])
    approved, others = approvals(plan, run, narrowed)
    if new := [job.host for job in run.jobs if job.host not in plan.hosts]:
        console.say(f"not in the plan, and left alone: {names(new)}")
    return replace(_only(run, plan.hosts), context=replace(run.context, for_plan_file=True)), approved, others


def _stored_plan(flags: ApplyFlags, given: bool) -> PlanFile | None:
    """The plan file among the files, if one is; `given`: limits of plan files are. Raises InputError where it may not be applied
    like this, StalePlan where it is too old."""
    files, selection = flags.files, flags.selection
    if not is_plan_file(files):
        if given:
            raise usage_error("--max-age and --same-commit go with a plan file", "for example: ringfence apply site.plan.json")
        return None
    if len(files) > 1:
        raise usage_error("a plan file stands alone", "it names its playbooks itself: give either one plan file or playbooks")
    if selection != SelectionOptions([], selection.limit, [], []):
        raise usage_error(
            "-i, -t and --skip-tags do not go with a plan file", "They were decided when the plan was made; -l may narrow it."
        )
    trust = trust_of(flags.trusted)
    if trust.untrusted:
        raise usage_error("an untrusted project leads to no host", "`ringfence show FILE --untrusted` shows a stranger's plan.")
    file = Path(files[0])
    sticky = file.parent.is_dir() and file.parent.stat().st_mode & stat.S_ISVTX  # there nobody replaces the files of others
    trust.check_owners([file] if sticky else [file, file.parent], "what it says is done to hosts")
    plan = read_plan(files[0], trust)
    check_age(plan.head, flags.limits.max_age, datetime.now(UTC))
    return plan


def _as_planned(plan: PlanFile, flags: ApplyFlags) -> ApplyFlags:
    """As the plan was made: playbooks, selection and what becomes of what is declared no more."""
    again = options_here(plan.head.options, settings.load(Path.cwd(), trust_of(flags.trusted)).folder)
    return replace(flags, files=again["playbooks"], selection=selection_of(again),
                   ownership=replace(flags.ownership, prune=prune_of(again)))


def _only(run: Prepared, hosts: Collection[str]) -> Prepared:
    """The run with those hosts alone that a plan names, or that are left."""
    return replace(run, jobs=tuple(job for job in run.jobs if job.host in hosts))


def _require_terminal(console: Console) -> None:
    """Raises InputError where nobody can be asked."""
    if not console.can_ask:
        raise usage_error("apply asks before it changes anything, and there is nobody to ask",
                          "give --yes, or --check to only look")


def _planned(console: Console, run: Prepared, others: Sequence[HostResult],
             hosts: FleetOptions) -> tuple[PlanObserver, HeldReports | None, ExitCode]:
    """Show the plan; returns it, with what reports have to be told of it where nothing follows, and the exit code then. Nobody is
    asked where the run was interrupted, or what is declared is wrong on a host."""
    planned, held = PlanObserver(apart_by_facts(run)), HeldReports() if console.reports.wanted else None
    machines = SameMachine()
    code = show_run(console, undecided(run, others), partial(plan_host, context=run.context), hosts, command="plan",
                    differences_fail=False, before=others, observers=[planned], reports=held, machines=machines)
    for host in machines.refused.keys() & planned.approvals.keys():
        del planned.approvals[host]
        planned.others.append(replace(planned.read.pop(host), facts={}, error=machines.refused[host]))
    if planned.invalid:
        tell_invalid(console, planned.invalid)
    if planned.invalid or code in (ExitCode.INTERRUPTED, ExitCode.TERMINATED):
        planned.approvals.clear()
    if held and not planned.approvals:
        held.tell(console.reports, console.report_options(), run.warnings, ())
    return planned, held, code


def _agreed(console: Console, planned: Approvals, tell: Callable[[], None] | None) -> bool:
    """Whether to go on: asked where there is something to do. tell: what is done with what is known by then where nothing
    follows, be it for a signal."""
    changed = [host for host, one in planned.items() if one.changes]
    actions = Counter(change.action for host in changed for change in planned[host].changes)
    split = ", ".join(f"{number} to {action}" for action in get_args(Action) if (number := actions[action]))
    goes_on = False
    try:
        goes_on = not changed or console.ask(f"Make {count(actions.total(), 'change')} ({split}) on {names(changed)}?")
        return goes_on
    finally:
        if tell and not goes_on:
            tell()


def _checked(job: HostJob, *, context: RunContext, approved: Approvals | None) -> HostResult:
    """What would be changed, be it at another time."""
    result = _apply(job, write=False, context=context, approved=approved)
    return replace(result, error=None) if isinstance(result.error, OutsideWindow) else result


def _apply(job: HostJob, write: bool = True, *, context: RunContext, approved: Approvals | None) -> HostResult:
    return apply_host(job, context, None if approved is None else approved[job.host], write)
