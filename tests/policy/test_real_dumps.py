"""Real hosts as judges: what their filters let through, and whether their rules, evaluated, come to the same.

The dumps are those of RINGFENCE_CORPUS, whatever they are called and of whatever build, language and products. What both judges
may differ in is a row of tests/cases/wfp_differences.yml, each with a small dump in which they do.
"""

import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from lab_cases import cases
from wfp_corpus import DUMPS, dump
from wfp_judges import EVERYONE, PERSON, RULES, Edges, Judged, Judges
from wfp_xml import dump_of, flow_of

from ringfence.model.wfp import NO_PACKAGE, PROFILES_BY_ID, WfpConnection, WfpDump
from ringfence.policy.arbitration import Arbiter
from ringfence.policy.wfp_flow import WfpFlow

REAL = pytest.mark.parametrize("path", DUMPS, ids=lambda p: p.name)
FLOWS = 5_200  # flows asked of each dump
TCP, DYNAMIC_PORTS = 6, 49_152  # RFC 6335
PERMITTED = ("permit", "unless_vetoed")


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


@REAL
def test_every_live_connection_is_permitted(path: Path) -> None:
    found = dump(path)
    arbiter = Arbiter(found)
    live = [c for c in found.connections if c.protocol == TCP and not c.loopback and c.remote_port]
    blocked = [c for c in live if not any(arbiter.arbitrate(flow).action in PERMITTED for flow in ways_of(c, found))]
    assert not blocked


# ---- whether its rules come to the same

def doubted(judged: Judged, text: str) -> bool:
    """Whether the evaluator does not know something."""
    return judged.verdict.action == "unknown" and any(text in d.text for d in judged.verdict.doubts)


def says(judged: Judged, effect: str, sublayer: str = "") -> bool:
    """Whether a sublayer may have an effect; one of another product's where none is named."""
    return any(effect in d.effects for d in judged.arbitration.decisions if (
        d.sublayer == sublayer if sublayer else not d.sublayer.startswith("MPSSVC_") and d.sublayer not in RULES))


def weight_class(judged: Judged) -> int | None:
    """The class of the filter of the firewall that decides."""
    decision = judged.arbitration.of("MPSSVC_WF")
    return decision.filter.weight_class if decision and decision.filter else None


def by_no_rule(judged: Judged, judges: Judges) -> bool:
    """Whether a filter decides, or would where something were known, that no rule could have."""
    asked = [f for d in judged.arbitration.decisions for f in (d.filter, *(one for one, _ in d.doubts))]
    return any(f in asked for f, _ in judges.found.inexpressible)


HOLDS: Mapping[str, Callable[[Judged, Judges], bool]] = {  # by the title of the row: which differences it explains
    "a port that RPC gives away": lambda j, _: doubted(j, "is a port of RPC"),
    "a program that may ask for what comes through edges": lambda j, _: doubted(j, "asks for what comes through edge devices"),
    "a package by its family": lambda j, _: doubted(j, "whether its program is the app"),
    "a rule that names no package": lambda j, judges: j.flow.package != NO_PACKAGE and judges.names_no_package,
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


@REAL
def test_rules_come_to_what_filters_do(path: Path) -> None:
    judges = Judges(dump(path))
    edges = Edges(judges, zlib.crc32(path.name.encode()))
    matched, of_rules, of_host = 0, Counter[str](), Counter[str]()
    for flow in edges.flows(FLOWS):
        judged = judges.judge(flow)
        matched += judged.matched
        of_rules[explained(judged, judges, "rules")] += 1
        of_host[explained(judged, judges, "host")] += 1
    print(path.name, "matched", matched, dict(of_rules), dict(of_host))
    assert matched >= 0.3 * FLOWS
    assert of_rules[""] >= 0.9 * FLOWS


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
