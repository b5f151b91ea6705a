"""firewall_rule: one rule of Windows Defender Firewall (New-, Set-, Remove-NetFirewallRule)."""

import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import fields, replace

from ringfence.codecs.tokens import ProtocolAndIcmp, Text, TextOrBase64, TokenSet, TruthTable, no_word, switch
from ringfence.diagnostics import Finding
from ringfence.model.filter import Filter, is_condition
from ringfence.model.narrowing import (
    SENSITIVE_PORTS,
    Narrowing,
    is_narrowed,
    never,
    not_everybody,
    one_package,
    one_program,
    some_accounts,
    some_ports,
)
from ringfence.model.phrase import Phrase
from ringfence.model.resource import prop, resource
from ringfence.model.rules import (
    INTERFACE,
    INTERFACE_TYPE,
    INTERFACE_TYPES,
    LOCAL_ADDRESS,
    NAME,
    PATH,
    REMOTE_ADDRESS,
    Rule,
    addresses,
    check_lengths,
    check_reach,
    ports,
    protocol_words,
    reject,
)
from ringfence.model.storage import RuleStrings
from ringfence.types import sddl
from ringfence.types.base import case_insensitive, list_of
from ringfence.types.enums import BOOL, choice, flags_of, with_hints
from ringfence.types.foreign_words import VALUES
from ringfence.types.network import ICMP_TYPES, PROTOCOL, PROTOCOLS, icmp_type, interfaces, port, protocol
from ringfence.types.network_sets import port_set
from ringfence.types.packages import PACKAGE_FAMILY
from ringfence.types.text import text

ORDER = (
    "Action Active Dir Protocol Profile LPort LPort2_10 LPort2_20 LPort2_24 LPort2_29 RPort RPort2_10 RPort2_25 ICMP4 ICMP6 "
    "RA42 RA62 LA4 LA6 RA4 RA6 IF IFType App Svc Name Desc RMauth RUAuth LUAuth LUAuth2_24 PFN LUOwn AppPkgId EmbedCtxt "
    "Platform Platform2 TTK TTK2_22 TTK2_27 TTK2_28 Edge Defer LSM LOM PCross Security Security2 Security2_9 AuthByPassOut"
)

# Truth tables: each row is a fragment of the rule string ([MS-GPFAS] 2.2.2.5, .6, .15; reference grammar 3.1)
DIRECTION_ACTION = TruthTable(
    {
        ("inbound", "allow", False): "Action=Allow|Dir=In",
        ("outbound", "allow", False): "Action=Allow|Dir=Out",
        ("inbound", "block", False): "Action=Block|Dir=In",
        ("outbound", "block", False): "Action=Block|Dir=Out",
        ("inbound", "allow", True): "Action=ByPass|Dir=In",
        ("outbound", "allow", True): "Action=Allow|Dir=Out|AuthByPassOut=TRUE",
    },
    same_as_absent="AuthByPassOut=FALSE",
)
SECURITY = TruthTable({("not_required", "not_required"): "",
                 ("required", "not_required"): "Security=Authenticate",
                 ("no_encap", "not_required"): "Security=Authenticate|Security2_9=An-NoEncap",
                 ("required", "required"): "Security=AuthenticateEncrypt",
                 ("required", "dynamic"): "Security=AuthenticateEncrypt|Security2=AnE-Nego"})
EDGE = TruthTable({"block": "", "allow": "Edge=TRUE", "defer_to_app": "Edge=TRUE|Defer=App", "defer_to_user": "Defer=User"},
            same_as_absent="Edge=FALSE")
LOCAL_PORT = ports("LPort", "LPort2_20", "LPort2_24", "LPort2_29", keywords={
    "RPC": "LPort=RPC", "RPCEPMap": "LPort=RPC-EPMap", "Teredo": "LPort=Teredo", "mDNS": "LPort2_24=mDNS",
    "IPHTTPSIn": "LPort2_10=IPTLSIn|LPort2_10=IPHTTPSIn", "PlayToDiscovery": "LPort2_20=Ply2Disc"},
    also={"LPort2_10=IPTLSIn": "IPHTTPSIn", "LPort2_10=IPHTTPSIn": "IPHTTPSIn"})  # two names of one bit
REMOTE_PORT = ports("RPort", "RPort2_25", keywords={"IPHTTPSOut": "RPort2_10=IPTLSOut|RPort2_10=IPHTTPSOut"},
                    also={"RPort2_10=IPTLSOut": "IPHTTPSOut", "RPort2_10=IPHTTPSOut": "IPHTTPSOut"})
