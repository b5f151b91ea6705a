"""PSRP: connecting, faults, TLS, retries, against servers that fail. Each failure has its kind and one clear line."""

import socket
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
import requests
from batches import batch_of, open_transport
from faulty import (
    HERE,
    Moment,
    Server,
    WinRm,
    always,
    certificate,
    envelope,
    fault,
    free_port,
    full_backlog,
    over_tls,
    request,
    response,
)
from psrp_client import BATCH, fails, run, variables
from pypsrp.complex_objects import ApartmentState, Command, HostInfo, Pipeline, RemoteStreamOptions
from pypsrp.messages import CreatePipeline
from pypsrp.serializer import Serializer

from ringfence.batch import Call
from ringfence.batch.jea import FUNCTION
from ringfence.batch.scripts import script
from ringfence.errors import Unreachable
from ringfence.secret import Secret
from ringfence.transports import psrp
from ringfence.transports.connection_settings import PsrpSettings
from ringfence.transports.deadline import Deadline
from ringfence.transports.http import BoundedSession, BoundedWSMan, _Preparer


def test_works() -> None:
    with Server(WinRm()) as server:
        transport = open_transport("srv1", variables(server.port))
        for _ in range(2):
            assert transport.run(BATCH)[0] == {"text": "ä€😀_x000D_\u0001"}
        assert server.connections == 2  # a new connection for each batch
    assert (transport.name, transport.round_trips) == ("psrp", 2)
    assert transport.bytes_sent > transport.bytes_received > 1000


def test_a_pipeline_is_written_as_pypsrp_writes_it_and_once() -> None:
    written = set()
    for text, protocol, own_scope in ((script(), "2.3", True), (script(writes=True), "2.3", True), (script(), "2.1", True),
                                      (script(), "2.2", True), (script(), "2.3", False), (FUNCTION, "2.3", None)):
        def message(text: str = text, protocol: str = protocol, own_scope: bool | None = own_scope) -> CreatePipeline:
            command = Command(text, protocol, is_script=text != FUNCTION, use_local_scope=own_scope)
            return CreatePipeline(False, ApartmentState(value=2), RemoteStreamOptions(value=15), False, HostInfo(host=None),
                                  Pipeline(is_nested=False, cmds=[command], history=None, redirect_err_to_out=False), False)

        made: Any = Serializer().serialize(message())
        ours = psrp._OnceWritingSerializer().serialize(message())
        assert ours.replace(b"\n", b"_x000A_") == ET.tostring(made, encoding="utf-8", method="xml")
        assert psrp._OnceWritingSerializer().serialize(message()) is ours
        written.add(ours)
    assert len(written) == 6


@pytest.mark.parametrize("text", ["one\ntwo\n", "'_x000A_' is text\n", "_x005F_x000A_\n_x005F_\n", "\r\n\t_\n"])
def test_a_script_is_read_as_it_was_whatever_is_escaped_in_it(text: str) -> None:
    written = ET.fromstring(psrp._clixml(psrp._ConstantMessage((text,), Command(text, "2.3", is_script=True))))
    (said,) = (one for one in written.iter("S") if one.get("N") == "Cmd")
    assert Serializer()._deserialize_string(said.text) == text


def test_large_batch_and_reply() -> None:
    batch = batch_of(Call("Net.Call", {"text": "x" * 3_000_000}))
    with Server(WinRm()) as server:
        assert len(open_transport("srv1", variables(server.port)).run(batch)[0]["text"]) == 3_000_000


def test_refused() -> None:
    port = free_port()
    fails(port, "connection_refused", f"{HERE}:{port}")


def test_no_answer_to_connecting() -> None:
    with full_backlog() as port:
        fails(port, "timeout", str(port), ansible_timeout=0.3)


def _swallow(sock: socket.socket) -> None:
    while sock.recv(65536):
        pass


