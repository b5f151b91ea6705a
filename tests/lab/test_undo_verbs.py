"""The undo on simulated hosts, of the executor in Python and of a real PowerShell: what is armed, confirmed, fired, and refused.

The task that both register is that of the host script, and what it does the simulated Windows decides.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from asked_hosts import RULES, RUNS, AskedHost, Direct, asked_host, happens, of_a_run
from batches import batch_of, open_transport
from core import cases
from host_script import PWSH, needs_pwsh
from lab_servers import OPERATOR

from ringfence.batch import Answer, Call, cmdlet_call
from ringfence.lab import Machine, machine
from ringfence.lab.simulated_fleet import SimulatedFleet

FOLDER = r"C:\ProgramData\ringfence"


@pytest.fixture
def host(request: pytest.FixtureRequest) -> Iterator[AskedHost]:
    with asked_host(request.param) as found:
        yield found


def answer_of(host: AskedHost, step: dict[str, Any]) -> Answer:
    if "call" in step:
        verb, arguments = step["call"]
        return host.ask(Call(verb, of_a_run(arguments)))
    verb, run, rule = step["write"]
    whose = {"run": RUNS.get(run)}
    first: dict[str, dict[str, Any]] = {
        "Undo.Arm": {**whose, "delay": 300, "write_seconds": 100, "project": "abcdef0123"}, "Undo.Continue": whose}
    made = cmdlet_call("New-NetFirewallRule", {"Name": rule, "DisplayName": "R"})
    return host.ask(*([Call(verb, first[verb])] if verb else []), made)


CASES = cases("host_script_undo")


@pytest.mark.parametrize(("host", "case"), [
    pytest.param(way, case, id=f"{case['name']} ({way})", marks=[needs_pwsh] if way == "pwsh" else [])
    for case in CASES for way in ("python", *(["pwsh"] if case.get("pwsh") else []))], indirect=["host"])
def test_an_undo(host: AskedHost, case: dict[str, Any]) -> None:
    for step in case["steps"]:
        if "do" in step:
            happens(host.on, step["do"])
        else:
            answer = answer_of(host, step)
            if "error" in step:
                assert answer.error, step
                assert {"category": answer.error.category, "id": answer.error.id} == step["error"], answer.error
            else:
                assert answer.error is None, (step, answer.error)
                wanted = of_a_run(step.get("value", {}))
                assert {key: answer.value[key] for key in wanted} == wanted, step
                assert set(step.get("has", ())) <= set(answer.value or ())
        if "rule" in step:
            assert (host.on.registry.get(RULES, "new") is not None) is step["rule"], step
        if "files" in step:
            there = host.on.files.find(FOLDER)
            found = sorted(one.name for one in there.inside.values()) if there else None
            names = step["files"] and sorted(f"{RUNS[name[0]]}{name[1:]}" for name in step["files"])
            assert found == names, step


WAYS = ["python", pytest.param("pwsh", marks=needs_pwsh)]
UNDO = r"SOFTWARE\ringfence\undo"
DELEGATE = replace(OPERATOR, groups=("Network Configuration Operators",))  # may write to the firewall, and is no administrator


def armed_by(on: Machine, run: str) -> None:
    """Another run has armed its undo."""
    [answer] = Direct(on).run(batch_of(Call("Undo.Arm", {"run": RUNS[run], "delay": 300, "write_seconds": 60}))).answers.values()
    assert answer.error is None, answer


def rule(name: str) -> Call:
    return cmdlet_call("New-NetFirewallRule", {"Name": name, "DisplayName": "R"})


@pytest.mark.parametrize("host", WAYS, indirect=True)
def test_the_undo_of_another_run_is_looked_for_before_each_write(host: AskedHost) -> None:
    def between(number: int, verb: str) -> None:
        host.on.faults.after_call = None
        armed_by(host.on, "B")

    host.on.faults.after_call = between
    error = host.ask(rule("new"), rule("later")).error
    assert error is not None
    assert (error.category, error.id) == ("ResourceExists", "ringfence.busy")
    assert [host.on.registry.get(RULES, name) is None for name in ("new", "later")] == [False, True]


@pytest.mark.parametrize("host", WAYS, indirect=True)
def test_what_would_be_refused_is_not_announced_in_the_ledger(host: AskedHost) -> None:
    """Without an undo of its own a run writes there first what it is about to change."""
    armed_by(host.on, "B")
    announced = {"project": "abcdef0123", "generation": 0, "header": {"State": "pending"}, "set": {"a|b": "{}"}}
    error = host.ask(Call("Ledger.Write", announced), rule("new")).error
    assert error is not None
    assert (error.category, error.id) == ("ResourceExists", "ringfence.busy")
    assert host.on.registry.key(r"SOFTWARE\ringfence\abcdef0123") is None


@pytest.mark.parametrize("way", WAYS)
def test_who_is_no_administrator_sees_that_an_undo_waits(way: str) -> None:
    """Not its task: what its key says is all that there is to go by, until an administrator's run says otherwise."""
    with asked_host(way, DELEGATE) as host:
        assert host.ask(rule("first")).error is None
        armed_by(host.on, "B")
        for call, says in ((rule("new"), "ResourceExists ringfence.busy"), (Call("Undo.Read"), "PermissionDenied ringfence.undo"),
                           (Call("Undo.Confirm", {"run": RUNS["B"]}), "PermissionDenied ringfence.undo")):
            error = host.ask(call).error
            assert error is not None
            assert f"{error.category} {error.id}" == says
        assert host.on.registry.get(RULES, "new") is None
        host.on.clock.advance(500)
        assert host.ask(rule("new")).error is None


