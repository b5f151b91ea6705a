"""Values and trees of the registry: what profiles, settings and sets are stored as."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ringfence.types.base import KeptPiece

_TEXTS = ("String", "ExpandString")  # real hosts have the path of the log as either


class RegistryValue:
    """One registry value of a profile, of the settings or of a set: `name`, in a subkey `path` where it has one.

    `type`: the one that documents define ([MS-GPFAS] 2.2.1, 2.2.3); what Windows does with a value of another nobody says.

    `data` maps property values to stored data; without it the data is the value, or what `parse` and `format` make of it.
    `also`: another name, where documents and hosts may differ; it is read where the first is not there. `legacy`: whether it may
    stand in the profile that Windows XP had for every network.
    """

    def __init__(self, name: str, data: Mapping[Any, Any] | None = None, *, path: str = "", type: str = "DWord",
                 parse: Callable[[Any], Any] | None = None, format: Callable[[Any], Any] | None = None, also: str = "",
                 legacy: bool = True) -> None:
        self.name, self.path, self.type, self.also, self.legacy = name, path, type, also, legacy
        self.parse, self.format = parse, format
        self._data_of = dict(data) if data else None
        self._value_of = {str(v).lower(): k for k, v in data.items()} if data else None

    def read(self, data: Any, type: str = "") -> Any:
        """The property's value; data that nobody understands, and such of another type, is given back as the piece that it is.
        Never raises."""
        if type and type != self.type and not (type in _TEXTS and self.type in _TEXTS):
            return KeptPiece(f"{self.name}={data} ({type})")
        if self._value_of is not None:
            found = self._value_of.get(str(data).lower())
            return KeptPiece(f"{self.name}={data}") if found is None else found
        try:
            return self.parse(data) if self.parse else data
        except (ValueError, TypeError, AttributeError, OverflowError):  # a damaged host may store anything there
            return KeptPiece(f"{self.name}={data}")

    def write(self, value: Any) -> Any:
        """What is stored for a value."""
        if self._data_of is not None:
            return self._data_of[value]
        return self.format(value) if self.format else value


class RegistryTree(dict[str, dict[str, tuple[str, Any]]]):
    """One store: {key path below the root, lower case: {value name: (type, data)}}; the root itself is "".

    `spelled` has each path as it was written: the name of a key is the name of a set. `below` has the keys of each key.
    """

    def __init__(self) -> None:
        super().__init__()
        self.spelled: dict[str, str] = {}
        self.below: dict[str, list[str]] = {}


def parse_tree(rows: Iterable[Any]) -> RegistryTree:
    """A store of a Policy.Read: [[path, [[name, type, data], …]], …]. Rows of another shape are passed over."""
    tree = RegistryTree()
    for row in rows:
        if isinstance(row, list) and len(row) == 2 and isinstance(row[0], str) and isinstance(row[1], list):
            path = row[0].lower()
            values = {v[0]: (v[1], v[2]) for v in row[1] if v.__class__ is list and len(v) == 3 and v[0].__class__ is str}
            if path in tree:
                tree[path].update(values)
            else:
                tree[path], tree.spelled[path] = values, row[0]
                tree.below.setdefault(path.rpartition("\\")[0], []).append(path)
    return tree


def has_key(tree: RegistryTree, key: str) -> bool:
    """Whether a key (lower case) or one below it is there."""
    return key in tree or any(k.startswith(key + "\\") for k in tree)


def values_at(tree: RegistryTree, key: str, codecs: Mapping[str, RegistryValue], legacy: bool = False) -> dict[str, Any]:
    """The properties that are stored at a key; those that are absent are left out. legacy: it is a profile of Windows XP's, and
    what a value does that may not be there no document says."""
    found = {}
    for name, codec in codecs.items():
        path = "\\".join(filter(None, (key, codec.path))).lower()
        values = tree.get(path)
        data = values and (values.get(codec.name) or _any_case(values, codec.name) or _any_case(values, codec.also))
        if data:
            odd = legacy and not codec.legacy
            found[name] = KeptPiece(f"{codec.name}={data[1]} ({key})") if odd else codec.read(data[1], data[0])
    return found


def _any_case(values: Mapping[str, tuple[str, Any]], name: str) -> tuple[str, Any] | None:
    return next((v for k, v in values.items() if k.lower() == name.lower()), None) if name else None
