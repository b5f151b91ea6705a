"""Files that hold texts, as a language of Windows has them: a PE file with nothing but a table of strings.

The form is that of Microsoft's PE Format (headers, section table, .rsrc section) and of STRINGTABLE: sixteen strings are one
block, each with its length before it. Real ones lie as `FILE.mui` in a folder of the language beside FILE.
"""

import re
import struct
from collections.abc import Mapping

RT_STRING = 6
ENGLISH_US = 0x409
_ADDRESS, _BEGIN = 0x1000, 0x200  # of the section: in memory, and in the file
_VARIABLE = re.compile("%([^%]+)%")


def file(path: str, texts: Mapping[str, str], language: str, environment: Mapping[str, str]) -> bytes | None:
    """The file at a path, of the texts `@file,-id` (in lower case) that it holds; None where it holds none."""
    values = {name.lower(): value for name, value in environment.items()}
    values.setdefault("windir", values["systemroot"])
    strings: dict[int, str] = {}
    for resource, text in texts.items():
        source, comma, number = resource[1:].rpartition(",-")
        if not comma or not number.isdigit() or source.startswith("{"):
            continue
        where = _VARIABLE.sub(lambda m: values.get(m[1].lower(), m[0]), source)
        where = where if "\\" in where else rf"{values['systemroot']}\System32\{where}"
        folder, _, name = where.rpartition("\\")
        if rf"{folder}\{language}\{name}.mui".lower() == path.lower():
            strings[int(number)] = text
    return portable_executable(strings) if strings else None


def portable_executable(strings: Mapping[int, str]) -> bytes:
    """A PE file of 64 bits with these strings by their ids, and nothing to run."""
    resources = _resources(strings)
    headers = b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, 240, 0x2022)
    headers += struct.pack("<H", 0x20B).ljust(108, b"\0") + struct.pack("<I", 16)
    headers += struct.pack("<IIIIII", 0, 0, 0, 0, _ADDRESS, len(resources)).ljust(128, b"\0")
    headers += struct.pack("<8sIIIIIIHHI", b".rsrc", len(resources), _ADDRESS, len(resources), _BEGIN, 0, 0, 0, 0, 0x40000040)
    return (b"MZ".ljust(60, b"\0") + struct.pack("<I", 64) + headers).ljust(_BEGIN, b"\0") + resources


def _resources(strings: Mapping[int, str]) -> bytes:
    """Directories of type, block and language, then where each block lies, then the blocks."""
    blocks = {number: b"".join(_counted(strings.get((number - 1) * 16 + i, "")) for i in range(16))
              for number in sorted({(id >> 4) + 1 for id in strings})}
    languages = 24 + 16 + 8 * len(blocks)  # behind the two directories above
    entries = languages + 24 * len(blocks)
    content = entries + 16 * len(blocks)
    top = _directory([(RT_STRING, 24 | 0x80000000)])
    middle = _directory([(number, languages + 24 * i | 0x80000000) for i, number in enumerate(blocks)])
    bottom = b"".join(_directory([(ENGLISH_US, entries + 16 * i)]) for i in range(len(blocks)))
    places = b""
    for block in blocks.values():
        places += struct.pack("<IIII", _ADDRESS + content, len(block), 0, 0)
        content += len(block)
    return top + middle + bottom + places + b"".join(blocks.values())


def _directory(entries: list[tuple[int, int]]) -> bytes:
    return struct.pack("<IIHHHH", 0, 0, 0, 0, 0, len(entries)) + b"".join(struct.pack("<II", *entry) for entry in entries)


def _counted(text: str) -> bytes:
    units = text.encode("utf-16-le")
    return struct.pack("<H", len(units) // 2) + units
