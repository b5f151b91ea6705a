"""Ctrl-C, SIGTERM and a terminal that closes (SIGHUP): the first signal ends a run in order, the second at once."""

import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import FrameType
from typing import Any, TypeVar

TERMINATING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))  # Windows has no SIGHUP
SIGNALS = (signal.SIGINT, *TERMINATING)
T = TypeVar("T")
GRACE = 5.0  # seconds that hosts which are being written get to end; GitHub kills 7.5 s after SIGINT, systemd and GitLab later


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP, where what is under way ends at once."""


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
        """SIGINT, SIGTERM or SIGHUP; empty as long as nobody asked."""
        return signal.Signals(self.number).name if self.number else ""

    @contextmanager
    def heard(self) -> Iterator[None]:
        """From here on the first signal is only noted; a second one is a KeyboardInterrupt. Elsewhere than in the main thread
        no signal arrives."""
        with handled(SIGNALS, self._hear):
            yield

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self.number:
            raise Terminated if number in TERMINATING else KeyboardInterrupt
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
def handled(numbers: Iterable[int], handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """Signals have this handler here, but for a SIGHUP that is ignored: nohup wants it so. In other threads than the main one
    nothing is changed, since none arrives there."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard = [n for n in numbers if signal.Signals(n).name != "SIGHUP" or signal.getsignal(n) is not signal.SIG_IGN]
    before: dict[int, Any] = {number: signal.signal(number, handler) for number in heard}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def _raise(number: int, frame: FrameType | None) -> None:
    raise Terminated


def ending_raises() -> AbstractContextManager[None]:
    """SIGTERM and SIGHUP end what is done here as Ctrl-C does, with Terminated, so that what was begun can be told."""
    return handled(TERMINATING, _raise)
