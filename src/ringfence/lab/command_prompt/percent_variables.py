"""Variables in a command line: %NAME% is replaced when the line is read, before anything of it runs.

SS64, "CMD Syntax: percent expansion": on a command line, other than in a batch file, what is no variable stays as it is typed.
"""

import re
from collections.abc import Callable

_SLICE = re.compile(r"~(-?\d+)?(?:,(-?\d+)?)?")
Lookup = Callable[[str], str | None]  # the value of a variable, by its name without letter case


def with_values(line: str, lookup: Lookup) -> str:
    """The line with the values of its variables; %NAME:~1,3% is a part of one, %NAME:OLD=NEW% one with something replaced."""
    parts, at = list[str](), 0
    while (start := line.find("%", at)) >= 0 and (end := line.find("%", start + 1)) > start:
        value = _value(line[start + 1:end], lookup)
        if value is None:  # the second % may begin a variable
            parts.append(line[at:end])
            at = end
        else:
            parts += [line[at:start], value]
            at = end + 1
    return "".join(parts) + line[at:]


def _value(inside: str, lookup: Lookup) -> str | None:
    name, colon, how = inside.partition(":")
    value = lookup(name) if name else None
    if value is None or not colon:
        return value
    if part := _SLICE.fullmatch(how):
        first = int(part[1] or 0)
        rest = value[first:] if first >= 0 or -first <= len(value) else value
        length = part[2]
        return rest if length is None else rest[:int(length)]
    old, equals, new = how.partition("=")
    if not equals or not old:
        return None
    if old.startswith("*"):
        at = value.casefold().find(old[1:].casefold())
        return value if at < 0 else new + value[at + len(old) - 1:]
    return re.sub(re.escape(old), lambda _: new, value, flags=re.IGNORECASE)
