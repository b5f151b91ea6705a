"""Firewall rules: New- and Set-NetFirewallRule parameters to registry tokens, and what Windows refuses of them.

Defaults: wfas semantics of New-NetFirewallRule; refusals: MS-FASP 2.2.37 with the FW_RULE_STATUS codes.
"""

import base64
from collections.abc import Callable, Mapping
from typing import Any

from ringfence.lab import netsecurity_words as words
from ringfence.lab.failures import status
from ringfence.lab.rulestring import Rule

TARGETS = {"ProximityApps": ("TTK", "Proximity"), "ProximitySharing": ("TTK", "ProxSharing"),
           "WifiDirectPrinting": ("TTK2_22", "WFDPrint"), "WifiDirectDisplay": ("TTK2_22", "WFDDisplay"),
           "WifiDirectDevices": ("TTK2_22", "WFDDevices")}
INTERFACE_TYPES = {"Wired": "Lan", "Wireless": "Wireless", "RemoteAccess": "RemoteAccess"}
EDGES: dict[str, tuple[tuple[str, str], ...]] = {
    "Block": (), "Allow": (("Edge", "TRUE"),), "DeferToApp": (("Edge", "TRUE"), ("Defer", "App")),
    "DeferToUser": (("Defer", "User"),)}
PORTS = ("LPort", "LPort2_10", "LPort2_20", "LPort2_24", "LPort2_29", "RPort", "RPort2_10", "RPort2_25")
LOCAL, REMOTE = ("LA4", "LA6"), ("RA4", "RA6", "RA42", "RA62", "RADynKey")

# token: (first schema version that knows it, the code of its refusal on older ones)
VERSIONS = {
    "LPort2_10": ((2, 10), 0x001000BC), "RPort2_10": ((2, 10), 0x001000BC), "Defer": ((2, 10), 0x001000BD),
    "Security2": ((2, 10), 0x001000B5), "Security2_9": ((2, 9), 0x001000B7), "AuthByPassOut": ((2, 10), 0x001000BF),
    "RA42": ((2, 20), 0x001000F3), "RA62": ((2, 20), 0x001000F3), "LUAuth": ((2, 20), 0x001000C3),
    "LUOwn": ((2, 20), 0x001000C5), "AppPkgId": ((2, 20), 0x00100101), "LOM": ((2, 20), 0x001000D1),
    "TTK": ((2, 20), 0x00100202), "TTK2_22": ((2, 22), 0x00100202), "LUAuth2_24": ((2, 24), 0x001000C6),
    "RADynKey": ((2, 31), 0x00107004), "KeyMod": ((2, 20), 0x001000F4), "SecureInClearOut": ((2, 10), 0x001000B9),
    "ByPassTunnel": ((2, 10), 0x001000B9), "Authz": ((2, 10), 0x001000B9), "KeyManagerDictate": ((2, 20), 0x00100512),
    "KeyManagerNotify": ((2, 20), 0x00100513), "TransportMachineAuthzSDDL": ((2, 20), 0x00100514),
    "TransportUserAuthzSDDL": ((2, 20), 0x00100515), "LTunnel4_2": ((2, 10), 0x0010004E),
    "LTunnel6_2": ((2, 10), 0x0010004E), "RTunnel4_2": ((2, 10), 0x0010004E), "RTunnel6_2": ((2, 10), 0x0010004E),
}
Aliases = Callable[[list[str]], list[str]]


def known_to(rule: Rule, schema: str) -> None:
    """Refuses what the machine's schema version does not know yet (the `…_VER` codes)."""
    major, minor = (int(n) for n in schema.split("."))
    for token, (since, code) in VERSIONS.items():
        if rule.has(token) and (major, minor) < since:
            https = any(v.startswith(("IPTLS", "IPHTTPS")) for v in rule.all(token))
            raise status(0x001000BB if https else code)
    if (major, minor) < (2, 30) and "CaptivePortal" in rule.all("RA42", "RA62"):
        raise status(0x001000F3)


