"""SSH against servers that fail, and the keys of hosts and users. Commands are answered by a Python stand-in."""

import base64
import contextlib
import functools
import gzip
import hashlib
import hmac
import io
import logging
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import paramiko
import pytest
from batches import batch_of, open_transport
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from faulty import HERE, Server, Ssh, batch_line, echo, frame, free_port, full_backlog
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.batch import Call, Reply, script
from ringfence.batch.bootstrap import bootstrap
from ringfence.errors import FAILURES, HostError, Unreachable
from ringfence.secret import Secret
from ringfence.transports import known_hosts

BATCH = batch_of(Call("Facts.Read", {"text": "ä€😀\u0001"}))
Act = Callable[[paramiko.Channel, str], int | None]


def new_key(kind: str = "ed25519", passphrase: bytes = b"") -> tuple[str, paramiko.PKey]:
    """A private key: its text (OpenSSH), and as paramiko has it."""
    makers: dict[str, Callable[[], Any]] = {
        "ed25519": ed25519.Ed25519PrivateKey.generate, "rsa": functools.partial(rsa.generate_private_key, 65537, 2048),
        "ecdsa": functools.partial(ec.generate_private_key, ec.SECP256R1())}
    key = makers[kind]()
    classes: dict[str, Any] = {"ed25519": paramiko.Ed25519Key, "ecdsa": paramiko.ECDSAKey, "rsa": paramiko.RSAKey}
    hidden = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    text = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, hidden).decode()
    return text, classes[kind].from_private_key(io.StringIO(text), passphrase.decode() or None)


HOST_KEY = new_key()[1]


