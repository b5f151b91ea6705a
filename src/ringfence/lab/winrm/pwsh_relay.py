"""A real PowerShell engine behind a shell: fragments are handed to `pwsh -s` and back.

The child speaks the out-of-process form of PowerShell remoting on its standard streams, one packet a line; the fragments
inside are the same that WSMan carries, so nothing is looked into.
"""

import base64
import contextlib
import re
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Sequence

import psrpcore
from psrpcore import types

from ringfence.lab.session import PowerShellStart
from ringfence.lab.winrm import soap
from ringfence.lab.winrm.shells import Outbox

POOL = "00000000-0000-0000-0000-000000000000"
ACKNOWLEDGED = 30.0  # seconds that the child has to take a packet
_ACK = re.compile(rb"<(?:Data|Command)Ack ")
_DATA = re.compile(rb"<Data Stream='\w+' PSGuid='([0-9A-Fa-f-]{36})'>([^<]*)</Data>")


class PowerShellRelay:
    """One `pwsh -s` for one shell. `start` runs something in a thread of the server.

    The text of `how` runs in the session before the first pipeline of the client, of which the client sees nothing. It is a
    pipeline of its own on the same wire, since `pwsh -s` knows no other way to set a session up.
    """

    def __init__(self, pwsh: str, how: PowerShellStart, outbox: Outbox,
                 start: Callable[[Callable[[], None], str], None]) -> None:
        self._first, self._works_on, self._session = how.text, how.works_on, uuid.UUID(int=0)
        self._start = start
        self._preparing = threading.Lock()
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._acknowledged = threading.Semaphore(0)
        self._outboxes = {POOL: outbox}
        self._process = subprocess.Popen(
            [pwsh, "-NoLogo", "-NoProfile", "-s"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, env=dict(how.environment))
        start(self._pump, "lab-pwsh")

    def open(self, creation: bytes) -> None:
        """The first fragments of a session. The id of its pool stands in the first message (MS-PSRP 2.2.1, 2.2.4)."""
        self._session = uuid.UUID(bytes_le=creation[29:45].ljust(16, b"\0"))
        self._data(POOL, creation)

    def command(self, id: str, line: str, arguments: Sequence[str], outbox: Outbox) -> None:
        """A new pipeline; its first fragment comes as the argument of the command."""
        del line
        fragment = soap.from_base64("".join(arguments))
        with self._preparing:
            if self._first:
                self._prepare(self._first)
                self._first = ""
        with self._lock:
            self._outboxes[id.lower()] = outbox
        self._write(f"<Command PSGuid='{id}' />\n", wait=True)
        self._data(id, fragment)

    def send(self, id: str, stream: str, data: bytes, end: bool) -> None:
        """More fragments for the pool or a pipeline; "pr" carries answers to the host's questions."""
        del end
        self._data(id or POOL, data, "PromptResponse" if stream == "pr" else "Default")

    def signal(self, id: str, code: str) -> None:
        """Stop a pipeline (ctrl_c) or forget it (terminate); one that nobody hears is not reached by it."""
        if self._works_on():
            return
        if code.casefold().endswith("/terminate"):
            self._write(f"<Close PSGuid='{id}' />\n")
        else:
            self._write(f"<Signal PSGuid='{id}' />\n")

    def close(self) -> None:
        """End the child, unless it works on where nobody hears it: then once it has done that."""
        if self._works_on():
            self._start(self._end_later, "lab-pwsh-end")
        else:
            self._end()

    def _end_later(self) -> None:
        while self._works_on():
            time.sleep(0.05)
        self._end()

    def _end(self) -> None:
        """Kindly first."""
        with contextlib.suppress(OSError, soap.Fault):
            self._write(f"<Close PSGuid='{POOL}' />\n")
        with contextlib.suppress(OSError):
            self._process.stdin.close()  # type: ignore[union-attr]
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _prepare(self, text: str) -> None:
        """Run text as a pipeline of the client's own session. Raises ConnectionError where it fails."""
        pool = psrpcore.ClientRunspacePool(runspace_pool_id=self._session)
        pool.state = types.RunspacePoolState.Opened
        shell = psrpcore.ClientPowerShell(pool)
        shell.add_script(text)
        shell.start()
        id, outbox = str(shell.pipeline_id), Outbox()
        with self._lock:
            self._outboxes[id] = outbox
        self._write(f"<Command PSGuid='{id}' />\n", wait=True)
        while (sent := pool.data_to_send()) is not None:
            self._data(id, bytes(sent.data))
        while shell.state == types.PSInvocationState.Running:
            for _, data in outbox.take(ACKNOWLEDGED)[0]:
                pool.receive_data(psrpcore.PSRPPayload(data, psrpcore.StreamType.default, shell.pipeline_id))
            while (event := pool.next_event()) is not None:
                failed = isinstance(event, psrpcore.PipelineStateEvent) and event.state == types.PSInvocationState.Failed
                if failed or isinstance(event, psrpcore.ErrorRecordEvent):
                    raise ConnectionAbortedError(f"the session cannot be set up: {event}")
        with self._lock:
            del self._outboxes[id]
        self._write(f"<Close PSGuid='{id}' />\n")

    def _data(self, id: str, fragment: bytes, stream: str = "Default") -> None:
        text = base64.b64encode(fragment).decode()
        self._write(f"<Data Stream='{stream}' PSGuid='{id}'>{text}</Data>\n", wait=True)

    def _write(self, packet: str, wait: bool = False) -> None:
        """Send a packet; `wait` until it is taken: the child handles packets in parallel, fragments have an order."""
        with self._writing:
            try:
                self._process.stdin.write(packet.encode())  # type: ignore[union-attr]
                self._process.stdin.flush()  # type: ignore[union-attr]
            except (OSError, ValueError):
                raise ConnectionAbortedError("the PowerShell process is gone") from None
            if wait and not self._acknowledged.acquire(timeout=ACKNOWLEDGED):
                raise ConnectionAbortedError("the PowerShell process does not answer")

    def _pump(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                if _ACK.match(line):
                    self._acknowledged.release()
                if not (packet := _DATA.match(line)):
                    continue
                with self._lock:
                    outbox = self._outboxes.get(packet[1].decode().lower())
                if outbox is not None:
                    outbox.put("stdout", base64.b64decode(packet[2]))
        self._acknowledged.release()
        with self._lock:
            outboxes = list(self._outboxes.values())
        for outbox in outboxes:
            outbox.cut()
