"""What is looked at between two waves, by real connections from here."""

import contextlib
import errno
import os
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from ringfence.documents.local_programs import POSIX, end_program
from ringfence.rollout.wave_checks import WaveCheck
from ringfence.run.of_hosts import program_path
from ringfence.run.patience import Patience

T = TypeVar("T")
_LOOK_UP = 0.2  # seconds after which a wait is begun anew: on Windows a signal ends none
_PAUSE = 1.0  # seconds between two attempts
_MAX_OUTPUT = 65_536  # bytes of what a command or a page says that are read
_SHOWN = 200  # characters of it that are told
# that nothing comes about at the other end; what goes wrong here (no such name, no file left, a firewall of this machine) is none
_BLOCKED = (errno.ECONNREFUSED, errno.ECONNRESET, errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EAFNOSUPPORT)


@dataclass
class WaveVerification:
    """folder: of the project, where commands run · addresses: {host: the one at which it is reached} · environment: what commands
    see beside their own · ended: whether the run is to end · patience: how time passes."""

    folder: Path
    addresses: Mapping[str, str]
    environment: Mapping[str, str] = field(default_factory=dict)
    ended: Callable[[], bool] = lambda: False
    patience: Patience = field(default_factory=Patience)

    def failures(self, checks: Sequence[WaveCheck], number: int, hosts: Sequence[str]) -> list[str]:
        """What does not hold after a wave of these hosts, each in one line; the first check that does not ends it."""
        for check in checks:
            if found := self._tried(check, number, hosts):
                return found
        return []

    def _tried(self, check: WaveCheck, number: int, hosts: Sequence[str]) -> list[str]:
        until = self.patience.now() + check.within
        while True:
            found = self._once(check, number, hosts)
            if not found or self.ended() or self.patience.now() >= until:
                return [f"{check}: {one}" for one in found]
            self.patience.wait(min(_PAUSE, max(0.0, until - self.patience.now())))

    def _once(self, check: WaveCheck, number: int, hosts: Sequence[str]) -> list[str]:
        if check.kind == "command":
            return self._command(check, number, hosts)
        if check.kind == "http":
            return _aside(partial(_page, check))
        targets = {check.address: check.address} if check.address else {host: self.addresses.get(host, host) for host in hosts}
        return [f"{name}: {why}" for name, address in targets.items() if (why := _aside(partial(_connection, check, address)))]

    def _command(self, check: WaveCheck, number: int, hosts: Sequence[str]) -> list[str]:
        program = program_path(check.words[0], self.folder)
        told = {**os.environ, **self.environment, "RINGFENCE_WAVE": str(number), "RINGFENCE_WAVE_HOSTS": ",".join(hosts)}
        with contextlib.ExitStack() as stack:
            try:
                told_by_it = stack.enter_context(tempfile.TemporaryFile())
                child = subprocess.Popen([program, *check.words[1:]], cwd=self.folder, env=told, stdin=subprocess.DEVNULL,
                                         stdout=told_by_it, stderr=subprocess.STDOUT, start_new_session=POSIX)
            except (OSError, ValueError) as error:
                return [getattr(error, "strerror", None) or str(error)]
            try:
                code = child.wait(max(check.timeout, 1.0))
            except subprocess.TimeoutExpired:
                end_program(child)
                return [f"it did not end within {check.timeout:g} s"]
            except BaseException:  # a signal, which does not reach it in a session of its own
                end_program(child)
                raise
            told_by_it.seek(0)
            said = told_by_it.read(_MAX_OUTPUT).decode(errors="replace").strip()[-_SHOWN:]
        return [f"it ended with {code}" + (f": {said}" if said else "")] if code else []


def _aside(work: Callable[[], T]) -> T:
    """What comes of work that no signal ends, such as looking up a name: it is done in a thread, which is not waited for after
    one."""
    future = Future[T]()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(_LOOK_UP)
    return future.result()


def _connection(check: WaveCheck, address: str) -> str:
    """Why it is not as it has to be; empty where it is. What is to be blocked is so at each address of a name."""
    try:
        found = socket.getaddrinfo(address, check.port, type=socket.SOCK_STREAM)
    except (OSError, ValueError) as error:
        return str(getattr(error, "strerror", None) or error)
    why, blocks = "no connection", check.kind == "blocked"
    for family, kind, protocol, _, where in found:
        try:
            with socket.socket(family, kind, protocol) as tried:
                tried.settimeout(check.timeout)
                tried.connect(where)
        except OSError as error:
            why = str(error.strerror or error or why)
            if blocks and not (isinstance(error, TimeoutError) or error.errno in _BLOCKED):
                return why
        else:
            return "a connection came about" if blocks else ""
    return "" if blocks else why


def _page(check: WaveCheck) -> list[str]:
    import requests  # takes a while to load, and few runs need it

    try:
        # a project may have named the page: `auth` that adds nothing keeps the accounts of the user's .netrc out of it
        with requests.get(check.target, timeout=check.timeout, stream=True, auth=lambda request: request,
                          allow_redirects=not 300 <= check.status < 400) as answer:
            next(answer.iter_content(_MAX_OUTPUT), b"")
            fits = answer.status_code == check.status if check.status else answer.status_code < 400
            return [] if fits else [f"it answered {answer.status_code} {answer.reason or ''}".strip()]
    except (requests.RequestException, ValueError) as error:
        return [str(error)[:_SHOWN]]
