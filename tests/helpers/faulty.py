"""Servers that fail in every way a host can, on real sockets, and what a host says when it works."""

import base64
import contextlib
import datetime
import gzip
import ipaddress
import json
import socket
import ssl
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from xml.etree import ElementTree

import paramiko
import psrpcore
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HERE = "127.0.0.1"
Handler = Callable[[socket.socket], object]


class Server:
    """A TCP server whose `handle` gets every connection, in a thread of its own; all is closed at the end."""

    def __init__(self, handle: Handler, listener: socket.socket | None = None) -> None:
        self._handle = handle
        self._listener = listener or socket.create_server((HERE, 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self.closing = threading.Event()
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self.stop_listening()
        for sock in self._open:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        for sock in self._open:
            sock.close()

    def stop_listening(self) -> None:
        """No further connection is taken; those that are open stay."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self.connections += 1
                self._open.append(sock)
                self._threads.append(threading.Thread(target=self._serve, args=(sock,), daemon=True))
                self._threads[-1].start()

    def _serve(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError), sock:
            self._handle(sock)


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as sock:
        sock.bind((HERE, 0))
        return int(sock.getsockname()[1])


@contextlib.contextmanager
def full_backlog() -> Iterator[int]:
    """A port that takes no more connections and does not say so."""
    with socket.socket() as listener, contextlib.ExitStack() as stack:
        listener.bind((HERE, 0))
        listener.listen(0)
        for _ in range(4):
            sock = stack.enter_context(socket.socket())
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
        yield int(listener.getsockname()[1])


# what a host answers

def reply(line: str, **changes: Any) -> dict[str, Any]:
    """The answer to a batch line in which every call gives back its arguments."""
    told = json.loads(gzip.decompress(base64.b64decode(line)))
    return {"ringfence": 2, "run": told["run"],
            "replies": [{"ok": True, "value": call["args"]} for call in told["calls"]], **changes}


def frame(said: Any) -> str:
    """An answer as the host script writes it; bytes are put in as they are."""
    data = said if isinstance(said, bytes) else json.dumps(said).encode()
    return f"<<ringfence:{base64.b64encode(gzip.compress(data)).decode()}>>"


def echo(line: str) -> str:
    """A host that works."""
    return frame(reply(line))


# HTTP

def request(stream: BinaryIO) -> tuple[Mapping[str, str], bytes]:
    """One HTTP request: headers in lower case, body. Raises EOFError where the client goes before its end."""
    if not stream.readline():
        raise EOFError
    headers = {}
    while (line := stream.readline()).strip():
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    body = stream.read(length := int(headers.get("content-length", 0)))
    if not line or len(body) < length:
        raise EOFError
    return headers, body


def response(status: int, body: bytes = b"", **headers: str) -> bytes:
    """An HTTP response; `_` in header names stands for `-`."""
    fields = {"Content-Type": "application/soap+xml;charset=UTF-8", "Content-Length": str(len(body)),
              **{name.replace("_", "-"): value for name, value in headers.items()}}
    return f"HTTP/1.1 {status} X\r\n".encode() + "".join(
        f"{name}: {value}\r\n" for name, value in fields.items()).encode() + b"\r\n" + body


def always(*answers: bytes) -> Handler:
    """An HTTP server that answers every request alike, in as many pieces."""
    def handle(sock: socket.socket) -> None:
        with sock.makefile("rb") as stream:
            while True:
                request(stream)
                for answer in answers:
                    sock.sendall(answer)
    return handle


# WinRM

_NS = {"s": "http://www.w3.org/2003/05/soap-envelope", "a": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
       "r": "http://schemas.microsoft.com/wbem/wsman/1/windows/shell", "p": "http://schemas.microsoft.com/powershell"}


def envelope(body: str, relates: str = "") -> bytes:
    """A SOAP envelope."""
    return (f'<s:Envelope xmlns:s="{_NS["s"]}" xmlns:a="{_NS["a"]}" xmlns:r="{_NS["r"]}"><s:Header>'
            f"<a:RelatesTo>{relates}</a:RelatesTo></s:Header><s:Body>{body}</s:Body></s:Envelope>").encode()


def fault(code: int | str, text: str) -> str:
    """A SOAP fault as Windows sends it (MS-WSMV 2.2.4.43), or a plain one where the code is a word."""
    detail = "" if isinstance(code, str) else (
        '<f:WSManFault xmlns:f="http://schemas.microsoft.com/wbem/wsman/1/wsmanfault" '
        f'Code="{code}" Machine="srv1"><f:Message>{text}</f:Message></f:WSManFault>')
    subcode = code if isinstance(code, str) else "w:InternalError"
    return (f"<s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>{subcode}</s:Value></s:Subcode></s:Code>"
            f'<s:Reason><s:Text xml:lang="en-US">{text}</s:Text></s:Reason><s:Detail>{detail}</s:Detail></s:Fault>')


@dataclass(frozen=True)
class Moment:
    """A request to a WinRM service: the last word of its action, its message id; `running`: the batch is there."""

    action: str
    message: str
    running: bool
    sock: socket.socket

    @property
    def answering(self) -> bool:
        """Whether this asks for what the batch gave."""
        return self.running and self.action == "Receive"


class WinRm:
    """A WinRM service with one PowerShell endpoint, Basic authentication, no checks, and a way to fail.

    `answer` makes the output of the pipeline from the batch line. `fail` is called before each answer; what it returns,
    if anything, is sent as the HTTP response instead. The pool outlives its connection, as on Windows.
    """

    def __init__(self, answer: Callable[[str], str] = echo,
                 fail: Callable[[Moment], bytes | None] = lambda moment: None) -> None:
        self.answer, self.fail = answer, fail
        self.actions: list[str] = []
        self._pool = psrpcore.ServerRunspacePool()

    def __call__(self, sock: socket.socket) -> None:
        with sock.makefile("rb") as stream:
            while True:
                headers, body = request(stream)
                if "authorization" not in headers:
                    sock.sendall(response(401, WWW_Authenticate='Basic realm="WSMAN"'))
                    continue
                root = ElementTree.fromstring(body)
                action = root.findtext("s:Header/a:Action", "", _NS).rpartition("/")[2]
                message = root.findtext("s:Header/a:MessageID", "", _NS)
                instead = self.fail(Moment(action, message, "Command" in self.actions, sock))
                self.actions.append(action)
                sock.sendall(instead or response(200, envelope(self._act(action, root), message)))

    def _act(self, action: str, root: ElementTree.Element) -> str:
        pool = self._pool
        if action == "Create":
            pool = self._pool = psrpcore.ServerRunspacePool()
            shell = root.find("s:Body/r:Shell", _NS)
            assert shell is not None
            self._feed(pool, shell.findtext("p:creationXml", "", _NS), None)
            return f'<r:Shell><r:ShellId>{shell.get("ShellId")}</r:ShellId></r:Shell>'
        if action == "Command":
            line = root.find("s:Body/r:CommandLine", _NS)
            assert line is not None
            pipeline = uuid.UUID(line.get("CommandId"))
            psrpcore.ServerPipeline(pool, pipeline)
            self._feed(pool, line.findtext("r:Arguments", "", _NS), pipeline)
            return f"<r:CommandResponse><r:CommandId>{line.get('CommandId')}</r:CommandId></r:CommandResponse>"
        if action == "Send":
            stream = root.find("s:Body/r:Send/r:Stream", _NS)
            assert stream is not None
            self._feed(pool, stream.text or "", uuid.UUID(stream.get("CommandId")))
            return "<r:SendResponse/>"
        if action == "Receive":
            payload = pool.data_to_send()
            data = base64.b64encode(payload.data).decode() if payload else ""
            return f'<r:ReceiveResponse><r:Stream Name="stdout">{data}</r:Stream></r:ReceiveResponse>'
        return ""

    def _feed(self, pool: psrpcore.ServerRunspacePool, data: str, pipeline: uuid.UUID | None) -> None:
        pool.receive_data(psrpcore.PSRPPayload(base64.b64decode(data), psrpcore.StreamType.default, pipeline))
        while event := pool.next_event():
            if isinstance(event, psrpcore.CreatePipelineEvent):
                assert event.pipeline_id is not None
                running = pool.pipeline_table[event.pipeline_id]
                running.start()
                assert isinstance(running.metadata, psrpcore.PowerShell)
                assert running.metadata.commands[0].parameters == []
            elif isinstance(event, psrpcore.PipelineInputEvent):
                assert event.pipeline_id is not None
                running = pool.pipeline_table[event.pipeline_id]
                running.write_output(self.answer(str(event.data)))
                running.complete()


def receive(data: bytes) -> str:
    """The body of an answer to Receive that carries PSRP fragments."""
    return (f'<r:ReceiveResponse><r:Stream Name="stdout">{base64.b64encode(data).decode()}</r:Stream>'
            "</r:ReceiveResponse>")


# TLS

def certificate(directory: Path, name: str, days: int = 1) -> tuple[Path, str]:
    """A self-signed certificate for `name` with its key in one PEM file, and its SHA-256; negative `days`: expired."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    try:
        alternative: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        alternative = x509.DNSName(name)
    made = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=9))
            .not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(x509.SubjectAlternativeName([alternative]), False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), True).sign(key, hashes.SHA256()))
    path = directory / f"{uuid.uuid4()}.pem"
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                       serialization.NoEncryption()) + made.public_bytes(serialization.Encoding.PEM))
    return path, made.fingerprint(hashes.SHA256()).hex()


