"""The lab's SSH server, met by paramiko and by OpenSSH's own client."""

import base64
import contextlib
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import paramiko
import pytest
from host_script import PWSH, needs_pwsh
from lab_servers import COMMAND, PASSWORD, SCRIPT, STDIN, USER, EchoHost, encoded, framed

from ringfence.lab import command_shell
from ringfence.lab.listeners import Acceptor, reset_on_close
from ringfence.lab.session import Dropped
from ringfence.lab.ssh import sshd

Serve = Callable[..., sshd.SshServer]
SHELL = command_shell.ShellSettings(scripts=lambda: (SCRIPT,))
PLAIN = sshd.SshServerSettings(shell=SHELL)
OPENSSH = shutil.which("ssh")
RUN = STDIN + b"the batch\n"
ANSWER = framed("the batch").encode() + b"\r\n"


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Services that are closed at the end, and with them every thread."""
    before = set(threading.enumerate())
    services: list[sshd.SshServer] = []
    with Acceptor() as gate:
        def start(host: EchoHost | None = None, settings: sshd.SshServerSettings = PLAIN) -> sshd.SshServer:
            services.append(sshd.SshServer(gate, host or EchoHost(), settings))
            return services[-1]
        yield start
        for service in services:
            service.close()
    deadline = time.monotonic() + 5
    while set(threading.enumerate()) - before and time.monotonic() < deadline:
        time.sleep(0.02)  # the client's own threads take a moment to notice
    assert not set(threading.enumerate()) - before


@pytest.fixture
def connect() -> Iterator[Callable[..., paramiko.SSHClient]]:
    """Clients that trust the server's key and are closed at the end."""
    clients: list[paramiko.SSHClient] = []

    def start(service: sshd.SshServer, **how: Any) -> paramiko.SSHClient:
        client = paramiko.SSHClient()
        clients.append(client)
        client.get_host_keys().add(f"[127.0.0.1]:{service.port}", service.key.get_name(), service.key)
        if "pkey" not in how:
            how.setdefault("password", PASSWORD)
        client.connect("127.0.0.1", service.port, timeout=5, allow_agent=False, look_for_keys=False,
                       **{"username": USER} | how)
        return client

    yield start
    for client in reversed(clients):
        client.close()


def execute(client: paramiko.SSHClient, line: str = COMMAND, stdin: bytes = RUN) -> tuple[bytes, bytes, int]:
    into, out, err = client.exec_command(line, timeout=10)
    with contextlib.suppress(paramiko.SSHException, OSError):  # the other end may not want to hear it all
        into.write(stdin)
        into.flush()
        into.channel.shutdown_write()
    return out.read(), err.read(), out.channel.recv_exit_status()


def host_of(service: sshd.SshServer) -> EchoHost:
    assert isinstance(service.host, EchoHost)
    return service.host


def test_a_batch_travels_by_password(serve: Serve, connect: Any) -> None:
    service = serve()
    assert execute(connect(service)) == (ANSWER, b"", 0)
    [(batch, session)] = host_of(service).runs
    assert batch == "the batch"
    assert (session.transport, session.user, session.elevated) == ("ssh", USER, True)
    assert (session.remote_address, session.local_address, session.local_port) == ("10.9.9.9", "10.9.9.1", 22)
    assert host_of(service).asked == [(22, "10.9.9.9")]


def test_a_batch_travels_by_key(serve: Serve, connect: Any) -> None:
    mine, other = sshd.new_key(), sshd.new_key()
    service = serve(settings=replace(PLAIN, passwords=False, authorized_keys={USER: frozenset({sshd.public_line(mine)})}))
    assert execute(connect(service, pkey=mine)) == (ANSWER, b"", 0)
    with pytest.raises(paramiko.AuthenticationException):
        connect(service, pkey=other)
    with pytest.raises(paramiko.BadAuthenticationType):
        connect(service, password=PASSWORD)


