"""PowerShell's wildcard patterns: * ? [a-z], with a backtick before a character that means itself."""

import re
from collections.abc import Callable
from functools import cache


def matcher(pattern: str) -> Callable[[str], bool]:
    """A pattern as a test of a text, without regard to case."""
    compiled = _expression(pattern)
    return lambda text: compiled.fullmatch(text) is not None


def has_wildcards(name: str) -> bool:
    """Whether a -Name holds wildcards that no backtick escapes."""
    return re.search(r"[*?\[]", re.sub(r"`.", "", name)) is not None


def without_escapes(name: str) -> str:
    """The text that a pattern without wildcards means."""
    return re.sub(r"`(.)", r"\1", name)


def escaped(name: str) -> str:
    """A name as a pattern that means itself."""
    return re.sub(r"[*?\[\]`]", r"`\g<0>", name)


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    parts = re.findall(r"`.|\[[^\]]+\]|[*?]|[^`*?\[]+|.", pattern, re.DOTALL)
    return re.compile("".join(map(_part, parts)), re.IGNORECASE | re.DOTALL)


def _part(part: str) -> str:
    """One part of a pattern as a regular expression."""
    match list(part):
        case ["*"]:
            return ".*"
        case ["?"]:
            return "."
        case ["`", character]:
            return re.escape(character)
        case ["[", _, *_, "]"]:
            return "[" + part[1:-1].replace("\\", r"\\").replace("^", r"\^") + "]"
        case _:
            return re.escape(part)
