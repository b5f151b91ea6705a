"""What a signal means while something is under way, and afterwards."""

import os
import signal
import time

import pytest

from ringfence.run.interruption import Interruption, Terminated, sigterm_raises


def ended(number: signal.Signals = signal.SIGTERM) -> None:
    """Somebody ends this process, and what it does takes its time."""
    os.kill(os.getpid(), number)
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


@pytest.mark.parametrize(("second", "raised"), [(signal.SIGTERM, Terminated), (signal.SIGINT, KeyboardInterrupt)])
def test_of_two_signals_the_first_is_noted_and_the_second_ends(second: signal.Signals, raised: type[BaseException]) -> None:
    interruption = Interruption()
    with interruption.heard():
        os.kill(os.getpid(), signal.SIGINT)
        assert (interruption.number, interruption.name) == (signal.SIGINT, "SIGINT")
        with pytest.raises(raised) as found:
            ended(second)
        assert isinstance(found.value, Terminated) == (second == signal.SIGTERM)
