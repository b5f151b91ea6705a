"""reg.exe on a simulated host: query, add and delete below HKEY_LOCAL_MACHINE (Microsoft, "reg query", "reg add", "reg delete").

Of a process of 64 bits, as every cmd.exe here is, /reg:64 is what holds without it; /reg:32 is what programs of 32 bits see.
"""

import re
from collections.abc import Sequence

from ringfence.lab.command_prompt.prompt import Prompt, Run, Streams
from ringfence.lab.registry.hive import Data, StoredKey

_TYPES = {"REG_SZ": "String", "REG_EXPAND_SZ": "ExpandString", "REG_DWORD": "DWord", "REG_QWORD": "QWord",
          "REG_MULTI_SZ": "MultiString", "REG_BINARY": "Binary", "REG_NONE": "None"}
_NAMES = {type: name for name, type in _TYPES.items()}
_DONE = "The operation completed successfully.\r\n"
_NOT_FOUND = "ERROR: The system was unable to find the specified registry key or value.\r\n"
_WITH_VALUE = {"/v", "/t", "/d", "/s", "/se", "/f"}


def reg(prompt: Prompt, arguments: str, streams: Streams) -> Run:
    """0: it is done or was found; 1: it failed, or nothing was found."""
    yield 0.0
    words = [w[1:-1].replace('\\"', '"') if w.startswith('"') else w for w in re.findall(r'"(?:\\"|[^"])*"|\S+', arguments)]
    verb, key, rest = words[0].lower() if words else "", words[1] if len(words) > 1 else "", words[2:]
    if verb not in _VERBS:
        streams.err.write(f"ERROR: Invalid syntax. reg.exe of the simulated host has {', '.join(_VERBS)}.\r\n")
        return 1
    if (path := _path(key, rest)) is None:
        streams.err.write("ERROR: Invalid key name.\r\n")
        return 1
    said = _switches(verb, rest)
    if said is None:
        streams.err.write(f'ERROR: Invalid syntax.\r\nType "REG {verb.upper()} /?" for usage.\r\n')
        return 1
    if verb != "query" and not prompt.elevated:
        streams.err.write("ERROR: Access is denied.\r\n")
        return 1
    return _VERBS[verb](prompt, path, said, streams)


def _path(key: str, rest: Sequence[str]) -> str | None:
    """The path below HKEY_LOCAL_MACHINE; None where it is in no hive that there is."""
    root, _, path = key.strip("\\").partition("\\")
    if root.upper() not in ("HKLM", "HKEY_LOCAL_MACHINE"):
        return None
    if any(word.lower() == "/reg:32" for word in rest) and re.match(r"software(\\|$)", path, re.IGNORECASE):
        path = r"SOFTWARE\Wow6432Node" + path[len("software"):]
    return path


def _switches(verb: str, rest: Sequence[str]) -> dict[str, str] | None:
    """{switch: its value}; None where the words are none."""
    found, at = dict[str, str](), 0
    takes = {"/v", "/t", "/d"} if verb != "query" else {"/v", "/t", "/f"}
    while at < len(rest):
        word = rest[at].lower()
        at += 1
        if word in takes:
            if at >= len(rest):
                return None
            found[word], at = rest[at], at + 1
        elif word in ("/ve", "/va", "/f", "/s", "/reg:32", "/reg:64"):
            found[word] = ""
        else:
            return None
    return found


def _query(prompt: Prompt, path: str, said: dict[str, str], streams: Streams) -> int:
    key = prompt.machine.registry.key(path)
    wanted = said["/v"].casefold() if "/v" in said else "" if "/ve" in said else None
    if key is None or (wanted is not None and wanted not in key.values and "/s" not in said):
        streams.err.write(_NOT_FOUND)
        return 1
    below = prompt.machine.registry.tree(path) if "/s" in said else [("", key)]
    shown = False
    for relative, one in below:
        shown = _show(f"HKEY_LOCAL_MACHINE\\{path}" + (f"\\{relative}" if relative else ""), one, wanted, streams) or shown
    if wanted is None and "/s" not in said:
        for child in key.keys.values():
            streams.out.write(f"HKEY_LOCAL_MACHINE\\{path}\\{child.name}\r\n")
    return 0 if shown or wanted is None else 1


def _show(path: str, key: StoredKey, wanted: str | None, streams: Streams) -> bool:
    values = [v for folded, v in key.values.items() if wanted is None or folded == wanted]
    if values:
        streams.out.write(f"\r\n{path}\r\n")
    for value in values:
        streams.out.write(f"    {value.name or '(Default)'}    {_NAMES[value.type]}    {_text(value.data)}\r\n")
    if values:
        streams.out.write("\r\n")
    return bool(values)


def _text(data: Data) -> str:
    if isinstance(data, int):
        return f"0x{data:x}"
    if isinstance(data, list):
        return "\\0".join(data)
    return data.hex().upper() if isinstance(data, bytes) else data or ""


def _add(prompt: Prompt, path: str, said: dict[str, str], streams: Streams) -> int:
    registry = prompt.machine.registry
    kind = _TYPES.get(said.get("/t", "REG_SZ").upper())
    data = None if kind is None else _data(kind, said.get("/d", ""))
    if kind is None or (data is None and kind != "None"):
        streams.err.write("ERROR: Invalid syntax. Specify a type and data of it.\r\n")
        return 1
    if "/v" not in said and "/ve" not in said:
        registry.create(path)
        streams.out.write(_DONE)
        return 0
    name = said.get("/v", "")
    key = registry.key(path)
    if key and name.casefold() in key.values and "/f" not in said:
        streams.out.write(f"Value {name} exists, overwrite(Yes/No)? The operation was cancelled by the user.\r\n")
        return 1
    registry.set(path, name, data if kind != "None" else b"", kind)
    streams.out.write(_DONE)
    return 0


def _data(kind: str, text: str) -> Data:
    try:
        if kind in ("DWord", "QWord"):
            return int(text or "0", 0)
        if kind == "Binary":
            return bytes.fromhex(text)
    except ValueError:
        return None
    return text.split("\\0") if kind == "MultiString" else text


def _delete(prompt: Prompt, path: str, said: dict[str, str], streams: Streams) -> int:
    registry = prompt.machine.registry
    if "/f" not in said:
        streams.out.write("Delete it (Yes/No)? The operation was cancelled by the user.\r\n")
        return 1
    if "/va" in said:
        key = registry.key(path)
        done = key is not None
        for name in [v.name for v in key.values.values()] if key else ():
            registry.unset(path, name)
    elif "/v" in said or "/ve" in said:
        done = registry.unset(path, said.get("/v", ""))
    else:
        done = registry.delete(path)
    (streams.out if done else streams.err).write(_DONE if done else _NOT_FOUND)
    return 0 if done else 1


_VERBS = {"query": _query, "add": _add, "delete": _delete}
