"""Connection security rules and main mode rules: parameters to registry tokens, and what Windows refuses.

Encodings: MS-GPFAS 2.2.6 and 2.2.7; refusals: MS-FASP 2.2.55 with the FW_RULE_STATUS codes. What Windows would only
report as the run-time status of the rule (a set that is missing, key modules that cannot do the methods, a pre-shared
key beside a second authentication) the lab refuses at once: such a rule is never enforced.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ringfence.lab import netsecurity_words as words
from ringfence.lab.failures import status
from ringfence.lab.netsecurity_firewall import Aliases, common, known_to
from ringfence.lab.netsecurity_store import KINDS, Host
from ringfence.lab.registry import Registry
from ringfence.lab.rulestring import Pair, Rule

SETS = {"Auth1Set": KINDS["NetIPsecPhase1AuthSet"], "Auth2Set": KINDS["NetIPsecPhase2AuthSet"],
        "Crypto2Set": KINDS["NetIPsecQuickModeCryptoSet"], "Crypto1Set": KINDS["NetIPsecMainModeCryptoSet"]}
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


def apply(rule: Rule, given: Mapping[str, Any], aliases: Aliases) -> None:
    """Writes the bound parameters of New- or Set-NetIPsecRule into the rule; what is not given stays."""
    common(rule, given, aliases)
    if "DisplayName" in given and not rule.has("Desc"):
        rule.pairs.append(("Desc", ""))          # Windows' own strings hold an empty description
    _endpoints(rule, given)
    for parameter, single, several in (("LocalPort", "EP1Port", "EP1Port2_10"), ("RemotePort", "EP2Port", "EP2Port2_10")):
        if parameter in given:
            rule.put(f"{single} {several}", *words.ports(given[parameter], single, several))
    _tunnel(rule, given)
    _action(rule, given)
    for parameter, token in (("EncryptedTunnelBypass", "ByPassTunnel"), ("RequireAuthorization", "Authz"),
                             ("AllowSetKey", "KeyManagerDictate"), ("AllowWatchKey", "KeyManagerNotify")):
        if parameter in given:
            rule.put(token, (token, words.truth(given[parameter])))
    if "KeyModule" in given:
        _key_modules(rule, given["KeyModule"])
    if "ForwardPathLifetime" in given:
        minutes = given["ForwardPathLifetime"]
        if minutes and not 78 <= minutes <= 172799:
            raise status(0x00080013)
        rule.put("FwdLifetime", ("FwdLifetime", str(minutes * 60) if minutes else ""))
    for parameter, token, code in (("Machine", "TransportMachineAuthzSDDL", 0x00080014),
                                   ("User", "TransportUserAuthzSDDL", 0x00080015)):
        if parameter in given:
            rule.put(token, (token, words.sddl(given[parameter], code)))
    _sets(rule, given, ("Auth1Set", "Auth2Set", "Crypto2Set"))


def _endpoints(rule: Rule, given: Mapping[str, Any]) -> None:
    for parameter, end in (("LocalAddress", "EP1"), ("RemoteAddress", "EP2")):
        if parameter in given:
            rule.put(f"{end}_4 {end}_6", *words.addresses(given[parameter], f"{end}_4", f"{end}_6", words=True,
                                                          endpoint=True))


def _sets(rule: Rule, given: Mapping[str, Any], tokens: Iterable[str]) -> None:
    """The named sets; the primary ones where a rule that secures names none."""
    fresh = not rule.has("Auth1Set")
    for parameter, token in SET_PARAMETERS.items():
        if token not in tokens:
            continue
        if parameter in given:
            value = given[parameter]
            rule.put(token, (token, SETS[token].primary if value.lower() == "default" else
                             "" if value.lower() == "none" else value))
        elif fresh and rule.one("Action") != "DoNotSecure":
            rule.put(token, (token, SETS[token].primary))
    if rule.one("Action") == "DoNotSecure" and not any(p in given for p in SET_PARAMETERS):
        rule.put("Auth1Set Auth2Set Crypto2Set")


def _key_modules(rule: Rule, modules: list[str]) -> None:
    if "Default" in modules and len(modules) > 1:
        raise status(0x00080011)
    rule.put("KeyMod", *[("KeyMod", KEY_MODULES[m]) for m in modules if m != "Default"])


def _tunnel(rule: Rule, given: Mapping[str, Any]) -> None:
    """Tunnel endpoints: both named (static), one of them Any (dynamic, tokens `_2`), or several remote ones."""
    ends = {"LocalTunnelEndpoint", "RemoteTunnelEndpoint"} & set(given)
    if given.get("Mode") == "Transport" and not ends and rule.has(*TUNNEL, "RTunnelFqdn"):
        rule.put(" ".join((*TUNNEL, "RTunnelFqdn")))
    if "RemoteTunnelHostname" in given:
        name = given["RemoteTunnelHostname"]
        if name and not re.fullmatch(r"(?!-)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+", name):
            raise status(0x00080010)
        rule.put("RTunnelFqdn", ("RTunnelFqdn", name))
    if not ends:
        return
    local = _ends(given["LocalTunnelEndpoint"], "LTunnel") if "LocalTunnelEndpoint" in given else _held(rule, "LTunnel")
    remote = (_ends(given["RemoteTunnelEndpoint"], "RTunnel") if "RemoteTunnelEndpoint" in given
              else _held(rule, "RTunnel"))
    many = [(f"RTunEndpts{t[-1]}", v) for t, v in remote] if _same_family(remote) else []
    single = local if many else [*local, *remote]
    if _same_family(local) or any("-" in v or "/" in v for _, v in single):
        raise status(0x0010004D)
    ending = "_2" if not local or not (remote or many) else ""
    rule.put(" ".join(TUNNEL), *[(t + ending, v) for t, v in single], *many)


def _same_family(ends: list[Pair]) -> bool:
    return len({t for t, _ in ends}) < len(ends)


def _ends(values: list[str], token: str) -> list[Pair]:
    """Addresses of one end, [] for Any. Loopback and multicast are refused [0x0010004D]."""
    pairs = words.addresses(values, token + "4", token + "6", words=False, endpoint=True)
    if any(v.startswith("127.") or v == "::1" for _, v in pairs):
        raise status(0x0010004D)
    return pairs


def _held(rule: Rule, token: str) -> list[Pair]:
    own = [(t.removesuffix("_2"), v) for t, v in rule.pairs if t.startswith(token)]
    return own + [(f"RTunnel{t[-1]}", v) for t, v in rule.pairs if t in SEVERAL and token == "RTunnel"]


def _action(rule: Rule, given: Mapping[str, Any]) -> None:
    """InboundSecurity and OutboundSecurity as one action; Mode is told by the tunnel tokens (MS-FASP 2.2.52)."""
    held = next((pair for pair, action in ACTIONS.items() if action == rule.one("Action")), ("None", "None"))
    if rule.true("SecureInClearOut"):
        held = ("Require", "None")
    pair = (given.get("InboundSecurity", held[0]), given.get("OutboundSecurity", held[1]))
    mode = given.get("Mode") or ("Tunnel" if rule.has(*TUNNEL) else "Transport")
    tunnel = mode == "Tunnel"
    if mode == "None":
        raise status(0x001000B0, "Mode None.")
    if tunnel and given.get("KeyModule") == ["IKEv2"] and "TunnelType" not in given:
        raise status(0x00080011)
    if pair == ("Require", "None") and not tunnel:
        raise status(0x00107000)
    if (pair not in ACTIONS and pair != ("Require", "None")) or (
            tunnel and pair in (("Request", "Request"), ("Require", "Request"))):
        raise status(0x00100080, f"InboundSecurity {pair[0]} with OutboundSecurity {pair[1]}.")
    if not tunnel and rule.has(*TUNNEL):
        raise status(0x0010004D, "Tunnel endpoints need Mode Tunnel.")
    if tunnel and pair != ("None", "None") and not rule.has(*TUNNEL):
        raise status(0x0010004D)
    if tunnel and pair == ("None", "None") and rule.has(*TUNNEL):
        raise status(0x001000F1)
    rule.put("Action", ("Action", ACTIONS.get(pair, "Secure")))
    rule.put("SecureInClearOut", ("SecureInClearOut", words.truth(pair == ("Require", "None"))))


def check(host: Host, root: str, rule: Rule) -> None:
    """What the firewall service refuses of a whole connection security rule."""
    known_to(rule, host.schema)
    exempt, tunnel = rule.one("Action") == "DoNotSecure", rule.has(*TUNNEL)
    if rule.has("EP1Port", "EP2Port", "EP1Port2_10", "EP2Port2_10") and rule.one("Protocol") not in ("6", "17"):
        raise status(0x001000A1)
    if rule.has("EP1Port2_10", "EP2Port2_10") and not exempt:
        raise status(0x00100023)
    if rule.has("EP1_4", "EP1_6") and rule.has("IF", "IFType", "IFType2_23"):
        raise status(0x0010004B)
    if exempt and rule.has("Auth1Set", "Auth2Set", "Crypto2Set"):
        raise status(0x00100082)
    if not exempt and not rule.has("Auth1Set"):
        raise status(0x00100500)
    if not exempt and not rule.has("Crypto2Set"):
        raise status(0x00100510)
    if tunnel:
        _check_tunnel(rule)
    if rule.true("ByPassTunnel") and not tunnel:
        raise status(0x00107001)
    if rule.true("Authz") and rule.has("TransportMachineAuthzSDDL", "TransportUserAuthzSDDL"):
        raise status(0x00100518)
    if rule.true("Authz") and not tunnel:
        raise status(0x001000BA, "RequireAuthorization is for tunnels.")
    if rule.has("RTunnelFqdn") and not rule.has(*SEVERAL):
        raise status(0x0008000F, "RemoteTunnelHostname needs several remote tunnel endpoints.")
    if not exempt:
        check_sets(host.registry, root, rule)


def _check_tunnel(rule: Rule) -> None:
    if rule.has("TransportMachineAuthzSDDL"):
        raise status(0x00100516)
    if rule.has("TransportUserAuthzSDDL"):
        raise status(0x00100517)
    if rule.has("Protocol", "EP1Port", "EP2Port"):
        raise status(0x001000A1, "A tunnel takes every protocol.")
    local = [t for t, _ in rule.pairs if t.startswith("LTunnel")]
    remote = [t for t, _ in rule.pairs if t.startswith("RTun") and t != "RTunnelFqdn"]
    families = [{re.sub(r"_2$", "", t)[-1] for t in end} for end in (local, remote)]
    if local and remote and families[0] != families[1]:
        raise status(0x0010004D, "Both tunnel endpoints need the same address family.")
    if local and not rule.has(*DYNAMIC) and not (rule.has("EP1_4", "EP1_6") and rule.has("EP2_4", "EP2_6")):
        raise status(0x0010004F, "A tunnel with both tunnel endpoints needs LocalAddress and RemoteAddress.")


def check_sets(registry: Registry, root: str, rule: Rule) -> None:
    """Sets that exist in the rule's own store, methods that the key modules can do, no key beside a second method."""
    for token in MISSING:
        name = rule.one(token)
        if name and name.casefold() != SETS[token].primary.casefold() and SETS[token].find(registry, root, name) is None:
            raise status(MISSING[token], f"Set {name}.")
    first = set_methods(registry, root, rule, "Auth1Set") or ["MachineKerb"]
    second = set_methods(registry, root, rule, "Auth2Set")
    if "MachineSHKey" in first and second:
        raise status(0x00200004)
    modules = rule.all("KeyMod")
    if modules and not any(set(first) <= METHODS[m] and (not second or m == "AuthIP") for m in modules if m in METHODS):
        raise status(0x00200008)
    if "AUTH_NO_ENCAP" in proposal_values(registry, root, rule, "Crypto2Set", "2_9Protocol"):
        if rule.has(*TUNNEL):
            raise status(0x00107002)
        if "MachineSHKey" in first:
            raise status(0x00107003)


