"""Regular expressions that others wrote, matched by RE2: in time linear in the text, whatever the expression is.

RE2 reads Python's syntax but for what cannot be matched in linear time: look-around (`(?=…)`, `(?<!…)`) and references
back (`\\1` inside of the expression). `$` is the very end of the text, and `\\w`, `\\d` and `\\s` mean ASCII
(https://github.com/google/re2/wiki/Syntax).
"""

import functools
from typing import Any

import re2

MAX_PATTERN = 1000  # characters of one expression


@functools.lru_cache(maxsize=1024)
def compiled(pattern: str, *, ignorecase: bool = False, multiline: bool = False) -> Any:
    """A compiled expression with the methods of Python's. Raises ValueError with the reason."""
    if len(pattern) > MAX_PATTERN:
        raise ValueError(f"a regular expression of more than {MAX_PATTERN} characters")
    options = re2.Options()
    options.log_errors = False
    flags = ("i" if ignorecase else "") + ("m" if multiline else "")
    try:
        return re2.compile(f"(?{flags})(?:{pattern})" if flags else pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        reason = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise ValueError(f"{reason}; look-around and references back are not supported") from None
