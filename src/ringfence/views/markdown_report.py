"""A run as Markdown, for a comment in a merge request, a chat or a mail: what matters most first, all of it folded by its sort.

Whatever hosts and playbooks say stands in code, where Markdown, HTML, mentions and links mean nothing. The text is never longer
than a comment of GitHub may be; what is left out, is said.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from itertools import groupby
from typing import Any

from jinja2 import Environment, StrictUndefined

from ringfence.diagnostics import Diagnostic
from ringfence.errors import ExitCode
from ringfence.formats.document import moment
from ringfence.report import HostResult, Report
from ringfence.views.collected_findings import CollectedFinding, CollectedFindings
from ringfence.views.findings import SORTS, FindingsOfHosts, FindingSort, of_diagnostic
from ringfence.views.format import count, cut, escaped
from ringfence.views.host_names import HostNames
from ringfence.views.recap import RecapRow, drift_summary, plan_summary, row, total
from ringfence.views.view import ViewOptions

MAX_COMMENT = 65_536  # bytes of UTF-8, so that it is no more characters either, which is what a comment of GitHub holds
_MAX_THINGS = 2_000  # different things of a sort that are kept until the end
_DETAILED = 40_000  # bytes after which things are told in one line each
_AROUND = 12_000  # bytes for what stands around them: a headline and a few words for each sort, the sum
_LONGEST_CODE = 700  # characters of one text
_LONGEST_NAME = 60  # characters of the name of a host in the sum
_HEADING = 10  # bytes around the names of hosts that have the same things
_VARIANTS_SHOWN = 3  # ways in which hosts have the same thing
_LINES_SHOWN = 20  # of one of these
_TEMPLATE = """\
### ringfence {{ command }}{{ " of " + project if project }}

**{{ summary }}**
{% if left_out %}

{{ left_out }} of {{ everything }} things are left out here, for a comment holds {{ limit }} characters. All of them are in a file
of `--report json=FILE` or `--report junit=FILE`.
{% endif %}
{% for section in sections %}

<details{{ " open" if section.open }}><summary><b>{{ section.sort.title }}</b>: {{ section.size }}</summary>

{{ section.sort.help }}
{% for group in section.groups %}

{% if group.hosts %}
On {{ group.hosts }}:

{% endif %}
{{ group.items | join("\\n") }}
{% endfor %}
{% if section.left_out %}

and {{ section.left_out }} more
{% endif %}

</details>
{% endfor %}
{% if next %}

Next: {{ next }}
{% endif %}

