"""The host script, run by a real PowerShell on a stand-in host, against the cases in cases/host_script.yml."""

import base64
import gzip
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from batches import batch_of
from core import cases
from host_script import Warm, decode, mutex_held, needs_pwsh, pwsh

from ringfence import kinds
from ringfence.batch import AsHmac, Batch, Call, cmdlet_call
from ringfence.errors import HostError
from ringfence.lab import POLICY, Session, SimulatedHost, machine
from ringfence.lab.netsecurity.cmdlet_errors import CmdletError
from ringfence.secret import Secret
from ringfence.windows.calls import writing_cmdlets

CASES = cases("host_script")
ROOT = r"HKLM:\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy"
SHIPPED_ROOT = r"HKLM:\SYSTEM\CurrentControlSet\Services\SharedAccess\Defaults\FirewallPolicy"
OF_LANGUAGES = {"DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "0"}
ADMINISTRATOR = Session("psrp", "Administrator", True, "10.99.0.1", 50000, "10.99.0.10", 5985)

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
    said = SimulatedHost(machine("HOST1")).run(batch.encode(), ADMINISTRATOR)
    compare(case, decode(batch, said)["replies"])


KEYED = f"""
$Host1.Registry['{ROOT}'] = [ordered]@{{ SHKEY = @('String', 'a'); shkey2 = @('String', 'x') }}
$Host1.Registry['{ROOT}\\Phase1AuthenticationSets'] = [ordered]@{{}}
$Host1.Registry['{ROOT}\\Phase1AuthenticationSets\\s/1'] = [ordered]@{{}}
$Host1.Registry['{ROOT}\\Phase1AuthenticationSets\\s/1\\0000'] = [ordered]@{{ Method = @('String', 'MachineKerb') }}
$Host1.Registry['{ROOT}\\Phase1AuthenticationSets\\s/1\\0001'] = [ordered]@{{ shkey = @('String', 'gehe\u00efm \u6771') }}
$Host1.Registry['{ROOT}\\Phase1AuthenticationSets\\t'] = [ordered]@{{}}
"""


def test_of_pre_shared_keys_leaves_that_there_is_one(warm: Warm) -> None:
    batch = batch_of(Call("Policy.Read", {"stores": ["local"]}))
    local = dict(decode(batch, warm.run(batch, KEYED).reply)["replies"][0]["value"]["local"])
    assert local[""] == [["SHKEY", "Secret", None], ["shkey2", "String", "x"]]
    assert local[r"Phase1AuthenticationSets\s/1\0001"] == [["shkey", "Secret", None]]


def ask(name: str, key: str, **other: Any) -> Call:
    """Whether a set has a key."""
    question = {"store": "local", "kind": "NetIPsecPhase1AuthSet", "name": name, "hmac": AsHmac(Secret(key)), **other}
    return Call("Key.Compare", {"keys": [question]})


def test_a_host_compares_keys_itself(warm: Warm) -> None:
    calls = (ask("S/1", "gehe\u00efm \u6771"), ask("s/1", "gehe\u00efm \u6771"), ask("t", "x"), ask("nowhere", "x"),
             ask("s/1\\0001", "x"), ask("..\\Phase1AuthenticationSets\\s/1", "x"), ask("", "x"),
             ask("s/1", "x", store="elsewhere"), ask("s/1", "x", kind="NetFirewallRule"))
    batch = batch_of(*calls)
    said = decode(batch, warm.run(batch, KEYED).reply)["replies"]
    assert [r.get("value") for r in said] == [["equal"], None, *[["none"]] * 5, None, None]
    assert [r["error"]["id"] for r in said if not r["ok"]] == ["ringfence.candidate", "ringfence.store", "ringfence.kind"]
    other = batch_of(ask("s/1", "gehe\u00efm"))
    assert decode(other, warm.run(other, KEYED).reply)["replies"][0]["value"] == ["differs"]


@pytest.mark.parametrize(("what", "how", "said"), [
    ("", "vanishes", ["none"]), ("", "deleted", ["none"]), (r"\shkey", "gone", ["none"]), ("", "broken", None)])
def test_a_key_that_vanishes_while_it_is_looked_for_is_none(warm: Warm, what: str, how: str, said: list[str] | None) -> None:
    happens = f"$Host1.Happens = @{{ '{ROOT}\\Phase1AuthenticationSets\\s/1\\0001{what}' = '{how}' }}\n"
    batch = batch_of(ask("s/1", "gehe\u00efm \u6771"))
    assert decode(batch, warm.run(batch, KEYED + happens).reply)["replies"][0].get("value") == said


def test_a_simulated_host_compares_keys_alike() -> None:
    on = machine("HOST1")
    path = POLICY + r"\Phase1AuthenticationSets\s"
    on.registry.set(path + r"\0000", "Method", "MachineKerb")
    on.registry.set(path + r"\0001", "sHkEY", "gehe\u00efm")
    batch = batch_of(ask("S", "gehe\u00efm"), ask("s", "gehe\u00efm"), ask("t", "x"), ask(r"s\0001", "x"),
                     ask("s", "x", store="y"), ask("s", "x", kind="NetFirewallRule"))
    said = decode(batch, SimulatedHost(on).run(batch.encode(), ADMINISTRATOR))["replies"]
    assert [r.get("value") for r in said] == [["equal"], None, ["none"], ["none"], None, None]
    assert [r["error"]["id"] for r in said if not r["ok"]] == ["ringfence.candidate", "ringfence.store", "ringfence.kind"]
    other = batch_of(ask("s", "x"))
    assert decode(other, SimulatedHost(on).run(other.encode(), ADMINISTRATOR))["replies"][0]["value"] == ["differs"]


@pytest.mark.parametrize(("keys", "told"), [
    (("k1-secret", "k1-secret-and-more"), "got ******** and ********"), (("k1-secret", "short"), "withheld: a short key"),
    ((), "got k1-secret-and-more and k1-secret")])
def test_a_simulated_host_strikes_keys_out_alike(keys: tuple[str, ...], told: str) -> None:
    on, said = machine("HOST1"), "got k1-secret-and-more and k1-secret"

    def refuse(cmdlet: str) -> None:
        raise CmdletError("InvalidArgument", said, said)

    on.faults.before_write = refuse
    methods: list[dict[str, Any]] = [{"PreSharedKey": key} for key in keys] or [{"Kerberos": True}]
    proposals = [{"$call": {"cmdlet": "New-NetIPsecAuthProposal", "parameters": {"Machine": True, **how}}} for how in methods]
    batch = batch_of(cmdlet_call("New-NetIPsecPhase1AuthSet", {"DisplayName": "s", "Proposal": proposals}), Call("No.Verb"))
    replies = decode(batch, SimulatedHost(on).run(batch.encode(), ADMINISTRATOR))["replies"]
    name = "" if "withheld" in told else ",New-NetIPsecPhase1AuthSet"
    assert [(r["error"]["id"], r["error"]["message"]) for r in replies] == [
        (told + name, told), ("ringfence.verb", "no verb is named 'No.Verb'")]


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


def test_no_cmdlet_that_writes_is_read_with(warm: Warm) -> None:
    """Net.Get calls without parameters: of Remove that would be every rule of the host."""
    setup, names = "Add-Rule 'kept'\n", writing_cmdlets(kinds.load().values())
    batch = batch_of(*(Call("Net.Get", {"cmdlet": name, "parameters": {"Name": "kept"}}) for name in names),
                     *(Call("Net.Get", {"cmdlet": name.lower()}) for name in names), Call("Net.Get", {}))
    ran = warm.run(batch, setup)
    assert {reply["error"]["id"] for reply in decode(batch, ran.reply)["replies"]} == {"ringfence.allowlist"}
    assert ran.bound == []


def test_arguments_of_the_wrong_kind_fail_their_call_alone(warm: Warm) -> None:
    batch = batch_of(Call("Net.Call", {"cmdlet": ["New-NetFirewallRule"], "parameters": "x"}), Call("Net.Call", {"cmdlet": 5}),
                   Call("Policy.Read", {"stores": [7]}), Call("Account.Resolve", {"names": [1]}),
                   Call("Enforcement.Read", {}), Call("Account.Resolve", {"names": []}))
    ran = warm.run(batch)
    said = decode(batch, ran.reply)["replies"]
    assert [r["ok"] for r in said] == [False, False, False, True, False, True]
    assert [b["cmdlet"] for b in ran.bound] == ["accounts to SIDs"]


def test_a_change_waits_for_that_of_another_run_and_outlives_it(warm: Warm) -> None:
    """One run at a time looks at what it expects and writes; whoever dies with the mutex in hand holds up nobody."""
    with mutex_held() as other, ThreadPoolExecutor(1) as pool:
        change = pool.submit(warm.run, batch_of(cmdlet_call("New-NetFirewallRule", {"Name": "a", "DisplayName": "a"})))
        with pytest.raises(TimeoutError):
            change.result(timeout=0.7)
        other.kill()
        assert [b["cmdlet"] for b in change.result(timeout=30).bound] == ["New-NetFirewallRule"]


def test_no_rules_of_a_language_make_texts_alike(tmp_path: Path) -> None:
    """To -ceq a soft hyphen is nothing where .NET knows languages: Windows' own rule is another than the live one."""
    alike = pwsh("-Command", '"a$([char]0xAD)" -ceq "a"', environment=OF_LANGUAGES)
    if alike.stdout.strip() != b"True":
        pytest.skip("this .NET has no rules of languages")
    live, shipped = ("@{ a = @('String', 'v2.31|x|'); b = @('String', 'v2.31|x|') }",
                     "@{ a = @('String', \"v2.31|x$([char]0xAD)|\"); b = @('String', 'v2.31|x|') }")
    batch, host = batch_of(Call("Defaults.Read")), Warm(tmp_path, environment=OF_LANGUAGES)
    try:
        said = host.run(batch, f"$Host1.Registry['{ROOT}\\FirewallRules'] = [ordered]{live}\n"
                               f"$Host1.Registry['{SHIPPED_ROOT}\\FirewallRules'] = [ordered]{shipped}").reply
    finally:
        host.close()
    found = decode(batch, said)["replies"][0]["value"]
    assert (found["same"], found["rows"]) == (["b"], [["FirewallRules", [["a", "String", "v2.31|x\u00ad|"]]]])
