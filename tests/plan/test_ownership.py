"""Whose an object is, and what a task may do to it: cases as data, on a host of the lab."""

from typing import Any

import pytest
from core import cases, task
from hosts import PROJECT, LabHost

from ringfence.diagnostics import Where
from ringfence.errors import GuardRefused
from ringfence.model.ledger import ProjectIdentity
from ringfence.model.state import Id

CASES: list[dict[str, Any]] = cases("ownership")
OTHER = ProjectIdentity("other-firewall", "00000000000000000000000000000b0b")


def host_of(case: dict[str, Any]) -> LabHost:
    host = LabHost(None if case.get("windows") else case["host"], owns=False)
    for name, text in case.get("before", {}).items():
        if text is None:
            host.remove(name)
        else:
            host.put(name, text)
    for name, how in case.get("ledger", {}).items():
        host.take_over([Id("local", "firewall_rule", name)], how)
    host.take_over([Id("local", "firewall_rule", name) for name in case.get("foreign", ())], project=OTHER)
    return host


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["case"])
def test_ownership(case: dict[str, Any]) -> None:
    host = host_of(case)
    asked = task("firewall_rule", case["say"], Where("play.yml", 7), treatment=case.get("with"))
    before, planned = host.rules, host.plan(asked)
    assert host.rules == before
    if words := case.get("refused"):
        assert isinstance(planned.error, GuardRefused)
        assert words in str(planned.error)
        assert "play.yml:7" in str(planned.error)
        assert isinstance(host.apply(asked).error, GuardRefused)
        assert (host.rules, host.cmdlets) == (before, [])
        return
    told = "\n".join([*(f"{d.severity}: {d.summary}" for d in planned.diagnostics),
                      *(f"{o.level}: {o.reason.text}" for o in planned.obstacles)])
    assert case.get("told", "") in told
    assert ("error: " in told) == ("wrong" in case)
    assert case.get("wrong", "") in told
    assert [f"{c.action} {(c.before or c.resource).name}" for c in planned.changes] == case["actions"]
    if "why" in case:
        assert [c.why for c in planned.changes] == [case["why"]]
    applied = host.apply(asked)
    assert (applied.error, applied.remaining) == (None, ())
    for name, pieces in case.get("becomes", {}).items():
        if pieces == "gone":
            assert name not in host.rules
        else:
            assert set(pieces) <= set(host.rules[name].split("|"))
    again = host.plan(asked)
    assert (again.changes, again.error) == ((), None)
    assert host.apply(asked).connections == 1


def test_every_rule_that_nobody_mentions_stays_as_it_was() -> None:
    host = LabHost(owns=False)
    before = host.rules
    host.apply(task("firewall_rule", {"name": "WINRM-HTTP-In-TCP", "remote_address": "10.1.4.0/28"}))
    changed = {name for name, text in host.rules.items() if before.get(name) != text}
    assert changed == {"WINRM-HTTP-In-TCP"}
    assert host.entry("WINRM-HTTP-In-TCP")["how"] == "mentioned"
    assert host.entry("WINRM-HTTP-In-TCP")["first"] == {"remote_address": []}


def test_what_was_found_first_is_kept_whatever_the_task_says_later() -> None:
    host = LabHost(owns=False)
    for address in ("10.1.4.0/28", "10.2.0.0/16"):
        assert host.apply(task("firewall_rule", {"name": "WINRM-HTTP-In-TCP", "remote_address": address})).status == "changed"
    assert host.entry("WINRM-HTTP-In-TCP")["first"] == {"remote_address": []}
    host.apply(task("firewall_rule", {"name": "WINRM-HTTP-In-TCP", "remote_address": "10.2.0.0/16", "enabled": False}))
    first = host.entry("WINRM-HTTP-In-TCP")["first"]
    assert first == {"remote_address": [], "enabled": True}


def test_without_a_project_nothing_is_owned() -> None:
    host = LabHost({}, owns=False, policy=None, project=None)
    rule = task("firewall_rule", {"name": "web", "protocol": "tcp", "local_port": 80, "remote_address": "10.0.0.1"})
    assert host.apply(rule).status == "changed"
    assert host.machine.registry.key(r"SOFTWARE\ringfence") is None
    assert host.apply(rule).status == "in_sync"
    less = task("firewall_rule", {"name": "web", "protocol": "tcp", "local_port": 80})
    assert "ringfence.yml has no `project`" in str(host.plan(less).error)
    assert PROJECT.name not in str(host.plan(less).error)
    off = task("firewall_rule", {**rule.properties, "enabled": False})
    assert [c.action for c in host.plan(off).changes] == ["update"]  # who has no name takes nothing over


def test_only_what_may_be_renamed_is_told_to_be() -> None:
    """Of somebody else's rule of that display name; Windows' and vendors' rules keep their names."""
    host = LabHost(owns=False)
    host.put("{A}", "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=8080|RA4=10.0.0.1|Name=Foo Server|")
    for name, may in (("Foo Server", True), ("Remote Desktop - User Mode (TCP-In)", False)):
        planned = host.plan(task("firewall_rule", {"name": name, "protocol": "tcp", "local_port": 1, "remote_address": "::1"}))
        (told,) = [d.detail for d in planned.diagnostics if "it is the display name of" in d.summary]
        assert ("renamed_from" in told) == may


def test_what_two_projects_have_in_their_ledgers_is_a_conflict() -> None:
    """Though it is ours by our own: whoever goes on with it would write over the other's."""
    host = LabHost({"web": "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=443|Name=web|"}, owns=False)
    id = Id("local", "firewall_rule", "web")
    host.take_over([id], "created")
    host.take_over([id], project=OTHER)
    result = host.plan(task("firewall_rule", {"name": "web", "protocol": "tcp", "local_port": 8443}))
    assert isinstance(result.error, GuardRefused)
    assert "firewall_rule web belongs to the project other-firewall" in str(result.error)
