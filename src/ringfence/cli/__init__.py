"""The command line: the only place that reads flags, prints and exits."""

import os
import sys


def main() -> None:
    """The program `ringfence`."""
    try:
        from ringfence.cli.app import run  # takes long enough for somebody to press Ctrl-C
        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    if code == 130:  # hosts may still be at work in threads that Python would wait for
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)
    sys.exit(code)