def common(rule: Rule, given: Mapping[str, Any], aliases: Aliases) -> None:
    """The parameters that firewall, connection security and main mode rules share."""
    for parameter in ("DisplayName", "NewDisplayName"):
        if parameter in given:
            rule.put("Name", ("Name", words.display_name(given[parameter])))
    if "Description" in given:
        rule.put("Desc", ("Desc", words.text(given["Description"], 0x00080002)))
    if "Group" in given:
        rule.put("EmbedCtxt", ("EmbedCtxt", words.text(given["Group"], 0x00080007)))
    if "Enabled" in given:
        rule.put("Active", ("Active", given["Enabled"].upper()))
    if "Profile" in given:
        rule.put("Profile", *words.profiles(given["Profile"]))
    if "Platform" in given:
        rule.put("Platform Platform2", *words.platforms(given["Platform"]))
    if "Protocol" in given:
        rule.put("Protocol", ("Protocol", words.protocol(given["Protocol"])))
    if "InterfaceAlias" in given:
        rule.put("IF", *[("IF", guid) for guid in aliases(given["InterfaceAlias"])])
    if "InterfaceType" in given:
        kinds = given["InterfaceType"]
        rule.put("IFType IFType2_23", *[("IFType", INTERFACE_TYPES[k]) for k in kinds if k != "Any"])


def apply(rule: Rule, given: Mapping[str, Any], aliases: Aliases) -> None:
    """Writes the bound parameters of New- or Set-NetFirewallRule into the rule; what is not given stays."""
    common(rule, given, aliases)
    if "Direction" in given:
        rule.put("Dir", ("Dir", "In" if given["Direction"] == "Inbound" else "Out"))
    if "LocalAddress" in given:
        rule.put("LA4 LA6", *words.addresses(given["LocalAddress"], "LA4", "LA6", words=False))
    if "RemoteAddress" in given:
        rule.put("RA4 RA6 RA42 RA62", *words.addresses(given["RemoteAddress"], "RA4", "RA6", words=True, later=True))
    if "RemoteDynamicKeywordAddresses" in given:
        rule.put("RADynKey", *[("RADynKey", words.guid(v)) for v in given["RemoteDynamicKeywordAddresses"]])
    if "LocalPort" in given:
        rule.put("LPort LPort2_10 LPort2_20 LPort2_24 LPort2_29", *words.local_ports(given["LocalPort"]))
    if "RemotePort" in given:
        rule.put("RPort RPort2_10 RPort2_25", *words.remote_ports(given["RemotePort"]))
    if "IcmpType" in given:
        _icmp(rule, given["IcmpType"])
    if "Program" in given:
        rule.put("App", ("App", words.program(given["Program"])))
    if "Service" in given:
        rule.put("Svc", ("Svc", words.service(given["Service"])))
    if "DynamicTarget" in given:
        rule.put("TTK TTK2_22 TTK2_27 TTK2_28", *[TARGETS[t] for t in given["DynamicTarget"] if t != "Any"])
    if "EdgeTraversalPolicy" in given:
        rule.put("Edge Defer", *EDGES[given["EdgeTraversalPolicy"]])
    for parameter, token in (("LooseSourceMapping", "LSM"), ("LocalOnlyMapping", "LOM")):
        if parameter in given:
            rule.put(token, (token, words.truth(given[parameter])))
    _principals(rule, given)
    _security(rule, given)


def _icmp(rule: Rule, values: list[str]) -> None:
    types = words.icmp_types(values)
    token = {"1": "ICMP4", "58": "ICMP6"}.get(rule.one("Protocol"))
    if types and not token:
        raise status(0x001000A1, "IcmpType needs the protocol ICMPv4 or ICMPv6.")
    rule.put("ICMP4 ICMP6", *[(token or "", t) for t in types])


def _principals(rule: Rule, given: Mapping[str, Any]) -> None:
    """Package, Owner, LocalUser (these make Windows add the platform 6.2+), RemoteMachine, RemoteUser."""
    if "Package" in given:
        rule.put("AppPkgId", ("AppPkgId", words.sid(given["Package"], 0x00100100, "S-1-15-2-")))
    if "Owner" in given:
        rule.put("LUOwn", ("LUOwn", words.owner(given["Owner"])))
    if "LocalUser" in given:
        value = words.sddl(given["LocalUser"], 0x00080012, conditional=True)
        if value.upper().find("(XA;") >= 0 or value.upper().find("(XD;") >= 0:
            rule.put("LUAuth LUAuth2_24", ("LUAuth2_24", base64.b64encode(value.encode("utf-16-le")).decode()))
        else:
            rule.put("LUAuth LUAuth2_24", ("LUAuth", value))
    if "RemoteMachine" in given:
        rule.put("RMauth", ("RMauth", words.sddl(given["RemoteMachine"], 0x00080005)))
    if "RemoteUser" in given:
        rule.put("RUAuth", ("RUAuth", words.sddl(given["RemoteUser"], 0x00080006)))
    if rule.has("AppPkgId", "LUOwn", "LUAuth", "LUAuth2_24") and not rule.has("Platform"):
        rule.put("Platform Platform2", ("Platform", "2:6:2"), ("Platform2", "GTEQ"))


