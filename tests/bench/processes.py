"""A plan in two processes against the same in one, on two cores, whose answers are there already.

Hosts are in memory: a lab beside it would take the cores that are measured. One process and two run in turn, and what is told is
the median of the rounds. Time says little on a machine that others use as well; CPU time beside it says what several processes
cost. Memory is what all of them have of their own and a part of what they share (PSS).
"""

import contextlib
import os
import statistics
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from process_tree import children

from .measure import Line, Skipped
from .policy import RULES
from .project import worker, write

HOSTS, ROUNDS, RATIO, MEMORY = 500, 3, 0.6, 500.0


def run() -> Iterator[Line | Skipped]:
    if not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2:
        yield Skipped("a plan in two processes", "that needs Linux and two cores")
        return
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), {f"srv{i:04}": {"ansible_connection": "local"} for i in range(HOSTS)})
        states = worker("record", folder)["states"]
        rounds = [[worker("in_processes", folder, number) for number in "12"] for _ in range(ROUNDS)]
        peaks = [_peak(folder, number) for number in "12"]
    for found in (one for pair in rounds for one in pair):
        assert found["states"] == states == {"differs": -(-HOSTS // 3), "in_sync": HOSTS * 2 // 3}, found
    alone, several = ([pair[i] for pair in rounds] for i in (0, 1))
    seconds = [statistics.median(one["wall"] for one in runs) for runs in (alone, several)]
    ratios = sorted(two["wall"] / one["wall"] for one, two in rounds)
    yield Line(f"plan of {HOSTS} × {RULES} in 2 processes, against 1: time", statistics.median(ratios), "×", RATIO,
               against=f"{seconds[1]:.1f} s, 1: {seconds[0]:.1f} s; {ratios[0]:.2f} to {ratios[-1]:.2f}")
    cpu = statistics.median((two["main"] + two["others"]) / one["main"] for one, two in rounds)
    yield Line("   CPU time of all of them", cpu, "×")
    yield Line("   of it in the one that shows the results", statistics.median(two["main"] for two in several) / HOSTS * 1000,
               "ms/host")
    yield Line("   reading the project, before, in one process", statistics.median(one["prepared"] for one in alone), "s")
    yield Line("   the most memory that all have together", peaks[1], "MB", MEMORY, against=f"1: {peaks[0]:.0f} MB")


def _peak(folder: str, number: str) -> float:
    """The most that the processes of a plan have together, in MB."""
    found, over = [0.0], threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            found.append(sum(map(_pss, _descendants(os.getpid()))))

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        worker("in_processes", folder, number)
    finally:
        over.set()
        watching.join()
    return max(found)


def _descendants(pid: int) -> Iterator[int]:
    for child in children(pid):
        yield child
        yield from _descendants(child)


def _pss(pid: int) -> float:
    """What a process has in memory, of shared pages its part (proc_pid_smaps(5)), in MB."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0
