"""The guard: no policy that cuts the controller off is written, and none that does not is held up.

What cuts off the lab decides: written by force, such a policy keeps the controller out, or did so on the way.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from core import cases, declared, task
from guarded_hosts import LETS_IN, NETWORKS, RUN, host, refusal, tasks_of
from hosts import FORCED, LabHost, stored_policy

from ringfence.batch import Answer, Batch, Failure, Reply
from ringfence.diagnostics import Diagnostic, Where
from ringfence.errors import Unreachable
from ringfence.lab import machine
from ringfence.lab.host_script.session_facts import identity
from ringfence.plan.guard import guard
from ringfence.policy.flow_words import flow_of
from ringfence.policy.protected import ProtectedFlow
from ringfence.project.render import RenderedTask
from ringfence.report import HostResult
from ringfence.run.host import HostRun
from ringfence.run.who_changed import drift_host

LOCKOUTS = cases("lockouts")
CONTROLLER = "10.99.0.1"


def variants(case: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """The tasks of each policy of a row."""
    ((kind, common),) = case["task"].items()
    for laid_over in case.get("with", ({},) * len(case.get("beside", ()))):
        yield [{kind: {**common, **laid_over}}, *case.get("also", ())]


def policies(case: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    for number, said in enumerate(variants(case)):
        yield [*said, *(case["beside"][number] if "beside" in case else ())]


def is_let_in(on: LabHost, case: dict[str, Any]) -> bool:
    return on.simulated.admits(case.get("port", 5985), CONTROLLER)


@pytest.mark.parametrize("case", LOCKOUTS, ids=lambda c: str(c["kind"]))
def test_no_policy_that_cuts_the_controller_off_is_written(case: dict[str, Any]) -> None:
    for said in policies(case):
        on = host(case)
        assert is_let_in(on, case), said
        before = on.rules
        result = on.apply(*tasks_of(said))
        assert "the way that ringfence comes" in refusal(result), (said, result.error, result.diagnostics)
        assert (result.exit_code, result.written, on.rules) == (4, frozenset(), before), said
        on.policy = replace(RUN, forced=FORCED)
        forced = on.apply(*tasks_of(said))
        assert not is_let_in(on, case), (said, forced.error)


@pytest.mark.parametrize("case", LOCKOUTS, ids=lambda c: str(c["kind"]))
def test_each_of_them_is_undone_by_the_host_itself(case: dict[str, Any]) -> None:
    """Written by force: nobody reaches the host, until it has the policy again that it had before."""
    for said in policies(case):
        on = host(case)
        before = stored_policy(on.machine)

        def only_let_in(batch: Batch, on: LabHost = on) -> Reply | None:
            if not is_let_in(on, case):
                raise Unreachable("timeout", "srv1")
            return None

        on.before, on.policy = only_let_in, replace(RUN, forced=FORCED, revert_after=300)
        result = on.apply(*tasks_of(said))
        ended = result.status, stored_policy(on.machine) == before, is_let_in(on, case)
        assert ended == ("restored", True, True), (said, result.error)


def test_there_are_enough_of_them() -> None:
    counted = Counter({case["kind"]: len(list(policies(case))) for case in LOCKOUTS})
    assert len(counted) >= 12
    assert min(counted.values()) >= 10
    assert counted.total() >= 200


# ---- what is not held up

WAY = {"firewall_rule": {"name": "way", "protocol": "tcp", "local_port": 5985, "remote_address": "10.99.0.0/24"}}
HARMLESS: list[list[dict[str, Any]]] = [
    [{"firewall_rule": {"name": "b", "action": "block", **conditions}}] for conditions in (
        {"protocol": "tcp", "local_port": 3389}, {"protocol": "tcp", "local_port": "23-5984"},
        {"protocol": "tcp", "local_port": "5987-65535"}, {"protocol": "udp", "local_port": "any"},
        {"remote_address": "10.99.0.2-10.99.0.255"}, {"remote_address": "10.98.0.0/16"}, {"remote_address": "LocalSubnet6"},
        {"remote_address": "DNS"}, {"direction": "outbound", "protocol": "tcp", "remote_port": 5985},
        {"protocol": "any", "remote_address": "any", "enabled": False}, {"protocol": "any", "remote_address": "any",
                                                                         "interface_type": "wireless"},
        {"protocol": "any", "program": r"C:\x.exe"}, {"protocol": "any", "service": "WinRM"},
        {"protocol": "any", "remote_address": "any", "profile": "private"},
        {"protocol": "tcp", "local_port": 5985, "remote_address": "Internet", "profile": ["domain", "private"]},
        {"protocol": "any", "remote_address": "any", "platform": "6.1"}, {"local_address": "192.0.2.10", "protocol": "any"})
] + [
    [{"firewall_profile": {"profiles": ["domain", "private", "public"], "enabled": True, "default_inbound_action": "block"}}],
    [{"firewall_profile": {"profiles": "domain", "log_blocked": True, "log_max_size_kilobytes": 16384}}],
    [WAY, {"firewall_rule": {"name": "WINRM-HTTP-In-TCP", "enabled": False}}],
    [WAY, {"firewall_profile": {"profiles": ["domain", "public"], "default_inbound_action": "block"}}],
    [{"ipsec_rule": {"name": "i", "inbound_security": "request", "outbound_security": "request", "remote_address": "any"}}],
    [{"ipsec_rule": {"name": "i", "inbound_security": "require", "outbound_security": "request",
                     "remote_address": "10.98.0.0/16"}}],
    [{"ipsec_rule": {"name": "e", "inbound_security": "none", "outbound_security": "none", "remote_address": "10.99.0.1"}},
     {"ipsec_rule": {"name": "i", "inbound_security": "require", "outbound_security": "request",
                     "remote_address": "10.99.0.0/24"}}]]


@pytest.mark.parametrize("said", HARMLESS, ids=str)
@pytest.mark.parametrize("port", [5985, 22])
def test_what_does_not_cut_it_off_is_written(port: int, said: list[dict[str, Any]]) -> None:
    on = host({"port": port})
    result = on.apply(*tasks_of(said))
    assert (result.error, bool(result.written)) == (None, True)
    assert is_let_in(on, {"port": port})


def test_a_host_where_nothing_is_closed_is_not_asked() -> None:
    on = host({})
    result = on.plan(*tasks_of([WAY]))
    assert (result.status, result.connections) == ("differs", 1)


def test_whoever_only_looks_is_not_held_up() -> None:
    """Nor is the host asked for what the guard would have to know."""
    on = host({})
    closes = tasks_of([{"firewall_rule": {"name": "b", "action": "block", "protocol": "any", "remote_address": "any"}}])
    assert "is cut off" in refusal(on.plan(*closes))
    seen = drift_host(on.job(declared(*closes)), on.context())
    assert (seen.error, [c.action for c in seen.changes], seen.connections) == (None, ["create"], 1)


@pytest.mark.parametrize("answer", [
    None, Answer({"management": None}), Answer([]), Answer({"management": {"transport": "pigeon"}}),
    Answer(error=Failure("InvalidOperation", "x", "no")), Answer(error=Failure("InvalidArgument", "ringfence.verb", "no verb")),
], ids=str)
@pytest.mark.parametrize(("conditions", "held"), [
    ({"protocol": "any", "remote_address": "any"}, "the way that ringfence comes"), ({"protocol": "udp"}, ""),
    ({"protocol": "tcp", "local_port": 5985}, "whether the way that ringfence comes")])
def test_a_way_in_of_which_a_host_says_nothing_is_held_too(answer: Answer | None, conditions: dict[str, Any], held: str) -> None:
    """There is one, whatever it is."""
    on = host({})

    def says_nothing(batch: Batch) -> Reply | None:
        asked = {label for label, call in batch.calls.items() if call.verb == "Management.Read"}
        if not asked:
            return None
        answers = {label: one for label, one in on.simulated_reply(batch).answers.items() if label not in asked}
        return Reply({**answers, **({} if answer is None else dict.fromkeys(asked, answer))})

    on.before = says_nothing
    refused = refusal(on.plan(*tasks_of([{"firewall_rule": {"name": "b", "action": "block", **conditions}}])))
    assert (held in refused) if held else refused == "", refused


def test_nothing_that_decides_has_changed() -> None:
    """Rules that nobody understands may be why the controller is let in, or about to keep it out: it comes in, so they do not."""
    on = host({"registry": {"FirewallRules": {
        "WINRM-HTTP-In-TCP": None, "x": "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=5985|Future=1|Name=x|"}}})
    block = {"name": "b", "action": "block", "protocol": "tcp", "local_port": 5985}
    for other in ({"local_port": 80}, {"interface_type": "wireless"}):
        assert refusal(on.plan(*tasks_of([{"firewall_rule": {**block, **other}}]))) == ""
    held = refusal(on.plan(*tasks_of([{"firewall_rule": {**block, "remote_address": "Intranet"}}])))
    assert "is not known" in held
    assert "what Intranet stands for there (firewall_rule b)" in held


@pytest.mark.parametrize("closing", [{"name": "b", "action": "block", "protocol": "tcp", "local_port": 80},
                                     {"name": "old", "protocol": "tcp", "local_port": 5985, "enabled": False}])
def test_what_is_not_known_gets_no_worse_by_what_opens(closing: dict[str, Any]) -> None:
    """Nor by what closes something else, or is off and was for something else."""
    on = host({"registry": {"FirewallRules": {
        "WINRM-HTTP-In-TCP": None, "x": LETS_IN + "LPort=5985|Future=1|Name=x|", "old": LETS_IN + "LPort=80|Name=old|"}}})
    allow = {"name": "a", "protocol": "tcp", "local_port": 5985, "remote_address": "Intranet"}
    result = on.plan(*tasks_of([{"firewall_rule": allow}]), task("firewall_rule", closing, treatment={"adopt": True}))
    assert (refusal(result), [c.id.name for c in result.changes]) == ("", ["a", closing["name"]])


def test_what_is_counted_is_what_is_written() -> None:
    """A rule that is as declared already, and the project's from now on, is no step on the way."""
    on = host({"registry": {"FirewallRules": {"mine": LETS_IN + "LPort=443|RA4=10.0.0.1|Name=mine|"}}})
    mine = {"name": "mine", "protocol": "tcp", "local_port": 443, "remote_address": "10.0.0.1"}
    result = on.plan(*tasks_of([{"firewall_rule": mine}, {"firewall_rule": {"name": "b", "action": "block", "protocol": "tcp"}}]))
    assert sorted(c.action for c in result.changes) == ["adopt", "create"]
    assert "create firewall_rule b, 1 of 1." in refusal(result)


