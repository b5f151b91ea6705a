"""Whoever answers before anybody has logged on may be anybody: little is read, and it ends soon."""

import base64
import importlib.util
import itertools
import socket
import struct
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paramiko
import psrp_client
import pytest
import ssh_hosts
from faulty import Handler, Server, Ssh, always, batch_line, request, response
from hostile_hosts import endless
from paramiko.common import cMSG_CHANNEL_EXTENDED_DATA

from ringfence.errors import HostError, Unreachable

GREETING = b"SSH-2.0-x\r\n"
MB = 2**20


@pytest.fixture(autouse=True)
def _little_memory() -> Iterator[None]:
    """Whatever comes, 16 MB are enough."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < 16 * MB
    finally:
        tracemalloc.stop()


def packet(payload: bytes) -> bytes:
    """An SSH packet as it is before keys are exchanged (RFC 4253 6)."""
    padding = 8 - (len(payload) + 5) % 8 + 8
    return struct.pack(">IB", len(payload) + padding + 1, padding) + payload + bytes(padding)


IGNORE = packet(b"\2" + struct.pack(">I", 30_000) + bytes(30_000))
UNIMPLEMENTED = packet(b"\3" + bytes(4))
LONG_LISTS = packet(b"\x14" + bytes(16) + (struct.pack(">I", 3000) + b"a," * 1500) * 10 + bytes(5))


@pytest.mark.parametrize(("handle", "said"), [
    (endless(GREETING + b"\xff\xff\xff\xf4", b"x" * 65536), "more than 35000 bytes in a packet"),
    (endless(GREETING + struct.pack(">I", 40_004), b"x" * 65536), "more than 35000 bytes in a packet"),
    (endless(b"", b"x" * 65536), "more than 65536 bytes"),
    (endless(b"", b"hello, this is a line of a greeting that goes on and on" * 100 + b"\r\n"), "more than 65536 bytes"),
    (endless(b"", b"hello\r\n"), "does not speak SSH"),
    (endless(GREETING, IGNORE), ""), (endless(GREETING, UNIMPLEMENTED), ""), (endless(GREETING, LONG_LISTS), ""),
    (endless(GREETING, bytes(4096)), ""),
], ids=["length", "longer", "no line", "long lines", "lines", "ignore", "unimplemented", "lists", "zeros"])
def test_an_ssh_server_before_it_knows_who_asks(handle: Handler, said: str, tmp_path: Path) -> None:
    with Server(handle) as server, pytest.raises(Unreachable) as caught:
        ssh_hosts.run(tmp_path, server.port)
    assert said in str(caught.value)
    assert caught.value.kind in ("wrong_service", "network")


class Flooding(Ssh):
    """Sends errors without end and beyond every window: once the batch has come, or (`early`) before it says that the command
    has begun."""

    def __init__(self, early: bool) -> None:
        super().__init__(self.flood, ssh_hosts.HOST_KEY)
        self.early = early

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        if self.early:
            self.flood(channel, "")
        return super().check_channel_exec_request(channel, command)

    def flood(self, channel: paramiko.Channel, command: str) -> None:
        data = paramiko.Message()
        data.add_byte(cMSG_CHANNEL_EXTENDED_DATA)
        data.add_int(channel.remote_chanid)
        data.add_int(1)
        data.add_string(bytes(32_000))
        transport: Any = channel.transport
        if command:
            batch_line(channel)
        while True:
            transport._send_user_message(data)


@pytest.mark.parametrize("early", [False, True])
def test_an_ssh_server_that_sends_and_sends(early: bool, tmp_path: Path) -> None:
    """It is read as long as the answer may still come, but not for ever."""
    tracemalloc.stop()  # it is slow, and 16 MB are no measure of what is read after the log-on
    try:
        with Server(Flooding(early)) as server:
            ssh_hosts.fails(tmp_path, server.port, "too_large", sent=not early, ringfence_max_reply=100_000)
    finally:
        tracemalloc.start()


def continued(sock: socket.socket) -> None:
    with sock.makefile("rb") as stream:
        request(stream)
        while True:
            sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)


def headers(sock: socket.socket) -> None:
    with sock.makefile("rb") as stream:
        request(stream)
        for number in itertools.count():
            sock.sendall(b"X-%d: " % number + b"x" * 60_000 + b"\r\n" if number else b"HTTP/1.1 401 X\r\n")


@pytest.mark.parametrize("handle", [
    always(response(401, b"x" * (MB + 1), WWW_Authenticate="Basic")), always(response(500, b"x" * (MB + 1))), headers,
], ids=["401", "500", "headers"])
def test_an_http_server_before_it_knows_who_asks(handle: Handler) -> None:
    with Server(handle) as server:
        psrp_client.fails(server.port, "wrong_service", "more than 1048576 bytes before it authenticated anybody")


def test_an_http_server_that_only_says_continue() -> None:
    with Server(continued) as server:
        psrp_client.fails(server.port, "wrong_service", "more than 20 times 100 Continue")


def der(tag: int, content: bytes) -> bytes:
    return bytes([tag, 0x84]) + struct.pack(">I", len(content)) + content


def challenge(length: int = 0, at: int = 56, info: bytes = b"") -> bytes:
    """An NTLM challenge with target information of a length at a place ([MS-NLMP] 2.2.1.2)."""
    return (b"NTLMSSP\0" + struct.pack("<IHHII", 2, 0, 0, 56, 0xE28A8215) + b"12345678" + bytes(8)
            + struct.pack("<HHI", length, length, at) + bytes(8) + info)


DEEP = b""
for _ in range(2000):
    DEEP = der(0x30, DEEP)
TOKENS = {
    "nothing": b"", "garbage": b"garbage", "zeros": bytes(3000), "much": b"A" * 45_000, "challenge": challenge(),
    "information elsewhere": challenge(65535, 2**32 - 1), "a pair too long": challenge(8, 56, b"\1\0\xff\xff1234"),
    "many pairs": challenge(40_000, 56, b"\1\0\0\0" * 10_000), "cut": b"NTLMSSP\0\2\0\0\0",
    "of a client": b"NTLMSSP\0\3\0\0\0" + bytes(60), "deep": DEEP,
    "no end": b"\x60\x80" + b"\x30\x80" * 5000, "no content": b"\x60\x84\xff\xff\xff\xff",
    "much inside": der(0xA1, der(0x30, der(0xA2, der(4, b"x" * 40_000)))), "of TLS": b"\x16\3\3\xff\xff" + bytes(500),
}
CREDSSP = [("credssp", "CredSSP")] if importlib.util.find_spec("requests_credssp") else []  # an extra


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize(("auth", "scheme"), [("negotiate", "Negotiate"), ("negotiate", "NTLM"), ("ntlm", "Negotiate"),
                                              ("ntlm", "NTLM"), *CREDSSP])
def test_a_peer_that_answers_a_log_on_with_anything(auth: str, scheme: str, token: str) -> None:
    def handle(sock: socket.socket) -> None:
        with sock.makefile("rb") as stream:
            while True:
                asked, _ = request(stream)
                said = f"{scheme} {base64.b64encode(TOKENS[token]).decode()}" if "authorization" in asked else scheme
                sock.sendall(response(401, WWW_Authenticate=said))

    with Server(handle) as server, pytest.raises(HostError) as caught:
        psrp_client.run(server.port, ansible_psrp_auth=auth, ansible_psrp_message_encryption="auto")
    assert isinstance(caught.value, Unreachable)
    assert caught.value.kind in ("authentication", "wrong_service")
    assert "geheim" not in str(caught.value)
    assert server.connections < 4
