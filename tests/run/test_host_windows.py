"""A host that is not changed now: it may be at some times only, by its own clock; or nobody has said yet that it is to be."""

from dataclasses import replace
from typing import Any

import pytest
from core import at, declared
from hosts import LabHost

from ringfence.errors import OutsideWindow
from ringfence.report import HostResult
from ringfence.rollout.maintenance_window import parse_window
from ringfence.run.host import apply_host, plan_host
from ringfence.run.host_job import HostJob

RULE = at(1, name="r", protocol="tcp", local_port=80)
THURSDAY_NOON: dict[str, Any] = {"time": "2026-11-26T12:00:00Z", "utc_offset": "+00:00"}


def job(host: LabHost, *windows: str) -> HostJob:
    return host.job(declared(RULE), windows=tuple(map(parse_window, windows)))


def notes(result: HostResult) -> list[tuple[str, str, str]]:
    return [(d.severity, d.summary, d.host) for d in result.diagnostics]


@pytest.mark.parametrize(("windows", "told", "facts"), [
    (["02:00-04:00"], "it may be changed at 02:00-04:00, and there it is Thu 12:00", THURSDAY_NOON),
    (["02:00-04:00", "Sat 10:00-14:00"], "it may be changed at 02:00-04:00 or Sat 10:00-14:00, and there it is Thu 12:00",
     THURSDAY_NOON),
    (["11:00-13:00"], "it may be changed at 11:00-13:00, and there it is Thu 14:00", {**THURSDAY_NOON, "utc_offset": "+02:00"}),
    (["00:00-24:00"], "it may be changed at 00:00-24:00, and does not tell its time", {"time": None}),
    (["11:00-13:00"], "it may be changed at 11:00-13:00, and does not tell its time", {**THURSDAY_NOON, "utc_offset": ""})])
def test_outside_of_its_windows_a_host_is_planned_and_left_alone(windows: list[str], told: str, facts: dict[str, Any]) -> None:
    host = LabHost({}, **facts)
    planned = plan_host(job(host, *windows), host.context())
    assert (planned.error, planned.later, len(planned.changes)) == (None, True, 1)
    assert notes(planned) == [("note", told, "srv1")]
    applied = apply_host(job(host, *windows), host.context())
    assert isinstance(applied.error, OutsideWindow)
    assert told in str(applied.error)
    assert (len(applied.changes), applied.written, host.rules) == (1, frozenset(), {})


@pytest.mark.parametrize(("windows", "forced"), [
    ([], ""), (["11:00-13:00"], ""), (["02:00-04:00", "Thu 10:00-14:00"], ""), (["02:00-04:00"], "window")])
def test_in_one_of_its_windows_it_is_changed(windows: list[str], forced: str) -> None:
    host = LabHost({}, **THURSDAY_NOON)
    host.policy = replace(host.policy, forced=host.policy.forced | {forced})
    planned = plan_host(job(host, *windows), host.context())
    assert (planned.later, notes(planned)) == (False, [])
    assert apply_host(job(host, *windows), host.context()).status == "changed"
    assert list(host.rules) == ["r"]


def test_a_host_where_nothing_is_to_be_changed_waits_for_no_window() -> None:
    host = LabHost({}, **THURSDAY_NOON)
    assert host.apply(RULE).status == "changed"
    for result in (work(job(host, "02:00-04:00"), host.context()) for work in (plan_host, apply_host)):
        assert (result.status, result.later, notes(result)) == ("in_sync", False, [])


@pytest.mark.parametrize("waits", ["a change", "an entry of the ledger"])
def test_where_nothing_is_written_it_is_told_whether_something_waits(waits: str) -> None:
    host = LabHost({}, owns=False)
    assert host.apply(RULE).status == "changed"
    tasks = [RULE, at(2, name="more", protocol="tcp", local_port=81)] if waits == "a change" else []
    if not tasks:
        host.remove("r")  # which nothing but the ledger has any more
    context = replace(host.context(), possible=lambda name, facts: frozenset())
    looked = apply_host(host.job(declared(*tasks)), context, None, False)
    assert (looked.waits, looked.error, looked.written, "more" in host.rules) == (True, None, frozenset(), False)
    assert host.entry("r")
    assert apply_host(host.job(declared(*tasks)), context).error is None
    assert ("more" in host.rules, bool(host.entry("r"))) == (bool(tasks), bool(tasks))
    assert not apply_host(host.job(declared(*tasks)), context, None, False).waits