KEYWORD = "{0A1B2C3D-0000-1111-2222-333344445555}"


@pytest.mark.parametrize(("keyword", "why"), [
    ({"Addresses": "10.98.0.0/16,10.99.0.0-10.99.0.9", "AutoResolve": False}, ""),
    ({"Addresses": "10.98.0.0/16", "AutoResolve": False}, "is cut off: no rule matches"),
    ({"Addresses": "10.99.0.1", "AutoResolve": True}, "a name, which others than the firewall resolve"),
    (None, "the host has no such keyword")])
def test_dynamic_keywords_are_their_addresses(keyword: dict[str, Any] | None, why: str) -> None:
    """The host is asked for them in the one connection in which it is asked for its networks."""
    on = host({"registry": {"FirewallRules": {
        "k": f"v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=5985|RADynKey={KEYWORD}|Name=k|"}}})
    if keyword is not None:
        on.machine.later_objects["NetFirewallDynamicKeywordAddress"].append({"Id": KEYWORD.lower(), "Keyword": "ours", **keyword})
    result = on.plan(*tasks_of([{"firewall_rule": {"name": "WINRM-HTTP-In-TCP", "enabled": False}}]))
    assert (result.connections, why in refusal(result), bool(refusal(result))) == (2, True, bool(why)), refusal(result)


