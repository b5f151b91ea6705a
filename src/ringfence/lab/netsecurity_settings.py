"""Set-NetFirewallProfile, Set-NetFirewallSetting and the NetIPsecDospSetting cmdlets.

Registry names and senses: MS-GPFAS 2.2.1 and 2.2.3. NotConfigured removes the value.
"""

import re
from collections.abc import Mapping
from typing import Any

from ringfence.lab import netsecurity_words as words
from ringfence.lab.failures import Refusal, native, not_found
from ringfence.lab.netsecurity_store import Host, matcher, store, wild
from ringfence.lab.registry import POLICY

# parameter: (subkey, value, data by word)
_SAME, _INVERSE = {"True": 1, "False": 0}, {"True": 0, "False": 1}
_ACTION = {"Allow": 0, "Block": 1}
PROFILE = {
    "Enabled": ("", "EnableFirewall", _SAME),
    "DefaultInboundAction": ("", "DefaultInboundAction", _ACTION),
    "DefaultOutboundAction": ("", "DefaultOutboundAction", _ACTION),
    "AllowInboundRules": ("", "DoNotAllowExceptions", _INVERSE),
    "AllowLocalFirewallRules": ("", "AllowLocalPolicyMerge", _SAME),
    "AllowLocalIPsecRules": ("", "AllowLocalIPsecPolicyMerge", _SAME),
    "AllowUserApps": (r"\AuthorizedApplications", "AllowUserPrefMerge", _SAME),
    "AllowUserPorts": (r"\GloballyOpenPorts", "AllowUserPrefMerge", _SAME),
    "AllowUnicastResponseToMulticast": ("", "DisableUnicastResponsesToMulticastBroadcast", _INVERSE),
    "NotifyOnListen": ("", "DisableNotifications", _INVERSE),
    "EnableStealthModeForIPsec": ("", "DisableStealthModeIPsecSecuredPacketExemption", _SAME),
    "LogAllowed": (r"\Logging", "LogSuccessfulConnections", _SAME),
    "LogBlocked": (r"\Logging", "LogDroppedPackets", _SAME),
    "LogIgnored": (r"\Logging", "LogIgnoredRules", _SAME),
}
SETTING = {
    "EnableStatefulFtp": ("DisableStatefulFTP", _INVERSE),
    "EnableStatefulPptp": ("DisableStatefulPPTP", _INVERSE),
    "KeyEncoding": ("PresharedKeyEncoding", {"UTF16": 0, "UTF8": 1}),
    "CertValidationLevel": ("StrongCRLCheck", {"None": 0, "AttemptCrlCheck": 1, "RequireCrlCheck": 2}),
    "AllowIPsecThroughNAT": ("IPsecThroughNAT", {"None": 0, "Server": 1, "Both": 2}),
    "RequireFullAuthSupport": ("IPsecOpportunisticallyMatchAuthSetPerKM", _INVERSE),
}
MASKS = {"Exemptions": ("IPSecExempt", {"None": 0, "NeighborDiscovery": 1, "Icmp": 2, "RouterDiscovery": 4, "Dhcp": 8}),
         "EnablePacketQueuing": ("EnablePacketQueue", {"None": 0, "Inbound": 1, "Forward": 2})}
LISTS = {"RemoteMachineTunnelAuthorizationList": "IPsecTunnelRemoteMachineAuthorizationList",
         "RemoteUserTunnelAuthorizationList": "IPsecTunnelRemoteUserAuthorizationList",
         "RemoteMachineTransportAuthorizationList": "IPsecTransportRemoteMachineAuthorizationList",
         "RemoteUserTransportAuthorizationList": "IPsecTransportRemoteUserAuthorizationList"}


def profile_key(root: str, profile: str) -> str:
    """The key of a profile: the local store calls Private StandardProfile."""
    local = root == POLICY and profile == "Private"
    return rf"{root}\{'Standard' if local else profile}Profile"


def set_profile(host: Host, given: Mapping[str, Any]) -> None:
    """Set-NetFirewallProfile: the named profiles, or all three."""
    root = store(host, given.get("PolicyStore", ""))
    names: list[str] = []
    for pattern in given.get("Name", ["*"]):
        for part in pattern.split(","):
            found = [p for p in ("Domain", "Private", "Public") if matcher(part.strip())(p)]
            if not found and not wild(part):
                raise not_found("MSFT_NetFirewallProfile", "Name", part.strip())
            names += found
    writes = list(_profile_values(host, given))
    for name in dict.fromkeys(names):
        for subkey, value, data in writes:
            _write(host, profile_key(root, name) + subkey, value, data)


