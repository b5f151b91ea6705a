"""The wire: what a host says is a reply or a HostError, and takes a bounded amount of memory."""

import base64
import gzip
import json
import tracemalloc
import zlib
from typing import Any

import pytest
from batches import batch_of
from chance import by_chance
from hypothesis import given
from hypothesis import strategies as st

from ringfence.batch import Answer, Batch, Call, Failure, cmdlet_call, script
from ringfence.errors import FAILURES, HostError
from ringfence.secret import Secret

READ = batch_of(Call("Facts.Read"), Call("Policy.Read", {"stores": ["local"]}), run_id="aa")
WRITE = batch_of(*(cmdlet_call("New-NetFirewallRule", {"Name": n}) for n in "ab"), stop_on_error=True, run_id="aa")
OK = {"ok": True, "value": 1}
BAD = {"ok": False, "error": {"category": "ResourceExists", "id": "x", "message": "already there", "code": 183}}


def framed(data: Any, before: bytes = b"", after: bytes = b"") -> bytes:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return before + b"<<ringfence:" + base64.b64encode(gzip.compress(raw, mtime=0)) + b">>" + after


def reply(*replies: Any, run: str = "aa", version: Any = 2) -> dict[str, Any]:
    return {"ringfence": version, "run": run, "replies": list(replies)}


def fails(batch: Batch, output: bytes, kind: str, words: str = "", **limits: int) -> None:
    with pytest.raises(HostError) as caught:
        batch.decode(output, **limits)
    assert caught.value.kind == kind
    assert words in str(caught.value)


def test_what_travels_to_the_host() -> None:
    batch = batch_of(cmdlet_call("New-NetFirewallRule", {"Name": "ä 'q' $(x)"}), stop_on_error=True)
    told = json.loads(gzip.decompress(base64.b64decode(batch.encode())))
    assert told == {
        "ringfence": 2,
        "run": batch.run_id,
        "key": base64.b64encode(batch.hmac_key).decode(),
        "stop": True,
        "calls": [{"verb": "Net.Call", "args": {"cmdlet": "New-NetFirewallRule", "parameters": {"Name": "ä 'q' $(x)"}}}],
    }
    assert batch.encode().isascii()
    assert "\n" not in batch.encode()


def test_every_batch_has_a_key_and_a_number_of_its_own() -> None:
    one, two = batch_of(), batch_of()
    assert len(one.hmac_key) == 32
    assert one.hmac_key != two.hmac_key
    assert one.run_id != two.run_id
    assert repr(one.hmac_key) not in repr(one)


def test_a_secret_leaves_only_in_the_batch() -> None:
    batch = batch_of(cmdlet_call("New-NetIPsecAuthProposal", {"PreSharedKey": Secret("sesame")}))
    told = json.loads(gzip.decompress(base64.b64decode(batch.encode())))
    assert told["calls"][0]["args"]["parameters"]["PreSharedKey"] == "sesame"
    assert "sesame" not in repr(batch)


@pytest.mark.parametrize(("before", "after"),
                         [(b"", b""), (b"Welcome!\r\n\xff\xfe", b"\r\n#< CLIXML <Objs>"), (b"<<ringfence", b">>>>")])
def test_answers_in_their_order_whatever_stands_around_them(before: bytes, after: bytes) -> None:
    found = READ.decode(framed(reply({"ok": True, "value": {"a": ["ä", None, 1.5]}}, BAD), before, after))
    assert tuple(found.answers.values()) == (
        Answer({"a": ["ä", None, 1.5]}),
        Answer(error=Failure("ResourceExists", "x", "already there", 183)),
    )
    assert found[0] == {"a": ["ä", None, 1.5]}
    with pytest.raises(HostError, match="already there") as caught:
        found[1]
    assert caught.value.kind == "script"
    assert [found.succeeded(label) for label in (0, 1, "never made")] == [True, False, False]


