"""Rules are found as if each were asked by itself."""

from random import Random
from typing import Any

import pytest
from flow_cases import NETWORKS, resource_of

from ringfence.model.filter import Direction
from ringfence.model.once import filter_of
from ringfence.model.state import Id
from ringfence.policy.flow import TCP, UDP, Flow, number_of
from ringfence.policy.matcher import PolicyRule, RuleIndex, matcher_of
from ringfence.policy.place import HostNetwork, Place

PORTS: list[Any] = ["any", 80, 81, "80-90", [70, "85-95"], "1-65535", ["RPC", 80]]
NUMBERS = (None, 69, 70, 79, 80, 81, 84, 90, 91, 95, 96, 65535)
WAYS: tuple[Direction, ...] = ("inbound", "outbound")


def some_rule(chance: Random, number: int) -> PolicyRule:
    if chance.random() < 0.15:
        said: dict[str, Any] = {"ipsec": f"r{number}", "inbound_security": "none", "outbound_security": "none"}
    else:
        said = {"name": f"r{number}", "direction": chance.choice(WAYS), "enabled": chance.random() < 0.9}
    said["protocol"] = chance.choice(["tcp", "tcp", "udp", "any"])
    if said["protocol"] != "any":
        own = PORTS if said.get("direction") == "inbound" and said["protocol"] == "tcp" else PORTS[:-1]
        said |= {"local_port": chance.choice(own), "remote_port": chance.choice(PORTS[:-1])}
    filter = filter_of(resource_of(said))
    assert filter is not None
    return PolicyRule(Id("local", "rule", f"r{number}"), filter)


@pytest.mark.parametrize("seed", range(5))
def test_an_index_leaves_nothing_out_and_adds_nothing(seed: int) -> None:
    chance, place = Random(seed), Place(HostNetwork(NETWORKS), "domain", NETWORKS.interfaces[0])
    rules = [some_rule(chance, number) for number in range(40)]
    index, found = RuleIndex(rules), 0
    for _ in range(400):
        flow = Flow(chance.choice(WAYS), chance.choice((TCP, UDP, 47)), None, number_of("10.1.0.7"), chance.choice(NUMBERS),
                    chance.choice(NUMBERS), program="System", service="", security=None)
        asked = {r.id: m for r in rules if r.filter.enabled and (m := matcher_of(r.filter).match(flow, place)) is not None}
        assert {match.id: match.doubts for match in index.matches(flow, place)} == asked, flow
        found += len(asked)
    assert found > 400


@pytest.mark.parametrize("first", [79, 80, 90, 91, 92])
def test_what_was_asked_first_decides_nothing_of_its_neighbours(first: int) -> None:
    """Between two ends all ports have the same rules near, which are remembered for the first that is asked."""
    filter = filter_of(resource_of({"name": "r", "direction": "inbound", "protocol": "tcp", "local_port": "80-90"}))
    assert filter is not None
    index = RuleIndex([PolicyRule(Id("local", "rule", "r"), filter)])
    place = Place(HostNetwork(NETWORKS), "domain", NETWORKS.interfaces[0])
    for port in (first, 79, 80, 90, 91):
        flow = Flow("inbound", TCP, None, number_of("10.1.0.7"), port, 4000, program="System", service="", security=None)
        assert len(list(index.matches(flow, place))) == (80 <= port <= 90), port
