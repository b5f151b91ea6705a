"""Registry trees -> State. It does not care where the bytes came from: a host, an export, a registry.pol."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ringfence.codecs import Value
from ringfence.resource import Keys, Kind, Resource, Sets, Strings
from ringfence.state import GROUP_POLICY, LOCAL, Id, State
from ringfence.windows import sets
from ringfence.windows.tree import Tree, tree_of

STORES = ("local", "group_policy", "mdm")


def read(said: Any, kinds: Mapping[str, Kind], key: bytes = b"") -> State:
    """The state in the value of a Policy.Read ({store: rows}). `key` is that of the batch: secrets are known by it."""
    found: dict[Id, Resource] = {}
    for store in STORES:
        rows = said.get(store) if isinstance(said, dict) else None
        tree = tree_of(rows) if isinstance(rows, list) else Tree()
        ids = _renamed(tree, kinds)
        for kind in kinds.values():
            if (reader := READERS.get(type(kind.home))) is not None:
                resources: Iterable[Resource] = reader(kind, tree, store)
            elif isinstance(kind.home, Sets):
                resources = sets.read(kind, tree, key)
            else:
                continue
            if ids and kind.refers:
                resources = (sets.by_default(r, ids) for r in resources)
            found.update((Id(store, kind.name, r.name.lower()), r) for r in resources)
    return State(found)


def read_asked(kind: Kind, said: Any) -> dict[Id, Resource]:
    """The resources in the value of a Net.Get; a value that nobody understands stands as text. Never raises."""
    found = (_asked(kind, o) for o in (said if isinstance(said, list) else ()) if isinstance(o, dict) and o.get("Name"))
    return {Id(LOCAL, kind.name, r.name.lower()): r for r in found}


def _asked(kind: Kind, said: Mapping[str, Any]) -> Resource:
    values = {}
    for p in kind.properties.values():
        if (value := said.get(p.parameter)) is not None:
            try:
                values[p.name] = p.word.parse(value)
            except ValueError:
                values[p.name] = str(value)
    return kind.make(str(said["Name"]), values)


def _renamed(tree: Tree, kinds: Mapping[str, Kind]) -> dict[str, set[str]]:
    """{kind of sets: other ids of its default set} of a store: Group Policy does not use the fixed ones."""
    ids = {k.name: {sets.renamed(k, tree, s.lower()).lower() for s in k.home.subkeys} - {""}
           for k in kinds.values() if isinstance(k.home, Sets)}
    return {name: those for name, those in ids.items() if those}


def _strings(kind: Kind, tree: Tree, store: str) -> Iterator[Resource]:
    assert isinstance(kind.home, Strings)
    one = kind.read_string
    for name, (type_, data) in tree.get(kind.home.subkey.lower(), {}).items():
        if name and type_ in ("String", "ExpandString") and isinstance(data, str):
            yield one(name, data)


def _keys(kind: Kind, tree: Tree, store: str) -> Iterator[Resource]:
    """Profiles are there on every machine; in the other stores only where their key is."""
    assert isinstance(kind.home, Keys)
    names = _in_policy(kind.home.policy, tree) if store == GROUP_POLICY and kind.home.policy else kind.home.names
    for name, keys in names.items():
        key = next((k for k in keys if _has(tree, k.lower())), None)
        if key is not None or store == LOCAL:
            yield kind.make(name, values_at(tree, key or keys[0], kind.values))


def _in_policy(names: Mapping[str, tuple[str, ...]], tree: Tree) -> Mapping[str, tuple[str, ...]]:
    """Names and keys, without the older keys where a name that they stand for has its own ([MS-GPFAS] 2.2.3)."""
    newer = any(_has(tree, keys[0].lower()) for keys in names.values() if len(keys) > 1)
    return {name: keys[:1] if newer else keys for name, keys in names.items()}


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
