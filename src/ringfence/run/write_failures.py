"""What a host answered to changes that it did not make, as the failure of the host."""

from ringfence.batch import Failure
from ringfence.errors import HostError, RingfenceError, StalePlan
from ringfence.model.state import Change
from ringfence.transports.failures import kind_from_call


def not_recorded(failure: Failure, written: bool) -> RingfenceError:
    """Why the ledger was not written, before the changes or after them."""
    if kind_from_call(failure) == "changed_meanwhile" and not written:
        return StalePlan("another run of the project wrote here since the plan was made. Nothing was written: run it again")
    if failure.category == "PermissionDenied" and not written:
        return HostError("authorization", f"nothing was written, for the ledger could not be: {failure.message}")
    return HostError("endpoint" if failure.is_lack else "ledger", failure.message)


def not_made(change: Change, failure: Failure, written: bool) -> RingfenceError:
    """Why a change was not made. As long as nothing was `written`, a host that differs from what was read is a stale plan."""
    kind, reason = kind_from_call(failure), f"{change.action} {change}: {failure.message}"
    if kind == "changed_meanwhile" and not written:
        return StalePlan(f"the host is not what the plan was made for: {reason}. Nothing was written: run it again")
    return HostError(kind, reason)
