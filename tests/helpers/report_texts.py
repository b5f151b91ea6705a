"""Reports made of results, without a command line; and results whose texts are as bad as hosts and playbooks can make them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from core import KINDS
from documents import RUN
from hypothesis import strategies as st

from ringfence.diagnostics import Diagnostic, Where
from ringfence.errors import ExitCode, HostError, Unreachable
from ringfence.model.state import Change, TaskLabel, id_of
from ringfence.plan.obstacles import Affected, DeclaredObject, Obstacle, Reason
from ringfence.report import HostResult, Report
from ringfence.views.table import REPORTS
from ringfence.views.view import ViewOptions

RULE = KINDS["firewall_rule"]
BREAKING = ("|", "`", "```", "\n", "\r\n", "\0", "\x1b[31m", "\ud800", "\ufffe", "\u202e", "<b>", "</details>", "<!--", "-->",
            "]]>", "&amp;", "@team", "[a](http://x)", "![](x)", "http://x.example", "#1", "* ", "\\", "{{ x }}", "{% x %}", "~~",
            "__", "$x$", "<script>", '"', "'", "😀", "é", "long" * 500, "\x07" * 2000)
HOSTILE = st.lists(st.one_of(st.sampled_from(BREAKING), st.text(max_size=8)), min_size=1, max_size=4).map("".join)


def report_text(format: str, results: Iterable[HostResult], warnings: Sequence[Diagnostic] = (), command: str = "plan",
                code: ExitCode = ExitCode.IN_SYNC, options: ViewOptions | None = None, **ended: object) -> str:
    """A whole report."""
    view, report = REPORTS[format](options or ViewOptions(replace(RUN, command=command))), Report()
    text = view.begin(warnings)
    for result in results:
        report.add(result)
        text += view.host(result)
    for name, value in ended.items():
        setattr(report, name, value)
    return text + view.end(report, 1.0, code)


def create(name: str, line: int = 4, **values: object) -> Change:
    """A rule that is not there yet."""
    made = RULE.create(name, values)
    return Change(id_of(made), None, made, Where("site.yml", line))


@st.composite
def hostile_results(draw: st.DrawFn) -> HostResult:
    """A host all of whose words are hostile."""
    host, *words = (draw(HOSTILE) for _ in range(9))
    one, other = RULE.create(words[0], {"description": words[1]}), RULE.create(words[0], {"description": words[2]})
    changes = (Change(id_of(one), one, other, Where(words[3], 3)), create(words[4], group=words[5]))
    error = draw(st.sampled_from([None, HostError("script", words[6]), Unreachable("network", words[6])]))
    reason = Reason("overridden", words[7], words[0])
    obstacle = Obstacle("not_in_force", reason, (), (Affected(id_of(one), words[0], Where(words[3], 3)),))
    notes = (Diagnostic(Where(words[3], 1), words[4], words[7], draw(st.sampled_from(["error", "warning"])), host),)
    return HostResult(host, changes, error=error, diagnostics=notes, obstacles=(obstacle,), names={"@a.dll,-1": words[1]},
                      way_back=(words[2],), declared_objects=(
                          DeclaredObject(id_of(one), words[0], Where(words[3], 3), TaskLabel(ticket=words[5])),))
