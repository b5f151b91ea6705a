"""ringfence drift: what somebody changed."""

from functools import partial

from ringfence.cli.commands.plan import Playbooks
from ringfence.cli.console import Console
from ringfence.cli.options import Diff, FleetOptions, OwnershipOptions, SecretOptions, SelectionOptions, TrustOptions, Who
from ringfence.cli.prepared import list_hosts, prepared
from ringfence.cli.show import show_run
from ringfence.errors import ExitCode
from ringfence.run.who_changed import drift_host

EXAMPLES = """
ringfence drift                          exit with 0 where every host is as declared, with 2 where one differs
ringfence drift --who                    and who changed what, as far as the event logs of hosts tell
ringfence drift --output json -l finance
"""


def drift(console: Console, selection: SelectionOptions, secrets: SecretOptions, trusted: TrustOptions,
         hosts: FleetOptions, ownership: OwnershipOptions,
          playbooks: Playbooks = [],  # noqa: B006
          diff: Diff = True, who: Who = False) -> ExitCode:
    """Show where hosts differ from what is declared, and exit with 2 if one does. Changes nothing."""
    run = prepared(console, playbooks, selection, secrets, trusted, not hosts.list_hosts, ownership)
    if hosts.list_hosts:
        return list_hosts(console, run)
    return show_run(console, run.jobs, partial(drift_host, context=run.context, who=who), hosts, diff=diff, warnings=run.warnings)
