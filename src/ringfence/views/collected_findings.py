"""What reports tell of a whole fleet: each thing once, with the hosts that have it. It is bounded, however large the fleet is."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ringfence.diagnostics import Where
from ringfence.model.state import Id
from ringfence.views.findings import SORTS, ReportedFinding
from ringfence.views.format import natural

MAX_VARIANTS = 20  # ways in which hosts have the same thing, that are kept; others are only counted


class FindingWords(NamedTuple):
    """How one thing is told of some hosts."""

    text: str
    lines: tuple[str, ...]


@dataclass
class CollectedFinding:
    """One thing, and who has it. hosts: all that have it, each once; none where it is of the project · variants: what differs
    between them, with the hosts of each; of too many the first. A host may have several."""

    sort: str
    title: str
    where: Where
    object: Id | None
    renames: bool = False
    hosts: list[str] = field(default_factory=list)
    variants: dict[FindingWords, list[str]] = field(default_factory=dict)

    def others(self, told: Iterable[Sequence[str]]) -> int:
        """How many hosts have it in another way than those that were told of."""
        return len(set(self.hosts).difference(*told))


class CollectedFindings:
    """Findings as they come. most: how many different ones of a sort are kept; of others only the number is."""

    def __init__(self, most: int) -> None:
        self._most, self.left_out = most, Counter[str]()
        self._hosts: dict[str, int] = {}
        self._found: dict[str, dict[tuple[Where, Id | str, bool], CollectedFinding]] = {sort: {} for sort in SORTS}

    def add(self, one: ReportedFinding, host: str = "") -> None:
        """Take one, of a host or of the project."""
        found = self._found[one.sort]
        key = (one.where, one.object or one.title, one.renames)
        if (known := found.get(key)) is None:
            if len(found) >= self._most:
                self.left_out[one.sort] += 1
                return
            known = found[key] = CollectedFinding(one.sort, one.title, one.where, one.object, one.renames)
        if host:
            self._hosts[host] = 0
            _add_once(known.hosts, host)
        words = FindingWords(one.text, one.lines)
        if words in known.variants or len(known.variants) < MAX_VARIANTS:
            _add_once(known.variants.setdefault(words, []), host)

    def sorted(self, sorts: Sequence[str] = tuple(SORTS)) -> Iterator[CollectedFinding]:
        """Those of some sorts: what matters most first, then in the order of places and names, the same in every run."""
        for sort in sorts:
            yield from sorted(self._found[sort].values(),
                              key=lambda one: (one.where, natural(one.title), one.object or (), one.renames))

    def in_order(self, hosts: Iterable[str]) -> list[str]:
        """Names in their natural order. For when all are there: a name is taken to pieces once, not once for each thing."""
        if self._hosts and not any(self._hosts.values()):
            self._hosts = {host: number for number, host in enumerate(sorted(self._hosts, key=natural), 1)}
        return sorted(hosts, key=lambda host: self._hosts.get(host, 0))


def _add_once(hosts: list[str], host: str) -> None:
    """Hosts come one after the other: all of one is told before the next."""
    if host and hosts[-1:] != [host]:
        hosts.append(host)
