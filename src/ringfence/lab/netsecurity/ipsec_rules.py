"""Connection security rules and main mode rules: parameters to registry tokens, and what Windows refuses.

Encodings: MS-GPFAS 2.2.6 and 2.2.7; refusals: MS-FASP 2.2.55 with the FW_RULE_STATUS codes. What Windows would only
report as the run-time status of the rule (a set that is missing, key modules that cannot do the methods, a pre-shared
key beside a second authentication) the lab refuses at once: such a rule is never enforced.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ringfence.lab.machine.machine import Machine
from ringfence.lab.netsecurity import parameter_values
from ringfence.lab.netsecurity.cmdlet_errors import Check, refuse_first, rule_error
from ringfence.lab.netsecurity.firewall_rules import common, known_to
from ringfence.lab.netsecurity.objects import NOUNS
from ringfence.lab.registry.hive import SimulatedRegistry
from ringfence.lab.registry.stored_rule import StoredRule, Token

# [MS-GPFAS] 2.2.6.2, 2.2.7.1
SETS = {"Auth1Set": NOUNS["NetIPsecPhase1AuthSet"], "Auth2Set": NOUNS["NetIPsecPhase2AuthSet"],
        "Crypto2Set": NOUNS["NetIPsecQuickModeCryptoSet"], "Crypto1Set": NOUNS["NetIPsecMainModeCryptoSet"]}
# FW_RULE_STATUS, the run-time codes
MISSING = {"Auth1Set": 0x00200001, "Auth2Set": 0x00200002, "Crypto2Set": 0x00200003, "Crypto1Set": 0x00200005}
# New-NetIPsecRule, -Phase1AuthSet, -Phase2AuthSet, -QuickModeCryptoSet; New-NetIPsecMainModeRule, -MainModeCryptoSet
SET_PARAMETERS = {"Phase1AuthSet": "Auth1Set", "Phase2AuthSet": "Auth2Set", "QuickModeCryptoSet": "Crypto2Set",
                  "MainModeCryptoSet": "Crypto1Set"}
# [MS-GPFAS] 2.2.6.2
STATIC = ("LTunnel4", "LTunnel6", "RTunnel4", "RTunnel6")
DYNAMIC = tuple(t + "_2" for t in STATIC)
# [MS-GPFAS] 2.2.6.2
SEVERAL = ("RTunEndpts4", "RTunEndpts6")
# New-NetIPsecRule, -LocalTunnelEndpoint, -RemoteTunnelEndpoint. open: remote-end-omitted
END_PARAMETERS = ("LocalTunnelEndpoint", "RemoteTunnelEndpoint")
# [MS-GPFAS] 2.2.6.2
TUNNEL = (*STATIC, *DYNAMIC, *SEVERAL)
# [MS-GPFAS] 2.2.6.3
KEY_MODULES = {"IKEv1": "IkeV1", "AuthIP": "AuthIP", "IKEv2": "IkeV2"}
# [MS-FASP] 2.2.52. open: request-none
ACTIONS = {("None", "None"): "DoNotSecure", ("Request", "Request"): "Boundary", ("Require", "Request"): "SecureServer",
           ("Require", "Require"): "Secure"}
METHODS = {  # what each key module can do (Microsoft's page of New-NetIPsecRule, -KeyModule)
    "IkeV1": {"MachineSHKey", "MachineCert", "MachineKerb"},
    "AuthIP": {"Anonymous", "MachineKerb", "MachineNtlm", "MachineCert", "UserKerb", "UserNtlm", "UserCert"},
    "IkeV2": {"MachineCert"},
}


# [MS-GPFAS] 2.2.6.2. open: empty-description
def apply(rule: StoredRule, arguments: Mapping[str, Any], machine: Machine) -> None:
    """Writes the bound parameters of New- or Set-NetIPsecRule into the rule; what is not given stays."""
    common(rule, arguments, machine)
    if "DisplayName" in arguments and not rule.has("Desc"):
        rule.pairs.append(("Desc", ""))          # Windows' own strings hold an empty description
    _endpoints(rule, arguments)
    for parameter, single, several in (("LocalPort", "EP1Port", "EP1Port2_10"), ("RemotePort", "EP2Port", "EP2Port2_10")):
        if parameter in arguments:
            rule.replace(f"{single} {several}", *parameter_values.ports(arguments[parameter], single, several))
    was_tunnel = rule.has(*TUNNEL)
    _tunnel(rule, arguments)
    _action(rule, arguments, was_tunnel)
    for parameter, token in (("EncryptedTunnelBypass", "ByPassTunnel"), ("RequireAuthorization", "Authz"),
                             ("AllowSetKey", "KeyManagerDictate"), ("AllowWatchKey", "KeyManagerNotify")):
        if parameter in arguments:
            rule.replace(token, (token, parameter_values.stored_bool(arguments[parameter])))
    if "KeyModule" in arguments:
        _key_modules(rule, arguments["KeyModule"])
    if "ForwardPathLifetime" in arguments:
        minutes = arguments["ForwardPathLifetime"]
        if minutes and not 78 <= minutes <= 172799:
            raise rule_error(0x00080013)
        rule.replace("FwdLifetime", ("FwdLifetime", str(minutes * 60) if minutes else ""))
    for parameter, token, code in (("Machine", "TransportMachineAuthzSDDL", 0x00080014),
                                   ("User", "TransportUserAuthzSDDL", 0x00080015)):
        if parameter in arguments:
            rule.replace(token, (token, parameter_values.sddl(arguments[parameter], code)))
    _sets(rule, arguments, ("Auth1Set", "Auth2Set", "Crypto2Set"))


def _endpoints(rule: StoredRule, arguments: Mapping[str, Any]) -> None:
    for parameter, end in (("LocalAddress", "EP1"), ("RemoteAddress", "EP2")):
        if parameter in arguments:
            rule.replace(f"{end}_4 {end}_6", *parameter_values.addresses(
                arguments[parameter], f"{end}_4", f"{end}_6", keywords=True, endpoint=True))


# [MS-FASP] 2.2.55. open: default-set-ids, set-words
def _sets(rule: StoredRule, arguments: Mapping[str, Any], tokens: Iterable[str]) -> None:
    """The named sets; the primary ones where a rule that secures names none."""
    is_new = not rule.has("Auth1Set")
    for parameter, token in SET_PARAMETERS.items():
        if token not in tokens:
            continue
        if parameter in arguments:
            value = arguments[parameter]
            rule.replace(token, (token, SETS[token].primary if value.lower() == "default" else
                                 "" if value.lower() == "none" else value))
        elif is_new and rule.first("Action") != "DoNotSecure":
            rule.replace(token, (token, SETS[token].primary))
    if rule.first("Action") == "DoNotSecure" and not any(p in arguments for p in SET_PARAMETERS):
        rule.replace("Auth1Set Auth2Set Crypto2Set")


# New-NetIPsecRule, -KeyModule
def _key_modules(rule: StoredRule, modules: list[str]) -> None:
    if "Default" in modules and len(modules) > 1:
        raise rule_error(0x00080011)
    rule.replace("KeyMod", *[("KeyMod", KEY_MODULES[m]) for m in modules if m != "Default"])


# [MS-GPFAS] 2.2.6.2, New-NetIPsecRule, -LocalTunnelEndpoint. open: transport-clears-ends
def _tunnel(rule: StoredRule, arguments: Mapping[str, Any]) -> None:
    """Tunnel endpoints: both named (static), one of them Any (dynamic, tokens `_2`), or several remote ones."""
    names_ends = any(parameter in arguments for parameter in END_PARAMETERS)
    if arguments.get("Mode") == "Transport" and not names_ends and rule.has(*TUNNEL, "RTunnelFqdn"):
        rule.replace(" ".join((*TUNNEL, "RTunnelFqdn")))
    if "RemoteTunnelHostname" in arguments:
        name = arguments["RemoteTunnelHostname"]
        if name and not parameter_values.HOST_NAME.fullmatch(name):
            raise rule_error(0x00080010)
        rule.replace("RTunnelFqdn", ("RTunnelFqdn", name))
    if not names_ends:
        return
    local, remote = (_ends(arguments[parameter], token) if parameter in arguments else _stored_ends(rule, token)
                     for parameter, token in zip(END_PARAMETERS, ("LTunnel", "RTunnel"), strict=True))
    several_remote = [(f"RTunEndpts{t[-1]}", v) for t, v in remote] if _same_family(remote) else []
    single = local if several_remote else [*local, *remote]
    if _same_family(local) or any("-" in v or "/" in v for _, v in single):
        raise rule_error(0x0010004D)
    suffix = "_2" if not local or not (remote or several_remote) else ""
    rule.replace(" ".join(TUNNEL), *[(t + suffix, v) for t, v in single], *several_remote)


def _same_family(ends: list[Token]) -> bool:
    return len({t for t, _ in ends}) < len(ends)


# [MS-FASP] 2.2.55. open: loopback
def _ends(values: list[str], token: str) -> list[Token]:
    """Addresses of one end, [] for Any. Loopback and multicast are refused [0x0010004D]."""
    tokens = parameter_values.addresses(values, token + "4", token + "6", keywords=False, endpoint=True)
    if any(v.startswith("127.") or v == "::1" for _, v in tokens):
        raise rule_error(0x0010004D)
    return tokens


def _stored_ends(rule: StoredRule, token: str) -> list[Token]:
    """The addresses of one end that the rule has already, whatever kind of tunnel it was."""
    stored = [(t.removesuffix("_2"), v) for t, v in rule.pairs if t.startswith(token)]
    return stored + [(f"RTunnel{t[-1]}", v) for t, v in rule.pairs if t in SEVERAL and token == "RTunnel"]


@dataclass(frozen=True, slots=True)
class _Security:
    """InboundSecurity, OutboundSecurity and Mode of a rule, and what it says of tunnel endpoints."""

    inbound: str
    outbound: str
    mode: str
    endpoints: bool  # it has some that are not Any
    ends_given: frozenset[str]  # the parameters of endpoints that are given now
    was_tunnel: bool
    ikev2: bool  # IKEv2 among others or alone, without a TunnelType

    @property
    def pair(self) -> tuple[str, str]:
        """Security of the two directions."""
        return self.inbound, self.outbound

    @property
    def tunnel(self) -> bool:
        """Whether the rule is for a tunnel."""
        return self.mode == "Tunnel"

    @property
    def lacks_an_end(self) -> bool:
        """A rule that becomes one for tunnels has to be told both ends, Any being one (New-NetIPsecRule: LocalTunnelEndpoint
        "is required and valid only for tunnel mode rules"; of RemoteTunnelEndpoint the page says where it is valid only)."""
        return self.tunnel and self.pair != _EXEMPT and not self.was_tunnel and self.ends_given != set(END_PARAMETERS)

    @property
    def has_action(self) -> bool:
        """Whether some action stands for the pair in this mode."""
        if self.tunnel:
            return self.pair in (_EXEMPT, _CLEAR_OUT, ("Require", "Require"))
        return self.pair in ACTIONS or self.pair == _CLEAR_OUT


_EXEMPT, _CLEAR_OUT = ("None", "None"), ("Require", "None")
# [MS-FASP] 2.2.52, 2.2.55, New-NetIPsecRule. open: ikev2-among-modules, both-ends-any
_SECURITY_CHECKS: tuple[Check[_Security], ...] = (
    (0x001000B0, "Mode None.", lambda s: s.mode == "None"),
    (0x00080011, "", lambda s: s.tunnel and s.ikev2),
    (0x00107000, "", lambda s: s.pair == _CLEAR_OUT and not s.tunnel),
    (0x00100080, "InboundSecurity {0.inbound} with OutboundSecurity {0.outbound}.", lambda s: not s.has_action),
    (0x0010004D, "Tunnel endpoints need Mode Tunnel.", lambda s: not s.tunnel and (s.endpoints or bool(s.ends_given))),
    (0x0010004D, "Both tunnel endpoints have to be said.", lambda s: s.lacks_an_end),
    (0x0010004D, "", lambda s: s.tunnel and s.pair != _EXEMPT and not s.endpoints),
    (0x001000F1, "", lambda s: s.tunnel and s.pair == _EXEMPT and s.endpoints),
)


def _action(rule: StoredRule, arguments: Mapping[str, Any], was_tunnel: bool) -> None:
    """InboundSecurity and OutboundSecurity as one action; Mode is told by the tunnel tokens (MS-FASP 2.2.52)."""
    inbound, outbound = next((pair for pair, action in ACTIONS.items() if action == rule.first("Action")), _EXEMPT)
    if rule.is_true("SecureInClearOut"):
        inbound, outbound = _CLEAR_OUT
    security = _Security(
        arguments.get("InboundSecurity", inbound), arguments.get("OutboundSecurity", outbound),
        arguments.get("Mode") or ("Tunnel" if rule.has(*TUNNEL) else "Transport"), rule.has(*TUNNEL),
        frozenset(p for p in END_PARAMETERS if p in arguments), was_tunnel,
        "IKEv2" in arguments.get("KeyModule", ()) and "TunnelType" not in arguments)
    refuse_first(_SECURITY_CHECKS, security)
    rule.replace("Action", ("Action", ACTIONS.get(security.pair, "Secure")))
    rule.replace("SecureInClearOut", ("SecureInClearOut", parameter_values.stored_bool(security.pair == _CLEAR_OUT)))


# [MS-FASP] 2.2.55
_RULE_CHECKS: tuple[Check[StoredRule], ...] = (
    (0x001000A1, "", lambda r: r.has("EP1Port", "EP2Port", "EP1Port2_10", "EP2Port2_10")
     and r.first("Protocol") not in ("6", "17")),
    (0x00100023, "", lambda r: r.has("EP1Port2_10", "EP2Port2_10") and not _is_exemption(r)),
    (0x0010004B, "", lambda r: r.has("EP1_4", "EP1_6") and r.has("IF", "IFType", "IFType2_23")),
    (0x00100082, "", lambda r: _is_exemption(r) and r.has("Auth1Set", "Auth2Set", "Crypto2Set")),
    (0x00100500, "", lambda r: not _is_exemption(r) and not r.has("Auth1Set")),
    (0x00100510, "", lambda r: not _is_exemption(r) and not r.has("Crypto2Set")),
)
# [MS-FASP] 2.2.55
_TUNNEL_CHECKS: tuple[Check[StoredRule], ...] = (
    (0x00100516, "", lambda r: r.has("TransportMachineAuthzSDDL")),
    (0x00100517, "", lambda r: r.has("TransportUserAuthzSDDL")),
    (0x001000A1, "A tunnel takes every protocol.", lambda r: r.has("Protocol", "EP1Port", "EP2Port")),
    (0x0010004D, "Both tunnel endpoints need the same address family.", lambda r: _tunnel_mixes_families(r)),
    (0x0010004F, "A tunnel with both tunnel endpoints needs LocalAddress and RemoteAddress.",
     lambda r: _is_static_tunnel(r) and not (r.has("EP1_4", "EP1_6") and r.has("EP2_4", "EP2_6"))),
)
# [MS-FASP] 2.2.51, 2.2.55, New-NetIPsecRule, -RemoteTunnelHostname
_AUTHORIZATION_CHECKS: tuple[Check[StoredRule], ...] = (
    (0x00107001, "", lambda r: r.is_true("ByPassTunnel") and not r.has(*TUNNEL)),
    (0x00100518, "", lambda r: r.is_true("Authz") and r.has("TransportMachineAuthzSDDL", "TransportUserAuthzSDDL")),
    (0x001000BA, "RequireAuthorization is for tunnels.", lambda r: r.is_true("Authz") and not r.has(*TUNNEL)),
    (0x0008000F, "RemoteTunnelHostname needs several remote tunnel endpoints.",
     lambda r: r.has("RTunnelFqdn") and not r.has(*SEVERAL)),
)


# [MS-FASP] 2.2.55
def check(machine: Machine, root: str, rule: StoredRule) -> None:
    """What the firewall service refuses of a whole connection security rule."""
    known_to(rule, machine.schema)
    refuse_first(_RULE_CHECKS, rule)
    if rule.has(*TUNNEL):
        refuse_first(_TUNNEL_CHECKS, rule)
    refuse_first(_AUTHORIZATION_CHECKS, rule)
    if not _is_exemption(rule):
        check_sets(machine.registry, root, rule)


def _is_exemption(rule: StoredRule) -> bool:
    return rule.first("Action") == "DoNotSecure"


def _local_ends(rule: StoredRule) -> list[str]:
    """The tokens of the local tunnel endpoints."""
    return [token for token, _ in rule.pairs if token.startswith("LTunnel")]


def _tunnel_mixes_families(rule: StoredRule) -> bool:
    """Whether both ends are named, and not in the same address families. The family is the last digit of a token."""
    local = _local_ends(rule)
    remote = [token for token, _ in rule.pairs if token.startswith("RTun") and token != "RTunnelFqdn"]
    families = [{token.removesuffix("_2")[-1] for token in end} for end in (local, remote)]
    return bool(local and remote) and families[0] != families[1]


def _is_static_tunnel(rule: StoredRule) -> bool:
    """Whether the tunnel's own end is named, and neither end is Any."""
    return bool(_local_ends(rule)) and not rule.has(*DYNAMIC)


