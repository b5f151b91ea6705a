"""Numbers, limits and how they are printed."""

import contextlib
import gc
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Line:
    """One measured number. `limit` is the most (or with `least` the fewest) that it may be; None: told, not judged."""

    what: str
    value: float
    unit: str
    limit: float | None = None
    least: bool = False
    against: str = ""  # the peer and its own number

    @property
    def passed(self) -> bool:
        return self.limit is None or (self.value >= self.limit if self.least else self.value <= self.limit)

    def __str__(self) -> str:
        sign = "≥" if self.least else "≤"
        bound = f"{sign} {self.limit:g}" if self.limit is not None else ""
        verdict = "" if self.limit is None else "ok" if self.passed else "MISSED"
        return f"{self.what:<58} {self.value:>10.4g} {self.unit:<9} {bound:<8} {verdict:<7} {self.against}".rstrip()


@dataclass(frozen=True)
class Skipped:
    """A part that cannot be measured here, and why."""

    what: str
    reason: str

    def __str__(self) -> str:
        return f"{self.what:<58} skipped: {self.reason}"


def best_ms(work: Callable[[], object], runs: int = 31, before: Callable[[], object] = lambda: None) -> float:
    """CPU milliseconds of `work`: the least of several runs, without garbage collection and `before`.

    As timeit has it: what is more than the least comes from others on the same cores, which an absolute limit is not for.
    """
    times = []
    for _ in range(runs):
        before()
        gc.disable()
        start = time.process_time()
        work()
        times.append((time.process_time() - start) * 1000)
        gc.enable()
    return min(times)


def best_ratio(work: Callable[[], object], peer: Callable[[], object], before: Callable[[], object]) -> tuple[float, float]:
    """The least CPU milliseconds of `work` and of its `peer`, which are run in turn: what disturbs one disturbs the other."""
    pairs = [(best_ms(work, 1, before), best_ms(peer, 1)) for _ in range(41)]
    return min(p[0] for p in pairs), min(p[1] for p in pairs)


def children_cpu() -> float:
    """CPU seconds of all children that have ended and were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def peak_mb() -> float:
    """The most memory that this process had resident, in MB: ever, or since `peak_from_now`."""
    return _status("VmHWM") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def now_mb() -> float:
    """The memory that this process has resident now, in MB (0 where there is no /proc)."""
    return _status("VmRSS")


def peak_from_now() -> None:
    """Have `peak_mb` count from here (proc(5), clear_refs)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _status(name: str) -> float:
    """A row of /proc/self/status, in MB."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) / 1024
    return 0.0
