"""ringfence show: what a host has, or what a plan file says."""

from collections.abc import Iterable
from functools import partial
from typing import Annotated

from ringfence.cli.command import usage_error
from ringfence.cli.console import Console
from ringfence.cli.options import Argument, FleetOptions, InventoryOptions, SecretOptions, TrustOptions, flag
from ringfence.cli.plan_files import is_plan_file, read_plan, show_plan
from ringfence.cli.prepared import list_hosts, prepared_hosts, trust_of, with_names
from ringfence.cli.show import show_run
from ringfence.diagnostics import allowed
from ringfence.errors import ExitCode
from ringfence.run.live_policy import PolicyFilter, show_host
from ringfence.views.table import POLICY_VIEWS
from ringfence.windows.origin import ORIGINS
from ringfence.windows.read import STORES
from ringfence.windows.whole_policy import RESTRICTED_KEYS

EXAMPLES = """
ringfence show web1 --origin vendor --origin other     what neither Windows nor an app package brought
ringfence show web1 --name '*remote desktop*'          by name or by display name
ringfence show web1 --store static_service             the restrictions of Windows' own services
ringfence show site.plan.json                          what a plan file says, for its review
"""
EVERY_STORE = (*STORES, *RESTRICTED_KEYS)


def show(console: Console, which: InventoryOptions, secrets: SecretOptions, trusted: TrustOptions, hosts: FleetOptions,
         names: Annotated[list[str], Argument(metavar="HOST", help="Hosts of the inventory, in Ansible's patterns; or "
                                              "one plan file (.json). Default: all hosts.")] = [],  # noqa: B006
         kind: Annotated[list[str], flag("--kind", metavar="KIND", help="Only this kind: firewall_rule. Repeatable.")] = [],  # noqa: B006
         origin: Annotated[list[str], flag("--origin", metavar="ORIGIN", words=ORIGINS,
                                           help=f"Only what is of: {', '.join(ORIGINS)}. Repeatable.")] = [],  # noqa: B006
         store: Annotated[list[str], flag("--store", metavar="STORE", words=EVERY_STORE,
                                          help=f"Only this store: {', '.join(EVERY_STORE)}. The last three are counted only, "
                                          "unless asked for. Repeatable.")] = [],  # noqa: B006
         name: Annotated[list[str], flag("--name", metavar="NAME", help="Only what has such a name or display name; * and ? "
                                         "stand for any text and any character. Repeatable.")] = [],  # noqa: B006
         ) -> ExitCode:
    """Show the live policy of hosts: every object with whose it is, and what no playbook can say.

    With --kind, --origin, --store or --name it shows such objects alone. Of a plan file it shows how it was made, and what it
    does to each host.
    """
    if is_plan_file(names):
        if len(names) > 1 or kind or origin or store or name or console.settings.given("limit", "inventory"):
            raise usage_error("a plan file is shown whole", "give the file alone")
        plan = read_plan(names[0], trust_of(trusted))
        show_plan(console, plan, plan.hosts, hosts.full)
        return ExitCode.IN_SYNC
    run = with_names(prepared_hosts(console, names, which, secrets, trusted, not hosts.list_hosts, own_kinds=True))
    for what, said, known in (("kind", kind, run.context.kinds), ("origin", origin, ORIGINS), ("store", store, EVERY_STORE)):
        _check(what, said, known)
    if hosts.list_hosts:
        return list_hosts(console, run)
    work = partial(show_host, context=run.context, shown=PolicyFilter(store, kind, origin, name))
    return show_run(console, run.jobs, work, hosts, table=POLICY_VIEWS, warnings=run.warnings)


def _check(what: str, said: Iterable[str], known: Iterable[str]) -> None:
    names = list(known)
    for word in said:
        if word not in names:
            raise usage_error(f"there is no {what} {word}", allowed(word, names))
