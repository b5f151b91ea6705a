"""ringfence rollback: hosts as they were before a run."""

from functools import partial
from itertools import islice
from typing import Annotated

from ringfence.cli.commands.ledger import SomeHosts, agreed
from ringfence.cli.console import Console
from ringfence.cli.options import FleetOptions, InventoryOptions, RecordOptions, SecretOptions, TrustOptions, Yes, flag
from ringfence.cli.prepared import prepared_hosts
from ringfence.errors import ExitCode
from ringfence.run import rollback as rolled_back
from ringfence.run.hosts_before import hosts_before
from ringfence.run.past_runs import past_run, past_runs

EXAMPLES = """
ringfence rollback web1                              as it was before the last run that wrote to it
ringfence rollback web1 --to 20261126T115712Z-3f9a1c   as it was before that run, whatever came after it
"""
MAX_RUNS_READ = 1000  # that are gone through


def rollback(console: Console, which: InventoryOptions, secrets: SecretOptions, trusted: TrustOptions, hosts: FleetOptions,
             record: RecordOptions, pattern: SomeHosts = [],  # noqa: B006
             to: Annotated[str, flag("--to", metavar="RUN", help="Undo this run, and what later ones did there: its id, how it "
                                     "begins, or `last`. Default: the last one that wrote to a host.")] = "",
             yes: Yes = False) -> ExitCode:
    """Put hosts back as they were before a run.

    Where the undo of a run still waits on a host, it is fired: the host imports the policy that it had. Else the values that the
    records of runs tell (`ringfence runs`) are an ordinary plan, with the guard, the undo and the proof of one.
    """
    run = prepared_hosts(console, pattern, which, secrets, trusted, own_kinds=True)
    project = run.context.policy.project
    meant = past_run(run.folder, to, record.run_dir, project).run_id if to else ""
    past = past_runs(run.folder, record.run_dir, project)
    before = hosts_before(islice(past, MAX_RUNS_READ), run.context.kinds, meant)
    return agreed(console, run, hosts, record, partial(rolled_back.rollback, before=before, to=meant), yes, needs_project=False)
