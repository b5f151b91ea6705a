"""A host that is only what the lab's servers ask of it, and PSRP clients for it."""

import base64
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan

from ringfence.batch import jea
from ringfence.batch.bootstrap import bootstrap
from ringfence.lab.session import RegisteredEndpoint, Session

SCRIPT = "# the constant script: <äöü> & \"quotes\"\n@($input)[0]\n"
OPERATOR, AUDITOR = RegisteredEndpoint(jea.OPERATOR), RegisteredEndpoint(jea.AUDITOR)
USER, PASSWORD = "Administrator", "pä:ss wörd"


@dataclass
class EchoHost:
    """Answers a batch with `<<ringfence:…>>` over what it was sent, or does what `act` says."""

    name: str = "LAB1"
    accounts: Mapping[str, str] = field(default_factory=lambda: {USER: PASSWORD})
    address: str = "10.9.9.1"
    controller_address: str = "10.9.9.9"
    act: Callable[[str], str] | None = None
    open: bool = True
    runs: list[tuple[str, Session]] = field(default_factory=list)
    asked: list[tuple[int, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, batch: str, session: Session) -> str:
        with self.lock:
            self.runs.append((batch, session))
        return self.act(batch) if self.act else framed(batch)

    def admits(self, port: int, remote_address: str) -> bool:
        self.asked.append((port, remote_address))
        return self.open


def framed(text: str) -> str:
    return f"<<ringfence:{base64.b64encode(text.encode()).decode()}>>"


def wsman(port: int, auth: str = "basic", *, ssl: bool = False, user: str = USER, password: str = PASSWORD,
          **options: Any) -> WSMan:
    """A client; its timeouts are short because everything is near."""
    if auth == "basic" and not ssl:
        options.setdefault("encryption", "never")
    if ssl:
        options.setdefault("cert_validation", True)
    return WSMan("127.0.0.1", port=port, username=user, password=password, ssl=ssl, auth=auth, no_proxy=True,
                 **{"operation_timeout": 5, "read_timeout": 8, "connection_timeout": 5} | options)


def piped(line: str) -> Iterator[str]:
    """Input of a pipeline, as pypsrp takes it."""
    yield line


def invoke(client: WSMan, batch: str, endpoint: str = "Microsoft.PowerShell", script: str = SCRIPT,
           command: str | None = None) -> PowerShell:
    """One session with one pipeline."""
    with client, RunspacePool(client, configuration_name=endpoint) as pool:
        shell = PowerShell(pool)
        if command is None:
            shell.add_script(script)
        else:
            shell.add_cmdlet(command)
        shell.invoke(piped(batch))
        return shell


def raw(port: int, data: bytes, seconds: float = 5.0) -> bytes:
    """Send bytes, then read until the server closes."""
    with socket.create_connection(("127.0.0.1", port), seconds) as sock:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: sock.recv(65536), b""))


def encoded(text: str) -> str:
    """A command as -EncodedCommand wants it."""
    return base64.b64encode(text.encode("utf-16-le")).decode()


COMMAND = f"powershell.exe -NoProfile -NonInteractive -EncodedCommand {bootstrap()}"
STDIN = base64.b64encode(SCRIPT.encode()) + b"\r\n"
