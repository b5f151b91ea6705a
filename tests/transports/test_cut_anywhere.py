"""A connection that ends after any byte, a host that restarts in the middle of a batch, a host that drips: one clear failure,
and the batch is never sent twice."""

import random
import socket
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cut_short
import psrp_client
import pytest
import ssh_hosts
from chance import rounds
from cut_short import WHOLE, Exchange, relayed
from faulty import HERE, Handler, Moment, Server, Ssh, WinRm, batch_line, echo

from ringfence.errors import HostError


def boundaries(exchange: Exchange, closely: int) -> list[int]:
    """The bytes of the beginning (a part of them, of which each comes at some time), then about thirty more up to the end, each
    at another place of its lines."""
    step, far = closely // rounds(closely), max(1, (exchange.total - closely) // 30 | 1)
    return [*range(random.randrange(step), closely, step), *range(closely, exchange.total, far)]


@pytest.mark.chance
def test_psrp_that_ends_after_any_byte() -> None:
    """The first answer with its headers, and a sample of the rest; `make soak` tries every byte of all."""
    exchange = cut_short.psrp()
    assert [wrong for length in boundaries(exchange, 480) if (wrong := exchange.wrong(length))] == []


@pytest.mark.chance
def test_ssh_that_ends_after_any_byte() -> None:
    """The greeting and of what is said in the clear after it, and a sample of the rest."""
    with cut_short.ssh() as exchange:
        assert [wrong for length in boundaries(exchange, 300) if (wrong := exchange.wrong(length))] == []


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
    with Server(handle) as server, relayed(server, WHOLE, 0.05) as (port, _), pytest.raises(HostError) as caught:
        run(port, ringfence_batch_timeout=2)
    assert caught.value.kind in ("timeout", "no_answer")
    assert time.monotonic() - began < 20
