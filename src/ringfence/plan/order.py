"""In which order changes are made: open before closing, supporting objects before what names them, deletions last.

On the way from one state to the other nothing is blocked that both of them allow: rules that allow come first (new ones
before changed ones, which may have become narrower), those that block or require IPsec next, defaults of profiles after
the rules they rely on, and what is no longer wanted goes at the end.
"""

from collections.abc import Iterable

from ringfence.resource import DEFAULT, Sets
from ringfence.state import Change

PROFILES = 6  # the rank of kinds that decide what happens to everything else


def _key(change: Change) -> tuple[int, int, bool, str, bool, str, str]:
    kind = change.resource.kind
    values = change.resource.__dict__
    last = (kind.name, change.action == "update", change.id.name, change.id.store)
    blocks = values.get("action") == "block"
    requires = "require" in (values.get("inbound_security"), values.get("outbound_security"))
    if change.action == "remove" and not _falls_back(change):
        exempts = "inbound_security" in values and not requires
        return (3, -kind.rank, blocks or exempts, *last)  # after the rules that a block overrides, an exemption exempts from
    closes = blocks or requires or not values.get("enabled", True)
    if kind.rank >= PROFILES:
        return (2, kind.rank, False, *last)
    return (1 if closes else 0, kind.rank, False, *last)


def _falls_back(change: Change) -> bool:
    """Whether what is removed is a default set: Windows' own takes its place, and rules may already count on that."""
    return isinstance(change.resource.kind.home, Sets) and change.resource.name == DEFAULT


def order(changes: Iterable[Change]) -> tuple[Change, ...]:
    """The changes in the order in which they are to be made; the same for any order of the input."""
    return tuple(sorted(changes, key=_key))
