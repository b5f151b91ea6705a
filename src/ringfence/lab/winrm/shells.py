"""Shells, their commands, and the queues between what runs on the host and the Receive requests that fetch it."""

import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ringfence.lab.winrm import soap


class Outbox:
    """What one command (or a shell itself) has to say, in the order it was said."""

    def __init__(self) -> None:
        self._ready = threading.Condition()
        self._items: deque[tuple[str, bytes]] = deque()
        self._exit: int | None = None
        self._cut = False

    def put(self, stream: str, data: bytes) -> None:
        """Add output."""
        with self._ready:
            self._items.append((stream, data))
            self._ready.notify_all()

    def finish(self, code: int = 0) -> None:
        """Nothing will follow."""
        with self._ready:
            self._exit = code
            self._ready.notify_all()

    def cut(self) -> None:
        """The host is gone in the middle of this: whoever waits here loses the connection."""
        with self._ready:
            self._cut = True
            self._ready.notify_all()

    def take(self, seconds: float) -> tuple[list[tuple[str, bytes]], int | None]:
        """The next piece of output and, with the last one, the exit code. Waits; raises Fault or ConnectionError."""
        deadline = time.monotonic() + seconds
        with self._ready:
            while not self._items and self._exit is None and not self._cut:
                left = deadline - time.monotonic()
                if left <= 0 or not self._ready.wait(left):
                    raise soap.timed_out()
            if self._cut:
                raise ConnectionAbortedError("the host cut the connection")
            taken = [self._items.popleft()] if self._items else []
            return taken, None if self._items else self._exit


class ShellEngine(Protocol):
    """What lives behind a shell. Methods may raise Fault (say so) or ConnectionError (cut the connection)."""

    def open(self, creation: bytes) -> None: ...

    def command(self, id: str, line: str, arguments: Sequence[str], outbox: Outbox) -> None: ...

    def send(self, id: str, stream: str, data: bytes, end: bool) -> None: ...

    def signal(self, id: str, code: str) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Caller:
    """The account of a request and where it comes from."""

    user: str
    remote_port: int


class Shell:
    """One shell: an engine, its own outbox, its commands' outboxes, and when it was last used."""

    def __init__(self, id: str, owner: str, resource: str, idle: float, engine: ShellEngine, outbox: Outbox) -> None:
        self.id, self.owner, self.resource, self.idle = id, owner, resource, idle
        self.engine, self.outbox = engine, outbox
        self.commands: dict[str, Outbox] = {}
        self.started = self.used = time.monotonic()
        self.waiting = 0

    def outbox_of(self, command: str) -> Outbox:
        """The outbox of a command, or the shell's own for "". Raises Fault."""
        if not command:
            return self.outbox
        try:
            return self.commands[command]
        except KeyError:
            raise soap.no_command(command) from None

    def close(self) -> None:
        """End the engine; whoever waits for output is told that nothing comes."""
        self.engine.close()
        for outbox in (self.outbox, *self.commands.values()):
            outbox.finish()


class Shells:
    """The shells of one host, with the quotas that Windows keeps."""

    def __init__(self, per_user: int, commands: int) -> None:
        self._per_user, self._commands = per_user, commands
        self._lock = threading.Lock()
        self._shells: dict[str, Shell] = {}

    def reserve(self, owner: str) -> None:
        """Check the quota before a shell is made. Raises Fault."""
        self._expire()
        with self._lock:
            if sum(shell.owner == owner for shell in self._shells.values()) >= self._per_user:
                raise soap.too_many_shells()

    def add(self, shell: Shell) -> None:
        """Keep a new shell."""
        with self._lock:
            self._shells[shell.id] = shell

    def find(self, id: str, owner: str) -> Shell:
        """The shell of this owner. Raises Fault."""
        self._expire()
        with self._lock:
            shell = self._shells.get(id)
        if shell is None or shell.owner != owner:
            raise soap.no_shell(id)
        shell.used = time.monotonic()
        return shell

    def command(self, shell: Shell, id: str) -> Outbox:
        """Keep a new command of a shell. Raises Fault."""
        with self._lock:
            if id in shell.commands:
                raise soap.bad_request(f"the CommandId {id} is in use")
            if len(shell.commands) >= self._commands:
                raise soap.too_many_commands()
            return shell.commands.setdefault(id, Outbox())

    def remove(self, shell: Shell) -> None:
        """Close a shell and forget it."""
        with self._lock:
            self._shells.pop(shell.id, None)
        shell.close()

    def _expire(self) -> None:
        now = time.monotonic()
        with self._lock:
            idle = [s for s in self._shells.values() if not s.waiting and now - s.used > s.idle]
        for shell in idle:
            self.remove(shell)

    def close(self) -> None:
        """Close them all."""
        with self._lock:
            shells = list(self._shells.values())
        for shell in shells:
            self.remove(shell)
