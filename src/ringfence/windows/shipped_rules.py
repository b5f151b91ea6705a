"""The rules that Windows ships, by name, for what has no host to ask: whether a declared name is one of them, or nearly so.

The table (shipped_rules.txt, made by `make generate`) says itself where it comes from and what is missing from it. A host knows
better: its own table (defaults.py) holds for that host, whatever its build, roles and language.
"""

import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from ringfence.diagnostics import Diagnostic
from ringfence.model.declaration import AsShipped, Declaration, Present
from ringfence.model.state import Id

_KIND = "firewall_rule"


@cache
def shipped_rules() -> Mapping[str, str]:
    """{name: display name in English} of the rules that Windows ships."""
    data = pkgutil.get_data(__package__, "shipped_rules.txt")
    assert data is not None
    rows = (line.partition("\t") for line in data.decode().splitlines() if not line.startswith("#"))
    return {name: title for name, _, title in rows}


def is_shipped(id: Id) -> bool:
    """Whether a name is that of a rule which some Windows ships."""
    return id.kind == _KIND and id.name.casefold() in _by_name()


def shipped_names(title: str) -> tuple[str, ...]:
    """The names of the rules that have this display name in English."""
    folded = title.casefold()
    return tuple(name for name, known in shipped_rules().items() if known.casefold() == folded)


def notes(declarations: Iterable[Declaration]) -> tuple[Diagnostic, ...]:
    """What is worth knowing of declared rules with names of Windows, with names that are nearly such, and with display names
    of its rules in place of names. Each once, in the order of their places."""
    found = {note: None for d in declarations if d.id.kind == _KIND for note in _notes(d)}
    return tuple(sorted(found, key=lambda note: (note.where, note.summary)))


def _notes(declared: Declaration) -> Iterator[Diagnostic]:
    name = declared.resource.name if isinstance(declared, Present) else declared.id.name
    by_title, nearly = _indexes()
    folded = name.casefold()
    if shipped := _by_name().get(folded):
        if not isinstance(declared, AsShipped) and not (isinstance(declared, Present) and declared.treatment.omitted):
            yield _note(declared, f"{shipped} is a rule of Windows: {shipped_rules()[shipped]}",
                        "Where a host has it, what this task mentions of it is managed, and nothing else; it is not made where a "
                        "host has it not. Its display name is told in English here.")
    elif shipped := by_title.get(folded):
        yield _note(declared, f"{name} is the display name of a rule of Windows, and no name",
                    f"A rule is known by its name: write {shipped} where that rule is meant")
    elif shipped := next(filter(None, map(nearly.get, _with_one_less(folded))), None):
        yield _note(declared, f"{name} looks like {shipped}, a rule of Windows: {shipped_rules()[shipped]}",
                    f"Write {shipped} where that rule is meant")


def _note(declared: Declaration, summary: str, detail: str) -> Diagnostic:
    return Diagnostic(declared.location("name"), summary, detail, "note")


@cache
def _by_name() -> Mapping[str, str]:
    """The names by their folded form."""
    return {name.casefold(): name for name in shipped_rules()}


@cache
def _indexes() -> tuple[Mapping[str, str], Mapping[str, str]]:
    """The names by display name where that is one rule's alone, and by each form with a character less: only notes need them."""
    names = shipped_rules()
    titles: dict[str, list[str]] = {}
    for name, title in names.items():
        titles.setdefault(title.casefold(), []).append(name)
    return ({title: those[0] for title, those in titles.items() if len(those) == 1},
            {form: name for name in names for form in _with_one_less(name.casefold())})


def _with_one_less(name: str) -> Iterator[str]:
    """The name, and every form of it that lacks one character: two names with such a form in common differ by one at most, be
    it left out, added, another, or in the place of its neighbour. Comparing with a whole table costs a look-up each."""
    if 5 < len(name) < 200:  # of shorter ones too many look alike
        yield name
        yield from (name[:i] + name[i + 1:] for i in range(len(name)))
