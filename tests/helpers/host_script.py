"""A real PowerShell that runs the host script for tests: one warm process for many batches."""

import base64
import gzip
import json
import os
import shutil
import socket
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ringfence.batch import Batch
from ringfence.batch.scripts import script_named

HERE = Path(__file__).parents[1]
PARTS = HERE.parent / "src" / "ringfence" / "batch" / "host"
PWSH = shutil.which("pwsh")
needs_pwsh = pytest.mark.powershell  # skipped where there is none: tests/conftest.py


@dataclass(frozen=True)
class Ran:
    """What came of a batch: the script's string, the cmdlets that were called, anything else that came out."""

    reply: str
    bound: list[dict[str, Any]]
    noise: list[str]


class Warm:
    """tests/pwsh/serve.ps1 in a process of its own."""

    def __init__(self, folder: Path, writes: bool = True, environment: Mapping[str, str] | None = None) -> None:
        assert PWSH
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(60)
            self._process = subprocess.Popen(
                [PWSH, "-NoProfile", "-NonInteractive", "-File", str(HERE / "pwsh" / "serve.ps1"),
                 str(script_file(folder, writes)),
                 str(listener.getsockname()[1])], stdin=subprocess.DEVNULL, env={**os.environ, **(environment or {})})
            self._socket = listener.accept()[0]
        self._socket.settimeout(60)
        self._stream = self._socket.makefile("rwb")

    def run(self, batch: Batch | str, setup: str = "") -> Ran:
        """Run a batch (or any text in its place) on a fresh host that `setup`, PowerShell text, has prepared."""
        line = batch if isinstance(batch, str) else batch.encode()
        told = base64.b64encode(json.dumps({"setup": setup, "batch": line}).encode())
        self._stream.write(told + b"\n")
        self._stream.flush()
        said = json.loads(base64.b64decode(self._stream.readline()))
        return Ran(said["reply"], said["bound"], said["noise"])

    def close(self) -> None:
        self._stream.close()
        self._socket.close()
        self._process.wait(20)


def script_file(folder: Path, writes: bool = True) -> Path:
    """A script as it travels, in a file of its own."""
    file = folder / ("writer.ps1" if writes else "auditor.ps1")
    file.write_text(script_named("writer" if writes else "key-auditor"), "utf-8")
    return file


def pwsh(*arguments: str, stdin: bytes = b"", environment: Mapping[str, str] | None = None,
         executable: str | None = PWSH) -> subprocess.CompletedProcess[bytes]:
    """One PowerShell run to its end."""
    assert executable
    return subprocess.run([executable, "-NoProfile", "-NonInteractive", *arguments], input=stdin, capture_output=True,
                          timeout=120, env={**os.environ, **(environment or {})}, check=False)


_HOLD = r"""
$mutex = New-Object Threading.Mutex $false, 'Global\ringfence'
$null = $mutex.WaitOne()
[Console]::Out.WriteLine('held')
Start-Sleep -Seconds 50
"""


@contextmanager
def mutex_held() -> Iterator[subprocess.Popen[bytes]]:
    """A process that has the mutex of the changes in hand, until it is killed."""
    assert PWSH
    with subprocess.Popen([PWSH, "-NoProfile", "-NonInteractive", "-Command", _HOLD], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE) as other:
        assert other.stdout
        assert other.stdout.readline().strip() == b"held"
        try:
            yield other
        finally:
            other.kill()


def needs_file_registry(file: Path) -> None:
    """Skip where `HKLM:` is not a provider over the file that PSHOST_REGISTRY names: never touch a real registry."""
    marker = f"SOFTWARE\\ringfence-{uuid.uuid4()}"
    before = file.read_text("utf-8") if file.exists() else "{}"
    file.write_text(json.dumps({**json.loads(before), f"HKLM\\{marker}": []}))
    seen = pwsh("-Command", f"Test-Path 'HKLM:\\{marker}'", environment={"PSHOST_REGISTRY": str(file)}).stdout
    file.write_text(before)
    if b"True" not in seen:
        pytest.skip("this pwsh has no registry provider over a file")


def decode(batch: Batch, text: str) -> dict[str, Any]:
    """The JSON that a framed reply holds, after the product's own reader has accepted it."""
    batch.decode(text.encode())
    packed = text.removeprefix("<<ringfence:").removesuffix(">>")
    said: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(packed)))
    return said
