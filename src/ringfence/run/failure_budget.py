"""How many hosts of a run may fail before no further one is begun."""

from ringfence.report import HostResult


class FailureBudget:
    """total: hosts of the run · percentage: of them that may fail, as Ansible's max_fail_percentage: one
    more ends the run; None: any number · ignore_unreachable: hosts that are not reached are no failure · fatal: it is
    any_errors_fatal that says that none may."""

    def __init__(self, total: int, percentage: float | None, ignore_unreachable: bool = False, fatal: bool = False) -> None:
        self.total, self.percentage, self._ignore_unreachable, self._fatal = total, percentage, ignore_unreachable, fatal
        self._failed = set[str]()

    def counts(self, result: HostResult) -> bool:
        """Whether a host has failed: in whatever way. That it is not its time yet is no failure, nor that the run was ended."""
        if result.status == "unreachable" and self._ignore_unreachable:
            return False
        return result.failed

    def decided(self, result: HostResult) -> None:
        """A host has ended. Told twice it counts once."""
        if self.counts(result):
            self._failed.add(result.host)

    @property
    def failures(self) -> int:
        """How many have failed."""
        return len(self._failed)

    @property
    def spent(self) -> bool:
        """Whether more have failed than may."""
        return self.percentage is not None and len(self._failed) * 100 > self.percentage * self.total

    def __str__(self) -> str:
        limit = "none may (any_errors_fatal)" if self._fatal else f"max_fail_percentage is {self.percentage:g}"
        return f"{self.failures} of {self.total} hosts failed, and {limit}"
