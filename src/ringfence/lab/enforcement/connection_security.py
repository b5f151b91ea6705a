"""Whether connection security rules let a flow pass: what has to be secured and is not is dropped."""

import ipaddress

from ringfence.lab.enforcement.account_lists import grants
from ringfence.lab.enforcement.profile_policy import ProfilePolicy
from ringfence.lab.enforcement.rule_conditions import AskedFlow, RuleConditions
from ringfence.lab.enforcement.simulated_flow import ICMPV4, ICMPV6, UDP, SimulatedFlow, all_hold, any_holds

_NEIGHBOR_DISCOVERY, _ICMP, _ROUTER_DISCOVERY, _DHCP = 1, 2, 4, 8  # [MS-FASP] 2.2.39
_OF_NEIGHBORS, _OF_ROUTERS, _REDIRECT = (135, 136), (133, 134), 137  # RFC 4861, 4.1 to 4.5
_DHCP_PORTS = ({67, 68}, {546, 547})  # RFC 2131, 4.1; RFC 8415, 7.2
_REQUIRES = {"in": ("secure", "secureserver"), "out": ("secure",)}  # [MS-FASP] 2.2.52


def is_let_through(asked: AskedFlow, policy: ProfilePolicy, unmatched: bool | None = None) -> bool | None:
    """Whether a flow passes the connection security rules of its profile ([MS-FASP] 2.2.52, 2.2.55): clear traffic that a rule
    requires to be secured does not, unless it is exempt. What requests security lets clear traffic pass ([MS-IKEE] 1.3.5).

    `unmatched`: what a rule counts as of which is not known whether it matches.
    """
    met = [(rule, unmatched if (answer := rule.match(asked)) is None else answer) for rule in policy.connection_security]
    met = [(rule, answer) for rule, answer in met if answer is not False]
    if not met:
        return True
    exempt = _is_exempt(asked, policy, met)
    if asked.flow.security == "clear":
        return any_holds(exempt, _passes_in_clear(asked.flow, met))
    peers = [(_is_peer(asked.flow, rule, policy), answer) for rule, answer in met if rule.action != "donotsecure"]
    return any_holds(exempt, all_hold(*[peer if answer else any_holds(peer, None) for peer, answer in peers]))


def _passes_in_clear(flow: SimulatedFlow, met: list[tuple[RuleConditions, bool | None]]) -> bool | None:
    """Of several rules that match, one that requires and one that does not, no document says which counts."""
    def requires(rule: RuleConditions) -> bool:
        clear_out = flow.direction == "out" and rule.rule.is_true("SecureInClearOut")  # [MS-FASP] 2.2.51 OUTBOUND_CLEAR
        return rule.action in _REQUIRES[flow.direction] and not clear_out

    requiring = [answer for rule, answer in met if requires(rule)]
    others = [answer for rule, answer in met if rule.action != "donotsecure" and not requires(rule)]
    if True in requiring:
        return None if others else False
    return None if requiring else True


def _is_peer(flow: SimulatedFlow, rule: RuleConditions, policy: ProfilePolicy) -> bool | None:
    """Whether a peer gets an association: the lists of the rule and those of the computer name it ([MS-FASP] 2.2.42, 2.2.55)."""
    machines, users = policy.peer_lists
    lists = ((rule.rule.first("TransportMachineAuthzSDDL"), flow.remote_machine), (machines, flow.remote_machine),
             (rule.rule.first("TransportUserAuthzSDDL"), flow.remote_user), (users, flow.remote_user))
    return all_hold(*[grants(sddl, token) for sddl, token in lists if sddl])


def _is_exempt(asked: AskedFlow, policy: ProfilePolicy, met: list[tuple[RuleConditions, bool | None]]) -> bool | None:
    """By a rule that exempts (New-NetIPsecRule, -OutboundSecurity None; open: exemption-wins), by the exemptions of the
    computer, and what IPsec never secures."""
    return any_holds(_is_exempt_from_all(asked.flow, policy.exemptions), _is_key_exchange(asked.flow, policy), _is_to_many(asked),
                     *[answer for rule, answer in met if rule.action == "donotsecure"])


def _is_exempt_from_all(flow: SimulatedFlow, exemptions: int) -> bool | None:
    """[MS-FASP] 2.2.39: which traffic the computer exempts. Whether a redirect is discovery of neighbours or of routers is not
    said."""
    if flow.protocol in (ICMPV4, ICMPV6):
        if exemptions & _ICMP:
            return True
        if flow.protocol == ICMPV4 or not exemptions & (_NEIGHBOR_DISCOVERY | _ROUTER_DISCOVERY):
            return False
        if flow.icmp is None or flow.icmp[0] == _REDIRECT:
            return None
        return bool((flow.icmp[0] in _OF_NEIGHBORS and exemptions & _NEIGHBOR_DISCOVERY)
                    or (flow.icmp[0] in _OF_ROUTERS and exemptions & _ROUTER_DISCOVERY))
    if flow.protocol != UDP or not exemptions & _DHCP:
        return False
    return _between(flow, _DHCP_PORTS[":" in flow.remote_address])


def _between(flow: SimulatedFlow, ports: set[int]) -> bool | None:
    """Whether both ports are among these."""
    both = (flow.local_port, flow.remote_port)
    return False if any(p is not None and p not in ports for p in both) else None if None in both else True


def _is_key_exchange(flow: SimulatedFlow, policy: ProfilePolicy) -> bool | None:
    """Microsoft, "IKE Exemptions": filters for UDP 500 and, of IPv4, 4500 stand as long as there is a main mode policy."""
    if flow.protocol != UDP or not policy.has_main_mode_policy:
        return False
    return _between(flow, {500} if ":" in flow.remote_address else {500, 4500})


def is_key_exchange_of_system(flow: SimulatedFlow, policy: ProfilePolicy) -> bool:
    """Whether it may be a key exchange of the local system, for which Microsoft, "IKE Exemptions", has permits where connections
    are authorised too; how these and the firewall's filters go together is not said. open: key-exchange"""
    return _is_key_exchange(flow, policy) is not False and (flow.user is None or "S-1-5-18" in flow.user)


def _is_to_many(asked: AskedFlow) -> bool:
    """Microsoft, "Regular Transport Mode": filters of IPsec are for unicast addresses; these are multicast and broadcast ones."""
    target = asked.remote if asked.flow.direction == "out" else asked.local
    networks = asked.adapter.networks() if asked.adapter else ()
    return target is not None and (target.is_multicast or target == ipaddress.IPv4Address("255.255.255.255") or any(
        n.version == 4 and n.prefixlen < 31 and target == n.broadcast_address for n in networks))
