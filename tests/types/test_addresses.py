"""Addresses as numbers and texts: what `ipaddress` takes is taken, what it refuses is refused, and every text is its text."""

import ipaddress
import re
from collections.abc import Callable

import pytest
from chance import by_chance
from hypothesis import example, given
from hypothesis import strategies as st

from ringfence.types.addresses import MAX_ADDRESS, address_interval, has_host_mask, interval_text
from ringfence.types.network import address, icmp_type, port

V4 = st.integers(0, 2**32 - 1).map(lambda n: str(ipaddress.IPv4Address(n)))
V6 = st.integers(0, 2**128 - 1).map(lambda n: str(ipaddress.IPv6Address(n)))
WITH_ZEROS = st.lists(st.sampled_from([0, 0, 0, 1, 0xABCD]), min_size=8, max_size=8).map(
    lambda groups: ipaddress.IPv6Address(sum(g << 16 * i for i, g in enumerate(groups))).exploded)
DOTTED = V4 | st.sampled_from(["1.2.3", "01.2.3.4", "1.2.3.256", "1.2.3.4.", "1.2.3.4\n", "١.2.3.4", "1.2.3.4.5"])
GROUPS = st.lists(st.integers(0, 0xFFFF).map("{:x}".format) | st.sampled_from(["0", "", "00", "0000", "00000", "G"]), max_size=9)
SHAPES = st.tuples(GROUPS.map(":".join), st.sampled_from(["", ":", "::"]), GROUPS.map(":".join) | DOTTED).map("".join)
ONE = st.one_of(SHAPES, DOTTED, V6, WITH_ZEROS, st.text("0123456789abcdefABCDEF:.%/- \0٣", max_size=20))
SIZE = st.integers(-1, 130).map(str) | st.sampled_from(["", "064", "0x8", "٣", "255.0.0.0", "0.0.0.255", "8 ", "²"])


def written(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """The text of an address, the same on every Python: to `ipaddress` ::ffff:1.2.3.4 is ::ffff:102:304 up to 3.12 only."""
    if address.version == 6 and address.ipv4_mapped:
        return f"::ffff:{int(address) >> 16 & 0xFFFF:x}:{int(address) & 0xFFFF:x}"
    return str(address)


def as_the_library_says(text: str) -> str:
    """The canonical form by `ipaddress` alone. Raises ValueError."""
    if "%" in text or len(text) > MAX_ADDRESS:
        raise ValueError
    if "-" in text:
        first, last = (ipaddress.ip_address(end.strip()) for end in text.split("-"))
        if first.version != last.version or int(first) > int(last):
            raise ValueError
        nets = [*ipaddress.summarize_address_range(first, last)]
        return _net(nets[0]) if len(nets) == 1 else f"{written(first)}-{written(last)}"
    return _net(ipaddress.ip_network(text, strict=False)) if "/" in text else written(ipaddress.ip_address(text))


def _net(net: ipaddress.IPv4Network | ipaddress.IPv6Network) -> str:
    if not net.prefixlen:
        return f"{written(net[0])}-{written(net[-1])}"
    return f"{written(net[0])}/{net.prefixlen}".removesuffix(f"/{net.max_prefixlen}")


@by_chance(1000)
@given(st.one_of(ONE, st.tuples(ONE, ONE).map("-".join), st.tuples(ONE, SIZE).map("/".join)))
@example("::ffff:1.2.3.4")
@example("::1.2.3.4/104")
@example("1:2:3:4:5:6:7::")
@example("::1:2:3:4:5:6:7:8")
@example("::/0")
@example("1.2.3.4-::1:2")
@example("fe80::1%eth0")
@example("1::" + "0" * 100)
@example("::1" + " " * 100 + "-::2")
def test_the_two_agree(text: str) -> None:
    base, slash, size = text.partition("/")
    if slash and ":" not in base and size.startswith("0") and size[1:].isdigit():
        return  # 10.0.0.0/08: ipaddress reads it, ringfence never did
    try:
        wanted = as_the_library_says(text)
    except ValueError:
        with pytest.raises(ValueError, match=r"."):
            address(text)
        return
    assert address(text) == wanted
    first, last, said = address_interval(text)
    assert said in ("", wanted)
    assert interval_text(first, last) == wanted
    assert (first >> 128, last >> 128) == ((1, 1) if ":" in wanted else (0, 0))


@pytest.mark.parametrize(("parse", "ends", "canonical"), [(address, ("::1", "::7"), "::1-::7"), (port, ("80", "90"), "80-90")])
def test_spaces_are_part_of_the_length(parse: Callable[[str], str], ends: tuple[str, str], canonical: str) -> None:
    first, last = ends
    longest = f"{first} -{last.rjust(MAX_ADDRESS - len(first) - 2)}"
    assert (len(longest), parse(longest)) == (MAX_ADDRESS, canonical)
    for longer in (longest.replace("-", " -"), longest.replace("-", " " * 1000 + "-")):
        with pytest.raises(ValueError, match="is not a") as raised:
            parse(longer)
        assert len(str(raised.value)) < 200  # whatever was said, it is told in short


@pytest.mark.parametrize(("text", "is_one"), [
    ("10.0.0.0/0.0.0.255", True), ("10.0.0.1/0.255.255.255", True), ("10.0.0.0/255.255.255.0", False), ("10.0.0.0/24", False),
    ("10.0.0.0/0.0.0.0", False), ("10.0.0.1/255.255.255.255", False), ("10.0.0.0/0.255.0.255", False), ("10.0.0.1", False),
    ("fe80::/0.0.0.255.1", False)])
def test_which_masks_windows_does_not_take(text: str, is_one: bool) -> None:
    """Those that routers have. 0.0.0.0 is the mask of all, and 255.255.255.255 that of one address, as Windows reads them."""
    assert has_host_mask(text) is is_one


@pytest.mark.parametrize(("text", "reason"), [("90-80", "90-80 is not a port .* with the smaller end first"),
                                              ("0", "with the smaller end first"), ("65536", "with the smaller end first"),
                                              ("x", r"'x' is not a port \(1-65535\) or a range like 80-90$")])
def test_why_a_text_is_no_port(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        port(text)


@pytest.mark.parametrize(("parse", "text", "ends"), [
    (address, "10.0.0.*", "or a subnet a/length; say 10.0.0.0/24"), (address, "10.0.0", "or a subnet a/length"),
    (icmp_type, "ping", "or type:code; say 8 with icmpv4, 128 with icmpv6"), (icmp_type, "x", "or type:code")])
def test_a_way_out_is_told_once_where_there_is_one(parse: Callable[[str], str], text: str, ends: str) -> None:
    with pytest.raises(ValueError, match=f"{re.escape(ends)}$"):
        parse(text)
