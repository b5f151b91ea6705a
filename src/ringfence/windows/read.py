"""Registry trees -> State. It does not care where the bytes came from: a host, an export, a registry.pol."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ringfence.codecs import Value
from ringfence.resource import Keys, Kind, Resource, Strings
from ringfence.state import LOCAL, Id, State

Tree = dict[str, dict[str, tuple[str, Any]]]
"""One store: {key path below the root, lower case: {value name: (type, data)}}; the root itself is ""."""

STORES = ("local", "group_policy", "mdm")


def tree_of(rows: Iterable[Any]) -> Tree:
    """A store of a Policy.Read: [[path, [[name, type, data], …]], …]. Rows of another shape are passed over."""
    tree: Tree = {}
    for row in rows:
        if isinstance(row, list) and len(row) == 2 and isinstance(row[0], str) and isinstance(row[1], list):
            values = tree.setdefault(row[0].lower(), {})
            values.update((v[0], (v[1], v[2])) for v in row[1] if isinstance(v, list) and len(v) == 3 and isinstance(v[0], str))
    return tree


def read(said: Any, kinds: Mapping[str, Kind]) -> State:
    """The state in the value of a Policy.Read ({store: rows})."""
    found: dict[Id, Resource] = {}
    for store in STORES:
        rows = said.get(store) if isinstance(said, dict) else None
        tree = tree_of(rows) if isinstance(rows, list) else {}
        for kind in kinds.values():
            if (reader := READERS.get(type(kind.home))) is not None:
                found.update((Id(store, kind.name, r.name.lower()), r) for r in reader(kind, tree, store))
    return State(found)


def _strings(kind: Kind, tree: Tree, store: str) -> Iterator[Resource]:
    assert isinstance(kind.home, Strings)
    one = kind.read_string
    for name, (type_, data) in tree.get(kind.home.subkey.lower(), {}).items():
        if name and type_ in ("String", "ExpandString") and isinstance(data, str):
            yield one(name, data)


def _keys(kind: Kind, tree: Tree, store: str) -> Iterator[Resource]:
    """Profiles are there on every machine; in the other stores only where their key is."""
    assert isinstance(kind.home, Keys)
    for name, keys in kind.home.names.items():
        key = next((k for k in keys if _has(tree, k.lower())), None)
        if key is not None or store == LOCAL:
            yield kind.make(name, values_at(tree, key or keys[0], kind.values))


def _has(tree: Tree, key: str) -> bool:
    return key in tree or any(k.startswith(key + "\\") for k in tree)


def values_at(tree: Tree, key: str, codecs: Mapping[str, Value]) -> dict[str, Any]:
    """The properties that are stored at a key; those that are absent are left out."""
    found = {}
    for name, codec in codecs.items():
        path = "\\".join(filter(None, (key, codec.path))).lower()
        values = tree.get(path)
        data = values and (values.get(codec.name) or _folded(values, codec.name))
        if data:
            found[name] = codec.read(data[1])
    return found


def _folded(values: Mapping[str, tuple[str, Any]], name: str) -> tuple[str, Any] | None:
    return next((v for k, v in values.items() if k.lower() == name.lower()), None)


READERS: dict[type, Callable[[Kind, Tree, str], Iterator[Resource]]] = {Strings: _strings, Keys: _keys}
