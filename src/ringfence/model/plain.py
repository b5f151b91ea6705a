"""Resources and their values as plain JSON values, as plan files, ledgers and documents have them; and back."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from ringfence.codecs.registry import RegistryValue
from ringfence.model.resource import Kind, Property, Resource
from ringfence.secret import MASK, Secret, StoredSecret
from ringfence.types.base import SECRET, CaseInsensitive, KeptPiece


def resource_as_data(resource: Resource | None) -> dict[str, Any] | None:
    """A resource's values that are not Windows' defaults, as plain JSON values."""
    if resource is None:
        return None
    values = {**resource.values(), "unknown_tokens": resource.unknown_tokens}
    default = {**resource.kind.defaults, "unknown_tokens": ()}
    return {name: plain_data(value) for name, value in values.items() if value != default[name]}


def task_data(resource: Resource) -> dict[str, Any]:
    """The same as a task has them: with what a task has to say though it is Windows' default, nothing by its word, and without
    what none says, such as the sets of an exemption. What was not understood is null, and its pieces are `unknown_tokens`."""
    told = ((p, getattr(resource, p.name)) for p in resource.kind.properties.values())
    said = {p.name: task_value(v) if v != () else p.type.nothing or [] for p, v in told
            if (v != p.default or p.required) and not (v is None and p.references)}
    return said | ({"unknown_tokens": plain_data(resource.unknown_tokens)} if resource.unknown_tokens else {})


def task_value(value: Any) -> Any:
    """A value as plain data; a proposal with all that has to be said of one, Windows' default or not."""
    if isinstance(value, tuple):
        return [task_value(one) for one in value]
    return task_data(value) if isinstance(value, Resource) else plain_data(value)


def plain_data(value: Any) -> Any:
    """A canonical value as JSON has it."""
    if isinstance(value, Secret):
        return MASK
    if isinstance(value, tuple):
        return [plain_data(v) for v in value]
    if isinstance(value, Resource):
        return resource_as_data(value)
    if isinstance(value, Mapping):
        return {str(k): plain_data(v) for k, v in value.items()}
    return str(value) if isinstance(value, str) else value


def resource_from_data(kind: Kind, name: str, data: Mapping[str, Any]) -> Resource:
    """The resource whose `resource_as_data` these are; of a secret it knows that there is one. Raises ValueError."""
    tokens = data.get("unknown_tokens", [])
    said = {p: value for p, value in data.items() if p != "unknown_tokens"}
    if unknown := sorted(said.keys() - kind.properties.keys()):
        raise ValueError(f"{kind.name} has no {unknown[0][:100]}")
    if not (isinstance(tokens, list) and all(isinstance(t, str) for t in tokens)):
        raise ValueError("unknown_tokens is a list of texts")
    values = {name: _value_from_data(kind.properties[name], value) for name, value in said.items()}
    strange = [name for name, value in values.items() if value is _STRANGE]
    values |= {name: _as_it_is(said[name]) for name in strange}
    return kind.create(name, {**values, **_read_again(kind, values, strange, tuple(tokens))}, tuple(tokens))


_STRANGE: Any = object()  # a value that its type does not take


def _value_from_data(p: Property, value: Any) -> Any:
    """A canonical value again. Of what its type does not take, _STRANGE: people may not say it, a host may have it."""
    if value is None:
        return None
    if p.type is SECRET:
        if value != MASK:
            raise ValueError(f"{p.name} is a secret, of which nothing but {MASK} is told")
        return StoredSecret()
    if p.proposal:
        inner = p.proposal.kind
        if not (isinstance(value, list) and all(isinstance(m, dict) for m in value)):
            raise ValueError(f"{p.name} is a list of mappings")
        return tuple(resource_from_data(inner, "", m) for m in value)
    try:
        parsed = p.parse(value)
    except (ValueError, TypeError, AttributeError):
        return _STRANGE
    return parsed if plain_data(parsed) == value else _STRANGE


def _as_it_is(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_as_it_is, value))
    if isinstance(value, dict):
        raise ValueError("a value is no mapping")
    return value


def _read_again(kind: Kind, values: Mapping[str, Any], names: Iterable[str], tokens: tuple[str, ...]) -> dict[str, Any]:
    """Values that people may not say as a host may have them: what is written of them is read as the same. Raises ValueError for
    what no host has said: it would be taken for a value that is understood."""
    found = {}
    for name in names:
        p, value = kind.properties[name], values[name]
        try:
            read = _from_host(kind, p, values, tokens)
        except (ValueError, TypeError, AttributeError, KeyError, IndexError, OverflowError):
            read = _STRANGE
        if read is _STRANGE or plain_data(read) != plain_data(value):
            raise ValueError(f"{name} has a value that no host says")
        found[name] = read
    return found


def _from_host(kind: Kind, p: Property, values: Mapping[str, Any], tokens: tuple[str, ...]) -> Any:
    value, codec = values[p.name], p.codec
    if isinstance(value, str) and (codec is None or (isinstance(codec, RegistryValue) and value.startswith(f"{codec.name}="))):
        return KeptPiece(value)  # what was not understood on the host, as it was found
    if isinstance(codec, RegistryValue):
        return codec.read(codec.write(value))
    return kind.codec.read(kind.codec.write({**kind.defaults, **values}, tokens, "v2.31"))[0][p.name]


def digest_of(resource: Resource) -> str:
    """What a resource is, its name apart, in 32 hexadecimal characters: equal for equal values, whoever wrote them. A secret
    counts as there: whoever has the digest of a short one has the secret."""
    text = json.dumps(_meaning(resource), sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _meaning(value: Any) -> Any:
    """A value as plain data that are equal for equal values, however they are spelled."""
    if isinstance(value, Resource):
        values = {**value.values(), "unknown_tokens": value.unknown_tokens}
        return {n: _meaning(v) for n, v in values.items() if v != value.kind.defaults.get(n, ())}
    if isinstance(value, tuple):
        return [_meaning(v) for v in value]
    if isinstance(value, KeptPiece):
        return value.meaning
    return value.casefold() if isinstance(value, CaseInsensitive) else plain_data(value)
