"""A run as SARIF 2.1.0, for code scanning: what was found, at the file and line of the task that declares it.

One result for a thing, however many hosts have it. The limits of GitHub are kept, and what they leave out is told:
docs.github.com, "SARIF support for code scanning" (25,000 results, the first 5,000 shown; each has a location).
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from ringfence import __version__
from ringfence.diagnostics import Diagnostic
from ringfence.errors import ExitCode
from ringfence.formats.data import encode
from ringfence.formats.document import moment
from ringfence.report import HostResult, Report
from ringfence.views.collected_findings import CollectedFinding, CollectedFindings
from ringfence.views.findings import MADE, SORTS, FindingsOfHosts, of_diagnostic
from ringfence.views.format import count, cut, escaped, names
from ringfence.views.view import ViewOptions

SARIF_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
MAX_RESULTS = 25_000  # of a run, that GitHub takes
SHOWN_RESULTS = 5_000  # of these, that it shows
MAX_HOSTS_LISTED = 100  # hosts of a result in its properties; how many there are, is said
MAX_MESSAGE_TEXT = 1_000  # characters of a message
_VARIANTS_TOLD = 3  # ways in which hosts have it
_ROOT = "SRCROOT"
_RULES = [sort for sort in SORTS if sort != MADE]


class SarifReport:
    """One log with one run. What hosts have is held, each thing once, until all have ended."""

    def __init__(self, options: ViewOptions) -> None:
        self._options, self._run = options, options.run
        self._findings, self._found = FindingsOfHosts(options.run.command), CollectedFindings(MAX_RESULTS)
        self._taken = Counter[str]()  # fingerprints

    def begin(self, warnings: Sequence[Diagnostic]) -> str:
        self._keep(warnings)
        return ""

    def host(self, result: HostResult) -> str:
        for one in list(self._findings.of(result)):  # where that fails, nothing of the host is kept
            if one.sort != MADE:  # nothing is to be done about it
                self._found.add(one, result.host)
        return ""

    def end(self, report: Report, seconds: float, exit_code: ExitCode) -> str:
        self._keep(report.problems)
        every = [*self._found.sorted()]
        results = [self._result(one) for one in every[:MAX_RESULTS]]
        left_out = sum(self._found.left_out.values()) + len(every) - len(results)
        run = {
            "tool": {"driver": {"name": "ringfence", "version": __version__, "semanticVersion": __version__,
                                "rules": [_rule(name) for name in _RULES]}},
            "automationDetails": {"id": f"ringfence/{self._run.command.replace(' ', '')}/{self._run.run_id}"},
            "invocations": [self._invocation(report, exit_code, len(results), left_out)],
            "originalUriBaseIds": {_ROOT: {"description": {"text": "The top of the repository, or the folder of the run."}}},
            "columnKind": "unicodeCodePoints",
            "results": results,
            "properties": {"resultsLeftOut": left_out, "hosts": dict(sorted(report.counts.items()))},
        }
        return encode({"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}) + "\n"

    def _keep(self, problems: Sequence[Diagnostic]) -> None:
        for problem in problems:
            self._found.add(of_diagnostic(problem, self._options.abandoned), problem.host)

    def _result(self, one: CollectedFinding) -> dict[str, Any]:
        sort, uri = SORTS[one.sort], _uri(self._options.file_in_repository(one.where.file or self._options.project_file))
        place: dict[str, Any] = {"physicalLocation": {"artifactLocation": uri, "region": {"startLine": one.where.line or 1}}}
        hosts = self._found.in_order(one.hosts)
        properties: dict[str, Any] = {"hosts": hosts[:MAX_HOSTS_LISTED], "hostCount": len(hosts)}
        if one.object:
            place |= {"logicalLocations": [{"name": one.title, "fullyQualifiedName": "/".join(one.object), "kind": "object"}]}
            properties |= {"object": one.object._asdict()}
        return {
            "ruleId": one.sort, "ruleIndex": _RULES.index(one.sort), "level": sort.level,
            "message": {"text": self._message(one, hosts)}, "locations": [place],
            "partialFingerprints": {"primaryLocationLineHash": self._fingerprint(one, uri["uri"])},
            "occurrenceCount": max(1, len(hosts)), "properties": properties}

    def _message(self, one: CollectedFinding, hosts: Sequence[str]) -> str:
        """What is wrong, on which hosts, and in which ways."""
        who = f" on {names(hosts)}" if hosts else ""
        told = [f"{one.title}{who}" if one.object else f"{SORTS[one.sort].title}{who}"]
        variants = sorted(one.variants.items(), key=lambda each: -len(each[1]))
        for words, those in variants[:_VARIANTS_TOLD]:
            of = f" ({names(self._found.in_order(those), 2)})" if len(variants) > 1 and those else ""
            told.append("\n".join([f"{words.text}{of}", *words.lines]))
        if left := one.others(those for _, those in variants[:_VARIANTS_TOLD]):
            told.append(f"and otherwise on {count(left, 'more host')}")
        text = ": ".join(told[:2]) + "".join(f"\n{more}" for more in told[2:])
        text = "\n".join(map(escaped, text.split("\n"))).replace("](", "] (")  # what hosts say makes no link
        return text if len(text) <= MAX_MESSAGE_TEXT else text[:MAX_MESSAGE_TEXT - 1] + "…"

    def _fingerprint(self, one: CollectedFinding, uri: str) -> str:
        """The same while the thing and its file are the same, on whatever line it stands. The number tells apart what is the
        same several times in a file."""
        known_by = "\n".join((one.sort, uri, *(one.object or (one.title,))))
        said = hashlib.sha256(known_by.encode("utf-8", "replace")).hexdigest()[:16]
        self._taken[said] += 1
        return f"{said}:{self._taken[said]}"

    def _invocation(self, report: Report, exit_code: ExitCode, results: int, left_out: int) -> dict[str, Any]:
        told = list[tuple[str, str]]()
        if report.signal:
            told.append(("error", f"the run was interrupted by {report.signal}"))
        if report.stopped:
            told.append(("error", f"the run ended before its end: {cut(report.stopped)}"))
        if report.not_begun:
            told.append(("error", f"nothing was done on {names(report.not_begun, MAX_HOSTS_LISTED)}"))
        if left_out:
            told.append(("warning", f"{left_out} results are left out: of a sort, and of all together, {MAX_RESULTS:,} are told"))
        if results > SHOWN_RESULTS:
            told.append(("note", f"of {results} results, GitHub shows the first {SHOWN_RESULTS:,}, those that matter most"))
        ended_well = self._run.command == "validate" or exit_code in (ExitCode.IN_SYNC, ExitCode.DIFFERENCES)
        return {"executionSuccessful": ended_well, "exitCode": int(exit_code), "startTimeUtc": moment(self._run.started),
                "endTimeUtc": moment(datetime.now(UTC)),
                "toolExecutionNotifications": [{"level": level, "message": {"text": text}} for level, text in told]}


def _rule(name: str) -> dict[str, Any]:
    sort = SORTS[name]
    return {"id": name, "name": "".join(word.capitalize() for word in name.split("-")), "shortDescription": {"text": sort.title},
            "fullDescription": {"text": f"{sort.title}. {sort.help}"}, "help": {"text": sort.help},
            "defaultConfiguration": {"level": sort.level}, "properties": {"tags": ["firewall", name.split("-")[0]]}}


def _uri(path: str) -> dict[str, str]:
    """A place as SARIF names files; one below the top of the repository relative to that."""
    path = path.replace("\\", "/")
    if path.startswith("/"):
        return {"uri": f"file://{quote(path, errors='replace')}"}
    if path[1:3] == ":/":
        return {"uri": f"file:///{quote(path, safe='/:', errors='replace')}"}
    return {"uri": quote(path, errors="replace"), "uriBaseId": _ROOT}
