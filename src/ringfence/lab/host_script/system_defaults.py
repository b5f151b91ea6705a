"""Windows' own policy on a simulated host, as Defaults.Read tells of it: what still stands in the local policy by name only."""

from typing import Any

from ringfence.lab.machine.machine import Machine
from ringfence.lab.registry.hive import POLICY, SYSTEM_DEFAULTS, as_sent

_RULES = "firewallrules"


def read_defaults(machine: Machine) -> dict[str, Any]:
    """The value of a Defaults.Read. There is nothing in it where somebody has deleted the key, as some scripts do."""
    rows: list[Any] = []
    same: list[str] = []
    for path, key in machine.registry.tree(SYSTEM_DEFAULTS):
        values = list(key.values.values())
        if path.lower() == _RULES:
            same = [v.name for v in values if machine.registry.get(rf"{POLICY}\{path}", v.name) == v.data]
            values = [v for v in values if v.name not in same]
        rows.append([path, [as_sent(v) for v in values]])
    rows.sort(key=lambda row: row[0].lower() == _RULES)  # the script reads the rules last
    return {"rows": rows, "same": same, "language": machine.language, "unread": []}