def test_windows_without_dynamic_keywords_tells_nothing_of_them() -> None:
    on = host({"registry": {"FirewallRules": {"k": f"v2.31|Action=Block|Active=TRUE|Dir=In|RADynKey={KEYWORD}|Name=k|"}}})
    del on.machine.later_objects["NetFirewallDynamicKeywordAddress"]
    said = {"name": "b", "action": "block", "protocol": "tcp", "local_port": 5985, "remote_address": "10.98.0.0/16"}
    assert refusal(on.plan(*tasks_of([{"firewall_rule": said}]))) == ""  # what may keep the controller out is as it was


# ---- on the way, in other networks, and what else is protected

def told(result: HostResult) -> list[Diagnostic]:
    return [d for d in result.diagnostics if "cut off" in d.summary or "is not known" in d.summary]


def test_a_network_that_counts_as_public_is_no_way_back() -> None:
    """The commonest way to lose a host: a rule for the domain alone, and a network that Windows does not know yet."""
    on = host({})
    on.put("WINRM-HTTP-In-TCP-PUBLIC", on.rules["WINRM-HTTP-In-TCP-PUBLIC"].replace("RA4=LocalSubnet|", "").replace(
        "RA6=LocalSubnet|", ""))
    taken = on.plan(*tasks_of([{"firewall_rule": {"name": "WINRM-HTTP-In-TCP-PUBLIC", "enabled": False}}]))
    assert "once the network counts as public" in refusal(taken)
    internet = {"name": "b", "action": "block", "protocol": "tcp", "local_port": 5985, "remote_address": "Internet"}
    assert "once the network counts as public" in refusal(on.plan(*tasks_of([{"firewall_rule": internet}])))  # there it is all
    on = host({"registry": {"FirewallRules": {"WINRM-HTTP-In-TCP-PUBLIC": None}}})
    said = [{"firewall_rule": {"name": "b", "action": "block", "protocol": "tcp", "local_port": 3389}}]
    (warning,) = told(on.plan(*tasks_of(said)))
    assert (warning.severity, "once the network counts as public" in warning.summary) == ("warning", True)
    on.policy = replace(RUN, guard="strict")
    assert "once the network counts as public" in refusal(on.plan(*tasks_of(said)))


