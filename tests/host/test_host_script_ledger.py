"""Ledger.Read and Ledger.Write against the cases in cases/host_script_ledger.yml: the simulated host, and the script in a real
PowerShell over a session."""

import copy
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from batches import batch_of, open_transport
from core import cases
from host_script import PWSH, mutex_held, needs_pwsh
from lab_machine import ADMIN

from ringfence.batch import Batch, Call, Failure, Reply, jea
from ringfence.batch.scripts import part_text, script_named
from ringfence.lab import Dropped, Machine, Session, SimulatedHost, machine
from ringfence.lab.session import RegisteredEndpoint
from ringfence.lab.simulated_fleet import SimulatedFleet
from ringfence.lab.winrm.winrm_settings import WinRMSettings

CASES = cases("host_script_ledger")
ROOT = r"SOFTWARE\ringfence"
PROJECT = "00000000-aa"
PRIVATE = "O:BAD:P(A;CI;KA;;;SY)(A;CI;KA;;;BA)"


def unfolded(value: Any) -> Any:
    """The value with its long texts, which the cases write as x*5."""
    if isinstance(value, dict):
        return {unfolded(k): unfolded(v) for k, v in value.items()}
    if isinstance(value, list):
        return [unfolded(v) for v in value]
    found = re.fullmatch(r"(.)\*(\d+)", value) if isinstance(value, str) else None
    return found[1] * int(found[2]) if found else value


class Direct:
    """The executor in Python, without a network between."""

    def __init__(self, on: Machine, session: Session = ADMIN) -> None:
        self.on, self.session = SimulatedHost(on), session

    def run(self, batch: Batch) -> Reply:
        return batch.decode(self.on.run(batch.encode(), self.session).encode())


@pytest.fixture(scope="module", params=["python", pytest.param("pwsh", marks=needs_pwsh)])
def host(request: pytest.FixtureRequest) -> Iterator[tuple[Any, Machine]]:
    on = machine("HOST1")
    if request.param == "python":
        yield Direct(on), on
        return
    with SimulatedFleet([on], pwsh=PWSH) as lab:
        yield open_transport(on.name, lab.running[on.name].variables), on


def prepare(on: Machine, case: dict[str, Any]) -> None:
    """The ledger of a case on a machine."""
    on.registry.delete(ROOT)
    on.faults.denied_keys, on.faults.read_only, on.counters.ledger_writes = tuple(case.get("denied", ())), False, 0
    if case["keys"] is None:
        return
    on.registry.create(ROOT).sddl = case.get("sddl", "")
    for project, values in case["keys"].items():
        key = on.registry.create(f"{ROOT}\\{project}")
        for name, text in values.items():
            on.registry.set(f"{ROOT}\\{project}", name, text)
        key.sddl = case.get("project_sddl", key.sddl) if project == PROJECT else key.sddl


def stands(on: Machine) -> Any:
    """What is there, as `after` writes it."""
    there = {path: {v.name: v.data for v in key.values.values()} for path, key in on.registry.tree(ROOT)}
    return there or None


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["name"])
def test_case(host: tuple[Any, Machine], case: dict[str, Any]) -> None:
    way, on = host
    prepare(on, case)
    own = on.registry.get(r"SOFTWARE\Microsoft\Cryptography", "MachineGuid")
    reply = way.run(batch_of(*(Call(verb, unfolded(args)) for verb, args in case["calls"])))
    on.faults.denied_keys = ()
    for expected, answer in zip(case["replies"], reply.answers.values(), strict=True):
        if "error" in expected:
            assert answer.error, answer
            assert {k: getattr(answer.error, k) for k in expected["error"]} == expected["error"], answer
            assert expected.get("says", "") in answer.error.message
            continue
        assert answer.error is None, answer
        wanted = {k: own if k == "machine" else v for k, v in expected.get("value", expected.get("has")).items()}
        assert (answer.value if "value" in expected else {k: answer.value[k] for k in wanted}) == wanted
    if "after" in case:
        assert stands(on) == case["after"]
    if "writes" in case:
        assert on.counters.ledger_writes == case["writes"]


ENTRIES = {f"firewall_rule|local|{number}": "{}" for number in range(9)}


def write(generation: int, **more: Any) -> Call:
    return Call("Ledger.Write", {"project": PROJECT, "generation": generation, **more})


def refused(reply: Reply, label: int = 0) -> Failure:
    """What a call failed with."""
    error = reply.answers[label].error
    assert error
    return error


