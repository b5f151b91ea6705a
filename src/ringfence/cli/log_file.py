"""--log: a file to which is appended what -vv logs."""

import contextlib
import logging
import os
import sys

_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0)  # a pipe that nobody reads holds nobody up


class LogFile(logging.StreamHandler):  # type: ignore[type-arg]
    """Appends to a file; a new one is for its owner alone. What cannot be written any more stops nothing: `problem` says why.
    Raises OSError where it cannot be opened."""

    def __init__(self, path: str) -> None:
        opened = os.open(os.path.expanduser(path), _FLAGS, 0o600)
        super().__init__(os.fdopen(opened, "w", encoding="utf-8", errors="replace", buffering=1))
        self.path, self.problem = path, ""
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s", "%Y-%m-%dT%H:%M:%S%z"))

    def emit(self, record: logging.LogRecord) -> None:
        if not self.problem:
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:
        error = sys.exc_info()[1]
        self.problem = getattr(error, "strerror", None) or str(error) or type(error).__name__

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.stream.close()
        super().close()
