"""A run as people read it: what is to be done, was done or was found, a line for each host, and the sum."""

from collections.abc import Sequence
from dataclasses import replace

from ringfence.diagnostics import Diagnostic
from ringfence.errors import ExitCode
from ringfence.report import HostResult, Report
from ringfence.views.change_text import ChangeOptions
from ringfence.views.change_words import ABANDONED, CHANGE_WORDS
from ringfence.views.format import escaped
from ringfence.views.grouped_results import GroupedResults
from ringfence.views.recap import RecapRow, drift_summary, plan_summary, recap, row, total, wave_table
from ringfence.views.view import ViewOptions
from ringfence.views.wrapping import wrapped


class TextView:
    """A run for people. What is the same on several hosts is told once, when all of them are there."""

    def __init__(self, options: ViewOptions) -> None:
        self._options, self._drift = options, options.run.command == "drift"
        self._results = GroupedResults(ChangeOptions(options.diff, options.style, options.full, self._drift), options.groups)
        self._rows: list[RecapRow] = []

    def begin(self, warnings: Sequence[Diagnostic]) -> str:
        return ""  # they were told when they were found

    def host(self, result: HostResult) -> str:
        if self._options.quiet:
            result = replace(result, diagnostics=tuple(d for d in result.diagnostics if d.severity == "error" or d.urgent))
        if self._options.quiet and result.status == "in_sync" and not result.diagnostics:
            return ""
        told, line = self._results.add(result), row(result)
        self._rows.append(line)
        return wrapped(told, self._options.width)

    def end(self, report: Report, seconds: float, exit_code: ExitCode) -> str:
        if self._options.quiet and not self._rows:
            return ""
        table = recap(self._rows, self._options.style, self._drift, self._options.width)
        table += "\n" + wave_table(report.waves, self._options.style) if report.waves else ""
        parts = [self._results.flush(), self._abandoned(), self._legend(), table, "\n", self._summary(report, seconds), "\n"]
        return wrapped("".join(parts), self._options.width) + self._next(report)

    def _summary(self, report: Report, seconds: float) -> str:
        if self._drift:
            return drift_summary(self._rows, report, seconds)
        if self._options.run.command not in ("plan", "apply --check"):
            return total(report, seconds)
        return plan_summary(self._rows, report, seconds, self._results.distinct)

    def _next(self, report: Report) -> str:
        """What comes after a plan. It is not broken into lines: a command is to be copied whole."""
        planned = self._options.run.command in ("plan", "apply --check") and report.counts["differs"]
        return f"next: {self._options.next.sentence()}\n" if self._options.next and planned else ""

    def _abandoned(self) -> str:
        hosts = "".join(f"  {escaped(host)}\n" for host in self._options.abandoned)
        told = "runs of this project left objects there, and no play names these hosts any more: `ringfence retire HOST`"
        return f"{self._options.style(ABANDONED, 'warning')}: {told}\n{hosts}\n" if hosts else ""

    def _legend(self) -> str:
        """What the signs mean that were shown."""
        if self._drift or not (actions := {a for one in self._rows for a in one.actions}):
            return ""
        told = "  ".join(f"{words.sign} {action}" for action, words in CHANGE_WORDS.items() if action in actions)
        return self._options.style(told, "quiet") + "\n\n"
