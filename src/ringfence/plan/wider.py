"""Which traffic a change of one object lets pass that did not pass before: judged property by property, by the column `role`.

It says more than is so rather than less: values that cannot be compared count as wider.
"""

from collections.abc import Iterator
from typing import Any

from ringfence.model.once import filter_of
from ringfence.model.resource import Property, Resource
from ringfence.policy.evaluate import Policy
from ringfence.policy.influence import has_say
from ringfence.policy.place import ALL_PROFILES


def widened(before: Resource, after: Resource) -> tuple[str, ...]:
    """The properties by which `after` lets traffic pass, or pass in clear, that `before` does not; none where it is no wider.

    Of settings, those count of which a value is known to let least pass; sets do nothing with traffic themselves.
    """
    was, will = filter_of(before), filter_of(after)
    table = after.kind.properties
    if was is None or will is None:
        one, other = before.in_effect().values(), after.in_effect().values()
        return tuple(name for name in one if one[name] != other[name] and table[name].least not in (None, other[name]))
    if any(f.may("secure", "exempt") or f.other_effects for f in (was, will)):
        return tuple(p.name for p in table.values() if p.role != "text" and getattr(before, p.name) != getattr(after, p.name))
    blocked = was.enabled and was.effect == "block"
    allows = will.enabled and will.effect == "allow"
    if was.effect != will.effect:
        return ("action",) if blocked or allows else ()
    if not blocked and not allows:
        return ()
    wide, narrow = (after, before) if blocked else (before, after)
    return tuple(p.name for p in table.values() if not _covers(p, getattr(wide, p.name), getattr(narrow, p.name)))


def opens(removed: Resource) -> bool:
    """Whether traffic that did not pass, or was secured, may pass in clear once the object is gone."""
    filter = filter_of(removed)
    return filter is not None and filter.enabled and filter.may("block", "secure")


def opens_beside(removed: Resource, policy: Policy) -> bool:
    """The same on a host with this policy, which does not have the object any more. A block rule closes nothing where the default
    action blocks already and no rule allows anything of what it blocks, or another one blocks all of it; what is not known counts
    as open. IPsec is asked for no such proof."""
    filter = filter_of(removed)
    return filter is not None and opens(removed) and any(has_say(policy, p, filter) for p in filter.profile or ALL_PROFILES)


def _covers(p: Property, wide: Any, narrow: Any) -> bool:
    """Whether all traffic that a property of the value `narrow` matches is matched by `wide`."""
    if wide == narrow or p.role == "text":
        return True
    if p.role == "permission":
        return bool(narrow == p.default)
    if p.role != "condition" or narrow == p.default:
        return False
    return bool(wide == p.default) or (isinstance(wide, tuple) and _within(p, wide, narrow))


def _within(p: Property, wide: tuple[Any, ...], narrow: tuple[Any, ...]) -> bool:
    if set(narrow) <= set(wide):
        return True
    try:  # the canonical form of both together is that of the wider one
        return bool(p.type.parse([*wide, *narrow]) == wide)
    except ValueError:
        return False


def differing(before: Resource, after: Resource) -> Iterator[str]:
    """The properties whose values differ, in the order of the table."""
    return (name for name in after.kind.properties if getattr(before, name) != getattr(after, name))
