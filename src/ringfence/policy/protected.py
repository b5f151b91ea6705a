"""The flows without which a host is lost, or no longer what it is: what a change may not take away by mistake."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ringfence.model.facts import Facts, NetworkInterface
from ringfence.policy.flow import ICMPV6, SYSTEM, SYSTEM_ACCOUNT, TCP, UDP, Flow, number_of

Purpose = Literal["management", "project", "windows"]
_SVCHOST = r"%SystemRoot%\System32\svchost.exe"
_NETWORK_SERVICE, _LOCAL_SERVICE = "S-1-5-20", "S-1-5-19"
# what a member of a domain asks its domain controllers for ("Service overview and network port requirements for Windows"):
# Kerberos, LDAP and SMB, these and DNS from dynamic ports. Where the host reaches none the DNS servers of a domain's network are
# taken for such, as they are where its zone is in the directory ("Active Directory-integrated DNS zones")
_LSASS = r"%SystemRoot%\System32\lsass.exe"
_OF_DOMAIN = ((88, "Kerberos", _LSASS), (389, "LDAP", _LSASS), (445, "SMB", SYSTEM))
_LINK_LOCAL = "fe80::1"


@dataclass(frozen=True, slots=True)
class ProtectedFlow:
    """purpose: the way that ringfence comes; what the project says; what Windows itself cannot do without."""

    title: str
    flow: Flow
    purpose: Purpose = "project"


def management_flow(facts: Facts) -> ProtectedFlow | None:
    """The flow that carries this session, as the host sees it; None where there is none. Of a host that does not tell it nothing
    is known of it, but that there is one. WinRM listens by HTTP.sys, which is of the kernel."""
    said = facts.raw.get("management")
    told: Mapping[str, Any] = said if isinstance(said, dict) else {}
    if told.get("transport") == "local":
        return None
    kernel = told.get("transport") == "psrp"
    program, service = (SYSTEM, "") if kernel else (_text(told.get("program")), _text(told.get("service")))
    return ProtectedFlow("the way that ringfence comes", Flow(
        "inbound", TCP, _address(told.get("local_address")), _address(told.get("remote_address")),
        _port(told.get("local_port")), _port(told.get("remote_port")), program=program, service=service, user=SYSTEM_ACCOUNT),
        "management")


def flows_of_windows(facts: Facts) -> Iterator[ProtectedFlow]:
    """What a host cannot do without, as far as it is known what it has: names, its address, its neighbours, its domain."""
    for interface in (i for i in facts.interfaces if i.up):
        for server in interface.dns_servers:
            yield from _to(server, interface, UDP, 53, "DNS", _SVCHOST, "Dnscache", _NETWORK_SERVICE)
        if interface.profile == "domain" and facts.raw.get("domain"):
            for controller in facts.controllers or interface.dns_servers:
                for port, name, program in _OF_DOMAIN:
                    yield from _to(controller, interface, TCP, port, f"{name} of the domain", program)
        if any("." in address for address in interface.addresses):
            yield ProtectedFlow("DHCP", Flow(
                "outbound", UDP, remote_address=number_of("255.255.255.255"), local_port=68, remote_port=67, program=_SVCHOST,
                service="Dhcp", user=_LOCAL_SERVICE, interface=interface.guid), "windows")
        if any(":" in address for address in interface.addresses):
            for direction, kind in (("inbound", 135), ("inbound", 136), ("outbound", 135), ("outbound", 136)):
                yield ProtectedFlow("neighbour discovery of IPv6", Flow(
                    "inbound" if direction == "inbound" else "outbound", ICMPV6, remote_address=number_of(_LINK_LOCAL),
                    icmp_type=kind, icmp_code=0, program=SYSTEM, service="", user=SYSTEM_ACCOUNT, interface=interface.guid),
                    "windows")


def _to(server: str, interface: NetworkInterface, protocol: int, port: int, title: str, program: str, service: str = "",
        user: str = SYSTEM_ACCOUNT) -> Iterator[ProtectedFlow]:
    if (address := _address(server)) is not None:
        yield ProtectedFlow(title, Flow("outbound", protocol, remote_address=address, remote_port=port, program=program,
                                        service=service, user=user, interface=interface.guid, dynamic=True), "windows")


def _address(value: Any) -> int | None:
    try:
        return number_of(value.partition("%")[0]) if isinstance(value, str) else None
    except ValueError:
        return None


def _port(value: Any) -> int | None:
    return value if value.__class__ is int and 0 < value < 65536 else None


def _text(value: Any) -> str | None:
    return value[:300] if isinstance(value, str) else None
