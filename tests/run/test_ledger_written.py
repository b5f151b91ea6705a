"""What a run leaves in a host's ledger: what is true of each object, wherever the run ends."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from core import KINDS, task
from hosts import FORCED, LEDGER, PROJECT, LabHost

from ringfence.batch import Failure
from ringfence.diagnostics import Where
from ringfence.errors import Restored
from ringfence.model.plain import digest_of
from ringfence.model.state import Id
from ringfence.plan.run_policy import RunPolicy
from ringfence.project.declare import DeclarationBuilder
from ringfence.project.render import RenderedTask
from ringfence.report import HostResult
from ringfence.run.host import apply_host
from ringfence.types.moments import moment_text
from ringfence.windows.shipped_rules import is_shipped

WEB = "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=80|RA4=10.0.0.1|Name=web|"
OF_WEB = Id("local", "firewall_rule", "web")


def rule(name: str = "web", port: int = 80, treatment: dict[str, Any] | None = None, **more: Any) -> RenderedTask:
    said = {"name": name, "protocol": "tcp", "local_port": port, "remote_address": "10.0.0.1", **more}
    return task("firewall_rule", said, Where("site.yml", 3), treatment=treatment)


def lab(rules: dict[str, str] | None = None, **policy: Any) -> LabHost:
    settings = {"run_id": "20261126T115712Z-3f9a1c", "inputs": "1", "forced": FORCED, "prune": "created", **policy}
    return LabHost(rules or {}, owns=False, policy=RunPolicy(PROJECT, **settings))


def run(host: LabHost, *tasks: RenderedTask, breaks_at: int | None = None, **policy: Any) -> HostResult:
    """A full run; the connection breaks before that call of the batch that writes: of the ledger's entry, of a change, …"""
    declared, problems = DeclarationBuilder(KINDS, is_shipped).declarations(tasks)
    assert not [p for p in problems if p.severity == "error"]
    host.before = lambda batch: setattr(host.machine.faults, "fail_at", breaks_at if batch.stop_on_error else None)
    context = replace(host.context(), policy=replace(host.policy, **policy), possible=lambda name, facts: frozenset())
    result = apply_host(host.job(declared), context)
    host.before = lambda batch: None
    host.machine.faults.fail_at = None
    assert (result.error is None) == (breaks_at is None)
    return result


def header(host: LabHost, name: str) -> str:
    return str(host.machine.registry.get(LEDGER, name))


def said(host: LabHost) -> dict[str, Any]:
    """All that is in it but for how often it was written, and by whom last."""
    key = host.machine.registry.key(LEDGER)
    return {value.name: value.data for value in key.values.values() if value.name not in ("Generation", "Run")} if key else {}


def is_as_it_says(host: LabHost, name: str = "web") -> bool:
    """Whether the ledger knows an object as it is."""
    entry = host.entry(name)
    return "pending" not in entry and entry["hash"] == digest_of(host.read().state.by_kind("firewall_rule")[name])


@pytest.mark.parametrize("breaks_at", [1, 2])
@pytest.mark.parametrize("then", [80, 443])
def test_an_update_that_a_run_did_not_come_to_or_never_told_of(breaks_at: int, then: int) -> None:
    """The next run, which may want another port, leaves what is so."""
    host = lab()
    run(host, rule())
    run(host, rule(port=443), breaks_at=breaks_at)
    assert "pending" in host.entry("web")
    assert ("LPort=443" in host.rules["web"]) == (breaks_at == 2)
    run(host, rule(port=then))
    assert is_as_it_says(host)
    assert host.entry("web")["how"] == "created"
    assert header(host, "State") == "final"


def test_what_was_never_made_is_forgotten_also_by_a_run_of_a_part() -> None:
    host = lab()
    run(host, rule("other"))
    run(host, rule("other"), rule(), breaks_at=1)
    assert host.entry("web")
    run(host, rule("other"), partial="--tags chose")
    assert (host.entry("web"), bool(host.entry("other")), header(host, "State")) == ({}, True, "final")


@pytest.mark.parametrize("breaks_at", [1, 2, 3])
@pytest.mark.parametrize("port", [80, 443])
def test_a_rename_that_a_run_did_not_come_to_or_never_told_of(breaks_at: int, port: int) -> None:
    """Under its new name the rule is the project's as it was under the old one, and under that nothing is."""
    host = lab()
    run(host, rule(display_name="web"))
    before = host.entry("web")
    renamed = rule("new", port, {"renamed_from": "web"}, display_name="web")
    if breaks_at < (4 if port == 443 else 3):
        run(host, renamed, breaks_at=breaks_at)
    run(host, renamed, run_id="20261126T115714Z-000000")
    assert list(host.rules) == ["new"]
    if breaks_at == 1:
        assert host.entry("new")["run"] == "20261126T115714Z-000000"
    assert (host.entry("web"), host.entry("new")["how"], is_as_it_says(host, "new")) == ({}, before["how"], True)
    run(host)
    assert (host.rules, host.entry("new")) == ({}, {})


