"""Connections that meet the conditions of several rules at once."""

from dataclasses import replace
from typing import Any

import pytest
from flow_cases import NETWORKS

from ringfence.model.filter import Filter
from ringfence.policy.matcher import matcher_of
from ringfence.policy.meeting import are_apart, common_flows, types_meet
from ringfence.policy.place import HostNetwork, Place
from ringfence.types.base import KeptPiece

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


def told(*said: dict[str, Any], edges: tuple[dict[str, Any], ...] = ()) -> list[str]:
    """The flows that some filters have in common, in words; each meets the conditions of every one."""
    filters = [Filter(**{"effect": "allow", "direction": "inbound", **one}) for one in said]
    found = list(common_flows(*filters, edges=[Filter("allow", **one) for one in edges]))
    for flow, profile in found:
        place = Place(HostNetwork(NETWORKS), profile, NETWORKS.interfaces[0])
        assert all(matcher_of(filter).match(flow, place) == () for filter in filters), flow
    nobody = r" by C:\Program Files\no program that a rule names.exe"
    return list(dict.fromkeys(str(flow).replace(nobody, "") for flow, _ in found))


TCP, FAR, USUAL = {"protocol": "tcp"}, "198.51.100.77", "port 40000"


@pytest.mark.parametrize(("one", "other", "common"), [
    (TCP, {}, [f"inbound tcp from {FAR} {USUAL} to {USUAL}"]),
    ({}, {}, [f"inbound tcp from {FAR} {USUAL} to {USUAL}", f"inbound protocol 47 from {FAR}"]),
    ({"protocol": "47"}, {}, [f"inbound protocol 47 from {FAR}"]), (TCP, {"protocol": "udp"}, []),
    ({**TCP, "direction": ""}, {"direction": "outbound"}, [f"outbound tcp from {USUAL} to {FAR} {USUAL}"]),
    (TCP, {"direction": "outbound"}, []), ({**TCP, "direction": ""},
    {"direction": ""}, [f"inbound tcp from {FAR} {USUAL} to {USUAL}"]),
    ({**TCP, "local_port": ("80-90", "443")}, {"local_port": ("85-500",)},
     [f"inbound tcp from {FAR} {USUAL} to port 85", f"inbound tcp from {FAR} {USUAL} to port 443"]),
    ({**TCP, "local_port": ("80-90",)}, {"local_port": ("90-100",)}, [f"inbound tcp from {FAR} {USUAL} to port 90"]),
    ({**TCP, "local_port": ("80-90",)}, {"local_port": ("91-100",)}, []), ({**TCP, "local_port": ("RPC",)}, {}, []),
    ({**TCP, "local_port": ("RPC", "80")}, {}, [f"inbound tcp from {FAR} {USUAL} to port 80"]),
    ({**TCP, "local_port": (KeptPiece("LPort=0"), "80")}, {}, [f"inbound tcp from {FAR} {USUAL} to port 80"]),
    ({**TCP, "remote_port": ("7",)}, {}, [f"inbound tcp from {FAR} port 7 to {USUAL}"]),
    ({**TCP, "remote_address": ("10.0.0.0/24",)}, {"remote_address": ("10.0.0.7-10.0.0.9", "LocalSubnet")},
     [f"inbound tcp from 10.0.0.7 {USUAL} to {USUAL}", f"inbound tcp from 10.0.0.9 {USUAL} to {USUAL}"]),
    ({**TCP, "remote_address": ("LocalSubnet",)}, {}, []), ({**TCP, "remote_address": (KeptPiece("RA4=1.2.3.4/x"),)}, {}, []),
    ({**TCP, "local_address": ("fd00::1",)},
    {"local_address": ("fd00::/64",)}, [f"inbound tcp from {FAR} {USUAL} to fd00::1 {USUAL}"]),
    ({**TCP, "local_address": ("10.0.0.1",)}, {"local_address": ("10.0.0.2",)}, []),
    ({"protocol": "icmpv4"}, {}, [f"inbound icmpv4 type 8:0 from {FAR}"]), ({"protocol": "icmpv6"},
    {}, [f"inbound icmpv6 type 8:0 from {FAR}"]),
    ({"protocol": "icmpv4", "icmp_type": ("3", "8:0")}, {"icmp_type": ("3:4",)}, [f"inbound icmpv4 type 3:4 from {FAR}"]),
    ({"protocol": "icmpv4", "icmp_type": ("3", "5")},
    {}, [f"inbound icmpv4 type 3:0 from {FAR}", f"inbound icmpv4 type 5:0 from {FAR}"]),
    ({"protocol": "icmpv4", "icmp_type": ("3:1",)}, {"icmp_type": ("3:4",)}, []),
    ({**TCP, "profile": ("domain",)}, {"profile": ("public",)}, []),
    *(({**TCP, **strange}, {}, []) for strange in (
        {"unknown_tokens": ("Future=1",)}, {"dynamic_target": ("UPnP",)}, {"platform": ("6.1",)}, {"interface_type": ("wired",)},
        {"interface_alias": ("x",)}, {"local_user": "D:"}, {"remote_user": "D:"}, {"remote_machine": "D:"},
        {"package_family_name": "a_b"}))])
