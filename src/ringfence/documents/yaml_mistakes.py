"""What people mean who write what is no YAML: the usual mistakes, in words, with the line and a caret."""

import re
from typing import NamedTuple

SHOWN = 100  # characters of a line that an excerpt has


class _Mistake(NamedTuple):
    """A mistake: what libyaml says of it, what the line looks like, and what to do."""

    reason: str
    line: str
    advice: str


_QUOTES = 'a value that begins with {{ has to stand in quotes: "{{ ports }}"'
_TEXT_BEHIND_QUOTES = r""".*:\s+(["'])[^"']*\1\s*[^\s,#}\]]"""
_MISTAKES = (  # the first that fits
    _Mistake("cannot start any token", r"\s*\t", "YAML is indented with spaces: this line has a tab"),
    _Mistake("cannot start any token", r".*[:,\[]\s*[@`]", "a text that begins with @ or ` has to stand in quotes"),
    _Mistake("cannot start any token", r".*%", "a text that begins with % has to stand in quotes"),
    _Mistake("", r".*[:,\[{-]\s+\{\{", _QUOTES),
    _Mistake("could not find expected ':'", "", "there is no colon behind the name in this line"),
    _Mistake("mapping values are not allowed", r".*:\s.*:(\s|$)", "a text with a colon and a space in it has to stand in quotes"),
    _Mistake("mapping values are not allowed", "", "this line is indented too far, or a text with a colon has no quotes"),
    _Mistake("did not find expected key", _TEXT_BEHIND_QUOTES, "behind a text in quotes a value has to end"),
    _Mistake("did not find expected key", "", "this line is indented otherwise than those before it"),
    _Mistake("did not find expected '-' indicator", "", "this line is indented otherwise than the list before it, or has no -"),
    _Mistake("did not find expected ',' or '}'", "", "a { has no }, or there is no comma before this"),
    _Mistake("did not find expected ',' or ']'", "", "a [ has no ], or there is no comma before this"),
    _Mistake("unexpected end of stream", "", "a text in quotes has no end"),
)


def advice(reason: str, line: str) -> str:
    """What to do about a mistake, by what libyaml says of it and the line; nothing where it is none of the usual."""
    shown = line[:1000]
    return next((m.advice for m in _MISTAKES if m.reason in reason and re.match(m.line, shown)), "")


def excerpt(line: str, column: int) -> str:
    """The part of a line around a column (from 0), and a caret below it."""
    start = max(0, column - SHOWN // 2) if len(line) > SHOWN else 0
    part = line[start:start + SHOWN].replace("\t", " ")
    return f"{part}\n{' ' * (min(column, len(line)) - start)}^"
