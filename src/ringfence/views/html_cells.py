"""What the HTML report tells of one change, of one mistake, of one failure: texts, as the page has them."""

from collections.abc import Callable, Hashable
from functools import cache
from typing import Any, cast

from ringfence.diagnostics import Diagnostic
from ringfence.errors import HostError
from ringfence.model.resource import Resource
from ringfence.model.state import Change, TaskLabel
from ringfence.model.understood import NOT_UNDERSTOOD, is_understood
from ringfence.plan.obstacles import Obstacle
from ringfence.report import DefaultsResult, HostResult
from ringfence.secret import MASK
from ringfence.types.moments import in_short
from ringfence.views.format import MAX_LISTED, Names, count, cut, empty_as, escaped, naming, value
from ringfence.views.meaning import lets_all_through, meaning
from ringfence.windows.origin import ORIGINS
from ringfence.windows.stored_names import title_of

FIELDS = ("why", "owner", "file", "line", "play", "task", "tags", "expires", "ticket", "title", "renamed", "defaults", "found",
          "declared")
"""What the page has of every change, in this order; behind it (property, found, declared) of each that is told."""

MAX_SHOWN_TEXT = 2_000  # characters of a value that are shown
MAX_OBJECTS = 50  # objects of an obstacle that are named
_MAX_MEMBERS = 10 * MAX_LISTED  # members of a list that are shown
Cells = list[Any]


def change_cells(change: Change, names: Names, owner: str, full: bool) -> Cells:
    """What is told of a change, as FIELDS has it, and its properties."""
    say, label, where = naming(names), change.label, change.where
    title = title_of(change)
    renamed = change.resource.name if change.action == "rename" else ""
    cells: Cells = [cut(change.why, full), owner, escaped(where.file), where.line, cut(label.play, full), cut(label.task, full),
                    [*map(escaped, label.tags)], _expires(label), cut(label.ticket, full),
                    dict(names).get(title) or cut(title, full), cut(renamed, full)]
    both = change.before is not None and change.after is not None
    told = (None, None) if both and not change.resource.kind.phrases else (change.before, change.after)  # what differs says all
    cells += [_by_default(change), *(_meaning(side, names, full) for side in told)]
    nothing = _blanks(cast(Hashable, type(change.resource)))
    for name, (before, after) in change.properties().items() if change.writes else ():
        sides = before, after
        if change.before is not None and change.after is not None and not full:
            sides = _where_they_differ(before, after)
        p = change.resource.kind.properties.get(name)
        understood = p is None or (is_understood(p, before) and is_understood(p, after))
        blank = nothing.get(name, "(none)") if understood else NOT_UNDERSTOOD
        found, declared = (None if r is None else _told(v, blank, say, full) for v, r in (
            (sides[0], change.before), (sides[1], change.after)))
        if found == declared and MASK in str(found):
            declared = "another key"
        elif found == declared:  # what is stored differs, and is called the same
            found, declared = (_told(v, blank, str, full) for v in sides)
        cells += (name, *(side.upper() if isinstance(side, str) and p and r is not None and lets_all_through(r, p) else side
                          for side, r in ((found, change.before), (declared, change.after))))
    return cells


def _expires(label: TaskLabel) -> str:
    """Until when the object of a task is wanted."""
    return in_short(label.expires) + (", by the host itself" if label.expires_on_host else "") if label.expires else ""


