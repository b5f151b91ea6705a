"""The end of the time that a batch has: cuts whatever is being waited on, however slowly the other side drips."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from types import TracebackType


class Deadline:
    """A context that calls every function given to `at_end` once `seconds` have passed, from another thread.

    Timeouts of sockets start again with every byte; this one does not. `over` tells whether it came to that.
    """

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._cutters: list[Callable[[], None]] = []
        self._sockets: list[socket.socket] = []
        self.over = False

    def __enter__(self) -> "Deadline":
        self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._timer.cancel()
        with self._lock:
            self._cutters.clear()
            for watched in self._sockets:
                watched.close()

    def left(self) -> float:
        """Seconds that are left; never less than a hundredth, so that it can serve as a timeout."""
        return max(self._end - time.monotonic(), 0.01)

    def sleep(self, seconds: float) -> None:
        """Sleep, but not past the end."""
        time.sleep(min(seconds, self.left()))

    def at_end(self, cut: Callable[[], None]) -> None:
        """Have `cut` called at the end, or now if that is past. It must be quick and may be called in any thread."""
        with self._lock:
            self._cutters.append(cut)
            past = self.over
        if past:
            cut()

    def watch(self, connection: socket.socket) -> None:
        """Have the connection of a socket shut down at the end, whatever owns the socket by then (TLS wraps it)."""
        watched = connection.dup()
        with self._lock:
            self._sockets.append(watched)

        def cut() -> None:
            with contextlib.suppress(OSError):
                watched.shutdown(socket.SHUT_RDWR)
        self.at_end(cut)

    def _cut(self) -> None:
        with self._lock:
            self.over = True
            cutters = list(self._cutters)
        for cut in cutters:
            cut()