def test_silent_after_connecting() -> None:
    with Server(_swallow) as server:
        fails(server.port, "timeout", ansible_psrp_read_timeout=1.2)


def test_silent_until_the_end() -> None:
    """The time for the batch bounds connecting too, whatever the timeouts of its steps."""
    with Server(_swallow) as server:
        began = time.monotonic()
        fails(server.port, "timeout", "1 s", ringfence_batch_timeout=1, ansible_psrp_read_timeout=60)
        assert time.monotonic() - began < 5


def test_name() -> None:
    fails(5985, "dns", "no-such-host.invalid", ansible_host="no-such-host.invalid")


def test_closed_at_once_and_retries() -> None:
    with Server(lambda sock: None) as server:
        fails(server.port, "network")
        assert server.connections == 1
        fails(server.port, "network", ansible_psrp_reconnection_retries=2)
        assert server.connections == 4


def test_a_refusal_to_log_on_is_not_tried_again() -> None:
    """Else a wrong password locks the account."""
    with Server(always(response(401, WWW_Authenticate='Basic realm="WSMAN"'))) as server:
        fails(server.port, "authentication", ansible_psrp_reconnection_retries=5)
        assert server.connections == 1


def test_retry_reaches_a_host_that_comes_up() -> None:
    calls: list[int] = []
    works = WinRm()

    def handle(sock: socket.socket) -> None:
        calls.append(1)
        if len(calls) > 2:
            works(sock)

    with Server(handle) as server:
        assert run(server.port, ansible_psrp_reconnection_retries=3)[0]
        assert len(calls) == 3


@pytest.mark.parametrize(("status", "kind", "said"), [
    (401, "authentication", "admin with basic"), (403, "authorization", "HTTP 403"), (404, "wrong_service", "HTTP 404"),
    (405, "wrong_service", "HTTP 405"), (407, "authentication", "HTTP 407"), (413, "quota", "HTTP 413"),
    (500, "wrong_service", "AllowUnencrypted"), (502, "wrong_service", "HTTP 502"), (503, "connection_refused", "HTTP 503")])
def test_http_status(status: int, kind: str, said: str) -> None:
    with Server(always(response(status))) as server:
        fails(server.port, kind, said)


def test_method_not_offered() -> None:
    with Server(always(response(401, WWW_Authenticate='Basic realm="WSMAN"'))) as server:
        fails(server.port, "authentication", "ntlm is not offered, but: Basic", ansible_psrp_auth="ntlm",
              ansible_psrp_message_encryption="auto")


@pytest.mark.parametrize("token", ["", "!!!", "TlRMTVNTUAACAAAA", "AAAA"])
def test_damaged_handshake(token: str) -> None:
    with (Server(always(response(401, WWW_Authenticate=f"Negotiate {token}"))) as server,
          pytest.raises(Unreachable) as caught):
        run(server.port, ansible_psrp_auth="ntlm", ansible_psrp_message_encryption="auto")
    assert caught.value.kind in ("authentication", "wrong_service")


@pytest.mark.parametrize("garbage", [b"SSH-2.0-OpenSSH_9.6\r\n", b"\0" * 100, b"HTTP/1.1 200 OK\r\n\r\nhello",
                                     response(200, b"not XML"), response(200, b"<a/>"), response(200, envelope(""))])
def test_another_service(garbage: bytes) -> None:
    def handle(sock: socket.socket) -> None:
        with sock.makefile("rb") as stream:
            request(stream)
            sock.sendall(garbage)
    with Server(handle) as server, pytest.raises(Unreachable) as caught:
        run(server.port)
    assert caught.value.kind == "wrong_service"


