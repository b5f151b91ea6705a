"""ringfence status: what is in force."""

from functools import partial
from typing import Annotated

from ringfence.cli.console import Console
from ringfence.cli.options import Argument, FleetOptions, InventoryOptions, SecretOptions, TrustOptions
from ringfence.cli.prepared import list_hosts, prepared_hosts
from ringfence.cli.show import show_run
from ringfence.errors import ExitCode
from ringfence.run.status import status_of
from ringfence.views.table import STATUS_VIEWS

EXAMPLES = """
ringfence status web1                    the peers of web1 and what protects the connections to them
ringfence status 'finance:!boundary' --output json
"""


def status(console: Console, which: InventoryOptions, secrets: SecretOptions, trusted: TrustOptions, hosts: FleetOptions,
           names: Annotated[list[str], Argument(metavar="HOST", help="Hosts of the inventory, in Ansible's patterns. "
                                                "Default: all.")] = [],  # noqa: B006
           ) -> ExitCode:
    """Show security associations of hosts, the rules that asked for them, and what of their policy is not in force."""
    run = prepared_hosts(console, names, which, secrets, trusted, not hosts.list_hosts, own_kinds=True)
    if hosts.list_hosts:
        return list_hosts(console, run)
    return show_run(console, run.jobs, partial(status_of, context=run.context), hosts, table=STATUS_VIEWS)
