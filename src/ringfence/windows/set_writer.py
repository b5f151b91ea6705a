"""Authentication and crypto sets as the registry keeps them ([MS-GPFAS] 2.2.4, 2.2.5): the opposite of SetKeys.read.

Hosts are written by cmdlets alone; this serves round trips in tests, and exports. What did not change of a set that was read
is written as it stood: its key, the keys of its proposals, their values, who wrote it and who may skip it.
"""

from collections.abc import Iterator
from typing import Any

from ringfence.codecs.source import RegistryData, SourceKey, rewrite_key
from ringfence.model.resource import Kind, Resource
from ringfence.model.storage import SetKeys
from ringfence.types.base import SECRET

SCHEMA_VERSION = "2.20"  # the schema that knows every value which is written here
SKIPPED_BY = {"2_1Hash": "2.0", "2_1Encryption": "2.0", "2_1AhHash": "2.0", "2_1EspHash": "2.0", "2_16KeyExchange": "2.10",
              "OtherCertSigning": "2.0", "IntermediateCA": "2.8", "2_9Protocol": "2.9", "CertCriteria": "2.10",
              "AllowProxy": "2.10"}
"""SkipVersion to write: schema versions up to this one do not know the value and must skip the proposal."""

RegistryRows = list[list[Any]]  # of a Policy.Read: [path, [[name, type, data], …]]
_Values = tuple[RegistryData, ...]


def write(resource: Resource, found: Resource | None = None) -> RegistryRows:
    """The rows of one set as a Policy.Read has them. A pre-shared key is left out: it only goes through the cmdlet.

    What `found` (by default the set itself) was read from says of values that are the same stands as it stood there.
    """
    found = found or resource
    storage, key = resource.kind.storage, _stored(found)
    assert isinstance(storage, SetKeys)
    path = key.path if key else f"{storage.subkeys[-1]}\\{storage.cmdlet_name(resource.name)}"
    proposals = [(f"{path}\\{name}", values) for p in resource.kind.proposals
                 for name, values in _proposals(getattr(resource, p.name), getattr(found, p.name))]
    values = _values(resource, found)
    if key is None or key.values != values or proposals != [(f"{path}\\{k.path}", k.values) for k in _stored_proposals(found)]:
        values = _with(values, "Version", SCHEMA_VERSION, first=True)
    return [[where, [list(v) for v in held]] for where, held in [(path, values), *proposals]]


def _stored(resource: Resource | None) -> SourceKey | None:
    """The key that a set or a proposal was read from."""
    source = resource.source if resource is not None else None
    return source.stored if source is not None and isinstance(source.stored, SourceKey) else None


def _stored_proposals(found: Resource) -> list[SourceKey]:
    return [key for p in found.kind.proposals for member in getattr(found, p.name) if (key := _stored(member))]


def _proposals(members: tuple[Resource, ...], found: tuple[Resource, ...]) -> Iterator[tuple[str, _Values]]:
    """The name of the key of each proposal, and its values: by the equal one that was found, else by that in its place.

    The order of their names is that of the proposals: they stay as long as it is.
    """
    like = [_like(number, members, found) for number in range(len(members))]
    keys = [_stored(f) for f in like]
    names = [key.path.lower() for key in keys if key]
    keep = len(names) == len(members) and names == sorted(set(names))
    for number, (member, was, key) in enumerate(zip(members, like, keys, strict=True)):
        values = _values(member, was)
        if key is None or key.values != values:
            values = _with(values, "SkipVersion", max((SKIPPED_BY.get(n, "") for n, _, _ in values), key=_numbers, default=""))
        yield key.path if keep and key else f"{number:04}", values


def _like(number: int, members: tuple[Resource, ...], found: tuple[Resource, ...]) -> Resource | None:
    equal = [f for f in found if f == members[number]]
    before = members[:number].count(members[number])
    if before < len(equal):
        return equal[before]
    return found[number] if number < len(found) and found[number] not in members else None


def _values(resource: Resource, found: Resource | None) -> _Values:
    """The values of one key; what `found` was read from where they say the same."""
    kind, values = resource.kind, _without_secrets(resource.kind, resource.values())
    source = found.source if found is not None and _stored(found) else None
    if source is None:
        pieces = [p.partition("=") for p in kind.codec.write_pieces(values, resource.unknown_tokens)]
        return tuple((name, "String", data) for name, _, data in pieces)
    source = source._replace(values=_without_secrets(kind, dict(source.values)))
    return rewrite_key(kind.codec, source, values, resource.unknown_tokens)


def _without_secrets(kind: Kind, values: dict[str, Any]) -> dict[str, Any]:
    return {**values, **{p.name: None for p in kind.properties.values() if p.type is SECRET}}


def _with(values: _Values, name: str, version: str, *, first: bool = False) -> _Values:
    """The values with a version: the one that stands there, where that is as high."""
    there = next((v for v in values if v[0].lower() == name.lower()), None)
    if not version or (there and _numbers(str(there[2])) >= _numbers(version)):
        return values
    one = (name, "String", version)
    if there:
        return tuple(one if v is there else v for v in values)
    return (one, *values) if first else (*values, one)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(n) for n in version.split(".") if n.isdecimal())