TARGETS = TokenSet("TTK|TTK2_22|TTK2_27|TTK2_28", reject, str, {
    "proximity_apps": "TTK=Proximity", "proximity_sharing": "TTK=ProxSharing",
    "wifi_direct_printing": "TTK2_22=WFDPrint", "wifi_direct_display": "TTK2_22=WFDDisplay",
    "wifi_direct_devices": "TTK2_22=WFDDevices"})
PROTOCOL_ICMP = ProtocolAndIcmp(protocol, icmp_type, PROTOCOLS)


SERVICE = replace(case_insensitive(text(259, "/\\|", what="service name", sample="wuauserv")), resolved_by_host="service",
                  host_names=lambda name: (name,) if name and name != "*" else ())
_CONDITIONS = {f.name for f in fields(Filter)} - {"enabled", "direction", "override_block_rules", "edge_traversal_policy"}
PERSONAL = ("%localappdata%", "%appdata%", "%userprofile%", "%temp%", "%tmp%", "%username%")


@resource("firewall_rule", noun="NetFirewallRule", storage=RuleStrings("FirewallRules", ORDER), name_type=NAME,
          category="firewall", merged_by="allow_local_firewall_rules")
class FirewallRule(Rule):
    """One rule of Windows Defender Firewall. A rule is entirely as declared: what is omitted has Windows' default."""

    direction: str = prop("Which way the connections go.",
                          with_hints(choice("Inbound", "Outbound", in_="Inbound", out="Outbound"), VALUES["direction"]),
                          DIRECTION_ACTION, default="inbound", absent=None, role="decision", example="inbound",
                          phrase=Phrase())
    action: str = prop("What happens to what matches. Block wins over allow, whatever the order.",
                       with_hints(choice("Allow", "Block"), VALUES["action"]), DIRECTION_ACTION, default="allow", absent=None,
                       role="decision", example="allow", phrase=Phrase(place=-1))
    protocol: str = prop("The IP protocol.", PROTOCOL, PROTOCOL_ICMP, default="any", filter_object="port",
                         narrows=Narrowing(lambda v: v not in ("tcp", "udp")), example="tcp",
                         phrase=Phrase(lambda rule: protocol_words(rule.protocol)))
    local_port: tuple[str, ...] = prop(
        "Ports of this host, for TCP and UDP. RPC and RPCEPMap: TCP, inbound; Teredo: UDP, inbound.",
        with_hints(list_of(port, "RPC", "RPCEPMap", "Teredo", "IPHTTPSIn", "PlayToDiscovery", name="ports and ranges a-b",
                           sample=[443, "8000-8080"], unwritable=("mDNS",), canonical=port_set), VALUES["port"]),
        LOCAL_PORT, default=(), filter_object="port", narrows=Narrowing(some_ports, "inbound"),
        example=[3389], phrase=Phrase(lambda rule: _port_words(rule, "local_port", "inbound", "local port {},")))
    remote_port: tuple[str, ...] = prop(
        "Ports of the other side, for TCP and UDP.",
        with_hints(list_of(port, "IPHTTPSOut", name="ports and ranges a-b", sample=[443], canonical=port_set), VALUES["port"]),
        REMOTE_PORT, default=(), filter_object="port", narrows=Narrowing(some_ports, "outbound"),
        phrase=Phrase(lambda rule: _port_words(rule, "remote_port", "outbound", "remote port {}")))
    icmp_type: tuple[str, ...] = prop(
        "ICMP types, or type:code, for icmpv4 and icmpv6.",
        ICMP_TYPES,
        PROTOCOL_ICMP,
        default=(),
        filter_object="port",
        narrows=Narrowing(),
        phrase=Phrase("type {}", always=False),
    )
    dynamic_target: tuple[str, ...] = prop(
        "Traffic of a Windows feature whose addresses and ports are not fixed.",
        flags_of("ProximityApps", "ProximitySharing", "WifiDirectPrinting", "WifiDirectDisplay", "WifiDirectDevices"),
        TARGETS, default=(), filter_object="port", narrows=Narrowing(), since="2.20", one_value=True)
    local_address: tuple[str, ...] = prop("Addresses of this host.", LOCAL_ADDRESS,
                                          addresses("LA4", "LA6", keywords=False), default=(), filter_object="address",
                                          phrase=Phrase("at {} of this host", always=False, place=1))
    remote_address: tuple[str, ...] = prop(
        "Addresses of the other side, or keywords that Windows resolves itself; 4 or 6 at their end means one family.",
        REMOTE_ADDRESS, addresses("RA4", "RA6", ("RA42", "RA62")), default=(), filter_object="address",
        narrows=Narrowing(not_everybody, who=True), example=["10.1.4.0/28"],
        phrase=Phrase(lambda rule: {"inbound": "from {}", "outbound": "to {}"}.get(rule.direction, "from or to {}")))
    program: str | None = prop("The program: its path (variables such as %SystemRoot% are kept), or System.", PATH,
                               Text("App", no_word), filter_object="application", narrows=Narrowing(one_program),
                               phrase=Phrase(", program {}", always=False, place=9))
    package: str | None = prop("The SID of an app container (S-1-15-2-…).", sddl.PACKAGE,
                               Text("AppPkgId", sddl.stored_sid), filter_object="application", narrows=Narrowing(one_package),
                               since="2.20", phrase=Phrase(", package {}", always=False, place=9))
    package_family_name: str | None = prop(
        "The family of a package, as Windows 11 24H2 and Server 2025 name it in their own rules: `Contoso.App_8wekyb3d8bbwe`. It "
        "may be said of a rule that has it.", PACKAGE_FAMILY, Text("PFN", no_word), parameter="",
        filter_object="application", narrows=Narrowing(), since="2.31")
    service: str | None = prop("The short name of a service, `wuauserv` for Windows Update; * means programs that run as a "
                               "service, whichever.", SERVICE, Text("Svc", no_word),
                               narrows=Narrowing(lambda v: v != "*"), phrase=Phrase(", service {}", always=False, place=9))
    interface_alias: tuple[str, ...] = prop("Network interfaces, by alias or GUID.", interfaces(), INTERFACE, default=(),
                                            phrase=Phrase(", on {}", always=False, place=9))
    interface_type: tuple[str, ...] = prop("Kinds of interfaces.", INTERFACE_TYPE, INTERFACE_TYPES, default=(),
                                           phrase=Phrase(", on {} interfaces", always=False, place=9))
    local_user: str | None = prop("The users of this host whose programs it applies to.", sddl.LOCAL_SDDL,
                                  TextOrBase64("LUAuth", "LUAuth2_24", sddl.canonical), filter_object="security",
                                  narrows=Narrowing(never), since="2.20")
    remote_user: str | None = prop("The users of the other side; needs `authentication`. Inbound only.", sddl.SDDL,
                                   Text("RUAuth", sddl.canonical), filter_object="security",
                                   narrows=Narrowing(some_accounts, who=True),
                                   phrase=Phrase(", users {}", always=False, place=9))
    remote_machine: str | None = prop("The computers of the other side; needs `authentication`.", sddl.SDDL,
                                      Text("RMauth", sddl.canonical), filter_object="security",
                                      narrows=Narrowing(some_accounts, who=True),
                                      phrase=Phrase(", computers {}", always=False, place=9))
    authentication: str = prop("Whether only traffic that IPsec authenticated matches.",
                               with_hints(choice("NotRequired", "Required", "NoEncap"), VALUES["authentication"]), SECURITY,
                               default="not_required", filter_object="security", narrows=Narrowing(never))
    encryption: str = prop("Whether IPsec has to encrypt it; needs `authentication: required`.",
                           with_hints(choice("NotRequired", "Required", "Dynamic"), VALUES["encryption"]), SECURITY,
                           default="not_required", filter_object="security", narrows=Narrowing(never))
    override_block_rules: bool = prop(
        "Whether authenticated traffic passes block rules too.",
        BOOL,
        DIRECTION_ACTION,
        default=False,
        absent=None,
        filter_object="security",
        role="permission",
        phrase=Phrase(", whatever blocks it", always=False, place=9),
    )
    edge_traversal_policy: str = prop("Whether traffic that came through a NAT edge device (Teredo) is accepted.",
                                      with_hints(choice("Block", "Allow", "DeferToUser", "DeferToApp"), VALUES["edge"]), EDGE,
                                      default="block",
                                      role="permission")
    loose_source_mapping: bool = prop("Whether answers may come from other addresses. Outbound, not TCP.", BOOL,
                                      switch("LSM"), default=False, role="permission")
    local_only_mapping: bool = prop(
        "Whether Windows looks at neither remote_address nor remote_port of what the rule lets through. Block rules ignore it.",
        BOOL, switch("LOM"), default=False, since="2.20", role="permission",
        phrase=Phrase(lambda rule: ", remote_address and remote_port do not count" * bool(rule.unheeded), always=False, place=9))
    owner: str | None = prop("The account that the rule belongs to.", sddl.OWNER, Text("LUOwn", sddl.stored_sid), since="2.20",
                              role="decision")

    # Windows adds this platform itself to rules with an owner, a package or local users (952 of 952 real rules), and leaves
    # it when they go. Every Windows that has these cmdlets is 6.2 or later: it means nothing on one.
    idle_platform = ("6.2+",)

    @property
    def unheeded(self) -> Collection[str]:
        """[MS-FASP] 2.2.35 LOCAL_ONLY_MAPPED: the other side's address and port, but in block rules."""
        return ("remote_address", "remote_port") if self.local_only_mapping and self.action != "block" else ()

    def as_filter(self) -> Filter:
        return Filter.of(self, "block" if self.action == "block" else "allow",
                         other_effects=() if self.action else ("block",), merged_by=_of_older_sorts(self), invalid=_refusal(self))

    def check(self) -> Iterable[Finding]:
        yield from _check_ports(self)
        yield from _check_security(self)
        yield from _check_program(self)
        if self.edge_traversal_policy != "block" and self.direction != "inbound":
            yield Finding("edge_traversal_policy", "edge traversal is for inbound rules [MS-FASP 2.2.37]", "leave it out")
        if self.edge_traversal_policy == "defer_to_user" and (
                not self.program or self.protocol not in ("tcp", "udp") or self._narrowed()):
            yield Finding("edge_traversal_policy", "defer_to_user needs a program and tcp or udp, and no other condition "
                   "[0x001000A4]", "use defer_to_app, or leave the other conditions out")
        if self.loose_source_mapping and (
                self.direction == "inbound" or self.protocol == "tcp" or self.authentication != "not_required"):
            yield Finding("loose_source_mapping", "loose source mapping is for outbound rules, not for tcp and not with "
                   "authentication [MS-FASP 2.2.37]", "leave it out")
        if self.service and (self.local_user or self.owner):
            yield Finding("service", "a rule cannot name a service and a local user or owner [0x001000C2, 0x001000C4]",
                   "leave one of them out")
        if self.local_address and (self.interface_alias or self.interface_type):
            yield Finding("local_address", "addresses of this host go with no interface and no interface type [0x0010004B]",
                   "leave one of them out")
        for name in ("local_address", "remote_address"):
            if alone := [a for a in getattr(self, name) if a in ("0.0.0.0", "::")]:
                yield Finding(name, f"{alone[0]} is no address of a host [{'0x0010004A' if alone[0] == '::' else '0x0010004C'}]",
                       "leave the property out if any address is meant")
        if (self.display_name or "").casefold() == "all" and self.name.casefold() == "all":
            yield Finding("name", "Windows allows no rule with the display name All", "set display_name")
        if self.dynamic_target and (self.local_address or self.remote_address or self.local_port or self.remote_port):
            yield Finding("dynamic_target", "a dynamic target goes with no addresses and no ports [0x00100200]",
                   "leave the addresses and ports out")
        if len(self.dynamic_target) > 1:
            yield Finding("dynamic_target", "a rule can be told one target (New-NetFirewallRule: -DynamicTarget is one value); "
                   "several may only stay where a host has them", "make a rule for each", "warning")
        if idle := [name for name in self.unheeded if getattr(self, name)]:
            yield Finding(idle[0], "it does not count: with local_only_mapping, Windows looks at neither remote_address nor "
                   "remote_port of what a rule lets through [MS-FASP 2.2.35]", "leave local_only_mapping out, or this", "warning")
        yield from check_lengths(self)
        yield from check_reach(self)

    def check_mentioned(self, mentioned: Collection[str], closed: Collection[str] = ()) -> Iterable[Finding]:
        if self.enabled:
            yield from self._unsaid(mentioned, closed)
            yield from _check_sensitive(self, mentioned)

    def _unsaid(self, mentioned: Collection[str], closed: Collection[str]) -> Iterable[Finding]:
        """The word that is missing where the rule is for everything and everybody."""
        opens_out = (self.direction, self.action, self.override_block_rules) == ("outbound", "allow", False)
        if is_narrowed(self, self.direction) or (opens_out and not set(self.profiles) & set(closed)):
            return
        ports = "local_port" if self.direction == "inbound" else "remote_port"
        word = ports if self.protocol in ("tcp", "udp") else "protocol"
        if word in mentioned and getattr(self, word) in ((), "any"):
            return
        does = "blocks" if self.action == "block" else "lets in" if self.direction == "inbound" else "lets out"
        beside = ", ".join(p.name for p in self.kind.properties.values() if p.name in _CONDITIONS
                           and getattr(self, p.name) != p.default)
        yield Finding(word, f"too little narrows this rule ({beside}): it {does} all of that, whatever and whoever it is for"
                      if beside else f"nothing narrows this rule: it {does} everything, whoever it is for",
                      f"say what it is for ({ports}, icmp_type, a program, service or package) or whom (remote_address, "
                      f"remote_machine, remote_user); or say `{word}: any` if all is meant")

    def _narrowed(self) -> bool:
        return bool(self.local_port or self.remote_port or self.local_address or self.remote_address or self.service
                    or self.interface_alias or self.interface_type or self.authentication != "not_required"
                    or self.package or self.local_user or self.owner or self.dynamic_target)


