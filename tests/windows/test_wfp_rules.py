"""Rules made again of the filters of a host."""

from dataclasses import fields, replace
from typing import Any

import pytest
from core import cases
from wfp_xml import dump_of

from ringfence.model.filter import Filter
from ringfence.windows.wfp_rules import DumpedDefaults, DumpedRule, policy_of_dump, service_sid

DEFAULTS = [{"layer": "ALE_AUTH_RECV_ACCEPT_V4", "weight": 8, "action": "BLOCK", "if": ["ORIGINAL_PROFILE_ID EQUAL u32 1"]},
            {"layer": "ALE_AUTH_CONNECT_V4", "weight": 8, "if": ["ORIGINAL_PROFILE_ID EQUAL u32 1"]}]


def told(rule: DumpedRule) -> list[dict[str, Any]]:
    """What a rule says beside the defaults."""
    return [{f.name: list(value) if isinstance(value, tuple) else value for f in fields(Filter)
             if (value := getattr(one, f.name)) != f.default} for one in rule.filters]


@pytest.mark.parametrize("case", cases("wfp_rules"), ids=lambda c: str(c["title"]))
def test_rules(case: dict[str, Any]) -> None:
    filters = [{"layer": "ALE_AUTH_RECV_ACCEPT_V4", "weight": 9, **one} for one in case["filters"]]
    found = policy_of_dump(dump_of({"filters": [*DEFAULTS, *filters]}), case.get("names", ()))
    assert {r.id.name: told(r) for r in found.rules} == case.get("rules", {})
    assert {r.id.name: told(r) for r in found.restrictions} == case.get("restrictions", {})
    assert [why for _, why in found.inexpressible] == case.get("inexpressible", [])
    assert found.profiles == {"public": DumpedDefaults("block", "allow")}


def test_names_of_services_and_their_sids() -> None:
    """Those of three services, as filters of five hosts have them."""
    assert service_sid("Dnscache") == "S-1-5-80-859482183-879914841-863379149-1145462774-2388618682"
    assert service_sid("DHCP") == service_sid("dhcp") == "S-1-5-80-2940520708-3855866260-481812779-327648279-1710889582"


def test_the_defaults_of_each_active_profile() -> None:
    rows = [{"layer": "ALE_AUTH_RECV_ACCEPT_V6", "weight": 8, "if": ["ORIGINAL_PROFILE_ID EQUAL u32 2"]},
            {"layer": "ALE_AUTH_CONNECT_V4", "weight": 8, "action": "BLOCK", "if": ["ORIGINAL_PROFILE_ID EQUAL u32 3"]}]
    assert policy_of_dump(dump_of({"filters": rows})).profiles == {
        "private": DumpedDefaults("allow"), "domain": DumpedDefaults(outbound="block")}


def test_a_rule_is_called_by_the_name_that_its_filters_tell_and_is_for_every_active_profile() -> None:
    rows = [*DEFAULTS, {**DEFAULTS[0], "if": ["ORIGINAL_PROFILE_ID EQUAL u32 3"]},
            {"rule": 7, "layer": "ALE_AUTH_RECV_ACCEPT_V4", "weight": 9, "if": ["IP_PROTOCOL EQUAL u8 6"]}]
    dump = dump_of({"filters": rows})
    told = tuple(replace(f, origin="DeviceManagement-1") if f.rule == 7 else f for f in dump.filters)
    (found,) = policy_of_dump(replace(dump, filters=told)).rules
    assert found.id.name == "devicemanagement-1"
    assert [f.id for f in found.made_of] == [4]
    assert [f.profile for f in found.filters] == [("domain", "public")]


def test_a_filter_of_another_sublayer_is_no_default() -> None:
    rows = [{**DEFAULTS[0], "sublayer": "UNIVERSAL"}, DEFAULTS[1]]
    assert policy_of_dump(dump_of({"filters": rows})).profiles == {"public": DumpedDefaults(outbound="allow")}


def test_what_a_driver_decides_is_no_default() -> None:
    rows = [{**DEFAULTS[0], "action": "CALLOUT_UNKNOWN A"}, DEFAULTS[1]]
    assert policy_of_dump(dump_of({"filters": rows})).profiles == {"public": DumpedDefaults(outbound="allow")}


def test_a_firewall_that_is_off_has_none() -> None:
    assert policy_of_dump(dump_of({"filters": [{"sublayer": "MPSSVC_WSH"}]})).profiles == {}
