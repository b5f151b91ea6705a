"""The registry of a simulated host: one tree of keys, names compared without case, values with their REG type.

Paths are relative to HKEY_LOCAL_MACHINE and separated by backslashes. Tests may tamper with any value; `generation`
counts every change, so that what is derived from the tree can be cached; `flushed` is what it was when the tree was last
written to the disk.
"""

import base64
import copy
from collections.abc import Iterator
from dataclasses import dataclass, field

from ringfence.lab.registry.key_security import SOFTWARE_SECURITY, KeySecurity

POLICY = r"SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy"
MDM = POLICY + r"\Mdm"
RESTRICTED = POLICY + r"\RestrictedServices"
SYSTEM_DEFAULTS = r"SYSTEM\CurrentControlSet\Services\SharedAccess\Defaults\FirewallPolicy"
GROUP_POLICY = r"SOFTWARE\Policies\Microsoft\WindowsFirewall"

Data = str | int | bytes | list[str] | None
TYPES_OF_DATA: dict[str, type | tuple[type, ...]] = {
    "String": str, "ExpandString": str, "DWord": int, "QWord": int, "MultiString": list, "Binary": bytes,
    "None": (bytes, type(None))}


@dataclass(slots=True)
class StoredValue:
    """One value: its name as written, its REG type (a name of RegistryValueKind) and its data."""

    name: str
    type: str
    data: Data


@dataclass(slots=True)
class StoredKey:
    """One key: values and subkeys by their names in lower case, in the order of their creation. `sddl`: owner and DACL of its
    own; without, it has what keys above hand down."""

    name: str
    values: dict[str, StoredValue] = field(default_factory=dict)
    keys: dict[str, "StoredKey"] = field(default_factory=dict)
    sddl: str = ""


class SimulatedRegistry:
    """The tree below HKEY_LOCAL_MACHINE. `noted`: while it is there, what changes is noted in it, once, with its path and what
    was there before: values by (path, name), keys that come or go by (path, ""), as bool; path and name in lower case."""

    def __init__(self) -> None:
        self.generation, self.flushed = 0, 0
        self.noted: dict[tuple[str, str], tuple[str, StoredValue | bool | None]] | None = None
        self._root = StoredKey("HKEY_LOCAL_MACHINE")

    def key(self, path: str) -> StoredKey | None:
        """The key at `path`, or None."""
        here: StoredKey | None = self._root
        for name in filter(None, path.split("\\")):
            here = here.keys.get(name.lower()) if here else None
        return here

    def create(self, path: str) -> StoredKey:
        """The key at `path`, made with its parents where missing."""
        here, names = self._root, [name for name in path.split("\\") if name]
        for number, name in enumerate(names, 1):
            if name.lower() not in here.keys:
                self._note("\\".join(names[:number]), "", False)
                self.generation += 1
                here.keys[name.lower()] = StoredKey(name)
            here = here.keys[name.lower()]
        return here

    def _note(self, path: str, name: str, before: StoredValue | bool | None) -> None:
        if self.noted is not None:
            self.noted.setdefault((path.lower(), name.lower()), (path, before))

    def get(self, path: str, name: str) -> Data:
        """The data of a value; None where the key or the value is missing."""
        key = self.key(path)
        value = key.values.get(name.lower()) if key else None
        return value.data if value else None

    def set(self, path: str, name: str, data: Data, type: str = "") -> None:
        """Writes a value; `type` defaults to String for text and DWord for numbers. An existing name keeps its case."""
        type = type or ("DWord" if isinstance(data, int) else "MultiString" if isinstance(data, list) else "String")
        if not isinstance(data, TYPES_OF_DATA[type]):
            raise TypeError(f"{path}\\{name}: {data!r} is not {type}")
        key = self.create(path)
        old = key.values.get(name.lower())
        self._note(path, name, old)
        key.values[name.lower()] = StoredValue(old.name if old else name, type, data)
        self.generation += 1

    def unset(self, path: str, name: str) -> bool:
        """Deletes a value; False where there was none."""
        key = self.key(path)
        old = key.values.pop(name.lower(), None) if key else None
        if old is None:
            return False
        self._note(path, name, old)
        self.generation += 1
        return True

    def delete(self, path: str) -> bool:
        """Deletes a key with all that is below; False where there was none."""
        parent, _, name = path.rpartition("\\")
        above = self.key(parent)
        if above is None or above.keys.pop(name.lower(), None) is None:
            return False
        self._note(path, "", True)
        self.generation += 1
        return True

    def security(self, path: str) -> KeySecurity:
        """Owner and DACL of the key at `path`, as if all that nobody gave one were below HKEY_LOCAL_MACHINE\\SOFTWARE."""
        held, here = SOFTWARE_SECURITY, self._root
        for name in filter(None, path.split("\\")):
            if not (below := here.keys.get(name.lower())):
                break
            here = below
            held = KeySecurity.parse(here.sddl) if here.sddl else held.handed_down()
        return held

    def image(self) -> StoredKey:
        """A copy of the whole tree."""
        return copy.deepcopy(self._root)

    def put_back(self, image: StoredKey) -> None:
        """Has a copy of another tree from now on."""
        self._root = copy.deepcopy(image)
        self.generation += 1
        self.flushed = self.generation

    def flush(self) -> None:
        """Writes the tree to the disk."""
        self.flushed = self.generation

    def tree(self, path: str, without: tuple[str, ...] = ()) -> Iterator[tuple[str, StoredKey]]:
        """(relative path, key) of the key and everything below; `without` names direct subkeys to leave out."""
        root = self.key(path)
        if root is not None:
            left_out = {name.lower() for name in without}
            yield from _walk("", root, left_out)


def _walk(path: str, key: StoredKey, without: set[str]) -> Iterator[tuple[str, StoredKey]]:
    yield path, key
    for folded, child in key.keys.items():
        if folded not in without:
            yield from _walk(f"{path}\\{child.name}" if path else child.name, child, set())


def as_sent(value: StoredValue) -> list[object]:
    """[name, type, value] as Policy.Read sends it: Binary and None as base64, DWord unsigned."""
    data: object = value.data
    if value.type in ("Binary", "None"):
        data = base64.b64encode(value.data if isinstance(value.data, bytes) else b"").decode()
    elif isinstance(value.data, int):
        data = value.data % (2**32 if value.type == "DWord" else 2**64)
    return [value.name, value.type, data]
