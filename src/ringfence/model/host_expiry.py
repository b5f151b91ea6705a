r"""What a host says of the rules that it ends by itself, each by a task of Windows' own scheduler below \ringfence\expires. Pure.

See batch/host/expiry.ps1 for what such a task does. What a host says is read leniently: a task that is not understood is told.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ringfence.model.resource import Kind
from ringfence.model.state import LOCAL, Id, id_for
from ringfence.types.moments import parse_moment

MAX_EXPIRIES = 10_000  # tasks of a host that are looked at
_TASK = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class HostExpiry:
    """One rule that a host ends by itself.

    id: of the rule; None where the task is not understood · noun, name: of the rule, as the cmdlets have them · at: from when on
    (types/moments.py); empty where it does not say · task: its name, empty where it has yet to be registered · fits: whether it
    is as it was registered, and switched on.
    """

    id: Id | None
    noun: str
    name: str
    at: str
    task: str = ""
    fits: bool = True

    @property
    def is_ours(self) -> bool:
        """Whether its name is one that a host script gives."""
        return bool(_TASK.fullmatch(self.task))


@dataclass(frozen=True, slots=True)
class ExpiryUpdate:
    """What becomes of a host's tasks: those that are registered, in the place of others of the same rules; those that go."""

    written: tuple[HostExpiry, ...] = ()
    removed: tuple[HostExpiry, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.written or self.removed)


def parse_expiries(answer: Any, kinds: Iterable[Kind]) -> tuple[HostExpiry, ...]:
    """The tasks from the value of an Expiry.Read. Lenient; never raises."""
    by_noun = {kind.noun: kind.name for kind in kinds if kind.storage.renamable}
    rows = answer if isinstance(answer, list) else []
    return tuple(_expiry(row, by_noun) for row in rows[:MAX_EXPIRIES] if isinstance(row, Mapping))


def _expiry(row: Mapping[str, Any], by_noun: Mapping[str, str]) -> HostExpiry:
    noun, name, task = (told if isinstance(told := row.get(part), str) else "" for part in ("noun", "name", "task"))
    try:
        at = parse_moment(row.get("at"))
    except ValueError:
        at = ""
    id = id_for(LOCAL, by_noun[noun], name) if noun in by_noun and name else None
    return HostExpiry(id, noun, name, at, task, row.get("fits") is True and bool(at))
