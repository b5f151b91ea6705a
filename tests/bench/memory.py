"""1,000 planned hosts with 300 rules each: the most memory that the controller ever needs."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from .measure import Line
from .policy import RULES
from .project import worker, write

HOSTS, LIMIT, FORKS = 1000, 500.0, 20


def run() -> Iterator[Line]:
    for what, own in (("most rules the same everywhere", False), ("no rule twice in the fleet", True)):
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder), {f"srv{i:04}": {"ansible_connection": "local"} for i in range(HOSTS)}, each_its_own=own)
            cost = worker("memory", folder, str(FORKS))
        assert cost["states"] == {"differs": 334, "in_sync": 666}, cost
        assert cost["declared"] == HOSTS * (RULES + 3)
        yield Line(f"peak memory of {HOSTS} × {RULES}, {what}", cost["peak"], "MB", LIMIT,
                   against=f"{cost['prepared']:.0f} MB before the first host was asked")
        yield Line("CPU per host (with the making of the answers)", cost["cpu"] / HOSTS * 1000, "ms")
