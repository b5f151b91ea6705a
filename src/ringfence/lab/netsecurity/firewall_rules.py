"""Firewall rules: New- and Set-NetFirewallRule parameters to registry tokens, and what Windows refuses of them.

Defaults: wfas semantics of New-NetFirewallRule; refusals: MS-FASP 2.2.37 with the FW_RULE_STATUS codes.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ringfence.lab.machine.machine import Machine
from ringfence.lab.netsecurity import parameter_values
from ringfence.lab.netsecurity.cmdlet_errors import Check, refuse_first, rule_error
from ringfence.lab.registry.stored_rule import StoredRule

# [MS-GPFAS] 2.2.2.20. open: dynamic-target-list
TARGETS = {"ProximityApps": ("TTK", "Proximity"), "ProximitySharing": ("TTK", "ProxSharing"),
           "WifiDirectPrinting": ("TTK2_22", "WFDPrint"), "WifiDirectDisplay": ("TTK2_22", "WFDDisplay"),
           "WifiDirectDevices": ("TTK2_22", "WFDDevices")}
# [MS-GPFAS] 2.2.2.8
INTERFACE_TYPES = {"Wired": "Lan", "Wireless": "Wireless", "RemoteAccess": "RemoteAccess"}
# [MS-GPFAS] 2.2.2.15; DeferToApp with Edge as in all real strings, against the text of 0x001000A2 in FW_RULE_STATUS
EDGES: dict[str, tuple[tuple[str, str], ...]] = {
    "Block": (), "Allow": (("Edge", "TRUE"),), "DeferToApp": (("Edge", "TRUE"), ("Defer", "App")),
    "DeferToUser": (("Defer", "User"),)}
# [MS-GPFAS] 2.2.2.2, 2.2.2.3
PORTS = ("LPort", "LPort2_10", "LPort2_20", "LPort2_24", "LPort2_29", "RPort", "RPort2_10", "RPort2_25")
LOCAL, REMOTE = ("LA4", "LA6"), ("RA4", "RA6", "RA42", "RA62", "RADynKey")

# token: (first schema version that knows it, the code of its refusal on older ones)
# [MS-GPFAS] 2.2.2.19, FW_RULE_STATUS, the codes that end in _VER
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


# FW_RULE_STATUS, the codes that end in _VER; [MS-GPFAS] 2.2.2
def known_to(rule: StoredRule, schema: str) -> None:
    """Refuses what the machine's schema version does not know yet (the `…_VER` codes)."""
    major, minor = (int(n) for n in schema.split("."))
    for token, (since, code) in VERSIONS.items():
        if rule.has(token) and (major, minor) < since:
            https = any(v.startswith(("IPTLS", "IPHTTPS")) for v in rule.all(token))
            raise rule_error(0x001000BB if https else code)
    if (major, minor) < (2, 30) and "CaptivePortal" in rule.all("RA42", "RA62"):
        raise rule_error(0x001000F3)


def common(rule: StoredRule, arguments: Mapping[str, Any], machine: Machine) -> None:
    """The parameters that firewall, connection security and main mode rules share."""
    for parameter in ("DisplayName", "NewDisplayName"):
        if parameter in arguments:
            rule.replace("Name", ("Name", parameter_values.display_name(arguments[parameter])))
    if "Description" in arguments:
        rule.replace("Desc", ("Desc", parameter_values.text(arguments["Description"], 0x00080002)))
    if "Group" in arguments:
        rule.replace("EmbedCtxt", ("EmbedCtxt", parameter_values.text(arguments["Group"], 0x00080007)))
    if "Enabled" in arguments:
        rule.replace("Active", ("Active", arguments["Enabled"].upper()))
    if "Profile" in arguments:
        rule.replace("Profile", *parameter_values.profiles(arguments["Profile"]))
    if "Platform" in arguments:
        rule.replace("Platform Platform2", *parameter_values.platforms(arguments["Platform"]))
    if "Protocol" in arguments:
        rule.replace("Protocol", ("Protocol", parameter_values.protocol(arguments["Protocol"])))
    if "InterfaceAlias" in arguments:
        rule.replace("IF", *[("IF", guid) for guid in parameter_values.interface_guids(machine, arguments["InterfaceAlias"])])
    if "InterfaceType" in arguments:
        types = arguments["InterfaceType"]
        rule.replace("IFType IFType2_23", *[("IFType", INTERFACE_TYPES[k]) for k in types if k != "Any"])


