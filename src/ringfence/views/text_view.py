"""A run as people read it: per host the changes property by property, then a recap. Terraform's and Ansible's manners."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ringfence.diagnostics import NOWHERE, Diagnostic
from ringfence.errors import ExitCode, HostError
from ringfence.model.plain import plain_data
from ringfence.model.resource import Resource
from ringfence.model.state import LOCAL, Action, Change
from ringfence.report import HostResult, Report, Status
from ringfence.secret import MASK
from ringfence.types.base import remembered
from ringfence.views.format import (
    MAX_CHARACTERS,
    MAX_LISTED,
    Names,
    Style,
    all_names,
    columns,
    count,
    cut,
    empty_as,
    escaped,
    more,
    naming,
    natural,
    unstyled,
    value,
)
from ringfence.views.format import names as names_of_hosts
from ringfence.views.obstacles_text import obstacles
from ringfence.views.view import ViewOptions
from ringfence.windows.stored_names import title_of

SIGNS: dict[Action, tuple[str, str]] = {"create": ("+", "added"), "update": ("~", "changed"), "remove": ("-", "removed"),
    "rename": (">", "changed"), "adopt": ("&", "changed"), "release": ("o", "quiet")}
STYLES: dict[Status, str] = {"in_sync": "good", "reachable": "good", "changed": "changed", "differs": "changed",
                             "not_in_force": "error", "lost": "error", "unknown": "error",
                             "unreachable": "error", "refused": "error", "stale": "error", "invalid": "error", "failed": "error"}
MAX_DIAGNOSTICS = 100  # mistakes and warnings of one host that are shown without --full
_LONGEST_LINE = 600  # characters of a diagnostic of a host
_MAX_ORDERED = 200  # members of two lists that are compared part by part
MAX_HELD = 20_000  # changes, of different outcomes, that wait for hosts with the same plan before they are shown


@dataclass(frozen=True)
class DifferenceLine:
    """One line of a difference: (sign, text). The sign is + - or nothing."""

    sign: str
    text: str


def diagnostic(problem: Diagnostic, style: Style = unstyled, full: bool = True) -> str:
    """One mistake or warning: where, what, and the way out below it. Not `full`: what a host says is cut."""
    word = problem.severity
    place = f"{escaped(str(problem.where))}: " if problem.where != NOWHERE else ""
    host = f" (host {escaped(problem.host)})" if problem.host else ""
    detail = "".join(f"\n    {cut(line, full, _LONGEST_LINE)}" for line in problem.detail.splitlines())
    summary = cut(problem.summary, full, _LONGEST_LINE)
    return f"{place}{style(word, 'quiet' if word == 'note' else word)}: {summary}{host}{detail}"


def diagnostics(problems: Sequence[Diagnostic], style: Style = unstyled) -> str:
    """Every mistake, and how many there were. A way out that is the same for several in a row is told once."""
    errors = sum(p.severity == "error" for p in problems)
    total = "" if errors < 2 else f"\n{count(errors, 'error')}"
    told = ["", *(p.detail for p in problems)]
    shown = (replace(p, detail="") if p.detail == before else p for p, before in zip(problems, told, strict=False))
    return "\n".join(diagnostic(p, style) for p in shown) + total


def _difference(before: Any, after: Any, action: str, nothing: str, full: bool) -> Iterator[DifferenceLine]:
    if action in ("create", "remove"):
        yield DifferenceLine("", value(after if action == "create" else before, nothing, full))
    elif isinstance(before, tuple) and isinstance(after, tuple) and before and after:
        yield from _members(before, after, full)
    else:
        if isinstance(before, str) and isinstance(after, str) and max(len(before), len(after)) > MAX_CHARACTERS and not full:
            same = next((i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), 0)
            start = max(0, same - MAX_CHARACTERS // 10)  # what differs is what has to be seen
            before, after = f"{'…' * (start > 0)}{before[start:]}", f"{'…' * (start > 0)}{after[start:]}"
        yield DifferenceLine("", _both(before, after, nothing, full))


def _both(before: Any, after: Any, nothing: str, full: bool) -> str:
    old, new = value(before, nothing or "(none)", full), value(after, nothing or "(none)", full)
    return f"{old} → {'another key' if old == new and MASK in old else new}"


def _data(members: tuple[Any, ...]) -> list[Any]:
    """Members as plain values; one with a table of its own as all of its properties."""
    return [{n: plain_data(v) for n, v in m.values().items()} if isinstance(m, Resource) else plain_data(m) for m in members]


def _members(before: tuple[Any, ...], after: tuple[Any, ...], full: bool) -> Iterable[DifferenceLine]:
    """Members that came and went; of ordered ones with parts, the parts."""
    if any(isinstance(m, Resource | tuple) for m in (*before, *after)):
        if len(before) + len(after) <= _MAX_ORDERED:
            return _parts(before, after, full)
        return (DifferenceLine("", f"{count(len(before), 'member')} → {count(len(after), 'member')}"),)
    old, new = set(before), set(after)
    gone, come = ([m for m in members if m not in others] for members, others in ((before, new), (after, old)))
    lines = [*_shown("-", gone, full), *_shown("+", come, full)]
    return lines or (DifferenceLine("", _both(before, after, "", full)),)  # the order alone


def _shown(sign: str, members: Sequence[Any], full: bool) -> Iterator[DifferenceLine]:
    for member in members if full else members[:MAX_LISTED]:
        yield DifferenceLine(sign, value(member, full=full))
    if not full and len(members) > MAX_LISTED:
        yield DifferenceLine(sign, more(len(members) - MAX_LISTED).strip())


def _parts(before: tuple[Any, ...], after: tuple[Any, ...], full: bool) -> tuple[DifferenceLine, ...]:
    """What differs in members that have an order: DeepDiff finds it, in time with the square of their number."""
    from deepdiff import DeepDiff  # takes a while to import

    found = DeepDiff(_data(before), _data(after), verbose_level=2)
    lines = [DifferenceLine("-", _at(path, v, full)) for path, v in found.get("iterable_item_removed", {}).items()]
    lines += [DifferenceLine("-", _at(path, v, full)) for path, v in found.get("dictionary_item_removed", {}).items()]
    for path, change in (*found.get("values_changed", {}).items(), *found.get("type_changes", {}).items()):
        old, new = value(change["old_value"], full=full), value(change["new_value"], full=full)
        lines.append(DifferenceLine("", f"{_place(path)}{old} → {new}"))
    lines += [DifferenceLine("+", _at(path, v, full)) for path, v in found.get("iterable_item_added", {}).items()]
    lines += [DifferenceLine("+", _at(path, v, full)) for path, v in found.get("dictionary_item_added", {}).items()]
    return tuple(lines) or (DifferenceLine("", _both(before, after, "", full)),)  # the order alone, or what is not shown


def _at(path: str, member: Any, full: bool) -> str:
    """A member, with its place where that is deeper than the list itself; what says nothing is left out."""
    shown = {k: v for k, v in member.items() if v not in (None, False, [])} if isinstance(member, dict) else member
    return (_place(path) if "']" in path else "") + value(shown, full=full)


def _place(path: str) -> str:
    """root[1]['encryption'] -> 'number 2, encryption: '."""
    parts = path.removeprefix("root").strip("[]").replace("'", "").split("][")
    return ", ".join(f"number {int(p) + 1}" if p.isdecimal() else escaped(p) for p in parts) + ": "


def change(changed: Change, *, diff: bool = True, style: Style = unstyled, names: Names = (), full: bool = False) -> str:
    """One change: a line for the resource and, with `diff`, its properties below it; `names`: what people call what is
    stored."""
    return _change(changed, diff, style, names, full)


def _size(changed: Change, diff: bool, style: Style, names: Names, full: bool) -> int:
    """How long the values of a change are, about."""
    values = [v for r in (changed.before, changed.after) if r is not None for v in r.values().values()]
    return (sum(len(v) if isinstance(v, str) else 50 * len(v) for v in values if isinstance(v, str | tuple))
            + sum(len(text) for name in names for text in name) // 10)  # the changes of a host share them


@remembered(4096, 4000, _size)  # fleets repeat themselves
def _change(changed: Change, diff: bool, style: Style, names: Names, full: bool) -> str:
    sign, colour = SIGNS[changed.action]
    store = f" ({changed.id.store})" if changed.id.store != LOCAL else ""
    place = style(f"  {escaped(str(changed.where))}", "quiet") if changed.where != NOWHERE else ""
    people_say, title = naming(names), dict(names).get(title_of(changed), "")
    called = f"  {cut(title, full)}" if title else ""
    name = changed.before.name if changed.before and changed.action == "rename" else changed.resource.name
    word = f"{changed.action} " if changed.action in ("rename", "adopt", "release") else ""
    head = f"  {style(f'{sign} {word}{changed.id.kind} {cut(name, full)}{store}', colour)}{called}{place}"
    if changed.action == "rename":
        head += f"\n      to {cut(changed.resource.name, full)}"
    if changed.why:
        head += f"\n      {style(escaped(changed.why), 'quiet')}"
    if not diff or not changed.writes:
        return head
    words = {name: p.type for name, p in changed.resource.kind.properties.items()}
    rows = {
        name: list(_difference(b, a, changed.action, empty_as(words.get(name)), full))
        for name, (b, a) in changed.properties().items()
    }
    if silent := _by_default(changed):
        rows["by default"] = [DifferenceLine("", silent)]
    width = max(map(len, rows), default=0)
    lines = [head]
    for name, differences in rows.items():
        for number, line in enumerate(differences):
            label = name if number == 0 else ""
            old, arrow, new = (told := people_say(line.text)).partition(" → ")
            if arrow and old == new:  # what is stored differs, and is called the same
                told = line.text
            shown = f"{line.sign} {told}" if line.sign else told
            tint = {"+": "added", "-": "removed"}.get(line.sign) or ("quiet" if changed.action == "remove" else "")
            lines.append(f"      {label.ljust(width)}  {style(shown, tint) if tint else shown}".rstrip())
    return "\n".join(lines)


def _by_default(changed: Change) -> str:
    """What an object that comes or goes does by Windows' defaults."""
    if changed.action not in ("create", "remove"):
        return ""
    held = changed.resource.values()
    return ", ".join(f"{p.name} {value(p.default, empty_as(p.type))}" for p in changed.resource.kind.properties.values()
                     if p.phrase and p.phrase.always and held[p.name] == p.default)


