"""Logging on asks servers of its own (Kerberos): whether these answer or not, the deadline of the batch holds."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import spnego
from batches import open_transport
from faulty import Server, always, response
from psrp_client import BATCH, variables

from ringfence.errors import Unreachable

WANTS_A_TICKET = always(response(401, www_authenticate="Negotiate"))

NEGOTIATE = {"ansible_psrp_auth": "negotiate", "ansible_psrp_message_encryption": "auto"}


class Stuck:
    """Stands in for Kerberos while its servers do not answer."""

    def __init__(self) -> None:
        self.asked, self.done = 0, threading.Event()

    def __call__(self, *_: Any, **__: Any) -> "Stuck":
        return self

    complete = False

    def step(self, token: bytes | None = None) -> bytes:
        self.asked += 1
        self.done.wait(30)
        return b""


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stuck]:
    found = Stuck()
    monkeypatch.setattr(spnego, "client", found)
    yield found
    found.done.set()


def test_a_ticket_that_never_comes(stuck: Stuck) -> None:
    began = time.monotonic()
    with Server(WANTS_A_TICKET) as server, pytest.raises(Unreachable) as raised:
        open_transport("srv1", variables(server.port, **NEGOTIATE, ringfence_batch_timeout=1)).run(BATCH)
    assert raised.value.kind == "timeout"
    assert "1 s for the batch are over" in str(raised.value)
    assert stuck.asked == 1
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("error", [
    spnego.exceptions.NoCredentialError(context_msg="no ticket"),
    # as of a package that need not be there: tests/transports/test_psrp_kerberos.py has the real one
    type("Krb5Error", (Exception,), {"__module__": "krb5._exceptions"})("no ticket")])
def test_what_fails_while_logging_on_is_told(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(spnego, "client", fails)
    with Server(WANTS_A_TICKET) as server, pytest.raises(Unreachable, match="no ticket") as raised:
        open_transport("srv1", variables(server.port, **NEGOTIATE)).run(BATCH)
    assert raised.value.kind == "authentication"