def _refusal(rule: FirewallRule) -> str:
    """Why Windows refuses such a rule: the "semantic checks that firewall rules MUST pass" ([MS-FASP] 2.2.37)."""
    found = () if any(map(is_condition, rule.unknown_tokens)) else rule.check()  # of those it is not known what they are
    return next((f"{f.property}: {f.reason}" for f in found if f.severity == "error"), "")


def _of_older_sorts(rule: FirewallRule) -> tuple[str, ...]:
    """The switches of the lists of Windows XP, of programs and of ports, that hold for rules of their form ([MS-FASP] 2.2.38)."""
    if rule.protocol not in ("tcp", "udp") or rule.service or len(rule.local_port) != (not rule.program):
        return ()
    if rule.program:
        return ("allow_user_apps",)
    (port,) = rule.local_port
    stored = rule.source and rule.source.values["local_port"] == rule.local_port and rule.source.stored
    pieces = stored.split("|") if isinstance(stored, str) else ()
    entries = sum(1 + piece.count(",") for piece in pieces if LOCAL_PORT.owns(piece)) or 1  # 80 and 81 are 80-81 here
    return ("allow_user_ports",) if port[0].isdecimal() and entries == 1 else ()


def _port_words(rule: FirewallRule, name: str, direction: str, otherwise: str) -> str:
    """How ports are told: those that a rule of the direction is for, whichever they are; the others where it names some."""
    ports = () if name in rule.unheeded else getattr(rule, name)
    if rule.direction != direction:
        return otherwise if ports else ""
    return "" if rule.protocol not in ("tcp", "udp") and not ports else "{}" if ports else "{} port"


