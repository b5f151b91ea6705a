"""What the HTML report knows of a run, as small as it can be kept while hosts come, and as the page has it.

A fleet repeats itself. What is done to one object is one row, whatever hosts it is done on; where it is not the same on all of
them, the row has several variants, of which only what is not as in the first is kept. So 500 hosts with 300 changes each are some
hundred rows where they are alike, and a few megabytes where no change is like another.
"""

import json
from array import array
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from ringfence.formats.data import encode
from ringfence.model.state import LOCAL, Change, Id
from ringfence.report import HostResult
from ringfence.views.attribution_text import common_reason, who_row
from ringfence.views.change_text import orphan_change
from ringfence.views.format import Names, cut, escaped, natural
from ringfence.views.html_cells import MAX_SHOWN_TEXT, Cells, change_cells, error_cells, note_cells, obstacle_cells, owner_of
from ringfence.windows.origin import ORIGINS
from ringfence.windows.stored_names import stored_names

MAX_VARIANT_TEXT = 64_000_000  # characters of variants that are kept: what is more than that is counted, and not described
MAX_NOTES = 100  # mistakes, warnings and obstacles of one host that are shown
_MAX_REMEMBERED = 20_000  # changes that are known again without a look at what they say
_VARIANTS = 4  # of an object, that are known so


@dataclass(slots=True)
class ChangeVariant:
    """What is done to an object on some hosts. patch: what makes its cells of those of the row, as JSON; empty where that is left
    out."""

    patch: str
    hosts: "array[int]" = field(default_factory=lambda: array("I"))


@dataclass(slots=True)
class ChangeRow:
    """What is done to one object, or is wrong with it.

    word: what that is called, a key of the words of the page · patch: what makes the cells of its first variant of those of its
    family, as JSON, or empty · known: {digest of the cells: variant}, in order.
    """

    id: Id
    name: str
    word: str
    number: int
    family: int
    patch: str
    known: dict[bytes, ChangeVariant] = field(default_factory=dict)


@dataclass(slots=True)
class _SeenChange:
    """A change that is known again without a look at what it says. found: where it is kept, by whose it is and what people call
    what is stored in it."""

    change: Change
    found: dict[tuple[str, Names], tuple[ChangeRow, ChangeVariant]] = field(default_factory=dict)
    _stored: tuple[str, ...] | None = None

    def stored(self) -> tuple[str, ...]:
        """What of it is called otherwise than it is stored."""
        if self._stored is None:
            found = stored_names((self.change,))
            self._stored = (*found.texts, *found.accounts, *found.interfaces, *(found.packages or ()))
        return self._stored