def _where_they_differ(before: Any, after: Any) -> tuple[Any, Any]:
    """Of two long texts what is around their first difference, of two long lists the members that the other has not."""
    if isinstance(before, str) and isinstance(after, str) and max(len(before), len(after)) > MAX_SHOWN_TEXT:
        same = next((n for n, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), min(len(before), len(after)))
        start = max(0, same - MAX_SHOWN_TEXT // 10)
        dots = "…" * (start > 0)
        return f"{dots}{before[start:]}", f"{dots}{after[start:]}"
    if isinstance(before, tuple) and isinstance(after, tuple) and max(len(before), len(after)) > _MAX_MEMBERS:
        old, new = set(before), set(after)
        gone, come = (tuple(m for m in members if m not in others) for members, others in ((before, new), (after, old)))
        if gone or come:  # else the order alone
            left = f"{len(before) - len(gone):,} that are the same"
            return (*gone[:_MAX_MEMBERS - 1], left), (*come[:_MAX_MEMBERS - 1], left)
    return before, after


@cache
def _blanks(sort: Any) -> dict[str, str]:
    """{property: what nothing means for it} of a class of resources."""
    return {name: empty_as(p.type) for name, p in sort.kind.properties.items()}


def _told(content: Any, nothing: str, say: Callable[[str], str], full: bool) -> str | list[str]:
    """A value as the page has it: a text, or members."""
    if not isinstance(content, tuple) or not content:
        longer = isinstance(content, str) and bool(content) and not full
        return say(cut(str(content), longest=MAX_SHOWN_TEXT) if longer else value(content, nothing, full))
    shown = content if full else content[:_MAX_MEMBERS]
    members = [say(value(_member(m), full=full)) for m in shown]
    return [*members, f"and {len(content) - len(shown)} more"] if len(shown) < len(content) else members


def _member(member: Any) -> Any:
    """A member of a list; of one with a table of its own what says something."""
    if not isinstance(member, Resource):
        return member
    return {name: content for name, content in member.values().items() if content not in (None, False, ())}


def _by_default(change: Change) -> list[str]:
    """What an object that comes or goes does by Windows' defaults: property and value in turn."""
    if change.action not in ("create", "remove"):
        return []
    held = change.resource.values()
    nothing = _blanks(cast(Hashable, type(change.resource)))
    shown = (p for p in change.resource.kind.phrases if p.phrase and p.phrase.always and held[p.name] == p.default)
    return [text for p in shown for text in (p.name, value(p.default, nothing[p.name]))]


def _meaning(resource: Resource | None, names: Names, full: bool) -> list[str]:
    """What an object does in words; every second text is open to anybody."""
    texts = [""]
    for piece in meaning(resource, names, full) if resource is not None else ():
        between = "" if texts == [""] or piece.text.startswith(",") else " "
        if piece.open == (len(texts) % 2 == 0):
            texts[-1] += between + piece.text
        elif piece.open:
            texts[-1] += between
            texts.append(piece.text)
        else:
            texts.append(between + piece.text)
    return texts if texts != [""] else []


def owner_of(result: HostResult, change: Change) -> str:
    """Whose the object is, in words."""
    if isinstance(result, DefaultsResult) and (whose := result.origins.get(change.id)):
        return ORIGINS[whose.name] + (f": {cut(whose.of)}" if whose.of else "")
    return ORIGINS.get(change.owner, "")


def note_cells(problem: Diagnostic) -> Cells:
    """A mistake or warning, without its host."""
    where = escaped(str(problem.where)) if problem.where.file else ""
    return [problem.severity, where, escaped_lines(problem.summary), escaped_lines(problem.detail)]


def escaped_lines(text: str) -> str:
    """The text, escaped but for its line ends."""
    return "\n".join(map(escaped, text.split("\n")))


def error_cells(error: Exception) -> Cells:
    """Why a host failed: the kind of failure, what happened, what the other side said of it, and what to do."""
    if isinstance(error, HostError):
        return [error.kind, *map(escaped_lines, (error.summary, error.detail, error.advice))]
    return ["", escaped_lines(str(error)), "", ""]


def obstacle_cells(one: Obstacle) -> Cells:
    """What keeps objects out of force: level, profiles, reason, way out, objects."""
    shown = [f"{cut(str(a))}" + (f" ({escaped(str(a.where))})" if a.where.file else "") for a in one.objects[:MAX_OBJECTS]]
    left = len(one.objects) - len(shown)
    level = "note" if one.reason.weight == "note" else one.level
    reason, advice = (cut(text, longest=MAX_SHOWN_TEXT) for text in (one.reason.text, one.reason.advice))
    return [level, list(one.profiles), reason, advice,
            [*shown, f"and {count(left, 'object')} more"] if left else shown]
