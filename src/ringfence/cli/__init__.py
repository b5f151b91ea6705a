"""The command line: the only place that reads flags, prints and exits."""

import os
import sys

from ringfence import __version__


def main() -> None:
    """The program `ringfence`."""
    if sys.argv[1:] == ["--version"]:  # asked by scripts, and often: not worth importing a parser of flags
        sys.stdout.write(f"ringfence {__version__}\n")
        return
    from ringfence.errors import INTERRUPTED

    try:
        from ringfence.cli.app import run  # takes long enough for somebody to press Ctrl-C
        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = INTERRUPTED
    if code == INTERRUPTED:  # hosts may still be at work, in threads that Python would wait for
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)
    sys.exit(code)
