"""What the evaluator says of flows, in CPU time: on 600 rules as people write them, at their ports, from several networks."""

from collections.abc import Callable, Iterator
from typing import Any

from ringfence import kinds
from ringfence.model.facts import Facts, NetworkInterface
from ringfence.model.resource import Resource
from ringfence.model.state import Id, State
from ringfence.policy.evaluate import Policy
from ringfence.policy.flow import TCP, UDP, Flow, number_of
from ringfence.policy.matcher import matcher_of
from ringfence.policy.place import HostNetwork, Place

from .measure import Line, best_ms
from .policy import RULES, rule_properties

TIMES = 2  # the rules of the policy, the second time at other ports
INDEX, ALONE, VERDICTS = 50.0, 150_000, 20_000
_FAR = ("10.0.0.1", "10.1.4.7", "8.8.8.8", "192.168.3.7")
_ETHERNET = NetworkInterface("Ethernet", "{11111111-2222-3333-4444-555555555555}", "domain", "wired",
                             addresses=("10.1.4.10/24",), gateways=("10.1.4.1",))


def run() -> Iterator[Line]:
    network = HostNetwork(Facts(interfaces=(_ETHERNET,), raw={"interfaces": []}))
    state, place = State(dict(_objects())), Place(network, "domain", _ETHERNET)
    flows = list(_flows())
    policy = Policy.of(state, network)

    def a_second(ask: Callable[[Flow], object]) -> float:
        return len(flows) / best_ms(lambda: [ask(flow) for flow in flows], runs=7) * 1000

    def first() -> object:
        return Policy.of(state, network).matches(flows[0], place)

    yield Line(f"the first question to {TIMES * RULES} rules", best_ms(first, 7, matcher_of.cache_clear), "ms", INDEX)
    yield Line("what matches a flow", a_second(lambda flow: policy.matches(flow, place)), "a second")
    yield Line("verdicts alone", a_second(lambda flow: policy.action_at(flow, place)), "a second", ALONE, least=True)
    told = a_second(lambda flow: policy.verdict_at(flow, place))
    yield Line("verdicts, with what decides", told, "a second", VERDICTS, least=True)


def _objects() -> Iterator[tuple[Id, Resource]]:
    known = kinds.load()
    for name in ("domain", "private", "public"):
        yield Id("local", "firewall_profile", name), known["firewall_profile"].create(name, {})
    yield Id("local", "firewall_setting", "all"), known["firewall_setting"].create("all", {})
    table = known["firewall_rule"].properties
    for number in range(TIMES * RULES):
        said = dict(rule_properties(number % RULES))
        for name in ("local_port", "remote_port"):
            if name in said:
                said[name] = _moved(said[name], number // RULES * 3000)
        said["remote_address"] = "10.1.4.0/28" if "{{" in str(said["remote_address"]) else said["remote_address"]
        values = {name: table[name].parse(value) for name, value in said.items() if name != "name"}
        yield Id("local", "firewall_rule", f"r{number}"), known["firewall_rule"].create(f"r{number}", values)


def _moved(ports: Any, by: int) -> list[str]:
    listed = ports if isinstance(ports, list) else [ports]
    return ["-".join(str(int(end) + by) for end in str(port).split("-")) for port in listed]


def _flows() -> Iterator[Flow]:
    for i in range(RULES):
        for far in map(number_of, _FAR):
            protocol = UDP if i % 3 == 2 else TCP
            yield Flow("inbound", protocol, None, far, 1024 + i, 50_000, program=r"C:\x.exe", service="")
            yield Flow("outbound", protocol, None, far, 50_000, 1024 + i, program=r"C:\x.exe", service="")
