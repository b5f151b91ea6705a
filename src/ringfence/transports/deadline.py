"""The end of the time that a batch has: cuts the connection, however slowly the other side drips."""

import contextlib
import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from types import TracebackType
from typing import TypeVar

T = TypeVar("T")
_CUT = 0.5  # seconds that a connection takes to fail once it is cut


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

    def waited(self, work: Callable[[], T]) -> T:
        """What `work` gives. Raises what it does, TimeoutError where it does not end in time: a library that asks servers of
        its own (Kerberos) cannot be interrupted, so it works in a thread that is left behind then."""
        found: Future[T] = Future()

        def run() -> None:
            try:
                found.set_result(work())
            except Exception as error:
                found.set_exception(error)

        threading.Thread(target=run, daemon=True).start()
        return found.result(self.left() + _CUT)  # the cut ends what waits for the host

    def addresses(self, name: str, port: int, seconds: float) -> list[str]:
        """The addresses of a host. Raises OSError, TimeoutError where there is none in time: a resolver cannot be
        interrupted, so it is asked in a thread that is left behind then. An address is its own."""
        with contextlib.suppress(ValueError):
            return [str(ipaddress.ip_address(name))]
        found: Future[list[str]] = Future()

        def ask() -> None:
            try:
                infos = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
                found.set_result(list(dict.fromkeys(str(info[4][0]) for info in infos)))
            except UnicodeError:  # a name in another script that no Punycode is short enough for
                found.set_exception(socket.gaierror(socket.EAI_NONAME, "Name or service not known"))
            except Exception as error:
                found.set_exception(error)

        threading.Thread(target=ask, daemon=True).start()
        return found.result(min(seconds, self.left()))

    def first(self, connect: Callable[[str], T], addresses: Iterable[str]) -> T:
        """What `connect` gives for the first address at which somebody answers. Raises what the last one did."""
        failure: Exception = OSError("the name has no address")
        for address in addresses:
            if self.over:
                raise TimeoutError
            try:
                return connect(address)
            except Exception as error:  # of the socket, or as a library wraps it
                failure = error
        raise failure

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
