"""Whether a machine's registry still is what a change was told to expect there: what another controller did is not undone."""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from ringfence.lab.netsecurity.cmdlet_errors import CmdletError
from ringfence.lab.registry.hive import POLICY, SimulatedRegistry, StoredValue


def require_expected(registry: SimulatedRegistry, expected: Mapping[str, Any]) -> None:
    """Raises CmdletError where what is stored has another digest than it was read with."""
    stored = "".join("".join(_texts(registry, (POLICY + "\\" + path).rstrip("\\"), names)) for path, names in expected["stored"])
    found = hashlib.sha256(stored.encode("utf-8", "replace")).hexdigest() if stored else "none"
    if found != expected["sha256"]:
        raise CmdletError("InvalidOperation", "ringfence.changed", "it is not as it was read, somebody else has changed it")


def _texts(registry: SimulatedRegistry, path: str, names: list[str] | None) -> Iterator[str]:
    if names is None:
        for below, key in registry.tree(path):
            yield ("\\" + below if below else "") + "\0"
            yield from (_text(value.name, value) for value in key.values.values())
    elif there := registry.key(path):
        yield from (_text(name, there.values[name.casefold()]) for name in names if name.casefold() in there.values)


def _text(name: str, value: StoredValue) -> str:
    """A value as it goes into the digest; of keys that two sides share not even that."""
    return "" if value.name.casefold() == "shkey" else f"{name}\0{_data(value)}\0"


def _data(value: StoredValue) -> str:
    match value.data:
        case list() as texts:
            return "\0".join(texts)
        case bytes() as data:
            return base64.b64encode(data).decode()
        case int() as number:
            return str(number % 2**32 if value.type == "DWord" else number)
        case text:
            return text or ""