def over_tls(pem: Path, handle: Handler) -> Handler:
    """`handle` behind TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)

    def serve(sock: socket.socket) -> None:
        with context.wrap_socket(sock, server_side=True) as secure:
            handle(secure)
    return serve


# SSH

class Ssh(paramiko.ServerInterface):
    """An SSH server that takes user `admin` with password `secret` or one of `keys`, and does `act` for each command.

    `act` gets the channel and the command line; its result is the exit status, None sends none.
    """

    def __init__(self, act: Callable[[paramiko.Channel, str], int | None], key: paramiko.PKey) -> None:
        self.act, self.key = act, key
        self.refuse_commands = self.refuse_sessions = False
        self.commands: list[str] = []
        self.keys: set[str] = set()  # public keys, base64

    def __call__(self, sock: socket.socket) -> None:
        transport = paramiko.Transport(sock)
        transport.set_log_channel("faulty")
        transport.add_server_key(self.key)
        try:
            transport.start_server(server=self)
            self.serve(transport)
        except paramiko.SSHException as error:
            raise EOFError from error
        finally:
            transport.close()

    def serve(self, transport: paramiko.Transport) -> None:
        """One connection, until its end."""
        transport.join()

    def get_allowed_auths(self, username: str) -> str:
        return "password,publickey"

    def check_auth_password(self, username: str, password: str) -> int:
        right = (username, password) == ("admin", "secret")
        return paramiko.common.AUTH_SUCCESSFUL if right else paramiko.common.AUTH_FAILED

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        right = username == "admin" and key.get_base64() in self.keys
        return paramiko.common.AUTH_SUCCESSFUL if right else paramiko.common.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return (paramiko.common.OPEN_FAILED_RESOURCE_SHORTAGE if self.refuse_sessions
                else paramiko.common.OPEN_SUCCEEDED)

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        if self.refuse_commands:
            return False
        self.commands.append(command.decode())
        threading.Thread(target=self._run, args=(channel, command.decode()), daemon=True).start()
        return True

    def _run(self, channel: paramiko.Channel, command: str) -> None:
        with contextlib.suppress(OSError, EOFError):
            status = self.act(channel, command)
            if status is not None:
                channel.send_exit_status(status)
            channel.close()


def batch_line(channel: paramiko.Channel) -> str:
    """The batch line out of a channel's standard input."""
    with channel.makefile("rb") as stream:
        stream.readline()
        return bytes(stream.readline()).strip().decode()