# FW_RULE_STATUS, the run-time codes; [MS-FASP] 3.1.4.13 of missing encapsulation. open: runtime-status
def check_sets(registry: SimulatedRegistry, root: str, rule: StoredRule) -> None:
    """Sets that exist in the rule's own store, methods that the key modules can do, no key beside a second method."""
    for token in MISSING:
        name = rule.first(token)
        if name and name.lower() != SETS[token].primary.lower() and SETS[token].find(registry, root, name) is None:
            raise rule_error(MISSING[token], f"Set {name}.")
    first = set_methods(registry, root, rule, "Auth1Set") or ["MachineKerb"]
    second = set_methods(registry, root, rule, "Auth2Set")
    if "MachineSHKey" in first and second:
        raise rule_error(0x00200004)
    modules = rule.all("KeyMod")
    if modules and not any(set(first) <= METHODS[m] and (not second or m == "AuthIP") for m in modules if m in METHODS):
        raise rule_error(0x00200008)
    if "AUTH_NO_ENCAP" in proposal_values(registry, root, rule, "Crypto2Set", "2_9Protocol"):
        if rule.has(*TUNNEL):
            raise rule_error(0x00107002)
        if "MachineSHKey" in first:
            raise rule_error(0x00107003)


def set_methods(registry: SimulatedRegistry, root: str, rule: StoredRule, token: str) -> list[str]:
    """The authentication methods of the set that a rule names; [] for a set that is not stored."""
    return proposal_values(registry, root, rule, token, "Method")