def apply(rule: StoredRule, arguments: Mapping[str, Any], machine: Machine) -> None:
    """Writes the bound parameters of New- or Set-NetFirewallRule into the rule; what is not given stays."""
    common(rule, arguments, machine)
    if "Direction" in arguments:
        rule.replace("Dir", ("Dir", "In" if arguments["Direction"] == "Inbound" else "Out"))
    if "LocalAddress" in arguments:
        rule.replace("LA4 LA6", *parameter_values.addresses(arguments["LocalAddress"], "LA4", "LA6", keywords=False))
    if "RemoteAddress" in arguments:
        rule.replace("RA4 RA6 RA42 RA62", *parameter_values.addresses(
            arguments["RemoteAddress"], "RA4", "RA6", keywords=True, later=True))
    if "RemoteDynamicKeywordAddresses" in arguments:
        rule.replace("RADynKey", *[("RADynKey", parameter_values.guid(v)) for v in arguments["RemoteDynamicKeywordAddresses"]])
    if "LocalPort" in arguments:
        rule.replace("LPort LPort2_10 LPort2_20 LPort2_24 LPort2_29", *parameter_values.local_ports(arguments["LocalPort"]))
    if "RemotePort" in arguments:
        rule.replace("RPort RPort2_10 RPort2_25", *parameter_values.remote_ports(arguments["RemotePort"]))
    if "IcmpType" in arguments:
        _icmp(rule, arguments["IcmpType"])
    if "Program" in arguments:
        rule.replace("App", ("App", parameter_values.program(arguments["Program"])))
    if "Service" in arguments:
        rule.replace("Svc", ("Svc", parameter_values.service(arguments["Service"])))
    if "DynamicTarget" in arguments:
        rule.replace("TTK TTK2_22 TTK2_27 TTK2_28", *[TARGETS[t] for t in arguments["DynamicTarget"] if t != "Any"])
    if "EdgeTraversalPolicy" in arguments:
        rule.replace("Edge Defer", *EDGES[arguments["EdgeTraversalPolicy"]])
    for parameter, token in (("LooseSourceMapping", "LSM"), ("LocalOnlyMapping", "LOM")):
        if parameter in arguments:
            rule.replace(token, (token, parameter_values.stored_bool(arguments[parameter])))
    _principals(rule, arguments)
    _security(rule, arguments)


# [MS-FASP] 2.2.37
def _icmp(rule: StoredRule, values: list[str]) -> None:
    types = parameter_values.icmp_types(values)
    token = {"1": "ICMP4", "58": "ICMP6"}.get(rule.first("Protocol"))
    if types and not token:
        raise rule_error(0x001000A1, "IcmpType needs the protocol ICMPv4 or ICMPv6.")
    rule.replace("ICMP4 ICMP6", *[(token or "", t) for t in types])


