"""Garbage is looked for rarely while a run is made and carried out, and as before afterwards; threads share one heap."""

import ctypes
import gc
import subprocess
import sys
from pathlib import Path

import pytest

from ringfence.run.memory import rarely_collected


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


@pytest.mark.skipif(sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "malloc_info"), reason="it is of glibc")
def test_the_threads_of_hosts_take_memory_from_one_heap(tmp_path: Path) -> None:
    """malloc_info(3) tells of each heap."""
    told = tmp_path / "heaps"
    done = subprocess.run([sys.executable, "-c", _ALLOCATING, str(told)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert told.read_text(encoding="utf-8").count("<heap nr=") == 1


_ALLOCATING = """
import ctypes, sys, threading
from types import SimpleNamespace
from ringfence.report import HostResult
from ringfence.run.host_threads import HostThreads
from ringfence.run.recorder import Recorder
together = threading.Barrier(4)
def work(job):
    held = bytearray(100_000)
    together.wait(20)
    return HostResult(job.host)
threads = HostThreads(work, 4, Recorder())
futures = [threads.submit(SimpleNamespace(host=str(i))) for i in range(4)]
assert [future.result().host for future in futures] == list("0123")
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
file = ctypes.c_void_p(libc.fopen(sys.argv[1].encode(), b"w"))
assert libc.malloc_info(0, file) == 0
libc.fclose(file)
"""
