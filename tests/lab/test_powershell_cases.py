"""The same calls through real PowerShell and through the executor in Python: the same replies, the same registry.

What PowerShell's own binder refuses has texts of its own; its category and error id are the same.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from batches import batch_of, open_transport
from core import cases
from host_script import PWSH, needs_pwsh
from lab_cases import lab_cases, prerequisites, proposals
from lab_machine import ADMIN, ETHERNET

from ringfence.batch import Answer, Call, cmdlet_call
from ringfence.lab import Machine, SimulatedHost, machine
from ringfence.lab.simulated_fleet import SimulatedFleet
from ringfence.transports import Transport

pytestmark = needs_pwsh

SCRIPT_CASES = [c for c in cases("host_script")
                if c.get("lab")]
Pair = tuple[Transport, Machine, Machine]


def two() -> tuple[Machine, Machine]:
    """Two hosts that are the same."""
    one, other = (machine("HOST1", interfaces=(ETHERNET,)) for _ in range(2))
    return one, other


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    """A way to a host with a real PowerShell, that host, and its twin for the executor in Python."""
    one, other = two()
    with SimulatedFleet([one], pwsh=PWSH) as lab:
        yield open_transport(one.name, lab.running[one.name].variables), one, other


def tree(on: Machine) -> dict[str, dict[str, Any]]:
    return {path: {v.name: (v.type, v.data) for v in key.values.values()} for path, key in on.registry.tree("")}


def both(pair: Pair, *calls: Call, stop: bool = False) -> tuple[tuple[Answer, ...], tuple[Answer, ...]]:
    """The answers of both, after checking that the registries are the same."""
    way, one, other = pair
    batch = batch_of(*calls, stop_on_error=stop)
    told = batch.decode(SimulatedHost(other).run(batch.encode(), ADMIN).encode()).answers
    said = way.run(batch).answers
    assert tree(one) == tree(other)
    assert one.dosp == other.dosp
    return tuple(said.values()), tuple(told.values())


def same(call: Call, said: Answer, told: Answer) -> None:
    """Whether two answers agree; texts of PowerShell's binder and of the allow-list are their own."""
    assert said.value == told.value, call
    if said.error is None or told.error is None:
        assert said.error == told.error, call
        return
    assert (said.error.category, said.error.id, said.error.code) == (told.error.category, told.error.id, told.error.code), call
    if told.error.code is not None or told.error.category == "ObjectNotFound":
        assert said.error.message == told.error.message, call


@pytest.mark.parametrize("case", SCRIPT_CASES, ids=lambda c: c["name"])
def test_batches_of_the_host_script(pair: Pair, case: dict[str, Any]) -> None:
    calls = tuple(Call(verb, args) for verb, args in case["calls"])
    said, told = both(pair, *calls, stop=case.get("stop", False))
    assert len(said) == len(told) == len(case["replies"])
    for number, answer in enumerate(said):
        same(calls[number], answer, told[number])


def every_call() -> Iterator[Call]:
    """Every call of the lab's own cases, each with objects of its own."""
    yield from (call for _, _, call in prerequisites())
    for case in lab_cases():
        yield from case.calls(f"{case.file} {case.number}")


def refused_by_the_list(answer: Answer) -> bool:
    """Whether the script's allow-list or the binder refused a parameter: which of them does depends on the executor."""
    return answer.error is not None and answer.error.id.startswith(("ringfence.allowlist", "NamedParameterNotFound"))


def test_every_call_of_the_labs_cases() -> None:
    one, other = two()
    with SimulatedFleet([one], "ssh", pwsh=PWSH) as lab:
        calls = tuple(every_call())
        said, told = both((open_transport(one.name, lab.running[one.name].variables), one, other), *calls)
    assert len(calls) > 380
    for call, answer, expected in zip(calls, said, told, strict=True):
        mandatory = expected.error is not None and expected.error.id.startswith("MissingMandatoryParameter")
        if refused_by_the_list(expected):
            assert refused_by_the_list(answer), call
        elif mandatory:  # powershell -NonInteractive asks, which fails; the text is the host program's
            assert answer.error is not None, call
        else:
            same(call, answer, expected)


