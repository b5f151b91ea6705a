"""What changes and states are called: as something to be done (plan, apply), and as something that was found (drift)."""

from collections import Counter
from dataclasses import dataclass

from ringfence.diagnostics import NOWHERE
from ringfence.model.state import Action, Change
from ringfence.report import HostResult, Status


@dataclass(frozen=True, slots=True)
class ActionWords:
    """sign, style: how it stands before an object, and in which colour · planned, was_made: in sums · found: what is wrong with
    the object, where nobody is going to mend it."""

    sign: str
    style: str
    planned: str
    was_made: str
    found: str


CHANGE_WORDS: dict[Action, ActionWords] = {
    "create": ActionWords("+", "added", "to create", "created", "MISSING"),
    "update": ActionWords("~", "changed", "to update", "updated", "DIFFERS"),
    "remove": ActionWords("-", "removed", "to remove", "removed", "UNEXPECTED"),
    "rename": ActionWords(">", "changed", "to rename", "renamed", "OLD NAME"),
    "adopt": ActionWords("&", "changed", "to adopt", "adopted", "NOT ADOPTED"),
    "release": ActionWords("o", "quiet", "to release", "released", "GONE"),
}
GONE = CHANGE_WORDS["release"].found
"""What the project has there and declares no more: left there, or to go with the next apply."""
FOUND_WORDS = tuple(words.found for words in CHANGE_WORDS.values())
NOT_IN_FORCE = "NOT IN FORCE"
ABANDONED = "ABANDONED"
"""A host on which the project owns something, and which no play names any more."""
FOUND_STYLES = {"MISSING": "removed", "UNEXPECTED": "removed", GONE: "warning"}
STYLES: dict[Status, str] = {
    "in_sync": "good", "reachable": "good", "valid": "good", "changed": "changed", "differs": "changed", "not_in_force": "error",
    "restored": "error", "lost": "error", "unknown": "error", "unreachable": "error", "refused": "error", "stale": "error",
    "invalid": "error",
    "failed": "error"}


def found_word(change: Change) -> str:
    """What is wrong with an object, as a report of drift says it."""
    nobody_declares = change.action in ("remove", "update") and change.where == NOWHERE
    return GONE if nobody_declares else CHANGE_WORDS[change.action].found


def found_words(result: HostResult) -> Counter[str]:
    """How many objects of a host a report of drift tells, by what is wrong with them. What the project left there is GONE too."""
    return Counter([*map(found_word, result.changes), *(GONE for _ in result.orphans)])


def found_style(change: Change) -> str:
    """In which colour that stands."""
    return FOUND_STYLES.get(found_word(change), CHANGE_WORDS[change.action].style)


def status_words(status: Status, drift: bool = False) -> str:
    """A status as people read it."""
    return "drifted" if drift and status == "differs" else status.replace("_", " ")
