"""ringfence render: what is declared for a host, without asking it."""

from typing import Annotated

from ringfence.cli.console import Console
from ringfence.cli.options import Argument, Full, SecretOptions, SelectionOptions, TrustOptions, flag
from ringfence.cli.prepared import prepared
from ringfence.diagnostics import Where
from ringfence.errors import ExitCode
from ringfence.project.project import Project
from ringfence.run.host_job import HostJob
from ringfence.run.prepare import Prepared
from ringfence.views.declared_view import DeclaredHost, Written, declared_data, declared_text

EXAMPLES = """
ringfence render web1                    what is declared for it, and why
ringfence render --output json 'web:!web9'
git stash; ringfence render > before; git stash pop; ringfence render | diff before -
"""


def render(console: Console, selection: SelectionOptions, secrets: SecretOptions, trusted: TrustOptions,
           pattern: Annotated[list[str], Argument(metavar="HOST", help="Hosts, in Ansible's patterns. Default: all that a "
                                                  "play is for.")] = [],  # noqa: B006
           playbook: Annotated[list[str], flag("--playbook", metavar="FILE", help="Playbooks. Default: those of ringfence.yml. "
                                               "Repeatable.")] = [],  # noqa: B006
           full: Full = False) -> ExitCode:
    """Show what is declared for hosts, as YAML with the place of each value and why the host gets it. Asks no host.

    A review of what a change means needs no credentials. What depends on facts of the host is named, not guessed.
    """
    run = prepared(console, playbook, selection, secrets, trusted, connects=False, narrowed=pattern)
    assert run.project is not None
    hosts = [_declared(job, run, run.project) for job in run.jobs]
    console.show({"hosts": [declared_data(one) for one in hosts]}, declared_text(hosts, run.groups, run.context.kinds, full),
                 run.warnings)
    return ExitCode.IN_SYNC


def _declared(job: HostJob, run: Prepared, project: Project) -> DeclaredHost:
    declarations = job.declarations if job.declarations is not None else run.context.declare(job.host, None)[0]
    written: dict[Where, Written] = {}
    for play in (play for play, hosts in project.plays if job.host in hosts):
        for task in play.tasks:
            when, before = tuple(c.text for c in task.conditions), written.get(task.where)
            if before:  # it is imported several times: what is said is so of all of them
                when = tuple(said for said in when if said in before.when)
            written[task.where] = Written(play.hosts, when, task.properties)
    waits = project.render(job.host, None, run.tags).needs_facts if job.needs_facts else ()
    return DeclaredHost(job.host, declarations, written, waits)
