"""Block rules above others, on hosts with long lists of addresses too."""

from dataclasses import replace
from typing import Any

import pytest
from core import GUID
from flow_cases import policy_of_case

from ringfence.model.filter import Direction, Filter
from ringfence.model.state import Id
from ringfence.policy import meeting
from ringfence.policy.blocks import BlockIndex, BlocksInForce, index_of
from ringfence.types.addresses import Interval
from ringfence.types.base import KeptPiece
from ringfence.types.network_sets import interval

WIDE = tuple(f"10.{n >> 8}.{n & 255}.0/25" for n in range(2000))


def allow(*addresses: str) -> Filter:
    return Filter("allow", direction="inbound", protocol="tcp", local_port=("443",), remote_address=addresses)


@pytest.mark.parametrize(("addresses", "found"), [
    (("10.0.1.0/26", "10.7.207.1"), 1), (("10.0.1.0/26", "10.0.1.128"), 0), (("10.0.1.64-10.0.1.127",), 1), (("LocalSubnet",), 0),
    (("10.0.1.0/24",), 0), (("::ffff:10.0.1.1",), 0)])
def test_within_a_block_list(addresses: tuple[str, ...], found: int) -> None:
    block = Filter("block", direction="inbound", protocol="tcp", remote_address=WIDE)
    assert len(BlockIndex([(Id("local", "firewall_rule", "b"), block)]).above(allow(*addresses))) == found


@pytest.mark.parametrize(("ports", "blocked", "found"), [
    (("7",), ("1-9",), 1), (("80",), ("80-443",), 1),
    (("80-443",), ("80-443",), 1), (("79-443",), ("80-443",), 0), (("80-444",), ("80-443",), 0),
    (("90-110",), ("80-99", "100-120"), 1), (("90-110",), ("80-99", "101-120"), 0), (("80", "443"), ("20-90", "400-500"), 1),
    (("RPC", "90"), ("RPC", "80-99"), 1), (("RPC",), ("1-65535",), 0), (("8080",), ("RPC",), 0),
    (("LPort2_24=NEW", "90"), ("LPort2_24=NEW", "80-99"), 1), (("LPort2_24=NEW",), ("1-65535",), 0), ((), ("1-65535",), 0)])
def test_within_blocked_ports(ports: tuple[str, ...], blocked: tuple[str, ...], found: int) -> None:
    mine, its = (tuple(KeptPiece(p) if "=" in p else p for p in listed) for listed in (ports, blocked))
    block = Filter("block", direction="inbound", protocol="tcp", local_port=its)
    rule = Filter("allow", direction="inbound", protocol="tcp", local_port=mine)
    assert len(BlockIndex([(Id("local", "firewall_rule", "b"), block)]).above(rule)) == found


@pytest.mark.parametrize(("types", "blocked", "found"), [
    (("8",), ("8",), 1), (("8:0",), ("8",), 1), (("8",), ("8:0",), 0), (("3:1", "8:0"), ("3", "8:0"), 1), (("8",), ("3",), 0),
    (("3", "8"), ("8",), 0), ((), ("8",), 0), (("18:0",), ("8", "1"), 0)])
def test_within_blocked_icmp_types(types: tuple[str, ...], blocked: tuple[str, ...], found: int) -> None:
    block = Filter("block", direction="inbound", protocol="icmpv4", icmp_type=blocked)
    rule = Filter("allow", direction="inbound", protocol="icmpv4", icmp_type=types)
    assert len(BlockIndex([(Id("local", "firewall_rule", "b"), block)]).above(rule)) == found


