"""What an object does, in one line: allow inbound tcp 3389 from 10.1.4.0/28 profile domain. Used by every view.

Which properties stand in it, and in which words, the table of the kind says (`phrase`).
"""

from collections.abc import Iterable
from typing import NamedTuple

from ringfence.model.narrowing import narrowed_in_who, never
from ringfence.model.once import filter_of
from ringfence.model.resource import Property, Resource
from ringfence.model.understood import NOT_UNDERSTOOD, is_understood
from ringfence.views.format import Names, blank_of, cut, empty_as, naming, value
from ringfence.windows.origin import TEXT_PROPERTIES

_LONGEST = 300  # characters of what stands for an object whose kind has no words for it


class MeaningPiece(NamedTuple):
    """Some words of the line. open: they say that everything or everybody is let through, where nothing asks who it is."""

    text: str
    open: bool = False


def meaning(resource: Resource, names: Names = (), full: bool = False) -> tuple[MeaningPiece, ...]:
    """What an object does, in pieces that stand beside each other; `names`: what people call what is stored."""
    if not resource.kind.phrases:
        return _plainly(resource, names, full)
    pieces = []
    for p in resource.kind.phrases:
        held = p.default if p.name in resource.unheeded else getattr(resource, p.name)
        if p.phrase and not is_understood(p, held):  # its words would say something else
            pieces += [MeaningPiece(f"{p.name} {NOT_UNDERSTOOD}")] if p.phrase.always else []
            continue
        if not p.phrase or (held == p.default and not p.phrase.always) or not (words := p.phrase.words_for(resource)):
            continue
        shown, is_open = value(held, empty_as(p.type), full), lets_all_through(resource, p)
        pieces.append(MeaningPiece(words.replace("{}", shown.upper() if is_open else naming(names)(shown)), is_open))
    return tuple(pieces)


def meaning_text(resource: Resource, names: Names = (), full: bool = False) -> str:
    """The same as a text. ANY in capital letters is what is open."""
    return joined(piece.text for piece in meaning(resource, names, full))


def joined(pieces: Iterable[str]) -> str:
    """Pieces of the line beside each other; one that begins with a comma stands at the word before."""
    return " ".join(pieces).replace(" , ", ", ")


def lets_all_through(resource: Resource, p: Property) -> bool:
    """Whether a property is what makes an object one for everything or everybody, and the object lets traffic through: in, or
    without IPsec."""
    if p.narrows is None or p.narrows.counts is never:
        return False
    if getattr(resource, p.name) != p.default and p.name not in resource.unheeded:
        return False
    if p.narrows.who and any(narrowed_in_who(resource)):
        return False  # from any address, and not for anybody
    what = filter_of(resource)
    return what is not None and what.enabled and ((what.effect == "allow" and what.inbound) or what.effect == "exempt")


def _plainly(resource: Resource, names: Names, full: bool) -> tuple[MeaningPiece, ...]:
    """The values of a kind that has no words for what it does: those that are not Windows' defaults."""
    told = ((p, getattr(resource, p.name)) for p in resource.kind.properties.values() if p.name not in TEXT_PROPERTIES)
    shown = ", ".join(f"{p.name} {value(held, blank_of(p, held), full)}" for p, held in told if held != p.default)
    return (MeaningPiece(cut(naming(names)(shown), full, _LONGEST)),) if shown else ()