# [MS-GPFAS] 2.2.2.19. open: platform-added
def _principals(rule: StoredRule, arguments: Mapping[str, Any]) -> None:
    """Package, Owner, LocalUser (these make Windows add the platform 6.2+), RemoteMachine, RemoteUser."""
    if "Package" in arguments:
        rule.replace("AppPkgId", ("AppPkgId", parameter_values.sid(arguments["Package"], 0x00100100, "S-1-15-2-")))
    if "Owner" in arguments:
        rule.replace("LUOwn", ("LUOwn", parameter_values.owner(arguments["Owner"])))
    if "LocalUser" in arguments:
        value = parameter_values.sddl(arguments["LocalUser"], 0x00080012, conditional=True)
        if value.upper().find("(XA;") >= 0 or value.upper().find("(XD;") >= 0:
            rule.replace("LUAuth LUAuth2_24", ("LUAuth2_24", base64.b64encode(value.encode("utf-16-le")).decode()))
        else:
            rule.replace("LUAuth LUAuth2_24", ("LUAuth", value))
    if "RemoteMachine" in arguments:
        rule.replace("RMauth", ("RMauth", parameter_values.sddl(arguments["RemoteMachine"], 0x00080005)))
    if "RemoteUser" in arguments:
        rule.replace("RUAuth", ("RUAuth", parameter_values.sddl(arguments["RemoteUser"], 0x00080006)))
    if rule.has("AppPkgId", "LUOwn", "LUAuth", "LUAuth2_24") and not rule.has("Platform"):
        rule.replace("Platform Platform2", ("Platform", "2:6:2"), ("Platform2", "GTEQ"))


@dataclass(frozen=True, slots=True)
class _Security:
    """Action, Authentication, Encryption and OverrideBlockRules of a rule, which share their tokens."""

    action: str
    authentication: str
    encryption: str
    override: bool
    outbound: bool
    named_remotes: bool  # RemoteMachine or RemoteUser

    @property
    def blocks_or_trusts_anybody(self) -> bool:
        """Whether the rule blocks, or takes a peer that has not shown who it is."""
        return self.action == "Block" or self.authentication == "NotRequired"


# [MS-FASP] 2.2.34, 2.2.37, FW_RULE_STATUS. open: bypass-list
_SECURITY_CHECKS: tuple[Check[_Security], ...] = (
    (0x00100080, "", lambda s: s.action == "NotConfigured"),
    (0x00100083, "", lambda s: s.action == "Block" and (s.authentication, s.encryption) != ("NotRequired", "NotRequired")),
    (0x001000B8, "Encryption needs Authentication Required.",
     lambda s: s.encryption != "NotRequired" and s.authentication == "NoEncap"),
    (0x001000B4, "Encryption needs Authentication Required.",
     lambda s: s.encryption != "NotRequired" and s.authentication != "Required"),
    (0x001000BE, "", lambda s: s.encryption == "Dynamic" and s.outbound),
    (0x001000A3, "", lambda s: s.override and s.outbound and s.blocks_or_trusts_anybody),
    (0x00100081, "", lambda s: s.override and not s.outbound and (s.blocks_or_trusts_anybody or not s.named_remotes)),
)


def _security(rule: StoredRule, arguments: Mapping[str, Any]) -> None:
    """Writes Action and the three parameters that go with it (MS-GPFAS 2.2.2.6, MS-FASP 2.2.35)."""
    security = _asked_security(rule, arguments)
    refuse_first(_SECURITY_CHECKS, security)
    rule.replace("Action", ("Action", "ByPass" if security.override and not security.outbound else security.action))
    if security.encryption != "NotRequired":
        stored = "AuthenticateEncrypt"
    else:
        stored = "" if security.authentication == "NotRequired" else "Authenticate"
    rule.replace("Security Security2 Security2_9", ("Security", stored),
                 ("Security2_9", "An-NoEncap" if security.authentication == "NoEncap" else ""),
                 ("Security2", "AnE-Nego" if security.encryption == "Dynamic" else ""))
    rule.replace("AuthByPassOut", ("AuthByPassOut", parameter_values.stored_bool(security.override and security.outbound)))


