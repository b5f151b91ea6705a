"""PowerShell through an SSH server on the host, with paramiko: password, keys, agent, jump hosts, host key policies."""

import contextlib
import getpass
import io
import logging
import os
import socket
from typing import Any

import paramiko

from ringfence import files
from ringfence.batch import Batch, Reply
from ringfence.errors import Unreachable
from ringfence.secret import revealed
from ringfence.transports import known_hosts, process
from ringfence.transports.connection_settings import SshSettings
from ringfence.transports.deadline import Deadline
from ringfence.transports.failures import causes, connect_with_retries, host_error, kind_from_network, without_secrets
from ringfence.transports.loggers import silence_loggers
from ringfence.transports.ssh_args import Jump
from ringfence.transports.ssh_packets import MORE_THAN, BoundedTransport

log = logging.getLogger(__name__)

_KEYS: tuple[type[Any], ...] = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)
_OVERHEAD = 16 * 2**20  # bytes beyond an answer: standard error, and what the protocol itself needs
_GRACE = 5.0  # seconds that a process has to end after its answer or its end of output


class HostKeyError(Exception):
    """The key of a host is not the one it should be; the text says which is which."""


class SshTransport:
    """Starts a PowerShell on the host for each batch, over a connection of its own."""

    name = "ssh"

    def __init__(self, settings: SshSettings) -> None:
        self.settings = settings
        self.round_trips = self.bytes_sent = self.bytes_received = 0
        self.agreed = ""
        self.target = Jump(settings.host, settings.port, settings.user)

    @without_secrets
    def run(self, batch: Batch) -> Reply:
        """Carry `batch`. Raises Unreachable before it was sent, HostError after."""
        silence_loggers("paramiko")
        with Deadline(self.settings.batch_timeout) as deadline, contextlib.ExitStack() as open_clients:
            client = connect_with_retries(lambda: self._connect(open_clients, deadline), self.settings.retries,
                               self.settings.backoff, deadline)
            reply = self._carry(client, batch, deadline)
        self.round_trips += 1
        return reply

    def _connect(self, open_clients: contextlib.ExitStack, deadline: Deadline) -> paramiko.SSHClient:
        """A client that is logged on to the target, by way of the jump hosts. Raises Unreachable."""
        open_clients.close()  # what an earlier attempt left
        before: paramiko.SSHClient | None = None
        for hop in (*self.settings.jump, self.target):
            try:
                line = self._line(before, hop, deadline)
                before = self._log_on(hop, line, open_clients)
            except Unreachable as error:
                raise Unreachable(error.kind, f"{_at(hop)}: {error.detail}") from None
            except Exception as error:
                kind, detail = _meaning(error, hop, deadline, self._user(hop))
                raise host_error(_at(hop), False, kind, detail) from None
        assert before
        return before

    def _line(self, before: paramiko.SSHClient | None, hop: Jump, deadline: Deadline) -> Any:
        """A socket to a host, or a channel through the host before it."""
        if before:
            through = before.get_transport()
            assert through
            return through.open_channel("direct-tcpip", (hop.host, hop.port), ("127.0.0.1", 0),
                                        timeout=self.settings.timeout)
        sock = deadline.first(
            lambda address: socket.create_connection((address, hop.port), min(self.settings.timeout, deadline.left())),
            deadline.addresses(hop.host, hop.port, self.settings.timeout))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as ssh does: small packets wait for no acknowledgement
        deadline.watch(sock)
        return sock

    def _log_on(self, hop: Jump, line: Any, open_clients: contextlib.ExitStack) -> paramiko.SSHClient:
        settings, target = self.settings, hop is self.target
        client = paramiko.SSHClient()
        open_clients.callback(client.close)
        open_clients.callback(line.close)
        policy = _Policy(settings, hop)
        client.set_missing_host_key_policy(policy)
        for known in policy.known.keys:
            client.get_host_keys().add(known_hosts.known_name(hop.host, hop.port), known.get_name(), known)
        key, password = self._key(), settings.password if target else settings.jump_password
        anything = not (key or password)  # nothing is said: what ssh would try
        client.connect(
            hop.host.lower(), hop.port, self._user(hop), revealed(password), key, sock=line, timeout=settings.timeout,
            banner_timeout=settings.timeout, auth_timeout=settings.timeout, channel_timeout=settings.timeout,
            allow_agent=settings.agent and anything, look_for_keys=anything, transport_factory=BoundedTransport)
        transport = client.get_transport()
        assert isinstance(transport, BoundedTransport)
        transport.logged_on(2 * settings.wire_limit + _OVERHEAD)
        transport.set_keepalive(settings.keepalive)
        self.agreed = getattr(transport.auth_handler, "auth_method", "") if target else ""  # publickey, password …
        return client

    def _user(self, hop: Jump) -> str:
        return hop.user or getpass.getuser()

    def _key(self) -> paramiko.PKey | None:
        """The private key that the settings name. Raises Unreachable where it cannot be had."""
        settings = self.settings
        text, called = revealed(settings.private_key), "the private key"
        if settings.private_key_file:
            called = os.path.expanduser(settings.private_key_file)
            try:
                text = files.read_bytes(called, files.MAX_KEY).decode()
            except (OSError, ValueError) as error:
                raise Unreachable("authentication", f"{called} cannot be read ({error})") from None
        if not text:
            return None
        key = _load_key(text, called, revealed(settings.passphrase))
        if settings.private_key_file and os.path.isfile(called + "-cert.pub"):
            _certify(key, called + "-cert.pub")
        return key

    def _carry(self, client: paramiko.SSHClient, batch: Batch, deadline: Deadline) -> Reply:
        """Start PowerShell, give it the batch, read what it says within bounds. Raises HostError."""
        settings, standard_input, where = self.settings, process.standard_input(batch), _at(self.target)
        channel, started = self._start(client, deadline)
        output = process.StreamReader(channel.recv, settings.wire_limit)
        errors = process.StreamReader(channel.recv_stderr, process.MAX_ERRORS, discard=True)
        channel.settimeout(deadline.left())
        with contextlib.suppress(OSError, EOFError):  # a process that ends early says why on standard error
            channel.sendall(standard_input)
            channel.shutdown_write()
        channel.settimeout(None)  # the readers end with the connection, which the deadline cuts
        output.done.wait(deadline.left())
        answered = b"<<ringfence" in output.data
        if output.done.is_set() and not output.too_much and not answered:
            errors.done.wait(min(deadline.left(), _GRACE))
            channel.status_event.wait(min(deadline.left(), _GRACE))
        self.bytes_sent += len(standard_input)
        self.bytes_received += len(output.data)
        if deadline.over or not output.done.is_set():
            raise host_error(where, True, "no_answer", f"{settings.batch_timeout:g} s for the batch are over")
        if output.too_much or _too_much(client):
            raise host_error(where, True, "too_large", f"more than {settings.wire_limit} bytes")
        status = channel.exit_status if channel.exit_status >= 0 else None
        if not started and status is None and not errors.data:
            raise host_error(where, False, "authorization", "commands are refused")
        if status is None and not output.complete(len(output.data)) and not errors.data:
            raise host_error(where, True, "connection_lost", "the host closed it before the answer was complete")
        return process.parse_reply(batch, bytes(output.data), bytes(errors.data), status, settings.powershell, where,
                                  settings.max_reply)

    def _start(self, client: paramiko.SSHClient, deadline: Deadline) -> tuple[paramiko.Channel, bool]:
        """A channel on which PowerShell was started, and whether the server said so. Raises Unreachable.

        paramiko says "Channel closed." both of a request that is refused and of a command that ended at once.
        """
        transport = client.get_transport()
        assert transport
        channel: paramiko.Channel | None = None
        try:
            channel = transport.open_session(timeout=min(self.settings.timeout, deadline.left()))
            channel.settimeout(min(self.settings.timeout, deadline.left()))
            channel.exec_command(" ".join(process.command(self.settings.powershell)))
        except paramiko.ChannelException as error:
            raise host_error(_at(self.target), False, "authorization", f"no session ({error.text})") from None
        except Exception as error:
            if channel and str(error) == "Channel closed.":
                return channel, False
            kind, detail = _meaning(error, self.target, deadline, "")
            # who lets us log on and then sends and sends is no other service
            raise host_error(_at(self.target), False, "too_large" if _too_much(client) else kind, detail) from None
        return channel, True


