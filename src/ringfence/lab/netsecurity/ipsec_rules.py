"""Connection security rules and main mode rules: parameters to registry tokens, and what Windows refuses.

Encodings: MS-GPFAS 2.2.6 and 2.2.7; refusals: MS-FASP 2.2.55 with the FW_RULE_STATUS codes. What Windows would only
report as the run-time status of the rule (a set that is missing, key modules that cannot do the methods, a pre-shared
key beside a second authentication) the lab refuses at once: such a rule is never enforced.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ringfence.lab.machine.machine import Machine
from ringfence.lab.netsecurity import parameter_values
from ringfence.lab.netsecurity.cmdlet_errors import rule_error
from ringfence.lab.netsecurity.firewall_rules import common, known_to
from ringfence.lab.netsecurity.objects import NOUNS
from ringfence.lab.registry.hive import SimulatedRegistry
from ringfence.lab.registry.stored_rule import StoredRule, Token

SETS = {"Auth1Set": NOUNS["NetIPsecPhase1AuthSet"], "Auth2Set": NOUNS["NetIPsecPhase2AuthSet"],
        "Crypto2Set": NOUNS["NetIPsecQuickModeCryptoSet"], "Crypto1Set": NOUNS["NetIPsecMainModeCryptoSet"]}
MISSING = {"Auth1Set": 0x00200001, "Auth2Set": 0x00200002, "Crypto2Set": 0x00200003, "Crypto1Set": 0x00200005}
SET_PARAMETERS = {"Phase1AuthSet": "Auth1Set", "Phase2AuthSet": "Auth2Set", "QuickModeCryptoSet": "Crypto2Set",
                  "MainModeCryptoSet": "Crypto1Set"}
STATIC = ("LTunnel4", "LTunnel6", "RTunnel4", "RTunnel6")
DYNAMIC = tuple(t + "_2" for t in STATIC)
SEVERAL = ("RTunEndpts4", "RTunEndpts6")
TUNNEL = (*STATIC, *DYNAMIC, *SEVERAL)
KEY_MODULES = {"IKEv1": "IkeV1", "AuthIP": "AuthIP", "IKEv2": "IkeV2"}
ACTIONS = {("None", "None"): "DoNotSecure", ("Request", "Request"): "Boundary", ("Require", "Request"): "SecureServer",
           ("Require", "Require"): "Secure"}
METHODS = {  # what each key module can do (Microsoft's page of New-NetIPsecRule, -KeyModule)
    "IkeV1": {"MachineSHKey", "MachineCert", "MachineKerb"},
    "AuthIP": {"Anonymous", "MachineKerb", "MachineNtlm", "MachineCert", "UserKerb", "UserNtlm", "UserCert"},
    "IkeV2": {"MachineCert"},
}


def apply(rule: StoredRule, arguments: Mapping[str, Any], machine: Machine) -> None:
    """Writes the bound parameters of New- or Set-NetIPsecRule into the rule; what is not given stays."""
    common(rule, arguments, machine)
    if "DisplayName" in arguments and not rule.has("Desc"):
        rule.pairs.append(("Desc", ""))          # Windows' own strings hold an empty description
    _endpoints(rule, arguments)
    for parameter, single, several in (("LocalPort", "EP1Port", "EP1Port2_10"), ("RemotePort", "EP2Port", "EP2Port2_10")):
        if parameter in arguments:
            rule.replace(f"{single} {several}", *parameter_values.ports(arguments[parameter], single, several))
    _tunnel(rule, arguments)
    _action(rule, arguments)
    for parameter, token in (("EncryptedTunnelBypass", "ByPassTunnel"), ("RequireAuthorization", "Authz"),
                             ("AllowSetKey", "KeyManagerDictate"), ("AllowWatchKey", "KeyManagerNotify")):
        if parameter in arguments:
            rule.replace(token, (token, parameter_values.truth(arguments[parameter])))
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


def _sets(rule: StoredRule, arguments: Mapping[str, Any], tokens: Iterable[str]) -> None:
    """The named sets; the primary ones where a rule that secures names none."""
    fresh = not rule.has("Auth1Set")
    for parameter, token in SET_PARAMETERS.items():
        if token not in tokens:
            continue
        if parameter in arguments:
            value = arguments[parameter]
            rule.replace(token, (token, SETS[token].primary if value.lower() == "default" else
                                 "" if value.lower() == "none" else value))
        elif fresh and rule.first("Action") != "DoNotSecure":
            rule.replace(token, (token, SETS[token].primary))
    if rule.first("Action") == "DoNotSecure" and not any(p in arguments for p in SET_PARAMETERS):
        rule.replace("Auth1Set Auth2Set Crypto2Set")


def _key_modules(rule: StoredRule, modules: list[str]) -> None:
    if "Default" in modules and len(modules) > 1:
        raise rule_error(0x00080011)
    rule.replace("KeyMod", *[("KeyMod", KEY_MODULES[m]) for m in modules if m != "Default"])


def _tunnel(rule: StoredRule, arguments: Mapping[str, Any]) -> None:
    """Tunnel endpoints: both named (static), one of them Any (dynamic, tokens `_2`), or several remote ones."""
    ends = {"LocalTunnelEndpoint", "RemoteTunnelEndpoint"} & set(arguments)
    if arguments.get("Mode") == "Transport" and not ends and rule.has(*TUNNEL, "RTunnelFqdn"):
        rule.replace(" ".join((*TUNNEL, "RTunnelFqdn")))
    if "RemoteTunnelHostname" in arguments:
        name = arguments["RemoteTunnelHostname"]
        if name and not re.fullmatch(r"(?!-)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+", name):
            raise rule_error(0x00080010)
        rule.replace("RTunnelFqdn", ("RTunnelFqdn", name))
    if not ends:
        return
    local = _ends(arguments["LocalTunnelEndpoint"], "LTunnel") if "LocalTunnelEndpoint" in arguments else _held(rule, "LTunnel")
    remote = (_ends(arguments["RemoteTunnelEndpoint"], "RTunnel") if "RemoteTunnelEndpoint" in arguments
              else _held(rule, "RTunnel"))
    many = [(f"RTunEndpts{t[-1]}", v) for t, v in remote] if _same_family(remote) else []
    single = local if many else [*local, *remote]
    if _same_family(local) or any("-" in v or "/" in v for _, v in single):
        raise rule_error(0x0010004D)
    ending = "_2" if not local or not (remote or many) else ""
    rule.replace(" ".join(TUNNEL), *[(t + ending, v) for t, v in single], *many)


def _same_family(ends: list[Token]) -> bool:
    return len({t for t, _ in ends}) < len(ends)


def _ends(values: list[str], token: str) -> list[Token]:
    """Addresses of one end, [] for Any. Loopback and multicast are refused [0x0010004D]."""
    pairs = parameter_values.addresses(values, token + "4", token + "6", keywords=False, endpoint=True)
    if any(v.startswith("127.") or v == "::1" for _, v in pairs):
        raise rule_error(0x0010004D)
    return pairs


def _held(rule: StoredRule, token: str) -> list[Token]:
    own = [(t.removesuffix("_2"), v) for t, v in rule.pairs if t.startswith(token)]
    return own + [(f"RTunnel{t[-1]}", v) for t, v in rule.pairs if t in SEVERAL and token == "RTunnel"]


def _action(rule: StoredRule, arguments: Mapping[str, Any]) -> None:
    """InboundSecurity and OutboundSecurity as one action; Mode is told by the tunnel tokens (MS-FASP 2.2.52)."""
    held = next((pair for pair, action in ACTIONS.items() if action == rule.first("Action")), ("None", "None"))
    if rule.is_true("SecureInClearOut"):
        held = ("Require", "None")
    pair = (arguments.get("InboundSecurity", held[0]), arguments.get("OutboundSecurity", held[1]))
    mode = arguments.get("Mode") or ("Tunnel" if rule.has(*TUNNEL) else "Transport")
    tunnel = mode == "Tunnel"
    if mode == "None":
        raise rule_error(0x001000B0, "Mode None.")
    if tunnel and arguments.get("KeyModule") == ["IKEv2"] and "TunnelType" not in arguments:
        raise rule_error(0x00080011)
    if pair == ("Require", "None") and not tunnel:
        raise rule_error(0x00107000)
    if (pair not in ACTIONS and pair != ("Require", "None")) or (
            tunnel and pair in (("Request", "Request"), ("Require", "Request"))):
        raise rule_error(0x00100080, f"InboundSecurity {pair[0]} with OutboundSecurity {pair[1]}.")
    if not tunnel and rule.has(*TUNNEL):
        raise rule_error(0x0010004D, "Tunnel endpoints need Mode Tunnel.")
    if tunnel and pair != ("None", "None") and not rule.has(*TUNNEL):
        raise rule_error(0x0010004D)
    if tunnel and pair == ("None", "None") and rule.has(*TUNNEL):
        raise rule_error(0x001000F1)
    rule.replace("Action", ("Action", ACTIONS.get(pair, "Secure")))
    rule.replace("SecureInClearOut", ("SecureInClearOut", parameter_values.truth(pair == ("Require", "None"))))


def check(machine: Machine, root: str, rule: StoredRule) -> None:
    """What the firewall service refuses of a whole connection security rule."""
    known_to(rule, machine.schema)
    exempt, tunnel = rule.first("Action") == "DoNotSecure", rule.has(*TUNNEL)
    if rule.has("EP1Port", "EP2Port", "EP1Port2_10", "EP2Port2_10") and rule.first("Protocol") not in ("6", "17"):
        raise rule_error(0x001000A1)
    if rule.has("EP1Port2_10", "EP2Port2_10") and not exempt:
        raise rule_error(0x00100023)
    if rule.has("EP1_4", "EP1_6") and rule.has("IF", "IFType", "IFType2_23"):
        raise rule_error(0x0010004B)
    if exempt and rule.has("Auth1Set", "Auth2Set", "Crypto2Set"):
        raise rule_error(0x00100082)
    if not exempt and not rule.has("Auth1Set"):
        raise rule_error(0x00100500)
    if not exempt and not rule.has("Crypto2Set"):
        raise rule_error(0x00100510)
    if tunnel:
        _check_tunnel(rule)
    if rule.is_true("ByPassTunnel") and not tunnel:
        raise rule_error(0x00107001)
    if rule.is_true("Authz") and rule.has("TransportMachineAuthzSDDL", "TransportUserAuthzSDDL"):
        raise rule_error(0x00100518)
    if rule.is_true("Authz") and not tunnel:
        raise rule_error(0x001000BA, "RequireAuthorization is for tunnels.")
    if rule.has("RTunnelFqdn") and not rule.has(*SEVERAL):
        raise rule_error(0x0008000F, "RemoteTunnelHostname needs several remote tunnel endpoints.")
    if not exempt:
        check_sets(machine.registry, root, rule)


def _check_tunnel(rule: StoredRule) -> None:
    if rule.has("TransportMachineAuthzSDDL"):
        raise rule_error(0x00100516)
    if rule.has("TransportUserAuthzSDDL"):
        raise rule_error(0x00100517)
    if rule.has("Protocol", "EP1Port", "EP2Port"):
        raise rule_error(0x001000A1, "A tunnel takes every protocol.")
    local = [t for t, _ in rule.pairs if t.startswith("LTunnel")]
    remote = [t for t, _ in rule.pairs if t.startswith("RTun") and t != "RTunnelFqdn"]
    families = [{re.sub(r"_2$", "", t)[-1] for t in end} for end in (local, remote)]
    if local and remote and families[0] != families[1]:
        raise rule_error(0x0010004D, "Both tunnel endpoints need the same address family.")
    if local and not rule.has(*DYNAMIC) and not (rule.has("EP1_4", "EP1_6") and rule.has("EP2_4", "EP2_6")):
        raise rule_error(0x0010004F, "A tunnel with both tunnel endpoints needs LocalAddress and RemoteAddress.")


def check_sets(registry: SimulatedRegistry, root: str, rule: StoredRule) -> None:
    """Sets that exist in the rule's own store, methods that the key modules can do, no key beside a second method."""
    for token in MISSING:
        name = rule.first(token)
        if name and name.casefold() != SETS[token].primary.casefold() and SETS[token].find(registry, root, name) is None:
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
    renamed = registry.get(path, name) if name.casefold() == noun.primary.casefold() else None
    key = registry.key(path + "\\" + str(renamed or name))
    return [str(p.values[value.casefold()].data) for p in (key.keys.values() if key else ()) if value.casefold() in p.values]


def apply_main_mode(rule: StoredRule, arguments: Mapping[str, Any], machine: Machine) -> None:
    """Writes the bound parameters of New- or Set-NetIPsecMainModeRule into the rule."""
    common(rule, arguments, machine)
    _endpoints(rule, arguments)
    _sets(rule, arguments, ("Auth1Set", "Crypto1Set"))


def check_main_mode(machine: Machine, root: str, rule: StoredRule) -> None:
    """What the service refuses of a main mode rule (MS-FASP 2.2.79): its sets have to be there."""
    if not rule.has("Auth1Set"):
        raise rule_error(0x00100500)
    if not rule.has("Crypto1Set"):
        raise rule_error(0x00100511)
    check_sets(machine.registry, root, rule)
