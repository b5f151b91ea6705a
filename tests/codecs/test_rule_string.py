"""Codecs by themselves: what they own, what they leave over, what they write."""

from typing import Any

import pytest
from chance import by_chance
from hypothesis import given
from hypothesis import strategies as st

from ringfence.codecs.nested import Nested
from ringfence.codecs.registry import RegistryValue
from ringfence.codecs.rule_string import RuleStringCodec
from ringfence.codecs.tokens import Platform, ProtocolAndIcmp, Text, TextOrBase64, TokenSet, TruthTable, split
from ringfence.types import sddl
from ringfence.types.base import CaseInsensitive, KeptPiece
from ringfence.types.network import PROTOCOLS, icmp_type, port, protocol

SECURITY = TruthTable(
    {("none", False): "", ("plain", False): "Sec=A", ("plain", True): "Sec=A|More=X"}, same_as_absent="More=Off"
)
PORTS = TokenSet("LPort|LPort2_10", port, lambda v: "LPort2_10" if "-" in v else "LPort",
             {"RPC": "LPort=RPC", "Both": "LPort=a|LPort=b"},
             read_only={"LPort=c": "Both"}, commas=True)


@pytest.mark.parametrize(("pieces", "values", "left"), [
    ("", ("none", False), ""), ("Sec=A", ("plain", False), ""), ("sec=a|MORE=x", ("plain", True), ""),
    ("More=X|Sec=A", ("plain", True), ""), ("Sec=A|More=Y", ("plain", False), "More=Y"), ("More=X", ("none", False), "More=X"),
    ("Sec=B", ("none", False), "Sec=B"), ("More=off|Sec=A", ("plain", False), ""),
])
def test_rows_take_the_richest_row_and_leave_the_rest(pieces: str, values: tuple[Any, ...], left: str) -> None:
    assert SECURITY.read(split(pieces)) == (values, split(left))


def test_rows_write_their_row_and_nothing_for_what_was_not_understood() -> None:
    assert list(SECURITY.write("plain", True)) == ["Sec=A", "More=X"]
    assert list(SECURITY.write(None, None)) == []


def test_rows_without_an_empty_row_say_that_they_do_not_know() -> None:
    assert TruthTable({True: "Active=TRUE"}).read(("Active=perhaps",)) == ((None,), ("Active=perhaps",))


@pytest.mark.parametrize(("pieces", "values"), [
    ("LPort=80|LPort=443", ("443", "80")), ("lport=80,443", ("443", "80")), ("LPort=RPC", ("RPC",)),
    ("LPort=a|LPort=b", ("Both",)),
    ("LPort=c", ("Both",)), ("LPort=a", ("LPort=a",)), ("LPort=1-2", ("1-2",)),
    ("LPort=80|LPort=nonsense", ("80", "LPort=nonsense")),
])
def test_each_reads_sets(pieces: str, values: tuple[str, ...]) -> None:
    assert PORTS.read(split(pieces)) == ((values,), ())


def test_each_sends_members_to_their_tokens() -> None:
    assert list(PORTS.write(("1-2", "80", "Both", "LPort=odd"))) == ["LPort2_10=1-2", "LPort=80", "LPort=a", "LPort=b",
                                                                     "LPort=odd"]
    assert list(PORTS.write(())) == []


def test_text_keeps_what_its_word_refuses() -> None:
    codec = Text("RMauth", sddl.canonical)
    assert codec.read(("RMauth=rubbish",)) == ((None,), ("RMauth=rubbish",))
    assert codec.read(("RMauth=O:LSD:(A;;CC;;;AU)",)) == (("D:(A;;CC;;;S-1-5-11)",), ())
    assert codec.read(("RMauth=",)) == codec.read(("RMauth=", "rmauth=")) == ((None,), ())
    assert codec.read(("RMauth=", "RMauth=D:(A;;CC;;;AU)")) == (("D:(A;;CC;;;S-1-5-11)",), ())
    assert Text("T").read(("T=a=",)) == (("a=",), ())


@pytest.mark.parametrize("pieces", ["T64=%%%", "T64=RA==", "T=rubbish", "T64=//8=", "T64=é"])
def test_encoded_keeps_what_it_cannot_read(pieces: str) -> None:
    assert TextOrBase64("T", "T64", sddl.canonical).read(split(pieces)) == ((None,), split(pieces))


def test_encoded_said_twice_is_not_understood() -> None:
    """Which of the two counts for Windows is not known: none is taken for the meaning."""
    both = ("T=D:(A;;CC;;;AU)", "T=D:(A;;CC;;;WD)")
    assert TextOrBase64("T", "T64", sddl.canonical).read(both) == ((None,), both)


@pytest.mark.parametrize(("pieces", "values", "left"), [
    ("Protocol=6", ("tcp", ()), ""), ("Protocol=1|ICMP4=8:*|ICMP4=3:4", ("icmpv4", ("3:4", "8")), ""),
    ("Protocol=1|ICMP6=8:*", ("icmpv4", ()), "ICMP6=8:*"), ("ICMP4=8:*", ("any", ()), "ICMP4=8:*"),
    ("Protocol=1|ICMP4=x", (None, ()), "Protocol=1|ICMP4=x"), ("Protocol=", (None, ()), "Protocol="),
    ("Protocol=6|Protocol=17", (None, ()), "Protocol=6|Protocol=17"), ("Protocol=300", (None, ()), "Protocol=300"),
])
def test_protocol_and_icmp(pieces: str, values: tuple[Any, ...], left: str) -> None:
    assert ProtocolAndIcmp(protocol, icmp_type, PROTOCOLS).read(split(pieces)) == (values, split(left))


