"""Where commands write: results to standard output; questions, progress, logs and mistakes to standard error."""

import contextlib
import getpass
import logging
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, TextIO

from ringfence.cli import pager, progress
from ringfence.cli.ci_logs import LogSection, ci_log
from ringfence.cli.log_file import LogFile
from ringfence.cli.options import CommonOptions, ReportingOptions
from ringfence.cli.progress import RunProgress
from ringfence.cli.report_files import ReportFiles
from ringfence.cli.resolved_settings import ResolvedSettings
from ringfence.cli.streams import GuardedStream, goes_into_file, mute, spell_out, typed_line
from ringfence.diagnostics import NOWHERE, Diagnostic, InputError, Where
from ringfence.errors import ExitCode, RingfenceError
from ringfence.formats.document import document
from ringfence.formats.events import EventEncoder, whole_run
from ringfence.report import HostResult, ProjectState, Report, RunInfo
from ringfence.run.run_options import new_run_id
from ringfence.run_settings import OutputFormat
from ringfence.secret import Secret
from ringfence.views import diagnostics_text
from ringfence.views.format import Style, unstyled
from ringfence.views.host_names import HostGroups
from ringfence.views.view import ViewOptions

ANSI = {"added": "32", "removed": "31", "changed": "33", "error": "1;31", "warning": "1;33", "good": "32", "quiet": "2",
        "strong": "1"}
ON_WINDOWS = os.name == "nt"
LOG = logging.getLogger("ringfence")


def ansi(shown: str, style: str) -> str:
    return f"\x1b[{ANSI[style]}m{shown}\x1b[0m" if shown else shown


def coloured(stream: TextIO, no_color: bool) -> bool:
    """Whether a stream takes colours: a terminal, unless somebody said no (https://no-color.org), or what somebody forces them on
    (https://force-color.org, https://bixense.com/clicolors; older programs read CLICOLOR_FORCE=0 as off)."""
    if no_color or os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR") or os.environ.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        return True
    return os.environ.get("TERM") != "dumb" and stream.isatty() and not (ON_WINDOWS and _shows_codes())


def _shows_codes() -> bool:
    """Whether it is a console of Windows that would show the codes of colours instead of colours."""
    from rich.console import detect_legacy_windows

    return detect_legacy_windows()


