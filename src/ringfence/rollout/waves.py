"""The waves of a run: hosts in order, so many at a time, and never together what is to be apart."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

MAX_WAVE = 1_000_000  # hosts of a wave that somebody sets
ORDERS = ("inventory", "reverse_inventory", "sorted", "reverse_sorted", "shuffle")
"""Ansible's `order`."""
WHOLE = "100%"
_FACTS = ("ansible_facts", "ringfence_facts")
_BY = " by "


@dataclass(frozen=True, slots=True)
class WaveSize:
    """How many hosts a wave has: a number, or a percentage of all."""

    number: float
    percent: bool = False

    def of(self, total: int) -> int:
        """That many of `total`; at least one, as Ansible has it."""
        return max(1, int(total * self.number / 100) if self.percent else int(self.number))

    def __str__(self) -> str:
        return f"{self.number:g}%" if self.percent else str(int(self.number))


def parse_wave_size(value: object) -> WaveSize:
    """`5` or `30%`. Raises ValueError."""
    text = str(value).strip()
    percent = text.endswith("%")
    digits = text[:-1] if percent else text
    try:
        number = float(digits) if percent else int(digits)
    except ValueError:
        number = 0
    if not 0 < number <= (100 if percent else MAX_WAVE):
        raise ValueError(f"{text[:80]!r} is neither a number of hosts nor a percentage such as 30%")
    return WaveSize(number, percent)


@dataclass(frozen=True, slots=True)
class Apart:
    """Hosts of which no two are in one wave: those of a group, or those of it that have the same value of a variable."""

    group: str
    by: str = ""

    @property
    def fact(self) -> tuple[str, ...]:
        """The way to a fact of a host; empty where it is a variable."""
        first, *way = self.by.split(".")
        return tuple(way) if first in _FACTS else ()

    def is_known_to(self, facts: Mapping[str, Any]) -> bool:
        """Whether a host with these facts has the fact, be it null."""
        told: Any = facts
        for name in self.fact:
            if not isinstance(told, Mapping) or name not in told:
                return False
            told = told[name]
        return True

    def __str__(self) -> str:
        return f"{self.group}{_BY}{self.by}" if self.by else self.group


def parse_apart(value: object) -> Apart:
    """`GROUP`, or `GROUP by VARIABLE`. Raises ValueError."""
    group, by, variable = value.partition(_BY) if isinstance(value, str) else ("", "", "")
    if not group.strip() or (by and not variable.strip()) or len(str(value)) > 200 or " " in group.strip() + variable.strip():
        raise ValueError(f"{str(value)[:80]!r} is neither a group, nor `GROUP by VARIABLE`")
    return Apart(group.strip(), variable.strip())


def in_order(hosts: Sequence[str], order: str, seed: str) -> list[str]:
    """Hosts in one of ORDERS. seed: of a shuffle, so that a run can be told again."""
    if order in ("sorted", "reverse_sorted"):
        return sorted(hosts, reverse=order == "reverse_sorted")
    found = [*hosts]
    if order == "reverse_inventory":
        found.reverse()
    elif order == "shuffle":
        Random(seed).shuffle(found)
    return found


def waves(hosts: Sequence[str], sizes: Sequence[WaveSize], apart: Mapping[str, Collection[str]]) -> tuple[tuple[str, ...], ...]:
    """The hosts of each wave, in order. sizes: of the first waves; the last counts for all that follow; none: all at once ·
    apart: {host: what it may not have in common with another one of its wave}. A host that has to wait for a later wave
    leaves its place to the next."""
    limits = [size.of(len(hosts)) for size in sizes] or [len(hosts)]
    found: list[list[str]] = []
    first_with_room, free_from = 0, dict[str, int]()
    for host in hosts:
        keys = apart.get(host, ())
        number = max([first_with_room, *(free_from.get(key, 0) for key in keys)])
        while number < len(found) and len(found[number]) >= limits[min(number, len(limits) - 1)]:
            number += 1
        while number >= len(found):
            found.append([])
        found[number].append(host)
        free_from.update(dict.fromkeys(keys, number + 1))
        while first_with_room < len(found) and len(found[first_with_room]) >= limits[min(first_with_room, len(limits) - 1)]:
            first_with_room += 1
    return tuple(map(tuple, found))
