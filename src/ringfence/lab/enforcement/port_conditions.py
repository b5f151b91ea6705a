"""Conditions on ports and on types of ICMP."""

import re
from collections.abc import Iterable

from ringfence.lab.enforcement.simulated_flow import TCP, UDP, any_holds

_PORTS = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")
# Words that are one port. Seen in WFP states of real hosts, and [MS-FASP] 2.2.14: the endpoint mapper
_WORDS = {"rpc-epmap": 135}


class PortCondition:
    """Ports of TCP or UDP on one side: numbers, ranges, and words for ports that programs have at the moment ([MS-FASP] 2.2.14,
    PortsInUse): of these the lab knows none but the endpoint mapper's."""

    def __init__(self, values: Iterable[str]) -> None:
        self.single: set[int] = set()
        self.ranges: list[tuple[int, int]] = []
        self.unknown = False
        for text in (part.strip() for value in values for part in value.split(",")):
            found = _PORTS.fullmatch(text)
            if found and found[2]:
                self.ranges.append((int(found[1]), int(found[2])))
            elif found:
                self.single.add(int(found[1]))
            elif text.lower() in _WORDS:
                self.single.add(_WORDS[text.lower()])
            else:
                self.unknown = True

    def __bool__(self) -> bool:
        """Whether there is a condition."""
        return bool(self.single or self.ranges or self.unknown)

    def few(self, most: int = 256) -> set[int]:
        """Its ports one by one; none where they are more, all, or not known."""
        if self.unknown or sum(last - first + 1 for first, last in self.ranges) > most:
            return set()
        return self.single.union(*[range(first, last + 1) for first, last in self.ranges])

    def cover(self, protocol: int, port: int | None) -> bool | None:
        """Whether a port is one of these."""
        if protocol not in (TCP, UDP) or port is None:
            return None
        if port in self.single:
            return True
        for first, last in self.ranges:
            if first <= port <= last:
                return True
        return None if self.unknown else False


class IcmpCondition:
    """Types of ICMP: `type:code`, `type:*` ([MS-GPFAS] 2.2.2.16)."""

    def __init__(self, values: Iterable[str]) -> None:
        self._listed = [value.partition(":") for value in values]

    def covers(self, icmp: tuple[int, int] | None) -> bool | None:
        """Whether a type with its code is one of these."""
        if icmp is None:
            return None
        return any_holds(*[_is(kind, code, icmp) for kind, _, code in self._listed])


def _is(kind: str, code: str, icmp: tuple[int, int]) -> bool | None:
    if not kind.isdecimal() or not (code in ("", "*") or code.isdecimal()):
        return None
    return int(kind) == icmp[0] and (code in ("", "*") or int(code) == icmp[1])
