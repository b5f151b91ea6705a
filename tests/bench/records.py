"""What a record costs: the JSON of a large plan, its plan file, and the journal of an apply.

The journal's part is the CPU time of the calls to it, in the threads that make them, of all CPU time of the same apply (over SSH,
the way in that costs the controller least).
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from .measure import Line
from .policy import RULES
from .project import lab, worker, write

PLANNED, JSON_MB, PEAK_MB = 500, 25.0, 300.0
APPLIED, PERCENT = 10, 2.0


def run() -> Iterator[Line]:
    cost = worker("document", str(PLANNED))
    yield Line(f"JSON of {PLANNED} × {RULES}, one word differs per host", cost["bytes"] / 1e6, "MB", JSON_MB)
    yield Line("peak memory of writing it", cost["peak"], "MB", PEAK_MB)
    yield Line("the same as events", cost["lines"] / 1e6, "MB")
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "site.plan.json")
        cost = worker("write_plan", file, str(PLANNED))
        yield Line("the same as a plan file", cost["bytes"] / 1e6, "MB", JSON_MB)
        yield Line("peak memory of writing it", cost["peak"], "MB", PEAK_MB, against=f"{cost['cpu']:.1f} s of CPU")
        cost = worker("read_plan", file, str(PLANNED))
        assert cost["stale"] == [], cost
        reading = cost["cpu"] - cost["judged"]
        yield Line("peak memory of reading it", cost["peak"], "MB", PEAK_MB, against=f"{reading:.1f} s of CPU")
        yield Line("comparing a host with it, the making of its changes included", cost["judged"] / PLANNED * 1000, "ms")
    with tempfile.TemporaryDirectory() as folder, lab(Path(folder), APPLIED, "ssh") as hosts:
        write(Path(folder), hosts)
        cost = worker("journal", folder)
        assert cost["states"] == {"changed": APPLIED}, cost
        assert cost["fsyncs"] == 2 * APPLIED + 2, cost
        yield Line(f"journal of an apply of {APPLIED} × {RULES} changes", cost["share"] * 100, "%", PERCENT,
                   against=f"{cost['journal'] * 1000:.1f} of {cost['cpu'] * 1000:.0f} ms; {cost['size'] / 1000:.0f} kB")
