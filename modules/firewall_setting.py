"""firewall_setting: what holds for all profiles and for IPsec as a whole (Set-NetFirewallSetting).

Values stand in the root of a store: [MS-GPFAS] 2.2.1, their meaning [MS-FASP] 2.2.39-2.2.42.
"""

from typing import Literal

from ringfence.codecs.registry import RegistryValue
from ringfence.model.peers import ForPeers
from ringfence.model.resource import Resource, prop, resource
from ringfence.model.storage import RegistryKeys
from ringfence.model.switches import OFF, bit_mask, bits, stored_bits, switch
from ringfence.types import sddl
from ringfence.types.base import NOT_CONFIGURED
from ringfence.types.enums import choice, number

EXEMPT = {"neighbor_discovery": 1, "icmp": 2, "router_discovery": 4, "dhcp": 8}
QUEUED = {"inbound": 1, "forward": 2}


def authorized(doc: str, name: str, setting_type: int, mode: Literal["transport", "tunnel"]) -> str | None:
    """A list of accounts that tunnels or transport mode ask for: a peer that it does not grant gets no association ([MS-FASP]
    2.2.42)."""
    found: str | None = prop(doc, sddl.SDDL, RegistryValue(name, type="String", parse=sddl.canonical, format=str), since="2.10",
                             for_peers=ForPeers(None, mode), setting_type=setting_type)
    return found


@resource("firewall_setting", noun="NetFirewallSetting", whole=False, write_order=6, name_type=choice("All"), example_name="all",
          storage=RegistryKeys({"all": ("",)}))
class FirewallSetting(Resource):
    """What holds for all profiles, and for IPsec as a whole. Only what is mentioned is managed. A host has one, `all`."""

    exemptions: tuple[str, ...] | str = prop(
        "Traffic that IPsec never asks for; Windows' own are neighbor_discovery and dhcp. none: nothing is exempt.",
        bit_mask("NeighborDiscovery", "Icmp", "RouterDiscovery", "Dhcp"),
        RegistryValue("IPSecExempt", parse=bits(EXEMPT), format=stored_bits(EXEMPT)), default=NOT_CONFIGURED, least=(),
        example=["neighbor_discovery", "dhcp"], setting_type=7)
    enable_stateful_ftp: bool | str = switch("Whether the data connections of FTP are let in where their control connection is.",
                                             "DisableStatefulFTP", OFF, wins=False, least=False, setting_type=3)
    enable_stateful_pptp: bool | str = switch("The same for PPTP and GRE.", "DisableStatefulPPTP", OFF, wins=False, least=False,
                                              setting_type=4)
    max_sa_idle_time_seconds: int | None = prop(
        "Seconds after which an idle security association is given up; Windows' default is 300.", number(300, 3600),
        # [MS-GPFAS] 2.2.1 spells it so; no export of a host that has it was found
        RegistryValue("SAIdlTime", parse=int, also="SAIdleTime"), example=600, setting_type=5,
        stays_as=300)  # Set-NetFirewallSetting: NotConfigured is for GPOs alone; 300 is what holds where there is none
    key_encoding: str = prop(
        "How pre-shared keys become bytes; Windows' default is utf8.", choice("UTF16", "UTF8", "NotConfigured"),
        RegistryValue("PresharedKeyEncoding", {"utf16": 0, "utf8": 1}), default=NOT_CONFIGURED, for_peers=ForPeers(),
        setting_type=6)
    cert_validation_level: str = prop(
        "Whether certificates are looked up in revocation lists, and whether a failure to look counts.",
        choice("None", "AttemptCrlCheck", "RequireCrlCheck", "NotConfigured"),
        RegistryValue("StrongCRLCheck", {"none": 0, "attempt_crl_check": 1, "require_crl_check": 2}), default=NOT_CONFIGURED,
        for_peers=ForPeers("none"), setting_type=8)
    allow_ipsec_through_nat: str = prop(
        "Whether IPsec is negotiated where a server, or both ends, are behind address translation.",
        choice("None", "Server", "Both", "NotConfigured"),
        RegistryValue("IPsecThroughNAT", {"none": 0, "server": 1, "both": 2}), default=NOT_CONFIGURED,
        for_peers=ForPeers("both"), setting_type=9)
    require_full_auth_support: bool | str = switch(
        "Whether key modules that cannot do all of an authentication set are left out.",
        "IPsecOpportunisticallyMatchAuthSetPerKM", OFF, since="2.10", for_peers=ForPeers(False), setting_type=14)
    enable_packet_queuing: tuple[str, ...] | str = prop(
        "Whether packets are spread over processors on the way in and when they are forwarded.", bit_mask("Inbound", "Forward"),
        RegistryValue("EnablePacketQueue", parse=bits(QUEUED), format=stored_bits(QUEUED)), default=NOT_CONFIGURED, since="2.20",
        setting_type=17)
    remote_machine_tunnel_authorization_list: str | None = authorized(
        "The computers that may use tunnels with `require_authorization`.", "IPsecTunnelRemoteMachineAuthorizationList", 12,
        "tunnel")
    remote_user_tunnel_authorization_list: str | None = authorized(
        "The users that may use tunnels with `require_authorization`.", "IPsecTunnelRemoteUserAuthorizationList", 13, "tunnel")
    remote_machine_transport_authorization_list: str | None = authorized(
        "The computers that may connect in transport mode.", "IPsecTransportRemoteMachineAuthorizationList", 15, "transport")
    remote_user_transport_authorization_list: str | None = authorized(
        "The users that may connect in transport mode.", "IPsecTransportRemoteUserAuthorizationList", 16, "transport")
