"""The host and the policy of a case of flows.yml: in a domain network and a public one."""

from dataclasses import replace
from typing import Any

from core import GUID, KINDS, PROFILE, RULE, declared, resources, task

from ringfence.model.facts import parse_facts, with_network
from ringfence.model.resource import Resource
from ringfence.model.state import Id, State, id_of
from ringfence.policy.evaluate import Policy
from ringfence.policy.flow import Flow
from ringfence.policy.flow_words import flow_of
from ringfence.policy.place import HostNetwork

NETWORKS = with_network(parse_facts({"computer": "SRV1", "domain": "corp.example", "os": {"version": "10.0.20348"},
                                     "services": {"mpssvc": "running", "BFE": "running"}}), {"interfaces": [
    {"alias": "Ethernet", "guid": GUID, "type": "wired", "status": "up", "profile": "domain", "addresses": ["10.1.0.10/24"],
     "dns_servers": ["10.1.0.53"], "gateways": ["10.1.0.1"]},
    {"alias": "Ethernet 2", "guid": "{22222222-2222-3333-4444-555555555555}", "type": "wired", "status": "up",
     "profile": "public", "addresses": ["192.0.2.10/24"], "dns_servers": [], "gateways": []}]})


def resource_of(said: dict[str, Any]) -> Resource:
    kind = "ipsec_rule" if "ipsec" in said else "firewall_rule"
    (found,) = resources(declared(task(kind, {"name": said.get("ipsec", said.get("name")),
                                              **{k: v for k, v in said.items() if k != "ipsec"}})))
    return found


def policy_of_case(case: dict[str, Any]) -> Policy:
    found: dict[Id, Resource] = {}
    for key, store in (("rules", "local"), ("gpo", "group_policy"), ("mdm", "mdm"), ("static", "static_service")):
        for said in case.get(key, ()):
            resource = resource_of(said)
            found[id_of(resource, store)] = resource
    for name, text in case.get("strings", {}).items():
        found[Id("local", "firewall_rule", name)] = RULE.read_string(name, text)
    unread = {(store, kind): "Access denied" for store, kinds in case.get("unread", {}).items() for kind in kinds}
    for name in ("domain", "private", "public") if ("local", "firewall_profile") not in unread else ():
        found[Id("local", "firewall_profile", name)] = profile(name, case.get("profile", {}) if name == "domain" else {})
    for key, store in (("gpo_profile", "group_policy"), ("mdm_profile", "mdm")):
        if key in case:
            found[Id(store, "firewall_profile", "domain")] = profile("domain", case[key])
    setting = KINDS["firewall_setting"]
    found[Id("local", "firewall_setting", "all")] = setting.create("all", {
        name: setting.properties[name].parse(value) for name, value in case.get("setting", {}).items()})
    keywords = {guid.lower(): addresses for guid, addresses in case["keywords"].items()} if "keywords" in case else None
    services = {**NETWORKS.services, **dict.fromkeys(case.get("stopped", ()), "stopped")}
    facts = replace(NETWORKS, dynamic_keywords=keywords, services=services)
    return Policy.of(State(found), HostNetwork(facts), unread, case.get("products", ()))


def profile(name: str, said: dict[str, Any]) -> Resource:
    return PROFILE.create(name, {key: PROFILE.properties[key].parse(value) for key, value in said.items()})


def flow_of_case(case: dict[str, Any]) -> Flow:
    usual = {"direction": "inbound", "protocol": "tcp", "local_port": 443, "remote_address": "10.1.0.7", "program": "System",
             "service": "none"}
    if case.get("flow", {}).get("direction") == "outbound":
        del usual["local_port"]
    if case.get("flow", {}).get("service", "none") != "none":
        del usual["program"]
    return replace(flow_of({**usual, **case.get("flow", {})}), edge=case.get("edge", False))
