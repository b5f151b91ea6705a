"""The simulated machine on the wire: facts, policy, accounts, cmdlets, status, associations, faults."""

import hashlib
import hmac
import threading
from dataclasses import replace
from typing import Any

import pytest
from batches import batch_of
from lab_cases import proposals
from lab_machine import ADMIN, ETHERNET, ask, do, done, host, refused

from ringfence.batch import Call, cmdlet_call
from ringfence.errors import HostError
from ringfence.lab import GROUP_POLICY, MDM, POLICY, RESTRICTED, Dropped, Machine, SimulatedHost, machine

RULES = POLICY + r"\FirewallRules"
DHCP = "CoreNet-DHCP-In"


def policy(on: Machine | SimulatedHost, *stores: str) -> dict[str, dict[str, dict[str, tuple[str, Any]]]]:
    """Policy.Read as {store: {path: {name: (type, value)}}}."""
    value = ask(on, Call("Policy.Read", {"stores": list(stores)} if stores else {}))[0].value
    return {s: {path: {n: (t, v) for n, t, v in values} for path, values in keys} for s, keys in value.items()}


def test_facts() -> None:
    asked = (Call("Facts.Read"), Call("Interfaces.Read"), Call("Management.Read"))
    facts, network, flow = (answer.value for answer in ask(host(domain="corp.example"), *asked))
    assert facts["computer"] == "lab1"
    assert facts["domain"] == "corp.example"
    assert facts["os"] == {"caption": "Microsoft Windows Server 2022 Standard", "version": "10.0.20348", "build": 20348,
                           "edition": "ServerStandard", "product": "server"}
    assert network["interfaces"] == [{
        "alias": "Ethernet", "guid": "{11111111-2222-3333-4444-555555555555}", "index": 4, "type": "wired", "status": "up",
        "addresses": ["10.99.0.10/24", "fe80::10/64"], "profile": "private", "dns_servers": ["10.99.0.53"],
        "gateways": ["10.99.0.254"]}]
    assert facts["services"] == dict.fromkeys(("mpssvc", "BFE", "IKEEXT", "PolicyAgent"), "running")
    assert flow["management"] == {"transport": "psrp", "local_address": "10.99.0.10", "local_port": 5985,
                                  "remote_address": "10.99.0.1", "remote_port": 50000}
    assert facts["environment"]["SystemRoot"] == r"C:\Windows"
    assert (facts["elevated"], facts["language_mode"], facts["legacy_ipsec_policy"]) == (True, "FullLanguage", None)


def test_what_nobody_asks_for_is_not_told() -> None:
    assert {"interfaces", "management"} & ask(host(), Call("Facts.Read"))[0].value.keys() == set()


def test_a_legacy_ipsec_policy_is_a_fact() -> None:
    on, root = host(), r"SOFTWARE\Policies\Microsoft\Windows\IPSec\Policy\Local"
    on.registry.set(root, "ActivePolicy", root + r"\ipsecPolicy{1}")
    on.registry.set(root + r"\ipsecPolicy{1}", "ipsecName", "Old policy")
    assert ask(on, Call("Facts.Read"))[0].value["legacy_ipsec_policy"] == "Old policy"


@pytest.mark.parametrize(("os", "schema"), [("server2022", "2.31"), ("windows11", "2.33")])
def test_an_untouched_host(os: Any, schema: str) -> None:
    local = policy(machine("m", os))["local"]
    major, minor = schema.split(".")
    assert local[""] == {"PolicyVersion": ("DWord", int(major) * 256 + int(minor)), "DisableStatefulFTP": ("DWord", 0),
                         "DisableStatefulPPTP": ("DWord", 0), "IPSecExempt": ("DWord", 9)}
    assert set(local["StandardProfile"]) == {"EnableFirewall", "DisableNotifications"}
    assert local[r"PublicProfile\Logging"] == {
        "LogFileSize": ("DWord", 4096),
        "LogFilePath": ("String", r"%systemroot%\system32\LogFiles\Firewall\pfirewall.log")}
    rules = local["FirewallRules"]
    assert len(rules) >= 300
    assert all(kind == "String" and text.startswith(f"v{schema}|Action=") and text.endswith("|") for kind, text in rules.values())
    assert {"CoreNet-DHCP-In", "RemoteDesktop-UserMode-In-TCP", "WINRM-HTTP-In-TCP", "OpenSSH-Server-In-TCP"} <= set(rules)
    assert ("|PFN=" in str(rules)) is (os == "windows11")
    assert not any(path.startswith(("Mdm", "RestrictedServices")) for path in local)


