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
    ({"direction": "outbound", "protocol": "tcp", "program": r"C:\app.exe", "service": "Dnscache"},
     r"outbound tcp by C:\app.exe (Dnscache)"),
])
def test_in_words(said: dict[str, Any], text: str) -> None:
    assert str(flow_of(said)) == text
