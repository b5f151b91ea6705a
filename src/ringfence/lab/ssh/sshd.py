"""An SSH server for a simulated host, as Windows' OpenSSH presents itself: exec requests and TCP forwarding."""

import io
import logging
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import paramiko
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from paramiko import common

from ringfence.lab import command_shell
from ringfence.lab.listeners import Acceptor, Connections, Listener, Verdict, cut
from ringfence.lab.session import ServedHost, Session, StartPowerShell, batch_runner, find_account, is_loopback
from ringfence.lab.ssh.forwarding import Forwarding

SSH_PORT = 22
LOG = "ringfence.lab.ssh"

log = logging.getLogger(LOG)
log.addHandler(logging.NullHandler())  # paramiko reports every peer that hangs up; without a handler that goes to stderr


@dataclass(frozen=True, slots=True)
class SshServerSettings:
    """How a host's sshd is configured.

    `authorized_keys`: account → public keys as "TYPE BASE64" lines. `auth_banner` is shown before the logon.
    `not_elevated`: accounts whose token has no administrative rights. `forwarding`: TCP forwarding is allowed (jump
    hosts), to this machine only. `start`: how the real PowerShell of `shell` starts for a session, instead of its
    environment. `silent`: a refused connection is never answered instead of reset.
    """

    shell: command_shell.ShellSettings = field(default_factory=command_shell.ShellSettings)
    passwords: bool = True
    authorized_keys: Mapping[str, frozenset[str]] = field(default_factory=dict)
    auth_banner: str = ""
    not_elevated: frozenset[str] = frozenset()
    forwarding: bool = True
    start: StartPowerShell | None = None
    silent: bool = False


def new_key() -> paramiko.PKey:
    """A fresh Ed25519 key."""
    pem = ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption())
    return paramiko.Ed25519Key.from_private_key(io.StringIO(pem.decode()))


def public_line(key: paramiko.PKey) -> str:
    """A public key as authorized_keys and known_hosts have it."""
    return f"{key.get_name()} {key.get_base64()}"


class SshServer:
    """The sshd of one host, listening on one port; `key` is its host key (a new one when omitted)."""

    management_port = SSH_PORT

    def __init__(self, acceptor: Acceptor, host: ServedHost, settings: SshServerSettings | None = None,
                 key: paramiko.PKey | None = None, port: int = 0) -> None:
        self.host, self.settings = host, settings or SshServerSettings()
        self.key = key or new_key()
        self.listener: Listener = acceptor.listen(self._serve, self._judge, port)
        self.port = self.listener.port

    @property
    def known_hosts(self) -> str:
        """The line that clients need to trust this server."""
        return f"[127.0.0.1]:{self.port} {public_line(self.key)}\n"

    def _judge(self) -> Verdict:
        if self.host.admits(self.management_port, self.host.controller_address):
            return "accept"
        return "silent" if self.settings.silent else "reset"

    def _serve(self, sock: socket.socket, connections: Connections) -> None:
        transport = _ServerTransport(sock)
        transport.set_log_channel(LOG)
        transport.local_version = "SSH-2.0-OpenSSH_for_Windows_8.1"
        transport.add_server_key(self.key)
        client = _ClientConnection(self, sock, transport, connections)
        try:
            transport.start_server(event=threading.Event(), server=client)
            transport.join()
        finally:
            client.ended()
            transport.packetizer.complete_handshake()  # else its timer outlives a handshake that failed
            transport.close()

    def drop(self) -> None:
        """Cut every connection, as a power loss does."""
        self.listener.connections.drop()

    def close(self) -> None:
        """Stop listening and end every connection."""
        self.listener.close()


class _ServerTransport(paramiko.Transport):
    """A transport that does what follows an answer in its own thread, once the answer is on its way.

    `starting`: programs start after the client has been told that they do: paramiko sends that answer when the server's method
    has returned, and a program that ends at once would otherwise be able to close the channel before. A channel that was opened
    is handed over at once: it lives no longer than somebody holds it, so that no thread may take others' out of the queue of
    `accept`.
    """

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self.starting: list[Callable[[], None]] = []
        handlers = vars(paramiko.Transport)["_channel_handler_table"]
        self._request, self._close = handlers[common.MSG_CHANNEL_REQUEST], handlers[common.MSG_CHANNEL_CLOSE]
        self._channel_handler_table = {**handlers, common.MSG_CHANNEL_REQUEST: self._requested,
                                       common.MSG_CHANNEL_CLOSE: self._closed}
        messages = vars(self)["_handler_table"]
        self._open, messages[common.MSG_CHANNEL_OPEN] = messages[common.MSG_CHANNEL_OPEN], self._opened

    def _requested(self, channel: paramiko.Channel, message: paramiko.Message) -> None:
        self._request(channel, message)
        while self.starting:
            self.starting.pop(0)()

    def _opened(self, message: paramiko.Message) -> None:
        self._open(message)
        if (channel := self.accept(0)) is not None:
            self._client().opened(channel)

    def _closed(self, channel: paramiko.Channel, message: paramiko.Message) -> None:
        self._close(channel, message)
        self._client().closed(channel.get_id())

    def _client(self) -> "_ClientConnection":
        assert isinstance(self.server_object, _ClientConnection)
        return self.server_object


