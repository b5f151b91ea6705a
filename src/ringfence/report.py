"""What became of a host, and of a run, as values. Views turn them into text."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from ringfence.diagnostics import Diagnostic, Where
from ringfence.errors import (
    ExitCode,
    GuardRefused,
    Interrupted,
    Lost,
    OutcomeUnknown,
    OutsideWindow,
    Restored,
    RingfenceError,
    StalePlan,
    Unreachable,
    combined_exit_code,
)
from ringfence.model.ledger import Ledger
from ringfence.model.resource import Resource
from ringfence.model.state import Change, Id
from ringfence.transports.way_in import WayIn
from ringfence.windows.stored_names import display_name

if TYPE_CHECKING:  # of results that few commands have: the others need not wait for these
    from ringfence.doctor.examination import Examination, Verdict
    from ringfence.plan.obstacles import DeclaredObject, Obstacle
    from ringfence.plan.plan import Orphan
    from ringfence.policy.flow import Flow
    from ringfence.policy.flow_verdict import FlowVerdict
    from ringfence.windows.associations import Association
    from ringfence.windows.attribution import Attribution
    from ringfence.windows.origin import Origin
    from ringfence.windows.whole_policy import UnmanagedValue

Status = Literal["in_sync", "reachable", "valid", "differs", "not_in_force", "changed", "restored", "lost", "unknown",
                 "unreachable", "refused", "stale", "invalid", "failed"]
COMPARED: tuple[Status, ...] = ("in_sync", "valid", "differs", "not_in_force", "changed", "refused")
"""What becomes of hosts of which `changes` tell all that differs; `valid`, of which nobody asks that. Of others they tell what
was to be done when they were read, a part of it, or nothing."""


@dataclass(frozen=True, slots=True)
class ProjectState:
    """Which policy a run is of. commit, dirty: of the git repository that the project is in, and whether something in the project
    is not as committed; empty where there is none · id: what the ledgers of the project are known by."""

    name: str = ""
    commit: str = ""
    dirty: bool | None = None
    id: str = ""


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What a run is known by, in everything that it writes."""

    run_id: str
    command: str
    started: datetime
    project: ProjectState | None = None


