"""The command line: the only place that reads flags, prints and exits."""

import os
import sys

from ringfence import __version__


def main() -> None:
    """The program `ringfence`."""
    _open_streams()
    try:
        code = _run(sys.argv[1:])
        sys.stdout.flush()
    except OSError as error:  # of standard output itself: what concerns files is told by who reads them
        from ringfence.cli.console import mute

        mute(sys.stdout)
        code = 0
        if not isinstance(error, BrokenPipeError):
            sys.stderr.write(f"error: {error.strerror or error}\n")
            code = 1
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    if arguments == ["--version"]:  # asked by scripts, and often: not worth importing a parser of flags
        sys.stdout.write(f"ringfence {__version__}\n")
        return 0
    from ringfence.errors import INTERRUPTED

    try:
        from ringfence.cli.app import run  # takes long enough for somebody to press Ctrl-C
        code = run(arguments)
    except KeyboardInterrupt:
        code = INTERRUPTED
    if code == INTERRUPTED:  # hosts may still be at work, in threads that Python would wait for
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)
    return code


def _open_streams() -> None:
    """A stream that the caller closed (`>&-`) leads nowhere: Python has None for it, which nobody can write to or ask."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115
