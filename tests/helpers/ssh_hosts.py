"""SSH servers that tests answer for: keys, the file that knows them, one batch over one connection."""

import functools
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paramiko
import pytest
from batches import batch_of, open_transport
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from faulty import HERE, batch_line, echo

from ringfence.batch import Call, Reply
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
