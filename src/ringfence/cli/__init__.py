"""The command line: the only place that reads flags, prints and exits."""

import sys


def main() -> None:
    """The program `ringfence`."""
    from ringfence.cli.app import run

    sys.exit(run(sys.argv[1:]))
