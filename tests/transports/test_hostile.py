"""Hostile hosts over PSRP: answers that are cut, huge, slow, not what they should be. Bounded memory and time."""

import base64
import gzip
import logging
import socket
import struct
import time
import tracemalloc
from collections.abc import Callable, Iterator

import pytest
from faulty import Moment, Server, WinRm, echo, envelope, fault, frame, receive, reply, response
from psrp_client import fails, run

Act = Callable[[Moment], bytes | None]
BOMB = frame(bytes(70 * 2**20))  # more than may come out, of 100 KB


@pytest.fixture(autouse=True)
def _no_noise(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Nothing of the libraries reaches logs or standard error."""
    caplog.set_level(logging.DEBUG)
    yield
    assert caplog.records == []
    assert capfd.readouterr().err == ""


def answering(act: Act) -> WinRm:
    """A service that does `act` once the batch is there and the answer is asked for."""
    return WinRm(fail=lambda moment: act(moment) if moment.answering else None)


def end(sock: socket.socket) -> None:
    sock.shutdown(socket.SHUT_RDWR)
    raise EOFError


def test_cut_in_the_answer_is_lost_and_the_batch_not_sent_again() -> None:
    def cut(moment: Moment) -> None:
        moment.sock.sendall(response(200, b"x" * 1000)[:200])
        end(moment.sock)
    winrm = answering(cut)
    with Server(winrm) as server:
        fails(server.port, "connection_lost", sent=True, ansible_psrp_reconnection_retries=3)
        assert winrm.actions.count("Command") == 1
        assert server.connections == 1


def test_reset() -> None:
    def reset(moment: Moment) -> None:
        moment.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise EOFError
    with Server(answering(reset)) as server:
        fails(server.port, "connection_lost", sent=True)


def swallow(moment: Moment) -> None:
    while moment.sock.recv(65536):
        pass
    raise EOFError


def test_silent() -> None:
    """The time of the batch counts, not the sum of all that may be tried again."""
    with Server(answering(swallow)) as server:
        began = time.monotonic()
        fails(server.port, "no_answer", sent=True, ringfence_batch_timeout=2, ansible_psrp_read_timeout=1.2)
        assert time.monotonic() - began < 6


def test_a_lost_answer_is_asked_for_again() -> None:
    """After a silence the Receive alone is repeated, over a new connection: the batch still runs once."""
    silent = [b""]

    def once(moment: Moment) -> bytes | None:
        if not moment.answering or not silent:
            return None
        silent.pop()
        swallow(moment)
        return None
    winrm = WinRm(fail=once)
    with Server(winrm) as server:
        assert run(server.port, ansible_psrp_read_timeout=1.2)[0]
        assert (server.connections, winrm.actions.count("Command")) == (2, 1)


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"],
                         ids=["status line", "headers", "body"])
def test_drip(head: bytes) -> None:
    """A byte now and then keeps every read timeout from firing."""
    def drip(moment: Moment) -> None:
        moment.sock.sendall(head)
        while True:
            moment.sock.sendall(b"H")
            time.sleep(0.05)
    with Server(answering(drip)) as server:
        began = time.monotonic()
        fails(server.port, "no_answer", sent=True, ringfence_batch_timeout=1.5)
        assert time.monotonic() - began < 5


def test_endless_informational_responses() -> None:
    def forever(moment: Moment) -> None:
        while True:
            moment.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)
    with Server(answering(forever)) as server:
        fails(server.port, "protocol", "more than 20 times 100 Continue", sent=True)


def test_endless_response_is_not_kept() -> None:
    def flood(moment: Moment) -> None:
        moment.sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            moment.sock.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")
    with Server(answering(flood)) as server:
        tracemalloc.start()
        try:
            fails(server.port, "too_large", sent=True)
            assert tracemalloc.get_traced_memory()[1] < 64 * 2**20
        finally:
            tracemalloc.stop()


def fragment(number: int, index: int, flags: int, data: bytes) -> bytes:
    """A PSRP fragment: flags 1 is the start, 2 the end."""
    return struct.pack(">QQBI", number, index, flags, len(data)) + data


def sends(make: Callable[[int], bytes]) -> tuple[WinRm, list[int]]:
    """A service that answers the nth asking for output with the fragments `make(n)`, and the numbers asked for."""
    asked: list[int] = []

    def act(moment: Moment) -> bytes:
        asked.append(len(asked))
        return response(200, envelope(receive(make(asked[-1])), moment.message))
    return answering(act), asked


def test_endless_message_is_not_kept() -> None:
    """Responses of a fair size that carry one message without end."""
    winrm, asked = sends(lambda n: fragment(7, n, n == 0, b"x" * 400_000))
    with Server(winrm) as server:
        fails(server.port, "too_large", sent=True, ringfence_max_reply=1_000_000)
        assert 2 < len(asked) < 20


def test_endless_records_are_not_kept() -> None:
    """Output that never becomes an answer."""
    body = struct.pack("<II", 1, 0x00041004) + bytes(32) + b"<S>" + b"noise " * 50_000 + b"</S>"
    winrm, asked = sends(lambda n: fragment(100 + n, 0, 3, body))
    with Server(winrm) as server:
        fails(server.port, "too_large", sent=True, ringfence_max_reply=1_000_000)
        assert 2 < len(asked) < 20


def test_many_small_fragments_cost_little() -> None:
    """60,000 fragments: with a cost that grows with their square this would take minutes."""
    parts = b"".join(fragment(7, n, n == 0, b"") for n in range(60_000))
    winrm, asked = sends(lambda n: parts if n == 0 else b"no fragment")
    with Server(winrm) as server:
        began = time.monotonic()
        fails(server.port, "protocol", sent=True)
        assert len(asked) == 2
        assert time.monotonic() - began < 5


@pytest.mark.parametrize("parts", [
    fragment(7, 1, 0, b"no start"), fragment(7, 0, 1, b"") + fragment(7, 2, 2, b"gap"), b"\1" * 15,
    struct.pack(">QQBI", 7, 0, 3, 10_000) + b"short", fragment(7, 0, 3, b"short"), fragment(7, 0, 3, bytes(60)),
    fragment(7, 0, 3, struct.pack("<II", 1, 0x00041006) + bytes(32) + b"<Obj>" * 50_000),
    fragment(7, 0, 3, struct.pack("<II", 1, 0x00041006) + bytes(32)
             + b'<!DOCTYPE a [<!ENTITY b "bb">]><Obj RefId="0">&b;</Obj>'),
], ids=["no start", "gap", "no header", "short", "no message", "zeros", "deep", "entities"])
def test_damaged_fragments(parts: bytes) -> None:
    winrm, _ = sends(lambda n: parts)
    with Server(winrm) as server:
        fails(server.port, "protocol", sent=True)


@pytest.mark.parametrize(("answer", "kind", "said"), [
    (response(302, Location="http://192.0.2.1/"), "protocol", "redirect"),
    (response(307, Location="http://192.0.2.1/"), "protocol", "redirect"),
    (response(200, gzip.compress(b"x" * 9999), Content_Encoding="gzip"), "protocol", "compressed"),
    (response(200, b'<!DOCTYPE a [<!ENTITY b "bb">]><a>&b;</a>'), "protocol", "document type"),
    (response(500, b'<!DOCTYPE a [<!ENTITY b "bb">]><a>&b;</a>'), "protocol", "document type"),
    (response(200, "<!DOCTYPE a><a/>".encode("utf-16")), "protocol", "document type"),
    (response(200, envelope(receive(b""), "uuid:another")), "protocol", "does not match"),
    (response(200, b"<a>", Content_Type='multipart/encrypted;boundary="(a+)+b"'), "protocol", "as WinRM does it"),
    (response(200, b"--Encrypted Boundary\r\nLength=9\r\n", Content_Type='multipart/encrypted;protocol='
              '"application/HTTP-SPNEGO-session-encrypted";boundary="Encrypted Boundary"'), "protocol", "cannot be read"),
    (response(500, envelope(fault(1, "x" * 10_000))), "script", "xxx"),
])
def test_answers_that_are_none(answer: bytes, kind: str, said: str) -> None:
    with Server(answering(lambda moment: answer)) as server:
        error = fails(server.port, kind, said, sent=True)
        assert len(str(error)) < 1000


def _of_run(line: str, **changes: object) -> str:
    return frame(reply(line, **changes))


@pytest.mark.parametrize(("answer", "kind", "said"), [
    (lambda line: "", "protocol", "no reply"),
    (lambda line: "hello\n" * 100, "protocol", "hello"),
    (lambda line: echo(line)[:50], "protocol", "no reply"),
    (lambda line: echo(line)[:50] + ">>", "protocol", "damaged"),
    (lambda line: frame(b"not JSON"), "protocol", "damaged"),
    (lambda line: frame(b"[" * 20_000), "protocol", "damaged"),
    (lambda line: f"<<ringfence:{base64.b64encode(b'not gzip').decode()}>>", "protocol", "damaged"),
    (lambda line: _of_run(line, ringfence=3), "version", "there 3"),
    (lambda line: _of_run(line, run="other"), "protocol", "another run"),
    (lambda line: _of_run(line, replies=[]), "protocol", "0 answers"),
    (lambda line: BOMB, "too_large", "bytes"),
    (lambda line: "<<ringfence-fatal:language_mode:the session runs in ConstrainedLanguage>>", "language_mode",
     "ConstrainedLanguage"),
    (lambda line: "<<ringfence-fatal:nonsense:oops>>", "script", "oops"),
    (lambda line: "<<ringfence-fatal:script:\n\x1b]0;title\x07no >>", "script", "127.0.0.1"),
])
def test_replies(answer: Callable[[str], str], kind: str, said: str) -> None:
    with Server(WinRm(answer)) as server:
        fails(server.port, kind, said, sent=True)


def test_noise_around_the_answer_does_no_harm() -> None:
    with Server(WinRm(lambda line: f"WARNING: >> hello <<\r\n{echo(line)}\r\nbye\r\n")) as server:
        assert run(server.port)[0]
