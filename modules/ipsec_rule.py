"""ipsec_rule: one connection security rule (New-, Set-, Remove-NetIPsecRule)."""

import ipaddress
from collections.abc import Callable, Collection, Iterable
from typing import Any

from ringfence.codecs.converted import ConvertedText, digits
from ringfence.codecs.tokens import Text, Tokens, TokenSet, TruthTable, Values, switch
from ringfence.diagnostics import Finding
from ringfence.model.authentication import FQDN, methods
from ringfence.model.filter import Filter
from ringfence.model.narrowing import Narrowing, is_narrowed, never, not_everybody, some_ports
from ringfence.model.phrase import Phrase
from ringfence.model.proposals import IPSEC_SERVICES, PHASE1_AUTH, PHASE2_AUTH, QUICK_MODE_CRYPTO, reference, set_token
from ringfence.model.resource import NO_SET, Resource, prop, resource
from ringfence.model.rules import (
    ENDPOINT1,
    ENDPOINT2,
    ENDPOINT_ADDRESS,
    INTERFACE,
    INTERFACE_TYPE,
    INTERFACE_TYPES,
    LOCAL_ADDRESS,
    NAME,
    Rule,
    check_addresses,
    check_lengths,
    check_reach,
    ports,
    protocol_words,
    reject,
)
from ringfence.model.storage import DEFAULT, RuleStrings
from ringfence.types import sddl
from ringfence.types.addresses import Interval, address_interval, has_host_mask
from ringfence.types.base import CaseInsensitive, PropertyType, list_of
from ringfence.types.enums import BOOL, choice, flags_of, number, with_hints
from ringfence.types.foreign_words import VALUES
from ringfence.types.network import PROTOCOL, PROTOCOLS, address, interfaces, port, protocol
from ringfence.types.network_sets import natural_addresses, port_set, single_ports

ORDER = (
    "Action Active Profile Protocol EP1Port EP1Port2_10 EP2Port EP2Port2_10 EP1_4 EP1_6 EP2_4 EP2_6 IF IFType LTunnel4 "
    "LTunnel6 RTunnel4 RTunnel6 LTunnel4_2 LTunnel6_2 RTunnel4_2 RTunnel6_2 RTunEndpts4 RTunEndpts6 RTunnelFqdn Name Desc "
    "Auth1Set Auth2Set Crypto2Set EmbedCtxt Platform Platform2 SecureInClearOut ByPassTunnel Authz KeyMod KeyManagerDictate "
    "KeyManagerNotify FwdLifetime TransportMachineAuthzSDDL TransportUserAuthzSDDL"
)


# inbound and outbound security ([MS-FASP] 2.2.52; reference grammar 4.1)
SECURITY = TruthTable({("none", "none"): "Action=DoNotSecure", ("request", "request"): "Action=Boundary",
                 ("require", "request"): "Action=SecureServer", ("require", "require"): "Action=Secure",
                 ("require", "none"): "Action=Secure|SecureInClearOut=TRUE"}, same_as_absent="SecureInClearOut=FALSE")
MODULES = TokenSet("KeyMod", reject, str, {"ikev1": "KeyMod=IkeV1", "auth_ip": "KeyMod=AuthIP", "ikev2": "KeyMod=IkeV2"})
CAPABLE = {  # what each key module can do (New-NetIPsecRule, -KeyModule)
    "ikev1": {"MachineSHKey", "MachineCert", "MachineKerb"},
    "auth_ip": {"Anonymous", "MachineKerb", "MachineNtlm", "MachineCert", "UserKerb", "UserNtlm", "UserCert"},
    "ikev2": {"MachineCert"}}
WORDS = {"security": choice("None", "Request", "Require"),
         "endpoint": list_of(address, name="addresses", sample=["192.0.2.1"], canonical=natural_addresses),
         "port": with_hints(list_of(port, name="ports, and on exemptions ranges a-b", sample=[443],
                                    canonical=single_ports), VALUES["port"])}
_MODULE = flags_of("IKEv1", "AuthIP", "IKEv2")


