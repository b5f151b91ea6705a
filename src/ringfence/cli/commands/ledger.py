"""ringfence ledger: what projects own on hosts."""

import time
from collections.abc import Callable
from functools import partial
from typing import Annotated

from ringfence.cli.command import usage_error
from ringfence.cli.console import Console
from ringfence.cli.options import (
    Argument,
    FleetOptions,
    InventoryOptions,
    RecordOptions,
    SecretOptions,
    SelectionOptions,
    TrustOptions,
    Yes,
    flag,
)
from ringfence.cli.prepared import given_selection, list_hosts, prepared, prepared_hosts
from ringfence.cli.recording import recording
from ringfence.cli.show import show_run
from ringfence.errors import ExitCode
from ringfence.formats.plan_file import is_planned
from ringfence.report import HostResult
from ringfence.run import owned_objects
from ringfence.run.fleet import RunObserver
from ringfence.run.past_runs import created_on_hosts
from ringfence.run.prepare import Prepared
from ringfence.views.format import count, names
from ringfence.views.table import LEDGER_VIEWS

HELP = "What projects own on hosts: shown, and put right by hand."
EXAMPLES = """
ringfence ledger show web1                               what this project owns there, and what others do
ringfence ledger release web1 --name corp-rdp            it stays there, and is this project's no more
ringfence ledger move web1 --from old-firewall           what that project owned there is this one's
ringfence ledger rebuild web1                            make a damaged one anew, of what is declared
"""
Hosts = Annotated[list[str], Argument(metavar="HOST", help="Hosts, in Ansible's patterns.")]
SomeHosts = Annotated[list[str], Argument(metavar="HOST", help="Hosts, in Ansible's patterns. Default: all.")]
Names = Annotated[list[str], flag("--name", metavar="NAME", help="Only objects of such a name; * and ? stand for any text and "
                                  "any character. Repeatable.")]


def show(console: Console, which: InventoryOptions, secrets: SecretOptions, trusted: TrustOptions, hosts: FleetOptions,
         pattern: SomeHosts = []) -> ExitCode:  # noqa: B006
    """Show what the project owns on hosts, how it came to it, and what other projects own there. Changes nothing."""
    run = prepared_hosts(console, pattern, which, secrets, trusted, not hosts.list_hosts, own_kinds=True)
    if hosts.list_hosts:
        return list_hosts(console, run)
    work = partial(owned_objects.show_ledger, context=run.context)
    return show_run(console, run.jobs, work, hosts, table=LEDGER_VIEWS)


def release(console: Console, which: InventoryOptions, secrets: SecretOptions, trusted: TrustOptions, hosts: FleetOptions,
            record: RecordOptions, pattern: Hosts, name: Names = [], yes: Yes = False) -> ExitCode:  # noqa: B006
    """Objects stay as they are, and are the project's no more."""
    if not name:
        raise usage_error("release wants the names of objects", "give --name; --name '*' means all")
    run = prepared_hosts(console, pattern, which, secrets, trusted, own_kinds=True)
    return agreed(console, run, hosts, record, partial(owned_objects.release, patterns=name), yes)


def move(console: Console, which: InventoryOptions, secrets: SecretOptions, trusted: TrustOptions, hosts: FleetOptions,
         record: RecordOptions, pattern: Hosts, name: Names = [],  # noqa: B006
         source: Annotated[str, flag("--from", metavar="PROJECT", help="The name or id of the project that owns them.")] = "",
         yes: Yes = False) -> ExitCode:
    """Objects of another project become this one's, as they were the other's."""
    if not source:
        raise usage_error("move wants the project that owns the objects", "give --from; `ringfence ledger show` names them")
    run = prepared_hosts(console, pattern, which, secrets, trusted, own_kinds=True)
    work = partial(owned_objects.take_over, project=source, patterns=name)
    return agreed(console, run, hosts, record, work, yes)


def rebuild(console: Console, selection: SelectionOptions, secrets: SecretOptions, trusted: TrustOptions, hosts: FleetOptions,
            record: RecordOptions, pattern: Hosts, yes: Yes = False,
            from_journal: Annotated[bool, flag("--from-journal", help="What the records of runs say that the project made "
                                               "(`ringfence runs`) counts as created.")] = False) -> ExitCode:
    """Make the ledger anew of what is declared and is there as declared. What it does not know of an object it calls adopted."""
    limit = [*given_selection(console, selection).limit, *pattern]
    selection = SelectionOptions(selection.inventory, limit, selection.tags, selection.skip_tags)
    run = prepared(console, [], selection, secrets, trusted)
    created = created_on_hosts(run.folder, record.run_dir, run.context.policy.project) if from_journal else {}
    return agreed(console, run, hosts, record, partial(owned_objects.rebuild, created=created), yes)


def agreed(console: Console, run: Prepared, hosts: FleetOptions, record: RecordOptions, work: Callable[..., HostResult],
           yes: bool, needs_project: bool = True) -> ExitCode:
    """Show what `work` would do, ask, and do it on the hosts where that is known. `work` takes a job, `context` and `write`.
    Raises InputError where nobody agrees."""
    if needs_project and run.context.policy.project is None:
        raise usage_error("ringfence.yml has no `project`: nothing is owned in its name", "`ringfence init` writes such a block")
    if hosts.list_hosts:
        return list_hosts(console, run)
    if not yes and not console.can_ask:
        raise usage_error(f"{console.command} asks before it changes anything, and there is nobody to ask", "give --yes")
    looked, jobs, took = _LookedAt(), run.jobs, 0.0
    if not yes:
        began = time.monotonic()
        code = show_run(console, run.jobs, partial(work, context=run.context, write=False), hosts, diff=False,
                        differences_fail=False, observers=[looked])
        if not looked.planned or looked.ends or code in (ExitCode.INTERRUPTED, ExitCode.TERMINATED):
            return code
        took = time.monotonic() - began
        jobs = tuple(job for job in jobs if job.host in looked.planned)
        of = f" on {names([job.host for job in jobs])}" if looked.others else ""
        if not console.ask(f"Do that ({count(sum(looked.planned.values()), 'object')}{of})?"):
            return ExitCode.ERROR
    with recording(console, run, record) as (recorded, journal):
        done = partial(work, context=recorded.context, write=True)
        return show_run(console, jobs, done, hosts, diff=False, differences_fail=False, journal=journal, before=looked.others,
                        earlier=took)


class _LookedAt(RunObserver):
    """What came of hosts before somebody is asked. planned: how many objects of those to which something may be done · others:
    results of those that are left out · ends: whether what is declared is wrong on one of them, which ends a run."""

    def __init__(self) -> None:
        self.planned: dict[str, int] = {}
        self.others: list[HostResult] = []
        self.ends = False

    def on_result(self, result: HostResult) -> None:
        if is_planned(result):
            self.planned[result.host] = len(result.changes)
        else:
            self.others.append(result)
            self.ends = self.ends or result.status == "invalid"