class ChangeTable:
    """Changes of a fleet by object. word_of: what each is called · families: cells of the first change of those that one line of
    a playbook asks for · full: long values whole."""

    def __init__(self, word_of: Callable[[Change], str], full: bool = False) -> None:
        self.rows: dict[tuple[Id, str], ChangeRow] = {}
        self.families: list[Cells] = []
        self._family_at: dict[tuple[Any, ...], int] = {}
        self._word_of, self._full, self._size, self._remembered = word_of, full, 0, 0
        self._seen: dict[Id, deque[_SeenChange]] = {}

    def add(self, host: int, change: Change, names: Mapping[str, str], owner: str) -> int:
        """One host has a change. names: what people call there what is stored. Returns the number of its row."""
        row, variant = self._find(change, names, owner)
        variant.hosts.append(host)
        return row.number

    def _find(self, change: Change, names: Mapping[str, str], owner: str) -> tuple[ChangeRow, ChangeVariant]:
        if (seen := self._seen.get(change.id)) is None:
            seen = self._seen[change.id] = deque(maxlen=_VARIANTS)
        one = next((s for s in seen if s.change == change), None) or _SeenChange(change)
        called: Names = tuple((s, names[s]) for s in one.stored() if s in names) if names else ()
        if (both := one.found.get((owner, called))) is None:
            cells = change_cells(change, called, owner, self._full)
            both = one.found[owner, called] = self._made(change, cells)
            if len(one.found) == 1 and sum(map(len, map(str, cells))) < MAX_SHOWN_TEXT:  # a long one would hold much memory
                seen.appendleft(one)
                self._remembered += 1
        if self._remembered > _MAX_REMEMBERED:
            self._seen, self._remembered = {}, 0
        return both

    def _made(self, change: Change, cells: Cells) -> tuple[ChangeRow, ChangeVariant]:
        """The row and the variant of a change that is not known again."""
        word = self._word_of(change)
        row = self.rows.get((change.id, word)) or self._row(change, word, cells)
        digest = blake2b(encode(cells).encode(), digest_size=8).digest()
        if (variant := row.known.get(digest)) is None:
            patch = encode(list(_patch(self._cells(row), cells))) if row.known else "[]"
            self._size += len(patch)
            variant = row.known[digest] = ChangeVariant("" if self._size > MAX_VARIANT_TEXT else patch)
        return row, variant

    def _row(self, change: Change, word: str, cells: Cells) -> ChangeRow:
        at = (change.id.kind, word, change.where)
        if (family := self._family_at.get(at)) is None:
            family = self._family_at[at] = len(self.families)
            self.families.append(cells)
        patch = encode(list(_patch(self.families[family], cells)))
        self._size += len(patch)
        if self._size > MAX_VARIANT_TEXT:
            patch = ""
        row = self.rows[change.id, word] = ChangeRow(change.id, _called(change), word, len(self.rows), family, patch)
        return row

    def _cells(self, row: ChangeRow) -> Cells:
        """Those of the first variant of a row."""
        return patched(self.families[row.family], json.loads(row.patch or "[]"))


def patched(base: Cells, patch: Sequence[Any]) -> Cells:
    """The cells that `_patch` tells of."""
    cells = list(base)
    for number, cell in zip(patch[::2], patch[1::2], strict=True):
        if number < 0:
            cells = [*cells, *[None] * cell][:cell]
        else:
            cells[number] = cell
    return cells


def _patch(base: Cells, cells: Cells) -> Iterator[Any]:
    """What has to be put into `base` to make `cells` of it: pairs of number and cell; the number of cells stands first where it
    is another."""
    if len(base) != len(cells):
        yield from (-1, len(cells))
    for number, cell in enumerate(cells):
        if number >= len(base) or base[number] != cell:
            yield from (number, cell)


def _called(change: Change) -> str:
    """The name of the object as it is where it is."""
    return cut(change.before.name if change.before is not None else change.resource.name)


class _Distinct:
    """Values that many hosts share: each once, known by its number."""

    def __init__(self) -> None:
        self._texts: dict[str, int] = {}

    def add(self, content: Any) -> int:
        """The number of a value."""
        return self._texts.setdefault(encode(content), len(self._texts))

    def values(self) -> list[Any]:
        """The values by their numbers."""
        return [json.loads(text) for text in self._texts]

    def json(self) -> str:
        """The same as JSON."""
        return f"[{','.join(self._texts)}]"


