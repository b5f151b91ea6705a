"""A connection in words, as verdicts and refusals name it."""

from typing import Any

import pytest

from ringfence.policy.flow_words import flow_of


@pytest.mark.parametrize(("said", "text"), [
    ({"direction": "inbound", "protocol": "tcp", "remote_address": "10.0.0.1", "local_port": "443"},
     "inbound tcp from 10.0.0.1 to port 443"),
    ({"direction": "outbound", "protocol": "udp", "remote_address": "10.0.0.1", "remote_port": "53"},
     "outbound udp to 10.0.0.1 port 53"),
    ({"direction": "inbound", "protocol": "icmpv4", "icmp_type": "3:4"}, "inbound icmpv4 type 3:4"),
    ({"direction": "inbound", "protocol": "icmpv6", "icmp_type": "135:0"}, "inbound icmpv6 type 135:0"),
    ({"direction": "inbound", "protocol": "47"}, "inbound protocol 47"),
    ({"direction": "inbound", "protocol": "icmpv4", "icmp_type": "0:0"}, "inbound icmpv4 type 0:0"),
    ({"direction": "inbound", "protocol": "icmpv4", "icmp_type": "3"}, "inbound icmpv4 type 3"),
    ({"direction": "inbound", "protocol": "tcp", "service": "none"}, "inbound tcp"),
    ({"direction": "outbound", "protocol": "tcp", "local_address": "10.0.0.1", "local_port": 5, "remote_address": "10.0.0.2",
      "remote_port": 443}, "outbound tcp from 10.0.0.1 port 5 to 10.0.0.2 port 443"),
    ({"direction": "inbound", "protocol": "tcp", "local_address": "10.0.0.1", "local_port": 5, "remote_address": "10.0.0.2",
      "remote_port": 443}, "inbound tcp from 10.0.0.2 port 443 to 10.0.0.1 port 5"),
    ({"direction": "outbound", "protocol": "tcp", "program": r"C:\app.exe", "service": "Dnscache"},
     r"outbound tcp by C:\app.exe (Dnscache)"),
])
def test_in_words(said: dict[str, Any], text: str) -> None:
    assert str(flow_of(said)) == text


SID = "S-1-5-21-1-2-3-1105"


@pytest.mark.parametrize(("said", "means"), [
    ({"local_port": 443}, {"local_port": 443}), ({"local_port": "1"}, {"local_port": 1}), ({"remote_port": 65535},
    {"remote_port": 65535}),
    ({"local_port": "443-443"}, {"local_port": 443}), ({"protocol": "6"}, {"protocol": 6}), ({"protocol": "UDP"},
    {"protocol": 17}),
    ({"protocol": "icmpv6", "icmp_type": 128}, {"protocol": 58, "icmp_type": 128, "icmp_code": None}),
    ({"protocol": "icmpv4", "icmp_type": "3:0"}, {"protocol": 1, "icmp_type": 3, "icmp_code": 0}),
    ({"remote_address": "10.0.0.1", "local_address": "10.0.0.2"}, {"remote_address": 0x0A000001, "local_address": 0x0A000002}),
    ({"service": "None"}, {"service": ""}), ({"service": "W3SVC"}, {"service": "W3SVC"}), ({"service": None}, {"service": None}),
    ({"user": SID}, {"user": SID}), ({"user": "NT AUTHORITY\\SYSTEM"}, {"user": "S-1-5-18"}), ({"security": "encrypted"},
    {"security": "encrypted"}),
    ({"security": None}, {"security": "clear"}), ({"package": "S-1-15-2-1-2-3"}, {"package": "S-1-15-2-1-2-3"}), ({},
    {"package": ""}),
    ({"package_family": "Contoso.App_8wekyb3d8bbwe"}, {"package_family": "Contoso.App_8wekyb3d8bbwe"}),
    ({"package_family": "any"}, {"package_family": ""})])
def test_what_words_mean(said: dict[str, Any], means: dict[str, Any]) -> None:
    """What is not said is not known, but for IPsec and app containers."""
    found = flow_of({"direction": "inbound", "protocol": "tcp", **said})
    assert {name: getattr(found, name) for name in means} == means


@pytest.mark.parametrize(("said", "wrong"), [
    ({"local_port": 0}, ["local_port: '0' is not one port: a flow has one of 1 to 65535"]),
    ({"local_port": 65536}, ["local_port: '65536' is not one port: a flow has one of 1 to 65535"]),
    ({"remote_port": "80-90"}, ["remote_port: '80-90' is not one port: a flow has one of 1 to 65535"]),
    ({"local_port": "RPC"}, ["local_port: 'RPC' is not one port: a flow has one of 1 to 65535"]),
    ({"remote_address": "10.0.0.0/8"}, ["remote_address: '10.0.0.0/8' is not one IP address"]),
    ({"local_address": "LocalSubnet"}, ["local_address: 'LocalSubnet' is not one IP address"]),
    ({"protocol": "any"}, ["protocol: a flow has one protocol: tcp, udp, icmpv4, icmpv6 or a number"]),
    ({"user": "<contoso/admin>"}, None), ({"user": r"CORP\admin"}, None), ({"direction": "sideways"}, None),
    ({"security": "any"}, None),
    ({"protocol": None}, ["protocol has to be said"]), ({"direction": None}, ["direction has to be said"]),
    ({"colour": "red", "direction": None}, ["unknown word 'colour'", "direction has to be said"]),
    ({"protocol": 47, "local_port": 1, "remote_port": 2},
     ["local_port: ports go with tcp and udp", "remote_port: ports go with tcp and udp"]),
    ({"protocol": "icmpv4", "remote_port": 2}, ["remote_port: ports go with tcp and udp"]),
    ({"icmp_type": 8}, ["icmp_type goes with icmpv4 and icmpv6"]),
    ({"protocol": 17, "icmp_type": 8}, ["icmp_type goes with icmpv4 and icmpv6"]),
    ({"local_address": "10.0.0.1", "remote_address": "fd00::1"}, ["local_address and remote_address are of two families"])])
def test_what_is_wrong_is_told_at_once(said: dict[str, Any], wrong: list[str] | None) -> None:
    with pytest.raises(ValueError, match=r"\w") as told:
        flow_of({"direction": "inbound", "protocol": "tcp", **said})
    assert wrong is None or str(told.value).split("\n") == wrong


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
def test_ports_go_with_both(protocol: str) -> None:
    assert flow_of({"direction": "outbound", "protocol": protocol, "remote_port": 53}).remote_port == 53
