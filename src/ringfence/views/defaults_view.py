"""What differs from what Windows ships, for people and for programs."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from ringfence.diagnostics import Diagnostic
from ringfence.errors import ExitCode
from ringfence.formats.data import Definitions, encode, host_data, host_text, references
from ringfence.model.state import Action, Change
from ringfence.report import DefaultsResult, HostResult, Report
from ringfence.views import diagnostics_text, recap
from ringfence.views.change_text import ChangeOptions, change_lines
from ringfence.views.format import columns, count, escaped, naming, natural
from ringfence.views.view import ViewOptions
from ringfence.windows.origin import ORIGINS, Origin

SECTIONS: dict[Action, str] = {"update": "changed", "remove": "missing", "create": "added"}


class DefaultsTextView:
    """One host after the other: what was changed, what is missing, what others added."""

    def __init__(self, options: ViewOptions) -> None:
        self._style, self._diff = options.style, options.diff

    def begin(self, warnings: Sequence[Diagnostic]) -> str:
        return ""

    def host(self, result: HostResult) -> str:
        lines = [f"{self._style(escaped(result.host), 'strong')}: {self._headline(result)}"]
        lines += [diagnostics_text.diagnostic(d, self._style) for d in result.diagnostics]
        for action, title in SECTIONS.items():
            changes = sorted((c for c in result.changes if c.action == action), key=lambda c: (c.id.kind, natural(c.id.name)))
            if changes and action == "create" and isinstance(result, DefaultsResult):
                lines += [f" {title}:", *self._added(changes, result)]
            elif changes:
                lines += [f" {title}:", *(self._change(c, result) for c in changes)]
        return "\n".join(lines) + "\n"

    def end(self, report: Report, seconds: float, exit_code: ExitCode) -> str:
        return "\n" + recap.total(report, seconds) + "\n"

    def _headline(self, result: HostResult) -> str:
        counts = Counter(c.action for c in result.changes)
        told = ", ".join(f"{counts[action]} {title}" for action, title in SECTIONS.items() if counts[action])
        if result.error:
            return f"{told}\n{diagnostics_text.failure(result.error, self._style)}" if told else (
                "\n" + diagnostics_text.failure(result.error, self._style))
        shipped = result.shipped if isinstance(result, DefaultsResult) else 0
        return f"{told or self._style('as Windows ships it', 'good')} ({count(shipped, 'object')} ship with it)"

    def _added(self, changes: Iterable[Change], result: DefaultsResult) -> Iterator[str]:
        """Grouped by whose they are; of packages, which have many rules and bring them anew at every logon, a line each."""
        by_origin = sorted(changes, key=lambda c: [*ORIGINS].index(result.origins[c.id].name))
        for name, those in groupby(by_origin, key=lambda c: result.origins[c.id].name):
            group = list(those)
            yield f"  {ORIGINS[name]} ({len(group)}):"
            if name == "package":
                packages = Counter(result.origins[c.id].of for c in group)
                yield from (f"    {line}" for line in columns(
                    [(escaped(package), count(number, "rule")) for package, number in sorted(packages.items())]))
            else:
                yield from (f"  {line}" for c in group for line in self._change(c, result, result.origins[c.id]).splitlines())

    def _change(self, change: Change, result: HostResult, origin: Origin | None = None) -> str:
        names = tuple(result.names.items())
        shown = change_lines(change, ChangeOptions(self._diff, self._style), names)
        if origin is None or not origin.of:
            return shown
        head, _, rest = shown.partition("\n")
        said = naming(names)(escaped(origin.of))
        whose = said if origin.name == "project" else f"of {said}"  # of the own one it is known how it came to it
        return f"{head}  {self._style(whose, 'quiet')}" + (f"\n{rest}" if rest else "")


def defaults_text(result: HostResult, definitions: Definitions) -> str:
    """As of plan and drift: a create is what does not ship, a remove what is missing; each with its origin."""
    if not isinstance(result, DefaultsResult):
        return host_text(result, definitions)
    origins = (origin(result.origins.get(c.id) or _shipped(c)) for c in result.changes)
    changes = ",".join(f'{told[:-1]},"origin":{encode(whose)}}}' for told, whose in zip(
        references(result, definitions), origins, strict=True))
    return f'{encode({**host_data(result), "shipped": result.shipped})[:-1]},"changes":[{changes}],"remaining":[]}}'


def origin(whose: Origin) -> dict[str, str | None]:
    """Whose an object is, as plain values."""
    return {"name": whose.name, "of": whose.of or None}


def _shipped(change: Change) -> Origin:
    return Origin("windows_changed" if change.after else "windows")
