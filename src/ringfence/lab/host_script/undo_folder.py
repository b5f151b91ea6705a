"""The folder of an undo on a simulated host: who may have access to it, and what is in an export that lies there."""

import ntpath
import re

from ringfence.lab.machine.machine import Machine
from ringfence.lab.machine.machine_files import FileError
from ringfence.lab.netsecurity.cmdlet_errors import CmdletError
from ringfence.lab.netsecurity.policy_export import ExportedPolicy

# MS-DTYP 2.4.2.4: SYSTEM, Administrators, and the service mpssvc, which may be who writes there
_MPSSVC = "S-1-5-80-3088073201-1464728630-1879813800-1107566885-823218052"
_PROTECTED = f"O:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;{_MPSSVC})"
# and who may be there without harm: CREATOR OWNER, TrustedInstaller
_TRUSTED = {"SY", "BA", "CO", "S-1-5-18", "S-1-5-32-544", "S-1-3-0", _MPSSVC,
            "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"}


def undo_refusal(message: str, category: str = "InvalidOperation") -> CmdletError:
    """A refusal of the host script, of an undo."""
    return CmdletError(category, "ringfence.undo", message)


def open_folder(machine: Machine, path: str) -> None:
    """Makes the folder, or makes sure that nobody else has access to one that is there. Raises CmdletError."""
    there = machine.files.find(path)
    if there is None:
        machine.files.make_folder(path, _PROTECTED)
        return
    if there.points_elsewhere or not there.folder:
        raise undo_refusal(f"{path} leads elsewhere")
    sddl = machine.files.security(path)
    owner = re.search(r"O:([\w-]+?)(?=G:|D:|$)", sddl)
    sids = {*([owner[1]] if owner else []), *re.findall(r"\([AD];[^;]*;[^;]*;[^;]*;[^;]*;([^)]*)\)", sddl)}
    if others := sorted(sids - _TRUSTED):
        raise undo_refusal(f"others have access to {path}: {', '.join(others)}")


def hive_counts(machine: Machine, path: str) -> dict[str, int]:
    """How many values each key of an export has, by its path below the root: Windows loads it as a hive, keeps logs beside it
    from then on, and unloads it again, unless something keeps it open. Raises CmdletError.

    Microsoft, "Registry Hives": a transaction log stands beside a hive. That it is two, .LOG1 and .LOG2, and hidden, is what is
    seen on machines; no document that we know says so.
    """
    files, stays_open = machine.files, machine.faults.hive_stays_open
    for _, loaded in () if stays_open else files.matching(ntpath.dirname(path) + r"\*.wfw"):
        loaded.in_use = False  # that of an earlier run, which could not unload it
    file = files.find(path)
    if file is None or file.in_use or not isinstance(file.content, ExportedPolicy):
        raise undo_refusal("Windows cannot open what netsh has exported")
    for log in (f"{path}.LOG1", f"{path}.LOG2"):
        files.write(log, b"").hidden = True
    if stays_open:
        file.in_use = True
        raise undo_refusal("something keeps open what netsh has exported, keys and all. Have Windows close it: reg unload "
                           r"HKLM\ringfence-undo")
    return {path: len(values) for path, values in file.content.keys.items()}


def file_refusal(error: FileError, id: str, category: str) -> CmdletError:
    """What a cmdlet for files says."""
    return CmdletError(category, id, str(error), error.code)
