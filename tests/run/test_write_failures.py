"""What comes of a call that a host did not carry out: which failure, and whether it is told that nothing was written."""

from collections.abc import Callable

import pytest
from core import rule

from ringfence.batch import CHANGED_MEANWHILE, UNKNOWN_VERB, WRONG_BITS, Answer, Failure, Reply
from ringfence.errors import HostError, RingfenceError
from ringfence.model.state import Change, id_of
from ringfence.report import HostResult
from ringfence.run import write_failures
from ringfence.run.write_failures import first_failed, held_up, not_armed, not_asked, not_recorded
from ringfence.windows.undo_calls import BUSY_ID, UNDO_UNREAD_ID

SAID = "what the host says"
LACKS, BITS = Failure("InvalidArgument", UNKNOWN_VERB, SAID), Failure("NotSpecified", WRONG_BITS, SAID)
CHANGED, BUSY = (Failure("InvalidOperation", id, SAID) for id in (CHANGED_MEANWHILE, BUSY_ID))
UNREAD, DENIED = (Failure("PermissionDenied", id, SAID) for id in (UNDO_UNREAD_ID, "x"))
OTHER = Failure("InvalidResult", "x", SAID)
RULE = rule("r")


def not_made(failure: Failure, written: bool) -> RingfenceError:
    return write_failures.not_made(Change(id_of(RULE), None, RULE), failure, written)


NOTHING = "othing was written"


@pytest.mark.parametrize(("what", "failure", "before", "after"), [
    (held_up, BITS, "bits " + NOTHING, "bits"), (held_up, OTHER, None, None), (held_up, DENIED, None, None),
    (held_up, BUSY, "refused " + SAID, None), (held_up, UNREAD, "refused " + SAID, None),
    (not_asked, LACKS, "endpoint " + NOTHING, "endpoint"), (not_asked, OTHER, "script " + NOTHING, "script"),
    (not_recorded, CHANGED, "stale " + NOTHING, "ledger"), (not_recorded, DENIED, "authorization " + NOTHING, "ledger"),
    (not_recorded, LACKS, "endpoint", "endpoint"), (not_recorded, OTHER, "ledger", "ledger"),
    (not_armed, LACKS, "refused revert_after: never", "endpoint no undo is armed"),
    (not_armed, DENIED, "authorization " + NOTHING, "script no undo is armed"),
    (not_armed, OTHER, "refused " + NOTHING, "script no undo is armed"),
    (not_made, BUSY, "changed_meanwhile", "changed_meanwhile"), (not_made, CHANGED, "stale " + NOTHING, "changed_meanwhile"),
    (not_made, DENIED, "authorization", "authorization"), (not_made, OTHER, "change_rejected", "change_rejected")])
def test_why_a_call_was_not_carried_out(what: Callable[[Failure, bool], RingfenceError | None], failure: Failure,
                                        before: str | None, after: str | None) -> None:
    """As long as nothing was written, and once something was, of which nobody may be told that it was not."""
    for written, expected in ((False, before), (True, after)):
        error = what(failure, written)
        if expected is None:
            assert error is None
            continue
        kind, _, says = expected.partition(" ")
        assert error is not None
        assert (error.kind if isinstance(error, HostError) else HostResult("h", error=error).status) == kind
        assert says in str(error)
        assert (NOTHING in str(error)) == (says == NOTHING)


def test_the_first_call_that_failed_and_whether_the_host_went_on() -> None:
    fine, wrong = Answer(), Answer(error=OTHER)
    for answers, expected in (([], None), ([fine, fine], None), ([fine, wrong], (1, False)), ([wrong, fine], (0, True)),
                              ([fine, wrong, wrong], (1, True))):
        found = first_failed(Reply(dict(enumerate(answers))))
        assert (found and (found.label, found.went_on)) == expected
