"""What only the process decides that began a run: whether a host may be written, how much memory a reply may take.

Hosts may be worked on in processes of their own (worker_process.py). What counts for all hosts together asks the one that began
them, by way of this module.
"""

from typing import Any, Protocol


class MainProcess(Protocol):
    """The process that began the run, as those see it that work on its hosts."""

    def ask(self, question: str, *arguments: Any) -> Any:
        """Its answer, which is waited for. Raises what it raises there."""


_main: list[MainProcess] = []  # empty in that process itself


def main_process() -> MainProcess | None:
    """The process that decides, where that is not this one."""
    return _main[0] if _main else None


def works_for(main: MainProcess) -> None:
    """From here on this process only works for another one."""
    _main[:] = [main]
