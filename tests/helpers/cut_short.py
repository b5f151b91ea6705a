"""One batch over a connection that ends after so many bytes of what the server says: what has to come of it, wherever that is."""

import contextlib
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psrp_client
import ssh_hosts
from faulty import HERE, Server, Ssh, WinRm, batch_line, echo

from ringfence.errors import HostError, Unreachable

WHOLE = 10**9  # more bytes than any exchange has
ANY = ("connection_lost", "network", "wrong_service", "protocol", "tls", "authentication", "timeout", "no_answer")


class Relay:
    """Between a client and a server: passes on `length` bytes of what the server says, then ends; one at a time with a pause."""

    def __init__(self, port: int, length: int, pause: float = 0.0) -> None:
        self.port, self.left, self.pause, self.passed = port, length, pause, 0

    def __call__(self, sock: socket.socket) -> None:
        with socket.create_connection((HERE, self.port)) as behind:
            threading.Thread(target=self._forward, args=(sock, behind), daemon=True).start()
            while self.left > 0 and (said := behind.recv(1 if self.pause else 65536)):
                said = said[:self.left]
                self.left -= len(said)
                self.passed += len(said)
                sock.sendall(said)
                time.sleep(self.pause)
            behind.shutdown(socket.SHUT_RDWR)
            sock.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def _forward(sock: socket.socket, behind: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while said := sock.recv(65536):
                behind.sendall(said)
            behind.shutdown(socket.SHUT_WR)  # else the server behind waits for a client that has gone


@contextmanager
def relayed(server: Server, length: int, pause: float = 0.0) -> Iterator[tuple[int, Relay]]:
    relay = Relay(server.port, length, pause)
    with Server(relay) as front:
        yield front.port, relay


@dataclass(frozen=True)
class Exchange:
    """One way in. `total`: bytes that its server says to one batch · `heard`: the batches that reached it."""

    total: int
    heard: list[str]
    cut: Callable[[int], object]

    def wrong(self, length: int) -> str:
        """What is wrong with a run whose connection ends after `length` bytes; nothing where it is as it has to be.

        It fails in one line of a kind that fits, or not at all, for the last bytes of a session may not matter. Where it says
        that nothing was sent the host heard nothing, and it never heard the batch twice.
        """
        self.heard.clear()
        error: HostError | None = None
        try:
            self.cut(length)
        except HostError as failed:
            error = failed
        except Exception as other:
            return f"after {length} bytes: {type(other).__name__}: {other}"
        fits = error is None or (error.kind in ANY and str(error).isprintable())
        heard = len(self.heard) <= (0 if isinstance(error, Unreachable) else 1)
        return "" if fits and heard else f"after {length} bytes, the batch heard {len(self.heard)} times: {error}"


def psrp() -> Exchange:
    """PowerShell remoting over HTTP; its server keeps what clients left behind, so each run has a new one."""
    heard: list[str] = []

    def answer(line: str) -> str:
        heard.append(line)
        return echo(line)

    def cut(length: int) -> int:
        with Server(WinRm(answer)) as behind, relayed(behind, length) as (port, relay):
            psrp_client.run(port)
            return relay.passed

    return Exchange(cut(WHOLE), heard, cut)


@contextmanager
def ssh() -> Iterator[Exchange]:
    """SSH, and what the shell there says."""
    heard: list[str] = []

    def act(channel: Any, command: str) -> int:
        if line := batch_line(channel):
            heard.append(line)
            channel.sendall(echo(line).encode())
        return 0

    def cut(folder: Path, server: Server, length: int) -> int:
        with relayed(server, length) as (port, relay):
            ssh_hosts.run(folder, port)
            return relay.passed

    with tempfile.TemporaryDirectory() as folder, Server(Ssh(act, ssh_hosts.HOST_KEY)) as server:
        one = partial(cut, Path(folder), server)
        yield Exchange(one(WHOLE), heard, one)
