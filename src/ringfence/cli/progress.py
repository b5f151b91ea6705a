"""How far a run is: a bar in front of a terminal, else a line now and then."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

from ringfence.report import HostResult
from ringfence.views.format import count

BETWEEN_LINES = 30.0  # seconds where there is no terminal
_NARROW = 60  # columns of a terminal that has no room for a bar


class RunProgress:
    """What is counted of a run of `total` hosts; `what` is what is done to them."""

    def __init__(self, total: int, what: str) -> None:
        self.total, self.what = total, what
        self.done = self.failed = self.changed = 0

    def count(self, result: HostResult) -> None:
        """One host has ended."""
        self.done += 1
        self.failed += result.failed
        self.changed += bool(result.changes) and result.error is None and not result.failed

    @property
    def outcome(self) -> str:
        """What became of those that have ended."""
        word = "changed" if self.what in ("apply", "retire", "rollback") else "with changes"
        return ", ".join(f"{n} {name}" for n, name in ((self.failed, "failed"), (self.changed, word)) if n)

    @property
    def line(self) -> str:
        """All of it in one line."""
        return f"{self.what}: {self.done} of {count(self.total, 'host')}" + (f", {self.outcome}" if self.outcome else "")


@contextlib.contextmanager
def lines(counted: RunProgress, say: Callable[[str], None], seconds: float | None = None) -> Iterator[None]:
    """Say a line every so often until the run is over."""
    over = threading.Event()

    def tell() -> None:
        while not over.wait(BETWEEN_LINES if seconds is None else seconds):
            say(counted.line)

    teller = threading.Thread(target=tell, name="progress", daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()


def bar(counted: RunProgress, style: bool) -> tuple[Any, Callable[[], None]]:
    """rich's progress bar and what moves it. It never fills the line, so that a terminal that becomes narrower keeps it one."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True, no_color=not style)
    room = [BarColumn(bar_width=16)] if console.width >= _NARROW else []
    shown = Progress(TextColumn("{task.description}"), *room, MofNCompleteColumn(), TimeRemainingColumn(compact=True),
                     TextColumn("{task.fields[outcome]}"), transient=True, console=console)
    task = shown.add_task(counted.what, total=counted.total, outcome="")
    return shown, lambda: shown.update(task, completed=counted.done, outcome=counted.outcome)
