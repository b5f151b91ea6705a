"""ringfence plan: what would change."""

import os
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from ringfence.cli.command import usage_error
from ringfence.cli.console import Console
from ringfence.cli.options import (
    DetailedExitCode,
    Diff,
    FleetOptions,
    OwnershipOptions,
    SecretOptions,
    SelectionOptions,
    TrustOptions,
    flag,
)
from ringfence.cli.prepared import list_hosts, plan_options, prepared
from ringfence.cli.show import PlanObserver, show_run
from ringfence.errors import ExitCode
from ringfence.plan.file import PlanFile
from ringfence.run.host import plan_host
from ringfence.views.format import count

EXAMPLES = """
ringfence plan -i inventory playbooks/site.yml        what would change
ringfence plan -l web1 -o web1.plan.json              keep it for review; `ringfence apply web1.plan.json`
ringfence plan --detailed-exitcode                    exit with 2 where hosts differ
"""
Playbooks = Annotated[list[str], typer.Argument(metavar="PLAYBOOK", help="Playbooks. Default: those of ringfence.yml.",
                                                show_default=False)]


def plan(console: Console, selection: SelectionOptions, secrets: SecretOptions, trusted: TrustOptions,
         hosts: FleetOptions, ownership: OwnershipOptions,
         playbooks: Playbooks = [],  # noqa: B006
         out: Annotated[str, flag("-o", "--out", metavar="FILE", help="Write the plan to a file, for `apply` from the same "
                                  "folder.")] = "",
         detailed_exitcode: DetailedExitCode = False,
         diff: Diff = True) -> ExitCode:
    """Show what would change on the hosts, and change nothing."""
    if out and not Path(out).parent.is_dir():
        raise usage_error(f"there is no folder {Path(out).parent} for the plan", "make it first")
    run = prepared(console, playbooks, selection, secrets, trusted, not hosts.list_hosts, ownership)
    if hosts.list_hosts:
        return list_hosts(console, run)
    planned = PlanObserver()
    code = show_run(console, run.jobs, partial(plan_host, context=run.context), hosts, diff=diff,
                    differences_fail=detailed_exitcode, warnings=run.warnings, observers=[planned])
    if out:
        made = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        write(Path(out), PlanFile(plan_options(playbooks, selection, ownership), planned.hosts, made).encode())
        missing = [job.host for job in run.jobs if job.host not in planned.hosts]
        without = f"; without {', '.join(missing)}" if missing else ""
        console.say(f"{out}: the plan of {count(len(planned.hosts), 'host')}{without}")
    return code


def write(path: Path, content: str) -> None:
    """A whole file or none."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(content, encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