def test_policy_by_store() -> None:
    on = host()
    on.registry.set(MDM + r"\FirewallRules", "m", "v2.31|Action=Block|")
    on.registry.set(GROUP_POLICY + r"\DomainProfile", "EnableFirewall", -1)
    held = policy(on, "local", "group_policy", "mdm", "restricted")
    assert held["mdm"] == {"": {}, "FirewallRules": {"m": ("String", "v2.31|Action=Block|")}}
    assert held["group_policy"] == {"": {}, "DomainProfile": {"EnableFirewall": ("DWord", 4294967295)}}
    assert any(text.startswith("V2.0|") for _, text in held["restricted"][r"Static\System"].values())
    assert policy(host(), "group_policy") == {"group_policy": {}}
    assert set(policy(on)) == {"local", "group_policy", "mdm"}
    refused(ask(on, Call("Policy.Read", {"stores": ["HKCU"]}))[0], "ringfence.store")


def test_every_type_of_value() -> None:
    on = host()
    for name, kind, data in (("e", "ExpandString", "%windir%"), ("q", "QWord", 2**40), ("m", "MultiString", ["a", "b"]),
                             ("b", "Binary", b"\x00\xff"), ("n", "None", None), ("u", "String", "ünï😀\x01")):
        on.registry.set(GROUP_POLICY, name, data, kind)
    assert policy(on, "group_policy")["group_policy"][""] == {
        "e": ("ExpandString", "%windir%"), "q": ("QWord", 2**40), "m": ("MultiString", ["a", "b"]), "b": ("Binary", "AP8="),
        "n": ("None", ""), "u": ("String", "ünï😀\x01")}
    with pytest.raises(TypeError, match="not DWord"):
        on.registry.set(GROUP_POLICY, "d", "text", "DWord")


def test_a_pre_shared_key_never_leaves() -> None:
    on = host()
    secret = "Tr0ub4dor-ß"
    done(on, "New-NetIPsecPhase1AuthSet", Name="s", DisplayName="S",
         Proposal=proposals("New-NetIPsecAuthProposal", [{"Machine": True, "PreSharedKey": secret}]))
    running = SimulatedHost(on)
    for _ in range(2):
        batch = batch_of(Call("Policy.Read"))
        answer = batch.decode(running.run(batch.encode(), ADMIN).encode()).answers[0]
        assert secret not in str(answer.value)
        sums = hmac.new(batch.hmac_key, secret.encode(), hashlib.sha256)
        assert sums.hexdigest() not in str(answer.value)
        assert ["SHKey", "Secret", None] in dict(answer.value["local"])[r"Phase1AuthenticationSets\s\0000"]


def test_reading_sees_every_change() -> None:
    on = host()
    running = SimulatedHost(on)
    before = policy(running)
    assert policy(running) == before
    on.registry.set(RULES, "t", "v2.31|Action=Block|")
    assert policy(running)["local"]["FirewallRules"]["t"] == ("String", "v2.31|Action=Block|")
    on.registry.set(RULES.upper(), "T", "v2.31|Action=Allow|")
    assert policy(running)["local"]["FirewallRules"]["t"] == ("String", "v2.31|Action=Allow|")
    on.registry.unset(RULES, "t")
    assert policy(running) == before


def test_accounts() -> None:
    on = host(accounts={"Administrator": "x", "ops": "y"}, domain="corp.example")
    names = ["Administrators", "s-1-5-32-544", r"corp\domain computers", r"LAB1\ops", "nobody"]
    found = ask(on, Call("Account.Resolve", {"names": names}))[0].value
    assert found["Administrators"] == found["s-1-5-32-544"] == {"sid": "S-1-5-32-544", "name": r"BUILTIN\Administrators"}
    assert found[r"corp\domain computers"]["name"] == r"CORP\Domain Computers"
    assert found[r"corp\domain computers"]["sid"].endswith("-515")
    assert found[r"LAB1\ops"]["sid"].endswith("-1002")
    assert set(found["nobody"]) == {"error"}
    on.account_names.add(r"CORP\Finance", "S-1-5-21-9-9-9-4711")
    assert ask(on, Call("Account.Resolve", {"names": ["Finance"]}))[0].value == {
        "Finance": {"sid": "S-1-5-21-9-9-9-4711", "name": r"CORP\Finance"}}


# ---- cmdlets ----------------------------------------------------------------------------------------------------------

def test_a_rule_without_name_gets_a_guid() -> None:
    on = host()
    before = set(policy(on)["local"]["FirewallRules"])
    done(on, "New-NetFirewallRule", DisplayName="X")
    (made,) = set(policy(on)["local"]["FirewallRules"]) - before
    assert made[0] == "{"
    assert len(made) == 38


