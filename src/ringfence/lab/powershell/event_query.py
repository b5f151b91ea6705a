"""The XPath of Windows' event logs, as far as such queries have it: ids and times of events, joined by and, or and parentheses.

Microsoft, "Consuming Events", XPath 1.0 limitations; KB970453: more than 22 comparisons of a query are refused.
"""

import re
from collections.abc import Callable

from ringfence.lab.machine.event_logs import LoggedEvent
from ringfence.lab.netsecurity.cmdlet_errors import CmdletError

_MOST_COMPARISONS = 22
_TOKEN = re.compile(r"\s*(?:([()])|(and|or)\b|EventID\s*(>=|<=|=)\s*(\d+)|TimeCreated\[@SystemTime\s*>=\s*'([0-9T:.-]+)Z'\])")
Test = Callable[[LoggedEvent], bool]


class EventQuery:
    """One query. Raises CmdletError where Windows would call it invalid, or where it is of no form that is met here."""

    def __init__(self, text: str) -> None:
        self._rest, self._comparisons = "", 0
        whole = re.fullmatch(r"\*\[System\[(.*)\]\]", text)
        self._test: Test = lambda event: True
        if text != "*":
            self._rest = whole[1] if whole else "?"
            self._test = self._either()
            if self._rest.strip() or self._comparisons > _MOST_COMPARISONS:
                raise _invalid()

    def matches(self, event: LoggedEvent) -> bool:
        """Whether an event is among those that are asked for."""
        return self._test(event)

    def _either(self) -> Test:
        tests = [self._all()]
        while self._take_word("or"):
            tests.append(self._all())
        return lambda event: any(test(event) for test in tests)

    def _all(self) -> Test:
        tests = [self._one()]
        while self._take_word("and"):
            tests.append(self._one())
        return lambda event: all(test(event) for test in tests)

    def _one(self) -> Test:
        bracket, _, sign, number, time = self._take()
        if bracket == "(":
            test = self._either()
            if self._take()[0] != ")":
                raise _invalid()
            return test
        self._comparisons += 1
        if time:
            return lambda event: f"{event.time:%Y-%m-%dT%H:%M:%S.%f}" >= time
        if not sign:
            raise _invalid()
        compare: dict[str, Callable[[int], bool]] = {
            ">=": lambda id: id >= int(number), "<=": lambda id: id <= int(number), "=": lambda id: id == int(number)}
        return lambda event: compare[sign](event.id)

    def _take(self) -> tuple[str, ...]:
        found = _TOKEN.match(self._rest)
        if found is None:
            raise _invalid()
        self._rest = self._rest[found.end():]
        return tuple(part or "" for part in found.groups())

    def _take_word(self, word: str) -> bool:
        found = re.match(rf"\s+{word}\s+", self._rest)
        self._rest = self._rest[found.end():] if found else self._rest
        return found is not None


def _invalid() -> CmdletError:
    return CmdletError("NotSpecified", "System.Diagnostics.Eventing.Reader.EventLogException", "The specified query is invalid")
