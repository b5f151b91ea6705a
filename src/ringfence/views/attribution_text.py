"""Who changed an object, in words."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ringfence.model.state import Id
from ringfence.views.change_text import Row
from ringfence.views.format import cut

if TYPE_CHECKING:  # few runs ask who it was: the others need not wait for it
    from ringfence.windows.attribution import Attribution
    from ringfence.windows.policy_events import Deed

_DEEDS: "Mapping[Deed, str]" = {"added": "added", "changed": "changed", "removed": "removed",
                              "removed_all": "removed with all of its kind", "reset": "reset with the whole policy"}
_LONGEST = 600  # characters of a reason


def who_row(one: "Attribution", full: bool = False) -> Row:
    """The line that says who it was, and the one that says what cannot be known."""
    from ringfence.windows.attribution import shown_moment

    event, told = one.event, []
    if event is not None and one.deed is not None:
        who = cut(event.account or event.user or "nobody whom it names", full)
        program = f" with {cut(event.program, full)}" if event.program else ""
        earlier = f" and {one.earlier} earlier" if one.earlier else ""
        told.append(f"{_DEEDS[one.deed]} {shown_moment(event.time)} by {who}{program} (event {event.id}){earlier}")
    if one.unknown:
        told.append(cut(one.unknown if event else f"not known: {one.unknown}", full, _LONGEST))
    return "who", tuple(told)


def common_reason(found: "Mapping[Id, Attribution]") -> str:
    """Why of none of several objects anything is known, where it is the same for all of them."""
    reasons = {one.unknown for one in found.values() if one.event is None}
    return reasons.pop() if len(found) > 1 and len(reasons) == 1 and not any(one.event for one in found.values()) else ""


def common_line(reason: str, full: bool = False) -> str:
    """That, as a line of the host."""
    return f"  who changed these is not known: {cut(reason, full, _LONGEST)}"