def failure(error: Exception, style: Style = unstyled) -> str:
    """Why a host failed: what happened, and below it what to do."""
    if isinstance(error, HostError):
        detail = f": {escaped(error.detail)}" if error.detail else ""
        return f"  {style(escaped(error.summary) + detail, 'error')}\n    {escaped(error.advice)}"
    return "\n".join(f"  {style(escaped(line), 'error')}" for line in str(error).splitlines())


class GroupedResults:
    """Results as they come -> text; hosts with the same outcome are shown once, under all their names.

    Hosts without anything to tell appear in the recap only. What is held back is bounded by HELD changes.
    """

    def __init__(self, *, diff: bool = True, style: Style = unstyled, full: bool = False) -> None:
        self._diff, self._style, self._full = diff, style, full
        self._groups: dict[tuple[str, ...], list[str]] = {}  # text lines -> the hosts that they are true of
        self._held = 0

    def add(self, result: HostResult) -> str:
        """Returns text to print now; usually empty, since equal outcomes are grouped."""
        if not (result.changes or result.diagnostics or result.obstacles or result.error):
            return ""
        lines = (_headline(result, self._style), *self._body(result))
        self._groups.setdefault(lines, []).append(result.host)
        self._held += len(lines) if len(self._groups[lines]) == 1 else 0
        return self.flush() if self._held > MAX_HELD else ""

    def flush(self) -> str:
        """Everything that was held back, in the order of the hosts' names."""
        groups = sorted(((sorted(hosts, key=natural), lines) for lines, hosts in self._groups.items()),
                        key=lambda group: natural(group[0][0]))
        self._groups, self._held = {}, 0
        return "".join("\n".join([f"{self._style(names_of_hosts(hosts), 'strong')}  {lines[0]}", *lines[1:]]) + "\n\n"
                       for hosts, lines in groups)

    def _body(self, result: HostResult) -> Iterator[str]:
        style = self._style
        told = result.diagnostics if self._full else result.diagnostics[:MAX_DIAGNOSTICS]
        yield from (diagnostic(replace(d, host=""), style, self._full) for d in told)
        if len(result.diagnostics) > len(told):
            yield f"{more(len(result.diagnostics) - len(told)).strip()}"
        yield from obstacles(result.obstacles, style, self._full)
        named = tuple(result.names.items())
        yield from (change(c, diff=self._diff, style=style, names=named, full=self._full) for c in result.changes)
        if result.error is not None:
            yield failure(result.error, style)
        if result.way_back:
            yield "  at its console, in PowerShell as administrator, the last written first:"
            yield from (f"    {escaped(command)}" for command in result.way_back)
        if result.remaining:
            yield "  what still differs:"
            yield from (change(c, style=style, names=named, full=self._full) for c in result.remaining)


