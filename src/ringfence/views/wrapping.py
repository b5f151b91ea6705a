"""Lines no longer than a terminal is wide, broken between words: an address is never in two parts."""

import re

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_DEEPER = 4  # columns that the rest of a line stands further to the right
_LEAST = 20  # columns that a line has at the least, however deep it stands


def wrapped(text: str, width: int | None) -> str:
    """The text with its long lines broken; `width` in columns, None: as it is."""
    if width is None or not text:
        return text
    return "\n".join(line if len(line) <= width else _broken(line, width) for line in text.split("\n"))


def _broken(line: str, width: int) -> str:
    """One line on several. Colours take no room."""
    if _length(line) <= width:
        return line
    deep = len(line) - len(line.lstrip(" "))
    rest = " " * min(deep + _DEEPER, max(0, width - _LEAST))
    lines, room = [" " * deep], width - deep
    for word in re.findall(r"\S+ *", line.strip(" ")):
        if _length(word.rstrip()) > room and lines[-1].strip(" "):
            lines.append(rest)
            room = width - len(rest)
        lines[-1] += word
        room -= _length(word)
    return "\n".join(one.rstrip(" ") for one in lines)


def _length(text: str) -> int:
    """Columns that a text takes."""
    plain = _ANSI.sub("", text)
    if plain.isascii():
        return len(plain)
    from rich.cells import cell_len  # takes a while to import

    return cell_len(plain)
