"""Resources and their values as plain JSON values, as plan files, ledgers and documents have them; and back."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

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
    values = {p: value for p, value in data.items() if p != "unknown_tokens"}
    if unknown := sorted(values.keys() - kind.properties.keys()):
        raise ValueError(f"{kind.name} has no {unknown[0][:100]}")
    if not (isinstance(tokens, list) and all(isinstance(t, str) for t in tokens)):
        raise ValueError("unknown_tokens is a list of texts")
    return kind.create(name, {p: _value_from_data(kind.properties[p], value) for p, value in values.items()}, tuple(tokens))


def _value_from_data(p: Property, value: Any) -> Any:
    """A canonical value again. What its type does not understand was not understood before: it stands as it is."""
    if value is None:
        return None
    if p.type is SECRET and value == MASK:
        return StoredSecret()
    if p.proposal and isinstance(value, list):
        inner = p.proposal.kind
        return tuple(resource_from_data(inner, "", m) if isinstance(m, dict) else _as_it_is(m) for m in value)
    try:
        parsed = p.parse(value)
    except (ValueError, TypeError, AttributeError):
        return _as_it_is(value)
    return parsed if plain_data(parsed) == value else _as_it_is(value)


def _as_it_is(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_as_it_is, value))
    if isinstance(value, dict):
        raise ValueError("a value is no mapping")
    return value


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
