"""The connections that a host is lost without: the one that ringfence comes by, and those that Windows itself needs."""

from typing import Any

import pytest

from ringfence.model.facts import Facts, NetworkInterface
from ringfence.policy.flow import Flow, number_of
from ringfence.policy.protected import flows_of_windows, management_flow

COMES = {"transport": "ssh", "local_address": "10.1.0.10", "remote_address": "fe80::7%12", "local_port": 22,
         "remote_port": 50_000, "program": r"C:\sshd.exe", "service": "sshd"}


def flow(**said: Any) -> Flow | None:
    found = management_flow(Facts(raw={"management": {**COMES, **said}}))
    assert found is None or found.purpose == "management"
    return found.flow if found else None


def test_the_way_that_ringfence_comes() -> None:
    own, far = number_of("10.1.0.10"), number_of("fe80::7")
    assert flow() == Flow("inbound", 6, own, far, 22, 50_000, program=r"C:\sshd.exe", service="sshd", user="S-1-5-18")
    kernel = Flow("inbound", 6, own, far, 22, 50_000, program="System", service="", user="S-1-5-18")  # HTTP.sys is of the kernel
    assert flow(transport="psrp") == kernel
    assert flow(transport="local") is None
    nothing: list[object] = [None, "psrp", ["psrp"], {}]
    for said in nothing:  # that there is one is known, and no more
        found = management_flow(Facts(raw={"management": said}))
        assert found is not None
        assert found.flow == Flow("inbound", 6, service=None, user="S-1-5-18", program=None)


@pytest.mark.parametrize(("told", "field", "means"), [
    ({"local_port": 1}, "local_port", 1), ({"local_port": 65535}, "local_port", 65535), ({"local_port": 0}, "local_port", None),
    ({"local_port": 65536}, "local_port", None), ({"remote_port": -1}, "remote_port", None),
    ({"remote_port": True}, "remote_port", None),
    ({"remote_port": "22"}, "remote_port", None), ({"remote_address": "somewhere"}, "remote_address", None),
    ({"local_address": 5}, "local_address", None), ({"local_address": None}, "local_address", None),
    ({"program": 5}, "program", None),
    ({"service": None}, "service", None), ({"program": "x" * 300}, "program", "x" * 300),
    ({"program": "x" * 301}, "program", "x" * 300)])
def test_what_a_host_says_wrongly_is_not_known(told: dict[str, Any], field: str, means: object) -> None:
    found = flow(**told)
    assert (getattr(found, field), type(getattr(found, field))) == (means, type(means))


def told(interface: dict[str, Any], **raw: Any) -> list[str]:
    one = NetworkInterface(**{"alias": "one", "guid": "{1}", **interface})
    found = list(flows_of_windows(Facts(interfaces=(one,), raw=raw)))
    assert {(p.purpose, p.flow.interface) for p in found} <= {("windows", "{1}")}
    assert None not in {p.flow.service for p in found}  # of none it is said that it is none
    return [f"{p.title}: {p.flow} as {p.flow.user}{' from any port' if p.flow.dynamic else ''}" for p in found]


DNS = ("DNS: outbound udp to {} port 53 by %SystemRoot%\\System32\\svchost.exe (Dnscache) as S-1-5-20 from any port")
DHCP = ("DHCP: outbound udp from port 68 to 255.255.255.255 port 67 by %SystemRoot%\\System32\\svchost.exe (Dhcp) as S-1-5-19")
NEIGHBOURS = [f"neighbour discovery of IPv6: {way} icmpv6 type {kind}:0 {end} fe80::1 by System as S-1-5-18"
              for way, kind, end in (("inbound", 135, "from"), ("inbound", 136, "from"), ("outbound", 135, "to"),
              ("outbound", 136, "to"))]


def of_domain(address: str) -> list[str]:
    lsass = r"by %SystemRoot%\System32\lsass.exe as S-1-5-18 from any port"
    return [f"Kerberos of the domain: outbound tcp to {address} port 88 {lsass}",
            f"LDAP of the domain: outbound tcp to {address} port 389 {lsass}",
            f"SMB of the domain: outbound tcp to {address} port 445 by System as S-1-5-18 from any port"]


@pytest.mark.parametrize(("interface", "raw", "flows"), [
    ({}, {}, []), ({"addresses": ("10.1.0.10/24",)}, {}, [DHCP]), ({"addresses": ("fe80::9/64",)}, {}, NEIGHBOURS),
    ({"addresses": ("fe80::9/64", "10.1.0.10/24")}, {}, [DHCP, *NEIGHBOURS]), ({"addresses": ("10.1.0.10/24",), "up": False},
    {}, []),
    ({"dns_servers": ("10.1.0.53", "none", "fd00::53")}, {}, [DNS.format("10.1.0.53"), DNS.format("fd00::53")]),
    ({"profile": "domain", "dns_servers": ("10.1.0.53",)},
    {"domain": "corp"}, [DNS.format("10.1.0.53"), *of_domain("10.1.0.53")]),
    ({"profile": "domain", "dns_servers": ("10.1.0.53",)}, {"domain": "corp", "controllers": ["10.1.0.2"]},
     [DNS.format("10.1.0.53"), *of_domain("10.1.0.2")]),
    ({"profile": "domain"}, {"controllers": ["10.1.0.2"]}, []), ({"profile": "private"},
    {"domain": "corp", "controllers": ["10.1.0.2"]}, [])])
def test_what_windows_cannot_do_without(interface: dict[str, Any], raw: dict[str, Any], flows: list[str]) -> None:
    """Names, an address, neighbours and its domain; DNS and the domain from ports that Windows gives away."""
    assert told(interface, **raw) == flows
