"""Resources and their values as plain JSON values, as plan files, ledgers and documents have them."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from ringfence.model.resource import Resource
from ringfence.secret import MASK, Secret
from ringfence.types.base import CaseInsensitive, KeptPiece


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
