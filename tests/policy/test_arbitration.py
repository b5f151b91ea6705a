"""Filters, weights and flows by hand, each with its source."""

from itertools import pairwise
from typing import Any

import pytest
from lab_cases import cases
from wfp_xml import dump_of, flow_of

from ringfence.policy.arbitration import SUBLAYER_WEIGHTS, Arbiter


@pytest.mark.parametrize("case", cases("wfp"), ids=lambda c: str(c["title"]))
def test_what_becomes_of_a_flow(case: dict[str, Any]) -> None:
    found = Arbiter(dump_of(case)).arbitrate(flow_of(case.get("flow", {})))
    assert found.action == case["gives"]
    assert (found.action == "unknown") == bool(found.doubts)
    assert case.get("doubt", "") in " · ".join(found.doubts)
    assert list(found.drivers) == case.get("drivers", list(found.drivers))
    decided = {d.sublayer: d.filter and d.filter.name for d in found.decisions}
    assert {sublayer: decided[sublayer] for sublayer in case.get("by", {})} == case.get("by", {})
    assert set(case.get("silent", ())).isdisjoint(decided)
    assert list(found.unseen) == case.get("unseen", list(found.unseen))
    assert [f.name for d in found.decisions for f in d.tied] == case.get("tied", [])


def test_before_the_engine_runs_boot_time_filters_count() -> None:
    dump = dump_of({"filters": [{"action": "BLOCK", "flags": ["BOOTTIME"]}]})
    assert Arbiter(dump, before_engine=True).arbitrate(flow_of({})).action == "block"


def test_what_a_sublayer_says_where_a_connection_is_decided() -> None:
    dump = dump_of({"filters": [{"layer": "OUTBOUND_TRANSPORT_V4", "name": "later", "action": "BLOCK"}, {"name": "rule"}, {
        "layer": "OUTBOUND_TRANSPORT_V4", "sublayer": "UNIVERSAL"}, {"sublayer": "MPSSVC_WSH", "name": "hardened"}]})
    found = Arbiter(dump).arbitrate(flow_of({}))
    of = {name: decision and decision.filter and decision.filter.name for name in ("MPSSVC_WF", "MPSSVC_WSH", "UNIVERSAL")
          for decision in [found.of(name)]}
    assert of == {"MPSSVC_WF": "rule", "MPSSVC_WSH": "hardened", "UNIVERSAL": None}


@pytest.mark.parametrize(("above", "below"), list(pairwise(SUBLAYER_WEIGHTS)))
def test_the_order_of_the_sublayers_of_windows(above: str, below: str) -> None:
    """As five hosts of several builds have it: what is allowed for good above is not blocked below."""
    filters = [{"sublayer": below, "action": "BLOCK"}, {"sublayer": above, "flags": ["CLEAR_ACTION_RIGHT"]}]
    assert Arbiter(dump_of({"whole": False, "filters": filters})).arbitrate(flow_of({})).action == "permit"
