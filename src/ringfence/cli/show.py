"""Results as they come -> what people or programs read, and the exit code. Nothing is kept but what a view keeps."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any

from ringfence.cli.console import Console
from ringfence.diagnostics import NOWHERE, Diagnostic, InputError
from ringfence.errors import ExitCode
from ringfence.plan.file import changes_as_data
from ringfence.report import HostResult, Report
from ringfence.run.fleet import LogObserver, RunObserver, run_all
from ringfence.run.host import HostJob
from ringfence.views.table import VIEWS
from ringfence.views.view import View, ViewOptions, ViewTable

LEFT_BEHIND = "what was being written to a host at this moment may be there or not; `ringfence plan` shows it"


class PlanObserver(RunObserver):
    """Keeps the changes of each host that could be planned, as a plan file has them."""

    def __init__(self) -> None:
        self.hosts: dict[str, list[dict[str, Any]]] = {}

    def on_result(self, result: HostResult) -> None:
        if result.error is None and result.status != "invalid":
            self.hosts[result.host] = changes_as_data(result.changes)


class _ProgressObserver(RunObserver):
    def __init__(self, advance: Callable[[], None]) -> None:
        self.advance = advance

    def on_result(self, result: HostResult) -> None:
        self.advance()


@contextmanager
def _interruptible() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(LEFT_BEHIND) from None


def view_of(console: Console, command: str, *, diff: bool = True, full: bool = False, table: ViewTable = VIEWS) -> View:
    """The view of a run in the format that --output names. Raises InputError where the command has no such view."""
    if console.format not in table:
        raise InputError([Diagnostic(NOWHERE, f"{command} has no output format {console.format}",
                                     f"allowed: {', '.join(table)}")])
    return table[console.format](ViewOptions(command, diff, console.style, full))


def show_run(console: Console, view: View, command: str, jobs: Sequence[HostJob], work: Callable[[HostJob], HostResult],
             forks: int, *, differences_fail: bool = True, warnings: Sequence[Diagnostic] = (),
             before: Sequence[HostResult] = (), observers: Sequence[RunObserver] = ()) -> ExitCode:
    """Do `work` on every job and show the results as they come; returns the exit code.

    differences_fail: whether hosts that differ count in it · before: results of hosts that need no work.
    """
    started, report = time.monotonic(), Report()
    console.write(view.begin(warnings))
    with _interruptible(), console.progress(len(jobs) + len(before), command) as advance:
        observers = (_ProgressObserver(advance), LogObserver(), *observers)
        for result in chain(before, run_all(jobs, work, forks, observers)):
            report.add(result)
            console.write(view.host(result))
    code = report.exit_code(differences_fail=differences_fail)
    console.write(view.end(report, time.monotonic() - started, code))
    return code