@pytest.mark.parametrize(("user", "password"), [(USER, "wrong"), ("nobody", PASSWORD), (USER, "")])
def test_wrong_credentials_are_refused(serve: Serve, connect: Any, user: str, password: str) -> None:
    with pytest.raises(paramiko.AuthenticationException):
        connect(serve(), username=user, password=password)


def test_another_host_key_is_noticed(serve: Serve, connect: Any) -> None:
    service = serve()
    client = paramiko.SSHClient()
    client.get_host_keys().add(f"[127.0.0.1]:{service.port}", service.key.get_name(), sshd.new_key())
    with pytest.raises(paramiko.BadHostKeyException):
        client.connect("127.0.0.1", service.port, USER, PASSWORD, allow_agent=False, look_for_keys=False)
    client.close()


def test_two_megabytes_each_way(serve: Serve, connect: Any) -> None:
    batch = base64.b64encode(bytes(range(256)) * 5859)
    service = serve()
    out, _, code = execute(connect(service), stdin=STDIN + batch + b"\n")
    assert (out, code) == (framed(batch.decode()).encode() + b"\r\n", 0)


def test_noise_does_not_hurt(serve: Serve, connect: Any) -> None:
    shell = replace(SHELL, banner="Welcome\n<<to>> the lab\n", progress=True)
    service = serve(settings=replace(PLAIN, shell=shell, auth_banner="Authorised use only"))
    client = connect(service)
    out, error, code = execute(client)
    assert (out, code) == (b"Welcome\r\n<<to>> the lab\r\n" + ANSWER, 0)
    assert error.startswith(b"#< CLIXML\r\n<Objs ")
    assert client.get_transport().get_banner() == b"Authorised use only"


ARGUMENTS = COMMAND.partition(" ")[2]
FULL = "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe"


@pytest.mark.parametrize(("kind", "line", "code", "error"), [
    ("cmd", f"PowerShell.EXE {ARGUMENTS}", 0, b""),
    ("cmd", f'"{FULL}" {ARGUMENTS}', 0, b""),
    ("cmd", f"pwsh {ARGUMENTS}", 1, b"'pwsh' is not recognized as an internal or external command"),
    ("cmd", f'"C:\\Tools\\pwsh.exe" {ARGUMENTS}', 1, b"cannot find the path"),
    ("cmd", "powershell.exe -EncodedCommand " + "A" * 8200, 1, b"The command line is too long."),
    ("powershell", f"powershell.exe {ARGUMENTS}", 0, b""),
    ("powershell", f'& "{FULL}" {ARGUMENTS}', 0, b""),
    ("powershell", f'"{FULL}" {ARGUMENTS}', 1, b"UnexpectedToken"),
    ("powershell", f"pwsh {ARGUMENTS}", 1, b"The term 'pwsh' is not recognized"),
    ("bash", f"powershell.exe {ARGUMENTS}", 0, b""),
    ("bash", f"'{FULL}' {ARGUMENTS}", 0, b""),
    ("bash", f"{FULL} {ARGUMENTS}", 127, b"command not found"),
    ("bash", f"pwsh {ARGUMENTS}", 127, b"bash: line 1: pwsh: command not found"),
    ("bash", "echo 'open", 2, b"No closing quotation"),
    ("cmd", "powershell.exe -Command Get-Process", 1, b"bootstrap only"),
    ("cmd", "powershell.exe -NoProfile -NonInteractive -EncodedCommand ###", 1, b"not properly encoded"),
    ("cmd", f"powershell.exe -NoProfile -NonInteractive -EncodedCommand {encoded('Get-Process')}", 1, b'<S S="Error">'),
    ("cmd", "", 1, b"is not recognized"),
])
def test_command_lines(serve: Serve, connect: Any, kind: command_shell.ShellKind, line: str, code: int, error: bytes) -> None:
    service = serve(settings=replace(PLAIN, shell=replace(SHELL, default_shell=kind)))
    out, said, ended = execute(connect(service), line)
    assert (ended, out) == (code, b"" if code else ANSWER)
    assert error in said


