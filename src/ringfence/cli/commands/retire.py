"""ringfence retire: a host that is to be managed no more."""

from ringfence.cli.commands.ledger import Hosts, agreed
from ringfence.cli.console import Console
from ringfence.cli.options import FleetOptions, InventoryOptions, RecordOptions, SecretOptions, TrustOptions, Yes
from ringfence.cli.prepared import prepared_hosts
from ringfence.errors import ExitCode
from ringfence.run import owned_objects

EXAMPLES = """
ringfence retire old-web1        then take it out of the inventory
"""


def retire(console: Console, which: InventoryOptions, secrets: SecretOptions, trusted: TrustOptions, hosts: FleetOptions,
           record: RecordOptions, pattern: Hosts, yes: Yes = False) -> ExitCode:
    """Remove from hosts what the project created there, release the rest, and with it the ledger.

    What the project adopted or mentioned stays as it is. A block rule that it created goes too: what it kept out may come in.
    """
    run = prepared_hosts(console, pattern, which, secrets, trusted, own_kinds=True)
    return agreed(console, run, hosts, record, owned_objects.retire, yes)
