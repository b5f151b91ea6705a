"""ringfence drift: what somebody changed."""

from functools import partial

from ringfence.cli.console import ReportingConsole
from ringfence.cli.options import (
    Diff,
    FleetOptions,
    OwnershipOptions,
    Playbooks,
    RunDir,
    SecretOptions,
    SelectionOptions,
    TrustOptions,
    Who,
)
from ringfence.cli.prepared import list_hosts, prepared
from ringfence.cli.show import show_run
from ringfence.diagnostics import NOWHERE, Diagnostic
from ringfence.errors import ExitCode
from ringfence.run.past_runs import abandoned
from ringfence.run.prepare import Prepared
from ringfence.run.who_changed import drift_host

EXAMPLES = """
ringfence drift                          exit with 0 where every host is as declared, with 2 where one differs
ringfence drift --who                    and who changed what, as far as the event logs of hosts tell
ringfence drift --output json -l finance
"""


def drift(console: ReportingConsole, selection: SelectionOptions, secrets: SecretOptions, trusted: TrustOptions,
         hosts: FleetOptions, ownership: OwnershipOptions,
          playbooks: Playbooks = [],  # noqa: B006
          diff: Diff = True, who: Who = False, run_dir: RunDir = "") -> ExitCode:
    """Show where hosts differ from what is declared, and exit with 2 if one does. Changes nothing."""
    run = prepared(console, playbooks, selection, secrets, trusted, not hosts.list_hosts, ownership)
    if hosts.list_hosts:
        return list_hosts(console, run)
    left = _abandoned(run, selection, run_dir)
    return show_run(console, run.jobs, partial(drift_host, context=run.context, who=who), hosts, diff=diff,
                    abandoned=left, warnings=(*run.warnings, *map(_told, left)))


def _abandoned(run: Prepared, selection: SelectionOptions, run_dir: str) -> tuple[str, ...]:
    """Hosts of the inventory that no play names any more, and on which runs of the project left something; nothing where the run
    does not see all that the project declares."""
    policy = run.context.policy
    if policy.project is None or policy.partial or selection.limit:
        return ()
    return abandoned(run.folder, run_dir, policy.project, set(run.groups.get("all", ())) - {job.host for job in run.jobs})


def _told(host: str) -> Diagnostic:
    return Diagnostic(NOWHERE, "no play names the host any more, and runs of the project left objects there", "`ringfence retire "
                      f"{host}` takes them away, and with them its ledger", "warning", host)
