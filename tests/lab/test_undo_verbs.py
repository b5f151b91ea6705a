"""The undo on simulated hosts, of the executor in Python and of a real PowerShell: what is armed, confirmed, fired, and refused.

The task that both register is that of the host script, and what it does the simulated Windows decides.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from batches import batch_of, open_transport
from core import cases
from host_script import PWSH, needs_pwsh
from lab_machine import ADMIN

from ringfence.batch import Answer, Batch, Call, Reply, cmdlet_call
from ringfence.lab import POLICY, Machine, SimulatedHost, machine
from ringfence.lab.simulated_fleet import SimulatedFleet

FOLDER = r"C:\ProgramData\ringfence"
RUNS = {"A": "20261126T115712Z-3f9a1c", "B": "20261126T115713Z-000000"}
RULES = POLICY + r"\FirewallRules"


class Host:
    """A host, and the way to it."""

    def __init__(self, on: Machine, way: Any) -> None:
        self.on, self.way = on, way

    def ask(self, *calls: Call) -> Answer:
        """The last answer of a batch that stops at the first failure."""
        reply: Reply = self.way.run(batch_of(*calls, stop_on_error=True))
        return list(reply.answers.values())[-1]


class Direct:
    """The executor in Python, without a network between."""

    def __init__(self, on: Machine) -> None:
        self._host = SimulatedHost(on)

    def run(self, batch: Batch) -> Reply:
        return batch.decode(self._host.run(batch.encode(), ADMIN).encode())


@pytest.fixture
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    on = machine("web1")
    if request.param == "python":
        yield Host(on, Direct(on))
        return
    with SimulatedFleet([on], pwsh=PWSH) as lab:
        yield Host(on, open_transport(on.name, lab.running[on.name].variables))


def of_a_run(value: Any) -> Any:
    """A and B where the ids of runs stand."""
    if isinstance(value, dict):
        return {key: of_a_run(one) for key, one in value.items()}
    return RUNS.get(value, value) if isinstance(value, str) else value


def happens(on: Machine, what: str) -> None:
    verb, *words = what.split()
    if verb == "advance":
        on.clock.advance(float(words[0]))
    elif verb == "reboot":
        on.power_off()
        on.power_on()
    elif verb == "service":
        on.services[words[0]] = words[1]
    elif verb == "room":
        on.files.room = int(words[0])
    elif verb == "machine_guid":
        on.registry.set(r"SOFTWARE\Microsoft\Cryptography", "MachineGuid", "0" * 8 + "-0000-0000-0000-" + "0" * 12)
    else:
        held = getattr(on.faults, words[0])
        setattr(on.faults, words[0], (words[1],) if isinstance(held, tuple) else words[1] == "true" if isinstance(held, bool)
                else float(words[1]) if isinstance(held, float | None) else int(words[1]))


def answer_of(host: Host, step: dict[str, Any]) -> Answer:
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
def test_an_undo(host: Host, case: dict[str, Any]) -> None:
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


@pytest.mark.parametrize("host", ["python", pytest.param("pwsh", marks=needs_pwsh)], indirect=True)
def test_a_batch_has_so_long_to_write(host: Host) -> None:
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