def test_a_network_that_counts_as_public_is_no_way_back_on_the_way_either() -> None:
    """The way in for public goes before the other one comes: at the end both networks let the controller in."""
    on = host({})
    text = on.rules["WINRM-HTTP-In-TCP-PUBLIC"].replace("RA4=LocalSubnet|", "").replace("RA6=LocalSubnet|", "")
    on.put("WINRM-HTTP-In-TCP-PUBLIC", text)
    said = [{"firewall_rule": {"name": "other", "protocol": "tcp", "local_port": 5985, "profile": "public", "program": "System",
                               "remote_address": "10.99.0.0/24"}},
            {"firewall_rule": {"name": "WINRM-HTTP-In-TCP-PUBLIC", "enabled": False}}]
    assert refusal(on.plan(*tasks_of(said))) == ""
    run = HostRun(on.job(declared(*tasks_of(said))), on.context())
    plan, _ = run.planned()
    assert [c.action for c in plan.changes] == ["create", "update"]
    (held,) = guard(replace(plan, changes=plan.changes[::-1])).refusals
    assert "once the network counts as public" in held.summary
    assert "The change that brings it: update firewall_rule WINRM-HTTP-In-TCP-PUBLIC, 1 of 2" in held.detail


OUT = {"name": "b", "direction": "outbound", "action": "block"}
REQUIRES = {"inbound_security": "require", "outbound_security": "require"}


