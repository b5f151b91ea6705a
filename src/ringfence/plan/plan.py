"""A plan: what is declared for one host, what was found there, and what follows. Every step is a function Plan -> Plan."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from ringfence.diagnostics import NOWHERE, Diagnostic
from ringfence.errors import GuardRefused
from ringfence.model.declaration import Declarations
from ringfence.model.facts import Facts, HostConditions
from ringfence.model.host_expiry import HostExpiry
from ringfence.model.ledger import How, Ledger
from ringfence.model.resource import Kind, Resource
from ringfence.model.state import LOCAL, Change, Id, State
from ringfence.model.undo import UndoState
from ringfence.plan.obstacles import Obstacle
from ringfence.plan.run_policy import RunPolicy
from ringfence.policy.blocks import BlocksInForce
from ringfence.policy.evaluate import FIREWALL_CATEGORY, Policy
from ringfence.policy.place import HostNetwork
from ringfence.policy.settings_in_force import SettingsInForce
from ringfence.windows.defaults import Defaults


@dataclass(frozen=True)
class HostSnapshot:
    """One read of a host.

    accounts: {name: {"sid": …} | {"error": …}}, the answer of Account.Resolve · defaults: what Windows ships there ·
    unread: {(store, kind): why} of what could not be seen as a whole; nothing of it is in `state` · stored: the local store as it
    was read, the rows of a Policy.Read: changes expect to find it so · ledger: whose objects are whose · conditions: what beside
    policy decides what is in force ·
    undo: that of the last run which armed one · expiries: the rules that it ends by itself; None: nobody has asked ·
    expiries_unread: why that is not known · expiries_hidden: whether it is the account that may not see them.
    """

    facts: Facts
    state: State
    accounts: Mapping[str, Any] = field(default_factory=dict)
    defaults: Defaults = field(default_factory=Defaults)
    unread: Mapping[tuple[str, str], str] = field(default_factory=dict)
    stored: Any = ()
    conditions: HostConditions = field(default_factory=HostConditions)
    ledger: Ledger = field(default_factory=Ledger)
    undo: UndoState = field(default_factory=UndoState)
    expiries: tuple[HostExpiry, ...] | None = None
    expiries_unread: str = ""
    expiries_hidden: bool = False

    def policy(self, state: State) -> Policy:
        """The policy of this host, were its stores as in `state`."""
        products = [name for name, taken in self.conditions.products if FIREWALL_CATEGORY in taken]
        return Policy.of(state, HostNetwork.of(self.facts, self.conditions), self.unread, products)

    def unreadable(self, kind: Kind, kinds: Iterable[Kind]) -> str:
        """Why nothing can be said of a kind of the local store, or of one that it names or is named by; nothing else."""
        near = [k.name for k in kinds if any(p.references == kind.name for p in k.references)]
        near += [kind.name, *(p.references for p in kind.references)]
        return next((f"{name}: {self.unread[LOCAL, name]}" for name in sorted(near) if (LOCAL, name) in self.unread), "")


@dataclass(frozen=True, slots=True)
class Claim:
    """How a declared object is the project's from now on (None: not at all), and why it is managed so where it was not."""

    how: How | None
    why: str


@dataclass(frozen=True, slots=True)
class Orphan:
    """An object that the project has on a host, declares no more, and leaves there. how, run: how it came to it, and by which
    run · why: why it stays · expires, ticket: as its task said them, while there was one."""

    id: Id
    resource: Resource
    how: How
    run: str
    why: str
    expires: str = ""
    ticket: str = ""


@dataclass(frozen=True)
class Plan:
    """What is to happen on one host.

    declarations: what is declared, in the host's own terms once `bind` has run · found: the host as it was read · policy: how
    the run treats what is whose · possible: what some run of the project could declare here · base: what was found, renamed ·
    after: what it will have · claims, renames ({new: old}): see ownership.py · changes: from the one to the other, in the
    order in which they are to be made · diagnostics: mistakes that only the host shows, and warnings · refusals: why the
    changes may not be made, and the way out · limits: the same, where it is no fault of what is declared: whoever only looks for
    differences sees them all the same · unmet: what is declared and no change brings about · obstacles:
    what keeps what is declared out of force, that too · orphans: what the project declares no more and leaves there.
    """

    host: str
    declarations: Declarations
    found: HostSnapshot
    policy: RunPolicy = field(default_factory=RunPolicy)
    possible: frozenset[Id] = frozenset()
    base: State = field(default_factory=State)
    after: State = field(default_factory=State)
    claims: Mapping[Id, Claim] = field(default_factory=dict)
    renames: Mapping[Id, Id] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    refusals: tuple[Diagnostic, ...] = ()
    limits: tuple[Diagnostic, ...] = ()
    unmet: tuple[Obstacle, ...] = ()
    obstacles: tuple[Obstacle, ...] = ()
    orphans: tuple[Orphan, ...] = ()

    @cached_property
    def blocks(self) -> BlocksInForce:
        """The block rules, and by `blocks.settings` the settings, that the host will have in force."""
        return BlocksInForce(SettingsInForce(self.after, self.found.unread))

    @property
    def invalid(self) -> bool:
        """Whether there is a mistake: then there are no changes."""
        return any(d.severity == "error" for d in self.diagnostics)

    def with_diagnostics(self, *diagnostics: Diagnostic) -> "Plan":
        """The plan with more mistakes and warnings, each with the name of the host."""
        if not diagnostics:
            return self
        return replace(self, diagnostics=(*self.diagnostics, *(replace(d, host=self.host) for d in diagnostics)))

    def refused(self, *reasons: Diagnostic) -> "Plan":
        """The plan with more reasons why it may not be carried out."""
        return replace(self, refusals=(*self.refusals, *reasons)) if reasons else self

    def limited(self, *reasons: Diagnostic) -> "Plan":
        """The plan with more reasons why its changes may not be made, as they are told to whoever makes them."""
        return replace(self, limits=(*self.limits, *reasons)) if reasons else self

    def refusal(self, *, to_be_made: bool = True) -> GuardRefused | None:
        """Why it may not be carried out, with every reason. Not `to_be_made`: nobody is going to, so that limits are none."""
        reasons = (*self.refusals, *(self.limits if to_be_made else ()))
        return GuardRefused("\n".join(f"{_place(r)}{r.summary}. {r.detail}" for r in reasons)) if reasons else None

    def raise_if_refused(self) -> None:
        """Raises GuardRefused with every reason."""
        if refusal := self.refusal():
            raise refusal


def _place(reason: Diagnostic) -> str:
    return f"{reason.where}: " if reason.where != NOWHERE else ""