@dataclass(frozen=True)
class HostResult:
    """What became of one host.

    changes: what differed, in the order in which it is (or was) to be made · written: those that the host has made ·
    proven: those of these that a second read over a new connection has found · remaining: what still differed then ·
    declared: how many resources the project declares for the host · undeclared: how many removable ones nobody declares there ·
    connections: how many were opened · seconds: wall time · names: {as it is stored: what people call it} of what changes show ·
    obstacles: what keeps what is declared out of force · way_back: commands for its console, where the host was lost · machine:
    which one it is, in the words of a ledger's `Machine`: `guid|computer|domain`, as far as it said so · declarations: the digest
    of what is declared for it, where somebody wants that · waits: it was only looked at, and something is to be written ·
    declared_objects: what the project declares for it, where a report is written · orphans: what the project has there, declares
    no more, and leaves there · changed_by: who made it differ, by the objects' ids; None where nobody asked · facts: what it says
    of itself, where somebody wants that · later: it may be changed at another time, and not now.
    """

    host: str
    changes: tuple[Change, ...] = ()
    written: frozenset[Id] = frozenset()
    remaining: tuple[Change, ...] = ()
    error: RingfenceError | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
    declared: int = 0
    connections: int = 0
    seconds: float = 0.0
    names: Mapping[str, str] = field(default_factory=dict)
    obstacles: "tuple[Obstacle, ...]" = ()
    undeclared: int = 0
    proven: frozenset[Id] = frozenset()
    way_back: tuple[str, ...] = ()
    machine: str = ""
    declarations: str = ""
    waits: bool = False
    declared_objects: "tuple[DeclaredObject, ...]" = ()
    orphans: "tuple[Orphan, ...]" = ()
    changed_by: "Mapping[Id, Attribution] | None" = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    later: bool = False

    @property
    def not_in_force(self) -> bool:
        """Whether something that is declared, or will be there once the changes are made, is not in force."""
        return any(o.level == "not_in_force" for o in self.obstacles)

    @property
    def compared(self) -> bool:
        """Whether what is declared and has no change is as declared: all was read, and nothing came after that of which nobody
        knows; or it was read again."""
        return self.status in COMPARED or bool(self.proven or self.remaining)

    @property
    def failed(self) -> bool:
        """Whether it counts as failed where so many hosts may: one whose time has not come does not."""
        return self.status == "invalid" if self.error is None else not isinstance(self.error, Interrupted | OutsideWindow)

    @property
    def status(self) -> Status:
        if self.error is None:
            invalid = any(d.severity == "error" for d in self.diagnostics)
            waits = self.changes and not self.written
            return "invalid" if invalid else "differs" if waits else "not_in_force" if self.not_in_force else (
                "changed" if self.written else "in_sync")
        kinds: tuple[tuple[type[RingfenceError], Status], ...] = (
            (Restored, "restored"), (Lost, "lost"), (OutcomeUnknown, "unknown"), (Unreachable, "unreachable"),
            (GuardRefused, "refused"), (StalePlan, "stale"))
        return next((status for kind, status in kinds if isinstance(self.error, kind)), "failed")

    @property
    def exit_code(self) -> ExitCode:
        """The exit code that this host alone would give, differences counted."""
        if self.error is not None:
            return self.error.exit_code
        codes = {"invalid": ExitCode.ERROR, "differs": ExitCode.DIFFERENCES, "not_in_force": ExitCode.DIFFERENCES}
        return codes.get(self.status, ExitCode.IN_SYNC)


@dataclass(frozen=True)
class ValidatedResult(HostResult):
    """A host of which nothing is known but what is declared for it, and that this is right."""

    @property
    def status(self) -> Status:
        return "valid"


@dataclass(frozen=True)
class StatusResult(HostResult):
    """What is in force on a host: its security associations, and those of the services they need that do not run."""

    associations: tuple["Association", ...] = ()
    stopped: tuple[str, ...] = ()

    @property
    def not_in_force(self) -> bool:
        """Nothing is declared here: what is not in force is shown, and is no verdict."""
        return False


@dataclass(frozen=True)
class ExaminedResult(HostResult):
    """What was seen of a host, and what stands in the way of work on it; one that is not reached has the way that was tried."""

    way_in: WayIn = field(default_factory=lambda: WayIn(""))
    seen: "Examination | None" = None
    verdicts: tuple["Verdict", ...] = ()

    @property
    def status(self) -> Status:
        return "reachable" if self.error is None else super().status


@dataclass(frozen=True)
class UndoResult(HostResult):
    """What became of the undo that waited on a host, which a note tells, or that none did. How the host is, nobody has looked."""

    @property
    def status(self) -> Status:
        return "reachable" if self.error is None else super().status


@dataclass(frozen=True)
class LedgerResult(HostResult):
    """What projects own on a host. there: which of those objects the host has · owned: which of its own the project really owns:
    what an interrupted run never came to make is not."""

    ledger: Ledger = field(default_factory=Ledger)
    there: frozenset[Id] = frozenset()
    owned: frozenset[Id] = frozenset()

    @property
    def status(self) -> Status:
        return "reachable" if self.error is None else super().status


@dataclass(frozen=True)
class DefaultsResult(HostResult):
    """How the local policy of a host differs from what Windows ships there. changes: before is as it ships, after as it is.

    shipped: how many objects ship · origins: whose that is which does not ship, by the objects' ids.
    """

    shipped: int = 0
    origins: Mapping[Id, "Origin"] = field(default_factory=dict)


