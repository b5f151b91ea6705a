"""IPsec on the lab: what is declared is what is there, whatever it is; sets and rules in an order that Windows takes."""

from typing import Any

import pytest
from chance import by_chance
from core import declare, resources, task
from hosts import LabHost
from hypothesis import HealthCheck, assume, given
from ipsec_lab import Policy, policies, tasks

from ringfence.lab.netsecurity import ipsec_sets
from ringfence.model.resource import Resource
from ringfence.model.state import State, id_of
from ringfence.windows.read import read
from ringfence.windows.set_writer import write

MODEST = by_chance(60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])


def valid(policy: Policy) -> None:
    assume(not [p for p in declare(*tasks(policy))[1] if p.severity == "error"])


@MODEST
@given(policies())
def test_any_valid_policy_applied_and_read_back_equals_itself(policy: Policy) -> None:
    valid(policy)
    lab = LabHost()
    result = lab.apply(*tasks(policy))
    assert result.error is None, result.error
    again = lab.plan(*tasks(policy))
    assert (again.error, again.changes) == (None, ())


@MODEST
@given(policies(), policies())
def test_from_any_policy_to_any_other(first: Policy, second: Policy) -> None:
    """Nothing is refused on the way, whatever is created, changed and removed in one batch."""
    kept = {(kind, p["name"]) for kind, p in second}
    gone = dict.fromkeys((kind, p["name"]) for kind, p in first if (kind, p["name"]) not in kept)
    second = [*second, *((kind, {"name": name, "state": "absent"}) for kind, name in gone)]
    valid(first)
    valid(second)
    lab = LabHost()
    for policy in (first, second):
        result = lab.apply(*tasks(policy))
        assert (result.error, [d for d in result.diagnostics if d.severity == "error"]) == (None, [])
    assert lab.plan(*tasks(second)).changes == ()


@MODEST
@given(policies())
def test_any_policy_survives_the_registry(policy: Policy) -> None:
    """Through the codecs alone: written as [MS-GPFAS] has it, and read again. A key never is in it."""
    valid(policy)
    wanted = State({id_of(r): r for r in resources(declare(*tasks(policy))[0])})
    rows, kinds = [], {r.kind.name: r.kind for r in wanted.values()}
    for resource in wanted.values():
        if resource.kind.name.endswith("_rule"):
            key = {"ipsec_rule": "ConSecRules", "ipsec_main_mode_rule": "MainModeRules"}[resource.kind.name]
            rows.append([key, [[resource.name, "String", resource.kind.write_string(resource)]]])
        else:
            rows += write(resource)
    found = read({"local": rows}, kinds)
    assert set(found) == set(wanted)
    for id, resource in wanted.items():
        assert bare(found[id]) == bare(resource)
        assert "'SHKey'" not in str(rows)


def bare(resource: Resource) -> Resource:
    """Without what the registry has in the host's own terms (interfaces) and what never is written (keys)."""
    values = resource.values()
    if values.get("interface_alias"):
        return resource.replace(interface_alias=())
    if resource.kind.name == "ipsec_phase1_auth_set":
        return resource.replace(proposal=tuple(p.replace(pre_shared_key=None) for p in values["proposal"]))
    return resource


@pytest.mark.parametrize(("kind", "proposal", "left_out"), [
    ("ipsec_main_mode_crypto_set", {"key_exchange": "dh14", "encryption": "aes256", "hash": "sha256"}, {"MaxMinutes": 2879}),
    ("ipsec_quick_mode_crypto_set", {"encapsulation": "esp", "esp_hash": "sha256", "encryption": "aes256"},
     {"PerfectForwardSecrecyGroup": "DH2"})])
def test_defaults_that_no_page_tells_are_said(kind: str, proposal: dict[str, str], left_out: dict[str, Any],
                                              monkeypatch: pytest.MonkeyPatch) -> None:
    """On a Windows that takes something else where nothing is said, a set has what it is declared to have all the same."""
    monkeypatch.setattr(ipsec_sets, "LEFT_OUT", ipsec_sets.LEFT_OUT | left_out)
    lab, declared = LabHost(), task(kind, {"name": "s", "proposal": [proposal]})
    assert (lab.apply(declared).status, lab.plan(declared).status) == ("changed", "in_sync")
