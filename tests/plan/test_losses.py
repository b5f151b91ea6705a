"""What no cmdlet can write: silence keeps it, a plan refuses what could lose it, and nothing ever gets wider by an apply."""

from typing import Any

import pytest
from core import RULE, cases, task
from hosts import LabHost

from ringfence.diagnostics import Where
from ringfence.errors import GuardRefused
from ringfence.model.kept import kept_pieces

CASES: list[dict[str, Any]] = cases("kept_pieces")
HEAD = "v2.33|Action=Allow|Active=TRUE|Dir=In|Name=r|"


def pieces(string: str) -> list[str]:
    return sorted(p.lower() for p in string.split("|")[1:] if p)


@pytest.mark.parametrize("case", CASES, ids=[f"{c['string']} {c['say']}" for c in CASES])
def test_nothing_is_lost_and_nothing_gets_wider(case: dict[str, Any]) -> None:
    string = HEAD + case["string"] if case["string"] is not None else None
    host = LabHost({"r": string} if string else {})
    asked = task("firewall_rule", {"name": "r", **case["say"]}, Where("play.yml", 7))
    planned, applied = host.plan(asked), host.apply(asked)
    if words := case.get("refused"):
        for result in (planned, applied):
            assert isinstance(result.error, GuardRefused)
            assert str(result.error).startswith("play.yml:7: firewall_rule r: ")
            assert words in str(result.error)
        assert host.rules == ({"r": string} if string else {})
        assert host.cmdlets == []
        return
    assert (planned.error, applied.error, applied.remaining) == (None, None, ())
    wanted = string if case["becomes"] is None else "|".join(["", "Action=Allow", "Dir=In", "Name=r", case["becomes"]])
    assert pieces(host.rules["r"]) == pieces(wanted or "")
    assert [c.properties().keys() for c in planned.changes] == ([] if case["becomes"] is None else [{"enabled"}])
    assert host.plan(asked).changes == ()


def test_a_rule_that_cannot_be_changed_leaves_the_plan_of_the_others() -> None:
    host = LabHost({"r": HEAD + "Protocol=17|LPort2_24=mDNS|"})
    found = host.plan(task("firewall_rule", {"name": "r", "protocol": "udp", "local_port": 53}, Where("play.yml", 3)),
                      task("firewall_rule", {"name": "new", "protocol": "tcp", "local_port": 8443}))
    assert [(c.action, c.resource.name) for c in found.changes] == [("create", "new"), ("update", "r")]
    assert str(found.error).count("play.yml:3: ") == 1


def test_one_target_may_become_another() -> None:
    host = LabHost({"r": HEAD + "Protocol=17|TTK=Proximity|"})
    asked = task("firewall_rule", {"name": "r", "protocol": "udp", "dynamic_target": "proximity_sharing"})
    result = host.apply(asked)
    assert (result.error, "TTK=ProxSharing|" in host.rules["r"], "TTK=Proximity|" in host.rules["r"]) == (None, True, False)


def test_no_way_out_is_a_rule_made_anew() -> None:
    """It would be the same rule without its condition: wider."""
    host = LabHost({"r": HEAD + "Future=1|"})
    for say in ({"program": "System"}, {"state": "absent"}):
        told = str(host.plan(task("firewall_rule", {"name": "r", **say})).error)
        assert "absent" not in told
        assert "enabled" in told


def test_every_kept_piece_is_found_wherever_it_stands() -> None:
    found = RULE.read_string("r", HEAD + "Protocol=17|LPort2_24=mDNS|lport2_20=DHCP|TTK2_27=UPnP|Future=1|PCross=TRUE|LPort=80|")
    assert sorted(kept_pieces(found)) == ["Future=1", "LPort2_20=DHCP", "PCross=TRUE", "TTK2_27=UPnP", "mDNS"]