def status(name: Status) -> str:
    """A status as people read it."""
    return name.replace("_", " ")


def _headline(result: HostResult, style: Style) -> str:
    """The status, and how many changes were made where a host stopped half way."""
    stopped = result.error is not None and result.changes and result.status != "stale"  # those nobody approved
    return style(status(result.status), STYLES[result.status]) + (
        f", {len(result.written)} of {count(len(result.changes), 'change')} written" if stopped else "")


MADE_WORDS: dict[Action, str] = {"create": "created", "update": "updated", "remove": "removed", "rename": "renamed",
                                 "adopt": "adopted", "release": "released"}


def host_line(result: HostResult, number: int, total: int, style: Style = unstyled) -> str:
    """What became of a host that was to be written, in one line, the moment it ends."""
    made = Counter(c.action for c in result.changes if c.id in result.written)
    told = ", ".join(f"{n} {MADE_WORDS[action]}" for action in SIGNS if (n := made[action]))
    if result.error is not None and result.changes and result.status != "stale":
        told = f"{len(result.written)} of {count(len(result.changes), 'change')} made"
    proven = "proven" if result.written and result.written == result.proven else "not proven" if result.written else ""
    why = cut(result.error.reason if isinstance(result.error, HostError) else str(result.error)) if result.error else ""
    state = style(status(result.status), STYLES[result.status])
    head = f"[{str(number).rjust(len(str(total)))}/{total}] {escaped(result.host)}  {state}"
    return "  ".join(filter(None, (head, told, f"{result.seconds:.1f} s", proven, why)))


