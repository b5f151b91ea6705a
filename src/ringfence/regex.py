"""Regular expressions that others wrote, matched by RE2: in time linear in the text, whatever the expression is.

RE2 reads Python's syntax but for what cannot be matched in linear time: look-around (`(?=…)`, `(?<!…)`) and references
back (`\\1` inside of the expression). `\\w`, `\\d` and `\\s` are said to it as Python means them, in Unicode. What stays
different: `$` is the very end of the text, `\\b` knows ASCII letters (https://github.com/google/re2/wiki/Syntax), and a group
within a repetition holds what it matched last that was something, where Python goes round once more for nothing.
"""

import functools
import re
from collections.abc import Iterator
from typing import Any

import re2

MAX_PATTERN = 1000  # characters of a regular expression, and of a host pattern with * or ?

# Python's classes of characters (re: "Unicode (str) patterns"), as they stand in brackets and, negated, on their own
_CLASSES = {"w": r"\p{L}\p{N}_", "d": r"\p{Nd}", "s": r"\s\v\p{Z}\x{1c}-\x{1f}\x{85}"}
_PIECE = re.compile(r"\\[\s\S]|\[\^?\]?|\]")
_MAY_BE_EMPTY_FIRST = re.compile(r"\||[*+?}]\?")  # without it no expression would rather match nothing than something
_ESCAPE = re.compile(r"\\(?:g<([^>]*)>|(0[0-7]{0,2}|[1-7][0-7]{2})|([1-9][0-9]?)|([\s\S]?))")
_SIGNS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}


@functools.lru_cache(maxsize=1024)
def compiled(pattern: str, *, ignorecase: bool = False, multiline: bool = False) -> Any:
    """A compiled expression with the methods of Python's. Raises ValueError with the reason."""
    if len(pattern) > MAX_PATTERN:
        raise ValueError(f"a regular expression of more than {MAX_PATTERN} characters")
    flags = ("i" if ignorecase else "") + ("m" if multiline else "")
    try:
        return _of_re2((f"(?{flags})" if flags else "") + _unicode(pattern))
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        reason = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise ValueError(f"{reason}; look-around and references back are not supported") from None


def _of_re2(pattern: str, longest: bool = False) -> Any:
    options = re2.Options()
    options.log_errors, options.longest_match = False, longest
    return re2.compile(pattern, options)


def every_match(regex: Any, text: str) -> Iterator[Any]:
    """Every match of a compiled expression, as Python's finditer has them. Raises ValueError where Python would find something
    behind nothing at the same place (`a*?`), for which RE2 cannot be asked."""
    before, longest = None, None
    for match in regex.finditer(text):
        if match.span() == before:  # google-re2 gives an empty match once more where something lies before it
            continue
        before = match.span()
        yield match
        if not match.group() and _MAY_BE_EMPTY_FIRST.search(regex.pattern):
            longest = longest or _of_re2(regex.pattern, longest=True)
            if longest.match(text, match.start()).group():
                raise ValueError("it matches nothing where it could match something; write it without *? and ??, and the longer "
                                 "side of a | before the shorter")


def replacement_of(regex: Any, template: str) -> list[str | int]:
    """What takes the place of a match, as Python's `re.sub` reads it: texts, and numbers of groups. Raises ValueError."""
    pieces, end = list[str | int](), 0
    for escape in _ESCAPE.finditer(template):
        pieces += [template[end:escape.start()], _escaped(escape, regex)]
        end = escape.end()
    return [*pieces, template[end:]]


def _escaped(escape: re.Match[str], regex: Any) -> str | int:
    name, octal, number, sign = escape.groups()
    if octal and int(octal, 8) <= 0xFF:
        return chr(int(octal, 8))
    if sign is not None and (sign in _SIGNS or (sign and not re.match("[a-zA-Z]", sign))):
        return _SIGNS.get(sign, escape[0])
    word = name if name is not None else number or ""
    group = int(word) if re.fullmatch("[0-9]+", word) else regex.groupindex.get(word, -1)
    if not 0 <= group <= regex.groups:
        raise ValueError(f"{escape[0]} means nothing in a replacement of {regex.groups} groups")
    return group


def _unicode(pattern: str) -> str:
    """The expression with Python's classes of characters. Raises ValueError where brackets hold a negated one."""
    inside = False

    def said(match: re.Match[str]) -> str:
        nonlocal inside
        piece = match[0]
        if piece.startswith("["):
            if inside:
                return piece
            inside = True
        elif piece == "]":
            inside = False
        elif (members := _CLASSES.get(piece[1].lower())) is not None:
            if inside and piece[1].isupper():
                raise ValueError(f"{piece} inside of brackets is not supported")
            return members if inside else f"[{'^' * piece[1].isupper()}{members}]"
        return piece

    return _PIECE.sub(said, pattern)
