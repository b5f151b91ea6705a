"""Results as they come -> what people or programs read, and the exit code. Nothing is kept but a recap line per host."""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from ringfence.cli import INTERRUPTED
from ringfence.cli.console import LOG, Console
from ringfence.errors import Diagnostic
from ringfence.plan.file import changes_as_data
from ringfence.report import HostResult, Report
from ringfence.views import json, text

Keep = Callable[[HostResult], None]
Planned = dict[str, list[dict[str, Any]]]  # what is to change on each host, as a plan file has it


def remember(planned: Planned) -> Keep:
    """Keeps the changes of each host that could be planned."""

    def keep(result: HostResult) -> None:
        if result.error is None and result.status != "invalid":
            planned[result.host] = changes_as_data(result.changes)

    return keep


def present(console: Console, command: str, results: Iterable[HostResult], total: int, *, diff: bool = True,
            differences: bool = True, warnings: Sequence[Diagnostic] = (), keep: Keep | None = None) -> int:
    """Show a run; returns its exit code. `differences`: whether hosts that differ count in it."""
    started = time.monotonic()
    with _interruptible():
        observed = _observed(console, command, results, total, keep)
        if console.json:
            return _as_json(console, command, observed, started, differences, warnings)
        return _as_text(console, observed, started, diff, differences)


def _observed(console: Console, command: str, results: Iterable[HostResult], total: int,
              keep: Keep | None) -> Iterator[HostResult]:
    """The results, counted by a progress bar that is gone after the last one."""
    with console.progress(total, command) as advance:
        for result in results:
            advance()
            LOG.info("%s: %s, %d changes, %d made, %d round trips, %.2f s", result.host, result.status, len(result.changes),
                     result.made, result.trips, result.seconds)
            if keep:
                keep(result)
            yield result


def _as_text(console: Console, results: Iterable[HostResult], started: float, diff: bool, differences: bool) -> int:
    outcomes, report, rows = text.Outcomes(diff=diff, paint=console.paint), Report(), list[text.Row]()
    for result in results:
        report.add(result)
        rows.append(text.row(result))
        console.write(outcomes.add(result))
    console.write(outcomes.flush())
    console.write(text.recap(rows, report, time.monotonic() - started, console.paint) + "\n")
    return report.exit_code(differences=differences)


def _as_json(console: Console, command: str, results: Iterable[HostResult], started: float, differences: bool,
             warnings: Sequence[Diagnostic]) -> int:
    document, report = json.Document(command), Report()
    console.write(document.head(warnings))
    for result in results:
        report.add(result)
        console.write(document.host(result))
    code = report.exit_code(differences=differences)
    console.write(document.tail(report, time.monotonic() - started, code))
    return code


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C ends the run at once, with one line; without this, Python would wait for every connection's timeout."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, frame: Any) -> None:
        cursor = b"\x1b[?25h" if sys.stderr.isatty() else b""
        os.write(2, cursor + b"\ninterrupted: what was being written to a host at this moment may be there or not; "
                    b"`ringfence plan` shows it\n")
        os._exit(INTERRUPTED)

    before = signal.signal(signal.SIGINT, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
