"""ringfence status: what is in force."""

from dataclasses import replace
from typing import Annotated, Any

import typer

from ringfence.cli.console import Console
from ringfence.cli.options import Fleet, Secrets, Selection, flag
from ringfence.cli.project import list_hosts, prepared
from ringfence.report import HostResult, Report
from ringfence.run import fleet
from ringfence.run.converge import Job
from ringfence.run.status import Status
from ringfence.run.status import status as status_of
from ringfence.views import associations, json, text
from ringfence.views.words import visible

EXAMPLES = """
ringfence status web1                    the peers of web1 and what protects the connections to them
ringfence status 'finance:!boundary' --output json
"""


def status(console: Console, selection: Selection, secrets: Secrets, hosts: Fleet,
           names: Annotated[list[str], typer.Argument(metavar="HOST", help="Hosts, in Ansible's patterns. Default: all that "
                                                      "plays name.", show_default=False)] = [],  # noqa: B006
           playbooks: Annotated[list[str], flag("-p", "--playbook", metavar="FILE", help="Playbooks that name the hosts. "
                                                "Default: those of ringfence.yml. Repeatable.")] = [],  # noqa: B006
           ) -> int:
    """Show main mode and quick mode security associations of hosts, next to the rules that asked for them."""
    run = prepared(console, playbooks, replace(selection, limit=[*selection.limit, *names]), secrets)
    if hosts.list_hosts:
        return list_hosts(console, run)
    seen: dict[str, Status] = {}

    def ask(job: Job) -> HostResult:
        seen[job.host] = found = status_of(job, run.kinds)
        return found.result

    report, told = Report(), list[dict[str, Any]]()
    for result in fleet.each(run.jobs, ask, hosts.forks):
        report.add(result)
        found = seen.pop(result.host, Status(result))
        if console.json:
            failed = json.error(result.error) if result.error else None
            told.append({**associations.data(result.host, found.associations, found.stopped), "error": failed})
        elif result.error:
            console.write(f"{console.paint(visible(result.host), 'strong')}:\n{text.failure(result.error, console.paint)}\n")
        else:
            console.write(associations.text(result.host, found.associations, found.stopped, console.paint))
    if console.json:
        console.write(json.line({"command": "status", "hosts": told}) + "\n")
    return report.exit_code(differences=False)
