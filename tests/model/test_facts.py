"""What a host says of itself may be of any type: what is wrong counts as not said."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from core import FACTS, GUID
from strange_values import STRANGE, paths, with_strange

from ringfence.model.facts import parse_conditions, parse_facts, parse_interfaces, parse_keywords, with_network
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
