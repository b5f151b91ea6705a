"""What a host could not say at the proof of being in force: told, and no reason to undo anything."""

from dataclasses import replace
from typing import Any

import pytest
from core import at
from hosts import LabHost

from ringfence.batch import Answer, Batch, Failure, Reply

RDP = at(1, name="rdp", protocol="tcp", local_port=3389)


@pytest.mark.parametrize(("said", "why"), [
    ([{"fact": "NetFirewallRule", "why": "corrupt"}, {"fact": "NetFirewallRule", "why": "corrupt"}], "corrupt"),
    ([{"fact": "NetFirewallRule", "why": "a"}, {"why": "b"}], "a; b"), ([], "it does not say why"), ([5], "None")])
def test_what_a_host_says_it_could_not_read_is_not_known(said: Any, why: str) -> None:
    host = LabHost({})
    host.enforcement = {"rdp": {"unread": said}}
    result = host.apply(RDP)
    [told] = result.obstacles
    assert (result.status, told.level, told.reason.obstacle) == ("changed", "unknown", "not_told")
    assert told.reason.text == f"the host could not say whether it is in force: {why}"


@pytest.mark.parametrize("answer", [Answer(None), Answer([]), Answer("x"), Answer(error=Failure("InvalidOperation", "x", "no")),
                                    Answer(error=Failure("InvalidArgument", "ringfence.verb", "no verb"))], ids=str)
def test_an_answer_that_is_none_is_told_at_the_proof(answer: Answer) -> None:
    host = LabHost({})

    def answers(batch: Batch) -> Reply | None:
        asked = {label: answer for label, call in batch.calls.items() if call.verb == "Enforcement.Read"}
        if not asked:
            return None
        rest = replace(batch, calls={label: call for label, call in batch.calls.items() if label not in asked})
        return Reply({**host.simulated_reply(rest).answers, **asked})

    host.before = answers
    result = host.apply(RDP)
    assert [(o.level, o.reason.obstacle, str(o.objects[0])) for o in result.obstacles] == [
        ("unknown", "not_told", "firewall_rule rdp")]
    assert ("export it anew" in result.obstacles[0].reason.text) == bool(answer.error and answer.error.is_lack)
    assert (result.status, result.exit_code, result.proven) == ("changed", 0, result.written)
