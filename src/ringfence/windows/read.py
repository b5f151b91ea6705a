"""Registry trees -> State. It does not care where the bytes came from: a host, an export, a registry.pol."""

from collections.abc import Mapping
from typing import Any

from ringfence.batch import Call
from ringfence.codecs.registry import RegistryTree, parse_tree
from ringfence.model.resource import Kind, Resource
from ringfence.model.state import GROUP_POLICY, LOCAL, MDM, Id, State, id_for, id_of
from ringfence.model.storage import with_default_set
from ringfence.types.base import KeptPiece

STORES = (LOCAL, GROUP_POLICY, MDM)
UnreadKinds = Mapping[tuple[str, str], str]  # (store, kind) of what is not known, and why


def policy_call(kinds: Mapping[str, Kind]) -> Call:
    """The question for the policy of every store: the values of its root, and of its keys those that the kinds read."""
    keys = {key.partition("\\")[0] for kind in kinds.values() for key in kind.storage.keys}
    return Call("Policy.Read", {"stores": list(STORES), "keys": sorted(keys - {""})})


def unread_kinds(answer: Any, kinds: Mapping[str, Kind]) -> UnreadKinds:
    """The kinds of which a Policy.Read could not see all that there is, by store: what is not seen is unknown, not absent."""
    told = answer if isinstance(answer, dict) else {}
    listed = told.get("unread")
    holes = [(str(one["store"]), str(one["path"]).lower(), str(one.get("why")), "value" in one)
             for one in (listed if isinstance(listed, list) else ()) if isinstance(one, dict) and {"store", "path"} <= one.keys()]
    holes += [(store, "", "the host did not tell", False) for store in STORES if not isinstance(told.get(store), list)]
    # of several reasons the first counts: what the host said itself
    return {(store, kind.name): why for store, hole, why, one_value in reversed(holes) for kind in kinds.values()
            if any(_overlap(key.lower(), hole, one_value) for key in kind.storage.keys)}


def _overlap(key: str, hole: str, one_value: bool) -> bool:
    """Whether a part of what a kind keeps at `key` is in a hole; "" is the root: as a hole everything, as a key its values, of
    which one alone may be the hole."""
    if hole == "":
        return key == "" or not one_value
    return key == hole or key.startswith(hole + "\\") or hole.startswith(key + "\\")


def unread_keys(answer: Any) -> tuple[str, ...]:
    """The names of keys that no kind reads, each once: newer versions of Windows have more of them."""
    others = answer.get("others") if isinstance(answer, dict) else None
    return tuple(map(str, others if isinstance(others, list) else ()))


def read(stores: Any, kinds: Mapping[str, Kind]) -> State:
    """The state in the value of a Policy.Read ({store: rows}). Of secrets it has that they are there: see keys.py."""
    found = State()
    for store in STORES:
        rows = stores.get(store) if isinstance(stores, dict) else None
        tree = parse_tree(rows) if isinstance(rows, list) else RegistryTree()
        if not tree and store != LOCAL:  # where the registry holds nothing of them, profiles and settings are there all the same
            continue
        ids = {k.name: those for k in kinds.values() if (those := k.storage.default_ids(tree))}
        for kind in kinds.values():
            resources, name = kind.storage.read(kind, tree, store), kind.name
            if ids and kind.references:
                resources = (with_default_set(r, ids) for r in resources)
            found.update({id_for(store, name, r.name): r for r in resources})
    return found


def read_objects(kind: Kind, objects: Any) -> dict[Id, Resource]:
    """The resources in the value of a Net.Get; what nobody understands stands as the piece `Parameter=value`. Never raises."""
    found = (
        _read_object(kind, o) for o in (objects if isinstance(objects, list) else ()) if isinstance(o, dict) and o.get("Name")
    )
    return {id_of(r): r for r in found}


def _read_object(kind: Kind, shown: Mapping[str, Any]) -> Resource:
    values = {}
    for p in kind.properties.values():
        if (value := shown.get(p.parameter)) is not None:
            try:
                values[p.name] = p.type.parse(value)
            except (ValueError, TypeError, AttributeError, OverflowError):  # a host may say anything
                values[p.name] = KeptPiece(f"{p.parameter}={value}")
    return kind.create(str(shown["Name"]), values)
