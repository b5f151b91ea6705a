"""Hosts on real sockets, each hostile in a way of its own: in what they answer, in how they answer, before and after the log-on.

As a program it serves them, writes their inventory to the file that it is given, and ends with SIGTERM.
"""

import base64
import contextlib
import gzip
import json
import logging
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import paramiko
from faulty import HERE, Handler, Moment, Server, Ssh, WinRm, always, batch_line, envelope, receive, request, response
from hostile_replies import ESSENTIAL, REPLIES, Values
from ssh_hosts import HOST_KEY

from ringfence.batch import MAX_REPLY

SECONDS = 5  # that a batch to them may take
PSRP = {"ansible_connection": "psrp", "ansible_psrp_protocol": "http", "ansible_psrp_auth": "basic",
        "ansible_psrp_message_encryption": "never", "ansible_psrp_ignore_proxy": True}
SSH = {"ansible_connection": "ssh", "ringfence_host_key_policy": "off"}


def lying(make: Callable[[int], Values]) -> Handler:
    """A host that answers every call as `make` says, as much as a reply may hold."""
    values = make(MAX_REPLY // 400 // 3)

    def answer(line: str) -> str:
        told = json.loads(gzip.decompress(base64.b64decode(line)))
        verbs = {"Facts.Read": {**ESSENTIAL, **values.get("facts", {})}, "Interfaces.Read": values.get("facts", {}),
                 "Policy.Read": values.get("policy", {}),
                 "Defaults.Read": values.get("defaults", {})}
        said = {"ringfence": 2, "run": told["run"],
                "replies": [{"ok": True, "value": verbs.get(call["verb"], {})} for call in told["calls"]]}
        packed = gzip.compress(json.dumps(said, separators=(",", ":")).encode(), 1)
        return f"<<ringfence:{base64.b64encode(packed).decode()}>>"

    return WinRm(answer)


def answering(act: Callable[[Moment], bytes | None]) -> Handler:
    return WinRm(fail=lambda moment: act(moment) if moment.answering else None)


def continuing(moment: Moment) -> None:
    while True:
        moment.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


def dripping(moment: Moment) -> None:
    while True:
        moment.sock.sendall(b"H")
        time.sleep(0.2)


def silent(moment: Moment) -> None:
    while moment.sock.recv(65536):
        pass
    raise EOFError


def deep(moment: Moment) -> bytes:
    data = struct.pack("<II", 1, 0x41004) + bytes(32) + b"<Obj>" * 100_000
    return response(200, envelope(receive(struct.pack(">QQBI", 7, 0, 3, len(data)) + data), moment.message))


def asking_again(sock: socket.socket) -> None:
    with sock.makefile("rb") as stream:
        while True:
            request(stream)
            sock.sendall(response(401, WWW_Authenticate="Negotiate"))


def endless(start: bytes, more: bytes) -> Handler:
    """A server that says `start`, and `more` as long as somebody listens."""
    def handle(sock: socket.socket) -> None:
        sock.sendall(start)
        while True:
            sock.sendall(more)
    return handle


def loud(said: bytes, errors: bool = False) -> Handler:
    """A host that says one thing over and over once it was given the batch."""
    def act(channel: paramiko.Channel, command: str) -> int:
        batch_line(channel)
        send = channel.sendall_stderr if errors else channel.sendall
        for _ in range(10):
            send(said * (10**6 // len(said)))
        return 1
    return Ssh(act, HOST_KEY)


HOSTILE: Mapping[str, tuple[Mapping[str, Any], Callable[[], Handler]]] = {
    **{name: (PSRP, partial(lying, REPLIES[name])) for name in (
        "empty objects", "short texts", "the smallest rules", "rules nobody understands", "rules of every token",
        "wrong addresses", "unknown tokens", "keys of sets", "what could not be read")},
    "continuing": (PSRP, lambda: answering(continuing)), "dripping": (PSRP, lambda: answering(dripping)),
    "silent": (PSRP, lambda: answering(silent)), "deep": (PSRP, lambda: answering(deep)),
    "much before the log-on": (PSRP, lambda: always(response(401, bytes(2 * 2**20), WWW_Authenticate="Basic"))),
    "asking again": ({**PSRP, "ansible_psrp_auth": "ntlm"}, lambda: asking_again),
    "a long packet": (SSH, lambda: endless(b"SSH-2.0-x\r\n\xff\xff\xff\xf4", bytes(65536))),
    "a long greeting": (SSH, lambda: endless(b"", b"x" * 65536)),
    "fatal and fatal": (SSH, lambda: loud(b"<<ringfence-fatal:a:")),
    "CLIXML and CLIXML": (SSH, lambda: loud(b'#< CLIXML <Objs <S S="Error">', errors=True)),
    "errors and errors": (SSH, lambda: loud(b"Invoke-RingfenceBatch ", errors=True)),
}


@contextlib.contextmanager
def served(names: Iterable[str] = HOSTILE) -> Iterator[dict[str, dict[str, Any]]]:
    """{name of a host: its connection variables}, while they are there."""
    logging.getLogger("faulty").setLevel(logging.CRITICAL + 1)
    with contextlib.ExitStack() as open_servers:
        hosts = {}
        for name in names:
            variables, make = HOSTILE[name]
            server = open_servers.enter_context(Server(make()))
            hosts["evil-" + name.replace(" ", "-")] = {
                **variables, "ansible_host": HERE, "ansible_port": server.port, "ansible_user": "admin",
                "ansible_password": "secret", "ringfence_batch_timeout": SECONDS, "ansible_timeout": SECONDS}
        yield hosts


def main(inventory: str) -> None:
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    with served() as hosts:
        half = Path(inventory).with_suffix(".half")
        half.write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
        half.replace(inventory)
        ended.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
