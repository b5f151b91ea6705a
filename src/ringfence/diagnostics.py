"""A mistake, told so that it can be mended: where it is, what is wrong, what to do. One form for everything that is read.

    Diagnostic   a mistake, a warning or a note, with its place
    Finding      what a kind says of a combination of values; it becomes a Diagnostic where the place is known
    Problems     collects them, so that a team sees all at once
    InputError   what is raised in the end (errors.py draws the tree of errors)
"""

import heapq
import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from ringfence.errors import RingfenceError

Severity = Literal["error", "warning", "note"]
"""A mistake; what is probably not meant; what is worth knowing."""


@dataclass(frozen=True, slots=True, order=True)
class Where:
    """A place in a file: `line` counts from 1; 0 means the file as a whole."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


NOWHERE = Where("")
MAX_MESSAGE = 2000  # characters of the summary of a mistake, and of its detail


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One mistake in the input: where it is, what is wrong (`summary`), what is allowed or what to do (`detail`).
    urgent: whoever wants mistakes alone is told of it too."""

    where: Where
    summary: str
    detail: str = ""
    severity: Severity = "error"
    host: str = ""
    urgent: bool = False

    def __post_init__(self) -> None:
        for part in ("summary", "detail", "host"):  # names and values of strangers are in them
            if len(text := getattr(self, part)) > MAX_MESSAGE:
                object.__setattr__(self, part, text[:MAX_MESSAGE] + "…")

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where != NOWHERE else ""
        mild = f"{self.severity}: " if self.severity != "error" else ""
        host = f" (host {self.host})" if self.host else ""
        return f"{place}{mild}{self.summary}{host}" + (f"\n    {self.detail}" if self.detail else "")


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a value or with several together: the property to blame, the reason, and the way out."""

    property: str
    reason: str
    advice: str = ""
    severity: Severity = "error"


class InputError(RingfenceError):
    """The input is wrong. `diagnostics` holds every mistake found, in the order of their places."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(map(str, self.diagnostics)))

    def __reduce__(self) -> tuple[type["InputError"], tuple[tuple[Diagnostic, ...]]]:
        return type(self), (self.diagnostics,)


MAX_PROBLEMS = 1000  # mistakes that are told at once; what comes after is not read


class Problems:
    """The mistakes and warnings found so far, each kept once. After MAX_PROBLEMS mistakes no more is read."""

    def __init__(self) -> None:
        self._found: dict[Diagnostic, None] = {}
        self._counted = Counter[Severity]()

    def error(self, where: Where, summary: str, detail: str = "") -> None:
        """Note what is wrong at a place; `detail` says what is allowed or what to do. Raises InputError with all that was
        found, where it is too much."""
        self._add(Diagnostic(where, summary, detail))

    def warn(self, where: Where, summary: str, detail: str = "") -> None:
        """Note what is allowed but probably not meant."""
        self._add(Diagnostic(where, summary, detail, "warning"))

    def extend(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Take over what somebody else found. Raises InputError as `error` does."""
        for diagnostic in diagnostics:
            self._add(diagnostic)

    def _add(self, found: Diagnostic) -> None:
        if found in self._found:
            return
        self._counted[found.severity] += 1
        if self._counted[found.severity] <= MAX_PROBLEMS:
            self._found[found] = None
        elif found.severity == "error":
            raise InputError(self.all)

    @property
    def all(self) -> tuple[Diagnostic, ...]:
        """Everything found, sorted by place; what was too much is told in the end."""
        found = sorted(self._found, key=lambda d: (d.where, d.severity, d.summary))
        for severity, number in self._counted.items():
            if number > MAX_PROBLEMS:
                found.append(Diagnostic(NOWHERE, f"there are more than these {MAX_PROBLEMS:,} {severity}s", severity=severity))
        return tuple(found)

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """The warnings, sorted by place."""
        return tuple(d for d in self.all if d.severity == "warning")

    @property
    def failed(self) -> bool:
        """Whether any mistake (not only warnings) was found."""
        return any(d.severity == "error" for d in self._found)

    def check(self) -> None:
        """Raise InputError with everything found, sorted by place, if there is any mistake among it."""
        if self.failed:
            raise InputError(self.all)


_COMPARED, _CLOSELY = 2000, 50  # words that may have been meant


def closest(word: object, known: Iterable[str]) -> str:
    """The known word that was probably meant, letter case apart; nothing where none is near. Of many words the first are
    looked at, and of these the ones of about its length: comparing is dear."""
    asked = str(word)[:100].casefold()
    folded = {k.casefold(): k for k in itertools.islice(known, _COMPARED)}
    near = heapq.nsmallest(_CLOSELY, folded, key=lambda k: (abs(len(k) - len(asked)) > 2, k[:1] != asked[:1]))
    found = get_close_matches(asked, near, 1)
    return folded[found[0]] if found else ""


def suggest(word: object, known: Iterable[str], before: str = "") -> str:
    """`did you mean x?` behind `before`, for the known word that looks most like `word`; or nothing."""
    return f"{before}did you mean {close}?" if (close := closest(word, known)) else ""


def allowed(word: object, known: Iterable[str]) -> str:
    """The nearest known word and the list of all that are allowed: the detail of an "unknown key" message."""
    words = sorted(known)
    return " ".join(filter(None, (suggest(word, words), f"Allowed: {', '.join(words)}.")))


def quoted(value: object) -> str:
    """A value as a message shows it: as YAML has it, short, on one line, never a secret."""
    text = _shown(value, 3)
    return text if len(text) <= 60 else text[:57] + "…"


def _shown(value: object, depth: int) -> str:
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{', '.join(_shown(v, depth - 1) for v in value[:20])}]" if depth else "[…]"
    if isinstance(value, Mapping):
        pairs = (f"{_shown(k, 0)}: {_shown(v, depth - 1)}" for k, v in itertools.islice(value.items(), 20))
        return f"{{{', '.join(pairs)}}}" if depth else "{…}"
    return repr(value[:100] if isinstance(value, str) else value)


def describe(value: object) -> str:
    """What a value is, in the words of YAML: "a list", "a text" …"""
    for kind, word in ((bool, "true or false"), (str, "a text"), ((int, float), "a number"), (dict, "a mapping"),
                       ((list, tuple), "a list")):
        if isinstance(value, kind):
            return word
    return "nothing" if value is None else "a value of another kind"
