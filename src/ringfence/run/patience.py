"""Time as a run waits for it."""

import time


class Patience:
    """Seconds that pass. Tests, and trials with hosts that have clocks of their own, put others in its place."""

    def now(self) -> float:
        """Seconds since some moment, on a clock that nobody sets."""
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        """Let so many pass."""
        time.sleep(seconds)
