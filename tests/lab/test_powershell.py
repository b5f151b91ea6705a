"""Hosts of the lab on which a real PowerShell runs the host script: the whole way, over every transport.

What comes of it has to be what comes of the same way with the executor in Python: the same results, the same registry.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from batches import batch_of, open_transport
from host_script import PWSH, needs_pwsh
from lab_machine import ADMIN
from lab_servers import OPERATOR
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan

from ringfence.batch import Answer, Call, cmdlet_call
from ringfence.batch.scripts import digests
from ringfence.diagnostics import NOWHERE, Where
from ringfence.documents.trust import Trust
from ringfence.errors import HostError
from ringfence.lab import GROUP_POLICY, POLICY, Machine, NetworkAdapter, SimulatedHost, machine
from ringfence.lab.registry.hive import SYSTEM_DEFAULTS
from ringfence.lab.simulated_fleet import SimulatedFleet
from ringfence.lab.winrm.winrm_settings import WinRMSettings
from ringfence.report import HostResult
from ringfence.run.host import apply_host, plan_host
from ringfence.run.prepare import RunOptions, prepare
from ringfence.transports import Transport

pytestmark = needs_pwsh

RULES = POLICY + r"\FirewallRules"
INTERFACES = (
    NetworkAdapter("Ethernet", "{11111111-2222-3333-4444-555555555555}", addresses=("10.99.0.10/24", "fe80::10/64"),
                   profile="domain", dns_servers=("10.99.0.53",), gateways=("10.99.0.254", "fe80::1")),
    NetworkAdapter("Tunnel", "{21111111-2222-3333-4444-555555555555}", 9, "remote_access", addresses=("10.8.0.2/32",),
                   profile="public"),
    NetworkAdapter("Wi-Fi", "{31111111-2222-3333-4444-555555555555}", 11, "wireless", "down", profile=None))
PLAYBOOK = r"""
- hosts: all
  tasks:
    - firewall_profile: {profiles: [domain, private, public], enabled: true, default_inbound_action: block, log_blocked: true,
                         log_max_size_kilobytes: 16384, log_file_name: 'C:\logs\fw.log', notify_on_listen: false}
    - firewall_profile: {profiles: public, disabled_interface_aliases: Wi-Fi}
    - firewall_rule: {name: "corp-{{ item }}", group: Corp, protocol: tcp, local_port: "{{ 8000 + item }}"}
      loop: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    - firewall_rule: {name: "rdp $a", display_name: Fernwartung `n äöü 東京, description: "it's \"quoted\" & <x> $env:TEMP",
                      protocol: tcp, local_port: [3389, 3390-3399], profile: [domain, private],
                      remote_address: [10.0.0.0/8, "2001:db8::/32", LocalSubnet],
                      program: '%SystemRoot%\system32\svchost.exe', service: TermService, enabled: false}
    - firewall_rule: {name: ping, protocol: icmpv6, icmp_type: ["128:0", "129"], interface_type: [wired, wireless]}
    - firewall_rule: {name: mail, direction: outbound, action: block, protocol: udp, remote_port: 25, interface_alias: Ethernet}
    - firewall_rule: {name: admins, protocol: tcp, local_port: 5986, authentication: required, encryption: required,
                      remote_user: 'CORP\Domain Admins', remote_machine: ['CORP\Domain Computers', S-1-5-21-1-2-3-1104]}
    - firewall_rule: {name: CoreNet-IGMP-In, state: absent}
    - ipsec_phase1_auth_set: {name: who, proposal: [{machine: true, kerberos: true}, {machine: true, cert: true,
                                                      signing: ecdsa256, authority: "C=US, CN=Root", account_mapping: true}]}
    - ipsec_phase1_auth_set: {name: key, proposal: [{machine: true, pre_shared_key: "gehëim · key"}]}
    - ipsec_phase2_auth_set: {name: user, proposal: [{user: true, kerberos: true}, {anonymous: true}]}
    - ipsec_main_mode_crypto_set: {name: default, max_minutes: 60, force_diffie_hellman: true,
                                   proposal: [{key_exchange: dh20, encryption: aes256, hash: sha384},
                                              {key_exchange: dh14, encryption: aes128, hash: sha256}]}
    - ipsec_quick_mode_crypto_set: {name: quick, perfect_forward_secrecy_group: dh20,
                                    proposal: [{encapsulation: esp, esp_hash: aesgmac256, encryption: aesgcm256, max_minutes: 30},
                                               {encapsulation: [ah, esp], ah_hash: sha256, esp_hash: sha256, encryption: aes256}]}
    - ipsec_rule: {name: zone, inbound_security: require, outbound_security: request, phase1_auth_set: who, phase2_auth_set: user,
                   quick_mode_crypto_set: quick, remote_address: [10.50.0.0/16, 192.168.7.1-192.168.7.9], profile: domain}
    - ipsec_rule: {name: partner, inbound_security: require, outbound_security: require, phase1_auth_set: key,
                   remote_address: 203.0.113.9}
    - ipsec_rule: {name: site, mode: tunnel, inbound_security: require, outbound_security: require, phase1_auth_set: key,
                   local_tunnel_endpoint: 192.0.2.1, remote_tunnel_endpoint: 198.51.100.1, local_address: 10.1.0.0/16,
                   remote_address: 10.2.0.0/16}
    - ipsec_rule: {name: free, inbound_security: none, outbound_security: none, remote_address: [DNS, DHCP4, DefaultGateway]}
    - ipsec_main_mode_rule: {name: first, phase1_auth_set: who, remote_address: 10.3.0.0/16}
"""


OF_ONE_RUN = re.compile(r'[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}|"playbooks":.[^\]]*.')


def host() -> Machine:
    """A member of a domain with interfaces of several types."""
    return machine("web1", domain="corp.example", interfaces=INTERFACES)


def tree(on: Machine) -> dict[str, dict[str, Any]]:
    """Everything in the registry; of a ledger without what is of one run and its files."""
    found = {path: {v.name: (v.type, v.data) for v in key.values.values()} for path, key in on.registry.tree("")}
    for path in (p for p in found if p.lower().startswith("software\\ringfence\\")):
        found[path] = {name: (type, OF_ONE_RUN.sub("", str(data)))
                       for name, (type, data) in found[path].items() if name not in ("Inputs", "Armed")}
    return found


def tamper(on: Machine) -> None:
    """What somebody does by hand: ten rules off (so many are set through objects), some in another group, gone, or new."""
    for number in range(10):
        text = str(on.registry.get(RULES, f"corp-{number}"))
        text = text.replace("Active=TRUE", "Active=FALSE")
        on.registry.set(RULES, f"corp-{number}", text.replace("=Corp|", f"={number}|") if number < 2 else text)
    on.registry.unset(RULES, "ping")
    on.registry.set(POLICY + r"\PublicProfile", "EnableFirewall", 0)
    on.registry.set(POLICY + r"\Phase1AuthenticationSets\key\0000", "SHKey", "another")
    zone = str(on.registry.get(POLICY + r"\ConSecRules", "zone"))
    on.registry.set(POLICY + r"\ConSecRules", "zone", zone.replace("SecureServer", "Secure"))


Step = tuple[HostResult, dict[str, dict[str, Any]]]


# Each way in changes something: PSRP makes all, SSH and a local PowerShell repair what somebody did.
STEPS = [("psrp", "paa"), (None, "t"), ("ssh", "pa"), (None, "t"), ("local", "ap")]
STATUSES = ["differs", "changed", "in_sync", "differs", "changed", "changed", "in_sync"]


def walk(folder: Path, **how: Any) -> list[Step]:
    """What came of each step (p: plan, a: apply, t: tamper), without times and places, and the registry after it."""
    on = host()
    made: list[Step] = []
    for number, (transport, steps) in enumerate(STEPS):
        if transport is None:
            tamper(on)
            continue
        (folder / str(number)).mkdir(parents=True)
        with SimulatedFleet([on], **{"transport": transport, **how}) as lab:
            made += walked(folder / str(number), lab, on, steps)
    return made


def walked(folder: Path, lab: SimulatedFleet, on: Machine, steps: str) -> Iterator[Step]:
    (folder / "hosts.yml").write_text(lab.inventory(), "utf-8")
    (folder / "site.yml").write_text(PLAYBOOK, "utf-8")
    undo = "" if folder.name == "0" else "revert_after: never\n"  # once is enough: it takes connections of its own
    (folder / "ringfence.yml").write_text(f"project: {{name: test, id: 0123456789abcdef}}\n{undo}", "utf-8")
    program = lab.running[on.name].variables.get("ringfence_powershell")  # of a local host
    ready = prepare(RunOptions(folder, [str(folder / "site.yml")], [str(folder / "hosts.yml")],
                               trust=Trust(programs=(program,) if program else ())))
    [job] = ready.jobs
    for step in steps:
        result = (plan_host if step == "p" else apply_host)(job, ready.context)
        # what is found of a secret is a MAC under a key of the run, and the ledger has the path of the playbook
        changes = tuple(replace(c, where=NOWHERE, before=None if c.id.name == "key" else c.before,
                                ledger=(c.ledger or "").replace(str(folder.parent), "")) for c in result.changes)
        obstacles = tuple(replace(o, objects=tuple(replace(a, where=NOWHERE) for a in o.objects)) for o in result.obstacles)
        # a local host is asked for no connections that security associations could be for
        yield replace(result, seconds=0.0, connections=0, changes=changes, obstacles=obstacles), tree(on)


def test_the_whole_way(tmp_path: Path) -> None:
    """Plan, apply, nothing more to do, somebody tampers, drift, apply: as with the executor in Python, over each way in."""
    expected = walk(tmp_path / "python", transport="psrp")
    assert [r.status for r, _ in expected] == STATUSES, [r.error for r, _ in expected]
    assert [len(r.changes) for r, _ in expected][3:] == [14, 14, 14, 0]
    made = walk(tmp_path / "powershell", pwsh=PWSH)
    for number, ((result, registry), (wanted, held)) in enumerate(zip(made, expected, strict=True)):
        assert result.error is None, f"{number}: {result.error}"
        assert [replace(d, where=Where("", d.where.line)) for d in result.diagnostics] == [
            replace(d, where=Where("", d.where.line)) for d in wanted.diagnostics]  # each way has a folder of its own
        assert replace(result, diagnostics=()) == replace(wanted, diagnostics=())
        assert registry == held


@contextmanager
def reached(on: Machine, more: dict[str, Any] | None = None, **how: Any) -> Iterator[Transport]:
    with SimulatedFleet([on], **{"pwsh": PWSH, **how}) as lab:
        yield open_transport(on.name, {**lab.running[on.name].variables, **(more or {})})


def python(on: Machine, *calls: Call) -> tuple[Answer, ...]:
    batch = batch_of(*calls)
    return tuple(batch.decode(SimulatedHost(on).run(batch.encode(), ADMIN).encode()).answers.values())


def test_facts_are_those_of_the_machine() -> None:
    on = host()
    path = r"SOFTWARE\Policies\Microsoft\Windows\IPSec\Policy"
    on.registry.set(path + r"\Local", "ActivePolicy", path + r"\Local\ipsecPolicy{1}")
    on.registry.set(path + r"\Local\ipsecPolicy{1}", "ipsecName", "Old one")
    on.services["IKEEXT"] = "stopped"
    asked = (Call("Facts.Read"), Call("Interfaces.Read"), Call("Management.Read"))
    wanted = {name: fact for answer in python(on, *asked) for name, fact in answer.value.items()}
    for transport in ("psrp", "ssh"):
        with reached(on, transport=transport) as way:
            reply = way.run(batch_of(*asked))
        facts = {**reply[0], **reply[1], **reply[2]}
        assert facts.pop("powershell").startswith("7.")
        assert abs(int(facts.pop("time")[:4]) - int(wanted["time"][:4])) <= 1
        assert facts.pop("script_sha256") == digests()["resolver"]
        assert set(facts.pop("verbs")) < set(wanted["verbs"])
        assert facts["management"].pop("remote_port") > 0
        assert facts["management"].pop("transport") == transport
        assert facts["management"].pop("local_port") == (22 if transport == "ssh" else 5985)
        apart = ("powershell", "time", "management", "verbs", "script_sha256")
        assert facts == {k: v for k, v in wanted.items() if k not in apart} | {
            "management": {"local_address": "10.99.0.10", "remote_address": "10.99.0.1"} | (
                {"program": r"C:\Windows\System32\OpenSSH\sshd.exe", "service": "sshd"} if transport == "ssh" else {})}


@pytest.mark.parametrize("denied", [(POLICY,), (rf"{POLICY}\DomainProfile\Logging", rf"{POLICY}\firewallrules"), (GROUP_POLICY,)])
def test_what_may_not_be_opened_is_told_alike(denied: tuple[str, ...]) -> None:
    on = host()
    on.registry.set(GROUP_POLICY, "PolicyVersion", 543)
    on.registry.set(POLICY + r"\AppIso\x", "y", 1)
    on.faults.denied_keys = denied
    call = Call("Policy.Read", {"keys": ["DomainProfile", "FirewallRules"]})
    [wanted] = python(on, call)
    with reached(on) as way:
        told = way.run(batch_of(call))[0]
    assert told["unread"]
    for answer in (told, wanted.value):
        for one in answer["unread"]:
            one["path"], one["fact"] = one["path"].casefold(), one["fact"].casefold()
    assert told == wanted.value


def test_every_type_of_value_arrives() -> None:
    on = host()
    here = POLICY + r"\Odd keys\a/b\ü"
    values: tuple[tuple[str, str, Any], ...] = (
        ("", "String", "default"), ("s", "String", "2026-01-02T03:04:05Z"), ("x", "ExpandString", "%SystemRoot%\\x"),
        ("d", "DWord", 2**32 - 1), ("q", "QWord", 2**63 - 1), ("m", "MultiString", ["one"]), ("m0", "MultiString", []),
        ("b", "Binary", b"\x00\xff"), ("n", "None", None), ("c", "String", "a\x00\x1f\U0001f600|"),
        ("long", "String", "x" * 300_000))
    for name, kind, data in values:
        on.registry.set(here, name, data, kind)
    on.registry.set(here, "SHKey", "päss", "String")
    batch = batch_of(Call("Policy.Read", {"stores": ["local", "group_policy", "mdm", "restricted"]}))
    [wanted] = batch.decode(SimulatedHost(on).run(batch.encode(), ADMIN).encode()).answers.values()
    with reached(on) as way:
        assert way.run(batch)[0] == wanted.value


def test_what_windows_ships() -> None:
    on = host()
    on.registry.set(RULES, "CoreNet-DHCP-In", "v2.31|Action=Block|")
    on.registry.unset(RULES, "CoreNet-IGMP-In")
    [wanted] = python(on, Call("Defaults.Read"))
    with reached(on) as way:
        told = way.run(batch_of(Call("Defaults.Read")))[0]
    assert {**told, "language": "en-US"} == wanted.value
    assert isinstance(told["language"], str)
    assert len(told["same"]) > 290
    on.registry.delete(SYSTEM_DEFAULTS)
    with reached(on, transport="ssh") as way:
        assert way.run(batch_of(Call("Defaults.Read")))[0] == {**told, "rows": [], "same": []}


def test_accounts() -> None:
    on = host()
    names = {"names": [r"CORP\Domain Admins", "S-1-5-32-544", "administrator", "nobody at all"]}
    with reached(on, transport="ssh") as way:
        assert tuple(way.run(batch_of(Call("Account.Resolve", names))).answers.values()) == python(
            on, Call("Account.Resolve", names)
        )


def test_associations_and_what_is_enforced() -> None:
    secure = {"InboundSecurity": "Require", "OutboundSecurity": "Require", "RemoteAddress": ["203.0.113.9", "203.0.113.10"]}
    delete = Call("SA.Delete", {"remote_address": "203.0.113.9"})
    calls = (cmdlet_call("New-NetIPsecRule", {"Name": "z", "DisplayName": "Z", **secure}),
             cmdlet_call("New-NetFirewallRule", {"Name": "off", "DisplayName": "Off", "Enabled": "False"}),
             cmdlet_call("New-NetFirewallRule", {"Name": "private", "DisplayName": "P", "Profile": ["Private"]}),
             cmdlet_call("New-NetFirewallRule", {"Name": "copied", "DisplayName": "here"}),
             Call("Enforcement.Read", {"kind": "NetFirewallRule", "names": ["off", "PRIVATE", "copied", "none", "o*"]}),
             Call("Enforcement.Read", {"kind": "NetIPsecRule", "names": ["z"]}), Call("SA.Read"),
             delete, Call("SA.Read"), delete)
    one, two = host(), host()
    for on in (one, two):
        on.registry.set(GROUP_POLICY + r"\FirewallRules", "copied", "v2.31|Action=Allow|Active=TRUE|Dir=In|Name=by policy|")
    wanted = python(two, *calls)
    assert wanted[7].value == {"main_mode": 1, "quick_mode": 1}
    with reached(one) as way:
        assert tuple(way.run(batch_of(*calls)).answers.values()) == wanted


@pytest.mark.parametrize("transport", ["psrp", "ssh"])
def test_a_host_that_refuses(transport: str) -> None:
    on = host()
    rule = cmdlet_call("New-NetFirewallRule", {"Name": "r", "DisplayName": "R"})
    with reached(on, transport=transport) as way:
        on.faults.read_only = True
        denied = way.run(batch_of(rule)).answers
        on.faults.read_only, on.services["mpssvc"] = False, "stopped"
        stopped = way.run(batch_of(rule)).answers
        on.services["mpssvc"], on.faults.language_mode = "running", "ConstrainedLanguage"
        with pytest.raises(HostError) as caught:
            way.run(batch_of(rule))
    assert caught.value.kind == "language_mode"
    assert "ConstrainedLanguage" in str(caught.value)
    for answers, code, text in ((denied, 5, "Access is denied."), (stopped, 1753, "There are no more endpoints")):
        assert answers[0].error is not None
        assert answers[0].error.code == code
        assert answers[0].error.message.startswith(text)
    assert on.registry.get(RULES, "r") is None


@pytest.mark.parametrize("transport", ["psrp", "ssh"])
def test_the_connection_breaks_at_a_cmdlet(transport: str) -> None:
    on = host()
    on.faults.fail_at = 1
    rules = tuple(cmdlet_call("New-NetFirewallRule", {"Name": f"r{n}", "DisplayName": "R"}) for n in range(3))
    with reached(on, transport=transport) as way, pytest.raises(HostError):
        way.run(batch_of(*rules))
    assert [on.registry.get(RULES, f"r{n}") is not None for n in range(3)] == [True, False, False]


def test_an_endpoint_of_least_privilege() -> None:
    """NoLanguage, one function; an account that is no administrator may use it and nothing else."""
    on = machine("web1", interfaces=INTERFACES, accounts={"operator": "Ringfence-lab-1"})
    settings = WinRMSettings(endpoints={"ringfence": OPERATOR}, not_administrators=frozenset({"operator"}))
    calls = (Call("Facts.Read"), Call("Policy.Read"), cmdlet_call("New-NetFirewallRule", {"Name": "r", "DisplayName": "R"}),
             *(cmdlet_call("Set-NetFirewallRule", {"Name": "r", "Group": str(n)}) for n in range(9)),
             cmdlet_call("Remove-NetFirewallRule", {"Name": "none"}))
    with SimulatedFleet([on], winrm=settings, pwsh=PWSH) as lab:
        variables = lab.running["web1"].variables
        with pytest.raises(HostError):
            open_transport("web1", variables).run(batch_of(*calls[:1]))
        answers = open_transport("web1", {**variables, "ringfence_endpoint": "ringfence"}).run(batch_of(*calls)).answers
        assert [a.error and a.error.category for a in answers.values()] == [None] * 12 + ["ObjectNotFound"]
        assert answers[0].value["elevated"] is True
        assert str(on.registry.get(RULES, "r")).endswith("|EmbedCtxt=8|")
        client = WSMan("127.0.0.1", port=variables["ansible_port"], username="operator", password="Ringfence-lab-1", ssl=False,
                       auth="ntlm", no_proxy=True)
        with client, RunspacePool(client, configuration_name="ringfence") as pool:
            for command in ("New-NetFirewallRule", "Get-Item", "Invoke-LabCmdlet", "Get-Process", "Invoke-Expression",
                            "Set-Variable", "Get-Command", "Import-Module", "powershell"):
                shell = PowerShell(pool).add_cmdlet(command)
                shell.invoke()
                assert shell.had_errors
                assert "CommandNotFoundException" in str(shell.streams.error[0].fq_error), command
            for script in ("1 + 1", "$x = 1", "Invoke-RingfenceBatch -Batch $env:PATH", "& { Get-Item HKLM:\\ }"):
                shell = PowerShell(pool).add_script(script)
                assert shell.invoke() == []
                assert shell.had_errors, script


def test_two_hosts_are_two() -> None:
    hosts = [machine(name, address=f"10.99.0.{n}/24") for n, name in enumerate(("a1", "b2"), 20)]
    with SimulatedFleet(hosts, "mixed", pwsh=PWSH) as lab:
        for on in hosts:
            way = open_transport(on.name, lab.running[on.name].variables)
            call = cmdlet_call("New-NetFirewallRule", {"Name": on.name, "DisplayName": "R"})
            assert way.run(batch_of(Call("Facts.Read"), call))[0]["computer"] == on.name
    assert [[n for n in ("a1", "b2") if on.registry.get(RULES, n)] for on in hosts] == [["a1"], ["b2"]]


def test_texts_of_files() -> None:
    """What stands in the registry of the image, as the machine shows it and as PowerShell reads it out of the machine's files."""
    on = host()
    on.add_text(r"@%ProgramFiles%\Contoso\agent.dll,-7", "Agent (TCP-In)")
    rules = [str(v.data) for v in on.registry.key(RULES).values.values()]  # type: ignore[union-attr]
    pieces = {piece for rule in rules for piece in rule.split("|") if piece.startswith(("Name=@", "EmbedCtxt=@"))}
    texts = sorted({piece.partition("=")[2] for piece in pieces})
    call = Call("Texts.Read", {"texts": [*texts, r"@%ProgramFiles%\Contoso\agent.dll,-7", "@none.dll,-1", "plain"]})
    [wanted] = python(on, call)
    assert [wanted.value[t] for t in ("@FirewallAPI.dll,-25000", "@none.dll,-1", "plain")] == ["Core Networking", None, None]
    assert wanted.value[r"@%ProgramFiles%\Contoso\agent.dll,-7"] == "Agent (TCP-In)"
    assert sum(shown is None for text, shown in wanted.value.items() if not text.startswith("@{")) == 2
    for transport in ("psrp", "ssh"):
        with reached(on, transport=transport) as way:
            assert way.run(batch_of(call))[0] == wanted.value
