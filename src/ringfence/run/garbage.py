"""When Python looks for garbage: rarely, and never in what stays to the end.

What nobody holds is freed at once; only objects that hold each other wait until Python looks for them, and it looks through all
that there is. A run makes hundreds of thousands of objects that stay, and hardly any circles.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_LOOK_AFTER = 10_000  # objects after which circles are looked for; Python's 700 are a small part of one reply


@contextmanager
def rarely_collected() -> Iterator[None]:
    """Within this, what is there already is not looked through, and the rest not as often. One may stand in another."""
    looked = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(max(_LOOK_AFTER, looked[0]) if looked[0] else 0, *looked[1:])  # 0: whoever switched it off has it so
    try:
        yield
    finally:
        gc.set_threshold(*looked)
        gc.unfreeze()
