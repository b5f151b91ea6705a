"""What is in force on a host: its security associations, next to the rules that asked for them."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from ringfence.batch import Call
from ringfence.errors import HostError, RingfenceError
from ringfence.report import HostResult
from ringfence.resource import Kind
from ringfence.run.converge import Job, Trips, look
from ringfence.windows.associations import Association, associations


@dataclass(frozen=True)
class Status:
    """One host: what became of the question, the answer, and the services that IPsec needs and that do not run."""

    result: HostResult
    associations: tuple[Association, ...] = ()
    stopped: tuple[str, ...] = ()


def status(job: Job, kinds: Mapping[str, Kind]) -> Status:
    """The associations of one host. Never raises for what the host does."""
    trips, start = Trips(job.connect), time.monotonic()
    seen: tuple[Association, ...] = ()
    stopped: tuple[str, ...] = ()
    error: RingfenceError | None = None
    try:
        found, (answer,) = look(trips, kinds, (), Call("SA.Read"))
        stopped = tuple(s for s in ("BFE", "IKEEXT", "PolicyAgent") if found.facts.services.get(s, "running") != "running")
        if answer.error:
            raise HostError("script", answer.error.message)
        seen = associations(answer.value, found.state)
    except RingfenceError as problem:
        error = problem
    seconds = round(time.monotonic() - start, 3)
    return Status(HostResult(job.host, error=error, declared=len(job.desired), trips=trips.count, seconds=seconds), seen, stopped)
