"""The replay of the lab's cases, against a lab host over real PSRP: one that answers as they say, and ones that do not."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_cases import LabCase, lab_cases

from ringfence.lab import POLICY, Machine, NetworkAdapter, machine
from ringfence.lab.netsecurity import cmdlet_errors, firewall_rules
from ringfence.lab.simulated_fleet import SimulatedFleet

from . import replay
from .guarantees import guarantees
from .job import Job, Way

OBJECTS = ("FirewallRules", "ConSecRules", "MainModeRules", "Phase1AuthenticationSets", "Phase2AuthenticationSets",
           "Phase1CryptoSet", "Phase2CryptoSets")  # fmt: skip
OTHER = NetworkAdapter("Ethernet 4", "{21111111-2222-3333-4444-555555555555}", addresses=("10.99.0.10/24",))


@pytest.fixture
def host() -> Iterator[tuple[Machine, Way]]:
    on = machine("HOST1", interfaces=(OTHER,))
    with SimulatedFleet([on]) as lab:
        yield on, Way("psrp", lab.running["HOST1"].variables, lab=True)


def objects(on: Machine) -> list[str]:
    return [f"{key}\\{path}" for key in OBJECTS for path, _ in on.registry.tree(f"{POLICY}\\{key}") if path] + [
        value for key in OBJECTS[:3] if (found := on.registry.key(f"{POLICY}\\{key}")) for value in found.values
    ]


def test_a_host_like_the_lab_answers_every_case(host: tuple[Machine, Way], tmp_path: Path) -> None:
    on, way = host
    before, job = objects(on), Job(tmp_path)
    assert replay.run(job, way) == 0
    lines = [json.loads(line) for line in (tmp_path / "replay-psrp.jsonl").read_text("utf-8").splitlines()]
    assert len(lines) == len(list(lab_cases()))
    assert {line["result"] for line in lines} == {"equal", "only"}
    assert all(line["why"] for line in lines if line["result"] == "only")
    assert (tmp_path / "differences-psrp.jsonl").read_text("utf-8") == ""
    assert {seen["id"] for seen in job.everything_seen() if not seen["problems"]} == {
        "refusals", "refusal-words", "set-keeps-the-rest", "stored-firewall-rules", "stored-ipsec-rules", "stored-sets",
        "stored-settings"}  # fmt: skip
    assert objects(on) == before  # nothing remains of it


def refuted(job: Job) -> set[str]:
    return {seen["id"] for seen in job.everything_seen() if seen["problems"]}


def test_another_string_is_a_difference(host: tuple[Machine, Way], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(firewall_rules.INTERFACE_TYPES, "Wireless", "WiFi")
    job = Job(tmp_path)
    assert replay.run(job, host[1], first=130) == 1
    assert refuted(job) == {"stored-firewall-rules"}
    [line] = (tmp_path / "differences-psrp.jsonl").read_text("utf-8").splitlines()
    assert json.loads(line)["got"].endswith("|Dir=In|IFType=WiFi|Name=X|")


def test_a_refusal_in_other_words_is_told_as_that(
    host: tuple[Machine, Way], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(cmdlet_errors.SYSTEM_ERRORS, 1168, ("InvalidArgument", "Element not found."))
    monkeypatch.setattr(cmdlet_errors.CmdletError, "raised_by", lambda error, cmdlet: cmdlet_errors.CmdletError(
        error.category, "HRESULT 0x80070490", error.message, 5 if error.code == 1168 else error.code))  # fmt: skip
    job = Job(tmp_path)
    assert replay.run(job, host[1], first=130) == 1
    assert refuted(job) == {"refusal-words"}


def test_what_is_not_refused_is_a_difference(host: tuple[Machine, Way], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(firewall_rules, "_PROTOCOL_CHECKS", ())
    job = Job(tmp_path)
    assert replay.run(job, host[1], first=90) == 1
    assert "refusals" in refuted(job)


def test_what_is_known_of_windows_is_asked_of_windows_alone() -> None:
    case = LabCase("lab_firewall_rules", 0, {"new": {}, "gives": "Dir=In|", "windows": {"gives": "Dir=In|Name=X|"}})
    policy = {"local": [["FirewallRules", [["x", "String", "v2.33|Dir=In|Name=X|"]]]]}
    assert case.judge("x", [], policy, windows=True).result == "equal"
    assert case.judge("x", [], policy).result == "differs"


def test_a_replay_that_ends_early_proves_nothing(
    host: tuple[Machine, Way], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was seen to be otherwise is refuted, and of the rest it is noted that it was not reached, and why."""
    monkeypatch.setitem(firewall_rules.INTERFACE_TYPES, "Wireless", "WiFi")

    def breaks(way: Way, cases: object) -> None:
        raise TypeError("no rows")

    monkeypatch.setattr(replay, "_play_settings", breaks)
    job = Job(tmp_path)
    assert replay.run(job, host[1], first=130) == 1
    assert refuted(job) == {"stored-firewall-rules"} == {note["id"] for note in job.everything_seen()}
    others = {one.id for one in guarantees().values() if one.by == "replay"} - refuted(job)
    assert {note["id"] for note in job.everything_not_reached()} == others
    assert "TypeError: no rows (test_replay.py:" in job.everything_not_reached()[0]["why"]
