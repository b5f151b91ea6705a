"""Hosts that answer with the worst that a MB on the wire can hold, one by one and 20 at once."""

from collections.abc import Iterator

from .measure import Line
from .project import worker

WIRE, HOSTS = "1 MB on the wire", 20
SECONDS, MEGABYTES, TOGETHER = 2.0, 200.0, 1000.0
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
    yield Line("memory of an honest host of 50,000 rules", honest["grown"], "MB", MEGABYTES)
    together = worker("replies_at_once", str(HOSTS))
    yield Line(f"memory of {HOSTS} such hosts at once", together["peak"], "MB", TOGETHER, against=f"{together['states']}")
