"""The HTML report of 500 hosts with 300 changes each: its size, the memory of making it, how soon it can be used in a browser.

Where all hosts are alike, where one change is another on each, and where all are.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from .measure import Line, Skipped
from .project import worker

HOSTS, RULES = 500, 300
MB, PEAK_MB, READY, FOUND = 5.0, 300.0, 2.0, 0.5


def run() -> Iterator[Line | Skipped]:
    with tempfile.TemporaryDirectory() as folder:
        for differing, what in ((0, "all alike"), (1, "one differs per host"), (RULES, "all differ per host")):
            file = Path(folder) / f"{differing}.html"
            cost = worker("html", str(file), str(HOSTS), str(RULES), str(differing))
            yield Line(f"page of {HOSTS} × {RULES}, {what}", cost["bytes"] / 1e6, "MB", MB)
            yield Line("peak memory of making it", cost["peak"], "MB", PEAK_MB, against=f"{cost['seconds']:.1f} s of CPU")
            for view in ("changes", "table"):
                times = worker("browse", str(file), view)
                if not times["ready"]:
                    yield Skipped("when it can be used", "there is no Chromium")
                    break
                yield Line(f"it can be used, {view}", min(times["ready"]), "s", READY)
                yield Line("a host is searched for, waiting for the typist included", min(times["found"]), "s", FOUND)