def _security(rule: Rule, given: Mapping[str, Any]) -> None:
    """Action, Authentication, Encryption and OverrideBlockRules share their tokens (MS-GPFAS 2.2.2.6, MS-FASP 2.2.35)."""
    held = rule.one("Security")
    authentication = given.get("Authentication") or (
        "NoEncap" if rule.has("Security2_9") else "Required" if held else "NotRequired")
    encryption = given.get("Encryption") or (
        "Dynamic" if rule.has("Security2") else "Required" if held == "AuthenticateEncrypt" else "NotRequired")
    override = given.get("OverrideBlockRules", rule.one("Action") == "ByPass" or rule.true("AuthByPassOut"))
    action = given.get("Action") or ("Block" if rule.one("Action") == "Block" else "Allow")
    outbound = rule.one("Dir") == "Out"
    if action == "NotConfigured":
        raise status(0x00100080)
    if action == "Block" and (authentication != "NotRequired" or encryption != "NotRequired"):
        raise status(0x00100083)
    if encryption != "NotRequired" and authentication != "Required":
        raise status(0x001000B8 if authentication == "NoEncap" else 0x001000B4, "Encryption needs Authentication Required.")
    if encryption == "Dynamic" and outbound:
        raise status(0x001000BE)
    if override and outbound and (authentication == "NotRequired" or action == "Block"):
        raise status(0x001000A3)
    if override and not outbound and (action == "Block" or authentication == "NotRequired"
                                      or not rule.has("RMauth", "RUAuth")):
        raise status(0x00100081)
    secure = {"NotRequired": "", "Required": "Authenticate", "NoEncap": "Authenticate"}[authentication]
    rule.put("Action", ("Action", "ByPass" if override and not outbound else action))
    rule.put("Security Security2 Security2_9",
             ("Security", "AuthenticateEncrypt" if encryption != "NotRequired" else secure),
             ("Security2_9", "An-NoEncap" if authentication == "NoEncap" else ""),
             ("Security2", "AnE-Nego" if encryption == "Dynamic" else ""))
    rule.put("AuthByPassOut", ("AuthByPassOut", words.truth(override and outbound)))


def check(rule: Rule, schema: str) -> None:
    """What the firewall service refuses of a whole rule."""
    known_to(rule, schema)
    protocol, outbound = rule.one("Protocol"), rule.one("Dir") == "Out"
    if (rule.has(*PORTS) and protocol not in ("6", "17")) or (rule.has("ICMP4") and protocol != "1") or (
            rule.has("ICMP6") and protocol != "58"):
        raise status(0x001000A1)
    for of, pairs in words.LOCAL_PORT_WORDS.values():
        if pairs[0] in rule.pairs and (outbound or protocol != of):
            raise status(0x00100021, f"Keyword {pairs[-1][1]}.")
    if "IPHTTPSOut" in rule.all("RPort2_10") and (not outbound or protocol != "6"):
        raise status(0x00100021, "Keyword IPHTTPSOut.")
    if rule.has(*LOCAL) and rule.has("IF", "IFType", "IFType2_23"):
        raise status(0x0010004B)
    if outbound and rule.has("Edge", "Defer"):
        raise status(0x001000A2, "Edge traversal is for inbound rules.")
    if rule.one("Defer") == "User" and not _defers_to_user(rule):
        raise status(0x001000A4)
    if rule.true("LSM") and (not outbound or protocol == "6" or rule.has("Security")):
        raise status(0x001000B0, "LooseSourceMapping is for outbound rules, not for TCP, not with authentication.")
    if rule.has("TTK", "TTK2_22", "TTK2_27", "TTK2_28") and rule.has(*LOCAL, *REMOTE, *PORTS):
        raise status(0x00100200)
    _check_principals(rule, outbound)


def _check_principals(rule: Rule, outbound: bool) -> None:
    if rule.has("RMauth", "RUAuth") and not rule.has("Security"):
        raise status(0x001000C0)
    if rule.has("RUAuth") and outbound:
        raise status(0x001000C1)
    if rule.has("Svc") and rule.has("LUAuth", "LUAuth2_24"):
        raise status(0x001000C2)
    if rule.has("Svc") and rule.has("LUOwn"):
        raise status(0x001000C4)


def _defers_to_user(rule: Rule) -> bool:
    conditions = (*PORTS, *LOCAL, *REMOTE, "IF", "IFType", "Svc", "RMauth", "RUAuth", "LUAuth", "LUOwn", "AppPkgId",
                  "Security", "TTK", "TTK2_22")
    return rule.has("App") and rule.one("Protocol") in ("6", "17") and not rule.has(*conditions)
