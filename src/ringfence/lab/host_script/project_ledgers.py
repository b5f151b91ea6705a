"""What projects own on a simulated host, as Ledger.Read and Ledger.Write answer: keys below SOFTWARE\\ringfence.

Who may open a key is the DACL's to say (Microsoft, "Registry Key Security and Access Rights"); an administrator may.
"""

import re
from collections.abc import Mapping
from typing import Any

from ringfence.lab.host_script.session_facts import require_64_bits
from ringfence.lab.machine.machine import Machine
from ringfence.lab.netsecurity.cmdlet_errors import CmdletError
from ringfence.lab.registry.hive import StoredKey, as_sent
from ringfence.lab.session import Session

ROOT = r"SOFTWARE\ringfence"
DENIAL = "Requested registry access is not allowed."
_HEADERS = frozenset({"Format", "Name", "State", "Run", "Generation", "Machine", "Build", "Inputs"})
_PROTECTED = "O:BAD:P(A;CI;KA;;;SY)(A;CI;KA;;;BA)"
READABLE = _PROTECTED + "(A;CI;KR;;;AU)"  # of the key of the undo: whoever may write to the firewall has to see it
_NAMES, _NAME, _TEXT = 50_000, 16_383, 32_767  # at most: names in a call, characters of each, of a text
# Microsoft, "Well-known SIDs": SYSTEM, Administrators, CREATOR OWNER; and the service TrustedInstaller
_TRUSTED = {"S-1-5-18", "S-1-5-32-544", "S-1-3-0", "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"}
# Everyone, Authenticated Users, Users
_OF_ALL = frozenset({"S-1-1-0", "S-1-5-11", "S-1-5-32-545"})


def may_open(machine: Machine, path: str, session: Session) -> bool:
    """Whether a session may read a key; of one that is not there it may see so."""
    whole = f"{path}\\".casefold()
    if any(whole.startswith(f"{denied}\\".casefold()) for denied in machine.faults.denied_keys):
        return False
    if session.elevated or machine.registry.key(path) is None:
        return True
    groups = session.endpoint.groups if session.endpoint else ()
    sids = _OF_ALL.union(str(machine.account_names.resolve(name).get("sid")) for name in (session.user, *groups))
    return machine.registry.security(path).shows_to(sids)


def read_ledger(machine: Machine, session: Session) -> dict[str, Any]:
    """The value of a Ledger.Read."""
    registry = machine.registry
    guid = registry.get(r"SOFTWARE\Microsoft\Cryptography", "MachineGuid")
    answer: dict[str, Any] = {"rows": [], "machine": guid, "unread": []}
    if not may_open(machine, ROOT, session):
        return answer | {"rows": None, "unread": [{"fact": f"the key HKLM\\{ROOT}", "why": DENIAL}]}
    if registry.key(ROOT) is None:
        return answer
    answer["sddl"] = registry.security(ROOT).text()
    shut: list[str] = []
    for path, key in registry.tree(ROOT):
        if any(f"{path}\\".startswith(f"{closed}\\") for closed in shut):
            continue
        if path and not may_open(machine, f"{ROOT}\\{path}", session):
            shut.append(path)
            answer["unread"].append({"fact": f"the key HKLM\\{ROOT}\\{path}", "why": DENIAL, "path": path})
        else:
            answer["rows"].append([path, [as_sent(v) for v in key.values.values()]])
    return answer


def write_ledger(machine: Machine, request: Mapping[str, Any], session: Session) -> dict[str, int]:
    """Ledger.Write. Raises CmdletError."""
    _check(request)
    require_64_bits(machine)
    path = f"{ROOT}\\{request['project']}"
    for key in (ROOT, path):
        _require_safe(machine, key, session)
    there = _generation(machine.registry.key(path))
    if there != request["generation"]:
        raise CmdletError("InvalidOperation", "ringfence.changed",
                          "the ledger is not as it was read, somebody else has changed it")
    if request.get("delete"):
        if machine.registry.delete(path):
            machine.registry.flush()
            machine.counters.ledger_writes += 1
        return {"generation": 0}
    return {"generation": _put(machine, path, request, there)}