def _check_sensitive(rule: FirewallRule, mentioned: Collection[str]) -> Iterable[Finding]:
    """Ways to administer a host, and what worms look for, are let in from anywhere by a word alone."""
    if (rule.direction, rule.action, rule.protocol) != ("inbound", "allow", "tcp") or rule.authentication != "not_required":
        return
    parts = (p.partition("-") for p in rule.local_port)
    ranges = [(int(first), int(last or first)) for first, _, last in parts if first.isdecimal()]
    found = [str(n) for n in SENSITIVE_PORTS if any(first <= n <= last for first, last in ranges)]
    listed = () if "remote_address" in rule.unheeded else rule.remote_address
    if found and not (not_everybody(listed) if listed else "remote_address" in mentioned and not rule.remote_address):
        yield Finding("local_port", f"{', '.join(found)} is let in from anywhere", "say from where (remote_address); any "
                      "if that is meant", "warning")


def _check_program(rule: FirewallRule) -> Iterable[Finding]:
    """Paths that Windows takes and that no program ever has; any service, which is most of what listens."""
    if rule.service == "*" and not rule.program and (rule.direction, rule.action, rule.enabled) == ("inbound", "allow", True):
        yield Finding("service", "* is every program that runs as a service: the rule lets in to all of them",
                      "name the service, or the program too", "warning")
    path = (rule.program or "").casefold()
    if not path:
        return
    if not path.isascii() and (hidden := next((c for c in path if unicodedata.category(c) == "Cf"), "")):
        yield Finding("program", f"there is a character in it that nobody sees (U+{ord(hidden):04X}): no program has that path",
                      "type it anew: it comes from a web page or a dialog", "warning")
    if path.startswith("$"):
        yield Finding("program", f"{rule.program} begins with a variable of PowerShell, which the firewall does not know",
                      "write it between percent signs: %SystemRoot%", "warning")
    if path != "system" and "\\" not in path:
        yield Finding("program", f"{rule.program} is no path: no program has it", "say the whole path", "warning")
    if path.endswith("\\"):
        yield Finding("program", f"{rule.program} is a folder: no program has that path", "say the whole path", "warning")
    if mine := next((p for p in PERSONAL if p in path), ""):
        yield Finding("program", f"{mine} is another folder for each user, and none for the firewall: no program has such a path",
                      "name the folder, in a rule for each user", "warning")