@pytest.mark.parametrize(("stdin", "out", "error"), [
    (b"", b"<<ringfence-fatal:script:standard input was cut short>>\r\n", b""),
    (STDIN, b"<<ringfence-fatal:script:standard input was cut short>>\r\n", b""),
    (b"###\nb\n", b"<<ringfence-fatal:script:Exception calling", b""),
    (base64.b64encode(b"Get-Process") + b"\nb\n", b"", b"own script and no other"),
])
def test_what_the_bootstrap_reads(serve: Serve, connect: Any, stdin: bytes, out: bytes, error: bytes) -> None:
    service = serve()
    said, complained, _ = execute(connect(service), stdin=stdin)
    assert said.startswith(out)
    assert error in complained
    assert host_of(service).runs == []


def test_several_sessions_on_one_connection(serve: Serve, connect: Any) -> None:
    client = connect(serve())
    assert [execute(client)[2] for _ in range(3)] == [0, 0, 0]


def test_a_host_may_cut_the_connection(serve: Serve, connect: Any) -> None:
    def cut(batch: str) -> str:
        raise Dropped("power")

    client = connect(serve(EchoHost(act=cut)))
    out, _, code = execute(client)
    assert (out, code) == (b"", -1)
    assert not client.get_transport().is_active()


def test_a_closed_firewall_resets_new_connections_only(serve: Serve, connect: Any) -> None:
    service = serve()
    client = connect(service)
    host_of(service).open = False
    with pytest.raises((OSError, paramiko.SSHException, EOFError)):
        connect(service)
    assert execute(client)[2] == 0
    service.drop()
    client.get_transport().join(5)
    assert not client.get_transport().is_active()


def test_a_closed_firewall_may_stay_silent(serve: Serve) -> None:
    service = serve(EchoHost(open=False), replace(PLAIN, silent=True))
    with socket.create_connection(("127.0.0.1", service.port), 5) as sock:
        sock.settimeout(0.3)
        with pytest.raises(TimeoutError):
            sock.recv(1)


def test_a_jump_host_forwards(serve: Serve, connect: Any) -> None:
    inner, outer = serve(), serve(EchoHost("JUMP"))
    jump = connect(outer).get_transport()
    channel = jump.open_channel("direct-tcpip", ("127.0.0.1", inner.port), ("127.0.0.1", 0))
    assert execute(connect(inner, sock=channel)) == (ANSWER, b"", 0)
    assert len(host_of(inner).runs) == 1
    assert host_of(outer).runs == []
    for target in (("192.0.2.1", 22), ("127.0.0.1", 1)):  # not this machine; nobody listens
        with pytest.raises((paramiko.ChannelException, EOFError, OSError)):
            jump.open_channel("direct-tcpip", target, ("127.0.0.1", 0)).send(b"x")


def test_forwarding_takes_no_session_for_its_own(serve: Serve, connect: Any) -> None:
    inner, outer = serve(), serve(EchoHost("JUMP"))
    client = connect(outer)
    jump = client.get_transport()
    early = jump.open_session()
    channels = [jump.open_channel("direct-tcpip", ("127.0.0.1", inner.port), ("127.0.0.1", 0)) for _ in range(3)]
    late = jump.open_session()
    for session in (early, late):  # each was open before its program was asked for, while others were being forwarded
        session.exec_command(COMMAND)
        session.sendall(RUN)
        session.shutdown_write()
        assert (session.makefile("rb").read(), session.recv_exit_status()) == (ANSWER, 0)
    for channel in reversed(channels):
        assert execute(connect(inner, sock=channel)) == (ANSWER, b"", 0)


