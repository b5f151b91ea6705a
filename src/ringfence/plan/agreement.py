"""What both sides of IPsec have agreed on where it secures a flow, as far as this host has a say in it.

A peer that is not granted, or that is offered nothing it has, gets no association ([MS-FASP] 2.2.42, 2.2.55; New-NetIPsecRule).
No policy of one host tells what the other side has: as long as nothing that they agree on changes, they still agree.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ringfence.model.filter import Filter
from ringfence.model.once import filter_of, once
from ringfence.model.resource import Resource
from ringfence.model.state import CONFIGURED, Change, Id, State, references_of
from ringfence.model.storage import DEFAULT
from ringfence.policy.evaluate import Policy
from ringfence.policy.flow import Flow
from ringfence.policy.matcher import matcher_of
from ringfence.policy.place import Place
from ringfence.policy.settings_in_force import FIREWALL_SETTING

# serves wherever no main mode rule names another one (New-NetIPsecMainModeCryptoSet)
_MAIN_MODE_SET = "ipsec_main_mode_crypto_set"
# of a rule, what the other side has nothing to do with: whether clear traffic is dropped here, and where the rule holds
_OWN = ("inbound_security", "outbound_security", "enabled", "profile", "platform", "interface_alias", "interface_type")


def secures_anything(state: State) -> bool:
    """Whether any rule of a state has IPsec secure something."""
    return any((f := filter_of(r)) is not None and f.enabled and f.effect == "secure" for r in state.values())


def may_end(change: Change) -> bool:
    """Whether a change may have to do with what both sides have agreed on."""
    before, after, kind = change.before, change.after, change.resource.kind
    if not change.writes or kind.services:
        return change.writes
    return any(p.for_peers and (before is None or after is None or getattr(before, p.name) != getattr(after, p.name))
               for p in kind.properties.values())


def concerns(change: Change, flow: Flow, places: Sequence[Place]) -> bool:
    """Whether a change may have to do with a flow at some places: a set or a setting with any, a rule with those that meet it."""
    sides = [r for r in (change.before, change.after) if r is not None]
    filters = [f for r in sides if (f := filter_of(r) or (_peers_of(r) if r.kind.merged_by else None)) is not None]
    return len(filters) < len(sides) or any(
        f.enabled and matcher_of(f).match(flow, place) is not None for f in filters for place in places)


@dataclass(frozen=True)
class Agreement:
    """What both sides agree on for one flow. secured: whether IPsec may secure it at all · shared: what rules and sets say that
    the other side has to have too, by their ids · asked: the settings that it has to meet, with those values that not every peer
    meets."""

    secured: bool
    shared: Mapping[Id, Any]
    asked: Mapping[str, Any]

    @classmethod
    def of(cls, policy: Policy, flow: Flow, places: Iterable[Place]) -> "Agreement":
        """That of a flow which may go through any of some places."""
        state, rules, tunnel = policy.settings.state, dict[Id, Filter](), set[bool]()
        for place in places:
            matches = policy.matches(flow, place)
            rules.update((m.id, m.filter) for m in (*matches.secured, *matches.exempt))
            tunnel |= {m.filter.tunnel for m in matches.secured}
            rules.update((id, f) for id, f in _of_main_mode(state) if f.enabled and matcher_of(f).match(flow, place) is not None
                         and policy.is_merged(id, f, place.profile) is not False)
        named = {Id("", _MAIN_MODE_SET, DEFAULT)}.union(*(references_of(id.store, state[id]).values() for id in rules))
        sets = {id for one in named for id in ([one._replace(store=s) for s in CONFIGURED] if one.name == DEFAULT else [one])}
        shared = {id: (id in rules and rules[id].effect, _shared(state[id])) for id in (*rules, *sets) if id in state}
        return cls(bool(tunnel), shared, dict(_asked(policy, tunnel)))

    def holds(self, later: "Agreement") -> bool:
        """Whether it is certain that what was agreed on still is."""
        return not self.secured or (self.shared == later.shared and all(
            name in self.asked and self.asked[name] == value for name, value in later.asked.items()))


@once
def _shared(resource: Resource) -> tuple[Any, ...]:
    table = resource.kind.properties
    return (resource.unknown_tokens, *(value for name, value in resource.values().items()
                                       if table[name].role != "text" and name not in _OWN))


@once
def _peers_of(resource: Resource) -> Filter:
    return Filter.of(resource, "secure")


def _of_main_mode(state: State) -> Iterator[tuple[Id, Filter]]:
    """Main mode rules: they do nothing with traffic, but say for some peers how keys are exchanged."""
    return ((id, _peers_of(r)) for id, r in state.items() if r.kind.merged_by and filter_of(r) is None)


def _asked(policy: Policy, tunnel: set[bool]) -> Iterator[tuple[str, Any]]:
    modes = {"", *("tunnel" if t else "transport" for t in tunnel)}
    there = next((r for s in CONFIGURED if (r := policy.settings.state.get(Id(s, FIREWALL_SETTING, "all")))), None)
    for p in there.kind.properties.values() if there else ():
        if p.for_peers and p.for_peers.mode in modes:
            setting = policy.settings.host(p.name)
            if setting.doubt or setting.value != p.for_peers.loosest:
                yield p.name, (setting.value, setting.doubt)