def set_methods(registry: Registry, root: str, rule: Rule, token: str) -> list[str]:
    """The authentication methods of the set that a rule names; [] for a set that is not stored."""
    return proposal_values(registry, root, rule, token, "Method")


def proposal_values(registry: Registry, root: str, rule: Rule, token: str, value: str) -> list[str]:
    """One value of every proposal of the set that a rule names, following the renamed primary sets of Group Policy."""
    kind, name = SETS[token], rule.one(token)
    if not name:
        return []
    path = kind.path(root)
    renamed = registry.get(path, name) if name.casefold() == kind.primary.casefold() else None
    key = registry.key(path + "\\" + str(renamed or name))
    return [str(p.values[value.casefold()].data) for p in (key.keys.values() if key else ()) if value.casefold() in p.values]


def apply_main_mode(rule: Rule, given: Mapping[str, Any], aliases: Aliases) -> None:
    """Writes the bound parameters of New- or Set-NetIPsecMainModeRule into the rule."""
    common(rule, given, aliases)
    _endpoints(rule, given)
    _sets(rule, given, ("Auth1Set", "Crypto1Set"))


def check_main_mode(host: Host, root: str, rule: Rule) -> None:
    """What the service refuses of a main mode rule (MS-FASP 2.2.79): its sets have to be there."""
    if not rule.has("Auth1Set"):
        raise status(0x00100500)
    if not rule.has("Crypto1Set"):
        raise status(0x00100511)
    check_sets(host.registry, root, rule)
