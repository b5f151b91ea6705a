"""Results as they come -> what people or programs read, and the exit code. Nothing is kept but what a view keeps."""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from itertools import chain

from ringfence.cli.ci_logs import LogSection
from ringfence.cli.command import usage_error
from ringfence.cli.console import Console
from ringfence.cli.guarded_view import GuardedView
from ringfence.cli.options import FleetOptions
from ringfence.cli.report_files import ReportFiles
from ringfence.diagnostics import Diagnostic
from ringfence.errors import ExitCode
from ringfence.formats.approval import Approval
from ringfence.formats.plan_file import is_planned
from ringfence.model.state import Change
from ringfence.report import HostResult, Report, WaveProgress
from ringfence.rollout.waves import Apart
from ringfence.run.fleet import FleetRun, LogObserver, RunObserver
from ringfence.run.host_job import HostJob
from ringfence.run.interruption import GRACE
from ringfence.run.journal import Journal
from ringfence.run.open_pool import open_pool
from ringfence.run.recorder import Recorder
from ringfence.run.rollout import Rollout
from ringfence.run.same_machine import SameMachine
from ringfence.run_settings import UnreachableHosts
from ringfence.views import recap
from ringfence.views.format import count, names
from ringfence.views.table import VIEWS
from ringfence.views.view import NextCommands, ViewTable, WaveView

LOG = logging.getLogger(__name__)


class PlanObserver(RunObserver):
    """Keeps what is going to be agreed to for each host that has changes, equal ones of several hosts once; and what became of
    the others, which belong to the run too.

    read: of the first, with facts where they are kept · later: those of them that may not be changed now · invalid: the hosts on
    which what is declared is wrong · facts: those of `apart` that some host has.
    """

    def __init__(self, apart: Sequence[Apart] = ()) -> None:
        self._apart, self.facts = apart, set[str]()
        self.approvals: dict[str, Approval] = {}
        self.read: dict[str, HostResult] = {}
        self.later = set[str]()
        self.others: list[HostResult] = []
        self.invalid: list[str] = []
        self._known: dict[Change, Change] = {}

    def on_result(self, result: HostResult) -> None:
        self.facts.update(one.by for one in self._apart if one.is_known_to(result.facts))
        if is_planned(result) and result.changes:
            changes = tuple(self._known.setdefault(c, c) for c in result.changes)
            self.approvals[result.host] = Approval(changes, result.machine)
            self.read[result.host] = HostResult(result.host, facts=result.facts)
            self.later |= {result.host} if result.later else set()
            return
        self.others.append(replace(result, facts={}))
        if result.status == "invalid":
            self.invalid.append(result.host)


class _ProgressObserver(RunObserver):
    def __init__(self, advance: Callable[[HostResult], None]) -> None:
        self.advance = advance

    def on_result(self, result: HostResult) -> None:
        self.advance(result)


class _WaveWriter(RunObserver):
    """Writes waves where a view shows them as they go."""

    def __init__(self, view: GuardedView, section: LogSection) -> None:
        self._view, self._section = view, section

    def on_wave(self, wave: WaveProgress) -> None:
        self._section.write(self._view.wave(wave))


class _TellingObserver(RunObserver):
    """Says to people what happens to hosts that are written, as it happens."""

    def __init__(self, console: Console, total: int, writes: bool) -> None:
        self._console, self._total, self._writes, self._number = console, total, writes, 0
        self._wave_seconds, self._wave_hosts = 0.0, 0

    def on_result(self, result: HostResult) -> None:
        self._number += 1
        if self._writes:
            self._say(lambda: recap.host_line(result, self._number, self._total, self._console.style_error))

    def on_wave(self, wave: WaveProgress) -> None:
        self._say(lambda: recap.wave_line(wave, self._total_of_waves(wave), self._console.style_error))

    def _say(self, line: Callable[[], str]) -> None:
        """A fault of ours in a line is no end of the run: the view tells of the host, or the wave."""
        try:
            self._console.say(line())
        except Exception as error:
            LOG.debug("a line of progress", exc_info=error)

    def _total_of_waves(self, wave: WaveProgress) -> float | None:
        """The seconds that all that comes after a wave may take, as far as those before it tell."""
        if wave.ended:
            if written := len(wave.hosts) - wave.before:
                self._wave_seconds += wave.seconds
                self._wave_hosts += written
            return None
        left = self._total - self._number
        return self._wave_seconds / self._wave_hosts * left if self._wave_hosts else None

    def on_signal(self, name: str, in_flight: Sequence[str], not_begun: Sequence[str]) -> None:
        if in_flight:
            self._console.say(f"{name}: no further host is begun; waiting up to {GRACE:.0f} s for what is being written to "
                              f"{names(in_flight)}. Once more ends at once")


