"""What is told of a host while it is worked on, and who may begin to write. Threads call it."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ringfence.errors import Interrupted
from ringfence.report import HostResult
from ringfence.run.failure_budget import FailureBudget
from ringfence.run.interruption import Interruption
from ringfence.run.main_process import main_process


class Recorder:
    """Who is being written at this moment. Nobody begins once the run is interrupted, or more hosts have failed than may. In a
    process that only works for another one, that one's is asked."""

    def __init__(self) -> None:
        self._interruption, self._lock = Interruption(), threading.Lock()
        self.budget = FailureBudget(0, None)
        self._writing: dict[str, HostResult] = {}

    @property
    def interruption(self) -> Interruption:
        """Whether the run is to end."""
        if main := main_process():
            self._interruption.number = main.ask("interruption")
        return self._interruption

    @property
    def writing(self) -> dict[str, HostResult]:
        """The hosts that are being written, with what was planned for them."""
        with self._lock:
            return dict(self._writing)

    def begins(self, result: HostResult) -> None:
        """The changes of a host are going to be sent. Raises Interrupted where nothing is to be begun any more."""
        if main := main_process():
            main.ask("begins", result)
            return
        with self._lock:
            if self._interruption:
                raise Interrupted("the run was interrupted before anything was written here")
            if self.budget.spent:
                raise Interrupted(f"nothing was written here: {self.budget}")
            self._writing[result.host] = result
        self.on_begin(result)

    def has_written(self, result: HostResult) -> None:
        """The host has answered; what it made is about to be proven."""
        if main := main_process():
            main.ask("has_written", result)
            return
        with self._lock:
            self._writing[result.host] = result
        self.on_written(result)

    @contextmanager
    def starting(self) -> Iterator[bool]:
        """Whether a further host may be begun; as long as this is held nothing is decided that could say otherwise."""
        with self._lock:
            yield not self.ends_run

    def decided(self, result: HostResult) -> None:
        """What became of a host is known: from here on it counts. Told twice it counts once."""
        with self._lock:
            self.budget.decided(result)

    @property
    def ends_run(self) -> bool:
        """Whether no further host is to be begun."""
        return bool(self._interruption) or self.budget.spent

    def ends(self, host: str) -> None:
        """Nothing more is done to a host."""
        with self._lock:
            self._writing.pop(host, None)

    def rollout(self, waves: Sequence[Sequence[str]]) -> None:
        """For those who keep a record: the waves of the run are known, or others than before."""

    def on_begin(self, result: HostResult) -> None:
        """For those who keep a record: before the first write."""

    def on_written(self, result: HostResult) -> None:
        """For those who keep a record: after the write, before the proof."""
