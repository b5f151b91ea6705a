"""The files of a simulated host: folders and files by their paths, names without letter case, as NTFS has them.

A file holds bytes, or an object that stands for some (an exported policy). Errors are those of Windows ([MS-ERREF] 2.2).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

# [MS-ERREF] 2.2
FILE_ERRORS = {
    2: "The system cannot find the file specified.",
    3: "The system cannot find the path specified.",
    5: "Access is denied.",
    32: "The process cannot access the file because it is being used by another process.",
    112: "There is not enough space on the disk.",
    123: "The filename, directory name, or volume label syntax is incorrect.",
    145: "The directory is not empty.",
    183: "Cannot create a file when that file already exists.",
}
# What of Windows itself somebody may look for or take away: programs that are found by their names
_PROGRAMS = ("attrib.exe", "cmd.exe", "find.exe", "netsh.exe", "PING.EXE", "reg.exe", "sc.exe", "schtasks.exe", "timeout.exe",
             r"WindowsPowerShell\v1.0\powershell.exe")
_SYSTEM32 = r"C:\Windows\System32"
# Owner and DACL of C:\ProgramData as a fresh Windows has it: users may make folders and files there
PROGRAM_DATA_SDDL = ("O:SYD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICIIO;GA;;;CO)(A;OICI;0x1200a9;;;BU)"
                     "(A;CI;DCLCRPCR;;;BU)")


class FileError(Exception):
    """What Windows says of a file; `code` is its system error."""

    def __init__(self, code: int) -> None:
        super().__init__(FILE_ERRORS[code])
        self.code = code


@dataclass(slots=True)
class MachineFile:
    """A file or a folder. sddl: owner and DACL of its own; without, it has what the folder above hands down · points_elsewhere:
    it is a reparse point (a junction, a link) · hidden: who does not ask for such files does not see it · in_use: a process has
    it open and shares it with nobody · written: when its content was, by the clock of the host; None: it is on the disk for
    sure."""

    name: str
    content: object = b""
    folder: bool = False
    sddl: str = ""
    points_elsewhere: bool = False
    read_only: bool = False
    hidden: bool = False
    in_use: bool = False
    written: float | None = None
    inside: dict[str, "MachineFile"] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """In bytes."""
        if isinstance(self.content, bytes):
            return len(self.content)
        return int(getattr(self.content, "size", 0))


class MachineFiles:
    """The files of one machine. room: bytes that the disk has for more, None: enough · now: a moment of the host's clock."""

    def __init__(self, now: Callable[[], float] = lambda: 0.0) -> None:
        self.room: int | None = None
        self._now = now
        self.root = MachineFile("", folder=True)
        for folder in (rf"{_SYSTEM32}\WindowsPowerShell\v1.0", r"C:\Windows\Temp", r"C:\Program Files", r"C:\Users\Public"):
            self.make_folder(folder)
        self.make_folder(r"C:\ProgramData", PROGRAM_DATA_SDDL)
        for program in _PROGRAMS:
            self.write(f"{_SYSTEM32}\\{program}", b"MZ")

    def find(self, path: str) -> MachineFile | None:
        """What is at a path."""
        here: MachineFile | None = self.root
        for name in _parts(path):
            here = here.inside.get(name.casefold()) if here and here.folder else None
        return here

    def exists(self, path: str) -> bool:
        """Whether there is a file or a folder."""
        return self.find(path) is not None

    def names(self, folder: str) -> list[str]:
        """The names in a folder, as they are spelt; none where there is no such folder."""
        there = self.find(folder)
        return [one.name for one in there.inside.values()] if there else []

    def make_folder(self, path: str, sddl: str = "") -> MachineFile:
        """The folder at a path, made with those above it; `sddl` is that of a folder that is new. Raises FileError."""
        here, names = self.root, _parts(path)
        for number, name in enumerate(names, 1):
            below = here.inside.get(name.casefold())
            if below is None:
                _require_name(name)
                below = here.inside[name.casefold()] = MachineFile(name, folder=True, sddl=sddl if number == len(names) else "")
            if not below.folder:
                raise FileError(183)
            here = below
        return here

    def write(self, path: str, content: object, *, add: bool = False) -> MachineFile:
        """A file with this content, new or in place of what it held; `add`: behind that. Raises FileError."""
        above, name = self._above(path)
        there = above.inside.get(name.casefold())
        if there and there.in_use:
            raise FileError(32)
        if there and (there.folder or there.read_only):
            raise FileError(5)
        if add and there and isinstance(there.content, bytes) and isinstance(content, bytes):
            content = there.content + content
        new = MachineFile(name, content)
        self._take_room(new.size - (there.size if there else 0))
        if there is None:
            _require_name(name)
            there = above.inside[name.casefold()] = new
        there.content, there.written = content, self._now()
        return there

    def sync(self, path: str) -> None:
        """Has the content of a file on the disk (FlushFileBuffers). Raises FileError."""
        there = self.find(path)
        if there is None:
            raise FileError(2)
        there.written = None

    # FlushFileBuffers; what becomes of a name no page says. open: lost-content
    def lose(self, seconds: float) -> None:
        """Power was lost: what was written in the last seconds, and is not on the disk for sure, is zeros. Names are there."""
        for _, one in self.walk():
            if one.written is not None and one.size and self._now() - one.written < seconds:
                one.content, one.written = bytes(one.size), None

    def rename(self, path: str, name: str) -> None:
        """Another name in the same folder, at once or not at all. Raises FileError: 2, 183."""
        above, old = self._above(path)
        there = above.inside.get(old.casefold())
        if there is None:
            raise FileError(2)
        _require_name(name)
        if there.in_use:
            raise FileError(32)
        if name.casefold() != old.casefold() and name.casefold() in above.inside:
            raise FileError(183)
        del above.inside[old.casefold()]
        there.name = name
        above.inside[name.casefold()] = there

    def delete(self, path: str, *, force: bool = False, whole: bool = False) -> None:
        """A file, or an empty folder; `force`: one that is read only too, `whole`: with all that is inside. Raises FileError."""
        above, name = self._above(path)
        there = above.inside.get(name.casefold())
        if there is None:
            raise FileError(2)
        if there.inside and not whole:
            raise FileError(145)
        if there.in_use or any(one.in_use for _, one in _below(there)):
            raise FileError(32)
        if there.read_only and not force:
            raise FileError(5)
        self._take_room(-there.size)
        del above.inside[name.casefold()]

    def matching(self, path: str) -> list[tuple[str, MachineFile]]:
        """(path, file or folder) of all that a path means, in whose last part * and ? may stand."""
        folder, _, pattern = path.rstrip("\\").rpartition("\\")
        if "*" not in pattern and "?" not in pattern:
            there = self.find(path)
            return [(path.rstrip("\\"), there)] if there else []
        above = self.find(folder)
        pattern = "*" if pattern == "*.*" else pattern.casefold()
        return [(f"{folder}\\{one.name}", one) for folded, one in (above.inside.items() if above else ())
                if fnmatchcase(folded, pattern.replace("[", "[[]"))]

    def security(self, path: str) -> str:
        """Owner and DACL of what is at a path, as it or the next folder above that has some of its own."""
        here, held = self.root, ""
        for name in _parts(path):
            if name.casefold() not in here.inside:
                break
            here = here.inside[name.casefold()]
            held = here.sddl or held
        return held

    def walk(self) -> Iterator[tuple[str, MachineFile]]:
        """(path, file or folder) of everything."""
        return _below(self.root)

    def _above(self, path: str) -> tuple[MachineFile, str]:
        """The folder that a path is in, and its last name. Raises FileError where there is no such folder."""
        *folders, name = _parts(path) or [""]
        above = self.find("\\".join(folders))
        if above is None or not above.folder or not folders:
            raise FileError(3)
        return above, name

    def _take_room(self, size: int) -> None:
        if self.room is not None:
            if size > self.room:
                raise FileError(112)
            self.room -= size


def _parts(path: str) -> list[str]:
    return [name for name in path.replace("/", "\\").split("\\") if name]


# [MS-FSCC] 2.1.5.2: characters that no name has
def _require_name(name: str) -> None:
    bad = name[2:] if len(name) == 2 and name[1] == ":" else name
    if not name or any(c in '<>:"/\\|?*' or ord(c) < 32 for c in bad) or name.rstrip(" .") != name:
        raise FileError(123)


def _below(folder: MachineFile, path: str = "") -> Iterator[tuple[str, MachineFile]]:
    for one in folder.inside.values():
        whole = f"{path}\\{one.name}" if path else one.name
        yield whole, one
        yield from _below(one, whole)
