"""Inputs made wrong, one after the other: each ends in a value or a message, and within its time."""

import signal
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import FrameType

from . import mutate
from .readers import Reader, file_readers, host_readers, small_project

SECONDS = 2.0  # of processor time for one input
HANGS, WAITS = 30, 900  # seconds of processor time, and of any, after which one is interrupted
LARGEST = 1_000_000  # characters: for inputs of at most that much SECONDS are promised


@dataclass(frozen=True)
class Defect:
    """What one input brought about. `reason` is the same for inputs that show the same defect."""

    reader: str
    reason: str
    text: str
    told: str


class _TooLong(BaseException):
    """An input hangs."""


def _alarm(number: int, frame: FrameType | None) -> None:
    raise _TooLong


@contextmanager
def _alarms() -> Iterator[None]:
    before = {number: signal.signal(number, _alarm) for number in (signal.SIGALRM, signal.SIGPROF)}
    try:
        yield
    finally:
        _interrupt_after(0, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt_after(used: float, any: float) -> None:
    """Where others work on the same cores, only processor time tells what hangs; what waits for something uses none."""
    signal.setitimer(signal.ITIMER_PROF, used)
    signal.setitimer(signal.ITIMER_REAL, any)


def inputs(reader: Reader, random: Random) -> str:
    """One text for a reader. What was multiplied twice may be a hundred times as much: then another."""
    while len(made := _made_wrong(reader, random)) > LARGEST:
        pass
    return made


def _made_wrong(reader: Reader, random: Random) -> str:
    if reader.trees and random.random() < 0.75:
        whole = random.choice(reader.trees)
        for _ in range(random.choice((1, 1, 2, 4))):
            whole = mutate.tree(random, whole, mutate.keys_of(reader.trees) or ["a"])
        text = mutate.flow(whole)
        return mutate.text(random, text) if random.random() < 0.2 else text
    seeds = [*reader.seeds, *map(mutate.flow, reader.trees)]
    return mutate.text(random, random.choice(seeds), random.choice(seeds))


def one(reader: Reader, text: str) -> Defect | None:
    """What is wrong with how a reader takes a text."""
    begun = time.process_time()
    _interrupt_after(HANGS, WAITS)
    try:
        reader.run(text)
    except _TooLong:
        return Defect(reader.name, "hangs", text, traceback.format_exc(limit=-6))
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        _, failed, what = str(error).partition("ringfence itself failed: ")
        reason = f"{type(error).__name__}: {what[:60] if failed else f'{last.name} in {Path(last.filename).name}'}"
        return Defect(reader.name, reason, text, traceback.format_exc(limit=-8) + str(error)[:2000])
    finally:
        _interrupt_after(0, 0)
    used = time.process_time() - begun
    return Defect(reader.name, "slow", text, f"{used:.1f} s") if used > SECONDS else None


def fuzz(number: int, seed: int, only: str = "") -> tuple[Counter[str], list[Defect]]:
    """How many inputs each reader got, of `number` in all, and what is wrong: of each kind of defect the first."""
    random, done, defects = Random(seed), Counter[str](), dict[tuple[str, str], Defect]()
    readers = [reader for reader in (*file_readers(), *host_readers()) if only in reader.name]
    weights = [reader.weight for reader in readers]
    with tempfile.TemporaryDirectory() as folder, small_project(Path(folder)), _alarms():
        for reader in random.choices(readers, weights, k=number):
            done[reader.name] += 1
            if defect := one(reader, inputs(reader, random)):
                defects.setdefault((defect.reader, defect.reason), defect)
    return done, list(defects.values())
