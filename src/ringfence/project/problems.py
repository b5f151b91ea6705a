"""Mistakes are collected, so that a team sees all of them at once."""

from collections.abc import Iterable

from ringfence.errors import Diagnostic, InputError, Where, closest


class Problems:
    """The mistakes and warnings found so far, each kept once."""

    def __init__(self) -> None:
        self._found: dict[Diagnostic, None] = {}

    def error(self, where: Where, summary: str, detail: str = "") -> None:
        """Note what is wrong at a place; `detail` says what is allowed or what to do."""
        self._found[Diagnostic(where, summary, detail)] = None

    def warn(self, where: Where, summary: str, detail: str = "") -> None:
        """Note what is allowed but probably not meant."""
        self._found[Diagnostic(where, summary, detail, "warning")] = None

    def extend(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Take over what somebody else found."""
        self._found.update(dict.fromkeys(diagnostics))

    @property
    def all(self) -> tuple[Diagnostic, ...]:
        """Everything found, sorted by place."""
        return tuple(self._sorted())

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """The warnings, sorted by place."""
        return tuple(d for d in self._sorted() if d.severity == "warning")

    @property
    def failed(self) -> bool:
        """Whether any mistake (not only warnings) was found."""
        return any(d.severity == "error" for d in self._found)

    def check(self) -> None:
        """Raise InputError with everything found, sorted by place, if there is any mistake among it."""
        if self.failed:
            raise InputError(self._sorted())

    def _sorted(self) -> list[Diagnostic]:
        return sorted(self._found, key=lambda d: (d.where, d.severity, d.summary))


def nearest(word: object, known: Iterable[str]) -> str:
    """`did you mean "x"?` for the known word that looks most like `word`, or nothing."""
    return f'did you mean "{close}"?' if (close := closest(word, known)) else ""


def allowed(word: object, known: Iterable[str]) -> str:
    """The nearest known word and the list of all that are allowed: the detail of an "unknown key" message."""
    words = sorted(known)
    return " ".join(filter(None, (nearest(word, words), f"Allowed: {', '.join(words)}.")))


def article(value: object) -> str:
    """What a value is, in the words of YAML: "a list", "a text" …"""
    for kind, word in ((bool, "true or false"), (str, "a text"), ((int, float), "a number"), (dict, "a mapping"),
                       ((list, tuple), "a list")):
        if isinstance(value, kind):
            return word
    return "nothing" if value is None else "a value of another kind"
