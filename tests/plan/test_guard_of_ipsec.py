"""The guard where IPsec secures the way in: what may end that is refused, and nothing else is held up."""

from dataclasses import replace
from typing import Any

import pytest
from core import cases, task
from guarded_hosts import LETS_IN, NETWORKS, RUN, host, refusal, tasks_of
from hosts import LabHost

from ringfence.lab import GROUP_POLICY, POLICY, machine
from ringfence.policy.flow_words import flow_of
from ringfence.policy.protected import ProtectedFlow

ISO = ("v2.31|Action={}|Active=TRUE|Name=iso|Auth1Set={{E5A5D32A-4BCE-4e4d-B07F-4AB1BA7E5FE3}}|"
       "Crypto2Set={{E5A5D32A-4BCE-4e4d-B07F-4AB1BA7E5FE2}}|")
WAY = LETS_IN + "LPort=5985|App=System|Name=way|"
CASES = [pytest.param(case, one, said, id=f"{case['title']}: {one['iso']}, {one['way']}: {said}")
         for case in cases("lockouts_of_ipsec") for one in case.get("hosts", [case.get("host")]) for said in case["tasks"]]


def stored(one: dict[str, str]) -> dict[str, Any]:
    """What a host of a row has in its store."""
    way = WAY if one["way"] == "plain" else f"{WAY}{one['way']}|"
    return {"ConSecRules": {"iso": ISO.format(one["iso"])},
            "FirewallRules": {"WINRM-HTTP-In-TCP": None, "WINRM-HTTP-In-TCP-PUBLIC": None, "way": way}}


def treatment(properties: dict[str, Any]) -> dict[str, Any]:
    """Whose the rules of the host are is another guard's affair."""
    return {"adopt": True} if properties["name"] in ("iso", "way") and "state" not in properties else {}


@pytest.mark.parametrize(("case", "one", "said"), CASES)
def test_what_may_end_it_is_refused(case: dict[str, Any], one: dict[str, str], said: list[dict[str, Any]]) -> None:
    on = host({"registry": stored(one)})
    for name, data in case.get("gpo", {}).items():
        on.machine.registry.set(GROUP_POLICY, name, data)
    result = on.plan(*[task(kind, properties, treatment=treatment(properties))
                       for each in said for kind, properties in each.items()])
    if case["held"]:
        assert "the way that ringfence comes" in refusal(result), (result.error, result.diagnostics)
        assert case["held"] in refusal(result)
    else:
        assert (refusal(result), result.error, result.status) == ("", None, "differs"), result.diagnostics


def test_flows_of_a_project_that_ipsec_secures() -> None:
    """It says so itself; one that is in clear has nothing to do with what both sides agree on."""
    words = {"direction": "inbound", "protocol": "tcp", "local_port": 5985, "remote_address": "10.99.0.7", "program": "System"}
    said = tasks_of([{"firewall_setting": {"name": "all", "cert_validation_level": "require_crl_check"}}])
    for security, held in (("authenticated", "monitoring (inbound tcp from 10.99.0.7 to port 5985 by System), which IPsec"),
                           ("clear", "")):
        on = host({"registry": stored({"iso": "Boundary", "way": "plain"})})
        on.policy = replace(RUN, protected_flows=(ProtectedFlow("monitoring", flow_of({**words, "security": security})),))
        found = refusal(on.plan(*said))
        assert (held in found, bool(found)) == (True, bool(held))


def test_another_profile_is_another_matter() -> None:
    """The network may come to count as public: there it comes in clear, and a rule that requires IPsec takes that away."""
    on = host({"registry": {"ConSecRules": {"iso": ISO.format("SecureServer|Profile=Domain")}}})
    on.put("WINRM-HTTP-In-TCP-PUBLIC", WAY)
    rule = {"name": "public", "inbound_security": "require", "outbound_security": "request", "profile": "public",
            "remote_address": "any"}
    assert "once the network counts as public" in refusal(on.plan(*tasks_of([{"ipsec_rule": rule}])))


@pytest.mark.parametrize("merged", [1, 0])
def test_a_local_rule_of_main_mode_that_policy_has_ignored_is_of_no_account(merged: int) -> None:
    """AllowLocalIPsecPolicyMerge, [MS-FASP] 3.1.3."""
    stores = stored({"iso": "SecureServer", "way": "plain"})
    profile = {"AllowLocalIPsecPolicyMerge": merged}
    on = host({"registry": {"FirewallRules": stores["FirewallRules"]}, "gpo": {
        "ConSecRules": stores["ConSecRules"], **{f"{name}Profile": profile for name in ("Domain", "Private", "Public")}}})
    found = refusal(on.plan(*tasks_of([
        {"ipsec_main_mode_crypto_set": {"name": "strong", "proposal": [{"key_exchange": "dh20", "encryption": "aes256",
                                                                        "hash": "sha384"}]}},
        {"ipsec_main_mode_rule": {"name": "mm", "main_mode_crypto_set": "strong"}}])))
    assert ("which IPsec secures, may not come through" in found, bool(found)) == (bool(merged), bool(merged))


def test_a_host_where_nothing_is_secured_is_not_asked() -> None:
    on = host({})
    result = on.plan(*tasks_of([{"firewall_setting": {"name": "all", "cert_validation_level": "require_crl_check"}}]))
    assert (result.status, result.connections) == ("differs", 1)


def test_what_opens_and_has_nothing_to_do_with_it_needs_no_question() -> None:
    on = host({"registry": stored({"iso": "SecureServer", "way": "plain"})})
    result = on.plan(*tasks_of([{"firewall_rule": {"name": "a", "protocol": "tcp", "local_port": 443, "remote_address": "any"}}]))
    assert (result.error, result.status, result.connections) == (None, "differs", 1)


def test_a_flow_of_a_project_is_in_clear_unless_it_says_otherwise() -> None:
    """Of it nobody knows that it works: what asks for IPsec alone does not let it in."""
    words = {"direction": "inbound", "protocol": "tcp", "local_port": 9100, "remote_address": "10.99.0.7", "program": "System"}
    rule = {"name": "m", "protocol": "tcp", "local_port": 9100, "remote_address": "10.99.0.0/24", "authentication": "required"}
    block = {"name": "b", "action": "block", "protocol": "tcp", "local_port": 23}
    for security, held in (("clear", True), ("authenticated", False)):
        on = host({"first": [{"firewall_rule": rule}]})
        on.policy = replace(RUN, protected_flows=(ProtectedFlow("monitoring", flow_of({**words, "security": security})),))
        assert ("monitoring (" in refusal(on.plan(*tasks_of([{"firewall_rule": block}])))) == held


def test_what_both_sides_agree_on_for_other_flows_is_not_asked_where_it_is_not_known_whether_they_do() -> None:
    """Of the way in alone it is known that it works."""
    network = replace(NETWORKS[0], dns_servers=("10.99.0.53",))
    on = LabHost({"way": WAY}, on=machine("SRV1", interfaces=(network,), domain="corp.example"), owns=False, policy=RUN)
    on.machine.registry.set(POLICY + r"\ConSecRules", "iso", ISO.format("Secure|NewTok=1|Protocol=17"))
    keys = {"name": "default", "proposal": [{"machine": True, "cert": True, "authority": "C=US, O=Contoso, CN=Root"}]}
    result = on.plan(*tasks_of([{"ipsec_phase1_auth_set": keys}]))
    assert (refusal(result), result.connections) == ("", 2)