def _key_modules(value: Any) -> tuple[str, ...]:
    """`default`, or some of the modules."""
    modules = [value] if isinstance(value, str) else value
    if isinstance(modules, list | tuple) and [str(v).casefold() for v in modules] == [DEFAULT]:
        return ()
    if isinstance(modules, list | tuple) and any(str(v).casefold() == DEFAULT for v in modules):
        raise ValueError("default stands alone, not beside other key modules")
    return tuple(_MODULE.parse(value))


KEY_MODULE = PropertyType("default; or list of ikev1, auth_ip, ikev2", _key_modules, {"anyOf": [
    {"enum": ["default", "ikev1", "auth_ip", "ikev2"]},
    {"type": "array", "items": {"enum": ["ikev1", "auth_ip", "ikev2"]}, "minItems": 1}]},
    lambda v: _MODULE.to_parameter(v) if v else "Default")


class _Tunnel:
    """mode, the tunnel's two ends and a host name: a rule with ends is a tunnel.

    Both ends static: LTunnel4, RTunnel4. One of them any (dynamic): the tokens end in _2. Several remote ends:
    RTunEndpts4. That L is local is what names and the _2 forms say; a sentence of [MS-GPFAS] 2.2.6.2 swaps them.
    """

    tokens: Tokens = ("LTunnel4", "LTunnel6", "RTunnel4", "RTunnel6", "LTunnel4_2", "LTunnel6_2", "RTunnel4_2", "RTunnel6_2",
                      "RTunEndpts4", "RTunEndpts6", "RTunnelFqdn")

    def read(self, pieces: Tokens) -> tuple[Values, Tokens]:
        ends: dict[str, set[Interval]] = {"l": set(), "r": set()}
        host, left = None, list[str]()
        for piece in pieces:
            token, _, data = piece.partition("=")
            try:
                if token.lower() == "rtunnelfqdn":
                    host = CaseInsensitive(data) if data else None
                elif _family(data) == token.partition("_")[0][-1] and not has_host_mask(data):
                    ends[token[0].lower()].add(address_interval(data))
                else:
                    left.append(piece)
            except ValueError:
                left.append(piece)
        return ("tunnel", natural_addresses(ends["l"]), natural_addresses(ends["r"]), host), tuple(left)

    def write(self, *values: Any) -> Iterable[str]:
        mode, local, remote, host = values
        if mode != "tunnel":
            return
        dynamic = "" if local and remote else "_2"
        yield from (f"LTunnel{_family(a)}{dynamic}={a}" for a in local)
        several = len({_family(a) for a in remote}) < len(remote)
        yield from (f"RTunEndpts{_family(a)}={a}" if several else f"RTunnel{_family(a)}{dynamic}={a}" for a in remote)
        if host:
            yield f"RTunnelFqdn={host}"


def _family(address: str) -> str:
    return "6" if ":" in address else "4"


TUNNEL = _Tunnel()
# LocalTunnelEndpoint is "required and valid only for tunnel mode rules", where it may be Any (New-NetIPsecRule)
IN_A_TUNNEL = ("mode", "tunnel")


@resource("ipsec_rule", noun="NetIPsecRule", storage=RuleStrings("ConSecRules", ORDER), name_type=NAME,
          services=IPSEC_SERVICES, merged_by="allow_local_ipsec_rules", category="connection_security")