def test_of_what_goes_nothing_is_left_though_a_run_had_begun_to_change_it() -> None:
    host = lab()
    run(host, rule())
    run(host, rule(port=443), breaks_at=1)
    run(host)
    assert (host.rules, host.entry("web")) == ({}, {})


def test_an_entry_says_all_that_is_known_and_keeps_what_a_later_version_says() -> None:
    host = lab({"web": WEB.replace("80", "22")})
    host.take_over([OF_WEB], future={"a": 1}, first={"local_port": ["21"]})
    ends = moment_text(host.machine.clock.wall() + timedelta(hours=1))
    run(host, rule(treatment={"expires": ends, "ticket": "CHG1"}))
    entry = host.entry("web")
    assert (entry["run"], entry["playbooks"], entry["expires"], entry["ticket"]) == (
        host.policy.run_id, ["site.yml"], ends, "CHG1")
    assert (entry["future"], entry["first"]) == ({"a": 1}, {"local_port": ["21"]})
    assert is_as_it_says(host)
    later = moment_text(host.machine.clock.wall() + timedelta(hours=2))
    run(host, rule(port=443, treatment={"expires": later}))  # another port, and another moment
    assert (host.entry("web")["expires"], "ticket" in host.entry("web"), is_as_it_says(host)) == (later, False, True)
    assert host.entry("web")["future"] == {"a": 1}


def test_what_was_mentioned_and_is_taken_over_was_found_as_it_is_now() -> None:
    host = lab({"web": WEB})
    run(host, task("firewall_rule", {"name": "web", "description": "ours"}, treatment={"omitted": "keep"}))
    assert (host.entry("web")["how"], host.entry("web")["first"]) == ("mentioned", {"description": None})
    run(host, rule(description="ours"))
    entry = host.entry("web")
    assert (entry["how"], entry["first"]["description"], entry["first"]["local_port"]) == ("adopted", "ours", ["80"])


def test_what_a_run_was_given_is_said_once_it_has_come_to_its_end() -> None:
    host = lab()
    run(host, rule())
    assert [header(host, name) for name in ("Generation", "Inputs", "Run")] == ["1", "1", host.policy.run_id]
    run(host, rule(port=443), breaks_at=1, inputs="2", run_id="20261126T115713Z-000000")
    assert [header(host, name) for name in ("State", "Generation", "Inputs", "Run")] == [
        "pending", "2", "1", "20261126T115713Z-000000"]
    run(host, rule(port=443), inputs="2", run_id="20261126T115714Z-000000")
    assert [header(host, name) for name in ("State", "Generation", "Inputs", "Run")] == [
        "final", "3", "2", "20261126T115714Z-000000"]
    assert header(host, "Build") == str(host.read().facts.build)


def test_a_host_on_which_the_project_owns_nothing_is_told_of_no_inputs() -> None:
    host = lab({"web": WEB})
    host.machine.registry.set(LEDGER, "Inputs", "0")
    run(host)
    assert host.machine.counters.ledger_writes == 0


@pytest.mark.parametrize("known", [True, False])
def test_a_run_that_is_undone_leaves_the_ledger_as_it_was(known: bool) -> None:
    """Where there was none, none."""
    host = lab(revert_after=300)
    if known:
        run(host, rule())
    before = said(host)
    host.refuse = {"refused": Failure("InvalidArgument", "x", "no")}
    declared, _ = DeclarationBuilder(KINDS, is_shipped).declarations([rule(), rule("made", 81), rule("refused", 82)])
    result = apply_host(host.job(declared), host.context())
    assert isinstance(result.error, Restored)
    assert (said(host), bool(before)) == (before, known)


@pytest.mark.parametrize(("first", "then", "breaks_at"), [(True, False, 1), (False, True, 3)])
def test_a_task_of_the_host_may_be_there_by_what_was_or_by_what_was_to_come(first: bool, then: bool, breaks_at: int) -> None:
    """The connection breaks, and the next run no longer wants the host to end the rule: it asks, and takes the task away."""
    host = lab()
    ends = moment_text(host.machine.clock.wall().replace(microsecond=0) + timedelta(hours=1))
    run(host, rule(treatment={"expires": ends, "expires_on_host": first}))
    run(host, rule(port=443, treatment={"expires": ends, "expires_on_host": then}), breaks_at=breaks_at)
    assert len(host.machine.tasks.tasks()) == 1
    run(host, rule(port=8443))
    assert host.machine.tasks.tasks() == []
