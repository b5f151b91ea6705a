"""ringfence plan: what would change."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Annotated

from ringfence.cli.command import usage_error
from ringfence.cli.console import Console, ReportingConsole
from ringfence.cli.options import (
    DetailedExitCode,
    Diff,
    FleetOptions,
    OwnershipOptions,
    Playbooks,
    SecretOptions,
    SelectionOptions,
    TrustOptions,
    flag,
)
from ringfence.cli.plan_files import PlanFileObserver, head_of, options_here, options_in_project
from ringfence.cli.prepared import list_hosts, list_plays, plan_options, prepared, selection_of, trust_of
from ringfence.cli.show import show_run
from ringfence.diagnostics import Where
from ringfence.errors import ExitCode
from ringfence.files import write_private
from ringfence.project import settings
from ringfence.run.host import plan_host
from ringfence.run.prepare import Prepared
from ringfence.views.format import count, names

EXAMPLES = """
ringfence plan -i inventory playbooks/site.yml        what would change
ringfence plan -o site.plan.json                      keep it for review: `ringfence show`, `ringfence apply site.plan.json`
ringfence plan --detailed-exitcode                    exit with 2 where hosts differ
"""

def plan(console: ReportingConsole, selection: SelectionOptions, secrets: SecretOptions, trusted: TrustOptions,
         hosts: FleetOptions, ownership: OwnershipOptions,
         playbooks: Playbooks = [],  # noqa: B006
         out: Annotated[str, flag("-o", "--out", metavar="FILE", help="Write the plan to a file, for `show` and for `apply` "
                                  "in the same project.")] = "",
         list_tasks: Annotated[bool, flag("--list-tasks", help="Only show the tasks of each play, and their tags.")] = False,
         list_tags: Annotated[bool, flag("--list-tags", help="Only show the tags of each play.")] = False,
         detailed_exitcode: DetailedExitCode = False,
         diff: Diff = True) -> ExitCode:
    """Show what would change on the hosts, and change nothing."""
    if out and not Path(out).parent.is_dir():
        raise usage_error(f"there is no folder {Path(out).parent} for the plan", "make it first")
    options: Mapping[str, Sequence[str]] = plan_options(playbooks, selection, ownership)
    if out:
        folder = settings.load(Path.cwd(), trust_of(trusted)).folder
        options = options_in_project(folder, options)
        here = options_here(options, folder)
        playbooks, selection = here["playbooks"], selection_of(here)
    looks = hosts.list_hosts or list_tasks or list_tags
    run = prepared(console, playbooks, selection, secrets, trusted, not looks, ownership)
    if looks:
        return list_hosts(console, run) if hosts.list_hosts else list_plays(console, run, list_tasks)
    planned = PlanFileObserver(run)
    work = partial(plan_host, context=replace(run.context, for_plan_file=bool(out)))
    code = show_run(console, run.jobs, work, hosts, diff=diff, differences_fail=detailed_exitcode, warnings=run.warnings,
                    observers=[planned] if out else [], next=_next(console, playbooks, selection, out))
    if out:
        _write(console, run, planned, options, out, code)
    return code


def _next(console: Console, playbooks: Sequence[str], selection: SelectionOptions, out: str) -> str:
    """The command that does what the plan shows, as it was called here."""
    if out:
        return shlex.join(["ringfence", "apply", out]) if Path(out).is_file() or not Path(out).exists() else ""
    said = [word for name, values in asdict(selection).items() if console.settings.given(name)
            for value in values for word in (f"--{name.replace('_', '-')}", value)]
    others = console.settings.given("extra_vars", "vault_password_file", "vault_id", "prune")  # what is in them may be secret
    apply = shlex.join(["ringfence", "apply", *said, *playbooks]) + (" with the other options" if others else "")
    return f"{apply}; or keep it for review: ringfence plan -o FILE"


def _write(
    console: Console, run: Prepared, planned: PlanFileObserver, options: Mapping[str, Sequence[str]], out: str, code: ExitCode
) -> None:
    """The plan file; none where the run did not come to its end, for nobody would see what is missing."""
    if code in (ExitCode.INTERRUPTED, ExitCode.TERMINATED):
        console.say(f"{out} was not written: the run was interrupted")
        return
    encoder = planned.encoder
    try:
        write_private(out, encoder.text(head_of(console, run, options, out, encoder.salt)))
    except OSError as error:
        raise usage_error(f"the plan was not written: {error.strerror or error}", where=Where(out)) from None
    without = f"; nothing is going to be done on {names(planned.without)}" if planned.without else ""
    console.say(f"{out}: the plan of {count(encoder.hosts, 'host')}{without}")
