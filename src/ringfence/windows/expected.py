"""What a change expects to find on its host: what this run has read there. The host refuses what differs. Pure.

    {"stored": [["FirewallRules", ["corp-rdp"]]], "sha256": "9f3a…"}

`stored` names values of keys below the root of the local store, or (None for the names) keys with all that is below them;
`sha256` is the digest of what stood there, or `none` where nothing did. It is computed over the UTF-8 text that
`stored_text` gives here and Get-StoredText in batch/host/expected.ps1: a change of either needs the other. Pre-shared keys
are left out: whoever has the digest of a short one has the key.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ringfence.codecs.registry import RegistryTree, parse_tree
from ringfence.model.declaration import Declaration, Present
from ringfence.model.resource import StoredAt
from ringfence.model.state import LOCAL, Change, Id

NOTHING = "none"
Expected = Mapping[str, Any]
_SECRET = {"shkey"}  # the value that holds a pre-shared key


def expected(changes: Iterable[Change], declarations: Mapping[Id, Declaration], rows: Any) -> dict[Id, Expected]:
    """What each change expects to find. `rows`: the local store as it was read, of a Policy.Read.

    A rule or a set is expected as a whole, of what is renamed the new name too; of profiles and settings, what is declared.
    Nothing is expected of what only a cmdlet tells of.
    """
    tree = parse_tree(rows if isinstance(rows, list) else ())
    places = {change.id: _stored_at(change, declarations.get(change.id)) for change in changes}
    return {id: {"stored": [[path, names and list(names)] for path, names in at], "sha256": digest(tree, at)}
            for id, at in places.items() if at}


def _stored_at(change: Change, declaration: Declaration | None) -> StoredAt:
    if change.id.store != LOCAL:
        return ()
    if change.action == "rename" and change.before is not None:  # the one is there, and the other is not
        names = (change.before.name, change.resource.name)
        return tuple(place for name in names for place in change.resource.kind.storage.stored_at(name, ()))
    known = change.resource.kind.registry_values
    mentioned = declaration.values if isinstance(declaration, Present) else known
    return change.resource.kind.storage.stored_at(change.resource.name, [v for name, v in known.items() if name in mentioned])


def digest(tree: RegistryTree, places: StoredAt) -> str:
    """The SHA-256 of what stands at some places of a store."""
    text = "".join(part for path, names in places for part in stored_text(tree, path, names))
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest() if text else NOTHING


def stored_text(tree: RegistryTree, path: str, names: Iterable[str] | None) -> Iterator[str]:
    """Each value at a place as `name NUL data NUL`; where names are not given, a key before its own as `path NUL`."""
    top = path.lower()
    if names is not None:
        found = {name.lower(): data for name, (_, data) in tree.get(top, {}).items()}
        yield from (_value(name, found[name.lower()]) for name in names if name.lower() in found.keys() - _SECRET)
        return
    for key, values in tree.items():
        if key == top or key.startswith(top + "\\"):
            yield f"{tree.spelled[key][len(top):]}\0"
            yield from (_value(name, data) for name, (_, data) in values.items() if name.lower() not in _SECRET)


def _value(name: str, data: Any) -> str:
    text = "\0".join(map(str, data)) if isinstance(data, list) else "" if data is None else str(data)
    return f"{name}\0{text}\0"