def _asked_security(rule: StoredRule, arguments: Mapping[str, Any]) -> _Security:
    """What the parameters ask for; what they leave out is as the rule has it."""
    stored = rule.first("Security")
    authentication = arguments.get("Authentication") or (
        "NoEncap" if rule.has("Security2_9") else "Required" if stored else "NotRequired")
    encryption = arguments.get("Encryption") or (
        "Dynamic" if rule.has("Security2") else "Required" if stored == "AuthenticateEncrypt" else "NotRequired")
    override = arguments.get("OverrideBlockRules", rule.first("Action") == "ByPass" or rule.is_true("AuthByPassOut"))
    action = arguments.get("Action") or ("Block" if rule.first("Action") == "Block" else "Allow")
    return _Security(action, authentication, encryption, override, _is_outbound(rule), rule.has("RMauth", "RUAuth"))


# [MS-FASP] 2.2.37
_PROTOCOL_CHECKS: tuple[Check[StoredRule], ...] = (
    (0x001000A1, "", lambda r: r.has(*PORTS) and r.first("Protocol") not in ("6", "17")),
    (0x001000A1, "", lambda r: r.has("ICMP4") and r.first("Protocol") != "1"),
    (0x001000A1, "", lambda r: r.has("ICMP6") and r.first("Protocol") != "58"),
)
# [MS-FASP] 2.2.37, FW_RULE_STATUS. open: local-address-and-interface, remote-machine-outbound
_RULE_CHECKS: tuple[Check[StoredRule], ...] = (
    (0x00100021, "Keyword IPHTTPSOut.",
     lambda r: "IPHTTPSOut" in r.all("RPort2_10") and (not _is_outbound(r) or r.first("Protocol") != "6")),
    (0x0010004B, "", lambda r: r.has(*LOCAL) and r.has("IF", "IFType", "IFType2_23")),
    (0x001000A2, "Edge traversal is for inbound rules.", lambda r: _is_outbound(r) and (r.is_true("Edge") or r.has("Defer"))),
    (0x001000A4, "", lambda r: r.first("Defer") == "User" and not _defers_to_user(r)),
    (0x001000B0, "LooseSourceMapping is for outbound rules, not for TCP, not with authentication.",
     lambda r: r.is_true("LSM") and (not _is_outbound(r) or r.first("Protocol") == "6" or r.has("Security"))),
    (0x00100200, "", lambda r: r.has("TTK", "TTK2_22", "TTK2_27", "TTK2_28") and r.has(*LOCAL, *REMOTE, *PORTS)),
    (0x001000C0, "", lambda r: r.has("RMauth", "RUAuth") and not r.has("Security")),
    (0x001000C1, "", lambda r: r.has("RUAuth") and _is_outbound(r)),
    (0x001000C2, "", lambda r: r.has("Svc") and r.has("LUAuth", "LUAuth2_24")),
    (0x001000C4, "", lambda r: r.has("Svc") and r.has("LUOwn")),
)


# [MS-FASP] 2.2.37
def check(rule: StoredRule, schema: str) -> None:
    """What the firewall service refuses of a whole rule."""
    known_to(rule, schema)
    refuse_first(_PROTOCOL_CHECKS, rule)
    for protocol, tokens in parameter_values.LOCAL_PORT_WORDS.values():
        if tokens[0] in rule.pairs and (_is_outbound(rule) or rule.first("Protocol") != protocol):
            raise rule_error(0x00100021, f"Keyword {tokens[-1][1]}.")
    refuse_first(_RULE_CHECKS, rule)


def _is_outbound(rule: StoredRule) -> bool:
    return rule.first("Dir") == "Out"


def _defers_to_user(rule: StoredRule) -> bool:
    """Edge traversal is left to the user for an application over TCP or UDP, where nothing else narrows the rule."""
    narrowing = (*PORTS, *LOCAL, *REMOTE, "IF", "IFType", "Svc", "RMauth", "RUAuth", "LUAuth", "LUOwn", "AppPkgId",
                 "Security", "TTK", "TTK2_22")
    return rule.has("App") and rule.first("Protocol") in ("6", "17") and not rule.has(*narrowing)
