"""The one way in which files are read: regular ones only, and no more of them than is allowed; and one in which what is not for
everybody is written."""

import contextlib
import hashlib
import os
import stat
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

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


def write_private(path: str | Path, pieces: Iterable[str], encoding: str = "ascii") -> None:
    """Write a file that nobody else may read, whole or not at all; a link is followed. What is no regular file (a device, a
    pipe), and what is standard output or error already, is written into and never replaced. Raises OSError."""
    if _is_stream(path):
        opened = os.open(path, os.O_WRONLY | os.O_APPEND | getattr(os, "O_CLOEXEC", 0))
        with os.fdopen(opened, "w", encoding=encoding, newline="") as stream:
            stream.writelines(pieces)
        return
    real = os.path.realpath(path)
    opened, temporary = tempfile.mkstemp(prefix=f".{os.path.basename(real)}.", dir=os.path.dirname(real))  # 0600, and no link
    try:
        with os.fdopen(opened, "w", encoding=encoding, newline="") as stream:
            stream.writelines(pieces)
            stream.flush()
            os.fsync(opened)
        os.replace(temporary, real)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _is_stream(path: str | Path) -> bool:
    """Whether a file is there into which only more can be written."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return False
    own = [os.fstat(s.fileno()) for s in (sys.__stdout__, sys.__stderr__) if s is not None and not s.closed]
    return not stat.S_ISREG(found.st_mode) or any(os.path.samestat(found, one) for one in own)
