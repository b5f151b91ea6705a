"""The clock of a simulated host: its time of day, how long it has been up, and what is to happen later.

It goes with the clock of this machine. `advance` moves it ahead and does on the way, one after another, all that falls due;
tests wait for nothing that way. What falls due in real time is done by a thread that is there only while something waits.
"""

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta


@dataclass(order=True, slots=True)
class Appointment:
    """What is to be done at a moment of the clock. `cancel` it where it is not wanted any more."""

    at: float
    number: int
    work: Callable[[], None] | None = field(compare=False)

    def cancel(self) -> None:
        """It will not be done."""
        self.work = None


class MachineClock:
    """offset: seconds by which the time of day is fast, as somebody has set it; how long the host is up does not change by it.

    `lock`: is held while something is done that was due. `in_real_time`: whether a thread does what falls due.
    """

    def __init__(self, lock: threading.RLock) -> None:
        self.offset = 0.0
        self.in_real_time = False
        self._lead = 0.0  # seconds by which `advance` has moved it ahead
        self._lock = lock
        self._waiting: list[Appointment] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._booted = self.now()

    def now(self) -> float:
        """Seconds since some moment; they go on through reboots and whatever the time of day is set to."""
        return time.monotonic() + self._lead

    def uptime(self) -> float:
        """Seconds since the host was booted."""
        return self.now() - self._booted

    def wall(self) -> datetime:
        """The time of day."""
        return datetime.now(UTC) + timedelta(seconds=self._lead + self.offset)

    @property
    def ahead(self) -> float:
        """Seconds by which the time of day is fast beside that of this machine."""
        return self._lead + self.offset

    def booted(self) -> None:
        """The host starts now."""
        self._booted = self.now()

    def call_in(self, seconds: float, work: Callable[[], None]) -> Appointment:
        """Something to be done in so many seconds."""
        made = Appointment(self.now() + max(0.0, seconds), next(self._numbers), work)
        with self._changed:
            heapq.heappush(self._waiting, made)
            self._changed.notify_all()
            self._keep_time()
        return made

    def next_in(self) -> float | None:
        """Seconds to the next thing to be done; None where there is none."""
        with self._changed:
            self._forget_cancelled()
            return max(0.0, self._waiting[0].at - self.now()) if self._waiting else None

    def run_due(self) -> None:
        """Does what is due by now."""
        self._run_to(self.now())

    def advance(self, seconds: float) -> None:
        """Moves the clock ahead, and does what falls due on the way, each at its moment."""
        with self._lock:
            end = self.now() + seconds
            self._run_to(end)
            self._lead += max(0.0, end - self.now())

    def _run_to(self, end: float) -> None:
        with self._lock:
            while (due := self._take(end)) is not None:
                self._lead += max(0.0, due.at - self.now())
                work, due.work = due.work, None
                if work is not None:
                    work()

    def _take(self, end: float) -> Appointment | None:
        with self._changed:
            self._forget_cancelled()
            return heapq.heappop(self._waiting) if self._waiting and self._waiting[0].at <= end else None

    def _forget_cancelled(self) -> None:
        while self._waiting and self._waiting[0].work is None:
            heapq.heappop(self._waiting)

    def start(self) -> None:
        """From now on what falls due is done in real time."""
        with self._changed:
            self.in_real_time = True
            self._keep_time()

    def _keep_time(self) -> None:
        """Has the thread where it is needed."""
        if self.in_real_time and self._waiting and self._thread is None:
            self._thread = threading.Thread(target=self._keep, name="lab-clock", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """From now on only `advance` and `run_due` do something."""
        with self._changed:
            self.in_real_time, thread = False, self._thread
            self._changed.notify_all()
        if thread is not None and thread is not threading.current_thread():
            thread.join(5.0)

    def _keep(self) -> None:
        """The thread: waits, does what is due, ends where nothing waits."""
        while True:
            with self._changed:
                self._forget_cancelled()
                if not self._waiting or not self.in_real_time:
                    self._thread = None
                    return
                wait = self._waiting[0].at - self.now()
                if wait > 0:
                    self._changed.wait(wait)
                    continue
            self.run_due()
