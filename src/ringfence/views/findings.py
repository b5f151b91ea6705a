"""What a report tells of a host, thing by thing: which sort it is of, of which object, where that is declared, and in words.

The sorts are one table, whose names are promised: code scanning keeps alerts by them.
"""

from collections import deque
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal, cast

from ringfence.diagnostics import NOWHERE, Diagnostic, Severity, Where
from ringfence.errors import HostError
from ringfence.model.state import Action, Change, Id
from ringfence.plan.obstacles import Obstacle, ObstacleLevel
from ringfence.policy.place import ALL_PROFILES
from ringfence.report import DefaultsResult, HostResult, Status
from ringfence.views.attribution_text import common_line, common_reason, who_row
from ringfence.views.change_text import ChangeOptions, change_text, orphan_text, row_lines
from ringfence.views.change_words import ABANDONED, CHANGE_WORDS, GONE, NOT_IN_FORCE, found_word
from ringfence.views.format import cut, escaped
from ringfence.views.meaning import meaning
from ringfence.windows.origin import ORIGINS

SortLevel = Literal["error", "warning", "note"]
"""How much a sort matters, in the words of SARIF."""


@dataclass(frozen=True, slots=True)
class FindingSort:
    """A sort of finding. title: in a few words · help: what it means, and what to do · fails: whether a test that has one is not
    passed."""

    level: SortLevel
    title: str
    help: str
    fails: bool


_REACH = "`ringfence doctor HOST` says what stands in the way; docs/reference/failures.md what to do."
_REVIEW = "Review it as the change of policy that it is. `ringfence apply` makes it."
_DRIFTED = "`ringfence apply` makes the host as declared again; where the host is right, change the task."
_SHIPPED = "`ringfence show HOST` says whose it is. To keep it so, declare it; to go back, `state: default`."
_TABLE = (
    # (name, level, title, help), in the order in which they matter
    ("host-restored", "error", "A host was changed, and the change was undone", "It has the policy that it had before. Mend what "
     "is named, and apply again."),
    ("host-lost", "error", "A host was changed, and then not reached", "The policy may have locked this controller out. At the "
     "console of the host, undo what was written last: the commands are told."),
    ("host-unknown", "error", "Nobody knows what became of a host", "Changes were sent and no answer came. `ringfence plan` "
     "shows what the host has now."),
    ("host-failed", "error", "A host failed", f"It is told why. {_REACH}"),
    ("not-proven", "error", "A change was made, and is not there", "A second read over a new connection found something else: "
     "Group Policy or an agent on the host rewrites the policy."),
    ("unproven", "error", "A change was sent, and not proven", "The host was not read again: `ringfence plan` shows it."),
    ("not-made", "error", "A change was not made", "`ringfence apply` goes on once what stood in the way is gone."),
    ("host-refused", "error", "A guard refused a host", "Nothing is written there. The ways out are told."),
    ("host-stale", "error", "A host does not fit the plan any more", "Make a new plan, and have it reviewed."),
    ("not-approved", "error", "A change that nobody approved", "Make a new plan, and have it reviewed."),
    ("mistake", "error", "What is declared is wrong", "Correct it at its place. `ringfence validate` finds all mistakes without "
     "touching a host."),
    ("host-unreachable", "warning", "A host was not reached", f"Nothing is known of it. {_REACH}"),
    ("not-in-force", "error", "What is declared is not in force", "Windows does not enforce it, or will not once it is there: "
     "docs/guide/in-force.md."),
    ("drift-unexpected", "warning", "An object is there that is declared absent", _DRIFTED),
    ("drift-missing", "warning", "A declared object is not there", _DRIFTED),
    ("drift-differs", "warning", "An object differs from what is declared", _DRIFTED),
    ("drift-old-name", "warning", "An object has its old name", _DRIFTED),
    ("drift-not-adopted", "warning", "A declared object is not the project's", _DRIFTED),
    ("drift-gone", "warning", "The project owns an object that nothing declares any more", "What becomes of it, and when: "
     "docs/guide/what-ringfence-removes.md."),
    ("drift-left", "warning", "The project left an object there that nothing declares any more", "`prune` says whether it goes: "
     "docs/guide/what-ringfence-removes.md."),
    ("host-abandoned", "warning", "No play names a host any more, and the project left objects there", "`ringfence retire HOST` "
     "takes them away."),
    ("plan-remove", "note", "An object would be removed", _REVIEW),
    ("plan-opens", "warning", "A change would open something to everybody or for everything", "Say for whom or for what it is "
     "meant: remote addresses, ports, a program. Where everybody is meant, review it as such."),
    ("plan-update", "note", "An object would be changed", _REVIEW),
    ("plan-create", "note", "An object would be created", _REVIEW),
    ("plan-rename", "note", "An object would be renamed", _REVIEW),
    ("plan-adopt", "note", "An object would become the project's", _REVIEW),
    ("plan-release", "note", "An object would not be the project's any more", _REVIEW),
    ("defaults-changed", "note", "An object is not as Windows ships it", _SHIPPED),
    ("defaults-missing", "note", "An object that Windows ships is missing", _SHIPPED),
    ("defaults-added", "note", "An object does not ship with Windows", _SHIPPED),
    ("warning", "warning", "What is declared is probably not meant", "Correct it, or say it in the way that is told."),
    ("in-force-unknown", "warning", "It is not known whether something is in force", "What decides it could not be read."),
    ("note", "note", "Worth knowing", "Nothing need be done."),
    ("made", "note", "A change was made", "Nothing need be done: it was found by a second read over a new connection."),
)
MADE, UNPROVEN = "made", "unproven"
_MILD = ("drift-left", "host-abandoned", "warning", "in-force-unknown", "note", MADE)  # a test that has only these is passed
SORTS: Mapping[str, FindingSort] = {
    name: FindingSort(cast(SortLevel, level), title, help, name not in _MILD) for name, level, title, help in _TABLE}