@pytest.mark.parametrize("cmdlet", ["Set-NetFirewallRule", "Remove-NetFirewallRule", "Enable-NetFirewallRule"])
def test_what_is_not_there(cmdlet: str) -> None:
    answer = do(host(), cmdlet, {"Name": "nowhere"})
    refused(answer, f"CmdletizationQuery_NotFound_InstanceID,{cmdlet}")
    assert answer.error is not None
    assert answer.error.category == "ObjectNotFound"


def test_a_name_means_itself_even_with_wildcards_in_it() -> None:
    on = host()
    for name in ("a*", "ab", "x[1]"):
        done(on, "New-NetFirewallRule", Name=name, DisplayName="X")
    done(on, "Remove-NetFirewallRule", Name="a*")
    done(on, "Set-NetFirewallRule", Name="X[1]", Enabled="False")
    rules = policy(on)["local"]["FirewallRules"]
    assert "a*" not in rules
    assert "Active=TRUE" in rules["ab"][1]
    assert "Active=FALSE" in rules["x[1]"][1]


def test_rename_copy_enable_and_groups() -> None:
    on = host()
    done(on, "Rename-NetFirewallRule", Name=DHCP, NewName="other")
    refused(do(on, "Rename-NetFirewallRule", {"Name": "other", "NewName": "CoreNet-DHCP-Out"}), 183)
    refused(do(on, "Copy-NetFirewallRule", {"Name": "other"}), 183)
    done(on, "Copy-NetFirewallRule", Name="other", NewPolicyStore="localhost")
    done(on, "Copy-NetFirewallRule", Name="other", NewName="twin")
    done(on, "Disable-NetFirewallRule", Name=["other", "TWIN"])
    done(on, "Enable-NetFirewallRule", Group="@FirewallAPI.dll,-28752")
    held = policy(on)
    rules = held["local"]["FirewallRules"]
    assert DHCP not in rules
    assert rules["twin"] == rules["other"]
    assert "Active=FALSE" in rules["other"][1]
    assert "Active=TRUE" in held["group_policy"]["FirewallRules"]["other"][1]
    assert all("Active=TRUE" in rules[f"RemoteDesktop-{n}"][1] for n in ("UserMode-In-TCP", "UserMode-In-UDP", "Shadow-In-TCP"))
    refused(do(on, "Enable-NetFirewallRule", {"Group": "none"}), "CmdletizationQuery_NotFound_RuleGroup")


@pytest.mark.parametrize(("noun", "key"), [("NetIPsecRule", "ConSecRules"), ("NetIPsecMainModeRule", "MainModeRules")])
def test_ipsec_rules_are_switched_renamed_copied_removed(noun: str, key: str) -> None:
    on, path = host(), f"{POLICY}\\{key}"
    done(on, f"New-{noun}", Name="r", DisplayName="R")
    done(on, f"Disable-{noun}", Name="R")
    assert "|Active=FALSE|" in str(on.registry.get(path, "r"))
    done(on, f"Rename-{noun}", Name="r", NewName="s")
    done(on, f"Enable-{noun}", Name="s")
    done(on, f"Copy-{noun}", Name="s", NewName="t")
    assert on.registry.get(path, "r") is None
    assert on.registry.get(path, "s") == on.registry.get(path, "t")
    assert "|Active=TRUE|" in str(on.registry.get(path, "t"))
    done(on, f"Remove-{noun}", Name=["s", "t"])
    assert policy(on)["local"][key] == {}


def test_unknown_tokens_survive_a_set() -> None:
    on = host()
    on.registry.set(RULES, "odd", "v2.31|Action=Allow|Active=TRUE|Dir=In|Name=O|FutureToken=a=b|")
    done(on, "Set-NetFirewallRule", Name="odd", Enabled="False")
    assert on.registry.get(RULES, "odd") == "v2.31|Action=Allow|Active=FALSE|Dir=In|Name=O|FutureToken=a=b|"