RULE = {"Name": "r", "DisplayName": "R"}
# Calls that the binder itself judges: cmdlet, parameters, and the beginning of the error id or "" where it binds.
BINDING: tuple[tuple[str, Mapping[str, Any], str], ...] = (
    ("New-NetFirewallRule", {**RULE, "Name": "r1", "Enabled": "true"}, ""),
    ("New-NetFirewallRule", {**RULE, "Name": "r2", "Enabled": True}, "ParameterArgumentTransformationError"),
    ("New-NetFirewallRule", {**RULE, "Name": "r3", "Direction": "in"}, ""),
    ("New-NetFirewallRule", {**RULE, "Name": "r4", "Direction": "Sideways"}, "ParameterArgumentTransformationError"),
    ("New-NetFirewallRule", {**RULE, "Name": "r5", "Profile": ["Domain", "public"]}, ""),
    ("New-NetFirewallRule", {**RULE, "Name": "r6", "Profile": "Domain, Private"}, ""),
    ("New-NetFirewallRule", {**RULE, "Name": "r7", "Profile": ["Any", "Domain"]}, ""),
    ("New-NetFirewallRule", {**RULE, "Name": "r8", "Profile": []}, "ParameterArgumentTransformationError"),
    ("New-NetFirewallRule", {**RULE, "Name": "r9", "Profile": ["P"]}, "ParameterArgumentTransformationError"),
    ("New-NetFirewallRule", {**RULE, "Name": "r10", "LocalPort": 80, "Protocol": 6}, ""),
    ("New-NetFirewallRule", {**RULE, "Name": "r11", "LocalPort": [80], "Protocol": "TCP"}, ""),
    ("New-NetFirewallRule", {**RULE, "Name": "r12", "RemoteAddress": []}, ""),
    ("New-NetFirewallRule", {**RULE, "Name": "r13", "LocalOnlyMapping": True}, ""),
    ("New-NetFirewallRule", {**RULE, "Name": "r14", "LocalOnlyMapping": 1}, ""),
    ("New-NetFirewallRule", {**RULE, "Name": "r15", "LocalOnlyMapping": "True"}, "ParameterArgumentTransformationError"),
    ("New-NetFirewallRule", {**RULE, "Name": "r16", "InterfaceAlias": "Ether*"}, ""),
    ("New-NetFirewallRule", {**RULE, "Name": "r17", "Nonsense": 1}, "ringfence.allowlist"),
    ("New-NetFirewallRule", {**RULE, "Name": "r[18]*?`", "Group": "[g]*", "Description": "a\x01\ud83d\ude00'$x"}, ""),
    ("Set-NetFirewallRule", {"Name": "r[18]*?`", "Group": "*", "NewDisplayName": "[*]"}, ""),
    ("Remove-NetFirewallRule", {"Name": ["r1", "r[18]*?`"]}, ""),
    ("Set-NetFirewallProfile", {"Name": ["Domain"], "LogMaxSizeKilobytes": 4096}, ""),
    ("Set-NetFirewallProfile", {"Name": ["Domain"], "LogMaxSizeKilobytes": -1}, "ParameterArgumentTransformationError"),
    ("Set-NetFirewallProfile", {"Name": "Domain", "LogMaxSizeKilobytes": 2**64}, "ParameterArgumentTransformationError"),
    ("Set-NetFirewallProfile", {"Name": "Domain", "DisabledInterfaceAliases": []}, ""),
    ("New-NetIPsecPhase1AuthSet", {**RULE, "Proposal": "Kerberos"}, "MismatchedPSTypeName"),
    ("New-NetIPsecPhase1AuthSet", {**RULE, "Proposal": []}, "ParameterArgumentValidationErrorEmptyArrayNotAllowed"),
    ("New-NetIPsecPhase1AuthSet", {**RULE, "Proposal": {"$call": {"cmdlet": "New-NetIPsecAuthProposal", "parameters": {
        "Machine": True, "Kerberos": True}}}}, ""),
    ("Set-NetIPsecPhase1AuthSet", {"Name": "r", "Group": "g"}, ""),
    ("New-NetIPsecPhase1AuthSet", {**RULE, "Name": "q", "Proposal": proposals("New-NetIPsecAuthProposal", [
        {"Machine": True, "User": True}])}, "AmbiguousParameterSet"),
    ("Remove-NetIPsecPhase1AuthSet", {"Name": "r"}, ""))


def test_what_the_binder_takes_and_refuses(pair: Pair) -> None:
    calls = [cmdlet_call(cmdlet, parameters) for cmdlet, parameters, _ in BINDING]
    said, told = both(pair, *calls)
    for call, (_, _, expected), answer, other in zip(calls, BINDING, said, told, strict=True):
        assert (answer.error.id if answer.error else "").startswith(expected), (call, answer)
        assert bool(answer.error) == bool(expected), (call, answer)
        if expected != "MismatchedPSTypeName":  # CIM objects need Windows: here the name of the type is checked
            same(call, answer, other)


def test_many_sets_go_through_objects(pair: Pair) -> None:
    """The script enumerates once; names with wildcards, new groups, a rule that is not there."""
    names = [f"many[{n}]*" for n in range(12)]
    calls = [cmdlet_call("New-NetFirewallRule", {"Name": n, "DisplayName": n}) for n in names]
    calls += [cmdlet_call("Set-NetFirewallRule", {"Name": n, "Group": f"g {n}", "Enabled": "False"}) for n in names]
    calls += [cmdlet_call("Set-NetFirewallRule", {"Name": n, "NewDisplayName": "N", "RemoteAddress": ["10.0.0.1"]})
              for n in names]
    calls += [cmdlet_call("Set-NetFirewallRule", {"Name": "nowhere", "Enabled": "True"}),
              cmdlet_call("Set-NetFirewallRule", {"Name": names[0].upper(), "Action": "Block"}),
              cmdlet_call("Remove-NetFirewallRule", {"Name": names})]
    said, told = both(pair, *calls)
    for call, answer, expected in zip(calls, said, told, strict=True):
        same(call, answer, expected)
