"""A connection that ends after any byte, a host that restarts in the middle of a batch, a host that drips: one clear failure,
and the batch is never sent twice."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psrp_client
import pytest
import ssh_hosts
from faulty import HERE, Handler, Moment, Server, Ssh, WinRm, batch_line, echo

from ringfence.errors import HostError, Unreachable

ANY = ("connection_lost", "network", "wrong_service", "protocol", "tls", "authentication", "timeout", "no_answer")


class Relay:
    """Between a client and a server: passes on `length` bytes of what the server says, `pace` at a time, then ends."""

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
        try:
            while said := sock.recv(65536):
                behind.sendall(said)
        except OSError:
            pass


@contextmanager
def relayed(server: Server, length: int, pause: float = 0.0) -> Iterator[tuple[int, Relay]]:
    relay = Relay(server.port, length, pause)
    with Server(relay) as front:
        yield front.port, relay


def lengths(total: int, closely: int) -> list[int]:
    """Every byte of the beginning, then about thirty more up to the end, each at another place of its lines."""
    return [*range(closely), *range(closely, total, max(1, (total - closely) // 30 | 1))]


def test_psrp_that_ends_after_any_byte() -> None:
    heard: list[str] = []

    def answer(line: str) -> str:
        heard.append(line)
        return echo(line)

    with Server(WinRm(answer)) as server:
        with relayed(server, 10**9) as (port, relay):
            psrp_client.run(port)
            heard.clear()
            total = relay.passed
        for length in lengths(total, 12):
            with Server(WinRm(answer)) as behind, relayed(behind, length) as (port, _):
                check(failure(partial(psrp_client.run, port)), heard)


def test_ssh_that_ends_after_any_byte(tmp_path: Path) -> None:
    heard: list[str] = []

    def act(channel: Any, command: str) -> int:
        if line := batch_line(channel):
            heard.append(line)
            channel.sendall(echo(line).encode())
        return 0

    with Server(Ssh(act, ssh_hosts.HOST_KEY)) as server:
        with relayed(server, 10**9) as (port, relay):
            ssh_hosts.run(tmp_path, port)
            total = relay.passed
        heard.clear()
        for length in lengths(total, 22):
            with relayed(server, length) as (port, _):
                check(failure(partial(ssh_hosts.run, tmp_path, port)), heard)


def failure(run: Callable[[], object]) -> HostError | None:
    """How a run failed; the last bytes of a session may not matter."""
    try:
        run()
    except HostError as error:
        return error
    return None


def check(error: HostError | None, heard: list[str]) -> None:
    """One line, of a kind that fits. Where nothing was sent the host heard nothing; it never heard it twice."""
    assert error is None or (error.kind in ANY and str(error).isprintable()), error
    assert len(heard) <= (0 if isinstance(error, Unreachable) else 1), error
    heard.clear()


def test_a_host_that_restarts_in_the_middle_of_a_batch() -> None:
    """The listener goes, then connections are refused, then it is back: the batch is lost and is not sent again."""
    servers: list[Server] = []

    def restart(moment: Moment) -> None:
        if moment.answering:
            servers[0].stop_listening()
            moment.sock.shutdown(socket.SHUT_RDWR)
            raise EOFError

    winrm = WinRm(fail=restart)
    with Server(winrm) as server:
        servers.append(server)
        psrp_client.fails(server.port, "connection_lost", sent=True, ansible_psrp_reconnection_retries=3)
        psrp_client.fails(server.port, "connection_refused", sent=False)
    assert winrm.actions.count("Command") == 1
    again = socket.create_server((HERE, server.port))
    with Server(WinRm(), again) as back:
        assert psrp_client.run(back.port)[0]


@pytest.mark.parametrize("way", ["psrp", "ssh"])
def test_a_host_that_drips(way: str, tmp_path: Path) -> None:
    """A byte now and then keeps every timeout of the connection from firing; the deadline of the batch holds."""
    def act(channel: Any, command: str) -> int:
        channel.sendall(echo(batch_line(channel)).encode())
        return 0

    ways: dict[str, tuple[Handler, Callable[..., object]]] = {"psrp": (WinRm(), psrp_client.run),
        "ssh": (Ssh(act, ssh_hosts.HOST_KEY), partial(ssh_hosts.run, tmp_path))}
    handle, run = ways[way]
    began = time.monotonic()
    with Server(handle) as server, relayed(server, 10**9, 0.05) as (port, _), pytest.raises(HostError) as caught:
        run(port, ringfence_batch_timeout=2)
    assert caught.value.kind in ("timeout", "no_answer")
    assert time.monotonic() - began < 20
