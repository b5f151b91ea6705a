"""A run as one JSON document (schemas/report.schema.json), written piece by piece so that a fleet of any size fits."""

import json
from collections.abc import Sequence
from typing import Any

from ringfence import __version__
from ringfence.diagnostics import Diagnostic
from ringfence.errors import ExitCode, HostError, RingfenceError
from ringfence.plan.file import changes_as_data
from ringfence.plan.obstacles import Obstacle
from ringfence.report import HostResult, Report
from ringfence.views.view import ViewOptions

REPORT_FORMAT = 1


def line(value: Any) -> str:
    """Plain values as JSON on one line, in ASCII: it survives every encoding and no terminal obeys it."""
    return json.dumps(value, separators=(", ", ": "))


def diagnostic(problem: Diagnostic) -> dict[str, Any]:
    """A mistake or warning as plain values; `file` and `line` are null where it has no place."""
    return {"severity": problem.severity, "file": problem.where.file or None, "line": problem.where.line or None,
            "summary": problem.summary, "detail": problem.detail, "host": problem.host or None}


def error(problem: RingfenceError) -> dict[str, Any]:
    """An error as plain values; `kind` is a row of errors.FAILURES, or null."""
    kind, advice = (problem.kind, problem.advice) if isinstance(problem, HostError) else (None, "")
    return {"kind": kind, "message": str(problem), "advice": advice, "exit_code": problem.exit_code}


def obstacle(one: Obstacle) -> dict[str, Any]:
    """What keeps objects out of force, as plain values; `obstacle` is a row of OBSTACLES."""
    objects = [{"store": a.id.store, "kind": a.id.kind, "name": a.name, "file": a.where.file or None,
                "line": a.where.line or None} for a in one.objects]
    return {"level": one.level, "obstacle": one.reason.obstacle, "profiles": list(one.profiles), "reason": one.reason.text,
            "advice": one.reason.advice, "objects": objects}


def host(result: HostResult) -> dict[str, Any]:
    """What became of one host as plain values."""
    written = [
        {"store": c.id.store, "kind": c.id.kind, "name": c.resource.name} for c in result.changes if c.id in result.written
    ]
    return {"host": result.host, "status": result.status, "declared": result.declared,
            "changes": changes_as_data(result.changes), "written": written, "remaining": changes_as_data(result.remaining),
            "error": error(result.error) if result.error else None,
            "diagnostics": [diagnostic(d) for d in result.diagnostics],
            "obstacles": [obstacle(o) for o in result.obstacles], "connections": result.connections,
            "seconds": result.seconds}


class JsonView:
    """A report in its pieces."""

    def __init__(self, options: ViewOptions) -> None:
        self._command, self._hosts = options.command, 0

    def begin(self, warnings: Sequence[Diagnostic]) -> str:
        start = {"ringfence": __version__, "format": REPORT_FORMAT, "command": self._command,
                 "diagnostics": [diagnostic(w) for w in warnings]}
        return line(start)[:-1] + ', "hosts": ['

    def host(self, result: HostResult) -> str:
        self._hosts += 1
        return ("," if self._hosts > 1 else "") + "\n" + line(self.object(result))

    def object(self, result: HostResult) -> dict[str, Any]:
        """What a host's member of the document holds."""
        return host(result)

    def end(self, report: Report, seconds: float, exit_code: ExitCode) -> str:
        return "\n], " + line({"summary": _summary(report, seconds), "error": None, "exit_code": exit_code})[1:] + "\n"


def without_hosts(command: str, diagnostics: Sequence[Diagnostic], problem: RingfenceError | None = None) -> dict[str, Any]:
    """The whole document of a run that touched no host: validate, or one that ended before the first."""
    return {"ringfence": __version__, "format": REPORT_FORMAT, "command": command,
            "diagnostics": [diagnostic(d) for d in diagnostics], "hosts": [], "summary": _summary(Report(), 0.0),
            "error": error(problem) if problem else None, "exit_code": problem.exit_code if problem else ExitCode.IN_SYNC}


def _summary(report: Report, seconds: float) -> dict[str, Any]:
    return {"hosts": dict(sorted(report.counts.items())), "changes": report.changes, "written": report.written,
            "seconds": round(seconds, 3)}