@pytest.fixture(autouse=True)
def _no_noise(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Nothing of paramiko reaches logs or standard error."""
    caplog.set_level(logging.DEBUG)
    logging.getLogger("faulty").setLevel(logging.CRITICAL + 1)
    yield
    assert [r for r in caplog.records if not r.name.startswith("ringfence")] == []
    assert capfd.readouterr().err == ""


def answer(text: str | bytes = b"", errors: bytes = b"", status: int | None = 0) -> Act:
    """A command that reads its input and says `text`; without one, it does what the host script would."""
    def act(channel: paramiko.Channel, command: str) -> int | None:
        line = batch_line(channel)
        channel.sendall_stderr(errors)
        channel.sendall((text.encode() if isinstance(text, str) else text) or echo(line).encode())
        return status
    return act


def known(tmp_path: Path, port: int, key: paramiko.PKey = HOST_KEY, host: str = HERE) -> str:
    """The path of a known_hosts that knows a server."""
    path = tmp_path / f"known_hosts_{port}"
    path.write_text(f"# hosts\n\n{known_hosts.known_name(host, port)} {key.get_name()} {key.get_base64()} lab\n")
    return str(path)


def variables(tmp_path: Path, port: int, **more: Any) -> dict[str, Any]:
    return {"ansible_connection": "ssh", "ansible_host": HERE, "ansible_port": port, "ansible_user": "admin",
            "ansible_password": Secret("secret"), "ansible_ssh_timeout": 10, "ringfence_batch_timeout": 60,
            "ringfence_ssh_backoff": 0.05, "ringfence_known_hosts": more.get("ringfence_known_hosts")
            or known(tmp_path, port), **more}


def run(tmp_path: Path, port: int, **more: Any) -> Reply:
    return open_transport("srv1", variables(tmp_path, port, **more)).run(BATCH)


def fails(tmp_path: Path, port: int, kind: str, said: str = "", sent: bool = False, **more: Any) -> HostError:
    """The error of a run, checked: its kind, one line with all parts, whether the batch was sent."""
    with pytest.raises(HostError) as caught:
        run(tmp_path, port, **more)
    error = caught.value
    assert (error.kind, isinstance(error, Unreachable)) == (kind, not sent), str(error)
    assert said in str(error)
    assert str(error).isprintable()
    assert FAILURES[kind][1] in str(error)
    return error


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


# who we are

def test_wrong_password(tmp_path: Path) -> None:
    with Server(Ssh(answer(), HOST_KEY)) as server:
        error = fails(tmp_path, server.port, "authentication", "admin", ansible_password=Secret("falsch"),
                      ansible_ssh_retries=3)
        assert "falsch" not in str(error)
        assert server.connections == 1


@pytest.mark.parametrize(("kind", "passphrase"), [("ed25519", ""), ("ed25519", "päss"), ("ecdsa", ""), ("rsa", "")])
def test_private_keys(tmp_path: Path, kind: str, passphrase: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text, key = new_key(kind, passphrase.encode())
    path = tmp_path / "id"
    path.write_text(text)
    ssh = Ssh(answer(), HOST_KEY)
    ssh.keys = {key.get_base64()}
    more: dict[str, Any] = {"ansible_ssh_private_key_passphrase": passphrase} if passphrase else {}
    with Server(ssh) as server:
        without: dict[str, Any] = {"ansible_password": None, **more}
        assert run(tmp_path, server.port, ansible_ssh_private_key_file=str(path), **without)[0]
        assert run(tmp_path, server.port, ansible_ssh_private_key=Secret(text), **without)[0]
        ssh.keys = set()
        fails(tmp_path, server.port, "authentication", "admin", ansible_ssh_private_key_file=str(path), **without)
        # a password beside the key is tried after it
        assert run(tmp_path, server.port, ansible_ssh_private_key_file=str(path), **more)[0]


def test_keys_that_cannot_be_used(tmp_path: Path) -> None:
    path = tmp_path / "id"
    with Server(Ssh(answer(), HOST_KEY)) as server:
        path.write_text("not a key")
        fails(tmp_path, server.port, "authentication", "no private key", ansible_ssh_private_key_file=str(path))
        path.write_text(new_key(passphrase=b"right")[0])
        fails(tmp_path, server.port, "authentication", "set ansible_ssh_private_key_passphrase",
              ansible_ssh_private_key_file=str(path))
        fails(tmp_path, server.port, "authentication", "passphrase is wrong", ansible_ssh_private_key_file=str(path),
              ansible_ssh_private_key_passphrase="wrong")
        path.write_bytes(b"\xff\xfe")
        fails(tmp_path, server.port, "authentication", "cannot be read", ansible_ssh_private_key_file=str(path))


def test_nothing_to_log_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    with Server(Ssh(answer(), HOST_KEY)) as server:
        fails(tmp_path, server.port, "authentication", "neither a password nor a key", ansible_password=None)


@contextlib.contextmanager
def ssh_agent(path: Path, key: paramiko.PKey) -> Iterator[None]:
    """An agent with one key (draft-miller-ssh-agent: 11 identities, 13 sign)."""
    def serve(sock: socket.socket) -> None:
        with contextlib.suppress(OSError, struct.error), sock, sock.makefile("rb") as stream:
            while True:
                asked = paramiko.Message(stream.read(struct.unpack(">I", stream.read(4))[0]))
                said = paramiko.Message()
                if asked.get_byte() == b"\x0b":
                    said.add_byte(b"\x0c")
                    said.add_int(1)
                    said.add_string(key.asbytes())
                    said.add_string("comment")
                else:
                    asked.get_binary()
                    said.add_byte(b"\x0e")
                    said.add_string(key.sign_ssh_data(asked.get_binary()).asbytes())
                sock.sendall(struct.pack(">I", len(said.asbytes())) + said.asbytes())

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                serve(listener.accept()[0])
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def test_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = new_key()[1]
    ssh = Ssh(answer(), HOST_KEY)
    ssh.keys = {key.get_base64()}
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
    with ssh_agent(tmp_path / "agent", key), Server(ssh) as server:
        assert run(tmp_path, server.port, ansible_password=None)[0]
        fails(tmp_path, server.port, "authentication", ansible_password=None, ringfence_ssh_agent=False)


# who they are

def test_unknown_host_key(tmp_path: Path) -> None:
    with Server(Ssh(answer(), HOST_KEY)) as server:
        error = fails(tmp_path, server.port, "host_key", str(tmp_path / "none"),
                      ringfence_known_hosts=str(tmp_path / "none"))
        assert HOST_KEY.fingerprint in str(error)


def test_other_host_key(tmp_path: Path) -> None:
    other = new_key()[1]
    for policy in ("strict", "accept-new"):
        with Server(Ssh(answer(), HOST_KEY)) as server:
            error = fails(tmp_path, server.port, "host_key", ringfence_host_key_policy=policy,
                          ringfence_known_hosts=known(tmp_path, server.port, other))
            assert HOST_KEY.fingerprint in str(error)
            assert other.fingerprint in str(error)


def test_accept_new(tmp_path: Path) -> None:
    path = tmp_path / "new" / "known_hosts"
    more: dict[str, Any] = {"ringfence_known_hosts": str(path)}
    with Server(Ssh(answer(), HOST_KEY)) as server:
        assert run(tmp_path, server.port, ringfence_host_key_policy="accept-new", **more)[0]
        assert path.read_text() == f"[{HERE}]:{server.port} {HOST_KEY.get_name()} {HOST_KEY.get_base64()}\n"
        assert run(tmp_path, server.port, **more)[0]  # known from now on
    path.write_text("somehost ssh-ed25519 AAAA")
    with Server(Ssh(answer(), HOST_KEY)) as server:
        assert run(tmp_path, server.port, ringfence_host_key_policy="accept-new", **more)[0]
        assert path.read_text().startswith("somehost ssh-ed25519 AAAA\n[")


@pytest.mark.parametrize("how", [{"ringfence_host_key_policy": "off"}, {"ansible_host_key_checking": False},
                                 {"ansible_ssh_host_key_checking": "no"},
                                 {"ansible_ssh_common_args": "-o StrictHostKeyChecking=no"}])
def test_off_with_a_warning(tmp_path: Path, how: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    with Server(Ssh(answer(), HOST_KEY)) as server:
        other = known(tmp_path, server.port, new_key()[1])
        assert run(tmp_path, server.port, ringfence_known_hosts=other, **how)[0]
    assert [(r.levelname, "is not checked" in r.message) for r in caplog.records] == [("WARNING", True)]


def test_revoked(tmp_path: Path) -> None:
    with Server(Ssh(answer(), HOST_KEY)) as server:
        path = Path(known(tmp_path, server.port))
        path.write_text(path.read_text() + f"@revoked * {HOST_KEY.get_name()} {HOST_KEY.get_base64()}\n")
        for policy in ("strict", "accept-new"):
            fails(tmp_path, server.port, "host_key", "revoked", ringfence_known_hosts=str(path),
                  ringfence_host_key_policy=policy)


def test_known_hosts_forms(tmp_path: Path) -> None:
    key = f"{HOST_KEY.get_name()} {HOST_KEY.get_base64()}"
    salt = b"0123456789abcdefghij"
    hashed = base64.b64encode(hmac.new(salt, b"srv1.example", hashlib.sha1).digest()).decode()
    path = tmp_path / "known_hosts"
    path.write_text("\n".join([
        "#comment", "", "broken", "srv9 ssh-nothing !!!", "@cert-authority * " + key,
        f"|1|{base64.b64encode(salt).decode()}|{hashed} {key}", "|1|!|! " + key, f"*.web.example,!bad.web.example {key}",
        f"SRV2,10.0.0.? {key}", f"[srv3]:2222 {key}"]))
    for host, port, there in [("srv1.example", 22, True), ("SRV1.EXAMPLE", 22, True), ("srv1.example", 23, False),
                              ("a.web.example", 22, True), ("bad.web.example", 22, False), ("srv2", 22, True),
                              ("10.0.0.7", 22, True), ("10.0.0.77", 22, False), ("srv3", 2222, True),
                              ("srv3", 22, False), ("srv9", 22, False), ("other", 22, False)]:
        assert bool(known_hosts.known(str(path), host, port).keys) == there, (host, port)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300))
def test_any_known_hosts_is_read(text: str) -> None:
    entries = [known_hosts.KnownHostsLine("", tuple(line.split(",")), "k") for line in text.splitlines()]
    assert all(isinstance(entry.matches("srv1"), bool) for entry in entries)


# jump hosts

class Jumping(Ssh):
    """An SSH server that forwards to anywhere on this machine."""

    def check_channel_direct_tcpip_request(self, chanid: int, origin: Any, destination: Any) -> int:
        self.destination = destination
        return paramiko.common.OPEN_SUCCEEDED

    def __call__(self, sock: socket.socket) -> None:
        transport = paramiko.Transport(sock)
        transport.set_log_channel("faulty")
        transport.add_server_key(self.key)
        try:
            transport.start_server(server=self)
            channel = transport.accept(10)
            if channel:
                with socket.create_connection(self.destination) as onward:
                    _relay(channel, onward)
        finally:
            transport.close()


def _relay(channel: paramiko.Channel, onward: socket.socket) -> None:
    def back() -> None:
        with contextlib.suppress(OSError, EOFError):
            while data := onward.recv(65536):
                channel.sendall(data)
            channel.close()
    thread = threading.Thread(target=back, daemon=True)
    thread.start()
    try:
        while data := channel.recv(65536):
            onward.sendall(data)
    finally:
        onward.shutdown(socket.SHUT_RDWR)
        thread.join(10)


@pytest.mark.parametrize("way", ["ringfence_ssh_jump", "-J", "-o ProxyJump="])
def test_jump(tmp_path: Path, way: str) -> None:
    jump_key = new_key()[1]
    with Server(Ssh(answer(), HOST_KEY)) as server, Server(Jumping(answer(), jump_key)) as jump:
        path = Path(known(tmp_path, server.port))
        path.write_text(path.read_text() + Path(known(tmp_path, jump.port, jump_key)).read_text())
        hop = f"admin@{HERE}:{jump.port}"
        how = ({"ringfence_ssh_jump": hop} if way == "ringfence_ssh_jump" else
               {"ansible_ssh_common_args": f"-C {way}{hop} -o ControlMaster=auto"})
        more: dict[str, Any] = {"ringfence_known_hosts": str(path), "ringfence_ssh_jump_password": Secret("secret"),
                                **how}
        assert run(tmp_path, server.port, **more)[0]
        assert (server.connections, jump.connections) == (1, 1)
        fails(tmp_path, server.port, "authentication", str(jump.port),
              **{**more, "ringfence_ssh_jump_password": Secret("falsch")})


def test_jump_that_fails(tmp_path: Path) -> None:
    port = free_port()
    fails(tmp_path, 22, "connection_refused", f"{HERE}:{port}", ringfence_ssh_jump=f"{HERE}:{port}")
    ssh = Ssh(answer(), HOST_KEY)  # does not forward
    with Server(ssh) as jump:
        fails(tmp_path, 4711, "network", f"{HERE}:4711: the jump host cannot reach it",
              ringfence_ssh_jump=f"admin@{HERE}:{jump.port}", ringfence_ssh_jump_password="secret",
              ringfence_known_hosts=known(tmp_path, jump.port))


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
    ("", 9009, "powershell", "powershell.exe"),
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