class _ClientConnection(paramiko.ServerInterface):
    """What one client is allowed to do."""

    def __init__(self, server: SshServer, sock: socket.socket, transport: _ServerTransport,
                 connections: Connections) -> None:
        self._server, self._sock, self._transport, self._connections = server, sock, transport, connections
        self._host, self._settings = server.host, server.settings
        self._remote_port: int = sock.getpeername()[1]
        self._channels: dict[int, paramiko.Channel] = {}
        self._forwardings: dict[int, Forwarding] = {}

    def get_banner(self) -> tuple[str | None, str | None]:
        return (self._settings.auth_banner, "en-US") if self._settings.auth_banner else (None, None)

    def get_allowed_auths(self, username: str) -> str:
        return "publickey,password" if self._settings.passwords else "publickey"

    def check_auth_password(self, username: str, password: str) -> int:
        name = find_account(self._host.accounts, username, self._host.name)
        right = self._settings.passwords and name is not None and self._host.accounts[name] == password
        return common.AUTH_SUCCESSFUL if right else common.AUTH_FAILED

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        name = find_account(self._host.accounts, username, self._host.name)
        right = name is not None and public_line(key) in self._settings.authorized_keys.get(name, ())
        return common.AUTH_SUCCESSFUL if right else common.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return common.OPEN_SUCCEEDED if kind == "session" else common.OPEN_FAILED_UNKNOWN_CHANNEL_TYPE

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        line = command.decode("utf-8", "replace")
        self._transport.starting.append(
            lambda: self._connections.start(lambda: self._execute(channel, line), "lab-exec"))
        return True

    def check_channel_direct_tcpip_request(self, chanid: int, origin: tuple[str, int],
                                           destination: tuple[str, int]) -> int:
        if not self._settings.forwarding or not is_loopback(destination[0]):
            return common.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
        try:
            target = socket.create_connection(destination, 10)
        except OSError:
            return common.OPEN_FAILED_CONNECT_FAILED
        target.settimeout(None)
        self._forwardings[chanid] = Forwarding(target, self._connections)
        return common.OPEN_SUCCEEDED

    def opened(self, channel: paramiko.Channel) -> None:
        """Take over a channel that the client has been told of."""
        self._channels[channel.get_id()] = channel
        if forwarding := self._forwardings.get(channel.get_id()):
            forwarding.start(channel)

    def closed(self, chanid: int) -> None:
        """The client has closed a channel."""
        self._channels.pop(chanid, None)
        if forwarding := self._forwardings.pop(chanid, None):
            forwarding.end()

    def ended(self) -> None:
        """The client is gone."""
        for chanid in list(self._forwardings):
            self.closed(chanid)

    def _session(self) -> Session:
        user = find_account(self._host.accounts, self._transport.get_username() or "", self._host.name) or ""
        return Session("ssh", user, user not in self._settings.not_elevated, self._host.controller_address,
                       self._remote_port, self._host.address, SSH_PORT)

    def _execute(self, channel: paramiko.Channel, line: str) -> None:
        session = self._session()
        flow = f"{session.remote_address} {session.remote_port} {session.local_address} {session.local_port}"
        shell = self._settings.shell
        if self._settings.start is not None:
            powershell = self._settings.start(session)
            shell = replace(shell, environment=powershell.environment, first=powershell.text)
        settings = replace(shell, environment={**shell.environment, "SSH_CONNECTION": flow, "USERNAME": session.user})
        try:
            with channel.makefile("rb") as stdin:
                code = command_shell.run(line, settings, batch_runner(self._host, session), stdin,
                                         channel.sendall, channel.sendall_stderr, lambda: not channel.closed)
            channel.send_exit_status(code)
            channel.close()
        except (OSError, EOFError):  # the simulated host lost its power, or the client went away
            cut(self._sock)
            self._transport.close()
