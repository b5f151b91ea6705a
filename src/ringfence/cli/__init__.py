"""The command line: the only place that reads flags, prints and exits."""

import sys


def main() -> None:
    """The program `ringfence`."""
    try:
        from ringfence.cli.app import run  # takes long enough for somebody to press Ctrl-C
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(run(sys.argv[1:]))
