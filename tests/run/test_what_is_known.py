"""Whatever a host does, or we do wrong: what was to be changed and what was is still told."""

from collections.abc import Callable

import pytest
from core import at
from hosts import LabHost

from ringfence.batch import Answer, Batch, Failure, Reply
from ringfence.errors import ExitCode, HostError
from ringfence.report import HostResult
from ringfence.run.write_failures import not_recorded

POLICY = tuple(at(n, name=f"r{n}", protocol="tcp", local_port=n) for n in range(1, 5))
DENIED = Answer(error=Failure("InvalidArgument", "HRESULT 0x80070057", "The port is invalid.", 87))
CHANGED = Answer(error=Failure("InvalidOperation", "ringfence.changed", "it is not as it was read"))
OK = Answer()


def kind_of(result: HostResult) -> str:
    assert isinstance(result.error, HostError)
    return result.error.kind


def answering(*answers: Answer) -> Callable[[Batch], Reply | None]:
    """A host that answers a batch of changes in its own way, after the first entry in its ledger."""
    return lambda batch: Reply(dict(zip(batch.calls, (OK, *answers), strict=False))) if batch.stop_on_error else None


@pytest.mark.parametrize(("answers", "kind", "written"), [
    ((OK, DENIED, OK, OK), "protocol", ["r1", "r3", "r4"]),
    ((DENIED, DENIED, OK), "protocol", ["r3"]),
    ((CHANGED, OK, OK, OK), "protocol", ["r2", "r3", "r4"]),
    ((CHANGED, CHANGED), "protocol", []),
    ((OK, OK, DENIED), "change_rejected", ["r1", "r2"]),
    ((OK, OK, OK, CHANGED), "changed_meanwhile", ["r1", "r2", "r3"])])
def test_a_host_that_goes_on_after_a_failed_change_is_not_believed(
        answers: tuple[Answer, ...], kind: str, written: list[str]) -> None:
    host = LabHost({})
    host.before = answering(*answers)
    result = host.apply(*POLICY)
    assert (result.status, kind_of(result), len(result.changes)) == ("failed", kind, 4)
    assert sorted(id.name for id in result.written) == written
    assert "othing was written" not in str(result.error)
    assert len(host.batches) == 2


@pytest.mark.parametrize(("answers", "kind"), [
    ((DENIED,), "ledger"), ((DENIED, OK), "protocol"), ((OK,) * 5 + (DENIED,), "ledger")])
def test_a_ledger_that_could_not_be_written(answers: tuple[Answer, ...], kind: str) -> None:
    host = LabHost({})
    host.before = lambda batch: Reply(dict(zip(batch.calls, answers, strict=False))) if batch.stop_on_error else None
    result = host.apply(*POLICY)
    assert (result.status, kind_of(result)) == ("failed", kind)
    assert len(result.written) == max(0, len(answers) - (2 if kind == "ledger" else 1))


def test_a_ledger_that_another_run_has_written_meanwhile_leaves_a_stale_host() -> None:
    host = LabHost({})
    host.before = lambda batch: Reply(dict(zip(batch.calls, (CHANGED,), strict=False))) if batch.stop_on_error else None
    result = host.apply(*POLICY)
    assert (result.status, result.written, host.rules) == ("stale", frozenset(), {})
    assert "another run of the project wrote here" in str(result.error)


def test_a_first_change_that_somebody_else_made_leaves_a_stale_host() -> None:
    host = LabHost({})
    host.before = answering(CHANGED)
    result = host.apply(*POLICY)
    assert (result.status, result.exit_code, result.written, len(result.changes)) == ("stale", ExitCode.STALE, frozenset(), 4)
    assert "create firewall_rule r1: it is not as it was read" in str(result.error)


def test_a_fault_of_ours_in_the_proof_hides_nothing() -> None:
    host = LabHost({})

    def breaks(batch: Batch) -> Reply | None:
        if len(host.batches) == 3:
            raise ZeroDivisionError("a fault of ours")
        return None

    host.before = breaks
    result = host.apply(*POLICY)
    assert (result.status, kind_of(result), len(result.changes), len(result.written)) == ("failed", "internal", 4, 4)
    assert (result.declared, result.connections) == (4, 3)
    assert "ZeroDivisionError: a fault of ours" in str(result.error)


def test_a_fault_of_ours_in_the_read_is_the_hosts_result() -> None:
    host = LabHost({})
    host.before = lambda batch: Reply({})  # not even the answers that were asked for
    result = host.apply(*POLICY)
    assert (result.status, kind_of(result), result.declared, result.connections) == ("failed", "internal", 4, 1)


@pytest.mark.parametrize("written", [False, True])
def test_an_endpoint_that_keeps_no_ledger_is_to_be_exported_anew(written: bool) -> None:
    error = not_recorded(Failure("InvalidArgument", "ringfence.verb", "no verb is named so", None), written)
    assert isinstance(error, HostError)
    assert error.kind == "endpoint"