@pytest.mark.parametrize(("code", "text", "kind"), [
    (5, "Access is denied. ", "authorization"),
    (2150858811, "The resource URI was not found in the WS-Management catalog.", "endpoint"),
    (2150858752, "The service cannot find the resource.", "endpoint"),
    (2, "The system cannot find the file specified.", "endpoint"),
    (2150859173, "This user is allowed a maximum number of 5 concurrent shells, which has been exceeded.", "quota"),
    (2150859236, "The maximum number of concurrent shells for this user has been exceeded.", "quota"),
    (2150858823, "The WS-Management service cannot process a request: MaxEnvelopeSize.", "quota"),
    ("w:InternalError", "The maximum number of concurrent commands per shell has been exceeded.", "quota"),
    (2150859180, "The WinRM service is not configured to accept any remote shell requests.", "authorization"),
    (1326, "The user name or password is incorrect.", "authentication"),
    (995, "The I/O operation has been aborted.", "script"),
])
@pytest.mark.parametrize(("at", "sent"), [("Create", False), ("Receive", False), ("Command", True)])
def test_faults(code: int | str, text: str, kind: str, at: str, sent: bool) -> None:
    answer = response(500, envelope(fault(code, text)))
    winrm = WinRm(fail=lambda moment: answer if moment.action == at else None)
    with Server(winrm) as server:
        fails(server.port, kind, text.strip(), sent)
        assert winrm.actions.count("Command") == sent


def test_host_at_work_is_waited_for() -> None:
    """An operation timeout is how a host says that it is not done yet."""
    waits = [b"", b""]

    def fail(moment: Moment) -> bytes | None:
        if moment.answering and waits:
            waits.pop()
            return response(500, envelope(fault(2150858793, "The operation timed out.")))
        return None

    with Server(WinRm(fail=fail)) as server:
        assert run(server.port)[0]
        assert not waits


# TLS

@pytest.mark.parametrize(("name", "days", "said"), [
    (HERE, 1, "self-signed certificate"), (HERE, -1, "expired"), ("srv2.example", 1, "mismatch")])
def test_certificate_not_accepted(tmp_path: Path, name: str, days: int, said: str) -> None:
    pem, _ = certificate(tmp_path, name, days)
    trusted: dict[str, Any] = {} if "signed" in said else {"ansible_psrp_ca_cert": str(pem)}
    with Server(over_tls(pem, WinRm())) as server:
        fails(server.port, "tls", said, ansible_psrp_protocol="https", **_tls(trusted))


def _tls(more: dict[str, Any]) -> dict[str, Any]:
    return {"ansible_psrp_message_encryption": "auto", **more}


def test_certificate_by_authority_fingerprint_or_not_at_all(tmp_path: Path) -> None:
    pem, digest = certificate(tmp_path, HERE)
    other, wrong = certificate(tmp_path, HERE)
    spelled = ":".join(digest[i:i + 2] for i in range(0, 64, 2)).upper()
    with Server(over_tls(pem, WinRm())) as server:
        https = _tls({"ansible_psrp_protocol": "https"})
        for more in ({"ansible_psrp_ca_cert": str(pem)}, {"ringfence_cert_fingerprint": spelled},
                     {"ringfence_cert_fingerprint": f"SHA256:{digest}", "ansible_psrp_ca_cert": str(other)},
                     {"ansible_psrp_cert_validation": "ignore"}):
            assert run(server.port, **https, **more)[0]
        fails(server.port, "tls", "fingerprint", ringfence_cert_fingerprint=wrong, **https)
        fails(server.port, "tls", "fingerprint", ringfence_cert_fingerprint=wrong,
              ansible_psrp_cert_validation="ignore", **https)


def test_http_where_https_is_meant_and_the_reverse(tmp_path: Path) -> None:
    def speaks_http(sock: socket.socket) -> None:
        sock.recv(100)
        sock.sendall(response(400))
    with Server(speaks_http) as server:
        fails(server.port, "wrong_service", "does not speak TLS", ansible_psrp_protocol="https", **_tls({}))
    with Server(over_tls(certificate(tmp_path, HERE)[0], WinRm())) as server:
        fails(server.port, "network")


