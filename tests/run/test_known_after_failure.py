"""What is known of the changes of a host, whatever happens after they were sent."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from core import declared, task
from hosts import LabHost

from ringfence.batch import Answer, Batch, Call, Failure, Reply
from ringfence.errors import HostError
from ringfence.plan.plan import HostSnapshot
from ringfence.report import HostResult
from ringfence.run import writing
from ringfence.run.host import apply_host
from ringfence.run.host_job import HostJob
from ringfence.transports import Transport
from ringfence.windows.stored_names import StoredNames

RULES = [task("firewall_rule", {"name": name, "protocol": "tcp", "local_port": 80, "remote_address": "10.0.0.1"})
         for name in ("a", "b", "c", "d")]


def failure(result: HostResult) -> HostError:
    assert isinstance(result.error, HostError)
    return result.error


def test_a_host_that_goes_on_after_a_change_that_failed() -> None:
    host = LabHost()

    def goes_on(batch: Batch) -> Reply | None:
        if not batch.stop_on_error:
            return None
        answers = {label: Answer() for label in batch.calls}
        answers[list(answers)[1]] = Answer(error=Failure("InvalidArgument", "x", "no"))
        return Reply(answers)

    host.before = goes_on
    result = host.apply(*RULES)
    assert failure(result).kind == "protocol"
    assert "it went on after: " in failure(result).detail
    assert len(result.changes) == 4
    assert len(result.written) == 3  # it says so itself


def test_a_fault_of_ours_after_the_write_keeps_what_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    host = LabHost()

    def fault(*_: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(writing, "state_after", fault)
    result = host.apply(*RULES)
    assert (failure(result).kind, failure(result).detail) == ("internal", "ZeroDivisionError: oops")
    assert len(result.written) == 4
    assert replace(result, error=None).status == "changed"


def broken_names(found: HostSnapshot, stored: StoredNames, send: Callable[[Batch], Reply]) -> dict[str, str]:
    """Asks the host once more, as large as it likes to answer, and breaks."""
    send(Batch({"facts": Call("Facts.Read")}))
    raise ZeroDivisionError


def test_names_for_people_are_no_reason_to_lose_a_result() -> None:
    host = LabHost()
    context = replace(host.context(), names=broken_names)
    connect = context.connect

    def counted(job: HostJob) -> Transport:
        class Counted:
            def run(self, batch: Batch) -> Reply:
                batch.admit(50_000_000)
                return connect(job).run(batch)

        return Counted()

    result = apply_host(host.job(declared(*RULES)), replace(context, connect=counted))
    assert (result.status, len(result.written), result.names) == ("changed", 4, {})
    assert context.memory.used == 0  # what was asked last was given back too
