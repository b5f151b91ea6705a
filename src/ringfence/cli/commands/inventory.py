"""ringfence inventory: groups, hosts, and what is said of a host."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer
import yaml

from ringfence.cli.command import usage_error
from ringfence.cli.console import Console
from ringfence.cli.options import InventoryOptions, SecretOptions, TrustOptions
from ringfence.cli.prepared import prepared_hosts
from ringfence.documents.vault import Vaulted
from ringfence.documents.yaml import Map
from ringfence.errors import ExitCode
from ringfence.formats.data import place_data
from ringfence.inventory.inventory import Inventory
from ringfence.project.project import Project
from ringfence.secret import MASK, Secret
from ringfence.transports.resolve import is_secret
from ringfence.views.format import columns, escaped

HELP = "What the inventory says: groups and hosts, and the variables of a host."
EXAMPLES = """
ringfence inventory graph                groups, and the hosts in them
ringfence inventory graph servers        one group
ringfence inventory host web1            its variables, each with the file and line that says it last
"""


def graph(console: Console, which: InventoryOptions, secrets: SecretOptions, trusted: TrustOptions,
          group: Annotated[str, typer.Argument(metavar="GROUP", help="A group. Default: all.", show_default=False)] = "all",
          ) -> ExitCode:
    """Show groups with their hosts, as ansible-inventory --graph does."""
    project = _project(console, [], which, secrets, trusted)
    inventory = project.inventory
    if group not in inventory.groups:
        raise usage_error(f"there is no group {group}", f"groups: {', '.join(sorted(inventory.groups))}")
    groups = {name: {"hosts": list(one.hosts), "children": list(one.children)} for name, one in inventory.groups.items()}
    console.show({"groups": groups}, f"@{escaped(group)}:\n" + "".join(f"{line}\n" for line in _below(inventory, group, "  ")))
    return ExitCode.IN_SYNC


def host(console: Console, which: InventoryOptions, secrets: SecretOptions, trusted: TrustOptions,
         name: Annotated[str, typer.Argument(metavar="HOST", help="The host.")]) -> ExitCode:
    """Show the variables of a host as they are written, templates as they are, secrets as ********, each with its place."""
    project = _project(console, [name], which, secrets, trusted)
    found = project.host(name)
    variables = found.variables
    told = {str(key): {"value": _shown(str(key), value), **place_data(variables.at(key))} for key, value in variables.items()}
    lines = [(f"{key}: {_yaml(said['value'])}", f"# {variables.at(key)}") for key, said in sorted(told.items())]
    head = f"# {escaped(name)}: {', '.join(map(escaped, found.groups)) or 'in no group'}\n"
    console.show({"host": name, "groups": list(found.groups), "variables": told},
                 head + "".join(f"{line}\n" for line in columns(lines)))
    return ExitCode.IN_SYNC


def _project(console: Console, names: list[str], which: InventoryOptions, secrets: SecretOptions,
             trusted: TrustOptions) -> Project:
    run = prepared_hosts(console, names, which, secrets, trusted, connects=False)
    assert run.project is not None
    return run.project


def _below(inventory: Inventory, group: str, indent: str) -> Iterator[str]:
    """What stands below a group: the groups in it, and then its own hosts. Groups are no circles once they are read."""
    for child in sorted(inventory.groups[group].children):
        yield f"{indent}|--@{escaped(child)}:"
        yield from _below(inventory, child, f"{indent}|  ")
    for name in sorted(inventory.groups[group].hosts) if group != "all" else ():  # they are in ungrouped, or elsewhere too
        yield f"{indent}|--{escaped(name)}"


def _shown(key: str, value: Any) -> Any:
    """A value as plain data, without what is secret: vaulted, or a password of a connection."""
    if isinstance(value, Vaulted | Secret) or is_secret(key):
        return MASK
    if isinstance(value, Map | dict):
        return {str(k): _shown(str(k), v) for k, v in value.items()}
    if isinstance(value, list):
        return [_shown("", one) for one in value]
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def _yaml(value: Any) -> str:
    text: str = yaml.safe_dump(value, default_flow_style=True, width=1_000_000, allow_unicode=False)
    return text.removesuffix("\n").removesuffix("\n...")
