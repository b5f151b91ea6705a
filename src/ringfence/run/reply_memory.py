"""How much memory the replies of all hosts of a run may take at once: large ones wait for each other, small ones never."""

import threading
from types import TracebackType

from ringfence.run.main_process import main_process

FLEET_MEMORY = 250_000_000  # bytes that large replies may take at once: one of the largest, for reading uses one core anyway
_SMALL = 8_000_000  # a host of a few thousand rules: it waits for nobody


class ReplyMemory:
    """Room for the replies of all hosts of a run."""

    def __init__(self, size: int = FLEET_MEMORY) -> None:
        self.size, self.used = size, 0
        self.queue: list[MemoryShare] = []  # who waits, in the order in which they came
        self.changed = threading.Condition()


class MemoryShare:
    """What one host has of it, until the work on the host is over. A host that has some gets more at once: so none waits for
    another that waits for it. A process that only works for another one has it from that one, which takes it back by itself."""

    def __init__(self, memory: ReplyMemory, host: str = "") -> None:
        self.memory, self.host, self.held = memory, host, 0

    def __enter__(self) -> "MemoryShare":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.give_back()

    def give_back(self) -> None:
        """Have nothing any more."""
        with self.memory.changed:
            self.memory.used -= self.held
            self.held = 0
            self.memory.changed.notify_all()

    def take(self, size: int) -> None:
        """Have `size` bytes. A large reply waits its turn, and then until there is room, or until no other large one is there."""
        memory = self.memory
        if size <= _SMALL:
            return
        if main := main_process():
            main.ask("memory", self.host, size)
            return
        with memory.changed:
            if not self.held:
                memory.queue.append(self)
                memory.changed.wait_for(lambda: memory.queue[0] is self and (
                    not memory.used or memory.used + size <= memory.size))
                memory.queue.remove(self)
                memory.changed.notify_all()
            self.held += size
            memory.used += size
