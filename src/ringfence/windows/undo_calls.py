"""The calls that arm, confirm and fire the undo of a run on a host (model/undo.py). Pure."""

from ringfence.batch import Call

BUSY_ID = "ringfence.busy"
"""The error id of a host on which the undo of another run is under way."""
UNDO_UNREAD_ID = "ringfence.undo_unread"
"""That of a host which does not let its account see whether there is one."""
READ_UNDO = "Undo.Read"


def arm_call(run: str, project: str, delay: int, write_seconds: int) -> Call:
    """Arm the undo of a run. delay: seconds until it fires · write_seconds: those in which the run may write."""
    return Call("Undo.Arm", {"run": run, "project": project, "delay": delay, "write_seconds": write_seconds})


def continue_call(run: str) -> Call:
    """What follows in the batch is a part of the run whose undo is armed."""
    return Call("Undo.Continue", {"run": run})


def confirm_call(run: str) -> Call:
    """The undo of the run is not wanted any more."""
    return Call("Undo.Confirm", {"run": run})


def fire_call(run: str) -> Call:
    """Undo the run now, and wait for it."""
    return Call("Undo.Fire", {"run": run})