class Console:
    """The streams of one command. A reader that goes away (`| head`) is no error, and no reason to stop half way."""

    def __init__(self, common: CommonOptions, command: str, settings: ResolvedSettings) -> None:
        self.format, self.command = common.output.value, command
        self.settings = settings  # from where each setting of the command is
        self.no_fold = common.no_fold
        self.quiet = common.quiet  # nothing but what is not in sync, and mistakes
        self.run_id, self.began = new_run_id(), datetime.now(UTC)
        self._project: Callable[[], ProjectState | None] = lambda: None
        self._wrote = False
        # of a run over hosts that is being shown: what became of it so far, and what ends the showing
        self.shown: tuple[Report, Callable[[Report, float, ExitCode], str]] | None = None
        self.groups: HostGroups = {}  # those of the inventory of the run
        self._progress: Any = None
        self._muted = False
        self.unwritten = ""  # why standard output took no more
        self.reports = ReportFiles()
        for stream in (sys.stdout, sys.stderr):
            spell_out(stream)
        if isinstance(sys.stdout, GuardedStream):
            sys.stdout.json = not self.for_people
        self.style: Style = ansi if coloured(sys.stdout, common.no_color) else unstyled
        self.style_error: Style = ansi if coloured(sys.stderr, common.no_color) else unstyled

    @property
    def for_people(self) -> bool:
        """Whether standard output is text for people: then a command may tell and ask."""
        return self.format == OutputFormat.text

    @cached_property
    def run(self) -> RunInfo:
        """What the run of this command is known by, once its project is known."""
        return RunInfo(self.run_id, self.command, self.began, self._project())

    def of_project(self, project: Callable[[], ProjectState | None]) -> None:
        """The run is of this project: what it is, is asked when somebody wants to know."""
        self._project = project

    def view_options(self, command: str = "", **more: Any) -> ViewOptions:
        """How results are shown here. command: what the run is called, where that is not the command itself."""
        info = replace(self.run, command=command) if command else self.run
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        return ViewOptions(info, style=self.style, quiet=self.quiet, groups=self.groups, width=width, **more)

    @property
    def can_ask(self) -> bool:
        """Whether there is somebody to ask."""
        return self.for_people and sys.stdin.isatty() and sys.stderr.isatty()

    def show(self, result: Mapping[str, Any], shown: str, diagnostics: Sequence[Diagnostic] = (), paged: bool = False) -> None:
        """The result of a command: text for people, or a document or events around it. The only place that tells them apart.
        paged: text goes through a pager in front of a terminal."""
        program = pager.pager() if paged and self.for_people else ""
        if not program or not pager.paged(shown, program):
            self.write(shown if self.for_people else self._encoded(self.run, result, diagnostics))

    @property
    def _encoded(self) -> Callable[..., str]:
        return whole_run if self.format == OutputFormat.jsonl else document

    def fail(self, error: RingfenceError, diagnostics: Sequence[Diagnostic], code: ExitCode | None = None) -> None:
        """The document, or the events, of a command that ended before it had a result; of a run that was begun, its end."""
        code = code or error.exit_code
        if not self.for_people and not self._wrote:
            self.write(self._encoded(self.run, None, diagnostics, code, error))
        elif not self.for_people and self.shown is not None:
            (report, end), self.shown = self.shown, None
            report.error, report.problems = error, tuple(diagnostics)
            seconds = (datetime.now(UTC) - self.began).total_seconds()
            events = self.format == OutputFormat.jsonl
            self.write(EventEncoder().run_end(report, seconds, code, error) if events else end(report, seconds, code))

    def fail_reports(self, error: RingfenceError, problems: Sequence[Diagnostic], code: ExitCode) -> None:
        """Reports of a command that ended before its end have what ended it."""
        if self.reports.wanted:
            seconds = (datetime.now(UTC) - self.began).total_seconds()
            self.reports.failed(self.report_options(), error, problems, code, seconds)

    def report_options(self, **more: Any) -> ViewOptions:
        """How they are shown in reports: for no terminal, with files as the repository names them."""
        from ringfence.cli.repository import path_in_repository
        from ringfence.project import settings

        found = settings.find()
        return replace(self.view_options(**more), style=unstyled, diff=True, quiet=False, width=None,
                       file_in_repository=path_in_repository(Path.cwd()),
                       project_file=os.path.relpath(found) if found else settings.FILE)

    def write(self, shown: str) -> None:
        """To standard output, as it is."""
        if shown and not self._muted:
            self._wrote = True
            with self._paused():
                try:
                    sys.stdout.write(shown)
                    sys.stdout.flush()
                except BrokenPipeError:
                    self._muted = True
                    mute(sys.stdout)
                except OSError as error:  # a full disk stops nobody half way: what is under way is ended, then it is told
                    self._muted, self.unwritten = True, error.strerror or str(error)
                    mute(sys.stdout)

    def say(self, shown: str) -> None:
        """A line to standard error."""
        with self._paused(), contextlib.suppress(OSError):
            sys.stderr.write(shown + "\n")
            sys.stderr.flush()

    def problems(self, found: Sequence[Diagnostic]) -> None:
        """Mistakes and warnings, for people; where they want it quiet, mistakes alone."""
        if found := [d for d in found if d.severity == "error" or not self.quiet]:
            self.say(diagnostics_text.diagnostics(found, self.style_error))

    def ask_secret(self, question: str) -> Secret:
        """A secret, typed on the terminal and not shown. Raises InputError where there is nobody to ask, or nothing is typed."""
        if not sys.stdin.isatty():
            raise InputError([Diagnostic(NOWHERE, f"{question.strip().rstrip(':')}: there is nobody to ask",
                                         "A file or a vaulted variable has it where nobody is at the terminal.")])
        try:
            typed = getpass.getpass(question, sys.stderr)
        except EOFError:
            typed = ""
        if not typed:
            raise InputError([Diagnostic(NOWHERE, f"{question.strip().rstrip(':')}: nothing was typed")])
        return Secret(typed)

    def ask(self, question: str) -> bool:
        """A question before something is changed; anything but yes is no, which is told: it is nobody's mistake."""
        agreed = self.go_on(question)
        if not agreed:
            self.say("nothing was changed: the answer was not yes")
        return agreed

    def go_on(self, question: str) -> bool:
        """A question in the middle of a run."""
        with self._paused():
            sys.stderr.write(f"{question} [y/N] ")
            sys.stderr.flush()
            try:
                return typed_line().strip().lower() in ("y", "yes")
            except BaseException:  # a signal: what comes next is not told behind the question
                sys.stderr.write("\n")
                raise

    @contextlib.contextmanager
    def progress(self, total: int, what: str) -> Iterator[Callable[[HostResult], None]]:
        """Counts hosts that have ended, where there are several: a bar in front of a terminal that draws, else a line now and
        then."""
        counted = RunProgress(total, what)
        if self.quiet or total < 2:
            yield counted.count
            return
        if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
            with progress.lines(counted, self.say):
                yield counted.count
            return
        self._progress, move = progress.bar(counted, self.style_error is not unstyled)

        def advance(result: HostResult) -> None:
            counted.count(result)
            move()

        try:
            with self._progress:
                yield advance
        finally:
            self._progress = None

    def section(self, title: str) -> LogSection:
        """What is written of a run; in the log of a CI that folds, where it is long, its sum alone is seen at once."""
        folds = self.for_people and not self.no_fold and not goes_into_file(sys.stdout)
        return LogSection(self.write, self._command, title, ci_log() if folds else None)

    def _command(self, line: str) -> None:
        """A line for the CI that reads this."""
        if not self._muted and isinstance(sys.stdout, GuardedStream):
            sys.stdout.command(line)
        else:
            self.write(f"{line}\n")

    @contextlib.contextmanager
    def _paused(self) -> Iterator[None]:
        """No bar in the middle of other text."""
        if self._progress is None:
            yield
            return
        self._progress.stop()
        try:
            yield
        finally:
            self._progress.start()


