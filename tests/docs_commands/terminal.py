"""Somebody at a terminal, who types what a page says."""

import contextlib
import os
import pty
import re
import select
import shlex
import signal
import subprocess
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

BASH = ["bash", "--norc", "--noprofile"]
SECONDS = 60.0  # that a command may take, where nothing else is said
PASSWORD = b"correct horse"
QUESTION = re.compile(rb"\[y/N\] $|(?:password|value)[^\n]*: ?$", re.IGNORECASE)


class Terminal:
    """A bash on a terminal of its own: folder and variables stay from command to command. What runs until Ctrl-C, such as a lab,
    runs in a terminal beside it. A question is answered with yes, one for a password or a secret value with one.

    folder: where it begins. memory: a file in which it keeps folder and variables in between.
    """

    def __init__(self, folder: Path, memory: Path, environment: dict[str, str]) -> None:
        self.memory, self.environment = memory, environment
        self._beside: list[tuple[subprocess.Popen[bytes], int]] = []
        memory.write_text(f"cd {shlex.quote(str(folder))}\n", encoding="utf-8")

    def enter(self, command: str, seconds: float = SECONDS) -> tuple[int, list[str]]:
        """What it ends with, and the lines that it shows. Raises TimeoutError with what was shown until then."""
        remember = f"{{ declare -px; printf 'cd %q\\n' \"$PWD\"; }} > {shlex.quote(str(self.memory))}"
        process, screen = self._begin(f". {shlex.quote(str(self.memory))}\n{command}\ncode=$?\n{remember}\nexit $code\n")
        with process, _closed(screen):
            shown = self._read(process, screen, seconds)
            return process.wait(), shown.splitlines()

    def beside(self, command: str, until: str, seconds: float = SECONDS) -> list[str]:
        """Begin it in another terminal, and wait until it shows a text. It ends with this terminal."""
        process, screen = self._begin(f". {shlex.quote(str(self.memory))}\nexec {command}\n")
        self._beside.append((process, screen))
        return self._read(process, screen, seconds, until).splitlines()

    @property
    def folder(self) -> Path:
        """The current folder."""
        return Path(shlex.split(self.memory.read_text(encoding="utf-8").splitlines()[-1])[1])

    def end(self) -> list[int]:
        """Ctrl-C in the terminals beside this one; returns how what ran there ended."""
        codes = []
        for process, screen in self._beside:
            with process, _closed(screen):
                process.send_signal(signal.SIGINT)
                try:
                    codes.append(process.wait(20))
                except subprocess.TimeoutExpired:
                    process.kill()
                    raise
        self._beside.clear()
        return codes

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.end()

    def _begin(self, script: str) -> tuple["subprocess.Popen[bytes]", int]:
        screen, inside = pty.openpty()
        told = termios.tcgetattr(inside)
        told[1] &= ~termios.ONLCR
        termios.tcsetattr(inside, termios.TCSANOW, told)
        # opened by its name it controls the session, and all of that ends with it
        script = f"exec 0<>{os.ttyname(inside)} 1>&0 2>&0\n{script}"
        try:
            return subprocess.Popen([*BASH, "-c", script], stdin=inside, stdout=inside, stderr=inside, env=self.environment,
                                    start_new_session=True), screen
        finally:
            os.close(inside)

    def _read(self, process: "subprocess.Popen[bytes]", screen: int, seconds: float, until: str = "") -> str:
        shown, deadline, answered = b"", time.monotonic() + seconds, 0
        while not (until and until in shown.decode(errors="replace")):
            if not select.select([screen], [], [], max(0.0, deadline - time.monotonic()))[0]:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                raise TimeoutError(f"no end after {seconds:.0f} s:\n{shown.decode(errors='replace')}")
            try:
                more = os.read(screen, 65536)
            except OSError:  # Linux says so when the other side is gone
                break
            if not more:
                break
            shown += more
            if asked := QUESTION.search(shown, answered):
                os.write(screen, (b"y" if b"y/N" in asked[0] else PASSWORD) + b"\n")
                answered = len(shown)
        return shown.decode(errors="replace")


@contextlib.contextmanager
def _closed(descriptor: int) -> Iterator[None]:
    try:
        yield
    finally:
        os.close(descriptor)
