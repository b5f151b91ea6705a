"""What a change expects to find: which values, and what stood there when they were read."""

from typing import Any

from core import KINDS, PROFILE, RULE, at, declared, rule

from ringfence.codecs.registry import parse_tree
from ringfence.model.declaration import Declarations, state_after
from ringfence.model.state import Change, Id, State, diff, id_of
from ringfence.windows.expected import digest, expected
from ringfence.windows.read import read

TEXT = "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=80|Name=web|"
ROWS: list[Any] = [
    ["FirewallRules", [["WEB", "String", TEXT]]], ["DomainProfile", [["EnableFirewall", "DWord", 0]]],
    [r"DomainProfile\Logging", [["LogFilePath", "String", r"C:\x.log"]]],
    [r"Phase1AuthenticationSets\{A}", [["Version", "String", "2.20"]]],
    [r"Phase1AuthenticationSets\{A}\0000", [["Method", "String", "MachineSHKey"], ["SHKey", "Hmac", "00"]]]]


def told(declarations: Declarations, rows: list[Any] = ROWS) -> dict[Id, Any]:
    """What the changes for these declarations expect of a host that was read as `rows`."""
    found = read({"local": rows}, KINDS)
    return expected(diff(found, state_after(declarations, found), declarations), declarations, rows)


def test_a_rule_is_expected_as_its_string() -> None:
    (only,) = told(declared(at(1, name="web", protocol="tcp", local_port=443))).values()
    assert only == {"stored": [["FirewallRules", ["WEB"]]],
                    "sha256": "87d1d80e2afba79d8ef49513ed3e157446dcffabecc10461ac5652b630e7bcbb"}
    assert told(declared(at(1, name="web", state="absent"))) == {Id("local", "firewall_rule", "web"): only}


def test_nothing_is_expected_where_something_is_made() -> None:
    assert told(declared(at(1, name="new", protocol="tcp", local_port=443))) == {
        Id("local", "firewall_rule", "new"): {"stored": [["FirewallRules", ["new"]]], "sha256": "none"}}


def test_of_a_profile_only_what_is_declared_is_expected() -> None:
    mentioned = declared(at(1, "firewall_profile", profiles=["domain", "private"], enabled=True, log_file_name=r"C:\y.log"))
    domain, private = told(mentioned).values()
    assert domain["stored"] == [["DomainProfile", ["EnableFirewall"]], [r"DomainProfile\Logging", ["LogFilePath"]]]
    assert private["stored"] == [[k + below, [v]] for k in ("StandardProfile", "PrivateProfile")
                                 for below, v in (("", "EnableFirewall"), (r"\Logging", "LogFilePath"))]
    assert (domain["sha256"] == "none", private["sha256"]) == (False, "none")
    other = [row for row in ROWS if row[0] != "DomainProfile"] + [["DomainProfile", [
        ["EnableFirewall", "DWord", 0], ["DisableNotifications", "DWord", 1]]]]
    assert told(mentioned, other)[id_of(PROFILE.create("domain", {}))] == domain


def test_a_set_is_expected_with_all_that_is_below_but_its_key() -> None:
    remove = declared(at(1, "ipsec_phase1_auth_set", name="{a}", state="absent"))
    (only,) = told(remove).values()
    assert sorted(only["stored"]) == [[r"Phase1AuthenticationSet\{A}", None], [r"Phase1AuthenticationSets\{A}", None]]
    with_key = [[path, [[n, t, "01" if n == "SHKey" else v] for n, t, v in values]] for path, values in ROWS]
    assert told(remove, with_key) == told(remove)
    for changed in ("Method", "Version"):  # of a proposal, and of the set itself
        other = [[path, [[n, t, "x" if n == changed else v] for n, t, v in values]] for path, values in ROWS]
        assert told(remove, other) != told(remove)


def test_of_what_is_renamed_the_old_name_is_expected_and_the_new_one_free() -> None:
    """Else somebody's change since the read, or a rule that has come by the new name, would not be noticed."""
    found = read({"local": ROWS}, KINDS)[Id("local", "firewall_rule", "web")]
    change = Change(id_of(found), found, RULE.create("https", found.values()), as_action="rename")
    (of_both,) = expected([change], {}, ROWS).values()
    assert of_both["stored"] == [["FirewallRules", ["WEB"]], ["FirewallRules", ["https"]]]
    assert of_both["sha256"] == told(declared(at(1, name="web", state="absent")))[id_of(found)]["sha256"]
    taken = [["FirewallRules", [["WEB", "String", TEXT], ["HTTPS", "String", TEXT]]]]
    assert expected([change], {}, taken)[change.id]["sha256"] != of_both["sha256"]


def test_the_key_of_another_set_is_not_below() -> None:
    tree = parse_tree([["Sets\\a", [["x", "String", "1"]]], ["Sets\\ab", [["x", "String", "2"]]]])
    assert digest(tree, (("Sets\\A", None),)) == digest(parse_tree([["Sets\\a", [["x", "String", "1"]]]]), (("Sets\\A", None),))


def test_a_value_without_data_is_one_without_a_text() -> None:
    """PowerShell makes no text of nothing: a host computes the same."""
    said = (("None", None), ("String", ""), ("String", "None"))
    trees = [parse_tree([["DomainProfile", [["X", type, data]]]]) for type, data in said]
    without, empty, named = (digest(tree, (("DomainProfile", ("X",)),)) for tree in trees)
    assert (without == empty, without == named) == (True, False)


def test_what_only_a_cmdlet_tells_of_is_not_looked_at() -> None:
    setting = KINDS["ipsec_dosp_setting"].create("gate", {})
    assert expected([Change(id_of(setting), setting, None)], {}, ROWS) == {}
    assert expected([Change(id_of(rule(), "group_policy"), rule(), None)], {}, ROWS) == {}


def test_a_store_that_could_not_be_understood_holds_nothing() -> None:
    assert State(read({"local": "x"}, KINDS)).by_kind("firewall_rule") == {}
    assert RULE.name in [id.kind for id in told(declared(at(1, name="r", protocol="tcp", local_port=1)), [["x"]])]
    (change,) = diff(State(), State({id_of(rule()): rule()}))
    assert expected([change], {}, None)[change.id]["sha256"] == "none"
