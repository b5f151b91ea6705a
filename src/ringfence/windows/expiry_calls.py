"""The calls that tell a host which rules it has to end by itself (model/host_expiry.py). Pure."""

from ringfence.batch import Call
from ringfence.model.host_expiry import HostExpiry

READ_EXPIRIES, WRITE_EXPIRY = "Expiry.Read", "Expiry.Write"


def write_expiry(one: HostExpiry) -> Call:
    """Register the task of a rule."""
    return Call(WRITE_EXPIRY, {"noun": one.noun, "name": one.name, "at": one.at})


def remove_expiry(task: str) -> Call:
    """Take a task away, where it is there."""
    return Call("Expiry.Remove", {"task": task})


def remove_expiry_of(one: HostExpiry) -> Call:
    """Take the task of a rule away, where it has one: how Windows writes a name in small letters the host knows best."""
    return Call("Expiry.Remove", {"noun": one.noun, "name": one.name})
