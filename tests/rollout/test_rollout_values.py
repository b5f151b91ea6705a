"""Waves, windows and checks as they are said, and what they mean."""

import re
from datetime import datetime
from random import Random
from typing import Any

import pytest
from core import cases
from hypothesis import given
from hypothesis import strategies as st

from ringfence.rollout.maintenance_window import DAYS, MaintenanceWindow, parse_window
from ringfence.rollout.rollout_policy import RolloutPolicy, rollout_policy
from ringfence.rollout.wave_checks import parse_check
from ringfence.rollout.waves import ORDERS, WaveSize, in_order, parse_apart, parse_wave_size, waves

CASES = cases("rollout")


@pytest.mark.parametrize("case", CASES["waves"], ids=str)
def test_waves(case: dict[str, Any]) -> None:
    hosts = [f"h{n}" for n in range(1, case["hosts"] + 1)]
    found = waves(hosts, [parse_wave_size(s) for s in case["sizes"]], case.get("apart", {}))
    assert [[int(host[1:]) for host in wave] for wave in found] == case["waves"]


@given(st.integers(0, 60), st.lists(st.one_of(st.integers(1, 20).map(WaveSize), st.integers(1, 100).map(
    lambda n: WaveSize(n, percent=True))), max_size=4), st.integers(0, 2**32))
def test_every_host_is_in_one_wave_and_apart_from_what_it_has_to_be(number: int, sizes: list[WaveSize], seed: int) -> None:
    rng = Random(seed)
    hosts = [f"h{n}" for n in range(number)]
    apart = {host: frozenset(rng.sample("abcdef", rng.choice((0, 0, 1, 2)))) for host in hosts}
    found = waves(hosts, sizes, apart)
    assert sorted(host for wave in found for host in wave) == sorted(hosts)
    assert all(found)
    for place, wave in enumerate(found):
        assert len(wave) <= (sizes[min(place, len(sizes) - 1)].of(number) if sizes else number)
        keys = [key for host in wave for key in apart[host]]
        assert len(keys) == len(set(keys))


def test_waves_of_many_hosts_take_no_time_that_grows_with_their_square() -> None:
    hosts = [f"h{n}" for n in range(20_000)]
    assert len(waves(hosts, [WaveSize(1)], dict.fromkeys(hosts, ("one",)))) == 20_000
    assert len(waves(hosts, [WaveSize(50, percent=True)], {})) == 2


@pytest.mark.parametrize("case", CASES["sizes"], ids=str)
def test_sizes(case: dict[str, Any]) -> None:
    if "means" in case:
        assert str(parse_wave_size(case["said"])) == case["means"]
        return
    with pytest.raises(ValueError, match="neither a number of hosts nor a percentage"):
        parse_wave_size(case["said"])


@pytest.mark.parametrize("case", CASES["windows"], ids=str)
def test_windows(case: dict[str, Any]) -> None:
    if "means" not in case:
        with pytest.raises(ValueError, match="is no window"):
            parse_window(case["said"])
        return
    window = parse_window(case["said"])
    assert str(window) == case["means"]
    assert [at for at in case["holds"] if not window.holds(datetime.fromisoformat(at))] == []
    assert [at for at in case["not"] if window.holds(datetime.fromisoformat(at))] == []


def test_how_long_a_window_may_be_said() -> None:
    days = ",".join(["Mon"] * 22)
    assert str(parse_window(f"{days} 22:00 -04:00")) == "Mon 22:00-04:00"  # 100 characters
    with pytest.raises(ValueError, match="is no window"):
        parse_window(f"{days} 22:00 - 04:00")