_OF_STATUS: dict[Status, str] = {s: f"host-{s}" for s in (
    "restored", "lost", "unknown", "failed", "refused", "stale", "unreachable")}
_OF_SEVERITY: dict[Severity, str] = {"error": "mistake", "warning": "warning", "note": "note"}
_OF_OBSTACLE: dict[ObstacleLevel, str] = {"not_in_force": "not-in-force", "unknown": "in-force-unknown", "note": "note"}
_OF_DRIFT: dict[Action, str] = {"create": "missing", "update": "differs", "remove": "unexpected", "rename": "old-name",
                                "adopt": "not-adopted", "release": "gone"}
_OF_DEFAULTS: dict[Action, str] = {"create": "defaults-added", "update": "defaults-changed", "remove": "defaults-missing"}


@dataclass(frozen=True, slots=True)
class ReportedFinding:
    """One thing. sort: a row of SORTS · object: none where it is about the host or the project as a whole · title: the object as
    it is spelled, or what is wrong · text: in one line · lines: in more · renames: whether it is about the name of the
    object, which may differ in other things too."""

    sort: str
    title: str
    text: str
    lines: tuple[str, ...] = ()
    where: Where = NOWHERE
    object: Id | None = None
    renames: bool = False


class FindingsOfHosts:
    """Makes the findings of hosts as one command sees them. What was said of a change is remembered: a fleet repeats itself, in a
    few variants of each object."""

    def __init__(self, command: str) -> None:
        self._command = command
        self._known: dict[Id, deque[tuple[Change, str, Mapping[str, str], ReportedFinding]]] = {}
        self._size = 0  # characters of what is known

    def of(self, result: HostResult) -> Iterator[ReportedFinding]:
        """Everything about a host that is not as it should be, was changed, or is worth knowing."""
        if result.error is not None:
            yield _failure(result)
        still, status = {c.id: c for c in result.remaining}, result.status
        reason = common_reason(result.changed_by or {})
        for change in result.changes:
            if change.id not in still:
                one = self._of_change(change, _sort(change, result, status, self._command), result.names)
                more = (*_whose(change, result), *(() if reason else _who(change, result)))
                yield replace(one, lines=(*one.lines, *more)) if more else one
        if reason:
            yield ReportedFinding("note", _NOBODY_KNOWN, common_line(reason).strip())
        for change in still.values():
            yield self._of_change(change, "not-proven", result.names)
        for orphan in result.orphans if self._command == "drift" else ():
            told = orphan_text(orphan, ChangeOptions(drift=True), tuple(result.names.items()))
            text = f"{GONE}: {told.about}" if told.about else GONE
            yield ReportedFinding("drift-left", cut(str(orphan.id)), text, tuple(row_lines(told.rows, "")), object=orphan.id)
        for obstacle in result.obstacles:
            yield from _of_obstacle(obstacle)
        yield from map(of_diagnostic, result.diagnostics)

    def _of_change(self, change: Change, sort: str, names: Mapping[str, str]) -> ReportedFinding:
        variants = self._known.setdefault(change.id, deque(maxlen=_VARIANTS_KNOWN))
        for known, known_sort, known_names, finding in variants:
            if known_sort == sort and known_names == names and known == change:
                return finding
        finding = _of_change(change, sort, self._command == "drift", names)
        self._size += len(finding.text) + sum(map(len, finding.lines)) + _AROUND_TEXT
        if self._size > _MAX_REMEMBERED:
            self._known, self._size = {change.id: variants}, 0
        variants.appendleft((change, sort, names, finding))
        return finding


def _who(change: Change, result: HostResult) -> list[str]:
    """Who made the object differ, where somebody asked."""
    who = (result.changed_by or {}).get(change.id)
    return row_lines((who_row(who),), "") if who else []