_PORT_KEYWORDS = {"RPC": "tcp", "RPCEPMap": "tcp", "IPHTTPSIn": "tcp", "Teredo": "udp", "PlayToDiscovery": "udp"}


def _check_ports(rule: FirewallRule) -> Iterable[Finding]:
    """Which ports and ICMP types go with which protocol ([MS-FASP] 2.2.37, 2.2.14)."""
    for name in ("local_port", "remote_port"):
        if getattr(rule, name) and rule.protocol not in ("tcp", "udp"):
            yield Finding(name, f"ports go with tcp or udp, not with protocol {rule.protocol} [0x001000A1]", _way_out(rule, name))
    if rule.icmp_type and rule.protocol not in ("icmpv4", "icmpv6"):
        yield Finding("icmp_type", f"ICMP types go with icmpv4 or icmpv6, not with protocol {rule.protocol} [0x001000A1]",
               "set protocol to icmpv4 or icmpv6")
    for word in rule.local_port:
        if (needs := _PORT_KEYWORDS.get(word)) and rule.direction == "outbound":
            yield Finding("local_port", f"{word} is for inbound rules [MS-FASP 2.2.37]", "name the ports by number")
        elif needs and rule.protocol in ("tcp", "udp") and rule.protocol != needs:
            yield Finding("local_port", f"{word} goes with {needs} [MS-FASP 2.2.37]", f"set protocol to {needs}")
    if "IPHTTPSOut" in rule.remote_port and (rule.direction, rule.protocol) != ("outbound", "tcp"):
        yield Finding("remote_port", "IPHTTPSOut is for outbound tcp rules", "set direction to outbound and protocol to tcp")


