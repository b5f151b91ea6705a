"""What a cmdlet leaves in the event logs of the firewall: an event for each object that it has changed, with who did it.

Ids and fields are those of the provider's manifest (public dumps of builds 18990 and 22000), values those of published records.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ringfence.lab.machine.machine import Machine
from ringfence.lab.netsecurity.global_settings import profile_key
from ringfence.lab.netsecurity.objects import NOUNS, Noun
from ringfence.lab.registry.hive import POLICY, StoredValue
from ringfence.lab.registry.stored_rule import StoredRule

# Manifest of the provider
_WHO = ("ModifyingUser", "ModifyingApplication")
# Manifest of the provider
_STATUS = ("SchemaVersion", "RuleStatus")
# Manifest of the provider
_SETTING = ("SettingType", "SettingValueSize", "SettingValue")
# Manifest of the provider: (id of "added", fields of "added" and "modified"); the ids of "modified" and "deleted" follow
ADDED: dict[str, tuple[int, tuple[str, ...]]] = {
    "NetFirewallRule": (2004, (
        "RuleId", "RuleName", "Origin", "ApplicationPath", "ServiceName", "Direction", "Protocol", "LocalPorts", "RemotePorts",
        "Action", "Profiles", "LocalAddresses", "RemoteAddresses", "RemoteMachineAuthorizationList",
        "RemoteUserAuthorizationList", "EmbeddedContext", "Flags", "Active", "EdgeTraversal", "LooseSourceMapped",
        "SecurityOptions", *_WHO, *_STATUS, "LocalOnlyMapped")),
    "NetIPsecRule": (2012, (
        "RuleId", "RuleName", "Origin", "Active", "Protocol", "Endpoint1Ports", "Endpoint2Ports", "LocalTunnelEndpointV4",
        "LocalTunnelEndpointV6", "RemoteTunnelEndpointV4", "RemoteTunnelEndpointV6", "Phase1AuthSetId", "Phase2AuthSetId",
        "Phase2CryptoSetId", "Action", "Profiles", "Endpoint1", "Endpoint2", "MMParentRuleId", "EmbeddedContext", "Flags",
        "IsDTM", "ApplyAuthZ", "BypassTunnelIfEncrypted", "NoIPSecOnOutbound", *_WHO, *_STATUS)),
    "NetIPsecMainModeRule": (2016, (
        "RuleId", "RuleName", "Profiles", "Endpoint1", "Endpoint2", "Phase1AuthSetId", "Phase1CryptoSetId", "Flags", "Active",
        "EmbeddedContext", "Origin", *_WHO, *_STATUS)),
    "NetIPsecMainModeCryptoSet": (2020, (
        "SetId", "SetName", "EmbeddedContext", "Origin", "CryptoSetFlags", "Flags", "NumSuites", "SuitesBinaryLength",
        "CryptoSuites", "TimeOutMinutes", "TimeOutSessions", *_WHO, *_STATUS)),
    "NetIPsecQuickModeCryptoSet": (2024, (
        "SetId", "SetName", "EmbeddedContext", "Origin", "CryptoSetFlags", "Pfs", "NumSuites", "SuitesBinaryLength",
        "CryptoSuites", *_WHO, *_STATUS)),
    **dict.fromkeys(("NetIPsecPhase1AuthSet", "NetIPsecPhase2AuthSet"), (2028, (
        "SetId", "SetName", "IPsec Phase", "EmbeddedContext", "Origin", "AuthSetFlags", "NumSuites", "SuitesBinaryLength",
        "AuthenticationSuites", *_WHO, *_STATUS)))}
# Manifest of the provider
_DELETED = ("RuleId", "RuleName", *_WHO)
# [MS-FASP] 2.2.38. open: event-setting-types
PROFILE_SETTINGS = {
    "enablefirewall": 1, "donotallowexceptions": 3, "disableunicastresponsestomulticastbroadcast": 4,
    r"logging\logdroppedpackets": 5, r"logging\logsuccessfulconnections": 6, r"logging\logignoredrules": 7,
    r"logging\logfilesize": 8, r"logging\logfilepath": 9,
    "disablenotifications": 10, r"authorizedapplications\allowuserprefmerge": 11, r"globallyopenports\allowuserprefmerge": 12,
    "allowlocalpolicymerge": 13, "allowlocalipsecpolicymerge": 14, "disabledinterfaces": 15, "defaultoutboundaction": 16,
    "defaultinboundaction": 17, "disablestealthmodeipsecsecuredpacketexemption": 18}
# [MS-FASP] 2.2.42. open: event-setting-types
GLOBAL_SETTINGS = {
    "disablestatefulftp": 3, "disablestatefulpptp": 4, "saidltime": 5, "presharedkeyencoding": 6, "ipsecexempt": 7,
    "strongcrlcheck": 8, "ipsecthroughnat": 9, "ipsectunnelremotemachineauthorizationlist": 12,
    "ipsectunnelremoteuserauthorizationlist": 13, "ipsecopportunisticallymatchauthsetperkm": 14,
    "ipsectransportremotemachineauthorizationlist": 15, "ipsectransportremoteuserauthorizationlist": 16, "enablepacketqueue": 17}
# [MS-FASP] 2.2.2
PROFILES = {"Domain": 1, "Private": 2, "Public": 4}
# Published records of 22621, and detection rules. open: new-event-ids
LATER_IDS = {2002: 2083, 2003: 2082, 2004: 2071, 2005: 2073, 2006: 2052}
_ALL = 2147483647


@contextmanager
def logged(machine: Machine, user: str, program: str) -> Iterator[None]:
    """Writes what changes meanwhile in the local policy into the logs, as the deed of an account (its SID) with a program."""
    registry = machine.registry
    noted: dict[tuple[str, str], tuple[str, StoredValue | bool | None]] = {}
    registry.noted = noted
    try:
        yield
    finally:
        registry.noted = None
        for id, values, fields in _events(machine, noted):
            who = {**values, "ModifyingUser": user, "ModifyingApplication": program}
            _write(machine, id, {name: who.get(name, "") for name in fields})


Noted = Mapping[tuple[str, str], tuple[str, StoredValue | bool | None]]
Event = tuple[int, dict[str, str], tuple[str, ...]]  # id, values, fields


def _write(machine: Machine, id: int, data: Mapping[str, str]) -> None:
    later = machine.system.build >= 22621 and id in LATER_IDS
    log = machine.event_logs.connection_security if id in range(2012, 2032) else machine.event_logs.firewall
    log.write(LATER_IDS[id] if later else id, {**data, **({"ErrorCode": "0"} if later else {})},
              machine.clock.wall())


# Rename-NetFirewallRule. open: event-of-rename
def _events(machine: Machine, noted: Noted) -> Iterator[Event]:
    for noun in NOUNS.values():
        yield from (_set_events if noun.in_subkeys else _rule_events)(machine, noun, noted)
    for profile, bit in PROFILES.items():
        for setting, value in _changed(machine, noted, profile_key(POLICY, profile), PROFILE_SETTINGS):
            values = {"Profiles": str(bit), "SettingType": str(setting), "SettingValueString": value, "Origin": "1"}
            yield 2003, values, ("Profiles", *_SETTING, "SettingValueString", "Origin", *_WHO)
    for setting, value in _changed(machine, noted, POLICY, GLOBAL_SETTINGS):
        values = {"SettingType": str(setting), "SettingValueDisplay": value, "Origin": "1"}
        yield 2002, values, (*_SETTING, "SettingValueDisplay", "Origin", *_WHO)


def _changed(machine: Machine, noted: Noted, root: str, settings: Mapping[str, int]) -> Iterator[tuple[int, str]]:
    """The numbers of the values that have changed below a key, and what they hold now."""
    for place, number in settings.items():
        below, _, name = place.rpartition("\\")
        path = "\\".join(filter(None, (root, below)))
        if (path.lower(), name) in noted:
            yield number, str(machine.registry.get(path, name) or "")


def _rule_events(machine: Machine, noun: Noun, noted: Noted) -> Iterator[Event]:
    first, fields = ADDED[noun.name]
    for (path, name), (_, before) in noted.items():
        if path != noun.path(POLICY).lower() or not name or isinstance(before, bool):
            continue
        key = machine.registry.key(path)
        now = key.values.get(name) if key else None
        held = now or before
        if held is None or (before and now and before.data == now.data):
            continue
        rule = StoredRule.parse(noun.key, str(held.data))
        values = {"RuleId": held.name, "RuleName": rule.first("Name")}
        if now is None:
            yield first + 2, values, _DELETED
        else:
            yield first + (before is not None), {**values, **_of_rule(rule)}, fields


def _of_rule(rule: StoredRule) -> dict[str, str]:
    """Numbers of the maps WFDir, WFAction, WFProfileType and Protocol of the manifest; lists as they are stored."""
    profiles = sum(PROFILES.get(name, 0) for name in rule.all("Profile")) or _ALL
    major, minor = (rule.version or "2.31").split(".")[:2]
    action = {"Block": 2, "ByPass": 1}.get(rule.first("Action"), 3)
    return {"Origin": "1", "Active": str(int(rule.is_true("Active"))), "Direction": "2" if rule.first("Dir") == "Out" else "1",
            "Action": str(action), "Protocol": rule.first("Protocol", "256"), "Profiles": str(profiles),
            "LocalPorts": ",".join(rule.all("LPort", "LPort2_10")) or "*", "RemotePorts": ",".join(rule.all("RPort")) or "*",
            "LocalAddresses": ",".join(rule.all("LA4", "LA6")) or "*", "RemoteAddresses": ",".join(rule.all("RA4", "RA6")) or "*",
            "ApplicationPath": rule.first("App"), "ServiceName": rule.first("Svc"), "EmbeddedContext": rule.first("EmbedCtxt"),
            "RemoteMachineAuthorizationList": rule.first("RMauth"), "RemoteUserAuthorizationList": rule.first("RUAuth"),
            "Flags": "1", "EdgeTraversal": str(int(rule.is_true("Edge"))), "LooseSourceMapped": str(int(rule.is_true("LSM"))),
            "SecurityOptions": "0", "SchemaVersion": str(int(major) * 256 + int(minor)), "RuleStatus": "65536",
            "LocalOnlyMapped": str(int(rule.is_true("LOM"))), "Phase1AuthSetId": rule.first("Auth1Set"),
            "Phase2AuthSetId": rule.first("Auth2Set"), "Phase2CryptoSetId": rule.first("Crypto2Set")}


def _set_events(machine: Machine, noun: Noun, noted: Noted) -> Iterator[Event]:
    first, fields = ADDED[noun.name]
    parent = noun.path(POLICY)
    seen: dict[str, str] = {}
    for (path, _), (spelled, _) in noted.items():
        if path.startswith(f"{parent}\\".lower()):
            id = spelled[len(parent) + 1:].split("\\")[0]
            seen.setdefault(id.lower(), id)
    for folded, id in seen.items():
        was_there = noted.get((f"{parent}\\{folded}".lower(), ""), ("", True))[1]
        values = {"Origin": "1", "IPsec Phase": "1" if "Phase1" in noun.name else "2", "RuleStatus": "65536"}
        if machine.registry.key(f"{parent}\\{id}") is None:
            deleted: Any = ("RuleId", "RuleName", "IPsec Phase", *_WHO) if "AuthSet" in noun.name else _DELETED
            yield first + 2, {**values, "RuleId": id}, deleted
        else:
            name = noun.properties(machine, POLICY, id)["DisplayName"]
            yield first + bool(was_there), {**values, "SetId": id, "SetName": name}, fields
