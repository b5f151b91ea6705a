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


@pytest.mark.parametrize(("match", "holds"), [
    ("EQUAL", [6]), ("NOT_EQUAL", [4, 5, 7, 8]), ("GREATER", [7, 8]), ("GREATER_OR_EQUAL", [6, 7, 8]), ("LESS", [4, 5]),
    ("LESS_OR_EQUAL", [4, 5, 6]), ("FLAGS_ALL_SET", [6, 7]), ("FLAGS_ANY_SET", [4, 5, 6, 7]), ("FLAGS_NONE_SET", [8])])
def test_comparisons_of_numbers(match: str, holds: list[int]) -> None:
    """FWP_MATCH_TYPE, each with 6."""
    arbiter = Arbiter(dump_of({"filters": [{"action": "BLOCK", "if": [f"IP_REMOTE_PORT {match} u16 6"]}]}))
    found = {port: arbiter.arbitrate(flow_of({"remote_port": port})).action for port in range(4, 9)}
    assert found == {port: "block" if port in holds else "permit" for port in range(4, 9)}


@pytest.mark.parametrize(("match", "holds"), [
    ("EQUAL", [r"\a\b"]), ("NOT_EQUAL", [r"\A\B", r"\a\b\c", r"\a"]), ("PREFIX", [r"\a\b", r"\a\b\c"]),
    ("NOT_PREFIX", [r"\A\B", r"\a"]), ("EQUAL_CASE_INSENSITIVE", [r"\a\b", r"\A\B"])])
def test_comparisons_of_texts(match: str, holds: list[str]) -> None:
    arbiter = Arbiter(dump_of({"filters": [{"action": "BLOCK", "if": [rf"ALE_APP_ID {match} app \a\b"]}]}))
    programs = (r"\a\b", r"\A\B", r"\a\b\c", r"\a")
    assert {p for p in programs if arbiter.arbitrate(flow_of({"program": p})).action == "block"} == set(holds)
    upper = Arbiter(dump_of({"filters": [{"action": "BLOCK", "if": [rf"ALE_APP_ID {match} app \A\B"]}]}))
    otherwise = match in ("EQUAL_CASE_INSENSITIVE", "NOT_EQUAL", "NOT_PREFIX")
    assert (upper.arbitrate(flow_of({"program": r"\a\b"})).action == "block") == otherwise


def test_what_a_condition_asks_that_is_no_comparison_of_it() -> None:
    """What nobody understands is undecided, one doubt beside the other."""
    conditions = ["ALE_USER_ID PREFIX sd D:(A;;CC;;;WD)", "VLAN_ID EQUAL u16 7", "FLAGS EQUAL u32 1",
                  "IP_LOCAL_PORT GREATER sid S-1-1-0"]
    found = Arbiter(dump_of({"filters": [{"name": "one", "action": "BLOCK", "if": conditions}]})).arbitrate(flow_of({}))
    assert found.action == "unknown"
    for doubt in ("what ALE_USER_ID PREFIX means", "its VLAN_ID", "what FLAGS EQUAL 1 means",
                  "what IP_LOCAL_PORT GREATER S-1-1-0 means"):
        assert doubt in found.doubts[0]
    not_listed = [{"action": "BLOCK", "if": ["ALE_USER_ID NOT_EQUAL sd D:(A;;CC;;;WD)"]}]
    assert Arbiter(dump_of({"filters": not_listed})).arbitrate(flow_of({})).action == "permit"
