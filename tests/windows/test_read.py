"""Registry trees -> State, and facts: lenient, whatever a host says."""

from typing import Any

import pytest
from chance import by_chance
from core import FACTS, GUID, KINDS, RULE, rule
from hypothesis import given
from hypothesis import strategies as st

from ringfence.model.facts import Facts, parse_facts
from ringfence.model.state import Id
from ringfence.windows.read import read, read_objects

DOSP = KINDS["ipsec_dosp_setting"]
STRING = "v2.31|Action=Allow|Active=TRUE|Dir=In|Name=r|"


def rules_of(said: Any, store: str = "local") -> dict[str, Any]:
    return read(said, KINDS).by_kind("firewall_rule", store)


def test_every_store_by_itself() -> None:
    rows = [["FirewallRules", [["r", "String", STRING]]]]
    state = read({"local": rows, "group_policy": rows, "mdm": rows}, KINDS)
    for store in ("local", "group_policy", "mdm"):
        assert state[Id(store, "firewall_rule", "r")] == rule("r")


def test_keys_and_value_names_have_no_letter_case() -> None:
    assert list(rules_of({"local": [["FIREWALLrules", [["R", "String", STRING]]]]})) == ["r"]


@pytest.mark.parametrize("name", ["TCP Query User{996A56D3-5CAF-4181-8D40-359ACE5167AA}C:\\users\\user\\app.exe",
                                  "{3DCC776C-38A8-4B66-A7F7-E29907E1B45B}", "Container: NAT - 356 - x", "1", "ÄÖ ß", "a|b",
                                  "*[x]?"])
def test_any_name_is_a_name(name: str) -> None:
    (found,) = rules_of({"local": [["FirewallRules", [[name, "String", STRING]]]]}).values()
    assert found.name == name


@pytest.mark.parametrize("value", [["", "String", STRING], ["r", "DWord", 1], ["r", "String", None], ["r", "Binary", "AAAA"],
                                   ["r"], "r", None,
                                   ["r", "String", STRING, 1], [1, "String", STRING], ["r", [], STRING],
                                   ["r", "String", [STRING]]])
def test_values_of_another_shape_are_passed_over(value: Any) -> None:
    assert rules_of({"local": [["FirewallRules", [value]]]}) == {}


def test_other_keys_are_none_of_our_business() -> None:
    state = read({"local": [["Epoch", [["Epoch", "DWord", 1]]], ["FirewallRules\\Sub", [["r", "String", STRING]]],
                            ["", [["PolicyVersion", "DWord", 545]]]]},
                 KINDS)
    assert state.by_kind("firewall_rule") == {}


@pytest.mark.parametrize("said", [None, 5, "Edge", {"Name": "Edge"}, [None, 5, "Edge", {}, {"Name": ""}, {"MaxStateEntries": 1}]])
def test_objects_of_another_shape_are_passed_over(said: Any) -> None:
    assert read_objects(DOSP, said) == {}
    beside = [*(said if isinstance(said, list) else ()), {"Name": "Edge", "MaxStateEntries": 7, "PublicV6Address": None}]
    assert read_objects(DOSP, beside) == {Id("local", DOSP.name, "edge"): DOSP.create("Edge", {"max_state_entries": 7})}


def test_a_value_that_nobody_understands_is_kept_and_is_no_default() -> None:
    (found,) = read_objects(DOSP, [{"Name": "Edge", "MaxStateEntries": "many"}]).values()
    assert str(found.values()["max_state_entries"]) == "MaxStateEntries=many"


def test_equal_strings_are_read_once() -> None:
    """A fleet repeats itself: the second host costs nothing."""
    said = {"local": [["FirewallRules", [["r", "String", STRING]]]]}
    assert rules_of(said)["r"] is rules_of(said)["r"]
    assert RULE.read_string("r", STRING) is RULE.read_string("r", STRING)


def test_facts() -> None:
    found = parse_facts(FACTS)
    assert (found.computer, found.build, found.elevated) == ("SRV1", 20348, True)
    assert found.services == {"mpssvc": "running", "BFE": "running"}
    assert found.guids("ethernet") == (GUID,)
    assert found.aliases[GUID] == "Ethernet"
    assert found.raw is FACTS


def test_facts_that_could_not_be_had_are_not_known() -> None:
    """A null is no state of a service and no elevation (contract of Facts.Read)."""
    found = parse_facts({"services": {"mpssvc": None, "BFE": "Stopped"}, "elevated": None, "os": None,
                      "interfaces": [None, {"alias": "x"}]})
    assert found.services == {"BFE": "stopped"}
    assert found.elevated is None
    assert found.interfaces == ()
    assert parse_facts(None) == parse_facts([]) == Facts(raw={})


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from([
    "FirewallRules", "DomainProfile", "DomainProfile\\Logging", "Phase1AuthenticationSets\\x", "ConSecRules", "String", "DWord",
    STRING,
    "EnableFirewall", "DisabledInterfaces", "LogFileSize", "mpssvc"]),
    lambda inner: st.lists(inner, max_size=4), max_leaves=30)
ROW = st.tuples(st.sampled_from(["", "FirewallRules", "DomainProfile", "publicprofile\\LOGGING", "Phase2CryptoSets\\{x}\\0000",
                                 "ConSecRules"]),
                st.lists(st.tuples(st.sampled_from(["EnableFirewall", "LogFileSize", "DisabledInterfaces", "Version", "r"]),
                                   st.sampled_from(["String", "DWord", "None"]), JSON).map(list), max_size=4)).map(list)


@by_chance(150)
@given(st.one_of(JSON, st.fixed_dictionaries({"local": st.one_of(JSON, st.lists(ROW, max_size=4)), "group_policy": JSON})))
def test_no_answer_of_a_host_is_an_exception(said: Any) -> None:
    read(said, KINDS)
    read_objects(DOSP, said)
    parse_facts(said)
    parse_facts(dict.fromkeys(FACTS, said))
