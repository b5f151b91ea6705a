"""Where what a command says goes: into a file of the host, to another command, to who asked, or nowhere."""

from typing import Protocol

from ringfence.lab.machine.machine_files import MachineFiles


class Stream(Protocol):
    """Takes text. write raises FileError."""

    def write(self, text: str) -> None: ...


class Kept:
    """What was said, for who asks."""

    def __init__(self) -> None:
        self._parts: list[str] = []

    def write(self, text: str) -> None:
        """More text."""
        self._parts.append(text)

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self._parts)


class Nowhere:
    """The device nul."""

    def write(self, text: str) -> None:
        """It is gone."""


class IntoFile:
    """A file of the host, which is made, or emptied, as soon as it is opened. Raises FileError."""

    def __init__(self, files: MachineFiles, path: str, append: bool) -> None:
        self._files, self._path = files, path
        files.write(path, b"", add=append)

    def write(self, text: str) -> None:
        """More at its end. Raises FileError."""
        self._files.write(self._path, text.encode("utf-8", "replace"), add=True)