def test_a_verb_that_an_endpoint_does_not_know_is_told_with_the_way_out() -> None:
    unknown = {"ok": False, "error": {"category": "InvalidArgument", "id": "ringfence.verb", "message": "no verb is named 'X'"}}
    found = READ.decode(framed(reply(OK, unknown)))
    with pytest.raises(HostError) as caught:
        found[1]
    assert caught.value.kind == "endpoint"
    assert "ringfence jea export" in FAILURES["endpoint"][1]


def test_who_reads_a_reply_is_told_before_how_much_memory_it_takes() -> None:
    """Characters of two bytes, and of four, take as many times what others do."""
    told: list[int] = []
    for sign in ("a", "\u00ff", "\u0100", "\u4e00", "\U0001f525"):
        batch = Batch({0: Call("Facts.Read")}, run_id="aa", admit=told.append)
        size = 100_000 // len(sign.encode())
        data = json.dumps(reply({"ok": True, "value": sign * size}), ensure_ascii=False).encode()
        assert batch.decode(framed(data))[0] == sign * size
    assert [round(weight / told[0]) for weight in told] == [1, 1, 2, 2, 4]


def test_base64_in_lines_is_joined() -> None:
    flat = framed(reply(OK, OK))
    assert READ.decode(b"\r\n".join(flat[i:i + 20] for i in range(0, len(flat), 20)).replace(b"<<ringfence:", b"\r\n<<ringfence:",
                                                                                           1)
                     if b"<<ringfence:" in flat[:20] else flat).answers == {0: Answer(1), 1: Answer(1)}


def test_a_stopped_batch_has_fewer_answers() -> None:
    assert len(WRITE.decode(framed(reply(BAD))).answers) == 1
    assert len(WRITE.decode(framed(reply(OK, BAD))).answers) == 2
    fails(WRITE, framed(reply(OK)), "protocol", "1 answers to 2 calls")
    fails(READ, framed(reply(BAD)), "protocol", "1 answers to 2 calls")
    fails(READ, framed(reply(OK, OK, OK)), "protocol", "3 answers to 2 calls")
    fails(WRITE, framed(reply()), "protocol", "0 answers to 2 calls")


@pytest.mark.parametrize(("output", "kind", "words"), [
    (b"", "protocol", "no reply in 0 bytes: nothing"), (b"'powershell' is not recognized", "protocol", "is not recognized"),
    (b"\x1b[31mred\x00", "protocol", "no reply in 9 bytes"), (b"<<ringfence:>>", "protocol", "no reply"),
    (b"<<ringfence:AAAA>>", "protocol", "damaged"),
    (b"<<ringfence:A>>", "protocol", "damaged"), (framed(b"not json"), "protocol", "damaged"),
    (framed(b"\xff\xff"), "protocol", "damaged"),
    (framed([]), "protocol", "damaged"), (framed(None), "protocol", "damaged"), (framed({}), "protocol", "damaged"),
    (framed(reply(OK, OK, version=3)), "version", "here 2, there 3"),
    (framed(reply(OK, OK, run="bb")), "protocol", "another run"),
    (framed(reply(1, 2)), "protocol", "damaged"), (framed(reply({"ok": False}, OK)), "protocol", "damaged"),
    (framed(reply({"ok": "yes"}, OK)), "protocol", "damaged"),
    (framed(reply({"ok": False, "error": "x"}, OK)), "protocol", "damaged"),
    (framed(b"[" * 200_000), "too_large", "lists"), (framed(b"[" * 20_000), "protocol", "damaged"),
    (framed(b'{"ringfence": 2, "run": ' + b"9" * 5000 + b"}"), "protocol", "damaged"),
    (framed(reply(OK, OK))[:-30] + b">>", "protocol", "damaged"),
    (b"<<ringfence-fatal:language_mode:ConstrainedLanguage>>", "language_mode", "ConstrainedLanguage"),
    (b"<<ringfence-fatal:version:PowerShell 2.0>>", "version", "PowerShell 2.0"),
    (b"<<ringfence-fatal:nonsense:x>>", "script", "x"), (b"<<ringfence-fatal:version:cut sho", "protocol", "no reply"),
    (framed(reply(OK, OK)).replace(b">>", b"*>>"), "protocol", "damaged"),
    (framed(reply(OK, OK)).replace(b">>", b"====>>"), "protocol", "damaged"),
])
def test_anything_else_is_a_failure_of_that_host(output: bytes, kind: str, words: str) -> None:
    fails(READ, output, kind, words)