def test_what_two_have_in_common(one: dict[str, Any], other: dict[str, Any], common: list[str]) -> None:
    assert told(one, other) == common
    assert sorted(told(other, one)) == sorted(common)


def test_in_which_profiles_and_by_whom() -> None:
    one = Filter("allow", profile=("private", "public"), package="S-1-15-2-1-2-3", owner="S-1-5-21-1")
    other = Filter("block", profile=("public",))
    found = list(common_flows(one, other))
    assert {profile for _, profile in found} == {"public"}
    assert {(flow.package, flow.user, flow.security) for flow, _ in found} == {("S-1-15-2-1-2-3", "S-1-5-21-1", "clear")}
    assert {(flow.package, flow.user, flow.service) for flow, _ in common_flows(other)} == {("", "S-1-5-18", "")}
    secured = {flow.security for flow, _ in common_flows(replace(one, authentication="required"), other)}
    assert secured == {"encrypted"}  # which meets what asks for authentication alone, too
    assert [profile for _, profile in common_flows(Filter("allow", protocol="tcp"))][:3] == ["domain", "private", "public"]


def test_at_the_ends_of_others() -> None:
    """And one beyond, as far as that is met: there a change may make a difference."""
    web = {**TCP, "local_port": ("80-90",), "remote_address": ("10.0.0.0/8",)}
    found = told(web, edges=({"local_port": ("85-200",)}, {"remote_address": ("10.0.0.5-10.0.0.6", "11.0.0.1")},
    {"remote_port": ("1-5",)}))
    assert [one for one in found if "from 10.0.0.0 port 40000" in one] == [
        f"inbound tcp from 10.0.0.0 {USUAL} to port {port}" for port in (80, 84, 85)]
    assert {one for one in found if "to port 80" in one} == {
        f"inbound tcp from 10.0.0.0 port {port} to port 80" for port in (40_000, 1, 5, 6)} | {
        f"inbound tcp from {far} {USUAL} to port 80" for far in ("10.0.0.4", "10.0.0.5", "10.0.0.6", "10.0.0.7")}
    assert f"inbound tcp from 10.255.255.255 {USUAL} to port 90" in found
    assert not [one for one in told({"protocol": "47"}, edges=({"local_port": ("1",)},)) if "port" in one]  # it has none


@pytest.mark.parametrize(("one", "other", "meet"), [
    (("8",), ("8:0",), True), (("8:0",), ("8:0",), True), (("8:1",), ("8:0",), False), ((), ("8",), True), ((), (), True),
    (("3", "8"), ("5", "8"), True),
    (("3",), ("8",), False)])
def test_types_of_icmp(one: tuple[str, ...], other: tuple[str, ...], meet: bool) -> None:
    assert types_meet(one, other) is types_meet(other, one) is meet


@pytest.mark.parametrize(("one", "other", "apart"), [
    ({}, {}, False), (TCP, {"protocol": "udp"}, True), (TCP, {"protocol": "6"}, False), (TCP, {}, False),
    ({"direction": "inbound"}, {"direction": "outbound"}, True), ({"direction": "inbound"}, {}, False),
    ({"profile": ("domain",)}, {"profile": ("public", "private")}, True), ({"profile": ("domain",)},
    {"profile": ("public", "domain")}, False),
    ({"profile": ("domain",)}, {}, False), ({"interface_type": ("wired",)}, {"interface_type": ("wireless",)}, True),
    ({"local_port": ("80",)}, {"local_port": ("81-90",)}, True), ({"local_port": ("81",)}, {"local_port": ("81-90",)}, False),
    ({"local_port": ("80",)}, {"local_port": ("81-90", "RPC")}, False), ({"local_port": ("80",)},
    {"local_port": (KeptPiece("LPort=0"),)}, False),
    ({"local_port": ("7",)}, {"local_port": ("8",)}, True), ({"remote_address": ("fd00::1",)}, {"remote_address": (
        KeptPiece("RA4=2001:db8::/32"),)}, False),
    ({"local_port": ("80",)}, {"remote_port": ("81",)}, False), ({"remote_port": ("80",)}, {"remote_port": ("81",)}, True),
    ({"remote_address": ("10.0.0.1",)}, {"remote_address": ("10.0.0.2",)}, True),
    ({"remote_address": ("10.0.0.1",)}, {"remote_address": ("fd00::/8",)}, True), ({"remote_address": ("10.0.0.1",)}, {}, False),
    ({"remote_address": ("10.0.0.1",)}, {"remote_address": ("LocalSubnet",)}, False),
    ({"local_address": ("10.0.0.1", "10.0.0.3")}, {"local_address": ("10.0.0.2-10.0.0.3",)}, False)])
def test_what_no_flow_meets_both_of(one: dict[str, Any], other: dict[str, Any], apart: bool) -> None:
    """For certain: a keyword, and what nobody understands, may be anything."""
    pair = Filter("allow", **one), Filter("block", **other)
    assert are_apart(*pair) is are_apart(*reversed(pair)) is apart
