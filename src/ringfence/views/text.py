"""A run as people read it: per host the changes property by property, then a recap. Terraform's and Ansible's manners."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from deepdiff import DeepDiff

from ringfence.errors import NOWHERE, Diagnostic, HostError
from ringfence.plan.file import plain_data
from ringfence.report import HostResult, Report, Status
from ringfence.resource import Resource
from ringfence.state import Change
from ringfence.views.words import Paint, columns, count, names, plain, value, visible

SIGNS = {"create": ("+", "added"), "update": ("~", "changed"), "remove": ("-", "removed")}
STYLES: dict[Status, str] = {"in sync": "good", "changed": "changed", "differs": "changed", "unreachable": "error",
                             "refused": "error", "stale": "error", "invalid": "error", "failed": "error"}
HELD = 20_000  # changes that wait for hosts with the same plan before they are shown


@dataclass(frozen=True)
class Line:
    """One line of a difference: (sign, text). The sign is + - or nothing."""

    sign: str
    text: str


def diagnostic(problem: Diagnostic, paint: Paint = plain) -> str:
    """One mistake or warning: where, what, and the way out below it."""
    word, style = ("warning", "warning") if problem.severity == "warning" else ("error", "error")
    place = f"{visible(str(problem.where))}: " if problem.where != NOWHERE else ""
    host = f" (host {visible(problem.host)})" if problem.host else ""
    detail = "".join(f"\n    {visible(line)}" for line in problem.detail.splitlines())
    return f"{place}{paint(word, style)}: {visible(problem.summary)}{host}{detail}"


def diagnostics(problems: Sequence[Diagnostic], paint: Paint = plain) -> str:
    """Every mistake, and how many there were."""
    errors = sum(p.severity == "error" for p in problems)
    total = "" if errors < 2 else f"\n{count(errors, 'error')}"
    return "\n".join(diagnostic(p, paint) for p in problems) + total


@lru_cache(4096)
def _properties(before: Resource | None, after: Resource | None) -> tuple[tuple[str, tuple[Line, ...]], ...]:
    """What differs between two forms of a resource; remembered, because fleets repeat themselves."""
    change = Change(_ANYWHERE, before, after)
    return tuple((name, tuple(_difference(b, a, change.action))) for name, (b, a) in change.properties().items())


_ANYWHERE: Any = ("", "", "")


def _difference(before: Any, after: Any, action: str) -> Iterator[Line]:
    if action != "update":
        yield Line("", value(after if action == "create" else before))
    elif isinstance(before, tuple) and isinstance(after, tuple):
        yield from _members(plain_data(before), plain_data(after)) or [Line("", f"{value(before)} → {value(after)}")]
    else:
        yield Line("", f"{value(before)} → {value(after)}")


def _members(before: list[Any], after: list[Any]) -> list[Line]:
    """Members that came and went; of members with parts, the parts."""
    if not before or not after:
        return []
    ordered = any(isinstance(m, dict | list) for m in (*before, *after))
    found = DeepDiff(before, after, ignore_order=not ordered, verbose_level=2)
    lines = [Line("-", _at(path, v)) for path, v in found.get("iterable_item_removed", {}).items()]
    lines += [Line("-", _at(path, v)) for path, v in found.get("dictionary_item_removed", {}).items()]
    for path, change in (*found.get("values_changed", {}).items(), *found.get("type_changes", {}).items()):
        if ordered:
            lines.append(Line("", f"{_place(path)}{value(change['old_value'])} → {value(change['new_value'])}"))
        else:
            lines += [Line("-", value(change["old_value"])), Line("+", value(change["new_value"]))]
    lines += [Line("+", _at(path, v)) for path, v in found.get("iterable_item_added", {}).items()]
    return lines + [Line("+", _at(path, v)) for path, v in found.get("dictionary_item_added", {}).items()]


def _at(path: str, member: Any) -> str:
    """A member, with its place where that is deeper than the list itself."""
    return (_place(path) if "']" in path else "") + value(member)


def _place(path: str) -> str:
    """root[1]['encryption'] -> 'proposal 2, encryption: '."""
    parts = path.removeprefix("root").strip("[]").replace("'", "").split("][")
    return ", ".join(f"number {int(p) + 1}" if p.isdecimal() else visible(p) for p in parts) + ": "


def change(one: Change, *, diff: bool = True, paint: Paint = plain) -> str:
    """One change: a line for the resource and, with `diff`, its properties below it."""
    sign, style = SIGNS[one.action]
    store = f" ({one.id.store})" if one.id.store != "local" else ""
    place = paint(f"  {visible(str(one.where))}", "quiet") if one.where != NOWHERE else ""
    head = f"  {paint(f'{sign} {one.id.kind} {visible(one.resource.name)}{store}', style)}{place}"
    if not diff:
        return head
    rows = _properties(one.before, one.after)
    width = max((len(name) for name, _ in rows), default=0)
    lines = [head]
    for name, differences in rows:
        for number, line in enumerate(differences):
            label = name if number == 0 else ""
            shown = f"{line.sign} {line.text}" if line.sign else line.text
            colour = {"+": "added", "-": "removed"}.get(line.sign) or ("quiet" if one.action == "remove" else "")
            lines.append(f"      {label.ljust(width)}  {paint(shown, colour) if colour else shown}".rstrip())
    return "\n".join(lines)


def failure(error: Exception, paint: Paint = plain) -> str:
    """Why a host failed: what happened, and below it what to do."""
    if isinstance(error, HostError):
        detail = f": {visible(error.detail)}" if error.detail else ""
        return f"  {paint(visible(error.summary) + detail, 'error')}\n    {visible(error.advice)}"
    return "\n".join(f"  {paint(visible(line), 'error')}" for line in str(error).splitlines())


class Outcomes:
    """Results as they come -> text; hosts with the same outcome are shown once, under all their names.

    Hosts without anything to tell appear in the recap only. What is held back is bounded by HELD changes.
    """

    def __init__(self, *, diff: bool = True, paint: Paint = plain) -> None:
        self._diff, self._paint = diff, paint
        self._groups: dict[tuple[Any, ...], tuple[HostResult, list[str]]] = {}
        self._held = 0

    def add(self, result: HostResult) -> str:
        """Take one result; text that is ready to be shown, mostly none yet."""
        if not (result.changes or result.diagnostics or result.error):
            return ""
        told = tuple(replace(d, host="") for d in result.diagnostics)
        key = (result.status, result.changes, result.made, told, str(result.error))
        if key not in self._groups:
            self._groups[key] = result, []
            self._held += len(result.changes)
        self._groups[key][1].append(result.host)
        return self.flush() if self._held > HELD else ""

    def flush(self) -> str:
        """Everything that was held back, in the order of the hosts' names."""
        groups = sorted(((sorted(hosts), result) for result, hosts in self._groups.values()), key=lambda g: g[0])
        self._groups, self._held = {}, 0
        return "".join(self._group(result, hosts) + "\n\n" for hosts, result in groups)

    def _group(self, result: HostResult, hosts: Sequence[str]) -> str:
        paint = self._paint
        lines = [paint(names(hosts), "strong") + f"  {paint(result.status, STYLES[result.status])}{_written(result)}"]
        lines += [diagnostic(replace(d, host=""), paint) for d in result.diagnostics]
        lines += [change(c, diff=self._diff, paint=paint) for c in result.changes]
        if result.error is not None:
            lines.append(failure(result.error, paint))
        if result.residue:
            lines += ["  what still differs:", *(change(c, paint=paint) for c in result.residue)]
        return "\n".join(lines)


