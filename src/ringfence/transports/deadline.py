"""The end of the time that a batch has: cuts the connection, however slowly the other side drips."""

import contextlib
import socket
import threading
import time
from types import TracebackType


class Deadline:
    """A context that shuts down the watched connection once `seconds` have passed, from another thread.

    Timeouts of sockets start again with every byte; this one does not. `over` tells whether it came to that.
    """

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._watched: socket.socket | None = None
        self.over = False

    def __enter__(self) -> "Deadline":
        self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._timer.cancel()
        with self._lock:
            self._forget()

    def left(self) -> float:
        """Seconds that are left; never less than a hundredth, so that it can serve as a timeout."""
        return max(self._end - time.monotonic(), 0.01)

    def sleep(self, seconds: float) -> None:
        """Sleep, but not past the end."""
        time.sleep(min(seconds, self.left()))

    def watch(self, connection: socket.socket) -> None:
        """Have this connection shut down at the end, instead of the one watched before.

        A duplicate of the socket is kept, for its owner may wrap it (TLS) or close it.
        """
        with self._lock:
            self._forget()
            self._watched = connection.dup()
            if self.over:
                self._shut_down()

    def _cut(self) -> None:
        with self._lock:
            self.over = True
            self._shut_down()

    def _shut_down(self) -> None:
        if self._watched:
            with contextlib.suppress(OSError):
                self._watched.shutdown(socket.SHUT_RDWR)

    def _forget(self) -> None:
        if self._watched:
            self._watched.close()
            self._watched = None
