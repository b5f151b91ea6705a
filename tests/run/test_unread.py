"""What a host would not let us read is told, and is neither empty nor created anew."""

import logging
from typing import Any

import pytest
from core import KINDS, at, task
from hosts import LabHost

from ringfence.batch import Answer, Batch, Call, Reply
from ringfence.errors import HostError
from ringfence.formats.approval import Approval
from ringfence.lab import GROUP_POLICY, POLICY
from ringfence.model.state import Id
from ringfence.model.storage import RegistryKeys, RuleStrings, SetKeys
from ringfence.report import HostResult
from ringfence.run.hosts_before import Before
from ringfence.run.owned_objects import retire
from ringfence.run.rollback import rollback
from ringfence.windows.read import policy_call, unread_kinds

RULE = at(1, name="r", protocol="tcp", local_port=80)
PROFILE = at(5, "firewall_profile", profiles="domain", enabled=True)
SET = task("ipsec_phase1_auth_set", {"name": "s", "proposal": [{"machine": True, "kerberos": True}]})
ISOLATION = task("ipsec_rule", {"name": "i", "inbound_security": "require", "outbound_security": "request",
                                "phase1_auth_set": "s"})


def denied(*keys: str) -> LabHost:
    host = LabHost({})
    assert host.apply(RULE, PROFILE, SET, ISOLATION).error is None
    host.machine.faults.denied_keys = keys
    return host


def failure(result: HostResult) -> str:
    assert isinstance(result.error, HostError)
    assert (result.status, result.error.kind) == ("failed", "authorization")
    return str(result.error)


@pytest.mark.parametrize("key", [POLICY, POLICY.upper(), rf"{POLICY}\FirewallRules", rf"{POLICY}\firewallrules"])
def test_rules_that_may_not_be_read_are_not_created(key: str) -> None:
    host = denied(key)
    before = len(host.cmdlets)
    for result in (host.plan(RULE), host.apply(RULE)):
        assert "firewall_rule: Requested registry access is not allowed" in failure(result)
        assert result.changes == ()
        assert {d.severity for d in result.diagnostics if "could not be read: Requested" in d.summary} == {"warning"}
    assert len(host.cmdlets) == before


def test_what_could_be_read_is_planned_beside_it_and_nothing_is_written() -> None:
    host = denied(rf"{POLICY}\ConSecRules")
    policy = (at(1, name="r", protocol="tcp", local_port=81), ISOLATION)
    planned = host.plan(*policy)
    assert "ipsec_rule: Requested registry access is not allowed" in failure(planned)
    assert [str(c.id) for c in planned.changes] == ["firewall_rule r"]
    before = len(host.cmdlets)
    failure(host.apply(*policy))
    assert len(host.cmdlets) == before


def test_of_what_was_agreed_to_nothing_is_said_where_it_could_not_be_read() -> None:
    """Neither that it is there, nor that nobody asks for it any more, nor that what is left is another plan."""
    host = denied()
    agreed = Approval(host.plan(at(1, name="r", protocol="tcp", local_port=81)).changes)
    host.machine.faults.denied_keys = (rf"{POLICY}\FirewallRules",)
    result = host.apply(at(1, name="r", protocol="tcp", local_port=82), PROFILE, approval=agreed)
    assert "firewall_rule: Requested registry access is not allowed" in failure(result)
    assert not any("approved" in d.summary or "not made" in d.summary for d in result.diagnostics)


def test_a_kind_that_names_one_that_was_not_read_is_not_judged() -> None:
    """Neither whether a set is there for a rule, nor whether a rule still uses a set, is known."""
    assert "ipsec_phase1_auth_set" in failure(denied(rf"{POLICY}\Phase1AuthenticationSets").plan(ISOLATION))
    assert "ipsec_rule" in failure(denied(rf"{POLICY}\ConSecRules").plan(
        task("ipsec_phase1_auth_set", {"name": "s", "state": "absent"})))


def test_a_part_of_a_key_is_the_kind_of_the_key() -> None:
    host = denied(rf"{POLICY}\DomainProfile\Logging")
    assert "firewall_profile" in failure(host.plan(PROFILE))
    assert host.plan(RULE).status == "in_sync"


@pytest.mark.parametrize("key", [GROUP_POLICY, rf"{POLICY}\Mdm", rf"{POLICY}\ConSecRules"])
def test_what_nothing_declared_rests_on_is_a_warning(key: str) -> None:
    host = denied(key)
    host.machine.registry.set(key, "Version", 1)
    result = host.plan(RULE, PROFILE)
    assert (result.status, result.changes) == ("in_sync", ())
    assert [d.summary for d in result.diagnostics if d.severity == "warning"] == [
        rf"the key HKLM:\{key} could not be read: Requested registry access is not allowed."]


