"""ringfence validate: is what is declared right, as far as that is known without a host."""

from ringfence.cli.console import Console
from ringfence.cli.options import Secrets, Selection
from ringfence.cli.plan import Playbooks
from ringfence.cli.project import prepared
from ringfence.report import Report
from ringfence.views import json
from ringfence.views.words import count

EXAMPLES = """
ringfence validate                                    the playbooks of ringfence.yml
ringfence validate -i inventory playbooks/*.yml
"""


def validate(console: Console, selection: Selection, secrets: Secrets, playbooks: Playbooks = []) -> int:  # noqa: B006
    """Find every mistake in playbooks, variables and inventory, without touching a host."""
    run = prepared(console, playbooks, selection, secrets)
    if console.json:
        document = json.Document("validate")
        console.write(document.head(run.warnings) + document.tail(Report(), 0.0, 0))
        return 0
    declared = sum(len(job.desired) for job in run.jobs)
    warnings = f", {count(len(run.warnings), 'warning')}" if run.warnings else ""
    console.write(f"valid: {count(declared, 'declaration')} for {count(len(run.jobs), 'host')}{warnings}\n")
    return 0
