"""A run as JUnit XML, for the tabs of pipelines that show tests: a suite for each host, a case for each object that is declared.

What an object is called does not change between runs, so that pipelines tell what is new. Hosts are written as they end.
"""

from collections.abc import Iterable, Iterator, Sequence
from xml.sax.saxutils import quoteattr

from junitparser import Attr, Error, Failure, Skipped, TestCase, TestSuite
from junitparser.junitparser import FinalResult

from ringfence.diagnostics import NOWHERE, Diagnostic, Where
from ringfence.errors import ExitCode
from ringfence.model.state import Id
from ringfence.plan.obstacles import DeclaredObject
from ringfence.report import HostResult, Report
from ringfence.views.change_text import life_of
from ringfence.views.findings import MADE, SORTS, UNPROVEN, FindingsOfHosts, ReportedFinding, of_diagnostic
from ringfence.views.format import cut, escaped, names
from ringfence.views.view import ViewOptions

PROJECT_SUITE = "project"
"""The suite of what is wrong with the project itself."""
HOST_CASE = "host"
"""The case of what happened to the host as a whole."""
NOT_COMPARED = "not-compared"
"""Why a case is skipped of which nobody knows whether it would be passed."""
MAX_LINES = 100  # of one case
_DECIMALS = 3  # of seconds
_NAMED = 20  # hosts to which nothing was done


class PlacedCase(TestCase):
    """A case with its place, as GitLab and GitHub's reporters read it."""

    file = Attr()
    line = Attr()


class JunitReport:
    """The suites of hosts as they end, and last that of the project."""

    def __init__(self, options: ViewOptions) -> None:
        self._options, self._run = options, options.run
        self._findings = FindingsOfHosts(options.run.command)
        self._files: dict[str, list[ReportedFinding]] = {}
        self._broken = list[ReportedFinding]()  # mistakes without a place

    def begin(self, warnings: Sequence[Diagnostic]) -> str:
        self._keep(warnings)
        name = quoteattr(f"ringfence {self._run.command}")
        return f'<?xml version="1.0" encoding="utf-8"?>\n<testsuites name={name}>\n'

    def host(self, result: HostResult) -> str:
        found: dict[Id | None, list[ReportedFinding]] = {}
        for one in self._findings.of(result):
            found.setdefault(one.object, []).append(one)
        cases = [self._case(result.host, HOST_CASE, NOWHERE, found.pop(None, []), seconds=result.seconds)]
        for each in result.declared_objects:
            self._files.setdefault(each.where.file, [])
            name = cut(str(each.id._replace(name=each.name)))
            those = found.pop(each.id, [])
            case = self._case(result.host, name, each.where, those, life=_life(each))
            if not (case.result or result.compared or any(one.sort == MADE for one in those)):
                case.result = [Skipped("not compared with the host: its case `host` tells why", NOT_COMPARED)]
            cases.append(case)
        cases += [self._case(result.host, those[0].title, those[0].where, those) for id, those in found.items() if id]
        return self._suite(result.host, cases, result.seconds)

    def end(self, report: Report, seconds: float, exit_code: ExitCode) -> str:
        self._keep(report.problems)
        if report.signal or report.not_begun or report.stopped:
            why = f"interrupted by {report.signal}" if report.signal else (
                f"the run ended before its end: {cut(report.stopped)}" if report.stopped else
                "what is declared is wrong on another host")
            left = f"; nothing was done on {names(report.not_begun, _NAMED)}" if report.not_begun else ""
            self._broken.append(ReportedFinding("mistake", why, why + left))
        cases = [self._case(PROJECT_SUITE, f"ringfence {self._run.command}", NOWHERE, self._broken, seconds=seconds)]
        cases += [self._case(PROJECT_SUITE, escaped(self._options.file_in_repository(file)), Where(file), those)
                  for file, those in sorted(self._files.items()) if file]
        return self._suite(PROJECT_SUITE, cases, seconds) + "</testsuites>\n"

    def _keep(self, problems: Iterable[Diagnostic]) -> None:
        for problem in problems:
            of = self._files.setdefault(problem.where.file, []) if problem.where.file else self._broken
            of.append(of_diagnostic(problem, self._options.abandoned))

    def _suite(self, name: str, cases: Sequence[PlacedCase], seconds: float) -> str:
        suite = TestSuite(escaped(name))
        suite.timestamp = self._run.started.strftime("%Y-%m-%dT%H:%M:%S")
        suite.add_testcases([*cases])
        suite.time = round(float(seconds), _DECIMALS)
        text: str = suite.tostring().decode("utf-8")
        return text.partition("?>\n")[2] + "\n" if text.startswith("<?xml") else text + "\n"

    def _case(self, suite: str, name: str, where: Where, found: Sequence[ReportedFinding],
              seconds: float | None = None, life: Sequence[str] = ()) -> PlacedCase:
        case = PlacedCase(name, escaped(suite), seconds if seconds is None else round(seconds, _DECIMALS))
        if where.file:
            case.file = escaped(self._options.file_in_repository(where.file))
        if where.line or (found and found[0].where.file == where.file and found[0].where.line):
            case.line = str(where.line or found[0].where.line)
        bad = [one for one in found if SORTS[one.sort].fails]
        if bad:
            result = self._outcome(bad[0])(bad[0].text, bad[0].sort)
            result.text = "\n".join(self._lines(bad))
            case.result = [result]
        if told := [*life, *self._lines(one for one in found if not SORTS[one.sort].fails)]:
            case.system_out = "\n".join(told)
        return case

    def _outcome(self, one: ReportedFinding) -> type[FinalResult]:
        """What a case becomes by a finding: an error where it is about more than an object, or nobody knows what became of it."""
        if one.sort == "host-unreachable" and not self._options.unreachable_fails:
            return Skipped
        return Error if one.object is None or one.sort == UNPROVEN else Failure

    def _lines(self, found: Iterable[ReportedFinding]) -> list[str]:
        lines = [line for one in found for line in self._told(one)]
        return lines[:MAX_LINES] + ([f"… and {len(lines) - MAX_LINES} lines more"] if len(lines) > MAX_LINES else [])

    def _told(self, one: ReportedFinding) -> Iterator[str]:
        at = f"{escaped(self._options.file_in_repository(one.where.file))}:{one.where.line}: " if one.where.line else ""
        yield f"{at}{one.text}"
        yield from (f"    {line}" for line in one.lines)


def _life(one: DeclaredObject) -> list[str]:
    """Until when an object is wanted, and what it was asked for by."""
    return [cut(f"{name if one.is_wanted or name != 'expires' else 'expired'} {text}") for name, text in life_of(one.label)]
