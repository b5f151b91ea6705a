"""Standard streams that are closed, full, or have lost their reader."""

import contextlib
import os
import sys
from typing import TextIO


def open_closed_streams() -> None:
    """Nothing in place of each standard stream that the caller closed: else the next file or socket would get its number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 (it is closed with the process)


def mute(stream: TextIO) -> None:
    """What is still buffered has no reader: let it go nowhere, so that the interpreter ends in silence."""
    with contextlib.suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