def _whose(change: Change, result: HostResult) -> Iterator[str]:
    """Whose an object is that does not ship with Windows."""
    origin = result.origins.get(change.id) if isinstance(result, DefaultsResult) else None
    if origin:
        yield f"whose  {ORIGINS[origin.name]}" + (f": {cut(origin.of)}" if origin.of else "")


_NOBODY_KNOWN = "who changed what is not known"
_ROWS_IN_TEXT = 2  # properties that differ that are told in the one line of a change
_VARIANTS_KNOWN = 4  # of an object, that are remembered
_AROUND_TEXT = 1_000  # characters, about, that the rest of what is remembered of a change takes
_MAX_REMEMBERED = 20_000_000  # characters of all


def of_diagnostic(problem: Diagnostic, abandoned: Collection[str] = ()) -> ReportedFinding:
    """A mistake, a warning or a note. abandoned: hosts that no play names any more."""
    lines = tuple(cut(line, longest=_LONGEST) for line in problem.detail.splitlines())
    summary = cut(problem.summary, longest=_LONGEST)
    if problem.host in abandoned and problem.where == NOWHERE:
        return ReportedFinding("host-abandoned", summary, f"{ABANDONED}: {summary}", lines)
    return ReportedFinding(_OF_SEVERITY[problem.severity], summary, summary, lines, problem.where)


_LONGEST = 600  # characters of what a mistake says


def _failure(result: HostResult) -> ReportedFinding:
    error = result.error
    first, *rest = str(error).splitlines() or [""]
    title, text, lines = cut(first, longest=_LONGEST), cut(first, longest=_LONGEST), [cut(one, longest=_LONGEST) for one in rest]
    if isinstance(error, HostError):
        title, text, lines = error.summary, cut(error.reason, longest=_LONGEST), [error.advice]
    if result.way_back:
        lines += ["At its console, in PowerShell as administrator, the last written first:", *map(escaped, result.way_back)]
    return ReportedFinding(_OF_STATUS.get(result.status, "host-failed"), title, text, tuple(lines))


def _sort(change: Change, result: HostResult, status: Status, command: str) -> str:
    """Which sort of finding a change is."""
    if command == "compare-defaults":
        return _OF_DEFAULTS.get(change.action, "defaults-changed")
    if status == "stale":
        return "not-approved"
    if change.id in result.written:
        return MADE if change.id in result.proven else UNPROVEN
    if status == "unknown":
        return UNPROVEN
    if command == "apply":
        return "not-made"
    if command == "drift":
        return f"drift-{'gone' if found_word(change) == GONE else _OF_DRIFT[change.action]}"
    return f"plan-{change.action}"


def opens(change: Change) -> bool:
    """Whether a change makes an object let through what its line tells in capital letters."""
    if change.after is None or not change.writes:
        return False
    before, after = (frozenset(piece.text for piece in meaning(r) if piece.open) if r else frozenset[str]()
                     for r in (change.before, change.after))
    return bool(after - before)


def _of_change(change: Change, sort: str, drift: bool, names: Mapping[str, str]) -> ReportedFinding:
    """What it does, or what differs, in one line; the rest below."""
    words = CHANGE_WORDS[change.action]
    told = change_text(change, ChangeOptions(drift=drift), tuple(names.items()))
    lead = sort.removeprefix("defaults-") if sort.startswith("defaults-") else SORTS[sort].title
    if drift or sort == MADE or sort.startswith("plan"):
        lead = found_word(change) if drift else words.was_made if sort == MADE else words.planned
    about, lines = told.about, tuple(row_lines(told.rows, ""))
    if not about and told.rows:  # what differs is all there is to say
        about = "; ".join(" ".join(filter(None, (label, *rest))) for label, rest in told.rows[:_ROWS_IN_TEXT])
        lines = lines if len(told.rows) > _ROWS_IN_TEXT or any(len(rest) > 1 for _, rest in told.rows) else ()
    sort = "plan-opens" if sort.startswith("plan") and opens(change) else sort
    what = change.id._replace(name=change.resource.name.lower())  # of a rename the new one, which is declared
    return ReportedFinding(sort, cut(str(change)), f"{lead}: {about}" if about else lead, lines, change.where, what,
                           renames=change.action == "rename")


def _of_obstacle(one: Obstacle) -> Iterator[ReportedFinding]:
    sort = "note" if one.reason.weight == "note" else _OF_OBSTACLE[one.level]
    profiles = "" if one.profiles == ALL_PROFILES or not one.profiles else f" in {', '.join(one.profiles)}"
    lead = NOT_IN_FORCE if sort == "not-in-force" else SORTS[sort].title
    text, lines = f"{lead}{profiles}: {cut(one.reason.text, longest=_LONGEST)}", (cut(one.reason.advice, longest=_LONGEST),)
    for each in one.objects:
        yield ReportedFinding(sort, cut(str(each)), text, lines, each.where, each.id)
    if not one.objects:
        yield ReportedFinding(sort, SORTS[sort].title, text, lines)
