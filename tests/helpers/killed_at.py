"""As a program: `killed_at.py WRITE HOW ARGUMENT…` runs ringfence with the arguments, and kills it (SIGKILL) at a write of its
journal: `before` it or in the `middle` of it. Nothing of the program gets to know."""

import os
import signal
import sys

from ringfence.cli import app
from ringfence.run.journal import Journal

_write_all, _writes = Journal._write_all, 0


def killing(journal: Journal, data: bytes) -> None:
    """Write, and be killed."""
    global _writes
    _writes += 1
    if _writes != int(sys.argv[1]):
        _write_all(journal, data)
        return
    part = {"before": 0, "middle": len(data) // 2}[sys.argv[2]]
    os.write(journal._file, data[:part])
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    Journal._write_all = killing  # type: ignore[method-assign, assignment]
    sys.exit(app.run(sys.argv[3:]))
