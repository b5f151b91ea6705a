"""Why policy that a host has is not in force: the table of reasons, as values."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from ringfence.diagnostics import Where
from ringfence.model.declaration import AsShipped, Declaration, Present
from ringfence.model.state import NO_TASK, Id, TaskLabel

ObstacleLevel = Literal["not_in_force", "unknown", "note"]
"""In force in none of the profiles that are active now, or not in one that the task names; not known whether it is; not in force
in a profile that is not active, or worth knowing."""
OBSTACLES = {  # name: what it means
    "service_stopped": "A service of Windows without which nothing of the sort takes effect does not run.",
    "other_firewall": "Another firewall product has taken over what Windows would do.",
    "firewall_off": "The firewall is off in the profile.",
    "shields_up": "The profile ignores every inbound allow rule.",
    "merge_off": "Policy has local rules ignored in the profile.",
    "interfaces_disabled": "The firewall of the profile is off on its interfaces.",
    "overridden": "Another store has another value, which holds.",
    "policy_only": "Windows takes the value from policies alone.",
    "same_name": "Group Policy or MDM has another rule of the same name.",
    "still_there": "Another store has a rule that is declared absent.",
    "other_windows": "The rule is for other versions of Windows.",
    "interface_gone": "The host has none of the interfaces of the rule.",
    "may_be_empty": "The addresses are keywords that may stand for none at this moment.",
    "unknown_condition": "The rule has conditions that nobody here understands.",
    "not_looked_at": "Whether the host has the program of the rule is not looked at, but when the rule is written.",
    "blocked": "Block rules stop all that the rule lets through.",
    "not_enforced": "Windows itself says that it does not enforce it.",
    "not_there": "It is an object of Windows, which this host does not have and which is not made.",
    "other_name": "No object has that name, but others have it as their display name.",
    "not_told": "The host could not say whether it is in force.",
    "not_loaded": "The policy that is in force has no such object, or another one.",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that stands in the way. obstacle: a row of OBSTACLES · weight: whether it surely keeps policy out of force, may
    keep it, or is only worth knowing."""

    obstacle: str
    text: str
    advice: str
    weight: Literal["stops", "may_stop", "note"] = "stops"


@dataclass(frozen=True, slots=True, order=True)
class Affected:
    """An object, as it is spelled, and the place that declares it."""

    id: Id
    name: str
    where: Where

    def __str__(self) -> str:
        return f"{self.id.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class DeclaredObject:
    """What is declared of an object, in short: how it is spelled, where that stands, the task. is_wanted: it shall be there."""

    id: Id
    name: str
    where: Where
    label: TaskLabel = NO_TASK
    is_wanted: bool = True


def objects_of(declarations: Mapping[Id, Declaration]) -> tuple[DeclaredObject, ...]:
    """What is declared for a host."""
    return tuple(_shared(d.id, d.resource.name, d.where, d.label) if isinstance(d, Present) else
                 _shared(d.id, d.name or d.id.name, d.where, d.label, isinstance(d, AsShipped)) for d in declarations.values())


_shared = lru_cache(65_536)(DeclaredObject)  # hosts share what is declared alike for them


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One reason, and everything that it concerns in the same profiles and to the same effect. `objects` are in order."""

    level: ObstacleLevel
    reason: Reason
    profiles: tuple[str, ...]
    objects: tuple[Affected, ...]
