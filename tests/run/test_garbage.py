"""Garbage is looked for rarely while a run is made and carried out, and as before afterwards."""

import gc

import pytest

from ringfence.run.garbage import rarely_collected


def _ends_early() -> None:
    with rarely_collected():
        assert gc.get_threshold()[0] >= 10_000
        assert gc.get_freeze_count() > 1000
        with rarely_collected():
            pass
        assert gc.get_threshold()[0] >= 10_000
        raise KeyError


def test_it_is_as_before_afterwards_whatever_happens() -> None:
    before = gc.get_threshold()
    with pytest.raises(KeyError):
        _ends_early()
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() < 1000


def test_whoever_switched_it_off_or_looks_more_rarely_has_it_so() -> None:
    before = gc.get_threshold()
    try:
        for own in (0, 50_000):
            gc.set_threshold(own)
            with rarely_collected():
                assert gc.get_threshold()[0] == own
            assert gc.get_threshold()[0] == own
    finally:
        gc.set_threshold(*before)
