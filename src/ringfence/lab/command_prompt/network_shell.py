"""netsh.exe on a simulated host: `advfirewall export FILE` and `advfirewall import FILE` (Microsoft, "netsh advfirewall").

Neither is done at once: it takes as long as Faults.netsh_seconds say, and whoever ends the process meanwhile leaves what was
done of it. Faults make it fail.
"""

import re

from ringfence.lab.command_prompt.prompt import SYSTEM, Prompt, Run, Streams
from ringfence.lab.machine.machine_files import FileError
from ringfence.lab.netsecurity.policy_export import ExportedPolicy, exported, import_steps

# SIDs that a service has: S-1-5-80 and the SHA-1 of its name (MS-DTYP 2.4.2.4); mpssvc's
MPSSVC = "S-1-5-80-3088073201-1464728630-1879813800-1107566885-823218052"
_ADMINISTRATORS, _LOCAL_SERVICE = "S-1-5-32-544", "S-1-5-19"
_LETTERS = {"SY": SYSTEM, "BA": _ADMINISTRATORS, "LS": _LOCAL_SERVICE, "WD": "S-1-1-0", "AU": "S-1-5-11", "SU": "S-1-5-6"}
_PIECES = 8  # an import is done in so many
_NO_SERVICE = ("An error occurred while attempting to contact the  Windows Defender Firewall service. Make sure that the service "
               "is running and try your request again.")
_ELEVATION = "The requested operation requires elevation (Run as administrator)."


def netsh(prompt: Prompt, arguments: str, streams: Streams) -> Run:
    """0: Ok; 1: it failed."""
    yield 0.0
    said = re.fullmatch(r'advfirewall\s+(export|import)\s+(?:"([^"]*)"|(\S+))', arguments.strip(), re.IGNORECASE)
    if said is None:
        return _refused(streams, f"The following command was not found: {arguments}.")
    if not prompt.elevated:
        return _refused(streams, _ELEVATION)
    if not prompt.machine.firewall_runs():
        return _refused(streams, _NO_SERVICE)
    path = prompt.path(said[2] or said[3])
    try:
        code = yield from (_export if said[1].lower() == "export" else _import)(prompt, path, streams)
    except FileError as error:
        return _refused(streams, error)
    if not code:
        streams.out.write("Ok.\r\n\r\n")
    return code


# open: export-over-a-file, export-account
def _export(prompt: Prompt, path: str, streams: Streams) -> Run:
    machine, faults = prompt.machine, prompt.machine.faults
    there = machine.files.find(path)
    if there is not None and not faults.export_overwrites:
        raise FileError(183)
    _require_access(prompt, path)
    if faults.export_fails > 0:
        faults.export_fails -= 1
        raise FileError(5)
    file = machine.files.write(path, b"regf")
    file.in_use = True
    try:
        yield faults.netsh_seconds
    finally:  # ended before its time, it leaves a file that is no hive
        file.in_use = False
    if not machine.firewall_runs():
        return _refused(streams, _NO_SERVICE)
    machine.files.write(path, exported(machine.registry))
    return 0


# open: import-order
def _import(prompt: Prompt, path: str, streams: Streams) -> Run:
    machine, faults = prompt.machine, prompt.machine.faults
    file = machine.files.find(path)
    if file is None or file.folder:
        raise FileError(2)
    if file.in_use:
        raise FileError(32)
    _require_access(prompt, path)
    if not isinstance(file.content, ExportedPolicy):
        return _refused(streams, "The data is invalid.")
    if faults.import_fails > 0:
        faults.import_fails -= 1
        return _refused(streams, "The system cannot complete the requested operation.")
    steps = import_steps(machine.registry, file.content)
    dies, faults.import_dies_at = faults.import_dies_at, None
    end, done = len(steps) if dies is None else int(len(steps) * dies), 0
    for piece in range(1, _PIECES + 1):
        yield faults.netsh_seconds / _PIECES
        if not machine.firewall_runs():
            return _refused(streams, _NO_SERVICE)
        until = min(end, len(steps) * piece // _PIECES)
        for step in steps[done:until]:
            step()
        done = max(done, until)
        machine.called("netsh advfirewall import")
    return 0 if dies is None else _refused(streams, "The process was terminated.")


def _require_access(prompt: Prompt, path: str) -> None:
    """Whether who reads or writes the file may: the caller, or the service where Faults.netsh_as_service says so. Raises
    FileError."""
    service = prompt.machine.faults.netsh_as_service
    sids = {MPSSVC, _LOCAL_SERVICE, "S-1-5-6", "S-1-5-11", "S-1-1-0"} if service else {SYSTEM, _ADMINISTRATORS}
    sddl = prompt.machine.files.security(path)
    entries = re.findall(r"\(A;[^;]*;([^;]*);[^;]*;[^;]*;([^)]*)\)", sddl)
    allowed = {_LETTERS.get(sid, sid) for rights, sid in entries if rights in ("FA", "GA", "0x1f01ff", "0x1301bf")}
    if sddl and not allowed & sids:
        raise FileError(5)


def _refused(streams: Streams, why: object) -> int:
    streams.out.write(f"{why}\r\n\r\n")  # netsh says everything on its standard output
    return 1
