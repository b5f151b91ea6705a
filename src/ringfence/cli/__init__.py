"""The command line: the only place that reads flags, prints and exits."""

import sys

INTERRUPTED = 130  # 128 + SIGINT, as shells have it


def main() -> None:
    """The program `ringfence`."""
    if sys.argv[1:] == ["--version"]:  # asked by scripts, and often: not worth importing a parser of flags
        from ringfence import __version__

        sys.stdout.write(f"ringfence {__version__}\n")
        return
    try:
        from ringfence.cli.app import run  # takes long enough for somebody to press Ctrl-C
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    sys.exit(run(sys.argv[1:]))
