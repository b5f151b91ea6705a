"""Real hosts as judges: what their filters let through, and whether their rules, evaluated, come to the same.

The dumps are those of RINGFENCE_CORPUS, whatever they are called and of whatever build, language and products. What both judges
may differ in is a row of tests/cases/wfp_differences.yml, each with a small dump in which they do.
"""

import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lab_cases import cases
from wfp_corpus import DUMPS, dump
from wfp_judges import EVERYONE, PERSON, RULES, Edges, Judged, Judges
from wfp_xml import dump_of, flow_of

from ringfence.model.filter import Filter
from ringfence.model.wfp import LOOPBACK, NO_PACKAGE, OTHER_LOOPBACK, PROFILES_BY_ID, WfpConnection, WfpDump
from ringfence.policy.arbitration import Arbiter
from ringfence.policy.wfp_flow import WfpFlow

REAL = pytest.mark.parametrize("path", DUMPS, ids=lambda p: p.name)
FLOWS = 5_200  # flows asked of each dump
TCP, DYNAMIC_PORTS = 6, 49_152  # RFC 6335
LOOPBACK_INTERFACE = 24 << 48  # its LUID: type 24, the only one
PERMITTED = ("permit", "unless_vetoed")


def another(sublayer: str) -> bool:
    """Whether a sublayer is none of Windows' firewall."""
    return not sublayer.startswith("MPSSVC_") and sublayer not in RULES


# ---- what a host lets through

def ways_of(connection: WfpConnection, found: WfpDump) -> Iterator[WfpFlow]:
    """How a connection may have come to be: opened by the host, or taken where its port is not one of those that the host gives
    away itself; by each interface that the dump knows or another one, in each profile."""
    fields = ("IP_ARRIVAL_INTERFACE", "IP_NEXTHOP_INTERFACE", "IP_LOCAL_INTERFACE")
    named = {c.value for f in found.filters for c in f.conditions if c.field in fields and isinstance(c.value, int)}
    address = connection.remote_address or connection.local_address or 0
    for way in ("outbound", "inbound")[:1 if connection.local_port >= DYNAMIC_PORTS else 2]:
        for interface in (6 << 48 | 99 << 24, *sorted(named)):
            for profile in (0, *PROFILES_BY_ID):
                yield WfpFlow(way, 6 if address >> 128 else 4, TCP, connection.local_address,  # type: ignore[arg-type]
                              connection.remote_address, connection.local_port, connection.remote_port, connection.program,
                              frozenset({EVERYONE, PERSON}), profile=profile, interface=interface)


def permitted(arbiter: Arbiter, flow: WfpFlow) -> bool:
    """Whether it is permitted to an ordinary program; or may be to a service or an app: which one it is a dump does not tell."""
    somebody = replace(flow, token=None, package=None, package_family=None)
    return arbiter.arbitrate(flow).action in PERMITTED or arbiter.arbitrate(somebody).action == "unknown"


@REAL
def test_every_live_connection_is_permitted(path: Path) -> None:
    found = dump(path)
    arbiter = Arbiter(found)
    live = [c for c in found.connections if c.protocol == TCP and not c.loopback and c.remote_port]
    blocked = [c for c in live if not any(permitted(arbiter, flow) for flow in ways_of(c, found))]
    assert not blocked


@REAL
def test_every_live_connection_on_loopback_is_permitted(path: Path) -> None:
    """By Windows itself, out and in: both ends are on the host."""
    found = dump(path)
    arbiter = Arbiter(found)
    for c in found.connections:
        if c.protocol == TCP and c.loopback and c.remote_port:
            flow = WfpFlow("outbound", 6 if (c.remote_address or 0) >> 128 else 4, TCP, c.local_address, c.remote_address,
                           c.local_port, c.remote_port, c.program, frozenset({EVERYONE, PERSON}), profile=0,
                           interface=LOOPBACK_INTERFACE, flags=LOOPBACK)
            taken = replace(flow, way="inbound", flags=LOOPBACK | OTHER_LOOPBACK, rpc_port=False)
            for decision in (*arbiter.arbitrate(flow).decisions, *arbiter.arbitrate(taken).decisions):
                assert another(decision.sublayer) or "block" not in decision.effects, decision


