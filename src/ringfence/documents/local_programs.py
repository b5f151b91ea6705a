"""Programs that a user's inventory or vault may be: which files are any, and what one of them says, within bounds."""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

MAX_STDERR = 64 * 1024  # bytes of what a program says of its mistakes that are kept
POSIX, _PROGRAM_ENDINGS = os.name == "posix", (".exe", ".com", ".bat", ".cmd")
_PIECE = 65_536
_CLOSING_SECONDS = 5  # how long its output is waited for after its end: something that it started may hold it


class ProgramFailed(Exception):
    """A program did not start, did not end in time, or said more than it may."""


@dataclass(frozen=True, slots=True)
class ProgramOutput:
    """What a program said, and with which code it ended."""

    code: int
    stdout: bytes
    stderr: str


def is_program(path: Path) -> bool:
    """Whether a file is one that may be executed. On Windows, where every file may be (os.access), its ending says so."""
    if "\0" in os.fspath(path) or not path.is_file():
        return False
    return os.access(path, os.X_OK) if POSIX else path.suffix.lower() in _PROGRAM_ENDINGS


def run_program(command: Sequence[str | Path], limit: int, seconds: float, environment: Mapping[str, str] | None = None,
                ) -> ProgramOutput:
    """Start a program without a shell and without input, and wait for its end.

    limit: bytes that it may print · seconds: how long it may take · environment: its variables; ours without. Raises
    ProgramFailed; then nothing of it runs any more, what it started included (on POSIX, unless it left the session).
    """
    try:
        process = subprocess.Popen([os.fspath(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=environment, start_new_session=POSIX)
    except (OSError, ValueError) as error:
        raise ProgramFailed(f"cannot be started: {getattr(error, 'strerror', None) or error}") from None
    assert process.stdout
    assert process.stderr
    said, complaints = _Taken(process, process.stdout, limit), _Taken(process, process.stderr, MAX_STDERR, drops=True)
    try:
        code = process.wait(seconds)
    except BaseException as error:  # Ctrl-C does not reach it, as it has a session of its own
        end_program(process)
        if isinstance(error, subprocess.TimeoutExpired):
            raise ProgramFailed(f"took longer than {seconds:.3g} seconds") from None
        raise
    finally:
        for taken in (said, complaints):
            taken.thread.join(_CLOSING_SECONDS)
    if said.too_much:
        raise ProgramFailed(f"printed more than {limit:,} bytes")
    return ProgramOutput(code, bytes(said.data), complaints.data.decode("utf-8", "replace").strip())


class _Taken:
    """What a thread reads from a pipe. drops: what is too much is read and forgotten; else it ends the program."""

    def __init__(self, process: subprocess.Popen[bytes], stream: IO[bytes], limit: int, drops: bool = False) -> None:
        self.data, self.too_much = bytearray(), False
        self._process, self._stream, self._limit, self._drops = process, stream, limit, drops
        self.thread = threading.Thread(target=self._take, daemon=True)
        self.thread.start()

    def _take(self) -> None:
        with self._stream:
            while piece := os.read(self._stream.fileno(), _PIECE):
                if len(self.data) + len(piece) > self._limit and not self._drops:
                    self.too_much = True
                    end_program(self._process)
                    return
                self.data += piece[:max(0, self._limit - len(self.data))]


def end_program(process: subprocess.Popen[bytes]) -> None:
    """End a program with all that it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if POSIX:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()
