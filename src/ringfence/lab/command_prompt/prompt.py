"""A cmd.exe on a simulated host: the folder it is in, its variables and errorlevel, and how it finds files and programs."""

import ntpath
import re
from collections.abc import Generator
from dataclasses import dataclass, field

from ringfence.lab.command_prompt.output_streams import Stream
from ringfence.lab.machine.machine import Machine
from ringfence.lab.machine.machine_files import FileError

SYSTEM = "S-1-5-18"
Run = Generator[float, None, int]


class Ended(Exception):
    """The command `exit`: the line is over."""


@dataclass(slots=True)
class Streams:
    """Standard input as text (None: nothing is there to be read), output and errors."""

    stdin: str | None
    out: Stream
    err: Stream


@dataclass(slots=True)
class Prompt:
    """A cmd.exe of one account. `user` is a SID or a name; `elevated`: with all that administrators may."""

    machine: Machine
    user: str = SYSTEM
    elevated: bool = True
    folder: str = r"C:\Windows\System32"
    errorlevel: int = 0
    variables: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        own = {name.casefold(): value for name, value in self.machine.environment.items()}
        root = self.machine.environment["SystemRoot"]
        of_windows = {"windir": root, "comspec": rf"{root}\system32\cmd.exe", "computername": self.machine.name.upper(),
                      "path": rf"{root}\system32;{root};{root}\System32\WindowsPowerShell\v1.0",
                      "pathext": ".COM;.EXE;.BAT;.CMD", "temp": rf"{root}\TEMP",
                      "allusersprofile": self.machine.environment["ProgramData"], "os": "Windows_NT"}
        self.variables = {**of_windows, **own, **self.variables}

    def path(self, text: str) -> str:
        """The whole path that a text means."""
        text = text.replace('"', "").replace("/", "\\")
        drive = self.folder[:2]
        if text.startswith("\\") and not text.startswith("\\\\"):
            text = drive + text
        whole = text if re.match(r"[A-Za-z]:\\|\\\\", text) else ntpath.join(self.folder, text[2:] if text[1:2] == ":" else text)
        return ntpath.normpath(whole)

    def variable(self, name: str) -> str | None:
        """The value of a variable, by its name without letter case."""
        now = self.machine.clock.wall()
        of_the_moment = {"errorlevel": str(self.errorlevel), "cd": self.folder, "date": f"{now:%a %m/%d/%Y}",
                         "time": f"{now:%H:%M:%S.00}", "cmdextversion": "2"}
        return self.variables.get(name.casefold(), of_the_moment.get(name.casefold()))

    def read(self, name: str) -> str:
        """The text of a file. Raises FileError."""
        there = self.machine.files.find(self.path(name))
        if there is None:
            raise FileError(2)
        if there.folder:
            raise FileError(5)
        return there.content.decode("utf-8", "replace") if isinstance(there.content, bytes) else "regf"

    def found(self, name: str) -> str | None:
        """Where a program is: at its path, else in the folder one is in, else in those of PATH."""
        if not name:
            return None
        folders = [""] if "\\" in name or ":" in name else [self.folder, *self.variables["path"].split(";")]
        endings = ("",) if ntpath.splitext(name)[1] else (".com", ".exe", ".bat", ".cmd")
        for folder in folders:
            for ending in endings:
                path = self.path(f"{folder}\\{name}{ending}" if folder else name + ending)
                there = self.machine.files.find(path)
                if there and not there.folder:
                    return path
        return None
