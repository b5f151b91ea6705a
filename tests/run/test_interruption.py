"""What a signal means while something is under way, and afterwards."""

import os
import signal
import time

import pytest

from ringfence.run.interruption import Terminated, sigterm_raises


def ended() -> None:
    """Somebody ends this process, and what it does takes its time."""
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(5)


def test_sigterm_ends_what_is_under_way_and_means_again_what_it_did() -> None:
    seen = list[int]()
    before = signal.signal(signal.SIGTERM, lambda number, frame: seen.append(number))
    try:
        with pytest.raises(Terminated), sigterm_raises():
            ended()
        os.kill(os.getpid(), signal.SIGTERM)
        assert seen == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)
