"""SSH against servers that fail. Commands are answered by a Python stand-in."""

import base64
import gzip
import socket
import time
from pathlib import Path
from typing import Any

import paramiko
import pytest
from batches import batch_of, open_transport
from faulty import HERE, Server, Ssh, batch_line, echo, frame, free_port, full_backlog
from ssh_hosts import BATCH, HOST_KEY, answer, fails, run, variables

from ringfence.batch import Call, script
from ringfence.batch.bootstrap import bootstrap
from ringfence.errors import HostError

pytestmark = pytest.mark.usefixtures("no_noise")


def test_works(tmp_path: Path) -> None:
    ssh = Ssh(answer(), HOST_KEY)
    with Server(ssh) as server:
        transport = open_transport("srv1", variables(tmp_path, server.port))
        for _ in range(2):
            assert transport.run(BATCH)[0] == {"text": "ä€😀\u0001"}
        assert server.connections == 2
    assert (transport.name, transport.round_trips) == ("ssh", 2)
    assert transport.bytes_sent > transport.bytes_received > 100
    assert ssh.commands == [f"powershell.exe -NoProfile -NonInteractive -EncodedCommand {bootstrap()}"] * 2
    assert len(ssh.commands[0]) < 8191  # what cmd.exe takes


def test_small_packets_do_not_wait_for_an_acknowledgement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else each step of a log-on takes 40 ms and more, however near the host is."""
    seen, connect = list[bool](), paramiko.SSHClient.connect

    def told(*arguments: Any, **options: Any) -> None:
        seen.append(options["sock"].getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0)
        connect(*arguments, **options)

    monkeypatch.setattr(paramiko.SSHClient, "connect", told)
    with Server(Ssh(answer(), HOST_KEY)) as server:
        run(tmp_path, server.port)
    assert seen == [True]


def test_script_and_batch_on_standard_input(tmp_path: Path) -> None:
    told: list[bytes] = []

    def act(channel: paramiko.Channel, command: str) -> int:
        with channel.makefile("rb") as stream:
            told.extend(stream.read().split(b"\n"))
        channel.sendall(echo(told[1].decode()).encode())
        return 0
    with Server(Ssh(act, HOST_KEY)) as server:
        assert run(tmp_path, server.port, ringfence_powershell="C:\\Progra~1\\PowerShell\\7\\pwsh.exe")[0]
    assert base64.b64decode(told[0]).decode() == script()
    assert told[2:] == [b""]


def test_large_batch_and_reply(tmp_path: Path) -> None:
    batch = batch_of(Call("Net.Call", {"text": "x" * 3_000_000}))
    with Server(Ssh(answer(), HOST_KEY)) as server:
        assert open_transport("srv1", variables(tmp_path, server.port)).run(batch)[0]


@pytest.mark.parametrize(("before", "after"), [
    ("Welcome >> to srv1\r\n" * 50, "\r\nbye"), ("\ufeff", ""), ("\x1b[2J\x1b[H", "\x1b[0m"), ("<<", ">>")])
def test_noise_does_no_harm(tmp_path: Path, before: str, after: str) -> None:
    def act(channel: paramiko.Channel, command: str) -> int:
        channel.sendall_stderr(b'#< CLIXML\r\n<Objs Version="1.1.0.1"><Obj S="progress"/></Objs>')
        channel.sendall((before + echo(batch_line(channel)) + after).encode())
        return 0
    with Server(Ssh(act, HOST_KEY)) as server:
        assert run(tmp_path, server.port)[0]


def test_a_process_that_does_not_end_after_its_answer(tmp_path: Path) -> None:
    def act(channel: paramiko.Channel, command: str) -> None:
        channel.sendall(echo(batch_line(channel)).encode())
        _wait_for_end(channel)
    with Server(Ssh(act, HOST_KEY)) as server:
        began = time.monotonic()
        assert run(tmp_path, server.port)[0]
        assert time.monotonic() - began < 4


def _wait_for_end(channel: paramiko.Channel) -> None:
    transport = channel.get_transport()
    while transport.is_active():
        time.sleep(0.02)


# connecting

def test_refused(tmp_path: Path) -> None:
    port = free_port()
    fails(tmp_path, port, "connection_refused", f"{HERE}:{port}")


def test_no_answer_to_connecting(tmp_path: Path) -> None:
    with full_backlog() as port:
        fails(tmp_path, port, "timeout", ansible_ssh_timeout=0.3)


def test_name(tmp_path: Path) -> None:
    fails(tmp_path, 22, "dns", "no-such-host.invalid", ansible_host="no-such-host.invalid")


def _swallow(sock: socket.socket) -> None:
    while sock.recv(65536):
        pass


def test_silent_server(tmp_path: Path) -> None:
    with Server(_swallow) as server:
        fails(tmp_path, server.port, "timeout", ansible_ssh_timeout=0.5)


def test_greeting_and_then_silence(tmp_path: Path) -> None:
    def handle(sock: socket.socket) -> None:
        sock.sendall(b"SSH-2.0-Slow\r\n")
        _swallow(sock)
    with Server(handle) as server:
        fails(tmp_path, server.port, "timeout", ansible_ssh_timeout=0.5)


def test_drip_of_greetings(tmp_path: Path) -> None:
    def handle(sock: socket.socket) -> None:
        while True:
            sock.sendall(b"x")
            time.sleep(0.02)
    with Server(handle) as server:
        began = time.monotonic()
        fails(tmp_path, server.port, "timeout", ringfence_batch_timeout=1.5)
        assert time.monotonic() - began < 6


@pytest.mark.parametrize("said", [b"HTTP/1.1 400 Bad Request\r\n\r\n" * 60, b"SSH-9.9-Future\r\n"])
def test_another_service(tmp_path: Path, said: bytes) -> None:
    def handle(sock: socket.socket) -> None:
        sock.sendall(said)
        _swallow(sock)
    with Server(handle) as server:
        fails(tmp_path, server.port, "wrong_service")


def test_closed_at_once_and_retries(tmp_path: Path) -> None:
    with Server(lambda sock: None) as server:
        fails(tmp_path, server.port, "network")
        fails(tmp_path, server.port, "network", ansible_ssh_retries=2)
        assert server.connections == 4


def test_retry_reaches_a_host_that_comes_up(tmp_path: Path) -> None:
    calls: list[int] = []
    works = Ssh(answer(), HOST_KEY)

    def handle(sock: socket.socket) -> None:
        calls.append(1)
        if len(calls) > 2:
            works(sock)
    with Server(handle) as server:
        assert run(tmp_path, server.port, ansible_ssh_retries=3)[0]


# running

def test_sessions_and_commands_refused(tmp_path: Path) -> None:
    ssh = Ssh(answer(), HOST_KEY)
    with Server(ssh) as server:
        ssh.refuse_commands = True
        fails(tmp_path, server.port, "authorization", "commands are refused")
        ssh.refuse_sessions = True
        fails(tmp_path, server.port, "authorization", "no session")


CLIXML = ('#< CLIXML\r\n<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04"><Obj S="progress"/>'
          '<S S="Error">{}_x000D__x000A_</S><S S="Error">At line:1 char:1_x000D__x000A_+ ~~~</S></Objs>')


@pytest.mark.parametrize(("errors", "status", "kind", "said"), [
    ("'powershell.exe' is not recognized as an internal or external command,\r\noperable program or batch file.\r\n", 1,
     "powershell", "not recognized"),
    ("\"powershell.exe\" ist falsch geschrieben oder konnte nicht gefunden werden", 1, "powershell", "falsch"),
    ("bash: line 1: powershell.exe: command not found\n", 127, "powershell", "command not found"),
    ("The system cannot find the path specified.\r\n", 1, "powershell", "cannot find the path"),
    (CLIXML.format("Zugriff verweigert: &lt;x&gt; _x00E4_"), 1, "script", "Zugriff verweigert: <x> ä."),
    (CLIXML.format("Access is denied"), 1, "authorization", "Access is denied"),
    (CLIXML.format("File x.ps1 cannot be loaded because running scripts is disabled on this system."), 1,
     "execution_policy", "running scripts is disabled"),
    (CLIXML.format("Cannot invoke method. Method invocation is supported only on core types in this language mode."), 1,
     "language_mode", "core types"),
    ("", 0, "protocol", "no reply"),
])
def test_no_answer(tmp_path: Path, errors: str, status: int, kind: str, said: str) -> None:
    with Server(Ssh(answer(b" ", errors.encode(), status), HOST_KEY)) as server:
        error = fails(tmp_path, server.port, kind, said, sent=True)
        assert "char:1" not in str(error)


def test_a_command_that_does_not_read(tmp_path: Path) -> None:
    """It is gone before its input is: what it said of why counts, not that we could not write."""
    def act(channel: paramiko.Channel, command: str) -> int:
        channel.sendall_stderr(b"bash: powershell.exe: command not found\n")
        return 127
    batch = batch_of(Call("Net.Call", {"text": "x" * 3_000_000}))
    with Server(Ssh(act, HOST_KEY)) as server, pytest.raises(HostError) as caught:
        open_transport("srv1", variables(tmp_path, server.port)).run(batch)
    assert caught.value.kind == "powershell"


def test_cut_in_the_answer(tmp_path: Path) -> None:
    ssh = Ssh(lambda channel, command: None, HOST_KEY)

    def act(channel: paramiko.Channel, command: str) -> None:
        channel.sendall(echo(batch_line(channel)).encode()[:40])
        time.sleep(0.1)
        channel.get_transport().close()
    ssh.act = act
    with Server(ssh) as server:
        fails(tmp_path, server.port, "connection_lost", sent=True, ansible_ssh_retries=3)
        assert len(ssh.commands) == 1


def test_closed_without_a_status(tmp_path: Path) -> None:
    with Server(Ssh(answer(b"<<ringfence:AAAA", status=None), HOST_KEY)) as server:
        fails(tmp_path, server.port, "connection_lost", sent=True)


@pytest.mark.parametrize("drip", [b"", b"x"])
def test_no_end(tmp_path: Path, drip: bytes) -> None:
    def act(channel: paramiko.Channel, command: str) -> None:
        while channel.get_transport().is_active():
            channel.sendall(drip)
            time.sleep(0.05)
    with Server(Ssh(act, HOST_KEY)) as server:
        began = time.monotonic()
        fails(tmp_path, server.port, "no_answer", sent=True, ringfence_batch_timeout=1.5)
        assert time.monotonic() - began < 5


@pytest.mark.parametrize("where", ["stdout", "stderr"])
def test_flood(tmp_path: Path, where: str) -> None:
    """Output without end is refused beyond the limit, errors without end are not kept and hold nothing up."""
    sent = [0]

    def act(channel: paramiko.Channel, command: str) -> int:
        line = batch_line(channel)
        send = channel.sendall if where == "stdout" else channel.sendall_stderr
        while sent[0] < 12_000_000:
            send(b"x" * 65536)
            sent[0] += 65536
        channel.sendall(echo(line).encode())
        return 0
    with Server(Ssh(act, HOST_KEY)) as server:
        if where == "stdout":
            fails(tmp_path, server.port, "too_large", sent=True, ringfence_max_reply=1_000_000)
            assert sent[0] < 10_000_000
        else:
            assert run(tmp_path, server.port, ringfence_max_reply=1_000_000)[0]


def test_bomb(tmp_path: Path) -> None:
    bomb = f"<<ringfence:{base64.b64encode(gzip.compress(bytes(70 * 2**20))).decode()}>>"
    with Server(Ssh(answer(bomb), HOST_KEY)) as server:
        fails(tmp_path, server.port, "too_large", sent=True)


def test_not_json(tmp_path: Path) -> None:
    with Server(Ssh(answer(frame(b"{")), HOST_KEY)) as server:
        fails(tmp_path, server.port, "protocol", "damaged", sent=True)
