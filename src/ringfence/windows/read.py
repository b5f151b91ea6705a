"""Registry trees -> State. It does not care where the bytes came from: a host, an export, a registry.pol."""

from collections.abc import Mapping
from typing import Any

from ringfence.codecs.registry import RegistryTree, parse_tree
from ringfence.model.resource import Kind, Resource
from ringfence.model.state import GROUP_POLICY, LOCAL, MDM, Id, State
from ringfence.model.storage import with_default_set

STORES = (LOCAL, GROUP_POLICY, MDM)


def read(stores: Any, kinds: Mapping[str, Kind]) -> State:
    """The state in the value of a Policy.Read ({store: rows}). Of secrets it has that they are there: see keys.py."""
    found: dict[Id, Resource] = {}
    for store in STORES:
        rows = stores.get(store) if isinstance(stores, dict) else None
        tree = parse_tree(rows) if isinstance(rows, list) else RegistryTree()
        ids = {k.name: those for k in kinds.values() if (those := k.storage.default_ids(tree))}
        for kind in kinds.values():
            resources = kind.storage.read(kind, tree, store)
            if ids and kind.references:
                resources = (with_default_set(r, ids) for r in resources)
            found.update((Id(store, kind.name, r.name.lower()), r) for r in resources)
    return State(found)


def read_objects(kind: Kind, objects: Any) -> dict[Id, Resource]:
    """The resources in the value of a Net.Get; a value that nobody understands stands as text. Never raises."""
    found = (
        _read_object(kind, o) for o in (objects if isinstance(objects, list) else ()) if isinstance(o, dict) and o.get("Name")
    )
    return {Id(LOCAL, kind.name, r.name.lower()): r for r in found}


def _read_object(kind: Kind, shown: Mapping[str, Any]) -> Resource:
    values = {}
    for p in kind.properties.values():
        if (value := shown.get(p.parameter)) is not None:
            try:
                values[p.name] = p.type.parse(value)
            except ValueError:
                values[p.name] = str(value)
    return kind.create(str(shown["Name"]), values)
