"""The one way in which files are read: regular ones only, and no more of them than is allowed."""

import os
import stat
from pathlib import Path

MAX_BYTES = 32 * 2**20  # of one file
_PIECE = 2**18


def read_bytes(path: str | Path, limit: int = MAX_BYTES, *, pipes: bool = False) -> bytes:
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
