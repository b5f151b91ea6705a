"""ringfence apply: make it so, and prove it."""

import stat
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
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
from ringfence.cli.prepared import given_selection, list_hosts, plan_options, prepared, prune_of, selection_of, trust_of
from ringfence.cli.recording import recording
from ringfence.cli.report_files import HeldReports
from ringfence.cli.resume import ResumedRun, resumed
from ringfence.cli.rolling_out import check_policies, keeps_facts, roll_out, tell_invalid
from ringfence.cli.show import PlanObserver, show_run
from ringfence.diagnostics import NOWHERE, Diagnostic, InputError
from ringfence.errors import ExitCode, combined_exit_code
from ringfence.formats.approval import Approval
from ringfence.formats.plan_file import PlanFile
from ringfence.model.state import Action
from ringfence.project import settings
from ringfence.report import HostResult
from ringfence.run.host import apply_host, plan_host
from ringfence.run.host_job import HostJob, RunContext
from ringfence.run.prepare import Prepared
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
    again = ResumedRun(files, selection, ownership, rollout, (), ())
    if resume or is_plan_file(files):
        selection = given_selection(console, selection)
    if resume:
        again = resumed(resume, record, trusted, replace(again, selection=selection))
        files, selection, ownership, rollout = again.files, again.selection, again.ownership, again.rollout
    file, narrowed = files[0] if files else "", selection.limit
    plan = _stored_plan(files, selection, trusted, limits, console.settings.given("max_age", "same_commit"))
    if plan:
        files, selection, ownership = _options_of(plan, trusted, ownership)
    with made_with_told(plan.head if plan else None):
        run = prepared(console, files, selection, secrets, trusted, not hosts.list_hosts, ownership, narrowed if plan else (),
                       decided=bool(plan or resume), rollout=rollout)
    approved: Approvals | None = None
    others: list[HostResult] = []
    if plan:
        run, approved, others = _held_against(console, plan, file, run, limits, bool(narrowed))
    run = _only(run, again.left or None)
    if hosts.list_hosts:
        return list_hosts(console, run)
    check_policies(console, run)
    run = replace(run, context=replace(run.context, keeps_facts=keeps_facts(run)))
    if check:
        work = partial(_check, context=run.context, approved=approved)
        return show_run(console, run.jobs, work, hosts, command="apply --check", diff=diff, differences_fail=False,
                        warnings=run.warnings, before=others)
    code, facts = ExitCode.IN_SYNC, dict[str, Mapping[str, Any]]()
    if not yes:
        _require_terminal(console)
        if plan:
            show_plan(console, plan, [*(job.host for job in run.jobs), *(o.host for o in others)], hosts.full)
        else:
            run, approved, code, facts = _planned(console, run, hosts)
            if not run.jobs:
                return code
        if not _agreed(console, {job.host: approved[job.host] for job in run.jobs if approved}):
            told = Diagnostic(NOWHERE, "nothing was changed: the answer was not yes", severity="note")
            console.fail_reports(InputError([told]), [told], ExitCode.ERROR)
            return ExitCode.ERROR
    options = plan_options(files, selection, ownership) | ({"plan_file": file} if plan else {}) | {"rollout": rollout.data}
    with recording(console, run, record, options, [result.host for result in others]) as (run, journal):
        work = partial(_apply, context=run.context, approved=approved)
        show = partial(show_run, console, hosts=hosts, diff=diff, differences_fail=False, warnings=run.warnings, journal=journal)
        was_read = len(run.jobs) < 2 or not (yes or plan)  # all that is to be written was read and checked
        read = {job.host: HostResult(job.host, facts=facts.get(job.host, {})) for job in run.jobs} if was_read else None
        ended = roll_out(console, run, work, hosts, show, others, journal, read=read, recorded=again.waves)
        return combined_exit_code([code, ended])


