"""firewall_profile: the settings of the domain, private and public profiles (Set-NetFirewallProfile)."""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ringfence.codecs.registry import RegistryValue
from ringfence.diagnostics import Finding
from ringfence.model.resource import Resource, prop, resource
from ringfence.model.storage import RegistryKeys
from ringfence.model.switches import OFF, switch
from ringfence.types.base import NOT_CONFIGURED, CaseInsensitive, case_insensitive, quoted
from ringfence.types.enums import choice, flags_of, number, with_hints
from ringfence.types.foreign_words import VALUES
from ringfence.types.network import interfaces
from ringfence.types.text import PATH_TEXT, guid

ACTION = with_hints(choice("Allow", "Block", "NotConfigured"), VALUES["default_action"])
ACTIONS = {"allow": 0, "block": 1}

# How a file of the host itself begins: with a drive or a variable. Anything else may be a share or a device (\\server\share,
# \??\UNC\server\share, \Device\Mup\server\share). The host script refuses the same.
_OF_THE_HOST = re.compile(r"\s*([a-z]:|%([^%\\/]+)%)\\", re.IGNORECASE)
# Variables that stand for a share: \\server (Microsoft KB 141714), \\server\share (Q101507, and the policy for home folders).
_SHARES = frozenset({"logonserver", "homeshare"})
_PATH = case_insensitive(replace(PATH_TEXT, sample=r"%SystemRoot%\System32\LogFiles\Firewall\domain.log"), "NotConfigured")


def _log_file(value: Any) -> CaseInsensitive | None:
    path: CaseInsensitive | None = _PATH.parse(value)
    begins = _OF_THE_HOST.match(path) if path else None
    if path and (begins is None or str(begins[2]).lower() in _SHARES):
        raise ValueError(f"{quoted(path)} may be a share or a device: a log is a file of the host itself, for a share would "
                         r"make it log on elsewhere. Begin it with a drive or a folder's variable: C:\Logs\fw.log, "
                         r"%SystemRoot%\System32\LogFiles\Firewall\fw.log")
    return path


LOG_FILE = replace(_PATH, parse=_log_file)


def guids(data: str) -> tuple[str, ...]:
    return tuple(sorted({guid(g.strip()) for g in data.split(",") if g.strip()}))


