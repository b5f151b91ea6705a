"""Words: what may be said, the one canonical form of it, and what a cmdlet is told."""

import ipaddress
from typing import Any

import pytest
from chance import by_chance
from core import KINDS, cases
from hypothesis import given
from hypothesis import strategies as st

from ringfence.diagnostics import suggest
from ringfence.model.resource import Property
from ringfence.secret import Secret
from ringfence.types.base import CaseInsensitive, as_list, quoted, snake
from ringfence.types.enums import number
from ringfence.types.network import address, icmp_type, platforms, port, protocol
from ringfence.types.text import text

CASES: dict[str, Any] = cases("words")


def table(name: str) -> Property:
    kind, _, property = name.partition(".")
    return KINDS[kind].properties[property]


def as_value(data: Any) -> Any:
    return tuple(data) if isinstance(data, list) else data


VALUES = [pytest.param(name, case, id=f"{name}={case['canonical']}") for name, c in CASES.items() for case in c.get("values", ())]
REFUSED = [pytest.param(name, *case, id=f"{name}={case[0]!r}") for name, c in CASES.items() for case in c.get("refused", ())]


@pytest.mark.parametrize(("name", "case"), VALUES)
def test_every_spelling_has_one_form(name: str, case: dict[str, Any]) -> None:
    word, canonical = table(name).type, as_value(case["canonical"])
    sayable = canonical not in (None, ())  # nothing is said as `any`
    for spelling in (*case.get("same", ()), *([case["canonical"]] if sayable else ())):
        assert word.parse(spelling) == canonical, spelling
    if "argument" in case:
        told = word.to_parameter(word.parse(case["canonical"] if sayable else case["same"][0]))
        assert (told, type(told)) == (case["argument"], type(case["argument"]))


@pytest.mark.parametrize(("name", "value", "reason"), REFUSED)
def test_what_is_wrong_is_refused_with_the_reason(name: str, value: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        table(name).type.parse(value)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_property_has_cases_or_shares_its_word() -> None:
    tested = {id(table(name).type) for name in CASES}
    names = {table(name).type.name for name in CASES}
    for kind in ("firewall_rule", "firewall_profile"):
        for p in KINDS[kind].properties.values():
            assert id(p.type) in tested or p.type.name in names, f"{kind}.{p.name}"


@pytest.mark.parametrize("name", [f"{k}.{p}" for k in ("firewall_rule", "firewall_profile") for p in KINDS[k].properties])
def test_a_secret_is_refused_where_values_are_shown(name: str) -> None:
    with pytest.raises(ValueError, match="secret"):
        table(name).type.parse(Secret("sesame"))


def test_lone_surrogates_are_refused() -> None:
    with pytest.raises(ValueError, match="character pair"):
        table("firewall_rule.description").type.parse("half \ud83d")


def test_caseless_keeps_its_spelling_and_compares_without_it() -> None:
    assert CaseInsensitive("ABC") == "abc"
    assert CaseInsensitive("ABC") != "abd"
    assert hash(CaseInsensitive("ABC")) == hash(CaseInsensitive("abc"))
    assert str(CaseInsensitive("ABC")) == "ABC"
    assert CaseInsensitive("ABC") != 3


def test_messages_stay_on_a_line_and_short() -> None:
    assert len(quoted("x" * 500)) <= 60
    assert "\n" not in quoted("a\nb")
    assert suggest("remote_adress", ["remote_address", "remote_port"], "; ") == "; did you mean remote_address?"
    assert suggest("zebra", ["remote_address"]) == ""
    assert snake("DeferToUser") == "defer_to_user"


V4 = st.integers(0, 2**32 - 1).map(ipaddress.IPv4Address)
V6 = st.integers(0, 2**128 - 1).map(ipaddress.IPv6Address)


@st.composite
def addresses(draw: st.DrawFn) -> tuple[str, int, int]:
    """An address in some spelling, with the first and last address that it means."""
    bits, one = draw(st.sampled_from([(32, V4), (128, V6)]))
    first = draw(one)
    form = draw(st.sampled_from(["single", "range", "length", "mask"]))
    text = draw(st.sampled_from([str(first), first.exploded, str(first).upper()]))
    if form == "single":
        return text, int(first), int(first)
    if form == "range":
        low, high = sorted((first, draw(one)), key=int)
        return f"{low} - {high}", int(low), int(high)
    length = draw(st.integers(0, bits))
    net = ipaddress.ip_network((int(first), length), strict=False) if bits == 32 else ipaddress.IPv6Network((int(first), length),
                                                                                                          strict=False)
    size = str(net.netmask) if form == "mask" and bits == 32 else str(length)
    return f"{text}/{size}", int(net[0]), int(net[-1])


def span(canonical: str) -> tuple[int, int]:
    if "-" in canonical:
        low, high = map(ipaddress.ip_address, canonical.split("-"))
        return int(low), int(high)
    net = ipaddress.ip_network(canonical)
    return int(net[0]), int(net[-1])


@by_chance(200)
@given(addresses())
def test_an_address_keeps_its_meaning_whatever_its_spelling(case: tuple[str, int, int]) -> None:
    text, low, high = case
    canonical = address(text)
    assert address(canonical) == canonical
    assert span(canonical) == (low, high)


@by_chance(100)
@given(st.one_of(st.text(max_size=40), st.from_regex(r"[0-9a-f.:/%-]{0,30}", fullmatch=True)))
def test_any_text_is_canonical_or_refused(text: str) -> None:
    for word in (address, port, icmp_type, protocol):
        try:
            canonical = word(text)
        except ValueError:
            continue
        assert word(canonical) == canonical


@by_chance(100)
@given(st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255), st.booleans()), min_size=1, max_size=4), st.randoms())
def test_platforms_do_not_depend_on_their_order(found: list[tuple[int, int, bool]], random: Any) -> None:
    word, versions = platforms(), [f"{a}.{b}{'+' * plus}" for a, b, plus in found]
    if len({v for v in versions if v.endswith("+")}) > 1:
        with pytest.raises(ValueError, match="only one"):
            word.parse(versions)
        return
    canonical = word.parse(versions)
    random.shuffle(versions)
    assert word.parse(versions) == canonical == word.parse(list(canonical))
    assert not any(v.endswith("+") for v in canonical[:-1])


@pytest.mark.parametrize("other", [[True], ["443", True], [1.0], [[443]], [Secret("443")], {"443": 1}])
def test_what_equals_a_value_that_is_known_is_not_taken_for_it(other: Any) -> None:
    for known in ([1], [443], ["443", 1]):  # remembered from here on
        assert table("firewall_rule.local_port").parse(known)
    with pytest.raises(ValueError, match=r"is not|may not"):
        table("firewall_rule.local_port").parse(other)


def test_a_text_with_commas_is_a_list_without_empty_members() -> None:
    assert as_list(" a, ,b ,, ") == ["a", "b"]
    assert as_list(",") == as_list(None) == []
    assert as_list(0) == [0]


def test_a_number_of_many_digits_is_out_of_range() -> None:
    """Python reads none of so many."""
    with pytest.raises(ValueError, match="is not in 1-9"):
        number(1, 9).parse("9" * 5000)


def test_a_text_is_as_long_as_windows_takes_it() -> None:
    """[MS-FASP] 2.2.37: less than 10,000 characters."""
    assert text().parse("x" * 9999) == "x" * 9999
    with pytest.raises(ValueError, match="9999"):
        text().parse("x" * 10_000)