def test_what_was_made_belongs_to_administrators_alone(host: tuple[Any, Machine]) -> None:
    way, on = host
    prepare(on, {"keys": None})
    assert way.run(batch_of(write(0, set=ENTRIES)))[0] == {"generation": 1}
    assert on.registry.security(ROOT).text() == on.registry.security(f"{ROOT}\\{PROJECT}").text() == PRIVATE


def test_a_write_is_pending_until_all_of_it_stands_and_is_flushed_then(
        host: tuple[Any, Machine], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever loses power half way finds a ledger that says so; a generation that is new is the last but one thing written."""
    way, on = host
    prepare(on, {"keys": {PROJECT: {"State": "final", "Generation": "4", "a|local|old": "{}"}}})
    done: list[tuple[str, ...]] = []
    registry = on.registry

    def record(name: str) -> None:
        does = getattr(registry, name)

        def recorded(*arguments: str) -> Any:
            done.append((name, *arguments[1:3]))
            return does(*arguments)
        monkeypatch.setattr(registry, name, recorded)

    for name in ("set", "unset", "flush"):
        record(name)
    header = {"State": "final", "Generation": "5", "Run": "r"}
    way.run(batch_of(write(4, header=header, set=ENTRIES, remove=["a|local|old"])))[0]
    assert done[:2] == [("set", "State", "pending"), ("unset", "a|local|old")]
    assert sorted(done[2:-4]) == sorted(("set", *entry) for entry in ENTRIES.items())
    assert done[-4:] == [("set", "Run", "r"), ("set", "Generation", "5"), ("set", "State", "final"), ("flush",)]
    assert registry.flushed == registry.generation


def test_a_host_on_which_nothing_may_be_written(host: tuple[Any, Machine]) -> None:
    way, on = host
    prepare(on, {"keys": None})
    on.faults.read_only = True
    error = refused(way.run(batch_of(write(0))))
    assert (error.category, error.id, stands(on)) == ("PermissionDenied", "ringfence.ledger", None)


def test_more_names_than_a_ledger_takes(host: tuple[Any, Machine]) -> None:
    way, on = host
    prepare(on, {"keys": None})
    names = [f"k|local|{number}" for number in range(50_001)]
    error = refused(way.run(batch_of(write(0, remove=names))))
    assert (error.id, error.message) == ("ringfence.ledger", "more than 50,000 names")
    assert stands(on) is None


def test_of_two_writers_at_once_one_is_told(host: tuple[Any, Machine]) -> None:
    """Both have read the same: the mutex lets one after the other look, and the second sees another generation."""
    way, on = host
    prepare(on, {"keys": {PROJECT: {"Generation": "4", "State": "final"}}})
    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(lambda n: way.run(batch_of(write(4, set={**ENTRIES, "by|local|whom": str(n)}))).answers[0], (1, 2)))
    [lost] = [answer.error for answer in said if answer.error]
    assert lost.id == "ringfence.changed"
    winner = next(n for n, answer in zip("12", said, strict=True) if not answer.error)
    left = stands(on)[PROJECT]
    assert (left["by|local|whom"], left["Generation"], left["State"]) == (winner, "5", "final")


@needs_pwsh
def test_a_write_waits_for_the_change_of_another_run() -> None:
    """The mutex of Net.Call: from the look at the generation to the last value nobody else of ringfence writes here."""
    on = machine("HOST1")
    with SimulatedFleet([on], pwsh=PWSH) as lab, mutex_held() as other, ThreadPoolExecutor(1) as pool:
        way = open_transport(on.name, lab.running[on.name].variables)
        writing = pool.submit(way.run, batch_of(Call("Ledger.Read"), write(0)))
        while on.counters.calls < 2 and not writing.done():  # reading waits for nobody; the write comes right after it
            time.sleep(0.01)
        with pytest.raises(TimeoutError):
            writing.result(timeout=0.7)
        assert stands(on) is None
        other.kill()
        reply = writing.result(timeout=30)
    assert (reply[0]["rows"], reply[1]) == ([], {"generation": 1})


ADDRESSES = ("10.99.0.1", 50000, "10.99.0.10", 5985)
OPERATOR = RegisteredEndpoint(jea.OPERATOR)
DELEGATE = RegisteredEndpoint(jea.OPERATOR, groups=("Network Configuration Operators",))
NOBODY = Session("psrp", "user", False, *ADDRESSES)


@pytest.mark.parametrize("executor", ["python", pytest.param("pwsh", marks=needs_pwsh)])
def test_who_is_no_administrator_may_not_look_into_what_administrators_keep(executor: str) -> None:
    on = machine("HOST1", accounts={"user": "Ringfence-lab-1"})
    prepare(on, {"keys": {PROJECT: {"Generation": "4"}}, "sddl": PRIVATE})
    batch = batch_of(Call("Ledger.Read"), write(4))
    if executor == "python":
        reply = Direct(on, NOBODY).run(batch)
    else:
        with SimulatedFleet([on], pwsh=PWSH, winrm=WinRMSettings(not_elevated=frozenset({"user"}))) as lab:
            reply = open_transport(on.name, lab.running[on.name].variables).run(batch)
    found, error = reply[0], refused(reply, 1)
    assert found["rows"] is None
    assert [u["fact"] for u in found["unread"]] == [f"the key HKLM\\{ROOT}"]
    assert (error.category, error.id) == ("PermissionDenied", "ringfence.ledger")
    assert stands(on)[PROJECT] == {"Generation": "4"}


@pytest.mark.parametrize("executor", ["python", pytest.param("pwsh", marks=needs_pwsh)])
def test_endpoints_have_their_verbs(executor: str) -> None:
    """Operators write; auditors read. A group that may change the firewall is none that may open the ledger."""
    on, endpoints = machine("HOST1"), {"audit": RegisteredEndpoint(jea.AUDITOR), "groups": DELEGATE, "ringfence": OPERATOR}
    prepare(on, {"keys": {PROJECT: {"Generation": "4"}}, "sddl": PRIVATE})
    batch = batch_of(Call("Ledger.Read"), write(4))
    if executor == "python":
        replies = [Direct(on, Session("psrp", "Administrator", not one.groups, *ADDRESSES, one)).run(batch)
                   for one in endpoints.values()]
    else:
        with SimulatedFleet([on], pwsh=PWSH, winrm=WinRMSettings(endpoints=endpoints)) as lab:
            variables = lab.running[on.name].variables
            replies = [open_transport(on.name, {**variables, "ringfence_endpoint": name}).run(batch) for name in endpoints]
    auditor, delegate, operator = replies
    assert (auditor[0]["rows"][1][0], refused(auditor, 1).id) == (PROJECT, "ringfence.verb")
    assert (delegate[0]["rows"], refused(delegate, 1).id) == (None, "ringfence.ledger")
    assert operator[1] == {"generation": 5}


def test_an_endpoint_of_wire_2_0_knows_no_ledger() -> None:
    older = RegisteredEndpoint(jea.OPERATOR, frozenset({"Ledger.Read", "Ledger.Write"}))
    reply = Direct(machine("HOST1"), Session("psrp", "Administrator", True, *ADDRESSES, older)).run(
        batch_of(Call("Ledger.Read"), write(0)))
    assert [refused(reply, label).id for label in (0, 1)] == ["ringfence.verb"] * 2
    assert refused(reply).is_lack


def test_a_ledger_outlives_a_broken_connection_and_goes_with_the_registry() -> None:
    """What was answered for is there; a machine that was made from an image has the ledger, and another id of its own."""
    on, clone = machine("HOST1"), machine("HOST2")
    on.faults.fail_at = 1
    with pytest.raises(Dropped):
        Direct(on).run(batch_of(write(0, set=ENTRIES), write(1, remove=list(ENTRIES))))
    on.faults.fail_at = None
    clone.registry.create("SOFTWARE").keys["ringfence"] = copy.deepcopy(on.registry.create(ROOT))
    here, there = (Direct(one).run(batch_of(Call("Ledger.Read")))[0] for one in (on, clone))
    assert len(here["rows"][1][1]) == len(ENTRIES) + 2
    assert (there["rows"], there["sddl"]) == (here["rows"], PRIVATE)
    assert there["machine"] != here["machine"]


def test_the_ledger_is_opened_in_the_64_bit_view_alone() -> None:
    """The provider HKLM: of a 32-bit PowerShell shows another key, Wow6432Node's."""
    text = part_text("ledger") + part_text("ledger_write")
    assert re.findall(r"::OpenBaseKey\((.*?)\)", text) == ["'LocalMachine', 'Registry64'"]
    assert not re.search(r"HKLM:|Get-Item\b|Registry::|PSPath", text)
    assert "ringfence'" not in re.sub(r"'SOFTWARE\\ringfence'", "", text)
    assert [name for name in ("reader", "writer") if r"HKLM:\SOFTWARE\ringfence" in script_named(name)] == []
