"""How a run treats what is whose: what the settings of the project and the command line say of that, the same for all hosts."""

from dataclasses import dataclass

from ringfence.model.ledger import ProjectIdentity, Prune
from ringfence.policy.protected import ProtectedFlow

PERCENT, PERCENT_FROM = 30, 10  # a run removes no more of a host's own objects at once, where there are that many


@dataclass(frozen=True)
class RunPolicy:
    """project: in whose name; None: nothing is owned · prune: see Prune · partial: why this is no full run, so that what is not
    declared may be so by another run; empty for a full one · inputs: the digest of what else decides what is declared: `-e` and
    the inventories · run_id: of this run · playbooks: the files that it reads · max_changes: on one host; 0: any number ·
    accepts_inherited: a ledger that another machine has written counts as this one's · forced: guards that are off ·
    protected_flows: what the project says that no change may cut off · guard: strict, where what is only warned of is refused ·
    revert_after: seconds after which a host undoes what nobody has confirmed; 0: it never does · began: the moment
    (types/moments.py) by which something has expired; empty: nothing has.
    """

    project: ProjectIdentity | None = None
    prune: Prune = "report"
    partial: str = ""
    inputs: str = ""
    run_id: str = ""
    playbooks: tuple[str, ...] = ()
    max_changes: int = 0
    accepts_inherited: bool = False
    forced: frozenset[str] = frozenset()
    protected_flows: tuple[ProtectedFlow, ...] = ()
    guard: str = ""
    revert_after: int = 0
    began: str = ""