@pytest.mark.parametrize("cut", [1, 20, 60, 100])
def test_a_cut_reply(cut: int) -> None:
    whole = framed(reply({"ok": True, "value": "x" * 500 + "".join(map(str, range(200)))}, OK))
    fails(READ, whole[:-cut], "protocol")
    body = base64.b64decode(whole[12:-2])
    fails(READ, b"<<ringfence:" + base64.b64encode(body[:-cut]) + b">>", "protocol", "damaged")


def test_half_characters_are_replaced_before_anything_can_choke_on_them() -> None:
    value = b'["\\ud83d", "\\ud83d\\udee1", "\\\\ud83d", {"\\ud83d": {"a": "\\ud83d"}}]'
    found = READ.decode(
        framed(b'{"ringfence": 2, "run": "aa", "replies": [{"ok": true, "value": ' + value + b'}, {"ok": true}]}')
    )
    assert found[0] == ["?", "🛡", "\\ud83d", {"?": {"a": "?"}}]


def test_what_a_host_says_cannot_steer_a_terminal() -> None:
    with pytest.raises(HostError) as caught:
        READ.decode(b"<<ringfence-fatal:script:\x1b]0;owned\x07\x1b[2Jgone\n\nnext>>")
    assert str(caught.value).isprintable()


def test_a_bomb_is_stopped_at_the_limit() -> None:
    bomb = b"<<ringfence:" + base64.b64encode(zeros(400 * 2**20)) + b">>"
    tracemalloc.start()
    try:
        fails(READ, bomb, "too_large", "more than 1048576 bytes", limit=2**20)
        assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    finally:
        tracemalloc.stop()


def zeros(size: int) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    return b"".join([*(packer.compress(bytes(2**20)) for _ in range(size // 2**20)), packer.flush()])


def test_a_reply_as_large_as_the_limit_is_read() -> None:
    data = json.dumps(reply(OK, OK)).encode()
    assert READ.decode(framed(data), limit=len(data)).answers == {0: Answer(1), 1: Answer(1)}
    fails(READ, framed(data), "too_large", limit=len(data) - 1)


def test_the_script_is_a_constant_of_the_package() -> None:
    assert script() == script()


@by_chance(200)
@given(st.one_of(st.binary(max_size=200), st.binary(max_size=100).map(framed),
                 st.binary(max_size=80).map(lambda b: b"<<ringfence:" + base64.b64encode(b) + b">>"),
                 st.binary(max_size=40).map(lambda b: b"<<ringfence-fatal:" + b + b":" + b + b">>")))
def test_any_bytes_are_a_reply_or_a_host_error(output: bytes) -> None:
    with pytest.raises(HostError) as caught:
        READ.decode(output)
    assert caught.value.kind in FAILURES


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
                        st.sampled_from(["ok", "error", "value", "category", "id", "message", "code", "x"]), inner, max_size=5),
                    max_leaves=12)


@by_chance(200)
@given(JSON, JSON, JSON)
def test_any_json_is_a_reply_or_a_host_error(first: Any, second: Any, whole: Any) -> None:
    for said in (reply(first, second), {**reply(), "replies": first}, whole, reply(first, run=second, version=whole)):
        try:
            found = READ.decode(framed(said))
        except HostError:
            continue
        assert len(found.answers) == 2
