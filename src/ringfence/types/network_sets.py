"""Lists of addresses, ports and ICMP types as the sets that they are: equal sets have one form, in natural order.

80, 81, 82 is 80-82; 10.0.0.0-10.0.0.255 is 10.0.0.0/24, and so are its two halves; what another member covers is left out.
Keywords come first, as in Windows' own strings; then numbers in their order, IPv4 before IPv6; then pieces that nobody
understands. A set may be said, shown and written in this form without a change of meaning; which form Windows stores is its
own affair.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache

from ringfence.types.addresses import Interval, address_interval, interval_text
from ringfence.types.base import KeptPiece

LAST_PORT = 65535


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """The same numbers in as few intervals as they need, sorted."""
    found: list[Interval] = []
    begin = end = -2
    for first, last, text in sorted(intervals):
        if first > end + 1:
            found.append((first, last, text))
        elif last > end:
            found[-1] = (first, last, text) if first == begin else (begin, last, "")
        else:
            continue
        begin, end, _ = found[-1]
    return found


def port_set(members: Iterable[str | Interval]) -> tuple[str, ...]:
    """Ports and ranges of ports, as intervals or each in its canonical form, and keywords."""
    words, intervals, pieces = _intervals(members, port_range)
    return (*words, *(text or f"{first}-{last}" for first, last, text in merged(intervals)), *pieces)


def single_ports(members: Iterable[str | Interval]) -> tuple[str, ...]:
    """The same where a range is another thing than its ports, one by one: single ones stay, unless a range covers them."""
    words, intervals, pieces = _intervals(members, port_range)
    ranges = merged(i for i in intervals if i[0] != i[1])
    covered = {n for first, last, _ in ranges for n in range(first, last + 1)}
    alone = {(n, last, text) for n, last, text in intervals if n not in covered}
    return (*words, *(text or f"{first}-{last}" for first, last, text in sorted([*ranges, *alone])), *pieces)


def _intervals(members: Iterable[str | Interval],
               of: Callable[[str], Interval]) -> tuple[list[str], list[Interval], list[str]]:
    """Keywords in their order; what begins with a digit or holds a colon, as intervals in none; pieces in their order."""
    words: list[str] = []
    intervals: list[Interval] = []
    pieces: list[str] = []
    for member in members:
        if not isinstance(member, str):
            intervals.append(member)
        elif type(member) is KeptPiece:
            pieces.append(member)
        elif member[0] in "0123456789" or ":" in member:
            intervals.append(of(member))
        else:
            words.append(member)
    if len(words) > 1:
        words.sort()
    if len(pieces) > 1:
        pieces.sort(key=str.casefold)
    return words, intervals, pieces


@lru_cache(65536)
def port_range(canonical: str) -> Interval:
    """The first and the last port of a port or a range, and its text."""
    first, dash, last = canonical.partition("-")
    return int(first), int(last) if dash else int(first), canonical


def icmp_set(members: Iterable[str]) -> tuple[str, ...]:
    """ICMP types and type:code; a type alone covers all of its codes."""
    types = set(members)
    return tuple(sorted((t for t in types if ":" not in t or t.partition(":")[0] not in types),
                        key=lambda t: [int(n) for n in t.split(":")]))


def address_set(members: Iterable[str | Interval]) -> tuple[str, ...]:
    """Addresses, ranges and subnets, as intervals or each in its canonical form, and keywords."""
    words, intervals, pieces = _intervals(members, interval)
    found = merged(intervals) if len(intervals) > 1 else intervals
    return (*words, *(text or interval_text(first, last) for first, last, text in found), *pieces)


def natural_addresses(members: Iterable[str | Interval]) -> tuple[str, ...]:
    """Addresses in natural order and each once, but not merged: two ends of tunnels are not a range."""
    words, intervals, pieces = _intervals(members, interval)
    found = dict.fromkeys(text or interval_text(first, last) for first, last, text in sorted(intervals))
    return (*words, *found, *pieces)


@lru_cache(65536)
def interval(canonical: str) -> Interval:
    """The first and the last address of an address, range or subnet, and its text."""
    first, last, _ = address_interval(canonical)
    return first, last, canonical
