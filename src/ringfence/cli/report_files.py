"""Reports: views of a run whose text goes into files, beside what stands on standard output."""

import errno
import logging
import os
import stat
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ringfence.cli.guarded_view import shown
from ringfence.diagnostics import Diagnostic, InputError, Where
from ringfence.errors import ExitCode, RingfenceError
from ringfence.files import WholeFile
from ringfence.report import HostResult, Report

if TYPE_CHECKING:  # commands without a report need none of them
    from ringfence.views.view import View, ViewOptions, ViewTable

LOG = logging.getLogger(__name__)
ExitCodeOf = Callable[[Report], ExitCode]
"""The exit code that a run with these sums has."""


@dataclass
class ReportFile:
    """One report: its format, its file, and why that takes no more. The view is there once the run has begun."""

    format: str
    path: str
    file: WholeFile
    view: "View | None" = None
    problem: str = ""

    def add(self, text_of: "Callable[[View], str]") -> None:
        """What the view has to say. Neither a full disk nor a fault of ours stops a run half way."""
        if self.view is None or self.problem:
            return
        try:
            self.file.write(text_of(self.view))
        except Exception as error:
            LOG.debug("%s", self.path, exc_info=True)
            self.problem = _reason(error)

    def close(self) -> None:
        """It is whole. What could not be written whole is left as it was before the run."""
        try:
            if not self.problem:
                self.file.close()
        except OSError as error:
            self.problem = _reason(error)
        self.file.discard()


class ReportFiles:
    """The reports of one command. They are told of a run as its view is, and ended whatever becomes of it.

    wanted: FORMAT=FILE of each.
    """

    def __init__(self, wanted: Sequence[str] = ()) -> None:
        self.wanted, self._files, self._report, self._ended = wanted, list[ReportFile](), Report(), False
        self._problems: list[str] = []

    @property
    def problems(self) -> list[str]:
        """What became of files that are not there, or not whole."""
        return self._problems + [f"the report {one.path} was not written: {one.problem}" for one in self._files if one.problem]

    def fails(self, problem: str) -> None:
        """Another file that the command has to leave is not whole: its record."""
        self._problems.append(problem)

    def open(self, others: Mapping[str, str] = {}) -> None:
        """Make sure that each can be written. others: {as it was said: path} of what the command writes besides. Raises
        InputError with all that cannot."""
        wrong, taken = list[Diagnostic](), dict[Hashable, str]()
        for said, path in [*others.items(), *((said, said.partition("=")[2]) for said in self.wanted)]:
            if before := taken.get(same_file(path)):
                what = "two reports" if before not in others and said not in others else "two things"
                wrong.append(Diagnostic(Where(path), f"{what} cannot be one file: {before} and {said}"))
                continue
            taken[same_file(path)] = said
            if said in others:
                continue
            format = said.partition("=")[0]
            try:
                self._files.append(ReportFile(format, path, WholeFile(path, errors="backslashreplace")))
            except (OSError, ValueError) as error:
                wrong.append(Diagnostic(Where(path), f"the report cannot be written: {_reason(error)}"))
        if wrong:
            raise InputError(wrong)

    def begin(self, options: "ViewOptions", warnings: Sequence[Diagnostic] = (), views: "ViewTable | None" = None) -> None:
        """A run begins; `views`: by their formats, where they are not those of a run. What was begun before goes on."""
        from ringfence.views.table import REPORTS

        for one in self._files:
            if one.view is None:
                one.view = (views or REPORTS)[one.format](options)
                one.add(lambda view: view.begin(warnings))

    def host(self, result: HostResult) -> None:
        """One host has ended."""
        self._report.add(result)
        for one in self._files:
            one.add(partial(self._host, one.path, result))

    def _host(self, path: str, result: HostResult, view: "View") -> str:
        text, error = shown(view, result)
        if error is not None and not any(told.startswith(f"the report {path} ") for told in self._problems):
            self._problems.append(f"the report {path} does not tell all of {result.host}: {_reason(error)}")
        return text

    def end(self, run: Report, seconds: float, exit_code: ExitCodeOf) -> None:
        """The run has ended, in order or by a signal."""
        self._report.signal, self._report.not_begun = run.signal, run.not_begun
        self._report.waves, self._report.stopped = run.waves, run.stopped
        self._report.codes |= run.codes
        self._end(seconds, exit_code(self._report))

    def whole(self, options: "ViewOptions", warnings: Sequence[Diagnostic], results: Iterable[HostResult], code: ExitCode,
              views: "ViewTable") -> None:
        """All of a command that asks no host."""
        self.begin(options, warnings, views)
        for result in results:
            self.host(result)
        self._end(0.0, code)

    def failed(self, options: "ViewOptions", error: RingfenceError, problems: Sequence[Diagnostic], code: ExitCode,
               seconds: float) -> None:
        """Mistakes, or a signal where nothing is waited for, have ended the command; hosts that were told before stay told."""
        if not self._ended:
            self._report.error, self._report.problems = error, tuple(problems)
            self.begin(options)
            self._end(seconds, code)

    def discard(self) -> None:
        """Leave nothing of reports that did not end."""
        for one in self._files:
            one.file.discard()

    def _end(self, seconds: float, code: ExitCode) -> None:
        self._ended = True
        for one in self._files:
            one.add(lambda view: view.end(self._report, seconds, code))
            one.close()


class HeldReports(ReportFiles):
    """The first part of a command, held until it is known whether another follows. That one tells of its hosts itself."""

    def __init__(self) -> None:
        super().__init__()
        self._results = list[HostResult]()
        self._told: Callable[[ReportFiles], None] = lambda reports: None

    def host(self, result: HostResult) -> None:
        self._results.append(result)

    def end(self, run: Report, seconds: float, exit_code: ExitCodeOf) -> None:
        self._told = lambda reports: reports.end(run, seconds, exit_code)

    def tell(self, reports: ReportFiles, options: "ViewOptions", warnings: Sequence[Diagnostic], others: Collection[str]) -> None:
        """Tell it. others: the hosts of the part that follows; where there are none, it was all."""
        reports.begin(options, warnings)
        for result in self._results:
            if result.host not in others:
                reports.host(result)
        if not others:
            self._told(reports)


def same_file(path: str) -> Hashable:
    """What a file is known by, however it is spelled; what is not there yet by its path."""
    real = os.path.normcase(os.path.realpath(path))
    try:
        found = os.stat(real)
    except (OSError, ValueError):
        return real
    return (found.st_dev, found.st_ino) if stat.S_ISREG(found.st_mode) else real


def _reason(error: Exception) -> str:
    """In the system's words; what they do not say, in ours."""
    if isinstance(error, FileNotFoundError):
        return "there is no such folder"
    if isinstance(error, OSError):
        return "nobody reads this pipe" if error.errno == errno.ENXIO else error.strerror or str(error)
    return f"{type(error).__name__}: {error}"
