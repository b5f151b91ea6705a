"""Ctrl-C and SIGTERM: the first ends a run in order, the second at once."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

SIGNALS = (signal.SIGINT, signal.SIGTERM)
T = TypeVar("T")
GRACE = 5.0  # seconds that hosts which are being written get to end; GitHub kills 7.5 s after SIGINT, systemd and GitLab later


class Terminated(KeyboardInterrupt):
    """SIGTERM, where what is under way ends at once."""


class _CutShort(BaseException):
    """A signal came where nothing is waited for after one."""


class Interruption:
    """Whether somebody asked the run to end."""

    def __init__(self) -> None:
        self.number, self._cuts_short = 0, False

    def __bool__(self) -> bool:
        return self.number > 0

    @property
    def name(self) -> str:
        """SIGINT or SIGTERM; empty as long as nobody asked."""
        return signal.Signals(self.number).name if self.number else ""

    @contextmanager
    def heard(self) -> Iterator[None]:
        """From here on the first signal is only noted; a second one is a KeyboardInterrupt. Elsewhere than in the main thread
        no signal arrives."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before: dict[int, Any] = {number: signal.signal(number, self._hear) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self.number:
            raise Terminated if number == signal.SIGTERM else KeyboardInterrupt
        self.number = number
        if self._cuts_short:
            raise _CutShort

    def cut_short(self, work: Callable[[], T]) -> T | None:
        """What comes of work that changes nothing, a question for example; None once there is a signal: it ends right there. A
        read that a signal interrupts is begun again unless its handler raises (PEP 475)."""
        try:
            self._cuts_short = True
            try:
                return None if self.number else work()
            finally:
                self._cuts_short = False
        except _CutShort:
            return None


@contextmanager
def sigterm_raises() -> Iterator[None]:
    """SIGTERM ends what is done here as Ctrl-C does, with Terminated, so that what was begun can be told."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: FrameType | None) -> None:
        raise Terminated

    before: Any = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
