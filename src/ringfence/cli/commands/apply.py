"""ringfence apply: make it so, and prove it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated

import typer

from ringfence.cli.command import usage_error
from ringfence.cli.console import Console
from ringfence.cli.options import (
    Check,
    Diff,
    FleetOptions,
    OwnershipOptions,
    RecordOptions,
    SecretOptions,
    SelectionOptions,
    TrustOptions,
    Yes,
    flag,
)
from ringfence.cli.prepared import given_selection, list_hosts, plan_options, prepared, prune_of, selection_of
from ringfence.cli.recording import recording
from ringfence.cli.resume import resumed
from ringfence.cli.show import PlanObserver, show_run
from ringfence.diagnostics import Problems
from ringfence.documents.yaml import read_text
from ringfence.errors import ExitCode, StalePlan, combined_exit_code
from ringfence.files import MAX_PLAN
from ringfence.plan.file import PlanFile, Reviewed, decode, stale
from ringfence.report import HostResult
from ringfence.run.host import HostJob, RunContext, apply_host, plan_host
from ringfence.run.prepare import Prepared
from ringfence.views.format import count

EXAMPLES = """
ringfence apply                          show the plan of ringfence.yml's playbooks, ask, and apply it
ringfence apply --yes playbooks/site.yml
ringfence apply --check --diff           what would change, as Ansible has it
ringfence apply site.plan.json --yes     exactly what was reviewed, or exit with 3
"""
Files = Annotated[list[str], typer.Argument(metavar="FILE", help="Playbooks, or one plan file (.json). Default: the "
                                            "playbooks of ringfence.yml.", show_default=False)]
Plans = Mapping[str, Reviewed]


def apply(console: Console, selection: SelectionOptions, secrets: SecretOptions, trusted: TrustOptions,
         hosts: FleetOptions, ownership: OwnershipOptions, record: RecordOptions,
          files: Files = [],  # noqa: B006
          check: Check = False, yes: Yes = False,
          resume: Annotated[str, flag("--resume", metavar="RUN", help="Go on with a run that did not come to its end, on the "
                                      "hosts that are not known to be done: its id, or `last`.")] = "",
          diff: Diff = False) -> ExitCode:
    """Make the hosts as declared: read, write, then prove it by reading again over a new connection."""
    reviewed: Plans | None = None
    left: Sequence[str] = ()
    plan_file = ""
    if resume or any(name.endswith(".json") for name in files):
        selection = given_selection(console, selection)
    if resume:
        files, selection, ownership, left = resumed(resume, record, trusted, files, selection, ownership)
    if any(name.endswith(".json") for name in files):
        plan_file, plan = files[0], _plan_file(files, selection)
        files, selection, reviewed = [*plan.options["playbooks"]], selection_of(plan.options), plan.hosts
        ownership = replace(ownership, prune=prune_of(plan.options))
    run = prepared(console, files, selection, secrets, trusted, reviewed is not None or not hosts.list_hosts,
                   ownership)
    if hosts.list_hosts:
        return list_hosts(console, run)
    missing = _missing_hosts(run, reviewed)
    run = _only(_only(run, reviewed), left or None)
    if check:
        work = partial(_check, context=run.context, reviewed=reviewed)
        return show_run(console, run.jobs, work, hosts, command="apply --check", diff=diff, differences_fail=False,
                        warnings=run.warnings, before=missing)
    code = ExitCode.IN_SYNC
    if not yes:
        _require_terminal(console)
        if reviewed is None:
            reviewed, code = _planned(console, run, hosts)
            run = _only(run, {host: changes for host, changes in reviewed.items() if changes})
            if not run.jobs or code in (ExitCode.INTERRUPTED, ExitCode.TERMINATED):
                return code
        _confirm(console, reviewed)
    again = plan_options(files, selection, ownership) | ({"plan_file": plan_file} if plan_file else {})
    with recording(console, run, record, again, [result.host for result in missing]) as (run, journal):
        work = partial(_apply, context=run.context, reviewed=reviewed)
        made = show_run(console, run.jobs, work, hosts, diff=diff, differences_fail=False, warnings=run.warnings, before=missing,
                        journal=journal)
    return combined_exit_code([code, made])


def _plan_file(files: Sequence[str], selection: SelectionOptions) -> PlanFile:
    if len(files) > 1:
        raise usage_error("a plan file stands alone", "it names its playbooks itself: give either one plan file or playbooks")
    if selection != SelectionOptions([], [], [], []):
        raise usage_error("-i, -l, -t and --skip-tags do not go with a plan file", "they were decided when the plan was made")
    problems = Problems()
    text = read_text(files[0], problems, limit=MAX_PLAN)
    problems.check()
    return decode(text or "", files[0])


def _only(run: Prepared, reviewed: Collection[str] | None) -> Prepared:
    """The run with those hosts alone that were reviewed, or are left."""
    return run if reviewed is None else replace(run, jobs=tuple(job for job in run.jobs if job.host in reviewed))


def _missing_hosts(run: Prepared, reviewed: Plans | None) -> list[HostResult]:
    """The hosts of a plan file that are not there any more."""
    there = {job.host for job in run.jobs}
    return [HostResult(name, error=StalePlan("the plan names this host, the inventory and playbooks do not any more. Make a new "
                                             "plan")) for name in reviewed or () if name not in there]


def _require_terminal(console: Console) -> None:
    """Raises InputError where nobody can be asked."""
    if not console.can_ask:
        raise usage_error("apply asks before it changes anything, and there is nobody to ask",
                          "give --yes, or --check to only look")


def _planned(console: Console, run: Prepared, hosts: FleetOptions) -> tuple[Plans, ExitCode]:
    """Show the plan; returns the changes that are to be agreed to, and the exit code of the hosts that have none."""
    planned = PlanObserver()
    code = show_run(console, run.jobs, partial(plan_host, context=run.context), hosts, command="plan", differences_fail=False,
                    observers=[planned])
    return planned.hosts, code


def _confirm(console: Console, planned: Plans) -> None:
    """Ask where there is something to do. Raises InputError where the answer is no."""
    sizes = [len(changes) for changes in planned.values() if changes]
    if sizes and not console.ask(f"Make {count(sum(sizes), 'change')} on {count(len(sizes), 'host')}?"):
        raise usage_error("nothing was changed: the answer was not yes")


def _apply(job: HostJob, context: RunContext, reviewed: Plans | None) -> HostResult:
    return apply_host(job, context, None if reviewed is None else reviewed[job.host])


def _check(job: HostJob, context: RunContext, reviewed: Plans | None) -> HostResult:
    result = plan_host(job, context)
    reason = "" if reviewed is None or result.error else stale(reviewed[job.host], result.changes)
    return HostResult(job.host, error=StalePlan(reason), seconds=result.seconds) if reason else result
