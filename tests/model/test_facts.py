"""What a host says of itself may be of any type: what is wrong counts as not said."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from core import FACTS, GUID
from strange_values import STRANGE, paths, with_strange

from ringfence.model.facts import (
    Facts,
    HostConditions,
    NetworkInterface,
    parse_conditions,
    parse_facts,
    parse_interfaces,
    parse_keywords,
    with_network,
)
from ringfence.policy.flow import Flow
from ringfence.policy.place import HostNetwork
from ringfence.policy.protected import flows_of_windows, management_flow
from ringfence.templates.host_facts import host_facts

SAID = {**FACTS, "os": {"build": 20348, "product": "server", "version": "10.0"}, "time": "2026-11-26T12:00:00+00:00",
        "utc_offset": "+01:00", "environment": {"SystemRoot": "C:\\Windows"}, "unread": [{"fact": "a", "why": "b"}],
        "account": "SRV1\\admin", "sid": "S-1-5-21-1-2-3-500", "domain": "corp.example", "controllers": ["10.0.0.1"],
        "service_names": {"W3SVC": "Web"}, "management": {"transport": "psrp", "local_address": "10.0.0.2", "local_port": 5985},
        "networks": [1], "products": [{"name": "p", "categories": [2]}],
        "interfaces": [{"alias": "Ethernet", "guid": GUID, "profile": "domain", "type": "wired", "status": "up",
                        "addresses": ["10.0.0.2/24"], "dns_servers": ["10.0.0.1"], "gateways": ["10.0.0.1"]}]}


@pytest.mark.parametrize("at", list(paths(SAID)), ids=lambda at: ".".join(map(str, at)))
def test_of_any_type(at: Any) -> None:
    for strange in STRANGE:
        said = with_strange(SAID, at, strange)
        facts = with_network(parse_facts(said), said)
        assert facts.local_time is None or facts.local_time.tzinfo
        assert facts.version is None or max(facts.version) < 10**9
        assert 0 <= facts.build < 10**9
        assert {i.profile for i in facts.interfaces} <= {"domain", "private", "public", None}
        assert isinstance(facts.is_of_domain("S-1-5-21-1-2-3-500"), bool)
        assert all(isinstance(v, str) for v in (*facts.controllers, *facts.environment, *facts.aliases, *facts.guids("E*")))
        assert facts.has_service("W3SVC") in (True, False)
        network = HostNetwork.of(facts, parse_conditions(said))
        assert network.places(Flow("inbound", 6, None, 1, 80))
        parse_keywords([said])
        management_flow(facts)
        assert all(one.title for one in flows_of_windows(facts))
        assert host_facts(said if isinstance(said, dict) else {})["os_family"] == "Windows"


@pytest.mark.parametrize(("said", "offset", "expected"), [
    ("2026-11-26T12:00:00+00:00", "+01:00", 13), ("0001-01-01T00:00:00+00:00", "-14:00", None),
    ("9999-12-31T23:59:59+00:00", "+14:00", None)])
def test_the_clock(said: str, offset: str, expected: int | None) -> None:
    found = parse_facts({"time": said, "utc_offset": offset}).local_time
    assert (found and found.hour) == expected
    assert found is None or (isinstance(found, datetime) and found.utcoffset() == timedelta(hours=1))


@pytest.mark.parametrize(("version", "expected"), [
    ("10.0", (10, 0)), ("10.0.20348", (10, 0)), ("10", None), ("9" * 5000 + ".1", None), ("1." + "9" * 5000, None),
    ("²².1", None), (10.0, None)])
def test_the_version(version: Any, expected: Any) -> None:
    assert parse_facts({"os": {"version": version}}).version == expected


def test_a_profile_that_is_none() -> None:
    for profile in (["public"], {"a": 1}, 7, "cellar"):
        (found,) = parse_interfaces({"interfaces": [{"alias": "E", "guid": GUID, "profile": profile}]})
        assert found.profile is None


@pytest.mark.parametrize(("domain", "profile", "expected"), [
    ("corp.example", "domain", True), ("corp.example", "private", False), (None, "domain", False)])
def test_what_a_member_of_a_domain_cannot_do_without(domain: str | None, profile: str, expected: bool) -> None:
    """A workgroup has no controllers, whatever its network says it is."""
    adapter = {"alias": "E", "guid": "{A}", "status": "up", "profile": profile, "dns_servers": ["10.0.0.2"],
               "addresses": ["10.0.0.5/24"]}
    facts = with_network(parse_facts({"domain": domain}), {"interfaces": [adapter]})
    titles = [one.title for one in flows_of_windows(facts)]
    assert "DNS" in " ".join(titles)
    assert any(title.endswith("of the domain") for title in titles) == expected


# ---- what is said is understood

SECOND = "{22222222-2222-3333-4444-555555555555}"
NETWORK = {"interfaces": [
    {"alias": "Ethernet", "guid": "{aaaaaaaa-2222-3333-4444-555555555555}", "profile": "domain", "type": "wired", "status": "up",
     "addresses": ["10.0.0.2/24", 7], "dns_servers": ["10.0.0.1"], "gateways": ["10.0.0.3"]},
    {"alias": "vEthernet [1]", "guid": SECOND, "status": "down"}, {"alias": "no guid"}, {"guid": "{no alias}"}, 7],
    "service_names": {"W3SVC": "World Wide Web", "odd": 7}, "unread": [{"fact": "networks", "why": "denied"}]}


def test_the_facts_of_a_host() -> None:
    found = parse_facts({"computer": "SRV1", "os": {"build": 20348}, "elevated": False, "services": {"mpssvc": "Running", "x": 7},
                         "legacy_ipsec_policy": "old", "interfaces": NETWORK["interfaces"],
                         "unread": [{"fact": "services", "why": "denied"}]})
    assert (found.computer, found.build, found.elevated, found.legacy_ipsec_policy) == ("SRV1", 20348, False, "old")
    assert found.services == {"mpssvc": "running"}
    assert found.unread == (("services", "denied"),)
    assert [i.alias for i in found.interfaces] == ["Ethernet", "vEthernet [1]"]


def test_of_what_is_wrong_nothing_is_said() -> None:
    for wrong in ({}, None, {"computer": None, "os": {"build": True}, "elevated": 1, "legacy_ipsec_policy": "", "interfaces": 7},
                  {"os": {"build": -1}}, {"os": {"build": 10**9}}, {"os": {"build": "20348"}}):
        found = parse_facts(wrong)
        assert (found.computer, found.build, found.elevated, found.legacy_ipsec_policy) == ("", 0, None, None)
        assert (found.interfaces, found.services, found.unread, found.dynamic_keywords) == ((), {}, (), None)
    assert [parse_facts({"os": {"build": build}}).build for build in (0, 1, 10**9 - 1)] == [0, 1, 10**9 - 1]


def test_what_other_verbs_tell_is_added() -> None:
    before = parse_facts({"computer": "SRV1", "unread": [{"fact": "services", "why": "denied"}]})
    found = with_network(before, NETWORK, {"account": "SRV1\\admin", "other": 1})
    assert found.interfaces == (
        NetworkInterface("Ethernet", "{AAAAAAAA-2222-3333-4444-555555555555}", "domain", "wired", True, ("10.0.0.2/24",),
                         ("10.0.0.1",), ("10.0.0.3",)),
        NetworkInterface("vEthernet [1]", SECOND, None, "", False))
    assert found.service_names == {"W3SVC": "World Wide Web"}
    assert found.unread == (("services", "denied"), ("networks", "denied"))
    assert [one["fact"] for one in found.raw["unread"]] == ["services", "networks"]
    assert (found.raw["account"], "other" in found.raw, found.computer) == ("SRV1\\admin", False, "SRV1")
    assert (before.tells_interfaces, found.tells_interfaces) == (False, True)
    assert with_network(before).raw == before.raw


@pytest.mark.parametrize(("alias", "guids"), [
    ("ethernet", 1), ("ETHER*", 1), ("*ethernet*", 2), ("vEthernet [1]", 1), ("vethernet ?1?", 1), ("Ether", 0), ("", 0)])
def test_the_interfaces_that_an_alias_means(alias: str, guids: int) -> None:
    """In any letters, and with wildcards; a name with brackets means itself too."""
    found = with_network(Facts(), NETWORK)
    assert len(found.guids(alias)) == guids
    assert set(found.guids(alias)) <= set(found.aliases)


def test_the_names_of_services() -> None:
    found = with_network(Facts(), NETWORK)
    assert [found.has_service(name) for name in ("W3SVC", "w3svc", "odd", "other")] == [True, True, False, False]
    assert Facts().has_service("other")  # nobody told which there are


LOCAL_SID, DOMAIN_SID = "S-1-5-21-1-2-3-500", "S-1-5-21-4-5-6-1105"


@pytest.mark.parametrize(("account", "mine", "sid", "product", "expected"), [
    ("SRV1\\admin", LOCAL_SID, DOMAIN_SID, "server", True), ("SRV1\\admin", LOCAL_SID, LOCAL_SID, "server", False),
    ("srv1\\admin", LOCAL_SID.lower(), "S-1-5-21-1-2-3-1001", "server", False),
    ("CORP\\ann", DOMAIN_SID, DOMAIN_SID, "server", True), ("CORP\\ann", DOMAIN_SID, LOCAL_SID, "workstation", False),
    ("SRV1\\admin", LOCAL_SID, DOMAIN_SID, "domain_controller", False), ("SRV1\\admin", LOCAL_SID, DOMAIN_SID, None, False),
    (None, LOCAL_SID, DOMAIN_SID, "server", False), ("SRV1\\admin", None, DOMAIN_SID, "server", False),
    ("SRV1\\admin", "S-1-5-18", DOMAIN_SID, "server", False), ("SRV1\\admin", LOCAL_SID, "S-1-5-18", "server", False)])
def test_whether_an_account_is_of_the_domain(account: Any, mine: Any, sid: str, product: Any, expected: bool) -> None:
    said = {"account": account, "sid": mine, "os": {"product": product}}
    assert parse_facts({"computer": "Srv1", **said}).is_of_domain(sid) == expected
    assert not parse_facts(said).is_of_domain(sid)  # a machine without a name


@pytest.mark.parametrize(("time", "offset", "expected"), [
    ("2026-11-26T12:00:00+00:00", "-03:30", "2026-11-26T08:30:00-03:30"),
    ("2026-11-26T12:00:00+00:00", "+05:45", "2026-11-26T17:45:00+05:45"),
    ("2026-11-26T12:00:00", "+01:00", None), ("2026-11-26T12:00:00+00:00", None, None), ("noon", "+01:00", None),
    ("2026-11-26T12:00:00+00:00", "+15:00", None), (None, "+01:00", None)])
def test_the_time_on_a_host(time: Any, offset: Any, expected: str | None) -> None:
    found = parse_facts({"time": time, "utc_offset": offset}).local_time
    assert (found and found.isoformat()) == expected


def test_variables_of_paths() -> None:
    said = {"SystemRoot": "C:\\Windows", "odd": 7}
    assert parse_facts({"environment": said}).environment == {"systemroot": "C:\\Windows"}


@pytest.mark.parametrize(("answer", "active"), [
    ({"networks": [1, 2]}, {"private", "domain"}), ({"networks": [0, 0]}, {"public"}), ({"networks": []}, {"public"}),
    ({"networks": [7, "1", True]}, {"public"}), ({}, None), (None, None),
    ({"networks": [1], "unread": [{"fact": "networks", "why": "x"}, {"fact": "products", "why": "y"}]}, None),
    ({"networks": [1], "unread": [{"fact": "products", "why": "y"}]}, {"private"})])
def test_the_profiles_that_are_active(answer: Any, active: set[str] | None) -> None:
    """A host without a network is in public ones ([MS-FASP] note 13); of one that did not tell nobody knows."""
    assert parse_conditions(answer).active_profiles == active


def test_other_firewalls() -> None:
    said = {"products": [{"name": "Guard", "categories": [1, "2", True]}, 7], "unread": [{"fact": "networks", "why": "x"}]}
    products = (("Guard", frozenset({1})), ("None", frozenset[int]()))
    assert parse_conditions(said) == HostConditions(None, products, (("networks", "x"),))


def test_dynamic_keywords() -> None:
    told = [{"Id": "{A}", "Addresses": "10.0.0.1", "AutoResolve": False}, {"Id": "{b}", "Addresses": None, "AutoResolve": False},
            {"Id": "{c}", "Addresses": "10.0.0.1", "AutoResolve": True}, {"Id": "{d}", "Addresses": "10.0.0.1"}, {"Id": 7}, 7]
    assert parse_keywords(told) == {"{a}": "10.0.0.1", "{b}": "", "{c}": None, "{d}": None}
    assert parse_keywords([]) == {}
    assert parse_keywords(None) is parse_keywords({"Id": "{a}"}) is None