def _profile_values(host: Host, given: Mapping[str, Any]) -> list[tuple[str, str, int | str | None]]:
    made: list[tuple[str, str, int | str | None]] = [
        (subkey, value, data.get(given[p])) for p, (subkey, value, data) in PROFILE.items() if p in given]
    if "LogMaxSizeKilobytes" in given:
        if not 1 <= given["LogMaxSizeKilobytes"] <= 32767:
            raise native(87, "LogMaxSizeKilobytes takes 1 to 32767.")
        made.append((r"\Logging", "LogFileSize", given["LogMaxSizeKilobytes"]))
    if "LogFileName" in given:
        name = given["LogFileName"]
        if len(name) >= 260 or any(c in name for c in '/*?"<>|'):
            raise native(87, "LogFileName is not a path.")
        made.append((r"\Logging", "LogFilePath", None if name in ("", "NotConfigured") else name))
    if "DisabledInterfaceAliases" in given:
        aliases = given["DisabledInterfaceAliases"]
        none = [a.lower() for a in aliases] in ([], [""], ["notconfigured"])
        exact = [re.sub(r"([`*?\[\]])", r"`\1", a) for a in aliases]  # a String[]: no patterns, unlike a rule's -InterfaceAlias
        made.append(("", "DisabledInterfaces", None if none else ",".join(host.aliases(exact)) or None))
    return made


def _write(host: Host, path: str, value: str, data: int | str | None) -> None:
    if data is None:
        host.registry.unset(path, value)
    else:
        host.registry.set(path, value, data)


def set_setting(host: Host, given: Mapping[str, Any]) -> None:
    """Set-NetFirewallSetting: values in the root of the store."""
    root = store(host, given.get("PolicyStore", ""))
    writes: list[tuple[str, int | str | None]] = [
        (value, data.get(given[p])) for p, (value, data) in SETTING.items() if p in given]
    for parameter, (value, bits) in MASKS.items():
        if parameter in given:
            writes.append((value, _mask(parameter, given[parameter], bits)))
    for parameter, value in LISTS.items():
        if parameter in given:
            writes.append((value, words.sddl(given[parameter], 0x00100000) or None))
    if "MaxSAIdleTimeSeconds" in given:
        if not 300 <= given["MaxSAIdleTimeSeconds"] <= 3600:
            raise native(87, "MaxSAIdleTimeSeconds takes 300 to 3600.")
        writes.append(("SAIdlTime", given["MaxSAIdleTimeSeconds"]))
    for value, number in writes:
        _write(host, root, value, number)


def _mask(parameter: str, chosen: list[str], bits: Mapping[str, int]) -> int | None:
    if len(chosen) > 1 and {"None", "NotConfigured"} & set(chosen):
        raise native(87, f"{parameter}: None and NotConfigured stand alone.")
    return None if chosen == ["NotConfigured"] else sum(bits[c] for c in chosen)


def new_dosp(host: Host, given: Mapping[str, Any]) -> None:
    """New-NetIPsecDospSetting. Its registry form is not documented: it is kept as the cmdlet shows it."""
    if given["Name"].lower() in host.dosp:
        raise native(183)
    host.dosp[given["Name"].lower()] = {"Name": given["Name"], **_dosp_values(host, given)}


def set_dosp(host: Host, given: Mapping[str, Any]) -> None:
    """Set-NetIPsecDospSetting."""
    values = _dosp_values(host, given)
    for name in _dosp_names(host, given["Name"]):
        host.dosp[name].update(values)


def remove_dosp(host: Host, given: Mapping[str, Any]) -> None:
    """Remove-NetIPsecDospSetting: by name, or all."""
    for name in _dosp_names(host, given.get("Name", ["*"])):
        del host.dosp[name]


def _dosp_names(host: Host, patterns: list[str]) -> list[str]:
    found: list[str] = []
    for pattern in patterns:
        some = [n for n in host.dosp if matcher(pattern)(n)]
        if not some and not wild(pattern):
            raise not_found("MSFT_NetIPsecDoSPSetting", "Name", pattern)
        found += some
    return list(dict.fromkeys(found))


def _dosp_values(host: Host, given: Mapping[str, Any]) -> dict[str, Any]:
    values = {k: v for k, v in given.items() if k != "Name"}
    for parameter in ("PublicInterfaceAliases", "PrivateInterfaceAliases"):
        if parameter in values and not host.aliases(values[parameter]):
            raise Refusal("InvalidArgument", "Windows System Error 87", f"{parameter}: no interface.", 87)
    for parameter, value in values.items():
        if parameter.endswith("Dscp") and value > 63:
            raise native(87, f"{parameter} takes 0 to 63.")
    return values
