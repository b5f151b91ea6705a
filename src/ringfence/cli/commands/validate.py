"""ringfence validate: is what is declared right, as far as that is known without a host."""

from typing import TYPE_CHECKING

from ringfence.cli.console import ReportingConsole
from ringfence.cli.options import Playbooks, SecretOptions, SelectionOptions, TrustOptions
from ringfence.cli.prepared import prepared
from ringfence.errors import ExitCode
from ringfence.report import HostResult, ValidatedResult
from ringfence.views.format import count
from ringfence.windows import shipped_rules

if TYPE_CHECKING:
    from ringfence.run.host_job import HostJob

EXAMPLES = """
ringfence validate                                    the playbooks of ringfence.yml
ringfence validate -i inventory playbooks/*.yml
"""


def validate(console: ReportingConsole, selection: SelectionOptions, secrets: SecretOptions, trusted: TrustOptions,
             playbooks: Playbooks = []) -> ExitCode:  # noqa: B006
    """Find every mistake in playbooks, variables and inventory, without touching a host."""
    run = prepared(console, playbooks, selection, secrets, trusted, connects=False)
    declared = sum(job.declared for job in run.jobs)
    notes = shipped_rules.notes(d for job in run.jobs for d in (job.declarations or {}).values())
    console.problems(notes)
    numbers = "".join(f", {count(len(found), word)}" for found, word in ((run.warnings, "warning"), (notes, "note")) if found)
    valid = f"valid: {count(declared, 'declaration')} for {count(len(run.jobs), 'host')}{numbers}\n"
    told = (*run.warnings, *notes)
    console.show({"hosts": [job.host for job in run.jobs], "declared": declared}, "" if console.quiet else valid, told)
    if console.reports.wanted:
        from ringfence.views.table import VALIDATED_REPORTS

        console.reports.whole(console.report_options(), told, map(_valid, run.jobs), ExitCode.IN_SYNC, VALIDATED_REPORTS)
    return ExitCode.IN_SYNC


def _valid(job: "HostJob") -> HostResult:
    from ringfence.plan.obstacles import objects_of

    return ValidatedResult(job.host, declared=job.declared, declared_objects=objects_of(job.declarations or {}))
