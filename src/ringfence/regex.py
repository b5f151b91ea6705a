"""Regular expressions that others wrote, matched by RE2: in time linear in the text, whatever the expression is.

RE2 reads Python's syntax but for what cannot be matched in linear time: look-around (`(?=…)`, `(?<!…)`) and references
back (`\\1` inside of the expression). `\\w`, `\\d` and `\\s` are said to it as Python means them, in Unicode. What stays
different: `$` is the very end of the text, and `\\b` knows ASCII letters (https://github.com/google/re2/wiki/Syntax).
"""

import functools
import re
from typing import Any

import re2

MAX_PATTERN = 1000  # characters of a regular expression, and of a host pattern with * or ?

# Python's classes of characters (re: "Unicode (str) patterns"), as they stand in brackets and, negated, on their own
_CLASSES = {"w": r"\p{L}\p{N}_", "d": r"\p{Nd}", "s": r"\s\v\p{Z}\x{1c}-\x{1f}\x{85}"}
_PIECE = re.compile(r"\\[\s\S]|\[\^?\]?|\]")


@functools.lru_cache(maxsize=1024)
def compiled(pattern: str, *, ignorecase: bool = False, multiline: bool = False) -> Any:
    """A compiled expression with the methods of Python's. Raises ValueError with the reason."""
    if len(pattern) > MAX_PATTERN:
        raise ValueError(f"a regular expression of more than {MAX_PATTERN} characters")
    options = re2.Options()
    options.log_errors = False
    flags = ("i" if ignorecase else "") + ("m" if multiline else "")
    try:
        return re2.compile((f"(?{flags})" if flags else "") + _unicode(pattern), options)
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        reason = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise ValueError(f"{reason}; look-around and references back are not supported") from None


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
