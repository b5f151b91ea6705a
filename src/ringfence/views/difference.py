"""What differs between two values of a property, line by line."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from ringfence.model.plain import plain_data
from ringfence.model.resource import Resource
from ringfence.secret import MASK
from ringfence.views.format import MAX_CHARACTERS, MAX_LISTED, count, escaped, more, natural, value

_MAX_ORDERED = 200  # members of two lists that are compared part by part
_FOUND = {"-": "unexpected: ", "+": "missing: ", "": ""}


class DifferenceLine(NamedTuple):
    """One line. sign: + - or nothing · text: a member that came or went, or where it is that old and new stand."""

    sign: str
    text: str
    old: str | None = None
    new: str | None = None

    def in_words(self, called: Callable[[str], str], found: bool = False) -> str:
        """The line with what people call things. `found`: as what is there beside what is declared, not as what becomes of it."""
        if self.old is None or self.new is None:
            return (_FOUND[self.sign] if found else f"{self.sign} " if self.sign else "") + called(self.text)
        old, new = called(self.old), called(self.new)
        if old == new:  # what is stored differs, and is called the same
            old, new = self.old, "another key" if self.old == self.new and MASK in self.old else self.new
        return self.text + (f"is {old}, declared {new}" if found else f"{old} → {new}")


def difference(before: Any, after: Any, action: str, nothing: str, full: bool) -> Iterator[DifferenceLine]:
    """The lines of one property. nothing: what an empty value is called."""
    if action in ("create", "remove"):
        yield DifferenceLine("", value(after if action == "create" else before, nothing, full))
    elif isinstance(before, tuple) and isinstance(after, tuple) and before and after:
        yield from _members(before, after, full)
    else:
        if isinstance(before, str) and isinstance(after, str) and max(len(before), len(after)) > MAX_CHARACTERS and not full:
            same = next((i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), 0)
            start = max(0, same - MAX_CHARACTERS // 10)  # what differs is what has to be seen
            before, after = f"{'…' * (start > 0)}{before[start:]}", f"{'…' * (start > 0)}{after[start:]}"
        yield _both(before, after, nothing, full)


def _both(before: Any, after: Any, nothing: str, full: bool, place: str = "") -> DifferenceLine:
    return DifferenceLine("", place, value(before, nothing or "(none)", full), value(after, nothing or "(none)", full))


def _data(members: tuple[Any, ...]) -> list[Any]:
    """Members as plain values; one with a table of its own as all of its properties."""
    return [{n: plain_data(v) for n, v in m.values().items()} if isinstance(m, Resource) else plain_data(m) for m in members]


def _members(before: tuple[Any, ...], after: tuple[Any, ...], full: bool) -> Iterable[DifferenceLine]:
    """Members that came and went, in their natural order; of ordered ones with parts, the parts."""
    if any(isinstance(m, Resource | tuple) for m in (*before, *after)):
        if len(before) + len(after) <= _MAX_ORDERED:
            return _parts(before, after, full)
        return (DifferenceLine("", f"{count(len(before), 'member')} → {count(len(after), 'member')}"),)
    old, new = set(before), set(after)
    gone, come = ([m for m in members if m not in others] for members, others in ((before, new), (after, old)))
    lines = [*_shown("-", gone, full), *_shown("+", come, full)]
    return lines or (_both(before, after, "", full),)  # the order alone


def _shown(sign: str, members: Sequence[Any], full: bool) -> Iterator[DifferenceLine]:
    for member in members if full else members[:MAX_LISTED]:
        yield DifferenceLine(sign, value(member, full=full))
    if not full and len(members) > MAX_LISTED:
        yield DifferenceLine(sign, more(len(members) - MAX_LISTED).strip())


def _parts(before: tuple[Any, ...], after: tuple[Any, ...], full: bool) -> tuple[DifferenceLine, ...]:
    """What differs in members that have an order: DeepDiff finds it, in time with the square of their number."""
    from deepdiff import DeepDiff  # takes a while to import

    found = DeepDiff(_data(before), _data(after), verbose_level=2)
    lines = [DifferenceLine("-", _at(path, v, full)) for path, v in _by_place(found, "iterable_item_removed")]
    lines += [DifferenceLine("-", _at(path, v, full)) for path, v in _by_place(found, "dictionary_item_removed")]
    for path, change in (*_by_place(found, "values_changed"), *_by_place(found, "type_changes")):
        lines.append(_both(change["old_value"], change["new_value"], "", full, _place(path)))
    lines += [DifferenceLine("+", _at(path, v, full)) for path, v in _by_place(found, "iterable_item_added")]
    lines += [DifferenceLine("+", _at(path, v, full)) for path, v in _by_place(found, "dictionary_item_added")]
    return tuple(lines) or (_both(before, after, "", full),)  # the order alone, or what is not shown


def _by_place(found: Any, what: str) -> list[tuple[str, Any]]:
    """What DeepDiff found of one sort: it promises no order."""
    return sorted(found.get(what, {}).items(), key=lambda one: natural(one[0]))


def _at(path: str, member: Any, full: bool) -> str:
    """A member, with its place where that is deeper than the list itself; what says nothing is left out."""
    shown = {k: v for k, v in member.items() if v not in (None, False, [])} if isinstance(member, dict) else member
    return (_place(path) if "']" in path else "") + value(shown, full=full)


def _place(path: str) -> str:
    """root[1]['encryption'] -> 'number 2, encryption: '."""
    parts = path.removeprefix("root").strip("[]").replace("'", "").split("][")
    return ", ".join(f"number {int(p) + 1}" if p.isdecimal() else escaped(p) for p in parts) + ": "
