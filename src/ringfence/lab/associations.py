"""What is in force on a simulated host: the status of rules in the ActiveStore, and security associations.

Associations are not negotiated: each connection security rule in force that secures has some with the peers it names,
else with the host's gateway, of the suite that its sets ask for. Deleted ones come back when the policy changes.
"""

import ipaddress
import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ringfence.lab import netsecurity_ipsec as ipsec
from ringfence.lab.failures import STATUS, Refusal
from ringfence.lab.firewall import profile_value
from ringfence.lab.netsecurity_store import KINDS, Kind
from ringfence.lab.registry import GROUP_POLICY, MDM, POLICY
from ringfence.lab.rulestring import Rule

if TYPE_CHECKING:
    from ringfence.lab.machine import Machine

OK = (0x00010000, "The rule was parsed successfully from the store.")


def in_force(machine: "Machine", kind: Kind) -> dict[str, tuple[str, Rule]]:
    """{id: (root, rule)} of the ActiveStore: of two with one id the one of Group Policy stays."""
    found: dict[str, tuple[str, Rule]] = {}
    for root in (GROUP_POLICY, MDM, POLICY):
        for name in kind.names(machine.registry, root):
            if name.casefold() not in {n.casefold() for n in found}:
                found[name] = (root, kind.read(machine.registry, root, name))
    return found


def enforcement(machine: "Machine", noun: str, names: Iterable[str]) -> dict[str, Any]:
    """Enforcement.Read: {name as it was asked: status} of the rules that are there."""
    kind, wanted = KINDS[noun], list(names)
    rules: dict[str, tuple[str, str, Rule]] = {}
    for root in (GROUP_POLICY, MDM, POLICY):
        for name in wanted:
            there = kind.find(machine.registry, root, name)
            if there is not None and there not in rules:
                rules[there] = (name, root, kind.read(machine.registry, root, there))
    return {name: status(machine, kind, root, rule) for name, root, rule in rules.values()}


def status(machine: "Machine", kind: Kind, root: str, rule: Rule) -> dict[str, Any]:
    """The status of one rule of the ActiveStore."""
    code, text = OK
    try:
        if kind.key != "FirewallRules" and rule.one("Action") != "DoNotSecure":
            ipsec.check_sets(machine.registry, root, rule)
    except Refusal as refusal:
        code, text = refusal.code or 0, STATUS[refusal.code or 0]
        return {"primary_status": "Error", "enforcement": ["Invalid"], "status": f"{text} ({code})"}
    why = _unenforced(machine, kind, root, rule)
    return {"primary_status": "Inactive" if why else "OK", "enforcement": why or ["Enforced"], "status": f"{text} ({code})"}


def _unenforced(machine: "Machine", kind: Kind, root: str, rule: Rule) -> list[str]:
    """Why a rule that is valid is not enforced, by the names of MSFT_NetFirewallRule's EnforcementStatus."""
    if not rule.true("Active"):
        return ["DisabledObject"]
    active = {(i.profile or "public").capitalize() for i in machine.interfaces if i.status == "up"}
    own = [p for p in ("Domain", "Private", "Public") if p in (rule.all("Profile") or (p,)) and p in active]
    if not own:
        return ["InactiveProfile"]
    merge, word = (("AllowLocalPolicyMerge", "LocalFirewallRulesDisallowed") if kind.key == "FirewallRules" else
                   ("AllowLocalIPsecPolicyMerge", "LocalConsecRulesDisallowed"))
    if all(profile_value(machine, p, "EnableFirewall") == 0 for p in own):
        return ["FirewallOffInProfile"]
    if root == POLICY and all(profile_value(machine, p, merge) == 0 for p in own):
        return [word]
    if rule.has("RADynKey") and not rule.has("RA4", "RA6", "RA42", "RA62"):
        return ["RemoteAddressResolutionEmpty"]
    return []


def read(machine: "Machine") -> dict[str, list[dict[str, Any]]]:
    """SA.Read: main mode and quick mode associations with the properties that the host script lists."""
    main: list[dict[str, Any]] = []
    quick: list[dict[str, Any]] = []
    if any(machine.services.get(s) != "running" for s in ("BFE", "IKEEXT", "PolicyAgent")):
        return {"main_mode": main, "quick_mode": quick}
    machine.forget_deleted()
    for name, (root, rule) in in_force(machine, KINDS["NetIPsecRule"]).items():
        enforced = status(machine, KINDS["NetIPsecRule"], root, rule)["enforcement"] == ["Enforced"]
        if rule.one("Action") == "DoNotSecure" or not enforced:
            continue
        for local, peer in _peers(machine, rule):
            if peer not in {m["RemoteEndpoint"] for m in main}:
                main.append(_main_mode(machine, root, rule, local, peer))
                quick.append(_quick_mode(machine, root, name, rule, local, peer))
    main, quick = ([a for a in found if (mode, a["Name"]) not in machine.deleted_associations]
                   for mode, found in (("main_mode", main), ("quick_mode", quick)))
    return {"main_mode": main, "quick_mode": quick}


def delete(machine: "Machine", remote_address: str) -> dict[str, int]:
    """SA.Delete: how many associations with this peer were removed."""
    held = read(machine)
    gone = {mode: [a["Name"] for a in held[mode] if a["RemoteEndpoint"] == remote_address] for mode in held}
    machine.deleted_associations.update((mode, name) for mode, names in gone.items() for name in names)
    return {mode: len(names) for mode, names in gone.items()}


