"""PowerShell on the machine that runs ringfence (`ansible_connection: local`)."""

import contextlib
import functools
import os
import signal
import subprocess
import threading
from typing import IO

from ringfence.batch import Batch, Reply
from ringfence.errors import HostError, Unreachable
from ringfence.transports import process
from ringfence.transports.connection_settings import LocalSettings
from ringfence.transports.deadline import Deadline
from ringfence.transports.failures import without_secrets


class LocalTransport:
    """Starts a PowerShell for each batch, in a process group of its own."""

    name = "local"

    def __init__(self, settings: LocalSettings) -> None:
        self.settings = settings
        self.round_trips = self.bytes_sent = self.bytes_received = 0
        self.agreed = ""

    @without_secrets
    def run(self, batch: Batch) -> Reply:
        """Carry `batch`. Raises Unreachable where PowerShell cannot be started, else HostError."""
        with Deadline(self.settings.batch_timeout) as deadline:
            return self._run(batch, deadline)

    def _run(self, batch: Batch, deadline: Deadline) -> Reply:
        executable, limit = self.settings.powershell, self.settings.wire_limit
        program = _found(executable)
        standard_input = process.standard_input(batch)
        try:
            # a session of its own: whatever it starts can be ended with it; without buffers, for closing one writes what it holds
            child = subprocess.Popen(process.command(program), bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, start_new_session=True,
                                     env=process.environment(executable, os.environ))
        except OSError as error:
            raise Unreachable("powershell", f"{executable}: {(error.strerror or str(error)).lower()}") from None
        assert child.stdin
        assert child.stdout
        assert child.stderr
        with child:
            threading.Thread(target=_write, args=(child.stdin, standard_input), daemon=True).start()
            output = process.StreamReader(functools.partial(os.read, child.stdout.fileno()), limit)
            errors = process.StreamReader(functools.partial(os.read, child.stderr.fileno()), process.MAX_ERRORS, discard=True)
            output.done.wait(deadline.left())
            in_time = output.done.is_set()
            if in_time and not output.too_much and b"<<ringfence" not in output.data:  # it will say why
                errors.done.wait(min(deadline.left(), 5))
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(min(deadline.left(), 5))
            status = child.poll()
            _end(child)
        self.round_trips += 1
        self.bytes_sent += len(standard_input)
        self.bytes_received += len(output.data)
        if not in_time:
            raise HostError("no_answer", f"{executable}: {self.settings.batch_timeout:g} s")
        if output.too_much:
            raise HostError("too_large", f"{executable}: more than {limit} bytes")
        return process.parse_reply(batch, bytes(output.data), bytes(errors.data), status, executable, "this machine",
                                  self.settings.max_reply)


def _found(executable: str) -> str:
    """Where a program is. One without a folder is looked for in the PATH alone: CreateProcess would take one of the
    current folder first, which may be a project's (docs.microsoft.com, CreateProcessW, lpCommandLine), and a relative
    folder in the PATH leads there too. Raises Unreachable."""
    if os.path.dirname(executable):
        return executable
    name = executable if os.name == "posix" or executable.lower().endswith(".exe") else f"{executable}.exe"
    for folder in filter(os.path.isabs, os.get_exec_path()):
        path = os.path.join(folder, name)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    raise Unreachable("powershell", f"{executable}: not in a folder of the PATH")


def _write(pipe: IO[bytes], data: bytes) -> None:
    left = memoryview(data)
    with contextlib.suppress(OSError, ValueError), pipe:  # a process that ends early says why on standard error
        while left:
            left = left[pipe.write(left):]


def _end(child: subprocess.Popen[bytes]) -> None:
    """Kill the process and, where there are process groups, all that it started."""
    with contextlib.suppress(OSError):
        if os.name == "posix":
            os.killpg(child.pid, signal.SIGKILL)
        else:
            child.kill()
