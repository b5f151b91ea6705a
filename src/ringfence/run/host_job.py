"""What is to be done about one host, and what all hosts of a run share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ringfence.diagnostics import Diagnostic
from ringfence.model.declaration import Declarations
from ringfence.model.facts import Facts
from ringfence.model.ledger import Prune
from ringfence.model.resource import Kind
from ringfence.model.state import Id
from ringfence.plan.run_policy import RunPolicy
from ringfence.rollout.maintenance_window import MaintenanceWindow
from ringfence.rollout.rollout_policy import AT_ONCE, RolloutPolicy
from ringfence.run.patience import Patience
from ringfence.run.recorder import Recorder
from ringfence.run.reply_memory import ReplyMemory
from ringfence.transports.connection_settings import ConnectionSettings

if TYPE_CHECKING:  # of connections: what asks no host need not wait for them
    from ringfence.batch import Batch, Reply
    from ringfence.plan.plan import HostSnapshot
    from ringfence.project.awaited import Awaited
    from ringfence.transports import Transport
    from ringfence.windows.stored_names import StoredNames


@dataclass(frozen=True)
class HostJob:
    """What is to be done about one host, as data: it can be handed to another process.

    declarations: what is declared as far as it is known without the host; None where a fleet declares more than memory
    should hold: then they are made again at the host's turn · declared: how many they are · needs_facts: whether some of
    them depend on what the host says of itself · prune, revert_after: what holds
    for this host, where that is not what holds for all · rollout: in which waves it is · windows: when it may be changed; none:
    at any time · tunnels: the pairs of ends of those that are declared for it.
    """

    host: str
    settings: ConnectionSettings
    declarations: Declarations | None = None
    declared: int = 0
    needs_facts: bool = False
    prune: Prune | None = None
    revert_after: int | None = None
    rollout: RolloutPolicy = AT_ONCE
    windows: tuple[MaintenanceWindow, ...] = ()
    tunnels: frozenset[str] = frozenset()


@dataclass(frozen=True)
class RunContext:
    """What all hosts of a run share.

    declare: (host, its facts or None) -> what is declared for it, and what is wrong with that ·
    connect: opens the way to a host (raises RingfenceError) · memory: what replies may take of it · names: what hosts call
    things, where people are going to see it · policy: how what is whose is treated · possible: (host, its facts) -> what any
    choice of tags declares for it; None where that is not known · awaited: host -> what is declared for it and waits for facts ·
    recorder: told before and after something is written · patience: how time passes ·
    keeps_facts: results have the facts of their hosts ·
    for_plan_file, for_report: results say what a plan file keeps beside them, and what is declared for each host.
    """

    kinds: Mapping[str, Kind]
    declare: Callable[[str, Facts | None], tuple[Declarations, list[Diagnostic]]]
    connect: "Callable[[HostJob], Transport]"
    memory: ReplyMemory = field(default_factory=ReplyMemory)
    names: "Callable[[HostSnapshot, StoredNames, Callable[[Batch], Reply]], Mapping[str, str]] | None" = None
    policy: RunPolicy = field(default_factory=RunPolicy)
    possible: Callable[[str, Facts], frozenset[Id] | None] = lambda host, facts: None
    awaited: "Callable[[str], Awaited] | None" = None
    recorder: Recorder = field(default_factory=Recorder)
    patience: Patience = field(default_factory=Patience)
    keeps_facts: bool = False
    for_plan_file: bool = False
    for_report: bool = False