@contextlib.contextmanager
def listening(serve_one: Callable[[socket.socket], None]) -> Iterator[int]:
    """The port of a service for one connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def run() -> None:
            sock, _ = listener.accept()
            with sock:
                serve_one(sock)

        thread = threading.Thread(target=run)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(5)
        assert not thread.is_alive()


def test_a_forwarded_connection_ends_one_way_at_a_time(serve: Serve, connect: Any) -> None:
    def answer(sock: socket.socket) -> None:
        asked = b"".join(iter(lambda: sock.recv(65536), b""))  # to the end
        sock.sendall(asked * 100)

    with listening(answer) as port:
        channel = connect(serve()).get_transport().open_channel("direct-tcpip", ("127.0.0.1", port), ("127.0.0.1", 0))
        channel.sendall(b"a question" * 1000)
        channel.shutdown_write()
        assert len(channel.makefile("rb").read()) == 1_000_000


def test_a_forwarded_connection_that_is_reset_is_closed(serve: Serve, connect: Any) -> None:
    def reset(sock: socket.socket) -> None:
        sock.recv(1)
        reset_on_close(sock)

    with listening(reset) as port:
        channel = connect(serve()).get_transport().open_channel("direct-tcpip", ("127.0.0.1", port), ("127.0.0.1", 0))
        channel.settimeout(5)
        channel.sendall(b"x")
        assert channel.recv(1) == b""
        assert channel.status_event.wait(5)  # set where it is closed


@pytest.mark.parametrize("gone", ["channel", "client"])
def test_a_forwarded_connection_ends_with_its_client(serve: Serve, connect: Any, gone: str) -> None:
    seen = list[bytes]()

    def wait(sock: socket.socket) -> None:
        sock.settimeout(5)
        sock.sendall(b"hello")
        seen.extend(iter(lambda: sock.recv(65536), b""))
        with contextlib.suppress(OSError):  # sends on, whoever reads it, until there is nobody
            while True:
                sock.sendall(bytes(65536))
        seen.append(b"the end")

    with listening(wait) as port:
        client = connect(serve())
        channel = client.get_transport().open_channel("direct-tcpip", ("127.0.0.1", port), ("127.0.0.1", 0))
        assert channel.recv(5) == b"hello"
        channel.shutdown_write()
        (channel if gone == "channel" else client).close()
    assert seen == [b"the end"]


def test_what_is_not_offered_is_refused(serve: Serve, connect: Any) -> None:
    transport = connect(serve(settings=replace(PLAIN, forwarding=False))).get_transport()
    with pytest.raises(paramiko.ChannelException):
        transport.open_channel("direct-tcpip", ("127.0.0.1", 9), ("127.0.0.1", 0))
    with pytest.raises(paramiko.ChannelException):
        transport.open_channel("x11", src_addr=("127.0.0.1", 0))
    with pytest.raises(paramiko.SSHException):
        transport.open_session().invoke_shell()
    assert transport.global_request("keepalive@lag.net", wait=True) is None  # answered, if only with a refusal
    assert transport.is_active()


@pytest.mark.parametrize("data", [b"", b"GET / HTTP/1.1\r\n\r\n", b"SSH-2.0-x\r\n" + bytes(200), b"\xff" * 5000])
def test_peers_that_do_not_speak_ssh(serve: Serve, connect: Any, data: bytes) -> None:
    service = serve()
    with socket.create_connection(("127.0.0.1", service.port), 5) as sock:
        sock.sendall(data)
    assert execute(connect(service))[2] == 0


def user_key(directory: Path) -> tuple[Path, str]:
    """A key pair made by OpenSSH itself: the file, and the line for authorized_keys."""
    path = directory / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True, timeout=20)
    return path, " ".join(path.with_suffix(".pub").read_text().split()[:2])


def openssh(service: sshd.SshServer, directory: Path, key: Path, *more: str) -> list[str]:
    known = directory / "known_hosts"
    known.write_text(service.known_hosts)
    options = {"StrictHostKeyChecking": "yes", "UserKnownHostsFile": known, "GlobalKnownHostsFile": "/dev/null",
               "IdentitiesOnly": "yes", "BatchMode": "yes", "IdentityAgent": "none", "ServerAliveInterval": "1"}
    words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    return ["ssh", "-F", "/dev/null", "-T", *words, "-i", str(key), "-p", str(service.port), *more, f"{USER}@127.0.0.1"]


@pytest.mark.skipif(OPENSSH is None, reason="needs OpenSSH's client")
def test_openssh_runs_a_batch(serve: Serve, tmp_path: Path) -> None:
    key, public = user_key(tmp_path)

    def slow(batch: str) -> str:
        time.sleep(1.5)  # long enough for a keep-alive
        return framed(batch)

    service = serve(EchoHost(act=slow), replace(PLAIN, authorized_keys={USER: frozenset({public})}))
    done = subprocess.run([*openssh(service, tmp_path, key), COMMAND], input=RUN, capture_output=True, timeout=20)
    assert (done.stdout, done.stderr, done.returncode) == (ANSWER, b"", 0)
    done = subprocess.run([*openssh(service, tmp_path, key), "ipconfig"], input=b"", capture_output=True, timeout=20)
    assert done.returncode == 1
    assert b"'ipconfig' is not recognized" in done.stderr


@pytest.mark.skipif(OPENSSH is None, reason="needs OpenSSH's client")
def test_openssh_goes_through_a_jump_host(serve: Serve, tmp_path: Path) -> None:
    key, public = user_key(tmp_path)
    settings = replace(PLAIN, authorized_keys={USER: frozenset({public})})
    inner, outer = serve(settings=settings), serve(EchoHost("JUMP"), settings)
    (tmp_path / "jump").mkdir()
    proxy = " ".join([*openssh(outer, tmp_path / "jump", key, "-W", "%h:%p")])
    line = [*openssh(inner, tmp_path, key, "-o", f"ProxyCommand={proxy}"), COMMAND]
    done = subprocess.run(line, input=RUN, capture_output=True, timeout=20)
    assert (done.stdout, done.returncode) == (ANSWER, 0)
    assert host_of(outer).runs == []


@needs_pwsh
@pytest.mark.parametrize("banner", ["", "Welcome\n"])
def test_the_real_powershell_runs_the_bootstrap(serve: Serve, connect: Any, banner: str) -> None:
    script = "$batch = @($input)[0]\n\"got $batch by $($env:SSH_CONNECTION.Split(' ')[0,2,3]) in $env:RINGFENCE_DEMO\"\n"
    shell = command_shell.ShellSettings(pwsh=PWSH, environment={**os.environ, "RINGFENCE_DEMO": "here"}, banner=banner)
    client = connect(serve(settings=sshd.SshServerSettings(shell=shell)))
    out, _, code = execute(client, stdin=base64.b64encode(script.encode()) + b"\nthe batch\n")
    assert out.decode().split("\n")[-2].strip() == "got the batch by 10.9.9.9 10.9.9.1 22 in here"
    assert code == 0
    _, error, code = execute(client, "powershell.exe -NoProfile -NonInteractive -EncodedCommand " + encoded("throw 'no'"))
    assert code == 1
    assert b"#< CLIXML" in error


@needs_pwsh
def test_a_real_process_ends_with_its_client(serve: Serve, connect: Any) -> None:
    client = connect(
        serve(settings=sshd.SshServerSettings(shell=command_shell.ShellSettings(pwsh=PWSH, environment=dict(os.environ))))
    )
    text = "[Console]::Out.WriteLine($PID); [Console]::Out.Flush(); Start-Sleep -Seconds 100"
    _, out, _ = client.exec_command(f"powershell.exe -NoProfile -NonInteractive -EncodedCommand {encoded(text)}")
    process = Path("/proc", out.readline().strip())
    assert process.exists()
    client.close()
    deadline = time.monotonic() + 10
    while process.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not process.exists()
