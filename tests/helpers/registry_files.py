"""Registry files as trees, for tests against real exports: hives, .reg, registry.pol.

Everything comes out as what Policy.Read gives for one store: [[key path below the root, [[name, type, data], …]], …].
"""

import lzma
import re
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from regipy.registry import RegistryHive

Rows = list[list[Any]]
TYPES = {1: "String", 2: "ExpandString", 3: "Binary", 4: "DWord", 7: "MultiString", 11: "QWord"}
NAMES = {"REG_SZ": "String", "REG_EXPAND_SZ": "ExpandString", "REG_DWORD": "DWord", "REG_BINARY": "Binary",
         "REG_MULTI_SZ": "MultiString", "REG_QWORD": "QWord"}
POLICY = r"Services\SharedAccess\Parameters\FirewallPolicy"
SHIPPED = r"Services\SharedAccess\Defaults\FirewallPolicy"
GROUP_POLICY = r"software\policies\microsoft\windowsfirewall"


def below(root: str, key: str) -> str | None:
    """The path of a key below a root, without letter case; None if it is elsewhere."""
    if key.lower() == root.lower():
        return ""
    return key[len(root) + 1:] if key.lower().startswith(root.lower() + "\\") else None


def begins(path: Path, *magic: bytes) -> bool:
    """Whether a file, unpacked where it is an .xz, is of the format that begins so."""
    try:
        return _content(path).startswith(magic)
    except lzma.LZMAError:
        return False


def _content(path: Path) -> bytes:
    return lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()


def hive(path: Path, policy: str = POLICY) -> Rows:
    """The firewall policy in an export (.wfw: the root is the policy) or in a whole SYSTEM hive; either also as .xz."""
    with tempfile.NamedTemporaryFile(suffix=".hive") as copy:
        copy.write(_content(path))
        copy.flush()
        opened: Any = RegistryHive(copy.name)  # type: ignore[no-untyped-call]
        control = next((k.name for k in opened.root.iter_subkeys() if re.fullmatch("ControlSet[0-9]{3}", k.name, re.I)), None)
        top = opened.get_key(rf"\{control}\{policy}") if control else opened.root
        return [*_keys(top, "")]


def _keys(key: Any, path: str) -> Iterator[list[Any]]:
    yield [path, [[v.name, NAMES.get(v.value_type, "Binary"), v.value] for v in key.iter_values(trim_values=False)]]
    for child in key.iter_subkeys():
        yield from _keys(child, f"{path}\\{child.name}".lstrip("\\"))


def reg(path: Path, root: str) -> Rows:
    """The keys below `root` in a .reg file of version 5 (deletions passed over)."""
    raw = path.read_bytes()
    text = raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", "replace")
    rows: Rows = []
    current: list[Any] | None = None
    for line in re.split("\r?\n", re.sub(r"\\\r?\n\s*", "", text)):
        if head := re.fullmatch(r"\[(-?)(.*)\]\s*", line):
            inside = None if head[1] else below(root, head[2])
            current = [inside, []] if inside is not None else None
            rows += [current] if current else []
        elif current is not None and (value := re.fullmatch(r'"((?:[^"\\]|\\.)*)"=(.*)', line.strip())):
            current[1] += _reg_value(re.sub(r"\\(.)", r"\1", value[1]), value[2])
    return rows


def _reg_value(name: str, data: str) -> list[list[Any]]:
    if number := re.fullmatch("dword:([0-9a-f]{1,8})", data, re.I):
        return [[name, "DWord", int(number[1], 16)]]
    if stored := re.fullmatch(r"hex\(([12])\):([0-9a-f, ]*)", data, re.I):
        characters = bytes.fromhex(stored[2].replace(",", " ")).decode("utf-16-le", "replace")
        return [[name, TYPES[int(stored[1])], characters.rstrip("\0")]]
    if text := re.fullmatch(r'"((?:[^"\\]|\\.)*)"', data):
        return [[name, "String", re.sub(r"\\(.)", r"\1", text[1])]]
    return []


def pol(path: Path) -> Rows:
    """The firewall policy in a registry.pol ([MS-GPREG] 2.2.1): [key;value;type;size;data] in UTF-16."""
    raw, at = path.read_bytes(), 8
    assert raw[:8] == b"PReg\1\0\0\0"
    rows: dict[str, list[Any]] = {}
    while at < len(raw):
        at += 2  # [
        key, at = _text(raw, at)
        name, at = _text(raw, at)
        kind, _, size = struct.unpack_from("<IHI", raw, at)
        data, at = raw[at + 12:at + 12 + size], at + 12 + size + 2
        inside = below(GROUP_POLICY, key)
        if inside is not None and name and not name.startswith("**"):
            value: Any = data.decode("utf-16-le").rstrip("\0") if kind in (1, 2) else int.from_bytes(data, "little")
            rows.setdefault(inside, []).append([name, TYPES.get(kind, "Binary"), value])
    return [[key, values] for key, values in rows.items()]


def _text(raw: bytes, at: int) -> tuple[str, int]:
    """A text that ends with a zero, and the place after the semicolon behind it."""
    end = at
    while raw[end:end + 2] not in (b"\0\0", b""):
        end += 2
    return raw[at:end].decode("utf-16-le"), end + 4
