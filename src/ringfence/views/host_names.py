"""How sets of hosts are called: all of them, a group of the inventory, or by their names."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from ringfence.views.format import count, escaped, natural

MAX_NAMES = 90  # characters of names that are shown without --full
_FEW = 3  # hosts that are named as exceptions
HostGroups = Mapping[str, Collection[str]]
"""The hosts of each group of the inventory."""


class HostNames:
    """Names for sets of the hosts of one run. everybody: all of them · groups: those of the inventory."""

    def __init__(self, everybody: Collection[str], groups: HostGroups, full: bool = False) -> None:
        self._all, self._full = frozenset(everybody), full
        found = {name: frozenset(hosts) & self._all for name, hosts in groups.items()}
        # the largest first; of equal ones the first name. A group that everybody is in says nothing
        self._groups = sorted(((name, hosts) for name, hosts in found.items() if len(hosts) > 1 and hosts != self._all),
                              key=lambda one: (-len(one[1]), natural(one[0])))

    def of(self, hosts: Collection[str]) -> str:
        """What a set of hosts is called."""
        these = frozenset(hosts)
        if len(these) == 1:
            return escaped(next(iter(these)))
        if these == self._all:
            return f"all {len(these)} hosts"
        if left := self._all - these:
            group = next((name for name, members in self._groups if members == these), "")
            if group:
                return f"{escaped(group)} ({count(len(these), 'host')}: {self._names(these)})"
            if len(left) <= _FEW < len(these):
                return f"all {len(self._all)} hosts but {self._names(left)}"
        return self._parts(these)

    def _parts(self, these: frozenset[str]) -> str:
        """Groups that are wholly in it, and the names of the others."""
        if self._full or sum(len(name) + 2 for name in these) <= MAX_NAMES:
            return f"{count(len(these), 'host')}: {self._names(these)}"
        left, parts = set(these), []
        for name, members in self._groups:
            if members <= left:
                left -= members
                parts.append(f"{escaped(name)} ({len(members)})")
        others = [self._names(left)] if left else []
        return f"{count(len(these), 'host')}: {', '.join([*parts, *others])}"

    def _names(self, hosts: Collection[str]) -> str:
        ordered = sorted(hosts, key=natural)
        shown = ordered if self._full else list(_fitting(ordered))
        return ", ".join(map(escaped, shown)) + (f" and {len(ordered) - len(shown)} more" if len(shown) < len(ordered) else "")


def _fitting(names: Sequence[str]) -> Iterator[str]:
    """The first names, one of them at the least."""
    room = MAX_NAMES
    for number, name in enumerate(names):
        room -= len(name) + 2
        if number and room < 0:
            return
        yield name