def _held_against(
    console: Console, plan: PlanFile, file: str, run: Prepared, limits: PlanLimits, narrowed: bool
) -> tuple[Prepared, Approvals, list[HostResult]]:
    """The run as far as the plan goes, what was agreed to, and the hosts to which nothing is done. Raises StalePlan."""
    check_project(run, plan.head, file, limits.same_commit)
    console.problems([*changed_since(run, plan.head)])
    approved, others = approvals(plan, run, narrowed)
    if new := [job.host for job in run.jobs if job.host not in plan.hosts]:
        console.say(f"not in the plan, and left alone: {names(new)}")
    return replace(_only(run, approved), context=replace(run.context, for_plan_file=True)), approved, others


def _stored_plan(files: Sequence[str], selection: SelectionOptions, trusted: TrustOptions, limits: PlanLimits,
                 given: bool) -> PlanFile | None:
    """The plan file among the files, if one is. Raises InputError where it may not be applied like this, StalePlan where it is
    too old."""
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
    trust = trust_of(trusted)
    if trust.untrusted:
        raise usage_error("an untrusted project leads to no host", "`ringfence show FILE --untrusted` shows a stranger's plan.")
    file = Path(files[0])
    sticky = file.parent.is_dir() and file.parent.stat().st_mode & stat.S_ISVTX  # there nobody replaces the files of others
    trust.check_owners([file] if sticky else [file, file.parent], "what it says is done to hosts")
    plan = read_plan(files[0], trust)
    check_age(plan.head, limits.max_age, datetime.now(UTC))
    return plan


def _options_of(
    plan: PlanFile,
    trusted: TrustOptions,
    ownership: OwnershipOptions,
) -> tuple[list[str], SelectionOptions, OwnershipOptions]:
    """How the plan was made: playbooks, selection and what becomes of what is declared no more."""
    again = options_here(plan.head.options, settings.load(Path.cwd(), trust_of(trusted)).folder)
    return again["playbooks"], selection_of(again), replace(ownership, prune=prune_of(again))


def _only(run: Prepared, hosts: Collection[str] | None) -> Prepared:
    """The run with those hosts alone that were approved, or are left."""
    return run if hosts is None else replace(run, jobs=tuple(job for job in run.jobs if job.host in hosts))


def _require_terminal(console: Console) -> None:
    """Raises InputError where nobody can be asked."""
    if not console.can_ask:
        raise usage_error("apply asks before it changes anything, and there is nobody to ask",
                          "give --yes, or --check to only look")


def _planned(console: Console, run: Prepared,
             hosts: FleetOptions) -> tuple[Prepared, Approvals, ExitCode, dict[str, Mapping[str, Any]]]:
    """Show the plan; returns the run with the hosts that are to be written, their changes, the exit code of the others, and facts
    that are wanted. None is to be written where the run was interrupted, or what is declared is wrong on one of them."""
    planned, held = PlanObserver(), HeldReports() if console.reports.wanted else None
    code = show_run(console, run.jobs, partial(plan_host, context=run.context), hosts, command="plan", differences_fail=False,
                    observers=[planned], reports=held)
    if planned.invalid:
        tell_invalid(console, planned.invalid)
    ended = planned.invalid or code in (ExitCode.INTERRUPTED, ExitCode.TERMINATED)
    changed = () if ended else [host for host, one in planned.approvals.items() if one.changes]
    if held:
        held.tell(console.reports, console.report_options(), run.warnings, changed)
    return _only(run, changed), planned.approvals, code, planned.facts


def _agreed(console: Console, planned: Approvals) -> bool:
    """Whether to go on: asked where there is something to do."""
    changed = [host for host, one in planned.items() if one.changes]
    actions = Counter(change.action for host in changed for change in planned[host].changes)
    split = ", ".join(f"{number} to {action}" for action in get_args(Action) if (number := actions[action]))
    return not changed or console.ask(f"Make {count(actions.total(), 'change')} ({split}) on {names(changed)}?")


def _apply(job: HostJob, write: bool = True, *, context: RunContext, approved: Approvals | None) -> HostResult:
    return apply_host(job, context, None if approved is None else approved[job.host], write)


def _check(job: HostJob, context: RunContext, approved: Approvals | None) -> HostResult:
    result = plan_host(job, context)
    return result if approved is None or result.error or result.status == "invalid" else approved[job.host].judge(result)
