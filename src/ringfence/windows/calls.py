"""Changes -> calls of NetSecurity cmdlets. Values go as data, never into script text. Pure."""

from collections.abc import Iterable
from typing import Any

from ringfence.batch import Call, net
from ringfence.errors import Refused
from ringfence.facts import Facts
from ringfence.resource import DEFAULT, Keys, Prop, Resource, Sets
from ringfence.state import Change
from ringfence.windows.sets import key_of


def calls(changes: Iterable[Change], facts: Facts) -> tuple[Call, ...]:
    """The calls that make the changes, in their order.

    Raises Refused where a change would lose what no cmdlet can write again.
    """
    ordered = tuple(changes)
    refused = [reason for change in ordered if (reason := loss(change))]
    if refused:
        raise Refused("\n".join(refused))
    return tuple(_call(change, facts) for change in ordered)


def loss(change: Change) -> str:
    """Why a change is refused: it would lose pieces of the rule that ringfence does not know. Or nothing."""
    if change.action != "update" or change.before is None or change.after is None:
        return ""
    kept = _extra(change.after)
    pieces = [p for p in _extra(change.before) if p not in kept]
    if not pieces:
        return ""
    return (f"{change.id}: the host's object holds {'|'.join(pieces)}, which no cmdlet can write or clear. Declare it absent "
            "first and create it anew, or leave it to Windows under its name and declare yours under another")


def _extra(resource: Resource) -> list[str]:
    """What nobody understood of a resource and of its parts."""
    parts = [one for p in resource.kind.parts for one in getattr(resource, p.name)]
    return [piece for r in (resource, *parts) for piece in r.extra]


def _call(change: Change, facts: Facts) -> Call:
    kind, name = change.resource.kind, change.resource.name
    default = isinstance(kind.home, Sets) and name == DEFAULT
    if change.before is None and change.after is not None:
        identity = {"Default": True} if default else {"Name": name}
        return net(f"New-{kind.noun}", {**identity, **_new(change.after, facts)})
    if isinstance(kind.home, Sets):
        name = key_of(kind, change.resource)
    if change.after is None:
        return net(f"Remove-{kind.noun}", {"Name": name})
    assert change.before is not None
    shown = name.title() if isinstance(kind.home, Keys) else name if default else change.before.name
    return net(f"Set-{kind.noun}", {"Name": shown, **_set(change.before, change.after, facts)})


def _new(after: Resource, facts: Facts) -> dict[str, Any]:
    """Every value that is not the cmdlet's own default."""
    table = after.kind.properties
    return {p.parameter: argument(p, getattr(after, p.name), facts) for p in table.values()
            if p.parameter and (p.required or getattr(after, p.name) != p.default) and not _unsaid(p, after)}


def _set(before: Resource, after: Resource, facts: Facts) -> dict[str, Any]:
    """Every value that differs; with it those of the same filter object, which Windows replaces as one."""
    table = after.kind.properties.values()
    differ = {p.name for p in table if getattr(before, p.name) != getattr(after, p.name)}
    groups = {p.group for p in table if p.name in differ and p.group}
    chosen = [p for p in table if p.parameter and not _unsaid(p, after) and (
        p.name in differ or (p.group in groups and getattr(after, p.name) != p.default))]
    return {p.set_parameter: argument(p, getattr(after, p.name), facts) for p in chosen}


def _unsaid(p: Prop, after: Resource) -> bool:
    """A rule that names no set (an exemption) says none: Windows refuses a name there and clears those it had."""
    return bool(p.refers) and getattr(after, p.name) is None


def argument(p: Prop, value: Any, facts: Facts) -> Any:
    """A value as the parameter takes it; interfaces go by alias."""
    if p.word.binds == "interface":
        value = tuple(facts.alias(guid) for guid in value)
    return p.word.argument(value)
