"""Sets of addresses, ports and ICMP types: equal sets have one form, whatever they are said as, read as, or in which order."""

import ipaddress
from collections.abc import Iterable
from random import Random

import pytest
from chance import by_chance
from core import KINDS, RULE, rule
from hypothesis import given
from hypothesis import strategies as st

from ringfence.codecs.tokens import TokenSet
from ringfence.types.addresses import address_interval
from ringfence.types.base import KeptPiece
from ringfence.types.network import address, port
from ringfence.types.network_sets import address_set, icmp_set, interval, natural_addresses, port_set, single_ports

NEAR = st.integers(0, 24)  # few numbers, so that members touch and overlap; and the ends of what there is
PORT = st.one_of(NEAR, st.integers(65500, 65535))


def ranges(numbers: st.SearchStrategy[int]) -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(numbers, numbers).map(lambda ends: (min(ends), max(ends)))


PORT_MEMBER = st.one_of(PORT.filter(bool).map(str), ranges(PORT).filter(lambda r: r[1] > 0).map(lambda r: f"{r[0]}-{r[1]}"))
PORTS = st.lists(PORT_MEMBER, min_size=1, max_size=8)


def ports_of(members: Iterable[str]) -> list[tuple[int, int, int]]:
    return covered((0, int(first), int(last or first)) for first, _, last in (m.partition("-") for m in members))


@by_chance(200)
@given(PORTS, st.randoms())
def test_ports_are_a_set(said: list[str], random: Random) -> None:
    members = list(map(port, said))
    for form in (port_set, single_ports):
        canonical = form(members)
        assert ports_of(canonical) == ports_of(members)
        assert form(canonical) == canonical
        random.shuffle(members)
        assert form(members) == canonical
        assert [int(m.partition("-")[0]) for m in canonical] == sorted(int(m.partition("-")[0]) for m in canonical)


@by_chance(200)
@given(PORTS, PORTS)
def test_equal_sets_of_ports_have_one_form(one: list[str], other: list[str]) -> None:
    wanted = ports_of(map(port, one)) == ports_of(map(port, other))
    assert (port_set(map(port, one)) == port_set(map(port, other))) is wanted
    singles = [str(n) for _, first, last in ports_of(map(port, one)) for n in range(first, last + 1)]
    if "0" not in singles and len(singles) < 100:
        assert port_set(singles) == port_set(map(port, one))


def test_where_ranges_are_another_thing_single_ports_stay() -> None:
    assert single_ports(["82", "80", "81"]) == ("80", "81", "82")
    assert single_ports(["82", "80-81", "81"]) == ("80-81", "82")
    assert port_set(["82", "80-81", "RPC", KeptPiece("LPort=0")]) == ("RPC", "80-82", "LPort=0")


@st.composite
def address_members(draw: st.DrawFn) -> tuple[str, int, int, int]:
    """A member in some spelling, its version of IP, and the first and last address that it means."""
    version = draw(st.sampled_from([4, 6]))
    make = ipaddress.IPv4Address if version == 4 else ipaddress.IPv6Address
    bits = 32 if version == 4 else 128
    base = draw(st.sampled_from([0, 10 << (bits - 8), 2**bits - 32]))
    first, last = (base + n for n in draw(ranges(NEAR)))
    form = draw(st.sampled_from(["single", "range", "length", "mask", "host mask"]))
    if form == "single":
        return str(make(first)), version, first, first
    if form == "range":
        return f"{make(first)} - {make(last)}", version, first, last
    length = draw(st.sampled_from([bits, bits - 1, bits - 2, bits - 3, 8, 1]))
    low = first >> (bits - length) << (bits - length)
    high = low + 2 ** (bits - length) - 1
    mask = {"mask": make(2**bits - 2 ** (bits - length)), "host mask": make(2 ** (bits - length) - 1)}
    # a host mask of a single address, 0.0.0.0, is the mask of everything
    size = str(mask[form]) if form in mask and version == 4 and length < bits else str(length)
    return f"{make(first)}/{size}", version, low, high


ADDRESSES = st.lists(address_members(), min_size=1, max_size=6)


