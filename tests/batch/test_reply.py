"""What a host may make of this machine's memory and time by what it answers. Each reply is bounded by what it becomes."""

import base64
import gzip
import json
import threading
import tracemalloc
from functools import partial

import pytest
from batches import batch_of
from hostile_replies import REPLIES, context, framed, honest, job, largest, planned

from ringfence.batch import MAX_REPLY, Batch, Call
from ringfence.errors import HostError
from ringfence.run import fleet
from ringfence.run.host import plan_host
from ringfence.run.reply_memory import MemoryShare, ReplyMemory

LIMIT = 2**20  # a 24th of what is allowed: memory and time go with it
REMEMBERED = 5e6  # what the process knows afterwards goes with what is new to it


def failure(data: bytes, limit: int = LIMIT) -> HostError:
    with pytest.raises(HostError) as caught:
        Batch({}, run_id="x").decode(b"<<ringfence:" + base64.b64encode(gzip.compress(data)) + b">>", limit)
    return caught.value


@pytest.mark.parametrize("name", REPLIES)
def test_the_memory_that_a_reply_takes_follows_from_its_limit(name: str) -> None:
    """200 MB for a host with the limit that is set unless somebody sets another; a 24th of that here, with all that is made."""
    output = largest(REPLIES[name], LIMIT)
    planned(b"")
    tracemalloc.start()
    try:
        result = planned(output, LIMIT)
        assert tracemalloc.get_traced_memory()[1] < 200e6 * LIMIT / MAX_REPLY + REMEMBERED
    finally:
        tracemalloc.stop()
    assert result.error is None or (isinstance(result.error, HostError) and result.error.kind == "too_large"), result.error


def test_a_host_of_50_000_rules_is_read() -> None:
    reply = batch_of(Call("Policy.Read"), run_id="x").decode(framed("x", honest(50_000).values()))
    assert len(reply[0]["local"][0][1]) == 50_000


@pytest.mark.parametrize("size", [1, 2**16, 2**20 - 200, 2**20, 2**20 + 2**16, 3 * 2**20])
def test_short_and_long_replies_are_read_alike(size: int) -> None:
    """Short ones are kept while they are weighed, long ones inflated again."""
    text = "".join(chr(33 + i * i % 90) for i in range(size)).replace("\\", "/")
    assert batch_of(Call("Facts.Read"), run_id="x").decode(framed("x", ({"text": text},)))[0] == {"text": text}


@pytest.mark.parametrize(("data", "words"), [
    (b"[]," * 3000, "more than 2621 lists"), (b"{}," * 6000, "more than 5242 objects"),
    (b"1," * 60_000, "more than 52428 members"), (b"RA4=1|" * 60_000, "more than 52428 members"),
    (b'"a":1,' * 30_000, "more than 52428 members"), (b"x" * (LIMIT + 1), "more than 1048576 bytes"),
    (("a" * 600_000 + "😀").encode(), "more than 524288 bytes with characters that take 4 bytes each"),
    (b"a" * 600_000 + rb"\ud83d\ude00", "more than 524288 bytes with characters that take 4 bytes each"),
    *((b"a" * (9 * 2**16 - n) + rb"\ud83d" + b"a" * 100, "characters that take 4 bytes each") for n in range(7)),  # across pieces
])
def test_more_than_is_allowed_is_not_read(data: bytes, words: str) -> None:
    error = failure(data)
    assert (error.kind, words in error.detail) == ("too_large", True), error


def test_much_from_little_is_not_read() -> None:
    error = failure(b" " * 8 * 2**20, limit=MAX_REPLY)
    assert error.kind == "too_large"
    assert "that become more than 400 times as many" in error.detail


@pytest.mark.parametrize("value", ["[" * 40 + "]" * 40, '{"a":' * 40 + "1" + "}" * 40, "[" * 2000, "NaN", "-Infinity",
                                   "1" * 5000])
def test_what_would_hurt_further_on_is_damage(value: str) -> None:
    error = failure(b'{"ringfence": 2, "run": "x", "replies": [], "more": ' + value.encode() + b"}")
    assert (error.kind, "damaged reply" in error.detail) == ("protocol", True), error


def test_the_deepest_that_is_read() -> None:
    value = json.loads("[" * 28 + "]" * 28)  # around it: the document, its replies, one of them
    assert batch_of(Call("Facts.Read"), run_id="x").decode(framed("x", (value,)))[0] == value


def test_what_is_searched_for_is_found_in_linear_time_by_construction() -> None:
    """Nothing is matched: two searches from the end, one from there on. A MB of beginnings, of ends, of both."""
    for noise in (b"<<ringfence-fatal:a:", b"<<ringfence:", b">>", b"<<ringfence:>>", b"<<ringfence-fatal:script:>"):
        with pytest.raises(HostError):
            Batch({}, run_id="x").decode(noise * (10**6 // len(noise)))


def test_large_replies_wait_for_each_other_and_small_ones_for_nobody() -> None:
    memory = ReplyMemory(100_000_000)
    first, second, small = (MemoryShare(memory) for _ in range(3))
    first.take(60_000_000)
    first.take(60_000_000)  # it has some already: it may be what another waits for
    got = threading.Event()

    def wait() -> None:
        second.take(60_000_000)
        got.set()

    threading.Thread(target=wait, daemon=True).start()
    small.take(1_000_000)
    assert not got.wait(0.05)
    with first:
        pass
    assert got.wait(10)
    with second, small:
        assert memory.used == 60_000_000
    assert memory.used == 0


def test_nobody_overtakes_the_one_that_waits() -> None:
    """Else a host larger than the others would come last whenever others are large enough to wait."""
    memory, order = ReplyMemory(100_000_000), list[str]()
    first, large, small = (MemoryShare(memory) for _ in range(3))
    first.take(30_000_000)

    def wait(name: str, share: MemoryShare, size: int) -> threading.Thread:
        def work() -> None:
            with share:
                share.take(size)
                order.append(name)
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        while share not in memory.queue:
            pass
        return thread

    threads = [wait("large", large, 90_000_000), wait("small", small, 20_000_000)]
    with first:
        pass
    for thread in threads:
        thread.join(10)
    assert order == ["large", "small"]
    assert memory.used == 0


def test_a_reply_larger_than_all_the_room_is_read_alone() -> None:
    with MemoryShare(ReplyMemory(1000)) as share:
        share.take(2_000_000_000)


def test_a_fleet_of_hostile_hosts_comes_to_its_end() -> None:
    """Room for one of them at a time: each gets its turn, and nothing stays taken."""
    memory = ReplyMemory(1_000_000)
    outputs = {name: largest(make, LIMIT) for name, make in REPLIES.items()}
    run = context(outputs, memory, LIMIT)
    results = list(fleet.run_all(map(job, outputs), partial(plan_host, context=run), 20))
    assert len(results) == len(REPLIES)
    assert {r.status for r in results} == {"in_sync"}
    assert memory.used == 0