Run `{{ run_id }}`, begun {{ started }}, exit code {{ code }}.
"""


@dataclass
class MarkdownGroup:
    """Things that the same hosts have. hosts: what they are called."""

    hosts: str
    items: list[str]


@dataclass
class MarkdownSection:
    """All of one sort."""

    sort: FindingSort
    size: str
    open: bool
    groups: list[MarkdownGroup] = field(default_factory=list)
    left_out: int = 0


class MarkdownReport:
    """One text, made when all hosts have ended."""

    def __init__(self, options: ViewOptions) -> None:
        self._options, self._command = options, options.run.command
        self._findings, self._found = FindingsOfHosts(self._command), CollectedFindings(_MAX_THINGS)
        self._rows, self._never_begun = list[RecapRow](), tuple[str, ...]()
        self._room = MAX_COMMENT - _AROUND

    def begin(self, warnings: Sequence[Diagnostic]) -> str:
        self._keep(warnings)
        return ""

    def host(self, result: HostResult) -> str:
        findings = list(self._findings.of(result))  # where that fails, nothing of the host is kept
        self._rows.append(row(result))
        for one in findings:
            self._found.add(one, result.host)
        return ""

    def end(self, report: Report, seconds: float, exit_code: ExitCode) -> str:
        self._keep(report.problems)
        self._never_begun = report.not_begun
        run, project = self._options.run, self._options.run.project
        sections = [*self._sections()]
        everything = sum(1 for _ in self._found.sorted()) + self._found.left_out.total()
        named = project and " at ".join(code(part) for part in (project.name, project.commit[:12]) if part)
        text: str = _template().render(
            command=self._command, project=named, summary=self._summary(report, seconds), sections=sections,
            left_out=sum(one.left_out for one in sections), everything=everything, limit=f"{MAX_COMMENT:,}",
            next=self._options.next.sentence(code) if self._options.next and report.changes else "", run_id=run.run_id,
            started=moment(run.started), code=int(exit_code))
        return text

    def _keep(self, problems: Sequence[Diagnostic]) -> None:
        for problem in problems:
            self._found.add(of_diagnostic(problem, self._options.abandoned), problem.host)

    # -- what stands first

    def _summary(self, report: Report, seconds: float) -> str:
        """The sum, and before it what ended the run."""
        mistakes = sum(1 for _ in self._found.sorted(["mistake"])) + self._found.left_out["mistake"]
        ended = f"interrupted by {report.signal}" if report.signal else "ended before its end" if report.error else (
            f"ended before its end: {code(cut(report.stopped))}" if report.stopped else "")
        if mistakes and not self._rows:
            return f"{count(mistakes, 'mistake')}: nothing was done"
        left = f"; nothing was done on {self._called(report.not_begun)}" if report.not_begun else ""
        return "; ".join(filter(None, (ended, self._sum(report, seconds) + left)))

    def _sum(self, report: Report, seconds: float) -> str:
        if self._command == "validate":
            return f"valid: {count(report.declared, 'declaration')} for {count(len(self._rows), 'host')}"
        if self._command == "drift":
            named = [replace(r, host=code(cut(r.host, longest=_LONGEST_NAME))) for r in self._rows]
            return drift_summary(named, report, seconds)
        if self._command in ("plan", "apply --check"):
            planned = [sort for sort in SORTS if sort.startswith("plan-")]
            distinct = sum(len(one.variants) for one in self._found.sorted(planned))
            return plan_summary(self._rows, report, seconds, distinct)
        return total(report, seconds)

    @cached_property
    def _names(self) -> HostNames:
        return HostNames([*(r.host for r in self._rows), *self._never_begun], self._options.groups)

    def _called(self, hosts: Collection[str]) -> str:
        """What hosts are called; nothing where it is about none."""
        return code(self._names.of(hosts)) if hosts else ""

    # -- what was found

    def _sections(self) -> Iterator[MarkdownSection]:
        """Sort by sort, the most important first; each thing as long as there is room."""
        for sort in SORTS:
            found = [*self._found.sorted([sort])]
            if not found:
                continue
            unkept = self._found.left_out[sort]
            hosts = {host for one in found for host in one.hosts}
            size = f"{len(found) + unkept}" + (f" on {count(len(hosts), 'host')}" if hosts else "")
            opened = SORTS[sort].level == "error" or sort.startswith("host-")
            section = MarkdownSection(SORTS[sort], size, opened, left_out=unkept)
            same = sorted(((frozenset(one.hosts), one) for one in found), key=lambda each: (-len(each[0]), sorted(each[0])))
            for those, items in groupby(same, key=lambda each: each[0]):
                texts = [self._item(one) for _, one in items]
                shown = [text for text in texts if text]
                section.left_out += len(texts) - len(shown)
                if shown:
                    section.groups.append(MarkdownGroup(self._called(those), shown))
                    self._room -= len(section.groups[-1].hosts.encode("utf-8", "replace")) + _HEADING
            yield section

    def _item(self, one: CollectedFinding) -> str:
        """A thing in Markdown; in less words where there is not much room, nothing where there is none."""
        for detailed in (True, False):
            text = "\n".join(self._lines(one, detailed))
            size = len(text.encode("utf-8", "replace")) + 1
            if size <= self._room - (MAX_COMMENT - _DETAILED if detailed else 0):
                self._room -= size
                return text
        return ""

    def _lines(self, one: CollectedFinding, detailed: bool) -> Iterator[str]:
        place = f" {code(str(one.where))}" if one.where.file else ""
        variants = sorted(one.variants.items(), key=lambda each: (-len(each[1]), each[0]))
        first = variants[0][0]
        same = all(words.text == first.text for words, _ in variants)
        title = first.text if same and first.text.startswith(one.title) else one.title
        yield f"- {code(title)}{place}" + (f" {code(first.text)}" if same and first.text != title else "")
        if not detailed:
            return
        for words, hosts in variants[:_VARIANTS_SHOWN]:
            if len(variants) > 1:
                said = " ".join(filter(None, (self._called(hosts), "" if same else code(words.text))))
                yield f"  - {said or 'as told here:'}"  # an item of nothing would make a heading of the line above it
            yield from _block(words.lines, "    " if len(variants) > 1 else "  ")
        if left := one.others(hosts for _, hosts in variants[:_VARIANTS_SHOWN]):
            yield f"  - and otherwise on {count(left, 'more host')}"


def _block(lines: Sequence[str], indent: str) -> Iterator[str]:
    """Lines as they stand."""
    if not lines:
        return
    shown = [*lines[:_LINES_SHOWN], *([f"… and {len(lines) - _LINES_SHOWN} lines more"] if len(lines) > _LINES_SHOWN else [])]
    fence = "`" * max(3, *(len(run) + 1 for line in shown for run in ["", *re.findall("`+", line)]))
    yield from (f"{indent}{line}" for line in (f"{fence}text", *map(escaped, shown), fence))


def code(text: str) -> str:
    """A text on one line in which nothing means anything: not to Markdown, nor to those who look for mentions and links."""
    shown = cut(text, longest=_LONGEST_CODE)
    fence = "`" * (1 + max([0, *(len(run) for run in re.findall("`+", shown))]))
    around = " " if not shown.strip() or shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{around}{shown or '-'}{around}{fence}"


@cache
def _template() -> Any:
    return Environment(autoescape=False, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
                       keep_trailing_newline=True).from_string(_TEMPLATE)