class _Policy(paramiko.MissingHostKeyPolicy):
    """What to do with a host whose key is not known."""

    def __init__(self, settings: SshSettings, hop: Jump) -> None:
        self.settings, self.hop = settings, hop
        self.known = (known_hosts.KnownKeys((), frozenset()) if settings.host_key_policy == "off"
                      else known_hosts.known(settings.known_hosts, hop.host, hop.port))

    def missing_host_key(self, client: Any, hostname: str, key: paramiko.PKey) -> None:
        policy, path = self.settings.host_key_policy, self.settings.known_hosts
        shown, where = f"{key.get_name()} {key.fingerprint}", self.settings.shown(_at(self.hop))
        if f"{key.get_name()} {key.get_base64()}" in self.known.revoked:
            raise HostKeyError(f"its key {shown} is revoked in {path}")
        if policy == "strict":
            raise HostKeyError(f"its key {shown} is not in {path}")
        if policy == "off":
            log.info("%s: its key %s is not checked (host key policy: off)", where, shown)
            return
        try:
            known_hosts.remember(path, self.hop.host, self.hop.port, key)
        except OSError as error:
            raise HostKeyError(f"its key {shown} cannot be added to {path} ({error.strerror})") from None
        log.info("%s: its key %s was added to %s", where, shown, self.settings.shown(path))


