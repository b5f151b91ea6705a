"""ringfence compare-defaults: what was changed of what Windows ships."""

from functools import partial
from typing import Annotated

from ringfence.cli.console import ReportingConsole
from ringfence.cli.options import Argument, Diff, FleetOptions, InventoryOptions, SecretOptions, TrustOptions
from ringfence.cli.prepared import list_hosts, prepared_hosts
from ringfence.cli.show import show_run
from ringfence.errors import ExitCode
from ringfence.run.compare_defaults import compare_host
from ringfence.views.table import DEFAULTS_VIEWS

EXAMPLES = """
ringfence compare-defaults web1              changed, missing and added, beside the host's own table of what Windows ships
ringfence compare-defaults 'all:!lab' --output json
"""
Hosts = Annotated[list[str], Argument(metavar="HOST", help="Hosts of the inventory, in Ansible's patterns. Default: all.")]


def compare_defaults(console: ReportingConsole, which: InventoryOptions, secrets: SecretOptions, trusted: TrustOptions,
                     hosts: FleetOptions,
                     names: Hosts = [],  # noqa: B006
                     diff: Diff = True) -> ExitCode:
    """Show what people, installers and updates changed of the firewall policy that Windows ships."""
    run = prepared_hosts(console, names, which, secrets, trusted, not hosts.list_hosts, own_kinds=True)
    if hosts.list_hosts:
        return list_hosts(console, run)
    return show_run(console, run.jobs, partial(compare_host, context=run.context), hosts, diff=diff, table=DEFAULTS_VIEWS,
                    warnings=run.warnings)
