"""What stands in policy and people call otherwise: texts of files, accounts, interfaces, packages. Compared is what is stored,
shown is what it is called.

A host is asked for what only it can translate, once per distinct text, and only for what is going to be shown.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ringfence.model.resource import Resource
from ringfence.model.state import Change
from ringfence.windows.origin import TEXT_OF_FILE, TEXT_OF_PACKAGE, TEXT_PROPERTIES

MAX_ASKED = 2_000  # texts or accounts of one host
_SID = re.compile(r"S-1-(?!15-|16-)\d{1,15}(?:-\d{1,10}){1,15}", re.I)  # packages and levels of integrity are no accounts
_GUID = re.compile(r"\{[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}\}", re.I)


@dataclass(frozen=True)
class StoredNames:
    """What is to be shown and is called otherwise. texts: `@FILE,-ID` · packages: {text: the package's name}."""

    texts: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    interfaces: tuple[str, ...] = ()
    packages: Mapping[str, str] | None = None


def names_of(texts: Iterable[str]) -> StoredNames:
    """What of texts is called otherwise."""
    return _sorted_out(texts)


def stored_names(changes: Iterable[Change]) -> StoredNames:
    """What the view of changes shows of this sort: the properties that differ, and what each object is called."""
    return _sorted_out(text for change in changes for text in _shown(change))


def names_in(resources: Iterable[Resource]) -> StoredNames:
    """The same of whole resources."""
    return _sorted_out(text for r in resources for value in r.values().values() for text in _texts(value))


def title_of(change: Change) -> str:
    """What the object of a change is called where it is, as it is stored; nothing where its kind has no display names."""
    return display_name(change.before or change.resource)


def display_name(resource: Resource) -> str:
    """What an object is called, as it is stored; nothing where its kind has no display names."""
    return str(getattr(resource, TEXT_PROPERTIES[0], None) or "")


def _shown(change: Change) -> Iterator[str]:
    yield title_of(change)
    for before, after in change.properties().values():
        yield from _texts(before)
        yield from _texts(after)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for member in value:
            yield from _texts(member)


def _sorted_out(values: Iterable[str]) -> StoredNames:
    texts, accounts, interfaces, packages = dict[str, None](), dict[str, None](), dict[str, None](), dict[str, str]()
    for value in dict.fromkeys(values):
        if TEXT_OF_FILE.fullmatch(value):
            texts[value] = None
        elif match := TEXT_OF_PACKAGE.match(value):
            packages[value] = match["name"]
        else:
            accounts.update(dict.fromkeys(_SID.findall(value)))
            interfaces.update(dict.fromkeys(_GUID.findall(value)))
    return StoredNames(tuple(texts)[:MAX_ASKED], tuple(accounts)[:MAX_ASKED], tuple(interfaces), packages)
