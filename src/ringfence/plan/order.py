"""In which order changes are made: open before closing, supporting objects before what names them, deletions last.

On the way from one state to the other nothing is blocked that both of them allow: rules that allow come first (new ones
before changed ones, which may have become narrower), those that block or require IPsec next, defaults of profiles after
the rules they rely on, and what is no longer wanted goes at the end.
"""

from dataclasses import replace

from ringfence.model.once import filter_of
from ringfence.model.state import Change
from ringfence.plan.plan import Plan

DECIDES_FOR_ALL = 6  # the write_order of kinds that decide what happens to everything else


def order(plan: Plan) -> Plan:
    """The plan with its changes in the order in which they are to be made; the same for any order before."""
    return replace(plan, changes=tuple(sorted(plan.changes, key=_key)))


def _key(change: Change) -> tuple[int, int, bool, str, bool, str, str]:
    resource = change.resource
    kind, filter = resource.kind, filter_of(resource)
    last = (kind.name, change.action == "update", change.id.name, change.id.store)
    if change.action == "rename":  # what follows finds it by its new name
        return (-1, kind.write_order, False, *last)
    if change.action == "remove" and not kind.storage.falls_back(resource.name):
        # a block goes after the rules that it overrides, an exemption after what it exempts from
        return (3, -kind.write_order, filter is not None and filter.overrides, *last)
    if kind.write_order >= DECIDES_FOR_ALL:
        return (2, kind.write_order, False, *last)
    closes = filter.closes if filter else not getattr(resource, "enabled", True)
    return (1 if closes else 0, kind.write_order, False, *last)
