"""Long text for people goes through the program that they read with, as git has it: $PAGER, or less where it is there."""

import contextlib
import os
import shutil
import subprocess
import sys

LESS = "FRX"  # git's: it ends at once where all fits, passes colours on, and leaves the text on the screen
_CANNOT_RUN = (126, 127)  # what a shell ends with where there is no such program


def pager() -> str:
    """The program to read with, as a shell runs it; empty where text is better written as it is."""
    if not (sys.stdout.isatty() and sys.stdin.isatty()) or os.environ.get("TERM") == "dumb":
        return ""
    said = os.environ.get("PAGER", "less" if shutil.which("less") else "")
    return "" if said == "cat" else said


def paged(text: str, program: str) -> bool:
    """Give a text to a pager and wait until it is left; whether there was such a program."""
    environment = {"LESS": LESS, "LV": "-c", **os.environ}
    encoded = text.encode(sys.stdout.encoding or "utf-8", sys.stdout.errors or "replace")
    with subprocess.Popen(program, shell=True, stdin=subprocess.PIPE, env=environment) as process:
        with contextlib.suppress(OSError):  # left before the end
            assert process.stdin
            process.stdin.write(encoded)
            process.stdin.close()
        while True:
            try:
                return process.wait() not in _CANNOT_RUN
            except KeyboardInterrupt:  # the pager's to heed: it stops a search
                continue
