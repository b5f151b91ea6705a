"""What a read without changes costs on PSRP in bytes to the host: 38 kB at most, whatever the way to log on."""

import gzip
import json
import random
from typing import Literal

import pytest
from batches import open_transport

from ringfence.batch import Batch, Call
from ringfence.batch.scripts import script_named, verbs_of
from ringfence.kinds import load
from ringfence.lab import POLICY, machine
from ringfence.lab.simulated_fleet import SimulatedFleet
from ringfence.windows.read import policy_call

# The script is the larger half of it, and in base64 each of its characters takes four thirds of a byte. Around it are some 17 kB
# with NTLM, so this leaves a verb or two of room below 38 kB. Whoever needs more: is it what every plan asks? Else it is no
# part of the reader. Never with packed text, or names that nobody reads.
MOST_TEXT = 15_200
MOST_BYTES = 38_000 - 4 * (MOST_TEXT - len(script_named("reader"))) // 3  # as if the text were as long as it may become


def test_the_reader_stays_short() -> None:
    assert len(script_named("reader")) <= MOST_TEXT


@pytest.mark.parametrize("auth", ["basic", "ntlm"])
def test_a_read_of_a_policy_of_300_rules(auth: Literal["basic", "ntlm"]) -> None:
    on, noise = machine("SRV1"), random.Random(1)
    for i in range(300):  # of such size that they come in as many pieces as those of a real host
        on.registry.set(POLICY + r"\FirewallRules", f"corp-{i}", f"v2.31|Action=Allow|Dir=In|Name={noise.randbytes(40).hex()}|")
    calls = {verb: Call(verb) for verb in verbs_of("reader")} | {"Policy.Read": policy_call(load())}
    with SimulatedFleet([on], auth=auth) as lab:
        way = open_transport("SRV1", lab.running["SRV1"].variables)
        reply = way.run(Batch(calls))
    assert not [answer.error for answer in reply.answers.values() if answer.error]
    assert len(gzip.compress(json.dumps(reply["Policy.Read"]).encode())) > 20_000  # several messages: each is asked for
    assert way.bytes_sent <= MOST_BYTES