def _put(machine: Machine, path: str, request: Mapping[str, Any], there: int) -> int:
    """Writes the values of one project; what ends on the way leaves it pending. The generation that is stored then."""
    registry = machine.registry
    _make_protected(machine, path)
    header = {"Generation": str(there + 1), "State": registry.get(path, "State") or "pending", **(request.get("header") or {})}
    registry.set(path, "State", "pending")
    for name in request.get("remove") or ():
        registry.unset(path, name)
    for name, text in (request.get("set") or {}).items():
        registry.set(path, name, text)
    for name in sorted(header, key=lambda name: (name == "State", name == "Generation")):
        registry.set(path, name, header[name])
    registry.flush()
    machine.counters.ledger_writes += 1
    return int(header["Generation"])


def own_key(machine: Machine, path: str, session: Session, sddl: str) -> None:
    """A key below ROOT to which administrators and Windows alone may write, made where it is missing: it alone with this owner
    and DACL. Raises CmdletError."""
    for key in (ROOT, path):
        _require_safe(machine, key, session)
    _make_protected(machine, path, sddl)


def _make_protected(machine: Machine, path: str, sddl: str = _PROTECTED) -> None:
    for key, own in ((ROOT, _PROTECTED), (path, sddl)):
        if machine.registry.key(key) is None:
            machine.registry.create(key).sddl = own


def _generation(key: StoredKey | None) -> int:
    stored = key.values.get("generation") if key else None
    text = str(stored.data) if stored else ""
    return int(text) if re.fullmatch("[0-9]{1,18}", text) else 0


def _require_safe(machine: Machine, path: str, session: Session) -> None:
    """Raises CmdletError where a session may not write to a key that is there, or too many others may."""
    if machine.faults.read_only or not session.elevated or not may_open(machine, path, session):
        raise _refusal("PermissionDenied", DENIAL)
    if machine.registry.key(path) is None:
        return
    others = sorted(sid for sid in machine.registry.security(path).writers() if sid not in _TRUSTED)
    if others:
        named = (f"{sid} {machine.account_names.resolve(sid).get('name', '')}".strip() for sid in others)
        raise _refusal("PermissionDenied", f"others may write to HKEY_LOCAL_MACHINE\\{path}: {', '.join(named)}")


def _check(request: Mapping[str, Any]) -> None:
    """Raises CmdletError where a request is not of the form or the size that is agreed."""
    if not isinstance(request.get("project"), str) or not re.fullmatch("[0-9a-f-]{8,64}", request["project"]):
        raise _refusal("InvalidArgument", f"no project has the id '{request.get('project')}'")
    if isinstance(request.get("generation"), bool) or not isinstance(request.get("generation"), int | float):
        raise _refusal("InvalidArgument", "the generation is not a number")
    header, put, remove = request.get("header") or {}, request.get("set") or {}, request.get("remove") or []
    for part, what in (("header", header), ("set", put)):
        if not isinstance(what, dict):
            raise _refusal("InvalidArgument", f"'{part}' is not names with texts")
    for name, fits in ((n, n in _HEADERS) for n in header):
        _check_name(name, fits)
    for name in (*put, *remove):
        _check_name(name, "|" in str(name))
    for name, text in (*header.items(), *put.items()):
        if not isinstance(text, str) or len(text.encode("utf-16-le", "surrogatepass")) > 2 * _TEXT:
            raise _refusal("InvalidArgument", f"of '{name}': more than 32,767 characters, or no text")
    if not re.fullmatch("([0-9]{1,18})?", header.get("Generation", "")):
        raise _refusal("InvalidArgument", "the new generation is not a number")
    if len(put) + len(remove) > _NAMES:
        raise _refusal("InvalidArgument", "more than 50,000 names")


def _check_name(name: object, fits: bool) -> None:
    if not isinstance(name, str) or not fits or "\0" in name or len(name.encode("utf-16-le", "surrogatepass")) > 2 * _NAME:
        raise _refusal("InvalidArgument", f"no value is named '{name}'")


def _refusal(category: str, message: str) -> CmdletError:
    return CmdletError(category, "ringfence.ledger", message)