@pytest.mark.parametrize(("closed", "what"), [
    ({"firewall_profile": {"profiles": "domain", "default_outbound_action": "block"}}, None),
    ({"firewall_rule": {**OUT, "protocol": "udp", "remote_port": 53}}, "DNS"),
    ({"firewall_rule": {**OUT, "protocol": "udp", "remote_port": 67}}, "DHCP"),
    ({"firewall_rule": {**OUT, "protocol": "tcp", "remote_port": [139, 445], "remote_address": "Internet"}}, None),
    ({"firewall_rule": {**OUT, "protocol": "tcp", "remote_port": "80-100"}}, "Kerberos of the domain"),
    ({"firewall_rule": {**OUT, "protocol": "tcp", "remote_port": 389, "remote_address": "10.99.0.53"}}, "LDAP of the domain"),
    ({"firewall_rule": {**OUT, "remote_address": "10.99.0.53", "program": "System"}}, "SMB of the domain"),
    ({"firewall_rule": {"name": "b", "action": "block", "protocol": "icmpv6", "icmp_type": 135}}, "neighbour discovery of IPv6"),
    # from which ports it asks ("Service overview and network port requirements for Windows")
    ({"firewall_rule": {**OUT, "protocol": "tcp", "local_port": [80, 443]}}, None),
    ({"firewall_rule": {**OUT, "protocol": "udp", "local_port": ["5353", "137-138"]}}, None),
    ({"firewall_rule": {**OUT, "protocol": "udp", "local_port": "68"}}, "DHCP"),
    ({"firewall_rule": {**OUT, "protocol": "udp", "local_port": "1024-65535"}}, "DNS"),
    ({"firewall_rule": {**OUT, "protocol": "tcp", "local_port": "49152-65535"}}, "Kerberos of the domain"),
    ({"firewall_rule": {**OUT, "protocol": "udp", "local_port": "65535"}}, "whether DNS"),
    ({"ipsec_rule": {"name": "i", **REQUIRES, "protocol": "tcp", "local_port": 443}}, None),
    ({"ipsec_rule": {"name": "i", **REQUIRES, "protocol": "udp", "local_port": 5353}}, None),
    ({"ipsec_rule": {"name": "i", **REQUIRES, "protocol": "tcp", "local_port": 50000}}, "whether Kerberos of the domain"),
])
def test_what_windows_cannot_do_without(closed: dict[str, Any], what: str | None) -> None:
    on = LabHost(on=machine("SRV1", domain="corp.example", interfaces=(replace(
        NETWORKS[0], addresses=("10.99.0.10/24", "fe80::10/64"), dns_servers=("10.99.0.53",)),)), policy=RUN)
    held = refusal(on.plan(*tasks_of([closed])))
    assert (f"{what} (" in held) if what else held == "", held


@pytest.mark.parametrize(("user", "held"), [(r"CORP\Administrator", False), ("Administrator", True)])
def test_what_is_closed_to_one_account(user: str, held: bool) -> None:
    """That of a domain is no account of services, nor a group with one; one of the machine may be such a group."""
    network = replace(NETWORKS[0], dns_servers=("10.99.0.53",))
    on = LabHost(on=machine("SRV1", domain="corp.example", interfaces=(network,)), policy=RUN)
    on.session = replace(on.session, user=user)
    sid = str(identity(on.machine, on.session)["sid"]).rpartition("-")[0] + "-1105"
    other = {"firewall_rule": {"name": "o", "protocol": "tcp", "local_port": 81, "remote_address": "10.0.0.1"}}
    closed = {"firewall_rule": {**OUT, "protocol": "any", "remote_address": "any", "local_user": sid}}
    result = on.plan(*tasks_of([closed, other]))
    assert (f"whether its account is {sid}, or in that" in refusal(result), result.connections) == (held, 2)


def test_the_controllers_of_a_domain_are_those_that_the_host_reaches() -> None:
    """Its DNS servers are others: they are taken for controllers where it reaches none."""
    on = machine("SRV1", domain="corp.example", interfaces=(replace(
        NETWORKS[0], addresses=("10.99.0.10/24",), dns_servers=("10.99.0.53",)),))
    host = LabHost(on=on, policy=RUN)
    closed = {name: tasks_of([{"firewall_rule": {**OUT, "protocol": "tcp", "remote_port": 389, "remote_address": address}}])
              for name, address in (("dns", "10.99.0.53"), ("controller", "10.98.0.1"))}
    on.surroundings.domain_controllers = ("10.98.0.1", "10.98.0.2")
    assert refusal(host.plan(*closed["dns"])) == ""
    assert "LDAP of the domain (outbound tcp to 10.98.0.1 port 389" in refusal(host.plan(*closed["controller"]))
    on.surroundings.domain_controllers = ()
    assert refusal(host.plan(*closed["controller"])) == ""
    assert "LDAP of the domain (outbound tcp to 10.99.0.53 port 389" in refusal(host.plan(*closed["dns"]))