class ReportData:
    """A run, host by host. orphans: whether what the project left on hosts and declares no more is told as something wrong."""

    def __init__(self, word_of: Callable[[Change], str], full: bool = False, orphans: bool = False) -> None:
        self.changes, self.remaining = ChangeTable(word_of, full), ChangeTable(word_of, full)
        self.notes, self.obstacles, self.errors, self.who = _Distinct(), _Distinct(), _Distinct(), _Distinct()
        self.hosts: list[Cells] = []  # as HOST_FIELDS has it
        self.words, self.hosts_of_word = Counter[str](), Counter[str]()
        self._word_of, self._orphans = word_of, orphans

    def add(self, result: HostResult) -> None:
        """One host has ended; nothing of it is kept but what the page shows."""
        number, numbers = len(self.hosts), list[int]()
        for change in result.changes:
            numbers.append(self.changes.add(number, change, result.names, owner_of(result, change)))
        for change in result.remaining:
            self.remaining.add(number, change, result.names, owner_of(result, change))
        gone = [orphan_change(one) for one in result.orphans] if self._orphans else []
        for change in gone:
            self.changes.add(number, change, result.names, _OURS)
        counted = Counter(map(self._word_of, [*result.changes, *gone]))
        self.words.update(counted)
        self.hosts_of_word.update(counted.keys())
        told = result.diagnostics[:MAX_NOTES]
        error = -1 if result.error is None else self.errors.add(error_cells(result.error))
        self.hosts.append([
            escaped(result.host), result.status, round(result.seconds, 2), result.declared, result.undeclared, dict(counted),
            error, [self.notes.add(note_cells(d)) for d in told], len(result.diagnostics) - len(told),
            [self.obstacles.add(obstacle_cells(o)) for o in result.obstacles[:MAX_NOTES]], [escaped(w) for w in result.way_back],
            _which(result.written, result.changes, numbers), _which(result.proven, result.changes, numbers),
            self._who(result, numbers)])

    def _who(self, result: HostResult, numbers: Sequence[int]) -> list[int]:
        """Who made a host differ, as far as that is known: number of a row and number of a text, in turn. A reason that holds for
        all of them stands once, for the row -1."""
        found = result.changed_by or {}
        if reason := common_reason(found):
            return [-1, self.who.add(f"not known: {cut(reason, longest=MAX_SHOWN_TEXT)}")]
        told = [(number, who_row(found[change.id])[1]) for number, change in zip(numbers, result.changes, strict=False)
                if change.id in found]
        return [part for number, lines in told for part in (number, self.who.add("\n".join(lines)))]

    def order(self) -> list[int]:
        """The numbers of the hosts, as they came, in the order of their names."""
        return sorted(range(len(self.hosts)), key=lambda number: natural(self.hosts[number][0]))


HOST_FIELDS = ("name", "status", "seconds", "declared", "undeclared", "words", "error", "notes", "notes_left", "obstacles",
               "way_back", "made", "proven", "who")


def _which(ids: frozenset[Id], changes: Sequence[Change], numbers: Sequence[int]) -> int | list[int]:
    """Which of the changes of a host are among `ids`: 1 all, 0 none, else the numbers of their rows."""
    if not ids or not changes:
        return 0
    found = [number for change, number in zip(changes, numbers, strict=True) if change.id in ids]
    return 1 if len(found) == len(changes) else found


_OURS = ORIGINS["project"]


class TableText:
    """A table as the page has it, in pieces. left_out: once it is written, how many variants it does not describe.

    moved: {number of a host as it came: as it is shown} · labels: {number of a row: what its hosts are called} · described: how
    many variants are; of the others it is told only on which hosts they are.

    families: cells · rows: [kind, store, name, word, family, patch, [number of a set of hosts, …], [patch or 0, …], label] ·
    sets: [first, how many, …].
    """

    def __init__(self, table: ChangeTable, moved: Sequence[int], labels: Mapping[int, str], described: int) -> None:
        self._table, self._moved, self._labels, self._described = table, moved, labels, described
        self.left_out = 0

    def __iter__(self) -> Iterator[str]:
        sets, left = _Distinct(), self._described
        yield '{"families":[' + ",\n".join(map(encode, self._table.families)) + '],"rows":['
        for number, row in enumerate(self._table.rows.values()):
            variants = row.known.values()
            placed = [sets.add(list(runs_of(sorted(self._moved[h] for h in variant.hosts)))) for variant in variants]
            patches = [variant.patch if variant.patch and n < left else "0" for n, variant in enumerate(variants)]
            left, self.left_out = left - len(patches), self.left_out + patches.count("0")
            head = encode([row.id.kind, "" if row.id.store == LOCAL else row.id.store, row.name, row.word, row.family])
            patch = row.patch if patches[0] != "0" else "0"
            label = encode(self._labels.get(row.number, ""))
            yield f"{',' * (number > 0)}\n{head[:-1]},{patch},{encode(placed)},[{','.join(patches)}],{label}]"
        yield f'],"sets":{sets.json()}}}'


def runs_of(numbers: Iterable[int]) -> Iterator[int]:
    """Numbers in order as first and length of each run, in turn."""
    first = following = -1
    for number in numbers:
        if number != following:
            if first >= 0:
                yield from (first, following - first)
            first = number
        following = number + 1
    if first >= 0:
        yield from (first, following - first)
