"""A WinRS shell (cmd.exe): one process a command, its standard streams as WSMan streams."""

import threading
from collections.abc import Callable, Sequence

from ringfence.lab import command_shell
from ringfence.lab.winrm import soap
from ringfence.lab.winrm.shells import Outbox


class Pipe:
    """Standard input that arrives in pieces; readers wait."""

    def __init__(self) -> None:
        self._ready = threading.Condition()
        self._buffer = bytearray()
        self._ended = False
        self.broken = False

    def write(self, data: bytes, end: bool) -> None:
        """Add bytes; `end`: none will follow."""
        with self._ready:
            self._buffer += data
            self._ended = self._ended or end
            self._ready.notify_all()

    def break_off(self) -> None:
        """The reader is not wanted any more."""
        self.broken = True
        self.write(b"", True)

    def readline(self, size: int = -1, /) -> bytes:
        """A line with its end, at most `size` bytes of it; b"" at the end."""
        return self._read(size, line=True)

    def read(self, size: int = -1, /) -> bytes:
        """What is there, at most `size` bytes; b"" at the end."""
        return self._read(size, line=False)

    def _read(self, size: int, line: bool) -> bytes:
        with self._ready:
            self._ready.wait_for(lambda: self._ended or (b"\n" in self._buffer if line else bool(self._buffer)))
            end = self._buffer.find(b"\n") + 1 if line else 0
            stop = min(end or len(self._buffer), size if size >= 0 else len(self._buffer))
            taken = bytes(self._buffer[:stop])
            del self._buffer[:stop]
            return taken


class ProcessEngine:
    """The engine behind a WinRS shell."""

    def __init__(self, settings: command_shell.ShellSettings, batch: Callable[[str], str],
                 start: Callable[[Callable[[], None], str], None]) -> None:
        self._settings, self._batch, self._start = settings, batch, start
        self._pipes: dict[str, Pipe] = {}

    def open(self, creation: bytes) -> None:
        """A WinRS shell has nothing to create."""

    def command(self, id: str, line: str, arguments: Sequence[str], outbox: Outbox) -> None:
        """Start a process."""
        pipe = self._pipes[id] = Pipe()
        text = " ".join((line, *arguments))

        def body() -> None:
            try:
                code = command_shell.run(text, self._settings, self._batch, pipe, lambda data: outbox.put("stdout", data),
                                         lambda data: outbox.put("stderr", data), lambda: not pipe.broken)
            except ConnectionError:
                outbox.cut()
            else:
                outbox.finish(code)

        self._start(body, "lab-process")

    def send(self, id: str, stream: str, data: bytes, end: bool) -> None:
        """Standard input."""
        if stream != "stdin":
            raise soap.bad_request(f"there is no stream {stream}")
        self._pipe(id).write(data, end)

    def signal(self, id: str, code: str) -> None:
        """Every signal ends the process."""
        del code
        self._pipe(id).break_off()

    def close(self) -> None:
        """End all processes."""
        for pipe in list(self._pipes.values()):
            pipe.break_off()

    def _pipe(self, id: str) -> Pipe:
        try:
            return self._pipes[id]
        except KeyError:
            raise soap.no_command(id) from None