@given(st.sets(st.integers(0, 6), min_size=1), st.integers(0, 1439), st.integers(0, 1440))
def test_a_window_is_read_as_it_is_written(days: set[int], begin: int, end: int) -> None:
    if begin != end:
        window = MaintenanceWindow(frozenset(days), begin, end)
        assert parse_window(str(window)) == window
        week = (datetime(2026, 11, 23 + n // 1440, n % 1440 // 60, n % 60) for n in range(0, 7 * 1440, 10))
        open_minutes = sum(window.holds(at) for at in week)
        length = (end - begin) % 1440 or 1440
        assert abs(open_minutes * 10 - length * len(days)) <= 10 * len(DAYS) * 2


@pytest.mark.parametrize("case", CASES["checks"], ids=str)
def test_checks(case: dict[str, Any]) -> None:
    if "why" in case:
        with pytest.raises(ValueError, match=re.escape(case["why"])) as told:
            parse_check(case["said"])
        assert "S3" not in str(told.value)
        return
    check = parse_check(case["said"])
    assert parse_check(check.data) == check
    assert ("status" in check.data) == (check.kind == "http")
    assert str(check) == case["means"]
    assert {name: getattr(check, name) for name in ("timeout", "within", "address", "port") if name in case} == {
        name: case[name] for name in ("timeout", "within", "address", "port") if name in case}


def test_how_long_a_check_may_be() -> None:
    """2,000 characters of one word, 100 words."""
    url, words = "http://x/" + "a" * 1991, ["a" * 2000, *["b"] * 99]
    assert (parse_check({"http": url}).target, parse_check({"command": words}).words) == (url, tuple(words))
    for said in {"http": url + "a"}, {"command": [*words, "b"]}, {"command": ["a" * 2001]}:
        with pytest.raises(ValueError, match=" takes "):
            parse_check(said)


def test_how_long_a_check_may_be_tried() -> None:
    """A day; 599 is the highest status of HTTP."""
    assert parse_check({"connect": 443, "within": 86_400}).within == 86_400
    assert f"{parse_check({'http': 'http://x', 'status': 599}).status}" == "599"
    with pytest.raises(ValueError, match="up to 86400"):
        parse_check({"connect": 443, "within": 86_401})


@pytest.mark.parametrize("case", CASES["apart"], ids=str)
def test_apart(case: dict[str, Any]) -> None:
    if "group" in case:
        found = parse_apart(case["said"])
        assert (found.group, found.by, str(found)) == (case["group"], case["by"], " ".join(case["said"].split()))
        return
    with pytest.raises(ValueError, match="neither a group"):
        parse_apart(case["said"])


@pytest.mark.parametrize(("by", "facts", "known"), [
    ("site", {}, True), ("other_facts.os", {}, True), ("ansible_facts.os.product", {"os": {"product": "server"}}, True),
    ("ringfence_facts.os.product", {"os": {"product": None}}, True), ("ringfence_facts.os.product", {"os": {}}, False),
    ("ansible_facts.os.product", {}, False), ("ansible_facts.os.product", {"os": "product"}, False),
    ("ansible_facts.os.product", {"os": None}, False)])
def test_whether_a_host_has_told_what_it_is_apart_by(by: str, facts: dict[str, Any], known: bool) -> None:
    """A fact that is null is told; a variable is there without any."""
    assert parse_apart(f"all by {by}").is_known_to(facts) is known


def test_how_long_a_group_that_is_apart_may_be_called() -> None:
    assert parse_apart("g" * 200).group == "g" * 200
    with pytest.raises(ValueError, match="neither a group"):
        parse_apart("g" * 201)


def test_order() -> None:
    hosts = ["b", "a", "c"]
    found = {order: in_order(hosts, order, "seed") for order in ORDERS}
    assert found["inventory"] == hosts
    assert found["reverse_inventory"] == ["c", "a", "b"]
    assert (found["sorted"], found["reverse_sorted"]) == (["a", "b", "c"], ["c", "b", "a"])
    assert sorted(found["shuffle"]) == ["a", "b", "c"]
    many = [str(n) for n in range(50)]
    assert in_order(many, "shuffle", "x") == in_order(many, "shuffle", "x") != in_order(many, "shuffle", "y")


def test_what_is_empty_is_as_by_default() -> None:
    assert rollout_policy({"serial": [], "order": "", "pause": None}) == RolloutPolicy()
    assert [rollout_policy({"max_fail_percentage": p}).percentage for p in (0.0, 50.0, None)] == [0.0, 50.0, None]
    assert rollout_policy({"serial": [WaveSize(2)], "pause": 5}) == RolloutPolicy((WaveSize(2),), pause=5)
    assert hash(rollout_policy({"serial": [WaveSize(2)]}))  # hosts that share one are counted by it
    assert (RolloutPolicy().percentage, RolloutPolicy().pause) == (None, 0)
    assert rollout_policy({"any_errors_fatal": True, "max_fail_percentage": 50.0}).percentage == 0.0
