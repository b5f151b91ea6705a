"""ringfence confirm: what a run made stays, though it never came back to prove it."""

from ringfence.cli.commands.ledger import SomeHosts, agreed
from ringfence.cli.console import Console
from ringfence.cli.options import FleetOptions, InventoryOptions, RecordOptions, SecretOptions, TrustOptions, Yes
from ringfence.cli.prepared import prepared_hosts
from ringfence.errors import ExitCode
from ringfence.run import rollback

EXAMPLES = """
ringfence confirm web1          what the run made there stays, and the host does not undo it
"""


def confirm(console: Console, which: InventoryOptions, secrets: SecretOptions, trusted: TrustOptions, hosts: FleetOptions,
            record: RecordOptions, pattern: SomeHosts = [], yes: Yes = False) -> ExitCode:  # noqa: B006
    """Keep what a run made on hosts whose undo still waits, though it never came back to prove it.

    It was killed, or lost its way. Nothing is proven by that. `ringfence plan` says whether a host is as declared.
    """
    run = prepared_hosts(console, pattern, which, secrets, trusted, own_kinds=True)
    return agreed(console, run, hosts, record, rollback.confirm, yes, needs_project=False)
