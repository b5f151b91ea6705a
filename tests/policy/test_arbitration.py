"""Filters, weights and flows by hand, each with its source."""

from typing import Any

import pytest
from lab_cases import cases
from wfp_xml import dump_of, flow_of

from ringfence.policy.arbitration import Arbiter


@pytest.mark.parametrize("case", cases("wfp"), ids=lambda c: str(c["title"]))
def test_what_becomes_of_a_flow(case: dict[str, Any]) -> None:
    found = Arbiter(dump_of(case)).arbitrate(flow_of(case.get("flow", {})))
    assert found.action == case["gives"]
    assert (found.action == "unknown") == bool(found.doubts)
    assert case.get("doubt", "") in " · ".join(found.doubts)
    assert list(found.drivers) == case.get("drivers", list(found.drivers))
    decided = {d.sublayer: d for d in found.decisions}
    assert {s: f.name for s, d in decided.items() if (f := d.filter)} | case.get("by", {}) == {
        s: f.name for s, d in decided.items() if (f := d.filter)}
    assert [f.name for d in found.decisions for f in d.tied] == case.get("tied", [])


def test_before_the_engine_runs_boot_time_filters_count() -> None:
    dump = dump_of({"filters": [{"action": "BLOCK", "flags": ["BOOTTIME"]}]})
    assert Arbiter(dump, before_engine=True).arbitrate(flow_of({})).action == "block"
