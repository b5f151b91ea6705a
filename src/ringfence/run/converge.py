"""One host from what is declared to a proven state: read, difference, write, and a second read over a new connection."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from ringfence.batch import Answer, Batch, Call, Reply
from ringfence.errors import NOWHERE, Diagnostic, HostError, RingfenceError, StalePlan
from ringfence.facts import Facts, facts_of
from ringfence.plan import bind, conflicts, references
from ringfence.plan.order import order
from ringfence.report import HostResult
from ringfence.resource import Asked, Kind, Strings
from ringfence.state import LOCAL, Change, Desired, State, diff, target
from ringfence.transports.failures import of_call
from ringfence.windows.calls import calls
from ringfence.windows.read import STORES, read, read_asked

NEEDED_SERVICES = ("mpssvc", "BFE")
IN_FORCE_OR_IDLE = ("Enforced", "Full", "Disabled", "DisabledObject", "InactiveProfile", "ProfileInactive", "NotApplicable")


class Transport(Protocol):
    """The one verb of every way to a host: a new connection for each batch."""

    def run(self, batch: Batch) -> Reply: ...


@dataclass(frozen=True)
class Later:
    """What is declared for a host, made when it is its turn: a large fleet may declare more than memory should hold."""

    count: int
    make: Callable[[], Desired]

    def __len__(self) -> int:
        return self.count


@dataclass(frozen=True)
class Job:
    """What is to be done about one host.

    desired: what is declared as far as it is known without the host · render: makes it anew from the host's facts,
    where some of it depends on them · connect: opens the way to the host (raises RingfenceError).
    """

    host: str
    desired: Desired | Later
    connect: Callable[[], Transport]
    render: Callable[[Facts], tuple[Desired, list[Diagnostic]]] | None = None

    def declared(self) -> Desired:
        """What is declared as far as it is known without the host."""
        return self.desired.make() if isinstance(self.desired, Later) else self.desired


@dataclass(frozen=True)
class Found:
    """One read of a host."""

    facts: Facts
    state: State
    accounts: Mapping[str, Any]


class Trips:
    """A transport that counts how often it is used."""

    def __init__(self, connect: Callable[[], Transport]) -> None:
        self.count = 0
        self._connect = connect
        self._transport: Transport | None = None

    def run(self, batch: Batch) -> Reply:
        self._transport = self._transport or self._connect()
        self.count += 1
        return self._transport.run(batch)


def plan(job: Job, kinds: Mapping[str, Kind]) -> HostResult:
    """What would change on the host. Never raises for what the host does."""
    return _run(job, lambda trips: _plan(job, kinds, trips)[0])


def apply(job: Job, kinds: Mapping[str, Kind],
          expected: Callable[[Sequence[Change]], str] | None = None) -> HostResult:
    """Make the host as declared and prove it. `expected` says why the changes are not those of a plan file, or ""."""
    return _run(job, lambda trips: _apply(job, kinds, trips, expected))


def _run(job: Job, work: Callable[[Trips], HostResult]) -> HostResult:
    trips, start = Trips(job.connect), time.monotonic()
    try:
        result = work(trips)
    except RingfenceError as error:
        result = HostResult(job.host, error=error, declared=len(job.desired))
    return replace(result, trips=trips.count, seconds=round(time.monotonic() - start, 3))


def look(transport: Transport, kinds: Mapping[str, Kind], names: Sequence[str] = (), *extra: Call,
         asked: Sequence[Kind] = ()) -> tuple[Found, tuple[Answer, ...]]:
    """Facts, configured policy and the SIDs of `names`, in one batch. Raises HostError.

    `asked`: kinds that a cmdlet has to tell of · `extra`: calls that go with it; their answers are given back.
    """
    batch = Batch((Call("Facts.Read"), Call("Policy.Read", {"stores": list(STORES)}),
                   Call("Account.Resolve", {"names": list(names)}), *map(_get, asked), *extra))
    reply = transport.run(batch)
    accounts = reply.value(2)
    state = read(reply.value(1), kinds, batch.key)
    if asked:
        state = state.changed({i: r for n, kind in enumerate(asked, 3) for i, r in read_asked(kind, reply.value(n)).items()})
    found = Found(facts_of(reply.value(0)), state, accounts if isinstance(accounts, dict) else {})
    return found, reply.answers[3 + len(asked):]


def _get(kind: Kind) -> Call:
    assert isinstance(kind.home, Asked)
    return Call("Net.Get", {"cmdlet": kind.home.cmdlet})


def _asked(desired: Desired, kinds: Mapping[str, Kind]) -> list[Kind]:
    """The kinds among what is declared that only a cmdlet can tell of."""
    names = sorted({id.kind for id in desired})
    return [kinds[n] for n in names if isinstance(kinds[n].home, Asked)]


def _plan(job: Job, kinds: Mapping[str, Kind], trips: Trips) -> tuple[HostResult, Found, Desired]:
    known = job.declared()
    names, asked = bind.names(known.values()), _asked(known, kinds)
    found, _ = look(trips, kinds, names, asked=asked)
    desired, problems = job.render(found.facts) if job.render else (known, [])
    more, later = sorted(set(bind.names(desired.values())) - set(names)), [k for k in _asked(desired, kinds) if k not in asked]
    if more or later:  # what only the facts brought up
        reply = trips.run(Batch((Call("Account.Resolve", {"names": more}), *map(_get, later))))
        resolved = reply.value(0)
        state = found.state.changed({i: r for n, k in enumerate(later, 1) for i, r in read_asked(k, reply.value(n)).items()})
        found = replace(found, state=state, accounts={**found.accounts, **(resolved if isinstance(resolved, dict) else {})})
    desired, unknown = bind.bind(desired, found.facts, found.accounts)
    will_be = target(desired, found.state)
    unfit = [*references.check(desired, found.state, will_be, kinds), *conflicts.conflicts(desired, found.state, found.facts)]
    problems = [replace(p, host=job.host) for p in (*problems, *unknown, *unfit)]
    if any(p.severity == "error" for p in problems):
        return HostResult(job.host, diagnostics=tuple(problems), declared=len(desired)), found, desired
    changes = order(replace(c, where=desired[c.id].where) for c in diff(found.state, will_be, desired))
    return HostResult(job.host, changes, diagnostics=tuple(problems), declared=len(desired)), found, desired


def _apply(job: Job, kinds: Mapping[str, Kind], trips: Trips,
           expected: Callable[[Sequence[Change]], str] | None) -> HostResult:
    result, found, desired = _plan(job, kinds, trips)
    if result.status == "invalid":
        return result
    if expected and (reason := expected(result.changes)):
        raise StalePlan(reason)
    if not result.changes:
        return result
    try:
        result = _write(result, found, trips)
        return result if result.error else _prove(result, desired, kinds, trips)
    except RingfenceError as error:  # what was to be changed, and what was, is still known
        return replace(result, error=error)


def _write(result: HostResult, found: Found, trips: Trips) -> HostResult:
    """Carries the changes to the host. Raises Refused, HostError."""
    batch = Batch(calls(result.changes, found.facts), stop=True)
    if problem := _unfit(found.facts):
        return replace(result, error=problem)
    reply = trips.run(batch)
    made = sum(1 for answer in reply.answers if answer.error is None)
    result = replace(result, made=made)
    if made < len(result.changes):
        failure, change = reply.answers[made].error, result.changes[made]
        assert failure is not None
        return replace(result, error=HostError(of_call(failure), f"{change.action} {change.id}: {failure.message}"))
    return result


def _unfit(facts: Facts) -> HostError | None:
    """Why nothing can be written on the host, as far as it said so itself."""
    if facts.elevated is False:
        return HostError("elevation")
    stopped = [s for s in NEEDED_SERVICES if facts.services.get(s, "running") != "running"]
    return HostError("service", ", ".join(f"{s} is {facts.services[s]}" for s in stopped)) if stopped else None


def _prove(result: HostResult, desired: Desired, kinds: Mapping[str, Kind], trips: Trips) -> HostResult:
    """A second read over a new connection: what is declared is what is there, or the host has failed."""
    found, answers = look(trips, kinds, (), *_enforcement(result.changes), asked=_asked(desired, kinds))
    residue = order(diff(found.state, target(desired, found.state), desired))
    notes = [d for answer in answers for d in _not_enforced(answer.value, result.host)]
    result = replace(result, residue=residue, diagnostics=(*result.diagnostics, *notes))
    if residue:
        return replace(result, error=HostError("residue", ", ".join(str(c.id) for c in residue[:5])))
    return result


def _enforcement(changes: Sequence[Change]) -> list[Call]:
    """Whether Windows puts what was written into force is asked of its active store."""
    names: dict[str, list[str]] = {}
    for c in changes:
        if c.after is not None and c.id.store == LOCAL and isinstance(c.after.kind.home, Strings):
            names.setdefault(c.after.kind.noun, []).append(c.after.name)
    return [Call("Enforcement.Read", {"kind": noun, "names": those}) for noun, those in names.items()]


def _not_enforced(said: Any, host: str) -> list[Diagnostic]:
    """Objects that are configured but not in force although they are enabled; what is disabled is as declared."""
    found = []
    for name, status in (said.items() if isinstance(said, dict) else ()):
        states = status.get("enforcement") if isinstance(status, dict) else None
        reasons = [str(s) for s in (states if isinstance(states, list) else ()) if str(s) not in IN_FORCE_OR_IDLE]
        if reasons:
            found.append(Diagnostic(summary=f"{name} is configured but not in force: {', '.join(reasons)}", where=NOWHERE,
                                    severity="warning", host=host))
    return found
