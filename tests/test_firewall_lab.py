"""Firewall rules on the simulated host, which decides by code of its own.

What we allow it takes and keeps; what we refuse it refuses.
"""

from collections.abc import Mapping
from typing import Any

import pytest
from core import KINDS, RULE, Said, cases, rule, want
from hypothesis import given, settings
from hypothesis import strategies as st
from rule_strategies import rules

from ringfence.batch import Batch, Reply, net
from ringfence.facts import Facts
from ringfence.lab import POLICY, NetworkAdapter, Session, SimulatedHost, machine
from ringfence.resource import Resource
from ringfence.run.converge import Job, apply, look, plan
from ringfence.state import Change, identify
from ringfence.windows.calls import calls


class Host:
    """A lab machine without a network between: one batch, one reply."""

    def __init__(self, **options: Any) -> None:
        self.machine = machine("srv1", **options)
        self.host = SimulatedHost(self.machine)
        self.session = Session("psrp", next(iter(self.machine.accounts)), True, "10.99.0.1", 50000, "10.99.0.10", 5985)

    def run(self, batch: Batch) -> Reply:
        return batch.read(self.host.run(batch.encode(), self.session).encode())

    def job(self, *tasks: Said) -> Job:
        return Job("srv1", want(*tasks), lambda: self)


def said(properties: Mapping[str, Any]) -> Said:
    interface = {"interface_alias": "Ethernet"} if "interface_alias" in properties else {}
    return Said("firewall_rule", {**properties, **interface})


def test_an_alias_with_wildcard_characters_means_its_interface_alone() -> None:
    aliases = ("Team [1]", "Team 1", "What?", "Whats")
    host = Host(interfaces=tuple(NetworkAdapter(a, f"{{0000000{n}-0000-0000-0000-000000000000}}") for n, a in enumerate(aliases)))
    for alias in aliases:
        guid = next(i.guid for i in host.machine.interfaces if i.alias == alias)
        job = host.job(Said("firewall_rule", {"name": "r", "interface_alias": [guid]}),
                       Said("firewall_profile", {"profiles": ["public"], "disabled_interface_aliases": [guid]}))
        assert apply(job, KINDS).status == "changed"
        assert f"|IF={guid}|" in str(host.machine.registry.get(POLICY + r"\FirewallRules", "r"))


@settings(deadline=None, max_examples=60)
@given(rules(), rules())
def test_any_rule_is_made_and_changed_and_found_again(first: dict[str, Any], second: dict[str, Any]) -> None:
    host = Host()
    for properties in (first, second):
        job = host.job(said(properties))
        result = apply(job, KINDS)
        assert result.error is None, (properties, str(result.error), [c.properties() for c in result.residue])
        assert plan(job, KINDS).status == "in sync"


@pytest.mark.parametrize("case", [c for c in cases("firewall_rules") if "new" in c], ids=lambda c: str(c["string"])[:60])
def test_every_case_is_stored_as_the_case_says(case: dict[str, Any]) -> None:
    host = Host()
    job = host.job(said({"name": "r", "display_name": "N", **case["properties"]}))
    result = apply(job, KINDS)
    assert result.status == "changed", str(result.error)
    assert plan(job, KINDS).status == "in sync"


@pytest.mark.parametrize("case", [c for c in cases("refusals") if "code" in c], ids=lambda c: str(c["say"]))
def test_what_we_refuse_the_host_refuses_too(case: dict[str, Any]) -> None:
    """The same values, sent without asking ours first."""
    if case["wrong"] == "platform":  # the word itself refuses it: there is no value to send
        call = net("New-NetFirewallRule", {"Name": "r", "DisplayName": "r", "Platform": case["say"]["platform"]})
    else:
        made = RULE.make("r", {p: RULE.properties[p].word.parse(v) for p, v in case["say"].items()})
        (call,) = calls([Change(identify(made), None, made)], Facts())
    (answer,) = Host().run(Batch((call,), stop=True)).answers
    assert answer.error is not None, call.args


def test_the_rules_of_windows_itself_read_without_loss() -> None:
    """And may be taken over as they are: a declaration with the same values is in sync."""
    host = Host()
    found = firewall(host)
    assert len(found) > 200
    taken = 0
    for r in found.values():
        assert r.extra == ()
        values = {p: v for p, v in r.values().items() if v != RULE.defaults[p]}
        if any("=" in str(m) or m == "mDNS" for v in values.values() if isinstance(v, tuple) for m in v):
            continue  # a condition that no cmdlet can say
        taken += 1
        assert rule(r.name, **{p: list(v) if isinstance(v, tuple) else v for p, v in values.items()}) == r
    assert taken > 200


def firewall(host: Host) -> dict[str, Resource]:
    """The rules that a host has."""
    return look(host, KINDS)[0].state.of("firewall_rule")


@settings(deadline=None, max_examples=20)
@given(st.lists(rules(), min_size=1, max_size=4))
def test_absent_takes_away_what_was_made_and_nothing_else(several: list[dict[str, Any]]) -> None:
    host = Host()
    before = firewall(host)
    tasks = [said({**properties, "name": f"r{i}"}) for i, properties in enumerate(several)]
    assert apply(host.job(*tasks), KINDS).error is None
    gone = [Said("firewall_rule", {"name": f"R{i}", "state": "absent"}) for i in range(len(several))]
    assert apply(host.job(*gone), KINDS).made == len(several)
    assert firewall(host) == before
