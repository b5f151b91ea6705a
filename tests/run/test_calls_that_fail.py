"""Each call of the batches that write fails in turn: on a host that stops there, as it was told, and on one that goes on.

What is told is held against what the host has: nobody is told that nothing was written where it was, and no undo is left behind
or waited for that never was armed.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from core import KINDS, at
from hosts import LabHost, stored_policy

from ringfence.batch import Answer, Batch, Call, Failure, Reply
from ringfence.errors import HostError
from ringfence.lab import machine
from ringfence.project.declare import DeclarationBuilder
from ringfence.report import HostResult
from ringfence.run.host import apply_host
from ringfence.types.moments import moment_text
from ringfence.windows.shipped_rules import is_shipped

REFUSED = Failure("InvalidResult", "x", "it did not like that")
WITH_UNDO = {"Undo.Arm": ("Domain.Read", "Undo.Arm", "Ledger.Write", "Net.Call", "Net.Call"),
             "Undo.Confirm": ("Undo.Continue", "Expiry.Write", "Undo.Confirm", "Ledger.Write")}
WITHOUT = {"Net.Call": ("Ledger.Write", "Net.Call", "Net.Call", "Expiry.Write", "Ledger.Write")}


WORDS = {"Domain.Read": "which controllers of its domain it reaches", "Undo.Arm": "undo", "Net.Call": "create firewall_rule",
         "Expiry.Write": "what is to end rdp", "Ledger.Write": "the project's ledger", "Undo.Continue": "", "Undo.Confirm": ""}
"""What a failure tells of the call that failed."""


class Failing:
    """A member of a domain that fails one call of one batch: the one that has `verb` in it. goes_on: and carries out the others ·
    value: it carries out that one too, and answers this."""

    def __init__(self, revert_after: int, verb: str = "", number: int = 0, goes_on: bool = False, **says: object) -> None:
        on = machine("SRV1", domain="corp.example", address="10.99.0.10/24")
        on.surroundings.domain_controllers = ("10.99.0.53",)
        self.host = LabHost({}, on=on, owns=False)
        self.host.policy = replace(self.host.policy, revert_after=revert_after)
        self.verb, self.number, self.goes_on = verb, number, goes_on
        self.answer = Answer(says["value"]) if says else Answer(error=REFUSED)
        self.host.before = self.reply
        self.asked: list[tuple[str, ...]] = []

    def reply(self, batch: Batch) -> Reply | None:
        verbs = [call.verb for call in batch.calls.values()]
        if batch.stop_on_error:
            self.asked.append(tuple(verbs))
        if not batch.stop_on_error or self.verb not in verbs or not self.verb:
            return None
        self.verb = ""  # once
        labels = list(batch.calls)
        later = labels[self.number + bool(self.answer.error):]
        done = labels[:self.number] + (later if self.goes_on else [])
        said = self.host.simulated_reply(replace(batch, calls={label: batch.calls[label] for label in done})).answers
        told = {**said, labels[self.number]: self.answer}
        return Reply({label: told[label] for label in labels if label in told})

    def apply(self) -> HostResult:
        now = self.host.machine.clock.wall()
        ends = {"expires": moment_text(now + timedelta(hours=1)), "expires_on_host": True}
        tasks = [replace(at(1, name="rdp", protocol="tcp", local_port=3389, remote_address="10.0.0.1"), treatment=ends),
                 at(2, name="web", protocol="tcp", local_port=443, remote_address="10.0.0.0/8")]
        began = moment_text(now)
        self.host.policy = replace(self.host.policy, began=began)
        found, _ = DeclarationBuilder(KINDS, is_shipped, began=began).declarations(tasks)
        return apply_host(self.host.job(found), replace(self.host.context(), possible=lambda host, facts: frozenset()))


def each() -> Iterator[Any]:
    for revert_after, batches in ((300, WITH_UNDO), (0, WITHOUT)):
        for verb, calls in batches.items():
            for number, name in enumerate(calls):
                last = number == len(calls) - 1
                for goes_on in ([False] if last else [False, True]):
                    yield pytest.param(revert_after, verb, number, goes_on, WORDS[name],
                                       id=f"{verb} {number} {name} {'goes on' if goes_on else 'stops'} {revert_after}")


def test_these_are_the_batches() -> None:
    for revert_after, batches in ((300, WITH_UNDO), (0, WITHOUT)):
        host = Failing(revert_after)
        assert host.apply().status == "changed"
        assert host.asked == list(batches.values())


@pytest.mark.parametrize(("revert_after", "verb", "number", "goes_on", "words"), [*each()])
def test_what_is_told_is_so(revert_after: int, verb: str, number: int, goes_on: bool, words: str) -> None:
    failing = Failing(revert_after, verb, number, goes_on)
    host, before = failing.host, stored_policy(failing.host.machine)
    result = failing.apply()
    assert isinstance(result.error, HostError) or result.status == "refused"
    told = str(result.error)
    assert REFUSED.message in told
    assert words in told
    assert host.patience.waited < 5, "nothing happens there that had to be waited for"
    there = {name for name in ("rdp", "web") if name in host.rules}
    if result.status == "restored":
        assert stored_policy(host.machine) == before
    else:
        assert {c.name for c in result.written} == there
    if there:
        assert "othing was written" not in told
    if goes_on and result.status != "restored":
        assert result.error is not None
        assert getattr(result.error, "kind", "") == "protocol", told
        assert "it went on after: " in told
    waiting = host.run(Batch({0: Call("Undo.Read")}))[0]
    assert waiting["task"] is None, "an undo is left that nobody waits for"


@pytest.mark.parametrize("value", [None, [], "x", {}, {"controllers": None}, {"controllers": "10.99.0.53"}])
def test_an_answer_about_controllers_that_is_none(value: object) -> None:
    """Whether the host loses them could not be proven: that is no reason to take it for proven."""
    failing = Failing(300, "Undo.Arm", 0, True, value=value)
    before = stored_policy(failing.host.machine)
    result = failing.apply()
    assert result.status == "restored"
    assert "the controllers of its domain" in str(result.error)
    assert stored_policy(failing.host.machine) == before


@pytest.mark.parametrize("value", [None, [], "x", 7])
@pytest.mark.parametrize(("verb", "number"), [("Undo.Arm", n) for n in range(1, 5)] + [("Undo.Confirm", n) for n in range(4)])
def test_calls_of_which_only_the_outcome_counts(verb: str, number: int, value: object) -> None:
    """That they were carried out is all that is used of their answers: the proof says whether it is so."""
    result = Failing(300, verb, number, goes_on=True, value=value).apply()
    assert (result.error, result.status) == (None, "changed")