def _way_out(rule: FirewallRule, name: str) -> str:
    if rule.protocol in ("icmpv4", "icmpv6") and getattr(rule, name) == ("RPC",):  # a real export of 366 rules has it 33 times
        return f"leave {name} out: for ICMP rules Get-NetFirewallPortFilter prints RPC where there is no port"
    return "set protocol to tcp or udp"


def _check_security(rule: FirewallRule) -> Iterable[Finding]:
    """Conditions that look at IPsec ([MS-FASP] 2.2.37; FW_RULE_STATUS codes)."""
    secured = rule.authentication != "not_required"
    if rule.encryption != "not_required" and rule.authentication != "required":
        yield Finding("encryption", "encryption needs authentication: required [0x001000B4, 0x001000B6]",
               "set authentication to required")
    if rule.encryption == "dynamic" and rule.direction != "inbound":
        yield Finding("encryption", "dynamic encryption is for inbound rules [0x001000BE]", "set encryption to required")
    if rule.action == "block" and secured:
        yield Finding("authentication", "a block rule cannot ask for authentication or encryption [0x00100083]",
               "leave it out, or set action to allow")
    if rule.override_block_rules:
        if rule.action == "block" or not secured:
            yield Finding("override_block_rules", "only an allow rule with authentication can override block rules "
                   "[0x00100081, 0x001000A3]", "set action to allow and authentication to required")
        if rule.direction == "inbound" and not rule.remote_machine:
            yield Finding("override_block_rules", "an inbound rule that overrides block rules has to name the computers "
                   "[0x00100081]", "set remote_machine")
    for name in ("remote_user", "remote_machine"):
        if getattr(rule, name) and not secured:
            yield Finding(name, f"{name} needs authentication [0x001000C0]", "set authentication to required")
    if rule.remote_user and rule.direction == "outbound":
        yield Finding("remote_user", "remote_user is for inbound rules [0x001000C1]", "leave it out")