def _too_much(client: paramiko.SSHClient) -> bool:
    transport = client.get_transport()
    return isinstance(transport, BoundedTransport) and transport.too_much


def _load_key(text: str, called: str, passphrase: str | None) -> paramiko.PKey:
    for kind in _KEYS:
        try:
            key: paramiko.PKey = kind.from_private_key(io.StringIO(text), passphrase)
            return key
        except paramiko.PasswordRequiredException:
            raise Unreachable("authentication", f"{called} is encrypted: set "
                              "ansible_ssh_private_key_passphrase") from None
        except (paramiko.SSHException, ValueError, IndexError, TypeError, UnicodeDecodeError):
            continue
    reason = "it or its passphrase is wrong" if passphrase else "it is no private key of a known kind"
    raise Unreachable("authentication", f"{called} cannot be used: {reason}") from None


def _certify(key: paramiko.PKey, path: str) -> None:
    """Give a key the certificate in a file. Raises Unreachable where it cannot be had."""
    try:
        blob = paramiko.pkey.PublicBlob.from_string(files.read_bytes(path, files.MAX_KEY).decode())
        key.load_certificate(paramiko.Message(blob.key_blob))
    except (OSError, ValueError, IndexError, paramiko.SSHException) as error:
        raise Unreachable("authentication", f"{path} cannot be used ({error})") from None


def _meaning(error: Exception, hop: Jump, deadline: Deadline, user: str) -> tuple[str, str]:
    """The kind and the words for an exception while connecting."""
    if deadline.over:
        return "timeout", "the time for the batch is over"
    if isinstance(error, HostKeyError):
        return "host_key", str(error)
    if isinstance(error, paramiko.BadHostKeyException):
        return "host_key", (f"its key {error.key.get_name()} {error.key.fingerprint} is not the known one "
                            f"({error.expected_key.get_name()} {error.expected_key.fingerprint})")
    if isinstance(error, paramiko.ChannelException):
        return "network", f"the jump host cannot reach it ({error.text})"
    message = str(error)
    if isinstance(error, paramiko.BadAuthenticationType):
        return "authentication", f"{user}: the server takes {', '.join(error.allowed_types)} only"
    if message == "No existing session":  # paramiko's words for a handshake that did not end in time
        return "timeout", "no end of the handshake"
    if "timeout" in message.lower() or any(isinstance(one, TimeoutError) for one in causes(error)):
        return "timeout", "" if isinstance(error, OSError) else message.rstrip(".").lower()
    if isinstance(error, paramiko.ssh_exception.IncompatiblePeer):
        return "wrong_service", message
    if isinstance(error, paramiko.AuthenticationException):
        return "authentication", user
    if isinstance(error, paramiko.SSHException):
        if "ndecipherable" in message:
            return "wrong_service", "it does not speak SSH"
        if MORE_THAN in message:
            return "wrong_service", message[message.index(MORE_THAN):][:200]
        if "No authentication methods available" in message:
            return "authentication", f"{user}: there is neither a password nor a key"
        if "banner" in message:
            return "network", "the host closed the connection without a greeting"
        return "network", message.rstrip(".")
    return kind_from_network(error)


def _at(hop: Jump) -> str:
    return f"[{hop.host}]:{hop.port}" if ":" in hop.host else f"{hop.host}:{hop.port}"