def same_host(part: WfpDump, whole: WfpDump) -> bool:
    """Whether a dump of filters is of the same host and minute as one of its state: keys are made anew at every start."""
    return not part.whole and whole.whole and {f.key for f in part.filters} <= {f.key for f in whole.filters}


@REAL
def test_a_dump_of_filters_says_what_the_state_says(path: Path) -> None:
    """What it leaves out, sublayers, callouts and filters that only look, decides nothing."""
    part = dump(path)
    whole = next((d for p in DUMPS if same_host(part, d := dump(p))), None)
    if whole is None:
        pytest.skip("no state of the same host and minute")
    conditions = {f.key: {c.value for c in f.conditions} for f in whole.filters}
    renamed = {c.value for f in part.filters for c in f.conditions if c.value not in conditions[f.key]}  # for privacy, in one
    judge, judge_of_whole = Arbiter(part), Arbiter(whole)
    for flow in Edges(Judges(part), 1).flows(1_000):
        if flow.program not in renamed:
            by_part, by_whole = judge.arbitrate(flow), judge_of_whole.arbitrate(flow)
            assert by_part.action in (by_whole.action, "unless_vetoed" if by_whole.action == "permit" else "")


# ---- whether its rules come to the same

def doubted(judged: Judged, judges: Judges, text: str, has: Callable[[Filter], object]) -> bool:
    """Whether the evaluator does not know something of a rule, and the rule has what that is about."""
    about = {d.id for d in judged.verdict.doubts if text in d.text}
    return judged.verdict.action == "unknown" and any(r.id in about and has(r.filter) for r in judges.policy.rules)


def says(judged: Judged, effect: str, sublayer: str = "") -> bool:
    """Whether a sublayer may have an effect; one of another product's where none is named."""
    return any(effect in d.effects for d in judged.arbitration.decisions if (
        d.sublayer == sublayer if sublayer else another(d.sublayer)))


def weight_class(judged: Judged) -> int | None:
    """The class of the filter of the firewall that decides."""
    decision = judged.arbitration.of("MPSSVC_WF")
    return decision.filter.weight_class if decision and decision.filter else None


def by_no_rule(judged: Judged, judges: Judges) -> bool:
    """Whether a filter decides, or would where something were known, that no rule could have."""
    asked = [f for d in judged.arbitration.decisions for f in (d.filter, *(one for one, _ in d.doubts))]
    return any(f in asked for f, _ in judges.found.inexpressible)


HOLDS: Mapping[str, Callable[[Judged, Judges], bool]] = {  # by the title of the row: which differences it explains
    "a port that RPC gives away": lambda j, judges: doubted(j, judges, "is a port of RPC", lambda f: "RPC" in f.local_port),
    "a program that may ask for what comes through edges": lambda j, judges: doubted(
        j, judges, "asks for what comes through edge devices", lambda f: f.edge_traversal_policy == "defer_to_app"),
    "who the other side is": lambda j, judges: doubted(
        j, judges, "of the other side is listed", lambda f: f.remote_machine or f.remote_user),
    "a rule that names no package": lambda j, judges: j.flow.package != NO_PACKAGE and judges.names_no_package,
    "an app of a listed account": lambda j, judges: j.flow.package != NO_PACKAGE and any(
        f.local_user for r in judges.found.rules for f in r.filters),
    "a local subnet is not behind a tunnel": lambda j, _: j.flow.way == "outbound" and j.flow.type_of_tunnel not in (0, None),
    "a filter that no rule could have": by_no_rule,
    "what Windows lets in beside all rules": lambda j, _: weight_class(j) in (0, 1, 15),
    "an interface in quarantine": lambda j, _: says(j, "block", "MPSSVC_QUARANTINE"),
    "what isolates apps": lambda j, _: j.flow.package != NO_PACKAGE and says(j, "block", "MPSSVC_APP_ISOLATION"),
    "a product that blocks": lambda j, _: j.host == "block" and says(j, "block"),
    "a product that no block stops": lambda j, _: says(j, "hard_permit"),
    "a driver that decides": lambda j, _: j.host == "unknown" and bool(j.arbitration.drivers),
    "a condition of a product that nobody knows": lambda j, _: j.host == "unknown" and says(j, "block"),
}
ROWS = cases("wfp_differences")