@resource(
    "firewall_profile",
    noun="NetFirewallProfile",
    whole=False,
    key="profiles",
    write_order=6,
    example_name="[domain, private, public]",
    name_type=with_hints(flags_of("Domain", "Private", "Public"), VALUES["profile"]),
    category="firewall",
    storage=RegistryKeys(
        {"domain": ("DomainProfile",), "private": ("StandardProfile", "PrivateProfile"), "public": ("PublicProfile",)},
        policy={
            "domain": ("DomainProfile",),
            "private": ("PrivateProfile", "StandardProfile"),
            "public": ("PublicProfile", "StandardProfile"),
        },
    ),
)
class FirewallProfile(Resource):
    """The settings of one or more profiles. Only what is mentioned is managed; `not_configured` stores no value."""

    # `legacy=False`: what "MUST NOT be present on" StandardProfile of Group Policy ([MS-GPFAS] 2.2.3)
    # `unset`: [MS-FASP] note 13 and Set-NetFirewallProfile, where they agree: not on LogIgnored, nor on the log's file and size

    enabled: bool | str = switch("Whether the firewall is on.", "EnableFirewall", example=True, unset=True, least=True,
                                 setting_type=1)
    default_inbound_action: str = prop("What happens to inbound connections that no rule matches; Windows' default is "
                                       "block.", ACTION, RegistryValue("DefaultInboundAction", ACTIONS, legacy=False),
                                       default=NOT_CONFIGURED, example="block", unset="block", least="block", setting_type=17)
    default_outbound_action: str = prop("What happens to outbound connections that no rule matches; Windows' default is "
                                        "allow.", ACTION, RegistryValue("DefaultOutboundAction", ACTIONS, legacy=False),
                                        default=NOT_CONFIGURED, unset="allow", least="block", setting_type=16)
    allow_inbound_rules: bool | str = switch("False: shields up, every inbound allow rule is ignored.",
                                             "DoNotAllowExceptions", OFF, unset=True, wins=False, least=False, setting_type=3)
    allow_local_firewall_rules: bool | str = switch("Whether local rules apply beside those of Group Policy.",
                                                    "AllowLocalPolicyMerge", legacy=False, unset=True, policy_only=True,
                                                    merges="firewall rules", setting_type=13)
    allow_local_ipsec_rules: bool | str = switch("Whether local connection security rules apply beside those of Group "
                                                 "Policy.", "AllowLocalIPsecPolicyMerge", legacy=False, unset=True,
                                                 policy_only=True, merges="connection security rules", setting_type=14)
    allow_user_apps: bool | str = switch("Whether local rules apply that have a program, tcp or udp, no service and no local "
                                         "port (as users allowed programs in Windows XP).", "AllowUserPrefMerge",
                                         path="AuthorizedApplications", unset=True, least=False,
                                         merges="rules of programs without a port", setting_type=11)
    allow_user_ports: bool | str = switch("Whether local rules apply that have one local port or range, tcp or udp, no program "
                                          "and no service (as users opened ports in Windows XP).", "AllowUserPrefMerge",
                                          path="GloballyOpenPorts", unset=True, policy_only=True, least=False,
                                          merges="rules of one port", setting_type=12)
    allow_unicast_response_to_multicast: bool | str = switch("Whether answers to multicast are accepted.",
                                                             "DisableUnicastResponsesToMulticastBroadcast", OFF, unset=True,
                                                             least=False, setting_type=4)
    notify_on_listen: bool | str = switch("Whether users are told when a program is kept from listening.",
                                          "DisableNotifications", OFF, setting_type=10)
    enable_stealth_mode_for_ipsec: bool | str = switch(  # open: the lab's stealth-for-ipsec
        "Whether stealth mode holds for IPsec secured packets too, as the names of parameter and value say; by the text of "
        "[MS-FASP] 2.2.38 the value exempts them.", "DisableStealthModeIPsecSecuredPacketExemption", since="2.20",
        setting_type=18)
    log_file_name: str | None = prop("The log file, on the host itself: a path with a drive or a variable. NT SERVICE\\mpssvc "
                                     "needs write access.",
                                     LOG_FILE, RegistryValue("LogFilePath", path="Logging", type="String", parse=CaseInsensitive),
                                     setting_type=9)
    log_max_size_kilobytes: int | None = prop("The size at which a new log begins; Windows' default is 4096.",
                                              number(1, 32767), RegistryValue("LogFileSize", path="Logging", parse=int),
                                              example=16384, setting_type=8)
    log_allowed: bool | str = switch("Whether allowed connections are logged.", "LogSuccessfulConnections",
                                     path="Logging", unset=False, wins=True, setting_type=6)
    log_blocked: bool | str = switch("Whether dropped packets are logged.", "LogDroppedPackets", path="Logging",
                                     example=True, unset=False, wins=True, setting_type=5)
    log_ignored: bool | str = switch("Whether rules that are ignored are logged.", "LogIgnoredRules", path="Logging",
                                     legacy=False, wins=True, setting_type=7)
    disabled_interface_aliases: tuple[str, ...] = prop("Interfaces on which this profile's firewall is off.",
                                                       interfaces("NotConfigured", patterns=False),
                                                       RegistryValue("DisabledInterfaces", type="String", parse=guids,
                                                                     format=",".join, legacy=False),
                                                       default=(), least=(), setting_type=15)

    def check(self) -> Iterable[Finding]:
        """[MS-FASP] 2.2.38: what Windows takes from Group Policy alone, or what means something there alone."""
        for name in (p.name for p in self.kind.properties.values() if p.policy_only):
            if getattr(self, name) is False:
                yield Finding(name, f"{name} has no effect in the host's own policy: Windows asks Group Policy alone for it",
                              "set it in Group Policy, or leave it out", "warning")
