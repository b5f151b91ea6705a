"""Time as a run waits for it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Patience:
    """Seconds that pass. Trials put another one in its place."""

    def now(self) -> float:
        """Seconds since some moment, on a clock that nobody sets."""
        return time.monotonic() + _lead[0]

    def wait(self, seconds: float) -> None:
        """Let so many pass."""
        if _movers:
            _lead[0] += seconds
            for move in _movers:
                move(seconds)
        else:
            time.sleep(seconds)


_movers: list[Callable[[float], None]] = []
_lead = [0.0]  # seconds that were not waited for


@contextmanager
def clocks_moved(movers: list[Callable[[float], None]]) -> Iterator[None]:
    """Runs of this process that wait have other clocks moved ahead instead: those of simulated hosts."""
    _movers.extend(movers)
    try:
        yield
    finally:
        del _movers[len(_movers) - len(movers):]
