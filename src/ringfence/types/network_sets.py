"""Lists of addresses, ports and ICMP types as the sets that they are: equal sets have one form, in natural order.

80, 81, 82 is 80-82; 10.0.0.0-10.0.0.255 is 10.0.0.0/24, and so are its two halves; what another member covers is left out.
Keywords come first, as in Windows' own strings; then numbers in their order, IPv4 before IPv6; then pieces that nobody
understands. A set may be said, shown and written in this form without a change of meaning; which form Windows stores is its
own affair.
"""

from collections.abc import Iterable
from functools import lru_cache

from ringfence.types.addresses import Interval, address_interval, interval_text
from ringfence.types.base import KeptPiece

LAST_PORT = 65535


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """The same numbers in as few intervals as they need, sorted."""
    found: list[Interval] = []
    begin, end = 0, -2
    for first, last, text in sorted(intervals):
        if first > end + 1:
            found.append((first, last, text))
        elif last > end:
            found[-1] = (first, last, text) if first == begin else (begin, last, "")
        else:
            continue
        begin, end, _ = found[-1]
    return found


def port_set(members: Iterable[str]) -> tuple[str, ...]:
    """Ports and ranges of ports, each in its canonical form, and keywords."""
    words, numbers, pieces = _sorted_out(members)
    return (*words, *(text or f"{first}-{last}" for first, last, text in merged(map(_port_interval, numbers))), *pieces)


def single_ports(members: Iterable[str]) -> tuple[str, ...]:
    """The same where a range is another thing than its ports, one by one: single ones stay, unless a range covers them."""
    words, numbers, pieces = _sorted_out(members)
    intervals = sorted({_port_interval(n) for n in numbers})
    ranges = [*merged(i for i in intervals if i[0] != i[1])]
    covered = {n for first, last, _ in ranges for n in range(first, last + 1)}
    alone = [i for i in intervals if i[0] == i[1] and i[0] not in covered]
    return (*words, *(text or f"{first}-{last}" for first, last, text in sorted([*ranges, *alone])), *pieces)


def _sorted_out(members: Iterable[str]) -> tuple[list[str], list[str], list[str]]:
    """Keywords in their order; what begins with a digit or holds a colon, in none; pieces in their order."""
    words: list[str] = []
    numbers: list[str] = []
    pieces: list[str] = []
    for member in members:
        (pieces if type(member) is KeptPiece else numbers if member[0] in "0123456789" or ":" in member else words).append(member)
    if len(words) > 1:
        words.sort()
    if len(pieces) > 1:
        pieces.sort()
    return words, numbers, pieces


def _port_interval(text: str) -> Interval:
    first, dash, last = text.partition("-")
    return int(first), int(last) if dash else int(first), text


def icmp_set(members: Iterable[str]) -> tuple[str, ...]:
    """ICMP types and type:code; a type alone covers all of its codes."""
    types = set(members)
    return tuple(sorted((t for t in types if ":" not in t or t.partition(":")[0] not in types),
                        key=lambda t: [int(n) for n in t.split(":")]))


def address_set(members: Iterable[str | Interval]) -> tuple[str, ...]:
    """Addresses, ranges and subnets, as intervals or each in its canonical form, and keywords."""
    words, intervals, pieces = _intervals(members)
    found = merged(intervals) if len(intervals) > 1 else intervals
    return (*words, *(text or interval_text(first, last) for first, last, text in found), *pieces)


def natural_addresses(members: Iterable[str | Interval]) -> tuple[str, ...]:
    """Addresses in natural order and each once, but not merged: two ends of tunnels are not a range."""
    words, intervals, pieces = _intervals(members)
    found = dict.fromkeys(text or interval_text(first, last) for first, last, text in sorted(intervals))
    return (*words, *found, *pieces)


def _intervals(members: Iterable[str | Interval]) -> tuple[list[str], list[Interval], list[str]]:
    texts: list[str] = []
    intervals: list[Interval] = []
    for member in members:
        if isinstance(member, str):
            texts.append(member)
        else:
            intervals.append(member)
    words, addresses, pieces = _sorted_out(texts)
    return words, [*intervals, *map(interval, addresses)], pieces


@lru_cache(65536)
def interval(canonical: str) -> Interval:
    """The first and the last address of an address, range or subnet, and its text."""
    first, last, _ = address_interval(canonical)
    return first, last, canonical
