"""The one way in which files are read: regular ones only, and no more of them than is allowed; and the one in which they are
written: whole or not at all."""

import contextlib
import errno
import hashlib
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

MAX_DOCUMENT = 16 * 2**20  # bytes of a playbook, of a file of tasks or variables, of an inventory: each MB takes about a second
MAX_SETTINGS = 2**20  # bytes of ringfence.yml and of trust.yml, which are short
MAX_PLAN = 32 * 2**20  # bytes of a plan file, which has the changes of a fleet
MAX_JOURNAL = 256 * 2**20  # bytes of the record of a run: 500 hosts with 300 changes each take about 60 MB
MAX_PATTERNS = 4 * 2**20  # bytes of a file of host patterns (`-l @FILE`)
MAX_LOOKUP = 2**20  # bytes of a file that `lookup('file', …)` gives, as it becomes part of values
MAX_CFG = 2**18  # bytes of ansible.cfg, which is only looked at
MAX_PASSWORD = 2**16  # bytes of a vault password file
MAX_KNOWN_HOSTS = 16 * 2**20  # bytes of known_hosts: some 100,000 hosts, looked through for each one
MAX_KEY = 2**20  # bytes of a private key, and of the certificate beside it
MAX_PEM = 4 * 2**20  # bytes of a file of X.509 certificates: what browsers trust is 200 kB
_PIECE = 2**18


def is_file_or_broken_link(path: Path) -> bool:
    """Whether it is a file, or a link that leads nowhere: that is a mistake, not a file that nobody wrote."""
    return path.is_file() or (path.is_symlink() and not path.exists())


def read_bytes(path: str | Path, limit: int, *, pipes: bool = False) -> bytes:
    """The content of a regular file of at most `limit` bytes. A link is followed, and what it leads to has to be a file.
    Raises OSError, ValueError.

    The file is opened without waiting, as a pipe would otherwise wait for a writer for ever; what it is and how much
    there is of it are asked of the open file, as a name may mean another file a moment later. `pipes`: a password may
    come from a pipe, as shells make it of `<(command)`.
    """
    waiting = 0 if pipes else getattr(os, "O_NONBLOCK", 0)
    opened = os.open(path, os.O_RDONLY | waiting | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(opened, "rb") as stream:
        mode = os.fstat(opened).st_mode
        if stat.S_ISDIR(mode):
            raise ValueError("Is a directory")
        if not (stat.S_ISREG(mode) or (pipes and stat.S_ISFIFO(mode))):
            raise ValueError("it is no regular file but a device, pipe or socket")
        data = bytearray()  # in pieces: read(n) sets n bytes aside, whatever there is
        while len(data) <= limit and (piece := stream.read(min(_PIECE, limit + 1 - len(data)))):
            data += piece
    if len(data) > limit:
        raise ValueError(f"it has more than {limit} bytes")
    return bytes(data)


def digest(path: str | Path, limit: int = MAX_DOCUMENT) -> str:
    """The SHA-256 of a file's content, in hexadecimal. Raises OSError, ValueError."""
    return hashlib.sha256(read_bytes(path, limit)).hexdigest()


class WholeFile:
    """A file that is there whole or not at all: what is written lies beside its place until `close` puts it there; a link is
    followed. What is no regular file (a device, a pipe that somebody reads), and what is standard output or error already, gets
    all of it at the end, and is never replaced. private: for its owner alone; else for whom the umask allows it · errors: what
    becomes of what is no Unicode. Raises OSError."""

    def __init__(self, path: str | Path, *, private: bool = False, errors: str = "strict") -> None:
        form: dict[str, Any] = {"encoding": "utf-8", "errors": errors, "newline": ""}
        self._form = form
        self._stream, self._temporary, self._path = -1, "", os.path.realpath(path)
        more = getattr(os, "O_CLOEXEC", 0)
        if is_stream(path):
            waiting = getattr(os, "O_NONBLOCK", 0)  # a pipe without a reader is not waited for
            self._stream = os.open(path, os.O_WRONLY | os.O_APPEND | waiting | more)
            if waiting:
                os.set_blocking(self._stream, True)
            self._file: IO[str] = tempfile.TemporaryFile("w+", **form)  # noqa: SIM115 (`discard` closes it)
            return
        if os.path.isdir(self._path):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), self._path)
        folder, name = os.path.split(self._path)
        beside = os.path.join(folder, f".{name[-100:]}.{os.urandom(4).hex()}")
        opened = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | more, 0o600 if private else 0o666)
        self._temporary, self._file = beside, os.fdopen(opened, "w", **form)

    def write(self, text: str) -> None:
        """Add to it."""
        self._file.write(text)

    def close(self) -> None:
        """It is whole: put it in its place."""
        try:
            self._file.flush()
            if self._temporary:
                os.fsync(self._file.fileno())
                self._file.close()
                os.replace(self._temporary, self._path)
                self._temporary = ""
            else:
                self._file.seek(0)
                with os.fdopen(self._stream, "w", **self._form) as stream:
                    self._stream = -1
                    shutil.copyfileobj(self._file, stream)
        finally:
            self.discard()

    def discard(self) -> None:
        """Leave nothing of it, unless it was put in its place."""
        with contextlib.suppress(OSError):
            self._file.close()
        if self._stream >= 0:
            os.close(self._stream)
            self._stream = -1
        if self._temporary:
            with contextlib.suppress(OSError):
                os.unlink(self._temporary)
            self._temporary = ""


def write_private(path: str | Path, pieces: Iterable[str]) -> None:
    """Write a WholeFile that nobody else may read. Raises OSError."""
    file = WholeFile(path, private=True)
    try:
        for piece in pieces:
            file.write(piece)
        file.close()
    finally:
        file.discard()


def is_stream(path: str | Path) -> bool:
    """Whether a file is there into which only more can be written."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return False
    own = [os.fstat(s.fileno()) for s in (sys.__stdout__, sys.__stderr__) if s is not None and not s.closed]
    return not stat.S_ISREG(found.st_mode) or any(os.path.samestat(found, one) for one in own)
