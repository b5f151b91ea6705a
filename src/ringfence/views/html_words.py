"""The words of the HTML report: what hosts, changes and messages are called, with the sign and the colour that go with each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ringfence.model.state import Change
from ringfence.report import Status
from ringfence.views.change_words import CHANGE_WORDS, GONE, STYLES, found_word, status_words


@dataclass(frozen=True, slots=True)
class ToneWord:
    """What stands for something: a sign and a word, and the colour behind them."""

    sign: str
    word: str
    tone: str


_STATUS_SIGNS: dict[Status, str] = {"in_sync": "✓", "reachable": "✓", "valid": "✓", "changed": "✓", "differs": "≠",
                                    "not_in_force": "!", "unreachable": "⊘", "unknown": "?", "restored": "↺",
                                    "lost": "✗", "refused": "✗",
                                    "stale": "✗", "invalid": "✗", "failed": "✗"}
_STATUSES = {name: ToneWord(sign, status_words(name), "good" if name == "changed" else STYLES[name])
             for name, sign in _STATUS_SIGNS.items()}
SEVERITIES = {"error": ToneWord("✗", "error", "error"), "warning": ToneWord("!", "warning", "warning"),
               "note": ToneWord("i", "note", "quiet")}
LEVELS = {"not_in_force": ToneWord("!", "not in force", "error"), "unknown": ToneWord("?", "in force? not known", "warning"),
           "note": ToneWord("i", "note", "quiet")}
_OF_DRIFT: dict[Status, ToneWord] = {"differs": ToneWord("≠", status_words("differs", drift=True), STYLES["differs"])}
_PLANNED = {str(action): ToneWord(words.sign, action, words.style) for action, words in CHANGE_WORDS.items()}
_DRIFTED = {words.found: ToneWord(words.sign, words.found, words.style) for words in CHANGE_WORDS.values()} | {
    "MISSING": ToneWord("−", "MISSING", "removed"), "DIFFERS": ToneWord("≠", "DIFFERS", "changed"),
    "UNEXPECTED": ToneWord("+", "UNEXPECTED", "removed"), GONE: ToneWord("o", GONE, "warning")}
_UNLIKE = _PLANNED | {"create": ToneWord("+", "added", "added"), "update": ToneWord("~", "changed", "changed"),
                       "remove": ToneWord("−", "missing", "removed")}


def _action(change: Change) -> str:
    return change.action


@dataclass(frozen=True)
class CommandWords:
    """How the page of a command speaks. changes: what changes are called, by what `word_of` says of each · found, declared: their
    two sides · missing: a side that is not there · heading: of the changes · writes: whether hosts are written · orphans: whether
    what the project left on hosts is told among them · drift: what is found is told before what is declared, and nothing
    becomes of it · statuses: what becomes of hosts."""

    title: str
    changes: Mapping[str, ToneWord]
    heading: str = ""
    found: str = "found"
    declared: str = "declared"
    missing: str = "not there"
    writes: bool = False
    orphans: bool = False
    drift: bool = False
    statuses: Mapping[Status, ToneWord] = field(default_factory=lambda: _STATUSES)
    word_of: Callable[[Change], str] = _action


COMMAND_WORDS = {
    "plan": CommandWords("Plan", _PLANNED, "What would be changed"),
    "apply": CommandWords("Apply", _PLANNED, "What was to be changed", writes=True),
    "drift": CommandWords("Drift", _DRIFTED, "What is not as declared", orphans=True, drift=True, word_of=found_word,
                          statuses=_STATUSES | _OF_DRIFT),
    "validate": CommandWords("Validation", _PLANNED),
    "compare-defaults": CommandWords("Against what Windows ships", _UNLIKE, "What is not as Windows ships it",
                                     "as Windows ships it", "found")}
