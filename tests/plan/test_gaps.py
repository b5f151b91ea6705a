"""No gap on the way: what passes before and after a run passes after each of its calls, and what does not never does. The lab
decides after every call of a batch; where no order avoids a gap, the plan says so."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from core import task
from hosts import LabHost
from judged_flows import drawn_flow, simulated_flow

import ringfence.plan.gaps
from ringfence.lab import POLICY, NetworkAdapter, SimulatedFlow, machine
from ringfence.lab.enforcement.flow_watch import watched
from ringfence.model.once import filter_of
from ringfence.policy.flow import Flow
from ringfence.project.render import RenderedTask
from ringfence.report import HostResult

ETHERNET = NetworkAdapter("Ethernet", "{11111111-2222-3333-4444-555555555555}", addresses=("10.99.0.10/24",), profile="domain",
                          gateways=("10.99.0.254",))
TCP_IN = "v2.31|Action={}|Active=TRUE|Dir=In|Protocol=6|{}Name=x|"


def host(rules: dict[str, str]) -> LabHost:
    return LabHost(rules, on=machine("SRV1", interfaces=(ETHERNET,)))


def inbound(port: int, remote: str = "10.0.0.5") -> SimulatedFlow:
    return SimulatedFlow("in", 6, remote, "10.99.0.10", port, 50_000, interface=ETHERNET.guid, program=r"C:\x.exe",
                         user=("S-1-5-18", "S-1-1-0"))


def order(result: HostResult) -> list[str]:
    return [f"{c.action} {c.id.name}" for c in result.changes]


def gaps(result: HostResult) -> list[str]:
    return [d.summary for d in result.diagnostics if " until that of " in d.summary]


def rule(name: str, **properties: Any) -> RenderedTask:
    return task("firewall_rule", {"name": name, "protocol": "tcp", "local_port": "any", **properties})


@pytest.mark.parametrize(("before", "tasks", "expected"), [
    # a broad allow and the block within it: the block first, or everybody comes in for a moment
    ({}, [rule("a"), rule("b", action="block", local_port=3389)], ["create b", "create a"]),
    ({}, [rule("a", local_port="1-100"), rule("b", action="block", local_port="50-60")], ["create b", "create a"]),
    # no port in common: as always, what opens before what closes
    ({}, [rule("b", action="block", local_port=3389), rule("a", local_port=443)], ["create a", "create b"]),
    # one block in place of another, within what is allowed
    ({"a": TCP_IN.format("Allow", ""), "old": TCP_IN.format("Block", "LPort=22|")},
     [rule("new", action="block", local_port=22), task("firewall_rule", {"name": "old", "state": "absent"})],
     ["create new", "remove old"]),
    # one allow in place of another
    ({"old": TCP_IN.format("Allow", "LPort=22|")},
     [rule("new", local_port=22), task("firewall_rule", {"name": "old", "state": "absent"})], ["create new", "remove old"]),
    # a block and what it is within go: the allow first
    ({"a": TCP_IN.format("Allow", ""), "b": TCP_IN.format("Block", "LPort=22|")},
     [task("firewall_rule", {"name": "a", "state": "absent"}), task("firewall_rule", {"name": "b", "state": "absent"})],
     ["remove a", "remove b"]),
    # the default opens, and one port stays closed
    ({}, [rule("b", action="block", local_port=22),
          task("firewall_profile", {"profiles": "domain", "default_inbound_action": "allow"})], ["create b", "update domain"]),
    # the default closes outbound, and what is needed is allowed first
    ({}, [task("firewall_profile", {"profiles": "domain", "default_outbound_action": "block"}),
          rule("o", direction="outbound", local_port="any", remote_port=443, remote_address="any")],
     ["create o", "update domain"]),
])
def test_in_which_order(before: dict[str, str], tasks: list[RenderedTask], expected: list[str]) -> None:
    result = host(before).plan(*tasks)
    assert (order(result), gaps(result)) == (expected, [])


def profile(**said: Any) -> RenderedTask:
    return task("firewall_profile", {"profiles": "domain", **said})


NARROWER = rule("a", local_port=22, remote_address="10.0.0.0/8")
OUT = {"direction": "outbound", "local_port": "any", "remote_port": 443}


@pytest.mark.parametrize(("settings", "before", "tasks", "expected"), [
    # what passed by a rule passes by default: that comes first, and what is not concerned stays where it was
    ({}, {"a": TCP_IN.format("Allow", "LPort=22|"), "q": TCP_IN.format("Allow", "LPort=7|")},
     [NARROWER, profile(default_inbound_action="allow"), task("firewall_rule", {"name": "q", "state": "absent"})],
     ["update domain", "update a", "remove q"]),
    ({}, {"a": TCP_IN.format("Allow", "LPort=22|")}, [NARROWER, profile(enabled=False)], ["update domain", "update a"]),
    ({}, {"a": TCP_IN.format("Allow", "LPort=22|")},
     [NARROWER, profile(default_inbound_action="allow", default_outbound_action="block")], ["update domain", "update a"]),
    ({"DefaultOutboundAction": 1}, {"a": TCP_IN.format("Allow", "RPort=443|").replace("Dir=In", "Dir=Out")},
     [rule("a", remote_address="10.0.0.0/8", **OUT), profile(default_outbound_action="allow")], ["update domain", "update a"]),
    # what a rule stopped is stopped by default
    ({"DefaultInboundAction": 0}, {"b": TCP_IN.format("Block", "LPort=22|")},
     [rule("b", action="block", local_port=22, remote_address="10.0.0.0/8"), profile(default_inbound_action="block")],
     ["update domain", "update b"]),
    # with the shields down a rule would let in what it never let in: it goes first
    ({"DoNotAllowExceptions": 1}, {"r": TCP_IN.format("Allow", "LPort=22|")},
     [task("firewall_rule", {"name": "r", "state": "absent"}), profile(allow_inbound_rules=True)], ["remove r", "update domain"]),
    # by another rule, and whatever their names are
    ({}, {"a": TCP_IN.format("Allow", "LPort=22|"), "z": TCP_IN.format("Allow", "LPort=80|")},
     [NARROWER, rule("z", local_port=[22, 80])], ["update z", "update a"]),
    # a profile that lets no more pass, or no less, is no reason for anything
    ({}, {"a": TCP_IN.format("Allow", "LPort=22|")}, [NARROWER, profile(log_blocked=True)], ["update a", "update domain"]),
    ({}, {"a": TCP_IN.format("Allow", "LPort=22|")}, [NARROWER, profile(default_outbound_action="block")],
     ["update a", "update domain"]),
])
def test_in_which_order_beside_what_profiles_do(settings: dict[str, int], before: dict[str, str], tasks: list[RenderedTask],
                                                expected: list[str]) -> None:
    """What passes before and after, or is stopped, does so on the way."""
    on = host(before)
    for name, value in settings.items():
        on.machine.registry.set(rf"{POLICY}\DomainProfile", name, value)
    result = on.plan(*tasks)
    assert (order(result), gaps(result)) == (expected, [])


def test_each_profile_is_another_matter() -> None:
    """What passes in public by default has nothing to do with a rule of the domain, and the other way round."""
    public = NetworkAdapter("Ethernet 2", ETHERNET.guid.replace("1", "2"), addresses=("192.0.2.10/24",), profile="public")
    narrower = rule("a", local_port=22, remote_address="10.0.0.0/8", profile="domain")
    for name, expected in (("domain", ["update domain", "update a"]), ("public", ["update a", "update public"])):
        on = LabHost({"a": TCP_IN.format("Allow", "Profile=Domain|LPort=22|")}, on=machine("SRV1", interfaces=(ETHERNET, public)))
        result = on.plan(narrower, task("firewall_profile", {"profiles": name, "default_inbound_action": "allow"}))
        assert (order(result), gaps(result)) == (expected, [])


def test_what_no_order_avoids_is_told() -> None:
    """One rule turns from allowing to blocking what another one is to allow, and the other way round."""
    on = host({"x": TCP_IN.format("Block", "LPort=22|LPort=80|"), "y": TCP_IN.format("Block", "LPort=22|LPort=443|"),
               "a": TCP_IN.format("Allow", "")})
    result = on.plan(rule("x", action="block", local_port=[22, 443]), rule("y", action="block", local_port=[22, 80]))
    assert order(result) == ["update x", "update y"]
    (told,) = gaps(result)
    assert "inbound tcp" in told
    assert "port 80" in told
    assert "passes from the change of firewall_rule x until that of firewall_rule y" in told


def test_of_profiles_that_are_not_active_nothing_is_told() -> None:
    """On the way nothing is in force there."""
    swapped = [rule("x", action="block", local_port=[22, 443]), rule("y", action="block", local_port=[22, 80])]
    for profile, told in (("Public", 0), ("Domain", 1)):
        on = host({"x": TCP_IN.format("Block", f"Profile={profile}|LPort=22|LPort=80|"),
                   "y": TCP_IN.format("Block", f"Profile={profile}|LPort=22|LPort=443|"), "a": TCP_IN.format("Allow", "")})
        tasks = [task("firewall_rule", {**one.properties, "profile": profile.lower()}) for one in swapped]
        assert len(gaps(on.plan(*tasks))) == told


def test_what_was_not_looked_at_is_told() -> None:
    broad = rule("a")
    blocks = [rule(f"b{n}", action="block", local_port=n) for n in range(1, 30)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ringfence.plan.gaps, "MAX_QUESTIONS", 10)
        result = host({}).plan(broad, *blocks)
        assert not_looked_at(result) == ["1 of them open something, and 29 close something"]
        assert order(result)[0] == "create a"
        patch.setattr(ringfence.plan.gaps, "MAX_QUESTIONS", 20_000)
        patch.setattr(ringfence.plan.gaps, "MAX_FLOWS", 5)
        assert len(not_looked_at(host({}).plan(broad, *blocks))) == 1
    assert not_looked_at(host({}).plan(broad, *blocks)) == []


def not_looked_at(result: HostResult) -> list[str]:
    return [d.summary.partition("wholly: ")[2] for d in result.diagnostics if "was not looked at wholly" in d.summary]


# ---- against chance

@dataclass
class Trials:
    plans: int = 0
    kept: int = 0  # flows that are decided alike before and after
    moved: int = 0
    told: int = 0  # plans that say that no order avoids a gap
    wrong: list[str] = field(default_factory=list)


def drawn(rng: Random, name: str) -> dict[str, Any]:
    """A rule over few ports and addresses, so that many meet."""
    low = rng.choice((20, 22, 40, 80))
    return {"name": name, "action": rng.choice(("allow", "block")), "protocol": rng.choice(("tcp", "tcp", "any")),
            "remote_address": rng.choice(("any", "10.0.0.0/24", "10.0.0.128/25", "10.0.0.5")),
            "profile": rng.choice(("any", "domain")), "local_port": rng.choice((f"{low}-{low + 40}", low, "any"))}


def usable(said: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in said.items() if k != "local_port"} if said["protocol"] == "any" else said


def trials(seed: int, number: int) -> Trials:
    rng, found = Random(seed), Trials()
    for _ in range(number):
        on = host({})
        before = [usable(drawn(rng, f"r{n}")) for n in range(rng.randint(0, 4))]
        assert on.apply(*(task("firewall_rule", said) for said in before)).error is None
        if rng.random() < 0.3:
            on.machine.registry.set(rf"{POLICY}\DomainProfile", "DefaultInboundAction", rng.choice((0, 1)))
        tasks = [*_next(rng, before)]
        planned = on.plan(*tasks)
        if planned.error or not planned.changes:
            continue
        found.plans += 1
        found.told += bool(gaps(planned))
        _run(on, tasks, planned, [*_probes(rng, planned, 60)], found)
    return found


def _next(rng: Random, before: list[dict[str, Any]]) -> Iterator[RenderedTask]:
    for said in before:
        way = rng.random()
        if way < 0.4:
            yield task("firewall_rule", {"name": said["name"], "state": "absent"})
        elif way < 0.7:
            yield task("firewall_rule", usable(drawn(rng, said["name"])))
    for n in range(rng.randint(0, 3)):
        yield task("firewall_rule", usable(drawn(rng, f"n{n}")))
    if rng.random() < 0.4:
        yield task("firewall_profile", {"profiles": "domain", "default_inbound_action": rng.choice(("allow", "block"))})


def _probes(rng: Random, planned: HostResult, number: int) -> Iterator[Flow]:
    filters = [f for c in planned.changes for r in (c.before, c.after) if r is not None and (f := filter_of(r))]
    for _ in range(number if filters else 0):
        yield drawn_flow(rng, filters)


def _run(on: LabHost, tasks: list[RenderedTask], planned: HostResult, probes: list[Flow], found: Trials) -> None:
    asked = {simulated_flow(flow): flow for flow in probes}
    asked = {s: f for s, f in asked.items() if s.interface in (None, ETHERNET.guid)}
    with watched(on.machine, asked) as noted:
        done = on.apply(*tasks)
    assert done.error is None
    first, last = noted[0][1], noted[-1][1]
    for simulated, flow in asked.items():
        if first[simulated] is None or first[simulated] != last[simulated]:
            found.moved += first[simulated] is not None
            continue
        found.kept += 1
        seen = [what for what, decisions in noted if decisions[simulated] != first[simulated]]
        if seen and not gaps(planned):
            found.wrong.append(f"{flow}: {first[simulated]} before and after, otherwise after {seen}; {order(planned)}")


@pytest.fixture(scope="module")
def tried() -> Trials:
    return trials(20261127, 60)


def test_no_flow_is_let_through_or_stopped_on_the_way(tried: Trials) -> None:
    assert not tried.wrong, "\n".join(tried.wrong[:5])


def test_it_was_tried(tried: Trials) -> None:
    assert tried.plans >= 40
    assert tried.kept >= 200
    assert tried.moved >= 50
    assert tried.told <= tried.plans / 5
