"""The way to a lab that runs: a port of this machine, and a file that says where it is and what opens it.

The file is for its owner alone, in a folder that is his: whoever can read it may do what the lab's terminal may. A question and
its answer are one line of JSON each; a question begins with the key.
"""

import contextlib
import hmac
import json
import os
import socket
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ringfence.lab.listeners import Acceptor, Connections

MAX_LINE = 16_000_000  # bytes of a question or an answer
SECONDS = 30.0  # that a question waits for its answer
_LOOPBACK = "127.0.0.1"
Answering = Callable[[Mapping[str, Any]], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class RunningLab:
    """A lab that runs. inventory: the file in which its inventory is, where it is in one."""

    pid: int
    port: int
    key: str
    hosts: tuple[str, ...]
    inventory: str

    def ask(self, question: Mapping[str, Any], seconds: float = SECONDS) -> Mapping[str, Any]:
        """The answer of the lab. Raises OSError, ValueError."""
        with socket.create_connection((_LOOPBACK, self.port), seconds) as sock:
            sock.sendall(json.dumps({"key": self.key, **question}).encode() + b"\n")
            answer = json.loads(_line(sock))
        return answer if isinstance(answer, dict) else {}

    def state(self, seconds: float = 5.0) -> Literal["runs", "silent", "gone"]:
        """Whether it answers; one that was killed left its file, and one that is suspended (Ctrl-Z) comes back to it."""
        try:
            return "runs" if self.ask({"do": "ping"}, seconds).get("ok") is True else "gone"
        except TimeoutError:
            return "silent"
        except (OSError, ValueError):
            return "gone"


def _line(sock: socket.socket) -> bytes:
    """One line. Raises OSError, ValueError where it is too long."""
    with sock.makefile("rb") as stream:
        line = stream.readline(MAX_LINE)
    if not line.endswith(b"\n"):
        raise ValueError("no whole line came")
    return line


def folder() -> Path:
    """Where labs of this user say where they are. Raises PermissionError where somebody else made it."""
    own = os.getuid() if hasattr(os, "getuid") else None
    path = Path(tempfile.gettempdir()) / f"ringfence-lab-{own if own is not None else 'user'}"
    path.mkdir(mode=0o700, exist_ok=True)
    found = path.lstat()
    if own is not None and (not stat.S_ISDIR(found.st_mode) or found.st_uid != own or found.st_mode & 0o077):
        raise PermissionError(f"{path} is not a folder of yours alone")
    return path


def labs() -> list[RunningLab]:
    """The labs that run, the last one first. Files of those that were killed are removed. Raises PermissionError."""
    found = []
    for path in sorted(folder().glob("*.json"), key=lambda p: p.stat().st_mtime_ns, reverse=True):
        lab = _read(path)
        state = lab.state() if lab else "gone"
        if lab and state == "runs":
            found.append(lab)
        elif state == "gone":
            path.unlink(missing_ok=True)
    return found


def _read(path: Path) -> RunningLab | None:
    try:
        data = json.loads(path.read_text(encoding="ascii"))
        return RunningLab(int(data["pid"]), int(data["port"]), str(data["key"]), tuple(map(str, data["hosts"])),
                          str(data["inventory"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


@contextlib.contextmanager
def announced(hosts: tuple[str, ...], inventory: str, answer: Answering) -> Iterator[None]:
    """The lab answers questions, and can be found, from here to the end. Raises OSError."""
    key = os.urandom(32).hex()

    def serve(sock: socket.socket, connections: Connections) -> None:
        sock.settimeout(SECONDS)
        question = json.loads(_line(sock))
        if isinstance(question, dict) and hmac.compare_digest(str(question.get("key")).encode(), key.encode()):
            sock.sendall(json.dumps(answer(question)).encode() + b"\n")

    with Acceptor() as acceptor:
        listener = acceptor.listen(_without_noise(serve), lambda: "accept")
        path = folder() / f"{os.getpid()}.json"
        path.unlink(missing_ok=True)
        path.touch(0o600)
        path.write_text(json.dumps({"pid": os.getpid(), "port": listener.port, "key": key, "hosts": hosts,
                                    "inventory": inventory}), encoding="ascii")
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def _without_noise(serve: Callable[[socket.socket, Connections], None]) -> Callable[[socket.socket, Connections], None]:
    """A stranger who says something else gets no answer."""

    def quiet(sock: socket.socket, connections: Connections) -> None:
        with contextlib.suppress(OSError, ValueError):
            serve(sock, connections)

    return quiet
