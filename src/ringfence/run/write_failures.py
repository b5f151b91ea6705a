"""What a host answered to changes that it did not make, as the failure of the host."""

from collections.abc import Hashable
from dataclasses import dataclass

from ringfence.batch import WRONG_BITS, Failure, Reply
from ringfence.errors import GuardRefused, HostError, RingfenceError, StalePlan
from ringfence.model.state import Change
from ringfence.transports.failures import kind_from_call
from ringfence.windows.undo_calls import BUSY_ID, UNDO_UNREAD_ID


@dataclass(frozen=True, slots=True)
class FailedCall:
    """The first call of a batch that failed. went_on: the host was told to stop there and has answered later ones, so that nobody
    knows what it does."""

    label: Hashable
    failure: Failure
    went_on: bool


def first_failed(reply: Reply) -> FailedCall | None:
    """What ended a batch that stops on errors; None where nothing did."""
    for number, (label, answer) in enumerate(reply.answers.items(), 1):
        if answer.error:
            return FailedCall(label, answer.error, number < len(reply.answers))
    return None


def held_up(failure: Failure, written: bool) -> RingfenceError | None:
    """Why the host lets nothing be written like this, whatever it is; None where this one call failed."""
    if failure.id == WRONG_BITS:
        return HostError("bits", "" if written else "nothing was written")
    if failure.id == BUSY_ID and not written:
        return undo_waits(failure.message)
    if failure.id == UNDO_UNREAD_ID and not written:
        return GuardRefused(f"{failure.message}. It would take back what is written now. Let authenticated users read that key, "
                            "or apply as an administrator")
    return None


def undo_waits(why: str) -> GuardRefused:
    """What a host says as long as the undo of another run may come."""
    return GuardRefused(f"{why}. Wait for its end; `ringfence confirm` keeps what it made, `ringfence rollback` undoes it")


def not_asked(failure: Failure, written: bool) -> HostError:
    """Why the host did not say which controllers of its domain it reaches, which comes before everything else."""
    told = "" if written else "nothing was written: "
    return HostError("endpoint" if failure.is_lack else "script",
                     f"{told}which controllers of its domain it reaches could not be read: {failure.message}")


def not_recorded(failure: Failure, written: bool) -> RingfenceError:
    """Why the ledger was not written, before the changes or after them."""
    if kind_from_call(failure) == "changed_meanwhile" and not written:
        return StalePlan("another run of the project wrote here since the plan was made. Nothing was written: run it again")
    if failure.category == "PermissionDenied" and not written:
        return HostError("authorization", f"nothing was written, for the ledger could not be: {failure.message}")
    return HostError("endpoint" if failure.is_lack else "ledger", failure.message)


def not_armed(failure: Failure, written: bool) -> RingfenceError:
    """Why the undo was not armed; without one a host that does as it is told has written nothing."""
    if written:
        return HostError("endpoint" if failure.is_lack else "script", f"no undo is armed: {failure.message}")
    if failure.is_lack:
        return GuardRefused("the endpoint knows no undo. Export it anew (`ringfence jea export`) and install it, or write "
                            "without one: `revert_after: never`")
    if failure.category == "PermissionDenied":
        return HostError("authorization", f"nothing was written, for its undo could not be armed: {failure.message}")
    return GuardRefused(f"the host could not undo the change by itself: {failure.message}. Nothing was written. Mend that, or "
                        "write without an undo: `revert_after: never`, or --force undo")


def not_made(change: Change, failure: Failure, written: bool) -> RingfenceError:
    """Why a change was not made. As long as nothing was `written`, a host that differs from what was read is a stale plan."""
    kind, reason = kind_from_call(failure), f"{change.action} {change}: {failure.message}"
    if failure.id == BUSY_ID:
        return HostError("changed_meanwhile", reason)
    if kind == "changed_meanwhile" and not written:
        return StalePlan(f"the host is not what the plan was made for: {reason}. Nothing was written: run it again")
    return HostError(kind, reason)
