"""What would be lost by a change, or cannot be made by one: pieces that no cmdlet can write. Such changes are refused."""

from collections.abc import Iterator

from ringfence.diagnostics import Diagnostic
from ringfence.model.kept import kept_members, kept_pieces
from ringfence.model.state import Change
from ringfence.plan.plan import Plan

AS_IT_IS = ("Only `enabled` can be changed on it, in a task that mentions nothing else that differs from the host. A rule made "
            "anew would be without that condition, and wider")


def refuse_losses(plan: Plan) -> Plan:
    """The plan with a refusal for each change that could lose kept pieces, or would have to write some."""
    return plan.limited(*(reason for change in plan.changes for reason in _reasons(change)))


def _reasons(change: Change) -> Iterator[Diagnostic]:
    for p in change.resource.kind.properties.values() if change.after else ():
        if p.one_value and p.name in change.properties() and len(getattr(change.after, p.name)) > 1:
            yield Diagnostic(change.where, f"{change}: no cmdlet can write several values of {p.name}", "Make a rule for each")
    had = kept_pieces(change.before) if change.before else ()
    added = [p for p in (kept_pieces(change.after) if change.after else ()) if p not in had]
    if added:
        yield Diagnostic(change.where, f"{change}: no cmdlet can write {_listed(added)}",
                         "It can be said of objects that have it already" + "".join(f". {way}" for way in _instead(change)))
    elif had and change.after is None:
        yield Diagnostic(change.where, f"{change}: the host's object holds {_listed(had)}, which no cmdlet can write: once "
                         "removed, nothing could bring it back", "Switch it off instead: `enabled: false`")
    elif had and (lost := [name for name in change.properties() if name != "enabled"]):
        yield Diagnostic(change.where, f"{change}: the host's object holds {_listed(had)}, which no cmdlet can write, and a "
                         f"change of {', '.join(lost)} could lose it", AS_IT_IS)


def _instead(change: Change) -> Iterator[str]:
    """What to say where a value is wanted that no cmdlet can write."""
    for p in change.resource.kind.properties.values():
        value = getattr(change.resource, p.name)
        if kept_members(p, value) and (way := p.type.instead(value)):
            yield way


def _listed(pieces: list[str] | tuple[str, ...]) -> str:
    return "|".join(pieces)
