"""A host whose name takes for ever to resolve holds its fork no longer than its variables say."""

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from batches import open_transport
from faulty import HERE, Server, WinRm, full_backlog
from psrp_client import BATCH

from ringfence.errors import Unreachable
from ringfence.transports.deadline import Deadline

WAYS = {"ssh": {"ansible_connection": "ssh"},
        "psrp": {"ansible_psrp_auth": "basic", "ansible_psrp_protocol": "http", "ansible_psrp_message_encryption": "never"},
        "psrp through a proxy": {"ansible_psrp_proxy": "http://proxy.example:3128"}}


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A resolver that does not answer."""
    done = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: done.wait(30) and [])
    yield done
    done.set()


@pytest.mark.parametrize("limit", ["ansible_timeout", "ringfence_batch_timeout"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.usefixtures("stuck")
def test_a_resolver_that_does_not_answer(way: str, limit: str) -> None:
    began = time.monotonic()
    with pytest.raises(Unreachable) as raised:
        open_transport("srv1", {"ansible_user": "u", "ansible_password": "p", **WAYS[way], limit: 1}).run(BATCH)
    # the time for connecting ends as the proxy's failure; that of the batch, a moment later, as the batch's
    assert raised.value.kind in (("network", "timeout") if "proxy" in way else ("timeout",))
    assert "time" in str(raised.value)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(("way", "kind"), [("ssh", "dns"), ("psrp", "network")])  # requests says that it is no URL
def test_a_name_that_cannot_be_asked_for(way: str, kind: str) -> None:
    name = "ü" * 63  # longer than a label may be, once it is in Punycode
    with pytest.raises(Unreachable) as raised:
        open_transport(name, {"ansible_user": "u", "ansible_password": "p", **WAYS[way]}).run(BATCH)
    assert raised.value.kind == kind


def resolves_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Every name has these addresses."""
    real = socket.getaddrinfo

    def getaddrinfo(host: str, *rest: Any, **more: Any) -> Any:
        names = addresses if host == "srv1.example" else (host,)
        return [info for name in names for info in real(name, *rest, **more)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def test_the_second_address_is_tried_and_the_name_stays_the_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    resolves_to(monkeypatch, "127.0.0.2", HERE)
    with Server(WinRm()) as server:
        transport = open_transport("srv1.example", {"ansible_port": server.port, "ansible_user": "u", "ansible_password": "p",
                                                    **WAYS["psrp"]})
        assert transport.run(BATCH)[0]


def test_addresses_that_do_not_answer_share_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with full_backlog() as port, Deadline(1.5) as deadline:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            deadline.first(lambda address: socket.create_connection((address, port), deadline.left()), [HERE] * 50)
        assert time.monotonic() - began < 4
