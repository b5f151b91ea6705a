"""Firewall rules on the simulated host, which decides by code of its own.

What we allow it takes and keeps; what we refuse it refuses.
"""

from collections.abc import Mapping
from typing import Any

import pytest
from batches import batch_of
from chance import by_chance
from core import RULE, cases, rule, task
from core import declare as declared_and_problems
from hosts import LabHost, errors
from hypothesis import given
from hypothesis import strategies as st
from rule_strategies import rules

from ringfence.batch import cmdlet_call
from ringfence.lab import NetworkAdapter, machine
from ringfence.model.resource import Resource
from ringfence.model.state import Change, id_of
from ringfence.project.render import RenderedTask
from ringfence.windows.calls import cmdlet_calls


def rule_task(properties: Mapping[str, Any]) -> RenderedTask:
    interface = {"interface_alias": "Ethernet"} if "interface_alias" in properties else {}
    return task("firewall_rule", {**properties, **interface})


def test_an_alias_with_wildcard_characters_means_its_interface_alone() -> None:
    aliases = ("Team [1]", "Team 1", "What?", "Whats")
    interfaces = tuple(NetworkAdapter(a, f"{{0000000{n}-0000-0000-0000-000000000000}}") for n, a in enumerate(aliases))
    host = LabHost(on=machine("srv1", interfaces=interfaces))
    for alias in aliases:
        guid = next(i.guid for i in host.machine.interfaces if i.alias == alias)
        assert host.apply(task("firewall_rule", {"name": "r", "interface_alias": [guid]}),
                          task("firewall_profile", {"profiles": ["public"], "disabled_interface_aliases": [guid]}),
                          ).status == "changed"
        assert f"|IF={guid}|" in host.rules["r"]
        calls = [a["parameters"] for a in host.verbs("Net.Call") if a["cmdlet"] == "Set-NetFirewallProfile"]
        assert calls[-1]["DisabledInterfaceAliases"] == [alias]  # this parameter takes no wildcards: nothing is escaped


def test_a_display_name_is_no_service() -> None:
    """Known before anything is written; the host is asked for its services where a rule names one."""
    host = LabHost()
    for declare in (None, lambda facts: declared_and_problems(rule_task({"name": "r", "service": "Windows Update"}))):
        tasks = [] if declare else [rule_task({"name": "r", "service": "Windows Update"})]
        result = host.plan(*tasks, declare=declare)
        assert result.status == "invalid"
        (problem,) = errors(result.diagnostics)
        assert problem.detail == "say service: wuauserv"
    assert host.apply(rule_task({"name": "r", "service": "wuauserv"})).status == "changed"
    assert "|Svc=wuauserv|" in host.rules["r"]
    other = LabHost()
    other.plan(rule_task({"name": "r", "local_port": 1, "protocol": "tcp"}))
    assert (len(host.verbs("Services.Read")), other.verbs("Services.Read")) == (3, [])


@by_chance(60)
@given(rules(), rules())
def test_any_rule_is_made_and_changed_and_found_again(first: dict[str, Any], second: dict[str, Any]) -> None:
    host = LabHost()
    for properties in (first, second):
        policy = rule_task(properties)
        result = host.apply(policy)
        assert result.error is None, (properties, str(result.error), [c.properties() for c in result.remaining])
        planned = host.plan(policy)
        assert (planned.changes, planned.error) == ((), None)


@pytest.mark.parametrize("case", [c for c in cases("firewall_rules") if "new" in c], ids=lambda c: str(c["string"])[:60])
def test_every_case_is_stored_as_the_case_says(case: dict[str, Any]) -> None:
    host = LabHost()
    policy = rule_task({"name": "r", "display_name": "N", **case["properties"]})
    result = host.apply(policy)
    assert result.error is None
    assert result.written
    assert host.plan(policy).changes == ()


@pytest.mark.parametrize("case", [c for c in cases("refusals") if "code" in c], ids=lambda c: str(c["say"]))
def test_what_we_refuse_the_host_refuses_too(case: dict[str, Any]) -> None:
    """The same values, sent without asking ours first."""
    if case["wrong"] == "platform":  # the word itself refuses it: there is no value to send
        call = cmdlet_call("New-NetFirewallRule", {"Name": "r", "DisplayName": "r", "Platform": case["say"]["platform"]})
    else:
        made = RULE.create("r", {p: RULE.properties[p].type.parse(v) for p, v in case["say"].items()})
        (call,) = cmdlet_calls([Change(id_of(made), None, made)], {}).values()
    (answer,) = LabHost().run(batch_of(call, stop_on_error=True)).answers.values()
    assert answer.error is not None, call.args


def test_the_rules_of_windows_itself_read_without_loss() -> None:
    """And may be taken over as they are: a declaration with the same values is in sync."""
    host = LabHost()
    found = firewall(host)
    assert len(found) > 200
    taken = 0
    for r in found.values():
        assert r.unknown_tokens == ()
        values = {p: v for p, v in r.values().items() if v != RULE.defaults[p]}
        if any("=" in str(m) or m == "mDNS" for v in values.values() if isinstance(v, tuple) for m in v):
            continue  # a condition that no cmdlet can say
        taken += 1
        assert rule(r.name, **{p: list(v) if isinstance(v, tuple) else v for p, v in values.items()}) == r
    assert taken > 200


def firewall(host: LabHost) -> dict[str, Resource]:
    """The rules that a host has."""
    return host.read().state.by_kind("firewall_rule")


@by_chance(20)
@given(st.lists(rules(), min_size=1, max_size=4))
def test_absent_takes_away_what_was_made_and_nothing_else(several: list[dict[str, Any]]) -> None:
    host = LabHost()
    before = firewall(host)
    tasks = [rule_task({**properties, "name": f"r{i}"}) for i, properties in enumerate(several)]
    assert host.apply(*tasks).error is None
    gone = [task("firewall_rule", {"name": f"R{i}", "state": "absent"}) for i in range(len(several))]
    assert len(host.apply(*gone).written) == len(several)
    assert firewall(host) == before