@dataclass(frozen=True)
class PolicyObject:
    """One object of a host's policy, and whose it is."""

    id: Id
    resource: Resource
    origin: "Origin"

    @property
    def title(self) -> str:
        """What it is called, as it is stored; nothing where its kind has no display names."""
        return display_name(self.resource)


@dataclass(frozen=True)
class PolicyResult(HostResult):
    """A host's policy as it stands.

    objects: those that were asked for · counts: all that there are, by store, kind and origin · values: of the registry, that
    no kind has · networks: (interface, category) · cmdlet_objects: {noun: what its Get-
    cmdlet tells}, of those that the host has.
    """

    build: int = 0
    objects: tuple[PolicyObject, ...] = ()
    counts: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    values: tuple["UnmanagedValue", ...] = ()
    networks: tuple[tuple[str, str], ...] = ()
    cmdlet_objects: Mapping[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class EvaluatedResult(HostResult):
    """What becomes of a flow on a host. places, objects: of what decides or matches, where it is declared and what it is ·
    expected: what somebody says that becomes of it; empty where nobody says."""

    flow: "Flow | None" = None
    verdict: "FlowVerdict | None" = None
    places: Mapping[Id, Where] = field(default_factory=dict)
    objects: Mapping[Id, Resource] = field(default_factory=dict)
    expected: str = ""

    @property
    def status(self) -> Status:
        return "reachable" if self.error is None else super().status

    @property
    def exit_code(self) -> ExitCode:
        if self.error is None and self.expected and self.verdict and self.verdict.action != self.expected:
            return ExitCode.TEST_FAILED
        return super().exit_code


@dataclass
class WaveProgress:
    """One wave of a run, as it goes. number: from 1 · of: how many there are, as far as that is known · hosts: those that are to
    be changed in it, or were by the run that is gone on with · counts: what became of them now, by status · verified: whether
    what is looked at after it holds; None where nothing is, or was · stopped: why the run ended with it · before: how many were
    done before."""

    number: int
    of: int
    hosts: tuple[str, ...]
    counts: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    verified: bool | None = None
    stopped: str = ""
    ended: bool = False
    before: int = 0


@dataclass
class Report:
    """A run as it goes: counts, never the results themselves, so that a fleet of any size fits.

    differing: hosts that differ, whatever else became of them · signal: the name of the one that interrupted it · not_begun:
    the hosts to which nothing was written because the run was ended before · waves: where there are several, or something is
    looked at after one · stopped: why no further host was begun · error, problems: what ended the command before its end,
    and each mistake of it.
    """

    counts: Counter[str] = field(default_factory=Counter)
    codes: set[ExitCode] = field(default_factory=set)
    changes: int = 0
    differing: int = 0
    written: int = 0
    declared: int = 0
    undeclared: int = 0
    signal: str = ""
    not_begun: tuple[str, ...] = ()
    waves: Sequence[WaveProgress] = ()
    stopped: str = ""
    error: RingfenceError | None = None
    problems: tuple[Diagnostic, ...] = ()

    def add(self, result: HostResult) -> None:
        self.counts[result.status] += 1
        self.codes.add(result.exit_code)
        self.changes += len(result.changes)
        self.differing += bool(result.changes)
        self.written += len(result.written)
        self.declared += result.declared
        self.undeclared += result.undeclared

    def exit_code(self, *, differences_fail: bool = True, unreachable_fails: bool = True) -> ExitCode:
        """The exit code of the run; `differences_fail`: whether hosts that differ count (drift, --detailed-exitcode). What is
        there and not in force counts always: no change of ours would mend it. `unreachable_fails`: see --unreachable."""
        if self.signal:
            return ExitCode.INTERRUPTED if self.signal == "SIGINT" else ExitCode.TERMINATED
        ignored = {*(() if differences_fail or self.counts["not_in_force"] else (ExitCode.DIFFERENCES,)),
                   *(() if unreachable_fails else (ExitCode.UNREACHABLE,))}
        return combined_exit_code(self.codes - ignored)
