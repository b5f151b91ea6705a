"""ringfence apply: make it so, and prove it."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import typer

from ringfence.cli.command import wrong
from ringfence.cli.console import Console
from ringfence.cli.fleet import Planned, present, remember
from ringfence.cli.options import Fleet, Secrets, Selection, flag
from ringfence.cli.project import list_hosts, prepared
from ringfence.errors import IN_SYNC, StalePlan, worst
from ringfence.plan.file import changes_as_data, decode
from ringfence.report import HostResult
from ringfence.run import converge, fleet
from ringfence.run.converge import Job
from ringfence.run.prepare import Prepared
from ringfence.state import Change
from ringfence.views.words import count

EXAMPLES = """
ringfence apply                          show the plan of ringfence.yml's playbooks, ask, and apply it
ringfence apply --yes playbooks/site.yml
ringfence apply --check --diff           what would change, as Ansible has it
ringfence apply site.plan.json --yes     exactly what was reviewed, or exit with 3
"""
Files = Annotated[list[str], typer.Argument(metavar="FILE", help="Playbooks, or one plan file (.json). Default: the "
                                            "playbooks of ringfence.yml.", show_default=False)]


def apply(console: Console, selection: Selection, secrets: Secrets, hosts: Fleet, files: Files = [],  # noqa: B006
          check: Annotated[bool, flag("-C", "--check", help="Change nothing, show what would change; exits with 0.")] = False,
          yes: Annotated[bool, flag("-y", "--yes", help="Do not ask.")] = False,
          diff: Annotated[bool, flag("-D", "--diff/--no-diff", help="Show each property that changes.")] = False) -> int:
    """Make the hosts as declared: read, write, then prove it by reading again over a new connection."""
    reviewed: Planned | None = None
    if any(name.endswith(".json") for name in files):
        files, selection, reviewed = _from_plan_file(files, selection)
    run = prepared(console, files, selection, secrets)
    jobs = [job for job in run.jobs if reviewed is None or job.host in reviewed]
    gone = [name for name in reviewed or () if name not in {job.host for job in jobs}]
    if hosts.list_hosts:
        return list_hosts(console, run)
    show = partial(present, console, diff=diff, differences=False, warnings=run.warnings)
    total = len(jobs) + len(gone)
    if check:
        expected = fleet.each(jobs, partial(_check, run=run, reviewed=reviewed), hosts.forks)
        return show("apply --check", chain(_gone(gone), expected), total)
    code = IN_SYNC
    if not yes:
        _somebody(console)
        if reviewed is None:
            reviewed, code = _planned(console, run, jobs, hosts.forks)
            jobs = [job for job in jobs if reviewed.get(job.host)]
            total = len(jobs)
            if not jobs:
                return code
        _agree(console, reviewed)
    results = fleet.each(jobs, partial(_apply, run=run, reviewed=reviewed), hosts.forks)
    return worst([code, show("apply", chain(_gone(gone), results), total)])


def _from_plan_file(files: Sequence[str], selection: Selection) -> tuple[list[str], Selection, Planned]:
    if len(files) > 1:
        raise wrong("a plan file stands alone", "it names its playbooks itself: give either one plan file or playbooks")
    if selection != Selection([], [], [], []):
        raise wrong("-i, -l, -t and --skip-tags do not go with a plan file", "they were decided when the plan was made")
    said = decode(Path(files[0]).read_text(encoding="utf-8", errors="replace"), files[0])
    try:
        lists = {name: [str(v) for v in said.options[name]] for name in
                 ("playbooks", "inventory", "limit", "tags", "skip_tags")}
    except (KeyError, TypeError) as error:
        raise wrong(f"{files[0]}: not a plan file: its options are not complete ({error})",
                    "make it with `ringfence plan -o FILE`") from None
    playbooks = lists.pop("playbooks")
    return playbooks, Selection(**lists), {host: [dict(c) for c in changes] for host, changes in said.hosts.items()}


def _somebody(console: Console) -> None:
    """Raises InputError where nobody can be asked."""
    if console.json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise wrong("apply asks before it changes anything, and there is nobody to ask", "give --yes, or --check to only look")


def _planned(console: Console, run: Prepared, jobs: Sequence[Job], forks: int) -> tuple[Planned, int]:
    """Show the plan; returns the changes that are to be agreed to, and the exit code of the hosts that have none."""
    planned: Planned = {}
    results = fleet.each(jobs, partial(converge.plan, kinds=run.kinds), forks)
    return planned, present(console, "plan", results, len(jobs), differences=False, keep=remember(planned))


def _agree(console: Console, planned: Planned) -> None:
    """Ask where there is something to do. Raises InputError where the answer is no."""
    sizes = [len(changes) for changes in planned.values() if changes]
    if sizes and not console.ask(f"Make {count(sum(sizes), 'change')} on {count(len(sizes), 'host')}?"):
        raise wrong("nothing was changed: the answer was not yes")


def _apply(job: Job, run: Prepared, reviewed: Planned | None) -> HostResult:
    return converge.apply(job, run.kinds, None if reviewed is None else _expectation(reviewed[job.host]))


def _check(job: Job, run: Prepared, reviewed: Planned | None) -> HostResult:
    result = converge.plan(job, run.kinds)
    reason = "" if reviewed is None or result.error else _expectation(reviewed[job.host])(result.changes)
    return HostResult(job.host, error=StalePlan(reason), seconds=result.seconds) if reason else result


def _expectation(agreed: Sequence[Mapping[str, Any]]) -> Callable[[Sequence[Change]], str]:
    """Why changes are not those that were agreed to, or nothing."""

    def differs(changes: Sequence[Change]) -> str:
        now, then = changes_as_data(changes), list(agreed)
        new, over = [c for c in now if c not in then], [c for c in then if c not in now]
        if not new and not over:
            return ""
        said = [f"it would now {c['action']} {c['kind']} {c['name']}" for c in new[:3]]
        said += [f"it was to {c['action']} {c['kind']} {c['name']}" for c in over[:3] if (c["kind"], c["name"]) not in
                 {(n["kind"], n["name"]) for n in new}]
        return f"the host or the project changed since the plan was made: {'; '.join(said)}. Make a new plan"

    return differs


def _gone(hosts: Sequence[str]) -> Iterator[HostResult]:
    for name in hosts:
        yield HostResult(name, error=StalePlan("the plan names this host, the inventory and playbooks do not any more. "
                                               "Make a new plan"))
