"""As a program: reads lines of JSON, `[WRITE, HOW, FOLDER, [ARGUMENT…]]`; for each it runs ringfence with the arguments in a copy
of itself, kills that (SIGKILL) at a write of its journal, `before` it or in the `middle` of it, and prints what it ended with.
Nothing of the program gets to know."""

import json
import os
import signal
import sys

from ringfence.cli import app
from ringfence.run.journal import Journal

_write_all, _writes = Journal._write_all, 0


def dies_at(number: int, how: str) -> None:
    """Let the journal be killed at its so manieth write."""
    def killing(journal: Journal, data: bytes) -> None:
        global _writes
        _writes += 1
        if _writes != number:
            _write_all(journal, data)
            return
        os.write(journal._file, data[:{"before": 0, "middle": len(data) // 2}[how]])
        os.kill(os.getpid(), signal.SIGKILL)

    Journal._write_all = killing  # type: ignore[method-assign, assignment]


if __name__ == "__main__":
    for line in sys.stdin:
        write, how, folder, arguments = json.loads(line)
        child = os.fork()
        if not child:
            os.chdir(folder)
            os.dup2(2, 1)
            signal.alarm(60)
            dies_at(write, how)
            try:
                os._exit(app.run(arguments))
            finally:
                os._exit(70)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
