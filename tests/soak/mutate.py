"""Texts and trees made wrong: from valid seeds, so that what is behind the first check is reached too."""

import json
from random import Random
from typing import Any

from core import cases

SEEDS = cases("soak_seeds")
SPECIALS, WORDS, NUMBERS = SEEDS["specials"], SEEDS["words"], SEEDS["numbers"]


class Raw(str):
    """A scalar that is written as it is, without quotes."""

    __slots__ = ()


def text(random: Random, seed: str, more: str = "") -> str:
    """A text with a few changes; `more` is another seed, of which a piece may come in."""
    made = seed
    for _ in range(random.choice((1, 1, 1, 2, 3, 8))):
        at, width = random.randrange(len(made) + 1), random.choice((1, 1, 2, 5, 20, 100))
        kind = random.randrange(7)
        if kind == 0:
            made = made[:at] + made[at + width:]
        elif kind == 1:
            made = made[:at] + random.choice(SPECIALS) + made[at:]
        elif kind == 2:
            made = made[:at] + made[at:at + width] * random.choice((2, 3, 50)) + made[at:]
        elif kind == 3:
            made = made[:at] + chr(random.choice((random.randrange(32, 127), random.randrange(1, 0x300)))) + made[at + 1:]
        elif kind == 4:
            made = made[:at] + random.choice((*WORDS, *NUMBERS)) + made[at + width:]
        elif kind == 5:
            start = random.randrange(len(more) + 1)
            made = made[:at] + more[start:start + width] + made[at:]
        else:
            lines = made.split("\n")
            random.shuffle(lines)
            made = "\n".join(lines)
    return made[:20_000]


def tree(random: Random, value: Any, keys: list[Any]) -> Any:
    """A tree with one change somewhere in it. `keys` are those of the seeds, to be put where they do not belong."""
    if isinstance(value, dict) and value and random.random() < 0.75:
        made = dict(value)
        key = random.choice(list(made))
        kind = random.randrange(8)
        if kind == 0:
            del made[key]
        elif kind == 1:
            made[random.choice((*keys, *WORDS, Raw(random.choice(NUMBERS)), Raw("null"), Raw("[a]")))] = made.pop(key)
        elif kind == 2:
            made[random.choice(keys)] = leaf(random, made[key])
        else:
            made[key] = tree(random, made[key], keys)
        return made
    if isinstance(value, list) and value and random.random() < 0.75:
        listed = list(value)
        at, kind = random.randrange(len(listed)), random.randrange(6)
        if kind == 0:
            del listed[at]
        elif kind == 1:
            listed.insert(at, leaf(random, listed[at]))
        elif kind == 2:
            listed[at:at] = [listed[at]] * random.choice((1, 2, 30))
        else:
            listed[at] = tree(random, listed[at], keys)
        return listed
    return leaf(random, value)


def leaf(random: Random, value: Any) -> Any:
    """Something else in the place of a value."""
    kind = random.randrange(9)
    if kind == 0:
        return Raw(random.choice(NUMBERS))
    if kind == 1:
        return Raw(random.choice(SEEDS["plain"]))
    if kind == 2:
        return [value]
    if kind == 3:
        return [value, value]
    if kind == 4:
        return {random.choice(WORDS): value}
    if kind == 5 and isinstance(value, str):
        return text(random, value)
    if kind == 6:
        deep = value
        for _ in range(random.choice((5, 70))):
            deep = [deep]
        return deep
    return random.choice(WORDS)


def flow(value: Any) -> str:
    """A tree as YAML in one line; without Raw scalars it is JSON."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{flow(k)}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    return json.dumps(value, ensure_ascii=False, default=str)


def keys_of(value: Any) -> list[Any]:
    """All keys in a tree."""
    if isinstance(value, dict):
        return [*value, *(k for v in value.values() for k in keys_of(v))]
    return [k for v in value for k in keys_of(v)] if isinstance(value, list) else []
