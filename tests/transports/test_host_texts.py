"""What a host says is matched in time that grows with its length, not with the square: `re` holds the whole program up."""

import subprocess
import sys
from pathlib import Path

import host_texts


def test_a_mb_of_any_beginning_is_done_with() -> None:
    """In a process of its own: a pattern that takes hours cannot be interrupted. Done takes seconds; times are in tests/bench."""
    program = Path(host_texts.__file__)
    done = subprocess.run([sys.executable, str(program)], timeout=240, check=True, capture_output=True, text=True)
    assert done.stdout
