"""ringfence plan: what would change."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
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
from ringfence.run_settings import SETTINGS
from ringfence.views.format import count, names
from ringfence.views.view import NextCommands

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
                    observers=[planned] if out else [], next=_next(console, playbooks, out))
    if out:
        _write(console, run, planned, options, out, code)
    return code


def _next(console: Console, playbooks: Sequence[str], out: str) -> NextCommands | None:
    """The commands that do what the plan shows, and that keep it, as it was called here."""
    others = console.settings.given(*_names(SecretOptions))  # what is in them may be secret
    if out:  # which knows what was selected, and what becomes of what is declared no more
        fits = Path(out).is_file() or not Path(out).exists()
        words = _said(console, *(name for name in _names(OwnershipOptions, TrustOptions) if name != "prune"))
        return NextCommands(shlex.join(["ringfence", "apply", *words, out]), others=others) if fits else None
    said = [*_said(console, *_names(SelectionOptions, OwnershipOptions, TrustOptions)), *playbooks]
    act, keep = (shlex.join(["ringfence", command, *said]) for command in ("apply", "plan"))
    return NextCommands(act, f"{keep} -o FILE", others)


def _said(console: Console, *options: str) -> list[str]:
    """Those of these options that the command line has, as it has them."""
    words: list[str] = []
    for name in options:
        row, value = SETTINGS[name], console.settings.of_command(name)
        if console.settings.given(name) and value is not False:
            words += [row.flag] if value is True else [word for one in (value if row.repeatable else [value])
                                                       for word in (row.flag, str(one))]
    return words


def _names(*groups: type) -> list[str]:
    return [field.name for group in groups for field in fields(group)]


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