def test_cut_in_the_tls_handshake() -> None:
    with Server(lambda sock: sock.recv(10)) as server:
        fails(server.port, "network", ansible_psrp_protocol="https", **_tls({}))


def test_silent_in_the_tls_handshake() -> None:
    with Server(_swallow) as server:
        fails(server.port, "timeout", ansible_psrp_protocol="https", ansible_timeout=0.5, **_tls({}))


# proxies

def test_proxy_is_used() -> None:
    asked: list[bytes] = []

    def proxy(sock: socket.socket) -> None:
        asked.append(sock.recv(100))
        sock.sendall(response(407))
    with Server(proxy) as server:
        more: dict[str, Any] = {"ansible_psrp_proxy": f"http://{HERE}:{server.port}", "ansible_host": "srv1.example"}
        fails(5985, "authentication", "the proxy wants a password", **more)
        assert asked[0].startswith(b"POST http://srv1.example:5985/wsman")
        fails(5986, "network", "proxy", ansible_psrp_protocol="https", **_tls(more))
        assert asked[1].startswith(b"CONNECT srv1.example:5986")


def test_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://{HERE}:{free_port()}")
    monkeypatch.delenv("no_proxy", raising=False)
    with Server(WinRm()) as server:
        fails(server.port, "network", "proxy", ansible_psrp_ignore_proxy=False)
        assert run(server.port, ansible_psrp_ignore_proxy=True)[0]
        monkeypatch.setenv("no_proxy", "10.0.0.0/8," + HERE)
        assert run(server.port, ansible_psrp_ignore_proxy=False)[0]


@pytest.mark.parametrize(("ours", "curls", "ca_cert", "validation", "verify"), [
    ("", "", None, "validate", True), ("/ours.pem", "/curls.pem", None, "validate", "/ours.pem"),
    ("", "/curls.pem", None, "validate", "/curls.pem"), ("/ours.pem", "", "/said.pem", "validate", "/said.pem"),
    ("/ours.pem", "", None, "ignore", False)])
def test_authorities_of_the_environment_count_where_none_are_said(
        monkeypatch: pytest.MonkeyPatch, ours: str, curls: str, ca_cert: str | None, validation: Any,
        verify: str | bool) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", ours)
    monkeypatch.setenv("CURL_CA_BUNDLE", curls)
    settings = PsrpSettings(host="srv1", user="u", password=Secret("p"), auth="basic", ca_cert=ca_cert,
                            cert_validation=validation, message_encryption="never")
    with Deadline(5) as deadline:
        wsman = BoundedWSMan(BoundedSession(deadline, 1000, 1000), None, **psrp.wsman_settings(settings))
        assert wsman.transport._build_session().verify == verify


def test_what_requests_have_in_common_is_prepared_once_and_each_has_its_own_body_and_cookies() -> None:
    session = requests.Session()
    prepare = _Preparer(session)
    session.headers["Accept-Encoding"] = "identity"
    first = prepare(requests.Request("POST", "http://srv1:5985/wsman", data=None, headers={}))
    session.cookies.set("way", "one")
    second = prepare(requests.Request("POST", "http://srv1:5985/wsman", data=b"<s/>", headers={"Content-Type": "text/xml"}))
    session.cookies.set("way", "other")
    third = prepare(requests.Request("POST", "http://srv1:5985/wsman", data=b"<longer/>", headers={"Content-Type": "x/y"}))
    assert [(r.url, r.body, r.headers["Content-Length"], r.headers.get("Content-Type"), r.headers.get("Cookie"))
            for r in (first, second, third)] == [
        ("http://srv1:5985/wsman", None, "0", None, None),
        ("http://srv1:5985/wsman", b"<s/>", "4", "text/xml", "way=one"),
        ("http://srv1:5985/wsman", b"<longer/>", "9", "x/y", "way=other")]
    assert {r.headers["Accept-Encoding"] for r in (first, second, third)} == {"identity"}
