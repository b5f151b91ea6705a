"""ringfence plan: what would change."""

import os
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from ringfence.cli.command import wrong
from ringfence.cli.console import Console
from ringfence.cli.fleet import Planned, present, remember
from ringfence.cli.options import Fleet, Secrets, Selection, flag
from ringfence.cli.project import list_hosts, prepared
from ringfence.plan.file import PlanFile
from ringfence.run import converge, fleet

EXAMPLES = """
ringfence plan -i inventory playbooks/site.yml        what would change
ringfence plan -l web1 -o web1.plan.json              keep it for review; `ringfence apply web1.plan.json`
ringfence plan --detailed-exitcode                    exit with 2 where hosts differ
"""
Playbooks = Annotated[list[str], typer.Argument(metavar="PLAYBOOK", help="Playbooks. Default: those of ringfence.yml.",
                                                show_default=False)]
Diff = Annotated[bool, flag("-D", "--diff/--no-diff", help="Show each property that differs (the default).")]


def plan(console: Console, selection: Selection, secrets: Secrets, hosts: Fleet, playbooks: Playbooks = [],  # noqa: B006
         out: Annotated[str, flag("-o", "--out", metavar="FILE", help="Write the plan to a file, for `apply` from the same "
                                  "folder.")] = "",
         detailed_exitcode: Annotated[bool, flag("--detailed-exitcode", help="Exit with 2 where hosts differ.")] = False,
         diff: Diff = True) -> int:
    """Show what would change on the hosts, and change nothing."""
    if out and not Path(out).parent.is_dir():
        raise wrong(f"there is no folder {Path(out).parent} for the plan", "make it first")
    run = prepared(console, playbooks, selection, secrets)
    if hosts.list_hosts:
        return list_hosts(console, run)
    planned: Planned = {}
    results = fleet.each(run.jobs, partial(converge.plan, kinds=run.kinds), hosts.forks)
    code = present(console, "plan", results, len(run.jobs), diff=diff, differences=detailed_exitcode, warnings=run.warnings,
                   keep=remember(planned) if out else None)
    if out:
        options = {"playbooks": list(playbooks), "inventory": selection.inventory, "limit": selection.limit,
                   "tags": selection.tags, "skip_tags": selection.skip_tags}
        write(Path(out), PlanFile(options, planned, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")).encode())
        missing = [job.host for job in run.jobs if job.host not in planned]
        console.say(f"{out}: the plan of {len(planned)} hosts" + (f"; without {', '.join(missing)}" if missing else ""))
    return code


def write(path: Path, content: str) -> None:
    """A whole file or none."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(content, encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
