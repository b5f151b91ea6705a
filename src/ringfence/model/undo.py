r"""What a host says of the undo of a run: \ringfence\undo, a task of Windows' own scheduler. Pure.

It imports the local policy as netsh exported it before the first write, unless the run that armed it comes back over a new
connection and confirms; see batch/host/undo_task.ps1 for how far it can be.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

ARMED, UNDER_WAY = "armed", ("firing", "again")
"""How far an undo is (`UndoState.step`): it waits; it has begun, and comes to its end by itself."""
UNDO_KEY = "undo"  # beside the ledgers of projects, below their key; no project has such an id
_RUN = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}")


@dataclass(frozen=True, slots=True)
class UndoState:
    """What a host says of an undo.

    run: which armed one last · state: what its key says: arming, armed, firing; restored, confirmed, dropped once it is over ·
    project: the id of the run's · armed: when, RFC 3339 · task: the run whose task is there; empty where none is · step: how far
    that is, one of arming, exported, armed, firing, again, confirmed, none.
    """

    run: str = ""
    state: str = ""
    project: str = ""
    armed: str = ""
    task: str = ""
    step: str = "none"

    @property
    def waits(self) -> bool:
        """Whether a run armed it and nobody has confirmed it yet, as far as the key knows."""
        return bool(self.run) and self.state in ("arming", "armed", "firing")


def undo_state(value: Any) -> UndoState:
    """What the answer of Undo.Read, Undo.Confirm or Undo.Fire says. Lenient; never raises."""
    told = value if isinstance(value, Mapping) else {}
    run, task = _run(told.get("run")), _run(told.get("task"))
    return UndoState(run, _word(told.get("state")), _word(told.get("project")), _word(told.get("armed")), task,
                     _word(told.get("step")) or "none")


def kept_undo(answer: Any) -> UndoState:
    """What the key of the undo says, which is read with the ledgers (the value of a Ledger.Read). Lenient; never raises."""
    rows = answer.get("rows") if isinstance(answer, Mapping) else None
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, list) and len(row) == 2 and str(row[0]).lower() == UNDO_KEY and isinstance(row[1], list):
            return undo_state(dict(_values(row[1])))
    return UndoState()


def _values(values: list[Any]) -> Iterator[tuple[str, Any]]:
    for value in values[:20]:
        if isinstance(value, list) and len(value) == 3 and isinstance(value[0], str):
            yield value[0].lower(), value[2]


def _run(value: Any) -> str:
    return value if isinstance(value, str) and _RUN.fullmatch(value) else ""


def _word(value: Any) -> str:
    return value if isinstance(value, str) and len(value) <= 64 and value.isascii() and value.isprintable() else ""