def proposal_values(registry: SimulatedRegistry, root: str, rule: StoredRule, token: str, value: str) -> list[str]:
    """One value of every proposal of the set that a rule names, following the renamed primary sets of Group Policy."""
    noun, name = SETS[token], rule.first(token)
    if not name:
        return []
    path = noun.path(root)
    renamed = registry.get(path, name) if name.lower() == noun.primary.lower() else None
    key = registry.key(path + "\\" + str(renamed or name))
    return [str(p.values[value.lower()].data) for p in (key.keys.values() if key else ()) if value.lower() in p.values]


def apply_main_mode(rule: StoredRule, arguments: Mapping[str, Any], machine: Machine) -> None:
    """Writes the bound parameters of New- or Set-NetIPsecMainModeRule into the rule."""
    common(rule, arguments, machine)
    _endpoints(rule, arguments)
    _sets(rule, arguments, ("Auth1Set", "Crypto1Set"))


def check_main_mode(machine: Machine, root: str, rule: StoredRule) -> None:
    """What the service refuses of a main mode rule (MS-FASP 2.2.85): its sets have to be there."""
    if not rule.has("Auth1Set"):
        raise rule_error(0x00100500)
    if not rule.has("Crypto1Set"):
        raise rule_error(0x00100511)
    check_sets(machine.registry, root, rule)
