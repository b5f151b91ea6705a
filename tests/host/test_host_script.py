"""The host script, run by a real PowerShell on a stand-in host, against the cases in cases/host_script.yml."""

import base64
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from batches import batch_of
from host_script import Warm, decode, needs_pwsh

from ringfence.batch import Batch, Call, cmdlet_call
from ringfence.errors import HostError
from ringfence.lab import Session, SimulatedHost, machine
from ringfence.secret import Secret

CASES = yaml.safe_load((Path(__file__).parents[1] / "cases" / "host_script.yml").read_text("utf-8"))
ROOT = r"HKLM:\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy"

pytestmark = needs_pwsh


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    host = Warm(tmp_path_factory.mktemp("script"))
    yield host
    host.close()


def packed(document: bytes) -> str:
    """A line as it travels to the host."""
    return base64.b64encode(gzip.compress(document, mtime=0)).decode()


def batch_for(case: dict[str, Any]) -> Batch:
    return batch_of(*tuple(Call(verb, args) for verb, args in case["calls"]), stop_on_error=case.get("stop", False))


def compare(case: dict[str, Any], said: list[dict[str, Any]]) -> None:
    assert len(said) == len(case["replies"])
    for expected, reply in zip(case["replies"], said, strict=True):
        if "error" in expected:
            assert reply["ok"] is False, reply
            assert set(reply) == {"ok", "error"}
            assert set(reply["error"]) == {"category", "id", "message", "code"}
            assert {k: reply["error"][k] for k in expected["error"]} == expected["error"], reply
            continue
        assert reply["ok"] is True, reply
        if "value" in expected:
            assert reply["value"] == expected["value"]
        else:
            assert {k: reply["value"][k] for k in expected["has"]} == expected["has"]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["name"])
def test_case(warm: Warm, case: dict[str, Any]) -> None:
    batch = batch_for(case)
    remove = f"\n$Host1.Cleanup = '{case['cleanup']}'" if "cleanup" in case else ""
    ran = warm.run(batch, case.get("setup", "") + remove)
    assert ran.noise == []
    compare(case, decode(batch, ran.reply)["replies"])
    if "bound" in case:
        assert ran.bound == case["bound"]


@pytest.mark.parametrize("case", [c for c in CASES if c.get("lab")], ids=lambda c: c["name"])
def test_a_simulated_host_answers_the_same(warm: Warm, case: dict[str, Any]) -> None:
    batch = batch_for(case)
    said = SimulatedHost(machine("HOST1")).run(
        batch.encode(), Session("psrp", "Administrator", True, "10.99.0.1", 50000, "10.99.0.10", 5985)
    )
    compare(case, decode(batch, said)["replies"])


def test_pre_shared_keys_leave_as_their_hmac(warm: Warm) -> None:
    batch = batch_of(Call("Policy.Read", {"stores": ["local"]}))
    setup = f"$Host1.Registry['{ROOT}'] = [ordered]@{{ SHKey = @('String', 'gehe\u00efm \u6771'); shkey2 = @('String', 'x') }}"
    ran = warm.run(batch, setup)
    values = decode(batch, ran.reply)["replies"][0]["value"]["local"][0][1]
    assert values == [["SHKey", "Hmac", Secret("gehe\u00efm \u6771").fingerprint(batch.hmac_key)], ["shkey2", "String", "x"]]


def test_every_character_survives_both_ways(warm: Warm) -> None:
    text = "".join(map(chr, [*range(0x250), 0x2028, 0x2029, 0xFFFD, 0xFFFE, 0xFFFF, 0x1F525])) + '</script> \\u0041 "'
    batch = batch_of(
        cmdlet_call("New-NetFirewallRule", {"Name": "n", "DisplayName": text}), Call("Account.Resolve", {"names": [text]})
    )
    ran = warm.run(batch)
    assert decode(batch, ran.reply)["replies"][1]["value"].keys() == {text}
    assert ran.bound[0]["parameters"]["DisplayName"] == text


def test_half_a_surrogate_pair_does_not_break_the_reply(warm: Warm) -> None:
    batch = batch_of(Call("Account.Resolve", {"names": ["a\ud83db"]}))
    assert decode(batch, warm.run(batch).reply)["replies"][0]["value"].keys() == {"a\ud83db"}


def test_a_batch_of_two_megabytes(warm: Warm) -> None:
    rule = {"DisplayName": "Rule", "Description": "d" * 2000, "LocalPort": ["80", "443"]}
    batch = batch_of(*tuple(cmdlet_call("New-NetFirewallRule", {"Name": f"r{i}", **rule}) for i in range(1100)))
    assert len(gzip.decompress(base64.b64decode(batch.encode()))) > 2 * 2**20
    ran = warm.run(batch)
    assert len(ran.bound) == 1100
    assert all(r == {"ok": True, "value": None} for r in decode(batch, ran.reply)["replies"])


def test_one_text_of_three_megabytes(warm: Warm) -> None:
    batch = batch_of(Call("Account.Resolve", {"names": ["x" * 3 * 2**20]}))
    (name,) = decode(batch, warm.run(batch).reply)["replies"][0]["value"]
    assert len(name) == 3 * 2**20


@pytest.mark.parametrize(("line", "expected"), [
    ("", "<<ringfence-fatal:script:"),
    ("not base64!", "<<ringfence-fatal:script:"),
    (base64.b64encode(b"no gzip").decode(), "<<ringfence-fatal:script:"),
    (packed(b"not json"), "<<ringfence-fatal:script:"),
    (packed(b'{"ringfence":2,"run":"aa","key":"AA==","stop":false,"calls":[{"verb":"Facts'),
     "<<ringfence-fatal:script:"),
    (packed(b'{"ringfence":2,"calls":[]}'), "<<ringfence-fatal:script:"),
    (base64.b64encode(b'{"ringfence":1,"calls":[]}').decode(), "<<ringfence-fatal:version:here 2, there 1>>"),
    (packed(b'{"ringfence":3}'), "<<ringfence-fatal:version:here 2, there 3>>"),
    (packed(b'{"ringfence":">>"}'), "<<ringfence-fatal:version:here 2, there "),
    (packed(b"[]"), "<<ringfence-fatal:version:"),
])
def test_what_is_no_batch_is_answered_in_plain_ascii(warm: Warm, line: str, expected: str) -> None:
    ran = warm.run(line)
    assert ran.noise == []
    assert ran.reply.isascii()
    assert ran.reply.startswith(expected)
    with pytest.raises(HostError) as caught:
        batch_of().decode(ran.reply.encode())
    assert caught.value.kind == expected.split(":")[1]


def test_arguments_of_the_wrong_kind_fail_their_call_alone(warm: Warm) -> None:
    batch = batch_of(Call("Net.Call", {"cmdlet": ["New-NetFirewallRule"], "parameters": "x"}), Call("Net.Call", {"cmdlet": 5}),
                   Call("Policy.Read", {"stores": [7]}), Call("Account.Resolve", {"names": [1]}),
                   Call("Enforcement.Read", {}), Call("Account.Resolve", {"names": []}))
    ran = warm.run(batch)
    said = decode(batch, ran.reply)["replies"]
    assert [r["ok"] for r in said] == [False, False, False, True, False, True]
    assert ran.bound == []