@pytest.mark.parametrize("way", WAYS)
def test_a_key_that_may_not_be_opened_does_not_say_that_no_undo_waits(way: str) -> None:
    with asked_host(way, DELEGATE) as host:
        armed_by(host.on, "B")
        host.on.registry.create(UNDO).sddl = "O:BAD:P(A;CI;KA;;;SY)(A;CI;KA;;;BA)"
        error = host.ask(rule("new")).error
        assert error is not None
        assert (error.category, error.id) == ("PermissionDenied", "ringfence.undo_unread")
        assert error.message.startswith("whether an undo waits here is not known: HKLM\\SOFTWARE\\ringfence\\undo: ")
        assert host.on.registry.get(RULES, "new") is None


@pytest.mark.parametrize("host", WAYS, indirect=True)
def test_everybody_may_read_the_key_of_the_undo_and_no_other(host: AskedHost) -> None:
    """It holds what Undo.Read tells of the run, and no secret; ledgers stay with administrators."""
    assert host.ask(Call("Undo.Arm", {"run": RUNS["A"], "delay": 300, "write_seconds": 60})).error is None
    own = "O:BAD:P(A;CI;KA;;;SY)(A;CI;KA;;;BA)"
    assert [host.on.registry.security(path).text() for path in (UNDO, UNDO.rpartition("\\")[0])] == [own + "(A;CI;KR;;;AU)", own]
    key = host.on.registry.key(UNDO)
    assert key is not None
    assert sorted(value.name for value in key.values.values()) == ["Armed", "Project", "Run", "State"]


@pytest.mark.parametrize("host", WAYS, indirect=True)
def test_a_batch_has_so_long_to_write(host: AskedHost) -> None:
    calls = (Call("Undo.Arm", {"run": RUNS["A"], "delay": 300, "write_seconds": 0}),
             cmdlet_call("New-NetFirewallRule", {"Name": "new", "DisplayName": "R"}))
    error = host.ask(*calls).error
    assert error is not None
    assert error.id == "ringfence.undo"
    assert "took longer" in error.message
    assert host.on.registry.get(RULES, "new") is None


@needs_pwsh
def test_both_say_the_same_of_what_is_refused() -> None:
    one, other = machine("web1"), machine("web1")
    asked = [Call("Undo.Arm", {"run": "x"}), Call("Undo.Arm", {"run": RUNS["A"], "delay": 9}),
             Call("Undo.Confirm", {"run": RUNS["A"]}), Call("Undo.Continue", {"run": RUNS["A"]}),
             Call("Undo.Arm", {"run": RUNS["A"], "delay": 300, "write_seconds": 9}), Call("Undo.Confirm", {"run": RUNS["B"]}),
             Call("Undo.Arm", {"run": RUNS["B"], "delay": 300}), Call("Undo.Arm", {"run": RUNS["A"], "delay": 300}),
             Call("Domain.Read"), Call("Undo.Fire", {"run": RUNS["B"]})]
    with SimulatedFleet([one], pwsh=PWSH) as lab:
        way = open_transport("web1", lab.running["web1"].variables)
        said = list(way.run(batch_of(*asked)).answers.values())
    told = list(Direct(other).run(batch_of(*asked)).answers.values())
    for number, (a, b) in enumerate(zip(said, told, strict=True)):
        assert a.error == b.error, asked[number]
        if a.value is not None:
            apart = ("seconds", "armed")
            assert {k: v for k, v in a.value.items() if k not in apart} == {k: v for k, v in b.value.items() if k not in apart}
    assert [p for p, _ in one.files.walk()] == [p for p, _ in other.files.walk()]