def test_what_cuts_off_is_told_as_it_is_declared() -> None:
    block = {"firewall_rule": {"name": "Oops-All", "action": "block"}}
    assert "a rule blocks it; firewall_rule Oops-All" in refusal(host({}).plan(*tasks_of([block])))


def test_what_the_project_protects() -> None:
    monitoring = ProtectedFlow("monitoring", flow_of({"direction": "inbound", "protocol": "tcp", "local_port": 9100,
                                                      "remote_address": "10.0.0.5", "program": r"C:\m.exe"}))
    on = host({})
    on.policy = replace(RUN, protected_flows=(monitoring,))
    rule = {"name": "m", "protocol": "tcp", "local_port": 9100, "remote_address": "10.0.0.0/24"}
    block = {"firewall_rule": {"name": "b", "action": "block", "protocol": "tcp", "local_port": 3389}}
    assert "monitoring (inbound tcp from 10.0.0.5 to port 9100 by C:\\m.exe) is cut off" in refusal(on.plan(*tasks_of([block])))
    assert refusal(on.apply(*tasks_of([block, {"firewall_rule": rule}]))) == ""
    held = refusal(on.plan(*tasks_of([{"firewall_rule": {**rule, "remote_address": "10.0.0.0/30"}}])))
    assert "monitoring" in held
    on.policy = replace(on.policy, forced=FORCED)
    forced = on.plan(*tasks_of([{"firewall_rule": {**rule, "remote_address": "10.0.0.0/30"}}]))
    assert (refusal(forced), [d.severity for d in told(forced)]) == ("", ["warning"])


def placed(line: int, kind: str, **properties: Any) -> RenderedTask:
    return task(kind, properties, Where("play.yml", line))


BLOCK = {"name": "b", "action": "block", "protocol": "tcp", "local_port": 5985}
ON = {"profiles": "domain", "enabled": True}


@pytest.mark.parametrize(("stored", "declared", "line"), [
    ({}, [placed(3, "firewall_rule", name="a", protocol="tcp", local_port=80), placed(7, "firewall_rule", **BLOCK)], 7),
    # what stops it, though another change brings it about
    ({"DomainProfile": {"EnableFirewall": 0}}, [placed(7, "firewall_rule", **BLOCK), placed(9, "firewall_profile", **ON)], 7),
    # what brings it about, where nobody declares what stops it
    ({"DomainProfile": {"EnableFirewall": 0}, "FirewallRules": {"x": LETS_IN.replace("Allow", "Block") + "Name=x|"}},
     [placed(3, "firewall_rule", name="a", protocol="tcp", local_port=80), placed(9, "firewall_profile", **ON)], 9)])
def test_what_cuts_off_is_told_where_it_stands(stored: dict[str, Any], declared: list[RenderedTask], line: int) -> None:
    held = refusal(host({"registry": stored}).plan(*declared))
    assert held.startswith(f"play.yml:{line}: the way that ringfence comes (")


@pytest.mark.parametrize(("program", "rule", "hint"), [
    (None, {"program": r"C:\m.exe"}, True), (r"C:\n.exe", {"service": "monitor"}, False), (None, {"enabled": False}, False)])
def test_what_a_project_protects_and_says_too_little_of(program: str | None, rule: dict[str, Any], hint: bool) -> None:
    """Whether a rule for one program lets it in is known where the flow names its program."""
    words = {"direction": "inbound", "protocol": "tcp", "local_port": 9100, "remote_address": "10.0.0.5"}
    on = host({})
    flow = flow_of(words | {"program": program} if program else words)
    on.policy = replace(RUN, protected_flows=(ProtectedFlow("monitoring", flow),))
    held = refusal(on.plan(*tasks_of([{"firewall_rule": {"name": "m", "protocol": "tcp", "local_port": 9100, **rule}},
                                      {"firewall_rule": {**BLOCK, "local_port": 23}}])))
    assert "monitoring (" in held
    assert ("say its `program` in protected_flows" in held) == hint, held