@pytest.mark.parametrize(
    "call",
    [
        cmdlet_call("Get-NetFirewallRule", {}),
        cmdlet_call("Invoke-Expression", {"Command": "x"}),
        cmdlet_call("New-NetFirewallRule", {"AsJob": True}),
        cmdlet_call("New-NetFirewallRule", {"DisplayName": {"$call": {"cmdlet": "New-NetFirewallRule", "parameters": {}}}}),
        cmdlet_call("Remove-NetFirewallRule", {}),
        cmdlet_call("Remove-NetFirewallRule", {"All": True}),
        cmdlet_call("Set-NetFirewallRule", {"InputObject": "x"}),
        Call("Net.Get", {"cmdlet": "Get-Process"}),
    ],
    ids=str,
)
def test_what_the_allow_list_refuses(call: Call) -> None:
    answer = ask(host(), call)[0]
    refused(answer, "ringfence.allowlist")
    assert answer.error is not None
    assert answer.error.category == "PermissionDenied"


def test_other_refusals_of_the_script() -> None:
    on = host()
    refused(ask(on, Call("Registry.Write"))[0], "ringfence.verb")
    refused(ask(on, cmdlet_call("New-NetFirewallRule", {"DisplayName": {"x": 1}}))[0], "ringfence.value")
    refused(ask(on, Call("Enforcement.Read", {"kind": "Process", "names": []}))[0], "ringfence.kind")
    refused(ask(on, Call("Account.Resolve"))[0], "ringfence.args")


def test_one_object_that_is_refused_does_not_hold_up_the_others() -> None:
    """Each is a job of its own in the cmdlets of Windows; what was named and is not there is told at the end."""
    on = host()
    for name, protocol in (("a", "TCP"), ("b", "Any"), ("c", "TCP")):
        done(on, "New-NetFirewallRule", Name=name, DisplayName=name, Protocol=protocol)
    refused(do(on, "Set-NetFirewallRule", {"Name": ["none", "a", "b", "c"], "LocalPort": ["80"]}), 0x001000A1)
    assert ["LPort=80" in str(on.registry.get(RULES, name)) for name in "abc"] == [True, False, True]
    refused(do(on, "Remove-NetFirewallRule", {"Name": ["a", "none", "c"]}), "CmdletizationQuery_NotFound")
    assert [on.registry.get(RULES, name) is None for name in "abc"] == [True, False, True]


def test_stop_and_go_on() -> None:
    on = host()
    bad, good = cmdlet_call("Remove-NetFirewallRule", {"Name": "no"}), cmdlet_call("Remove-NetFirewallRule", {"Name": DHCP})
    assert len(ask(on, bad, good, stop=True)) == 1
    assert on.registry.get(RULES, DHCP)
    assert [a.error is None for a in ask(on, bad, good)] == [False, True]
    assert (on.counters.batches, on.counters.calls) == (2, 3)


def test_writes_need_elevation_and_the_service() -> None:
    on, call = host(), cmdlet_call("Remove-NetFirewallRule", {"Name": DHCP})
    refused(ask(on, call, session=replace(ADMIN, elevated=False))[0], 5)
    on.faults.read_only = True
    refused(ask(on, call)[0], 5)
    on.faults.read_only = False
    on.services["mpssvc"] = "stopped"
    refused(ask(on, call)[0], 1753)
    assert policy(on)["local"]["FirewallRules"][DHCP]


# ---- status and associations ------------------------------------------------------------------------------------------

def status(on: Machine, name: str, kind: str = "NetFirewallRule") -> Any:
    return ask(on, Call("Enforcement.Read", {"kind": kind, "names": [name, "nowhere"]}))[0].value


def test_enforcement_of_firewall_rules() -> None:
    on = host()
    fine = {"primary_status": "OK", "enforcement": ["Enforced"],
            "status": "The rule was parsed successfully from the store. (65536)", "source": "Local",
            "shows": {"Enabled": "True", "Direction": "Inbound", "Action": "Allow"}}
    assert status(on, DHCP) == {DHCP: fine}
    assert status(on, "RemoteDesktop-In-TCP-WS")["RemoteDesktop-In-TCP-WS"]["enforcement"] == ["DisabledObject"]
    assert status(on, "CoreNet-GP-Out-TCP")["CoreNet-GP-Out-TCP"]["enforcement"] == ["InactiveProfile"]
    done(on, "Set-NetFirewallProfile", Name="Private", AllowLocalFirewallRules="False", PolicyStore="localhost")
    assert status(on, DHCP)[DHCP]["enforcement"] == ["LocalFirewallRulesDisallowed"]
    done(on, "Set-NetFirewallProfile", Name="Private", Enabled="False")
    assert status(on, DHCP)[DHCP]["enforcement"] == ["FirewallOffInProfile"]


