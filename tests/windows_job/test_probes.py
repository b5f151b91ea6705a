"""Each probe finds nothing on a lab host, and what it is for on one that lies: what cannot be refuted is no proof."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from lab_machine import ADMIN, host

from ringfence.batch import Answer, Batch, Call, Failure
from ringfence.errors import HostError
from ringfence.lab import SimulatedHost

from . import probes
from .guarantees import guarantees
from .job import Job, Way

Answers = tuple[Answer, ...]
Lie = Callable[[Sequence[Call], Answers], Answers]


@dataclass(frozen=True)
class LyingWay(Way):
    """A host of the lab without a wire between, whose answers are changed on the way."""

    simulated: SimulatedHost = dataclasses.field(default_factory=lambda: SimulatedHost(host()))
    lie: Lie = lambda calls, answers: answers
    cut: int | None = None  # so many calls are carried out where there is little time, then the connection breaks

    def pass_time(self, seconds: float) -> None:
        self.simulated.machine.clock.advance(seconds)

    def send(self, *calls: Call, stop: bool = False) -> tuple[Batch, Answers]:
        slow = self.cut is not None and "ringfence_batch_timeout" in self.variables
        batch = Batch(dict(enumerate(calls[: self.cut] if slow else calls)), stop_on_error=stop)
        answers = tuple(batch.decode(self.simulated.run(batch.encode(), ADMIN).encode()).answers.values())
        if slow:
            raise HostError("no_answer", "1 s")
        return batch, self.lie(calls, answers)


def way(**how: Any) -> LyingWay:
    return LyingWay("lab", {"ansible_connection": "psrp"}, lab=True, **how)


def values(verb: str, change: Callable[[Any], Any]) -> Lie:
    """Another value for each answer to a verb."""
    return lambda calls, answers: tuple(
        replace(a, value=change(a.value)) if c.verb == verb and not a.error else a for c, a in zip(calls, answers, strict=True)
    )


def policy(change: Callable[[str, str, str, str], str | None]) -> Lie:
    """Another text, or no value, for each (path, name, kind, text) of the local policy."""

    def changed(value: Any) -> Any:
        local = []
        for path, held in value["local"]:
            said = [(name, kind, change(path, name, kind, data) if isinstance(data, str) else data) for name, kind, data in held]
            local.append([path, [list(one) for one in said if one[2] is not None]])
        return {**value, "local": local}

    return values("Policy.Read", changed)


def failing(cmdlet: str) -> Lie:
    """A cmdlet that finds nothing."""
    error = Answer(error=Failure("ObjectNotFound", "CmdletizationQuery_NotFound_InstanceID", "none"))
    return lambda calls, answers: tuple(
        error if c.args.get("cmdlet") == cmdlet else a for c, a in zip(calls, answers, strict=True)
    )


PRIMARY = "{E5A5D32A-4BCE-4e4d-B07F-4AB1BA7E5FE3}"
LIES: dict[str, Lie] = {
    "undo-fires": values("Undo.Fire", lambda told: {**told, "state": "firing"}),
    "undo-by-itself": values("Undo.Read", lambda told: {**told, "task": told["run"]}),
    "undo-confirmed": values("Undo.Read", lambda told: {**told, "step": "armed"}),
    "ends-by-itself": values("Expiry.Read", lambda told: [{"task": "0" * 32}]),
    "registry-at-once": policy(lambda path, name, kind, text: None if name.endswith("-4-9") else text),
    "default-sets": values("Policy.Read", lambda v: {**v, "local": [[p.replace(PRIMARY, "{other}"), r] for p, r in v["local"]]}),
    "keys-compare": values("Key.Compare", lambda words: ["differs" for _ in words]),
    "ledger-is-guarded": values("Ledger.Read", lambda told: {**told, "sddl": told["sddl"].replace("BAD:P", "BAD:AI")}),
    "log-path": policy(
        lambda path, name, kind, text: text.replace("%systemroot%", "C:\\Windows") if name == "LogFilePath" else text
    ),
    "flood-settings": values("Net.Get", lambda shown: [{**one, "MaxStateEntries": "5,000"} for one in shown]),
    "names-mean-themselves": policy(lambda path, name, kind, text: text.replace("=Desc 1|", "=Desc 0|")),
    "names-without-case": failing("Set-NetFirewallRule"),
    "texts-survive": policy(lambda path, name, kind, text: text.encode("ascii", "replace").decode()),
    "ships-its-own-table": values("Defaults.Read", lambda told: {**told, "same": told["same"][:50]}),
    "texts-are-found": values("Texts.Read", lambda found: dict.fromkeys(found)),
    "groups-by-object": policy(lambda path, name, kind, text: text.partition("|EmbedCtxt=")[0]),
    "account-names": values("Account.Resolve", lambda found: {name: {"sid": "S-1-5-32-545"} for name in found}),
    "events-name-who": values("Events.Read", lambda told: {**told, "logs": {**told["logs"], "ConnectionSecurity": None}}),
    "enforcement-words": values("Enforcement.Read", lambda found: {n: {**s, "enforcement": ["Odd"]} for n, s in found.items()}),
    "everything-is-read": values("Facts.Read", lambda facts: {**facts, "unread": [{"fact": "os", "why": "denied"}]}),
    "management-flow": values("Management.Read", lambda told: {**told, "management": {**told["management"], "local_port": None}}),
    "one-behaviour": values("Interfaces.Read", lambda told: {**told, "interfaces": []}),
    "lost-batches": policy(lambda path, name, kind, text: None if name.endswith("-003") else text),
}


@pytest.mark.parametrize("id", probes.PROBES)
def test_a_probe_holds_on_the_lab_and_can_refute(id: str, tmp_path: Path) -> None:
    examine, cut = probes.PROBES[id], 8 if id == "lost-batches" else None
    assert list(examine(way(memory=tmp_path, cut=cut))) == []
    assert list(examine(way(memory=tmp_path, cut=cut, lie=LIES[id]))) != []


def test_every_guarantee_has_what_can_refute_it() -> None:
    probed = {one.id for one in guarantees().values() if one.by == "probe"}
    assert probed == set(probes.PROBES) == set(LIES)


def test_what_breaks_refutes_and_what_cannot_be_asked_is_not_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(way: Way) -> Any:
        raise HostError("connection_lost", "in the middle")

    job = Job(tmp_path)
    monkeypatch.setattr(probes, "PROBES", {"lost-batches": probes.lost_batches, "log-path": breaks})
    assert probes.run(job, way()) == 1  # 100 rules take the lab no time: not reached
    assert [(seen["id"], bool(seen["problems"])) for seen in job.everything_seen()] == [("log-path", True)]


def test_a_second_way_is_compared_with_the_first(tmp_path: Path) -> None:
    other = SimulatedHost(host(os="windows11"))
    assert list(probes.one_behaviour(way(memory=tmp_path))) == []
    assert any(problem.startswith("os is") for problem in probes.one_behaviour(way(memory=tmp_path, simulated=other)))


SHAPES: dict[str, Any] = {"nothing": None, "a text": "x", "a number": 7, "a list": [], "nothing in a list": [None],
                          "an object": {}}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_an_answer_that_nobody_expected_is_noted_of_each(shape: Any, tmp_path: Path) -> None:
    """Whatever it breaks of one, it hides no other."""
    job = Job(tmp_path)
    lying = way(memory=tmp_path, cut=8, lie=lambda calls, answers: tuple(Answer(shape) for _ in answers))
    assert probes.run(job, lying) == 1
    assert {note["id"] for note in (*job.everything_seen(), *job.everything_not_reached())} == set(probes.PROBES)
    assert [note["id"] for note in job.everything_seen() if not note["problems"]] == []
