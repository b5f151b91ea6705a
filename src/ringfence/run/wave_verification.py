"""What is looked at between two waves, by real connections from here."""

import os
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ringfence.rollout.wave_checks import WaveCheck
from ringfence.run.of_hosts import program_path
from ringfence.run.patience import Patience

_PAUSE = 1.0  # seconds between two attempts
_MAX_OUTPUT = 65_536  # bytes of what a command or a page says that are read
_SHOWN = 200  # characters of it that are told


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
            return _page(check)
        targets = {check.address: check.address} if check.address else {host: self.addresses.get(host, host) for host in hosts}
        return [f"{name}: {why}" for name, address in targets.items() if (why := _connection(check, address))]

    def _command(self, check: WaveCheck, number: int, hosts: Sequence[str]) -> list[str]:
        program = program_path(check.words[0], self.folder)
        told = {**os.environ, **self.environment, "RINGFENCE_WAVE": str(number), "RINGFENCE_WAVE_HOSTS": ",".join(hosts)}
        try:
            ended = subprocess.run([program, *check.words[1:]], cwd=self.folder, env=told, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=max(check.timeout, 1.0), check=False)
        except subprocess.TimeoutExpired:
            return [f"it did not end within {check.timeout:g} s"]
        except OSError as error:
            return [error.strerror or str(error)]
        said = ended.stdout[:_MAX_OUTPUT].decode(errors="replace").strip()[-_SHOWN:]
        return [f"it ended with {ended.returncode}" + (f": {said}" if said else "")] if ended.returncode else []


def _connection(check: WaveCheck, address: str) -> str:
    """Why it is not as it has to be; empty where it is."""
    try:
        socket.create_connection((address, check.port), check.timeout).close()
    except OSError as error:
        return "" if check.kind == "blocked" else str(error.strerror or error or "no connection")
    return "a connection came about" if check.kind == "blocked" else ""


def _page(check: WaveCheck) -> list[str]:
    import requests  # takes a while to load, and few runs need it

    try:
        # a project may have named the page: `auth` that adds nothing keeps the accounts of the user's .netrc out of it
        with requests.get(check.target, timeout=check.timeout, stream=True, auth=lambda request: request) as answer:
            next(answer.iter_content(_MAX_OUTPUT), b"")
            fits = answer.status_code == check.status if check.status else answer.status_code < 400
            return [] if fits else [f"it answered {answer.status_code} {answer.reason or ''}".strip()]
    except (requests.RequestException, ValueError) as error:
        return [str(error)[:_SHOWN]]