@pytest.mark.parametrize(("pieces", "values", "left"), [
    ("Platform=2:6:2", ("6.2",), ""), ("Platform=2:6:2|Platform2=GTEQ", ("6.2+",), ""),
    ("platform=2:6:1|PLATFORM=2:10:0|platform2=gteq", ("6.1", "10.0+"), ""), ("Platform2=GTEQ", (), "Platform2=GTEQ"),
    ("Platform=2:6:2|Platform2=LTEQ", (), "Platform=2:6:2|Platform2=LTEQ"), ("Platform=2:6", (), "Platform=2:6"),
    ("Platform=2:6:2|Platform=1:4:0", (), "Platform=2:6:2|Platform=1:4:0"), ("Platform=2:6:999", (), "Platform=2:6:999"),
])
def test_platform(pieces: str, values: tuple[str, ...], left: str) -> None:
    assert Platform().read(split(pieces)) == ((values,), split(left))


def table() -> RuleStringCodec:
    return RuleStringCodec({"name": (Text("Name"), None), "path": (Text("App", CaseInsensitive), None), "ports": (PORTS, ())},
                 "LPort LPort2_10 App Name")


def test_a_table_writes_in_windows_order_and_unknown_pieces_last() -> None:
    values, extra = table().read("v2.31|Zebra=1|Name=n|LPort=80|App=C:\\a|Ant=2|")
    assert (values, extra) == ({"name": "n", "path": "C:\\a", "ports": ("80",)}, ("Ant=2", "Zebra=1"))
    assert table().write(values, extra, "v2.9") == "v2.9|LPort=80|App=C:\\a|Name=n|Ant=2|Zebra=1|"


def test_a_text_said_twice_is_kept_twice() -> None:
    for string in ("v2.0|Name=a|Name=b|", "v2.0|Name=a|name=b|", "v2.0|NAME=a|Name=b|"):
        values, extra = table().read(string)
        assert values["name"] == "a"
        assert [e.lower() for e in extra] == ["name=b"]


@pytest.mark.parametrize("string", ["", "|", "||||", "=", "|=|", "v2.31", "rubbish", "v2.31|" + "|" * 10_000, "LPort=80|Name=n|"])
def test_odd_strings_are_read(string: str) -> None:
    values, extra = table().read(string)
    assert table().read(table().write(values, extra, "v2.31")) == (values, extra)


SWITCH = RegistryValue("EnableFirewall", {True: 1, False: 0})


@pytest.mark.parametrize(
    ("codec", "data", "value"),
    [
        (SWITCH, 1, True),
        (SWITCH, 0, False),
        (SWITCH, "1", True),
        (SWITCH, 2, "EnableFirewall=2"),
        (SWITCH, None, "EnableFirewall=None"),
        (RegistryValue("Size", parse=int), 4096, 4096),
        (RegistryValue("Size", parse=int), "x", "Size=x"),
        (RegistryValue("Size", parse=int), [1], "Size=[1]"),
        (RegistryValue("Size", parse=int), float("inf"), "Size=inf"),
        (RegistryValue("Path", parse=CaseInsensitive), "C:\\A", "c:\\a"),
        (RegistryValue("Any"), 3, 3),
    ],
)
def test_values_of_keys(codec: RegistryValue, data: Any, value: Any) -> None:
    assert codec.read(data) == value
    if not isinstance(value, str) and not isinstance(data, str):
        assert codec.write(value) == data


@pytest.mark.parametrize(("codec", "type", "data", "value"), [
    (SWITCH, "DWord", 0, False), (SWITCH, "String", "0", "EnableFirewall=0 (String)"),
    (SWITCH, "QWord", 0, "EnableFirewall=0 (QWord)"),
    (SWITCH, "Binary", "AAAAAA==", "EnableFirewall=AAAAAA== (Binary)"), (SWITCH, "None", None, "EnableFirewall=None (None)"),
    (RegistryValue("Size", parse=int), "String", "4096", "Size=4096 (String)"),
    (RegistryValue("Path", type="String"), "String", "C:\\a", "C:\\a"),
    (RegistryValue("Path", type="String"), "ExpandString", "C:\\a", "C:\\a"),
    (RegistryValue("Path", type="String"), "MultiString", ["C:\\a"], "Path=['C:\\\\a'] (MultiString)")])
def test_a_value_of_another_type_is_not_understood(codec: RegistryValue, type: str, data: Any, value: Any) -> None:
    assert codec.read(data, type) == value
    assert isinstance(codec.read(data, type), KeptPiece) == str(value).startswith(f"{codec.name}=")


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
                    max_leaves=5)


@by_chance(100)
@given(JSON)
def test_no_value_of_a_damaged_host_is_an_exception(data: Any) -> None:
    for codec in (SWITCH, RegistryValue("Size", parse=int), RegistryValue("Path", parse=CaseInsensitive),
                  RegistryValue("List", parse=lambda d: tuple(d.split(",")))):
        codec.read(data)


def test_a_piece_of_pieces_is_written_where_one_of_them_says_something() -> None:
    """And read again it is the same; what nothing is said of has no piece."""
    inner = RuleStringCodec({"a": (Text("A"), None), "b": (Text("B"), None)}, "A B")
    nested = Nested("Criteria", inner, "v2.31")
    assert list(nested.write(None, None)) == []
    assert list(nested.write("x", None)) == ["Criteria=v2.31|A=x|"]
    assert nested.read(("Criteria=v2.31|A=x|",)) == (("x", None), ())
    assert nested.read(("Criteria=v2.31|A=x|Future=1|",)) == ((None, None), ("Criteria=v2.31|A=x|Future=1|",))