@pytest.mark.parametrize(("rule", "block", "found"), [
    ({}, {}, 1), ({}, {"direction": "outbound"}, 0), ({}, {"protocol": "any", "local_port": ()}, 1), ({}, {"protocol": "udp"}, 0),
    ({"protocol": "any", "local_port": ()}, {}, 0), ({"local_port": ()}, {}, 0), ({}, {"local_port": ("80", "443")}, 1),
    ({"local_port": ("443", "80")}, {"local_port": ("80", "443")}, 1), ({"local_port": ("443", "8080")},
    {"local_port": ("80", "443")}, 0),
    ({}, {"local_port": ("1-9", "443")}, 1), ({"local_port": ("5",)}, {"local_port": ("1-9", "443")}, 1), ({},
    {"remote_address": ("10.0.0.0/8",)}, 0),
    ({"remote_address": ("10.0.0.1",)}, {}, 1), ({"remote_address": ("10.0.0.1",)}, {"remote_address": ("10.0.0.0/8",)}, 1),
    ({"effect": "block"}, {}, 0), ({"enabled": False}, {}, 0), ({"override_block_rules": True}, {}, 0),
    ({"other_effects": ("block",)}, {}, 0),
    ({}, {"enabled": False}, 0), ({}, {"effect": "allow"}, 0), ({}, {"local_user": "D:(A;;CC;;;WD)"}, 0),
    ({"local_user": "D:(A;;CC;;;WD)"}, {"local_user": "D:(A;;CC;;;WD)"}, 0),
    ({"program": r"C:\a.exe"}, {"program": r"C:\ab.exe"}, 0), ({"program": "System"}, {}, 1),
    ({}, {"program": "System"}, 0), ({"program": "System"}, {"program": "System"}, 1),
    ({}, {"unknown_tokens": ("Future=1",)}, 0), ({"unknown_tokens": ("Future=1",)}, {}, 1),
    ({"unknown_tokens": ("Future=1",)}, {"unknown_tokens": ("Future=1",)}, 1),
    ({"unknown_tokens": ("Future=1",)}, {"unknown_tokens": ("Future=1", "Other=1")}, 0),
    ({"interface_type": ("wired", "wireless")}, {"interface_type": ("wired",)}, 0),
    ({"interface_type": ("wired",)}, {"interface_type": ("wired", "wireless")}, 1)])
def test_above_a_rule_that_lets_in(rule: dict[str, Any], block: dict[str, Any], found: int) -> None:
    """A block stands above an allow that lets in nothing but what it blocks."""
    usual: dict[str, Any] = {"direction": "inbound", "protocol": "tcp", "local_port": ("443",)}
    mine, its = (Filter(**{"effect": effect, **usual, **said}) for effect, said in (("allow", rule), ("block", block)))
    index = index_of([(Id("local", "firewall_rule", "b"), its)])
    for _ in range(2):  # what was asked before is remembered
        assert [id.name for id, _ in index.above(mine)] == ["b"] * found


@pytest.mark.parametrize(("direction", "asked"), [("inbound", "local_port"), ("outbound", "remote_port")])
def test_many_blocks_of_other_ports_hide_none(direction: Direction, asked: str) -> None:
    """However many of them are looked at for one port, for many or for all."""
    ports = [*((str(port),) for port in range(1000, 1150)), *((f"{port}-{port + 1}",) for port in range(2000, 2150)), ()]
    said: list[dict[str, Any]] = [{"direction": direction, "protocol": "tcp", asked: listed} for listed in ports]
    index = index_of([(Id("local", "firewall_rule", f"b{n}"), Filter("block", **one)) for n, one in enumerate(said)])
    for port, found in (("1149", ["b149", "b300"]), ("2001-2002", ["b151", "b300"]), ("7", ["b300"])):
        rule = Filter("allow", **{**said[0], asked: (port,)})
        assert sorted(id.name for id, _ in index.above(rule)) == found


def test_what_goes_out_by_the_ports_of_the_other_side() -> None:
    blocks = [(Id("local", "firewall_rule", f"b{port}"), Filter(
        "block", direction="outbound", protocol="tcp", remote_port=(port,))) for port in ("80", "443")]
    rule = Filter("allow", direction="outbound", protocol="tcp", local_port=("80",), remote_port=("443",))
    assert [id.name for id, _ in index_of(blocks).above(rule)] == ["b443"]


