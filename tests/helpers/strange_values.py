"""Values of a wrong type in place of each one that somebody else says: what no reader of them may fail on."""

from collections.abc import Iterator
from copy import copy
from random import Random
from typing import Any

STRANGE: tuple[Any, ...] = (
    None, True, False, 0, -1, 10**4299, 1.5, float("inf"), float("nan"), [], {}, [[]], [None], {"a": {"b": [1]}}, "", "x" * 5000,
    "9" * 5000, "9" * 5000 + ".1", "\x1b]0;x\x07", "٣.٣", "²", "0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00",
    "-14:00", "+14:00", "../../x", ["a"] * 300, {"": None}, "{", "S-1-", "10.0.0.1/99", "local", "20261128T021318Z-6ac53f")
Path = tuple[Any, ...]


def paths(value: Any, at: Path = ()) -> Iterator[Path]:
    """The way to each value in a tree; of long lists to the first few."""
    yield at
    if isinstance(value, dict):
        for key in list(value)[:60]:
            yield from paths(value[key], (*at, key))
    elif isinstance(value, list):
        for n in range(min(len(value), 4)):
            yield from paths(value[n], (*at, n))


def with_strange(value: Any, at: Path, strange: Any) -> Any:
    """The tree with another value at a place."""
    if not at:
        return strange
    changed = copy(value)
    changed[at[0]] = with_strange(value[at[0]], at[1:], strange)
    return changed


def made_strange(random: Random, value: Any) -> Any:
    """The tree with a strange value somewhere, or two."""
    for _ in range(random.choice((1, 1, 2))):
        value = with_strange(value, random.choice(list(paths(value))), random.choice(STRANGE))
    return value
