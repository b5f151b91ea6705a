"""Block rules above all that another rule lets through: block wins over allow, whatever the order, but for authenticated bypass
([MS-FASP] 2.2.34, 2.2.35). Shown of their conditions, not tried with flows: what is not certain counts as not blocked."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property, lru_cache

from ringfence.model.filter import Filter
from ringfence.model.once import filter_of
from ringfence.model.state import CONFIGURED, LOCAL, Id
from ringfence.policy.meeting import conditions_of, is_within
from ringfence.policy.place import ALL_PROFILES
from ringfence.policy.settings_in_force import SettingsInForce

BLOCK_WINS = "narrow that block, or leave one of the two out: block wins over allow, whatever the order"
_LOOKED_AT = 100  # blocks for one port, for many, or for all, of each protocol, that others are compared with
_REMEMBERED = 5_000  # rules of which it is remembered what blocks them
_MANY = "-"  # the home of those for ranges, where the others are at each of their ports, and those for all at none
_NONE: Mapping[Id, tuple[str, ...]] = {}
_Home = tuple[str, str, str, bool]


class BlockIndex:
    """Block rules by what they have to have for covering another rule: direction, protocol, ports, whether addresses matter."""

    def __init__(self, blocks: Iterable[tuple[Id, Filter]]) -> None:
        self._homes = defaultdict[_Home, list[tuple[Id, Filter, tuple[str, ...]]]](list)
        self._known: dict[int, tuple[Filter, tuple[tuple[Id, Filter], ...]]] = {}  # what was asked before, by identity
        for id, filter in blocks:
            ports, conditions = _ports(filter), conditions_of(filter)
            for port in ports if ports and not any(_MANY in p for p in ports) else (_MANY if ports else "",):
                home = self._homes[filter.direction, filter.protocol, port, bool(filter.remote_address)]
                if len(home) < _LOOKED_AT:
                    home.append((id, filter, conditions))

    def above(self, filter: Filter) -> tuple[tuple[Id, Filter], ...]:
        """Those that block all of what a rule is to let through, in the profiles that both are for. Remembered, since hosts share
        both."""
        if not self._homes or not _is_stopped_by_blocks(filter):
            return ()
        known = self._known.get(id(filter))
        if known is None:
            if len(self._known) > _REMEMBERED:
                self._known.clear()
            found = ((id, block) for home in _homes_above(filter) for id, block, conditions in self._homes.get(home, ())
                     if is_within(filter, block, conditions))
            known = self._known[id(filter)] = filter, tuple(found)  # kept, so that its identity stays its own
        return known[1]


def _is_stopped_by_blocks(filter: Filter) -> bool:
    return filter.effect == "allow" and filter.enabled and not filter.override_block_rules and not filter.other_effects


def index_of(rules: Iterable[tuple[Id, Filter]]) -> BlockIndex:
    """Those of some rules that block."""
    # a list of local users says nothing of programs in app containers (flow_conditions.contained)
    return _known_index(tuple(
        [one for one in rules if one[1].effect == "block" and one[1].enabled and not one[1].local_user]))


@lru_cache(8)
def _known_index(blocks: tuple[tuple[Id, Filter], ...]) -> BlockIndex:
    return BlockIndex(blocks)


def _homes_above(filter: Filter) -> Iterator[_Home]:
    ports = _ports(filter)
    for protocol in {filter.protocol, "any"}:
        for port in {"", _MANY, ports[0]} if ports else ("",):
            for narrow in (False, True) if filter.remote_address else (False,):
                yield filter.direction, protocol, port, narrow


def _ports(filter: Filter) -> tuple[str, ...]:
    """Those that a rule is asked for: the own ones inbound, those of the other side outbound."""
    return filter.local_port if filter.inbound else filter.remote_port


class BlocksInForce:
    """The block rules of a host that are certain to be in force, as far as its stores say so."""

    def __init__(self, settings: SettingsInForce) -> None:
        self.settings = settings

    @cached_property
    def _index(self) -> BlockIndex:  # looks at every rule of the host
        state, unread = self.settings.state, self.settings.unread
        hidden = any(store != LOCAL and kind.endswith("_rule") for store, kind in unread)  # a rule of the name may replace one
        blocks = [(id, filter) for id, resource in state.items() if (filter := filter_of(resource)) is not None
                  and filter.effect == "block" and id.store in CONFIGURED]
        return index_of(() if hidden else [(id, filter) for id, filter in blocks if not any(
            id._replace(store=other) in state for other in CONFIGURED if other != id.store)])

    def above(self, filter: Filter | None) -> Mapping[Id, tuple[str, ...]]:
        """Those that block all of what a rule is to let through, each with the profiles in which both hold."""
        if filter is None or not _is_stopped_by_blocks(filter) or not (blocks := self._index.above(filter)):
            return _NONE
        found = {id: tuple(p for p in filter.profile or ALL_PROFILES if self._holds(id, block, p)) for id, block in blocks}
        return {id: profiles for id, profiles in found.items() if profiles}

    def _holds(self, id: Id, block: Filter, profile: str) -> bool:
        if profile not in (block.profile or ALL_PROFILES):
            return False
        on = [self.settings.profile(profile, "enabled")]
        on += [self.settings.profile(profile, name) for name in block.merged_by] if id.store == LOCAL else []
        return all(not setting.doubt and setting.value is not False for setting in on) and not self.settings.profile(
            profile, "disabled_interface_aliases").value
