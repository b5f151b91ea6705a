"""What is to be told of hosts, each thing once: under the hosts that it is true of, and where it differs with a line for each.

A fleet repeats itself: the same change on five hundred hosts is told once. One word that differs costs a line a host, not the
whole plan once more.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from ringfence.errors import HostError, RingfenceError
from ringfence.report import HostResult
from ringfence.views.attribution_text import common_line, common_reason, who_row
from ringfence.views.change_text import ChangeOptions, ChangeText, Row, change_text, orphan_text, row_lines
from ringfence.views.change_words import STYLES, status_words
from ringfence.views.diagnostics_text import MAX_DIAGNOSTICS, diagnostic, failure
from ringfence.views.format import Style, count, escaped, more, natural
from ringfence.views.host_names import HostGroups, HostNames
from ringfence.views.obstacles_text import obstacles

MAX_HELD = 100_000  # different things that wait for hosts of which they are true too
_COLUMN = 48  # characters of names that others are aligned with
_BLOCKS = {"tells": "", "remains": "  what still differs:",
          "way back": "  at its console, in PowerShell as administrator, the last written first:"}
"""The blocks of what is told of hosts, in order, and what stands before them."""


class _Entry(NamedTuple):
    """One thing that is told of a host. Entries of one key are variants of each other."""

    block: str
    key: Hashable
    text: ChangeText


@dataclass
class _Slot:
    """The variants of one thing, and the hosts of each. place: the earliest at which a host has it."""

    block: str
    place: int
    variants: dict[ChangeText, list[str]] = field(default_factory=dict)

    @property
    def hosts(self) -> frozenset[str]:
        return frozenset().union(*self.variants.values())

    @property
    def first(self) -> ChangeText:
        """The one whose words stand for all, whichever host came first."""
        return min(self.variants, key=_words)

    @property
    def head(self) -> str:
        return self.first.head

    @property
    def is_change(self) -> bool:
        """Whether it has parts; else it is text as it stands."""
        return bool(self.first.style)

    @property
    def is_failure(self) -> bool:
        """Whether it says why hosts failed."""
        return self.first.style == "error"

    def rows(self) -> tuple[dict[str, tuple[str, ...]], dict[str, dict[tuple[str, ...], list[str]]]]:
        """{label: lines} of what is the same on all hosts, and {label: {lines: hosts}} of the rest."""
        found: dict[str, dict[tuple[str, ...], list[str]]] = {}
        for text, hosts in sorted(self.variants.items(), key=lambda one: _words(one[0])):
            for label, lines in (*([(_ABOUT, (text.about,))] if text.about else []), *text.rows):
                found.setdefault(label, {}).setdefault(lines, []).extend(hosts)
        everywhere = len(self.hosts)
        same = {label: next(iter(values)) for label, values in found.items()
                if len(values) == 1 and len(next(iter(values.values()))) == everywhere}
        return same, {label: values for label, values in found.items() if label not in same}


class GroupedResults:
    """Results as they come -> text. Hosts without anything to tell appear in the recap only. What is held back is bounded by
    MAX_HELD."""

    def __init__(self, options: ChangeOptions, groups: HostGroups | None = None) -> None:
        self._options, self._groups = options, groups or {}
        self._slots: dict[Hashable, _Slot] = {}
        self._states: dict[str, str] = {}  # host -> its status, as it stands beside its name
        self._failed: set[str] = set()
        self._held = 0
        self.distinct = 0  # changes that were told, equal ones of several hosts once

    def add(self, result: HostResult) -> str:
        """Returns text to print now; usually empty, since equal things are told together."""
        entries, state = list(self._entries(result)), self._state(result)  # all of it or, where that fails, nothing
        self._states[result.host] = state
        self._failed.update([result.host] if result.error is not None else ())
        for place, (block, key, text) in enumerate(entries):
            slot = self._slots.setdefault(key, _Slot(block, place))
            slot.place = min(slot.place, place)
            hosts = slot.variants.get(text)
            if hosts is None:
                hosts = slot.variants[text] = []
                self._held += 1
            hosts.append(result.host)
        return self.flush() if self._held > MAX_HELD else ""

    def flush(self) -> str:
        """Everything that was held back: what is true of most hosts first, what failed last."""
        sections: dict[frozenset[str], list[_Slot]] = {}
        for slot in self._slots.values():
            sections.setdefault(slot.hosts, []).append(slot)
        called = HostNames(self._states, self._groups, self._options.full)
        ordered = sorted(sections.items(), key=lambda one: (one[0] <= self._failed, -len(one[0]), sorted(map(natural, one[0]))))
        text = "".join("\n".join([self._heading(hosts, called), *self._section(slots, called)]) + "\n\n"
                       for hosts, slots in ordered)
        self.distinct += sum(slot.is_change and not slot.is_failure and slot.block == "tells" for slot in self._slots.values())
        self._slots, self._held = {}, 0
        return text

    # -- what is told of a host

    def _entries(self, result: HostResult) -> Iterator[_Entry]:
        options, full = self._options, self._options.full
        told = result.diagnostics if full else result.diagnostics[:MAX_DIAGNOSTICS]
        for problem in told:
            yield _as_it_is(diagnostic(replace(problem, host=""), options.style, full))
        if len(result.diagnostics) > len(told):
            yield _as_it_is(more(len(result.diagnostics) - len(told)).strip())
        if result.obstacles:
            yield _as_it_is("\n".join(obstacles(result.obstacles, options.style, full)))
        names, failed = tuple(result.names.items()), result.status if result.error else ""
        reason = common_reason(result.changed_by or {})
        for change in result.changes:
            made = ("" if not (failed and result.written) else ", made" if change.id in result.written else ", not made")
            text = change_text(change, options, names)
            text = replace(text, head=text.head + made) if made else text
            if not reason and result.changed_by and change.id in result.changed_by:
                text = replace(text, rows=(*text.rows, who_row(result.changed_by[change.id], full)))
            yield _Entry("tells", (failed, made, change.action, change.id), text)
        if reason:
            yield _as_it_is(common_line(reason, full))
        for orphan in result.orphans if options.drift else ():
            yield _Entry("tells", ("gone", orphan.id), orphan_text(orphan, options, names))
        if result.error is not None:
            yield _failure(result.error, options.style)
        for command in result.way_back:
            yield _Entry("way back", ("way back", command), ChangeText(f"    {escaped(command)}"))
        for change in result.remaining:
            yield _Entry("remains", ("remains", change.action, change.id), change_text(change, options, names))

    def _state(self, result: HostResult) -> str:
        """The status, and how many changes were made where a host stopped half way."""
        half_way = result.error is not None and result.changes and result.status != "stale"  # those nobody approved
        state = self._options.style(status_words(result.status, self._options.drift), STYLES[result.status])
        return state + (f", {len(result.written)} of {count(len(result.changes), 'change')} written" if half_way else "")

    # -- how it is told

    def _heading(self, hosts: frozenset[str], called: HostNames) -> str:
        states = {self._states[host] for host in hosts}
        name = self._options.style(called.of(hosts), "strong")
        state = states.pop() if len(states) == 1 else ""
        return f"{name}  {state.replace('differs', 'differ') if len(hosts) > 1 else state}".rstrip()

    def _section(self, slots: Sequence[_Slot], called: HostNames) -> Iterator[str]:
        blocks = [*_BLOCKS]
        ordered = sorted(slots, key=lambda slot: (blocks.index(slot.block), slot.place, natural(slot.head)))
        width = max((len(slot.head) for slot in slots if slot.is_change and len(slot.head) <= _COLUMN), default=0)
        before = "tells"
        for slot in ordered:
            if slot.block != before:
                before = slot.block
                yield _BLOCKS[before]
            yield from self._slot(slot, width, called)

    def _slot(self, slot: _Slot, width: int, called: HostNames) -> Iterator[str]:
        """One thing; what of it differs between hosts with a line for each value that it has."""
        one = slot.first
        if not slot.is_change:
            yield one.head
            return
        same, differing = slot.rows()
        about = "".join(same.pop(_ABOUT, ()))
        places = " ".join(sorted({text.place for text in slot.variants}, key=natural))
        head, gap = (one.head + ":" * bool(about), " ") if slot.is_failure else (
            one.head.ljust(width if about or places else 0), "  ")
        yield "  " + gap.join(filter(None, (self._options.style(head, one.style), about, places)))
        yield from row_lines(tuple(same.items()))
        for label, values in differing.items():
            yield f"      {'where' if slot.is_failure and label == _ABOUT else label}  differs:"
            named = sorted(((sorted(hosts, key=natural), lines) for lines, hosts in values.items()),
                           key=lambda one: natural(one[0][0]))
            yield from row_lines(tuple((called.of(hosts), (", ".join(lines),)) for hosts, lines in named), " " * 8)


_ABOUT = "what it does"


def _words(text: ChangeText) -> tuple[str, str, tuple[Row, ...]]:
    """An order of variants."""
    return text.head, text.about, text.rows


def _as_it_is(text: str) -> _Entry:
    return _Entry("tells", text, ChangeText(text))


def _failure(error: RingfenceError, style: Style) -> _Entry:
    """Why a host failed. Hosts that failed for one reason are told together, each with its detail."""
    if not isinstance(error, HostError):
        return _as_it_is(failure(error, style))
    rows: tuple[Row, ...] = (("", (escaped(error.advice),)),)
    text = ChangeText(escaped(error.summary), "error", escaped(error.detail), rows=rows)
    return _Entry("tells", ("failed", error.kind, error.advice), text)
