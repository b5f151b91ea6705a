"""TCP forwarding of a simulated host's sshd: the channel of a client, and the connection that it leads to."""

import contextlib
import socket
import threading
from collections.abc import Callable
from functools import partial

import paramiko

from ringfence.lab.listeners import Connections


class Forwarding:
    """One forwarded connection. The end of what one side sends is passed on as that alone (RFC 4254 5.3: the other direction goes
    on), and the direction that ends last closes both: nobody closes what somebody else reads."""

    def __init__(self, target: socket.socket, connections: Connections) -> None:
        self._target, self._connections = target, connections
        self._left, self._lock = 2, threading.Lock()
        connections.add(target)

    def start(self, channel: paramiko.Channel) -> None:
        """Carry data both ways until both have ended."""
        target = self._target
        for way in (partial(self._carry, channel, channel.recv, target.sendall, lambda: target.shutdown(socket.SHUT_WR)),
                    partial(self._carry, channel, target.recv, channel.sendall, channel.shutdown_write)):
            self._connections.start(way, "lab-forward")

    def _carry(self, channel: paramiko.Channel, read: Callable[[int], bytes], write: Callable[[bytes], None],
               end: Callable[[], None]) -> None:
        try:
            while data := read(65536):
                write(data)
            end()
        except (OSError, EOFError):  # one side is gone, and with it both directions
            self.end()
            _close(channel)
        with self._lock:
            self._left -= 1
            is_last = not self._left
        if is_last:
            _close(channel)
            self._connections.discard(self._target)

    def end(self) -> None:
        """The client is gone, or has closed its channel: nobody waits for the rest."""
        with contextlib.suppress(OSError):
            self._target.shutdown(socket.SHUT_RDWR)


def _close(channel: paramiko.Channel) -> None:
    with contextlib.suppress(OSError, EOFError):
        channel.close()
