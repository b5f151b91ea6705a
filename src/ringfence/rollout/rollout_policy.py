"""How a run goes over the hosts that share this: the settings of waves, one value."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from ringfence.rollout.wave_checks import WaveCheck
from ringfence.rollout.waves import Apart, WaveSize

ASK = "ask"
"""A pause that somebody ends."""


@dataclass(frozen=True, slots=True)
class RolloutPolicy:
    """serial: the sizes of the waves, all at once where there is none · order: one of ORDERS · max_fail_percentage: of the hosts
    that may fail; None: any · any_errors_fatal: none may · pause: seconds between two waves, or ASK · apart: what is never in one
    wave · verify: what is looked at after each."""

    serial: tuple[WaveSize, ...] = ()
    order: str = "inventory"
    max_fail_percentage: float | None = None
    any_errors_fatal: bool = False
    pause: int | str = 0
    apart: tuple[Apart, ...] = ()
    verify: tuple[WaveCheck, ...] = ()

    @property
    def percentage(self) -> float | None:
        """The percentage of hosts that may fail."""
        return 0.0 if self.any_errors_fatal else self.max_fail_percentage


AT_ONCE = RolloutPolicy()
"""All hosts in one wave."""
ROLLOUT_KEYS = tuple(f.name for f in fields(RolloutPolicy))
"""The settings of which it is made, as rows of SETTINGS."""


def rollout_policy(said: Mapping[str, Any]) -> RolloutPolicy:
    """The policy of what was said; what is empty is as by default."""
    given = {name: value for name, value in said.items() if value not in (None, "", [], ())}
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    return RolloutPolicy(**values)