def _peers(machine: "Machine", rule: Rule) -> list[tuple[str, str]]:
    """(own address, peer) pairs: the single addresses a rule names, the first host of its subnets, else the gateway."""
    up = [i for i in machine.interfaces if i.status == "up" and i.addresses]
    if not up:
        return []
    named = []
    for value in rule.all("EP2_4", "EP2_6"):
        base, _, size = value.partition("/")
        try:
            address = ipaddress.ip_address(base.partition("-")[0])
        except ValueError:
            continue
        named.append(str(address + 10) if size and int(address) < 2**32 - 11 else str(address))
    own = [str(ipaddress.ip_interface(a).ip) for a in up[0].addresses]
    peers = [p for p in named or list(up[0].gateways) if p not in own]
    return [(o, p) for p in peers[:3] for o in own[:1]]


_CIPHERS = {"DES": 2, "3DES": 6, "AES-128": 65001, "AES-192": 65002, "AES-256": 65003, "AES-GCM128": 65004,
            "AES-GCM192": 65005, "AES-GCM256": 65006}
_HASHES = {"MD5": 2, "SHA1": 3, "SHA256": 65001, "SHA384": 65002, "AES-GCM128": 65003, "AES-GCM192": 65004,
           "AES-GCM256": 65005}
_GROUPS = {"DH1": 1, "DH2": 2, "DH2048": 14, "ECDH-256": 19, "ECDH-384": 20, "DH24": 24}
_METHODS = {"Anonymous": 1, "MachineKerb": 2, "MachineSHKey": 3, "MachineNtlm": 4, "MachineCert": 5}


def _first(machine: "Machine", root: str, rule: Rule, token: str, *values: str) -> str:
    """The first stored one of these values in the first proposal of the rule's set."""
    found = [v for value in values for v in ipsec.proposal_values(machine.registry, root, rule, token, value)[:1]]
    return found[0] if found else ""


def _id(*parts: str) -> int:
    return uuid.uuid5(uuid.NAMESPACE_OID, "|".join(parts)).int >> 96


def _main_mode(machine: "Machine", root: str, rule: Rule, local: str, peer: str) -> dict[str, Any]:
    """One main mode association; MSFT_NetMainModeSA numbers the algorithms."""
    method = _first(machine, root, rule, "Auth1Set", "Method") or "MachineKerb"
    crypto = Rule("MainModeRules", [("Crypto1Set", ipsec.SETS["Crypto1Set"].primary)])
    module = {"IkeV1": 1, "AuthIP": 2, "IkeV2": 3}.get(rule.one("KeyMod"), 1 if method == "MachineSHKey" else 2)
    own = f"{machine.name.lower()}.{machine.domain}" if machine.domain else machine.name.lower()
    return {"Name": str(_id(local, peer)), "KeyModule": module, "LocalEndpoint": local, "RemoteEndpoint": peer,
            "LocalFirstId": own if method != "MachineSHKey" else local, "LocalSecondId": "",
            "RemoteFirstId": peer, "RemoteSecondId": "", "AuthenticationMethod": _METHODS.get(method, 2),
            "CipherAlgorithm": _CIPHERS.get(_first(machine, root, crypto, "Crypto1Set", "Encryption"), 65001),
            "HashAlgorithm": _HASHES.get(_first(machine, root, crypto, "Crypto1Set", "2_1Hash", "Hash"), 3),
            "GroupId": _GROUPS.get(_first(machine, root, crypto, "Crypto1Set", "2_16KeyExchange", "KeyExchange"), 2),
            "MaxQMSAs": 0, "LifetimeSeconds": 28800, "LifetimeKilobytes": 0}


def _quick_mode(machine: "Machine", root: str, name: str, rule: Rule, local: str, peer: str) -> dict[str, Any]:
    """One quick mode association of the first proposal of the rule's set (the default one: ESP with SHA-1)."""
    def first(*values: str) -> str:
        return _first(machine, root, rule, "Crypto2Set", *values)
    number = _id(local, peer, name)
    return {"Name": str(number), "LocalEndpoint": local, "RemoteEndpoint": peer, "LocalPort": 0, "RemotePort": 0,
            "IpProtocol": int(rule.one("Protocol", "0")), "InterfaceAlias": machine.interfaces[0].alias,
            "MmSaId": _id(local, peer), "QmSaId": number % 2**32, "TransportLayerFilterName": rule.one("Name"),
            "EncapsulationMode": 1 if rule.has(*ipsec.TUNNEL) else 2, "InboundDirection": True, "PfsGroupId": 0,
            "LifetimeSeconds": 60 * int(first("TimeOutMinutes") or 60),
            "LifetimeKilobytes": int(first("TimeOutKbytes") or 100000),
            "FirstTransformType": 1 if first("Protocol") == "AH" else 2,
            "FirstIntegrityAlgorithm": _HASHES.get(first("2_1EspHash", "EspHash", "2_1AhHash", "AhHash"), 3),
            "FirstCipherAlgorithm": _CIPHERS.get(first("2_1Encryption", "Encryption"), 0), "SecondTransformType": 0,
            "SecondIntegrityAlgorithm": 0, "SecondCipherAlgorithm": 0}
