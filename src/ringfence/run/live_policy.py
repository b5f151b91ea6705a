"""One host's whole policy as it stands, with whose each object is: read, never written."""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from typing import Any

from ringfence.batch import Call
from ringfence.diagnostics import NOWHERE, Diagnostic, suggest
from ringfence.model.state import State
from ringfence.report import HostResult, PolicyObject, PolicyResult
from ringfence.run.host import HostRun
from ringfence.run.host_job import HostJob, RunContext
from ringfence.run.questions import INTERFACES, Questions
from ringfence.windows.origin import origin_of
from ringfence.windows.read import STORES
from ringfence.windows.stored_names import names_in
from ringfence.windows.whole_policy import RESTRICTED, RESTRICTED_KEYS, read_restricted, unmanaged_values

TOLD_BY_CMDLETS = ("NetFirewallDynamicKeywordAddress", "NetFirewallHyperVVMCreator", "NetFirewallHyperVVMSetting",
                   "NetFirewallHyperVProfile", "NetFirewallHyperVRule")
"""Nouns whose form in the registry no document tells. Older Windows has no such cmdlets."""


@dataclass(frozen=True)
class PolicyFilter:
    """Which objects are shown; what is empty leaves all. names: patterns (* ?) of names and display names, without regard to
    letter case. Restrictions of services and apps are counted only, unless `stores` names theirs."""

    stores: Sequence[str] = ()
    kinds: Sequence[str] = ()
    origins: Sequence[str] = ()
    names: Sequence[str] = ()

    def __bool__(self) -> bool:
        """Whether anything is left out."""
        return bool(self.stores or self.kinds or self.origins or self.names)

    def takes(self, one: PolicyObject) -> bool:
        """Whether an object is of the kinds, stores and origins that are asked for."""
        stores = one.id.store in self.stores if self.stores else one.id.store not in RESTRICTED_KEYS
        return (stores and (not self.kinds or one.id.kind in self.kinds)
                and (not self.origins or one.origin.name in self.origins))

    def names_it(self, one: PolicyObject, names: Mapping[str, str]) -> bool:
        """Whether a pattern matches what the object is called: `names` is what the host calls what is stored."""
        return not self.names or any(_is_called(one, pattern, names) for pattern in self.names)

    def empty(self, chosen: Sequence[PolicyObject], names: Mapping[str, str]) -> Iterator[Diagnostic]:
        """What was asked for and is not there. chosen: what is of the kinds, stores and origins that are asked for."""
        asked = ", ".join(word for words in (self.kinds, self.stores, self.origins) for word in words)
        among = f" among what was asked for ({asked})" if asked else " on this host"
        if self and not chosen:
            yield Diagnostic(NOWHERE, f"nothing is there of what was asked for ({asked})", severity="note")
        for pattern in self.names if chosen else ():
            if not any(_is_called(one, pattern, names) for one in chosen):
                near = suggest(pattern, (one.resource.name for one in sorted(chosen, key=lambda one: one.origin.is_windows)))
                yield Diagnostic(NOWHERE, f"nothing{among} has a name or display name like {pattern}", near, "warning")


def show_host(job: HostJob, context: RunContext, shown: PolicyFilter = PolicyFilter()) -> HostResult:
    """A PolicyResult, or what went wrong; with a filter, of objects only. Never raises for what the host does."""
    run = HostRun(job, context)
    nouns = () if shown else TOLD_BY_CMDLETS
    by_cmdlet: dict[Hashable, Call] = {noun: Call("Net.Get", {"cmdlet": f"Get-{noun}"}) for noun in nouns}

    def ask() -> HostResult:
        asked = Questions(frozenset() if shown else frozenset({INTERFACES}))
        # all keys, in place of those alone that kinds name
        everything_stored = Call("Policy.Read", {"stores": [*STORES, RESTRICTED]})
        found, reply = run.read(asked, {"policy": everything_stored, **by_cmdlet}, ledger=True)
        restricted = read_restricted(reply["policy"], context.kinds)
        everything = State({**found.state, **restricted})
        objects = [PolicyObject(id, r, origin_of(id, r, found.defaults.state, found.ledger)) for id, r in everything.items()]
        chosen = [one for one in objects if shown.takes(one)]
        names = run.names(names_in(one.resource for one in chosen))
        missing = (replace(one, host=job.host) for one in shown.empty(chosen, names))
        notes = [Diagnostic(NOWHERE, f"{what} could not be read: {why}", severity="warning", host=job.host)
                 for what, why in (*found.facts.unread, *found.defaults.unread)]
        return PolicyResult(
            job.host, diagnostics=(*notes, *missing), names=names, build=found.facts.build,
            objects=tuple(one for one in chosen if shown.names_it(one, names)), counts=_counts(objects),
            values=() if shown else unmanaged_values(reply["policy"], context.kinds),
            networks=() if shown else tuple((i.alias, i.profile or "") for i in found.facts.interfaces),
            cmdlet_objects={noun: _rows(reply.answers[noun].value) for noun in nouns if reply.answers[noun].error is None})

    return run.result(ask)


def _is_called(one: PolicyObject, pattern: str, names: Mapping[str, str]) -> bool:
    called = [one.resource.name, one.title, names.get(one.title, "")]
    return any(fnmatch(c.casefold(), pattern.casefold()) for c in called if c)


def _counts(objects: Iterable[PolicyObject]) -> Mapping[tuple[str, str, str], int]:
    """How many objects there are of each store, kind and origin."""
    counts: dict[tuple[str, str, str], int] = {}
    for one in objects:
        key = (one.id.store, one.id.kind, one.origin.name)
        counts[key] = counts.get(key, 0) + 1
    return counts


def _rows(value: Any) -> tuple[Mapping[str, Any], ...]:
    return tuple(row for row in (value if isinstance(value, list) else ()) if isinstance(row, dict))