def show_run(console: Console, jobs: Sequence[HostJob], work: Callable[[HostJob], HostResult], hosts: FleetOptions, *,
             command: str = "", diff: bool = True, table: ViewTable = VIEWS, differences_fail: bool = True,
             warnings: Sequence[Diagnostic] = (), before: Sequence[HostResult] = (), observers: Sequence[RunObserver] = (),
             journal: Journal | None = None, held: Sequence[str] = (), next: NextCommands | None = None,
             abandoned: tuple[str, ...] = (), reports: ReportFiles | None = None,
             earlier: float = 0.0, rollout: Callable[..., Rollout] | None = None,
             machines: SameMachine | None = None) -> ExitCode:
    """Do `work` on every job and show the results as they come; returns the exit code.

    command: what the run is called, where that is not the command itself · differences_fail: whether hosts that differ count in
    the exit code · before: results of hosts that need no work · journal: the record of a run that writes · held: hosts that are
    not begun · next: what comes after this one · abandoned: hosts that no play names any more · reports: other ones than those of
    the command · earlier: seconds that the same run took before, for a first look · rollout: makes what goes over the jobs, where
    that is more than one after the other; its hosts were read before · machines: those that answer, for whoever asks later.
    """
    options = console.view_options(command, diff=diff, full=hosts.full, next=next, abandoned=abandoned)
    if console.format not in table:
        raise usage_error(f"{options.run.command} has no output format {console.format}", f"allowed: {', '.join(table)}")
    view = table[console.format](options)
    showing = GuardedView(view, console.say)
    started, report, total = time.monotonic(), Report(), len(jobs) + len(before)
    recorder = journal or Recorder()
    reports = console.reports if reports is None else reports
    if reports.wanted:
        reports.begin(console.report_options(command=command, full=hosts.full, next=next, abandoned=abandoned,
                                             unreachable_fails=hosts.unreachable == UnreachableHosts.fail), warnings)
    section = console.section(f"{options.run.command} of {count(total, 'host')}")
    section.write(view.begin(warnings))
    console.shown = report, showing.end
    with section, ExitStack() as stack:
        stack.enter_context(recorder.interruption.heard())
        # progress is shown by a thread of its own, and what has several cannot be copied
        submit = stack.enter_context(open_pool(jobs, work, hosts.forks, hosts.processes, recorder))
        advance = stack.enter_context(console.progress(total, options.run.command))
        seen: list[RunObserver] = [_ProgressObserver(advance), LogObserver(),
                                   _TellingObserver(console, total, journal is not None and not console.quiet), *observers]
        seen += [journal] if journal else []
        seen += [_WaveWriter(showing, section)] if isinstance(view, WaveView) else []
        fleet = rollout(seen, recorder, submit=submit) if rollout else FleetRun(
            jobs, work, hosts.forks, seen, recorder, submit=submit, machines=machines or SameMachine())
        for result in before:
            for observer in seen:
                observer.on_result(result)
        unknown: list[str] = []
        for result in chain(before, fleet.results()):
            report.add(result)
            unknown += [result.host] if result.status == "unknown" else []
            section.write(showing.host(result))
            reports.host(result)
        report.signal, report.not_begun = recorder.interruption.name, (*held, *fleet.not_begun)
        if isinstance(fleet, Rollout):
            report.waves, report.stopped = fleet.waves, fleet.stopped
            report.codes.add(fleet.exit_code)
    if report.signal:
        console.say(recap.interrupted(report, unknown, console.style_error))
    elif report.stopped:
        console.say(recap.stopped(report, console.style_error))
    unreachable = report.counts["unreachable"]
    if unreachable and hosts.unreachable == UnreachableHosts.warn:
        console.say(f"warning: {count(unreachable, 'host')} not reached, and not counted in the exit code (--unreachable warn)")
    code_of = partial(Report.exit_code, differences_fail=differences_fail,
                      unreachable_fails=hosts.unreachable == UnreachableHosts.fail)
    code, seconds = showing.code(code_of(report)), earlier + time.monotonic() - started
    if journal:
        journal.close(report, seconds, code)
    section.last(showing.end(report, seconds, code))
    console.shown = None
    reports.end(report, seconds, lambda told: showing.code(code_of(told)))
    return showing.code(code)
