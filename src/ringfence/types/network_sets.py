"""Lists of addresses, ports and ICMP types as the sets that they are: equal sets have one form, in natural order.

80, 81, 82 is 80-82; 10.0.0.0-10.0.0.255 is 10.0.0.0/24, and so are its two halves; what another member covers is left out.
Keywords come first, as in Windows' own strings; then numbers in their order, IPv4 before IPv6; then pieces that nobody
understands. A set may be said, shown and written in this form without a change of meaning; which form Windows stores is its
own affair.
"""

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

from ringfence.types.base import KeptPiece

Interval = tuple[int, int, str]  # first, last, and the text that says it; no text where it was merged of several
LAST_PORT = 65535
_LAST = {4: 2**32 - 1, 6: 2**128 - 1}


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


def address_set(members: Iterable[str]) -> tuple[str, ...]:
    """Addresses, ranges and subnets, each in its canonical form, and keywords."""
    words, addresses, pieces = _sorted_out(members)
    if len(addresses) > 1:
        four = [interval(a) for a in addresses if ":" not in a]
        six = [interval(a) for a in addresses if ":" in a] if len(four) < len(addresses) else []
        addresses = [t or interval_text(4, first, last) for first, last, t in (merged(four) if len(four) > 1 else four)]
        addresses += [t or interval_text(6, first, last) for first, last, t in (merged(six) if len(six) > 1 else six)]
    return (*words, *addresses, *pieces)


def natural_addresses(members: Iterable[str]) -> tuple[str, ...]:
    """Addresses in natural order and each once, but not merged: two ends of tunnels are not a range."""
    return tuple(sorted(dict.fromkeys(members), key=_address_order))


def _address_order(member: str) -> tuple[int, int, int, str]:
    return (9, 0, 0, member) if isinstance(member, KeptPiece) else (6 if ":" in member else 4, *interval(member))


@lru_cache(65536)
def interval(canonical: str) -> Interval:
    """The first and the last address of an address, range or subnet, and its text."""
    if ":" in canonical:
        return _six(canonical)
    first, dash, last = canonical.partition("-")
    if dash:
        return _number(first), _number(last), canonical
    base, slash, length = canonical.partition("/")
    start = _number(base)
    return start, start | ((1 << 32 - int(length)) - 1 if slash else 0), canonical


def _number(address: str) -> int:
    a, b, c, d = address.split(".")
    return int(a) << 24 | int(b) << 16 | int(c) << 8 | int(d)


def _six(canonical: str) -> Interval:
    first, dash, last = canonical.partition("-")
    if dash:
        return int(ipaddress.IPv6Address(first)), int(ipaddress.IPv6Address(last)), canonical
    if "/" not in canonical:
        return (address := int(ipaddress.IPv6Address(canonical))), address, canonical
    net = ipaddress.IPv6Network(canonical)
    return int(net.network_address), int(net.broadcast_address), canonical


def interval_text(version: int, first: int, last: int) -> str:
    """How an interval of addresses is said: a subnet where it is one, else a range. All of a family is a range: [MS-FASP]
    2.2.4 and 2.2.6 know no mask and no prefix of 0."""
    make = ipaddress.IPv4Address if version == 4 else ipaddress.IPv6Address
    size = last - first + 1
    if size == 1:
        return str(make(first))
    if size & (size - 1) or first % size or size > _LAST[version]:
        return f"{make(first)}-{make(last)}"
    return f"{make(first)}/{_LAST[version].bit_length() - size.bit_length() + 1}"
