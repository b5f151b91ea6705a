"""Hosts that answer with the worst that a MB on the wire can hold, one by one and 20 at once."""

import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .measure import Line
from .project import ROOT, environment, lab, worker, write

WIRE, HOSTS = "1 MB on the wire", 20
SECONDS, MEGABYTES, TOGETHER = 2.0, 200.0, 1000.0
GOOD, SLOWER, PAIRS = 200, 1.5, 3  # of several runs the quickest counts: what is more comes from others on the same cores
GROWTH = 8.0  # 4 is linear, 16 the square


def run() -> Iterator[Line]:
    short, long = (worker("texts", str(length)) for length in (250_000, 1_000_000))
    yield Line("CPU of the slowest pattern with a text of 1 MB", long["spent"], "s", SECONDS, against=long["which"])
    yield Line("the same against a quarter of the text", long["spent"] / short["spent"], "times", GROWTH)
    replies = worker("replies")["names"]
    costs = {name: worker("reply", name) for name in replies}
    slowest = max(costs, key=lambda name: costs[name]["spent"])
    largest = max(costs, key=lambda name: costs[name]["grown"])
    yield Line(f"CPU of the slowest reply of {WIRE}", costs[slowest]["spent"], "s", SECONDS, against=slowest)
    yield Line(f"memory of the largest reply of {WIRE}", costs[largest]["grown"], "MB", MEGABYTES, against=largest)
    honest = worker("reply", "a host of 50,000 rules")
    yield Line("CPU of an honest host of 50,000 rules", honest["spent"], "s")
    yield Line("the slowest reply against that", costs[slowest]["spent"] / honest["spent"], "times", SLOWER)
    yield Line("memory of an honest host of 50,000 rules", honest["grown"], "MB", MEGABYTES)
    together = worker("replies_at_once", str(HOSTS))
    yield Line(f"memory of {HOSTS} such hosts at once", together["peak"], "MB", TOGETHER, against=f"{together['states']}")
    yield from _among_good_ones()


def _among_good_ones() -> Iterator[Line]:
    with tempfile.TemporaryDirectory() as folder, lab(Path(folder), GOOD, "psrp", "basic") as good, _evil(Path(folder)) as evil:
        names = [*good, *evil]
        random.Random(1).shuffle(names)
        runs: list[tuple[dict[str, Any], dict[str, Any]]] = []
        for _ in range(PAIRS):
            write(Path(folder), good)
            alone = worker("among", folder)
            write(Path(folder), {name: {**good, **evil}[name] for name in names})
            beside = worker("among", folder, *evil)
            assert alone["states"]["good"] == beside["states"]["good"] == {"differs": GOOD}, (alone, beside)
            runs.append((alone, beside))
    alone, beside = (min(side, key=lambda run: float(run["last"])) for side in zip(*runs, strict=True))
    yield Line(f"{GOOD} good hosts alone", alone["last"], "s", against=f"{alone['peak']:.0f} MB; {_each(runs, 0)}")
    yield Line(f"the last of them beside {len(evil)} hostile ones", beside["last"] / alone["last"], "times", SLOWER,
               against=f"{_each(runs, 1)}; hostile: {beside['states']['evil']}")
    spent = [min(float(run["spent"]) for run in side) for side in zip(*runs, strict=True)]
    yield Line("CPU of the controller until then, against alone", spent[1] / spent[0], "times",
               against=f"{spent[1]:.1f} s, {spent[0]:.1f} s")
    yield Line("memory of both", max(run["peak"] for _, run in runs), "MB", TOGETHER)


def _each(runs: list[tuple[dict[str, Any], dict[str, Any]]], side: int) -> str:
    return ", ".join(f"{run[side]['last']:.1f} s" for run in runs)


@contextmanager
def _evil(folder: Path) -> Iterator[dict[str, Any]]:
    """Hostile hosts in a process of their own."""
    inventory = folder / "evil.json"
    command = [sys.executable, str(ROOT / "tests" / "helpers" / "hostile_hosts.py"), str(inventory)]
    with subprocess.Popen(command, cwd=ROOT, env=environment()) as server:
        try:
            while not inventory.exists():
                if server.poll() is not None:
                    raise RuntimeError("the hostile hosts did not start")
                time.sleep(0.1)
            yield json.loads(inventory.read_text(encoding="utf-8"))["all"]["hosts"]
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(60)