class IpsecRule(Rule):
    """One connection security rule: which connections IPsec secures, and how. It opens no port: firewall rules do.

    `inbound_security` and `outbound_security` have to be said: left out, Windows would make the rule an exemption.
    """

    mode: str = prop("Between the two ends themselves, or a tunnel between gateways.", choice("Transport", "Tunnel"), TUNNEL,
                     default="transport", filter_object="tunnel", phrase=Phrase())
    local_tunnel_endpoint: tuple[str, ...] = prop(
        "This host's end of the tunnel, one address of a family; any: whatever address it has.", WORDS["endpoint"], TUNNEL,
        default=(), filter_object="tunnel", required_when=IN_A_TUNNEL, phrase=Phrase(", tunnel end {}", always=False, place=9))
    remote_tunnel_endpoint: tuple[str, ...] = prop("The other end of the tunnel; several addresses are alternatives.",
                                                   WORDS["endpoint"], TUNNEL, default=(), filter_object="tunnel",
                                                   required_when=IN_A_TUNNEL,
                                                   phrase=Phrase(", far end {}", always=False, place=9))
    remote_tunnel_hostname: str | None = prop("The name of the other end, where it has several addresses.", FQDN, TUNNEL,
                                              filter_object="tunnel", since="2.20")
    inbound_security: str = prop("What is asked of connections from outside: require, request, or none.", WORDS["security"],
                                 SECURITY, required=True, filter_object="security", example="require",
                                 phrase=Phrase(lambda rule: "EXEMPT" if rule.exempt else "inbound {}"))
    outbound_security: str = prop(
        "What is asked of connections to outside: require, request, or none. Both none: an exemption.",
        WORDS["security"], SECURITY, required=True, filter_object="security", example="request",
        phrase=Phrase(lambda rule: "" if rule.exempt else "outbound {}"))
    quick_mode_crypto_set: str | None = prop(
        "The `ipsec_quick_mode_crypto_set` that protects the data.", reference(QUICK_MODE_CRYPTO),
        set_token("Crypto2Set", QUICK_MODE_CRYPTO), default=CaseInsensitive(DEFAULT), references="ipsec_quick_mode_crypto_set")
    phase1_auth_set: str | None = prop(
        "The `ipsec_phase1_auth_set` of the first authentication.", reference(PHASE1_AUTH), set_token("Auth1Set", PHASE1_AUTH),
        default=CaseInsensitive(DEFAULT), references="ipsec_phase1_auth_set", example="kerberos")
    phase2_auth_set: str | None = prop(
        "The `ipsec_phase2_auth_set` of the second authentication, which needs AuthIP; none: there is no second one.",
        reference(PHASE2_AUTH, none=True), set_token("Auth2Set", PHASE2_AUTH), default=CaseInsensitive(DEFAULT),
        absent=CaseInsensitive(NO_SET), references="ipsec_phase2_auth_set")
    key_module: tuple[str, ...] = prop(
        "The keying modules; default lets Windows choose by the methods. IKEv2 takes certificates only.", KEY_MODULE, MODULES,
        default=(), since="2.20")
    allow_watch_key: bool = prop("Whether trusted intermediaries may read the keys.", BOOL, switch("KeyManagerNotify"),
                                 default=False, since="2.20")
    allow_set_key: bool = prop("Whether trusted intermediaries may set the keys.", BOOL, switch("KeyManagerDictate"),
                               default=False, since="2.20")
    forward_path_lifetime: int = prop("Minutes that the keys of the forward path live, 78 to 172799; 0 for Windows' own.",
                                      number(78, 172799, 0), digits("FwdLifetime", 60), default=0, since="2.20")
    encrypted_tunnel_bypass: bool = prop("Whether what is encrypted already stays out of the tunnel.", BOOL,
                                         switch("ByPassTunnel"), default=False, since="2.10")
    require_authorization: bool = prop("Whether the authorization lists of the firewall settings hold for this tunnel.", BOOL,
                                       switch("Authz"), default=False, since="2.10")
    user: str | None = prop("The users that may connect (transport mode).", sddl.SDDL,
                            Text("TransportUserAuthzSDDL", sddl.canonical), since="2.20")
    machine: str | None = prop("The computers that may connect (transport mode).", sddl.SDDL,
                               Text("TransportMachineAuthzSDDL", sddl.canonical), since="2.20")
    local_address: tuple[str, ...] = prop("The near ends of the connections.", LOCAL_ADDRESS, ENDPOINT1, default=(),
                                          filter_object="address", narrows=Narrowing(never),
                                          phrase=Phrase("at {}", always=False, place=3))
    remote_address: tuple[str, ...] = prop("The far ends, or keywords that Windows resolves itself.", ENDPOINT_ADDRESS,
                                           ENDPOINT2, default=(), filter_object="address", narrows=Narrowing(not_everybody),
                                           example=["10.0.0.0/8"], phrase=Phrase("with {}", place=2))
    protocol: str = prop("The IP protocol.", PROTOCOL, ConvertedText(
        "Protocol", protocol, lambda v: None if v == "any" else PROTOCOLS.get(v, v)), default="any", filter_object="port",
        narrows=Narrowing(never), phrase=Phrase(lambda rule: protocol_words(rule.protocol)))
    local_port: tuple[str, ...] = prop("Ports of the near end, for TCP and UDP. Ranges on exemptions only.", WORDS["port"],
                                       ports("EP1Port", canonical=single_ports), default=(), filter_object="port",
                                       narrows=Narrowing(some_ports), phrase=Phrase("local port {}", always=False))
    remote_port: tuple[str, ...] = prop("Ports of the far end, for TCP and UDP. Ranges on exemptions only.", WORDS["port"],
                                        ports("EP2Port", canonical=single_ports), default=(), filter_object="port",
                                       narrows=Narrowing(some_ports), phrase=Phrase("remote port {}", always=False))
    interface_alias: tuple[str, ...] = prop("Network interfaces, by alias or GUID.", interfaces(), INTERFACE, default=())
    interface_type: tuple[str, ...] = prop("Kinds of interfaces.", INTERFACE_TYPE, INTERFACE_TYPES, default=())

    def check_mentioned(self, mentioned: Collection[str], closed: Collection[str] = ()) -> Iterable[Finding]:
        exempts = (self.mode, self.inbound_security, self.outbound_security) == ("transport", "none", "none")
        said = "remote_address" in mentioned and not self.remote_address
        if self.enabled and exempts and not is_narrowed(self) and not said:
            yield Finding("remote_address", "an exemption without remote address and port is one for everybody",
                          "name whom or what it is for; or say `remote_address: any` if all is meant")

    def normalise(self, values: dict[str, Any]) -> None:
        super().normalise(values)
        values["key_module"] = tuple(m for m in values["key_module"] if m.casefold() != "keymod=keymoddefault")
        exempt = (values["inbound_security"], values["outbound_security"]) == ("none", "none")
        if exempt:  # a range says the same as its ports there, and nowhere else is allowed [0x00100023]
            values["local_port"], values["remote_port"] = port_set(values["local_port"]), port_set(values["remote_port"])
        for p in self.kind.references:  # an exemption has no sets. Of a rule that secures, only the second authentication may be
            value = values[p.name]      # absent, and then there is none ([MS-FASP] 2.2.55, wszPhase2AuthSet)
            if exempt and value in (None, DEFAULT, NO_SET):
                values[p.name] = None
            elif value is None:
                values[p.name] = p.absent

    @property
    def exempt(self) -> bool:
        """Whether the rule keeps IPsec away from what it matches."""
        return (self.inbound_security, self.outbound_security) == ("none", "none")

    def as_filter(self) -> Filter:
        if self.inbound_security is None:  # an action that is not understood may drop what is clear, or exempt it
            return Filter.of(self, "secure", requires_inbound=True, requires_outbound=True, tunnel=self.mode == "tunnel",
                             other_effects=("exempt",))
        return Filter.of(self, "exempt" if self.exempt else "secure", requires_inbound=self.inbound_security == "require",
                         requires_outbound=self.outbound_security == "require", tunnel=self.mode == "tunnel")

    def check(self) -> Iterable[Finding]:
        yield from _check_security(self)
        yield from _check_matches(self)
        yield from check_lengths(self)
        yield from check_reach(self)
        yield from _check_tunnel(self) if self.mode == "tunnel" else _check_transport(self)

    def check_references(self, get: Callable[[str], Resource | None]) -> Iterable[Finding]:
        """The methods of its sets, its key modules and its mode together ([MS-FASP] 2.2.55, FW_RULE_STATUS)."""
        if self.exempt:
            return
        sets = {p.name: get(p.name) for p in self.kind.references}
        known = {n: s is not None or getattr(self, n) == DEFAULT for n, s in sets.items()}
        first = methods(sets["phase1_auth_set"]) if known["phase1_auth_set"] else []
        second = methods(sets["phase2_auth_set"]) if sets["phase2_auth_set"] is not None else []
        without = self.phase2_auth_set == NO_SET or (sets["phase2_auth_set"] is not None and not any("User" in m for m in second))
        if self.user and without:  # a user is authenticated by the second authentication alone (New-NetIPsecPhase2AuthSet)
            yield Finding("user", "matches nothing: it lists users, and no user is authenticated", "name a phase2_auth_set that "
                          "authenticates users, or leave user out", "warning")
        if "MachineSHKey" in first and second:
            yield Finding("phase2_auth_set", "a pre-shared key allows no second authentication [0x00200004]",
                   "authenticate the computers by certificate or Kerberos, or leave the second authentication out")
        if first and first[-1:] == second[-1:] == ["Anonymous"]:
            yield Finding(
                "phase2_auth_set",
                "both authentications are optional (anonymous): the connection may not be secured at all",
                "drop anonymous from one of the sets",
                "warning",
            )
        if self.key_module and first and not any(
                set(first) <= CAPABLE.get(m, set()) and (not second or m == "auth_ip") for m in self.key_module):
            yield from _incapable(self, first, second)
        yield from _check_suites(self, first, sets["quick_mode_crypto_set"])


