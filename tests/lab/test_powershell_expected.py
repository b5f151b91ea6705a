"""What a change expects to find: the engine's digest of what it read is the one that hosts compute, with either executor."""

from collections.abc import Iterator
from typing import Any

import pytest
from batches import batch_of, open_transport
from host_script import PWSH, needs_pwsh
from lab_machine import ADMIN

from ringfence.batch import Call, cmdlet_call
from ringfence.codecs.registry import parse_tree
from ringfence.lab import POLICY, Machine, SimulatedHost, machine
from ringfence.lab.simulated_fleet import SimulatedFleet
from ringfence.transports import Transport
from ringfence.windows.expected import digest

SET = r"Phase1AuthenticationSets\{A/b 1}"
# (key, name, data, type) of what is stored, and another datum
STORED: tuple[tuple[str, str, Any, str, Any], ...] = (
    ("FirewallRules", r"a\b 'Ä' 東京 [*]", "v2.31|Action=Allow|Name=\U0001f525 \"x\" \t\r\n|", "String", "v2.31|Action=Block|"),
    ("DomainProfile", "EnableFirewall", 0xFFFFFFFF, "DWord", 1), ("DomainProfile", "Bytes", b"\x00\xff", "Binary", b"\x00"),
    ("DomainProfile", "Wide", 2**40, "QWord", 1), ("DomainProfile", "None", b"", "None", b"\x01"),
    (r"DomainProfile\Logging", "LogFilePath", r"%SystemRoot%\x.log", "ExpandString", r"%SystemRoot%\y.log"),
    (r"DomainProfile\Logging", "Many", ["one", "two"], "MultiString", ["one two"]),
    (r"DomainProfile\Logging", "NoText", [], "MultiString", ["x"]), (r"DomainProfile\Logging", "Empty", "", "String", "x"),
    (SET, "Version", "2.20", "String", "2.21"), (SET + r"\0000", "Method", "MachineSHKey", "String", "MachineKerb"),
    (SET + r"\0000", "SHKey", "key", "String", "other"), (SET + r"\0001", "Method", "MachineKerb", "String", "UserKerb"))
PLACES = [*(((key, (name,)),) for key, name, *_ in STORED), ((SET, None),), ((SET.upper(), None),)]
NEXT = cmdlet_call("New-NetFirewallRule", {"Name": "after", "DisplayName": "After"})


class Direct:
    """The executor in Python, without a network between."""

    def __init__(self, on: Machine) -> None:
        self.on = SimulatedHost(on)

    def run(self, batch: Any) -> Any:
        return batch.decode(self.on.run(batch.encode(), ADMIN).encode())


@pytest.fixture(scope="module", params=["python", pytest.param("pwsh", marks=needs_pwsh)])
def host(request: pytest.FixtureRequest) -> Iterator[tuple[Transport, Machine]]:
    on = machine("HOST1")
    if request.param == "python":
        yield Direct(on), on
        return
    with SimulatedFleet([on], pwsh=PWSH) as lab:
        yield open_transport(on.name, lab.running[on.name].variables), on


def put(on: Machine) -> None:
    for key, name, data, type_, _ in STORED:
        on.registry.set(rf"{POLICY}\{key}", name, data, type_)


def call(name: str, expected: Any) -> Call:
    return cmdlet_call("New-NetFirewallRule", {"Name": name, "DisplayName": name}, expected)


def expectations(way: Transport) -> list[dict[str, Any]]:
    """What the engine expects of each place, after a read."""
    tree = parse_tree(way.run(batch_of(Call("Policy.Read", {"stores": ["local"]})))[0]["local"])
    return [{"stored": [[path, names and list(names)] for path, names in at], "sha256": digest(tree, at)} for at in PLACES]


def test_what_was_read_is_what_is_found(host: tuple[Transport, Machine]) -> None:
    way, on = host
    put(on)
    told = expectations(way)
    assert [e["sha256"] for e in told].count("none") == 1  # the key that nobody takes a digest of
    reply = way.run(batch_of(*(call(f"found {n}", e) for n, e in enumerate(told))))
    assert [a.error for a in reply.answers.values()] == [None] * len(PLACES)


