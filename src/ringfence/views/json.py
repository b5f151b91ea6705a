"""A run as one JSON document (schemas/report.schema.json), written piece by piece so that a fleet of any size fits."""

import json
from collections.abc import Sequence
from typing import Any

from ringfence import __version__
from ringfence.errors import Diagnostic, HostError, RingfenceError
from ringfence.plan.file import changes_as_data
from ringfence.report import HostResult, Report

FORMAT = 1


def line(said: Any) -> str:
    """Plain values as JSON on one line, in ASCII: it survives every encoding and no terminal obeys it."""
    return json.dumps(said, separators=(", ", ": "))


def diagnostic(problem: Diagnostic) -> dict[str, Any]:
    """A mistake or warning as plain values; `file` and `line` are null where it has no place."""
    return {"severity": problem.severity, "file": problem.where.file or None, "line": problem.where.line or None,
            "summary": problem.summary, "detail": problem.detail, "host": problem.host or None}


def error(problem: RingfenceError) -> dict[str, Any]:
    """An error as plain values; `kind` is a row of errors.FAILURES, or null."""
    kind, advice = (problem.kind, problem.advice) if isinstance(problem, HostError) else (None, "")
    return {"kind": kind, "message": str(problem), "advice": advice, "exit_code": problem.exit_code}


def host(result: HostResult) -> dict[str, Any]:
    """What became of one host as plain values."""
    return {"host": result.host, "status": result.status, "declared": result.declared,
            "changes": changes_as_data(result.changes), "made": result.made, "residue": changes_as_data(result.residue),
            "error": error(result.error) if result.error else None,
            "diagnostics": [diagnostic(d) for d in result.diagnostics], "trips": result.trips, "seconds": result.seconds}


class Document:
    """The pieces of a report, in the order in which they are written: head, hosts, tail."""

    def __init__(self, command: str) -> None:
        self._command, self._hosts = command, 0

    def head(self, warnings: Sequence[Diagnostic] = ()) -> str:
        """Before the first host."""
        start = {"ringfence": __version__, "format": FORMAT, "command": self._command,
                 "diagnostics": [diagnostic(w) for w in warnings]}
        return line(start)[:-1] + ', "hosts": ['

    def host(self, result: HostResult) -> str:
        """One host."""
        self._hosts += 1
        return ("," if self._hosts > 1 else "") + "\n" + line(host(result))

    def tail(self, report: Report, seconds: float, exit_code: int) -> str:
        """After the last host."""
        summary = {"hosts": dict(sorted(report.counts.items())), "changes": report.changes, "made": report.made,
                   "seconds": round(seconds, 3)}
        return "\n], " + line({"summary": summary, "error": None, "exit_code": exit_code})[1:] + "\n"


def failed(command: str, problem: RingfenceError, diagnostics: Sequence[Diagnostic]) -> str:
    """The whole document of a run that ended before any host."""
    summary = {"hosts": {}, "changes": 0, "made": 0, "seconds": 0.0}
    return line({"ringfence": __version__, "format": FORMAT, "command": command,
                 "diagnostics": [diagnostic(d) for d in diagnostics], "hosts": [], "summary": summary,
                 "error": error(problem), "exit_code": problem.exit_code}) + "\n"
