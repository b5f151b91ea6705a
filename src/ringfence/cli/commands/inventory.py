"""ringfence inventory: groups, hosts, and what is said of a host."""

import json
from collections.abc import Iterator
from typing import Annotated, Any

import yaml

from ringfence.cli.command import usage_error
from ringfence.cli.console import Console
from ringfence.cli.options import Argument, InventoryOptions, SecretOptions, TrustOptions, flag
from ringfence.cli.prepared import prepared_hosts
from ringfence.cli.shown_variables import ShownVariables, in_yaml
from ringfence.documents.yaml import Map
from ringfence.errors import ExitCode
from ringfence.formats.data import place_data
from ringfence.inventory.listing import ShownGroups, in_order, listing, tree
from ringfence.project.project import Project
from ringfence.views.format import columns, escaped, names

HELP = "What the inventory says: groups and hosts, and the variables of a host."
EXAMPLES = """
ringfence inventory graph                groups, and the hosts in them
ringfence inventory graph servers        one group
ringfence inventory host web1            its variables, each with the file and line that says it last
ringfence inventory list                 everything as JSON, as ansible-inventory --list has it
ringfence inventory list --yaml          as an inventory in YAML
"""
ShowSecrets = Annotated[bool, flag("--show-secrets", help="Show passwords and decrypted values instead of ********.")]


def graph(console: Console, which: InventoryOptions, secrets: SecretOptions, trusted: TrustOptions,
          group: Annotated[str, Argument(metavar="GROUP", help="A group. Default: all.")] = "all",
          ) -> ExitCode:
    """Show groups with their hosts, as ansible-inventory --graph does; with --limit, which that ignores, only what is left."""
    project, hosts = _read(console, which, secrets, trusted, variables=False)
    inventory = project.inventory
    if group not in inventory.groups:
        raise usage_error(f"there is no group {group}", f"groups: {', '.join(sorted(inventory.groups))}")
    left = ShownGroups(inventory, hosts if which.limit else None)
    groups = {name: {"hosts": left.hosts(name), "children": left.children(name)} for name in inventory.groups if left.has(name)}
    console.show({"groups": groups}, f"@{escaped(group)}:\n" + "".join(f"{line}\n" for line in _below(left, group, "  ")))
    return ExitCode.IN_SYNC


def host(console: Console, which: InventoryOptions, secrets: SecretOptions, trusted: TrustOptions,
         name: Annotated[str, Argument(metavar="HOST", help="The host.")], show_secrets: ShowSecrets = False) -> ExitCode:
    """Show the variables of a host as they are written, templates as they are, secrets as ********, each with its place."""
    run = prepared_hosts(console, [name], which, secrets, trusted, connects=False)
    assert run.project is not None
    project = run.project
    if len(run.hosts) != 1:  # a group or a pattern of one host means that one, as to ansible-inventory --host
        raise usage_error(f"{name} is not one host, but {names(run.hosts)}",
                          "Name one of them, or see `ringfence inventory list`.")
    name, = run.hosts
    found = project.host(name)
    variables = project.extra.merged_over(found.variables)
    shown = ShownVariables(project.vault if show_secrets else None)
    told = {str(key): {"value": shown.decrypted(str(key), value), **place_data(variables.at(key))}
            for key, value in variables.items()}
    lines = [(f"{key}: {_yaml(said['value'])}", f"# {variables.at(key)}") for key, said in sorted(told.items())]
    head = f"# {escaped(name)}: {', '.join(map(escaped, found.groups)) or 'in no group'}\n"
    console.show({"host": name, "groups": [*found.groups], "variables": told},
                 head + "".join(f"{line}\n" for line in columns(lines)))
    return ExitCode.IN_SYNC


def list(console: Console, which: InventoryOptions, secrets: SecretOptions, trusted: TrustOptions,
         as_yaml: Annotated[bool, flag("--yaml", help="As an inventory in YAML.")] = False,
         show_secrets: ShowSecrets = False) -> ExitCode:
    """Show groups and hosts with their variables as JSON, equal to what ansible-inventory --list prints."""
    project, hosts = _read(console, which, secrets, trusted)
    inventory = project.inventory
    shown = ShownVariables(project.vault if show_secrets else None)

    def variables(name: str) -> Map:
        return project.extra.merged_over(project.host(name).variables)

    if as_yaml and console.for_people:
        console.show({}, in_yaml(tree(inventory, variables, shown.as_written, hosts)))
    else:
        found = listing(inventory, variables, shown.as_ansible, hosts)
        console.show({"inventory": found}, f"{json.dumps(in_order(found), indent=4)}\n")
    return ExitCode.IN_SYNC


def _read(console: Console, which: InventoryOptions, secrets: SecretOptions, trusted: TrustOptions, variables: bool = True,
          ) -> tuple[Project, tuple[str, ...]]:
    """The project, and the hosts that are left of it. variables: theirs are looked at."""
    run = prepared_hosts(console, [], which, secrets, trusted, connects=False, reached=False, variables=variables)
    assert run.project is not None
    return run.project, run.hosts


def _below(groups: ShownGroups, group: str, indent: str) -> Iterator[str]:
    """What stands below a group: the groups in it, and then its own hosts. Groups are no circles once they are read."""
    for child in sorted(groups.children(group)):
        yield f"{indent}|--@{escaped(child)}:"
        yield from _below(groups, child, f"{indent}|  ")
    for name in sorted(groups.hosts(group)) if group != "all" else ():  # they are in ungrouped, or elsewhere too
        yield f"{indent}|--{escaped(name)}"


def _yaml(value: Any) -> str:
    text: str = yaml.safe_dump(value, default_flow_style=True, width=1_000_000, allow_unicode=False)
    return text.removesuffix("\n").removesuffix("\n...")
