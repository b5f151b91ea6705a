"""Kept pieces: what an object of a host holds and no cmdlet can write. One concept, wherever such a piece stands.

It stands among the unknown tokens of a resource or of its proposals (`PCross=TRUE`), as a member of a list (`TTK2_27=UPnP`
in `dynamic_target`, the keyword `mDNS` in `local_port`), or it is all of a property that has no parameter
(`package_family_name`). Such a piece is a condition like any other: it is compared and shown, silence does not clear it, and
a change that could lose it is refused when it is planned. `enabled` alone may always change.
"""

from collections.abc import Mapping
from typing import Any

from ringfence.codecs.tokens import Text
from ringfence.model.resource import Property, Resource
from ringfence.model.understood import is_understood
from ringfence.types.base import CaseInsensitive, KeptPiece


def kept_members(p: Property, value: Any) -> tuple[str, ...]:
    """Of a property's value, what no cmdlet can write."""
    if not p.parameter:
        written = p.codec.write(value) if isinstance(p.codec, Text) and value is not None else ()
        return tuple(KeptPiece(piece, isinstance(value, CaseInsensitive)) for piece in written)
    if not isinstance(value, tuple):
        return ()
    members = tuple(m for m in value if isinstance(m, KeptPiece) or m in p.type.unwritable)
    return (*members, *(token for m in value if isinstance(m, Resource) for token in m.unknown_tokens))


def kept_pieces(resource: Resource) -> tuple[str, ...]:
    """Every kept piece of a resource."""
    members = (m for p in resource.kind.properties.values() for m in kept_members(p, getattr(resource, p.name)))
    return (*members, *resource.unknown_tokens)


def untouched(found: Resource, mentioned: Mapping[str, Any]) -> dict[str, Any]:
    """The values that silence does not clear: of properties that are not mentioned, and hold what no cmdlet can write.

    So is a value that was not understood (None, its pieces are unknown tokens), but not the set that an exemption does not name.
    """
    values = ((p, getattr(found, p.name)) for p in found.kind.properties.values() if p.name not in mentioned)
    return {p.name: value for p, value in values
            if kept_members(p, value) or not is_understood(p, value)}


def as_writable(wanted: Resource | None, found: Resource | None) -> Resource | None:
    """A resource as cmdlets can write it over what was found: what none of them takes away again has Windows' own default."""
    if wanted is None or found is None:
        return wanted
    stays = {p.name: p.stays_as for p in wanted.kind.properties.values()
             if p.stays_as is not None and getattr(wanted, p.name) is None and getattr(found, p.name) is not None}
    return wanted.replace(**stays) if stays else wanted