def test_a_keyword_is_in_a_list_that_has_it() -> None:
    block = Filter("block", direction="inbound", protocol="tcp", remote_address=("LocalSubnet", *WIDE))
    assert BlockIndex([(Id("local", "firewall_rule", "b"), block)]).above(allow("LocalSubnet", "10.0.1.1"))


def test_long_lists_are_taken_apart_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted, not timed: lists differ from host to host, and each is looked at for every rule that there is."""
    seen = list[str]()

    def counted(text: str) -> Interval:
        seen.append(text)
        return interval(text)

    monkeypatch.setattr(meeting, "interval", counted)
    meeting._known.cache_clear()
    blocks = [(Id("local", "firewall_rule", f"b{n}"), Filter("block", direction="inbound", protocol="tcp",
                                                             remote_address=WIDE[n * 100:n * 100 + 100])) for n in range(20)]
    index = BlockIndex(blocks)
    for n in range(200):
        assert not index.above(allow(f"192.0.2.{n}"))
    assert len(seen) <= 2000 + 20 * 200


def test_a_block_of_group_policy_holds_where_local_rules_are_ignored() -> None:
    said = {"name": "b", "action": "block", "protocol": "tcp", "local_port": 443}
    for where, profiles in (("gpo", ("domain", "private", "public")), ("rules", ("private", "public"))):
        policy = policy_of_case({where: [said], "gpo_profile": {"allow_local_firewall_rules": False}})
        assert list(BlocksInForce(policy.settings).above(allow("10.0.0.1")).values()) == [profiles]


BLOCK, ALL = {"name": "b", "action": "block", "protocol": "tcp", "local_port": 443}, ["domain", "private", "public"]


@pytest.mark.parametrize(("case", "profiles"), [
    ({}, ALL), ({"unread": {"group_policy": ["firewall_rule"]}}, []), ({"unread": {"local": ["firewall_rule"]}}, ALL),
    ({"unread": {"group_policy": ["ipsec_phase1_auth_set"]}}, ALL), ({"unread": {"group_policy": ["firewall_profile"]}}, []),
    ({"gpo": [{**BLOCK, "protocol": "udp"}]}, []), ({"mdm": [BLOCK]}, []), ({"rules": [], "mdm": [BLOCK]}, ALL),
    ({"rules": [], "static": [BLOCK]}, []), ({"static": [{**BLOCK, "action": "allow"}]}, ALL),
    ({"profile": {"enabled": False}}, ALL[1:]),
    ({"gpo_profile": {"enabled": False}}, ALL[1:]), ({"mdm_profile": {"enabled": False}}, ALL[1:]),
    ({"profile": {"disabled_interface_aliases": GUID}}, ALL[1:]), ({"profile": {"default_inbound_action": "allow"}}, ALL),
    ({"rules": [{**BLOCK, "profile": ["private", "domain"]}]}, ALL[:2]), ({"rules": [{**BLOCK, "action": "allow"}]}, []),
    ({"gpo_profile": {"allow_local_firewall_rules": True}, "mdm_profile": {"allow_local_firewall_rules": False}}, ALL[1:])])
def test_what_is_certain_to_block_on_a_host(case: dict[str, Any], profiles: list[str]) -> None:
    """In the profiles where nothing that the host says, or does not, may keep the block from counting."""
    found = BlocksInForce(policy_of_case({"rules": [BLOCK], **case}).settings)
    assert list(found.above(allow("10.0.0.1")).values()) == ([tuple(profiles)] if profiles else [])
    only = replace(allow("10.0.0.1"), profile=("public",))
    assert list(found.above(only).values()) == ([("public",)] if "public" in profiles else [])
    assert found.above(None) == found.above(replace(only, enabled=False)) == {}
