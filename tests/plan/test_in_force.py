"""What is declared and not in force: each reason with each kind, as plan, drift and apply say it."""

import itertools
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from core import at, cases, task
from hosts import LabHost

from ringfence.batch import Answer, Batch, Failure, Reply
from ringfence.lab import GROUP_POLICY, MDM, POLICY, Machine, NetworkAdapter, machine
from ringfence.plan.obstacles import OBSTACLES, Obstacle
from ringfence.plan.reasons import PolicyOnHost
from ringfence.policy.place import ALL_PROFILES
from ringfence.project.render import RenderedTask
from ringfence.report import HostResult

DATA = cases("in_force")
ROOTS = {"gpo": GROUP_POLICY, "mdm": MDM, "local": POLICY}
NETWORKS = {"Ethernet": "domain", "Ethernet 2": "public"}


def tasks_of(case: dict[str, Any]) -> list[RenderedTask]:
    declared = (DATA["tasks"][t] if isinstance(t, str) else t for t in case["tasks"])
    return [task(kind, properties) for one in declared for kind, properties in one.items()]


def adapters(case: dict[str, Any]) -> tuple[NetworkAdapter, ...]:
    networks = case.get("networks", NETWORKS)
    gateways = (case["gateway"],) if "gateway" in case else ()
    return tuple(NetworkAdapter(alias, f"{{{str(n) * 8}-2222-3333-4444-555555555555}}", index=n, profile=profile,
                                addresses=(f"10.99.{n}.10/24",), gateways=gateways)
                 for n, (alias, profile) in enumerate(networks.items(), 1))


def happens(on: Machine, case: dict[str, Any]) -> None:
    """What stands in the way comes to the host."""
    for root, path in ROOTS.items():
        for key, values in case.get(root, {}).items():
            for name, data in values.items():
                on.registry.set("\\".join(filter(None, (path, key))), name, data)
    on.services.update(dict.fromkeys(case.get("stopped", ()), "stopped"))
    on.surroundings.taken_over.update({name: tuple(taken) for name, taken in case.get("products", {}).items()})
    on.interfaces = tuple(i for i in on.interfaces if i.alias not in case.get("removed", ()))
    on.faults.denied_keys = tuple(case.get("denied", ()))
    on.faults.denied_services = tuple(case.get("denied_services", ()))
    on.faults.unreadable_rules = case.get("unreadable", {})


def line(obstacle: Obstacle) -> str:
    profiles = "all" if obstacle.profiles == ALL_PROFILES else " ".join(obstacle.profiles)
    return f"{obstacle.level} {obstacle.reason.obstacle} {profiles}: {', '.join(map(str, obstacle.objects))}"


def said(obstacles: Iterable[Obstacle]) -> str:
    return "\n".join(f"{o.reason.text} → {o.reason.advice}" for o in obstacles)


@pytest.mark.parametrize("case", DATA["cases"], ids=lambda c: str(c["title"]))
def test_what_stands_in_the_way(case: dict[str, Any]) -> None:
    host = LabHost({}, on=machine("SRV1", interfaces=adapters(case)))
    declared = tasks_of(case)
    assert host.apply(*declared).error is None
    happens(host.machine, case)
    asked = len(host.verbs("Enforcement.Read"))
    planned = host.plan(*declared)
    assert [line(o) for o in planned.obstacles] == case["expect"]
    assert (planned.changes, planned.error, planned.status) == ((), None, case["status"])
    assert planned.exit_code == (2 if case["status"] == "not_in_force" else 0)
    assert case.get("says", "") in said(planned.obstacles)
    assert case.get("asks", 0) == len(host.verbs("Enforcement.Read")) - asked
    again: HostResult = host.apply(*declared)
    assert (again.obstacles, again.status, again.exit_code) == (planned.obstacles, planned.status, planned.exit_code)


