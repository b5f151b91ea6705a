"""What a run asks of Python's garbage collector and of the C library, for its memory's and its speed's sake."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_ARENA_MAX = -8  # M_ARENA_MAX, malloc.h of glibc
_LOOK_AFTER = 10_000  # objects after which circles are looked for; Python's 700 are a small part of one reply


@contextmanager
def rarely_collected() -> Iterator[None]:
    """Within this, what is there already is not looked through for garbage, and the rest not as often. One may stand in another.

    What nobody holds is freed at once; only objects that hold each other wait until Python looks for them, and it looks through
    all that there is. A run makes hundreds of thousands of objects that stay, and hardly any circles.
    """
    looked = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(max(_LOOK_AFTER, looked[0]) if looked[0] else 0, *looked[1:])  # 0: whoever switched it off has it so
    try:
        yield
    finally:
        gc.set_threshold(*looked)
        gc.unfreeze()


def one_heap() -> None:
    """From here on all threads take memory from the same heap, where the C library lets itself be told (mallopt(3)).

    glibc has some for each core, so that threads need not wait for each other, and what is freed stays in each. Python's threads
    hardly ever take memory at the same time.
    """
    import ctypes  # only runs need it

    with suppress(OSError, AttributeError, TypeError):  # other libraries have no such call; Windows has no such name
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)
