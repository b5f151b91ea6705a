"""One change as people read it: what it does to which object, what that object does with traffic, and below it what differs."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from ringfence.diagnostics import NOWHERE
from ringfence.model.resource import Property
from ringfence.model.state import LOCAL, Change, TaskLabel
from ringfence.plan.plan import Orphan
from ringfence.types.base import remembered
from ringfence.views.change_words import CHANGE_WORDS, found_style, found_word
from ringfence.views.difference import DifferenceLine, difference
from ringfence.views.format import Names, Style, blank_of, cut, escaped, naming, unstyled
from ringfence.views.meaning import joined, lets_all_through, meaning
from ringfence.windows.stored_names import title_of

_TITLE = "display_name"
Row = tuple[str, tuple[str, ...]]
"""(a label, the lines beside it)"""


@dataclass(frozen=True, slots=True)
class ChangeOptions:
    """How changes are shown. diff: with the properties that differ · full: long values whole · drift: as what was found, not as
    what is going to be done."""

    diff: bool = True
    style: Style = unstyled
    full: bool = False
    drift: bool = False


@dataclass(frozen=True, slots=True)
class ChangeText:
    """One change in words. head: sign or word, kind and name, which stand in a column; `style`: their colour · about: what the
    object does, and what it is called · place: where it is declared · rows: what differs, and why the change is made."""

    head: str
    style: str = ""
    about: str = ""
    place: str = ""
    rows: tuple[Row, ...] = field(default=())


def change_text(change: Change, options: ChangeOptions, names: Names = ()) -> ChangeText:
    """A change in words; `names`: what people call what is stored."""
    return _change_text(change, options, names)


def orphan_change(orphan: Orphan) -> Change:
    """What the project has on a host, declares no more, and leaves there, as if it went."""
    asked = TaskLabel(expires=orphan.expires, ticket=orphan.ticket).expiry
    until = f"; wanted until {asked}" if orphan.expires else f"; for {asked}" if asked else ""
    why = f"{orphan.how} by run {orphan.run}; nobody declares it any more{until}"
    return Change(orphan.id, orphan.resource, None, why=why)


def orphan_text(orphan: Orphan, options: ChangeOptions, names: Names = ()) -> ChangeText:
    """The same in words."""
    return change_text(orphan_change(orphan), options, names)


def _size(change: Change, options: ChangeOptions, names: Names) -> int:
    """How long the values of a change are, about."""
    values = [v for r in (change.before, change.after) if r is not None for v in r.values().values()]
    return (sum(len(v) if isinstance(v, str) else 50 * len(v) for v in values if isinstance(v, str | tuple))
            + sum(len(text) for name in names for text in name) // 10)  # the changes of a host share them


@remembered(4096, 4000, _size)  # fleets repeat themselves
def _change_text(change: Change, options: ChangeOptions, names: Names) -> ChangeText:
    words, style, full = CHANGE_WORDS[change.action], options.style, options.full
    store = f" ({change.id.store})" if change.id.store != LOCAL else ""
    name = change.before.name if change.before and change.action == "rename" else change.resource.name
    word = f"{change.action} " if change.action in ("rename", "adopt", "release") else ""
    lead, colour = f"{words.sign} {word}".rstrip(), words.style
    if options.drift:
        lead, colour = found_word(change).ljust(10), found_style(change)
    place = style(escaped(str(change.where)), "quiet") if change.where != NOWHERE else ""
    return ChangeText(f"{lead} {change.id.kind} {cut(name, full)}{store}", colour, _about(change, options, names), place,
                      (*_reason(change, options), *(_rows(change, options, names) if options.diff and change.writes else ())))


def _about(change: Change, options: ChangeOptions, names: Names) -> str:
    """What the object does; what is open in it stands out. And what it is called, where that is not its name."""
    pieces = []
    if not (options.drift and change.action == "update") and change.resource.kind.phrases:
        pieces = [options.style(one.text, "error") if one.open else one.text for one in
                  meaning(change.resource, names, options.full)]
    stored = title_of(change)
    title = naming(names)(cut(stored, options.full))
    shows = stored != change.resource.name and (change.action in ("create", "remove") or title != stored)
    called = f'"{title}"' if title and shows else ""
    return "  ".join(filter(None, (joined(pieces), called)))


def _reason(change: Change, options: ChangeOptions) -> list[Row]:
    new_name: list[Row] = [("to", (cut(change.resource.name, options.full),))] if change.action == "rename" else []
    return [*new_name, *_life(change), *([("", (options.style(escaped(change.why), "quiet"),))] if change.why else [])]


def _life(change: Change) -> list[Row]:
    """Until when the object is wanted, and what it was asked for by; of what has expired `why` says so."""
    if change.label.expires and change.after is None:
        return []
    return [(name, (escaped(text),)) for name, text in life_of(change.label)]


def life_of(label: TaskLabel) -> Iterator[tuple[str, str]]:
    """Until when an object is wanted, and what it was asked for by: a word, and what stands behind it."""
    if label.expires:
        yield "expires", f"{label.expiry}{', by the host itself' if label.expires_on_host else ''}"
    elif label.ticket:
        yield "ticket", label.ticket


def _rows(change: Change, options: ChangeOptions, names: Names) -> list[Row]:
    """The properties that differ; of what comes or goes those that are not told beside its name."""
    table, whole = change.resource.kind.properties, change.action in ("create", "remove")
    rows: list[Row] = []
    for name, (before, after) in change.properties().items():
        p = table.get(name)
        if whole and (name == _TITLE or (p is not None and p.phrase is not None)):
            continue
        tints = {"+": "added", "-": "removed", "": "quiet" if change.action == "remove" else ""}
        lines = [_open(line, change, p) for line in
                 difference(before, after, change.action, blank_of(p, before, after), options.full)]
        told = [(line.in_words(naming(names), options.drift), tints[line.sign]) for line in lines]
        rows.append((name, tuple(options.style(text, tint) if tint else text for text, tint in told)))
    return rows


def _open(line: DifferenceLine, change: Change, p: Property | None) -> DifferenceLine:
    """The line with ANY in capital letters on the side on which it lets everybody through."""
    if p is None or line.old is None or line.new is None:
        return line
    before, after = (r is not None and lets_all_through(r, p) for r in (change.before, change.after))
    return line._replace(old=line.old.upper() if before else line.old, new=line.new.upper() if after else line.new)


def change_lines(change: Change, options: ChangeOptions = ChangeOptions(), names: Names = ()) -> str:
    """A change by itself, as it stands in a list."""
    shown = change_text(change, options, names)
    head = "  ".join(filter(None, (options.style(shown.head, shown.style), shown.about, shown.place)))
    return "\n".join([f"  {head}", *row_lines(shown.rows)])


def row_lines(rows: tuple[Row, ...], indent: str = "      ") -> list[str]:
    """Rows as lines, their labels in a column."""
    width = max((len(label) for label, _ in rows), default=0)
    return [f"{indent}{(label if number == 0 else '').ljust(width)}  {line}".rstrip() if label or number else f"{indent}{line}"
            for label, lines in rows for number, line in enumerate(lines)]
