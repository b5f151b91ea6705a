"""What keeps policy out of force, as people read it: what is concerned, where, why, and what to do."""

from collections.abc import Iterator, Sequence

from ringfence.plan.obstacles import Obstacle, ObstacleLevel
from ringfence.policy.place import ALL_PROFILES
from ringfence.views.change_words import NOT_IN_FORCE
from ringfence.views.format import Style, count, cut, escaped, more, unstyled

SHOWN_OBJECTS = 5  # objects of one obstacle that are named without --full
_WORDS: dict[ObstacleLevel, tuple[str, str]] = {
    "not_in_force": (NOT_IN_FORCE, "error"), "unknown": ("in force? not known", "warning"),
    "note": ("note: not in force", "quiet")}
_WORTH_KNOWING = ("note", "quiet")


def obstacles(found: Sequence[Obstacle], style: Style = unstyled, full: bool = False) -> Iterator[str]:
    """A block for each obstacle."""
    for one in found:
        word, colour = _WORTH_KNOWING if one.reason.weight == "note" else _WORDS[one.level]
        profiles = "" if one.profiles == ALL_PROFILES or not one.profiles else f" in {', '.join(one.profiles)}"
        yield f"  {style(word + profiles, colour)}: {_objects(one, full)}"
        yield f"    {cut(one.reason.text, full)}"
        yield f"    → {cut(one.reason.advice, full)}"


def _objects(one: Obstacle, full: bool) -> str:
    """The first objects with their places; of many how many there are."""
    shown = one.objects if full else one.objects[:SHOWN_OBJECTS]
    places = (f"{cut(str(a), full)}" + (f" ({escaped(str(a.where))})" if a.where.file else "") for a in shown)
    number = f"{count(len(one.objects), 'object')}: " if len(one.objects) > SHOWN_OBJECTS else ""
    return number + ", ".join(places) + more(len(one.objects) - len(shown))