def test_enforcement_of_a_rule_whose_set_is_gone() -> None:
    on = host()
    on.registry.set(POLICY + r"\ConSecRules", "c", "v2.31|Action=Secure|Active=TRUE|Auth1Set={gone}|Crypto2Set={gone}|")
    assert status(on, "c", "NetIPsecRule")["c"] == {
        "primary_status": "Error", "enforcement": ["Invalid"],
        "status": "The phase 1 authentication set was not found. (2097153)", "source": "Local",
        "shows": {"Enabled": "True", "Direction": "Inbound", "Action": "Allow"}}


def test_associations() -> None:
    on = host()
    assert ask(on, Call("SA.Read"))[0].value == {"main_mode": [], "quick_mode": []}
    done(on, "New-NetIPsecQuickModeCryptoSet", Name="gcm", DisplayName="GCM", Proposal=proposals(
        "New-NetIPsecQuickModeCryptoProposal", [{"Encapsulation": "ESP", "ESPHash": "AESGMAC256", "Encryption": "AESGCM256"}]))
    done(on, "New-NetIPsecRule", Name="c", DisplayName="Isolation", InboundSecurity="Request", OutboundSecurity="Request",
         QuickModeCryptoSet="gcm", RemoteAddress=["10.99.0.7", "10.99.0.8"])
    held = ask(on, Call("SA.Read"))[0].value
    assert [m["RemoteEndpoint"] for m in held["main_mode"]] == ["10.99.0.7", "10.99.0.8"]
    quick = held["quick_mode"][0]
    assert (quick["FirstCipherAlgorithm"], quick["FirstIntegrityAlgorithm"], quick["TransportLayerFilterName"]) == (
        65006, 65005, "Isolation")
    assert quick["MmSaId"] == int(held["main_mode"][0]["Name"])
    delete = Call("SA.Delete", {"remote_address": "10.99.0.7"})
    assert [a.value for a in ask(on, delete, delete)] == [{"main_mode": 1, "quick_mode": 1}, {"main_mode": 0, "quick_mode": 0}]
    assert len(ask(on, Call("Net.Get", {"cmdlet": "Get-NetIPsecMainModeSA"}))[0].value) == 1
    on.services["IKEEXT"] = "stopped"
    assert ask(on, Call("SA.Read"))[0].value == {"main_mode": [], "quick_mode": []}


# ---- faults -----------------------------------------------------------------------------------------------------------

def test_the_connection_breaks_before_a_call() -> None:
    on = host()
    on.faults.fail_at = 1
    with pytest.raises(Dropped):
        ask(
            on,
            cmdlet_call("Remove-NetFirewallRule", {"Name": DHCP}),
            cmdlet_call("Remove-NetFirewallRule", {"Name": "CoreNet-DHCP-Out"}),
        )
    assert on.registry.get(RULES, DHCP) is None
    assert on.registry.get(RULES, "CoreNet-DHCP-Out")
    assert issubclass(Dropped, ConnectionError)


@pytest.mark.parametrize(("line", "kind"), [
    ("!!", "script"), ("e30=", "version"), ("eyJyaW5nZmVuY2UiOjJ9", "version"), ("H4sI", "script")])
def test_a_batch_that_cannot_be_read(line: str, kind: str) -> None:
    with pytest.raises(HostError) as caught:
        batch_of().decode(SimulatedHost(host()).run(line, ADMIN).encode())
    assert caught.value.kind == kind


def test_a_restricted_language_mode() -> None:
    on = host()
    on.faults.language_mode = "ConstrainedLanguage"
    with pytest.raises(HostError) as caught:
        ask(on, Call("Facts.Read"))
    assert caught.value.kind == "language_mode"


def test_many_threads() -> None:
    on = host()
    threads = [
        threading.Thread(
            target=lambda n=n: [
                ask(on, cmdlet_call("New-NetFirewallRule", {"Name": f"t{n}-{i}", "DisplayName": "T"}), Call("Policy.Read"))
                for i in range(5)
            ]
        )
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(name.startswith("t") for name in policy(on)["local"]["FirewallRules"]) == 20
    assert on.counters.calls == 41


def test_two_hosts_of_one_name_are_alike_and_of_two_names_are_not() -> None:
    asked = Call("Interfaces.Read")
    first, again, other = (ask(machine(n), asked)[0].value["interfaces"][0]["guid"] for n in ("a", "a", "b"))
    assert first == again != other
    assert ETHERNET.networks()[0].prefixlen == 24


def test_restricted_roots_are_kept_apart() -> None:
    on = host()
    done(on, "New-NetFirewallRule", Name="hard", DisplayName="H", PolicyStore="ConfigurableServiceStore", Service="sshd")
    assert str(on.registry.get(RESTRICTED + r"\Configurable\System", "hard")).endswith("|Svc=sshd|Name=H|")