MANY = [task("firewall_rule", {"name": f"many-{number}", "protocol": "tcp", "local_port": 9000 + number, "enabled": enabled,
                               "direction": direction, **({"program": program} if program else {}),
                               **({"profile": profile} if profile else {})})
        for number, (program, profile, enabled, direction) in enumerate(itertools.product(
            ("", "C:\\App\\app.exe", r"%SystemRoot%\System32\svchost.exe"), ("", "domain", "private"), (True, False),
            ("inbound", "outbound")))]
KEPT = "v2.33|Action=Allow|Active=TRUE|Dir=In|Protocol=6|Profile=Private|LPort=9100|Name=many-kept|"  # no task names its profile
MANY.append(task("firewall_rule", {"name": "many-kept", "enabled": True}, treatment={"omitted": "keep"}))


@pytest.mark.parametrize("case", DATA["cases"], ids=lambda c: str(c["title"]))
def test_objects_that_are_alike_are_judged_together_as_they_would_be_one_by_one(
        case: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    host, declared = LabHost({"many-kept": KEPT}, on=machine("SRV1", interfaces=adapters(case))), [*tasks_of(case), *MANY]
    assert host.apply(*declared).error is None
    happens(host.machine, case)
    asked = len(host.verbs("Enforcement.Read"))
    together = host.plan(*declared)
    asked = len(host.verbs("Enforcement.Read")) - asked
    monkeypatch.setattr(PolicyOnHost, "is_clear", lambda self, id, resource: False)
    monkeypatch.setattr(PolicyOnHost, "alike", lambda self, one: None)
    one_by_one = host.plan(*declared)
    assert (together.obstacles, together.status) == (one_by_one.obstacles, one_by_one.status)
    assert asked or any(str(o).startswith("firewall_rule many-") for row in together.obstacles for o in row.objects)


def test_every_obstacle_has_a_case() -> None:
    named = {expected.split()[1] for case in DATA["cases"] for expected in case["expect"]}
    asked = {"may_be_empty", "unknown_condition"}  # these are questions: what Windows answers is another
    owned = {"not_there", "other_name"}  # of whose an object is: tests/cases/ownership.yml
    assert named | asked | owned == set(OBSTACLES)


def test_a_condition_that_nobody_understands_is_asked_about() -> None:
    """A tag of App Control, say: only Windows knows whether the rule is enforced. Where it does not tell, that is said."""
    host = LabHost({"tagged": "v2.33|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=443|PolicyTag=x|Name=tagged|"})
    mentioned = task("firewall_rule", {"name": "tagged", "enabled": True}, treatment={"omitted": "keep"})
    result = host.plan(mentioned)
    assert (result.changes, result.status, result.obstacles) == ((), "in_sync", ())
    assert len(host.verbs("Enforcement.Read")) == 1

    def answer(batch: Batch) -> Reply | None:
        calls = [label for label, call in batch.calls.items() if call.verb == "Enforcement.Read"]
        return Reply(dict.fromkeys(calls, Answer(error=Failure("NotSpecified", "x", "no")))) if calls else None

    host.before = answer
    result = host.plan(mentioned)
    assert ([line(o) for o in result.obstacles], result.exit_code) == (
        ["unknown unknown_condition all: firewall_rule tagged", "unknown not_told all: firewall_rule tagged"], 0)
    assert "PolicyTag=x, which nobody here understands" in said(result.obstacles)
    assert "the host could not say whether it is in force: no" in said(result.obstacles)


def test_a_program_is_no_question_once_windows_has_answered() -> None:
    app = task("firewall_rule", {"name": "app", "protocol": "tcp", "local_port": 443, "program": "C:\\App\\app.exe"})
    host = LabHost({})
    assert host.plan(app).obstacles == ()  # it is still to be written: then it is asked
    assert (host.apply(app).obstacles, host.plan(app).obstacles[0].reason.obstacle) == ((), "not_looked_at")
    assert len(host.verbs("Enforcement.Read")) == 1


WEB = task("firewall_rule", {"name": "web", "protocol": "tcp", "local_port": 443})
MERGE = {"DomainProfile": {"AllowLocalPolicyMerge": 0}}


def told(host: LabHost, conditions: Answer) -> None:
    """The host tells this of what decides beside policy."""

    def answer(batch: Batch) -> Reply | None:
        if "conditions" not in batch.calls:
            return None
        rest = replace(batch, calls={label: call for label, call in batch.calls.items() if label != "conditions"})
        return Reply({**host.run(rest).answers, "conditions": conditions})

    host.before = answer


@pytest.mark.parametrize("said", [
    None, 5, "x", [], {}, {"networks": 5}, {"networks": [9, "a", None, True, [0]]}, {"products": 7},
    {"products": [5, None, {}, {"name": {}, "categories": "x"}, {"name": "n" * 9999, "categories": [None, "2", 2.0]}]},
    {"networks": [2], "products": [{"name": 1, "categories": [99, -1]}], "unread": [5, {"fact": "networks"}]}], ids=str)
def test_whatever_a_host_says_of_it_is_no_error(said: Any) -> None:
    host = LabHost({})
    assert host.apply(WEB).error is None
    told(host, Answer(said))
    result = host.plan(WEB)
    assert (result.status, result.error, result.obstacles) == ("in_sync", None, ())


def test_a_host_that_cannot_tell_is_judged_by_all_the_rest() -> None:
    """Of an older endpoint the profiles that are active are not known; whether a rule is in force Windows says then."""
    host = LabHost({})
    assert host.apply(WEB).error is None
    told(host, Answer(error=Failure("InvalidArgument", "ringfence.verb", "no verb is named 'Conditions.Read'")))
    result = host.plan(WEB)
    assert (result.status, result.obstacles) == ("in_sync", ())
    assert [d.summary for d in result.diagnostics] == [
        "what decides beside policy whether it is in force could not be read: no verb is named 'Conditions.Read'"]
    happens(host.machine, {"gpo": MERGE})
    asked = len(host.verbs("Enforcement.Read"))
    assert [line(o) for o in host.plan(WEB).obstacles] == ["note merge_off domain: firewall_rule web"]
    assert len(host.verbs("Enforcement.Read")) == asked + 1
    happens(host.machine, {"gpo": {f"{p}Profile": MERGE["DomainProfile"] for p in ("Domain", "Private", "Public")}})
    assert [line(o) for o in host.plan(WEB).obstacles] == ["not_in_force merge_off all: firewall_rule web"]


def test_networks_that_are_not_identified_are_public() -> None:
    host = LabHost({}, on=machine("SRV1", interfaces=(NetworkAdapter("Ethernet", "{A}", profile=None),)))
    assert host.apply(WEB).error is None
    happens(host.machine, {"gpo": {"PublicProfile": {"EnableFirewall": 0}}})
    assert [line(o) for o in host.plan(WEB).obstacles] == ["not_in_force firewall_off public: firewall_rule web"]


def test_what_the_plan_knew_of_interfaces_the_proof_knows_too() -> None:
    """The host is asked once: without the answer it would be a doubt, and the proof another than the plan."""
    guid = "{11111111-2222-3333-4444-555555555555}"
    host = LabHost({}, on=machine("SRV1", interfaces=(NetworkAdapter("Ethernet", guid, profile="domain"),)))
    host.machine.registry.set(POLICY + r"\DomainProfile", "DisabledInterfaces", guid)
    for undo in (0, 300):
        host.policy = replace(host.policy, revert_after=undo)
        rule = at(1, name=f"web-{undo}", protocol="tcp", local_port=443, remote_address="10.0.0.1", profile="domain")
        planned, done = host.plan(rule), host.apply(rule)
        assert done.error is None
        assert [(o.level, o.reason) for o in done.obstacles] == [(o.level, o.reason) for o in planned.obstacles]
        assert [(o.reason.obstacle, o.reason.weight) for o in done.obstacles] == [("interfaces_disabled", "stops")]
