"""What a signal means while something is under way, and afterwards."""

import os
import signal
import threading
import time

import pytest
from hangup import HANGUP

from ringfence.run.interruption import SIGNALS, Interruption, Terminated, ending_raises, handled


def ended(number: signal.Signals = signal.SIGTERM) -> None:
    """Somebody ends this process, and what it does takes its time."""
    os.kill(os.getpid(), number)
    time.sleep(5)


def test_sigterm_ends_what_is_under_way_and_means_again_what_it_did() -> None:
    seen = list[int]()
    before = signal.signal(signal.SIGTERM, lambda number, frame: seen.append(number))
    try:
        with pytest.raises(Terminated), ending_raises():
            ended()
        os.kill(os.getpid(), signal.SIGTERM)
        assert seen == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize(("second", "raised"), [
    ("SIGTERM", Terminated), pytest.param("SIGHUP", Terminated, marks=HANGUP.marks), ("SIGINT", KeyboardInterrupt)])
def test_of_two_signals_the_first_is_noted_and_the_second_ends(second: str, raised: type[BaseException]) -> None:
    interruption = Interruption()
    with interruption.heard():
        os.kill(os.getpid(), signal.SIGINT)
        assert (interruption.number, interruption.name) == (signal.SIGINT, "SIGINT")
        with pytest.raises(raised) as found:
            ended(getattr(signal, second))
        assert isinstance(found.value, Terminated) == (second != "SIGINT")


def test_what_is_cut_short_ends_at_the_first_signal() -> None:
    """A read is one that would be begun again; what comes after a signal is not begun."""
    interruption, (reader, writer) = Interruption(), os.pipe()
    with interruption.heard():
        assert interruption.cut_short(lambda: "answered") == "answered"
        timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM))
        timer.start()
        assert interruption.cut_short(lambda: os.read(reader, 1)) is None
        assert interruption.name == "SIGTERM"
        assert interruption.cut_short(lambda: os.read(reader, 1)) is None
    os.close(reader)
    os.close(writer)


def test_a_signal_elsewhere_is_only_noted() -> None:
    interruption = Interruption()
    with interruption.heard():
        interruption.cut_short(lambda: None)
        os.kill(os.getpid(), signal.SIGINT)
    assert interruption


def test_a_terminal_that_closes_is_heard_but_where_nohup_said_no() -> None:
    """Who starts with nohup has SIGHUP ignored, and means it."""
    heard: list[int] = []
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        for ignored in (False, True):
            signal.signal(signal.SIGHUP, signal.SIG_IGN if ignored else signal.SIG_DFL)
            with handled(SIGNALS, lambda number, frame: heard.append(number)):
                os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is (signal.SIG_IGN if ignored else signal.SIG_DFL)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert heard == [signal.SIGHUP]
