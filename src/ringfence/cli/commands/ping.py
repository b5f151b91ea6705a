"""ringfence ping: are the hosts there, and can they be worked on?"""

from functools import partial
from typing import Annotated

from ringfence.cli.console import Console
from ringfence.cli.options import Argument, FleetOptions, InventoryOptions, SecretOptions, TrustOptions
from ringfence.cli.prepared import list_hosts, prepared_hosts
from ringfence.cli.show import show_run
from ringfence.errors import ExitCode
from ringfence.run.examine import ping_host
from ringfence.views.table import PING_VIEWS

EXAMPLES = """
ringfence ping                                  all hosts of the inventory; playbooks are not needed
ringfence ping web1 -e ringfence_endpoint=ringfence
ringfence ping 'finance:!boundary' --output json
"""


def ping(console: Console, which: InventoryOptions, secrets: SecretOptions, trusted: TrustOptions, hosts: FleetOptions,
         pattern: Annotated[list[str], Argument(metavar="PATTERN", help="Hosts, in Ansible's patterns. Default: all.")] = [],  # noqa: B006
         ) -> ExitCode:
    """Reach hosts and show who works there, with what rights, in which PowerShell, and what is missing. Changes nothing.

    The exit code is 0 where every host can be worked on, 5 where one is not reached, 6 where `apply` would fail, by what
    ringfence.yml says of project and undo. An endpoint for auditors is there to be read and ends with 0; a note says what it is.
    """
    run = prepared_hosts(console, pattern, which, secrets, trusted, not hosts.list_hosts)
    if hosts.list_hosts:
        return list_hosts(console, run)
    return show_run(console, run.jobs, partial(ping_host, context=run.context), hosts, table=PING_VIEWS)
