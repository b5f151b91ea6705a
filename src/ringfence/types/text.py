"""Texts: of a length, without the characters that a registry string cannot hold; and GUIDs."""

import re
from typing import Any

from ringfence.types.base import PropertyType, as_text, quoted


def text(limit: int = 9999, forbidden: str = "|", *, what: str = "text", lines: bool = False, advice: str = "",
         sample: str = "Asked for in change 4711") -> PropertyType:
    """Text of at most `limit` characters without those of `forbidden` and without control characters; empty is None.

    lines: it may have line ends and whatever else Windows keeps in a text; only its end, \\0, is none of it ([MS-FASP] 2.2.37
    forbids the bar alone; real descriptions have lines).
    """

    unfit = re.compile("[" + ("\\0" if lines else "\\0-\x1f") + re.escape(forbidden) + "]")

    def parse(value: Any) -> str | None:
        string = as_text(value) if value is not None else ""
        if len(string) > limit:
            raise ValueError(f"{len(string)} characters are more than {limit}")
        if bad := unfit.search(string):
            why = "it divides the pieces of a rule string" if bad[0] == "|" else advice or f"a {what} has no such character"
            raise ValueError(f"the character {quoted(bad[0])} is not allowed here: {why}")
        return string or None

    schema = {"type": ["string", "null"], "maxLength": limit}
    return PropertyType(what, parse, schema, lambda v: v or "", sample=sample)


PATH_TEXT = text(259, '/*?"<>|', what="path", sample=r"%ProgramFiles%\Contoso\agent.exe",
                 advice=r"a path is written with backslashes, C:\App\app.exe, without quotes and wildcards [MS-FASP 2.2.37]")


def guid(text: str) -> str:
    """A GUID in braces and capitals. Raises ValueError."""
    if not re.fullmatch(r"\{?[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}?", text):
        raise ValueError(f"{quoted(text)} is not a GUID")
    return "{" + text.strip("{}").upper() + "}"
