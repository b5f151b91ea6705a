"""Set-NetFirewallProfile, Set-NetFirewallSetting and the NetIPsecDospSetting cmdlets.

Registry names and senses: MS-GPFAS 2.2.1 and 2.2.3. NotConfigured removes the value.
"""

from collections.abc import Mapping
from typing import Any

from ringfence.lab.machine.machine import Machine
from ringfence.lab.netsecurity import parameter_values
from ringfence.lab.netsecurity.cmdlet_errors import CmdletError, not_found, system_error
from ringfence.lab.netsecurity.policy_stores import policy_root
from ringfence.lab.netsecurity.wildcards import escaped, has_wildcards, matcher
from ringfence.lab.registry.hive import POLICY

# parameter: (subkey, value, data by word)
_SAME, _INVERSE = {"True": 1, "False": 0}, {"True": 0, "False": 1}
# [MS-GPFAS] 2.2.3
_ACTION = {"Allow": 0, "Block": 1}
# [MS-GPFAS] 2.2.3. open: not-configured-locally, stealth-for-ipsec
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
# [MS-GPFAS] 2.2.1
SETTING = {
    "EnableStatefulFtp": ("DisableStatefulFTP", _INVERSE),
    "EnableStatefulPptp": ("DisableStatefulPPTP", _INVERSE),
    "KeyEncoding": ("PresharedKeyEncoding", {"UTF16": 0, "UTF8": 1}),
    "CertValidationLevel": ("StrongCRLCheck", {"None": 0, "AttemptCrlCheck": 1, "RequireCrlCheck": 2}),
    "AllowIPsecThroughNAT": ("IPsecThroughNAT", {"None": 0, "Server": 1, "Both": 2}),
    "RequireFullAuthSupport": ("IPsecOpportunisticallyMatchAuthSetPerKM", _INVERSE),
}
# [MS-GPFAS] 2.2.1
MASKS = {"Exemptions": ("IPSecExempt", {"None": 0, "NeighborDiscovery": 1, "Icmp": 2, "RouterDiscovery": 4, "Dhcp": 8}),
         "EnablePacketQueuing": ("EnablePacketQueue", {"None": 0, "Inbound": 1, "Forward": 2})}
# [MS-GPFAS] 2.2.1
LISTS = {"RemoteMachineTunnelAuthorizationList": "IPsecTunnelRemoteMachineAuthorizationList",
         "RemoteUserTunnelAuthorizationList": "IPsecTunnelRemoteUserAuthorizationList",
         "RemoteMachineTransportAuthorizationList": "IPsecTransportRemoteMachineAuthorizationList",
         "RemoteUserTransportAuthorizationList": "IPsecTransportRemoteUserAuthorizationList"}


def profile_key(root: str, profile: str) -> str:
    """The key of a profile: the local store calls Private StandardProfile."""
    local = root == POLICY and profile == "Private"
    return rf"{root}\{'Standard' if local else profile}Profile"


# Set-NetFirewallProfile, -Name; the error is that of cmdletization. open: profiles-in-one-text
def set_profile(machine: Machine, arguments: Mapping[str, Any]) -> None:
    """Set-NetFirewallProfile: the named profiles, or all three."""
    root = policy_root(machine, arguments.get("PolicyStore", ""))
    names: list[str] = []
    for pattern in arguments.get("Name", ["*"]):
        for part in pattern.split(","):
            matching = [p for p in ("Domain", "Private", "Public") if matcher(part.strip())(p)]
            if not matching and not has_wildcards(part):
                raise not_found("MSFT_NetFirewallProfile", "Name", part.strip())
            names += matching
    writes = list(_profile_values(machine, arguments))
    for name in dict.fromkeys(names):
        for subkey, value, data in writes:
            _write(machine, profile_key(root, name) + subkey, value, data)


# [MS-FASP] 3.1.4.12: the size within its bounds, characters that no path of a log has; Set-NetFirewallProfile,
# -LogMaxSizeKilobytes, -LogFileName
def _profile_values(machine: Machine, arguments: Mapping[str, Any]) -> list[tuple[str, str, int | str | None]]:
    writes: list[tuple[str, str, int | str | None]] = [
        (subkey, value, data.get(arguments[p])) for p, (subkey, value, data) in PROFILE.items() if p in arguments]
    if "LogMaxSizeKilobytes" in arguments:
        if not 1 <= arguments["LogMaxSizeKilobytes"] <= 32767:
            raise system_error(87, "LogMaxSizeKilobytes takes 1 to 32767.")
        writes.append((r"\Logging", "LogFileSize", arguments["LogMaxSizeKilobytes"]))
    if "LogFileName" in arguments:
        name = arguments["LogFileName"]
        if any(c in name for c in '/*?"<>|'):
            raise system_error(87, "LogFileName is not a path.")
        writes.append((r"\Logging", "LogFilePath", None if name in ("", "NotConfigured") else name))
    if "DisabledInterfaceAliases" in arguments:
        writes.append(("", "DisabledInterfaces", _disabled_interfaces(machine, arguments["DisabledInterfaceAliases"])))
    return writes


