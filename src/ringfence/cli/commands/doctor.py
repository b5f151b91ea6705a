"""ringfence doctor: what stands in the way?"""

from functools import partial
from typing import Annotated

from ringfence.cli.console import Console
from ringfence.cli.options import Argument, FleetOptions, InventoryOptions, SecretOptions, TrustOptions
from ringfence.cli.prepared import list_hosts, prepared_hosts
from ringfence.cli.show import show_run
from ringfence.errors import ExitCode
from ringfence.run.examine import examine_host
from ringfence.views.table import DOCTOR_VIEWS

EXAMPLES = """
ringfence doctor web1                    a page; docs/guide/doctor.md says where each line comes from
ringfence doctor web1 -e ringfence_endpoint=ringfence
ringfence doctor finance --output json
"""


def doctor(console: Console, which: InventoryOptions, secrets: SecretOptions, trusted: TrustOptions, hosts: FleetOptions,
           host: Annotated[list[str], Argument(metavar="HOST", help="Hosts, in Ansible's patterns.")],
           ) -> ExitCode:
    """Show everything on a host that stands in the way of managing its firewall, and what to do. Changes nothing.

    Playbooks are not needed. The exit code is 5 where a host is not reached, 6 where every `apply` would fail, else 0.
    """
    run = prepared_hosts(console, host, which, secrets, trusted, not hosts.list_hosts)
    if hosts.list_hosts:
        return list_hosts(console, run)
    return show_run(console, run.jobs, partial(examine_host, context=run.context), hosts, table=DOCTOR_VIEWS)
