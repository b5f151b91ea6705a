"""A host with 50,000 rules, as terminal servers and virtual desktops collect them: what reading and planning it costs."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .measure import Line
from .policy import RULES, strings
from .project import worker, write

STORED, CPU, MEMORY = 50_000, 3.0, 250.0


def run() -> Iterator[Line]:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), {"large": {"ansible_connection": "local"}})
        policy = Path(folder) / "policy.json"
        rules = [[name, "String", text] for name, text in strings(STORED)]
        policy.write_text(json.dumps({"local": [["FirewallRules", rules]]}), encoding="utf-8")
        cost = worker("large", folder, str(policy))
    assert cost["states"] == {"refused": 1}, cost  # what differs there is nobody's: it is read, compared and judged all the same
    assert cost["declared"] == RULES + 3
    yield Line(f"{STORED:,} rules read, and {RULES} planned: CPU", cost["plan"], "s", CPU)
    yield Line("the most memory of that process", cost["peak"], "MB", MEMORY, against=f"{cost['before']:.0f} MB before it")