@dataclass(frozen=True, slots=True)
class RecapRow:
    """One line of the recap."""

    host: str
    status: Status
    actions: Mapping[Action, int]
    seconds: float
    declared: int = 0
    undeclared: int = 0


def row(result: HostResult) -> RecapRow:
    """The recap line of a result: it is kept, the result is not."""
    return RecapRow(result.host, result.status, Counter(c.action for c in result.changes), result.seconds,
                    result.declared, result.undeclared)


def recap(rows: Iterable[RecapRow], report: Report, seconds: float, style: Style = unstyled) -> str:
    """A line per host, and the sum. Actions that are rare have a column where there is one. declared: what the project declares
    for the host · undeclared: removable objects that are there besides."""
    ordered = sorted(rows, key=lambda r: natural(r.host))
    shown_actions = [a for a in SIGNS if a in ("create", "update", "remove") or any(r.actions.get(a) for r in ordered)]
    cells = [["host", "status", *shown_actions, "declared", "undeclared", "seconds"]]
    cells += [[escaped(r.host), status(r.status), *(str(r.actions.get(a) or "·") for a in shown_actions), str(r.declared or "·"),
               str(r.undeclared or "·"), f"{r.seconds:.2f}"] for r in ordered]
    lines = columns(cells, right=tuple(range(2, 5 + len(shown_actions))))
    painted = [style(lines[0], "quiet")]
    for line, one in zip(lines[1:], ordered, strict=True):
        before, shown, after = line.partition(f"  {status(one.status)} ")
        painted.append(before + style(shown, STYLES[one.status]) + after if shown else line)
    return "\n".join([*painted, "", total(report, seconds)])


def interrupted(report: Report, unknown: Sequence[str], style: Style = unstyled) -> str:
    """What a signal left: how many hosts were ended, those of which nobody knows, and those to which nothing was written."""
    parts = [f"{count(sum(report.counts.values()) - len(unknown), 'host')} done",
             f"in flight, not known: {all_names(unknown)}" if unknown else "",
             f"not begun: {all_names(sorted(report.not_begun, key=natural))}" if report.not_begun else ""]
    return style(f"interrupted by {report.signal}: ", "error") + "; ".join(filter(None, parts))


def total(report: Report, seconds: float) -> str:
    """The sum of a run in one line."""
    hosts = sum(report.counts.values())
    states = ", ".join(f"{n} {status(state)}" for state in STYLES if (n := report.counts[state]))
    written = f", {report.written} written" if report.written else ""
    return f"{count(hosts, 'host')}: {states or 'none'}; {count(report.changes, 'change')}{written}; {seconds:.1f} s"


class TextView:
    """A run for people: changes as soon as they can be grouped, and a recap."""

    def __init__(self, options: ViewOptions) -> None:
        self._style = options.style
        self._results = GroupedResults(diff=options.diff, style=options.style, full=options.full)
        self._rows: list[RecapRow] = []
        self._quiet = options.quiet

    def begin(self, warnings: Sequence[Diagnostic]) -> str:
        return ""  # they were told when they were found

    def host(self, result: HostResult) -> str:
        if self._quiet and result.status == "in_sync":
            return ""
        if self._quiet:
            result = replace(result, diagnostics=tuple(d for d in result.diagnostics if d.severity == "error"))
        self._rows.append(row(result))
        return self._results.add(result)

    def end(self, report: Report, seconds: float, exit_code: ExitCode) -> str:
        if self._quiet and not self._rows:
            return ""
        return self._results.flush() + recap(self._rows, report, seconds, self._style) + "\n"