def _incapable(rule: IpsecRule, first: list[str], second: list[str]) -> Iterable[Finding]:
    asked = ", ".join([*first, *second])
    way = ("name a set with certificates only" if rule.key_module == ("ikev2",) else
           "use certificates, a pre-shared key or Kerberos without a second authentication"
           if rule.key_module == ("ikev1",) else "leave key_module out, or name sets that it can do")
    yield Finding("key_module", f"{' and '.join(rule.key_module)} cannot do all that the rule asks for ({asked}): the connection "
           "could end in plain text [0x00200008]", way)


def _check_suites(rule: IpsecRule, first: list[str], crypto: Resource | None) -> Iterable[Finding]:
    protocols = [p.encapsulation for p in getattr(crypto, "proposal", ()) if p.encapsulation is not None]
    if () in protocols and rule.mode == "tunnel":
        yield Finding(
            "quick_mode_crypto_set", "a tunnel encapsulates always [0x00107002]", "name a set without encapsulation: none"
        )
    if () in protocols and "MachineSHKey" in first:
        yield Finding("quick_mode_crypto_set", "a pre-shared key needs encapsulation [0x00107003]",
               "name a set without encapsulation: none")
    if rule.key_module == ("ikev2",) and rule.mode == "transport" and protocols and all("ah" in p for p in protocols):
        yield Finding(
            "quick_mode_crypto_set", "IKEv2 has no AH in transport mode (New-NetIPsecMainModeCryptoSet)", "offer esp alone"
        )


