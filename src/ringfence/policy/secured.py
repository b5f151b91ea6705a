"""What connection security rules never ask for, and which of several that match holds."""

from collections.abc import Iterable

from ringfence.policy.flow import ICMPV4, ICMPV6, SYSTEM_ACCOUNT, UDP, Flow
from ringfence.policy.matcher import Match
from ringfence.policy.meeting import is_within
from ringfence.policy.place import Place

_IKE, _IKE_OF_IPV4 = 500, 4500  # what negotiates is let through by Windows itself ("IKE exemptions")
_NEIGHBORS, _ROUTERS = (135, 136, 137), (133, 134)  # ICMPv6, RFC 4861
_DHCP = ({67, 68}, {546, 547})  # of IPv4 and IPv6: RFC 2131, RFC 8415
_ENDS = ("protocol", "local_address", "remote_address", "local_port", "remote_port")


def exempt_always(flow: Flow, place: Place, exemptions: tuple[str, ...] | None, least: bool) -> bool:
    """Whether IPsec is never asked for. exemptions: those that the host has (Set-NetFirewallSetting, Exemptions); None: whichever
    there are, this may be one · least: what may be key exchange is none. Multicast and broadcast are not secured: the filters of
    transport mode are for unicast addresses alone ("Regular transport mode", NlatUnicast)."""
    target = flow.local_address if flow.direction == "inbound" else flow.remote_address
    if target is not None and not place.is_unicast(target):
        return True
    ports = {flow.local_port, flow.remote_port}
    if (exchange := exchanges_keys(flow)) or (exchange is None and not least):
        return True
    of = {"icmp": flow.protocol in (ICMPV4, ICMPV6),
          "neighbor_discovery": flow.protocol == ICMPV6 and flow.icmp_type in _NEIGHBORS,
          "router_discovery": flow.protocol == ICMPV6 and flow.icmp_type in _ROUTERS,
          "dhcp": flow.protocol == UDP and any(ports <= those and flow.remote_address is not None
                                               and flow.remote_address >> 128 == family for family, those in enumerate(_DHCP))}
    return any(is_one and (exemptions is None or name in exemptions) for name, is_one in of.items())


def exchanges_keys(flow: Flow) -> bool | None:
    """Whether its ports are those of IKE and AuthIP ("IKE exemptions": UDP 500, and 4500 of IPv4 alone). None: at one end, which
    may be what is behind NAT, and anything that chose such a port; the page does not say which end counts."""
    if flow.protocol != UDP:
        return False
    of_ipv6 = any(one is not None and one >> 128 for one in (flow.local_address, flow.remote_address))
    ends = {port in ((_IKE,) if of_ipv6 else (_IKE, _IKE_OF_IPV4)) for port in (flow.local_port, flow.remote_port)}
    return ends.pop() if len(ends) == 1 else None


def may_exchange_keys(flow: Flow) -> bool:
    """Whether Windows may admit it by itself where connections are authorised, which it does for the local system alone (same
    page), as long as there is a rule by which keys are exchanged."""
    return exchanges_keys(flow) is not False and flow.user in (None, SYSTEM_ACCOUNT)


def requires(match: Match, inbound: bool) -> bool:
    """Whether a rule that secures lets nothing in clear pass that way."""
    return match.filter.requires_inbound if inbound else match.filter.requires_outbound


def uncertain_requirements(secured: tuple[Match, ...], inbound: bool) -> tuple[Match, ...]:
    """Rules that secure and match together. Which of several holds no document says: where one of them does not require it, that
    one may."""
    if all(requires(m, inbound) for m in secured):
        return secured
    doubt = "which of the rules that secure it holds, where not all of them require it"
    return tuple(m._replace(doubts=(*m.doubts, doubt)) if requires(m, inbound) else m for m in secured)


def uncertain_exemptions(exempt: Iterable[Match], secured: Iterable[Match]) -> tuple[Match, ...]:
    """Exemptions that match beside rules that secure. An exemption cuts a hole into a broader rule (New-NetIPsecRule,
    -OutboundSecurity None); which of them holds otherwise no document says."""
    asked = [m.filter for m in secured]
    return tuple(m if all(is_within(m.filter, one, _ENDS) for one in asked) else m._replace(
        doubts=(*m.doubts, "which of an exemption and a rule that secures holds, where neither is within the other"))
        for m in exempt)