def covered(members: Iterable[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """The same as whole intervals, made in the plainest way there is."""
    found: list[tuple[int, int, int]] = []
    for version, first, last in sorted(members):
        if found and found[-1][0] == version and first <= found[-1][2] + 1:
            found[-1] = version, found[-1][1], max(last, found[-1][2])
        else:
            found.append((version, first, last))
    return found


@by_chance(200)
@given(ADDRESSES, st.randoms())
def test_addresses_are_a_set(said: list[tuple[str, int, int, int]], random: Random) -> None:
    members = [address(text) for text, *_ in said]
    canonical = address_set(members)
    found = [(6 if ":" in m else 4, *(n & 2**128 - 1 for n in interval(m)[:2])) for m in canonical]
    assert found == covered(m[1:] for m in said)  # and so in natural order
    assert address_set(canonical) == canonical
    assert tuple(map(address, canonical)) == canonical
    random.shuffle(members)
    assert address_set(members) == canonical == address_set(address_interval(text) for text, *_ in said)
    assert not any(m.endswith("/0") for m in canonical)


@by_chance(200)
@given(ADDRESSES)
def test_what_is_said_is_what_is_read_of_each_form_that_windows_stores(said: list[tuple[str, int, int, int]]) -> None:
    texts = [t for t, *_ in said if not t.startswith(("0.0.0.0", "::"))] or ["10.0.0.1"]
    declared = rule(remote_address=[t for t in texts if not t.endswith(("/0", "/0.0.0.0"))] or "10.0.0.1")
    wanted = declared.values()["remote_address"]
    single = [f"RA{'6' if ':' in m else '4'}={m}" for m in wanted]
    for pieces in (single, single[::-1], single * 2, RULE.write_string(declared).split("|")):
        found = RULE.read_string("r", "|".join(["v2.31", *[p for p in pieces if p.startswith("RA")], ""]))
        assert found.values()["remote_address"] == wanted


@by_chance(200)
@given(st.lists(st.tuples(st.integers(0, 9), st.none() | st.integers(0, 12)), min_size=1, max_size=8), st.randoms())
def test_icmp_types_are_a_set(types: list[tuple[int, int | None]], random: Random) -> None:
    said = [str(t) if c is None else f"{t}:{c}" for t, c in types]
    canonical = icmp_set(said)
    assert icmp_set(canonical) == canonical
    random.shuffle(said)
    assert icmp_set(said) == canonical

    def meant(members: Iterable[str]) -> set[tuple[int, int]]:
        pairs = (m.partition(":") for m in members)
        return {(int(t), n) for t, _, c in pairs for n in ([int(c)] if c else range(256))}

    assert meant(canonical) == meant(said)
    assert [[*map(int, m.split(":"))] for m in canonical] == sorted([*map(int, m.split(":"))] for m in canonical)


def test_ends_of_tunnels_are_no_range() -> None:
    ends = ["10.0.0.10", "fe80::1", "10.0.0.2", "10.0.0.1"]
    assert natural_addresses(ends) == ("10.0.0.1", "10.0.0.2", "10.0.0.10", "fe80::1")
    intervals = map(address_interval, [*ends, "10.0.0.2/32", "10.0.0.9/30"])
    assert natural_addresses([*intervals, KeptPiece("RTunEndpts4=x")]) == (
        "10.0.0.1", "10.0.0.2", "10.0.0.8/30", "10.0.0.10", "fe80::1", "RTunEndpts4=x")


@pytest.mark.parametrize("property", ["local_address", "remote_address", "local_port", "remote_port"])
def test_words_and_codecs_have_the_same_form(property: str) -> None:
    """What is declared and what is found would differ for ever."""
    for name in ("firewall_rule", "ipsec_rule"):
        p = KINDS[name].properties[property]
        assert isinstance(p.codec, TokenSet)
        members = ["10.0.0.0/25", "10.0.0.200", "10.0.0.128/25"] if "address" in property else ["80", "81", "9-12", "100"]
        assert p.type.parse(members) == p.codec.canonical(members)