def _check_security(rule: IpsecRule) -> Iterable[Finding]:
    """Which pairs have a rule action ([MS-FASP] 2.2.52), and what an exemption may not have."""
    pair = (rule.inbound_security, rule.outbound_security)
    if pair == ("require", "none") and rule.mode == "transport":
        yield Finding("outbound_security", "require inbound with none outbound is for tunnels [0x00107000]",
               "set outbound_security to request, or mode to tunnel")
    elif pair == ("request", "none"):
        yield Finding(
            "outbound_security",
            "request inbound with none outbound has no rule action that Windows could store [0x00100080]",
            "set outbound_security to request",
        )
    elif pair not in SECURITY.rows:
        yield Finding("outbound_security", f"{pair[0]} inbound with {pair[1]} outbound is not a combination [0x00100080]",
               "use none/none, request/request, require/request or require/require")
    elif rule.mode == "tunnel" and pair in (("request", "request"), ("require", "request")):
        yield Finding("outbound_security", "a tunnel requires security both ways [0x00100080]",
               "set both to require; or outbound_security to none for traffic that may leave in clear")
    if rule.exempt:
        for p in rule.kind.references:
            if getattr(rule, p.name) is not None:
                yield Finding(p.name, "an exemption has no sets [0x00100082]", "leave it out")


def _check_matches(rule: IpsecRule) -> Iterable[Finding]:
    """What the rule applies to ([MS-FASP] 2.2.55)."""
    for name in ("local_port", "remote_port"):
        if getattr(rule, name) and rule.protocol not in ("tcp", "udp"):
            yield Finding(
                name, f"ports go with tcp or udp, not with protocol {rule.protocol} [0x001000A1]", "set protocol to tcp or udp"
            )
        if any("-" in p for p in getattr(rule, name)) and not rule.exempt:
            yield Finding(name, "port ranges are for exemptions (security none, none) [0x00100023]",
                   "name single ports, or leave the ports out")
    if rule.local_address and (rule.interface_alias or rule.interface_type):
        yield Finding("local_address", "a local address excludes interfaces and kinds of interfaces [0x0010004B]",
               "leave one of them out")
    yield from check_addresses("local_address", rule.local_address)
    yield from check_addresses("remote_address", rule.remote_address)


