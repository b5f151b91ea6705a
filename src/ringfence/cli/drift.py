"""ringfence drift: what somebody changed."""

from functools import partial

from ringfence.cli.console import Console
from ringfence.cli.fleet import present
from ringfence.cli.options import Fleet, Secrets, Selection
from ringfence.cli.plan import Diff, Playbooks
from ringfence.cli.project import list_hosts, prepared
from ringfence.run import converge, fleet

EXAMPLES = """
ringfence drift                          exit with 0 where every host is as declared, with 2 where one differs
ringfence drift --output json -l finance
"""


def drift(console: Console, selection: Selection, secrets: Secrets, hosts: Fleet, playbooks: Playbooks = [],  # noqa: B006
          diff: Diff = True) -> int:
    """Show where hosts differ from what is declared, and exit with 2 if one does. Changes nothing."""
    run = prepared(console, playbooks, selection, secrets)
    if hosts.list_hosts:
        return list_hosts(console, run)
    results = fleet.each(run.jobs, partial(converge.plan, kinds=run.kinds), hosts.forks)
    return present(console, "drift", results, len(run.jobs), diff=diff, warnings=run.warnings)