def explained(judged: Judged, judges: Judges, of: str) -> str:
    """Why what the rules or all filters do differs from the verdict; empty where it does not. Fails where no row says why."""
    said = judged.host if of == "host" else judged.rules
    if judged.verdict.action == said != "unknown":
        return ""
    titles = [r["title"] for r in ROWS if of in ("host", r["of"])]
    found = next((title for title in titles if HOLDS[title](judged, judges)), None)
    assert found, f"nothing says why these differ: {judged}"
    return str(found)


def ask_both(found: WfpDump, name: str, count: int) -> None:
    """Both judges come to the same, or a row says why not; most of it by rules, and with hardly a difference in these."""
    judges = Judges(found)
    matched, of_rules, of_host = 0, Counter[str](), Counter[str]()
    for flow in Edges(judges, zlib.crc32(name.encode())).flows(count):
        judged = judges.judge(flow)
        matched += judged.matched
        of_rules[explained(judged, judges, "rules")] += 1
        of_host[explained(judged, judges, "host")] += 1
    print(f"{name}: {matched} of {count} matched; rules {dict(of_rules)}; host {dict(of_host)}")
    assert matched >= 0.3 * count
    assert of_rules[""] >= 0.9 * count


@REAL
def test_rules_come_to_what_filters_do(path: Path) -> None:
    if not Edges(Judges(dump(path)), 0).templates:
        pytest.skip("a dump without rules: it was taken with parameters that leave them out")
    ask_both(dump(path), path.name, FLOWS)


NO_RULES = cases("wfp_no_rules")


@REAL
def test_what_is_no_rule_has_a_row(path: Path) -> None:
    rows = {(row["sublayer"], row["reason"]) for row in NO_RULES}
    for one, why in Judges(dump(path)).found.inexpressible:
        assert any(one.sublayer == sublayer and why.startswith(reason) for sublayer, reason in rows), f"{one}: {why}"


@pytest.mark.parametrize("row", NO_RULES, ids=lambda r: str(r["reason"]))
def test_every_row_of_what_is_no_rule_is_one(row: dict[str, Any]) -> None:
    filters = [{"layer": "ALE_AUTH_RECV_ACCEPT_V4", "sublayer": row["sublayer"], "rule": 7, **row["filter"]}]
    ((_, why),) = Judges(dump_of({"filters": filters})).found.inexpressible
    assert why.startswith(row["reason"])


@pytest.mark.parametrize("host", cases("wfp_hosts"), ids=lambda h: str(h["title"]))
def test_rules_come_to_what_filters_do_on_small_hosts(host: dict[str, Any]) -> None:
    filters = [{"layer": "ALE_AUTH_RECV_ACCEPT_V4", "weight": 9, **one} for one in host["filters"]]
    ask_both(dump_of({"filters": filters}), host["title"], 1_500)


DEFAULTS = [{"name": "Query User", "layer": "ALE_AUTH_RECV_ACCEPT_V4", "weight": 8, "action": "BLOCK",
             "if": ["ORIGINAL_PROFILE_ID EQUAL u32 1"]},
            {"name": "Default Outbound", "weight": 8, "if": ["ORIGINAL_PROFILE_ID EQUAL u32 1"]}]
COMES = {"way": "inbound", "local_port": 443, "remote_port": 50_000, "remote_address": "10.0.0.1", "profile": 1,
         "program": "System", "token": [EVERYONE, PERSON], "interface": 6 << 48 | 1 << 24, "rpc_port": False}


@pytest.mark.parametrize("row", ROWS, ids=lambda r: str(r["title"]))
def test_every_difference_is_one(row: dict[str, Any]) -> None:
    """A row that explains nothing any more has to go."""
    filters = [{"layer": "ALE_AUTH_RECV_ACCEPT_V4", "weight": 9, **one} for one in row["filters"]]
    judges = Judges(dump_of({"filters": [*DEFAULTS, *filters], "sublayers": {"UNIVERSAL": 32768, "MPSSVC_WF": 2}}))
    judged = judges.judge(flow_of({**COMES, **row.get("flow", {})}))
    assert explained(judged, judges, row["of"]) == row["title"], judged
    if row["of"] == "host":
        assert explained(judged, judges, "rules") == ""


def test_every_row_says_which_differences_it_explains() -> None:
    assert {row["title"] for row in ROWS} == set(HOLDS)
