"""The command line: the only place that reads flags, prints and exits."""

import os
import sys

from ringfence import __version__
from ringfence.cli.streams import guard_streams, mute, open_closed_streams


def main() -> None:
    """The program `ringfence`."""
    open_closed_streams()
    if "_RINGFENCE_COMPLETE" in os.environ:  # asked at every Tab: not worth anything else
        from ringfence.cli.completion import main as complete

        sys.exit(complete())
    guard_streams()
    from ringfence.errors import ExitCode

    code: int = 0
    try:
        if sys.argv[1:] == ["--version"]:  # asked by scripts, and often: not worth importing a parser of flags
            sys.stdout.write(f"ringfence {__version__}\n")
            sys.stdout.flush()
            return
        from ringfence.cli.app import run  # takes long enough for somebody to press Ctrl-C
        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
    except OSError as error:  # --help, --version: commands have their own words for it
        mute(sys.stdout)
        if not isinstance(error, BrokenPipeError):  # nobody reads on: as anywhere, no mistake
            sys.stderr.write(f"error: standard output: {error.strerror or error}\n")
            code = 1
    if code in (ExitCode.INTERRUPTED, ExitCode.TERMINATED):  # hosts may still be at work, in threads that Python would wait for
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)
    sys.exit(code)