class ReportingConsole(Console):
    """That of a command that can write reports beside standard output."""

    def __init__(self, common: ReportingOptions, command: str, settings: ResolvedSettings) -> None:
        super().__init__(common, command, settings)
        self.reports = ReportFiles(common.report)


@contextlib.contextmanager
def logged(common: CommonOptions) -> Iterator[InputError | None]:
    """Log ringfence's own steps while a command runs: to standard error as far as people want it, and all of it to --log; what is
    given is why that cannot be opened. Only these: client libraries log what travels, secrets among it."""
    lab = LOG.getChild("lab")
    before, level, propagate, lab_level = LOG.handlers[:], LOG.level, LOG.propagate, lab.level
    handlers: list[logging.Handler] = [logging.StreamHandler(_Late())]
    handlers[0].setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S"))
    shown = logging.ERROR if common.quiet else logging.WARNING
    handlers[0].setLevel((shown, logging.INFO, logging.DEBUG)[min(common.verbose, 2)])
    wrong, file = _log_file(common.log)
    handlers += [file] if file else []
    LOG.handlers[:] = handlers  # one command may run inside another (demo)
    LOG.setLevel(logging.DEBUG if file else handlers[0].level)
    LOG.propagate = False
    lab.setLevel(logging.DEBUG if common.verbose > 1 else logging.CRITICAL)  # its hosts see clients leave: no news
    try:
        yield wrong
    finally:
        LOG.handlers[:], LOG.propagate = before, propagate
        LOG.setLevel(level)
        lab.setLevel(lab_level)
        if file:
            file.close()
        if file and file.problem:
            _Late().write(f"error: the log {file.path} took no more: {file.problem}\n")


def _log_file(path: str) -> tuple[InputError | None, LogFile | None]:
    try:
        return None, LogFile(path) if path else None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return InputError([Diagnostic(Where(path), f"the log cannot be opened: {reason}")]), None


class _Late:
    """Standard error as it is when something is logged."""

    def write(self, shown: str) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.write(shown)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.flush()
