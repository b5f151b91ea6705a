"""Accepting connections for a whole fleet of simulated hosts: one thread that waits, one short-lived thread a connection."""

import contextlib
import logging
import selectors
import socket
import struct
import threading
from collections.abc import Callable
from typing import Literal

Verdict = Literal["accept", "reset", "silent"]
Serve = Callable[[socket.socket, "Connections"], None]

log = logging.getLogger(__name__)


class Connections:
    """The open sockets and the threads of one listener; closing it ends them all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._threads: set[threading.Thread] = set()
        self._closed = False

    def start(self, work: Callable[[], None], name: str) -> None:
        """Run `work` in a thread that `close` waits for."""

        def body() -> None:
            try:
                work()
            except Exception:
                log.exception("lab server thread failed")
            finally:
                with self._lock:
                    self._threads.discard(thread)

        thread = threading.Thread(target=body, name=name, daemon=True)
        with self._lock:
            if self._closed:
                return
            self._threads.add(thread)
            thread.start()

    def add(self, sock: socket.socket) -> None:
        """Remember a socket so that it can be cut; a closed listener cuts it at once."""
        with self._lock:
            self._sockets.add(sock)
            closed = self._closed
        if closed:
            cut(sock)

    def discard(self, sock: socket.socket) -> None:
        """Close a socket and forget it: in an orderly way, unless it is to be reset."""
        with self._lock:
            self._sockets.discard(sock)
        with contextlib.suppress(OSError):
            if sock.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, len(_RESET)) != _RESET:
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
        sock.close()

    def drop(self) -> None:
        """Cut every connection without a word, as a power loss does. New ones are still accepted."""
        with self._lock:
            sockets = list(self._sockets)
        for sock in sockets:
            cut(sock)

    def close(self, seconds: float = 5.0) -> None:
        """Cut everything, then wait for the threads (at most `seconds` in all: one may hang inside a simulated host)."""
        with self._lock:
            self._closed = True
            threads = [t for t in self._threads if t is not threading.current_thread()]
        self.drop()
        for thread in threads:
            thread.join(max(0.05, seconds / len(threads)))


_RESET = struct.pack("ii", 1, 0)


def reset_on_close(sock: socket.socket) -> None:
    """Have the peer see a reset when the socket is closed."""
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)


def cut(sock: socket.socket) -> None:
    """End a connection that another thread uses: it wakes up and closes the socket."""
    reset_on_close(sock)
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


class Listener:
    """One listening port. `judge` decides for each new connection; existing ones are never asked again."""

    def __init__(self, acceptor: "Acceptor", sock: socket.socket, serve: Serve, judge: Callable[[], Verdict]) -> None:
        self.port: int = sock.getsockname()[1]
        self.connections = Connections()
        self._acceptor, self._sock, self._serve, self._judge = acceptor, sock, serve, judge

    def accept(self) -> None:
        """Take what is waiting. Called by the acceptor's thread, so it never blocks: even the verdict is somebody else's."""
        with contextlib.suppress(OSError):
            sock, _ = self._sock.accept()
            sock.setblocking(True)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections.add(sock)
            self.connections.start(lambda: self._handle(sock), f"lab-connection-{self.port}")

    def _handle(self, sock: socket.socket) -> None:
        verdict = self._judge()
        if verdict == "reset":
            reset_on_close(sock)
        try:
            if verdict == "accept":
                self._serve(sock, self.connections)
            elif verdict == "silent":
                while sock.recv(65536):
                    pass
        except OSError as error:
            log.debug("connection on port %d ended: %s", self.port, error)
        finally:
            self.connections.discard(sock)

    def close(self) -> None:
        """Stop listening and end every connection."""
        self._acceptor.forget(self._sock)
        self._sock.close()
        self.connections.close()


class Acceptor:
    """The one thread that waits for connections of all hosts. Idle hosts cost no thread and no wake-ups."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ, None)
        self._lock = threading.Lock()
        self._closing = False
        self._listeners: list[Listener] = []
        self._thread = threading.Thread(target=self._loop, name="lab-acceptor", daemon=True)
        self._thread.start()

    def listen(self, serve: Serve, judge: Callable[[], Verdict], port: int = 0, address: str = "127.0.0.1") -> Listener:
        """Open a port (0: a free one) and serve each admitted connection in a thread of its own. Raises OSError."""
        sock = socket.create_server((address, port), backlog=128)
        sock.setblocking(False)
        listener = Listener(self, sock, serve, judge)
        with self._lock:
            self._listeners.append(listener)
            self._selector.register(sock, selectors.EVENT_READ, listener)
        self._wake.send(b"+")
        return listener

    def forget(self, sock: socket.socket) -> None:
        """Stop watching a listening socket."""
        with self._lock, contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(sock)

    def _loop(self) -> None:
        while not self._closing:
            for key, _ in self._selector.select():
                if key.data is None:
                    self._woken.recv(4096)
                else:
                    key.data.accept()

    def close(self) -> None:
        """Close every listener, then the thread."""
        for listener in self._listeners:
            listener.close()
        self._closing = True
        self._wake.send(b".")
        self._thread.join()
        self._selector.close()
        self._wake.close()
        self._woken.close()

    def __enter__(self) -> "Acceptor":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
