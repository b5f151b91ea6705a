"""The security associations of a simulated host.

They are not negotiated: each connection security rule in force that secures has some with the peers it names, else with
the host's gateway, of the suite that its sets ask for. Deleted ones come back when the policy changes.
"""

import ipaddress
import uuid
from typing import Any

from ringfence.lab.enforcement.policy_in_force import active_store
from ringfence.lab.enforcement.rule_enforcement import rule_status
from ringfence.lab.machine.machine import Machine
from ringfence.lab.netsecurity import ipsec_rules
from ringfence.lab.netsecurity.objects import NOUNS
from ringfence.lab.registry.stored_rule import StoredRule


def read(machine: Machine) -> dict[str, list[dict[str, Any]]]:
    """SA.Read: main mode and quick mode associations with the properties that the host script lists."""
    if any(machine.services.get(s) != "running" for s in ("BFE", "IKEEXT", "PolicyAgent")):
        return {"main_mode": [], "quick_mode": []}
    _forget_deleted(machine)
    deleted = machine.deleted_associations.names
    return {mode: [a for a in associations if (mode, a["Name"]) not in deleted]
            for mode, associations in _negotiated(machine).items()}


def _negotiated(machine: Machine) -> dict[str, list[dict[str, Any]]]:
    """The associations that the policy asks for: one of each mode with every peer."""
    main: list[dict[str, Any]] = []
    quick: list[dict[str, Any]] = []
    noun = NOUNS["NetIPsecRule"]
    for name, (root, rule) in active_store(machine, noun).items():
        enforced = rule_status(machine, noun, root, rule)["enforcement"] == ["Enforced"]
        if rule.first("Action") == "DoNotSecure" or not enforced:
            continue
        for local, peer in _peers(machine, rule):
            if peer not in {m["RemoteEndpoint"] for m in main}:
                main.append(_main_mode(machine, root, rule, local, peer))
                quick.append(_quick_mode(machine, root, name, rule, local, peer))
    return {"main_mode": main, "quick_mode": quick}


def _forget_deleted(machine: Machine) -> None:
    """Associations that were deleted are negotiated anew once the policy has changed."""
    deleted, generation = machine.deleted_associations, machine.registry.generation
    if deleted.generation != generation:
        deleted.generation = generation
        deleted.names.clear()


def delete(machine: Machine, remote_address: str) -> dict[str, int]:
    """SA.Delete: how many associations with this peer were removed."""
    gone = {mode: [a["Name"] for a in associations if a["RemoteEndpoint"] == remote_address]
            for mode, associations in read(machine).items()}
    machine.deleted_associations.names.update((mode, name) for mode, names in gone.items() for name in names)
    return {mode: len(names) for mode, names in gone.items()}


def _peers(machine: Machine, rule: StoredRule) -> list[tuple[str, str]]:
    """(own address, peer) pairs: the single addresses a rule names, the first host of its subnets, else the gateway."""
    up = [i for i in machine.interfaces if i.status == "up" and i.addresses]
    if not up:
        return []
    named: list[str] = []
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


def _of_first_proposal(machine: Machine, root: str, rule: StoredRule, token: str, *values: str) -> str:
    """The first stored one of these values in the first proposal of the rule's set."""
    for value in values:
        if stored := ipsec_rules.proposal_values(machine.registry, root, rule, token, value):
            return stored[0]
    return ""


def _id(*parts: str) -> int:
    return uuid.uuid5(uuid.NAMESPACE_OID, "|".join(parts)).int >> 96


def _main_mode(machine: Machine, root: str, rule: StoredRule, local: str, peer: str) -> dict[str, Any]:
    """One main mode association; MSFT_NetMainModeSA numbers the algorithms."""
    method = _of_first_proposal(machine, root, rule, "Auth1Set", "Method") or "MachineKerb"
    crypto = StoredRule("MainModeRules", [("Crypto1Set", ipsec_rules.SETS["Crypto1Set"].primary)])
    module = {"IkeV1": 1, "AuthIP": 2, "IkeV2": 3}.get(rule.first("KeyMod"), 1 if method == "MachineSHKey" else 2)
    own = f"{machine.name.lower()}.{machine.domain}" if machine.domain else machine.name.lower()
    return {"Name": str(_id(local, peer)), "KeyModule": module, "LocalEndpoint": local, "RemoteEndpoint": peer,
            "LocalFirstId": own if method != "MachineSHKey" else local, "LocalSecondId": "",
            "RemoteFirstId": peer, "RemoteSecondId": "", "AuthenticationMethod": _METHODS.get(method, 2),
            "CipherAlgorithm": _CIPHERS.get(_of_first_proposal(machine, root, crypto, "Crypto1Set", "Encryption"), 65001),
            "HashAlgorithm": _HASHES.get(_of_first_proposal(machine, root, crypto, "Crypto1Set", "2_1Hash", "Hash"), 3),
            "GroupId": _GROUPS.get(_of_first_proposal(machine, root, crypto, "Crypto1Set", "2_16KeyExchange", "KeyExchange"), 2),
            "MaxQMSAs": 0, "LifetimeSeconds": 28800, "LifetimeKilobytes": 0}


def _quick_mode(machine: Machine, root: str, name: str, rule: StoredRule, local: str, peer: str) -> dict[str, Any]:
    """One quick mode association of the first proposal of the rule's set (the default one: ESP with SHA-1)."""

    def first(*values: str) -> str:
        return _of_first_proposal(machine, root, rule, "Crypto2Set", *values)

    number = _id(local, peer, name)
    return {"Name": str(number), "LocalEndpoint": local, "RemoteEndpoint": peer, "LocalPort": 0, "RemotePort": 0,
            "IpProtocol": int(rule.first("Protocol", "0")), "InterfaceAlias": machine.interfaces[0].alias,
            "MmSaId": _id(local, peer), "QmSaId": number % 2**32, "TransportLayerFilterName": rule.first("Name"),
            "EncapsulationMode": 1 if rule.has(*ipsec_rules.TUNNEL) else 2, "InboundDirection": True, "PfsGroupId": 0,
            "LifetimeSeconds": 60 * int(first("TimeOutMinutes") or 60),
            "LifetimeKilobytes": int(first("TimeOutKbytes") or 100000),
            "FirstTransformType": 1 if first("Protocol") == "AH" else 2,
            "FirstIntegrityAlgorithm": _HASHES.get(first("2_1EspHash", "EspHash", "2_1AhHash", "AhHash"), 3),
            "FirstCipherAlgorithm": _CIPHERS.get(first("2_1Encryption", "Encryption"), 0), "SecondTransformType": 0,
            "SecondIntegrityAlgorithm": 0, "SecondCipherAlgorithm": 0}
