"""What became of a host, and of a run, as values. Views turn them into text."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from ringfence.errors import (
    DIFFERENCES,
    FAILED,
    IN_SYNC,
    Diagnostic,
    Refused,
    RingfenceError,
    StalePlan,
    Unreachable,
    worst,
)
from ringfence.state import Change

Status = Literal["in sync", "differs", "changed", "unreachable", "refused", "stale", "invalid", "failed"]


@dataclass(frozen=True)
class HostResult:
    """What became of one host.

    changes: what differed, in the order in which it is (or was) to be made · made: how many of them were written ·
    residue: what still differed at the proof · declared: how many resources the project declares for the host ·
    trips: connections that were opened · seconds: wall time.
    """

    host: str
    changes: tuple[Change, ...] = ()
    made: int = 0
    residue: tuple[Change, ...] = ()
    error: RingfenceError | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
    declared: int = 0
    trips: int = 0
    seconds: float = 0.0

    @property
    def status(self) -> Status:
        if self.error is None:
            invalid = any(d.severity == "error" for d in self.diagnostics)
            return "invalid" if invalid else "changed" if self.made else "differs" if self.changes else "in sync"
        kinds: tuple[tuple[type[RingfenceError], Status], ...] = (
            (Unreachable, "unreachable"), (Refused, "refused"), (StalePlan, "stale"))
        return next((status for kind, status in kinds if isinstance(self.error, kind)), "failed")

    @property
    def exit_code(self) -> int:
        """The exit code that this host alone would give, differences counted."""
        if self.error is not None:
            return self.error.exit_code
        return {"invalid": FAILED, "differs": DIFFERENCES}.get(self.status, IN_SYNC)


@dataclass
class Report:
    """A run as it goes: counts, never the results themselves, so that a fleet of any size fits."""

    counts: Counter[str] = field(default_factory=Counter)
    codes: set[int] = field(default_factory=set)
    changes: int = 0
    made: int = 0

    def add(self, result: HostResult) -> None:
        self.counts[result.status] += 1
        self.codes.add(result.exit_code)
        self.changes += len(result.changes)
        self.made += result.made

    def exit_code(self, *, differences: bool = True) -> int:
        """The exit code of the run; `differences`: whether hosts that differ count (drift, --detailed-exitcode)."""
        return worst(c for c in self.codes if differences or c != DIFFERENCES)