def _check_transport(rule: IpsecRule) -> Iterable[Finding]:
    for name in ("local_tunnel_endpoint", "remote_tunnel_endpoint", "remote_tunnel_hostname"):
        if getattr(rule, name):
            yield Finding(name, f"{name} is for tunnels [0x0010004D]", "set mode to tunnel, or leave it out")
    if rule.encrypted_tunnel_bypass:
        yield Finding("encrypted_tunnel_bypass", "it is for tunnels [0x00107001]", "set mode to tunnel, or leave it out")
    if rule.require_authorization:
        yield Finding("require_authorization", "it is for tunnels; transport rules have their own lists [0x001000BA]",
               "set machine or user instead")


def _check_tunnel(rule: IpsecRule) -> Iterable[Finding]:
    local, remote = rule.local_tunnel_endpoint, rule.remote_tunnel_endpoint
    if rule.exempt:
        yield Finding(
            "mode",
            "an exemption from a tunnel has no tunnel endpoints [0x001000F1], and without them nothing tells it from "
            "one of transport mode",
            "leave mode out: a transport mode exemption keeps the traffic out of tunnels too",
        )
    elif not local and not remote:
        yield Finding(
            "remote_tunnel_endpoint",
            "a tunnel needs an end [0x0010004D]: [MS-FASP] 2.2.55 lets both be any, but what is stored of a tunnel are its ends "
            "([MS-GPFAS] 2.2.6.2: no token says the mode, and the flag of a dynamic tunnel comes with LTunnel4_2 and the like). "
            "Without one the host would have a rule of transport mode",
            "name this host's own address as local_tunnel_endpoint, or that of the gateway as remote_tunnel_endpoint"
        )
    if local and remote and not (rule.local_address and rule.remote_address):
        yield Finding("remote_address", "a tunnel between two gateways says what goes through it [0x0010004F]",
               "set local_address and remote_address; or make one tunnel endpoint any")
    if local and remote and set(map(_family, local)) != set(map(_family, remote)):
        yield Finding(
            "remote_tunnel_endpoint", "both ends of a tunnel have one address family [0x0010004D]", "use IPv4 or IPv6 for both"
        )
    if len(set(map(_family, local))) < len(local):
        yield Finding("local_tunnel_endpoint", "a tunnel has one local end of a family [0x0010004D]", "name one address")
    yield from _check_ends(rule)
    if rule.protocol != "any" or rule.local_port or rule.remote_port:
        yield Finding("protocol", "a tunnel takes every protocol and port [0x001000A1]", "leave protocol and ports out")
    for name, code in (("machine", "0x00100516"), ("user", "0x00100517")):
        if getattr(rule, name):
            yield Finding(name, f"{name} is for transport mode [{code}]",
                   "set require_authorization: the lists of the firewall settings hold for tunnels")
            if rule.require_authorization:
                yield Finding(name, f"{name} does not go with require_authorization [0x00100518]", "leave one of them out")
    if "ikev2" in rule.key_module:
        yield Finding(
            "key_module",
            "a tunnel by IKEv2 needs TunnelType (New-NetIPsecRule), which Windows Server 2025 alone has and which cannot be "
            "read back [0x00080011]",
            "leave key_module out",
        )


def _check_ends(rule: IpsecRule) -> Iterable[Finding]:
    for name in ("local_tunnel_endpoint", "remote_tunnel_endpoint"):
        for value in getattr(rule, name):
            if "-" in value or "/" in value or ipaddress.ip_address(value).is_loopback:
                yield Finding(
                    name, f"{value}: a tunnel ends at a single address, not at loopback [0x0010004D]", "name an address"
                )
        yield from check_addresses(name, [v for v in getattr(rule, name) if "-" not in v and "/" not in v])
    several = len(set(map(_family, rule.remote_tunnel_endpoint))) < len(rule.remote_tunnel_endpoint)
    if rule.remote_tunnel_hostname and not several:
        yield Finding("remote_tunnel_hostname", "a host name goes with several remote tunnel endpoints [0x0008000F]",
               "name them, or leave the host name out")