def _disabled_interfaces(machine: Machine, aliases: list[str]) -> str | None:
    """The GUIDs as they are stored. The parameter is a String[]: no patterns, unlike a rule's -InterfaceAlias."""
    if [a.lower() for a in aliases] in ([], [""], ["notconfigured"]):
        return None
    return ",".join(parameter_values.interface_guids(machine, [escaped(a) for a in aliases])) or None


def _write(machine: Machine, path: str, value: str, data: int | str | None) -> None:
    if data is None:
        machine.registry.unset(path, value)
    else:
        machine.registry.set(path, value, data)


# [MS-GPFAS] 2.2.1: the bounds of SAIdlTime; Set-NetFirewallSetting, -MaxSAIdleTimeSeconds. open: code-of-bounds
def set_setting(machine: Machine, arguments: Mapping[str, Any]) -> None:
    """Set-NetFirewallSetting: values in the root of the store."""
    root = policy_root(machine, arguments.get("PolicyStore", ""))
    writes: list[tuple[str, int | str | None]] = [
        (value, data.get(arguments[p])) for p, (value, data) in SETTING.items() if p in arguments]
    for parameter, (value, bits) in MASKS.items():
        if parameter in arguments:
            writes.append((value, _mask(parameter, arguments[parameter], bits)))
    for parameter, value in LISTS.items():
        if parameter in arguments:
            writes.append((value, parameter_values.sddl(arguments[parameter], 0x00100000) or None))
    if "MaxSAIdleTimeSeconds" in arguments:
        if not 300 <= arguments["MaxSAIdleTimeSeconds"] <= 3600:
            raise system_error(87, "MaxSAIdleTimeSeconds takes 300 to 3600.")
        writes.append(("SAIdlTime", arguments["MaxSAIdleTimeSeconds"]))
    for value, number in writes:
        _write(machine, root, value, number)


# Set-NetFirewallSetting, -Exemptions, -EnablePacketQueuing
def _mask(parameter: str, chosen: list[str], bits: Mapping[str, int]) -> int | None:
    if len(chosen) > 1 and {"None", "NotConfigured"} & set(chosen):
        raise system_error(87, f"{parameter}: None and NotConfigured stand alone.")
    return None if chosen == ["NotConfigured"] else sum(bits[c] for c in chosen)


# New-NetIPsecDospSetting, -Name. open: flood-settings-store, flood-settings-names
def new_dosp(machine: Machine, arguments: Mapping[str, Any]) -> None:
    """New-NetIPsecDospSetting. Its registry form is not documented: it is kept as the cmdlet shows it."""
    if arguments["Name"].lower() in machine.dosp:
        raise system_error(183)
    machine.dosp[arguments["Name"].lower()] = {"Name": arguments["Name"], **_dosp_values(machine, arguments)}


def set_dosp(machine: Machine, arguments: Mapping[str, Any]) -> None:
    """Set-NetIPsecDospSetting."""
    values = _dosp_values(machine, arguments)
    for name in _dosp_names(machine, arguments["Name"]):
        machine.dosp[name].update(values)


def remove_dosp(machine: Machine, arguments: Mapping[str, Any]) -> None:
    """Remove-NetIPsecDospSetting: by name, or all."""
    for name in _dosp_names(machine, arguments.get("Name", ["*"])):
        del machine.dosp[name]


# Set-NetIPsecDospSetting, -Name; Remove-NetIPsecDospSetting, -Name; the error is that of cmdletization
def _dosp_names(machine: Machine, patterns: list[str]) -> list[str]:
    names: list[str] = []
    for pattern in patterns:
        matching = [n for n in machine.dosp if matcher(pattern)(n)]
        if not matching and not has_wildcards(pattern):
            raise not_found("MSFT_NetIPsecDoSPSetting", "Name", pattern)
        names += matching
    return list(dict.fromkeys(names))


# New-NetIPsecDospSetting. open: flood-settings-store
def _dosp_values(machine: Machine, arguments: Mapping[str, Any]) -> dict[str, Any]:
    values = {k: v for k, v in arguments.items() if k != "Name"}
    for parameter in ("PublicInterfaceAliases", "PrivateInterfaceAliases"):
        if parameter in values and not parameter_values.interface_guids(machine, values[parameter]):
            raise CmdletError("InvalidArgument", "Windows System Error 87", f"{parameter}: no interface.", 87)
    for parameter, value in values.items():
        if parameter.endswith("Dscp") and value > 63:
            raise system_error(87, f"{parameter} takes 0 to 63.")
    return values