def test_a_proof_that_cannot_see_is_none() -> None:
    host = LabHost({})
    host.after_write = lambda: setattr(host.machine.faults, "denied_keys", (POLICY,))
    result = host.apply(RULE)
    assert isinstance(result.error, HostError)
    assert (result.error.kind, len(result.written)) == ("authorization", 1)


@pytest.mark.parametrize("answer", [{}, {"local": None}, {"local": "x"}, None, []])
def test_a_store_that_a_host_says_nothing_of_is_unknown(answer: Any) -> None:
    host = LabHost({})
    facts = host.run(Batch({"facts": Call("Facts.Read")})).answers["facts"]
    host.before = lambda told: Reply({"facts": facts, "policy": Answer(answer)})
    result = host.plan(RULE)
    assert (result.changes, result.status) == ((), "failed")
    assert "firewall_rule: the host did not tell" in str(result.error)


@pytest.mark.parametrize(("path", "kinds"), [
    ("", {"firewall_setting"}), ("FirewallRules", {"firewall_rule"}), (r"DomainProfile\Logging", {"firewall_profile"}),
    (r"Phase1AuthenticationSets\s\0000", {"ipsec_phase1_auth_set"}), ("AppIso", set())])
def test_a_value_that_could_not_be_read_is_that_of_its_key_alone(path: str, kinds: set[str]) -> None:
    told = {"local": [], "group_policy": [], "mdm": [],
            "unread": [{"fact": "x", "why": "y", "store": "local", "path": path, "value": "v"}]}
    assert unread_kinds(told, KINDS) == {("local", kind): "y" for kind in kinds}
    assert len(unread_kinds({**told, "local": None}, KINDS)) >= len(KINDS) - 1  # whatever a store says that tells nothing


def test_an_older_endpoint_says_what_it_could_not_read_in_words_alone() -> None:
    told = {"local": [], "group_policy": [], "mdm": [], "unread": [{"fact": "x", "why": "y"}, "odd", {"store": "local"}]}
    assert unread_kinds(told, KINDS) == {}


def test_a_store_that_is_not_told_is_unknown_as_a_whole_whatever_part_of_it_could_not_be_read() -> None:
    """And the part is unknown though nobody says why."""
    told = {"group_policy": [], "mdm": [], "unread": [{"store": "local", "path": "FirewallRules"}]}
    holes = unread_kinds(told, KINDS)
    assert {kind for _, kind in holes} == {kind.name for kind in KINDS.values() if kind.storage.keys}
    assert unread_kinds({**told, "local": []}, KINDS).keys() == {("local", "firewall_rule")}


# ---- what is asked for ------------------------------------------------------------------------------------------------
def test_the_keys_that_are_asked_for_are_those_of_the_kinds() -> None:
    asked = set(policy_call(KINDS).args["keys"])
    for kind in KINDS.values():
        match kind.storage:
            case RuleStrings(subkey=subkey):
                assert subkey in asked
            case SetKeys(subkeys=subkeys):
                assert asked >= set(subkeys)
            case RegistryKeys(names=names):
                assert asked >= {key.partition("\\")[0] for keys in names.values() for key in keys} - {""}
    assert asked.isdisjoint({"AppIso", "DynamicKeywords", "Mdm", "RestrictedServices"})
    assert all(key and "\\" not in key for key in asked)


def test_keys_of_no_kind_are_counted_and_named_once(caplog: pytest.LogCaptureFixture) -> None:
    host = LabHost({})
    for name in ("HyperVFirewallRules", "AppIso", r"Mdm\AppIso"):
        host.machine.registry.set(rf"{POLICY}\{name}\S-1-15-2-1", "secret of an application", "x" * 1000)
    with caplog.at_level(logging.INFO, "ringfence"):
        assert host.plan(RULE).error is None
    assert [r.getMessage() for r in caplog.records] == [
        "srv1: 2 keys of its policy are of no kind and not read: HyperVFirewallRules, AppIso"]
    assert "secret of an application" not in str(host.outputs)


def test_what_could_not_be_read_is_neither_taken_back_nor_retired() -> None:
    """It would be made once more, or forgotten."""
    host = denied(rf"{POLICY}\ConSecRules")
    host.owns = False
    known = host.entry("i", "ipsec_rule")
    before = Before({Id("local", "ipsec_rule", "i"): None}, runs=(host.policy.run_id,), writers={host.policy.run_id: True})
    for result in (rollback(host.job({}), host.context(), True, {"srv1": before}), retire(host.job({}), host.context(), True)):
        assert "ipsec_rule: Requested registry access is not allowed" in failure(result)
        assert result.changes == ()
    assert known
    assert host.entry("i", "ipsec_rule") == known
