"""Secrets where they should not be in a task: in clear text where it is written, or in a value that is shown."""

from collections.abc import Iterator, Mapping
from typing import Any

from ringfence.diagnostics import Finding
from ringfence.model.resource import Property
from ringfence.types.base import SECRET, SECRET_SHOWN, shown_by


def shown_secret(name: str, value: Any) -> Finding:
    """A secret in a value that plans and reports show."""
    return Finding(name, f"{name}: {SECRET_SHOWN}", shown_by(value))


def in_clear(p: Property, raw: Any) -> Iterator[str]:
    """The properties, here or in the proposals of a list, whose secret is written in the play itself."""
    if p.type is SECRET and isinstance(raw, str) and "{{" not in raw:
        yield p.name
    if p.proposal is None:
        return
    members = [raw] if isinstance(raw, Mapping) else raw if isinstance(raw, list | tuple) else []
    for member in members:
        if isinstance(member, Mapping):
            for inner in p.proposal.kind.properties.values():
                yield from in_clear(inner, member.get(inner.name))
