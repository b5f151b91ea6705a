"""One machine under two names of an inventory: by each name it is another host, and what is declared for the one is what nobody
declares for the other."""

from dataclasses import replace

from ringfence.errors import GuardRefused
from ringfence.report import HostResult


class SameMachine:
    """Which machine the hosts of a run are, as far as they have said it."""

    def __init__(self) -> None:
        self._hosts: dict[str, str] = {}
        self.refused: dict[str, GuardRefused] = {}
        """The hosts that were read before another one turned out to be the same machine."""

    def judged(self, result: HostResult) -> HostResult:
        """A result, refused where another host was this machine. A clone has its GUID, and a name of its own; where the GUID is
        not known a name alone says too little."""
        guid, _, named = result.machine.partition("|")
        other = self._hosts.setdefault(result.machine, result.host) if guid else result.host
        if other == result.host:
            return result
        computer = named.partition("|")[0]
        self.refused.setdefault(other, _refusal(result.host, computer))
        return result if result.error else replace(result, error=_refusal(other, computer), waits=False)


def _refusal(other: str, computer: str) -> GuardRefused:
    return GuardRefused(f"it is the same machine as {other} ({computer}): by one name a run takes for left over what is declared "
                        "for the other. Name it once in the inventory, or leave one of them out: --limit")
