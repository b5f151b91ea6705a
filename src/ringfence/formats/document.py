"""The one document that each command writes with --output json: the same around every result.

    {"format_version", "ringfence", "command", "run_id", "started", "project", "result": …, "diagnostics", "summary", "error",
     "exit_code", "ended"}

It is written piece by piece, so that a fleet of any size fits; whatever ends the command, it is closed.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ringfence import __version__
from ringfence.diagnostics import Diagnostic
from ringfence.errors import RingfenceError
from ringfence.formats.data import FORMAT_VERSION, diagnostic_data, encode, error_data
from ringfence.report import ProjectState, Report, RunInfo, WaveProgress


def moment(at: datetime) -> str:
    """A moment as RFC 3339 has it, in UTC, to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def head(run: RunInfo) -> dict[str, Any]:
    """What stands before the result of a run."""
    return {"format_version": FORMAT_VERSION, "ringfence": __version__, "command": run.command, "run_id": run.run_id,
            "started": moment(run.started), "project": run.project and project_data(run.project)}


def project_data(project: ProjectState) -> dict[str, Any]:
    """Which project a document is of."""
    return {"name": project.name or None, "id": project.id or None, "commit": project.commit or None, "dirty": project.dirty}


def tail(diagnostics: Sequence[Diagnostic], report: Report, seconds: float, exit_code: int,
         error: RingfenceError | None = None) -> dict[str, Any]:
    """What stands after it."""
    return {"diagnostics": [diagnostic_data(d) for d in diagnostics], "summary": summary(report, seconds),
            "error": error_data(error), "exit_code": exit_code, "ended": moment(datetime.now(UTC))}


def summary(report: Report, seconds: float) -> dict[str, Any]:
    """The sums of a run. hosts: how many, by status."""
    return {"hosts": dict(sorted(report.counts.items())), "declared": report.declared, "undeclared": report.undeclared,
            "changes": report.changes, "made": report.written, "seconds": round(seconds, 3)}


def wave_data(wave: WaveProgress) -> dict[str, Any]:
    """One wave of a run."""
    return {"number": wave.number, "of": wave.of, "hosts": list(wave.hosts), "statuses": dict(sorted(wave.counts.items())),
            "seconds": round(wave.seconds, 3), "verified": wave.verified, "stopped": wave.stopped or None, "ended": wave.ended}


def document(run: RunInfo, result: Mapping[str, Any] | None, diagnostics: Sequence[Diagnostic] = (), exit_code: int = 0,
             error: RingfenceError | None = None) -> str:
    """The whole document of a command that is no run over hosts, or that ended before the first; one line."""
    seconds = (datetime.now(UTC) - run.started).total_seconds()
    return encode({**head(run), "result": result, **tail(diagnostics, Report(), seconds, exit_code, error)}) + "\n"