def _written(result: HostResult) -> str:
    """How many changes were made, where a host stopped half way."""
    stopped = result.error is not None and result.changes
    return f", {result.made} of {count(len(result.changes), 'change')} made" if stopped else ""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the recap."""

    host: str
    status: Status
    created: int
    updated: int
    removed: int
    seconds: float


def row(result: HostResult) -> Row:
    """The recap line of a result: it is kept, the result is not."""
    actions = [c.action for c in result.changes]
    return Row(result.host, result.status, actions.count("create"), actions.count("update"), actions.count("remove"),
               result.seconds)


def recap(rows: Iterable[Row], report: Report, seconds: float, paint: Paint = plain) -> str:
    """A line per host, and the sum."""
    ordered = sorted(rows, key=lambda r: r.host)
    cells = [["host", "status", "create", "update", "remove", "seconds"]]
    cells += [[visible(r.host), r.status, *(str(n or "·") for n in (r.created, r.updated, r.removed)), f"{r.seconds:.2f}"]
              for r in ordered]
    lines = columns(cells, right=(2, 3, 4, 5))
    painted = [paint(lines[0], "quiet")]
    for line, one in zip(lines[1:], ordered, strict=True):
        before, status, after = line.partition(f"  {one.status} ")
        painted.append(before + paint(status, STYLES[one.status]) + after if status else line)
    return "\n".join([*painted, "", total(report, seconds)])


def total(report: Report, seconds: float) -> str:
    """The sum of a run in one line."""
    hosts = sum(report.counts.values())
    states = ", ".join(f"{n} {status}" for status in STYLES if (n := report.counts[status]))
    made = f", {report.made} made" if report.made else ""
    return f"{count(hosts, 'host')}: {states or 'none'}; {count(report.changes, 'change')}{made}; {seconds:.1f} s"
