"""What is wrong with hosts, told once however many hosts have it."""

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

from ringfence.diagnostics import MAX_PROBLEMS, Diagnostic, InputError, Problems


class ProblemsOfHosts:
    """What is wrong with hosts, each mistake once, however many hosts have it."""

    def __init__(self) -> None:
        self._hosts: dict[Diagnostic, list[str]] = {}  # the first, the last; further ones are counted
        self._more = Counter[Diagnostic]()
        self._errors = 0

    @property
    def known(self) -> frozenset[Diagnostic]:
        """All of them, without hosts."""
        return frozenset(self._hosts)

    def extend(self, problems: Iterable[Diagnostic]) -> None:
        """Take more. Raises InputError with all where more is wrong than is told at once."""
        for d in problems:
            one = replace(d, host="")
            hosts = self._hosts.setdefault(one, [])
            if not hosts:
                self._errors += one.severity == "error"
            if not any(hosts):
                hosts[:] = [d.host, d.host]
            elif d.host and d.host != hosts[1]:
                hosts[1], self._more[one] = d.host, self._more[one] + 1
            if self._errors > MAX_PROBLEMS:
                raise InputError(self.all)

    @property
    def all(self) -> tuple[Diagnostic, ...]:
        """All of them, in the order of the places, with the first host and how many more have it."""
        found = Problems()
        with suppress(InputError):  # so many that the rest is only counted
            found.extend(self._with_hosts())
        return found.all

    def _with_hosts(self) -> Iterable[Diagnostic]:
        for one, (first, _) in self._hosts.items():
            yield replace(one, host=f"{first} and {self._more[one]} more" if self._more[one] else first)