def test_what_somebody_changed_is_left_as_it_is(host: tuple[Transport, Machine]) -> None:
    way, on = host
    put(on)
    told = expectations(way)
    for key, name, _, type_, other in STORED:
        on.registry.set(rf"{POLICY}\{key}", name, other, type_)
    reply = way.run(batch_of(*(call(f"changed {n}", e) for n, e in enumerate(told))))
    refused = [a.error.id if a.error else "" for a in reply.answers.values()]
    secret = [s[1] for s in STORED].index("SHKey")
    assert refused == ["" if n == secret else "ringfence.changed" for n in range(len(PLACES))]
    assert {n for n in range(len(PLACES)) if on.registry.get(POLICY + r"\FirewallRules", f"changed {n}")} == {secret}


def test_what_is_gone_or_came_is_refused_and_ends_the_batch(host: tuple[Transport, Machine]) -> None:
    way, on = host
    put(on)
    rule = [["FirewallRules", ["rule"]]]
    on.registry.set(POLICY + r"\FirewallRules", "RULE", "v2.31|")
    told = expectations(way)[PLACES.index(((SET, None),))]
    on.registry.delete(rf"{POLICY}\{SET}")
    for expected in ({"stored": rule, "sha256": "none"}, told):
        reply = way.run(batch_of(call("x", expected), NEXT, stop_on_error=True))
        assert [a.error and a.error.id for a in reply.answers.values()] == ["ringfence.changed"]
    assert on.registry.get(POLICY + r"\FirewallRules", "after") is None


def test_an_object_is_looked_at_once_in_a_batch(host: tuple[Transport, Machine]) -> None:
    """From then on it differs by our own change."""
    way, on = host
    nothing = {"stored": [["FirewallRules", ["twice"]]], "sha256": "none"}
    made = call("twice", nothing)
    again = cmdlet_call("Set-NetFirewallRule", {"Name": "twice", "Description": "again"}, nothing)
    reply = way.run(batch_of(made, again, again, stop_on_error=True))
    assert [a.error for a in reply.answers.values()] == [None] * 3
    (answer,) = way.run(batch_of(again)).answers.values()
    assert answer.error is not None
    assert answer.error.id == "ringfence.changed"
    assert "Desc=again" in str(on.registry.get(POLICY + r"\FirewallRules", "twice"))


def test_what_was_renamed_is_found_by_its_new_name_and_read_once_more(host: tuple[Transport, Machine]) -> None:
    """Whether the name differs in letters alone or not; and somebody else's change between is noticed as ever."""
    way, on = host
    rules = POLICY + r"\FirewallRules"
    for name in ("one", "two", "three"):
        on.registry.set(rules, name, f"v2.31|Action=Allow|Active=TRUE|Dir=In|Name={name}|")
    before = {"stored": [["FirewallRules", ["three", "drei"]]], "sha256": "none"}
    on.counters.enumerations.clear()
    reply = way.run(batch_of(
        cmdlet_call("Rename-NetFirewallRule", {"Name": "one", "NewName": "ONE"}),
        cmdlet_call("Rename-NetFirewallRule", {"Name": "two", "NewName": "zwei"}),
        cmdlet_call("Set-NetFirewallRule", {"Name": "ONE", "Description": "changed"}),
        cmdlet_call("Set-NetFirewallRule", {"Name": "Zwei", "Group": "g"}),
        cmdlet_call("Rename-NetFirewallRule", {"Name": "three", "NewName": "drei"}, before)))
    assert [a.error and a.error.id for a in reply.answers.values()] == [*[None] * 4, "ringfence.changed"]
    assert on.counters.enumerations == {("NetFirewallRule", ""): 2}
    assert "Desc=changed" in str(on.registry.get(rules, "ONE"))
    assert "EmbedCtxt=g" in str(on.registry.get(rules, "zwei"))
    assert [on.registry.get(rules, name) is None for name in ("two", "three", "drei")] == [True, False, True]
