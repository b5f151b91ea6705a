"""Connections that meet the conditions of several rules at once."""

from typing import Any

import pytest

from ringfence.model.filter import Filter
from ringfence.policy.meeting import common_flows

WEB = {"effect": "allow", "direction": "inbound", "protocol": "tcp", "local_port": ("443",)}


def flows(*said: dict[str, Any]) -> set[tuple[str | None, str | None]]:
    """The programs and services of those that some filters have in common."""
    return {(flow.program, flow.service) for flow, _ in common_flows(*(Filter(**{**WEB, **one}) for one in said))}


@pytest.mark.parametrize(("one", "other", "common"), [
    ({"program": r"C:\web.exe"}, {"program": r"c:\WEB.exe"}, {r"c:\web.exe"}),  # names of files are one in any spelling
    ({"program": r"C:\web.exe"}, {}, {r"c:\web.exe"}),
    ({"program": r"C:\web.exe"}, {"program": r"C:\mail.exe"}, set()),
    ({"local_port": ("443",)}, {"local_port": ("80",)}, set()),
    ({"program": r"C:\web.exe"}, {"interface_alias": ("Ethernet",)}, set()),  # which one it is nobody here can name
])
def test_by_program(one: dict[str, Any], other: dict[str, Any], common: set[str]) -> None:
    assert {str(program).casefold() for program, _ in flows(one, other)} == common


@pytest.mark.parametrize(("one", "other", "common"), [
    ({"service": "W3SVC"}, {"service": "w3svc"}, {"w3svc"}), ({"service": "W3SVC"}, {}, {"w3svc"}),
    ({"service": "W3SVC"}, {"service": "Dnscache"}, set()), ({"service": "*"}, {}, {"any"})])
def test_by_service(one: dict[str, Any], other: dict[str, Any], common: set[str]) -> None:
    assert {str(service).casefold() for _, service in flows(one, other)} == common


def test_what_two_outbound_rules_have_in_common_goes_out() -> None:
    out: dict[str, Any] = {"effect": "allow", "direction": "outbound", "protocol": "tcp"}
    both = (Filter(**{**out, "remote_port": ports}) for ports in (("80", "443"), ("443",)))
    found = [flow for flow, _ in common_flows(*both)]
    assert {(flow.direction, flow.remote_port) for flow in found} == {("outbound", 443)}
