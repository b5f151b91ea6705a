"""ringfence's own way in with Kerberos tickets, from a real KDC: it logs on, says what is wrong, and outlasts hostile KDCs.

Skipped where krb5 is not installed (tests/helpers/kerberos_realm.py).
"""

import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from batches import open_transport
from faulty import Server, always, response
from kerberos_realm import NAME, NEEDS_A_KDC, PASSWORD, REALM, USER, krb5_conf, tool
from lab_machine import ADMIN, host
from lab_servers import EchoHost
from psrp_client import BATCH, fails, run, variables

from ringfence.batch import Reply
from ringfence.lab import SimulatedHost
from ringfence.lab.listeners import Acceptor
from ringfence.lab.winrm.winrm_logon import AuthMethods
from ringfence.lab.winrm.winrm_server import WinRMServer
from ringfence.lab.winrm.winrm_settings import WinRMSettings
from ringfence.secret import Secret

pytestmark = NEEDS_A_KDC

TICKET: dict[str, Any] = {
    "ansible_user": USER, "ansible_password": Secret(PASSWORD), "ansible_psrp_auth": "kerberos",
    "ansible_psrp_message_encryption": "auto", "ansible_psrp_negotiate_hostname_override": NAME,
    "ansible_psrp_negotiate_service": "host"}


@pytest.fixture
def service(realm: Path) -> Iterator[WinRMServer]:
    simulated = SimulatedHost(host())
    with Acceptor() as gate:
        served = WinRMServer(gate, EchoHost(accounts={USER: "not used"}, act=lambda batch: simulated.run(batch, ADMIN)),
                             WinRMSettings(methods=AuthMethods(basic=False, unencrypted=False)))
        yield served
        served.close()


def values(reply: Reply) -> Any:
    (answer,) = reply.answers.values()
    assert answer.error is None
    return answer.value


@pytest.mark.parametrize("auth", ["kerberos", "negotiate"])
def test_a_ticket_for_a_password(service: WinRMServer, auth: str) -> None:
    assert values(run(service.port, **TICKET | {"ansible_psrp_auth": auth}))["wire"]
    assert isinstance(service.host, EchoHost)
    assert service.host.runs[0][1].user == USER


def test_the_ticket_that_is_there_already(service: WinRMServer) -> None:
    subprocess.run(tool("kinit", USER), input=f"{PASSWORD}\n", text=True, check=True, capture_output=True)
    without = {name: value for name, value in variables(service.port, **TICKET).items()
               if name not in ("ansible_user", "ansible_password")}
    assert values(open_transport("srv1", without).run(BATCH))["wire"]
    assert isinstance(service.host, EchoHost)
    assert service.host.runs[0][1].user == USER


@pytest.mark.parametrize("wrong", [
    {"ansible_password": Secret("another")}, {"ansible_user": f"nobody@{REALM}"}, {"ansible_user": "ops@ELSEWHERE.EXAMPLE"},
    {"ansible_psrp_negotiate_hostname_override": "lab2.lab.example"}, {"ansible_psrp_negotiate_service": "cifs"}])
def test_no_ticket_for_it(service: WinRMServer, wrong: dict[str, Any]) -> None:
    error = fails(service.port, "authentication", **TICKET | wrong)
    assert PASSWORD not in str(error)


def test_a_host_that_does_not_know_the_account(realm: Path) -> None:
    with Acceptor() as gate:
        served = WinRMServer(gate, EchoHost(accounts={"local": "p"}), WinRMSettings(methods=AuthMethods(basic=False)))
        fails(served.port, "authentication", **TICKET)
        served.close()


@pytest.mark.parametrize("token", ["Negotiate AAAA", "Negotiate YIIB", "Kerberos oRQwEqADCgEBoQsGCSqGSIb3EgECAg=="])
def test_a_host_that_answers_a_ticket_with_nonsense(realm: Path, token: str) -> None:
    with Server(always(response(401, www_authenticate=token))) as server:
        fails(server.port, "authentication", **TICKET)


def nothing(connection: socket.socket) -> None:
    connection.recv(4096)


def silent(connection: socket.socket) -> None:
    connection.recv(4096)
    time.sleep(4)


def nonsense(connection: socket.socket) -> None:
    connection.recv(4096)
    connection.sendall(b"\x00\x00\x00\x10" + bytes(range(16)))


def without_end(connection: socket.socket) -> None:
    connection.recv(4096)
    connection.sendall(b"\x7f\xff\xff\xff")
    for _ in range(100):
        connection.sendall(bytes(100_000))


@contextmanager
def kdc(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """A KDC that answers each connection so."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection, suppress(OSError):
                    answer(connection)
        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("answer", [nothing, silent, nonsense, without_end])
def test_a_hostile_kdc(
    service: WinRMServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Callable[[socket.socket], None]
) -> None:
    """Whatever it says, the batch ends in time with a reason."""
    with kdc(answer) as port:
        (tmp_path / "krb5.conf").write_text(krb5_conf(port))
        monkeypatch.setenv("KRB5_CONFIG", str(tmp_path / "krb5.conf"))
        monkeypatch.setenv("KRB5CCNAME", str(tmp_path / "ccache"))
        begun = time.monotonic()
        fails(service.port, "timeout" if answer is silent else "authentication", **TICKET | {"ringfence_batch_timeout": 3})
        assert time.monotonic() - begun < 20
